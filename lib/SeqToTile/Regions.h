//===- Regions.h - Scalar regions over tiles --------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Applies a scalar region, such as the score of an attention, to a whole tile.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_REGIONS_H
#define LONGWING_LIB_SEQTOTILE_REGIONS_H

#include "TileBuilder.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Region.h"

namespace longwing {

/// Tensors that the regions read and that are defined outside, in order of first use. Reports a
/// capture that a kernel cannot take.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
capturedTensors(llvm::ArrayRef<mlir::Region *> regions);

/// Writes the region's operations with each argument replaced by a scalar or a tile, and gives the
/// yielded value, in the type `result`. An operation is evaluated where its operands live: once
/// per tile, per row, per column, or per element. `captures` maps captured tensors to views.
mlir::Value applyRegion(TileBuilder &t, mlir::Region &region, mlir::ValueRange arguments,
                        const mlir::IRMapping &captures, mlir::RankedTensorType result);

/// Checks that applyRegion can write every operation of the region; reports the first that it
/// can't.
mlir::LogicalResult checkRegion(mlir::Region &region);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_REGIONS_H
