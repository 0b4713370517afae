# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The tile program of seq.linear_attention on the CPU, against the recurrence in float64.

Its error may be 1.5 times that of the recurrence in float32, on the same rounded inputs, whose outputs are rounded as the
kernel's: what the chunked form and the roundings of its products add.
"""

import functools

import numpy as np
import pytest

import cpu
import support

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists() or not support.has_tool("longwing-opt"),
                                reason="longwing-cpu-test or longwing-opt is not built")


def model(dtype, key_heads, heads, key_dim, value_dim, decay=None, dt=None, bias=False, skip=False, gate=False,
          init=False, state=False, bonus=False, packed=False, attributes=""):
    """The model's text, and the names of its arguments. `decay` is the type of the decays, "head" or "step" for short; `dt` its
    element type."""
    bh, qk = f"?x?x{heads}", f"tensor<?x?x{key_heads}x{key_dim}x{dtype}>"
    v, s = f"tensor<{bh}x{value_dim}x{dtype}>", f"tensor<?x{heads}x{key_dim}x{value_dim}xf32>"
    head = f"tensor<{heads}xf32>"
    arguments = {"q": qk, "k": qk, "v": v}
    clauses = []
    if decay:
        arguments["decay"] = {"head": head, "step": f"tensor<{bh}xf32>"}.get(decay, decay)
        clauses.append(f"decay(%decay : {arguments['decay']})")
    if dt:
        arguments.update(dt=f"tensor<{bh}x{dt}>", a=head)
        clauses.append(f"dt(%dt : {arguments['dt']}, %a : {head})")
    for name, wanted, type in [("bias", bias, head), ("bonus", bonus, f"tensor<{heads}x{key_dim}xf32>"), ("skip", skip, head), ("gate", gate, v), ("init", init, s),
                               ("offsets", packed, "tensor<?xi32>")]:
        if wanted:
            arguments[name] = type
            clauses.append(f"{name}(%{name} : {type})")
    results = f"{v}, {s}" if state else v
    signature = ", ".join(f"%{name}: {type}" for name, type in arguments.items())
    text = f"""func.func @main({signature}) -> ({results}) {{
  %o{", %last" if state else ""} = seq.linear_attention %q, %k, %v {" ".join(clauses)} {{{attributes}}}
      : {qk}, {qk}, {v} -> {results}
  return %o{", %last" if state else ""} : {results}
}}"""
    return text, list(arguments)


def inputs(names, dtype, batch, length, key_heads, heads, key_dim, value_dim, dt="f32", seed=0):
    rng = np.random.default_rng(seed)
    make = {
        "q": lambda: cpu.cast(rng.standard_normal((batch, length, key_heads, key_dim)), dtype),
        "k": lambda: cpu.cast(rng.standard_normal((batch, length, key_heads, key_dim)), dtype),
        "v": lambda: cpu.cast(rng.standard_normal((batch, length, heads, value_dim)), dtype),
        "gate": lambda: cpu.cast(rng.standard_normal((batch, length, heads, value_dim)), dtype),
        "init": lambda: rng.standard_normal((batch, heads, key_dim, value_dim)).astype(np.float32),
        "bonus": lambda: rng.standard_normal((heads, key_dim)).astype(np.float32),
        "skip": lambda: rng.standard_normal(heads).astype(np.float32),
        "a": lambda: -rng.uniform(1, 16, heads).astype(np.float32),
        "bias": lambda: rng.uniform(-5, -2, heads).astype(np.float32),
        "dt": lambda: cpu.cast(rng.standard_normal((batch, length, heads)), dt or "f32"),
    }
    return {name: make[name]() for name in names if name in make}


def recurrence(values, real, softplus=False, scale=1.0):
    """o and the last state, step by step in the type `real`. An absent tensor is not in `values`."""
    x = {name: cpu.to_float64(value).astype(real) for name, value in values.items()}
    q, k, v = x["q"], x["k"], x["v"]
    batch, length, key_heads, key_dim = q.shape
    heads, value_dim = v.shape[2:]
    q, k = (np.repeat(t, heads // key_heads, axis=2) for t in (q, k))
    factor = np.ones((batch, length, heads, 1), real)
    if "decay" in x:
        decay = x["decay"]
        if decay.ndim % 2:  # one for each head
            decay = decay[..., None]
        decay = np.repeat(decay, heads // decay.shape[-2], axis=-2)
        factor = np.broadcast_to(np.exp(decay), (batch, length, *decay.shape[-2:]))
    if "dt" in x:
        d = x["dt"] + x.get("bias", real(0))
        d = np.logaddexp(d, real(0)) if softplus else d
        factor = np.exp(x["a"] * d)[..., None]
        k = k * d[..., None]
    state = x.get("init", np.zeros((batch, heads, key_dim, value_dim), real)).copy()
    o = np.empty((batch, length, heads, value_dim), real)
    for t in range(length):
        now = k[:, t, :, :, None] * v[:, t, :, None, :]
        before, state = state, state * factor[:, t, :, :, None] + now
        seen = before + x["bonus"][:, :, None] * now if "bonus" in x else state
        o[:, t] = np.einsum("bhk,bhkv->bhv", q[:, t], seen)
    o = o * real(scale)
    if "skip" in x:
        o = o + x["skip"][:, None] * v
    if "gate" in x:
        o = o * x["gate"] / (1 + np.exp(-x["gate"]))
    return o, state


@functools.lru_cache(maxsize=64)
def lowered(text, options=""):
    configure = f"seq-configure{{{options}}}" if options else "seq-configure"
    passes = f"builtin.module(seq-verify-target,{configure},seq-to-tile,canonicalize,cse,tile-to-cpu)"
    result = support.run_tool("longwing-opt", "-", f"--pass-pipeline={passes}", stdin=text)
    return cpu.Program(result.stdout, lowered=True)


def distance(x, exact):
    return np.sqrt(np.mean((cpu.to_float64(x) - exact) ** 2))


def check(text, values, dtype, options="", **meaning):
    check_all(text, [values], dtype, options, **meaning)


def check_all(text, samples, dtype, options="", **meaning):
    """The errors of all samples together: one step of one head has one score, whose rounding is no average."""
    errors, reference = [], []
    for values in samples:
        results = lowered(text, options)(*values.values())
        exact, exact_state = recurrence(values, np.float64, **meaning)
        single, single_state = recurrence(values, np.float32, **meaning)
        assert cpu.dtype_of(results[0]) == dtype and results[0].shape == exact.shape
        if exact.size:
            errors.append(distance(results[0], exact))
            reference.append(distance(cpu.cast(single, dtype), exact))
        check_state(results, exact_state)
    assert np.linalg.norm(errors) <= 1.5 * np.linalg.norm(reference)


def check_state(results, exact_state):
    if len(results) > 1 and exact_state.size:
        size = np.sqrt(np.mean(exact_state**2))
        assert distance(results[1], exact_state) <= 1e-5 * size  # as in 32 bits: contributions are not rounded


# ----------------------------------------------------------------------------------------------------------------
# A decay for each key channel
# ----------------------------------------------------------------------------------------------------------------


def channel_case(dtype, decays, key_heads=2, heads=2, value_dim=64, stored="f32", length=None, seed=1, **options):
    """The text and the inputs where `decays` are [L, K], or [K] where they are constant."""
    constant, key_dim = decays.ndim == 1, decays.shape[-1]
    length = length or len(decays)
    shape = f"{key_heads}x{key_dim}" if constant else f"?x?x{key_heads}x{key_dim}"
    text, names = model(dtype, key_heads, heads, key_dim, value_dim, decay=f"tensor<{shape}x{stored}>", state=True, **options)
    values = inputs(names, dtype, 1, length, key_heads, heads, key_dim, value_dim, seed=seed)
    whole = np.stack([decays] * key_heads, axis=-2) if not constant else np.stack([decays] * key_heads)
    order = {name: values.get(name) for name in names}
    order["decay"] = cpu.cast(whole if constant else whole[None], stored)
    return text, order


def decays_of(kind, length, key_dim):
    rng = np.random.default_rng(7)
    return {"none": np.zeros((length, key_dim)),
            "mild": -np.abs(rng.standard_normal((length, key_dim))) * 0.3,
            # One reference does not reach over such a chunk; f16 has none that would.
            "strong": -np.abs(rng.standard_normal((length, key_dim))) * 3,
            # One reference just reaches over such a chunk, all of whose decay is in one half of it.
            "edge": np.where((np.arange(length)[:, None] // 32 + np.arange(key_dim)) % 2, -1e-3, -98 / 32 * np.log(2)),
            # Channels that forget at once beside ones that never do, at some steps only.
            "mixed": np.where(rng.uniform(size=(length, key_dim)) < 0.1, -50.0, -0.001),
            "all": np.full((length, key_dim), -50.0)}[kind]


@pytest.mark.parametrize("kind", ["none", "mild", "edge", "strong", "mixed", "all"])
@pytest.mark.parametrize("dtype, stored, bonus", [("bf16", "bf16", False), ("bf16", "f32", True), ("f16", "f16", True)])
def test_channels(dtype, stored, bonus, kind):
    text, values = channel_case(dtype, decays_of(kind, 70, 16), stored=stored, bonus=bonus, init=True)
    check(text, values, dtype)


@pytest.mark.parametrize("length", [1, 63, 64, 65])
def test_channels_of_groups(length):
    """Two heads for each key head, and all else there is."""
    cases = [channel_case("bf16", decays_of("mild", length, 32), stored="bf16", heads=4, gate=True, skip=True, init=True,
                          attributes="scale = 0.5 : f64", seed=seed) for seed in range(1, 33 if length == 1 else 2)]
    check_all(cases[0][0], [values for _, values in cases], "bf16", scale=0.5)


@pytest.mark.parametrize("channels", [False, True])
def test_one_step_of_an_open_length(channels):
    """It has one score for each head: nothing is rounded but the outputs."""
    options = dict(gate=True, skip=True, init=True)
    if channels:
        text, values = channel_case("bf16", decays_of("mild", 1, 64), stored="bf16", heads=4, **options)
    else:
        text, names = model("bf16", 2, 4, 64, 64, dt="bf16", state=True, **options)
        values = inputs(names, "bf16", 2, 1, 2, 4, 64, 64, dt="bf16")
        values["dt"] = cpu.cast(np.abs(cpu.to_float64(values["dt"])), "bf16")
    o, state = lowered(text)(*values.values())
    exact, exact_state = recurrence(values, np.float64)
    assert distance(o, exact) <= 1.01 * distance(cpu.cast(exact, "bf16"), exact)
    check_state([o, state], exact_state)


@pytest.mark.parametrize("kind", ["none", "mild", "all"])
def test_constant_channels(kind):
    text, values = channel_case("bf16", decays_of(kind, 1, 16)[0], length=70, bonus=True, init=True)
    check(text, values, "bf16")


@pytest.mark.parametrize("dtype, stored, key_dim, value_dim, key_heads, constant, reverse", [
    ("bf16", "f32", 16, 64, 1, False, False),
    # Two panels of keys, of which the second is narrow, and two blocks of values; backwards.
    ("f16", "f16", 72, 136, 1, False, True),
    ("bf16", "f32", 72, 24, 3, True, False)])
def test_segments_of_channels(dtype, stored, key_dim, value_dim, key_heads, constant, reverse):
    """Key panels are what a warpgroup has in the pass that makes the states of segments."""
    decays = np.where(np.arange(key_dim) % 2, -0.5, -0.001) if constant else decays_of("mixed", 2100, key_dim)
    heads = max(key_heads, 2)
    text, values = channel_case(dtype, decays, key_heads, heads, value_dim, stored, length=2100, init=key_dim <= 64,
                                attributes="reverse" if reverse else "")
    exact = {name: x[:, ::-1] if reverse and (name in "qkv" or (name == "decay" and not constant)) else x
             for name, x in values.items()}
    o, state = lowered(text)(*values.values())
    real, real_state = recurrence(exact, np.float64)
    single, _ = recurrence(exact, np.float32)
    o = o[:, ::-1] if reverse else o
    assert distance(o, real) <= 1.5 * distance(cpu.cast(single, dtype), real)
    check_state([o, state], real_state)


@pytest.mark.parametrize("forgets", [True, False])
def test_channels_that_forget(forgets):
    """Where one channel does not, all of the head walks the whole segment."""
    decays = np.full((2100, 16), -0.1)
    decays[:, 7] = -0.1 if forgets else 0
    text, values = channel_case("bf16", decays, length=2100, init=True)
    check(text, values, "bf16")
    values["v"][:, :100] = cpu.cast(np.array(np.nan), "bf16")
    o, _ = lowered(text)(*values.values())
    assert np.isfinite(cpu.to_float64(o)[:, 17 * 64:]).all() == forgets


# ----------------------------------------------------------------------------------------------------------------
# Families
# ----------------------------------------------------------------------------------------------------------------

SSD = dict(bias=True, skip=True, gate=True, init=True, state=True, attributes="softplus")


@pytest.mark.parametrize("batch, length", [(2, 150), (2, 64), (2, 65), (2, 63)])
def test_ssd(batch, length):
    """Two chunks and a ragged one, exactly one, one step more and one less; all that SSD has."""
    text, names = model("bf16", 1, 4, 128, 64, dt="bf16", **SSD)
    check(text, inputs(names, "bf16", batch, length, 1, 4, 128, 64, dt="bf16"), "bf16", softplus=True)


@pytest.mark.parametrize("length", [1, 300])
def test_groups_that_do_not_fill_a_cta(length):
    """Three heads for each of two key heads, values of 40 columns: warpgroups without a head, tiles with padding."""
    text, names = model("bf16", 2, 6, 24, 40, dt="f32", state=True)
    values = inputs(names, "bf16", 2, length, 2, 6, 24, 40)
    values["dt"] = np.abs(values["dt"])
    check(text, values, "bf16")


@pytest.mark.parametrize("dtype, decay", [("bf16", None), ("f16", None), ("bf16", "head"), ("bf16", "step")])
@pytest.mark.parametrize("length", [130, 256])
def test_decays(dtype, decay, length):
    """Two blocks of value columns of each head; a scale."""
    text, names = model(dtype, 2, 2, 64, 128, decay=decay, state=True, attributes="scale = 0.125 : f64")
    values = inputs(["q", "k", "v"], dtype, 1, length, 2, 2, 64, 128)
    rng = np.random.default_rng(1)
    if decay == "head":
        values["decay"] = np.array([-0.01, -0.5], np.float32)
    if decay == "step":
        values["decay"] = -rng.exponential(0.3, (1, length, 2)).astype(np.float32)
    check(text, values, dtype, scale=0.125)


@pytest.mark.parametrize("decay", [0.0, -0.001, -50.0])
def test_extreme_decays(decay):
    """Nothing decays, slowly, or at once. What decays slowly is accumulated for long: it may not be rounded on the way."""
    text, names = model("bf16", 1, 2, 64, 64, decay="step", state=True)
    values = inputs(["q", "k", "v"], "bf16", 1, 320, 1, 2, 64, 64)
    values["decay"] = np.full((1, 320, 2), decay, np.float32)
    check(text, values, "bf16")


@pytest.mark.parametrize("scale", [-0.5, 0.0])
def test_scale_that_is_no_exponent(scale):
    text, names = model("bf16", 1, 2, 64, 64, attributes=f"scale = {scale} : f64")
    check(text, inputs(names, "bf16", 1, 100, 1, 2, 64, 64), "bf16", scale=scale)


def test_future_is_not_seen():
    """Exponents of what lies ahead overflow; they are not used."""
    text, names = model("bf16", 1, 2, 64, 64, decay="step")
    values = inputs(["q", "k", "v"], "bf16", 1, 64, 1, 2, 64, 64)
    values["decay"] = np.full((1, 64, 2), -80, np.float32)
    [o] = lowered(text)(*values.values())
    assert np.isfinite(cpu.to_float64(o)).all()


def test_state_continues():
    """A sequence in two parts, the second from the state of the first: the kernel's state is not rounded to 16 bits."""
    text, names = model("bf16", 1, 2, 64, 64, decay="step", init=True, state=True)
    values = inputs(["q", "k", "v", "init"], "bf16", 1, 200, 1, 2, 64, 64)
    init = values.pop("init")
    values["decay"] = np.full((1, 200, 2), -0.05, np.float32)
    whole = lowered(text)(*values.values(), init)
    first = lowered(text)(*(x[:, :128] for x in values.values()), init)
    second = lowered(text)(*(x[:, 128:] for x in values.values()), first[1])
    np.testing.assert_array_equal(second[0], whole[0][:, 128:])
    np.testing.assert_array_equal(second[1], whole[1])


