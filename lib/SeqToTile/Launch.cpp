//===- Launch.cpp - Kernels that stand for an operation -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "longwing/Seq/Config.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

void LaunchBuilder::boxes(Value tensor, ArrayRef<int64_t> box, bool pairs) {
  if (!takes(tensor))
    return;
  tensors.push_back(tensor);
  flat.push_back(pairs);
  types.push_back(DescType::get(op->getContext(), box, getElementTypeOrSelf(tensor.getType())));
}

void LaunchBuilder::view(Value tensor, bool pairs) {
  if (!takes(tensor))
    return;
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> shape(type.getShape());
  if (pairs) {
    int64_t parts = shape.pop_back_val();
    shape.back() *= parts;
  }
  tensors.push_back(tensor);
  flat.push_back(pairs);
  types.push_back(ViewType::get(op->getContext(), shape, type.getElementType()));
}

KernelOp LaunchBuilder::createKernel(OpBuilder &b, StringRef name, ScheduleAttr schedule) {
  kernel = KernelOp::create(b, op->getLoc(), name, types, schedule);
  for (auto [i, tensor] : llvm::enumerate(tensors)) {
    if (tensor.getDefiningOp() == op)
      kernel.setOutput(i);
    if (flat[i])
      kernel.setArgAttr(i, kFlattenAttr, b.getUnitAttr());
  }
  return kernel;
}

Value LaunchBuilder::argument(Value tensor) const {
  auto at = llvm::find(tensors, tensor);
  assert(at != tensors.end() && "not a tensor of this kernel");
  return kernel->getRegion(0).getArgument(at - tensors.begin());
}

void longwing::explain(KernelOp kernel, const Twine &algorithm, const Twine &reason) {
  Builder b(kernel.getContext());
  kernel->setAttr(kConfigAttr, b.getDictionaryAttr({b.getNamedAttr("algorithm", b.getStringAttr(algorithm)),
                                                    b.getNamedAttr("reason", b.getStringAttr(reason))}));
}

FailureOr<SmallVector<Value>> longwing::emptyResults(OpBuilder &b, Operation *op) {
  ReifiedRankedShapedTypeDims shapes;
  if (failed(cast<ReifyRankedShapedTypeOpInterface>(op).reifyResultShapes(b, shapes)))
    return failure();
  SmallVector<Value> results;
  for (auto [result, shape] : llvm::zip(op->getResultTypes(), shapes)) {
    auto type = cast<RankedTensorType>(result);
    SmallVector<Value> sizes;
    for (auto [i, size] : llvm::enumerate(shape))
      if (type.isDynamicDim(i))
        sizes.push_back(getValueOrCreateConstantIndexOp(b, op->getLoc(), size));
    results.push_back(tensor::EmptyOp::create(b, op->getLoc(), type, sizes));
  }
  return results;
}

LogicalResult LaunchBuilder::replace(ArrayRef<Run> runs, ArrayRef<seq::NamedShape> shapes, ValueRange written) {
  OpBuilder b(op);
  Location loc = op->getLoc();

  // Which sizes are equal, by the place of the tensor among the kernel's.
  SmallVector<Attribute> same;
  for (auto &[letter, uses] : seq::letterUses(shapes)) {
    SmallVector<int64_t> group;
    for (int64_t plus : {0, 1})
      for (const seq::LetterUse &use : uses) {
        auto at = llvm::find(tensors, use.value);
        if (at != tensors.end() && use.plus == plus)
          group.append({int64_t(at - tensors.begin()), plus ? -1 - int64_t(use.dim) : int64_t(use.dim)});
      }
    if (group.size() > 2)
      same.push_back(b.getDenseI64ArrayAttr(group));
  }

  FailureOr<SmallVector<Value>> first = llvm::to_vector(written);
  if (written.empty())
    first = emptyResults(b, op);
  if (failed(first))
    return failure();
  SmallVector<Value> operands(tensors);
  for (Value &tensor : operands)
    if (tensor.getDefiningOp() == op)
      tensor = (*first)[cast<OpResult>(tensor).getResultNumber()];
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
