# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Recurrences over channels as tile programs, in order on the CPU, against NumPy in float64."""

import functools
import pathlib
import sys

import numpy as np
import pytest

import cpu
import scan_models as models
import scans
import support

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test" / "gpu"), str(ROOT / "python")]
import longwing.models  # noqa: E402
import scan_cases  # noqa: E402

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists() or not support.has_tool("longwing-opt"),
                                reason="longwing-cpu-test or longwing-opt is not built")


@functools.lru_cache(maxsize=64)
def lowered(text, schedule=""):
    result = support.run_tool(
        "longwing-opt", "-",
        f"--pass-pipeline=builtin.module(seq-verify-target,seq-configure{{{schedule}}},seq-to-tile,tile-to-cpu)",
        stdin=text)
    return cpu.Program(result.stdout, lowered=True)


FLOATS = {"a", "skip", "bias", "init", "bonus"}
# Half a unit in the last place of the result, relative to the largest values.
ROUNDING = {"f16": 2.0**-11, "bf16": 2.0**-8, "f32": 2.0**-20}


def rounded(tensors, dtype, names):
    given = {name: cpu.cast(tensors[name], "f32" if name in FLOATS else dtype) for name in names}
    return given, {name: cpu.to_float64(value) for name, value in given.items()}


def close(result, exact, dtype):
    error = np.abs(cpu.to_float64(result) - exact)
    bound = ROUNDING[dtype] * np.abs(exact) + 2.0**-18 * max(1, np.abs(exact).max())
    assert not np.isnan(error).any() and (error <= bound).all(), f"{(error / bound).max()} of the bound"


def selective_scan_reference(tensors, offsets=None, softplus=True, reverse=False):
    """y and the final states of tensors by name."""
    tensors = dict(tensors)
    constant = tensors["b"].ndim == 2
    varying = {name: tensors.pop(name, None) for name in ("u", "delta", "gate")}
    for name in ("b", "c"):
        table = tensors.pop(name)
        (tensors if constant else varying)[f"constant_{name}" if constant else name] = table
    return scans.over_sequences(scans.selective_scan, varying, offsets=offsets, reverse=reverse,
                                use_softplus=softplus, **tensors)


def run_selective_scan(length, channels=64, states=16, groups=1, dtype="f32", schedule="", batch=2, offsets=None,
                       names=("skip", "gate", "bias"), state=True, rate=1.0, constant=False, **options):
    tensors = models.selective_scan_inputs(np.random.default_rng(length), channels, states, groups, batch, length, rate)
    if constant:
        tensors["b"], tensors["c"] = (np.random.default_rng(i).standard_normal((channels, states)) for i in (1, 2))
    if offsets:
        tensors["init"] = np.random.default_rng(0).standard_normal((len(offsets) - 1, channels, states))
    given, exact = rounded(tensors, dtype, ("u", "delta", "a", "b", "c", *names))
    text = models.selective_scan(channels, states, groups, dtype, state=state, offsets=bool(offsets), constant=constant,
                                **{name: name in names for name in ("skip", "gate", "bias", "init")}, **options)
    arguments = list(given.values()) + ([np.array(offsets, np.int32)] if offsets else [])
    results = lowered(text, schedule)(*arguments)
    expected = selective_scan_reference(exact, offsets, **options)
    close(results[0], expected[0], dtype)
    if state:
        close(results[1], expected[1], "f32")


# A program takes seconds to compile for the CPU, so that they are few, small, and each tests several things.
SMALL = "lanes=8 width=1 steps=16 unroll=8"


@pytest.mark.parametrize("length", [1, 8, 9, 33])
def test_selective_scan(length):
    run_selective_scan(length, channels=24, schedule=SMALL)


def test_selective_scan_from_a_state_backwards_in_groups():
    run_selective_scan(19, channels=32, groups=2, batch=1, dtype="bf16", schedule=SMALL,
                       names=("skip", "gate", "bias", "init"), reverse=True)


def test_selective_scan_whose_coefficients_are_widened():
    """Several tiles, the last one short: b and c go through SRAM as f32. c is not b."""
    run_selective_scan(40, channels=64, dtype="bf16", schedule="lanes=4 width=2 steps=16 unroll=16")


