//===- CheckHazards.cpp - Checks kernels in specialised form --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Tile/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/DenseSet.h"

namespace longwing {
#define GEN_PASS_DEF_TILECHECKHAZARDS
#include "longwing/Tile/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

//===----------------------------------------------------------------------===//
// Products in flight
//===----------------------------------------------------------------------===//

/// Follows the products of a block from issue to wait.
static LogicalResult checkProducts(Block &block) {
  SmallVector<MmaAsyncOp> inFlight;
  auto isFlying = [&](Value value) {
    return llvm::any_of(inFlight, [&](MmaAsyncOp mma) { return mma.getResult() == value; });
  };
  for (Operation &op : block) {
    if (auto wait = dyn_cast<MmaWaitOp>(op)) {
      size_t pending = wait.getPending();
      if (inFlight.size() > pending)
        inFlight.erase(inFlight.begin(), inFlight.end() - pending);
      continue;
    }
    bool leaves = op.getNumRegions() || op.hasTrait<OpTrait::IsTerminator>();
    if (leaves && !inFlight.empty())
      return inFlight.front().emitError()
             << "this product is still in flight where control flow leaves its block";
    WalkResult uses = op.walk([&](Operation *inner) {
      for (OpOperand &use : inner->getOpOperands()) {
        // A product may add to the accumulator of one in flight.
        auto next = dyn_cast<MmaAsyncOp>(inner);
        bool adds = next && next.getC() == use.get() && use.getOperandNumber() == 2;
        if (isFlying(use.get()) && !adds) {
          inner->emitError() << "uses the result of a product before a tile.mma_wait returns it";
          return WalkResult::interrupt();
        }
      }
      return WalkResult::advance();
    });
    if (uses.wasInterrupted())
      return failure();
    for (MmaAsyncOp mma : inFlight) {
      bool writesOperand = isa<ConvertOp, BetweenOp, PartsOp, FragmentOp>(op) && isIn<AFragAttr>(op.getResult(0).getType()) &&
                           isIn<AFragAttr>(mma.getA().getType());
      if (writesOperand)
        return op.emitError() << "writes a register operand while a product reads one";
      if (Value buffer = op.getNumResults() == 1 ? bufferOf(op.getResult(0)) : Value())
        for (Value operand : mma->getOperands())
          if (bufferOf(operand) == buffer)
            return op.emitError() << "overwrites a buffer while a product reads it";
      if (auto release = dyn_cast<ReleaseOp>(op))
        for (Value operand : mma->getOperands())
          if (auto consume = wholeOf(operand).getDefiningOp<ConsumeOp>())
            if (consume.getRing() == release.getRing() &&
                consume.getPosition() == release.getPosition())
              return op.emitError() << "releases a slot while a product reads it";
    }
    if (auto mma = dyn_cast<MmaAsyncOp>(op))
      inFlight.push_back(mma);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Rings
//===----------------------------------------------------------------------===//

namespace {
/// What a role does with one ring, as a sequence of slots taken and control flow around them:
/// "s" takes a slot, "(...)" is a loop, "{...|...}" a branch. Producer and consumers that do the
/// same are in step, whatever the trip counts.
class RingTrace {
public:
  RingTrace(Value ring, bool producer) : ring(ring), producer(producer) {}

  std::string of(Block &block) {
    std::string text;
    for (Operation &op : block) {
      if (auto produce = dyn_cast<ProduceOp>(op); produce && producer && produce.getRing() == ring)
        text += 's';
      if (auto consume = dyn_cast<ConsumeOp>(op); consume && !producer && consume.getRing() == ring)
        text += 's';
      if (auto loop = dyn_cast<scf::ForOp>(op))
        if (std::string inner = of(*loop.getBody()); !inner.empty())
          text += '(' + inner + ')';
      if (auto branch = dyn_cast<scf::IfOp>(op)) {
        std::string yes = of(*branch.thenBlock()),
                    no = branch.elseBlock() ? of(*branch.elseBlock()) : "";
        if (!yes.empty() || !no.empty())
          text += '{' + yes + '|' + no + '}';
      }
    }
    return text;
  }

private:
  Value ring;
  bool producer;
};
} // namespace

/// A slot is filled again once it was released: one that is held while the round after it is waited
/// for never comes.
static LogicalResult checkHeldSlots(Block &block, Value ring) {
  int64_t stages = cast<RingType>(ring.getType()).getShape().front();
  SmallVector<Value> taken;
  DenseSet<Value> released;
  for (Operation &op : block) {
    if (auto release = dyn_cast<ReleaseOp>(op); release && release.getRing() == ring)
      released.insert(release.getPosition());
    auto consume = dyn_cast<ConsumeOp>(op);
    if (!consume || consume.getRing() != ring)
      continue;
    int64_t before = int64_t(taken.size()) - stages;
    if (before >= 0 && !released.contains(taken[before]))
      return consume.emitError() << "this ring would deadlock: all of its " << stages
                                 << " slots are held where another one is waited for";
    taken.push_back(consume.getPosition());
  }
  return success();
}

static LogicalResult checkRing(AllocOp alloc, WarpSpecializeOp roles) {
  Value ring = alloc.getMemory();
  std::string filled = RingTrace(ring, true).of(roles.getProducer().front());
  std::string taken = RingTrace(ring, false).of(roles.getConsumer().front());
  if (filled != taken)
    return alloc.emitError() << "this ring would deadlock: the producer fills it as '" << filled
                             << "', the consumers empty it as '" << taken
                             << "' (s: a slot, (): a loop, {|}: a branch)";
  WalkResult held = roles.getConsumer().walk([&](Block *block) {
    return failed(checkHeldSlots(*block, ring)) ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (held.wasInterrupted())
    return failure();
  WalkResult walk = roles.getConsumer().walk([&](ConsumeOp consume) {
    if (consume.getRing() != ring)
      return WalkResult::advance();
    int64_t releases = 0;
    for (Operation &op : *consume->getBlock())
      if (auto release = dyn_cast<ReleaseOp>(op))
        releases += release.getRing() == ring && release.getPosition() == consume.getPosition() &&
                    consume->isBeforeInBlock(release);
    if (releases == 1)
      return WalkResult::advance();
    consume.emitError() << "expected the slot to be released once behind its use, got " << releases
                        << " releases";
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}

namespace {
struct TileCheckHazards : longwing::impl::TileCheckHazardsBase<TileCheckHazards> {
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    WalkResult products = kernel.walk([&](Block *block) {
      return failed(checkProducts(*block)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (products.wasInterrupted())
      return signalPassFailure();
    kernel.walk([&](WarpSpecializeOp roles) {
      kernel.walk([&](AllocOp alloc) {
        if (isa<RingType>(alloc.getMemory().getType()) && failed(checkRing(alloc, roles)))
          signalPassFailure();
      });
    });
  }
};
} // namespace
