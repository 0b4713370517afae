//===- SeqToTile.h - One lowering per algorithm family ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_SEQTOTILE_H
#define LONGWING_LIB_SEQTOTILE_SEQTOTILE_H

#include "TileBuilder.h"

#include "dialects/seq/Seq.h"
#include "longwing/Seq/FourierPlan.h"
#include "longwing/Seq/PassConv.h"

#include "mlir/IR/SymbolTable.h"

namespace longwing {

/// Replaces an attention by the launch of a kernel.
mlir::LogicalResult lowerAttention(seq::AttentionOp op, mlir::SymbolTable &symbols);

/// Replaces a convolution by the launch of a kernel of Toeplitz products.
mlir::LogicalResult lowerDirectConv(seq::LongConvOp op, mlir::SymbolTable &symbols);
mlir::LogicalResult lowerShortConv(seq::ShortConvOp op, mlir::SymbolTable &symbols);
/// Replaces a short convolution of [B, L, H] by the launch of a kernel whose threads own channels.
mlir::LogicalResult lowerShortConvByChannel(seq::ShortConvOp op, mlir::SymbolTable &symbols);
/// Replaces a linear attention by the launch of a kernel.
mlir::LogicalResult lowerLinearAttention(seq::LinearAttentionOp op, mlir::SymbolTable &symbols);
/// Replaces a first-order recurrence by the launch of a kernel.
mlir::LogicalResult lowerScan(seq::ScanOp op, mlir::SymbolTable &symbols);
/// Replaces a selective scan by the launch of a kernel.
mlir::LogicalResult lowerSelectiveScan(seq::SelectiveScanOp op, mlir::SymbolTable &symbols);
/// Replaces one step of a recurrence by the launch of a kernel.
/// Of an open length, the kernel that takes the sequences of one step; `written` is what that for all others writes.
mlir::LogicalResult lowerStep(seq::LinearAttentionOp op, mlir::SymbolTable &symbols, mlir::ValueRange written = {});
/// 1 if a length is 1, else 0.
mlir::Value isOneStep(TileBuilder &t, mlir::Value length);
mlir::LogicalResult lowerStep(seq::SelectiveScanOp op, mlir::SymbolTable &symbols);
/// Replaces a long convolution by the launches of ConvPasses.h.
mlir::LogicalResult lowerConvInPasses(seq::LongConvOp op, mlir::SymbolTable &symbols);

/// The same by a kernel for each stage of a transform in f32.
mlir::LogicalResult lowerStagedConv(seq::LongConvOp op, mlir::SymbolTable &symbols);

/// Replaces a long convolution by launches of kernels that transform.
mlir::LogicalResult lowerFourierConv(seq::LongConvOp op, mlir::SymbolTable &symbols);
/// The same where SRAM holds the transform, given the spectrum.
mlir::LogicalResult lowerInPlaceConv(seq::LongConvOp op, const FourierPlan &plan,
                                     mlir::Value spectrum, mlir::SymbolTable &symbols);
/// Replaces the preparation of a filter by the launch of a kernel.
mlir::LogicalResult lowerPrepareFilter(seq::PrepareFilterOp op, mlir::SymbolTable &symbols);
/// The same in passes.
mlir::LogicalResult lowerPrepareInPasses(seq::PrepareFilterOp op, mlir::SymbolTable &symbols);
/// Launches the kernels that make the spectrum of a convolution's own filter, and gives it.
mlir::Value prepareSpectrum(seq::LongConvOp op, const FourierPlan &plan, mlir::SymbolTable &symbols);
mlir::Value prepareSpectrum(seq::LongConvOp op, const PassPlan &plan, mlir::SymbolTable &symbols);
/// What that of blocks is, as tile.keep leaves it.
mlir::RankedTensorType keptType(seq::LongConvOp op, const FourierPlan &plan);
/// Spectra of long blocks as tile.keep leaves the numbers of 4096 points, in quads or not: [H, N / 4096, P, 8192], or
/// [H, P N / 4096, 8192].
struct KeptSpectrum {
  mlir::RankedTensorType type;
  int64_t blocks; ///< P, as many as are needed.
  bool quads;
};
/// Launches the kernel that lays the spectrum of users so, and gives it.
mlir::Value keepSpectrum(seq::LongConvOp op, const KeptSpectrum &kept, mlir::SymbolTable &symbols);
/// The spectrum of the only block of a sequence, in users' order: that of a whole transform.
mlir::Value spectrumOfOneBlock(seq::LongConvOp op);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_SEQTOTILE_H
