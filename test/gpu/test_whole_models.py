# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models that need plain kernels, whole on the card, against NumPy in float64."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from whole_models import module  # noqa: E402

SINGLE, BRAIN, HALF = 1e-5, 2.0**-8, 1e-3


def random(seed, *shape):
    return np.random.default_rng([2027, seed, *shape]).standard_normal(shape)


def card(array, dtype=torch.float32):
    """The array on the card, and the values it has there."""
    tensor = torch.tensor(np.asarray(array)).to(dtype).cuda()
    return tensor, tensor.double().cpu().numpy()


def near(result, exact, bound):
    result = result.double().cpu().numpy()
    assert result.shape == exact.shape
    assert np.isfinite(result).all()
    assert np.linalg.norm(result - exact) <= bound * np.linalg.norm(exact)


def causal(u, h):
    length = u.shape[-1]
    return np.fft.irfft(np.fft.rfft(u, 2 * length) * np.fft.rfft(h, 2 * length), 2 * length)[..., :length]


def pairs(z):
    return np.stack([z.real, z.imag], -1)


@pytest.mark.parametrize("batch", [1, 5])
def test_flash_butterfly(batch):
    u, exact_u = card(random(batch, batch, 64, 128))
    h, exact_h = card(random(1, 64, 128) / 8)
    forth = np.exp(-2j * np.pi * np.outer(np.arange(16), np.arange(16)) / 16)
    f, g = card(pairs(forth)[None])[0], card(pairs(forth.conj() / 16)[None])[0]
    spectrum = module("flash_butterfly").filter(h, f, f)
    y = module("flash_butterfly").main(u, spectrum, f, f, g, g)
    near(y, causal(exact_u, exact_h), SINGLE)

    matrices = [forth * s + 0.1 * (random(seed, 16, 16) + 1j * random(seed + 1, 16, 16))
                for seed, s in ((2, 1), (4, 1), (6, 1 / 16), (8, 1 / 16))]
    given = [card(pairs(m)[None]) for m in matrices]
    f1, f2, g1, g2 = [exact[0] @ np.array([1, 1j]) for _, exact in given]
    twiddle = np.exp(-2j * np.pi * np.outer(np.arange(16), np.arange(16)) / 256)

    def transform(x):
        padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, 128)])
        return ((f1 @ padded.reshape(*x.shape[:-1], 16, 16)) * twiddle) @ f2.T

    product = transform(exact_u) * transform(exact_h)
    exact = (g1 @ ((product @ g2.T) * twiddle.conj())).real.reshape(batch, 64, 256)[..., :128]
    spectrum = module("flash_butterfly").filter(h, given[0][0], given[1][0])
    near(module("flash_butterfly").main(u, spectrum, *[m for m, _ in given]), exact, SINGLE)


def hyena_filter(seed):
    length, units = 1024, 64
    values = [random(seed, units, 33) / np.sqrt(33), random(seed + 1, units), random(seed + 2, units, units) / 8,
              random(seed + 3, units), random(seed + 4, units, units) / 8, random(seed + 5, units),
              random(seed + 6, 768, units) / 8, np.ones(units) + random(seed, units) / 10, np.linspace(1e-4, 15, 16),
              np.linspace(np.log(0.01) / 1.5, np.log(0.01) / 0.3, 768), np.array(0.05)]
    given = [card(value) for value in values]
    w1, b1, w2, b2, w3, b3, w4, frequency, bands, delta, shift = [exact for _, exact in given]
    i = np.arange(length)
    t = i / (length - 1)
    angles = bands[:, None] * (np.float64(np.float32(2 * np.pi / length)) * i)
    h = np.concatenate([t[None], np.cos(angles), -np.sin(angles)])
    for w, b in ((w1, b1), (w2, b2), (w3, b3)):
        h = np.sin(frequency[:, None] * (w @ h + b[:, None]))
    return [tensor for tensor, _ in given], (w4 @ h) * (np.exp(-t * np.abs(delta)[:, None]) + shift)


def test_hyena_filter():
    arguments, taps = hyena_filter(10)
    near(module("hyena").filter(*arguments), taps, 1e-4)  # angles of up to 100, in float32


