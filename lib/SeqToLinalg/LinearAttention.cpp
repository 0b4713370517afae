//===- LinearAttention.cpp - The loops that define seq.linear_attention ---===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   S[k, v] = exp(decay[t, k]) S[k, v] + key[t, k] value[t, v]
//   s[v]    = sum_k q[t, k] S[k, v], or with a bonus, of S before this step,
//             sum_k q[t, k] (S[k, v] + bonus[k] key[t, k] value[t, v])
//   o[t, v] = (scale s[v] + skip value[t, v]) silu(gate[t, v])
//
// In the form of SSD, with d = softplus(dt[t] + bias), decay is a d and key is multiplied by d.
//
//===----------------------------------------------------------------------===//

#include "Recurrence.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace longwing;
using seq::LinearAttentionOp;

namespace {
class LinearAttentionLowering : public Recurrence {
public:
  LinearAttentionLowering(OpBuilder &builder, LinearAttentionOp op, LinearAttentionOp::Adaptor in,
                          const Arithmetic &arithmetic)
      : Recurrence(builder, op, in.getOperands(), arithmetic, in.getV(), in.getInit(),
                   in.getOffsets()),
        op(op), in(in) {}

private:
  void check() override;
  int64_t numUnits() override { return op.getValueHeads(); }
  Tile partOfState(const Unit &unit, unsigned part) override;
  Tile output(const Unit &unit, OpFoldResult begin, OpFoldResult length) override;
  void step(const Unit &unit, Value time, MutableArrayRef<Value> state, Value &row) override;

  Value keyHead(const Unit &unit) {
    return b.createOrFold<arith::DivUIOp>(unit.number,
                                          b.index(op.getValueHeads() / op.getKeyHeads()));
  }
  Value stepSize(const Unit &unit, Value time);
  Value key(const Unit &unit, Value time);
  Value decays(const Unit &unit, Value time);
  Value nextState(Value decays, Value key, Value value, Value state);
  Value readState(const Unit &unit, Value query, Value key, Value value, Value state);
  Value finish(const Unit &unit, Value time, Value sums, Value row);

  AffineMap line() { return b.getMultiDimIdentityMap(1); }
  AffineMap grid() { return b.getMultiDimIdentityMap(2); }
  AffineMap keys() { return AffineMap::get(2, 0, b.getAffineDimExpr(0), b.getContext()); }
  AffineMap values() { return AffineMap::get(2, 0, b.getAffineDimExpr(1), b.getContext()); }

  LinearAttentionOp op;
  LinearAttentionOp::Adaptor in;
};
} // namespace

void LinearAttentionLowering::check() {
  if (in.getDecay())
    checkDecay(in.getDecay(), "decay");
  if (!in.getDt())
    return;
  checkDecay(in.getA(), "a");
  if (op.getSoftplus())
    return;
  SmallVector<Value> terms = {in.getDt()};
  SmallVector<AffineMap> maps = {b.getMultiDimIdentityMap(3)};
  if (in.getBias()) {
    terms.push_back(in.getBias());
    maps.push_back(AffineMap::get(3, 0, b.getAffineDimExpr(2), b.getContext()));
  }
  checkNotNegative(terms, maps, 3, "dt to be at least 0", [&](ValueRange args) {
    Value dt = b.extend(args[0]);
    return in.getBias() ? add(dt, b.extend(args[1])) : dt;
  });
}

Recurrence::Tile LinearAttentionLowering::partOfState(const Unit &unit, unsigned part) {
  return at({unit.sequence, unit.number}, b.getIndexAttr(0), {op.getKeyDim(), op.getValueDim()});
}

Recurrence::Tile LinearAttentionLowering::output(const Unit &unit, OpFoldResult begin,
                                                 OpFoldResult length) {
  Tile tile = at({unit.batch, begin, unit.number}, b.getIndexAttr(0), op.getValueDim());
  tile.sizes[kTime] = length;
  tile.kept = {kTime, 3};
  return tile;
}

/// d of the form of SSD.
Value LinearAttentionLowering::stepSize(const Unit &unit, Value time) {
  Value dt = b.element(in.getDt(), {unit.batch, time, unit.number});
  if (in.getBias())
    dt = add(dt, b.element(in.getBias(), unit.number));
  return op.getSoftplus() ? softplus(dt) : dt;
}

/// The decay's factor of each key channel, or null.
Value LinearAttentionLowering::decays(const Unit &unit, Value time) {
  if (in.getDt()) {
    Value rate = b.element(in.getA(), unit.number);
    return b.filled({b.getIndexAttr(op.getKeyDim())}, exp(multiply(rate, stepSize(unit, time))));
  }
  if (!in.getDecay())
    return {};
  auto type = cast<RankedTensorType>(in.getDecay().getType());
  SmallVector<Value> leading;
  if (type.getRank() > 2)
    leading = {unit.batch, time};
  if (!op.hasChannelDecay()) {
    leading.push_back(unit.number);
    return b.filled({b.getIndexAttr(op.getKeyDim())}, exp(b.element(in.getDecay(), leading)));
  }
  bool perKeyHead = type.getDimSize(type.getRank() - 2) == op.getKeyHeads();
  leading.push_back(perKeyHead ? keyHead(unit) : unit.number);
  Value logs =
      slice(in.getDecay(), at(getAsOpFoldResult(leading), b.getIndexAttr(0), op.getKeyDim()));
  Value factors = b.empty({b.getIndexAttr(op.getKeyDim())}, b.arithmetic.compute);
  return b.generic(logs, line(), factors, line(), parallel,
                   [&](ValueRange args) { return SmallVector<Value>{exp(b.extend(args[0]))}; })[0];
}