def test_packed_selective_scans():
    """Sequences with states, one empty; what lies behind a sequence does not reach it."""
    names = ("skip", "gate", "bias", "init")
    run_selective_scan(30, channels=16, batch=1, offsets=[0, 1, 1, 19, 30], names=names, schedule=SMALL)
    tensors = models.selective_scan_inputs(np.random.default_rng(0), 16, batch=1, length=30)
    tensors["init"] = np.zeros((2, 16, 16))
    for name in ("u", "delta", "b", "c", "gate"):
        tensors[name][:, 11:] = np.nan
    given, exact = rounded(tensors, "f32", ("u", "delta", "a", "b", "c", *names))
    text = models.selective_scan(16, dtype="f32", init=True, state=True, offsets=True)
    y, last = lowered(text, SMALL)(*given.values(), np.array([0, 11, 30], np.int32))
    expected, final = selective_scan_reference(exact, [0, 11, 30])
    close(y[:, :11], expected[:, :11], "f32")
    close(last[:1], final[:1], "f32")


# How the warps of a cluster do it: in order, a chain of tiles.
CLUSTER = "cluster = 2, consumers = 1, lanes = 1, stages = 1, steps = 4, unroll = 2, width = 1"


@functools.lru_cache(maxsize=64)
def chained(text):
    return cpu.Program(support.run_tool("longwing-opt", "-", "--seq-to-tile", "--tile-to-cpu", stdin=text).stdout,
                       lowered=True)


@pytest.mark.parametrize("cluster", [False, True])
@pytest.mark.parametrize("form, constant, dtype, length", [
    ("linear", False, "bf16", 70), ("log", True, "f16", 9), ("log", False, "f32", 8), ("wkv", True, "f32", 33)])
def test_scan(form, constant, dtype, length, cluster):
    rng = np.random.default_rng(length)
    channels, batch, reverse = 136, 2, form == "log" and constant
    steps = (batch, length, channels)
    tensors = {"a": -rng.uniform(0, 2, channels if constant else steps), "b": rng.standard_normal(steps)}
    if form == "linear":
        tensors["a"] = np.exp(tensors["a"])
    if form == "wkv":
        tensors.update(key=rng.standard_normal(steps) * 3, bonus=rng.standard_normal(channels),
                       init=rng.uniform(0.5, 1, (batch, 3, channels)))
    else:
        tensors["init"] = rng.standard_normal((batch, channels))
    given = {name: cpu.cast(tensor, "f32" if name in FLOATS - {"a"} or (name == "a" and constant) else dtype)
             for name, tensor in tensors.items()}
    exact = {name: cpu.to_float64(tensor) for name, tensor in given.items()}
    text = models.scan(form, channels, dtype, constant=constant, init=True, state=True, reverse=reverse,
                       config=CLUSTER if cluster else "")
    program = chained(text) if cluster else lowered(text, "width=1 steps=16")
    y, last = program(*given.values())
    if form == "wkv":
        expected, final = scans.over_sequences(scans.wkv, {"b": exact["b"], "key": exact["key"]}, exact["init"],
                                               decay=exact["a"], bonus=exact["bonus"])
        last = cpu.to_float64(last)
        last = last[:, :2] * np.exp(last[:, 2:])
        assert np.allclose(last, final, rtol=1e-4)
    else:
        varying = {"b": exact["b"]} if constant else {"b": exact["b"], "a": exact["a"]}
        expected, final = scans.over_sequences(scans.scan, varying, exact["init"], log=form == "log", reverse=reverse,
                                               **({"constant": exact["a"]} if constant else {}))
        close(last, final, "f32")
    close(y, expected, dtype)


def wkv_step_by_step(b, key, init, decay, bonus):
    """The recurrence as a loop, in the type of its tensors."""
    (p, q, m), y = init, []
    for v, k in zip(b, key):
        x = np.maximum(m, bonus + k)
        past, now = np.exp(m - x), np.exp(bonus + k - x)
        y.append((past * p + now * v) / (past * q + now))
        x = np.maximum(m + decay, k)
        past, now = np.exp(m + decay - x), np.exp(k - x)
        p, q, m = past * p + now * v, past * q + now, x
    p, q, m = (np.float64(x) for x in (p, q, m))
    return np.array(y), np.array([p * np.exp(m), q * np.exp(m)])


