# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The kernels of convolutions by Fourier transform, run on the CPU with their own tiles and roundings, against
NumPy in float64."""

import functools
import math

import numpy as np
import pytest

import convolutions
import cpu
import support
from test_tile_conv import CHANNELS, LIMIT, error, long_model, rounded

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists() or not support.has_tool("longwing-opt"),
                                reason="longwing-cpu-test or longwing-opt is not built")


@functools.lru_cache(maxsize=64)
def lowered(text, conv="transform"):
    pipeline = f"seq-verify-target,seq-configure{{conv={conv}}},seq-to-tile,canonicalize,cse,tile-to-cpu"
    result = support.run_tool("longwing-opt", "-", f"--pass-pipeline=builtin.module({pipeline})", stdin=text)
    return cpu.Program(result.stdout, lowered=True)


# Boxes and single elements, one and several sequences in a tile, padding, filters that end early or wrap.
CASES = [
    ("causal", "f16", 512, 512, {}),
    ("causal", "bf16", 100, 300, {"order": "last", "skip": True}),
    ("causal", "f16", 900, 768, {"pre": True, "post": True}),
    ("anticausal", "f16", 256, 256, {"post": True}),
    ("two_sided_shared", "f16", 300, 600, {"reverse": 600}),
    ("two_sided_disjoint", "bf16", 256, 256, {"reverse": 100}),
    ("circular", "f16", 700, 512, {}),
    ("causal", "f16", 300, 256, {"pre": True, "post": True, "skip": True, "ungated": True}),
    ("circular", "bf16", 300, 256, {"pre": True, "post": True, "skip": True}),
    # In the SRAM of one CTA: in boxes, and in place in two, four and eight parts, by elements and by rows.
    ("circular", "bf16", 700, 8192, {"post": True}),
    ("causal", "f16", 500, 5001, {}),
    ("two_sided_shared", "bf16", 300, 9001, {"reverse": 9001, "pre": True, "post": True}),
    ("causal", "f16", 600, 17008, {"pre": True}),
    ("circular", "f16", 12000, 12000, {"post": True}),
    ("circular", "f16", 3000, 16384, {}),
]

# In blocks of 4096, two to five and more than the filter reaches over, of which the last one may end early: boxes, strips,
# and neighbouring samples.
IN_BLOCKS = [
    ("causal", "f16", 8192, 8192, {"order": "last", "skip": True}),
    ("causal", "bf16", 20000, 16384, {}),
    ("anticausal", "f16", 4097, 12288, {"order": "last", "skip": True}),
    ("causal", "f16", 5000, 20480, {"pre": True, "post": True, "skip": True}),
    ("causal", "f16", 5000, 9000, {"pre": True, "post": True}),
    ("anticausal", "bf16", 9001, 9001, {}),
]

# In blocks of 32768: three, and three of which the filter reaches over two.
IN_LONG_BLOCKS = [
    ("causal", "f16", 40000, 70000, {"order": "last", "skip": True}),
    ("anticausal", "bf16", 9000, 65537, {"pre": True, "post": True}),
]


# Sums of f32 and numbers in two parts: boxes, strips, neighbouring samples, and two blocks.
PRECISE = [
    ("causal", "f16", 1024, 1024, {}, "transform"),
    ("causal", "f16", 900, 784, {"pre": True, "post": True}, "transform"),
    ("circular", "f16", 5000, 4096, {"post": True, "skip": True}, "transform"),
    ("two_sided_shared", "f16", 300, 601, {"reverse": 600}, "transform"),
    ("causal", "f16", 8192, 8192, {"order": "last", "pre": True, "skip": True}, "blocks"),
    ("anticausal", "f16", 4097, 12288, {}, "blocks"),
]


@pytest.mark.parametrize("kind, element, taps, length, options, conv", PRECISE)
def test_precise(kind, element, taps, length, options, conv):
    check(kind, element, taps, length, options, conv + " precise=true", limit=5e-4)


@pytest.mark.parametrize("kind, element, taps, length, options", CASES)
def test_long_conv(kind, element, taps, length, options):
    check(kind, element, taps, length, options, "transform")


@pytest.mark.parametrize("kind, element, taps, length, options", IN_BLOCKS)
def test_blocks(kind, element, taps, length, options):
    check(kind, element, taps, length, options, "blocks")


@pytest.mark.parametrize("kind, element, taps, length, options", IN_LONG_BLOCKS)
def test_long_blocks(kind, element, taps, length, options):
    check(kind, element, taps, length, options, "blocks radices=128x16x16")


def check(kind, element, taps, length, options, conv, limit=None):
    rng = np.random.default_rng(taps)
    u = rounded(rng.standard_normal((3 if length < 4096 else 1, CHANNELS, length)), element)
    h = (rng.standard_normal((CHANNELS, taps)) / np.sqrt(taps)).astype(np.float32)
    values = {}
    if options.get("reverse"):
        values["r"] = (rng.standard_normal((CHANNELS, options["reverse"])) / np.sqrt(taps)).astype(np.float32)
    for gate in ("pre", "post"):
        if options.get(gate):
            values[gate] = rounded(rng.standard_normal(u.shape), element)
    if options.get("skip"):
        values["skip"] = rng.standard_normal(CHANNELS).astype(np.float32)
    [y] = lowered(long_model(kind, element, taps, length=length, **options), conv)(u, h, *values.values())
    exact = convolutions.long_conv(kind, cpu.to_float64(u), h.astype(float), taps=options.get("order", "first"),
                                   skip_ungated=options.get("ungated", False),
                                   **{name: cpu.to_float64(value) for name, value in values.items()})
    assert error(y, exact) < (limit or LIMIT[element])


@pytest.mark.parametrize("kind, element, length, mean, scale", [
    ("causal", "f16", 256, 6e4, 1), ("circular", "f16", 256, 1e4, 1e4), ("causal", "bf16", 256, 0, 1e4),
    ("causal", "f16", 8192, 5e4, 1e4)])
def test_no_input_overflows(kind, element, length, mean, scale):
    """A large mean stands in one frequency; it must fit the range of f16 all the way."""
    rng = np.random.default_rng(1)
    u = rounded((mean + scale * rng.standard_normal((1, CHANNELS, length))).clip(-6e4, 6e4), element)
    h = (rng.standard_normal((CHANNELS, 256)) / 256).astype(np.float32)
    [y] = lowered(long_model(kind, element, 256, length=length))(u, h)
    assert error(y, convolutions.long_conv(kind, cpu.to_float64(u), h.astype(float))) < LIMIT[element]


@pytest.mark.parametrize("element, gain", [("f16", 1), ("bf16", 8)])
def test_blocks_of_opposite_sign(element, gain):
    """The result runs from one end of the range of f16, or eight times that, to the other: so does a sum of two blocks."""
    u = rounded(np.full((1, CHANNELS, 8192), 2e4), element)
    h = np.repeat(np.float32([[3 * gain / 4096, -6 * gain / 4096]] * CHANNELS), 4096, axis=1)
    [y] = lowered(long_model("causal", element, 8192, length=8192), "blocks")(u, h)
    exact = convolutions.long_conv("causal", cpu.to_float64(u), h.astype(float))
    assert exact.max() > 5.9e4 * gain and exact.min() < -5.9e4 * gain and error(y, exact) < LIMIT[element]


# In registers, and in two parts: in registers, and in the SRAM of one CTA.
@pytest.mark.parametrize("length", [256, 4352, 4100])
def test_bf16_results_beyond_the_range_of_f16(length):
    rng = np.random.default_rng(3)
    u = rounded(5e3 + 1e3 * rng.standard_normal((2 if length < 4096 else 1, CHANNELS, length)), "bf16")
    h = np.abs(rng.standard_normal((CHANNELS, 256)) / 2).astype(np.float32)
    [y] = lowered(long_model("causal", "bf16", 256, length=length))(u, h)
    exact = convolutions.long_conv("causal", cpu.to_float64(u), h.astype(float))
    assert exact.max() > 4e5 and error(y, exact) < LIMIT["bf16"]


@pytest.mark.parametrize("kind, length", [("causal", 256), ("circular", 512)])
def test_prepared_spectrum(kind, length):
    radices = [16, 16] if length == 256 else [length // 256, 16, 16]
    u_type, h_type = f"tensor<2x{CHANNELS}x{length}xf16>", f"tensor<{CHANNELS}x{length}xf32>"
    s_type, given = f"tensor<{CHANNELS}x{length}x2xf32>", "{radices = array<i64: " + ", ".join(map(str, radices)) + ">}"
    program = lowered(f"""
