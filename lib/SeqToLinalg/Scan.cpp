//===- Scan.cpp - The loops that define seq.scan --------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   h[t] = a[t] h[t-1] + b[t],  with exp(a[t]) for a[t] in the form log
//
// and the form wkv, whose sums p and q are kept relative to exp(m):
//
//   x    = max(m, bonus + k[t])
//   y[t] = (exp(m - x) p + exp(bonus + k[t] - x) v[t]) / (exp(m - x) q + exp(bonus + k[t] - x))
//   x    = max(m + w, k[t])
//   p, q = exp(m + w - x) (p, q) + exp(k[t] - x) (v[t], 1);  m = x
//
//===----------------------------------------------------------------------===//

#include "Recurrence.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace longwing;
using seq::ScanForm;
using seq::ScanOp;

namespace {
class ScanLowering : public Recurrence {
public:
  ScanLowering(OpBuilder &builder, ScanOp op, ScanOp::Adaptor in, const Arithmetic &arithmetic)
      : Recurrence(builder, op, in.getOperands(), arithmetic, in.getB(), in.getInit(),
                   in.getOffsets()),
        op(op), in(in), width(channelsOfUnit(op.getChannels())) {}

private:
  bool isWkv() { return op.getForm() == ScanForm::Wkv; }
  /// Reals that a number is stored as.
  unsigned components() { return op.getComplex() ? 2 : 1; }

  void check() override {
    if (op.getForm() != ScanForm::Linear)
      checkDecay(in.getA(), "a", op.getComplex());
  }
  int64_t numUnits() override { return op.getChannels() / width; }
  unsigned numParts() override { return isWkv() ? 3 : components(); }

  Value firstChannel(const Unit &unit);
  Tile partOfState(const Unit &unit, unsigned part) override;
  Value emptyPast(unsigned part) override {
    return isWkv() && part == 2 ? b.infinity(/*negative=*/true) : b.real(0);
  }
  Tile output(const Unit &unit, OpFoldResult begin, OpFoldResult length) override;
  void step(const Unit &unit, Value time, MutableArrayRef<Value> state, Value &row) override;

  void lines(const Unit &unit, Value time, Value source, SmallVectorImpl<Value> &into);
  SmallVector<Value> nextState(ValueRange args);
  SmallVector<Value> nextMean(ValueRange args);

  ScanOp op;
  ScanOp::Adaptor in;
  int64_t width;
};
} // namespace

Value ScanLowering::firstChannel(const Unit &unit) {
  return b.createOrFold<arith::MulIOp>(unit.number, b.index(width));
}

Recurrence::Tile ScanLowering::partOfState(const Unit &unit, unsigned part) {
  Value channel = firstChannel(unit);
  if (isWkv())
    return at({unit.sequence, b.getIndexAttr(part)}, channel, width);
  Tile tile = at(OpFoldResult(unit.sequence), channel, width);
  return op.getComplex() ? component(tile, part) : tile;
}

Recurrence::Tile ScanLowering::output(const Unit &unit, OpFoldResult begin, OpFoldResult length) {
  Tile tile = at({unit.batch, begin}, firstChannel(unit), width);
  tile.sizes[kTime] = length;
  tile.kept = {kTime, 2};
  if (op.getComplex()) {
    tile = component(tile, 0);
    tile.sizes.back() = b.getIndexAttr(2);
    tile.kept.push_back(3);
  }
  return tile;
}

/// The channels of the unit at a time, or at all times, one line for each component.
void ScanLowering::lines(const Unit &unit, Value time, Value source, SmallVectorImpl<Value> &into) {
  bool constant = cast<RankedTensorType>(source.getType()).getRank() < 3;
  Value channel = firstChannel(unit);
  Tile tile = constant ? at({}, channel, width) : at({unit.batch, time}, channel, width);
  for (unsigned part = 0; part < components(); ++part)
    into.push_back(slice(source, op.getComplex() ? component(tile, part) : tile));
}

/// From (a, b, h, y), each of one or two components, the next (h, y).
SmallVector<Value> ScanLowering::nextState(ValueRange args) {
  auto number = [&](unsigned n) {
    Number result{b.extend(args[n * components()]), {}};
    if (op.getComplex())
      result.im = b.extend(args[n * components() + 1]);
    return result;
  };
  Number a = number(0), added = number(1), h = number(2);
  if (op.getForm() == ScanForm::Log)
    a = exp(a);
  h = add(multiply(a, h), added);
  SmallVector<Value> next = {h.re};
  if (h.im)
    next.push_back(h.im);
  for (unsigned part = 0; part < components(); ++part)
    next.push_back(b.convert(next[part], element));
  return next;
}

/// From (w, v, k, bonus, p, q, m, y) the next (p, q, m, y).
SmallVector<Value> ScanLowering::nextMean(ValueRange args) {
  Value w = b.extend(args[0]), v = b.extend(args[1]), k = b.extend(args[2]),
        present = add(b.extend(args[3]), k);
  Value p = args[4], q = args[5], m = args[6];
  Value x = maximum(m, present);
  Value past = exp(subtract(m, x)), now = exp(subtract(present, x));
  Value y = divide(add(multiply(past, p), multiply(now, v)), add(multiply(past, q), now));

  Value decayed = add(m, w);
  x = maximum(decayed, k);
  past = exp(subtract(decayed, x)), now = exp(subtract(k, x));
  return {add(multiply(past, p), multiply(now, v)), add(multiply(past, q), now), x,
          b.convert(y, element)};
}

void ScanLowering::step(const Unit &unit, Value time, MutableArrayRef<Value> state, Value &row) {
  SmallVector<Value> inputs;
  lines(unit, time, in.getA(), inputs);
  lines(unit, time, in.getB(), inputs);
  if (isWkv()) {
    lines(unit, time, in.getKey(), inputs);
    lines(unit, time, in.getBonus(), inputs);
  }
  SmallVector<Value> outputs(state);
  auto column = [&](unsigned part) { return component(at({}, b.getIndexAttr(0), width), part); };
  for (unsigned part = 0; part < components(); ++part)
    outputs.push_back(op.getComplex() ? slice(row, column(part)) : row);

  AffineMap channel = b.getMultiDimIdentityMap(1);
  SmallVector<AffineMap> inputMaps(inputs.size(), channel), outputMaps(outputs.size(), channel);
  SmallVector<Value> next =
      b.generic(inputs, inputMaps, outputs, outputMaps, {parallel},
                [&](ValueRange args) { return isWkv() ? nextMean(args) : nextState(args); });
  llvm::copy(ArrayRef(next).take_front(state.size()), state.begin());
  ArrayRef<Value> y = ArrayRef(next).drop_front(state.size());
  if (!op.getComplex()) {
    row = y[0];
    return;
  }
  for (unsigned part = 0; part < components(); ++part)
    row = insert(y[part], row, column(part));
}

SmallVector<Value> longwing::lowerScan(OpBuilder &builder, ScanOp op, ValueRange operands,
                                       const Arithmetic &arithmetic) {
  return ScanLowering(builder, op, ScanOp::Adaptor(operands, op), arithmetic).lower();
}
