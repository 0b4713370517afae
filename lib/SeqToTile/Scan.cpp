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
// Of two exponentials relative to their maximum one is 1, so that each comparison costs one. Weights of
// several steps that are not far apart (2^60) are seen from one maximum, and cost one each.
//
// Where channels and sequences are too few for the card, the CTAs of a cluster take tiles of steps in
// turns (`tile.chain`). What a tile does to the state is known before the state is:
//
//   linear, log:  h' = A h + H, with A the product of the decays and H what becomes of a state of zero;
//                 the products and states up to each step stay in registers, and y = A h + H
//   wkv:          (p, q, m)' is the sum of (p, q, m + n w) and what becomes of no past in n steps; with
//                 the state before the tile, its steps are walked once more
//
//===----------------------------------------------------------------------===//

#include "ChannelKernel.h"
#include "SeqToTile.h"

#include "longwing/Seq/StepConfig.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

class ScanKernel : ChannelKernel {
public:
  ScanKernel(seq::ScanOp op, const ScanConfig &config)
      : ChannelKernel(op, config, /*lanes=*/1), op(op) {}

  /// The kernel that walks whole sequences, and that of one step of each.
  LaunchBuilder::Run create(SymbolTable &symbols, StringRef suffix, Share share);
  LaunchBuilder::Run createStep(SymbolTable &symbols);
  using ChannelKernel::launch;

private:
  /// What varies with time, at some steps.
  struct Inputs {
    Value a, b, key;
  };
  using Steps = llvm::SmallVectorImpl<Value>;

  bool isWkv() { return op.getForm() == seq::ScanForm::Wkv; }
  /// Whether steps behind the end must leave the state as it is.
  bool isMasked() { return op.getState() || op.getReverse(); }
  void begin(Value block, Value sequence);
  void load();
  Inputs prepare(Inputs inputs);
  Inputs read(Value row0, int64_t count);
  SmallVector<Value> initialState();
  void storeState(ValueRange state);

  Value advance(const Inputs &inputs, States &state);
  Value advanceWkv(Value v, Value k, States &state);
  void enterWkv(Value v, Value k, States &state);
  SmallVector<Value> stepsOf(const Inputs &all, Value row0, bool outputs, States &state);
  SmallVector<Value> stepsFromOneMaximum(const Inputs &all, Value greatest, Value row0, bool outputs,
                                         States &state);
  SmallVector<Value> stepsWkv(const Inputs &all, Value row0, bool outputs, States &state);
  std::array<Value, 3> weigh(Value x, Value y);
  void keepOutside(Value steps, int64_t step, ValueRange before, States &state);

  Value stepsLeft(Value row0) { return t.sub(t.sub(length, tile0), row0); }
  int64_t inTime(int64_t i, int64_t count) { return op.getReverse() ? count - 1 - i : i; }
  void steps(Value row0, States &state);
  void share(States &state);
  void shareWkv(States &state);
  void store(ValueRange rows, Value row0);

  seq::ScanOp op;
  Value entry, channel0;
  Value decay, bonus;    // constant in time
  Value factor, present; // 2^decay, 2^bonus
  Inputs tiles;
};

} // namespace

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

LaunchBuilder::Run ScanKernel::create(SymbolTable &symbols, StringRef suffix, Share share) {
  SmallVector<Value> steps = {op.getB()}, others = {op.getY()};
  (op.hasConstantDecay() ? others : steps).push_back(op.getA());
  steps.push_back(op.getKey());
  others.append({op.getBonus(), op.getInit(), op.getOffsets(), op.getState()});
  for (Value value : steps)
    if (value)
      launch.boxes(value, {1, config.steps, boxColumns(t.channels, getElementTypeOrSelf(value.getType()))});
  for (Value value : others)
    launch.view(value);

  KernelOp kernel = ChannelKernel::begin(symbols, ("_scan" + suffix).str(), /*registers=*/24);
  auto work = [&](Value block, Value sequence) {
    begin(block, sequence);
    auto body = [&](States &state) {
      if (config.cluster > 1)
        return isWkv() ? shareWkv(state) : this->share(state);
      SmallVector<Value> last = forEachRow(op.getReverse(), state, [&](Value row0, States &next) {
        this->steps(row0, next);
      });
      state.assign(last.begin(), last.end());
    };
    storeState(forEachTile(op.getReverse(), initialState(), [&] { load(); }, body));
  };
  return overSequences(kernel, op.getChannels(), op.getB(), op.getOffsets(), share, work);
}

