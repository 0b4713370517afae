//===- Async.cpp - Makes products asynchronous ----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Tile/Passes.h"

#include "llvm/ADT/SetVector.h"

#include <deque>

namespace longwing {
#define GEN_PASS_DEF_TILEASYNC
#include "longwing/Tile/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

/// Turns the products of one block into asynchronous ones.
class AsyncBlock {
public:
  explicit AsyncBlock(Block &block) : block(block) {}
  void run();

private:
  /// A product that has been issued.
  struct Group {
    MmaAsyncOp mma;
    SmallVector<ReleaseOp> releases; // of the slots it reads, once it is done
    bool readsRegisters() {
      return isIn<AFragAttr>(mma.getA().getType()) || isIn<RunsAttr>(mma.getA().getType());
    }
    /// Whether the product adds to the result of this one. Products on one accumulator are
    /// executed in order, so it need not wait.
    bool isContinuedBy(Operation *op) {
      auto dot = dyn_cast<DotOp>(op);
      auto next = dyn_cast<MmaAsyncOp>(op);
      return (dot && dot.getC() == mma.getResult() && dot.getA() != mma.getResult()) ||
             (next && next.getC() == mma.getResult());
    }
    /// Whether an operand stands in the buffer of a tile.stage or a tile.publish.
    bool reads(Value buffer) {
      return llvm::any_of(mma->getOperands(),
                          [&](Value operand) { return bufferOf(operand) == buffer; });
    }
    /// Whether a product in flight goes on in the registers of this one.
    bool isContinued() {
      return mma.getResult().hasOneUse() && isa<MmaAsyncOp>(*mma.getResult().user_begin()) &&
             isContinuedBy(*mma.getResult().user_begin());
    }
  };

  void issue(DotOp dot);
  /// Waits, before `op`, for all groups up to and including the one at `index`.
  void retire(size_t index, Operation *op);
  void defer(ReleaseOp release);
  /// Before a slot of a ring is awaited: gives one back if products in flight hold them all.
  void makeRoom(ConsumeOp consume);
  /// Moves what makes masks, issued behind `from`, to just before `op`, where it is used.
  void sinkMasks(Operation *from, Operation *op);

  Block &block;
  std::deque<Group> inFlight;
};

} // namespace

void AsyncBlock::run() {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    // Values in flight do not cross control flow, which a store is too, in a thread.
    if (!inFlight.empty() && (op.getNumRegions() || op.hasTrait<OpTrait::IsTerminator>() ||
                              isa<StoreOp, StoreRowOp, StoreEnergyOp, ScatterOp>(op)))
      retire(inFlight.size() - 1, &op);
    for (size_t i = inFlight.size(); i-- > 0;) {
      Group &group = inFlight[i];
      bool touches = llvm::is_contained(op.getOperands(), group.mma.getResult());
      if (touches && group.isContinuedBy(&op)) {
        // What came before in SRAM's products, or where chains interleave, is done with its slots.
        bool interleaved = i + 1 < inFlight.size() && !isIn<RunsAttr>(group.mma.getA().getType());
        if (i > 0 && (interleaved || !group.readsRegisters()))
          retire(i - 1, &op);
        break;
      }
      bool overwrites = isa<ConvertOp, BetweenOp, PartsOp, FragmentOp>(op) && isIn<AFragAttr>(op.getResult(0).getType()) &&
                        group.readsRegisters();
      if (Value buffer = op.getNumResults() == 1 ? bufferOf(op.getResult(0)) : Value())
        overwrites = group.reads(buffer);
      if (touches || overwrites) {
        retire(i, &op);
        break;
      }
    }
    if (auto consume = dyn_cast<ConsumeOp>(op))
      makeRoom(consume);
    if (auto dot = dyn_cast<DotOp>(op))
      issue(dot);
    else if (auto release = dyn_cast<ReleaseOp>(op))
      defer(release);
  }
}

void AsyncBlock::issue(DotOp dot) {
  OpBuilder b(dot);
  auto mma = MmaAsyncOp::create(b, dot.getLoc(), dot.getResult().getType(), dot.getA(), dot.getB(),
                                dot.getC(), dot.getTransposeB(), dot.getNegate(), dot.getBlocked());
  dot.getResult().replaceAllUsesWith(mma.getResult());
  dot.erase();
  inFlight.push_back({mma, {}});
}

