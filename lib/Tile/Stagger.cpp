//===- Stagger.cpp - Phases of work tiles in steps ------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The program of a work tile is cut at its exchanges. With a lag of 2 and three phases:
//
//   step i:   phase 0 of tile i     phase 1 of tile i - 2     phase 2 of tile i - 4
//             fetch tile i + 2                                flush tile i - 6
//
// A warp begins step i when all have ended step i - lag. So what phase 0 puts into a slot in step i
// is there for phase 1 in step i + lag, and the slot is free again in step i + 2 lag: there are
// 2 lag slots. Likewise for the slots through which tiles come and go.
//
// In place, exchanges come in pairs, there and back: in between, a warp writes to the rows that it has
// read, so both take the same 3 lag slots instead of 2 lag each.
//
// In the first and the last steps some phases have no work tile, and are left out. Where phases
// overlap, rounds of steps in which all of them have one are written apart, without branches.
//
//===----------------------------------------------------------------------===//

#include "Staggered.h"
#include "longwing/Tile/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace longwing {
#define GEN_PASS_DEF_TILESTAGGER
#include "longwing/Tile/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

//===----------------------------------------------------------------------===//
// Frame
//===----------------------------------------------------------------------===//

void Staggered::allocate() {
  MLIRContext *context = kernel.getContext();
  auto make = [&](Type type) { return AllocOp::create(b, loc, type, IntegerAttr()).getMemory(); };
  for (auto &[op, phase] : plan.phases) {
    if (auto load = dyn_cast<LoadOp>(op)) {
      auto tile = load.getTile().getType();
      SmallVector<int64_t> shape = {int64_t(load.getStages())};
      llvm::append_range(shape, tile.getShape());
      memory[op] = make(RingType::get(context, shape, tile.getElementType()));
    } else if (there.contains(op)) {
      memory[op] = memory[there.lookup(op)];
    } else if (auto exchange = dyn_cast<ExchangeOp>(op)) {
      // Both tiles, as rows of 128 bytes.
      auto tile = exchange.getFirst().getType();
      int64_t columns = kPanelBytes * 8 / tile.getElementTypeBitWidth();
      SmallVector<int64_t> shape = {(inPlace ? 3 : 2) * lag, 2 * tile.getNumElements() / columns, columns};
      memory[op] = make(SmemType::get(context, shape, tile.getElementType()));
    } else if (auto load = dyn_cast<LoadStripsOp>(op)) {
      auto tile = load.getTile().getType();
      SmallVector<int64_t> shape = {stages(load)};
      llvm::append_range(shape, tile.getShape());
      memory[op] = make(SmemType::get(context, shape, tile.getElementType()));
    } else if (isStore(op)) {
      auto tile = cast<RankedTensorType>(op->getOperand(0).getType());
      SmallVector<int64_t> shape = {2 * lag};
      llvm::append_range(shape, tile.getShape());
      memory[op] = make(SmemType::get(context, shape, tile.getElementType()));
    }
  }
  steps = make(StepsType::get(context, unroll));
}

/// Finds the way back of each exchange there: the phase between them reads the one and writes the other.
LogicalResult Staggered::pairExchanges() {
  SmallVector<ExchangeOp> ways[2];
  for (auto &[op, phase] : plan.phases)
    if (auto exchange = dyn_cast<ExchangeOp>(op); exchange && phase < 2)
      ways[phase].push_back(exchange);
  if (plan.count != 3 || ways[0].size() != ways[1].size())
    return work.emitError() << "expected as many exchanges back as there, in three phases, to work in place";
  for (auto [first, second] : llvm::zip(ways[0], ways[1]))
    there[second] = first;
  return success();
}

