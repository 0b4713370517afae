//===- ConvInner.h - The inner pass of long convolutions --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_CONVINNER_H
#define LONGWING_LIB_SEQTOTILE_CONVINNER_H

#include "ConvPasses.h"
#include "Fourier.h"

namespace longwing {

/// Where the spectrum of the work tile's frequencies [(k1, k1')][k2][k3], f' = k1' + M / 256 (k2 + 16 k3),
/// stands: in a tensor of tiles, as ConvSpectrum.cpp makes it (the third index is the part), or among
/// a channel's frequencies in the order of the radices [R, M / 256, 16, 16].
llvm::SmallVector<mlir::Value> spectrumInTiles(FourierBuilder &t, const PassPlan &plan,
                                               mlir::Value channel, mlir::Value tile);
mlir::Value spectrumInOrder(FourierBuilder &t, mlir::Value tile);

/// X to Z of ConvPasses.h, in place: transforms of M points, in tiles of 4096, by the stages of
/// FourierTables.h. A tile's neighbouring k1 are its sequences.
class InnerPass {
public:
  InnerPass(mlir::Location loc, const PassPlan &plan, seq::ConvKind kind);

  /// The kernel for operands X, the spectrum, the twiddles and the gains; its work tiles are counted by batch,
  /// tile of a sequence and channel, and a CTA does the blocks of a sequence in order.
  tile::KernelOp create(llvm::StringRef name, mlir::ValueRange operands);
  /// Of a sequence in blocks, the kernel for operands X of the filter, that of each N taps, and the spectra of the taps between
  /// two blocks, as tile.keep leaves them.
  tile::KernelOp createOfFilter(llvm::StringRef name, mlir::ValueRange operands);
  /// Constants: conj t(k1, m) as a factor of m / 16 and one of m mod 16.
  llvm::SmallVector<mlir::Value> twiddles(mlir::OpBuilder &b) const;

private:
  tile::KernelOp begin(llvm::StringRef name, mlir::ValueRange operands, bool overlap);
  void forEach(llvm::ArrayRef<mlir::Value> sizes, bool backwards);
  void workTile();
  void filterTile();
  ComplexTable firstTable(double scale);
  BlockSum blockSum() const { return {plan.blocks(), plan.reach}; }
  /// Whether what is kept takes most of SRAM, and all the spectra of what CTAs do at once much of L2.
  bool sumsMany() const { return plan.inBlocks() && blockSum().memories() > 6; }
  mlir::Value load(int64_t part);
  ComplexTile loadSpectrum();
  ComplexTile loadCoarse();
  ComplexTile loadFine();
  mlir::Value firstK1(mlir::Value k1);
  ComplexTile pull(mlir::Value source, mlir::ValueRange indices);

  PassPlan plan;
  bool anticausal;
  FourierPlan stages; ///< Of M points.
  int64_t slots = kFourierStages;
  mlir::OpBuilder builder;
  FourierBuilder t;

  mlir::Value x, spectrum, coarse, fine, gains; // arguments
  mlir::Value first, sequence, tileOfSequence, channel; // of the work tile
  mlir::Value order, past;                    // of a block: the how-manieth it is, and the transforms of those before
};

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_CONVINNER_H