/// The key, in the form of SSD times d.
Value LinearAttentionLowering::key(const Unit &unit, Value time) {
  Value key = b.extended(
      slice(in.getK(), at({unit.batch, time, keyHead(unit)}, b.getIndexAttr(0), op.getKeyDim())));
  if (!in.getDt())
    return key;
  Value size = stepSize(unit, time);
  return b.generic({}, {}, key, line(), parallel,
                   [&](ValueRange args) { return SmallVector<Value>{multiply(size, args[0])}; })[0];
}

/// S = exp(decay) S + key value.
Value LinearAttentionLowering::nextState(Value decays, Value key, Value value, Value state) {
  SmallVector<Value> inputs = {key, value};
  SmallVector<AffineMap> maps = {keys(), values()};
  if (decays) {
    inputs.push_back(decays);
    maps.push_back(keys());
  }
  return b.generic(inputs, maps, state, grid(), {parallel, parallel},
                   [&](ValueRange args) -> SmallVector<Value> {
                     Value old = decays ? multiply(args[2], args[3]) : args[2];
                     return {add(old, multiply(args[0], args[1]))};
                   })[0];
}

/// s = sum_k q S, and with a bonus, what the present adds.
Value LinearAttentionLowering::readState(const Unit &unit, Value query, Value key, Value value,
                                         Value state) {
  SmallVector<Value> inputs = {query, state};
  SmallVector<AffineMap> maps = {keys(), grid()};
  if (in.getBonus()) {
    inputs.append(
        {slice(in.getBonus(), at(OpFoldResult(unit.number), b.getIndexAttr(0), op.getKeyDim())),
         key, value});
    maps.append({keys(), keys(), values()});
  }
  Value zeros = b.filled({b.getIndexAttr(op.getValueDim())}, b.real(0));
  return b.generic(inputs, maps, zeros, values(), {reduction, parallel},
                   [&](ValueRange args) -> SmallVector<Value> {
                     Value seen = args[1];
                     if (in.getBonus())
                       seen = add(seen, multiply(b.extend(args[2]), multiply(args[3], args[4])));
                     return {add(args.back(), multiply(args[0], seen))};
                   })[0];
}

/// o = (scale s + skip value) silu(gate).
Value LinearAttentionLowering::finish(const Unit &unit, Value time, Value sums, Value row) {
  auto line = at({unit.batch, time, unit.number}, b.getIndexAttr(0), op.getValueDim());
  SmallVector<Value> inputs = {sums};
  if (in.getSkip())
    inputs.push_back(slice(in.getV(), line));
  if (in.getGate())
    inputs.push_back(slice(in.getGate(), line));
  SmallVector<AffineMap> maps(inputs.size(), this->line());
  Value skip = in.getSkip() ? b.element(in.getSkip(), unit.number) : Value();
  return b.generic(inputs, maps, row, this->line(), parallel,
                   [&](ValueRange args) -> SmallVector<Value> {
                     Value o = multiply(args[0], b.real(op.getEffectiveScale()));
                     if (skip)
                       o = add(o, multiply(skip, b.extend(args[1])));
                     if (in.getGate())
                       o = multiply(o, silu(b.extend(args.drop_back().back())));
                     return {b.convert(o, element)};
                   })[0];
}

void LinearAttentionLowering::step(const Unit &unit, Value time, MutableArrayRef<Value> state,
                                   Value &row) {
  OpFoldResult zero = b.getIndexAttr(0);
  Value query =
      b.extended(slice(in.getQ(), at({unit.batch, time, keyHead(unit)}, zero, op.getKeyDim())));
  Value value =
      b.extended(slice(in.getV(), at({unit.batch, time, unit.number}, zero, op.getValueDim())));
  Value key = this->key(unit, time), decay = decays(unit, time), &s = state[0], sums;
  if (in.getBonus()) {
    sums = readState(unit, query, key, value, s);
    s = nextState(decay, key, value, s);
  } else {
    s = nextState(decay, key, value, s);
    sums = readState(unit, query, key, value, s);
  }
  row = finish(unit, time, sums, row);
}

SmallVector<Value> longwing::lowerLinearAttention(OpBuilder &builder, LinearAttentionOp op,
                                                  ValueRange operands,
                                                  const Arithmetic &arithmetic) {
  return LinearAttentionLowering(builder, op, LinearAttentionOp::Adaptor(operands, op), arithmetic)
      .lower();
}