/// Gives each CTA a contiguous range of work tiles, or of rows of them that belong together, as equal as they
/// come.
void Staggered::spread() {
  sizes = llvm::to_vector(work.getSizes());
  bool ordered = kernel->hasAttr(kOrderedAttr);
  Value total = sizes[ordered];
  for (Value size : ArrayRef(sizes).drop_front(1 + ordered))
    total = arith::MulIOp::create(b, loc, total, size);
  Value cta = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x);
  Value ctas = gpu::GridDimOp::create(b, loc, gpu::Dimension::x);
  Value each = arith::DivUIOp::create(b, loc, total, ctas);
  Value more = arith::RemUIOp::create(b, loc, total, ctas);
  Value before = arith::MinUIOp::create(b, loc, cta, more);
  first = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, cta, each), before);
  Value one = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, cta, more);
  Value extra = arith::SelectOp::create(b, loc, one, index(1), index(0));
  count = arith::AddIOp::create(b, loc, each, extra);
  if (ordered)
    for (Value *tiles : {&first, &count})
      *tiles = arith::MulIOp::create(b, loc, *tiles, sizes.front());
  int64_t drain = lag * (plan.count - 1);
  for (Operation *store : copiesOut())
    drain = std::max(drain, flushDelay(store));
  stepsToDo = arith::AddIOp::create(b, loc, count, index(drain));
}

Stream &Staggered::stream(int64_t delay) {
  for (Stream &stream : streams)
    if (stream.delay == delay)
      return stream;
  return streams.emplace_back(Stream{delay, {}});
}

/// The coordinates of this CTA's first work tile.
SmallVector<Value> Staggered::origin() {
  SmallVector<Value> point;
  Value rest = first;
  for (Value size : ArrayRef(sizes).drop_back()) {
    point.push_back(arith::RemUIOp::create(b, loc, rest, size));
    rest = arith::DivUIOp::create(b, loc, rest, size);
  }
  point.push_back(rest);
  return point;
}

/// Which coordinates a step needs, and what they are in step 0.
void Staggered::declareStreams() {
  for (auto &[op, phase] : plan.phases) {
    if (isLoad(op))
      stream(fetchDelay(op));
    else if (isStore(op))
      stream(flushDelay(op));
    else if (plan.early.contains(op))
      stream(lag * phase - 1);
    else if (plan.slow.contains(op)) {
      stream(lag * phase - 1);
      if (!llvm::is_contained(slowPhases, phase))
        slowPhases.push_back(phase);
    } else if (isa<PullOp, GatherOp, PlaceOp, PlaceRowsOp, KeepOp, RecallOp, PullRowsOp, scf::ForOp, scf::IfOp>(op))
      stream(lag * phase);
  }
  SmallVector<Value> origin = this->origin();
  base = current = index(0);
  for (Stream &each : streams) {
    each.point = origin;
    for (int64_t i = each.delay; i < 0; ++i)
      advance(each);
  }
}

/// The next point, the first coordinate fastest.
void Staggered::advance(Stream &stream) {
  Value carry; // null: surely
  // A stream that lags stays at its first point until its work has begun.
  if (stream.delay > 0)
    carry = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, current, index(stream.delay));
  for (auto [i, value] : llvm::enumerate(stream.point)) {
    Value next = arith::AddIOp::create(b, loc, value, index(1));
    if (carry)
      next = arith::SelectOp::create(b, loc, carry, next, value);
    if (i + 1 < stream.point.size()) {
      carry = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, next, sizes[i]);
      next = arith::SelectOp::create(b, loc, carry, index(0), next);
    }
    value = next;
  }
}

/// Whether the part of this step with that delay has a work tile.
Value Staggered::isWork(int64_t delay) {
  Value at = current;
  if (delay)
    at = arith::SubIOp::create(b, loc, current, index(delay));
  // As unsigned numbers, those before the first are too large.
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, at, count);
}