@pytest.mark.parametrize("decay, length", [("head", 2100), ("step", 4200)])
def test_segments(decay, length):
    """Long enough for two segments or four, of which the last is ragged: the first hand their states on, the longer
    ones in two pieces."""
    text, names = model("bf16", 1, 2, 16, 64, decay=decay, init=True, state=True)
    values = inputs(["q", "k", "v", "init"], "bf16", 1, length, 1, 2, 16, 64)
    init = values.pop("init")
    values["decay"] = np.array([-0.001, -0.01], np.float32)
    if decay == "step":
        values["decay"] = np.broadcast_to(values["decay"], (1, length, 2)).copy()
    check(text, {**values, "init": init}, "bf16")


@pytest.mark.parametrize("batch, length", [(2, 1000), (1, 2100), (2, 3200)])
def test_segments_of_other_kernels_than_whole_sequences(batch, length):
    """Without an initial state segments are three warpgroups': of five heads one of two CTAs has a warpgroup without any."""
    text, names = model("bf16", 1, 5, 32, 64, dt="bf16", bias=True, skip=True, state=True, attributes="softplus")
    check(text, inputs(names, "bf16", batch, length, 1, 5, 32, 64, dt="bf16"), "bf16", softplus=True)


def forgetting(length, reverse=False):
    """Five heads and their decays: one forgets in some chunks, and one at each step, both of one CTA; one never, one after a long
    pause, and one after half a segment, when it is not worth while any more."""
    text, names = model("bf16", 1, 5, 16, 64, decay="step", init=True, state=True, attributes="reverse" if reverse else "")
    values = inputs(["q", "k", "v", "init"], "bf16", 1, length, 1, 5, 16, 64)
    decay = np.empty((1, length, 5), np.float32)
    decay[:] = [-0.1, -1e30, 0, 0, -0.05]
    decay[:, :300, 3] = -5
    values["decay"] = decay
    return text, {name: values[name] for name in names}