func.func @prepare(%h: {h_type}) -> {s_type} {{
  %s = seq.prepare_filter {kind} %h taps first {given} : {h_type} -> {s_type}
  return %s : {s_type}
}}
func.func @main(%u: {u_type}, %s: {s_type}, %d: tensor<{CHANNELS}xf32>) -> {u_type} {{
  %y = seq.long_conv {kind} %u spectrum(%s : {s_type}) skip(%d : tensor<{CHANNELS}xf32>) {given} : {u_type} -> {u_type}
  return %y : {u_type}
}}""")
    rng = np.random.default_rng(2)
    u = rng.standard_normal((2, CHANNELS, length)).astype(np.float16)
    h = (rng.standard_normal((CHANNELS, length)) / np.sqrt(length)).astype(np.float32)
    [s] = program(h, function="prepare")
    # Frequency k1 + R (k2 + 16 k3) stands at [k1][k2][k3].
    shift = 0 if kind == "circular" else 0.25
    lags = np.arange(length)
    spectrum = h.astype(float) @ np.exp(-2j * np.pi * np.outer(lags, lags - shift) / length)
    r = length // 256
    order = (np.arange(r)[:, None, None] + r * (np.arange(16)[:, None] + 16 * np.arange(16))).reshape(-1)
    assert np.abs(s[..., 0] + 1j * s[..., 1] - spectrum[:, order]).max() < 1e-5 * np.abs(spectrum).max()
    skip = rng.standard_normal(CHANNELS).astype(np.float32)
    [y] = program(u, s, skip)
    assert error(y, convolutions.long_conv(kind, u.astype(float), h.astype(float), skip=skip)) < LIMIT["f16"]


# A skip is no tap of the filter then, but added to the first spectrum. One block that suffices is the whole. In place there is
# none.
@pytest.mark.parametrize("kind, element, taps, length, blocks, order, radices", [
    ("causal", "f16", 12288, 12288, 3, "first", [16, 16, 16]), ("anticausal", "bf16", 9000, 16384, 4, "last", [16, 16, 16]),
    ("causal", "f16", 8000, 9000, 5, "last", [16, 16, 16]), ("causal", "f16", 4096, 4096, 2, "first", [16, 16, 16]),
    ("causal", "f16", 65536, 65536, 2, "first", [128, 16, 16]), ("anticausal", "bf16", 70000, 65537, 4, "last", [128, 16, 16])])
def test_spectrum_prepared_in_blocks(kind, element, taps, length, blocks, order, radices):
    x, h_type, points = f"tensor<1x{CHANNELS}x{length}x{element}>", f"tensor<{CHANNELS}x{taps}xf32>", math.prod(radices)
    s_type, given = f"tensor<{CHANNELS}x{blocks}x{points}x2xf16>", f"{{radices = array<i64: {', '.join(map(str, radices))}>}}"
    skips = f" skip(%d : tensor<{CHANNELS}xf32>)" if points == 4096 else ""
    program = lowered(f"""
