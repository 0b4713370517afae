# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The convolution models of examples/ read a text, on the CPU, against NumPy (convolutions.py).

The bytes of the text are the tokens: each has a vector from a fixed table, and fixed projections of that are what a
model takes. Models are narrowed to a few channels, so that this takes a moment; lengths stay.
"""

import functools
import re

import numpy as np
import pytest

import convolutions
import cpu
from support import EXAMPLES, ROOT

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists(), reason="longwing-cpu-test is not built")

# Relative L2 errors. bf16 results are rounded by up to 2^-9, and hyena's between its convolutions too.
ORACLE, SINGLE, HALF, BRAIN = 1e-12, 1e-5, 1e-3, 2.0**-7


@functools.lru_cache(maxsize=None)
def program(model, precision, narrow=()):
    text = (EXAMPLES / f"{model}.mlir").read_text()
    for before, after in narrow:
        text = re.sub(rf"(?<![\di]){before}(?!\d)", str(after), text)  # but not in i64
    return cpu.Program(text, precision)


def random(seed, *shape):
    return np.random.default_rng([2026, seed, *shape]).standard_normal(shape)


def read(channels, length, seed=0):
    """What a layer makes of the text: [1, channels, length]."""
    text = ((ROOT / "LICENSE").read_bytes() * (length // 10000 + 1))[:length]
    vectors = random(0, 256, 32)[list(text)]
    return (vectors @ random(seed, 32, channels) / np.sqrt(32)).T[None]


def stored(array, dtype):
    kept = cpu.cast(array, dtype)
    return kept, cpu.to_float64(kept)


def compare(model, arguments, exact, tolerance, function="main", narrow=()):
    for precision, bound in (("f64", ORACLE), ("f32", tolerance)):
        result, = program(model, precision, narrow)(*arguments, function=function)
        assert result.shape == exact.shape
        assert np.linalg.norm(cpu.to_float64(result) - exact) <= bound * np.linalg.norm(exact)


def pairs(z):
    return np.stack([z.real, z.imag], axis=-1)


def test_long_conv():
    narrow = (("768", 3),)
    u, exact_u = stored(read(3, 4096), "f16")
    pre, exact_pre = stored(read(3, 4096, 1), "f16")
    post, exact_post = stored(read(3, 4096, 2), "f16")
    h, exact_h = stored(random(3, 3, 4096) / 64, "f32")
    d, exact_d = stored(random(4, 3), "f32")
    exact = convolutions.long_conv("causal", exact_u, exact_h, pre=exact_pre, post=exact_post, skip=exact_d)
    compare("long_conv", [u, h, pre, post, d], exact, HALF, narrow=narrow)
    # The spectrum is a value that is kept between two functions.
    spectrum, = program("long_conv", "f32", narrow)(h, function="prepare")
    assert cpu.dtype_of(spectrum) == "f32"
    result, = program("long_conv", "f32", narrow)(u, spectrum, function="prepared")
    exact = convolutions.long_conv("causal", exact_u, exact_h)
    assert np.linalg.norm(cpu.to_float64(result) - exact) <= HALF * np.linalg.norm(exact)


CHANNELS = 4
NARROW = (("768", CHANNELS), ("1536", 2 * CHANNELS), ("2304", 3 * CHANNELS), ("3072", 4 * CHANNELS))


def hyena_filter(seed):
    """The arguments of the filter, with safari's initial rates, and its taps in float64."""
    length, units = 1024, 64
    names = {"w1": random(seed, units, 33) / np.sqrt(33), "b1": random(seed + 1, units),
             "w2": random(seed + 2, units, units) / 8, "b2": random(seed + 3, units),
             "w3": random(seed + 4, units, units) / 8, "b3": random(seed + 5, units),
             "w4": random(seed + 6, CHANNELS, units) / 8, "frequency": np.ones(units) + random(seed, units) / 10,
             "bands": np.linspace(1e-4, 15, 16),
             "delta": np.linspace(np.log(0.01) / 1.5, np.log(0.01) / 0.3, CHANNELS)}
    kept = {name: stored(value, "f32") for name, value in names.items()}
    shift = np.array(0.05, np.float32)
    w = {name: exact for name, (_, exact) in kept.items()}
    i = np.arange(length)
    t = i / (length - 1)
    angles = w["bands"][:, None] * (np.float64(np.float32(2 * np.pi / length)) * i)
    h = np.concatenate([t[None], np.cos(angles), -np.sin(angles)])
    for layer in "123":
        h = np.sin(w["frequency"][:, None] * (w["w" + layer] @ h + w["b" + layer][:, None]))
    taps = (w["w4"] @ h) * (np.exp(-t * np.abs(w["delta"])[:, None]) + float(shift))
    return [value for value, _ in kept.values()] + [shift], taps