@pytest.mark.parametrize("reverse", [False, True])
def test_states_that_forget(reverse):
    """What has decayed by 2^-40 at the end of a segment is not taken up. Backwards the first segment in time is the ragged one."""
    text, values = forgetting(2100, reverse)
    check_sequences(text, values, "bf16", reverse=reverse)


def test_packed_states_that_forget():
    _, values = forgetting(2100)
    values["init"] = np.repeat(values["init"], 3, axis=0)
    text, names = model("bf16", 1, 5, 16, 64, decay="step", init=True, state=True, packed=True)
    check_sequences(text, values, "bf16", [0, 3, 2050, 2100])


def test_what_is_forgotten_does_not_matter():
    """Steps that the states of segments no longer know are no numbers: only heads that know them see it."""
    text, values = forgetting(2100)
    values["v"][:, :100] = cpu.cast(np.array(np.nan), "bf16")
    o, _ = lowered(text)(*values.values())
    finite = np.isfinite(cpu.to_float64(o)[:, 17 * 64:]).all((0, 1, 3))
    assert finite.tolist() == [True, True, False, False, False]


# ----------------------------------------------------------------------------------------------------------------
# Sequences in both directions, and several in one
# ----------------------------------------------------------------------------------------------------------------


def over_sequences(values, real, offsets=None, reverse=False, **meaning):
    """o and the last state of each sequence; a state is one of each, what varies with time is cut."""
    length = values["q"].shape[1]
    o, states = None, []
    for number, (begin, end) in enumerate([(0, length)] if offsets is None else zip(offsets[:-1], offsets[1:])):
        times = slice(begin, end)
        varying = {n for n, x in values.items() if n != "init" and x.ndim > 2}
        part = {n: x[:, times][:, ::-1] if reverse and n in varying else x[:, times] if n in varying else x
                for n, x in values.items()}
        if offsets is not None:
            part["init"] = values["init"][number:number + 1]
        out, state = recurrence(part, real, **meaning)
        o = np.zeros((out.shape[0], length, *out.shape[2:]), real) if o is None else o
        o[:, times] = out[:, ::-1] if reverse else out
        states.append(state)
    return o, np.concatenate(states)


