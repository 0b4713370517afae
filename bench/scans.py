#!/usr/bin/env python3
# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times recurrences: selective scans, linear attention (SSD, retention, gates), scans, and single steps.

    python3 bench/scans.py                   # compiles the kernels, then times them
    python3 bench/scans.py --make DIR        # only compiles: packages for a machine without the compiler
    python3 bench/scans.py --packages DIR    # times the packages of that folder

Beside them stand the recorded figures of mamba-ssm and flash-linear-attention at the same shapes. A result whose
relative L2 error against float64 exceeds 5e-3 (bf16 in and out, states in float32) is not timed.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from memory_bound import ROOT, Case, main  # noqa: E402

RECORDED = json.loads((ROOT / "bench" / "recorded.json").read_text(encoding="utf-8"))["scans"]
BOUND = 5e-3
CHECKED = 2048  # steps from the start that are compared: float64 goes step by step


def short(length):
    return f"{length >> 10}K" if length >= 1024 else str(length)


def recorded(**wanted):
    return {entry["impl"]: entry["fwd_ms"] for entry in RECORDED if all(entry.get(key) == value for key, value in wanted.items())}


def drawing(build):
    """Tensors from a seed: `build(normal, uniform)` names them."""
    def make(seed):
        import torch

        generator = torch.Generator(device="cuda").manual_seed(seed)

        def normal(*shape, dtype=torch.bfloat16):
            return torch.randn(*shape, device="cuda", generator=generator).to(dtype)

        def uniform(low, high, *shape):
            return torch.rand(*shape, device="cuda", generator=generator) * (high - low) + low
        return build(normal, uniform)
    return make


def moved(tensors, result):
    return sum(t.numel() * t.element_size() for t in tensors) + result


def relative(result, exact):
    return ((result.double() - exact).norm() / exact.norm()).item()


# ===----------------------------------------------------------------------=== #
# Selective scans
# ===----------------------------------------------------------------------=== #


