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

#endif // LONGWING_SEQTOTILE_PASSES_TD
