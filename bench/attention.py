#!/usr/bin/env python3
# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times Longwing's attention beside PyTorch's SDPA (cuDNN, FlashAttention-2) on the card, in one run.

    python3 bench/attention.py                        # compiles the kernels, then times them
    python3 bench/attention.py --make DIR             # only compiles: packages for a machine without the compiler
    python3 bench/attention.py --packages DIR         # times the packages of that folder

bf16, B * S = 16,384 tokens, H * D = 2,048; FLOPs are 4 B H S^2 D, half of it when causal. The contenders take
turns, round by round, because the card is power-limited and drifts; a figure is the median over the rounds of
do_bench's medians. Each turn reads other buffers, and do_bench clears the L2 cache. A result that is wrong by
the rule of `check` below is not timed. Writes attention.md, attention.json and attention.svg into --output.
"""

import argparse
import json
import math
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "bench")]

from common import environment, measure_roofs, take_turns  # noqa: E402

TOKENS, WIDTH = 16384, 2048
LENGTHS = (512, 1024, 2048, 4096, 8192, 16384, 32768)


def package_name(head_dim, causal):
    return f"attention_bf16_h{WIDTH // head_dim}_d{head_dim}{'_causal' if causal else ''}.lwp"


def compile_kernel(head_dim, causal, schedule):
    import longwing

    text = longwing.models.attention(WIDTH // head_dim, head_dim, causal=causal)
    return longwing.compile(text, target="sm_90a", **schedule)


def flops(batch, heads, length, head_dim, causal):
    return 4 * batch * heads * length * length * head_dim * (0.5 if causal else 1)


def bytes_moved(batch, heads, length, head_dim):
    """Each of q, k, v read once, o written once."""
    return 4 * 2 * batch * heads * length * head_dim


# ===----------------------------------------------------------------------=== #
# Right?
# ===----------------------------------------------------------------------=== #


def exact_rows(q, k, v, rows, causal):
    """Attention of some rows of one head, in float64."""
    import torch

    scores = (q[rows].double() @ k.double().T) / math.sqrt(q.shape[-1])
    if causal:
        hidden = torch.arange(k.shape[0], device=q.device)[None, :] > rows[:, None] + (k.shape[0] - q.shape[0])
        scores.masked_fill_(hidden, -math.inf)
    return torch.softmax(scores, dim=-1) @ v.double()


def check(outputs, q, k, v, causal):
    """Compares rows from the beginning, the middle and the end of a first and a last head with float64.

    Wrong is an error of more than twice that of PyTorch's cuDNN result, plus the rounding of the output
    (FlashAttention-3's rule). Gives the largest error of each contender and the bound.
    """
    import torch

    length = q.shape[2]
    rows = torch.unique(torch.cat([torch.arange(start, min(start + 128, length), device=q.device)
                                   for start in (0, length // 2 - 64, length - 128)]))
    errors, rounding = {name: 0.0 for name in outputs}, 0.0
    for batch, head in ((0, 0), (q.shape[0] - 1, q.shape[1] - 1)):
        exact = exact_rows(q[batch, head], k[batch, head], v[batch, head], rows, causal)
        rounded = exact.to(torch.bfloat16)
        rounding = max(rounding, ((rounded + 0.3 - 0.3) - rounded).abs().max().item())
        for name, output in outputs.items():
            errors[name] = max(errors[name], (output[batch, head][rows].double() - exact).abs().max().item())
    return errors, 2 * errors["cudnn"] + 2 * rounding


# ===----------------------------------------------------------------------=== #
# How fast?
# ===----------------------------------------------------------------------=== #


def contenders(module):
    import torch.nn.functional as functional
    from torch.nn.attention import SDPBackend, sdpa_kernel

    def sdpa(backend):
        def call(q, k, v, causal):
            with sdpa_kernel(backend):
                return functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return call

    return {"longwing": lambda q, k, v, causal: module.main(q, k, v),
            "cudnn": sdpa(SDPBackend.CUDNN_ATTENTION),
            "fa2": sdpa(SDPBackend.FLASH_ATTENTION)}


def measure(module, head_dim, length, causal, options):
    """One line of the table."""
    import torch

    batch, heads = max(1, TOKENS // length), WIDTH // head_dim
    torch.manual_seed(length + head_dim)
    sets = [[torch.randn(batch, heads, length, head_dim, device="cuda", dtype=torch.bfloat16) for _ in range(3)]
            for _ in range(options.buffers)]
    calls = contenders(module)
    line = dict(head_dim=head_dim, length=length, batch=batch, heads=heads, causal=causal)
    outputs = {name: call(*sets[0], causal) for name, call in calls.items()}
    errors, bound = check(outputs, *sets[0], causal)
    line.update(errors=errors, error_bound=bound)
    del outputs
    wrong = [name for name in calls if not errors[name] <= bound]
    if wrong:
        line["wrong"] = wrong

    right = {name: lambda *tensors, call=call: call(*tensors, causal) for name, call in calls.items() if name not in wrong}
    line["ms"], line["spread"] = take_turns(right, sets, options.rounds, options.warmup, options.rep)
    work, moved = flops(batch, heads, length, head_dim, causal), bytes_moved(batch, heads, length, head_dim)
    line["intensity"] = work / moved
    line["tflops"] = {name: work / ms / 1e9 for name, ms in line["ms"].items()}
    return line


# ===----------------------------------------------------------------------=== #


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=pathlib.Path, help="time the packages of this folder")
    parser.add_argument("--make", type=pathlib.Path, metavar="DIR", help="write the packages into this folder, and stop")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "bench" / "results")
    parser.add_argument("--head-dims", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--lengths", type=int, nargs="+", default=list(LENGTHS))
    parser.add_argument("--masks", nargs="+", choices=["none", "causal"], default=["none", "causal"])
    parser.add_argument("--rounds", type=int, default=5, help="turns that each contender takes")
    parser.add_argument("--rep", type=int, default=40, help="milliseconds of a turn")
    parser.add_argument("--warmup", type=int, default=10, help="milliseconds before a turn")
    parser.add_argument("--buffers", type=int, default=3, help="sets of inputs")
    parser.add_argument("--schedule", nargs="*", default=[], metavar="KEY=VALUE", help="overrides when compiling")
    return parser.parse_args()


def main():
    options = parse_arguments()
    schedule = dict(item.split("=", 1) for item in options.schedule)
    masks = [mask == "causal" for mask in options.masks]
    if options.make:
        options.make.mkdir(parents=True, exist_ok=True)
        for head_dim in options.head_dims:
            for causal in masks:
                path = options.make / package_name(head_dim, causal)
                compile_kernel(head_dim, causal, schedule).save(path)
                print(f"wrote {path}")
        return 0

    import longwing
    import torch

    if not torch.cuda.is_available():
        print("error: expected a CUDA device, found none", file=sys.stderr)
        return 1
    options.output.mkdir(parents=True, exist_ok=True)
    record = dict(environment=environment(), roofs=measure_roofs(),
                  settings=dict(tokens=TOKENS, width=WIDTH, rounds=options.rounds, rep_ms=options.rep), lines=[])
    print(json.dumps(record["environment"]), json.dumps(record["roofs"]), flush=True)
    for head_dim in options.head_dims:
        for causal in masks:
            module = (longwing.load(options.packages / package_name(head_dim, causal)) if options.packages
                      else compile_kernel(head_dim, causal, schedule))
            for length in options.lengths:
                line = measure(module, head_dim, length, causal, options)
                record["lines"].append(line)
                speeds = "  ".join(f"{name} {value:6.1f}" for name, value in line["tflops"].items())
                print(f"D {head_dim:3}  {'causal' if causal else 'full  '}  S {length:5}  {speeds}"
                      + (f"  WRONG: {', '.join(line['wrong'])}" if "wrong" in line else ""), flush=True)
                write(record, options.output)
    write(record, options.output)
    return 1 if any("wrong" in line for line in record["lines"]) else 0


def write(record, folder):
    import report

    (folder / "attention.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (folder / "attention.md").write_text(report.markdown(record), encoding="utf-8")
    (folder / "attention.svg").write_text(report.roofline(record), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
