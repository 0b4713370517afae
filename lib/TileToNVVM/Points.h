//===- Points.h - Kernels of one thread a point -----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_TILETONVVM_POINTS_H
#define LONGWING_LIB_TILETONVVM_POINTS_H

#include "dialects/tile/Tile.h"

namespace longwing {

/// Writes a kernel with the attribute `tile.points`: its threads take the points in turns. Sizes,
/// strides and positions are in 64 bits.
mlir::LogicalResult emitPoints(tile::KernelOp kernel, mlir::Block *moduleBody);

} // namespace longwing

#endif // LONGWING_LIB_TILETONVVM_POINTS_H
