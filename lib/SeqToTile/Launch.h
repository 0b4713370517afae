//===- Launch.h - Kernels that stand for an operation -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_LAUNCH_H
#define LONGWING_LIB_SEQTOTILE_LAUNCH_H

#include "dialects/seq/Seq.h"
#include "dialects/tile/Tile.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"

namespace longwing {

/// Collects the tensors that the kernel of an operation takes, and replaces the operation by its launch.
class LaunchBuilder {
public:
  explicit LaunchBuilder(mlir::Operation *op) : op(op) {}

  /// Adds a tensor that is copied in boxes, or accessed by elements; gives its number. A result of
  /// the operation is written.
  unsigned boxes(mlir::Value tensor, llvm::ArrayRef<int64_t> box);
  unsigned view(mlir::Value tensor);

  tile::KernelOp createKernel(mlir::OpBuilder &b, llvm::StringRef name,
                              tile::ScheduleAttr schedule) const;
  /// The operation becomes a launch over `work`. The kernel takes those sizes to be equal that
  /// the operation calls by the same letter.
  mlir::LogicalResult replace(tile::KernelOp kernel, mlir::ValueRange work,
                              llvm::ArrayRef<seq::NamedShape> shapes);

private:
  mlir::Operation *op;
  llvm::SmallVector<mlir::Value> tensors;
  llvm::SmallVector<mlir::Type> types;
};

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_LAUNCH_H
