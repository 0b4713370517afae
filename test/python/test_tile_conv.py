# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The kernels of convolutions by Toeplitz products, run on the CPU with their own tiles and roundings,
against NumPy in float64."""

import functools

import numpy as np
import pytest

import convolutions
import cpu
import support

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists() or not support.has_tool("longwing-opt"),
                                reason="longwing-cpu-test or longwing-opt is not built")

LIMIT = {"f16": 1.5e-3, "bf16": 2.5e-3, "f32": 1e-6}  # relative L2 error
CHANNELS = 2


@functools.lru_cache(maxsize=64)
def lowered(text):
    pipeline = "seq-verify-target,seq-configure,seq-to-tile,canonicalize,cse,tile-to-cpu"
    result = support.run_tool("longwing-opt", "-", f"--pass-pipeline=builtin.module({pipeline})", stdin=text)
    return cpu.Program(result.stdout, lowered=True)


def long_model(kind, element, taps, reverse=0, length="?", order="first", pre=False, post=False, skip=False,
               ungated=False, stored="f32", channels=CHANNELS):
    u, h, r = (f"tensor<?x{channels}x{length}x{element}>", f"tensor<{channels}x{taps}x{stored}>",
               f"tensor<{channels}x{reverse}x{stored}>")
    arguments, text = [f"%u: {u}", f"%h: {h}"], f"seq.long_conv {kind} %u filter(%h : {h})"
    for given, name, type, words in ((reverse, "r", r, "reverse"), ("order", "", "", ""), (pre, "pre", u, "pre"),
                                     (post, "post", u, "post"), (skip, "d", f"tensor<{channels}xf32>", "skip")):
        if given == "order":
            text += f" taps {order}"
        elif given:
            arguments.append(f"%{name}: {type}")
            text += f" {words}(%{name} : {type})"
    text += " {skip_ungated}" if ungated else ""
    return f"""func.func @main({", ".join(arguments)}) -> {u} {{
  %y = {text} : {u} -> {u}
  return %y : {u}
}}"""


def rounded(array, element):
    return array.astype(np.float16) if element == "f16" else cpu.to_bf16(array)


def error(found, exact):
    return np.linalg.norm(cpu.to_float64(found) - exact) / max(np.linalg.norm(exact), 1e-30)


# Segments, whole sequences, lags to both sides, lengths around the chunk of 64, and filters longer than they.
CASES = [
    ("causal", "f16", 7, 200, {}),
    ("causal", "f16", 1, 1, {}),
    ("causal", "bf16", 65, 63, {"order": "last"}),
    ("causal", "f16", 130, 1030, {"skip": True, "stored": "f16"}),
    ("causal", "bf16", 9, 1100, {"pre": True, "post": True, "skip": True}),
    ("causal", "bf16", 9, 1100, {"pre": True, "post": True, "skip": True, "ungated": True}),
    ("anticausal", "f16", 66, 150, {"pre": True}),
    ("two_sided_shared", "f16", 70, 140, {"reverse": 3, "post": True}),
    ("two_sided_disjoint", "f16", 3, 140, {"reverse": 64}),
    ("circular", "f16", 65, 100, {}),
    ("circular", "f16", 150, 70, {}),
    ("causal", "f16", 500, 300, {"length": 300}),
    ("anticausal", "f16", 260, 320, {"length": 320, "skip": True}),
    ("two_sided_shared", "f16", 300, 260, {"length": 260, "reverse": 260}),
    ("circular", "f16", 320, 320, {"length": 320}),
    # Boxes: several sequences a tile, one, and several tiles a sequence, the last one in part; what lies before
    # and behind a tile, gates, periods.
    ("causal", "f16", 7, 1024, {"length": 1024}),
    ("causal", "bf16", 130, 4224, {"length": 4224}),
    ("causal", "f16", 16, 64, {"length": 64, "pre": True, "post": True, "skip": True, "ungated": True}),
    ("causal", "f16", 256, 256, {"length": 256}),
    ("causal", "bf16", 512, 512, {"length": 512, "pre": True, "post": True}),
    ("anticausal", "f16", 66, 8192, {"length": 8192}),
    ("anticausal", "f16", 260, 128, {"length": 128, "pre": True, "skip": True, "ungated": True}),
    ("two_sided_shared", "f16", 70, 512, {"length": 512, "reverse": 3, "post": True}),
    ("two_sided_disjoint", "bf16", 3, 4096, {"length": 4096, "reverse": 64, "pre": True}),
    ("circular", "f16", 65, 1024, {"length": 1024}),
    ("circular", "bf16", 256, 256, {"length": 256, "pre": True}),
    ("circular", "f16", 150, 128, {"length": 128}),
    ("circular", "f16", 64, 64, {"length": 64}),
]


@pytest.mark.parametrize("kind, element, taps, length, options", CASES)
def test_long_conv(kind, element, taps, length, options):
    rng = np.random.default_rng(taps)
    batch = 2
    u = rounded(rng.standard_normal((batch, CHANNELS, length)), element)
    stored = np.float16 if options.get("stored") == "f16" else np.float32
    h = (rng.standard_normal((CHANNELS, taps)) / np.sqrt(taps)).astype(stored)
    values = {}
    if options.get("reverse"):
        values["r"] = (rng.standard_normal((CHANNELS, options["reverse"])) / np.sqrt(taps)).astype(stored)
    for gate in ("pre", "post"):
        if options.get(gate):
            values[gate] = rounded(rng.standard_normal(u.shape), element)
    if options.get("skip"):
        values["skip"] = rng.standard_normal(CHANNELS).astype(np.float32)
    [y] = lowered(long_model(kind, element, taps, **options))(u, h, *values.values())
    exact = convolutions.long_conv(kind, cpu.to_float64(u), h.astype(float), taps=options.get("order", "first"),
                                   skip_ungated=options.get("ungated", False),
                                   **{name: cpu.to_float64(value) for name, value in values.items()})
    assert error(y, exact) < LIMIT[element]


def test_impulses_arrive_where_they_should():
    h = np.arange(1, 129, dtype=np.float32)[None].repeat(CHANNELS, 0)
    for at in (0, 63, 64, 199):
        u = np.zeros((1, CHANNELS, 200), np.float16)
        u[:, :, at] = 1
        [y] = lowered(long_model("causal", "f16", 128))(u, h)
        exact = np.zeros(200)
        exact[at:at + 128] = h[0, :200 - at]
        assert np.array_equal(y[0, 0].astype(float), exact)


SHORT = [("causal", 4, 70, True, True), ("causal", 8, 3, False, True), ("causal", 2, 1, True, False),
         ("centred", 5, 130, True, False), ("centred", 8, 64, False, False)]


@pytest.mark.parametrize("length", [512, 4160])
@pytest.mark.parametrize("taps", [5, 120, 190])
def test_impulses_in_boxes(taps, length):
    """An impulse reaches its own sequence only, across the tiles of it."""
    h = np.arange(1, taps + 1, dtype=np.float32)[None].repeat(CHANNELS, 0)
    for at in (0, 63, 64, length - 65, length - 1):
        u = np.zeros((3, CHANNELS, length), np.float16)
        u[1, :, at] = 1
        [y] = lowered(long_model("causal", "f16", taps, length=length))(u, h)
        exact = np.zeros((3, CHANNELS, length + taps))
        exact[1, :, at:at + taps] = h
        assert np.array_equal(y.astype(float), exact[..., :length])


@pytest.mark.parametrize("axis, element", [(2, "f16"), (2, "bf16"), (1, "bf16"), (1, "f32")])
@pytest.mark.parametrize("kind, width, length, silu, states", SHORT)
def test_short_conv(kind, width, length, silu, states, axis, element):
    x, s = (f"tensor<?x{CHANNELS}x{size}x{element}>" if axis == 2 else f"tensor<?x{size}x{CHANNELS}x{element}>"
            for size in ("?", width - 1))
    w, bias = f"tensor<{CHANNELS}x{width}xf32>", f"tensor<{CHANNELS}xf32>"
    results = f"({x}, {s})" if states else x
    text = f"""func.func @main(%x: {x}, %w: {w}, %b: {bias}{f", %s: {s}" if states else ""}) -> {results} {{
  %r{":2" if states else ""} = seq.short_conv {kind} %x, %w taps last bias(%b : {bias})
      {f"initial(%s : {s})" if states else ""} {{axis = {axis} : i64{", silu" if silu else ""}}}
      : {x}, {w} -> {x}{f", {s}" if states else ""}
  return {f"%r#0, %r#1 : {x}, {s}" if states else f"%r : {x}"}
}}"""
    rng = np.random.default_rng(width)
    batch = 70 if states and axis == 2 else 3

    def random(time):
        return cpu.cast(rng.standard_normal((batch, CHANNELS, time)), element)

    def ordered(values):  # from and to [B, H, L]
        moved = values if axis == 2 else values.swapaxes(1, 2).copy()
        return moved.view(cpu.BF16) if element == "bf16" else moved

    values = [random(length), rng.standard_normal((CHANNELS, width)).astype(np.float32),
              rng.standard_normal(CHANNELS).astype(np.float32)]
    initial = random(width - 1) if states else None
    found = lowered(text)(ordered(values[0]), *values[1:], *([ordered(initial)] if states else []))
    exact, final = convolutions.short_conv(kind, *map(cpu.to_float64, values[:2]), bias=values[2], silu=silu,
                                           initial=cpu.to_float64(initial) if states else None)
    # A few outputs are too few for the error of a sum of random roundings.
    assert error(ordered(found[0]), exact) < LIMIT[element] * (1 if exact.size >= 100 else 2)
    if states:
        assert np.array_equal(cpu.to_float64(ordered(found[1])), final)