/// The parity of a slot's turn, counted from this round's first one.
Value Staggered::parity(int64_t by) {
  Value odd = arith::ConstantIntOp::create(b, loc, by & 1, 32);
  return by & 1 ? Value(arith::XOrIOp::create(b, loc, turn, odd)) : turn;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// A value of the work tile for the map's coordinates; cheap ones are made anew.
Value Staggered::materialize(Value value, IRMapping &map) {
  if (Value known = map.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != &work.getBody().front())
    return value;
  if (Value kept = slowValues.lookup(value))
    return kept;
  if (Value read = earlyValues.lookup(value))
    return read;
  for (Value operand : op->getOperands())
    map.map(operand, materialize(operand, map));
  b.clone(*op, map);
  return map.lookup(value);
}

SmallVector<Value> Staggered::mapped(ValueRange values, IRMapping &map) {
  return llvm::map_to_vector(values, [&](Value value) { return materialize(value, map); });
}

void Staggered::mapPoint(IRMapping &map, const Stream &stream) {
  map.map(work.getBody().front().getArguments(), stream.point);
}

/// The slow values of a phase that others use, in the order in which they are read.
SmallVector<Value> Staggered::slowValuesOf(int64_t phase) {
  SmallVector<Value> values;
  for (auto &[value, now] : slowValues)
    if (plan.phases.lookup(value.getDefiningOp()) == phase)
      values.push_back(value);
  return values;
}

/// Reads the slow values of a phase for the stream's coordinates.
SmallVector<Value> Staggered::loadSlow(const Stream &stream, int64_t phase) {
  IRMapping map;
  mapPoint(map, stream);
  SmallVector<Value> values;
  for (Operation *op : plan.slow) {
    if (plan.phases.lookup(op) != phase)
      continue;
    for (Value operand : op->getOperands())
      map.map(operand, materialize(operand, map));
    b.clone(*op, map);
    for (Value result : op->getResults())
      if (slowValues.contains(result))
        values.push_back(map.lookup(result));
  }
  return values;
}

/// What an early read gives for the stream's coordinates.
Value Staggered::readEarly(Operation *op, const Stream &stream) {
  IRMapping map;
  mapPoint(map, stream);
  for (Value value : StaggerPlan::usedBy(op))
    map.map(value, materialize(value, map));
  return b.clone(*op, map)->getResult(0);
}

/// The early reads of the next step.
SmallVector<Value> Staggered::readNext() {
  return llvm::map_to_vector(plan.early, [&](Operation *op) { return readEarly(op, stream(lag * plan.phases.lookup(op) - 1)); });
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// What step `-n` would have fetched, and the slow values of the first work tile.
void Staggered::prologue() {
  fetchFirst();
  for (Operation *op : plan.slow)
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !plan.slow.contains(user); }))
        slowValues[result] = Value();
  for (int64_t phase : slowPhases)
    for (auto [value, now] : llvm::zip(slowValuesOf(phase), loadSlow({0, origin()}, phase)))
      slowValues[value] = now;
  for (Operation *op : plan.early)
    earlyValues[op->getResult(0)] = readEarly(op, {0, origin()});
}

/// Reads what an exchange hands to this phase.
void Staggered::take(ExchangeOp exchange, int64_t phase, int64_t k, IRMapping &map) {
  auto type = exchange.getFirstResult().getType();
  auto get = GetOp::create(b, loc, type, type, memory[exchange], exchangeSlot(k, phase),
                           there.contains(exchange), exchange.transposes());
  map.map(exchange.getResults(), get.getResults());
}

void Staggered::emit(Operation *op, int64_t k, IRMapping &map) {
  if (auto exchange = dyn_cast<ExchangeOp>(op)) {
    SmallVector<Value> tiles = mapped(exchange.getOperands(), map);
    PutOp::create(b, loc, tiles[0], tiles[1], memory[op], exchangeSlot(k, plan.phases.lookup(op)),
                  there.contains(op));
    return;
  }
  if (isStore(op)) {
    auto join = op->getOperand(0).getDefiningOp<JoinOp>();
    LayOp::create(b, loc, materialize(join.getSource(), map), memory[op], k % (2 * lag));
    return;
  }
  for (Value value : StaggerPlan::usedBy(op))
    map.map(value, materialize(value, map));
  if (!isa<PlaceOp, PlaceRowsOp, KeepOp>(op)) {
    b.clone(*op, map);
    return;
  }
  auto branch = scf::IfOp::create(b, loc, isWork(lag * plan.phases.lookup(op)), false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  b.clone(*op, map);
}

/// Reads the slow values again where the next work tile has other coordinates.
void Staggered::refresh(int64_t k) {
  for (int64_t phase : slowPhases) {
    Stream &next = stream(lag * phase - 1);
    Value changes = isWork(lag * phase - 1);
    for (Value faster : ArrayRef(next.point).take_front(plan.slowest)) {
      Value wrapped = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, faster, index(0));
      changes = arith::AndIOp::create(b, loc, wrapped, changes);
    }
    SmallVector<Value> keys = slowValuesOf(phase), kept;
    for (Value key : keys)
      kept.push_back(slowValues.lookup(key));
    auto branch = scf::IfOp::create(b, loc, ValueRange(kept).getTypes(), changes, true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      scf::YieldOp::create(b, loc, loadSlow(next, phase));
      b.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(b, loc, kept);
    }
    for (auto [key, value] : llvm::zip(keys, branch.getResults()))
      slowValues[key] = value;
  }
}

