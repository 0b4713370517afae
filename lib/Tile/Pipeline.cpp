//===- Pipeline.cpp - Overlaps neighbouring iterations --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Tile/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace longwing {
#define GEN_PASS_DEF_TILEPIPELINE
#include "longwing/Tile/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

/// Where an operation without a schedule of its own runs: stage 0, behind the products.
constexpr int64_t kDefaultOrder = 2;

/// An operation on scalars without effects; every stage computes its own copy.
bool isAddress(Operation &op) {
  auto scalar = [](Type type) { return !isa<RankedTensorType>(type); };
  return op.getNumRegions() == 0 && isMemoryEffectFree(&op) && !op.hasAttr(kPipelineAttr) &&
         llvm::all_of(op.getOperandTypes(), scalar) && llvm::all_of(op.getResultTypes(), scalar);
}

/// The schedule of one loop.
struct Schedule {
  struct Entry {
    Operation *op;
    int64_t stage, order;
  };
  scf::ForOp loop;
  SmallVector<Entry> entries;  // by order
  SmallVector<Value> crossing; // made at stage 0 and used at stage 1
  SmallVector<unsigned> early; // iteration arguments that stage 0 yields
  SmallVector<unsigned> late;  // ... and stage 1

  explicit Schedule(scf::ForOp loop) : loop(loop) {
    DenseMap<Operation *, int64_t> stages;
    for (Operation &op : loop.getBody()->without_terminator()) {
      if (isAddress(op))
        continue;
      Entry entry{&op, 0, kDefaultOrder};
      if (auto at = op.getAttrOfType<DenseI64ArrayAttr>(kPipelineAttr); at && at.size() == 2)
        entry.stage = at[0], entry.order = at[1];
      stages[&op] = entry.stage;
      entries.push_back(entry);
    }
    // By order, then as written: few enough for an insertion sort, which is stable.
    for (size_t i = 1; i < entries.size(); ++i)
      for (size_t j = i; j > 0 && entries[j].order < entries[j - 1].order; --j)
        std::swap(entries[j], entries[j - 1]);
    for (const Entry &entry : entries)
      for (Value operand : entry.op->getOperands()) {
        if (entry.stage != 1 || llvm::is_contained(crossing, operand))
          continue;
        Operation *maker = operand.getDefiningOp();
        bool argument = !maker && operand.getParentBlock() == loop.getBody() &&
                        operand != loop.getInductionVar();
        auto stage = maker ? stages.find(maker) : stages.end();
        if (argument || (stage != stages.end() && stage->second == 0))
          crossing.push_back(operand);
      }
    for (auto [i, value] : llvm::enumerate(loop.getYieldedValues())) {
      auto stage = stages.find(value.getDefiningOp());
      bool isLate = stage != stages.end() && stage->second == 1;
      (isLate ? late : early).push_back(i);
    }
  }

  bool pipelined() const {
    return llvm::any_of(entries, [](const Entry &entry) { return entry.stage == 1; });
  }
};

/// Loops over one iteration space that are rotated as one.
class Chain {
public:
  explicit Chain(std::vector<Schedule> parts) : parts(std::move(parts)) {}

  LogicalResult rotate();

private:
  /// What one stage needs to be written: its values, by those of the loop it comes from.
  struct Frame {
    Schedule *part;
    IRMapping map;
  };

  Value materialize(OpBuilder &b, Frame &frame, Value value);
  LogicalResult emit(OpBuilder &b, Operation *op, Frame &frame);
  LogicalResult emitIteration(OpBuilder &b, Frame *stage0, Frame *stage1);
  SmallVector<Value> carried(OpBuilder &b, Frame &stage0);
  Frame enter(Schedule &part, Value iteration, ValueRange earlyState, ValueRange lateState);
  Frame leave(Schedule &part, Value iteration, ValueRange crossing);

  std::vector<Schedule> parts;
};

