#!/usr/bin/env python3
# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The models of examples/ that need plain kernels, and one of operations between kernels.

    python3 test/gpu/whole_models.py DIR     compiles all of them into DIR
"""

import functools
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ("flash_butterfly", "hyena", "mamba", "mamba2")

# Arithmetic on whole tensors, a pad, and a view that is returned.
BETWEEN = """
func.func @main(%x: tensor<?x6x?xf32> {longwing.name = "x"}, %y: tensor<?x6x?xf32> {longwing.name = "y"},
                %weights: tensor<6x5xf32> {longwing.name = "weights"}, %gain: f32 {longwing.name = "gain"})
    -> (tensor<?x6x?xf32> {longwing.name = "z"}, tensor<?x4x?xf32> {longwing.name = "middle"}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %x, %c0 : tensor<?x6x?xf32>
  %l = tensor.dim %x, %c2 : tensor<?x6x?xf32>
  %gains = tensor.splat %gain[%b, %l] : tensor<?x6x?xf32>
  %scaled = arith.mulf %x, %gains : tensor<?x6x?xf32>
  %e = math.exp %scaled : tensor<?x6x?xf32>
  %v = seq.short_conv causal %y, %weights taps last {axis = 2 : i64}
      : tensor<?x6x?xf32>, tensor<6x5xf32> -> tensor<?x6x?xf32>
  %z = arith.addf %e, %v : tensor<?x6x?xf32>
  %middle = tensor.extract_slice %z[0, 1, 0] [%b, 4, %l] [1, 1, 1] : tensor<?x6x?xf32> to tensor<?x4x?xf32>
  return %z, %middle : tensor<?x6x?xf32>, tensor<?x4x?xf32>
}
"""

# seq.butterfly, real, of two stages, in 16 bits.
BUTTERFLY = """
func.func @main(%x: tensor<?x3x48xf16> {longwing.name = "x"}, %f: tensor<12x2x4xf32> {longwing.name = "f"},
                %g: tensor<1x3x6xf32> {longwing.name = "g"}) -> (tensor<?x3x12xf16> {longwing.name = "y"}) {
  %y = seq.butterfly %x, %f, %g {strides = array<i64: 12, 4>}
      : tensor<?x3x48xf16>, tensor<12x2x4xf32>, tensor<1x3x6xf32> -> tensor<?x3x12xf16>
  return %y : tensor<?x3x12xf16>
}
"""

# Transforms of any length, to and from points between the roots.
FFT = """
func.func @main(%x: tensor<?x?x2xf32> {longwing.name = "x"}) -> (tensor<?x?x2xf32> {longwing.name = "y"}) {
  %y = seq.fft %x : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}
func.func @back(%x: tensor<?x?x2xf32> {longwing.name = "x"}) -> (tensor<?x?x2xf32> {longwing.name = "y"}) {
  %y = seq.fft %x {inverse, right_angle} : tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}
"""


def texts():
    models = {name: (ROOT / "examples" / f"{name}.mlir").read_text() for name in EXAMPLES}
    return models | {"between": BETWEEN, "butterfly": BUTTERFLY, "fft": FFT}


def compile_model(name):
    import longwing

    return longwing.compile(texts()[name], target="sm_90a")


@functools.lru_cache(maxsize=None)
def module(name):
    """Loaded from LONGWING_PACKAGES, or compiled now."""
    import longwing

    folder = os.environ.get("LONGWING_PACKAGES")
    if folder:
        return longwing.load(pathlib.Path(folder) / f"whole_{name}.lwp")
    return compile_model(name)


if __name__ == "__main__":
    import packages

    sys.exit(packages.main(__doc__, texts(), compile_model, prefix="whole_"))
