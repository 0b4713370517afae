//===- MakeStep.cpp - Recurrent models, part by part and step by step -----===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/seq/Seq.h"
#include "longwing/Names.h"
#include "longwing/Seq/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"

namespace longwing {
#define GEN_PASS_DEF_SEQMAKESTEP
#include "longwing/Seq/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;
using seq::RecurrentOpInterface;

static SmallVector<RecurrentOpInterface> recurrencesOf(func::FuncOp func) {
  SmallVector<RecurrentOpInterface> ops;
  func.walk([&](RecurrentOpInterface op) { ops.push_back(op); });
  return ops;
}

//===----------------------------------------------------------------------===//
// What has a step
//===----------------------------------------------------------------------===//

/// Reports an operation that would not see in a step what it sees in the whole.
static LogicalResult checkStep(func::FuncOp func, Operation *op) {
  if (isa<func::CallOp>(op))
    return op->emitOpError("has no step: what it calls may carry a state; inline it first");
  if (!op->getDialect() || !isa<seq::SeqDialect>(op->getDialect()) || isa<seq::YieldOp>(op))
    return success();
  // Filters and tables have no position in the sequence.
  if (isa<seq::ImplicitFilterOp, seq::ImplicitSpectrumOp, seq::PrepareFilterOp, seq::RootsOp>(op))
    return success();
  auto recurrent = dyn_cast<RecurrentOpInterface>(op);
  if (!recurrent)
    return op->emitOpError("has no step: it carries no state from one position to the next");
  if (recurrent.seesFuture())
    return op->emitOpError("has no step: it sees positions that follow");
  if (recurrent.getOffsets())
    return op->emitOpError("has no step: its sequences are packed");
  if (op->getParentOp() != func)
    return op->emitOpError("has no step: it is within control flow");
  return success();
}

//===----------------------------------------------------------------------===//
// States as arguments and results
//===----------------------------------------------------------------------===//

static DictionaryAttr named(func::FuncOp func, StringRef prefix, unsigned number) {
  Builder b(func.getContext());
  auto name = b.getStringAttr(prefix + Twine(number));
  return b.getDictionaryAttr(b.getNamedAttr(kNameAttr, name));
}

/// The operation with a final state.
static RecurrentOpInterface withState(RecurrentOpInterface op) {
  if (op.getState())
    return op;
  OperationState state(op.getLoc(), op->getName(), op->getOperands(), op->getResultTypes(),
                       op->getAttrs());
  state.addTypes(op.getStateType());
  OpBuilder b(op);
  Operation *whole = b.create(state);
  op->replaceAllUsesWith(whole->getResults().take_front(op->getNumResults()));
  op->erase();
  return cast<RecurrentOpInterface>(whole);
}

static void exposeStates(func::FuncOp func) {
  Operation *ret = func.front().getTerminator();
  for (auto [number, op] : llvm::enumerate(recurrencesOf(func))) {
    if (!op.getInit()) {
      unsigned index = func.getNumArguments();
      (void)func.insertArgument(index, op.getStateType(), named(func, "state_", number),
                                op.getLoc());
      op.getInitMutable().assign(func.getArgument(index));
    }
    Value state = withState(op).getState();
    if (llvm::is_contained(ret->getOperands(), state))
      continue;
    (void)func.insertResult(func.getNumResults(), state.getType(), named(func, "next_", number));
    ret->insertOperands(ret->getNumOperands(), state);
  }
}

//===----------------------------------------------------------------------===//
// One position
//===----------------------------------------------------------------------===//

/// The type with one position in a dimension.
static RankedTensorType onePosition(Value value, unsigned dim) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> sizes(type.getShape());
  sizes[dim] = 1;
  return type.clone(sizes);
}

/// Gives a value another type; who used it sees the old one through a cast.
static void retype(Value value, RankedTensorType type, OpBuilder &b) {
  auto cast = tensor::CastOp::create(b, value.getLoc(), value.getType(), value);
  value.replaceAllUsesExcept(cast, cast);
  value.setType(type);
}

