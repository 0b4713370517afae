//===- Scan.cpp - First-order recurrences as a tile program ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread owns neighbouring channels of one sequence and walks them in time:
//
//   linear, log:  h = a h + b, with a or exp(a); of complex numbers the thread has both parts
//   wkv:          y = (p + e v) / (q + e) with e = exp(bonus + k - m), seen from the greater of m
//                 and bonus + k; then what is past decays by w, and v enters with exp(k)
//
// Of two exponentials relative to their maximum one is 1, so that each comparison costs one. Weights of a
// tile that are not far apart (2^40) are seen from its first key: they cost one exponential each, and no
// comparison waits for a step.
//
// Where channels and sequences are too few for the card, the warps of a cluster take tiles of steps in
// turns (`tile.chain`). What a tile does to the state is known before the state is:
//
//   linear, log:  h' = A h + H, with A the product of the decays and H what becomes of a state of zero;
//                 the products and states up to each step stay in registers, and y = A h + H
//   wkv:          (p, q, m)' is the sum of (p, q, m + n w) and what becomes of no past in n steps; the
//                 weights of all steps stay in registers, and are summed once more from p and q on
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
    Number a, b;
    Value key;
  };
  using Steps = llvm::SmallVectorImpl<Value>;

  bool isWkv() { return op.getForm() == seq::ScanForm::Wkv; }
  /// Whether steps behind the end must leave the state as it is.
  bool isMasked() { return op.getState() || op.getReverse(); }
  /// Numbers of memory that a channel has.
  int64_t parts() { return op.getComplex() ? 2 : 1; }
  /// Elements of a tensor that the channels have, a row of them or several.
  RankedTensorType stored() {
    return RankedTensorType::get({parts() * t.channels}, builder.getF32Type(), t.row().getEncoding());
  }
  RankedTensorType stored(int64_t rows) {
    return RankedTensorType::get({rows, parts() * t.channels}, builder.getF32Type(), t.row().getEncoding());
  }
  Number number(Value elements) { return op.getComplex() ? t.parts(elements) : Number{elements}; }
  Value elements(Number x) { return op.getComplex() ? t.interleaved(x) : x.re; }
  /// The number that comes first among some values.
  Number numberOf(ValueRange values) { return {values[0], op.getComplex() ? values[1] : Value()}; }
  void append(Number x, States &values) {
    values.push_back(x.re);
    if (x.im)
      values.push_back(x.im);
  }
  Number constant(double value) {
    return {t.constant(t.row(), value), op.getComplex() ? t.constant(t.row(), 0) : Value()};
  }
  Number select(Value condition, Number x, Number y) {
    return {t.select(condition, x.re, y.re), x.im ? t.select(condition, x.im, y.im) : Value()};
  }

  void begin(Value block, Value sequence);
  void load();
  Inputs prepare(Inputs inputs);
  Inputs read(Value row0, int64_t count);
  SmallVector<Value> initialState();
  void storeState(ValueRange state);

  Number advance(const Inputs &inputs, States &state);
  Value advanceWkv(Value v, Value k, States &state);
  void enterWkv(Value v, Value k, States &state);
  SmallVector<Number> stepsOf(const Inputs &all, Value row0, bool outputs, States &state);
  std::array<Value, 3> weigh(Value x, Value y);
  void keepOutside(Value steps, int64_t step, ValueRange before, States &state);

  Value stepsLeft(Value row0) { return t.sub(t.sub(length, tile0), row0); }
  int64_t inTime(int64_t i, int64_t count) { return op.getReverse() ? count - 1 - i : i; }
  void steps(Value row0, States &state);
  void share(States &state);
  void shareWkv(States &state);

  /// The exponent of 2 that a tile of wkv is seen from, and how far its keys are from that.
  struct Seen {
    Value from, furthest;
  };
  SmallVector<int64_t> groups();
  SmallVector<Value> exponentsFrom(int64_t row0, Seen &seen);
  SmallVector<Number> enteringAt(int64_t row0, ArrayRef<Value> exponents);
  Value atMost(Value x, double bound);
  Value areNear(const Seen &seen);
  Value isNear(const Seen &seen, Value past);
  Number pastOf(const Seen &seen, ValueRange state);
  void enter(Number entering, Number &sums);
  SmallVector<Number> sumOver(ArrayRef<Number> entering, Number &sums);
  SmallVector<Value> choose(Value condition, int64_t results, llvm::function_ref<void(bool, States &)> make);
  SmallVector<Value> walkTile(ValueRange state, bool outputs);
  void tileWkv(States &state);
  void store(ArrayRef<Number> rows, Value row0);

  seq::ScanOp op;
  Value entry, column0;          // of a row of the tensors
  Number factor;                 // constant in time: what is left of a state
  Value decay, bonus, present;   // of wkv, and 2^bonus; factor is 2^decay
  Value aTile, bTile, keyTile;
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
      launch.boxes(value, {1, config.steps, boxColumns(parts() * t.channels, getElementTypeOrSelf(value.getType()))},
                   op.getComplex());
  for (Value value : others)
    launch.view(value, op.getComplex() && value != op.getOffsets());

  // A producer has coordinates for each of the warps that tiles are dealt to.
  KernelOp kernel = ChannelKernel::begin(symbols, ("_scan" + suffix).str(), /*registers=*/config.cluster ? 40 : 24);
  auto work = [&](Value block, Value sequence) {
    begin(block, sequence);
    auto body = [&](States &state) {
      if (isWkv())
        return config.cluster ? shareWkv(state) : tileWkv(state);
      if (config.cluster)
        return this->share(state);
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
      launch.view(value, op.getComplex());
  KernelOp kernel = ChannelKernel::begin(symbols, "_scan_step", /*registers=*/0);
  auto work = [&](Value block, Value sequence) {
    begin(block, sequence);
    auto at = [&](Value value) { return t.loadChannels(tensor(value), {batch, start, column0}, stored()); };
    Inputs inputs;
    if (!factor.re)
      inputs.a = number(at(op.getA()));
    inputs.b = number(at(op.getB()));
    if (isWkv())
      inputs.key = at(op.getKey());
    SmallVector<Value> state = initialState();
    Number y = advance(prepare(inputs), state);
    t.storeChannels(elements(y), tensor(op.getY()), {batch, start, column0});
    storeState(state);
  };
  return overSequences(kernel, op.getChannels(), op.getB(), /*offsets=*/{}, {}, work);
}

/// A block of channels of a sequence: what is constant in time.
void ScanKernel::begin(Value block, Value sequence) {
  entry = sequence, column0 = t.mul(block, parts() * t.channels);
  if (op.hasConstantDecay()) {
    Number a = number(t.loadChannels(tensor(op.getA()), column0, stored()));
    factor = op.getForm() == seq::ScanForm::Linear ? a : t.exp(a, /*accurate=*/true);
    decay = isWkv() ? t.mulf(a.re, kLog2E) : Value();
  }
  if (!isWkv())
    return;
  bonus = t.mulf(t.loadChannels(tensor(op.getBonus()), column0, t.row()), kLog2E);
  present = t.exp2(bonus);
}

SmallVector<Value> ScanKernel::initialState() {
  Value init = op.getInit();
  if (!isWkv()) {
    if (!init)
      return SmallVector<Value>(parts(), t.constant(t.row(), 0));
    SmallVector<Value> state;
    append(number(t.loadChannels(tensor(init), {entry, column0}, stored())), state);
    return state;
  }
  if (!init)
    return {t.constant(t.row(), 0), t.constant(t.row(), 0),
            t.constant(t.row(), -std::numeric_limits<double>::infinity())};
  SmallVector<Value> state;
  for (int64_t i = 0; i < 3; ++i)
    state.push_back(t.loadChannels(tensor(init), {entry, t.index(i), column0}, t.row()));
  state[2] = t.mulf(state[2], kLog2E);
  return state;
}

void ScanKernel::storeState(ValueRange state) {
  if (!op.getState())
    return;
  if (!isWkv())
    return t.storeChannels(elements(numberOf(state)), tensor(op.getState()), {entry, column0});
  for (int64_t i = 0; i < 3; ++i)
    t.storeChannels(i < 2 ? state[i] : t.mulf(state[i], 1 / kLog2E), tensor(op.getState()),
                    {entry, t.index(i), column0});
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// Decays as factors, and weights as exponents of 2.
ScanKernel::Inputs ScanKernel::prepare(Inputs inputs) {
  if (inputs.a.re && op.getForm() == seq::ScanForm::Log)
    inputs.a = t.exp(inputs.a, getElementTypeOrSelf(op.getB().getType()).isF32());
  if (inputs.key)
    inputs.key = t.mulf(inputs.key, kLog2E);
  return inputs;
}

/// One step; gives y.
Number ScanKernel::advance(const Inputs &inputs, States &state) {
  if (isWkv())
    return {advanceWkv(inputs.b.re, inputs.key, state)};
  Number next = t.fma(inputs.a.re ? inputs.a : factor, numberOf(state), inputs.b);
  state.clear();
  append(next, state);
  return next;
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
      known = t.load(tensor(value), {batch, t.add(start, tile0), column0},
                     sharedTile(config.steps, parts() * t.channels, getElementTypeOrSelf(value.getType())),
                     config.stages);
    return known;
  };
  bTile = tile(op.getB());
  aTile = tile(factor.re ? Value() : op.getA());
  keyTile = tile(op.getKey());
}

ScanKernel::Inputs ScanKernel::read(Value row0, int64_t count) {
  auto rows = [&](Value tile) { return t.make<ReadOp>(stored(count), tile, row0, 0); };
  Inputs inputs;
  inputs.b = number(rows(bTile));
  if (aTile)
    inputs.a = number(rows(aTile));
  if (keyTile)
    inputs.key = rows(keyTile);
  return prepare(inputs);
}

/// Writes neighbouring rows of results; those behind the end are dropped.
void ScanKernel::store(ArrayRef<Number> rows, Value row0) {
  auto tileOf = [&](Value Number::*part) {
    return t.sums(llvm::map_to_vector(rows, [&](Number row) { return t.broadcast(row.*part, t.rows(1)); }));
  };
  Number tile = {tileOf(&Number::re)};
  if (op.getComplex())
    tile.im = tileOf(&Number::im);
  Value time = t.add(t.add(start, tile0), row0);
  t.storeChannels(elements(tile), tensor(op.getY()), {batch, time, column0}, /*transposed=*/false,
                  op.isPacked() ? stepsLeft(row0) : Value());
}

static Value rowOf(ChannelBuilder &t, Value tile, int64_t step) {
  return tile ? t.rowOf(tile, step) : Value();
}

static Number rowOf(ChannelBuilder &t, Number tile, int64_t step) {
  return {rowOf(t, tile.re, step), rowOf(t, tile.im, step)};
}

/// `unroll` steps from a row of the tiles on; gives their results, or takes only the state over them.
SmallVector<Number> ScanKernel::stepsOf(const Inputs &all, Value row0, bool outputs, States &state) {
  Value last = stepsLeft(row0);
  SmallVector<Number> rows(outputs ? config.unroll : 0);
  for (int64_t i = 0; i < config.unroll; ++i) {
    int64_t step = inTime(i, config.unroll);
    SmallVector<Value> before(state.begin(), state.end());
    Inputs inputs = {rowOf(t, all.a, step), rowOf(t, all.b, step), rowOf(t, all.key, step)};
    if (outputs)
      rows[step] = advance(inputs, state);
    else
      enterWkv(inputs.b.re, inputs.key, state);
    if (isMasked())
      keepOutside(last, step, before, state);
  }
  return rows;
}

void ScanKernel::steps(Value row0, States &state) {
  store(stepsOf(read(row0, config.unroll), row0, /*outputs=*/true, state), row0);
}

//===----------------------------------------------------------------------===//
// Tiles of a cluster
//===----------------------------------------------------------------------===//

/// All steps of the tile, as products and states from zero on; then from the state before it.
void ScanKernel::share(States &state) {
  int64_t count = config.steps, group = config.unroll;
  Value last = stepsLeft(t.index(0));
  Number zero = constant(0), one = constant(1), left, sum;
  SmallVector<Number> factors(count), sums(count);
  for (int64_t i = 0; i < count; i += group) {
    int64_t row0 = inTime(i, count) / group * group;
    Inputs all = read(t.index(row0), group);
    for (int64_t j = 0; j < group; ++j) {
      int64_t step = inTime(j, group);
      Number a = all.a.re ? rowOf(t, all.a, step) : factor, b = rowOf(t, all.b, step);
      if (isMasked()) {
        Value inside = t.spread(t.compare(arith::CmpIPredicate::sgt, last, t.index(row0 + step)), a.re);
        a = select(inside, a, one), b = select(inside, b, zero);
      }
      sums[row0 + step] = sum = i + j ? t.fma(a, sum, b) : b;
      factors[row0 + step] = left = i + j ? t.product(left, a) : a;
    }
  }
  SmallVector<Value> part;
  for (Number x : {left, sum})
    append(x, part);
  auto chain = ChainOp::create(builder, t.loc, ValueRange(state), ValueRange(part));
  {
    OpBuilder::InsertionGuard guard(builder);
    Block &block = chain.getCombine().front();
    builder.setInsertionPointToEnd(&block);
    auto argument = [&](int64_t i) { return numberOf(block.getArguments().drop_front(i * parts())); };
    SmallVector<Value> next;
    append(t.fma(argument(1), argument(0), argument(2)), next);
    YieldOp::create(builder, t.loc, next);
  }
  Number before = numberOf(chain.getBefore());
  state.assign(chain.getAfter().begin(), chain.getAfter().end());
  for (int64_t row0 = 0; row0 < count; row0 += group) {
    SmallVector<Number> rows;
    for (int64_t step = row0; step < row0 + group; ++step)
      rows.push_back(t.fma(factors[step], before, sums[step]));
    store(rows, t.index(row0));
  }
}

//===----------------------------------------------------------------------===//
// Tiles of wkv
//===----------------------------------------------------------------------===//

/// Exponents of base 2 that are no further from the one their sums are seen from keep those in f32; so does the present,
/// with its bonus.
static constexpr double kNear = 40;
/// An exponent far below any other, whose distance to one of -inf is a number.
static constexpr double kNothing = -1e30;

Value ScanKernel::atMost(Value x, double bound) {
  return t.make<arith::CmpFOp>(arith::CmpFPredicate::OLE, x, t.constantLike(x, bound));
}

/// Pairs first, so that comparisons do not wait for each other.
static Value greatestOf(ChannelBuilder &t, SmallVector<Value> values) {
  for (; values.size() > 1; values.resize((values.size() + 1) / 2))
    for (size_t i = 0; i < values.size(); i += 2)
      values[i / 2] = i + 1 < values.size() ? t.make<arith::MaxNumFOp>(values[i], values[i + 1]) : values[i];
  return values.front();
}

/// The exponents of rows of keys, as seen from the first key that is read of the tile.
SmallVector<Value> ScanKernel::exponentsFrom(int64_t row0, Seen &seen) {
  Value rows = t.make<ReadOp>(stored(config.unroll), keyTile, t.index(row0), 0);
  if (!seen.from)
    seen.from = t.mulf(t.rowOf(rows, 0), kLog2E);
  Value back = t.make<arith::NegFOp>(seen.from), log2e = t.constantLike(back, kLog2E);
  SmallVector<Value> exponents, distances;
  for (int64_t i = 0; i < config.unroll; ++i) {
    exponents.push_back(t.fma(t.rowOf(rows, i), log2e, back));
    distances.push_back(t.make<math::AbsFOp>(exponents.back()));
  }
  if (seen.furthest)
    distances.push_back(seen.furthest);
  seen.furthest = greatestOf(t, distances);
  return exponents;
}

/// Whether all keys of the tile may be seen so. Steps outside of the sequence are not to be among them.
Value ScanKernel::areNear(const Seen &seen) {
  Value near = t.both(atMost(seen.furthest, kNear), atMost(t.make<math::AbsFOp>(bonus), kNear));
  near = t.make<AllOp>(builder.getI1Type(), near);
  if (isMasked() || op.isPacked())
    near = t.both(near, t.compare(arith::CmpIPredicate::sge, stepsLeft(t.index(0)), t.index(config.steps)));
  return near;
}

/// Whether a past may, too.
Value ScanKernel::isNear(const Seen &seen, Value past) {
  return t.make<AllOp>(builder.getI1Type(), atMost(t.make<arith::SubFOp>(past, seen.from), kNear));
}

/// What enters the two sums at each of some steps.
SmallVector<Number> ScanKernel::enteringAt(int64_t row0, ArrayRef<Value> exponents) {
  Value values = t.make<ReadOp>(stored(config.unroll), bTile, t.index(row0), 0);
  SmallVector<Number> entering;
  for (auto [i, exponent] : llvm::enumerate(exponents)) {
    Value weight = t.exp2(exponent);
    entering.push_back({t.mulf(weight, t.rowOf(values, i)), weight});
  }
  return entering;
}

/// Sums of a past, as seen from a tile.
Number ScanKernel::pastOf(const Seen &seen, ValueRange state) {
  Value weight = t.exp2(t.make<arith::SubFOp>(state[2], seen.from));
  return {t.mulf(weight, state[0]), t.mulf(weight, state[1])};
}

/// Takes the sums over some steps; gives their results.
SmallVector<Number> ScanKernel::sumOver(ArrayRef<Number> entering, Number &sums) {
  SmallVector<Number> rows(entering.size());
  for (int64_t i = 0, count = entering.size(); i < count; ++i) {
    int64_t step = inTime(i, count);
    auto [value, weight] = entering[step];
    Value top = t.fma(present, value, sums.re), bottom = t.fma(present, weight, sums.im);
    rows[step] = {t.make<arith::DivFOp>(top, bottom, arith::FastMathFlags::afn)};
    enter(entering[step], sums);
  }
  return rows;
}

/// The past decays, and a step enters.
void ScanKernel::enter(Number entering, Number &sums) {
  sums = {t.fma(factor.re, sums.re, entering.re), t.fma(factor.re, sums.im, entering.im)};
}

/// What `make` writes where the condition holds, or else.
SmallVector<Value> ScanKernel::choose(Value condition, int64_t results, function_ref<void(bool, States &)> make) {
  auto branch = scf::IfOp::create(builder, t.loc, SmallVector<Type>(results, t.row()), condition, /*withElse=*/true);
  for (bool holds : {true, false}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(holds ? branch.thenBlock() : branch.elseBlock());
    SmallVector<Value> values;
    make(holds, values);
    if (results)
      scf::YieldOp::create(builder, t.loc, values);
  }
  return llvm::to_vector(ValueRange(branch.getResults()));
}

/// Step by step, each seen from the greater of two exponents.
SmallVector<Value> ScanKernel::walkTile(ValueRange state, bool outputs) {
  return forEachRow(op.getReverse(), state, [&](Value row0, States &next) {
    SmallVector<Number> rows = stepsOf(read(row0, config.unroll), row0, outputs, next);
    if (outputs)
      store(rows, row0);
  });
}

/// The first rows of groups of steps, in time.
SmallVector<int64_t> ScanKernel::groups() {
  SmallVector<int64_t> rows;
  for (int64_t i = 0; i < config.steps; i += config.unroll)
    rows.push_back(inTime(i, config.steps) / config.unroll * config.unroll);
  return rows;
}

void ScanKernel::tileWkv(States &state) {
  Seen seen;
  SmallVector<SmallVector<Value>> exponents;
  for (int64_t row0 : groups())
    exponents.push_back(exponentsFrom(row0, seen));
  state = choose(t.both(areNear(seen), isNear(seen, state[2])), 3, [&](bool near, States &next) {
    if (!near) {
      next = walkTile(state, /*outputs=*/true);
      return;
    }
    Number sums = pastOf(seen, state);
    for (auto [row0, exponents] : llvm::zip(groups(), exponents))
      store(sumOver(enteringAt(row0, exponents), sums), t.index(row0));
    next.append({sums.re, sums.im, seen.from});
  });
}

/// The same of a cluster: what the tile adds to any past is known before the past is, and what enters at each step stays
/// in registers.
void ScanKernel::shareWkv(States &state) {
  Value zero = t.constant(t.row(), 0);
  Seen seen;
  Number sums = {zero, zero};
  SmallVector<Number> entering(config.steps);
  for (int64_t row0 : groups()) {
    SmallVector<Number> steps = enteringAt(row0, exponentsFrom(row0, seen));
    for (int64_t i = 0; i < config.unroll; ++i)
      enter(steps[inTime(i, config.unroll)], sums);
    llvm::copy(steps, entering.begin() + row0);
  }
  // What becomes of no past, and how much a past decays.
  Value near = areNear(seen);
  SmallVector<Value> part = choose(near, 3, [&](bool near, States &next) {
    if (near)
      next.append({sums.re, sums.im, seen.from});
    else
      next = walkTile({zero, zero, t.constant(t.row(), kNothing)}, /*outputs=*/false);
  });
  Value steps = t.min(t.max(t.sub(length, tile0), t.index(0)), t.index(config.steps));
  steps = t.make<arith::SIToFPOp>(builder.getF32Type(), t.make<arith::IndexCastOp>(builder.getI32Type(), steps));
  part.push_back(t.mulf(decay, t.broadcast(steps, t.row())));
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
  ValueRange before = chain.getBefore();
  choose(t.both(near, isNear(seen, before[2])), 0, [&](bool near, States &) {
    if (!near) {
      walkTile(before, /*outputs=*/true);
      return;
    }
    Number sums = pastOf(seen, before);
    for (int64_t row0 : groups())
      store(sumOver(ArrayRef(entering).slice(row0, config.unroll), sums), t.index(row0));
  });
  state.assign(chain.getAfter().begin(), chain.getAfter().end());
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
    runs.push_back(ScanKernel(op, *pair.few).create(symbols, "_of_few", {Share::IfFew, pair.sequences, pair.several}));
  if (pair.fewest)
    runs.push_back(ScanKernel(op, *pair.fewest).create(symbols, "_of_fewest", {Share::IfFew, pair.several}));
  return many.launch.replace(runs, op.getNamedShapes());
}
