//===- Passes.td - Lowers seq to tile ----------------------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQTOTILE_PASSES_TD
#define LONGWING_SEQTOTILE_PASSES_TD

include "mlir/Pass/PassBase.td"

def SeqToTile : Pass<"seq-to-tile", "::mlir::ModuleOp"> {
  let summary = "Lower sequence operations to tile kernels and their launches";
  let description = [{
    Writes a `tile.kernel` for each operation of the seq dialect, in sequential form, and
    replaces the operation by a `tile.launch`. The operation's `seq.config` attribute (see
    `seq-configure`) gives the sizes of its tiles and its schedule.
  }];
  let dependentDialects = ["::longwing::tile::TileDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SeqPlainKernels : Pass<"seq-plain-kernels", "::mlir::ModuleOp"> {
  let summary = "Write plain kernels for what has no kernel of its own";
  let description = [{
    Operations of seq that `seq-verify-target` has marked, and operations on whole tensors between
    kernels, become loops as `seq-to-linalg` defines them, in f32. Each loop nest without order
    is a kernel in which a thread computes one element; a nest that only another one reads is
    computed there, where that repeats no work. Views of tensors cost nothing and stay.

    Scalar arguments become tensors of rank 0, since packages hold tensors.
  }];
  let dependentDialects = ["::longwing::tile::TileDialect", "::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // LONGWING_SEQTOTILE_PASSES_TD
