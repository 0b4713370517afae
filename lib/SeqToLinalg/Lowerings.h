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

  mlir::Type resultOf(mlir::Type element) const {
    return unrounded ? mlir::Type(compute) : element;
  }
};

/// Clones a scalar region at the builder and gives the value it yields. `arguments` are index or of
/// the compute type, and so is the result where the region computes in floating point.
using InlineRegion = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Region &region,
                                                    mlir::ValueRange arguments)>;

/// Emits the loops of an attention before it and returns o and, if asked, lse. The operands may be
/// wider than those of `op`.
llvm::SmallVector<mlir::Value> lowerAttention(mlir::OpBuilder &builder, seq::AttentionOp op,
                                              mlir::Value q, mlir::Value k, mlir::Value v,
                                              const Arithmetic &arithmetic, InlineRegion inlined);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOLINALG_LOWERINGS_H