def test_hyena_filter():
    arguments, taps = hyena_filter(10)
    for precision, bound in (("f64", ORACLE), ("f32", 1e-4)):  # angles of up to 100, in float32
        result, = program("hyena", precision, NARROW)(*arguments, function="filter")
        assert np.linalg.norm(result - taps) <= bound * np.linalg.norm(taps)


@pytest.mark.parametrize("order, function", [(2, "main"), (3, "order3")])
def test_hyena(order, function):
    channels = (order + 1) * CHANNELS
    projections, exact = stored(read(channels, 1024), "bf16")
    weights, exact_weights = stored(random(1, channels, 3), "f32")
    bias, exact_bias = stored(random(2, channels), "f32")
    arguments = [projections, weights, bias]
    split, _ = convolutions.short_conv("causal", exact, exact_weights, bias=exact_bias)
    *gates, v = np.split(split, order + 1, axis=1)
    for layer in range(order - 1, 0, -1):
        filters, _ = hyena_filter(10 * layer)
        h, = program("hyena", "f32", NARROW)(*filters, function="filter")
        d, exact_d = stored(random(layer, CHANNELS), "f32")
        arguments += [h, d]
        v = convolutions.long_conv("causal", v, cpu.to_float64(h), pre=gates[layer], skip=exact_d)
    compare("hyena", arguments, gates[0] * v, BRAIN, function=function, narrow=NARROW)


def fourier(n, sign):
    return np.exp(sign * 2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)


def test_flash_butterfly():
    """Fourier matrices make it the convolution; learned ones are compared with the product of the matrices."""
    narrow = (("64", 2),)
    u, exact_u = stored(read(2, 128), "f32")
    h, exact_h = stored(random(1, 2, 128) / 8, "f32")
    as_argument = lambda m: cpu.cast(pairs(m)[None], "f32")
    forth, back = fourier(16, -1), fourier(16, 1) / 16
    spectrum, = program("flash_butterfly", "f32", narrow)(h, as_argument(forth), as_argument(forth), function="filter")
    y, = program("flash_butterfly", "f32", narrow)(u, spectrum, *map(as_argument, (forth, forth, back, back)))
    exact = convolutions.long_conv("causal", exact_u, exact_h)
    assert np.linalg.norm(y - exact) <= SINGLE * np.linalg.norm(exact)

    matrices = [m + 0.1 * (random(seed, 16, 16) + 1j * random(seed + 1, 16, 16))
                for seed, m in ((2, forth), (4, forth), (6, back), (8, back))]
    f1, f2, g1, g2 = [cpu.to_float64(as_argument(m))[0] @ np.array([1, 1j]) for m in matrices]
    twiddle = np.exp(-2j * np.pi * np.outer(np.arange(16), np.arange(16)) / 256)
    transform = lambda x: ((f1 @ np.pad(x, ((0, 0), (0, 128))).reshape(-1, 16, 16)) * twiddle) @ f2.T
    product = transform(exact_u[0]) * transform(exact_h)
    exact = (g1 @ ((product @ g2.T) * twiddle.conj())).real.reshape(2, 256)[None, :, :128]
    arguments = [as_argument(m) for m in matrices]
    for precision, bound in (("f64", 1e-6), ("f32", SINGLE)):  # the kept spectrum is an f32
        spectrum, = program("flash_butterfly", "f32", narrow)(h, *arguments[:2], function="filter")
        y, = program("flash_butterfly", precision, narrow)(u, spectrum, *arguments)
        assert np.linalg.norm(y - exact) <= bound * np.linalg.norm(exact)
