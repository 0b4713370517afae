//===- ConvGain.h - A power of two for each sequence ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The inner pass divides by as many points as it has, so that no stage of it overflows, and f16 has few bits below 2^-14: what
// is small at every point, an impulse or a quiet sequence, would lose its digits. So the pass in front of it says how large its numbers
// are (tile.store_energy), and the inner pass works on 2^gain times as much, which the last one takes back in f32. Numbers
// are below 2 then, as those of samples of unit scale are: nothing overflows that would not with those.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_CONVGAIN_H
#define LONGWING_LIB_SEQTOTILE_CONVGAIN_H

#include "TileBuilder.h"

namespace longwing {

/// Gains of sequences, i32.
inline mlir::Type gainsType(mlir::MLIRContext *context) {
  return tile::ViewType::get(context, {mlir::ShapedType::kDynamic}, mlir::IntegerType::get(context, 32));
}

/// The kernel for operands energies, as many f32 for each sequence, and the gains.
tile::KernelOp gainKernel(mlir::Location loc, llvm::StringRef name);

/// 2^gain of a sequence as a scalar of f16, ...
mlir::Value gainOf(TileBuilder &t, mlir::Value gains, mlir::Value sequence);
/// ... and 2^-gain as one of f32.
mlir::Value lossOf(TileBuilder &t, mlir::Value gains, mlir::Value sequence);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_CONVGAIN_H