@pytest.mark.parametrize("cluster", [False, True])
@pytest.mark.parametrize("spread, past", [(40, 100), (1, 100), (1, -100), (6, 10), (10, 30)])
def test_weights_far_apart(spread, past, cluster):
    """Keys, or keys and a state, so far apart that no sum in f32 holds both; and nearly so."""
    rng, steps, channels = np.random.default_rng(spread), (2, 18, 136), 136
    tensors = {"a": -rng.uniform(0, 2, channels), "b": rng.standard_normal(steps), "key": rng.standard_normal(steps) * spread,
               "bonus": rng.standard_normal(channels), "init": rng.uniform(0.5, 1, (2, 3, channels))}
    tensors["init"][:, 2] = past * rng.uniform(0.5, 1, (2, channels))
    given = {name: np.float32(tensor) for name, tensor in tensors.items()}
    text = models.scan("wkv", channels, "f32", constant=True, init=True, state=True, config=CLUSTER if cluster else "")
    y, last = (chained(text) if cluster else lowered(text, "width=1 steps=8"))(*given.values())
    last = last[:, :2].astype(np.float64) * np.exp(last[:, 2:].astype(np.float64))

    def loop(dtype):
        x = {name: tensor.astype(dtype) for name, tensor in given.items()}
        return scans.over_sequences(wkv_step_by_step, {"b": x["b"], "key": x["key"]}, x["init"], decay=x["a"], bonus=x["bonus"])
    exact, single = loop(np.float64), loop(np.float32)
    # Means are near 1; sums are as large as their weights, q.
    for result, right, plain, size in zip((y, last), exact, single, (1, exact[1][:, 1:])):
        assert np.linalg.norm((result - right) / size) < 1.5 * np.linalg.norm((plain - right) / size)


@pytest.mark.parametrize("cluster", [False, True])
@pytest.mark.parametrize("step", [1, 7, 8, 15])
def test_one_key_far_away(step, cluster):
    """Beyond what f32 holds as seen from the first key of its tile, in any group of steps of it."""
    rng, channels = np.random.default_rng(step), 136
    tensors = {"a": -rng.uniform(0, 1, channels), "b": rng.standard_normal((1, 16, channels)),
               "key": rng.standard_normal((1, 16, channels)), "bonus": rng.standard_normal(channels),
               "init": rng.uniform(0.5, 1, (1, 3, channels))}
    tensors["key"][:, step] = 120
    given = {name: np.float32(tensor) for name, tensor in tensors.items()}
    text = models.scan("wkv", channels, "f32", constant=True, init=True, state=True, config=CLUSTER if cluster else "")
    y, _ = (chained(text) if cluster else lowered(text, "width=1 steps=16"))(*given.values())
    x = {name: tensor.astype(np.float64) for name, tensor in given.items()}
    exact, _ = scans.over_sequences(wkv_step_by_step, {"b": x["b"], "key": x["key"]}, x["init"], decay=x["a"], bonus=x["bonus"])
    assert np.abs(y - exact).max() < 1e-4


@pytest.mark.parametrize("cluster", [False, True])
@pytest.mark.parametrize("options, length, offsets", [
    (dict(form="linear"), 18, None), (dict(form="log", constant=True, reverse=True), 9, None),
    (dict(form="log", packed=True), 30, [0, 1, 1, 19, 30])])
def test_complex_scan(options, length, offsets, cluster, monkeypatch):
    """The parts of a number are two channels of a thread."""
    options = dict(channels=34, complex=True, states=True, **options)
    monkeypatch.setitem(scan_cases.MODELS, "complex", ("scan", options))
    text = longwing.models.scan(**options)
    if cluster:
        assert "complex}" in text
        text = text.replace("complex}", f"complex, seq.config = {{{CLUSTER}}}}}", 1)
    program = chained(text) if cluster else lowered(text, "width=2 steps=8")
    for kind in scan_cases.KINDS:
        case = scan_cases.Case("complex", length=length, offsets=offsets, kind=kind)
        case.check(program(*case.stored))


@pytest.mark.parametrize("options, length, offsets", [
    (dict(element="f32", skip=True, gate=True, bias=True, reverse=True), 9, None), (dict(groups=2), 18, None),
    (dict(packed=True), 30, [0, 1, 1, 19, 30])])
def test_complex_selective_scan(options, length, offsets, monkeypatch):
    """The parts of a state are two rows of a thread."""
    options = dict(channels=32, state_size=8, complex=True, softplus=True, states=True, **options)
    monkeypatch.setitem(scan_cases.MODELS, "complex", ("selective_scan", options))
    program = lowered(longwing.models.selective_scan(**options), SMALL)
    for kind in scan_cases.KINDS:
        case = scan_cases.Case("complex", length=length, offsets=offsets, kind=kind)
        case.check(program(*case.stored))


@pytest.mark.parametrize("form, reverse, config", [
    ("linear", False, ""), ("linear", True, CLUSTER), ("wkv", True, ""), ("wkv", False, CLUSTER)])
