//===- StaggerPlan.h - What the phases of a work tile do --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_TILE_STAGGERPLAN_H
#define LONGWING_LIB_TILE_STAGGERPLAN_H

#include "dialects/tile/Tile.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace longwing::tile {

/// What a work tile's program consists of.
class StaggerPlan {
public:
  mlir::LogicalResult make(ForEachOp work);

  /// The phase of each operation that is not cheap; an exchange belongs to the phase that ends.
  llvm::MapVector<mlir::Operation *, int64_t> phases;
  /// Operations whose results stay while the coordinates from `slowest` on do, which is not the first one.
  llvm::SetVector<mlir::Operation *> slow;
  int64_t slowest = 0;
  /// Reads that are made a step before the phase that takes them.
  llvm::SetVector<mlir::Operation *> early;
  int64_t count = 1; ///< Phases.

  /// The operands of an operation, and what its regions use from outside.
  static llvm::SetVector<mlir::Value> usedBy(mlir::Operation *op);

private:
  int64_t firstUsed(mlir::Value value, ForEachOp work);
  void settle(mlir::Value value, int64_t phase);
};

} // namespace longwing::tile

#endif // LONGWING_LIB_TILE_STAGGERPLAN_H