/// A slot goes back when the last product that reads it is done.
void AsyncBlock::defer(ReleaseOp release) {
  for (Group &group : llvm::reverse(inFlight))
    for (Value operand : group.mma->getOperands())
      if (auto consume = wholeOf(operand).getDefiningOp<ConsumeOp>())
        if (consume.getRing() == release.getRing() &&
            consume.getPosition() == release.getPosition()) {
          group.releases.push_back(release);
          return;
        }
}

/// The producer could not fill a slot of a ring whose slots all wait for products that only end when
/// that slot is used.
void AsyncBlock::makeRoom(ConsumeOp consume) {
  int64_t held = 0;
  std::optional<size_t> oldest;
  for (auto [i, group] : llvm::enumerate(inFlight))
    for (ReleaseOp release : group.releases)
      if (release.getRing() == consume.getRing()) {
        oldest = oldest.value_or(i);
        ++held;
      }
  if (oldest && held >= consume.getRing().getType().getStages())
    retire(*oldest, consume);
}

/// Positions and predicates are cheap to make and dear to hold: a register for each element while
/// the accumulator they will mask is in flight.
void AsyncBlock::sinkMasks(Operation *from, Operation *op) {
  SmallVector<Operation *> sunk; // last first
  for (Operation *it = op->getPrevNode(); it && it != from; it = it->getPrevNode()) {
    auto type = it->getNumResults() == 1 ? dyn_cast<RankedTensorType>(it->getResult(0).getType())
                                         : RankedTensorType();
    bool mask = type && type.getElementType().isIntOrIndex() && it->getNumRegions() == 0 &&
                !isIn<SharedAttr>(type);
    bool late = llvm::all_of(it->getUsers(), [&](Operation *user) {
      Operation *here = block.findAncestorOpInBlock(*user);
      return here && (!here->isBeforeInBlock(op) || llvm::is_contained(sunk, here));
    });
    if (mask && late)
      sunk.push_back(it);
  }
  for (Operation *it : llvm::reverse(sunk))
    it->moveBefore(op);
}

void AsyncBlock::retire(size_t index, Operation *op) {
  Operation *newest = inFlight[index].mma;
  OpBuilder b(op);
  llvm::SetVector<Value> values;
  bool registers = false;
  for (size_t i = 0; i <= index; ++i) {
    if (!inFlight[i].isContinued())
      values.insert(inFlight[i].mma.getResult());
    registers |= inFlight[i].readsRegisters();
  }
  // What becomes the next register operand must be made behind the wait, else it may be written
  // while a product reads its predecessor (ptxas then serialises all products, C7513).
  if (registers)
    for (Operation *later = op; later; later = later->getNextNode())
      if (auto convert = dyn_cast<ConvertOp>(later))
        if (isIn<AFragAttr>(convert.getResult().getType())) {
          Operation *maker = convert.getSource().getDefiningOp();
          bool made = !maker || maker->getBlock() != &block || maker->isBeforeInBlock(op);
          if (made)
            values.insert(convert.getSource());
        }
  auto wait = MmaWaitOp::create(b, op->getLoc(), ValueRange(values.getArrayRef()).getTypes(),
                                inFlight.size() - 1 - index, values.getArrayRef());
  for (auto [value, result] : llvm::zip(values, wait.getResults()))
    Value(value).replaceUsesWithIf(result, [&](OpOperand &use) {
      Operation *here = block.findAncestorOpInBlock(*use.getOwner());
      return here && wait->isBeforeInBlock(here);
    });
  for (size_t i = 0; i <= index; ++i) {
    for (ReleaseOp release : inFlight.front().releases)
      release->moveBefore(op);
    inFlight.pop_front();
  }
  sinkMasks(newest, op);
}

namespace {
struct TileAsync : longwing::impl::TileAsyncBase<TileAsync> {
  void runOnOperation() override {
    SmallVector<Block *> blocks;
    getOperation().walk([&](Block *block) { blocks.push_back(block); });
    for (Block *block : blocks)
      AsyncBlock(*block).run();
  }
};
} // namespace
