//===- Role.h - The program of a producer or of consumers -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_TILE_ROLE_H
#define LONGWING_LIB_TILE_ROLE_H

#include "dialects/tile/Tile.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"

namespace longwing::tile {

/// Loads of one tensor into tiles of one type share a ring.
using RingKey = std::pair<mlir::Value, mlir::Type>;

inline RingKey keyOf(LoadOp load) { return {load.getSource(), load.getTile().getType()}; }

/// The rings and buffers of a kernel.
struct Memory {
  llvm::MapVector<RingKey, mlir::Value> rings;
  /// The places of tiles that leave the kernel, that go back into SRAM, and of Toeplitz matrices.
  llvm::DenseMap<mlir::Operation *, mlir::Value> buffers;
  mlir::Value exchange;                                // of tile.load_runs and tile.store_runs
  llvm::DenseMap<mlir::Operation *, mlir::Value> mail; // of chains between CTAs
  llvm::DenseMap<mlir::Operation *, mlir::Value> own;  // what the program has from the start
};

/// Writes the program of one role (Specialize.cpp, and AskRows.cpp what it asks for ahead).
class Role {
public:
  Role(KernelOp kernel, const Memory &memory, bool producer);

  mlir::LogicalResult write(mlir::OpBuilder &b, mlir::Block &source);

private:
  /// The next position of each ring.
  using Positions = llvm::MapVector<RingKey, mlir::Value>;

  mlir::LogicalResult copyBlock(mlir::OpBuilder &b, mlir::Block &source, Positions &positions);
  mlir::LogicalResult copyOp(mlir::OpBuilder &b, mlir::Operation &op, Positions &positions);
  mlir::LogicalResult copyFor(mlir::OpBuilder &b, mlir::scf::ForOp loop, Positions &positions);
  void deal(mlir::OpBuilder &b, mlir::scf::ForOp loop, mlir::Value number);
  mlir::LogicalResult copyIf(mlir::OpBuilder &b, mlir::scf::IfOp branch, Positions &positions);
  mlir::LogicalResult copyForEach(mlir::OpBuilder &b, ForEachOp work, Positions &positions);
  mlir::LogicalResult copyWorkTile(mlir::OpBuilder &b, ForEachOp work, mlir::Value tile, Positions &positions);
  mlir::ValueRange sharedSizes(ForEachOp work);
  void spreadWork(mlir::OpBuilder &b, mlir::Value coordinate);
  void copyFetch(mlir::OpBuilder &b, FetchRowsOp fetch);
  void copyVacate(mlir::OpBuilder &b, VacateRowsOp vacate);
  void ask(mlir::OpBuilder &b, FetchRowsOp fetch, llvm::function_ref<mlir::Value(mlir::OpBuilder &)> roundOf,
           llvm::ArrayRef<mlir::Value> columns);
  void askFirst(mlir::OpBuilder &b);
  mlir::Value materialize(mlir::OpBuilder &b, mlir::Value value, mlir::IRMapping &at);
  std::pair<mlir::Value, mlir::Value> pointOf(mlir::OpBuilder &b, mlir::Value round);
  llvm::SmallVector<mlir::Value> coordinatesOf(mlir::OpBuilder &b, ForEachOp work, mlir::Value tile);
  mlir::LogicalResult copyLoad(mlir::OpBuilder &b, LoadOp load, Positions &positions);
  /// Whether the producer has a value: it has none that is computed from tiles.
  bool isKept(mlir::Value value) {
    if (auto argument = llvm::dyn_cast<mlir::BlockArgument>(value))
      return map.contains(value) || argument.getOwner() == &kernel.getBody().front();
    return map.contains(value) || llvm::isa<AllocOp>(value.getDefiningOp());
  }
  /// Copies an operation on scalars of the producer, once for each warpgroup if it differs.
  mlir::Operation *copyScalars(mlir::OpBuilder &b, mlir::Operation &op);
  void mapForAll(mlir::Value from, mlir::Value to);

  /// The rings that an operation's regions load from.
  llvm::SmallVector<RingKey> ringsIn(mlir::Operation *op);
  llvm::SmallVector<mlir::Value> select(const Positions &positions, llvm::ArrayRef<RingKey> keys);
  void assign(Positions &positions, llvm::ArrayRef<RingKey> keys, mlir::ValueRange values);
  /// The values of the source that this role keeps: a producer has no tiles.
  llvm::SmallVector<mlir::Value> kept(mlir::ValueRange values);

  KernelOp kernel;
  const Memory &memory;
  bool producer;
  mlir::IRMapping map;
  /// In a dealt loop: which of its rounds this is.
  mlir::Value round;
  /// Of persistent work: this CTA, how many there are, which of its tiles this is, how many rows of tiles there are in all, and the
  /// tiles of a row.
  ForEachOp persistent;
  mlir::Value cta, ctas, turn, total, row;
  llvm::MapVector<mlir::Value, FetchRowsOp> fetches; // by buffer
  /// Where the work is spread or dealt: what the producer computes for each of those who share it but the first.
  llvm::SmallVector<mlir::IRMapping> others;
};

} // namespace longwing::tile

#endif // LONGWING_LIB_TILE_ROLE_H
