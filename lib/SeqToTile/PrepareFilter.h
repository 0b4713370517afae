//===- PrepareFilter.h - Spectra of filters as a tile program ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_PREPAREFILTER_H
#define LONGWING_LIB_SEQTOTILE_PREPAREFILTER_H

#include "Fourier.h"

namespace longwing {

/// The filter of a convolution, and of what transform the spectrum is.
struct FilterSource {
  seq::ConvKind kind;
  mlir::Value filter, reverse, skip;
  bool lastFirst; ///< The last stored tap is that of lag 0.
  int64_t length; ///< L of a circular convolution.
  FourierPlan plan;
  bool kept; ///< By the user, or to the same accuracy.
};

/// Writes the kernel that makes a spectrum (PrepareFilter.cpp, and PrepareInPlace.cpp where SRAM holds the transform).
class PrepareKernel {
public:
  PrepareKernel(const FilterSource &source, mlir::Location loc, mlir::RankedTensorType spectrum)
      : source(source), plan(source.plan), spectrum(spectrum), builder(loc.getContext()),
        t(builder, loc) {}
  tile::KernelOp create(llvm::StringRef name);
  /// Whether the work tiles of a channel in blocks are made in order, each with what the one before it left.
  bool inOrder() { return plan.inBlocks() && !source.kept; }
  /// How many they are. The taps of an anticausal one run the other way, in order from behind the last block.
  int64_t blocks() { return plan.reach + (inOrder() && isAnticausal() ? 1 : 0); }
  /// Whether a work tile is one residue of several.
  bool byResidue() { return plan.parts() > 1 && source.kept; }
  /// Whether SRAM holds the complex tile, in place.
  bool inPlace() { return plan.parts() > 2 && !byResidue(); }
  /// Whether a block's numbers go to the next one through memory, and of what type, of each CTA: as tile.keep leaves them.
  bool handsOn() { return inPlace() && plan.inBlocks(); }
  mlir::RankedTensorType handedOn() {
    return mlir::RankedTensorType::get({mlir::ShapedType::kDynamic, plan.parts(), keptNumbers(t.warps)}, builder.getF16Type());
  }

private:
  /// A tile of f32 as two of f16, or as the first of them.
  struct Split {
    mlir::Value near, rest;
  };

  bool wraps() {
    return source.kind == seq::ConvKind::Circular &&
           llvm::cast<mlir::RankedTensorType>(source.filter.getType()).getDimSize(1) > source.length;
  }
  /// Whether taps are read three times for each number of a long transform.
  bool manyTaps() {
    int64_t reads = source.kind == seq::ConvKind::TwoSidedShared ? 3 : source.kind == seq::ConvKind::Causal ? 1 : 2;
    return !plan.inBlocks() && plan.length() > 2048 && reads + (source.skip ? 1 : 0) >= 3;
  }
  /// Whether taps reach to both sides, or to the right alone.
  bool reachesRight() {
    return !inOrder() && (source.kind == seq::ConvKind::Circular ? plan.rightAngle : source.kind != seq::ConvKind::Causal);
  }
  bool isAnticausal() { return source.kind == seq::ConvKind::Anticausal; }
  /// The block of a work tile, counted from it.
  mlir::Value blockOf(mlir::Value number) { return inOrder() && isAnticausal() ? t.sub(t.index(plan.reach), number) : number; }
  void workTile(mlir::Value group, mlir::Value residue, mlir::Value number);
  mlir::Value lagInBlock(mlir::Value point, mlir::Value number);
  void finishBlock(mlir::Value re, mlir::Value im, mlir::Value channel, mlir::Value number, mlir::Value step = {});
  void inPlaceTile(mlir::Value channel, mlir::Value number);
  /// Of taps to both sides registers hold fewer.
  int64_t partsAtOnce() { return reachesRight() ? 2 : 4; }
  void keepParts(mlir::Value number, mlir::Value step);
  void keepTaps(mlir::Value channel, mlir::Value number);
  void rowsOfParts();
  void acrossRows(mlir::Value channel, mlir::Value number, mlir::Value step);
  std::pair<mlir::Value, mlir::Value> everyPart(mlir::Value residue, mlir::Value number);
  mlir::Value real(mlir::Value index);
  mlir::Value taps(mlir::Value filter, mlir::Value view, mlir::Value lag);
  bool hasRows();
  mlir::Value filterTaps(mlir::Value lag);
  mlir::Value blockTaps(mlir::Value number);
  void prefetch(mlir::Value channel, mlir::Value number, int64_t ahead);
  mlir::Value leftTaps();
  mlir::Value rightTaps();
  mlir::Value tapsBefore(mlir::Value sample);
  mlir::Value where(mlir::arith::CmpIPredicate predicate, mlir::Value x, int64_t y, mlir::Value lag);
  Split split(mlir::Value x);
  Split table(const FourierTable &values, Part part);
  void addProduct(Split x, Split y, bool swap, mlir::Value &near, mlir::Value &rest);
  mlir::Value joined(mlir::Value near, mlir::Value rest);
  void stage(llvm::ArrayRef<FourierTable> f, llvm::ArrayRef<Split> re, llvm::ArrayRef<Split> im, bool fromRight,
             mlir::Value &outRe, mlir::Value &outIm);

  FilterSource source;
  FourierPlan plan;
  mlir::RankedTensorType spectrum;
  mlir::OpBuilder builder;
  FourierBuilder t;

  mlir::Value filter, reverse, skip, twiddles, out; // arguments
  mlir::Value buffer;
  mlir::Value head, lag;     // of each element
  mlir::Value fast;          // whether the filter's rows lie in one piece
  mlir::Value row, firstLag; // where they are read so: the channel, and the lag of a tile's first element
  mlir::Value before, cta;   // of a block: the transform of the one before it
};

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_PREPAREFILTER_H