/// The value in a frame; operations on scalars are copied when first needed.
Value Chain::materialize(OpBuilder &b, Frame &frame, Value value) {
  if (Value known = frame.map.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != frame.part->loop.getBody())
    return value.getParentBlock() == frame.part->loop.getBody() ? Value() : value;
  if (!isAddress(*op))
    return {};
  for (Value operand : op->getOperands())
    if (!frame.map.contains(operand))
      if (Value made = materialize(b, frame, operand))
        frame.map.map(operand, made);
  b.clone(*op, frame.map);
  return frame.map.lookup(value);
}

LogicalResult Chain::emit(OpBuilder &b, Operation *op, Frame &frame) {
  WalkResult walk = op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands()) {
      if (op->isAncestor(operand.getParentRegion()->getParentOp()))
        continue;
      Value value = materialize(b, frame, operand);
      if (!value) {
        inner->emitError() << "the pipeline schedule runs this operation before its operand "
                           << operand.getType() << " is made";
        return WalkResult::interrupt();
      }
      frame.map.map(operand, value);
    }
    return WalkResult::advance();
  });
  if (walk.wasInterrupted())
    return failure();
  Operation *copy = b.clone(*op, frame.map);
  copy->removeDiscardableAttr(kPipelineAttr);
  return success();
}

/// Writes the operations of stage 0 (of one iteration) and of stage 1 (of the one before), by
/// order.
LogicalResult Chain::emitIteration(OpBuilder &b, Frame *stage0, Frame *stage1) {
  Schedule &part = stage0 ? *stage0->part : *stage1->part;
  auto lateDone = [&] {
    if (!stage0 || !stage1)
      return;
    // What stage 1 yields is what stage 0 of the next iteration, this one, takes.
    for (unsigned i : part.late)
      if (Value done = stage1->map.lookupOrNull(part.loop.getYieldedValues()[i]))
        stage0->map.map(part.loop.getRegionIterArg(i), done);
  };
  for (const Schedule::Entry &entry : part.entries) {
    Frame *frame = entry.stage == 0 ? stage0 : stage1;
    if (!frame)
      continue;
    if (failed(emit(b, entry.op, *frame)))
      return failure();
    if (entry.stage == 1)
      lateDone();
  }
  return success();
}

Chain::Frame Chain::enter(Schedule &part, Value iteration, ValueRange earlyState,
                          ValueRange lateState) {
  Frame frame{&part, {}};
  frame.map.map(part.loop.getInductionVar(), iteration);
  for (auto [i, value] : llvm::zip(part.early, earlyState))
    frame.map.map(part.loop.getRegionIterArg(i), value);
  for (auto [i, value] : llvm::zip(part.late, lateState))
    frame.map.map(part.loop.getRegionIterArg(i), value);
  return frame;
}

Chain::Frame Chain::leave(Schedule &part, Value iteration, ValueRange crossing) {
  Frame frame{&part, {}};
  frame.map.map(part.loop.getInductionVar(), iteration);
  for (auto [value, carried] : llvm::zip(part.crossing, crossing))
    frame.map.map(value, carried);
  return frame;
}

/// The state between stage 0 of an iteration and its stage 1.
SmallVector<Value> Chain::carried(OpBuilder &b, Frame &stage0) {
  SmallVector<Value> state;
  for (unsigned i : stage0.part->early)
    state.push_back(materialize(b, stage0, stage0.part->loop.getYieldedValues()[i]));
  for (Value value : stage0.part->crossing)
    state.push_back(materialize(b, stage0, value));
  return state;
}

/// Whether a loop's bounds are constants, or the smaller of a constant and something, one step
/// apart.
static bool runsAtMostOnce(scf::ForOp loop) {
  auto begin = getConstantIntValue(loop.getLowerBound()),
       step = getConstantIntValue(loop.getStep());
  SmallVector<Value> bounds = {loop.getUpperBound()};
  if (auto smaller = loop.getUpperBound().getDefiningOp<arith::MinSIOp>())
    bounds.append({smaller.getLhs(), smaller.getRhs()});
  return begin && step && llvm::any_of(bounds, [&](Value bound) {
           auto end = getConstantIntValue(bound);
           return end && *end <= *begin + *step;
         });
}

