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

/// As few slices as leave what a transform holds of one, `numbers` bytes for each sequence, no larger than the input: of as many
/// channels, the last of which begins early where they do not come out even, so that some are done twice; of sequences whose
/// numbers are too many for that, single channels, of parts of the batches.
llvm::SmallVector<Slice> slicesOf(TileBuilder &host, seq::LongConvOp op, int64_t numbers);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_CONVSLICES_H
