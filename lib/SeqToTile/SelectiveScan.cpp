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
// and where these are complex, y is twice the real part; in memory the parts of a number are neighbours.
//
// What belongs to a channel and a step (softplus, skip, gate) is computed for several steps at
// once, spread over the lanes that share the channel.
//
//===----------------------------------------------------------------------===//

#include "SelectiveReach.h"
#include "SeqToTile.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

class SelectiveScanKernel : ChannelKernel {
public:
  /// With `early` sequences may be taken by segments.
  SelectiveScanKernel(seq::SelectiveScanOp op, const ScanConfig &config, Share share, const EarlySegments *early)
      : ChannelKernel(op, config, config.lanes), op(op), share(share), early(early), states(statesOf(op)) {}

  LaunchBuilder::Run create(SymbolTable &symbols, StringRef suffix);
  /// The kernel of segments side by side.
  LaunchBuilder::Run createSegments(SymbolTable &symbols);
  using ChannelKernel::launch;

private:
  KernelOp beginKernel(SymbolTable &symbols, StringRef suffix);
  void addTensors();
  void work(Value block, Value entry);
  void enterSegment(Value entry, Value segment, Value segments, Value block);
  void loadTiles();
  void walkTile(States &state);
  /// Of `unroll` steps from a row on what belongs to a channel and a step: u, the size of the step, and what enters.
  struct Steps {
    Value u, dt, x;
  };
  Steps prepare(Value row0);
  Value following(Value row0);
  /// Without outputs for the state alone.
  void walkSteps(Value row0, States &state, bool outputs);
  /// Numbers of memory that a state is.
  int64_t parts() { return op.getComplex() ? 2 : 1; }
  Number numberOf(ValueRange values) { return {values[0], op.getComplex() ? values[1] : Value()}; }
  /// Numbers for each state and channel of a tensor [.., D, N].
  Number perState(Value value, SmallVector<Value> at);
  bool isAhead();
  /// Whether steps behind the end must leave the state as it is.
  bool isMasked() { return op.getState() || op.getReverse(); }
  Value timeTile(Value view, Value time);
  Value stateTile(Value view, Value time);
  Number decayOf(Value dt);
  Number input(Value tile, Number perChannel, Value row0, int64_t step);

  seq::SelectiveScanOp op;
  Share share;
  const EarlySegments *early;
  int64_t states;

  // Of the work tile that is being written: of a segment how many steps are for the state alone; whether it begins with the
  // sequence, if that is a question, and whether it ends with it; and its channels.
  Value steps, isFirst, isLast;
  Value channel0, group;
  Value skip, bias;
  Number rate, constantB, constantC;
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
      return launch.view(value, op.getComplex());
    launch.boxes(value, {1, config.steps, 1, boxColumns(parts() * states, getElementTypeOrSelf(value.getType()))},
                 op.getComplex());
  };
  steps(op.getU());
  steps(op.getDelta());
  coefficients(op.getB(), op.hasConstantB());
  coefficients(op.getC(), op.hasConstantC());
  steps(op.getGate());
  launch.view(op.getA(), op.getComplex());
  for (Value value : {Value(op.getSkip()), Value(op.getBias())})
    launch.view(value);
  launch.view(op.getInit(), op.getComplex());
  for (Value value : {Value(op.getOffsets()), Value(op.getY())})
    launch.view(value);
  launch.view(op.getState(), op.getComplex());
  if (early)
    launch.view(early->reach), launch.view(early->tooLong);
}

KernelOp SelectiveScanKernel::beginKernel(SymbolTable &symbols, StringRef suffix) {
  addTensors();
  return begin(symbols, ("_selective_scan" + suffix).str(), /*registers=*/op.getComplex() ? 40 : 24);
}

LaunchBuilder::Run SelectiveScanKernel::create(SymbolTable &symbols, StringRef suffix) {
  KernelOp kernel = beginKernel(symbols, suffix);
  return overSequences(kernel, op.getChannels(), op.getU(), op.getOffsets(), share, [&](Value block, Value entry) {
    if (early && share.when == Share::IfFew) { // unless segments have been taken
      Value taken = early->forgets(t, tensor(early->tooLong), early->count(t, t.dim(tensor(op.getU()), 0), length));
      isWalked = isLast = t.make<arith::XOrIOp>(taken, t.make<arith::ConstantOp>(builder.getBoolAttr(true)));
    }
    work(block, entry);
  });
}

