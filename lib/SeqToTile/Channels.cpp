//===- Channels.cpp - Formulas on tiles of channels -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Channels.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

RankedTensorType ChannelBuilder::rows(int64_t rows, Type element) {
  return RankedTensorType::get({rows, channels}, element ? element : b.getF32Type(),
                               ChannelAttr::get(b.getContext(), lanes));
}

RankedTensorType ChannelBuilder::row(Type element) {
  return RankedTensorType::get({channels}, element ? element : b.getF32Type(),
                               ChannelAttr::get(b.getContext(), lanes));
}

RankedTensorType ChannelBuilder::states(int64_t rows, Type element) {
  return RankedTensorType::get({rows}, element ? element : b.getF32Type(),
                               StateAttr::get(b.getContext(), lanes));
}

Value ChannelBuilder::readRows(Value tile, Value row, int64_t count) {
  return make<ReadOp>(rows(count), tile, row, 0);
}

Value ChannelBuilder::readStates(Value tile, Value row, int64_t offset) {
  int64_t count = cast<RankedTensorType>(tile.getType()).getDimSize(1);
  return make<ReadOp>(states(count), tile, row, offset);
}

Value ChannelBuilder::rowOf(Value tile, int64_t index) { return make<RowOp>(row(), tile, index); }

Value ChannelBuilder::partialSum(Value tile) {
  return make<ReduceOp>(rows(lanes), ReduceKind::Add, tile);
}

Value ChannelBuilder::sums(ValueRange tiles) { return make<SumsOp>(rows(tiles.size()), tiles); }

Value ChannelBuilder::loadChannels(Value view, ValueRange at, RankedTensorType type,
                                   bool transposed, bool whole) {
  return make<LoadChannelsOp>(type, view, at, transposed, whole);
}

Value ChannelBuilder::loadRows(Value view, ValueRange at, int64_t count) {
  return make<LoadChannelsOp>(states(count), view, at, /*transposed=*/false);
}

void ChannelBuilder::storeChannels(Value tile, Value view, ValueRange at, bool transposed,
                                   Value rows, bool whole) {
  StoreChannelsOp::create(b, loc, tile, view, at, rows, transposed, whole);
}

Value ChannelBuilder::spread(Value predicate, Value like) {
  auto type = cast<RankedTensorType>(like.getType());
  return make<BroadcastOp>(type.clone(predicate.getType()), predicate);
}

//===----------------------------------------------------------------------===//
// Complex numbers
//===----------------------------------------------------------------------===//

/// The type of a tile with `factor` times the rows or channels.
static Type scaled(Value tile, int64_t factor, int64_t divisor, bool rows) {
  auto type = cast<RankedTensorType>(tile.getType());
  SmallVector<int64_t> shape(type.getShape());
  int64_t &size = rows ? shape.front() : shape.back();
  size = size * factor / divisor;
  return type.clone(shape);
}

Number ChannelBuilder::parts(Value tile, bool rows) {
  Type half = scaled(tile, 1, 2, rows);
  auto op = DeinterleaveOp::create(b, loc, half, half, tile, rows);
  return {op.getEven(), op.getOdd()};
}

Value ChannelBuilder::interleaved(Number x, bool rows) {
  return make<InterleaveOp>(scaled(x.re, 2, 1, rows), x.re, x.im, rows);
}

Number ChannelBuilder::product(Number x, Number y) {
  if (!x.im)
    return {mulf(x.re, y.re)};
  return {fma(x.re, y.re, mulf(make<arith::NegFOp>(x.im), y.im)), fma(x.re, y.im, mulf(x.im, y.re))};
}

Number ChannelBuilder::fma(Number x, Number y, Number z) {
  if (!x.im)
    return {fma(x.re, y.re, z.re)};
  return {fma(x.re, y.re, fma(make<arith::NegFOp>(x.im), y.im, z.re)), fma(x.re, y.im, fma(x.im, y.re, z.im))};
}

Number ChannelBuilder::exp(Number x, bool accurate) {
  Value size = exp2(mulf(x.re, kLog2E));
  if (accurate) {
    size.getDefiningOp()->setAttr(kPolynomialAttr, b.getI64IntegerAttr(8));
    size.getDefiningOp()->setAttr(kAccurateAttr, b.getUnitAttr());
  }
  if (!x.im)
    return {size};
  Number direction = this->direction(x.im);
  return {mulf(size, direction.re), mulf(size, direction.im)};
}

Number ChannelBuilder::direction(Value angle) {
  Number result = {make<math::CosOp>(angle), make<math::SinOp>(angle)};
  for (Value value : {result.re, result.im})
    value.getDefiningOp()->setAttr(kAccurateAttr, b.getUnitAttr());
  return result;
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

Value ChannelBuilder::softplus(Value x) {
  // max(x, 0) + log(1 + e) with e = exp(-|x|), at most 1. log(1 + e) / e is a polynomial of degree
  // 8 there, to a relative error of 3e-8 before its rounding: no cancellation where e is small.
  static constexpr double kCoefficients[] = {
      0.00525345793, -0.0295885075, 0.0783616677, -0.136747703, 0.191114306,
      -0.248443693,  0.333192706,   -0.499995023, 1.0};
  Value e = exp2(mulf(make<math::AbsFOp>(x), -kLog2E));
  Value p = constantLike(x, kCoefficients[0]);
  for (double coefficient : ArrayRef(kCoefficients).drop_front())
    p = fma(p, e, constantLike(x, coefficient));
  return fma(p, e, maxf(x, constantLike(x, 0)));
}

Value ChannelBuilder::silu(Value x, Type result) {
  if (result.isBF16()) { // z / 2 (1 + tanh(z / 2)): one special function instead of two, to 11 bits
    Value half = mulf(x, 0.5);
    return fma(half, make<math::TanhOp>(half, arith::FastMathFlags::afn), half);
  }
  Value below = addf(exp2(mulf(x, -kLog2E)), constantLike(x, 1));
  return make<arith::DivFOp>(x, below, arith::FastMathFlags::afn);
}

static int64_t bytesOf(int64_t columns, Type element) {
  return columns * element.getIntOrFloatBitWidth() / 8;
}

int64_t longwing::panelFor(int64_t columns, Type element) {
  int64_t bytes = bytesOf(columns, element);
  return bytes <= 32 ? 32 : bytes <= 64 ? 64 : kPanelBytes;
}

int64_t longwing::boxColumns(int64_t columns, Type element) {
  return panelFor(columns, element) * 8 / element.getIntOrFloatBitWidth();
}

RankedTensorType longwing::sharedTile(int64_t rows, int64_t columns, Type element) {
  auto layout = SharedAttr::get(element.getContext(), panelFor(columns, element));
  return RankedTensorType::get({rows, columns}, element, layout);
}
