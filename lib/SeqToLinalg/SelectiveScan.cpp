//===- SelectiveScan.cpp - The loops that define seq.selective_scan -------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   dt      = softplus(delta[t, d] + bias[d])
//   h[d, n] = exp(dt a[d, n]) h[d, n] + dt u[t, d] b[t, g, n]
//   s[d]    = sum_n c[t, g, n] h[d, n],  twice the real part where these are complex
//   y[t, d] = (s[d] + skip[d] u[t, d]) silu(gate[t, d])
//
//===----------------------------------------------------------------------===//

#include "Recurrence.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace longwing;
using seq::SelectiveScanOp;

namespace {
class SelectiveScanLowering : public Recurrence {
public:
  SelectiveScanLowering(OpBuilder &builder, SelectiveScanOp op, SelectiveScanOp::Adaptor in,
                        const Arithmetic &arithmetic)
      : Recurrence(builder, op, in.getOperands(), arithmetic, in.getU(), in.getInit(),
                   in.getOffsets()),
        op(op), in(in), width(channelsOfUnit(op.getChannels() / op.getGroups())) {}

private:
  /// Reals that a number is stored as.
  unsigned components() { return op.getComplex() ? 2 : 1; }
  int64_t numUnits() override { return op.getChannels() / width; }
  unsigned numParts() override { return components(); }
  Tile partOfState(const Unit &unit, unsigned part) override;
  Tile output(const Unit &unit, OpFoldResult begin, OpFoldResult length) override;
  void step(const Unit &unit, Value time, MutableArrayRef<Value> state, Value &row) override;

  Value firstChannel(const Unit &unit) {
    return b.createOrFold<arith::MulIOp>(unit.number, b.index(width));
  }
  Value group(const Unit &unit) {
    return b.createOrFold<arith::DivUIOp>(unit.number,
                                          b.index(op.getChannels() / op.getGroups() / width));
  }
  /// Values of the unit's channels at a time, or of all times.
  Value varying(const Unit &unit, Value time, Value source) {
    return slice(source, at({unit.batch, time}, firstChannel(unit), width));
  }
  Value constant(const Unit &unit, Value source) {
    return slice(source, at({}, firstChannel(unit), width));
  }
  /// The components of a, b or c and how a loop over channels and states reads them.
  void numbers(const Unit &unit, Value time, Value source, SmallVectorImpl<Value> &values,
               SmallVectorImpl<AffineMap> &maps);
  Number numberOf(ValueRange args, unsigned n) {
    Number result{b.extend(args[n * components()]), {}};
    if (op.getComplex())
      result.im = b.extend(args[n * components() + 1]);
    return result;
  }

  Value stepSizes(const Unit &unit, Value time);
  void nextState(const Unit &unit, Value time, Value dt, MutableArrayRef<Value> state);
  Value readState(const Unit &unit, Value time, ValueRange state);
  Value finish(const Unit &unit, Value time, Value sums, Value row);

  AffineMap grid() { return b.getMultiDimIdentityMap(2); }
  AffineMap line() { return b.getMultiDimIdentityMap(1); }
  AffineMap channels() { return AffineMap::get(2, 0, b.getAffineDimExpr(0), b.getContext()); }
  AffineMap states() { return AffineMap::get(2, 0, b.getAffineDimExpr(1), b.getContext()); }

  SelectiveScanOp op;
  SelectiveScanOp::Adaptor in;
  int64_t width;
};
} // namespace

Recurrence::Tile SelectiveScanLowering::partOfState(const Unit &unit, unsigned part) {
  Tile tile = at(OpFoldResult(unit.sequence), firstChannel(unit), {width, op.getStateSize()});
  return op.getComplex() ? component(tile, part) : tile;
}

Recurrence::Tile SelectiveScanLowering::output(const Unit &unit, OpFoldResult begin,
                                               OpFoldResult length) {
  Tile tile = at({unit.batch, begin}, firstChannel(unit), width);
  tile.sizes[kTime] = length;
  tile.kept = {kTime, 2};
  return tile;
}