/// No copy engine and no SRAM take part: a step is as long as its way through memory.
LaunchBuilder::Run ScanKernel::createStep(SymbolTable &symbols) {
  for (ValueRange values : {ValueRange(op->getOperands()), ValueRange(op->getResults())})
    for (Value value : values)
      launch.view(value);
  KernelOp kernel = ChannelKernel::begin(symbols, "_scan_step", /*registers=*/0);
  auto work = [&](Value block, Value sequence) {
    begin(block, sequence);
    auto at = [&](Value value) -> Value {
      return value ? t.loadChannels(tensor(value), {batch, start, channel0}, t.row()) : Value();
    };
    SmallVector<Value> state = initialState();
    Value y = advance(prepare({decay ? Value() : at(op.getA()), at(op.getB()), at(op.getKey())}), state);
    t.storeChannels(y, tensor(op.getY()), {batch, start, channel0});
    storeState(state);
  };
  return overSequences(kernel, op.getChannels(), op.getB(), /*offsets=*/{}, {}, work);
}

/// A block of channels of a sequence: what is constant in time.
void ScanKernel::begin(Value block, Value sequence) {
  entry = sequence, channel0 = t.mul(block, t.channels);
  if (op.hasConstantDecay()) {
    decay = t.loadChannels(tensor(op.getA()), channel0, t.row());
    if (op.getForm() != seq::ScanForm::Linear)
      decay = t.mulf(decay, kLog2E);
    if (op.getForm() == seq::ScanForm::Log)
      decay = t.exp2(decay);
  }
  if (!isWkv())
    return;
  bonus = t.mulf(t.loadChannels(tensor(op.getBonus()), channel0, t.row()), kLog2E);
  factor = t.exp2(decay), present = t.exp2(bonus);
}

SmallVector<Value> ScanKernel::initialState() {
  Value init = op.getInit();
  if (!isWkv())
    return {init ? t.loadChannels(tensor(init), {entry, channel0}, t.row()) : t.constant(t.row(), 0)};
  if (!init)
    return {t.constant(t.row(), 0), t.constant(t.row(), 0),
            t.constant(t.row(), -std::numeric_limits<double>::infinity())};
  SmallVector<Value> state;
  for (int64_t i = 0; i < 3; ++i)
    state.push_back(t.loadChannels(tensor(init), {entry, t.index(i), channel0}, t.row()));
  state[2] = t.mulf(state[2], kLog2E);
  return state;
}

