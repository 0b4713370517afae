//===- LinearAttention.cpp - Matrix-state recurrences as a tile program ---===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The chunked form of S[t] = exp(g[t]) S[t-1] + k[t] v[t]^T, o[t] = q[t]^T S[t] (Yang et al. 2023;
// Dao and Gu 2024). With c the prefix sums of log2(e) g in a chunk of C steps, Q, K and V the chunk's
// rows, and S the state that enters it:
//
//   O  = tril(Q K^T * 2^(c_i - c_j)) V + 2^(c_i) Q S
//   S' = 2^(c_C) S + K^T (2^(c_C - c_j) V)
//
// A consumer warpgroup owns 64 value columns of one head for the whole sequence. It holds S^T, so
// that its product with the keys takes V^T from registers and K as it stands; for the product with
// the queries S^T goes through SRAM. Exponents are differences that are at most 0, decays meet
// accumulators in 32 bits, and what enters a product is rounded once.
//
// SSD's step size d[t] multiplies k[t]: it enters as log2(d_j), subtracted from c_j. The scale of the
// outputs enters in the same way, added to c_i.
//
//===----------------------------------------------------------------------===//

#include "SeqToTile.h"
#include "TileBuilder.h"

#include "longwing/Seq/Config.h"
#include "longwing/Target/Hopper.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

constexpr double kLog2E = 1.4426950408889634;
constexpr double kLn2 = 0.6931471805599453;

/// What decays do in one chunk. Null is a factor of 1.
struct Decays {
  Value mask;    // of the scores, where it is the same in each chunk
  Value row;     // the exponent of what each query reads
  Value column;  // ... less that of each key
  Value carried; // the factor of the state over the chunk
  Value weight;  // the factor of each step's contribution to the state
};

/// What a kernel computes: all; or, where a sequence is cut into segments that run side by side, the
/// state that each segment but the last adds, and then the outputs, from the states of those before.
enum class Part { Whole, States, Outputs };

class LinearAttentionKernel {
public:
  LinearAttentionKernel(seq::LinearAttentionOp op, Part part)
      : op(op), part(part), config(LinearAttentionConfig::read(op)), builder(op.getContext()),
        t(builder, op.getLoc()) {
    Type f32 = builder.getF32Type();
    element = op.getV().getType().getElementType();
    keyDim = llvm::alignTo(op.getKeyDim(), kMmaStep);
    chunk = config.chunk;
    line = tileType<LineAttr>({chunk}, f32);
    perRow = tileType<RowAttr>({chunk}, f32);
    perColumn = tileType<ColAttr>({chunk}, f32);
    scores = tileType<AccAttr>({chunk, chunk}, f32);
    output = tileType<AccAttr>({chunk, kValues}, f32);
    state = tileType<AccAttr>({kValues, keyDim}, f32);
    // A positive scale is an exponent like the decays; any other is a factor of the outputs.
    double scale = op.getEffectiveScale();
    scaleOutputs = scale <= 0;
    scaleExponent = scaleOutputs ? 0 : std::log2(scale);
  }

  KernelOp create(StringRef name, Type states, Type factors);
  /// What the kernel reads, in the order of its arguments.
  SmallVector<Value> operands() const;
  /// Units of work, without the warpgroups' share of them.
  static int64_t unitsOfBatch(seq::LinearAttentionOp op, const LinearAttentionConfig &config);