/// Makes an operand's length 1: an argument's, a result's of a recurrence before, or by a cast.
static LogicalResult narrow(RecurrentOpInterface op, OpOperand &operand, unsigned dim) {
  RankedTensorType type = onePosition(operand.get(), dim);
  if (operand.get().getType() == type)
    return success();
  if (!cast<RankedTensorType>(operand.get().getType()).isDynamicDim(dim))
    return op->emitOpError() << "has no step: expected a length that is open, got "
                             << operand.get().getType();
  if (auto argument = dyn_cast<BlockArgument>(operand.get())) {
    OpBuilder b = OpBuilder::atBlockBegin(argument.getOwner());
    retype(argument, type, b);
  }
  OpBuilder b(op);
  if (auto cast = operand.get().getDefiningOp<tensor::CastOp>();
      cast && cast.getSource().getType() == type)
    operand.set(cast.getSource());
  else
    operand.set(tensor::CastOp::create(b, op.getLoc(), type, operand.get()));
  return success();
}

static LogicalResult takeOnePosition(RecurrentOpInterface op) {
  // A value may stand in several places, and changes as they do.
  llvm::SetVector<std::pair<unsigned, unsigned>> operands, results;
  seq::LetterUses uses = seq::letterUses(op.getNamedShapes());
  for (const seq::LetterUse &use : uses.lookup("L")) {
    for (OpOperand &operand : op->getOpOperands())
      if (operand.get() == use.value)
        operands.insert({operand.getOperandNumber(), use.dim});
    if (llvm::is_contained(op->getResults(), use.value))
      results.insert({cast<OpResult>(use.value).getResultNumber(), use.dim});
  }
  for (auto [number, dim] : operands)
    if (failed(narrow(op, op->getOpOperand(number), dim)))
      return failure();
  OpBuilder b(op->getContext());
  b.setInsertionPointAfter(op);
  for (auto [number, dim] : results)
    retype(op->getResult(number), onePosition(op->getResult(number), dim), b);
  return success();
}

static LogicalResult takeOnePosition(func::FuncOp func) {
  for (RecurrentOpInterface op : recurrencesOf(func))
    if (failed(takeOnePosition(op)))
      return failure();
  Operation *ret = func.front().getTerminator();
  for (OpOperand &operand : ret->getOpOperands())
    if (auto cast = operand.get().getDefiningOp<tensor::CastOp>())
      operand.set(cast.getSource());
  func.setFunctionType(FunctionType::get(func.getContext(), func.front().getArgumentTypes(),
                                         ret->getOperandTypes()));
  func.walk([](tensor::CastOp cast) {
    if (cast.use_empty())
      cast.erase();
  });
  return success();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct SeqMakeStep : longwing::impl::SeqMakeStepBase<SeqMakeStep> {
  using SeqMakeStepBase::SeqMakeStepBase;

  FailureOr<func::FuncOp> copy(func::FuncOp func, StringRef name, SymbolTable &symbols) {
    if (Operation *other = symbols.lookup(name)) {
      auto error = other->emitOpError() << "has the name that seq-make-step gives";
      error.attachNote(func.getLoc()) << "to what it makes of this model";
      return failure();
    }
    func::FuncOp clone = func.clone();
    clone.setName(name);
    symbols.insert(clone, std::next(Block::iterator(func)));
    return clone;
  }

  LogicalResult makeStep(func::FuncOp func, SymbolTable &symbols) {
    WalkResult walk = func.walk([&](Operation *op) {
      return failed(checkStep(func, op)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return failure();
    std::string name = func.getName().str();
    FailureOr<func::FuncOp> part = copy(func, name + "_part", symbols);
    if (failed(part))
      return failure();
    exposeStates(*part);
    FailureOr<func::FuncOp> step = copy(*part, name + "_step", symbols);
    return failed(step) ? failure() : takeOnePosition(*step);
  }

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto func : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (!func.isPrivate() && !func.isExternal() && !recurrencesOf(func).empty() &&
          failed(makeStep(func, symbols)))
        return signalPassFailure();
  }
};
} // namespace
