#!/usr/bin/env python3
# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads a real text with one causal attention layer: compiles it, runs it, checks it against float64, times it.

The bytes of the text are the tokens. Each gets a vector from a fixed pseudo-random table, plus the sines and
cosines of its position, and fixed pseudo-random projections of that are q, k and v.

On a Hopper card the whole text is read; without one, the CPU target reads a prefix (--length).
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import numpy

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "python"))
import longwing  # noqa: E402

HEADS, HEAD_DIM = 8, 128
FREQUENCIES = 16
TABLE = 64
CPU_LENGTH = 2048
WHOLLY_CHECKED = 4096
CHECKED_ROWS = 512


def say(text):
    print(text, flush=True)


# ===----------------------------------------------------------------------=== #
# Text to q, k, v
# ===----------------------------------------------------------------------=== #


def embed(tokens):
    """q, k, v of shape [1, heads, tokens, head_dim], rounded to bfloat16, in float32."""
    random = numpy.random.default_rng(2022)
    table = random.standard_normal((256, TABLE))
    positions = numpy.arange(len(tokens))[:, None]
    angles = positions / 10000.0 ** (numpy.arange(FREQUENCIES) / FREQUENCIES)
    waves = numpy.concatenate([numpy.sin(angles), numpy.cos(angles)], axis=1)
    tensors = []
    for _ in range(3):
        by_byte = random.standard_normal((TABLE, HEADS * HEAD_DIM)) / numpy.sqrt(TABLE)
        by_position = random.standard_normal((2 * FREQUENCIES, HEADS * HEAD_DIM)) / numpy.sqrt(FREQUENCIES)
        # A byte's vector is projected once for all its places in the text.
        rows = (table @ by_byte).astype(numpy.float32)[tokens]
        rows += waves.astype(numpy.float32) @ by_position.astype(numpy.float32)
        tensors.append(rows.reshape(1, len(tokens), HEADS, HEAD_DIM).transpose(0, 2, 1, 3).copy())
    return tensors


# ===----------------------------------------------------------------------=== #
# Float64
# ===----------------------------------------------------------------------=== #


def exact_rows(q, k, v, first, last):
    """Rows first to last - 1 of causal attention, in float64, from all keys that they see."""
    out = numpy.empty((HEADS, last - first, HEAD_DIM))
    hidden = numpy.arange(last)[None, :] > numpy.arange(first, last)[:, None]
    for head in range(HEADS):
        keys, values = k[0, head, :last].astype(numpy.float64), v[0, head, :last].astype(numpy.float64)
        scores = q[0, head, first:last].astype(numpy.float64) @ keys.T / numpy.sqrt(HEAD_DIM)
        scores[hidden] = -numpy.inf
        scores -= scores.max(axis=1, keepdims=True)
        weights = numpy.exp(scores)
        out[head] = (weights @ values) / weights.sum(axis=1, keepdims=True)
    return out


def check(o, q, k, v, ranges):
    """Relative L2 and largest error of the rows in the ranges."""
    squares = total = largest = 0.0
    count, step, done = sum(last - first for first, last in ranges), 128, 0
    for first, last in ranges:
        for start in range(first, last, step):
            stop = min(start + step, last)
            exact = exact_rows(q, k, v, start, stop)
            difference = o[0, :, start:stop] - exact
            squares += float((difference**2).sum())
            total += float((exact**2).sum())
            largest = max(largest, float(numpy.abs(difference).max()))
            done += stop - start
            progress("      float64", done, count)
    return (squares / total) ** 0.5, largest


def progress(label, done, total):
    if sys.stdout.isatty():
        print(f"\r{label}: {done} of {total} rows", end="\n" if done == total else "", flush=True)
    elif done == total or done * 4 // total != (done - 128) * 4 // total:
        say(f"{label}: {done} of {total} rows")


# ===----------------------------------------------------------------------=== #
# Compiling
# ===----------------------------------------------------------------------=== #


def find_tool(name):
    folders = [os.environ.get("LONGWING_BIN_DIR", "")] + [str(ROOT / "build" / preset / "bin") for preset in
                                                          ("release", "portable", "dev")]
    return shutil.which(name, path=os.pathsep.join(filter(None, folders))) or shutil.which(name)


def show_artefacts(model, folder):
    """PTX and cubin, with the kernel's configuration, from the command line's compiler."""
    compiler = find_tool("longwing-compile")
    for kind in ("ptx", "cubin"):
        path = folder / f"read_text.{kind}"
        command = [compiler, str(model), f"--emit={kind}", "-o", str(path)] + (["--print-config"] if kind == "ptx" else [])
        began = time.perf_counter()
        result = subprocess.run(command, capture_output=True, text=True)
        seconds = time.perf_counter() - began
        if result.returncode == 0:
            size = f"{len(path.read_text().splitlines()):,} lines" if kind == "ptx" else f"{path.stat().st_size:,} bytes"
            say(f"      {path}: {size}, in {seconds:.2f} s")
            for line in (result.stdout + result.stderr).splitlines():
                say(f"        {line}")
        elif kind == "cubin" and "expected ptxas" in result.stderr:
            say("      no cubin: ptxas was not found (the card's driver assembles the PTX)")
        else:
            raise SystemExit(result.stderr)


