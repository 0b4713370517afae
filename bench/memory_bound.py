# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times operations whose floor is memory: each input read once, each output written once, at the card's copy rate.

A family (`long_conv.py`, `scans.py`) lists its cases; this runs them beside their peers, in turns in one run, checks every
result against float64, and writes the table as Markdown and JSON.
"""

import argparse
import hashlib
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "bench")]

from common import Copy, buffers_past_l2, environment, measure_roofs, take_turns  # noqa: E402

# Bytes a second of the copy by which the floors of the recorded figures were taken, read and written.
COPY_BYTES = 4.27e12
# The most sets of inputs that a call in a graph takes, so that L2 does not hold them.
MOST_SETS = 16


class Case:
    """One line of a table.

    `text` is the model; `tensors(seed)` makes its arguments on the card, and `bound` is the greatest relative L2 error
    that `error(tensors, result)` may give. `peers` are calls that take the same tensors; `recorded` milliseconds of
    programs that were measured elsewhere. A line with `beside_copy` shows what the device's copy of as many bytes takes.
    """

    def __init__(self, group, label, text, tensors, error, bound, moved, peers=None, recorded=None, function="main",
                 prepare=None, beside_copy=False):
        self.group, self.label, self.text, self.tensors = group, label, text, tensors
        self.error, self.bound, self.moved = error, bound, moved
        self.peers, self.recorded = peers or {}, recorded or {}
        self.function, self.prepare, self.beside_copy = function, prepare, beside_copy

    @property
    def is_host_bound(self):
        """Whether a call from Python takes longer than its kernels, and a few sets of inputs are more than L2 holds: it is timed
        in a graph."""
        return buffers_past_l2(self.moved) <= MOST_SETS and self.moved < 50e-6 * COPY_BYTES

    def sets(self, least):
        """How many sets of inputs take turns."""
        return max(least, buffers_past_l2(self.moved)) if self.is_host_bound else least

    @property
    def package(self):
        return hashlib.sha256(self.text.encode()).hexdigest()[:16] + ".lwp"

    def compile(self):
        import longwing

        return longwing.compile(self.text, target="sm_90a")


def measure(case, module, options):
    import torch

    sets = [case.tensors(seed) for seed in range(case.sets(options.buffers))]
    call = getattr(module, case.function)
    if case.prepare:
        sets = [case.prepare(module, tensors) for tensors in sets]
    line = dict(group=case.group, label=case.label, floor_ms=case.moved / COPY_BYTES * 1e3, recorded_ms=case.recorded)
    result = call(*sets[0])
    result = result[0] if isinstance(result, tuple) else result
    line["error"], line["error_bound"] = case.error(case.tensors(0), result), case.bound
    del result
    if not line["error"] <= case.bound:
        line["wrong"] = True
        return line
    contenders = {"longwing": call}
    if case.beside_copy:
        contenders["copy"] = Copy(case.moved, len(sets))
    line["ms"], line["spread"] = take_turns(contenders, sets, options.rounds, options.warmup, options.rep, graph=case.is_host_bound)
    if case.beside_copy:
        line["copy_ms"] = line["ms"].pop("copy")
        del contenders
    if case.peers:
        if case.prepare:
            sets = [case.tensors(seed) for seed in range(options.buffers)]
        theirs, spread = take_turns(case.peers, sets, 1, options.warmup, options.rep)
        line["ms"].update(theirs)
        line["spread"].update(spread)
    del sets
    torch.cuda.empty_cache()
    return line


# ===----------------------------------------------------------------------=== #
# The table
# ===----------------------------------------------------------------------=== #


def markdown(record):
    env, roofs = record["environment"], record["roofs"]
    text = [f"# {record['title']}", "",
            f"{env['device']}, {env['date']}; driver and power limit {env['driver_and_power_limit']}, CUDA {env['cuda']}, "
            f"PyTorch {env['torch']}, Longwing {env['longwing']}. Copy in the same run: {roofs['copy_gbps']:,.0f} GB/s.", "",
            record["note"], ""]
    groups = {}
    for line in record["lines"]:
        groups.setdefault(line["group"], []).append(line)
    for group, lines in groups.items():
        peers = list(dict.fromkeys(name for line in lines for name in line.get("ms", {}) if name != "longwing"))
        recorded = list(dict.fromkeys(name for line in lines for name in line["recorded_ms"]))
        copies = any("copy_ms" in line for line in lines)
        text += [f"## {group}", "",
                 "| | Longwing, ms | × floor | " + ("copy of as many bytes, ms | share of its speed | " if copies else "")
                 + "".join(f"{name}, ms | " for name in peers)
                 + "".join(f"{name} (recorded), ms | " for name in recorded) + "faster than the best | relative error |",
                 "|---|" + "---:|" * (len(peers) + len(recorded) + (6 if copies else 4))]
        for line in lines:
            text.append("| " + " | ".join(_cells(line, copies, peers, recorded)) + " |")
        text.append("")
    return "\n".join(text)


def _cells(line, copies, peers, recorded):
    times = line.get("ms", {})
    others = [times[name] for name in peers if name in times] + list(line["recorded_ms"].values())
    if "unsupported" in line:
        ours = ["not compiled", "-"]
    elif "wrong" in line:
        ours = ["wrong", "-"]
    else:
        ours = [f"{times['longwing']:.4f}", f"{times['longwing'] / line['floor_ms']:.2f}"]
    cells = [line["label"], *ours]
    if copies:
        copy = line.get("copy_ms")
        cells += [f"{copy:.4f}", f"{100 * copy / times['longwing']:.0f} %"] if copy else ["-", "-"]
    cells += [f"{times[name]:.3f}" if name in times else "-" for name in peers]
    cells += [f"{line['recorded_ms'][name]:.3f}" if name in line["recorded_ms"] else "-" for name in recorded]
    cells.append(f"{min(others) / times['longwing']:.1f}×" if others and "longwing" in times else "-")
    cells.append(f"{line['error']:.1e}" if "error" in line else "-")
    return cells


def write(record, folder, name):
    (folder / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(markdown(record), encoding="utf-8")


# ===----------------------------------------------------------------------=== #


def parse_arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=pathlib.Path, help="time the packages of this folder")
    parser.add_argument("--make", type=pathlib.Path, metavar="DIR", help="write the packages into this folder, and stop")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "bench" / "results")
    parser.add_argument("--only", default="", help="only the lines whose group and label hold this text")
    parser.add_argument("--rounds", type=int, default=3, help="turns that Longwing takes")
    parser.add_argument("--rep", type=int, default=20, help="milliseconds of a turn")
    parser.add_argument("--warmup", type=int, default=5, help="milliseconds before a turn")
    parser.add_argument("--buffers", type=int, default=2, help="sets of inputs")
    return parser.parse_args()


def main(name, title, note, cases, description):
    options = parse_arguments(description)
    cases = [case for case in cases if options.only in f"{case.group} {case.label}"]
    if options.make:
        return make(cases, options.make)
    import longwing
    import torch

    if not torch.cuda.is_available():
        print("error: expected a CUDA device, found none", file=sys.stderr)
        return 1
    options.output.mkdir(parents=True, exist_ok=True)
    record = dict(title=title, note=note, environment=environment(), roofs=measure_roofs(), lines=[])
    for case in cases:
        path = options.packages / case.package if options.packages else None
        if path and not path.exists():
            record["lines"].append(dict(group=case.group, label=case.label, floor_ms=case.moved / COPY_BYTES * 1e3,
                                        recorded_ms=case.recorded, unsupported=True))
        else:
            record["lines"].append(measure(case, longwing.load(path) if path else case.compile(), options))
        line = record["lines"][-1]
        times = "  ".join(f"{who} {ms:.4f}" for who, ms in line.get("ms", {}).items()) or "-"
        over = f" = {line['ms']['longwing'] / line['floor_ms']:.2f} x floor" if "ms" in line else ""
        if "copy_ms" in line:
            over += f", at {100 * line['copy_ms'] / line['ms']['longwing']:.0f} % of a copy's speed ({line['copy_ms']:.4f} ms)"
        print(f"{case.group}, {case.label}: {times} ms{over}, error {line.get('error', float('nan')):.1e}"
              + (" WRONG" if "wrong" in line else ""), flush=True)
        write(record, options.output, name)
    return 1 if any("wrong" in line for line in record["lines"]) else 0


def make(cases, folder):
    """Compiles each model once. One that this target does not take is reported, and left out of the table's figures."""
    import longwing

    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        path = folder / case.package
        if path.exists():
            continue
        try:
            case.compile().save(path)
            print(f"wrote {path} ({case.group}, {case.label})", flush=True)
        except longwing.CompileError as error:
            print(f"{case.group}, {case.label}: {str(error).splitlines()[0]}", file=sys.stderr, flush=True)
    return 0
