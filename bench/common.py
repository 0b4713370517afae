# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What every benchmark needs: the machine in words, its roofs, and turns between contenders."""

import datetime
import itertools
import platform
import statistics
import subprocess


def measure_roofs():
    """What the card itself does: a copy, and cuBLAS's largest product."""
    import torch
    from triton.testing import do_bench

    a = torch.empty(1 << 30, dtype=torch.uint8, device="cuda").random_()
    b = torch.empty_like(a)
    copy = 2 * a.numel() / do_bench(lambda: b.copy_(a), return_mode="median") / 1e6
    del a, b
    x = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    y = torch.randn_like(x)
    product = 2 * 8192**3 / do_bench(lambda: x @ y, return_mode="median") / 1e9
    roofs = dict(copy_gbps=copy, matmul_tflops=product)
    clock = query("clocks.max.sm", units=False)
    if clock.isdigit():  # MHz; a Hopper multiprocessor does 4,096 16-bit floating-point operations a clock
        roofs["peak_tflops"] = 4096 * torch.cuda.get_device_properties(0).multi_processor_count * int(clock) / 1e6
    return roofs


def query(field, units=True):
    """What nvidia-smi says, or "unknown"."""
    try:
        answer = subprocess.check_output(["nvidia-smi", f"--query-gpu={field}",
                                          "--format=csv,noheader" + ("" if units else ",nounits")], text=True)
        return answer.splitlines()[0].strip()
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def environment():
    import longwing
    import torch

    return dict(date=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
                device=torch.cuda.get_device_name(), driver_and_power_limit=query("driver_version,power.limit"), cuda=torch.version.cuda,
                torch=torch.__version__, cudnn=torch.backends.cudnn.version(), python=platform.python_version(),
                longwing=longwing.__version__)


# Bytes of which L2, 50 MiB of it, holds nothing when their turn comes again.
PAST_L2 = 96 << 20


def buffers_past_l2(moved):
    """How many calls that move so many bytes, each on buffers of its own, move those."""
    return -(-PAST_L2 // moved)


class Copy:
    """The device's copy of as many bytes as a call moves, half of them read and half written: what the card can do at that size.

    A contender for `take_turns`, which reads buffers of its own, one after the other. Like the call it allocates its result.
    """

    def __init__(self, moved, buffers):
        import torch

        self.sources = itertools.cycle([torch.zeros(moved // 2, dtype=torch.uint8, device="cuda") for _ in range(buffers)])

    def __call__(self, *_):
        return next(self.sources).clone()


def take_turns(calls, sets, rounds, warmup, rep, graph=False):
    """Milliseconds of each contender: the median over its turns of do_bench's medians. Turns read other buffers.

    In a graph a call costs the host nothing. Its sets have to be larger than L2, which nothing else empties there.
    """
    from triton.testing import do_bench, do_bench_cudagraph

    times, names, turn = {name: [] for name in calls}, list(calls), 0
    for number in range(rounds):
        for name in names[number % len(names):] + names[:number % len(names)]:
            def call(name=name):
                nonlocal turn
                turn += 1
                return calls[name](*sets[turn % len(sets)])
            times[name].append(do_bench_cudagraph(call, rep=rep, return_mode="median") if graph else
                               do_bench(call, warmup=warmup, rep=rep, return_mode="median"))
    return ({name: statistics.median(values) for name, values in times.items()},
            {name: (max(values) - min(values)) / statistics.median(values) for name, values in times.items()})