func.func @prepare(%h: {h_type}) -> {s_type} {{
  %s = seq.prepare_filter {kind} %h taps {order} {given} : {h_type} -> {s_type}
  return %s : {s_type}
}}
func.func @main(%u: {x}, %s: {s_type}, %d: tensor<{CHANNELS}xf32>, %g: {x}) -> {x} {{
  %y = seq.long_conv {kind} %u spectrum(%s : {s_type}) post(%g : {x}){skips} {given} : {x} -> {x}
  return %y : {x}
}}""")
    rng = np.random.default_rng(4)
    u, gate = (rounded(rng.standard_normal((1, CHANNELS, length)), element) for _ in range(2))
    h, skip = (rng.standard_normal((CHANNELS, taps)) / np.sqrt(taps)).astype(np.float32), rng.standard_normal(CHANNELS).astype(np.float32)
    [s] = program(h, function="prepare")
    spectra = convolutions.block_spectra(kind, blocks, points, radices, h.astype(float), order)
    # As exact as f32, rounded to f16.
    assert error(s, np.stack([spectra.real, spectra.imag], axis=-1)) < 2.5e-4
    [y] = program(u, s, skip, gate)
    exact = convolutions.long_conv(kind, cpu.to_float64(u), h.astype(float), taps=order, skip=skip.astype(float) if skips else None,
                                   post=cpu.to_float64(gate))
    assert error(y, exact) < LIMIT[element]