def short(x, weights, bias, axis=-1):
    """A causal convolution of width W, taps last."""
    x = np.moveaxis(x, axis, -1)
    width, length = weights.shape[1], x.shape[-1]
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(width - 1, 0)])
    y = sum(weights[:, j, None] * padded[..., j:j + length] for j in range(width)) + bias[:, None]
    return np.moveaxis(y, -1, axis)


@pytest.mark.parametrize("order, function", [(2, "main"), (3, "order3")])
def test_hyena(order, function):
    channels = 768 * (order + 1)
    projections, exact = card(random(order, 2, channels, 1024), torch.bfloat16)
    weights, exact_weights = card(random(1, channels, 3))
    bias, exact_bias = card(random(2, channels))
    *gates, v = np.split(short(exact, exact_weights, exact_bias), order + 1, axis=1)
    arguments = [projections, weights, bias]
    for layer in range(order - 1, 0, -1):
        filters, _ = hyena_filter(10 * layer)
        h = module("hyena").filter(*filters)
        d, exact_d = card(random(layer, 768))
        arguments += [h, d]
        gated = v * gates[layer]
        v = causal(gated, h.double().cpu().numpy()) + exact_d[:, None] * gated
    near(getattr(module("hyena"), function)(*arguments), gates[0] * v, 2 * BRAIN)


@pytest.mark.parametrize("name, channels", [("mamba", 1536), ("mamba2", 1792)])
@pytest.mark.parametrize("batch, length", [(1, 1), (2, 3), (3, 257)])
def test_short_conv(name, channels, batch, length):
    x, exact = card(random(1, batch, length, channels), torch.bfloat16)
    weights, exact_weights = card(random(2, channels, 4))
    bias, exact_bias = card(random(3, channels))
    z = short(exact, exact_weights, exact_bias, axis=1)
    near(module(name).conv(x, weights, bias), z / (1 + np.exp(-z)), BRAIN)


def test_between():
    """Strided tensors, a scalar, and two results of one computation."""
    x, exact_x = card(random(1, 3, 6, 40))
    y, exact_y = card(random(2, 6, 3, 40))
    gain, exact_gain = card(0.7)
    weights, exact_weights = card(random(3, 6, 5))
    x, exact_x = x[:, :, 1::3], exact_x[:, :, 1::3]
    y, exact_y = y.transpose(0, 1)[:, :, 1::3], exact_y.transpose(1, 0, 2)[:, :, 1::3]
    exact = np.exp(exact_gain * exact_x) + short(exact_y, exact_weights, np.zeros(6))
    z, middle = module("between").main(x, y, weights, gain)
    near(z, exact, SINGLE)
    near(middle, exact[:, 1:5], SINGLE)


def test_butterfly():
    x, exact = card(random(1, 7, 3, 48), torch.float16)
    f, exact_f = card(random(2, 12, 2, 4))
    g, exact_g = card(random(3, 1, 3, 6))
    # [o][r][j], blocks of o and j (12 of them, o is 1), then one matrix for all.
    first = np.einsum("jsr,bcrj->bcsj", exact_f, exact.reshape(7, 3, 4, 12)).reshape(7, 3, 24)
    second = np.einsum("sr,bcrj->bcsj", exact_g[0], first.reshape(7, 3, 6, 4)).reshape(7, 3, 12)
    near(module("butterfly").main(x, f, g), second, HALF)


@pytest.mark.parametrize("length", [1, 2, 17, 256, 1000])
def test_fft(length):
    x, exact = card(random(1, 3, length, 2))
    z = exact @ np.array([1, 1j])
    near(module("fft").main(x), pairs(np.fft.fft(z)), SINGLE)
    back = np.fft.ifft(z) * np.exp(-2j * np.pi * np.arange(length) / (4 * length))
    near(module("fft").back(x), pairs(back), SINGLE)


def test_repeats():
    arguments, _ = hyena_filter(10)
    first = module("hyena").filter(*arguments)
    assert all(torch.equal(first, module("hyena").filter(*arguments)) for _ in range(100))
