#!/usr/bin/env python3
# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The kernels that the tests of this folder run, by name.

    python3 test/gpu/kernels.py DIR     compiles all of them into DIR

A machine with a card but no compiler then runs the tests with LONGWING_PACKAGES=DIR.
"""

import functools
import os
import pathlib
import sys

ALIBI = """%slope = tensor.extract %slopes[%head] : tensor<6xf32>
           %distance = arith.subi %j, %i : index
           %distance_i32 = arith.index_cast %distance : index to i32
           %distance_f32 = arith.sitofp %distance_i32 : i32 to f32
           %bias = arith.mulf %slope, %distance_f32 : f32
           %biased = arith.addf %score, %bias : f32
           seq.yield %biased : f32"""
SOFT_CAP = """%inverse = arith.constant 0.0666666667 : f32
              %cap = arith.constant 15.0 : f32
              %small = arith.mulf %score, %inverse : f32
              %bounded = math.tanh %small : f32
              %capped = arith.mulf %bounded, %cap : f32
              seq.yield %capped : f32"""
PREFIX = """%prefix = arith.constant 100 : index
            %in_prefix = arith.cmpi ult, %j, %prefix : index
            %in_past = arith.cmpi ule, %j, %i : index
            %sees = arith.ori %in_prefix, %in_past : i1
            seq.yield %sees : i1"""
DOCUMENT = """%query = tensor.extract %document[%batch, %i] : tensor<?x?xi32>
              %key = tensor.extract %document[%batch, %j] : tensor<?x?xi32>
              %same = arith.cmpi eq, %query, %key : i32
              seq.yield %same : i1"""

HEADS = 6
KEY_HEADS = {"mha": 6, "gqa": 2, "mqa": 1}
VARIANTS = {
    "alibi": dict(score=ALIBI, causal=True, captured=[("slopes", "tensor<6xf32>")]),
    "soft_cap": dict(score=SOFT_CAP),
    "prefix": dict(mask=PREFIX),
    "document": dict(mask=DOCUMENT, causal=True, captured=[("document", "tensor<?x?xi32>")]),
    "window": dict(window=(63, 0)),
    "band": dict(window=(40, 25)),
}


def plain(element, head_dim, heads, causal):
    return f"{element}_d{head_dim}_{heads}{'_causal' if causal else ''}"


def variant(name, head_dim):
    return f"{name}_d{head_dim}"


def all_models():
    """The arguments of longwing.models.attention, by name."""
    models = {}
    for element in ("bf16", "f16"):
        for head_dim in (64, 128):
            for heads, key_heads in KEY_HEADS.items():
                for causal in (False, True):
                    models[plain(element, head_dim, heads, causal)] = dict(
                        heads=HEADS, head_dim=head_dim, key_heads=key_heads, element=element, causal=causal, lse=True)
    for name, arguments in VARIANTS.items():
        for head_dim in (64, 128):
            models[variant(name, head_dim)] = dict(heads=HEADS, head_dim=head_dim, key_heads=2, lse=True, **arguments)
    return models


def all_texts():
    """Functions that write the models, by name."""
    from longwing import models

    from scan_cases import MODELS as scans

    texts = {name: functools.partial(models.attention, **arguments) for name, arguments in all_models().items()}
    texts |= {name: functools.partial(getattr(models, builder), **arguments) for name, (builder, arguments) in scans.items()}
    return texts


def compile_kernel(name):
    import longwing

    return longwing.compile(all_texts()[name](), target="sm_90a")


_loaded = {}


def kernel(name):
    """The function of that name: loaded from LONGWING_PACKAGES, or compiled now."""
    import longwing

    if name not in _loaded:
        folder = os.environ.get("LONGWING_PACKAGES")
        _loaded[name] = (longwing.load(pathlib.Path(folder) / f"{name}.lwp") if folder else
                         compile_kernel(name))
    return _loaded[name].main


if __name__ == "__main__":
    import packages

    sys.exit(packages.main(__doc__, all_texts(), compile_kernel))
