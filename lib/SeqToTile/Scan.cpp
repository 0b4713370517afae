//===- Scan.cpp - First-order recurrences as a tile program ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread owns neighbouring channels of one sequence and walks them in time:
//
//   linear, log:  h = a h + b, with a or exp(a)
//   wkv:          y = (p + e v) / (q + e) with e = exp(bonus + k - m), seen from the greater of m
//                 and bonus + k; then what is past decays by w, and v enters with exp(k)
//
// Of two exponentials relative to their maximum one is 1, so that each comparison costs one.
//
//===----------------------------------------------------------------------===//

#include "ChannelKernel.h"
#include "SeqToTile.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

class ScanKernel : ChannelKernel {
public:
  explicit ScanKernel(seq::ScanOp op)
      : ChannelKernel(op, ScanConfig::read(op), /*lanes=*/1), op(op) {}

  LogicalResult lower(SymbolTable &symbols);

private:
  bool isWkv() { return op.getForm() == seq::ScanForm::Wkv; }
  void work(Value block, Value entry);
  SmallVector<Value> initialState(Value entry);
  void stepsOf(Value row0, SmallVectorImpl<Value> &state);
  Value stepWkv(Value v, Value k, SmallVectorImpl<Value> &state);
  /// Of two exponents in base 2: the greater, and the weights 2^(x - greater), 2^(y - greater).
  std::array<Value, 3> weigh(Value x, Value y);

  seq::ScanOp op;
  Value batch, length, channel0;
  Value decay, bonus; // constant in time
  Value aTile, bTile, keyTile;
};

} // namespace

LogicalResult ScanKernel::lower(SymbolTable &symbols) {
  SmallVector<Value> steps = {op.getB()}, others = {op.getY()};
  (op.hasConstantDecay() ? others : steps).push_back(op.getA());
  steps.push_back(op.getKey());
  others.append({op.getBonus(), op.getInit(), op.getState()});
  for (Value value : steps)
    if (value)
      launch.boxes(value, {1, config.steps, boxColumns(t.channels, getElementTypeOrSelf(value.getType()))});
  for (Value value : others)
    launch.view(value);

  KernelOp kernel = begin(symbols, "_scan", /*registers=*/24);
  int64_t blocks = llvm::divideCeil(op.getChannels(), t.channels);
  ValueRange at = forEach({t.index(blocks), t.dim(tensor(op.getB()), 0)});
  work(at[0], at[1]);

  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  Value count = host.make<tensor::DimOp>(op.getB(), 0);
  return launch.replace(kernel, {host.index(blocks), count}, op.getNamedShapes());
}

SmallVector<Value> ScanKernel::initialState(Value entry) {
  Value init = op.getInit();
  if (!isWkv())
    return {init ? t.loadChannels(tensor(init), {entry, channel0}, t.row())
                 : t.constant(t.row(), 0)};
  if (!init)
    return {t.constant(t.row(), 0), t.constant(t.row(), 0),
            t.constant(t.row(), -std::numeric_limits<double>::infinity())};
  SmallVector<Value> state;
  for (int64_t i = 0; i < 3; ++i)
    state.push_back(t.loadChannels(tensor(init), {entry, t.index(i), channel0}, t.row()));
  state[2] = t.mulf(state[2], kLog2E);
  return state;
}