def check_sequences(text, values, dtype, offsets=None, **meaning):
    packed = [] if offsets is None else [np.array(offsets, np.int32)]
    o, state = lowered(text)(*values.values(), *packed)
    exact, exact_state = over_sequences(values, np.float64, offsets, **meaning)
    single, _ = over_sequences(values, np.float32, offsets, **meaning)
    assert distance(o, exact) <= 1.5 * distance(cpu.cast(single, dtype), exact)
    check_state([o, state], exact_state)


def family(name, length, sequences=1, **options):
    """SSD, retention and decays by channel, with all that they have: the model and inputs of some steps."""
    arguments, dims, kind = {
        "ssd": (dict(dt="f32", bias=True, skip=True, gate=True, attributes="softplus"), (1, 2, 32, 64), None),
        "retention": (dict(decay="head"), (2, 2, 32, 64), -0.05),
        "mild": (dict(decay="tensor<?x?x2x32xbf16>"), (2, 2, 32, 64), 0.3),
        "strong": (dict(decay="tensor<?x?x2x32xbf16>", bonus=True), (2, 2, 32, 64), 3),
        "constant": (dict(decay="tensor<2x32xf32>", bonus=True), (2, 2, 32, 64), 0.3)}[name]
    arguments = {**arguments, **options}
    attributes = ", ".join(x for x in (arguments.pop("attributes", ""), "reverse" if arguments.pop("reverse", False) else "") if x)
    text, names = model("bf16", *dims, init=True, state=True, attributes=attributes, **arguments)
    values = inputs(names, "bf16", 1, length, *dims)
    values["init"] = inputs(["init"], "bf16", sequences, length, *dims)["init"]
    rng = np.random.default_rng(3)
    if name == "retention":
        values["decay"] = np.array([-0.01, -0.5], np.float32)
    elif name != "ssd":
        shape = (2, 32) if name == "constant" else (1, length, 2, 32)
        values["decay"] = cpu.cast(-np.abs(rng.standard_normal(shape)) * kind, "f32" if name == "constant" else "bf16")
    order = [n for n in names if n != "offsets"]
    return text, {n: values[n] for n in order}, {"softplus": True} if name == "ssd" else {}