  static constexpr int64_t kValues = kWarpgroupRows; // value columns of a warpgroup

private:
  void work(Value warpgroup, Value unit, Value segment);
  Value enteringState(Value segment, Value job);
  void storeSegment(ValueRange results, Value segment, Value job);
  SmallVector<Value> advance(Value t0, ValueRange carried);
  std::pair<Value, Value> contributions(Value valueTile, Value weight);
  Value accumulate(Value s, Value factor, std::pair<Value, Value> contributed, Value keyTile);
  SmallVector<Value> step(Value t0, ValueRange carried);
  Value finish(Value o, Value values, Value t0);
  SmallVector<Value> exponents(Value t0, Value raw);
  Decays decays(ValueRange exponents);
  void distribute(Decays &d, ValueRange exponents);
  void prepareDecays();
  Decays constantDecays(Value t0);
  Value mask(Value t0, Value row, Value column);
  Value rates(Value t0);
  Value softplus(Value x);
  /// A parameter of the head, in 32 bits.
  Value perHead(Value view);
  SmallVector<Value> stateIndices();

  Value number(double x) { return t.make<arith::ConstantOp>(builder.getF32FloatAttr(x)); }
  Value lineOf(Value scalar) { return t.make<BroadcastOp>(line, scalar); }
  Value widen(Value x, Type type) { return x.getType() == type ? x : t.make<arith::ExtFOp>(type, x); }
  Value roundTo(RankedTensorType type, Value x) { return t.make<ConvertOp>(type, x); }
  /// x with the digits of a 16-bit element.
  Value rounded(Value x) {
    auto type = cast<RankedTensorType>(x.getType());
    return widen(roundTo(type.clone(element), x), type);
  }
  bool variesInTime() { return dt || (decay && !op.hasConstantDecay()); }

  seq::LinearAttentionOp op;
  Part part;
  LinearAttentionConfig config;
  OpBuilder builder;
  TileBuilder t;
  Type element;
  int64_t keyDim, chunk;
  RankedTensorType line, perRow, perColumn, scores, output, state;
  bool scaleOutputs;
  double scaleExponent;

  // Arguments of the kernel.
  Value q, k, v, gate, decay, dt, a, bias, skip, init, o, last, states, factors;
  // Of the work tile that is being written.
  Value length, segments, batch, keyHead, head, column;
  Value rate, skipFactor, dtBias;
  Value decayOfStep, prefixes; // of a constant decay, and its sums over a chunk
  Decays constant;
};

} // namespace

SmallVector<Value> LinearAttentionKernel::operands() const {
  seq::LinearAttentionOp source = op;
  bool outputs = part != Part::States;
  SmallVector<Value> values = {source.getK(), source.getV()};
  for (Value value : {Value(source.getDecay()), Value(source.getDt()), Value(source.getA()),
                      Value(source.getBias())})
    if (value)
      values.push_back(value);
  for (Value value : {Value(source.getQ()), Value(source.getGate()), Value(source.getSkip()),
                      Value(source.getInit())})
    if (value && outputs)
      values.push_back(value);
  return values;
}

int64_t LinearAttentionKernel::unitsOfBatch(seq::LinearAttentionOp op,
                                            const LinearAttentionConfig &config) {
  int64_t jobs = op.getValueHeads() * llvm::divideCeil(op.getValueDim(), kValues);
  return llvm::divideCeil(jobs, config.consumers);
}