LogicalResult Chain::rotate() {
  Schedule &first = parts.front(), &last = parts.back();
  Location loc = first.loop.getLoc();
  OpBuilder b(last.loop);
  for (Schedule &part : parts)
    if (part.early != first.early || part.late != first.late ||
        TypeRange(ValueRange(part.crossing)) != TypeRange(ValueRange(first.crossing)))
      return part.loop.emitError() << "cannot be pipelined with the loop before it: their late "
                                      "stages differ";

  // Stage 0 of the first iteration; the first loop is known to have one.
  SmallVector<Value> earlyInit, lateInit;
  for (unsigned i : first.early)
    earlyInit.push_back(first.loop.getInitArgs()[i]);
  for (unsigned i : first.late)
    lateInit.push_back(first.loop.getInitArgs()[i]);
  Value begin = first.loop.getLowerBound(), step = first.loop.getStep();
  Frame prologue = enter(first, begin, earlyInit, lateInit);
  if (failed(emitIteration(b, &prologue, nullptr)))
    return failure();
  SmallVector<Value> state = carried(b, prologue);

  for (Schedule &part : parts) {
    if (&part == &first && runsAtMostOnce(part.loop))
      continue; // the prologue was all of it
    Value from = &part == &first ? Value(arith::AddIOp::create(b, loc, begin, step))
                                 : part.loop.getLowerBound();
    auto loop =
        scf::ForOp::create(b, part.loop.getLoc(), from, part.loop.getUpperBound(), step, state);
    if (!loop.getBody()->empty())
      loop.getBody()->clear();
    OpBuilder inner = OpBuilder::atBlockBegin(loop.getBody());
    Value before = arith::SubIOp::create(inner, loc, loop.getInductionVar(), step);
    ValueRange args = loop.getRegionIterArgs();
    Frame stage0 = enter(part, loop.getInductionVar(), args.take_front(part.early.size()), {});
    Frame stage1 = leave(part, before, args.drop_front(part.early.size()));
    if (failed(emitIteration(inner, &stage0, &stage1)))
      return failure();
    scf::YieldOp::create(inner, loc, carried(inner, stage0));
    state = llvm::to_vector(ValueRange(loop.getResults()));
  }

  Value final = arith::SubIOp::create(b, loc, last.loop.getUpperBound(), step);
  Frame epilogue = leave(last, final, ArrayRef(state).drop_front(last.early.size()));
  if (failed(emitIteration(b, nullptr, &epilogue)))
    return failure();
  for (auto [i, index] : llvm::enumerate(last.early))
    last.loop.getResult(index).replaceAllUsesWith(state[i]);
  for (unsigned i : last.late)
    last.loop.getResult(i).replaceAllUsesWith(epilogue.map.lookup(last.loop.getYieldedValues()[i]));
  for (Schedule &part : llvm::reverse(parts))
    part.loop.erase();
  return success();
}

struct TilePipeline : longwing::impl::TilePipelineBase<TilePipeline> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> firsts;
    getOperation().walk([&](scf::ForOp loop) {
      if (loop->hasAttr(kNonemptyAttr))
        firsts.push_back(loop);
    });
    for (scf::ForOp first : firsts) {
      std::vector<Schedule> parts = {Schedule(first)};
      if (!parts.front().pipelined())
        continue;
      for (scf::ForOp next; (next = follower(parts.back().loop));)
        parts.emplace_back(next);
      numLoops += parts.size();
      if (failed(Chain(std::move(parts)).rotate()))
        return signalPassFailure();
    }
  }

  /// The loop that goes on where this one ends, with its results.
  scf::ForOp follower(scf::ForOp loop) {
    if (loop->use_empty())
      return {};
    auto next = dyn_cast<scf::ForOp>(*loop->user_begin());
    if (!next || next->getBlock() != loop->getBlock() ||
        ValueRange(next.getInitArgs()) != ValueRange(loop.getResults()) ||
        next.getLowerBound() != loop.getUpperBound() || next.getStep() != loop.getStep() ||
        !llvm::all_of(loop->getUsers(), [&](Operation *user) { return user == next; }))
      return {};
    return next;
  }
};
} // namespace
