# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The recurrences in NumPy float64, written from their formulas and not as the compiler's loops are.

Each is a function of one sequence: tensors that vary with time are `[L, ...]`. `over_sequences` makes of it what the
operations do for batches, packed sequences and reversed time. Complex tensors are complex here, and pairs there.
"""

import numpy as np


def over_sequences(recurrence, varying, init=None, offsets=None, reverse=False, **rest):
    """y and the final states. `varying` are `[B, L, ...]` or None, by name; with offsets they are `[1, L, ...]`."""
    present = {name: tensor for name, tensor in varying.items() if tensor is not None}
    batch, length = next(iter(present.values())).shape[:2]
    if offsets is None:
        places = [(b, slice(0, length)) for b in range(batch)]
    else:
        places = [(0, slice(begin, end)) for begin, end in zip(offsets[:-1], offsets[1:])]
    order = slice(None, None, -1) if reverse else slice(None)
    y, states = None, []
    for number, (b, times) in enumerate(places):
        line = {name: tensor[b, times][order] for name, tensor in present.items()}
        out, state = recurrence(**line, init=None if init is None else init[number], **rest)
        if y is None:
            y = np.zeros((batch, length) + out.shape[1:], out.dtype)
        y[b, times] = out[order]
        states.append(state)
    return y, np.array(states)


def scan(b, init, a=None, constant=None, log=False):
    """h[t] = a[t] h[t-1] + b[t]."""
    a = np.broadcast_to(constant, b.shape) if a is None else a
    a = np.exp(a) if log else a
    h = np.zeros(b.shape[1:], b.dtype) if init is None else init
    y = np.zeros_like(b)
    for t in range(len(b)):
        h = a[t] * h + b[t]
        y[t] = h
    return y, h


def wkv(b, key, init, decay, bonus):
    """RWKV-4's weighted mean as the sums that define it; the state is (p, q, m)."""
    y = np.zeros_like(b)
    p0, q0, m0 = (0.0, 0.0, -np.inf) if init is None else init
    with np.errstate(over="ignore"):
        p0, q0 = p0 * np.exp(m0), q0 * np.exp(m0)  # the states of tests have small exponents
    for t in range(len(b)):
        ages = np.arange(t - 1, -1, -1)[:, None]
        weights = np.exp(ages * decay + key[:t])
        now = np.exp(bonus + key[t])
        top = (weights * b[:t]).sum(0) + np.exp(t * decay) * p0 + now * b[t]
        y[t] = top / (weights.sum(0) + np.exp(t * decay) * q0 + now)
    ages = np.arange(len(b) - 1, -1, -1)[:, None]
    weights = np.exp(ages * decay + key)
    return y, np.array([(weights * b).sum(0) + np.exp(len(b) * decay) * p0,
                        weights.sum(0) + np.exp(len(b) * decay) * q0])


def softplus(x):
    return np.logaddexp(0, x)


def silu(x):
    return x / (1 + np.exp(-x))


def selective_scan(u, delta, init, a, b=None, c=None, constant_b=None, constant_c=None, gate=None, skip=None, bias=None,
                   use_softplus=False):
    """S6: [L, D] inputs, a [D, N], b and c [L, G, N] or constant [D, N]."""
    channels, n = a.shape

    def every(varying, constant):
        if varying is None:
            return np.broadcast_to(constant, (len(u),) + constant.shape)
        return np.repeat(varying, channels // varying.shape[1], axis=1)

    b, c = every(b, constant_b), every(c, constant_c)
    dt = delta if bias is None else delta + bias
    dt = softplus(dt) if use_softplus else dt
    complex_ = np.iscomplexobj(a)
    h = np.zeros(a.shape, a.dtype) if init is None else init
    y = np.zeros_like(u)
    for t in range(len(u)):
        h = np.exp(dt[t][:, None] * a) * h + (dt[t] * u[t])[:, None] * b[t]
        s = (c[t] * h).sum(1)
        y[t] = 2 * s.real if complex_ else s
    if skip is not None:
        y = y + skip * u
    if gate is not None:
        y = y * silu(gate)
    return y, h


def linear_attention(q, k, v, init, decay=None, constant_decay=None, dt=None, a=None, bias=None, bonus=None, skip=None,
                     gate=None, scale=1.0, use_softplus=False):
    """The quadratic form: o[t] = sum over i of <q[t] exp(c[t] - c[i]), k[i]> v[i], with c the sums of decays."""
    length, heads, _ = v.shape
    q, k = (np.repeat(x, heads // x.shape[1], axis=1) for x in (q, k))
    g = np.zeros_like(k)
    if decay is not None or constant_decay is not None:
        if decay is None:
            decay = np.broadcast_to(constant_decay, (length,) + constant_decay.shape)
        if decay.ndim == 2:
            decay = decay[:, :, None]
        g = g + np.repeat(decay, heads // decay.shape[1], axis=1)
    if dt is not None:
        d = dt if bias is None else dt + bias
        d = softplus(d) if use_softplus else d
        g = g + (a * d)[:, :, None]
        k = k * d[:, :, None]
    c = np.cumsum(g, axis=0)
    s0 = np.zeros((heads, k.shape[2], v.shape[2])) if init is None else init
    o = np.zeros_like(v)
    for t in range(length):
        # With a bonus, the state that is read has not decayed since the step before.
        seen = t if bonus is not None else t + 1
        now = c[t] if bonus is None else c[t] - g[t]
        weights = np.einsum("hk,ihk->ih", q[t], np.exp(np.minimum(now - c[:seen], 0)) * k[:seen])
        o[t] = np.einsum("ih,ihv->hv", weights, v[:seen]) + np.einsum("hk,hkv->hv", q[t] * np.exp(now), s0)
        if bonus is not None:
            o[t] += (q[t] * bonus * k[t]).sum(1)[:, None] * v[t]
    o = o * scale
    if skip is not None:
        o = o + skip[:, None] * v
    if gate is not None:
        o = o * silu(gate)
    if length == 0:
        return o, s0
    last = np.exp(np.minimum(c[-1] - c, 0)) * k
    return o, np.einsum("ihk,ihv->hkv", last, v) + np.exp(c[-1])[:, :, None] * s0


def pairs(array):
    """Complex numbers as (re, im) in a trailing dimension."""
    return np.stack([array.real, array.imag], -1)