KernelOp LinearAttentionKernel::create(StringRef name, Type statesType, Type factorsType) {
  SmallVector<Type> inputs;
  SmallVector<Value *> arguments;
  auto desc = [&](Value &argument) {
    inputs.push_back(DescType::get(op.getContext(), {1, chunk, 1, 64}, element));
    arguments.push_back(&argument);
  };
  auto viewOf = [&](Type tensor, Value &argument) {
    auto type = cast<RankedTensorType>(tensor);
    inputs.push_back(ViewType::get(op.getContext(), type.getShape(), type.getElementType()));
    arguments.push_back(&argument);
  };
  auto view = [&](Value tensor, Value &argument) {
    if (tensor)
      viewOf(tensor.getType(), argument);
  };
  desc(k), desc(v);
  view(op.getDecay(), decay), view(op.getDt(), dt), view(op.getA(), a), view(op.getBias(), bias);
  unsigned outputs = 2; // at the end
  if (part != Part::States) {
    desc(q);
    if (op.getGate())
      desc(gate);
    view(op.getSkip(), skip), view(op.getInit(), init);
    outputs = op->getNumResults();
  }
  if (part != Part::Whole)
    viewOf(statesType, states), viewOf(factorsType, factors);
  if (part != Part::States) {
    desc(o);
    view(op.getState(), last);
  }

  auto schedule = ScheduleAttr::get(op.getContext(), config.consumers, config.producerRegisters(),
                                    config.consumerRegisters(), config.persistent,
                                    /*overlap=*/false, /*spread=*/true);
  auto kernel = KernelOp::create(builder, op.getLoc(), name, inputs, schedule);
  Block &body = kernel.getBody().front();
  for (auto [i, argument] : llvm::enumerate(arguments))
    *argument = body.getArgument(i);
  for (unsigned i = arguments.size() - outputs; i < arguments.size(); ++i)
    kernel.setOutput(i);

  builder.setInsertionPointToStart(&body);
  length = t.dim(k, 1);
  SmallVector<Value> sizes = {t.index(config.consumers), t.index(unitsOfBatch(op, config)),
                              t.dim(k, 0)};
  if (part != Part::Whole) { // the last segment's state is not asked for here
    Value before = t.dim(states, 1);
    segments = t.add(before, 1);
    sizes.push_back(part == Part::States ? before : segments);
  }
  auto forEach = ForEachOp::create(builder, op.getLoc(), sizes);
  ReturnOp::create(builder, op.getLoc());
  builder.setInsertionPointToStart(&forEach.getBody().front());
  auto at = forEach.getBody().getArguments();
  batch = at[2];
  work(at[0], at[1], part == Part::Whole ? Value() : at[3]);
  return kernel;
}

/// One head's 64 columns of values, from the first chunk to the last, of the sequence or a segment.
void LinearAttentionKernel::work(Value warpgroup, Value unit, Value segment) {
  int64_t blocks = llvm::divideCeil(op.getValueDim(), kValues);
  int64_t jobs = op.getValueHeads() / op.getKeyHeads() * blocks; // of one key head
  Value job = t.add(t.mul(unit, config.consumers), warpgroup);
  head = t.floorDiv(job, blocks);
  column = t.mul(t.sub(job, t.mul(head, blocks)), kValues);
  // Where all warpgroups of a CTA have one key head, they share the tiles of Q and K.
  keyHead = jobs % config.consumers == 0 ? t.floorDiv(unit, jobs / config.consumers)
                                         : t.floorDiv(job, jobs);
  if (skip)
    skipFactor = perHead(skip);
  if (dt)
    rate = t.make<arith::MulFOp>(perHead(a), number(kLog2E));
  if (bias)
    dtBias = perHead(bias);
  if (!variesInTime())
    prepareDecays();

  Value begin = t.index(0), end = length;
  if (segment) {
    Value chunks = t.ceilDiv(length, chunk);
    Value padded = t.sub(t.add(chunks, segments), t.index(1));
    Value span = t.mul(t.make<arith::DivUIOp>(padded, segments), chunk);
    begin = t.make<arith::MulIOp>(segment, span);
    end = t.min(t.add(begin, span), length);
  }
  SmallVector<Value> carried = {part == Part::States ? t.constant(state, 0)
                                                     : enteringState(segment, job)};
  if (variesInTime())
    carried.push_back(rates(begin));
  if (part == Part::States)
    carried.push_back(number(1));
  auto loop = scf::ForOp::create(
      builder, t.loc, begin, end, t.index(chunk), carried,
      [&](OpBuilder &, Location, Value t0, ValueRange args) {
        scf::YieldOp::create(builder, t.loc,
                             part == Part::States ? advance(t0, args) : step(t0, args));
      });
  if (part == Part::States)
    return storeSegment(loop.getResults(), segment, job);
  if (!last)
    return;
  if (!segment)
    return (void)ScatterOp::create(builder, t.loc, loop.getResult(0), last, stateIndices());
  Value isLast = t.compare(arith::CmpIPredicate::eq, t.add(segment, 1), segments);
  scf::IfOp::create(builder, t.loc, isLast, [&](OpBuilder &, Location) {
    ScatterOp::create(builder, t.loc, loop.getResult(0), last, stateIndices());
    scf::YieldOp::create(builder, t.loc);
  });
}

