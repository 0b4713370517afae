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
  llvm::SmallVector<mlir::IntegerAttr> aliases;       ///< Null where there is none.
  llvm::SmallVector<bool> flattens;
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
/// tile.read, tile.row, tile.all, tile.sums, tile.load_channels, tile.store_channels, tile.chain
void populateChannelPatterns(const CPUTypeConverter &converter, mlir::RewritePatternSet &patterns);

/// Combines a tensor over the dimensions that `kept` does not name, in order.
mlir::Value reduceTo(mlir::OpBuilder &builder, mlir::Location loc, ReduceKind kind,
                     mlir::Value source, llvm::ArrayRef<int64_t> kept);

/// tile.load_runs, tile.store_runs, tile.toeplitz, tile.lag
void populateRunPatterns(const CPUTypeConverter &converter, mlir::RewritePatternSet &patterns);

/// tile.warp_dot, tile.exchange, tile.split, tile.join, tile.zip, tile.position, tile.cast, tile.pull,
/// tile.place
void populateWarpPatterns(const CPUTypeConverter &converter, mlir::RewritePatternSet &patterns);

/// What tile.zip makes of two tiles.
std::pair<mlir::Value, mlir::Value> zipped(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y);
/// The column in memory of a column of a tile of quads.
mlir::Value quadColumnOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value column);
/// tile.alloc, tile.write_rows, tile.read_rows, tile.meet, tile.pull_rows, tile.place_rows, tile.keep, tile.recall
void populateInPlacePatterns(const CPUTypeConverter &converter, mlir::RewritePatternSet &patterns);

/// From one float type to another, by way of f32 if need be.
mlir::Value castFloat(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                      mlir::Type element);

/// Where a tensor in memory has an element of a tile.
using PositionOf = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange element)>;
/// Those indices that are tiles, at an element.
llvm::SmallVector<mlir::Value> indicesAt(mlir::OpBuilder &builder, mlir::Location loc,
                                         mlir::ValueRange indices, mlir::ValueRange element);
/// A tile of what a tensor in memory has at those positions, 0 where they lie outside.
mlir::Value readTile(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type tile,
                     mlir::Value source, PositionOf positionOf);
/// Stores a tile's elements, but for those that lie outside the destination, or from row `rows` on.
void storeTile(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tile,
               mlir::Value destination, PositionOf positionOf, mlir::Value rows = {});
/// Goes on inside a loop nest over the elements of a tile, and gives where it is.
llvm::SmallVector<mlir::Value> loopOver(mlir::OpBuilder &builder, mlir::Location loc,
                                        mlir::Type tile);

} // namespace longwing::tile

#endif // LONGWING_LIB_TILETOCPU_PATTERNS_H
