//===- StaggerPlan.cpp - What the phases of a work tile do ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StaggerPlan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// Positions, predicates and constants: cheap enough to be made again by everyone who needs them.
static bool isCheap(Operation *op) {
  auto positional = [](Type type) { return getElementTypeOrSelf(type).isIntOrIndex(); };
  return isa<arith::ConstantOp>(op) ||
         (op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
          llvm::all_of(op->getResultTypes(), positional) &&
          llvm::all_of(op->getOperandTypes(), [&](Type t) {
            return positional(t) || isa<DescType, ViewType>(t);
          }));
}

SetVector<Value> StaggerPlan::usedBy(Operation *op) {
  SetVector<Value> values(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  return values;
}

/// Gives a phase to the operations that make the value and have none yet.
void StaggerPlan::settle(Value value, int64_t phase) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return;
  if (auto it = phases.find(op); it != phases.end()) {
    if (it->second >= 0)
      return;
    it->second = phase;
  } else if (!isCheap(op)) { // what is cheap has no phase, but what it is made of may
    return;
  }
  for (Value operand : usedBy(op))
    settle(operand, phase);
}

/// The first coordinate of the work tile that a value depends on, or as many as there are.
int64_t StaggerPlan::firstUsed(Value value, ForEachOp work) {
  Block &body = work.getBody().front();
  int64_t first = body.getNumArguments();
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getOwner() == &body ? argument.getArgNumber() : first;
  Operation *op = value.getDefiningOp();
  if (op->getBlock() == &body)
    for (Value operand : op->getOperands())
      first = std::min(first, firstUsed(operand, work));
  return first;
}

LogicalResult StaggerPlan::make(ForEachOp work) {
  Block &body = work.getBody().front();
  // Phase -1: not known yet. It follows from the first operation that needs the value.
  for (Operation &op : body.without_terminator()) {
    if (isCheap(&op))
      continue;
    // A loop or a branch belongs to one phase.
    if (op.getNumRegions() && !isa<scf::ForOp, scf::IfOp>(op))
      return op.emitError() << "expected straight-line code, loops and branches to stagger";
    int64_t phase = -1;
    for (Value operand : usedBy(&op))
      if (Operation *maker = operand.getDefiningOp(); maker && phases.contains(maker))
        phase = std::max(phase, phases.lookup(maker) + int64_t(isa<ExchangeOp>(maker)));
    bool ends = isa<ExchangeOp, StoreOp, StoreStripsOp, PlaceOp, PlaceRowsOp, KeepOp>(op) || (op.getNumRegions() && !op.getNumResults());
    if (phase < 0 && ends)
      phase = 0;
    phases[&op] = phase;
    if (phase >= 0)
      for (Value operand : usedBy(&op))
        settle(operand, phase);
    count = std::max(count, phase + 1 + int64_t(isa<ExchangeOp>(op)));
  }
  // What is read stays while it may, and so does what is made of nothing else.
  bool walksFast = work.getSizes().size() > 1;
  auto changes = [&](Operation *op) {
    int64_t first = body.getNumArguments();
    for (Value operand : op->getOperands())
      first = std::min(first, firstUsed(operand, work));
    return first;
  };
  slowest = body.getNumArguments();
  auto isTable = [](Value x) { return isa_and_nonnull<arith::ConstantOp>(x.getDefiningOp()); };
  auto stays = [&](Value x) { return slow.contains(x.getDefiningOp()) || isTable(x); };
  for (auto &[op, phase] : phases) {
    if (op->hasAttr(kEarlyAttr)) {
      early.insert(op);
      continue;
    }
    bool reads = (isa<PullOp>(op) && !op->hasAttr(kRereadAttr)) || op->hasAttr(kStaysAttr);
    bool picked = reads ? changes(op) > 0
                                  : isMemoryEffectFree(op) && !isa<ExchangeOp, scf::ForOp, scf::IfOp>(op) &&
                                        llvm::all_of(op->getOperands(), stays) &&
                                        !llvm::all_of(op->getOperands(), isTable);
    if (!walksFast || !picked)
      continue;
    slow.insert(op);
    if (reads)
      slowest = std::min(slowest, changes(op));
  }
  // A table of which nothing else is made is read again along with them.
  for (Operation *op : slow)
    for (Value operand : op->getOperands())
      if (isTable(operand) &&
          llvm::all_of(operand.getUsers(), [&](Operation *user) { return slow.contains(user); }))
        operand.getDefiningOp()->setAttr(kRereadAttr, UnitAttr::get(op->getContext()));
  for (auto &[op, phase] : phases)
    for (Value operand : usedBy(op)) {
      Operation *maker = operand.getDefiningOp();
      if (!maker || !phases.contains(maker) || slow.contains(maker))
        continue;
      if (phases.lookup(maker) + int64_t(isa<ExchangeOp>(maker)) != phase)
        return op->emitError() << "expected a tile to be used in the phase that makes it, between "
                                  "two exchanges";
    }
  return success();
}
