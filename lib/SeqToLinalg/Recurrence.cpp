//===- Recurrence.cpp - The loops that recurrences share ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Recurrence.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;

int64_t longwing::channelsOfUnit(int64_t channels) {
  int64_t width = std::min<int64_t>(channels, 64);
  while (channels % width)
    --width;
  return width;
}

Recurrence::Recurrence(OpBuilder &builder, seq::RecurrentOpInterface op, ValueRange operands,
                       const Arithmetic &arithmetic, Value input, Value init, Value offsets)
    : b(builder, op, arithmetic), op(op), operands(operands), input(input), init(init),
      offsets(offsets) {
  element = arithmetic.resultOf(getElementTypeOrSelf(op->getResult(0).getType()));
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Value Recurrence::numSequences() {
  if (!offsets)
    return tensor::DimOp::create(b, input, kBatch);
  return arith::SubIOp::create(b, tensor::DimOp::create(b, offsets, 0), b.index(1));
}

/// Walks one sequence; the output of the unit, and the parts of the final state.
SmallVector<Value> Recurrence::lowerUnit(const Unit &unit, Value outputs, const Tile &whole,
                                         Value begin, Value length) {
  SmallVector<Value> carried;
  for (unsigned part = 0; part < numParts(); ++part) {
    Tile tile = partOfState(unit, part);
    SmallVector<OpFoldResult> sizes;
    for (unsigned dim : tile.kept)
      sizes.push_back(tile.sizes[dim]);
    carried.push_back(init ? b.extended(slice(init, tile)) : b.filled(sizes, emptyPast(part)));
  }
  carried.push_back(slice(outputs, whole));

  Value zero = b.index(0), one = b.index(1);
  auto loop = scf::ForOp::create(b, zero, length, one, carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value position = loop.getInductionVar();
  if (op.isReversed())
    position = arith::SubIOp::create(b, arith::SubIOp::create(b, length, one), position);
  Value time = arith::AddIOp::create(b, begin, position);

  SmallVector<Value> state(loop.getRegionIterArgs());
  Value y = state.pop_back_val();
  // The row at this position: one of the first dimension that is kept.
  Tile row;
  for (auto [dim, size] : llvm::enumerate(whole.kept)) {
    row.offsets.push_back(dim == 0 ? OpFoldResult(position) : b.getIndexAttr(0));
    row.sizes.push_back(dim == 0 ? b.getIndexAttr(1) : whole.sizes[size]);
    if (dim > 0)
      row.kept.push_back(dim);
  }
  Value line = slice(y, row);
  step(unit, time, state, line);
  state.push_back(insert(line, y, row));
  scf::YieldOp::create(b, state);
  return SmallVector<Value>(loop.getResults());
}

SmallVector<Value> Recurrence::lower() {
  checkShapes(b, op, operands, op.getNamedShapes());
  if (offsets)
    checkOffsets();
  check();

  Value sequences = numSequences(), length = tensor::DimOp::create(b, input, kTime);
  SmallVector<Value> results;
  auto sizes = tensor::getMixedSizes(b, b.getLoc(),
                                     input); // Batch and length; what follows is the result's own.
  auto resultType = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<OpFoldResult> outputSizes = {sizes[kBatch], sizes[kTime]};
  for (int64_t size : resultType.getShape().drop_front(2))
    outputSizes.push_back(b.getIndexAttr(size));
  results.push_back(b.empty(outputSizes, element));
  if (op.getState()) {
    SmallVector<OpFoldResult> stateSizes = {sequences};
    for (int64_t size : op.getStateType().getShape().drop_front())
      stateSizes.push_back(b.getIndexAttr(size));
    results.push_back(b.empty(stateSizes, b.arithmetic.compute));
  }

  auto forall = scf::ForallOp::create(
      b, ArrayRef<OpFoldResult>{sequences, b.getIndexAttr(numUnits())}, results, std::nullopt);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(forall.getBody());
    Value sequence = forall.getInductionVar(0), begin = b.index(0), count = length;
    if (offsets) {
      Value next = arith::AddIOp::create(b, sequence, b.index(1));
      begin = b.indexElement(offsets, sequence);
      count = arith::SubIOp::create(b, b.indexElement(offsets, next), begin);
    }
    Unit unit{sequence, offsets ? b.index(0) : sequence, forall.getInductionVar(1)};
    Tile whole = output(unit, begin, count);
    SmallVector<Value> tiles = lowerUnit(unit, forall.getRegionIterArgs()[0], whole, begin, count);
    Value y = tiles.pop_back_val();
    SmallVector<Tile> parts;
    if (op.getState())
      for (unsigned part = 0; part < numParts(); ++part)
        parts.push_back(partOfState(unit, part));

    b.setInsertionPointToStart(forall.getTerminator().getBody());
    auto store = [&](Value tile, Value into, const Tile &place) {
      SmallVector<OpFoldResult> strides(place.offsets.size(), b.getIndexAttr(1));
      tensor::ParallelInsertSliceOp::create(b, tile, into, place.offsets, place.sizes, strides);
    };
    store(y, forall.getRegionIterArgs()[0], whole);
    for (auto [tile, place] : llvm::zip(tiles, parts))
      store(tile, forall.getRegionIterArgs()[1], place);
  }
  SmallVector<Value> finished(forall.getResults());
  for (auto [value, result] : llvm::zip(finished, op->getResults()))
    value = b.declared(value, result);
  return finished;
}

//===----------------------------------------------------------------------===//
// Parts of tensors
//===----------------------------------------------------------------------===//

Recurrence::Tile Recurrence::at(ArrayRef<OpFoldResult> leading, OpFoldResult first,
                                ArrayRef<int64_t> sizes) {
  Tile tile;
  for (OpFoldResult index : leading) {
    tile.offsets.push_back(index);
    tile.sizes.push_back(b.getIndexAttr(1));
  }
  for (int64_t size : sizes) {
    tile.kept.push_back(tile.offsets.size());
    tile.offsets.push_back(tile.kept.size() == 1 ? first : b.getIndexAttr(0));
    tile.sizes.push_back(b.getIndexAttr(size));
  }
  return tile;
}

Recurrence::Tile Recurrence::component(Tile tile, unsigned part) {
  tile.offsets.push_back(b.getIndexAttr(part));
  tile.sizes.push_back(b.getIndexAttr(1));
  return tile;
}

//===----------------------------------------------------------------------===//
// Run-time checks
//===----------------------------------------------------------------------===//

/// Offsets begin at 0, do not fall, and end at the length; they pack one batch.
void Recurrence::checkOffsets() {
  auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) -> Value {
    return arith::CmpIOp::create(b, predicate, x, y);
  };
  auto eq = arith::CmpIPredicate::eq, sle = arith::CmpIPredicate::sle;
  Value zero = b.index(0), one = b.index(1);
  Value count = tensor::DimOp::create(b, offsets, 0);
  Value length = tensor::DimOp::create(b, input, kTime);
  b.require(compare(eq, tensor::DimOp::create(b, input, kBatch), one), "a batch of 1 with offsets");
  b.require(compare(sle, one, count), "at least one offset");
  b.require(compare(eq, b.indexElement(offsets, zero), zero), "the first offset to be 0");
  Value last = arith::SubIOp::create(b, count, one);
  b.require(compare(eq, b.indexElement(offsets, last), length), "the last offset to be the length");
  auto loop = scf::ForOp::create(b, zero, last, one);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value next = arith::AddIOp::create(b, loop.getInductionVar(), one);
  b.require(
      compare(sle, b.indexElement(offsets, loop.getInductionVar()), b.indexElement(offsets, next)),
      "offsets that do not fall");
}

