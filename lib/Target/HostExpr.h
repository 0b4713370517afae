//===- HostExpr.h - Host arithmetic as expressions --------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_TARGET_HOSTEXPR_H
#define LONGWING_LIB_TARGET_HOSTEXPR_H

#include "longwing/Package.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/DenseMap.h"

namespace longwing {

/// The element type of packages for one of MLIR, if there is one.
std::optional<DType> dtypeOf(mlir::Type type);

/// The tensor that casts of its type began with.
mlir::Value throughCasts(mlir::Value tensor);

/// Index values of host code as expressions over the sizes of the arguments.
class HostExprs {
public:
  /// Gives the sizes of an argument of the function.
  void setSizes(mlir::Value tensor, std::vector<Expr> sizes) { known[tensor] = std::move(sizes); }

  /// The sizes of a tensor; emits an error if they are not known on the host.
  mlir::FailureOr<std::vector<Expr>> sizesOf(mlir::Value tensor);
  mlir::FailureOr<Expr> of(mlir::Value value);
  mlir::FailureOr<Expr> of(mlir::OpFoldResult value);
  /// What a condition demands.
  mlir::FailureOr<Check> check(mlir::Value condition, llvm::StringRef message);

private:
  mlir::FailureOr<Expr> compute(mlir::Operation *op);
  mlir::FailureOr<Expr> compare(mlir::arith::CmpIOp op);

  llvm::DenseMap<mlir::Value, std::vector<Expr>> known;
  llvm::DenseMap<mlir::Value, Expr> values;
};

} // namespace longwing

#endif // LONGWING_LIB_TARGET_HOSTEXPR_H
