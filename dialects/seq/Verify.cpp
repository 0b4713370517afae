//===- Verify.cpp - What the verifiers of seq share -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/seq/Verify.h"

using namespace mlir;
using namespace longwing;

bool seq::compatible(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
}

LogicalResult seq::verifyAgree(Operation *op, StringRef label, RankedTensorType a, unsigned i,
                               StringRef an, RankedTensorType b, unsigned j, StringRef bn) {
  if (compatible(a.getDimSize(i), b.getDimSize(j)))
    return success();
  return op->emitOpError() << "(" << label << ") expected dimension " << i << " of " << an
                           << " to equal dimension " << j << " of " << bn << ", got "
                           << a.getDimSize(i) << " and " << b.getDimSize(j);
}

LogicalResult seq::verifySameShape(Operation *op, StringRef label, RankedTensorType a, StringRef an,
                                   RankedTensorType b, StringRef bn) {
  if (a.getRank() != b.getRank())
    return op->emitOpError() << "(" << label << ") expected " << an << " to have the rank of " << bn
                             << ", got " << a.getRank() << " and " << b.getRank();
  for (unsigned i = 0; i < a.getRank(); ++i)
    if (failed(verifyAgree(op, label, a, i, an, b, i, bn)))
      return failure();
  return success();
}

LogicalResult seq::verifyAttributes(Operation *op, StringRef label, StringRef expected) {
  for (NamedAttribute attribute : op->getDiscardableAttrs())
    if (!attribute.getName().getValue().contains('.'))
      return op->emitOpError() << "(" << label << ") expected " << expected << ", got "
                               << attribute.getName();
  return success();
}

LogicalResult seq::verifySignature(Operation *op, Region &region, StringRef name, StringRef label,
                                   TypeRange arguments, TypeRange results) {
  if (TypeRange(region.getArgumentTypes()) != arguments)
    return op->emitOpError() << "(" << label << ") expected region '" << name << "' to take ("
                             << arguments << "), got (" << region.getArgumentTypes() << ")";
  auto yield = region.front().empty() ? YieldOp() : dyn_cast<YieldOp>(region.front().back());
  if (!yield)
    return op->emitOpError() << "(" << label << ") expected region '" << name
                             << "' to end with seq.yield";
  if (yield.getValues().getTypes() != results)
    return yield.emitOpError() << "(" << label << ") expected region '" << name << "' to yield "
                               << results << ", got " << yield.getValues().getTypes();
  return success();
}

LogicalResult seq::verifyNoEffects(Operation *op, Region &region, StringRef name, StringRef label) {
  WalkResult walk = region.walk([&](Operation *inner) {
    if (isMemoryEffectFree(inner))
      return WalkResult::advance();
    inner->emitOpError() << "(" << label << ") has a side effect, which region '" << name << "' of "
                         << op->getName() << " may not have";
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}
