# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""longwing.models writes what the compiler reads."""

import pytest

from longwing import models
from support import run_tool

SCORE = """%slope = tensor.extract %slopes[%head] : tensor<6xf32>
           %biased = arith.addf %score, %slope : f32
           seq.yield %biased : f32"""
MASK = """%sees = arith.cmpi ule, %j, %i : index
          seq.yield %sees : i1"""


@pytest.mark.parametrize("arguments", [
    dict(heads=16, head_dim=128),
    dict(heads=6, head_dim=64, key_heads=2, element="f16", causal=True, lse=True),
    dict(heads=4, head_dim=64, value_dim=128, element="f32", scale=0.1, window=(1023, 0)),
    dict(heads=6, head_dim=64, score=SCORE, mask=MASK, captured=[("slopes", "tensor<6xf32>")]),
], ids=["plain", "grouped_causal_lse", "window", "regions"])
def test_attention_is_valid(arguments):
    text = models.attention(**arguments)
    printed = run_tool("longwing-opt", "-", stdin=text).stdout
    assert "seq.attention" in printed


def test_attributes_arrive():
    printed = run_tool("longwing-opt", "-", stdin=models.attention(8, 64, key_heads=4, causal=True, window=(7, -1),
                                                                   scale=0.125)).stdout
    assert "causal" in printed and "window = array<i64: 7, -1>" in printed and "scale = 1.250000e-01" in printed
    assert "tensor<?x4x?x64xbf16>" in printed


@pytest.mark.parametrize("arguments", [
    dict(channels=768, length=4096),
    dict(channels=6, length=100, taps=7, kind="circular", element="bf16", gated=True, skip=True),
    dict(channels=6, length=100, kind="two_sided_shared", element="f32"),
], ids=["plain", "gated", "two_sided"])
def test_long_conv_is_valid(arguments):
    printed = run_tool("longwing-opt", "-", stdin=models.long_conv(**arguments)).stdout
    assert f"seq.long_conv {arguments.get('kind', 'causal')}" in printed
    assert printed.count("pre(") == int("gated" in arguments)


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="expected a kind of causal, .*, got 'acausal'"):
        models.long_conv(8, 64, kind="acausal")


@pytest.mark.parametrize("arguments", [
    dict(),
    dict(form="log", constant=True, complex=True, reverse=True),
    dict(form="wkv", element="bf16", states=True),
    dict(element="bf16", decay_element="f32", packed=True, states=True),
], ids=["plain", "complex", "wkv", "packed"])
def test_scan_is_valid(arguments):
    printed = run_tool("longwing-opt", "-", stdin=models.scan(64, **arguments)).stdout
    assert f"seq.scan {arguments.get('form', 'linear')} " in printed
    assert ("init(" in printed) == ("states" in arguments) and ("offsets(" in printed) == ("packed" in arguments)


@pytest.mark.parametrize("arguments", [
    dict(),
    dict(groups=2, skip=True, gate=True, bias=True, softplus=True, delta_element="f32", packed=True, states=True),
    dict(complex=True, step=True),
], ids=["plain", "everything", "step"])
def test_selective_scan_is_valid(arguments):
    printed = run_tool("longwing-opt", "-", stdin=models.selective_scan(64, 16, **arguments)).stdout
    assert "seq.selective_scan" in printed
    assert ("tensor<?x1x64xbf16>" in printed) == ("step" in arguments)


@pytest.mark.parametrize("decay", [None, "head", "step", "channel", "dt"])
@pytest.mark.parametrize("arguments", [
    dict(), dict(key_heads=2, value_dim=128, skip=True, gate=True, bonus=True, scale=0.125, step=True),
], ids=["plain", "step"])
def test_linear_attention_is_valid(decay, arguments):
    more = dict(bias=True, softplus=True) if decay == "dt" else {}
    printed = run_tool("longwing-opt", "-", stdin=models.linear_attention(8, 64, decay=decay, **arguments, **more)).stdout
    assert "seq.linear_attention" in printed
    assert ("dt(" in printed) == (decay == "dt") and ("decay(" in printed) == (decay not in (None, "dt"))


def test_what_recurrences_are_not_is_refused():
    with pytest.raises(ValueError, match="expected a form of linear, log or wkv, got 'cubic'"):
        models.scan(8, form="cubic")
    with pytest.raises(ValueError, match="expected a decay of None, head, .*, got 'fast'"):
        models.linear_attention(8, 64, decay="fast")
    with pytest.raises(ValueError, match="expected neither packed nor reverse of a step"):
        models.scan(8, step=True, reverse=True)


def test_unknown_element_type_is_refused():
    with pytest.raises(ValueError, match="expected an element type of f16, bf16, f32, got 'f8'"):
        models.attention(8, 64, element="f8")
