//===- ConvSlices.h - Sequences that are transformed at once ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_CONVSLICES_H
#define LONGWING_LIB_SEQTOTILE_CONVSLICES_H

#include "TileBuilder.h"

#include "dialects/seq/Seq.h"

namespace longwing {

/// Sequences that are transformed at once: those of some channels of some batches.
struct Slice {
  mlir::OpFoldResult firstBatch, batches, firstChannel, channels;
  bool whole;

  /// Its part of [B, H, L], ...
  mlir::Value of(TileBuilder &host, mlir::Value tensor) const;
  mlir::Value into(TileBuilder &host, mlir::Value part, mlir::Value tensor) const;
  /// ... and of [H, ...].
  mlir::Value ofChannels(TileBuilder &host, mlir::Value tensor) const;

private:
  llvm::SmallVector<mlir::OpFoldResult> offsets(TileBuilder &host) const;
  llvm::SmallVector<mlir::OpFoldResult> sizes(TileBuilder &host, mlir::Value tensor) const;
};

/// Two slices of as many channels, or, of an odd number, of batches, the first of which is not the smaller
/// one: what a transform holds of one takes no more than the input.
llvm::SmallVector<Slice> slicesOf(TileBuilder &host, seq::LongConvOp op);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_CONVSLICES_H
