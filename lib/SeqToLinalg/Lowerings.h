//===- Lowerings.h - One lowering for each seq operation --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOLINALG_LOWERINGS_H
#define LONGWING_LIB_SEQTOLINALG_LOWERINGS_H

#include "dialects/seq/Seq.h"

#include "mlir/IR/Builders.h"

namespace longwing {

/// The types a lowering computes in and leaves behind.
struct Arithmetic {
  /// Every operand is extended to it, all arithmetic is in it.
  mlir::FloatType compute;
  /// Whether results stay in `compute` or are rounded to the operation's own types.
  bool unrounded = false;
  /// Whether each element is to be computed on its own, without tensors on the way: slower, but a
  /// thread can do it.
  bool pointwise = false;

  mlir::Type resultOf(mlir::Type element) const {
    return unrounded ? mlir::Type(compute) : element;
  }
};

/// Clones a scalar region at the builder and gives the values it yields. `arguments` are index or of
/// the compute type, and so are the results where the region computes in floating point.
using InlineRegion = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::OpBuilder &, mlir::Region &region, mlir::ValueRange arguments)>;

/// Whether an operation of seq is lowered here: all but those that end its regions.
inline bool isSeqOp(mlir::Operation *op) {
  return op->getDialect() && mlir::isa<seq::SeqDialect>(op->getDialect()) &&
         !mlir::isa<seq::YieldOp>(op);
}

// Each emits the loops of an operation before it and gives its results. The operands, in the
// operation's order, may be wider than those of `op`. `lower` in SeqToLinalg.cpp picks among them.

llvm::SmallVector<mlir::Value> lowerAttention(mlir::OpBuilder &builder, seq::AttentionOp op,
                                              mlir::ValueRange operands,
                                              const Arithmetic &arithmetic, InlineRegion inlined);

llvm::SmallVector<mlir::Value> lowerLinearAttention(mlir::OpBuilder &builder,
                                                    seq::LinearAttentionOp op,
                                                    mlir::ValueRange operands,
                                                    const Arithmetic &arithmetic);

llvm::SmallVector<mlir::Value> lowerScan(mlir::OpBuilder &builder, seq::ScanOp op,
                                         mlir::ValueRange operands, const Arithmetic &arithmetic);

llvm::SmallVector<mlir::Value> lowerSelectiveScan(mlir::OpBuilder &builder, seq::SelectiveScanOp op,
                                                  mlir::ValueRange operands,
                                                  const Arithmetic &arithmetic);
llvm::SmallVector<mlir::Value> lowerLongConv(mlir::OpBuilder &builder, seq::LongConvOp op,
                                             mlir::ValueRange operands,
                                             const Arithmetic &arithmetic);
llvm::SmallVector<mlir::Value> lowerPrepareFilter(mlir::OpBuilder &builder, seq::PrepareFilterOp op,
                                                  mlir::ValueRange operands,
                                                  const Arithmetic &arithmetic);
llvm::SmallVector<mlir::Value> lowerImplicitFilter(mlir::OpBuilder &builder,
                                                   seq::ImplicitFilterOp op,
                                                   mlir::ValueRange operands,
                                                   const Arithmetic &arithmetic,
                                                   InlineRegion inlined);
llvm::SmallVector<mlir::Value> lowerImplicitSpectrum(mlir::OpBuilder &builder,
                                                     seq::ImplicitSpectrumOp op,
                                                     const Arithmetic &arithmetic,
                                                     InlineRegion inlined);
llvm::SmallVector<mlir::Value> lowerShortConv(mlir::OpBuilder &builder, seq::ShortConvOp op,
                                              mlir::ValueRange operands,
                                              const Arithmetic &arithmetic);
llvm::SmallVector<mlir::Value> lowerFft(mlir::OpBuilder &builder, seq::FftOp op,
                                        mlir::ValueRange operands, const Arithmetic &arithmetic);
llvm::SmallVector<mlir::Value> lowerButterfly(mlir::OpBuilder &builder, seq::ButterflyOp op,
                                              mlir::ValueRange operands,
                                              const Arithmetic &arithmetic);
llvm::SmallVector<mlir::Value> lowerRoots(mlir::OpBuilder &builder, seq::RootsOp op,
                                          const Arithmetic &arithmetic);
llvm::SmallVector<mlir::Value> lowerComplexMul(mlir::OpBuilder &builder, seq::ComplexMulOp op,
                                               mlir::ValueRange operands,
                                               const Arithmetic &arithmetic);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOLINALG_LOWERINGS_H
