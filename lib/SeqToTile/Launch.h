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

  /// Adds a tensor that is copied in boxes, or accessed by elements, unless it is null or here
  /// already. A result of the operation is written.
  /// With `pairs` the numbers of its last dimension follow those of the last but one, which they are the
  /// parts of: the kernel sees one dimension of both.
  void boxes(mlir::Value tensor, llvm::ArrayRef<int64_t> box, bool pairs = false);
  void view(mlir::Value tensor, bool pairs = false);

  tile::KernelOp createKernel(mlir::OpBuilder &b, llvm::StringRef name,
                              tile::ScheduleAttr schedule);
  /// What a tensor is in the kernel.
  mlir::Value argument(mlir::Value tensor) const;

  /// A kernel on those tensors, and its work.
  struct Run {
    tile::KernelOp kernel;
    llvm::SmallVector<mlir::Value> work;
  };
  /// The operation becomes launches, each of which may write a part of the results. The kernels take
  /// those sizes to be equal that the operation calls by the same letter. `written` are results that other
  /// kernels have begun.
  mlir::LogicalResult replace(llvm::ArrayRef<Run> runs, llvm::ArrayRef<seq::NamedShape> shapes,
                              mlir::ValueRange written = {});
  mlir::LogicalResult replace(tile::KernelOp kernel, mlir::ValueRange work, llvm::ArrayRef<seq::NamedShape> shapes,
                              mlir::ValueRange written = {}) {
    return replace(Run{kernel, llvm::to_vector(work)}, shapes, written);
  }

private:
  bool takes(mlir::Value tensor) const { return tensor && !llvm::is_contained(tensors, tensor); }

  mlir::Operation *op;
  tile::KernelOp kernel;
  llvm::SmallVector<mlir::Value> tensors;
  llvm::SmallVector<mlir::Type> types;
  llvm::SmallVector<bool> flat;
};

/// What `--print-config` says of a kernel: how it does its work, and why so.
void explain(tile::KernelOp kernel, const llvm::Twine &algorithm, const llvm::Twine &reason);

/// Tensors for the results of an operation that can reify their sizes.
mlir::FailureOr<llvm::SmallVector<mlir::Value>> emptyResults(mlir::OpBuilder &b, mlir::Operation *op);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_LAUNCH_H