def selective_scan(batch, length, channels, states=16):
    import longwing

    def build(normal, uniform):
        import torch

        rates = -uniform(0.1, 1, channels, states) * torch.arange(1, states + 1, device="cuda")
        return [normal(batch, length, channels), normal(batch, length, channels) * 0.5 - 1, rates,
                normal(batch, length, 1, states), normal(batch, length, 1, states), normal(channels, dtype=torch.float32),
                normal(batch, length, channels), normal(channels, dtype=torch.float32) * 0.1]

    def error(tensors, result):
        import torch

        some = torch.arange(0, channels, channels // 16, device="cuda")
        u, delta, rates, b, c, skip, z, bias = (tensor.double() for tensor in tensors)
        u, delta, z = (tensor[-1, :CHECKED, some] for tensor in (u, delta, z))
        b, c = b[-1, :CHECKED, 0], c[-1, :CHECKED, 0]
        steps = torch.nn.functional.softplus(delta + bias[some], threshold=1e9)
        h, out = torch.zeros(len(some), states, device="cuda", dtype=torch.float64), []
        for t in range(len(u)):
            h = torch.exp(steps[t, :, None] * rates[some]) * h + (steps[t] * u[t])[:, None] * b[t]
            out.append(h @ c[t])
        exact = (torch.stack(out) + skip[some] * u) * z * torch.sigmoid(z)
        return relative(result[-1, :CHECKED, some], exact)

    size = batch * length
    return Case("selective scan, N 16, bf16: softplus, skip, gate", f"B {batch}, L {short(length)}, D {channels}",
                longwing.models.selective_scan(channels, states, skip=True, gate=True, bias=True, softplus=True),
                drawing(build), error, BOUND, size * (4 * channels + 2 * states) * 2,
                recorded=recorded(op="selective_scan", B=batch, L=length, D=channels))


# ===----------------------------------------------------------------------=== #
# Linear attention
# ===----------------------------------------------------------------------=== #


def linear_attention(group, decay, batch, length, heads, keys, values, key_heads=None, found=None, bonus=False):
    import longwing

    key_heads = key_heads or heads
    ssd = decay == "dt"

    def build(normal, uniform):
        import torch

        tensors = [normal(batch, length, key_heads, keys) * keys**-0.5, normal(batch, length, key_heads, keys),
                   normal(batch, length, heads, values)]
        if ssd:
            tensors += [normal(batch, length, heads), -uniform(1, 16, heads), uniform(-5, -2, heads),
                        normal(heads, dtype=torch.float32)]
        elif decay == "head":
            tensors.append(torch.log1p(-torch.pow(2.0, -5 - torch.arange(heads, device="cuda", dtype=torch.float32) % 8)))
        elif decay == "step":
            tensors.append(torch.nn.functional.logsigmoid(normal(batch, length, heads, dtype=torch.float32)) / 4)
        elif decay == "channel":
            tensors.append((torch.nn.functional.logsigmoid(normal(batch, length, key_heads, keys, dtype=torch.float32)) / 16)
                           .to(torch.bfloat16))
        if bonus:
            tensors.append(normal(heads, keys, dtype=torch.float32) * 0.1)
        return tensors

    def error(tensors, result):
        import torch

        q, k, v = (tensor[-1, :CHECKED].double() for tensor in tensors[:3])
        head, key_head = heads - 1, key_heads - 1
        q, k, v = q[:, key_head], k[:, key_head], v[:, head]
        extra = tensors[3:]
        log = torch.zeros(len(q), 1, device="cuda", dtype=torch.float64)
        skip = 0.0
        if ssd:
            dt = torch.nn.functional.softplus(extra[0][-1, :CHECKED, head].double() + extra[2][head].double(), threshold=1e9)
            log, k, skip = (extra[1][head].double() * dt)[:, None], k * dt[:, None], extra[3][head].double()
        elif decay == "head":
            log = log + extra[0][head].double()
        elif decay:
            log = extra[0][-1, :CHECKED, head if decay == "step" else key_head].double().reshape(len(q), -1)
        now = extra[-1][head].double() if bonus else None
        state, out = torch.zeros(keys, values, device="cuda", dtype=torch.float64), []
        for t in range(len(q)):
            outer = k[t][:, None] * v[t]
            if bonus:
                out.append(q[t] @ (state + now[:, None] * outer))
            state = torch.exp(log[t])[:, None] * state + outer
            if not bonus:
                out.append(q[t] @ state)
        return relative(result[-1, :CHECKED, head], torch.stack(out) + skip * v)

    text = longwing.models.linear_attention(heads, keys, value_dim=values, key_heads=key_heads, decay=decay, bias=ssd,
                                            skip=ssd, softplus=ssd, bonus=bonus,
                                            decay_element="bf16" if decay in ("dt", "channel") else "f32")
    per_step = 2 * (2 * key_heads * keys + 2 * heads * values)
    per_step += {"dt": 2 * heads, "step": 4 * heads, "channel": 2 * key_heads * keys}.get(decay, 0)
    return Case(group, f"B {batch}, L {short(length)}, H {heads}, K {keys}, V {values}", text, drawing(build), error, BOUND,
                batch * length * per_step, recorded=found)


# ===----------------------------------------------------------------------=== #
# Scans and steps
# ===----------------------------------------------------------------------=== #


def scan(batch, length, channels, form):
    import longwing

    wkv = form == "wkv"

    def build(normal, uniform):
        if wkv:
            return [-uniform(0.001, 1, channels), normal(batch, length, channels), normal(batch, length, channels),
                    uniform(-1, 1, channels)]
        decay = uniform(0.5, 1, batch, length, channels) if form == "linear" else -uniform(0, 1, batch, length, channels)
        return [decay.to(normal(1).dtype), normal(batch, length, channels)]

    def error(tensors, result):
        import torch

        some = torch.arange(0, channels, channels // 16, device="cuda")
        out = []
        if wkv:
            w, u = tensors[0][some].double(), tensors[3][some].double()
            v, k = (tensor[-1, :CHECKED, some].double() for tensor in tensors[1:3])
            p = q = torch.zeros(len(some), device="cuda", dtype=torch.float64)
            for t in range(len(v)):
                now = torch.exp(u + k[t])
                out.append((p + now * v[t]) / (q + now))
                p, q = torch.exp(w) * p + torch.exp(k[t]) * v[t], torch.exp(w) * q + torch.exp(k[t])
        else:
            a, b = (tensor[-1, :CHECKED, some].double() for tensor in tensors)
            a = torch.exp(a) if form == "log" else a
            h = torch.zeros(len(some), device="cuda", dtype=torch.float64)
            for t in range(len(b)):
                h = a[t] * h + b[t]
                out.append(h)
        return relative(result[-1, :CHECKED, some], torch.stack(out))

    text = longwing.models.scan(channels, form=form, element="bf16")
    return Case(f"scan, {form}, bf16", f"B {batch}, L {short(length)}, D {channels}", text, drawing(build), error, BOUND,
                batch * length * channels * 2 * 3, beside_copy=True)


def scan_step(batch, channels, form):
    """One position: the state is read and written."""
    import longwing

    wkv = form == "wkv"

    def build(normal, uniform):
        if wkv:
            return [-uniform(0.001, 1, channels), normal(batch, 1, channels), normal(batch, 1, channels), uniform(-1, 1, channels),
                    uniform(0.5, 1, batch, 3, channels)]
        decay = uniform(0.5, 1, batch, 1, channels) if form == "linear" else -uniform(0, 1, batch, 1, channels)
        return [decay.to(normal(1).dtype), normal(batch, 1, channels), uniform(-1, 1, batch, channels)]

    def error(tensors, result):
        import torch

        if wkv:
            v, k, u = tensors[1][:, 0].double(), tensors[2][:, 0].double(), tensors[3].double()
            p, q, m = tensors[4].double().unbind(1)
            past, now = torch.exp(m), torch.exp(u + k)
            return relative(result[:, 0], (past * p + now * v) / (past * q + now))
        a, b, h = tensors[0][:, 0].double(), tensors[1][:, 0].double(), tensors[2].double()
        return relative(result[:, 0], (torch.exp(a) if form == "log" else a) * h + b)

    text = longwing.models.scan(channels, form=form, element="bf16", step=True)
    states = 3 if wkv else 1
    return Case(f"one step of a scan, {form}, bf16, f32 state", f"B {batch}, D {channels}", text, drawing(build), error, BOUND,
                batch * channels * (2 * 3 + states * 8), beside_copy=True)


def step(batch, heads, keys, values):
    import longwing

    def build(normal, uniform):
        import torch

        return [normal(batch, 1, heads, keys) * keys**-0.5, normal(batch, 1, heads, keys), normal(batch, 1, heads, values),
                -uniform(0, 1, batch, 1, heads), normal(batch, heads, keys, values, dtype=torch.float32)]

    def error(tensors, result):
        import torch

        q, k, v, log, state = (tensor.double() for tensor in tensors)
        state = torch.exp(log[:, 0])[..., None, None] * state + k[:, 0, :, :, None] * v[:, 0, :, None]
        return relative(result[:, 0], torch.einsum("bhk,bhkv->bhv", q[:, 0], state))

    text = longwing.models.linear_attention(heads, keys, value_dim=values, decay="step", step=True)
    return Case("one step of linear attention, f32 state", f"B {batch}, H {heads}, K {keys}, V {values}", text, drawing(build),
                error, BOUND, batch * heads * keys * values * 8, beside_copy=True)


def selective_step(batch, channels, states=16):
    import longwing

    def build(normal, uniform):
        return [normal(batch, 1, channels), normal(batch, 1, channels) * 0.5 - 1, -uniform(0.1, 1, channels, states),
                normal(batch, 1, 1, states), normal(batch, 1, 1, states), normal(channels).float(), normal(batch, 1, channels),
                normal(channels).float() * 0.1, normal(batch, channels, states).float()]

    def error(tensors, result):
        import torch

        u, delta, rates, b, c, skip, z, bias, h = (tensor.double() for tensor in tensors)
        u, z = u[:, 0], z[:, 0]
        dt = torch.nn.functional.softplus(delta[:, 0] + bias, threshold=1e9)
        h = torch.exp(dt[..., None] * rates) * h + (dt * u)[..., None] * b[:, 0]
        return relative(result[:, 0], ((h * c[:, 0]).sum(-1) + skip * u) * z * torch.sigmoid(z))

    text = longwing.models.selective_scan(channels, states, skip=True, gate=True, bias=True, softplus=True, step=True)
    return Case("one step of a selective scan, f32 state", f"B {batch}, D {channels}, N {states}", text, drawing(build), error,
                BOUND, batch * channels * (8 * states + 8) + channels * states * 4, beside_copy=True)


def cases():
    for shape in ((8, 1024, 2048), (8, 2048, 2048), (8, 4096, 2048), (8, 16384, 2048), (1, 65536, 2048), (1, 262144, 2048),
                  (1, 8192, 5120)):
        yield selective_scan(*shape)
    for batch, length, heads, states in ((8, 2048, 64, 128), (8, 4096, 64, 128), (2, 16384, 64, 128), (1, 65536, 64, 128),
                                         (1, 262144, 64, 128), (8, 4096, 80, 64)):
        yield linear_attention("SSD, bf16: softplus, bias, skip", "dt", batch, length, heads, states, 64, key_heads=1,
                               found=recorded(op="ssd", B=batch, L=length, H=heads, N=states))
    for batch, length in ((8, 2048), (4, 8192), (1, 65536)):
        yield linear_attention("retention, bf16", "head", batch, length, 16, 128, 128,
                               found=recorded(op="retention", B=batch, L=length))
        yield linear_attention("scalar gates, bf16", "step", batch, length, 16, 128, 128)
        yield linear_attention("gates for each key channel (GLA), bf16", "channel", batch, length, 16, 128, 128)
        yield linear_attention("RWKV-6: gates for each key channel and a bonus, bf16", "channel", batch, length, 32, 64, 64,
                               bonus=True)
    for form in ("linear", "log", "wkv"):
        for shape in ((8, 1024, 2048), (8, 4096, 2048), (8, 32768, 2048), (1, 1024, 2048), (1, 4096, 2048), (1, 16384, 2048),
                      (1, 65536, 2048), (1, 262144, 2048)):
            yield scan(*shape, form)
        for batch in (1, 64):
            yield scan_step(batch, 8192, form)
    for batch in (1, 64):
        yield step(batch, 128, 64, 128)
        yield selective_step(batch, 4096)


NOTE = ("Forward. The floor is one read of each input and one write of each output at 4.27 TB/s. \"Recorded\" figures are of the "
        "same card model and shapes, from `bench/recorded.json` (mamba: mamba-ssm; mamba2: its SSD; fla: flash-linear-attention). "
        "Calls of less than about 0.05 ms wait for the host: where 16 sets of inputs or fewer are more than L2 holds they are timed "
        "in CUDA graphs, and so is the copy of as many bytes beside them; what the smallest steps take in a graph stands in "
        "NOTES.md.")

if __name__ == "__main__":
    sys.exit(main("scans", "Recurrences, forward", NOTE, cases(), __doc__))
