//===- ConvSlices.cpp - Sequences that are transformed at once ------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConvSlices.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;

static SmallVector<OpFoldResult> steps(TileBuilder &host, int64_t rank) {
  return SmallVector<OpFoldResult>(rank, host.b.getIndexAttr(1));
}

SmallVector<OpFoldResult> Slice::offsets(TileBuilder &host) const { return {firstBatch, firstChannel, host.b.getIndexAttr(0)}; }

SmallVector<OpFoldResult> Slice::sizes(TileBuilder &host, Value tensor) const {
  int64_t length = cast<RankedTensorType>(tensor.getType()).getDimSize(2);
  return {batches, channels, host.b.getIndexAttr(length)};
}

Value Slice::of(TileBuilder &host, Value tensor) const {
  if (whole)
    return tensor;
  return tensor::ExtractSliceOp::create(host.b, host.loc, tensor, offsets(host), sizes(host, tensor), steps(host, 3));
}

Value Slice::into(TileBuilder &host, Value part, Value tensor) const {
  if (whole)
    return part;
  return tensor::InsertSliceOp::create(host.b, host.loc, part, tensor, offsets(host), sizes(host, tensor), steps(host, 3));
}

Value Slice::ofChannels(TileBuilder &host, Value tensor) const {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (whole || getConstantIntValue(channels) == type.getDimSize(0))
    return tensor;
  SmallVector<OpFoldResult> first(type.getRank(), host.b.getIndexAttr(0));
  SmallVector<OpFoldResult> count = tensor::getMixedSizes(host.b, host.loc, tensor);
  first[0] = firstChannel, count[0] = channels;
  return tensor::ExtractSliceOp::create(host.b, host.loc, tensor, first, count, steps(host, type.getRank()));
}

SmallVector<Slice> longwing::slicesOf(TileBuilder &host, seq::LongConvOp op) {
  auto u = op.getU().getType();
  int64_t channels = op.getChannels();
  OpBuilder &b = host.b;
  auto number = [&](int64_t n) -> OpFoldResult { return b.getIndexAttr(n); };
  OpFoldResult batches = number(u.getDimSize(0));
  Value count;
  if (u.isDynamicDim(0))
    batches = count = host.make<tensor::DimOp>(op.getU(), 0);
  if (channels % 2 == 0)
    return {{number(0), batches, number(0), number(channels / 2), false},
            {number(0), batches, number(channels / 2), number(channels / 2), false}};
  if (!count && u.getDimSize(0) < 2)
    return {{number(0), batches, number(0), number(channels), true}};
  if (!count)
    count = host.index(u.getDimSize(0));
  Value half = host.ceilDiv(count, 2);
  return {{number(0), half, number(0), number(channels), false},
          {half, host.floorDiv(count, 2), number(0), number(channels), false}};
}
