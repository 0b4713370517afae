# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The tile programs of single steps of recurrences on the CPU, against the recurrences in float64.

Models, inputs and tolerances are those of the tests on the card (test/gpu/scan_cases.py).
"""

import functools
import pathlib
import sys

import pytest

import cpu
import support

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test" / "gpu"), str(ROOT / "python")]
import longwing.models  # noqa: E402
import scan_cases  # noqa: E402

pytestmark = pytest.mark.skipif(not cpu.LIBRARY.exists() or not support.has_tool("longwing-opt"),
                                reason="longwing-cpu-test or longwing-opt is not built")

# Small ones, which together have every operand: heads in groups, rows and columns that fill no lane, several blocks of rows.
STEPS = {
    "ssd": ("linear_attention", dict(heads=2, head_dim=20, key_heads=1, value_dim=12, decay="dt", bias=True, softplus=True,
                                     skip=True, gate=True, decay_element="bf16")),
    "retention": ("linear_attention", dict(heads=2, head_dim=72, value_dim=130, decay="head", scale=-0.5, element="f32")),
    "gates": ("linear_attention", dict(heads=2, head_dim=8, value_dim=8, decay="step", element="f16")),
    "rwkv6": ("linear_attention", dict(heads=2, head_dim=8, decay="channel", bonus=True)),
    "plain": ("linear_attention", dict(heads=1, head_dim=8)),
    "linear": ("scan", dict(channels=72, element="bf16", decay_element="bf16")),
    "log": ("scan", dict(channels=130, form="log", constant=True)),
    "complex": ("scan", dict(channels=70, form="log", complex=True)),
    "wkv": ("scan", dict(channels=72, form="wkv", element="bf16")),
    "s6": ("selective_scan", dict(channels=72, state_size=16, skip=True, gate=True, bias=True, softplus=True)),
    "s6_groups": ("selective_scan", dict(channels=128, state_size=6, groups=1, element="f32")),
}


@functools.lru_cache
def program(name):
    builder, options = STEPS[name]
    text = getattr(longwing.models, builder)(**options, step=True)
    result = support.run_tool(
        "longwing-opt", "-", "--pass-pipeline=builtin.module(seq-verify-target,seq-configure,seq-to-tile,tile-to-cpu)",
        stdin=text)
    return cpu.Program(result.stdout, lowered=True)


@pytest.mark.parametrize("name", STEPS)
def test_step(name, monkeypatch):
    builder, options = STEPS[name]
    monkeypatch.setitem(scan_cases.MODELS, name, (builder, {**options, "step": True}))
    for kind in scan_cases.KINDS:
        case = scan_cases.Case(name, length=1, batch=3, kind=kind)
        results = program(name)(*case.stored)
        case.check(list(results) if isinstance(results, (tuple, list)) else [results])
