#!/usr/bin/env python3
# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small launches of attention, recurrences and convolutions for compute-sanitizer, with NumPy only: PyTorch's own
kernels would be checked too.

    python3 test/gpu/sanitize.py DIR [TOOL...]      DIR: packages of kernels.py, direct_conv.py and fourier.py, of which
                                                    those that are there run; tools: memcheck racecheck ..., or all
    LONGWING_SANITIZE_FEW=1                         one kernel of each family: for a tool that is slow

Without a tool it only runs the launches (which is what it does under compute-sanitizer).
"""

import os
import pathlib
import shutil
import subprocess
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import longwing  # noqa: E402
import direct_conv  # noqa: E402
import fourier  # noqa: E402
from scan_cases import MODELS, Case, cpu  # noqa: E402
from convolutions import long_conv  # noqa: E402

TOOLS = ("memcheck", "racecheck", "synccheck", "initcheck")
LENGTHS = [(1, 1), (64, 128), (113, 203), (200, 77), (300, 300)]
NAMES = [f"{element}_d{head_dim}_{heads}{causal}" for element, heads in (("bf16", "mha"), ("f16", "gqa"))
         for head_dim in (64, 128) for causal in ("", "_causal")]
RECURRENCES = list(MODELS)
# One of each way through the kernels: Toeplitz products, transforms in one CTA, with gates, in pairs, in passes.
CONVOLUTIONS = ["causal_7", "causal_300", "circular_250", "gated_9", "whole_384", "fourier_causal_1000",
                "fourier_causal_gated_4096", "fourier_circular_1024", "fourier_causal_8192",
                "fourier_circular_gated_8192_bf16", "fourier_circular_5001", "fourier_causal_14113",
                "fourier_causal_gated_32768_bf16", "fourier_causal_40000", "fourier_causal_1000_f32", "fourier_circular_4096_f32"]
SHORT_CONVOLUTIONS = ["short_4_states", "short_3", "channels_520_f16", "channels_5_bf16"]
if os.environ.get("LONGWING_SANITIZE_FEW"):
    NAMES, LENGTHS, RECURRENCES = NAMES[:1], LENGTHS[1:3], RECURRENCES[:1]
    CONVOLUTIONS, SHORT_CONVOLUTIONS = CONVOLUTIONS[1::6], SHORT_CONVOLUTIONS[:1]


def exact(q, k, v, causal):
    k, v = (numpy.repeat(x, q.shape[1] // x.shape[1], axis=1) for x in (k, v))
    scores = numpy.einsum("bhid,bhjd->bhij", q, k) / numpy.sqrt(q.shape[-1])
    if causal:
        i, j = numpy.ogrid[:q.shape[2], :k.shape[2]]
        scores = numpy.where(j <= i + k.shape[2] - q.shape[2], scores, -numpy.inf)
    top = numpy.maximum(scores.max(-1, keepdims=True), -1e30)
    weights = numpy.exp(scores - top)
    return numpy.einsum("bhij,bhjd->bhid", weights / numpy.maximum(weights.sum(-1, keepdims=True), 1e-300), v)


def launches(folder):
    random = numpy.random.default_rng(0)
    for name in NAMES:
        module = longwing.load(folder / f"{name}.lwp")
        element, head_dim, key_heads = name.split("_")[0], int(name.split("_")[1][1:]), 6 if "mha" in name else 2
        for q_length, k_length in LENGTHS:
            def narrow(values):
                return longwing.to_bfloat16(values) if element == "bf16" else values.astype(numpy.float16)

            def tensor(heads, length):
                return narrow(random.standard_normal((2, heads, length, head_dim), dtype=numpy.float32))

            # The results start as NaN: initcheck does not see what the copy engine writes, so that it would take
            # every result for uninitialised; and what a kernel leaves unwritten fails the comparison.
            poison = numpy.full((2, 6, q_length, head_dim), numpy.nan, numpy.float32)
            arrays = tensor(6, q_length), tensor(key_heads, k_length), tensor(key_heads, k_length)
            out = [longwing.to_device(array, 0, dtype) for array, dtype in
                   ((narrow(poison), element), (numpy.ascontiguousarray(poison[..., 0]), "f32"))]
            module.main(*(longwing.to_device(array, 0, element) for array in arrays), out=out)
            o, lse = (result.numpy() for result in out)
            if numpy.isnan(lse).any():
                raise SystemExit(f"{name} {q_length}x{k_length}: some of lse is not written")
            if element == "bf16":
                o, *arrays = map(longwing.from_bfloat16, (o, *arrays))
            error = numpy.abs(o - exact(*(x.astype(numpy.float64) for x in arrays), "causal" in name)).max()
            print(f"{name} {q_length}x{k_length}: max. error {error:.1e}", flush=True)
            if not error <= (2e-2 if element == "bf16" else 3e-3):
                raise SystemExit(f"{name} {q_length}x{k_length} is wrong: max. error {error:.1e}")


def poisoned(result):
    """A result's like, full of NaN: initcheck does not see what the copy engine writes."""
    bits = numpy.full(result.shape, -1, {"f32": numpy.int32}.get(result.dtype, numpy.int16))
    return longwing.to_device(bits.view({"f32": numpy.float32, "f16": numpy.float16}.get(result.dtype, numpy.uint16)), 0,
                              result.dtype)


