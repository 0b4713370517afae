# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The convolutions of seq by their definitions, in NumPy float64: sums, nothing clever."""

import numpy as np


def long_conv(kind, u, h, r=None, taps="first", pre=None, post=None, skip=None, skip_ungated=False):
    """y of seq.long_conv; u is [B, H, L], the filters are [H, K]."""
    if taps == "last":
        h, r = h[:, ::-1], None if r is None else r[:, ::-1]
    x = u if pre is None else u * pre
    c = np.zeros_like(x)
    for b, channel in np.ndindex(*x.shape[:2]):
        c[b, channel] = convolve(kind, x[b, channel], h[channel], None if r is None else r[channel])
    if skip is not None:
        c = c + skip[:, None] * (u if skip_ungated else x)
    return c if post is None else c * post


def convolve(kind, x, h, r=None):
    length = len(x)
    if length == 0:
        return np.zeros(0)
    if kind == "causal":
        return np.convolve(x, h)[:length]
    if kind == "anticausal":
        return np.convolve(x[::-1], h)[:length][::-1]
    if kind == "circular":
        wrapped = np.zeros(length)
        for start in range(0, len(h), length):
            part = h[start:start + length]
            wrapped[:len(part)] += part
        whole = np.append(np.convolve(x, wrapped), 0)
        return whole[:length] + whole[length:]
    if kind == "two_sided_disjoint":  # lag -1 is the first: as if a zero stood at lag 0
        r = np.append(0, r)
    return convolve("causal", x, h) + convolve("anticausal", x, r)


def short_conv(kind, x, w, taps="last", bias=None, silu=False, initial=None):
    """y and the final state for x of [B, H, L]."""
    if taps == "last":
        w = w[:, ::-1]
    width, length = w.shape[1], x.shape[2]
    before = np.zeros(x.shape[:2] + (width - 1,)) if initial is None else initial
    padded = np.concatenate([before, x, np.zeros(x.shape[:2] + (width,))], axis=2)
    ahead = width // 2 if kind == "centred" else 0
    y = np.zeros_like(x)
    for j in range(width):
        start = width - 1 - j + ahead
        y += w[:, j, None] * padded[:, :, start:start + length]
    if bias is not None:
        y += bias[:, None]
    if silu:
        y = y / (1 + np.exp(-y))
    return y, np.concatenate([before, x], axis=2)[:, :, length:]


def digits_reversed(radices):
    """For each position the frequency that stands there."""
    frequencies, step = np.zeros(1, int), 1
    for radix in radices:  # the first digit counts ones
        frequencies = (frequencies[:, None] + step * np.arange(radix)).reshape(-1)
        step *= radix
    return frequencies


def spectrum(kind, n, radices, h, r=None, taps="first"):
    """The result of seq.prepare_filter, complex [H, N]."""
    if taps == "last":
        h, r = h[:, ::-1], None if r is None else r[:, ::-1]
    f = digits_reversed(radices)
    if kind == "circular":
        lags = np.arange(h.shape[1])
        return h @ np.exp(-2j * np.pi * np.outer(lags, f) / n)
    first = 1 if kind == "two_sided_disjoint" else 0

    def at_right_angles(taps, lags):
        kept = np.abs(lags) < n
        return taps[:, kept] @ np.exp(-2j * np.pi * np.outer(lags[kept], f - 0.25) / n)

    lags = np.arange(h.shape[1])
    total = at_right_angles(h, -lags if kind == "anticausal" else lags)
    if r is not None:
        total = total + at_right_angles(r, -np.arange(r.shape[1]) - first)
    return total


def block_spectra(kind, blocks, n, radices, h, taps="first"):
    """The result of seq.prepare_filter in blocks, complex [H, P, N]."""
    if taps == "last":
        h = h[:, ::-1]
    f = digits_reversed(radices)
    d = np.arange(1 - n, n)
    padded = np.pad(h, ((0, 0), (n, (blocks + 1) * n)))  # from lag -N on
    sign = 1 if kind == "causal" else -1

    def at_right_angles(j):
        taps = np.zeros((h.shape[0], 4 * n))
        taps[:, d] = padded[:, n + j * n + sign * d]  # negative ones from the end
        return np.fft.fft(taps)[:, (4 * f - 1) % (4 * n)]  # (f - 1/4) / N turns

    return np.stack([at_right_angles(j) for j in range(blocks)], axis=1)


def butterfly(x, factors, strides):
    """y of seq.butterfly for x of [..., N]."""
    for w, m in zip(factors, strides):
        matrices, rows, columns = w.shape
        blocks = x.shape[-1] // columns
        w = np.broadcast_to(w, (blocks, rows, columns)).reshape(blocks // m, m, rows, columns)
        view = x.reshape(x.shape[:-1] + (blocks // m, columns, m))
        x = np.einsum("ojsr,...orj->...osj", w, view).reshape(x.shape[:-1] + (blocks * rows,))
    return x
