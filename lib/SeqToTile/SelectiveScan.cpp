//===- SelectiveScan.cpp - Selective scans as a tile program --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// S6 (Gu and Dao 2023), walked in time. A CTA owns some channels of one batch for the whole sequence; their
// states stay in f32 registers, and each row of b and c serves all of them. For each step
//
//   h[n] = exp2(dt log2(e) a[n]) h[n] + b[n] (dt u)         y = sum over n of c[n] h[n]
//
// Of 16-bit operands, b (dt u) and the sums are products of tensor cores, eight steps of a tile at a time: else
// they, and the exchanges and reads that they need, take as long as the exponentials.
//
// What belongs to a channel and a step (softplus, skip, gate) is computed for several steps at
// once, spread over the lanes that share the channel.
//
//===----------------------------------------------------------------------===//

#include "ChannelKernel.h"
#include "SeqToTile.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

class SelectiveScanKernel : ChannelKernel {
public:
  SelectiveScanKernel(seq::SelectiveScanOp op, const ScanConfig &config, Share share)
      : ChannelKernel(op, config, config.lanes), op(op), share(share), states(statesOf(op)) {}

  LaunchBuilder::Run create(SymbolTable &symbols, StringRef suffix);
  using ChannelKernel::launch;

private:
  void addTensors();
  void work(Value block, Value entry);
  void loadTiles();
  /// Some steps from a row of the tiles on: their u, dt and dt u, and how many steps are left there.
  struct Steps {
    Value row0, u, dt, x, last;
  };
  Steps prepare(Value row0);
  Value advance(const Steps &steps, Value state);
  /// Products see the other steps too, as zeros times what they hold.
  bool isMasked() { return op.getState() || op.getReverse() || (config.products && op.isPacked()); }
  Value timeTile(Value view, Value time);
  Value stateTile(Value view, Value time);
  Value decayOf(Value exponent);
  int64_t stepsAtOnce() const { return config.products ? 8 : config.unroll; }
  Value input(Value tile, Value perChannel, Value row0, int64_t step);

  seq::SelectiveScanOp op;
  Share share;
  int64_t states;

  // Of the work tile that is being written: its channels.
  Value channel0, group;
  Value rate, skip, bias, constantB, constantC;
  // Of the tile of steps.
  Value uTile, deltaTile, gateTile, bTile, cTile;
};

} // namespace

void SelectiveScanKernel::addTensors() {
  auto steps = [&](Value value) { // [B, L, D]
    if (value)
      launch.boxes(value, {1, config.steps, boxColumns(t.channels, getElementTypeOrSelf(value.getType()))});
  };
  auto coefficients = [&](Value value, bool constant) { // [B, L, G, N] or [D, N]
    if (constant)
      return launch.view(value);
    launch.boxes(value, {1, config.steps, 1, boxColumns(states, getElementTypeOrSelf(value.getType()))});
  };
  steps(op.getU());
  steps(op.getDelta());
  coefficients(op.getB(), op.hasConstantB());
  coefficients(op.getC(), op.hasConstantC());
  steps(op.getGate());
  for (Value value : {Value(op.getA()), Value(op.getSkip()), Value(op.getBias()),
                      Value(op.getInit()), Value(op.getOffsets()), Value(op.getY()), Value(op.getState())})
    launch.view(value);
}

LaunchBuilder::Run SelectiveScanKernel::create(SymbolTable &symbols, StringRef suffix) {
  addTensors();
  KernelOp kernel = begin(symbols, ("_selective_scan" + suffix).str(), /*registers=*/24);
  return overSequences(kernel, op.getChannels(), op.getU(), op.getOffsets(), share,
                       [&](Value block, Value entry) { work(block, entry); });
}

/// One block of channels of one sequence.
void SelectiveScanKernel::work(Value block, Value entry) {
  Value zero = t.index(0);
  channel0 = t.mul(block, t.channels);
  group = op.getGroups() > 1 ? t.floorDiv(channel0, op.getChannels() / op.getGroups()) : zero;
  auto perState = [&](Value value) {
    return t.loadChannels(tensor(value), {channel0, zero}, t.rows(states), /*transposed=*/true);
  };
  auto perChannel = [&](Value value) {
    return value ? t.loadChannels(tensor(value), channel0, t.row()) : Value();
  };
  rate = t.mulf(perState(op.getA()), kLog2E);
  skip = perChannel(op.getSkip()), bias = perChannel(op.getBias());
  if (op.hasConstantB())
    constantB = perState(op.getB());
  if (op.hasConstantC())
    constantC = perState(op.getC());

  Value state = op.getInit() ? t.loadChannels(tensor(op.getInit()), {entry, channel0, zero},
                                              t.rows(states), /*transposed=*/true)
                             : t.constant(t.rows(states), 0);
  state = walk(op.getReverse(), state, [&] { loadTiles(); },
               [&](Value row0, SmallVectorImpl<Value> &next) {
                 // What the next steps begin with stands before these, whose exponentials leave it time.
                 int64_t parts = config.unroll / stepsAtOnce();
                 auto part = [&](int64_t i) {
                   return prepare(t.add(row0, (op.getReverse() ? parts - 1 - i : i) * stepsAtOnce()));
                 };
                 Steps now = part(0);
                 for (int64_t i = 0; i < parts; ++i) {
                   Steps then = i + 1 < parts ? part(i + 1) : Steps();
                   next.front() = advance(now, next.front());
                   now = then;
                 }
               })
              .front();
  if (op.getState())
    t.storeChannels(state, tensor(op.getState()), {entry, channel0, zero}, /*transposed=*/true);
}