void ScanKernel::work(Value block, Value entry) {
  batch = entry, channel0 = t.mul(block, t.channels), length = t.dim(tensor(op.getB()), 1);
  if (op.hasConstantDecay()) {
    decay = t.loadChannels(tensor(op.getA()), channel0, t.row());
    if (op.getForm() != seq::ScanForm::Linear)
      decay = t.mulf(decay, kLog2E);
    if (op.getForm() == seq::ScanForm::Log)
      decay = t.exp2(decay);
  }
  if (op.getBonus())
    bonus = t.mulf(t.loadChannels(tensor(op.getBonus()), channel0, t.row()), kLog2E);

  auto load = [&] {
    llvm::MapVector<Value, Value> loaded;
    auto tile = [&](Value value) {
      Value &known = loaded[value];
      if (!known)
        known = t.load(tensor(value), {batch, tile0, channel0},
                       sharedTile(config.steps, t.channels, getElementTypeOrSelf(value.getType())),
                       config.stages);
      return known;
    };
    bTile = tile(op.getB());
    if (!decay)
      aTile = tile(op.getA());
    if (op.getKey())
      keyTile = tile(op.getKey());
  };
  SmallVector<Value> last =
      walk(length, op.getReverse(), initialState(entry), load,
           [&](Value row0, SmallVectorImpl<Value> &state) { stepsOf(row0, state); });
  if (!op.getState())
    return;
  if (!isWkv())
    return t.storeChannels(last[0], tensor(op.getState()), {entry, channel0});
  last[2] = t.mulf(last[2], 1 / kLog2E);
  for (int64_t i = 0; i < 3; ++i)
    t.storeChannels(last[i], tensor(op.getState()), {entry, t.index(i), channel0});
}

std::array<Value, 3> ScanKernel::weigh(Value x, Value y) {
  Value greater = t.maxf(x, y);
  Value distance = t.make<arith::SubFOp>(x, y);
  Value lesser = t.exp2(t.mulf(t.make<math::AbsFOp>(distance), -1));
  Value first = t.make<arith::CmpFOp>(arith::CmpFPredicate::OGE, x, y), one = t.constantLike(x, 1);
  return {greater, t.select(first, one, lesser), t.select(first, lesser, one)};
}

Value ScanKernel::stepWkv(Value v, Value k, SmallVectorImpl<Value> &state) {
  Value p = state[0], q = state[1], m = state[2];
  auto [seen, past, present] = weigh(m, t.addf(k, bonus));
  Value top = t.fma(past, p, t.mulf(present, v)), bottom = t.fma(past, q, present);
  auto [next, kept, entering] = weigh(t.addf(m, decay), k);
  state[0] = t.fma(kept, p, t.mulf(entering, v));
  state[1] = t.fma(kept, q, entering);
  state[2] = next;
  return t.make<arith::DivFOp>(top, bottom, arith::FastMathFlags::afn);
}

/// `unroll` steps from a row of the tiles on. Steps behind the end leave the state as it is.
void ScanKernel::stepsOf(Value row0, SmallVectorImpl<Value> &state) {
  int64_t count = config.unroll;
  Value b = t.readRows(bTile, row0, count), a, k;
  if (aTile) {
    a = t.readRows(aTile, row0, count);
    if (op.getForm() == seq::ScanForm::Log)
      a = t.exp2(t.mulf(a, kLog2E));
  }
  if (keyTile)
    k = t.mulf(t.readRows(keyTile, row0, count), kLog2E);
  Value last = t.sub(t.sub(length, tile0), row0); // steps from here to the end
  SmallVector<Value> rows(count);
  for (int64_t i = 0; i < count; ++i) {
    int64_t step = op.getReverse() ? count - 1 - i : i;
    SmallVector<Value> before(state.begin(), state.end());
    Value y;
    if (isWkv()) {
      y = stepWkv(t.rowOf(b, step), t.rowOf(k, step), state);
    } else {
      state[0] = t.fma(a ? t.rowOf(a, step) : decay, state[0], t.rowOf(b, step));
      y = state[0];
    }
    if (op.getState() || op.getReverse()) {
      Value inside = t.compare(arith::CmpIPredicate::sgt, last, t.index(step));
      for (auto [value, old] : llvm::zip(state, before))
        value = t.select(t.spread(inside, value), value, old);
    }
    rows[step] = t.broadcast(y, t.rows(1));
  }
  t.storeChannels(t.sums(rows), tensor(op.getY()), {batch, t.add(tile0, row0), channel0});
}

LogicalResult longwing::lowerScan(seq::ScanOp op, SymbolTable &symbols) {
  return ScanKernel(op).lower(symbols);
}
