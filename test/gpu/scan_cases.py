# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The recurrent kernels of these tests, their inputs, and what they are measured against: NumPy, so that none of it
needs a card.

The formulas are those of test/python/scans.py. A kernel may err by half more than the same formula in float32 on the
same rounded inputs does, whose output is rounded to the element type.
"""

import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import cpu  # noqa: E402
import scans  # noqa: E402

# By name: the function of longwing.models and its arguments.
MODELS = {
    "scan_linear": ("scan", dict(channels=256, element="bf16", decay_element="bf16", states=True)),
    "scan_log": ("scan", dict(channels=256, form="log", element="bf16", decay_element="f32", states=True)),
    "scan_log_f32": ("scan", dict(channels=256, form="log", states=True)),
    "scan_constant": ("scan", dict(channels=256, form="log", constant=True, element="f16", states=True)),
    "scan_complex": ("scan", dict(channels=128, form="log", constant=True, complex=True, states=True)),
    "scan_complex_linear": ("scan", dict(channels=128, complex=True, reverse=True, states=True)),
    "scan_complex_log": ("scan", dict(channels=130, form="log", complex=True)),
    "scan_complex_packed": ("scan", dict(channels=128, form="log", complex=True, packed=True, states=True)),
    "scan_reverse": ("scan", dict(channels=256, element="bf16", decay_element="bf16", reverse=True, states=True)),
    "scan_packed": ("scan", dict(channels=256, element="bf16", decay_element="bf16", packed=True, states=True)),
    "wkv": ("scan", dict(channels=256, form="wkv", element="bf16", states=True)),
    "wkv_packed": ("scan", dict(channels=256, form="wkv", element="bf16", packed=True, states=True)),
    "s6": ("selective_scan", dict(channels=256, state_size=16, skip=True, gate=True, bias=True, softplus=True, states=True)),
    "s6_plain": ("selective_scan", dict(channels=256, state_size=16)),
    "s6_odd": ("selective_scan", dict(channels=256, state_size=24, softplus=True, states=True)),
    "s6_padded": ("selective_scan", dict(channels=256, state_size=56, skip=True, gate=True, softplus=True, states=True)),
    "s6_many": ("selective_scan", dict(channels=256, state_size=200, softplus=True, states=True)),
    "s6_f32": ("selective_scan", dict(channels=256, state_size=16, element="f32", states=True)),
    "s6_groups": ("selective_scan", dict(channels=256, state_size=64, groups=2, softplus=True, states=True)),
    "s6_complex": ("selective_scan", dict(channels=256, state_size=8, complex=True, softplus=True, states=True)),
    "s6_complex_f32": ("selective_scan", dict(channels=256, state_size=16, element="f32", complex=True, skip=True, gate=True,
                                              bias=True, softplus=True, states=True)),
    "s6_complex_packed": ("selective_scan", dict(channels=256, state_size=32, complex=True, softplus=True, packed=True,
                                                 states=True)),
    "s6_packed_reverse": ("selective_scan", dict(channels=256, state_size=16, softplus=True, packed=True, reverse=True,
                                                 states=True)),
    "s6_reverse": ("selective_scan", dict(channels=256, state_size=16, softplus=True, reverse=True, states=True)),
    "s6_packed": ("selective_scan", dict(channels=256, state_size=16, softplus=True, packed=True, states=True)),
    "linear": ("linear_attention", dict(heads=4, head_dim=64, states=True)),
    "retention": ("linear_attention", dict(heads=4, head_dim=128, decay="head", scale=128**-0.5, states=True)),
    "gated": ("linear_attention", dict(heads=4, head_dim=128, decay="step", element="f16", states=True)),
    "ssd": ("linear_attention", dict(heads=4, head_dim=128, key_heads=1, value_dim=64, decay="dt", bias=True,
                                     softplus=True, skip=True, gate=True, decay_element="bf16", states=True)),
    "ssd_plain": ("linear_attention", dict(heads=5, head_dim=128, key_heads=1, value_dim=64, decay="dt", bias=True,
                                           softplus=True, skip=True, decay_element="bf16")),
    "ssd_many": ("linear_attention", dict(heads=66, head_dim=16, key_heads=1, value_dim=16, decay="dt", bias=True, softplus=True)),
    "ssd_n64": ("linear_attention", dict(heads=4, head_dim=64, key_heads=2, decay="dt", bias=True, softplus=True,
                                         states=True)),
    "gla": ("linear_attention", dict(heads=4, head_dim=64, decay="channel", states=True)),
    "rwkv6": ("linear_attention", dict(heads=4, head_dim=64, decay="channel", bonus=True, states=True)),
    "gla_wide": ("linear_attention", dict(heads=4, head_dim=128, decay="channel", decay_element="bf16")),
    "rwkv6_f16": ("linear_attention", dict(heads=4, head_dim=64, decay="channel", element="f16", decay_element="f16", bonus=True,
                                           states=True)),
    "gla_gate": ("linear_attention", dict(heads=4, head_dim=64, decay="channel", decay_element="bf16", gate=True, skip=True,
                                          states=True)),
    "linear_reverse": ("linear_attention", dict(heads=4, head_dim=64, decay="step", reverse=True, states=True)),
    "linear_packed": ("linear_attention", dict(heads=4, head_dim=64, decay="step", packed=True, states=True)),
    "ssd_packed": ("linear_attention", dict(heads=4, head_dim=128, key_heads=1, value_dim=64, decay="dt", bias=True, packed=True,
                                            softplus=True, skip=True, gate=True, decay_element="bf16", states=True)),
    "retention_reverse": ("linear_attention", dict(heads=4, head_dim=128, decay="head", scale=128**-0.5, reverse=True, states=True)),
    "gla_reverse": ("linear_attention", dict(heads=4, head_dim=64, decay="channel", decay_element="bf16", reverse=True, states=True)),
    "rwkv6_packed": ("linear_attention", dict(heads=4, head_dim=64, decay="channel", decay_element="bf16", bonus=True, packed=True,
                                              states=True)),
    **{f"{name}_step": (builder, {**{key: value for key, value in arguments.items() if key != "states"}, "step": True})
       for name, builder, arguments in [
           ("scan", "scan", dict(channels=256, form="log", element="bf16", decay_element="f32")),
           ("wkv", "scan", dict(channels=256, form="wkv", element="bf16")),
           ("complex", "scan", dict(channels=128, form="log", constant=True, complex=True)),
           ("s6", "selective_scan", dict(channels=256, state_size=16, skip=True, gate=True, bias=True, softplus=True)),
           ("retention", "linear_attention", dict(heads=4, head_dim=128, decay="head", scale=128**-0.5)),
           ("ssd", "linear_attention", dict(heads=4, head_dim=128, key_heads=1, value_dim=64, decay="dt", bias=True,
                                            softplus=True, skip=True, gate=True, decay_element="bf16")),
           ("gla", "linear_attention", dict(heads=4, head_dim=64, decay="channel"))]},
}
# Each step kernel, and the kernel whose results it makes one by one.
STEPS = {"scan_step": "scan_log", "wkv_step": "wkv", "complex_step": "scan_complex", "s6_step": "s6", "retention_step": "retention", "ssd_step": "ssd",
         "gla_step": "gla"}
# Decays: mild ones, exactly none, and such that nothing is left.
KINDS = ("mild", "none", "all")


class Case:
    """The inputs of a model, in the order of its arguments, and its exact results."""

    def __init__(self, name, batch=2, length=65, offsets=None, kind="mild", seed=0):
        self.builder, self.options = MODELS[name]
        self.element = self.options.get("element", "f32" if self.builder == "scan" else "bf16")
        if offsets is not None:
            batch, length = 1, offsets[-1]
        self.batch, self.length, self.offsets, self.kind = batch, length, offsets, kind
        self.sequences = batch if offsets is None else len(offsets) - 1
        self.random = np.random.default_rng(seed)
        self.names, self.stored, self.exact = [], [], {}
        {"scan": self._scan, "selective_scan": self._selective, "linear_attention": self._linear}[self.builder]()

    # Inputs.

    def _keep(self, name, array, dtype=None):
        complex_ = np.iscomplexobj(array)
        stored = cpu.cast(scans.pairs(array) if complex_ else array, dtype or self.element)
        exact = cpu.to_float64(stored)
        self.names.append(name)
        self.stored.append(stored)
        self.exact[name] = exact[..., 0] + 1j * exact[..., 1] if complex_ else exact

    def _normal(self, *shape):
        return self.random.standard_normal(shape)

    def _varying(self, name, *shape, dtype=None):
        self._keep(name, self._normal(self.batch, self.length, *shape), dtype)

    def _decays(self, *shape):
        return {"mild": -np.abs(self._normal(*shape)) * 0.3, "none": np.zeros(shape), "all": np.full(shape, -50.0),
                "mixed": np.broadcast_to(np.resize([-0.3, -1e3, -0.02, 0.0, -1e-4, -5.0, -0.1], shape[-1]), shape)}[self.kind]

    def _end(self, *state, complex_=False):
        if self.options.get("states") or self.options.get("step"):
            start = self._normal(self.sequences, *state)
            self._keep("init", start + 1j * self._normal(self.sequences, *state) if complex_ else start, "f32")
        if self.offsets is not None:
            self.names.append("offsets")
            self.stored.append(np.array(self.offsets, np.int32))

    def _scan(self):
        o, channels = self.options, self.options["channels"]
        form, complex_ = o.get("form", "linear"), o.get("complex", False)
        if form == "wkv":
            self._keep("w", self._decays(channels), "f32")
            self._varying("v", channels)
            self._varying("k", channels)
            self._keep("u", self._normal(channels), "f32")
            self._keep("init", np.stack([self._normal(self.sequences, channels),
                                         np.exp(self._normal(self.sequences, channels)),
                                         self._normal(self.sequences, channels)], 1), "f32")
            if self.offsets is not None:
                self.names.append("offsets")
                self.stored.append(np.array(self.offsets, np.int32))
            return
        shape = (channels,) if o.get("constant") else (self.batch, self.length, channels)
        a = self._decays(*shape) + (1j * self._normal(*shape) if complex_ else 0)
        self._keep("a", np.exp(a) if form == "linear" else a, "f32" if o.get("constant") else o.get("decay_element"))
        b = self._normal(self.batch, self.length, channels)
        self._keep("b", b + 1j * self._normal(*b.shape) if complex_ else b)
        self._end(channels, complex_=complex_)

    def _selective(self):
        o, channels, n = self.options, self.options["channels"], self.options["state_size"]
        complex_, groups = o.get("complex", False), o.get("groups", 1)
        self._varying("u", channels)
        delta = self._normal(self.batch, self.length, channels)
        self._keep("delta", delta if o.get("softplus") else np.abs(delta) * 0.5)
        rates = {"mild": -np.abs(self._normal(channels, n)), "none": np.zeros((channels, n)),
                 "fast": -1 - np.abs(self._normal(channels, n)), "all": np.full((channels, n), -100.0)}[self.kind]
        self._keep("a", rates + 1j * self._normal(channels, n) if complex_ else rates, "f32")
        for name in "bc":
            x = self._normal(self.batch, self.length, groups, n)
            self._keep(name, x + 1j * self._normal(*x.shape) if complex_ else x)
        if o.get("skip"):
            self._keep("skip", self._normal(channels), "f32")
        if o.get("gate"):
            self._varying("gate", channels)
        if o.get("bias"):
            self._keep("bias", self._normal(channels), "f32")
        self._end(channels, n, complex_=complex_)

    def _linear(self):
        o, heads, head_dim = self.options, self.options["heads"], self.options["head_dim"]
        key_heads, value_dim = o.get("key_heads", heads), o.get("value_dim", head_dim)
        decay, decay_element = o.get("decay"), o.get("decay_element", "f32")
        self._varying("q", key_heads, head_dim)
        # Keys of length 1, as layers before these models make them.
        self._keep("k", self._normal(self.batch, self.length, key_heads, head_dim) / np.sqrt(head_dim))
        self._varying("v", heads, value_dim)
        if decay == "dt":
            self._varying("dt", heads, dtype=decay_element)
            self._keep("a", self._decays(heads), "f32")
        elif decay:
            shape = {"head": (heads,), "step": (self.batch, self.length, heads),
                     "channel": (self.batch, self.length, key_heads, head_dim)}[decay]
            self._keep("decay", self._decays(*shape), "f32" if decay == "head" else decay_element)
        if o.get("bias"):
            self._keep("bias", self._normal(heads), "f32")
        if o.get("bonus"):
            self._keep("bonus", self._normal(heads, head_dim), "f32")
        if o.get("skip"):
            self._keep("skip", self._normal(heads), "f32")
        if o.get("gate"):
            self._varying("gate", heads, value_dim)
        self._end(heads, head_dim, value_dim)

    # Results.

    def results(self, single=False):
        """y and the final states, in float64 or in float32 (`single`)."""
        e = {name: x.astype(np.complex64 if np.iscomplexobj(x) else np.float32) if single else x
             for name, x in self.exact.items()}
        o = self.options
        pick = lambda *names: {name: e[name] for name in names if name in e}  # noqa: E731
        common = dict(init=e.get("init"), offsets=self.offsets, reverse=o.get("reverse", False))
        if self.builder == "scan" and o.get("form") == "wkv":
            return scans.over_sequences(scans.wkv, {"b": e["v"], "key": e["k"]}, decay=e["w"], bonus=e["u"], **common)
        if self.builder == "scan":
            varying = pick("b") if o.get("constant") else pick("a", "b")
            return scans.over_sequences(scans.scan, varying, constant=e["a"] if o.get("constant") else None,
                                        log=o.get("form") == "log", **common)
        if self.builder == "selective_scan":
            return scans.over_sequences(scans.selective_scan, pick("u", "delta", "b", "c", "gate"),
                                        use_softplus=o.get("softplus", False), **pick("a", "skip", "bias"), **common)
        constant = {"constant_decay": e["decay"]} if o.get("decay") == "head" else {}
        varying = pick("q", "k", "v", "dt", "gate", *(() if constant else ("decay",)))
        return scans.over_sequences(scans.linear_attention, varying, use_softplus=o.get("softplus", False),
                                    scale=o.get("scale", 1.0), **constant, **pick("a", "bias", "bonus", "skip"), **common)

    def check(self, results):
        """Results of a kernel, as they are stored, against float64."""
        exact, single = self.results(), self.results(single=True)
        y, states = (scans.pairs(x) if np.iscomplexobj(x) else x for x in exact)
        plain = cpu.to_float64(cpu.cast(scans.pairs(single[0]) if np.iscomplexobj(single[0]) else single[0], self.element))
        compare("y", cpu.to_float64(results[0]), y, 1.5 * distance(plain, y) + 1e-6)
        if len(results) == 1:
            return
        state = cpu.to_float64(results[1])
        if self.options.get("form") == "wkv":  # (p, q, m): what counts is p and q times exp(m)
            state = state[:, :2] * np.exp(state[:, 2:])
        # Of 16-bit operands, products may round what they add to a state once more. A decay that is the same at all
        # times errs at all times, in float32 too.
        single_state = scans.pairs(single[1]) if np.iscomplexobj(single[1]) else single[1]
        compare("the state", state, states,
                max(1e-6, 1.5 * distance(single_state, states)) if self.element == "f32" else 2.0**-9)


def distance(x, exact):
    """Relative, in the norm of all elements."""
    norm = np.linalg.norm(exact.ravel())
    return np.linalg.norm((x - exact).ravel()) / norm if norm else float(np.abs(x).max(initial=0))


def compare(what, x, exact, tolerance):
    assert x.shape == exact.shape, f"{what} is {x.shape}, not {exact.shape}"
    assert np.isfinite(x).all(), f"{what} is not finite"
    error = distance(x, exact)
    assert error <= tolerance, f"the error of {what} is {error:.3e}, more than {tolerance:.3e}"
