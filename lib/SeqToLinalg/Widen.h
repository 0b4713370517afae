//===- Widen.h - Computes a program in float64 ------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOLINALG_WIDEN_H
#define LONGWING_LIB_SEQTOLINALG_WIDEN_H

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace longwing {

/// Replaces the arithmetic of a function by float64. Each value of a narrower floating-point type
/// may get a wide twin, which holds it unrounded. Operations are visited in order; those that
/// compute get a wide clone, which takes the twins of the operands and gives the twins of the
/// results. What is not understood keeps its types, and sees a twin rounded.
class Widener {
public:
  explicit Widener(mlir::MLIRContext *context) : builder(context) {}

  /// f64 or a tensor or vector of it, for f16, bf16, f32 and tensors and vectors of them.
  static mlir::Type widened(mlir::Type type);
  static bool isNarrow(mlir::Type type) { return widened(type) != type; }

  /// The twin of a value, or the value where it is not narrow or has none yet.
  mlir::Value lookup(mlir::Value value) const;
  /// The same, but a narrow value without a twin is extended.
  mlir::Value widen(mlir::Value value);
  /// Makes `wide` the twin of `narrow`.
  void map(mlir::Value narrow, mlir::Value wide) { twins[narrow] = wide; }

  /// Visits an operation. The ones in its regions come after it and are visited on their own.
  void visit(mlir::Operation *op);
  /// Will erase an operation whose results have twins, once nothing asks for it.
  void retire(mlir::Operation *op) { retired.push_back(op); }
  /// Rounds the twins for those who ask for the narrow value, and erases the rest.
  void finish();

private:
  void visitLikeOperands(mlir::Operation *op);
  void visitConversion(mlir::Operation *op);
  void visitTranspose(mlir::Operation *op);
  void visitIf(mlir::Operation *op);
  void visitFor(mlir::Operation *op);
  void visitYield(mlir::Operation *op);
  void mapResults(mlir::Operation *op, mlir::Operation *wide);

  mlir::OpBuilder builder;
  llvm::DenseMap<mlir::Value, mlir::Value> twins;
  llvm::SmallVector<mlir::Operation *> retired;
};

} // namespace longwing

#endif // LONGWING_LIB_SEQTOLINALG_WIDEN_H
