//===- LineKernel.h - A number of each line of numbers ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small kernels between others look at what a kernel has written, and leave one number for the next.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_LINEKERNEL_H
#define LONGWING_LIB_SEQTOTILE_LINEKERNEL_H

#include "TileBuilder.h"

namespace longwing {

/// What becomes of lines of numbers.
struct LineWork {
  using Sizes = std::pair<mlir::Value, mlir::Value>;

  /// How many lines there are, and numbers in each.
  llvm::function_ref<Sizes(TileBuilder &t, mlir::Value numbers, mlir::Value results)> sizes;
  /// Those of a tile of places, as f32 of at least 0.
  llvm::function_ref<mlir::Value(TileBuilder &t, mlir::Value numbers, mlir::Value places)> read;
  /// What is stored, an i32, given the greatest of a line.
  llvm::function_ref<mlir::Value(TileBuilder &t, mlir::Value greatest)> result;
};

/// The kernel for operands numbers, one line after the other, and results, one of each line, which a CTA makes.
tile::KernelOp lineKernel(mlir::Location loc, llvm::StringRef name, tile::ViewType numbers, tile::ViewType results, const LineWork &work);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_LINEKERNEL_H