//===----------------------------------------------------------------------===//
// Segments
//===----------------------------------------------------------------------===//

/// [B, segment, Hv, K, V], of the transposed state; [B, segment, head and block, row].
static SmallVector<Value> inSegment(TileBuilder &t, SmallVector<Value> indices, Value segment) {
  auto type = indices[0].getType();
  indices.insert(indices.begin() + 1,
                 isa<RankedTensorType>(type) ? t.make<BroadcastOp>(type, segment) : segment);
  return indices;
}

/// The initial state, taken through the segments before this one.
Value LinearAttentionKernel::enteringState(Value segment, Value job) {
  Value s = init ? t.make<GatherOp>(state, init, stateIndices()) : t.constant(state, 0);
  if (!segment)
    return s;
  auto loop = scf::ForOp::create(
      builder, t.loc, t.index(0), segment, t.index(1), s,
      [&](OpBuilder &, Location, Value before, ValueRange args) {
        Value factor = t.make<GatherOp>(builder.getF32Type(), factors,
                                        ValueRange{batch, before, job, t.index(0)});
        Value added = t.make<GatherOp>(state, states, inSegment(t, stateIndices(), before));
        Value next = t.fma(args[0], t.make<BroadcastOp>(state, factor), added);
        scf::YieldOp::create(builder, t.loc, next);
      });
  return loop.getResult(0);
}

void LinearAttentionKernel::storeSegment(ValueRange results, Value segment, Value job) {
  ScatterOp::create(builder, t.loc, results.front(), states,
                    inSegment(t, stateIndices(), segment));
  auto indices = perRow.clone(builder.getIndexType());
  SmallVector<Value> at = {t.make<BroadcastOp>(indices, batch), t.make<BroadcastOp>(indices, job),
                           t.make<IotaOp>(indices, t.index(0))};
  ScatterOp::create(builder, t.loc, t.make<BroadcastOp>(perRow, results.back()), factors,
                    inSegment(t, at, segment));
}

