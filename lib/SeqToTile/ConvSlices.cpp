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

SmallVector<Slice> longwing::slicesOf(TileBuilder &host, seq::LongConvOp op, int64_t numbers) {
  auto u = op.getU().getType();
  OpBuilder &b = host.b;
  auto number = [&](int64_t n) -> OpFoldResult { return b.getIndexAttr(n); };
  // Of a sequence.
  int64_t samples = op.getLength() * u.getElementTypeBitWidth() / 8;
  int64_t channels = op.getChannels(), fit = channels * samples / numbers;
  int64_t each = llvm::divideCeil(channels, llvm::divideCeil(channels, std::max<int64_t>(fit, 1)));
  int64_t parts = fit ? 1 : llvm::divideCeil(numbers, channels * samples);
  bool open = u.isDynamicDim(0);
  if (!open)
    parts = std::min(parts, std::max<int64_t>(u.getDimSize(0), 1));
  SmallVector<std::pair<OpFoldResult, OpFoldResult>> batches; // the first one and how many
  if (!open) {
    // Known numbers, so that types say them: a cast would come between what a kernel writes and its place.
    int64_t count = u.getDimSize(0), first = 0;
    for (int64_t i = 0; i < parts; ++i) {
      int64_t some = (count + parts - 1 - i) / parts;
      batches.push_back({number(first), number(some)});
      first += some;
    }
  } else if (Value count = host.make<tensor::DimOp>(op.getU(), 0); parts == 1) {
    batches = {{number(0), count}};
  } else {
    Value first = host.index(0);
    for (int64_t i = 0; i < parts; ++i) {
      Value some = host.floorDiv(host.add(count, parts - 1 - i), parts);
      batches.push_back({first, some});
      first = host.add(first, some);
    }
  }
  SmallVector<Slice> slices;
  for (auto [first, count] : batches)
    for (int64_t channel = 0; channel < channels; channel += each)
      slices.push_back({first, count, number(std::min(channel, channels - each)), number(each),
                        /*whole=*/parts == 1 && each == channels});
  return slices;
}