Value SelectiveScanKernel::timeTile(Value value, Value time) {
  Type element = getElementTypeOrSelf(value.getType());
  return t.load(tensor(value), {batch, time, channel0},
                sharedTile(config.steps, t.channels, element), config.stages);
}

Value SelectiveScanKernel::stateTile(Value value, Value time) {
  Type element = getElementTypeOrSelf(value.getType());
  return t.load(tensor(value), {batch, time, group, t.index(0)},
                sharedTile(config.steps, states, element), config.stages);
}

void SelectiveScanKernel::loadTiles() {
  Value time = t.add(start, tile0);
  uTile = timeTile(op.getU(), time);
  deltaTile = op.getDelta() == op.getU() ? uTile : timeTile(op.getDelta(), time);
  if (!constantB)
    bTile = stateTile(op.getB(), time);
  if (!constantC)
    cTile = op.getC() == op.getB() ? bTile : stateTile(op.getC(), time);
  if (Value gate = op.getGate())
    gateTile = gate == op.getU() ? uTile : gate == op.getDelta() ? deltaTile : timeTile(gate, time);
}

/// What a step leaves of the states. Some exponentials are polynomials, so that the special-function unit is not
/// what all wait for; in f32 all are, because that unit is not accurate enough for a thousand steps.
Value SelectiveScanKernel::decayOf(Value exponent) {
  Value decay = t.exp2(exponent);
  if (config.polynomials)
    decay.getDefiningOp()->setAttr(kPolynomialAttr, builder.getI64IntegerAttr(config.polynomials));
  if (getElementTypeOrSelf(op.getU().getType()).isF32())
    decay.getDefiningOp()->setAttr(kAccurateAttr, builder.getUnitAttr());
  return decay;
}

/// What enters or reads the states at a step: a row of b or c, or what is constant in time.
Value SelectiveScanKernel::input(Value tile, Value perChannel, Value row0, int64_t step) {
  if (perChannel)
    return perChannel;
  Value row = t.readStates(tile, row0, step);
  return t.broadcast(row, t.rows(states));
}

/// What the steps from a row of the tiles on that are taken at once begin with.
SelectiveScanKernel::Steps SelectiveScanKernel::prepare(Value row0) {
  int64_t count = stepsAtOnce();
  Value u = t.readRows(uTile, row0, count);
  Value dt = t.readRows(deltaTile, row0, count);
  if (bias)
    dt = t.addf(dt, t.broadcast(bias, dt.getType()));
  if (op.getSoftplus())
    dt = t.softplus(dt);
  Value x = t.mulf(dt, u);
  // Steps behind the end leave the state as it is, where it goes on to be seen.
  Value last = t.sub(t.sub(length, tile0), row0); // steps from here to the end
  bool masked = isMasked();
  if (masked) {
    Value row = t.make<IotaOp>(t.states(count, builder.getIndexType()), t.index(0));
    Value bound = t.make<BroadcastOp>(row.getType(), last);
    Value inside = t.compare(arith::CmpIPredicate::slt, row, bound);
    inside = t.broadcast(inside, t.rows(count, builder.getI1Type()));
    dt = t.select(inside, dt, t.constantLike(dt, 0));
    x = t.select(inside, x, t.constantLike(x, 0));
  }
  return {row0, u, dt, x, last};
}

/// Takes those steps, and gives the state behind them.
Value SelectiveScanKernel::advance(const Steps &steps, Value state) {
  auto [row0, u, dt, x, last] = steps;
  int64_t count = stepsAtOnce();
  auto tiled = [&](Value row) { return t.broadcast(row, t.rows(states)); };
  SmallVector<Value> outputs(count);
  Value y = config.products ? t.constant(t.rows(count), 0) : Value();
  for (int64_t i = 0; i < count; ++i) {
    int64_t step = op.getReverse() ? count - 1 - i : i;
    Value decay = decayOf(t.mulf(rate, tiled(t.rowOf(dt, step))));
    Value entering = config.products ? t.make<OuterOp>(t.rows(states), x, step, bTile, row0)
                                     : input(bTile, constantB, row0, step);
    if (isMasked() && op.isPacked()) { // the next sequence may hold anything
      Value inside = t.compare(arith::CmpIPredicate::sgt, last, t.index(step));
      entering = t.select(t.spread(inside, entering), entering, t.constantLike(entering, 0));
    }
    if (config.products) {
      state = t.fma(decay, state, entering);
      y = t.make<ContractOp>(state, cTile, row0, y, step);
      continue;
    }
    state = t.fma(decay, state, t.mulf(entering, tiled(t.rowOf(x, step))));
    outputs[step] = t.partialSum(t.mulf(input(cTile, constantC, row0, step), state));
  }
  if (!config.products)
    y = t.sums(outputs);
  if (skip)
    y = t.fma(u, t.broadcast(skip, u.getType()), y);
  if (gateTile)
    y = t.mulf(y, t.silu(t.readRows(gateTile, row0, count)));
  Value time = t.add(t.add(start, tile0), row0);
  t.storeChannels(y, tensor(op.getY()), {batch, time, channel0}, /*transposed=*/false,
                  op.isPacked() ? last : Value());
  return state;
}

LogicalResult longwing::lowerSelectiveScan(seq::SelectiveScanOp op, SymbolTable &symbols) {
  ScanPair pair = ScanPair::read(op);
  SelectiveScanKernel many(op, pair.many, {pair.few ? Share::IfMany : Share::Always, pair.sequences});
  SmallVector<LaunchBuilder::Run> runs = {many.create(symbols, "")};
  if (pair.few)
    runs.push_back(SelectiveScanKernel(op, *pair.few, {Share::IfFew, pair.sequences})
                       .create(symbols, "_of_few"));
  return many.launch.replace(runs, op.getNamedShapes());
}