/// One chunk of a segment whose outputs another kernel computes.
SmallVector<Value> LinearAttentionKernel::advance(Value t0, ValueRange carried) {
  SmallVector<Value> next;
  Decays d;
  if (variesInTime()) {
    d = decays(exponents(t0, carried[1]));
    next.push_back(rates(t.add(t0, chunk)));
  } else {
    d = constantDecays(t0);
  }
  Value keyTile = t.load(k, {batch, t0, keyHead, t.index(0)},
                         tileType<SharedAttr>({chunk, keyDim}, element), config.stages);
  Value valueTile = t.load(v, {batch, t0, head, column},
                           tileType<SharedAttr>({chunk, kValues}, element), config.stages);
  Value s = accumulate(carried[0], d.carried, contributions(valueTile, d.weight), keyTile);
  next.insert(next.begin(), s);
  Value factor = carried.back();
  next.push_back(d.carried ? t.make<arith::MulFOp>(factor, d.carried) : factor);
  return next;
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

/// The values of a chunk as they enter the state, transposed. Weighted values have more digits than
/// an operand holds; their rest, the second of the two, enters too: else all that a slow decay
/// accumulates would be rounded twice, here and where it is read.
std::pair<Value, Value> LinearAttentionKernel::contributions(Value valueTile, Value weight) {
  auto operand = tileType<AFragAttr>({kValues, chunk}, element);
  Value whole = t.make<FragmentOp>(tileType<AccAttr>({kValues, chunk}, builder.getF32Type()),
                                   valueTile, /*transpose=*/true);
  Value rest;
  if (weight) {
    whole = t.mulf(whole, t.broadcastLike(weight, whole));
    if (config.exact)
      rest = roundTo(operand, t.make<arith::SubFOp>(whole, rounded(whole)));
  }
  return {roundTo(operand, whole), rest};
}

Value LinearAttentionKernel::accumulate(Value s, Value factor,
                                        std::pair<Value, Value> contributed, Value keyTile) {
  if (factor)
    s = t.mulf(s, t.make<BroadcastOp>(state, factor));
  s = t.dot(contributed.first, keyTile, s, state, /*transposeB=*/false);
  if (contributed.second)
    s = t.dot(contributed.second, keyTile, s, state, /*transposeB=*/false);
  return s;
}

/// One chunk. What the warpgroups do between two products of theirs runs under those of the others.
SmallVector<Value> LinearAttentionKernel::step(Value t0, ValueRange carried) {
  Value s = carried[0], zero = t.index(0);
  auto keys = tileType<SharedAttr>({chunk, keyDim}, element);
  auto values = tileType<SharedAttr>({chunk, kValues}, element);
  auto statesOperand = tileType<SharedAttr>({kValues, keyDim}, element);

  Value entering = roundTo(state.clone(element), s);
  Value keyTile = t.load(k, {batch, t0, keyHead, zero}, keys, config.stages);
  Value queryTile = t.load(q, {batch, t0, keyHead, zero}, keys, config.stages);
  Value weights = t.dot(queryTile, keyTile, {}, scores, /*transposeB=*/true);
  Value staged = t.make<StageOp>(statesOperand, entering, Value());
  Value past = t.dot(queryTile, staged, {}, output, /*transposeB=*/true);

  SmallVector<Value> now, next;
  if (variesInTime()) {
    now = exponents(t0, carried[1]);
    next.push_back(rates(t.add(t0, chunk)));
  }
  Decays d = variesInTime() ? decays(now) : constantDecays(t0);
  Value valueTile = t.load(v, {batch, t0, head, column}, values, config.stages);
  auto contributed = contributions(valueTile, d.weight);

  if (variesInTime())
    distribute(d, now);
  Value counts = d.mask ? d.mask : mask(t0, d.row, d.column);
  weights = roundTo(tileType<AFragAttr>({chunk, chunk}, element), t.mulf(weights, counts));
  if (d.row)
    past = t.mulf(past, t.broadcast(t.exp2(d.row), output));
  Value sum = t.dot(weights, valueTile, past, output, /*transposeB=*/false);
  s = accumulate(s, d.carried, contributed, keyTile);

  next.insert(next.begin(), s);
  StoreOp::create(builder, t.loc, finish(sum, valueTile, t0), o,
                  ValueRange{batch, t0, head, column}, Value());
  return next;
}

/// o = (scale o + skip v) z / (1 + exp(-z)), in 16 bits
Value LinearAttentionKernel::finish(Value sum, Value valueTile, Value t0) {
  if (scaleOutputs)
    sum = t.mulf(sum, op.getEffectiveScale());
  if (skip)
    sum = t.fma(t.make<FragmentOp>(output, valueTile, /*transpose=*/false),
                t.make<BroadcastOp>(output, skipFactor), sum);
  if (gate) {
    Value tile = t.load(gate, {batch, t0, head, column},
                        tileType<SharedAttr>({chunk, kValues}, element), config.stages);
    Value z = t.make<FragmentOp>(output, tile, /*transpose=*/false);
    Value below = t.addf(t.exp2(t.mulf(z, -kLog2E)), t.constant(output, 1));
    sum = t.mulf(sum, t.make<arith::DivFOp>(z, below, arith::FastMathFlags::afn));
  }
  return roundTo(tileType<AccAttr>({chunk, kValues}, element), sum);
}

//===----------------------------------------------------------------------===//
// Decays
//===----------------------------------------------------------------------===//

Value LinearAttentionKernel::perHead(Value view) {
  Type stored = cast<ViewType>(view.getType()).getElementType();
  return widen(t.make<GatherOp>(stored, view, head), builder.getF32Type());
}

/// What the chunk at t0 reads of the decay or of dt, as it is stored. It is read a chunk ahead, so
/// that no one waits for it.
Value LinearAttentionKernel::rates(Value t0) {
  Value source = dt ? dt : decay;
  auto type = line.clone(cast<ViewType>(source.getType()).getElementType());
  auto indices = line.clone(builder.getIndexType());
  SmallVector<Value> at = {t.make<BroadcastOp>(indices, batch), t.make<IotaOp>(indices, t0),
                           t.make<BroadcastOp>(indices, head)};
  return t.make<GatherOp>(type, source, at);
}

/// log(1 + exp(x)), for large x too; by its series where 1 + exp(x) would round exp(x) away.
Value LinearAttentionKernel::softplus(Value x) {
  Value magnitude = t.make<math::AbsFOp>(x);
  Value small = t.exp2(t.mulf(magnitude, -kLog2E)); // exp(-|x|), at most 1
  Value exact = t.mulf(t.log2(t.addf(small, t.constantLike(x, 1))), kLn2);
  Value inner = t.fma(small, 1.0 / 3, t.constantLike(x, -0.5));
  Value series = t.mulf(small, t.fma(small, inner, t.constantLike(x, 1)));
  Value tiny = t.make<arith::CmpFOp>(arith::CmpFPredicate::OLT, small, t.constantLike(x, 0.01));
  return t.addf(t.maxf(x, t.constantLike(x, 0)), t.select(tiny, series, exact));
}

/// Of the chunk at t0, whose rates have been read: the exponents of its queries, of its keys and of
/// the whole chunk.
SmallVector<Value> LinearAttentionKernel::exponents(Value t0, Value raw) {
  Value x = widen(raw, line);
  // Steps behind the last neither decay nor contribute.
  auto indices = line.clone(builder.getIndexType());
  Value exists = t.compare(arith::CmpIPredicate::slt, t.make<IotaOp>(indices, t0),
                           t.make<BroadcastOp>(indices, length));
  Value shift; // log2 of the factor of each key
  if (dt) {
    if (bias)
      x = t.addf(x, lineOf(dtBias));
    if (op.getSoftplus())
      x = softplus(x);
    x = t.select(exists, x, t.constant(line, 0));
    shift = t.log2(x);
    x = t.mulf(x, lineOf(rate));
  } else {
    x = t.select(exists, t.mulf(x, kLog2E), t.constant(line, 0));
  }
  Value c = t.make<ScanOp>(line, x);
  Value key = shift ? t.make<arith::SubFOp>(c, shift) : c;
  Value total = t.make<PickOp>(builder.getF32Type(), c, chunk - 1);
  Value query = scaleExponent ? t.addf(c, t.constant(line, scaleExponent)) : c;
  return {query, key, total};
}

Decays LinearAttentionKernel::decays(ValueRange exponents) {
  Decays d;
  d.carried = t.make<math::Exp2Op>(exponents[2]);
  Value weight = t.exp2(t.make<arith::SubFOp>(lineOf(exponents[2]), exponents[1]));
  d.weight = t.make<DistributeOp>(perColumn, weight);
  return d;
}

/// What the scores need is made last: it takes registers that the contributions have left.
void LinearAttentionKernel::distribute(Decays &d, ValueRange exponents) {
  d.row = t.make<DistributeOp>(perRow, exponents[0]);
  d.column = t.make<DistributeOp>(perColumn, exponents[1]);
}

/// 1, 2, ... times the decay of a step: what is the same in each chunk where decays are constant.
void LinearAttentionKernel::prepareDecays() {
  Value zero = t.index(0);
  if (!decay) {
    Value scale = scaleExponent ? t.constant(perRow, scaleExponent) : Value();
    constant.row = scale;
    constant.mask = mask(zero, scale, Value());
    return;
  }
  auto indices = line.clone(builder.getIndexType());
  Value whole = t.make<arith::IndexCastOp>(line.clone(builder.getI32Type()),
                                           t.make<IotaOp>(indices, t.index(1)));
  Value g = t.make<arith::MulFOp>(perHead(decay), number(kLog2E));
  prefixes = t.mulf(t.make<arith::SIToFPOp>(line, whole), lineOf(g));
  decayOfStep = g;
  constant.row = t.addf(t.make<DistributeOp>(perRow, prefixes), t.constant(perRow, scaleExponent));
  constant.mask = mask(zero, constant.row, t.make<DistributeOp>(perColumn, prefixes));
}

/// Of constant decays only what enters the state depends on the chunk, which may be shorter at the
/// end.
Decays LinearAttentionKernel::constantDecays(Value t0) {
  Decays d = constant;
  if (!decay)
    return d;
  Value count = t.min(t.sub(length, t0), t.index(chunk));
  Value whole = t.make<arith::IndexCastOp>(builder.getI32Type(), count);
  Value total = t.make<arith::MulFOp>(t.make<arith::SIToFPOp>(builder.getF32Type(), whole),
                                      decayOfStep);
  d.carried = t.make<math::Exp2Op>(total);
  // Steps behind the last contribute zeros; their factor must not be infinite.
  Value ahead = t.make<arith::SubFOp>(lineOf(total), prefixes);
  Value weight = t.exp2(t.make<arith::MinNumFOp>(ahead, t.constant(line, 0)));
  d.weight = t.make<DistributeOp>(perColumn, weight);
  return d;
}

/// 2^(row_i - column_j) where step i sees step j, else 0: what each key counts for each query.
Value LinearAttentionKernel::mask(Value t0, Value row, Value column) {
  auto indices = scores.clone(builder.getIndexType());
  Value sees = t.compare(arith::CmpIPredicate::sle, t.broadcast(t.iota<ColAttr>(t0, chunk), indices),
                         t.broadcast(t.iota<RowAttr>(t0, chunk), indices));
  Value counts = t.constant(scores, 1);
  if (row) {
    counts = t.broadcast(row, scores);
    if (column)
      counts = t.make<arith::SubFOp>(counts, t.broadcast(column, scores));
    counts = t.exp2(counts);
  }
  return t.select(sees, counts, t.constant(scores, 0));
}

/// Where the transposed state stands in [B, Hv, K, V].
SmallVector<Value> LinearAttentionKernel::stateIndices() {
  auto indices = state.clone(builder.getIndexType());
  return {t.make<BroadcastOp>(indices, batch), t.make<BroadcastOp>(indices, head),
          t.broadcast(t.iota<ColAttr>(t.index(0), keyDim), indices),
          t.broadcast(t.iota<RowAttr>(column, kValues), indices)};
}

//===----------------------------------------------------------------------===//
// The host
//===----------------------------------------------------------------------===//

/// B and L, of all that has them: the sizes that types may leave open.
static ArrayAttr sameSizes(OpBuilder &b, seq::LinearAttentionOp op, ArrayRef<Value> operands) {
  SmallVector<int64_t> batch, length;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    bool isState = operand == op.getInit() || (op.getState() && i + 1 == operands.size());
    int64_t rank = cast<RankedTensorType>(operand.getType()).getRank();
    if (rank < 3)
      continue;
    batch.append({int64_t(i), 0});
    // Of what the host has made only o has a length.
    bool made = operand.getDefiningOp<tensor::EmptyOp>() || operand.getDefiningOp<LaunchOp>();
    if (!isState && (!made || operand.getType() == op.getO().getType()))
      length.append({int64_t(i), 1});
  }
  return b.getArrayAttr({b.getDenseI64ArrayAttr(batch), b.getDenseI64ArrayAttr(length)});
}

