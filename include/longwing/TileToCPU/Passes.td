//===- Passes.td - Tile programs on the CPU ----------------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_TO_CPU_PASSES_TD
#define LONGWING_TILE_TO_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def TileToCPU : Pass<"tile-to-cpu", "::mlir::ModuleOp"> {
  let summary = "Turn tile programs in sequential form into ordinary loops and tensors";
  let description = [{
    A kernel becomes a private function of strided memrefs, its tiles plain tensors, and a
    launch a call: work tiles are visited in order, one after another. The result computes
    with the kernel's own tiles and roundings, so what it shows of accuracy holds for the
    card:

    * products take 16-bit operands and accumulate in f32;
    * `tile.convert` rounds to nearest, ties to even;
    * sums of rows are taken lane by lane, then over the four lanes;
    * loads outside a tensor give zero, stores outside are dropped.

    The outputs of a launch are copies of its operands, so a launch keeps the value
    semantics of tensors. A kernel in specialised form is an error.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"];
}

#endif // LONGWING_TILE_TO_CPU_PASSES_TD
