#!/usr/bin/env python3
# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times long convolutions beside torch.fft with a cached spectrum, in one run, and the recorded figures of FlashFFTConv.

    python3 bench/long_conv.py                   # compiles the kernels, then times them
    python3 bench/long_conv.py --make DIR        # only compiles: packages for a machine without the compiler
    python3 bench/long_conv.py --packages DIR    # times the packages of that folder

The shapes are those of FlashFFTConv's own benchmark. The filter is as long as the sequence, flat and random; it is given
in time, so that its transform is inside the time, and where "prepared" stands, as the spectrum that was made once. A
result whose relative L2 error against float64 exceeds 1.5e-3 (f16) or 2.5e-3 (bf16) is not timed.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from memory_bound import ROOT, Case, main  # noqa: E402

RECORDED = json.loads((ROOT / "bench" / "recorded.json").read_text(encoding="utf-8"))["convolutions"]
BOUNDS = {"f16": 1.5e-3, "bf16": 2.5e-3, "f32": 1e-5}
IN_ONE_CTA, BLOCK = 32768, 4096
# The longest sequence of prepared blocks of 32768, and those of blocks that go through memory.
IN_LONG_BLOCKS, PASS_BLOCK = 131072, 524288
SHORT_TAPS = (7, 16, 64, 128)


def short(length):
    return f"{length >> 20}M" if length >= 1 << 20 else f"{length >> 10}K" if length >= 1024 else str(length)