@pytest.mark.parametrize("name", ["ssd", "retention", "mild", "strong", "constant"])
def test_backwards(name):
    """Whole chunks and a ragged one, which is the first in time."""
    text, values, meaning = family(name, 150, reverse=True)
    check_sequences(text, values, "bf16", reverse=True, **meaning)


OFFSETS = [0, 1, 1, 70, 134, 150]  # of one step, of none, of more than a chunk, of one, and less


@pytest.mark.parametrize("name, reverse", [("ssd", False), ("retention", True), ("mild", False), ("strong", True),
                                           ("constant", False)])
def test_packed(name, reverse):
    text, values, meaning = family(name, 150, len(OFFSETS) - 1, packed=True, reverse=reverse)
    check_sequences(text, values, "bf16", OFFSETS, reverse=reverse, **meaning)


def test_neighbours_of_packed_sequences():
    """What is no number in one sequence stays there."""
    text, values, _ = family("mild", 150, 2, packed=True)
    for name in ("q", "k", "v", "decay"):
        values[name][:, 70:] = cpu.cast(np.array(np.nan), "bf16")
    o, state = lowered(text)(*values.values(), np.array([0, 70, 150], np.int32))
    assert np.isfinite(cpu.to_float64(o[:, :70])).all() and np.isfinite(state[0]).all()


@pytest.mark.parametrize("reverse", [False, True])
def test_packed_segments(reverse):
    """Long sequences are cut into segments, of which short ones leave some empty."""
    offsets = [0, 10, 4250]
    text, values, _ = family("retention", 4250, 2, packed=True, reverse=reverse)
    check_sequences(text, values, "bf16", offsets, reverse=reverse)


@pytest.mark.parametrize("batch, length", [(0, 64), (1, 0)])
def test_empty(batch, length):
    text, names = model("bf16", 1, 2, 64, 64, init=True, state=True)
    values = inputs(names, "bf16", batch, length, 1, 2, 64, 64)
    o, state = lowered(text)(*values.values())
    assert o.shape == (batch, length, 2, 64)
    np.testing.assert_array_equal(state, values["init"])