/// How many segments a sequence is cut into so that its CTAs, `units`, fill the card: none shorter than
/// some chunks, as each reads the states of those before.
static Value segmentCount(TileBuilder &host, Value units, Value length, int64_t chunk) {
  constexpr int64_t kChunksOfSegment = 16;
  Value fill = host.make<arith::DivUIOp>(host.index(hopper::kMultiprocessors),
                                         host.max(units, host.index(1)));
  Value most = host.floorDiv(length, kChunksOfSegment * chunk);
  return host.max(host.min(fill, most), host.index(1));
}

LogicalResult longwing::lowerLinearAttention(seq::LinearAttentionOp op, SymbolTable &symbols) {
  std::string name = (op->getParentOfType<FunctionOpInterface>().getName() + "_linear_attention").str();
  LinearAttentionConfig config = LinearAttentionConfig::read(op);
  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  ReifiedRankedShapedTypeDims shapes;
  if (failed(op.reifyResultShapes(b, shapes)))
    return failure();

  Value batch = host.make<tensor::DimOp>(op.getK(), int64_t(0));
  int64_t units = LinearAttentionKernel::unitsOfBatch(op, config);
  SmallVector<Value> work = {host.index(config.consumers), host.index(units), batch};
  auto launch = [&](Part part, StringRef suffix, ValueRange extra, ValueRange outputs) {
    LinearAttentionKernel program(op, part);
    SmallVector<Value> operands = program.operands();
    Type states = extra.empty() ? Type() : extra[0].getType(),
         factors = extra.empty() ? Type() : extra[1].getType();
    if (part == Part::States)
      states = outputs[0].getType(), factors = outputs[1].getType();
    KernelOp kernel = program.create((name + suffix).str(), states, factors);
    symbols.insert(kernel);
    llvm::append_range(operands, extra);
    llvm::append_range(operands, outputs);
    auto launch = LaunchOp::create(b, op.getLoc(), outputs.getTypes(), kernel.getSymName(),
                                   operands, work);
    launch->setAttr(kSameSizesAttr, sameSizes(b, op, operands));
    return launch;
  };

  SmallVector<Value> results, segments;
  for (auto [result, shape] : llvm::zip(op->getResults(), shapes)) {
    auto type = cast<RankedTensorType>(result.getType());
    SmallVector<Value> sizes;
    for (auto [i, size] : llvm::enumerate(shape))
      if (type.isDynamicDim(i))
        sizes.push_back(getValueOrCreateConstantIndexOp(b, op.getLoc(), size));
    results.push_back(host.make<tensor::EmptyOp>(type, sizes));
  }
  if (config.split) {
    Value length = host.make<tensor::DimOp>(op.getK(), int64_t(1));
    Value count = segmentCount(host, host.mul(batch, units), length, config.chunk);
    Value before = host.sub(count, host.index(1));
    int64_t any = ShapedType::kDynamic, heads = op.getValueHeads();
    int64_t blocks = llvm::divideCeil(op.getValueDim(), LinearAttentionKernel::kValues);
    auto tensor = [&](ArrayRef<int64_t> shape) {
      auto type = RankedTensorType::get(shape, b.getF32Type());
      return host.make<tensor::EmptyOp>(type, ValueRange{batch, before});
    };
    SmallVector<Value> buffers = {tensor({any, any, heads, op.getKeyDim(), op.getValueDim()}),
                                  tensor({any, any, heads * blocks, kWarpgroupRows})};
    work.push_back(before);
    segments = launch(Part::States, "_states", {}, buffers).getResults();
    work.back() = count;
  }
  auto outputs = launch(config.split ? Part::Outputs : Part::Whole, "", segments, results);
  op->replaceAllUsesWith(outputs.getResults());
  op->erase();
  return success();
}
