//===- Regions.cpp - Scalar regions over tiles ----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Regions.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

FailureOr<SmallVector<Value>> longwing::capturedTensors(ArrayRef<Region *> regions) {
  llvm::SetVector<Value> tensors;
  for (Region *region : regions) {
    WalkResult walk = region->walk([&](Operation *op) {
      for (Value operand : op->getOperands()) {
        if (region->isAncestor(operand.getParentRegion()))
          continue;
        if (isa<RankedTensorType>(operand.getType())) {
          tensors.insert(operand);
        } else if (!matchPattern(operand, m_Constant())) {
          op->emitOpError() << "reads a value of type " << operand.getType()
                            << " from outside the region; expected a constant or a tensor";
          return WalkResult::interrupt();
        }
      }
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return failure();
  }
  return SmallVector<Value>(tensors.begin(), tensors.end());
}

LogicalResult longwing::checkRegion(Region &region) {
  for (Operation &op : region.getOps()) {
    bool known = op.hasTrait<OpTrait::IsTerminator>() || op.hasTrait<OpTrait::ConstantLike>() ||
                 isa<tensor::ExtractOp, tensor::DimOp>(op) ||
                 (OpTrait::hasElementwiseMappableTraits(&op) && op.getNumResults() == 1);
    if (!known)
      return op.emitOpError() << "cannot be applied to a tile; expected element-wise operations, "
                                 "constants, tensor.extract or tensor.dim";
    if (auto extract = dyn_cast<tensor::ExtractOp>(op))
      if (region.isAncestor(extract.getTensor().getParentRegion()))
        return op.emitOpError() << "expected to read a tensor from outside the region";
  }
  return success();
}

/// The layout in which values of both layouts can be combined; null is a scalar.
static RankedTensorType join(RankedTensorType x, RankedTensorType y, RankedTensorType full) {
  if (!x || !y)
    return x ? x : y;
  return x.getEncoding() == y.getEncoding() ? x : full;
}

/// The type of a tile shaped as `like`, or the scalar where there is none.
static Type shaped(RankedTensorType like, Type element) {
  return like ? Type(like.clone(element)) : element;
}

Value longwing::applyRegion(TileBuilder &t, Region &region, ValueRange arguments,
                            const IRMapping &captures, RankedTensorType result) {
  IRMapping map = captures;
  map.map(region.getArguments(), arguments);
  auto lookup = [&](Value value) -> Value {
    if (Value known = map.lookupOrNull(value))
      return known;
    Operation *constant = t.b.clone(*value.getDefiningOp()); // defined outside the region
    map.map(value, constant->getResult(0));
    return constant->getResult(0);
  };
  for (Operation &op : region.front().without_terminator()) {
    if (auto dim = dyn_cast<tensor::DimOp>(op)) {
      map.map(dim.getResult(), t.dim(lookup(dim.getSource()), *dim.getConstantIndex()));
      continue;
    }
    auto extract = dyn_cast<tensor::ExtractOp>(op);
    SmallVector<Value> operands;
    RankedTensorType layout;
    for (Value operand :
         extract ? ValueRange(extract.getIndices()) : ValueRange(op.getOperands())) {
      operands.push_back(lookup(operand));
      layout = join(layout, dyn_cast<RankedTensorType>(operands.back().getType()), result);
    }
    for (Value &operand : operands)
      if (layout)
        operand = t.broadcast(operand, layout.clone(getElementTypeOrSelf(operand.getType())));
    Type type = shaped(layout, op.getResult(0).getType());
    if (extract) {
      map.map(op.getResult(0), t.make<GatherOp>(type, lookup(extract.getTensor()), operands));
      continue;
    }
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      map.map(op.getResult(0), t.b.clone(op)->getResult(0));
      continue;
    }
    OperationState state(t.loc, op.getName().getStringRef(), operands, type, op.getAttrs());
    map.map(op.getResult(0), t.b.create(state)->getResult(0));
  }
  Value yielded = lookup(region.front().getTerminator()->getOperand(0));
  return t.broadcast(yielded, result.clone(getElementTypeOrSelf(yielded.getType())));
}
