# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Long convolutions by stages of a transform in f32, run on the CPU against NumPy in float64."""

import functools

import numpy as np
import pytest

import convolutions
import cpu
import support
from test_tile_conv import CHANNELS, error, long_model
from test_tile_plain_conv import error_of, lowered, random

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists() or not support.has_tool("longwing-opt"),
                                reason="longwing-cpu-test or longwing-opt is not built")

BOUND = 2e-6  # f32, thirty roundings of numbers and of roots

by_stages = functools.partial(lowered, conv="stages")

# Taps of both orders, as many as samples, fewer and more; lengths of a power of two and others, from one sample on.
CASES = [
    ("causal", 1, 1, {}),
    ("causal", 5, 9, {"skip": True}),
    ("causal", 1000, 1000, {"pre": True, "post": True, "skip": True}),
    ("causal", 1024, 700, {"order": "last", "pre": True, "skip": True, "ungated": True}),
    ("causal", 600, 2000, {}),
    ("anticausal", 1000, 2000, {"order": "last", "post": True}),
    ("anticausal", 777, 600, {}),
    ("two_sided_shared", 1000, 900, {"reverse": 1200}),
    ("two_sided_disjoint", 1024, 800, {"reverse": 1024, "order": "last", "pre": True}),
    ("circular", 1024, 1024, {"pre": True, "post": True}),
    ("circular", 4096, 600, {"skip": True}),
    ("circular", 1000, 1000, {"order": "last"}),
]


@pytest.mark.parametrize("kind, length, taps, options", CASES)
def test_f32(kind, length, taps, options):
    assert error_of(kind, length, taps, options, batch=3, channels=2, run=by_stages) < BOUND


@pytest.mark.parametrize("batch, channels", [(0, 2), (1, 2), (1, 1), (2, 3), (3, 1)])
def test_slices(batch, channels):
    """Sequences are cut in two slices: by channels, or an odd number of them by batches."""
    assert error_of("causal", 300, 200, {"pre": True, "post": True, "skip": True}, batch, channels, run=by_stages) < BOUND


@pytest.mark.parametrize("element, bound", [("f16", 3e-4), ("bf16", 2.5e-3)])
def test_sixteen_bits(element, bound):
    """What is rounded is the result, here of a filter of open length."""
    rng = np.random.default_rng(7)
    u, h = random(rng, 1, CHANNELS, 800), random(rng, CHANNELS, 700)
    u = u.astype(np.float16) if element == "f16" else cpu.to_bf16(u)
    [y] = by_stages(long_model("causal", element, "?", length=800))(u, h)
    assert error(y, convolutions.long_conv("causal", cpu.to_float64(u), h.astype(float))) < bound


@pytest.mark.parametrize("kind", ["causal", "circular"])
def test_impulses(kind):
    """Either end of the input meets every tap, exactly as far as f32 goes."""
    rng, length = np.random.default_rng(3), 2048
    u, h = np.zeros((2, CHANNELS, length), np.float32), random(rng, CHANNELS, length)
    u[0, :, 0], u[1, :, -1] = 1, 1
    [y] = by_stages(long_model(kind, "f32", length, length=length))(u, h)
    assert error(y[0], h.astype(float)) < BOUND
    last = np.roll(h, -1, axis=-1) if kind == "circular" else h[:, :1] * (np.arange(length) == length - 1)
    assert np.abs(y[1] - last).max() < BOUND * np.linalg.norm(h, axis=-1).max()