LaunchBuilder::Run SelectiveScanKernel::createSegments(SymbolTable &symbols) {
  KernelOp kernel = beginKernel(symbols, "_segments");
  int64_t blocks = llvm::divideCeil(op.getChannels(), t.channels);
  auto sizes = [&](TileBuilder &t, Value entries, Value length) -> SmallVector<Value> {
    Value segments = early->count(t, entries, length), isCut = t.min(t.sub(segments, t.index(1)), t.index(1));
    return {t.index(blocks), t.make<arith::MulIOp>(share.of(t, entries), isCut), segments};
  };
  Value u = tensor(op.getU());
  SmallVector<Value> own = sizes(t, t.dim(u, 0), t.dim(u, 1));
  ValueRange at = forEach(own);
  enterSegment(at[1], at[2], own[2], at[0]);
  work(at[0], at[1]);
  explain(kernel, llvm::formatv("segments side by side: tiles of {0} steps, the first of which are for the state alone", config.steps),
          llvm::formatv("{0} x {1} channels of a sequence leave multiprocessors idle; where a state knows too much, and where "
                        "sequences are short, another kernel takes whole ones",
                        blocks, t.channels));
  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  auto size = [&](int64_t dim) { return host.make<tensor::DimOp>(op.getU(), dim); };
  return {kernel, sizes(host, size(0), size(1))};
}

/// A part of a sequence as if it were one: the steps that a segment begins early by, and its own.
void SelectiveScanKernel::enterSegment(Value entry, Value segment, Value segments, Value block) {
  Value zero = t.index(0), whole = t.dim(tensor(op.getU()), 1);
  Value ofSegment = early->steps(t, whole, segments), first = t.make<arith::MulIOp>(segment, ofSegment);
  steps = early->early(t, tensor(early->reach), entry, segment, segments, block);
  Value some = t.both(t.compare(arith::CmpIPredicate::slt, first, whole),
                      early->forgets(t, tensor(early->tooLong), segments));
  batch = entry, start = t.sub(first, steps);
  length = t.select(some, t.add(steps, t.min(ofSegment, t.sub(whole, first))), zero);
  isFirst = t.compare(arith::CmpIPredicate::eq, segment, zero);
  isLast = t.both(some, t.compare(arith::CmpIPredicate::sge, t.add(first, ofSegment), whole));
}

/// One block of channels of one sequence.
void SelectiveScanKernel::work(Value block, Value entry) {
  Value zero = t.index(0);
  channel0 = t.mul(block, t.channels);
  group = op.getGroups() > 1 ? t.floorDiv(channel0, op.getChannels() / op.getGroups()) : zero;
  auto perChannel = [&](Value value) {
    return value ? t.loadChannels(tensor(value), channel0, t.row()) : Value();
  };
  rate = perState(op.getA(), {channel0, zero});
  rate.re = t.mulf(rate.re, kLog2E);
  skip = perChannel(op.getSkip()), bias = perChannel(op.getBias());
  if (op.hasConstantB())
    constantB = perState(op.getB(), {channel0, zero});
  if (op.hasConstantC())
    constantC = perState(op.getC(), {channel0, zero});

  SmallVector<Value> state(parts(), t.constant(t.rows(states), 0));
  if (op.getInit()) {
    Number init = perState(op.getInit(), {entry, channel0, zero});
    if (isFirst)
      init.re = t.select(t.spread(isFirst, init.re), init.re, state.front());
    state.front() = init.re, state.back() = init.im ? init.im : init.re;
  }
  state = forEachTile(op.getReverse(), state, [&] { loadTiles(); }, [&](States &next) { walkTile(next); });
  if (!op.getState())
    return;
  auto store = [&] {
    Value numbers = op.getComplex() ? t.interleaved(numberOf(state), /*rows=*/true) : state.front();
    t.storeChannels(numbers, tensor(op.getState()), {entry, channel0, zero}, /*transposed=*/true);
  };
  if (!isLast)
    return store();
  scf::IfOp::create(builder, t.loc, isLast, [&](OpBuilder &, Location) {
    store();
    scf::YieldOp::create(builder, t.loc);
  });
}