def test_packed_scans(form, reverse, config):
    """Of no steps, of one, of several tiles; what follows a sequence is another one."""
    rng, channels, offsets = np.random.default_rng(2), 24, [0, 1, 1, 19, 30]
    kept = (4, 3, channels) if form == "wkv" else (4, channels)
    tensors = {"a": -rng.uniform(0, 1, channels), "b": rng.standard_normal((1, 30, channels))}
    if form == "wkv":
        tensors.update(key=rng.standard_normal((1, 30, channels)), bonus=rng.standard_normal(channels))
    tensors["init"] = rng.uniform(0.5, 1, kept)
    given, exact = rounded(tensors, "f32", tensors)
    text = models.scan(form, channels, "f32", constant=True, init=True, state=True, reverse=reverse, offsets=True,
                       config=config)
    program = chained(text) if config else lowered(text, "width=1 steps=8")
    y, last = program(*given.values(), np.array(offsets, np.int32))
    if form == "wkv":
        expected, final = scans.over_sequences(scans.wkv, {"b": exact["b"], "key": exact["key"]}, exact["init"], offsets,
                                               reverse, decay=exact["a"], bonus=exact["bonus"])
        last = last[:, :2] * np.exp(last[:, 2:])
        assert np.allclose(last, final, rtol=1e-4)
    else:
        expected, final = scans.over_sequences(scans.scan, {"b": exact["b"]}, exact["init"], offsets, reverse,
                                               constant=exact["a"])
        close(last, final, "f32")
    close(y, expected, "f32")


def test_few_and_many_sequences():
    """Two kernels in one program, of which each call takes one: the other writes nothing."""
    few = "consumers = 1, lanes = 8, steps = 8, unroll = 8, width = 1"
    config = f"{few.replace('steps = 8', 'steps = 16')}, sequences = 2, few = {{{few}}}"
    text = models.selective_scan(16, 8, dtype="f32", skip=False, gate=False, bias=False, softplus=False)
    text = text.replace("\n      : ", f" {{seq.config = {{{config}}}}}\n      : ", 1)
    program = cpu.Program(support.run_tool("longwing-opt", "-", "--seq-to-tile", "--tile-to-cpu", stdin=text).stdout,
                          lowered=True)
    for batch in (1, 2, 3):
        tensors = models.selective_scan_inputs(np.random.default_rng(batch), 16, 8, batch=batch, length=5)
        given, exact = rounded(tensors, "f32", ("u", "delta", "a", "b", "c"))
        result = program(*given.values())
        result = result[0] if isinstance(result, (list, tuple)) else result
        close(result, selective_scan_reference(exact, softplus=False)[0], "f32")


def early_segments():
    """A program that cuts a sequence of 8,300 steps into two segments, as the card does longer ones of more channels."""
    config = "consumers = 1, lanes = 8, steps = 64, unroll = 8, width = 1"
    text = models.selective_scan(16, 8, dtype="f32", skip=False, gate=False, bias=True, init=True, state=True)
    text = text.replace("{softplus}", f"{{softplus, seq.config = {{{config}, sequences = 2, few = {{{config}}}, places = 2, segments = 2}}}}", 1)
    assert "places" in text
    return cpu.Program(support.run_tool("longwing-opt", "-", "--seq-to-tile", "--tile-to-cpu", stdin=text).stdout, lowered=True)


def test_segments_that_begin_early():
    """Where all channels forget, and where one state of one does not, or grows: another kernel takes the sequence then."""
    program = early_segments()
    names = ("u", "delta", "a", "b", "c", "bias", "init")
    for kind in ("forgetting", "at once", "slow", "never", "growing"):
        tensors = models.selective_scan_inputs(np.random.default_rng(3), 16, 8, batch=1, length=8300, rate=3.0)
        if kind == "at once":
            tensors["a"][:] = -1e30
        if kind in ("slow", "never", "growing"):
            tensors["a"][11, 5] = {"slow": -2e-3, "never": 0, "growing": 1e-4}[kind]
        given, exact = rounded(tensors, "f32", names)
        y, last = program(*given.values())
        # Over so many steps f32 errs too.
        single = selective_scan_reference({name: x.astype(np.float32) for name, x in exact.items()})
        for result, real, plain in zip((y, last), selective_scan_reference(exact), single):
            assert scan_cases.distance(result, real) <= 1.5 * scan_cases.distance(plain, real) + 1e-6
        # What is no number is forgotten by a segment that begins behind it.
        given["u"][0, 40] = np.nan
        y, _ = program(*given.values())
        assert np.isfinite(y[0, 4160:]).all() == (kind in ("forgetting", "at once"))


def test_padded_states():
    """40 states take the lanes of 64; those that fill up are zero, and nothing is read or written there."""
    run_selective_scan(9, channels=24, states=40, schedule=SMALL)