/// What a phase does itself, in order.
SmallVector<Operation *> Staggered::workOf(int64_t phase) {
  SmallVector<Operation *> ops;
  for (auto &[op, its] : plan.phases)
    if (its == phase && !plan.slow.contains(op) && !plan.early.contains(op) && !isLoad(op) && !isa<JoinOp>(op))
      ops.push_back(op);
  return ops;
}

void Staggered::doPhase(int64_t phase, int64_t k, SmallVector<IRMapping> &maps) {
  for (Operation *op : workOf(phase)) {
    for (Value operand : op->getOperands())
      if (auto exchange = operand.getDefiningOp<ExchangeOp>(); exchange && !maps[phase].contains(operand))
        take(exchange, phase, k, maps[phase]);
    emit(op, k, maps[phase]);
  }
}

/// One after the other, which takes the fewest registers, and each only where it has a work tile.
void Staggered::guardedPhases(int64_t k, SmallVector<IRMapping> &maps) {
  for (int64_t phase = plan.count - 1; phase >= 0; --phase) {
    auto branch = scf::IfOp::create(b, loc, isWork(lag * phase), /*withElse=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    begin(phase, k, maps);
    doPhase(phase, k, maps);
  }
}

/// One after the other, without branches.
void Staggered::orderedPhases(int64_t k, SmallVector<IRMapping> &maps) {
  for (int64_t phase = plan.count - 1; phase >= 0; --phase)
    begin(phase, k, maps);
  for (int64_t phase = plan.count - 1; phase >= 0; --phase)
    doPhase(phase, k, maps);
}

/// Side by side, in proportion: each phase has work while another one waits.
void Staggered::overlappedPhases(int64_t k, SmallVector<IRMapping> &maps) {
  SmallVector<SmallVector<Operation *>> work;
  for (int64_t phase = 0; phase < plan.count; ++phase)
    work.push_back(workOf(phase));
  for (int64_t phase = plan.count - 1; phase >= 0; --phase) {
    for (auto &[op, its] : plan.phases)
      if (auto exchange = dyn_cast<ExchangeOp>(op); exchange && its + 1 == phase)
        take(exchange, phase, k, maps[phase]);
    begin(phase, k, maps);
  }
  SmallVector<size_t> done(plan.count, 0);
  auto share = [&](int64_t phase) { return double(done[phase]) / double(work[phase].size()); };
  while (true) {
    int64_t next = -1; // the phase that is least far
    for (int64_t phase = 0; phase < plan.count; ++phase)
      if (done[phase] < work[phase].size() && (next < 0 || share(phase) < share(next)))
        next = phase;
    if (next < 0)
      return;
    emit(work[next][done[next]++], k, maps[next]);
  }
}

void Staggered::step(int64_t k, bool guarded) {
  current = k ? Value(arith::AddIOp::create(b, loc, base, index(k))) : base;
  Value begun = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, current, index(lag));
  StepWaitOp::create(b, loc, steps, floorMod(k - lag, unroll), parity(floorDiv(k - lag, unroll)),
                     begun);
  copies(k);
  SmallVector<Value> next = readNext();
  SmallVector<IRMapping> maps(plan.count);
  for (int64_t phase = 0; phase < plan.count; ++phase)
    for (Stream &each : streams)
      if (each.delay == lag * phase)
        mapPoint(maps[phase], each);
  if (guarded)
    guardedPhases(k, maps);
  else if (inPlace)
    orderedPhases(k, maps);
  else
    overlappedPhases(k, maps);

  lead(has<StoreOp>(), [&] { FlushedOp::create(b, loc); });
  if (has<LoadStripsOp>())
    StripsFetchedOp::create(b, loc);
  StepArriveOp::create(b, loc, steps, k);
  refresh(k);
  for (auto [entry, value] : llvm::zip(earlyValues, next))
    entry.second = value;
  for (Stream &each : streams)
    advance(each);
}

/// What goes from step to step: the coordinates, the slow values, and what was read early.
SmallVector<Value> Staggered::state() {
  SmallVector<Value> values;
  for (Stream &each : streams)
    llvm::append_range(values, each.point);
  for (auto &[value, now] : slowValues)
    values.push_back(now);
  for (auto &[value, now] : earlyValues)
    values.push_back(now);
  return values;
}

void Staggered::setState(ValueRange values) {
  for (Stream &each : streams) {
    each.point = llvm::to_vector(values.take_front(sizes.size()));
    values = values.drop_front(sizes.size());
  }
  for (auto *kept : {&slowValues, &earlyValues})
    for (auto &[value, now] : *kept) {
      now = values.front();
      values = values.drop_front();
    }
}

/// The steps that are written out.
void Staggered::round() {
  auto steps = [&](bool guarded) {
    for (int64_t k = 0; k < unroll; ++k)
      step(k, guarded);
  };
  if (!kernel.getSchedule().getOverlap())
    return steps(/*guarded=*/true);
  auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  };
  Value end = arith::AddIOp::create(b, loc, base, index(unroll));
  Value begun = compare(arith::CmpIPredicate::uge, base, index(lag * (plan.count - 1)));
  Value full = arith::AndIOp::create(b, loc, begun, compare(arith::CmpIPredicate::ule, end, count));
  SmallVector<Value> before = state();
  auto branch = scf::IfOp::create(b, loc, ValueRange(before).getTypes(), full, /*withElse=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    for (Block *block : {branch.thenBlock(), branch.elseBlock()}) {
      setState(before);
      b.setInsertionPointToStart(block);
      steps(/*guarded=*/block == branch.elseBlock());
      scf::YieldOp::create(b, loc, state());
    }
  }
  setState(branch.getResults());
}