void Recurrence::checkNotNegative(ValueRange tensors, ArrayRef<AffineMap> maps, unsigned rank,
                                  const Twine &expected,
                                  llvm::function_ref<Value(ValueRange)> value) {
  auto scalar = AffineMap::get(rank, 0, b.getContext());
  SmallVector<utils::IteratorType> iterators(rank, reduction);
  // Not a number is no number below 0: it is for the result to show.
  Value least = b.generic(tensors, maps, b.filled({}, b.real(0)), scalar, iterators,
                          [&](ValueRange args) -> SmallVector<Value> {
                            return {arith::MinNumFOp::create(b, value(args), args.back())};
                          })[0];
  Value element = tensor::ExtractOp::create(b, least, ValueRange());
  b.require(arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, element, b.real(0)), expected);
}

void Recurrence::checkDecay(Value decay, StringRef name, bool pairs) {
  unsigned rank = cast<RankedTensorType>(decay.getType()).getRank();
  if (pairs) {
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), decay);
    SmallVector<OpFoldResult> origin(rank, b.getIndexAttr(0));
    sizes.back() = b.getIndexAttr(1);
    decay = b.slice(decay, origin, sizes, llvm::to_vector(llvm::seq<unsigned>(0, --rank)));
  }
  checkNotNegative(decay, b.getMultiDimIdentityMap(rank), rank, name + Twine(" to be at most 0"),
                   [&](ValueRange args) { return subtract(b.real(0), b.extend(args[0])); });
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value Recurrence::add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
Value Recurrence::subtract(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
Value Recurrence::multiply(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
Value Recurrence::divide(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
Value Recurrence::maximum(Value x, Value y) { return arith::MaximumFOp::create(b, x, y); }
Value Recurrence::exp(Value x) { return math::ExpOp::create(b, x); }

Value Recurrence::softplus(Value x) {
  Value small = exp(subtract(b.real(0), math::AbsFOp::create(b, x)));
  return add(maximum(x, b.real(0)), math::Log1pOp::create(b, small));
}

Value Recurrence::silu(Value x) { return divide(x, add(b.real(1), exp(subtract(b.real(0), x)))); }

Number Recurrence::scaled(Number x, Value factor) {
  return {multiply(x.re, factor), x.im ? multiply(x.im, factor) : Value()};
}

Number Recurrence::add(Number x, Number y) {
  return {add(x.re, y.re), x.im ? add(x.im, y.im) : Value()};
}

Number Recurrence::multiply(Number x, Number y) {
  if (!x.im)
    return {multiply(x.re, y.re), {}};
  return {subtract(multiply(x.re, y.re), multiply(x.im, y.im)),
          add(multiply(x.re, y.im), multiply(x.im, y.re))};
}

Number Recurrence::exp(Number x) {
  Value size = exp(x.re);
  if (!x.im)
    return {size, {}};
  return {multiply(size, math::CosOp::create(b, x.im)),
          multiply(size, math::SinOp::create(b, x.im))};
}
