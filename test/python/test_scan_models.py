# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The recurrent models of examples/ read a text, on the CPU, against NumPy (scans.py).

The bytes of the text are the tokens: each has a vector from a fixed table, and fixed projections of that are what a
model takes. Rates and biases are those that the models begin with.
"""

import functools

import numpy as np
import pytest

import cpu
import scans
from support import EXAMPLES, ROOT

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists(), reason="longwing-cpu-test is not built")

LENGTH = 70


class Reader:
    """Makes the inputs of a model: what is stored, and the same in float64."""

    def __init__(self):
        self.random = np.random.default_rng(2023)
        text = (ROOT / "LICENSE").read_bytes()[:LENGTH]
        self.vectors = self.random.standard_normal((256, 32))[list(text)]
        self.stored, self.exact = [], {}

    def keep(self, name, array, dtype):
        stored = cpu.cast(scans.pairs(array) if np.iscomplexobj(array) else array, dtype)
        exact = cpu.to_float64(stored)
        self.stored.append(stored)
        self.exact[name] = exact[..., 0] + 1j * exact[..., 1] if np.iscomplexobj(array) else exact

    def project(self, name, *shape, dtype="bf16", function=lambda x: x):
        """What a layer makes of the text: [1, L, ...]."""
        weights = self.random.standard_normal((32, int(np.prod(shape)))) / np.sqrt(32)
        self.keep(name, function((self.vectors @ weights).reshape(1, LENGTH, *shape)), dtype)

    def parameter(self, name, array):
        self.keep(name, np.asarray(array, np.complex128 if np.iscomplexobj(array) else np.float64), "f32")


def compare(model, reader, expected, function="main"):
    text = (EXAMPLES / f"{model}.mlir").read_text()
    for precision, tolerance in (("f64", 1e-12), ("f32", 2.0**-8)):
        results = program(text, precision)(*reader.stored, function=function)
        assert len(results) == len(expected)
        for result, exact in zip(results, expected):
            exact = scans.pairs(exact) if np.iscomplexobj(exact) else exact
            error = np.abs(cpu.to_float64(result) - exact)
            assert error.max() <= tolerance * max(1, np.abs(exact).max())


@functools.lru_cache(maxsize=None)
def program(text, precision):
    return cpu.Program(text, precision)


@pytest.mark.parametrize("model, channels", [("mamba", 1536), ("mamba2", 1792)])
def test_short_convolution(model, channels):
    r = Reader()
    r.project("x", channels)
    r.parameter("weights", r.random.standard_normal((channels, 4)))
    r.parameter("bias", r.random.standard_normal(channels))
    padded = np.pad(r.exact["x"], ((0, 0), (3, 0), (0, 0)))
    y = sum(padded[:, j : j + LENGTH] * r.exact["weights"][:, j] for j in range(4)) + r.exact["bias"]
    compare(model, r, [scans.silu(y)], function="conv")


def test_mamba():
    r = Reader()
    r.project("u", 1536)
    r.project("delta", 1536)
    r.parameter("a", -np.tile(np.arange(1, 17), (1536, 1)))
    r.project("b", 1, 16)
    r.project("c", 1, 16)
    r.parameter("skip", np.ones(1536))
    r.project("gate", 1536)
    r.parameter("bias", np.log(np.expm1(np.geomspace(1e-3, 1e-1, 1536))))
    r.parameter("init", np.zeros((1, 1536, 16)))
    e = r.exact
    varying = {name: e[name] for name in ("u", "delta", "b", "c", "gate")}
    compare("mamba", r, scans.over_sequences(scans.selective_scan, varying, e["init"], a=e["a"], skip=e["skip"],
                                             bias=e["bias"], use_softplus=True))


def test_mamba2():
    r = Reader()
    r.project("v", 24, 64)
    r.project("k", 1, 128)
    r.project("q", 1, 128)
    r.project("dt", 24)
    r.project("gate", 24, 64)
    r.parameter("a", -np.linspace(1, 16, 24))
    r.parameter("bias", np.log(np.expm1(np.geomspace(1e-3, 1e-1, 24))))
    r.parameter("skip", np.ones(24))
    e = r.exact
    varying = {name: e[name] for name in ("q", "k", "v", "dt", "gate")}
    compare("mamba2", r, scans.over_sequences(scans.linear_attention, varying, a=e["a"], bias=e["bias"],
                                              skip=e["skip"], use_softplus=True))


def test_retnet():
    r = Reader()
    for name in "qkv":
        r.project(name, 16, 128)
    r.parameter("decay", np.log1p(-(2.0 ** (-5.0 - np.arange(16)))))
    e = r.exact
    o, _ = scans.over_sequences(scans.linear_attention, {name: e[name] for name in "qkv"},
                                constant_decay=e["decay"], scale=128**-0.5)
    compare("retnet", r, [o])


def test_rwkv4():
    r = Reader()
    r.parameter("w", -np.exp(np.linspace(-5, 3, 768)))
    r.parameter("u", np.full(768, np.log(0.3)))
    r.project("k", 768)
    r.project("v", 768)
    e = r.exact
    y, sums = scans.over_sequences(scans.wkv, {"b": e["v"], "key": e["k"]}, decay=e["w"], bonus=e["u"])
    # The state is relative to its greatest exponent, which is for the implementation to choose.
    exponents = cpu.to_float64(program((EXAMPLES / "rwkv4.mlir").read_text(), "f64")(*r.stored)[1])[:, 2:]
    assert exponents.max() < 50 and exponents.min() > -50
    state = np.concatenate([sums / np.exp(exponents), exponents], 1)
    compare("rwkv4", r, [y, state])


def test_rwkv6():
    r = Reader()
    for name in "qkv":
        r.project(name, 12, 64)
    r.project("decay", 12, 64, dtype="f32", function=lambda x: -np.exp(x - 2))
    r.parameter("bonus", r.random.standard_normal((12, 64)))
    e = r.exact
    compare("rwkv6", r, scans.over_sequences(scans.linear_attention, {name: e[name] for name in ("q", "k", "v", "decay")},
                                             bonus=e["bonus"]))


def test_s5():
    r = Reader()
    steps = np.geomspace(1e-3, 1e-1, 256)
    r.parameter("a", steps * (-0.5 + 1j * np.pi * np.arange(256)))
    bu = [r.vectors @ r.random.standard_normal((32, 256)) for _ in range(2)]
    r.keep("b", (bu[0] + 1j * bu[1])[None] * steps, "f32")
    e = r.exact
    both = [scans.over_sequences(scans.scan, {"b": e["b"]}, constant=e["a"], log=True, reverse=reverse)[0]
            for reverse in (False, True)]
    compare("s5", r, both)