LogicalResult Staggered::write() {
  for (Operation *store : copiesOut())
    if (!store->getOperand(0).getDefiningOp<JoinOp>())
      return store->emitError() << "expected the tile to be the result of a tile.join";
  for (Operation *load : copiesIn()) {
    // Strips are waited for in the step that fetches them, and seen by others a lag later.
    int64_t least = isa<LoadStripsOp>(load) ? 2 * lag : lag;
    if (unroll % stages(load) || stages(load) < least)
      return load->emitError() << "expected the stages to divide " << unroll << " and to be at least " << least
                               << " at a lag of " << lag << ", got " << stages(load);
  }
  if (inPlace && failed(pairExchanges()))
    return failure();
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&kernel.getBody().front());
    allocate();
  }
  spread();
  declareStreams();
  prologue();

  SmallVector<Value> init = {arith::ConstantIntOp::create(b, loc, 0, 32)};
  llvm::append_range(init, state());
  auto loop = scf::ForOp::create(b, loc, index(0), stepsToDo, index(unroll), init);
  if (!loop.getBody()->empty())
    loop.getBody()->clear();
  b.setInsertionPointToStart(loop.getBody());
  base = loop.getInductionVar();
  turn = loop.getRegionIterArgs().front();
  setState(loop.getRegionIterArgs().drop_front());
  round();
  SmallVector<Value> next = {parity(1)};
  llvm::append_range(next, state());
  scf::YieldOp::create(b, loc, next);
  work.erase();
  return success();
}

namespace {
struct TileStagger : longwing::impl::TileStaggerBase<TileStagger> {
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    auto lag = kernel->getAttrOfType<IntegerAttr>(kStaggerAttr);
    if (!lag)
      return;
    if (lag.getInt() != 1 && lag.getInt() != 2) {
      kernel.emitError() << "expected '" << kStaggerAttr << "' to be 1 or 2, got " << lag.getInt();
      return signalPassFailure();
    }
    SmallVector<ForEachOp> works = llvm::to_vector(kernel.getBody().front().getOps<ForEachOp>());
    if (works.size() != 1) {
      kernel.emitError() << "expected one tile.foreach to stagger, got " << works.size();
      return signalPassFailure();
    }
    StaggerPlan plan;
    if (failed(plan.make(works.front())) ||
        failed(Staggered(kernel, works.front(), plan, lag.getInt()).write()))
      return signalPassFailure();
  }
};
} // namespace