void SelectiveScanLowering::numbers(const Unit &unit, Value time, Value source,
                                    SmallVectorImpl<Value> &values,
                                    SmallVectorImpl<AffineMap> &maps) {
  bool perChannel = cast<RankedTensorType>(source.getType()).getRank() == (op.getComplex() ? 3 : 2);
  Tile tile = perChannel
                  ? at({}, firstChannel(unit), {width, op.getStateSize()})
                  : at({unit.batch, time, group(unit)}, b.getIndexAttr(0), op.getStateSize());
  for (unsigned part = 0; part < components(); ++part) {
    values.push_back(slice(source, op.getComplex() ? component(tile, part) : tile));
    maps.push_back(perChannel ? grid() : states());
  }
}

/// dt.
Value SelectiveScanLowering::stepSizes(const Unit &unit, Value time) {
  SmallVector<Value> inputs = {varying(unit, time, in.getDelta())};
  if (in.getBias())
    inputs.push_back(constant(unit, in.getBias()));
  SmallVector<AffineMap> maps(inputs.size(), line());
  Value dt = b.empty({b.getIndexAttr(width)}, b.arithmetic.compute);
  return b.generic(inputs, maps, dt, line(), parallel, [&](ValueRange args) -> SmallVector<Value> {
    Value value = b.extend(args[0]);
    if (in.getBias())
      value = add(value, b.extend(args[1]));
    return {op.getSoftplus() ? softplus(value) : value};
  })[0];
}

/// h = exp(dt a) h + dt u b.
void SelectiveScanLowering::nextState(const Unit &unit, Value time, Value dt,
                                      MutableArrayRef<Value> state) {
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  numbers(unit, time, in.getA(), inputs, maps);
  numbers(unit, time, in.getB(), inputs, maps);
  inputs.append({dt, varying(unit, time, in.getU())});
  maps.append(2, channels());
  SmallVector<AffineMap> outputMaps(state.size(), grid());
  SmallVector<Value> next =
      b.generic(inputs, maps, state, outputMaps, {parallel, parallel},
                [&](ValueRange args) -> SmallVector<Value> {
                  Value dt = args[2 * components()], u = b.extend(args[2 * components() + 1]);
                  Number h = numberOf(args.drop_front(2 * components() + 2), 0);
                  Number decay = exp(scaled(numberOf(args, 0), dt));
                  h = add(multiply(decay, h), scaled(numberOf(args, 1), multiply(dt, u)));
                  return h.im ? SmallVector<Value>{h.re, h.im} : SmallVector<Value>{h.re};
                });
  llvm::copy(next, state.begin());
}

/// s = sum_n c h.
Value SelectiveScanLowering::readState(const Unit &unit, Value time, ValueRange state) {
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  numbers(unit, time, in.getC(), inputs, maps);
  llvm::append_range(inputs, state);
  maps.append(state.size(), grid());
  Value zeros = b.filled({b.getIndexAttr(width)}, b.real(0));
  return b.generic(inputs, maps, zeros, channels(), {parallel, reduction},
                   [&](ValueRange args) -> SmallVector<Value> {
                     Value term = multiply(numberOf(args, 0), numberOf(args, 1)).re;
                     if (op.getComplex())
                       term = multiply(term, b.real(2));
                     return {add(args.back(), term)};
                   })[0];
}

/// y = (s + skip u) silu(gate).
Value SelectiveScanLowering::finish(const Unit &unit, Value time, Value sums, Value row) {
  SmallVector<Value> inputs = {sums};
  if (in.getSkip())
    inputs.append({varying(unit, time, in.getU()), constant(unit, in.getSkip())});
  if (in.getGate())
    inputs.push_back(varying(unit, time, in.getGate()));
  SmallVector<AffineMap> maps(inputs.size(), line());
  return b.generic(inputs, maps, row, line(), parallel, [&](ValueRange args) -> SmallVector<Value> {
    Value y = args[0];
    if (in.getSkip())
      y = add(y, multiply(b.extend(args[1]), b.extend(args[2])));
    if (in.getGate())
      y = multiply(y, silu(b.extend(args.drop_back().back())));
    return {b.convert(y, element)};
  })[0];
}

void SelectiveScanLowering::step(const Unit &unit, Value time, MutableArrayRef<Value> state,
                                 Value &row) {
  nextState(unit, time, stepSizes(unit, time), state);
  row = finish(unit, time, readState(unit, time, state), row);
}

SmallVector<Value> longwing::lowerSelectiveScan(OpBuilder &builder, SelectiveScanOp op,
                                                ValueRange operands, const Arithmetic &arithmetic) {
  return SelectiveScanLowering(builder, op, SelectiveScanOp::Adaptor(operands, op), arithmetic)
      .lower();
}