def prepared_text(kind, channels, length, element, gated):
    """A module of `prepare(filter)` and `main(u, spectrum, ...)`."""
    sequence = f"tensor<?x{channels}x{length}x{element}>"
    filter_type = f"tensor<{channels}x{length}xf32>"
    spectrum = f"tensor<{channels}x{length}x2xf16>"
    # Those that the compiler takes by itself, of which a spectrum has to know.
    if kind == "causal" and (BLOCK < length <= IN_LONG_BLOCKS or length > PASS_BLOCK):
        block, radices = next((block, [*first, 16, 16]) for most, block, first in (
            (IN_ONE_CTA, BLOCK, [16]), (IN_LONG_BLOCKS, IN_ONE_CTA, [128]), (length, PASS_BLOCK, [128, 16])) if length <= most)
        spectrum = f"tensor<{channels}x{length // block}x{block}x2xf16>"
    elif length > 1 << 20:
        first = 128 if kind == "circular" else 64
        radices = [radix for radix in (first, 64, length // (first << 14), 16, 16) if radix > 1]
    else:
        first = length // 256 if length <= IN_ONE_CTA else max(128 if kind == "circular" else 64, length // 4096)
        radices = [radix for radix in (first, length // (256 * first), 16, 16) if radix > 1]
    radices = "{radices = array<i64: " + ", ".join(map(str, radices)) + ">}"
    gates = f", %pre: {sequence}, %post: {sequence}" if gated else ""
    clauses = f" pre(%pre : {sequence}) post(%post : {sequence})" if gated else ""
    return f"""func.func @prepare(%filter: {filter_type}) -> {spectrum} {{
  %s = seq.prepare_filter {kind} %filter taps first {radices} : {filter_type} -> {spectrum}
  return %s : {spectrum}
}}
func.func @main(%u: {sequence}, %spectrum: {spectrum}{gates}) -> {sequence} {{
  %y = seq.long_conv {kind} %u spectrum(%spectrum : {spectrum}){clauses} {radices} : {sequence} -> {sequence}
  return %y : {sequence}
}}
"""


def transform_length(kind, length):
    return length if kind == "circular" else 2 * length


def tensors_of(batch, channels, length, taps, element, gated):
    def make(seed):
        import torch

        dtype = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32}[element]
        generator = torch.Generator(device="cuda").manual_seed(seed + length)
        normal = lambda *shape: torch.randn(*shape, device="cuda", generator=generator)  # noqa: E731
        u, *gates = (normal(batch, channels, length).to(dtype) for _ in range(3 if gated else 1))
        return [u, normal(channels, taps) / taps**0.5, *gates]
    return make


def error_of(kind, length):
    """The relative L2 error over the first, a middle and the last channel of the first and the last batch."""
    def error(tensors, result):
        import torch

        u, taps, *gates = tensors
        wrong = size = 0.0
        for batch, channel in ((0, 0), (u.shape[0] - 1, u.shape[1] // 2), (u.shape[0] - 1, u.shape[1] - 1)):
            x = u[batch, channel].double()
            if gates:
                x = x * gates[0][batch, channel].double()
            n = transform_length(kind, length)
            exact = torch.fft.irfft(torch.fft.rfft(x, n=n) * torch.fft.rfft(taps[channel].double(), n=n), n=n)[:length]
            if gates:
                exact = exact * gates[1][batch, channel].double()
            wrong += (result[batch, channel].double() - exact).square().sum().item()
            size += exact.square().sum().item()
        return (wrong / size) ** 0.5
    return error


def torch_fft(kind, length, taps):
    """torch.fft in float32, the filter's spectrum made once."""
    spectra = {}

    def call(u, taps_of, *gates):
        import torch

        n = transform_length(kind, length)
        spectrum = spectra.get(taps_of.data_ptr())
        if spectrum is None:
            spectrum = spectra[taps_of.data_ptr()] = torch.fft.rfft(taps_of, n=n)
        x = u * gates[0] if gates else u
        y = torch.fft.irfft(torch.fft.rfft(x.float(), n=n) * spectrum, n=n)[..., :length].to(u.dtype)
        return y * gates[1] if gates else y
    return call


def prepare(module, tensors):
    u, taps, *gates = tensors
    return [u, module.functions["prepare"](taps), *gates]


def case(group, kind, element, batch, channels, length, taps, gated, recorded=None, peer=True, spectrum=False, beside_copy=False):
    import longwing

    label = f"L {short(length)}, B {batch}, H {channels}" + (f", K {taps}" if taps != length else "")
    text = (prepared_text(kind, channels, length, element, gated) if spectrum else
            longwing.models.long_conv(channels, length, taps=taps, kind=kind, element=element, gated=gated))
    return Case(group, label + (", prepared" if spectrum else ""), text, tensors_of(batch, channels, length, taps, element, gated),
                error_of(kind, length), BOUNDS[element], batch * channels * length * (4 if element == "f32" else 2) * (4 if gated else 2),
                {"torch.fft": torch_fft(kind, length, taps)} if peer else {}, recorded,
                prepare=prepare if spectrum else None, beside_copy=beside_copy)


def cases():
    for element in ("f16", "bf16"):
        for kind in ("causal", "circular"):
            for gated in (False, True):
                group = f"{kind}, {element}{', gated' if gated else ''}"
                for key, entry in RECORDED.items():
                    its_kind, its_element, length = key.split()
                    length = int(length)
                    if (its_kind, its_element) != (kind, element) or length < 256:
                        continue
                    recorded = {name: pair[gated] for name, pair in entry["ms"].items()}
                    shape = (entry["batch"], entry["channels"], length)
                    peer = element == "f16"
                    yield case(group, kind, element, *shape, length, gated, recorded, peer)
                    if length != 512:
                        yield case(group, kind, element, *shape, length, gated, recorded, False, spectrum=True)
    for kind in ("causal", "circular"):
        for batch, channels, length in ((64, 768, 1024), (64, 768, 4096), (32, 768, 16384), (8, 768, 65536), (8, 48, 1048576)):
            yield case(f"{kind}, f32", kind, "f32", batch, channels, length, length, False)
    for taps in SHORT_TAPS:
        for batch, length in ((64, 1024), (64, 4096), (4, 65536)):
            yield case("short filters, causal, f16", "causal", "f16", batch, 768, length, taps, False, peer=False,
                       beside_copy=True)


NOTE = ("Forward; calls with a floor of 10 to 50 us in CUDA graphs, as the host takes longer. The floor is one read of u (and of both "
        "gates) and one write of y at 4.27 TB/s, the speed of large copies; beside short filters stands what a copy of as many bytes "
        "takes. \"Recorded\" figures are of the same card model and shapes, from `bench/recorded.json`.")

if __name__ == "__main__":
    sys.exit(main("long_conv", "Long convolutions, forward", NOTE, cases(), __doc__))
