//===- Patterns.h - Patterns of tile-to-cpu ---------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_TILETOCPU_PATTERNS_H
#define LONGWING_LIB_TILETOCPU_PATTERNS_H

#include "dialects/tile/Tile.h"

#include "mlir/Transforms/DialectConversion.h"

namespace longwing::tile {

/// Drops the layouts of tiles and makes memrefs of tensors in device memory.
class CPUTypeConverter : public mlir::TypeConverter {
public:
  CPUTypeConverter();
};

/// What a launch must know of its kernel, which may be rewritten before it.
struct Callee {
  llvm::SmallVector<mlir::MemRefType> arguments;
  llvm::BitVector outputs;
  llvm::SmallVector<mlir::DenseI64ArrayAttr> unfolds; ///< Null where there is none.
};
using Callees = llvm::DenseMap<mlir::Operation *, Callee>;

/// tile.kernel, tile.foreach, tile.elements, tile.dim, tile.return, tile.launch
void populateStructurePatterns(const CPUTypeConverter &converter, const Callees &callees,
                               mlir::RewritePatternSet &patterns);
/// tile.load, tile.store, tile.store_row, tile.gather, tile.scatter
void populateMemoryPatterns(const CPUTypeConverter &converter, mlir::RewritePatternSet &patterns);
/// tile.dot, tile.reduce, tile.broadcast, tile.iota, tile.convert, and arith and math on tiles
void populateComputePatterns(const CPUTypeConverter &converter, mlir::RewritePatternSet &patterns);
/// tile.scan, tile.distribute, tile.pick, tile.fragment, tile.stage
void populateRecurrencePatterns(const CPUTypeConverter &converter,
                                mlir::RewritePatternSet &patterns);
/// tile.read, tile.row, tile.sums, tile.load_channels, tile.store_channels
void populateChannelPatterns(const CPUTypeConverter &converter, mlir::RewritePatternSet &patterns);

/// Combines a tensor over the dimensions that `kept` does not name, in order.
mlir::Value reduceTo(mlir::OpBuilder &builder, mlir::Location loc, ReduceKind kind,
                     mlir::Value source, llvm::ArrayRef<int64_t> kept);

/// tile.load_runs, tile.store_runs, tile.toeplitz, tile.lag
void populateRunPatterns(const CPUTypeConverter &converter, mlir::RewritePatternSet &patterns);

/// tile.warp_dot, tile.exchange, tile.split, tile.join, tile.position, tile.cast, tile.pull,
/// tile.place
void populateWarpPatterns(const CPUTypeConverter &converter, mlir::RewritePatternSet &patterns);

/// tile.alloc, tile.write_rows, tile.read_rows, tile.meet
void populateInPlacePatterns(const CPUTypeConverter &converter, mlir::RewritePatternSet &patterns);

/// Whether a position lies inside the tensor. As unsigned numbers, negative ones are too large.
mlir::Value isInside(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value memref,
                     mlir::ValueRange position);

} // namespace longwing::tile

#endif // LONGWING_LIB_TILETOCPU_PATTERNS_H
