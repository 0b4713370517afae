//===- ShortConv.cpp - What short convolutions mean -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;

namespace {

class ShortConvLowering {
public:
  ShortConvLowering(OpBuilder &builder, seq::ShortConvOp op, ValueRange operands,
                    const Arithmetic &arithmetic)
      : op(op), in(operands, op), b(builder, op, arithmetic), operands(operands) {}

  SmallVector<Value> lower();

private:
  SmallVector<Value> position(Value batch, Value channel, Value time);
  Value sample(Value batch, Value channel, Value time);
  Value output(Value batch, Value channel, Value time);
  Value tabulate(ArrayRef<OpFoldResult> sizes, llvm::function_ref<Value(Value, Value, Value)> value);

  seq::ShortConvOp op;
  seq::ShortConvOp::Adaptor in;
  LoopBuilder b;
  ValueRange operands;
  Value length;
};

} // namespace

/// The indices of a sample in the order of x.
SmallVector<Value> ShortConvLowering::position(Value batch, Value channel, Value time) {
  if (op.getAxis() == 2)
    return {batch, channel, time};
  return {batch, time, channel};
}

/// x[t]; before the first sample the initial state, and zero elsewhere.
Value ShortConvLowering::sample(Value batch, Value channel, Value time) {
  using Values = LoopBuilder::Values;
  Value zero = b.index(0);
  auto zeros = [&] { return Values{b.real(0)}; };
  auto past = [&] {
    if (!in.getInitial())
      return zeros();
    Value state = arith::AddIOp::create(b, time, b.index(op.getWidth() - 1));
    Value known = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, state, zero);
    return b.either(
        known,
        [&] { return Values{b.element(in.getInitial(), position(batch, channel, state))}; }, zeros);
  };
  auto present = [&] { return Values{b.element(in.getX(), position(batch, channel, time))}; };
  auto beyond = [&] {
    Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, time, length);
    return b.either(inside, present, zeros);
  };
  Value before = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, time, zero);
  return b.either(before, past, beyond)[0];
}

/// act(bias + sum over j of w[j] x[t - j + c]).
Value ShortConvLowering::output(Value batch, Value channel, Value time) {
  int64_t width = op.getWidth();
  Value z = in.getBias() ? b.element(in.getBias(), channel) : b.real(0);
  for (int64_t j = 0; j < width; ++j) {
    int64_t stored = op.getTaps() == seq::TapOrder::First ? j : width - 1 - j;
    Value tap = b.element(in.getWeights(), {channel, b.index(stored)});
    Value at = arith::AddIOp::create(b, time, b.index(op.getLookahead() - j));
    z = arith::AddFOp::create(b, z, arith::MulFOp::create(b, tap, sample(batch, channel, at)));
  }
  if (!op.getSilu())
    return z;
  Value decayed = math::ExpOp::create(b, arith::NegFOp::create(b, z));
  return arith::DivFOp::create(b, z, arith::AddFOp::create(b, b.real(1), decayed));
}

/// A tensor in the order of x.
Value ShortConvLowering::tabulate(ArrayRef<OpFoldResult> sizes,
                                  llvm::function_ref<Value(Value, Value, Value)> value) {
  Type element = b.arithmetic.resultOf(op.getY().getType().getElementType());
  return b.forAll({sizes[0], sizes[1]}, b.empty(sizes, element), [&](ValueRange row) {
    AffineMap line = b.getMultiDimIdentityMap(1);
    return b.generic({}, {}, b.empty({sizes[2]}, element), {line}, {parallel}, [&](ValueRange) {
      Value last = linalg::IndexOp::create(b, 0);
      Value channel = op.getAxis() == 2 ? row[1] : last, time = op.getAxis() == 2 ? last : row[1];
      return SmallVector<Value>{b.convert(value(row[0], channel, time), element)};
    });
  })[0];
}

SmallVector<Value> ShortConvLowering::lower() {
  checkShapes(b, op, operands, op.getNamedShapes());
  length = tensor::DimOp::create(b, in.getX(), op.getAxis());
  auto sizes = tensor::getMixedSizes(b, b.getLoc(), in.getX());
  Value y = tabulate(sizes, [&](Value batch, Value channel, Value time) {
    return output(batch, channel, time);
  });
  SmallVector<Value> results = {b.declared(y, op.getY())};
  if (op.getFinal()) {
    int64_t kept = op.getWidth() - 1;
    sizes[op.getAxis()] = b.getIndexAttr(kept);
    Value final = tabulate(sizes, [&](Value batch, Value channel, Value i) {
      Value first = arith::SubIOp::create(b, length, b.index(kept));
      return sample(batch, channel, arith::AddIOp::create(b, first, i));
    });
    results.push_back(b.declared(final, op.getFinal()));
  }
  return results;
}

SmallVector<Value> longwing::lowerShortConv(OpBuilder &builder, seq::ShortConvOp op,
                                            ValueRange operands, const Arithmetic &arithmetic) {
  return ShortConvLowering(builder, op, operands, arithmetic).lower();
}