void ScanKernel::storeState(ValueRange state) {
  if (!op.getState())
    return;
  if (!isWkv())
    return t.storeChannels(state[0], tensor(op.getState()), {entry, channel0});
  for (int64_t i = 0; i < 3; ++i)
    t.storeChannels(i < 2 ? state[i] : t.mulf(state[i], 1 / kLog2E), tensor(op.getState()),
                    {entry, t.index(i), channel0});
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// Decays as factors, and weights as exponents of 2.
ScanKernel::Inputs ScanKernel::prepare(Inputs inputs) {
  if (inputs.a && op.getForm() == seq::ScanForm::Log)
    inputs.a = t.exp2(t.mulf(inputs.a, kLog2E));
  if (inputs.key)
    inputs.key = t.mulf(inputs.key, kLog2E);
  return inputs;
}

/// One step; gives y.
Value ScanKernel::advance(const Inputs &inputs, States &state) {
  if (isWkv())
    return advanceWkv(inputs.b, inputs.key, state);
  return state[0] = t.fma(inputs.a ? inputs.a : decay, state[0], inputs.b);
}

/// Of two exponents in base 2: the greater, and the weights 2^(x - greater), 2^(y - greater).
std::array<Value, 3> ScanKernel::weigh(Value x, Value y) {
  Value greater = t.maxf(x, y);
  Value distance = t.make<arith::SubFOp>(x, y);
  Value lesser = t.exp2(t.mulf(t.make<math::AbsFOp>(distance), -1));
  Value first = t.make<arith::CmpFOp>(arith::CmpFPredicate::OGE, x, y), one = t.constantLike(x, 1);
  return {greater, t.select(first, one, lesser), t.select(first, lesser, one)};
}

Value ScanKernel::advanceWkv(Value v, Value k, States &state) {
  auto [seen, past, present] = weigh(state[2], t.addf(k, bonus));
  Value top = t.fma(past, state[0], t.mulf(present, v)), bottom = t.fma(past, state[1], present);
  enterWkv(v, k, state);
  return t.make<arith::DivFOp>(top, bottom, arith::FastMathFlags::afn);
}

/// The past decays, and the present becomes part of it.
void ScanKernel::enterWkv(Value v, Value k, States &state) {
  auto [next, kept, entering] = weigh(t.addf(state[2], decay), k);
  state[0] = t.fma(kept, state[0], t.mulf(entering, v));
  state[1] = t.fma(kept, state[1], entering);
  state[2] = next;
}

/// Takes back a step that is none of the next `steps` before the end.
void ScanKernel::keepOutside(Value steps, int64_t step, ValueRange before, States &state) {
  Value inside = t.compare(arith::CmpIPredicate::sgt, steps, t.index(step));
  for (auto [value, old] : llvm::zip(state, before))
    value = t.select(t.spread(inside, value), value, old);
}

//===----------------------------------------------------------------------===//
// Tiles of steps
//===----------------------------------------------------------------------===//

void ScanKernel::load() {
  llvm::MapVector<Value, Value> loaded;
  auto tile = [&](Value value) -> Value {
    if (!value)
      return {};
    Value &known = loaded[value];
    if (!known)
      known = t.load(tensor(value), {batch, t.add(start, tile0), channel0},
                     sharedTile(config.steps, t.channels, getElementTypeOrSelf(value.getType())),
                     config.stages);
    return known;
  };
  tiles.b = tile(op.getB());
  tiles.a = tile(decay ? Value() : op.getA());
  tiles.key = tile(op.getKey());
}

ScanKernel::Inputs ScanKernel::read(Value row0, int64_t count) {
  auto rows = [&](Value tile) { return tile ? t.readRows(tile, row0, count) : Value(); };
  Inputs inputs;
  inputs.b = rows(tiles.b), inputs.a = rows(tiles.a), inputs.key = rows(tiles.key);
  return prepare(inputs);
}

/// Writes neighbouring rows of results; those behind the end are dropped.
void ScanKernel::store(ValueRange rows, Value row0) {
  SmallVector<Value> single;
  for (Value row : rows)
    single.push_back(t.broadcast(row, t.rows(1)));
  Value time = t.add(t.add(start, tile0), row0);
  t.storeChannels(t.sums(single), tensor(op.getY()), {batch, time, channel0}, /*transposed=*/false,
                  op.isPacked() ? stepsLeft(row0) : Value());
}

static Value rowOf(ChannelBuilder &t, Value tile, int64_t step) {
  return tile ? t.rowOf(tile, step) : Value();
}

/// `unroll` steps from a row of the tiles on; gives their results, or takes only the state over them.
SmallVector<Value> ScanKernel::stepsOf(const Inputs &all, Value row0, bool outputs, States &state) {
  Value last = stepsLeft(row0);
  SmallVector<Value> rows(outputs ? config.unroll : 0);
  for (int64_t i = 0; i < config.unroll; ++i) {
    int64_t step = inTime(i, config.unroll);
    SmallVector<Value> before(state.begin(), state.end());
    Inputs inputs = {rowOf(t, all.a, step), rowOf(t, all.b, step), rowOf(t, all.key, step)};
    if (outputs)
      rows[step] = advance(inputs, state);
    else
      enterWkv(inputs.b, inputs.key, state);
    if (isMasked())
      keepOutside(last, step, before, state);
  }
  return rows;
}

void ScanKernel::steps(Value row0, States &state) {
  Inputs all = read(row0, config.unroll);
  store(isWkv() ? stepsWkv(all, row0, /*outputs=*/true, state)
                : stepsOf(all, row0, /*outputs=*/true, state),
        row0);
}

/// The same of wkv, with weights relative to one exponent that is none of theirs' less.
SmallVector<Value> ScanKernel::stepsFromOneMaximum(const Inputs &all, Value greatest, Value row0,
                                                   bool outputs, States &state) {
  Value last = stepsLeft(row0), past = t.exp2(t.make<arith::SubFOp>(state[2], greatest));
  SmallVector<Value> rows(outputs ? config.unroll : 0);
  SmallVector<Value> sums = {t.mulf(past, state[0]), t.mulf(past, state[1])};
  for (int64_t i = 0; i < config.unroll; ++i) {
    int64_t step = inTime(i, config.unroll);
    SmallVector<Value> before = sums;
    Value weight = t.exp2(t.make<arith::SubFOp>(t.rowOf(all.key, step), greatest));
    Value value = t.mulf(weight, t.rowOf(all.b, step));
    if (outputs)
      rows[step] = t.make<arith::DivFOp>(t.fma(present, value, sums[0]), t.fma(present, weight, sums[1]),
                                         arith::FastMathFlags::afn);
    sums[0] = t.fma(factor, sums[0], value), sums[1] = t.fma(factor, sums[1], weight);
    if (isMasked())
      keepOutside(last, step, before, sums);
  }
  state[0] = sums[0], state[1] = sums[1], state[2] = greatest;
  return rows;
}

/// Exponents of base 2 that are no further apart keep their sums in f32; so does the present, with its
/// bonus.
static constexpr double kNear = 60;

SmallVector<Value> ScanKernel::stepsWkv(const Inputs &all, Value row0, bool outputs, States &state) {
  Value least = t.rowOf(all.key, 0), greatest = t.maxf(state[2], least);
  for (int64_t step = 1; step < config.unroll; ++step) {
    Value key = t.rowOf(all.key, step);
    least = t.minf(least, key), greatest = t.maxf(greatest, key);
  }
  auto atMost = [&](Value x, Value y) {
    return t.make<arith::CmpFOp>(arith::CmpFPredicate::OLE, x, y);
  };
  Value near = t.constantLike(least, kNear);
  Value quick = t.both(atMost(t.make<arith::SubFOp>(greatest, least), near),
                       atMost(t.make<math::AbsFOp>(bonus), near));
  size_t results = outputs ? config.unroll : 0;
  auto branch = scf::IfOp::create(builder, t.loc, SmallVector<Type>(3 + results, t.row()),
                                  t.make<AllOp>(builder.getI1Type(), quick), /*withElse=*/true);
  for (bool isQuick : {true, false}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(isQuick ? branch.thenBlock() : branch.elseBlock());
    SmallVector<Value> next(state.begin(), state.end());
    SmallVector<Value> rows = isQuick ? stepsFromOneMaximum(all, greatest, row0, outputs, next)
                                      : stepsOf(all, row0, outputs, next);
    next.append(rows);
    scf::YieldOp::create(builder, t.loc, next);
  }
  for (size_t i = 0; i < 3; ++i)
    state[i] = branch.getResult(i);
  return llvm::to_vector(ValueRange(branch.getResults()).drop_front(3));
}

//===----------------------------------------------------------------------===//
// Tiles of a cluster
//===----------------------------------------------------------------------===//

/// All steps of the tile, as products and states from zero on; then from the state before it.
void ScanKernel::share(States &state) {
  int64_t count = config.steps, group = config.unroll;
  Value last = stepsLeft(t.index(0)), zero = t.constant(t.row(), 0), one = t.constant(t.row(), 1);
  SmallVector<Value> factors(count), sums(count);
  Value factor = one, sum = zero;
  for (int64_t i = 0; i < count; i += group) {
    int64_t row0 = inTime(i, count) / group * group;
    Inputs all = read(t.index(row0), group);
    for (int64_t j = 0; j < group; ++j) {
      int64_t step = inTime(j, group);
      Value a = all.a ? t.rowOf(all.a, step) : decay, b = t.rowOf(all.b, step);
      if (isMasked()) {
        Value inside = t.spread(t.compare(arith::CmpIPredicate::sgt, last, t.index(row0 + step)), a);
        a = t.select(inside, a, one), b = t.select(inside, b, zero);
      }
      sums[row0 + step] = sum = i + j ? t.fma(a, sum, b) : b;
      factors[row0 + step] = factor = i + j ? t.mulf(factor, a) : a;
    }
  }
  auto chain = ChainOp::create(builder, t.loc, ValueRange(state), ValueRange{factor, sum});
  {
    OpBuilder::InsertionGuard guard(builder);
    Block &block = chain.getCombine().front();
    builder.setInsertionPointToEnd(&block);
    Value next = t.fma(block.getArgument(1), block.getArgument(0), block.getArgument(2));
    YieldOp::create(builder, t.loc, next);
  }
  Value before = chain.getBefore()[0];
  state[0] = chain.getAfter()[0];
  for (int64_t row0 = 0; row0 < count; row0 += group) {
    SmallVector<Value> rows;
    for (int64_t step = row0; step < row0 + group; ++step)
      rows.push_back(t.fma(factors[step], before, sums[step]));
    store(rows, t.index(row0));
  }
}

/// An exponent far below any other, whose distance to one of -inf is a number.
static constexpr double kNothing = -1e30;

void ScanKernel::shareWkv(States &state) {
  Value zero = t.constant(t.row(), 0);
  // What becomes of no past, and how much a past decays.
  SmallVector<Value> nothing = {zero, zero, t.constant(t.row(), kNothing)};
  SmallVector<Value> part = forEachRow(op.getReverse(), nothing, [&](Value row0, States &next) {
    stepsWkv(read(row0, config.unroll), row0, /*outputs=*/false, next);
  });
  Value count = t.min(t.max(t.sub(length, tile0), t.index(0)), t.index(config.steps));
  count = t.make<arith::SIToFPOp>(builder.getF32Type(),
                                  t.make<arith::IndexCastOp>(builder.getI32Type(), count));
  part.push_back(t.mulf(decay, t.broadcast(count, t.row())));
  auto chain = ChainOp::create(builder, t.loc, ValueRange(state), ValueRange(part));
  {
    OpBuilder::InsertionGuard guard(builder);
    Block &block = chain.getCombine().front();
    builder.setInsertionPointToEnd(&block);
    auto past = block.getArguments().take_front(3), now = block.getArguments().drop_front(3);
    auto [greater, kept, entering] = weigh(t.addf(past[2], now[3]), now[2]);
    SmallVector<Value> next;
    for (int64_t i = 0; i < 2; ++i)
      next.push_back(t.fma(kept, past[i], t.mulf(entering, now[i])));
    next.push_back(greater);
    YieldOp::create(builder, t.loc, next);
  }
  state.assign(chain.getAfter().begin(), chain.getAfter().end());
  forEachRow(op.getReverse(), chain.getBefore(), [&](Value row0, States &next) { steps(row0, next); });
}

LogicalResult longwing::lowerScan(seq::ScanOp op, SymbolTable &symbols) {
  if (isStep(op)) {
    ScanKernel kernel(op, ScanConfig::read(op));
    LaunchBuilder::Run run = kernel.createStep(symbols);
    return kernel.launch.replace(run, op.getNamedShapes());
  }
  ScanPair pair = ScanPair::read(op);
  ScanKernel many(op, pair.many);
  SmallVector<LaunchBuilder::Run> runs = {
      many.create(symbols, "", {pair.few ? Share::IfMany : Share::Always, pair.sequences})};
  if (pair.few)
    runs.push_back(
        ScanKernel(op, *pair.few).create(symbols, "_of_few", {Share::IfFew, pair.sequences}));
  return many.launch.replace(runs, op.getNamedShapes());
}
