# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Long convolutions by plain kernels, a sum for each output, run on the CPU against NumPy in float64: f32, sequences that
are read in parts, filters whose length is met at run time."""

import functools

import numpy as np
import pytest

import convolutions
import cpu
import support
from test_tile_conv import CHANNELS, error, long_model

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists() or not support.has_tool("longwing-opt"),
                                reason="longwing-cpu-test or longwing-opt is not built")

SINGLE = 1e-6  # sums are of float64; what rounds is the result, and taps that meet at one lag of a circle


@functools.lru_cache(maxsize=64)
def lowered(text, conv=""):
    configure = f"seq-configure{{conv={conv}}}" if conv else "seq-configure"
    pipeline = f"seq-verify-target,{configure},seq-to-tile,canonicalize,cse,seq-plain-kernels,canonicalize,cse,tile-to-cpu"
    result = support.run_tool("longwing-opt", "-", f"--pass-pipeline=builtin.module({pipeline})", stdin=text)
    return cpu.Program(result.stdout, lowered=True)


def random(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def error_of(kind, length, taps, options, batch, channels, run, known=None):
    """The error in f32 of what `run` makes of a model whose length is that, or not known."""
    rng = np.random.default_rng(taps)
    named = {name: random(rng, batch, channels, length) for name in ("pre", "post") if options.get(name)}
    if options.get("reverse"):
        named = {"r": random(rng, channels, options["reverse"])} | named
    if options.get("skip"):
        named["skip"] = random(rng, channels)
    u, h = random(rng, batch, channels, length), random(rng, channels, taps)
    [y] = run(long_model(kind, "f32", taps, length=known or length, channels=channels, **options))(u, h, *named.values())
    exact = convolutions.long_conv(kind, u.astype(float), h.astype(float), taps=options.get("order", "first"),
                                   skip_ungated=options.get("ungated", False),
                                   **{name: value.astype(float) for name, value in named.items()})
    return error(y, exact)


CASES = [
    ("causal", 40, {}),
    ("anticausal", 90, {"order": "last", "pre": True, "post": True, "skip": True}),
    ("two_sided_shared", 30, {"reverse": 50, "pre": True, "skip": True, "ungated": True}),
    ("two_sided_disjoint", 50, {"reverse": 30}),
    ("circular", 150, {"post": True}),
]


@pytest.mark.parametrize("kind, taps, options", CASES)
def test_f32(kind, taps, options):
    for length in (1, 70):
        assert error_of(kind, length, taps, options, batch=3, channels=CHANNELS, run=lowered, known="?") < SINGLE


def test_open_filter():
    rng = np.random.default_rng(7)
    u, h = rng.standard_normal((1, CHANNELS, 33)).astype(np.float16), random(rng, CHANNELS, 20)
    [y] = lowered(long_model("causal", "f16", "?"))(u, h)
    assert error(y, convolutions.long_conv("causal", u.astype(float), h.astype(float))) < 6e-4


def test_in_parts():
    """A prompt in blocks, then one sample after the other, gives what the whole sequence does."""
    taps = 40
    x, s, h = f"tensor<?x{CHANNELS}x?xf32>", f"tensor<?x{CHANNELS}x{taps - 1}xf32>", f"tensor<{CHANNELS}x{taps}xf32>"
    run = lowered(f"""func.func @main(%u: {x}, %h: {h}, %past: {s}, %g: {x}) -> ({x}, {s}) {{
  %y, %next = seq.long_conv causal %u filter(%h : {h}) taps first pre(%g : {x}) initial(%past : {s}) : {x} -> {x}, {s}
  return %y, %next : {x}, {s}
}}""")
    rng = np.random.default_rng(5)
    u, gate, filter = random(rng, 2, CHANNELS, 100), random(rng, 2, CHANNELS, 100), random(rng, CHANNELS, taps)
    state, parts = np.zeros((2, CHANNELS, taps - 1), np.float32), []
    for first, last in ((0, 60), (60, 65), (65, 97), (97, 98), (98, 99), (99, 100)):
        y, state = run(np.ascontiguousarray(u[..., first:last]), filter, state,
                       np.ascontiguousarray(gate[..., first:last]))
        parts.append(y)
    exact = convolutions.long_conv("causal", u.astype(float), filter.astype(float), pre=gate.astype(float))
    assert error(np.concatenate(parts, axis=-1), exact) < SINGLE