/// A tile of steps, whose outputs another segment may have.
void SelectiveScanKernel::walkTile(States &next) {
  SmallVector<Value> before(next.begin(), next.end());
  if (isAhead()) {
    Value rows = t.min(t.ceilDiv(t.sub(length, tile0), config.unroll), t.index(config.steps / config.unroll));
    Value first = op.getReverse() ? t.max(t.sub(rows, t.index(1)), t.index(0)) : t.index(0);
    Steps steps = prepare(t.mul(first, config.unroll));
    before.append({steps.u, steps.dt, steps.x});
  }
  auto walk = [&](bool outputs) {
    SmallVector<Value> last = forEachRow(op.getReverse(), before, [&](Value row0, States &state) { walkSteps(row0, state, outputs); });
    last.resize(next.size());
    return last;
  };
  SmallVector<Value> last;
  if (!steps) {
    last = walk(true);
  } else {
    auto branch = scf::IfOp::create(
        builder, t.loc, t.compare(arith::CmpIPredicate::slt, tile0, steps),
        [&](OpBuilder &, Location) { scf::YieldOp::create(builder, t.loc, walk(false)); },
        [&](OpBuilder &, Location) { scf::YieldOp::create(builder, t.loc, walk(true)); });
    last = branch.getResults();
  }
  next.assign(last.begin(), last.end());
}

Number SelectiveScanKernel::perState(Value value, SmallVector<Value> at) {
  Value numbers = t.loadChannels(tensor(value), at, t.rows(parts() * states), /*transposed=*/true);
  return op.getComplex() ? t.parts(numbers, /*rows=*/true) : Number{numbers};
}

Value SelectiveScanKernel::timeTile(Value value, Value time) {
  Type element = getElementTypeOrSelf(value.getType());
  return t.load(tensor(value), {batch, time, channel0},
                sharedTile(config.steps, t.channels, element), config.stages);
}

Value SelectiveScanKernel::stateTile(Value value, Value time) {
  Type element = getElementTypeOrSelf(value.getType());
  return t.load(tensor(value), {batch, time, group, t.index(0)},
                sharedTile(config.steps, parts() * states, element), config.stages);
}

void SelectiveScanKernel::loadTiles() {
  Value time = t.add(start, tile0);
  uTile = timeTile(op.getU(), time);
  deltaTile = op.getDelta() == op.getU() ? uTile : timeTile(op.getDelta(), time);
  if (!constantB.re)
    bTile = stateTile(op.getB(), time);
  if (!constantC.re)
    cTile = op.getC() == op.getB() ? bTile : stateTile(op.getC(), time);
  auto widened = [&](Value tile) {
    return t.make<WidenOp>(sharedTile(config.steps, states, builder.getF32Type()), tile, Value());
  };
  if (config.widen) { // neither is constant
    Value narrow = bTile;
    bTile = widened(bTile);
    cTile = cTile == narrow ? bTile : widened(cTile);
  }
  if (Value gate = op.getGate())
    gateTile = gate == op.getU() ? uTile : gate == op.getDelta() ? deltaTile : timeTile(gate, time);
}

/// What a step leaves of the states. Some exponentials are polynomials, so that the special-function unit is not
/// what all wait for; in f32 all are, because that unit is not accurate enough for a thousand steps.
Number SelectiveScanKernel::decayOf(Value dt) {
  Value size = t.exp2(t.mulf(rate.re, dt));
  if (config.polynomials)
    size.getDefiningOp()->setAttr(kPolynomialAttr, builder.getI64IntegerAttr(config.polynomials));
  if (getElementTypeOrSelf(op.getU().getType()).isF32())
    size.getDefiningOp()->setAttr(kAccurateAttr, builder.getUnitAttr());
  if (!rate.im)
    return {size};
  Number direction = t.direction(t.mulf(rate.im, dt));
  return {t.mulf(size, direction.re), t.mulf(size, direction.im)};
}

/// What enters or reads the states at a step: a row of b or c, or what is constant in time.
Number SelectiveScanKernel::input(Value tile, Number perChannel, Value row0, int64_t step) {
  if (perChannel.re)
    return perChannel;
  Value row = t.readStates(tile, row0, step);
  auto tiled = [&](Value value) { return t.broadcast(value, t.rows(states)); };
  if (!op.getComplex())
    return {tiled(row)};
  Number numbers = t.parts(row, /*rows=*/true);
  return {tiled(numbers.re), tiled(numbers.im)};
}

/// Whether step sizes are known before the steps before them end. Softplus is a long chain, which few warps have nothing else to do
/// under: those of one channel for each thread, where others leave the card idle.
bool SelectiveScanKernel::isAhead() {
  return config.lanes >= 8 && config.width == 1 && !op.getComplex() && !getElementTypeOrSelf(op.getU().getType()).isF32();
}

/// The row behind `unroll` steps; behind the last ones of a tile, where nobody takes what is known of it, those themselves.
Value SelectiveScanKernel::following(Value row0) {
  if (op.getReverse())
    return t.max(t.sub(row0, t.index(config.unroll)), t.index(0));
  return t.min(t.add(row0, config.unroll), t.index(config.steps - config.unroll));
}