# ===----------------------------------------------------------------------=== #
# Running
# ===----------------------------------------------------------------------=== #


def run_on_card(module, tensors):
    arrays = [longwing.to_device(longwing.to_bfloat16(tensor)) for tensor in tensors]
    results = module.main(*arrays)
    longwing.synchronize()
    repeats = 20
    began = time.perf_counter()
    for _ in range(repeats):
        module.main(*arrays, out=results)
    longwing.synchronize()
    seconds = (time.perf_counter() - began) / repeats
    return longwing.from_bfloat16(results[0].numpy()), seconds


def run_on_cpu(module, tensors):
    arrays = [longwing.to_bfloat16(tensor) for tensor in tensors]
    began = time.perf_counter()
    results = module.main(*arrays)
    return longwing.from_bfloat16(results[0]), time.perf_counter() - began


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=pathlib.Path, default=pathlib.Path("/usr/share/common-licenses/GPL-3"))
    parser.add_argument("--device", choices=["auto", "cuda", "cpu"], default="auto")
    parser.add_argument("--length", type=int, help=f"tokens to read; all on a card, {CPU_LENGTH:,} on a CPU if not given")
    parser.add_argument("--package", type=pathlib.Path, help="run this package instead of compiling (needs a card)")
    parser.add_argument("--output", type=pathlib.Path, help="keep PTX, cubin and package in this folder")
    return parser.parse_args()


def main():
    options = parse_arguments()
    began = time.perf_counter()
    on_card = options.device == "cuda" or (options.device == "auto" and longwing.device_count() > 0)
    text = options.text.read_bytes()
    length = min(len(text), options.length or (len(text) if on_card else CPU_LENGTH))
    tokens = numpy.frombuffer(text, numpy.uint8)[:length]
    say(f"[1/4] {options.text}: {len(text):,} bytes; reading {'all' if length == len(text) else f'the first {length:,}'} on "
        + ("the card" if on_card else "the CPU" + (", as there is no card" if options.device == "auto" else "")))
    tensors = [longwing.from_bfloat16(longwing.to_bfloat16(tensor)) for tensor in embed(tokens)]
    say(f"      q, k, v: {' x '.join(map(str, tensors[0].shape))}, bfloat16, made in {time.perf_counter() - began:.1f} s")

    model = HERE / "model.mlir"
    if options.package:
        say(f"[2/4] loading {options.package}")
        module = longwing.load(options.package)
    else:
        say(f"[2/4] compiling {os.path.relpath(model)} for sm_90a" + ("" if on_card else ", and for this CPU"))
        folder = options.output or pathlib.Path(tempfile.mkdtemp(prefix="longwing-"))
        folder.mkdir(parents=True, exist_ok=True)
        show_artefacts(model, folder)
        start = time.perf_counter()
        module = longwing.compile(model, target="sm_90a" if on_card else "x86-64")
        say(f"      module for {module.target}: {time.perf_counter() - start:.2f} s")
        if on_card:
            module.save(folder / "read_text.lwp")

    say(f"[3/4] running {length:,} tokens on {'the card' if on_card else 'the CPU'}")
    o, seconds = (run_on_card if on_card else run_on_cpu)(module, tensors)
    work = 2 * HEADS * length * length * HEAD_DIM
    say(f"      {seconds * 1e3:.2f} ms, {work / seconds / 1e9:,.1f} GFLOP/s")

    # The float64 check of 35 K tokens would take minutes. The last rows see all keys: with the first ones, and the keys
    # before them, they are an exact part of the problem.
    rows = CHECKED_ROWS
    ranges = [(0, length)] if length <= WHOLLY_CHECKED else [(0, rows), (length - rows, length)]
    say("[4/4] checking " + ("all rows" if len(ranges) == 1 else f"the first and the last {rows} rows (the last see all "
                             f"{length:,} keys)") + " against float64")
    relative, largest = check(o, *tensors, ranges)
    # bfloat16 keeps 8 bits: weights and results are rounded by up to 2^-9 of their size.
    bound = 2.0**-7
    passed = relative <= bound
    say(f"      relative error {relative:.2e} (at most {bound:.2e}), largest {largest:.2e}")
    say(f"{'Right' if passed else 'WRONG'}: {length:,} tokens in {seconds * 1e3:.2f} ms; the whole took "
        f"{time.perf_counter() - began:.1f} s")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