def recurrences(folder):
    """A few tiles of each, with states of both ends where the model has them."""
    for name in RECURRENCES:
        options = MODELS[name][1]
        shape = dict(length=1) if options.get("step") else dict(offsets=[0, 1, 70, 70, 200]) if options.get("packed") else \
            dict(length=200)
        case = Case(name, batch=2, **shape)
        function = longwing.load(folder / f"{name}.lwp").main
        tensors = [longwing.to_device(numpy.asarray(array)) for array in case.stored]
        results = function(*tensors)
        out = [poisoned(result) for result in (results if isinstance(results, (tuple, list)) else [results])]
        function(*tensors, out=out if len(out) > 1 else out[0])
        arrays = [result.numpy() for result in out]
        if case.element == "bf16":
            arrays[0] = arrays[0].view(cpu.BF16)
        case.check(arrays)
        print(name, flush=True)


def convolutions(folder):
    """A few tiles of each, in two sequences."""
    random = numpy.random.default_rng(2)

    def present(names):
        return [name for name in names if (folder / f"{name}.lwp").exists()]

    for name in present(CONVOLUTIONS):
        spec = fourier.cases()[name[8:]] if name.startswith("fourier_") else direct_conv.LONG[name]
        element, channels, taps = spec["element"], fourier.CHANNELS, spec["taps"]
        shape = (2, channels, spec.get("length") or 700)

        def tensor(*sizes):
            values = random.standard_normal(sizes, dtype=numpy.float32)
            return {"bf16": longwing.to_bfloat16, "f16": lambda x: x.astype(numpy.float16)}.get(element, lambda x: x)(values)

        arrays = {"u": tensor(*shape), "h": random.standard_normal((channels, taps), dtype=numpy.float32) / taps**0.5}
        if spec.get("reverse"):
            arrays["r"] = random.standard_normal((channels, spec["reverse"]), dtype=numpy.float32) / taps**0.5
        arrays.update({gate: tensor(*shape) for gate in ("pre", "post") if spec.get(gate)})
        if spec.get("skip"):
            arrays["skip"] = random.standard_normal(channels, dtype=numpy.float32)
        function = longwing.load(folder / f"{name}.lwp").main
        tensors = [longwing.to_device(x, 0, "bf16" if x.dtype == numpy.uint16 else None) for x in arrays.values()]
        out = poisoned(function(*tensors))
        function(*tensors, out=out)
        widen = {numpy.dtype(numpy.uint16): longwing.from_bfloat16}
        found, *given = (widen.get(x.dtype, lambda y: y)(x).astype(numpy.float64) for x in (out.numpy(), *arrays.values()))
        wanted = long_conv(spec["kind"], taps=spec.get("order", "first"), skip_ungated=spec.get("ungated", False),
                           **dict(zip(arrays, given)))
        error = numpy.linalg.norm(found - wanted) / numpy.linalg.norm(wanted)
        print(f"{name}: relative error {error:.1e}", flush=True)
        if not error <= {"f16": 1.5e-3, "bf16": 2.5e-3, "f32": 1e-5}[element]:
            raise SystemExit(f"{name} is wrong: relative error {error:.1e}")
    for name in present(SHORT_CONVOLUTIONS):
        spec = direct_conv.SHORT[name]
        channels = spec.get("channels", direct_conv.CHANNELS)
        along = (lambda x: x.swapaxes(1, 2)) if spec.get("axis") == 1 else (lambda x: x)

        def tensor(*sizes):
            values = numpy.ascontiguousarray(along(random.standard_normal(sizes, dtype=numpy.float32)))
            return longwing.to_bfloat16(values) if spec["element"] == "bf16" else values.astype(numpy.float16)

        arrays = [tensor(2, channels, 300), random.standard_normal((channels, spec["width"]), dtype=numpy.float32),
                  random.standard_normal(channels, dtype=numpy.float32)]
        if spec.get("states"):
            arrays.append(tensor(2, channels, spec["width"] - 1))
        function = longwing.load(folder / f"{name}.lwp").main
        tensors = [longwing.to_device(x, 0, "bf16" if x.dtype == numpy.uint16 else None) for x in arrays]
        results = function(*tensors)
        results = results if isinstance(results, (tuple, list)) else [results]
        out = [poisoned(result) for result in results]
        function(*tensors, out=out if len(out) > 1 else out[0])
        if any((x.numpy() != y.numpy()).any() for x, y in zip(results, out)):
            raise SystemExit(f"{name}: some of the result is not written, or differs from call to call")
        print(name, flush=True)


def main(folder, tools):
    if not tools:
        for check, needs in ((launches, f"{NAMES[0]}.lwp"), (recurrences, f"{RECURRENCES[0]}.lwp"),
                             (convolutions, f"{CONVOLUTIONS[0]}.lwp")):
            if (folder / needs).exists():
                check(folder)
        return 0
    sanitizer = shutil.which("compute-sanitizer") or shutil.which("compute-sanitizer", path="/usr/local/cuda/bin")
    if not sanitizer:
        raise SystemExit("compute-sanitizer was not found")
    bad = 0
    for tool in tools:
        # racecheck looks at shared memory, which the small launches use as the large ones do.
        # Lines are shown as they come: of a tool that outlasts a time limit one sees how far it got.
        process = subprocess.Popen([sanitizer, "--tool", tool, "--error-exitcode", "9", sys.executable, __file__, str(folder)],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        summary = []
        for line in process.stdout:
            print(line, end="", flush=True)
            if "SUMMARY" in line:
                summary.append(line.strip())
        code = process.wait()
        print(f"{tool}: exit code {code}; {' '.join(summary) or 'no summary'}", flush=True)
        # Without a summary the tool did not check anything to the end.
        if code or not summary:
            bad = 1
    return bad


if __name__ == "__main__":
    if len(sys.argv) < 2 or any(tool not in TOOLS + ("all",) for tool in sys.argv[2:]):
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]), TOOLS if "all" in sys.argv[2:] else sys.argv[2:]))
