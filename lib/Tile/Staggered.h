//===- Staggered.h - The steps of a kernel in phases ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_TILE_STAGGERED_H
#define LONGWING_LIB_TILE_STAGGERED_H

#include "StaggerPlan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

namespace longwing::tile {

inline int64_t floorMod(int64_t x, int64_t y) { return ((x % y) + y) % y; }
inline int64_t floorDiv(int64_t x, int64_t y) { return (x - floorMod(x, y)) / y; }

/// The coordinates of the work tile that some part of a step is on.
struct Stream {
  int64_t delay;                        ///< Step i is on work tile i - delay.
  llvm::SmallVector<mlir::Value> point; ///< The current coordinates.
};

/// Writes the program of a kernel in steps (Stagger.cpp).
class Staggered {
public:
  Staggered(KernelOp kernel, ForEachOp work, const StaggerPlan &plan, int64_t lag)
      : kernel(kernel), work(work), plan(plan), lag(lag), inPlace(kernel->hasAttr(kInPlaceAttr)),
        unroll(inPlace ? kUnrollInPlace : kUnroll), b(work), loc(work.getLoc()) {}
  mlir::LogicalResult write();

private:
  /// Steps that are written out, so that slots are constants: a multiple of the slots of all memory.
  static constexpr int64_t kUnroll = 4, kUnrollInPlace = 6;

  void allocate();
  mlir::LogicalResult pairExchanges();
  void spread();
  llvm::SmallVector<mlir::Value> origin();
  Stream &stream(int64_t delay);
  void declareStreams();
  void prologue();
  void fetchFirst();
  void round();
  void step(int64_t k, bool guarded);
  void doPhase(int64_t phase, int64_t k, llvm::SmallVector<mlir::IRMapping> &maps);
  void guardedPhases(int64_t k, llvm::SmallVector<mlir::IRMapping> &maps);
  void orderedPhases(int64_t k, llvm::SmallVector<mlir::IRMapping> &maps);
  void overlappedPhases(int64_t k, llvm::SmallVector<mlir::IRMapping> &maps);
  llvm::SmallVector<mlir::Operation *> workOf(int64_t phase);
  llvm::SmallVector<mlir::Value> state();
  void setState(mlir::ValueRange values);
  void copies(int64_t k);
  void take(ExchangeOp exchange, int64_t phase, int64_t k, mlir::IRMapping &map);
  void begin(int64_t begun, int64_t k, llvm::SmallVector<mlir::IRMapping> &maps);
  void emit(mlir::Operation *op, int64_t k, mlir::IRMapping &map);
  void refresh(int64_t k);
  void advance(Stream &stream);
  mlir::Value isWork(int64_t delay);
  mlir::Value parity(int64_t turn);
  mlir::Value materialize(mlir::Value value, mlir::IRMapping &map);
  llvm::SmallVector<mlir::Value> mapped(mlir::ValueRange values, mlir::IRMapping &map);
  void mapPoint(mlir::IRMapping &map, const Stream &stream);
  llvm::SmallVector<mlir::Value> slowValuesOf(int64_t phase);
  llvm::SmallVector<mlir::Value> loadSlow(const Stream &stream, int64_t phase);
  mlir::Value readEarly(mlir::Operation *op, const Stream &stream);
  llvm::SmallVector<mlir::Value> readNext();

  /// A tile comes in boxes, by one thread, or in strips, by all of them.
  static bool isLoad(mlir::Operation *op) { return llvm::isa<LoadOp, LoadStripsOp>(op); }
  static bool isStore(mlir::Operation *op) { return llvm::isa<StoreOp, StoreStripsOp>(op); }
  static int64_t stages(mlir::Operation *load) {
    auto strips = llvm::dyn_cast<LoadStripsOp>(load);
    return strips ? strips.getStages() : llvm::cast<LoadOp>(load).getStages();
  }
  int64_t ahead(mlir::Operation *load) { return stages(load) - lag; }
  int64_t fetchDelay(mlir::Operation *load) { return lag * plan.phases.lookup(load) - ahead(load); }
  /// The slot of what a phase of step k is on.
  int64_t exchangeSlot(int64_t k, int64_t phase) {
    return floorMod(k - lag * phase, (inPlace ? 3 : 2) * lag);
  }
  int64_t flushDelay(mlir::Operation *store) { return lag * (plan.phases.lookup(store) + 1); }
  llvm::SmallVector<mlir::Operation *> copiesIn();
  llvm::SmallVector<mlir::Operation *> copiesOut();
  template <typename Op>
  bool has() {
    auto ops = work.getBody().front().getOps<Op>();
    return ops.begin() != ops.end();
  }
  void lead(bool needed, llvm::function_ref<void()> body);
  void fetch(mlir::Operation *load, int64_t slot, mlir::IRMapping &map);
  void flush(mlir::Operation *store, int64_t slot, mlir::IRMapping &map);
  mlir::Value index(int64_t value) { return mlir::arith::ConstantIndexOp::create(b, loc, value); }

  KernelOp kernel;
  ForEachOp work;
  const StaggerPlan &plan;
  int64_t lag;
  bool inPlace;
  int64_t unroll;
  llvm::DenseMap<mlir::Operation *, ExchangeOp> there; // of each exchange back in place
  mlir::OpBuilder b;
  mlir::Location loc;
  mlir::Value steps;                                     // the barriers
  llvm::DenseMap<mlir::Operation *, mlir::Value> memory; // of each exchange, load and store
  mlir::Value first, count, stepsToDo;                   // work tiles of this CTA
  llvm::SmallVector<mlir::Value> sizes;
  llvm::SmallVector<Stream> streams;
  llvm::MapVector<mlir::Value, mlir::Value> slowValues;  // what they are now
  llvm::SmallVector<int64_t> slowPhases;                 // phases that have some
  llvm::MapVector<mlir::Value, mlir::Value> earlyValues; // of this step
  mlir::Value base, turn, current;                       // the first step of this round, its parity; this step
};

} // namespace longwing::tile

#endif // LONGWING_LIB_TILE_STAGGERED_H
