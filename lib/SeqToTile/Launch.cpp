//===- Launch.cpp - Kernels that stand for an operation -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

unsigned LaunchBuilder::boxes(Value tensor, ArrayRef<int64_t> box) {
  Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
  tensors.push_back(tensor);
  types.push_back(DescType::get(op->getContext(), box, element));
  return tensors.size() - 1;
}

unsigned LaunchBuilder::view(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  tensors.push_back(tensor);
  types.push_back(ViewType::get(op->getContext(), type.getShape(), type.getElementType()));
  return tensors.size() - 1;
}

KernelOp LaunchBuilder::createKernel(OpBuilder &b, StringRef name, ScheduleAttr schedule) const {
  auto kernel = KernelOp::create(b, op->getLoc(), name, types, schedule);
  for (auto [i, tensor] : llvm::enumerate(tensors))
    if (tensor.getDefiningOp() == op)
      kernel.setOutput(i);
  return kernel;
}

LogicalResult LaunchBuilder::replace(ArrayRef<Run> runs, ArrayRef<seq::NamedShape> shapes) {
  OpBuilder b(op);
  Location loc = op->getLoc();
  ReifiedRankedShapedTypeDims reified;
  if (failed(cast<ReifyRankedShapedTypeOpInterface>(op).reifyResultShapes(b, reified)))
    return failure();

  // Which sizes are equal, by the place of the tensor among the kernel's.
  SmallVector<Attribute> same;
  for (auto &[letter, uses] : seq::letterUses(shapes)) {
    SmallVector<int64_t> group;
    for (const seq::LetterUse &use : uses) {
      auto at = llvm::find(tensors, use.value);
      if (at != tensors.end() && use.plus == 0)
        group.append({int64_t(at - tensors.begin()), int64_t(use.dim)});
    }
    if (group.size() > 2)
      same.push_back(b.getDenseI64ArrayAttr(group));
  }

  SmallVector<Value> operands(tensors);
  for (Value &tensor : operands) {
    auto result = dyn_cast<OpResult>(tensor);
    if (!result || result.getOwner() != op)
      continue;
    auto type = cast<RankedTensorType>(tensor.getType());
    SmallVector<Value> sizes;
    for (auto [i, size] : llvm::enumerate(reified[result.getResultNumber()]))
      if (type.isDynamicDim(i))
        sizes.push_back(getValueOrCreateConstantIndexOp(b, loc, size));
    tensor = tensor::EmptyOp::create(b, loc, type, sizes);
  }
  ValueRange results;
  for (auto [kernel, work] : runs) {
    // What a launch has written is what the next one writes to.
    unsigned next = 0;
    for (auto [i, tensor] : llvm::enumerate(tensors))
      if (!results.empty() && tensor.getDefiningOp() == op)
        operands[i] = results[next++];
    auto launch = LaunchOp::create(b, loc, op->getResultTypes(), kernel.getSymName(), operands, work);
    launch->setAttr(kSameSizesAttr, b.getArrayAttr(same));
    results = launch.getResults();
  }
  op->replaceAllUsesWith(results);
  op->erase();
  return success();
}
