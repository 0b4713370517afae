#!/usr/bin/env python3
# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small launches of attention and of recurrences for compute-sanitizer, with NumPy only: PyTorch's own kernels would be
checked too.

    python3 test/gpu/sanitize.py DIR [TOOL...]      DIR: packages of kernels.py; tools: memcheck racecheck ...
    LONGWING_SANITIZE_FEW=1                         one kernel, two sizes: for a tool that is slow

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
from scan_cases import CPU_ONLY, MODELS, Case, cpu  # noqa: E402

TOOLS = ("memcheck", "racecheck", "synccheck", "initcheck")
LENGTHS = [(1, 1), (64, 128), (113, 203), (200, 77), (300, 300)]
NAMES = [f"{element}_d{head_dim}_{heads}{causal}" for element, heads in (("bf16", "mha"), ("f16", "gqa"))
         for head_dim in (64, 128) for causal in ("", "_causal")]
RECURRENCES = [name for name in MODELS if name not in CPU_ONLY]
if os.environ.get("LONGWING_SANITIZE_FEW"):
    NAMES, LENGTHS, RECURRENCES = NAMES[:1], LENGTHS[1:3], RECURRENCES[:1]


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


def main(folder, tools):
    if not tools:
        launches(folder)
        recurrences(folder)
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
