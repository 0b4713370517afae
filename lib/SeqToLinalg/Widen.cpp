//===- Widen.cpp - Computes a program in float64 --------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Widen.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace longwing;

Type Widener::widened(Type type) {
  auto wide = Float64Type::get(type.getContext());
  if (type.isF16() || type.isBF16() || type.isF32())
    return wide;
  if (isa<RankedTensorType, VectorType>(type)) {
    auto shaped = cast<ShapedType>(type);
    Type element = shaped.getElementType();
    if (element.isF16() || element.isBF16() || element.isF32())
      return shaped.clone(wide);
  }
  return type;
}

Value Widener::lookup(Value value) const {
  auto it = twins.find(value);
  return it == twins.end() ? value : it->second;
}

Value Widener::widen(Value value) {
  if (!isNarrow(value.getType()) || twins.count(value))
    return lookup(value);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfterValue(value);
  FloatAttr constant;
  Value wide;
  if (matchPattern(value, m_Constant(&constant)))
    wide = arith::ConstantOp::create(
        builder, value.getLoc(), FloatAttr::get(builder.getF64Type(), constant.getValueAsDouble()));
  else
    wide = arith::ExtFOp::create(builder, value.getLoc(), widened(value.getType()), value);
  map(value, wide);
  return wide;
}

void Widener::mapResults(Operation *op, Operation *wide) {
  for (auto [narrow, result] : llvm::zip(op->getResults(), wide->getResults())) {
    if (narrow.getType() == result.getType())
      narrow.replaceAllUsesWith(result);
    else
      map(narrow, result);
  }
  retire(op);
}

/// An operation whose types follow each other: all narrow operands and results become wide.
void Widener::visitLikeOperands(Operation *op) {
  builder.setInsertionPoint(op);
  Operation *wide = op->clone();
  builder.insert(wide);
  for (OpOperand &operand : wide->getOpOperands())
    operand.set(widen(operand.get()));
  for (OpResult result : wide->getResults())
    result.setType(widened(result.getType()));
  mapResults(op, wide);
}

/// Between floating-point types there is nothing left to convert.
void Widener::visitConversion(Operation *op) {
  Value source = op->getOperand(0), result = op->getResult(0);
  if (!isNarrow(source.getType()) && !twins.count(source)) {
    // From f64: the rounding is what the program asks for.
    return;
  }
  if (isNarrow(result.getType())) {
    map(result, widen(source));
  } else if (widened(source.getType()) == result.getType()) {
    result.replaceAllUsesWith(widen(source));
  } else {
    return;
  }
  retire(op);
}

void Widener::visitTranspose(Operation *op) {
  auto transpose = cast<linalg::TransposeOp>(op);
  builder.setInsertionPoint(op);
  Value init = transpose.getInit();
  auto type = cast<RankedTensorType>(widened(init.getType()));
  Value empty = tensor::EmptyOp::create(builder, op->getLoc(), tensor::getMixedSizes(builder, op->getLoc(), init),
                                        type.getElementType());
  mapResults(op, linalg::TransposeOp::create(builder, op->getLoc(), widen(transpose.getInput()), empty,
                                             transpose.getPermutation()));
}

void Widener::visitIf(Operation *op) {
  auto ifOp = cast<scf::IfOp>(op);
  if (llvm::none_of(op->getResultTypes(), isNarrow))
    return;
  builder.setInsertionPoint(op);
  SmallVector<Type> types = llvm::map_to_vector(op->getResultTypes(), widened);
  auto wide = scf::IfOp::create(builder, op->getLoc(), types, ifOp.getCondition(),
                                /*addThenBlock=*/false, /*addElseBlock=*/false);
  for (auto [to, from] : llvm::zip(wide->getRegions(), op->getRegions()))
    to.takeBody(from);
  mapResults(op, wide);
}

void Widener::visitFor(Operation *op) {
  auto forOp = cast<scf::ForOp>(op);
  if (llvm::none_of(op->getResultTypes(), isNarrow))
    return;
  builder.setInsertionPoint(op);
  SmallVector<Value> inits =
      llvm::map_to_vector(forOp.getInits(), [&](Value v) { return widen(v); });
  auto wide =
      scf::ForOp::create(builder, op->getLoc(), forOp.getLowerBound(), forOp.getUpperBound(),
                         forOp.getStep(), inits, [](OpBuilder &, Location, Value, ValueRange) {});
  wide.getRegion().takeBody(forOp.getRegion());
  // The body was written for narrow arguments: each becomes the twin of its rounding.
  builder.setInsertionPointToStart(wide.getBody());
  for (BlockArgument arg : wide.getRegionIterArgs()) {
    if (!isNarrow(arg.getType()))
      continue;
    Type narrow = arg.getType();
    arg.setType(widened(narrow));
    auto rounded = arith::TruncFOp::create(builder, op->getLoc(), narrow, arg);
    arg.replaceAllUsesExcept(rounded, rounded);
    map(rounded, arg);
    retire(rounded);
  }
  mapResults(op, wide);
}

/// Follows the operation around it.
void Widener::visitYield(Operation *op) {
  for (auto [operand, result] : llvm::zip(op->getOpOperands(), op->getParentOp()->getResults()))
    if (operand.get().getType() != result.getType())
      operand.set(widen(operand.get()));
}

void Widener::visit(Operation *op) {
  if (isa<arith::ExtFOp, arith::TruncFOp>(op))
    return visitConversion(op);
  if (isa<scf::IfOp>(op))
    return visitIf(op);
  if (isa<scf::ForOp>(op))
    return visitFor(op);
  if (isa<scf::YieldOp>(op) && isa<scf::IfOp, scf::ForOp>(op->getParentOp()))
    return visitYield(op);
  if (isa<linalg::TransposeOp>(op) && twins.count(op->getOperand(0)))
    return visitTranspose(op);
  auto narrow = [](Type type) { return isNarrow(type); };
  auto hasTwin = [&](Value value) { return twins.count(value) != 0; };
  // Constants are widened when asked for; a bitcast is about the narrow bits.
  bool computes = isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) &&
                  OpTrait::hasElementwiseMappableTraits(op) && !isa<arith::BitcastOp>(op);
  bool moves = isa<tensor::TensorDialect>(op->getDialect()) && op->getNumRegions() == 0 &&
               !isa<tensor::BitcastOp>(op);
  if (computes &&
      (llvm::any_of(op->getOperandTypes(), narrow) || llvm::any_of(op->getResultTypes(), narrow)))
    visitLikeOperands(op);
  else if (moves && llvm::any_of(op->getOperands(), hasTwin))
    visitLikeOperands(op);
}

void Widener::finish() {
  for (Operation *op : llvm::reverse(retired)) {
    for (OpResult result : op->getResults()) {
      if (result.use_empty())
        continue;
      // A value that is its own rounding, as in visitFor, stays.
      Value wide = lookup(result);
      if (isa<arith::TruncFOp>(op) && op->getOperand(0) == wide)
        continue;
      builder.setInsertionPointAfterValue(wide);
      auto rounded = arith::TruncFOp::create(builder, op->getLoc(), result.getType(), wide);
      result.replaceAllUsesWith(rounded);
    }
    if (op->use_empty())
      op->erase();
  }
  retired.clear();
  twins.clear();
}