SelectiveScanKernel::Steps SelectiveScanKernel::prepare(Value row0) {
  int64_t count = config.unroll;
  Value u = t.readRows(uTile, row0, count), dt = t.readRows(deltaTile, row0, count);
  if (bias)
    dt = t.addf(dt, t.broadcast(bias, dt.getType()));
  if (op.getSoftplus())
    dt = t.softplus(dt);
  Value x = t.mulf(dt, u);
  // Steps behind the end leave the state as it is, where it goes on to be seen.
  if (isMasked()) {
    Value last = t.sub(t.sub(length, tile0), row0);
    Value row = t.make<IotaOp>(t.states(count, builder.getIndexType()), t.index(0));
    Value bound = t.make<BroadcastOp>(row.getType(), last);
    Value inside = t.compare(arith::CmpIPredicate::slt, row, bound);
    inside = t.broadcast(inside, t.rows(count, builder.getI1Type()));
    dt = t.select(inside, dt, t.constantLike(dt, 0));
    x = t.select(inside, x, t.constantLike(x, 0));
  }
  return {u, dt, x};
}

/// Takes the states over `unroll` steps from a row of the tiles on.
void SelectiveScanKernel::walkSteps(Value row0, States &next, bool hasOutputs) {
  int64_t count = config.unroll;
  Value last = t.sub(t.sub(length, tile0), row0); // steps from here to the end
  Steps now = isAhead() ? Steps{next.end()[-3], next.end()[-2], next.end()[-1]} : prepare(row0), ahead;
  auto tiled = [&](Value row) { return t.broadcast(row, t.rows(states)); };
  SmallVector<Value> outputs(count);
  Number state = numberOf(next);
  for (int64_t i = 0; i < count; ++i) {
    if (isAhead() && i == count / 4)
      ahead = prepare(following(row0));
    int64_t step = op.getReverse() ? count - 1 - i : i;
    Number decay = decayOf(tiled(t.rowOf(now.dt, step))), entering = input(bTile, constantB, row0, step);
    Value inside;
    if (isMasked() && op.isPacked()) // the next sequence may hold anything
      inside = t.compare(arith::CmpIPredicate::sgt, last, t.index(step));
    Value x = tiled(t.rowOf(now.x, step));
    for (Value *part : {&entering.re, &entering.im}) {
      if (!*part)
        continue;
      if (inside)
        *part = t.select(t.spread(inside, *part), *part, t.constantLike(*part, 0));
      *part = t.mulf(*part, x);
    }
    state = t.fma(decay, state, entering);
    if (!hasOutputs)
      continue;
    Number c = input(cTile, constantC, row0, step);
    Value real = t.mulf(c.re, state.re);
    if (c.im)
      real = t.fma(t.make<arith::NegFOp>(c.im), state.im, real);
    outputs[step] = t.partialSum(real);
  }
  next.front() = state.re;
  if (state.im)
    next.back() = state.im;
  if (isAhead())
    next.pop_back_n(3), next.append({ahead.u, ahead.dt, ahead.x});
  if (!hasOutputs)
    return;
  Value y = t.sums(outputs);
  if (op.getComplex())
    y = t.mulf(y, 2);
  if (skip)
    y = t.fma(now.u, t.broadcast(skip, now.u.getType()), y);
  if (gateTile)
    y = t.mulf(y, t.silu(t.readRows(gateTile, row0, count), op.getY().getType().getElementType()));
  Value time = t.add(t.add(start, tile0), row0);
  t.storeChannels(y, tensor(op.getY()), {batch, time, channel0}, /*transposed=*/false,
                  op.isPacked() ? last : Value());
}

LogicalResult longwing::lowerSelectiveScan(seq::SelectiveScanOp op, SymbolTable &symbols) {
  ScanPair pair = ScanPair::read(op);
  Share ofFew = {Share::IfFew, pair.sequences};
  std::optional<EarlySegments> early;
  if (pair.places)
    early.emplace(op, pair).launch(symbols, ofFew);
  const EarlySegments *segments = early ? &*early : nullptr;
  SelectiveScanKernel many(op, pair.many, {pair.few ? Share::IfMany : Share::Always, pair.sequences}, segments);
  SmallVector<LaunchBuilder::Run> runs = {many.create(symbols, "")};
  if (early)
    runs.push_back(SelectiveScanKernel(op, pair.many, ofFew, segments).createSegments(symbols));
  if (pair.few)
    runs.push_back(SelectiveScanKernel(op, *pair.few, ofFew, segments).create(symbols, "_of_few"));
  return many.launch.replace(runs, op.getNamedShapes());
}
