//===- StaggerCopies.cpp - What comes and goes in steps -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The copies of Stagger.cpp: boxes, which one thread asks for and sends off, and strips, of which each thread copies a part.
//
//===----------------------------------------------------------------------===//

#include "Staggered.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

SmallVector<Operation *> Staggered::copiesIn() {
  return llvm::filter_to_vector(llvm::make_pointer_range(work.getBody().front()), isLoad);
}
SmallVector<Operation *> Staggered::copiesOut() {
  return llvm::filter_to_vector(llvm::make_pointer_range(work.getBody().front()), isStore);
}

/// Goes on in one thread, if there is something for it to do.
void Staggered::lead(bool needed, function_ref<void()> body) {
  if (!needed)
    return;
  auto lead = LeadOp::create(b, loc);
  lead.getBody().emplaceBlock();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&lead.getBody().front());
  body();
  ReturnOp::create(b, loc);
}

void Staggered::fetch(Operation *op, int64_t slot, IRMapping &map) {
  if (auto load = dyn_cast<LoadOp>(op)) {
    FetchOp::create(b, loc, memory[op], slot, load.getSource(), mapped(load.getCoordinates(), map));
    return;
  }
  auto load = cast<LoadStripsOp>(op);
  FetchStripsOp::create(b, loc, memory[op], slot, load.getSource(), mapped(load.getCoordinates(), map),
                        load.getDigits(), load.getWhole());
}

void Staggered::flush(Operation *op, int64_t slot, IRMapping &map) {
  if (auto store = dyn_cast<StoreOp>(op)) {
    FlushOp::create(b, loc, memory[op], slot, store.getDestination(), mapped(store.getCoordinates(), map));
    return;
  }
  auto store = cast<StoreStripsOp>(op);
  FlushStripsOp::create(b, loc, memory[op], slot, store.getDestination(), mapped(store.getCoordinates(), map),
                        store.getDigits(), store.getWhole());
}

/// What step `-n` would have fetched.
void Staggered::fetchFirst() {
  auto fetchAll = [&](bool strips) {
    for (Operation *load : copiesIn()) {
      if (isa<LoadStripsOp>(load) != strips)
        continue;
      Stream early{0, origin()};
      for (int64_t tile = 0; tile < -fetchDelay(load); ++tile) {
        Value exists = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, index(tile), count);
        auto branch = scf::IfOp::create(b, loc, exists, /*withElse=*/false);
        {
          OpBuilder::InsertionGuard inner(b);
          b.setInsertionPointToStart(branch.thenBlock());
          IRMapping map;
          mapPoint(map, early);
          fetch(load, tile % stages(load), map);
        }
        advance(early);
      }
    }
  };
  lead(has<LoadOp>(), [&] { fetchAll(/*strips=*/false); });
  if (has<LoadStripsOp>()) {
    fetchAll(/*strips=*/true);
    StripsFetchedOp::create(b, loc);
    MeetOp::create(b, loc);
  }
}

/// What was laid out `lag` steps ago is flushed, and what comes `ahead` steps later fetched.
void Staggered::copies(int64_t k) {
  auto when = [&](int64_t delay, function_ref<void(IRMapping &)> body) {
    auto branch = scf::IfOp::create(b, loc, isWork(delay), /*withElse=*/false);
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(branch.thenBlock());
    IRMapping map;
    mapPoint(map, stream(delay));
    body(map);
  };
  auto copyAll = [&](bool strips) {
    for (Operation *load : copiesIn())
      if (int64_t delay = fetchDelay(load); isa<LoadStripsOp>(load) == strips)
        when(delay, [&](IRMapping &map) { fetch(load, floorMod(k - delay, stages(load)), map); });
    for (Operation *store : copiesOut())
      if (isa<StoreStripsOp>(store) == strips)
        when(flushDelay(store), [&](IRMapping &map) { flush(store, floorMod(k - lag, 2 * lag), map); });
  };
  lead(has<LoadOp>() || has<StoreOp>(), [&] { copyAll(/*strips=*/false); });
  copyAll(/*strips=*/true);
}

/// What a phase takes from SRAM before it begins.
void Staggered::begin(int64_t begun, int64_t k, SmallVector<IRMapping> &maps) {
  for (Operation *op : copiesIn()) {
    int64_t phase = plan.phases.lookup(op), stages = this->stages(op), at = k - lag * phase;
    if (phase != begun)
      continue;
    if (isa<LoadStripsOp>(op)) {
      Value tile = SlotOp::create(b, loc, op->getResult(0).getType(), memory[op], floorMod(at, stages));
      maps[phase].map(op->getResult(0), tile);
      continue;
    }
    auto load = cast<LoadOp>(op);
    int64_t turns = floorDiv(at, stages);
    Value odd = (unroll / stages) % 2
                    ? parity(turns)
                    : Value(arith::ConstantIntOp::create(b, loc, turns & 1, 32));
    Value tile = FetchedOp::create(b, loc, load.getTile().getType(), memory[load],
                                   floorMod(at, stages), odd, isWork(lag * phase));
    maps[phase].map(load.getTile(), tile);
  }
}
