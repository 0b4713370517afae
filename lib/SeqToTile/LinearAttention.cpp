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
// Backwards in time all is the same but for who sees whom, and that sums of decays within a chunk are
// of the steps from each on. Of packed sequences a tile that reaches into the next one is trimmed: its rows
// there are zero, as those behind the end of a tensor are.
//
// SSD's step size d[t] multiplies k[t]: it enters as log2(d_j), subtracted from c_j. The scale of the
// outputs enters in the same way, added to c_i.
//
//===----------------------------------------------------------------------===//

#include "LinearAttention.h"

#include "Launch.h"
#include "SeqToTile.h"

#include "longwing/Target/Hopper.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// Chunks of a segment, and of a piece of one, at least, as each reads the states of those before.
constexpr int64_t kChunksOfSegment = 16;

/// How many segments a sequence is cut into so that their CTAs fill the card.
static Value segmentCount(TileBuilder &t, seq::LinearAttentionOp op, Value sequences, Value length) {
  int64_t units = LinearAttentionKernel::unitsOfBatch(op, Part::Outputs),
          chunk = LinearAttentionKernel::configOf(op, Part::Outputs).chunk;
  Value fill = t.make<arith::DivUIOp>(t.index(hopper::kMultiprocessors), t.max(t.mul(sequences, units), t.index(1)));
  Value most = t.floorDiv(length, kChunksOfSegment * chunk);
  return t.max(t.min(fill, most), t.index(1));
}

/// 1 where there are several, else 0.
static Value isCut(TileBuilder &t, Value segments) { return t.min(t.sub(segments, t.index(1)), t.index(1)); }

SmallVector<Value> LinearAttentionKernel::operands(Value rates, Value reach) const {
  seq::LinearAttentionOp source = op;
  bool outputs = part != Part::States;
  SmallVector<Value> values = {source.getK(), source.getV()};
  for (Value value : {rates ? rates : Value(source.getDecay()), Value(source.getA()), Value(source.getOffsets()),
                      outputs ? Value() : reach})
    if (value)
      values.push_back(value);
  for (Value value : {Value(source.getQ()), Value(source.getGate()), Value(source.getBonus()),
                      Value(source.getSkip()), Value(source.getInit())})
    if (value && outputs)
      values.push_back(value);
  return values;
}

int64_t LinearAttentionKernel::jobsOfHead(seq::LinearAttentionOp op, Part part) {
  bool ofKeys = part == Part::States && (op.hasChannelDecay() || op.getBonus());
  return ofKeys ? llvm::divideCeil(op.getValueDim(), valuesOfKeys(op)) *
                      llvm::divideCeil(op.getKeyDim(), LinearAttentionConfig::kPanel)
                : llvm::divideCeil(op.getValueDim(), kValues);
}

int64_t LinearAttentionKernel::unitsOfBatch(seq::LinearAttentionOp op, Part part) {
  return llvm::divideCeil(op.getValueHeads() * jobsOfHead(op, part), configOf(op, part).consumers);
}

/// A state-only pass does little with what it reads: it wants more of it under way than what is left of SRAM beside
/// the outputs' kernel.
int64_t LinearAttentionKernel::stagesOfStates() {
  constexpr int64_t kMost = 4;
  int64_t square = chunk * kPanelBytes; // 64 columns of 16 bits
  int64_t consumers = config.consumers, panels = llvm::divideCeil(op.getKeyDim(), 64);
  int64_t group = op.getValueHeads() / op.getKeyHeads() * llvm::divideCeil(op.getValueDim(), valueDim);
  auto readers = [&](int64_t jobs) { return jobs % consumers == 0 ? 1 : consumers; };
  int64_t row = panels * (op.getKeyHeads() == 1 ? 1 : readers(group)) + consumers, own = 0;
  if (ofKeys) {
    int64_t words = op.getDecay() && op.getDecay().getType().getElementType().isF32() ? 2 : 1;
    row = (1 + words) * consumers + valueDim / 64 * readers(panels);
    own = (words == 2 ? 3 : 1) * consumers; // what it stages
  }
  return std::clamp<int64_t>(((hopper::kSharedBytes - 2048) / square - own) / row, 1, kMost);
}

KernelOp LinearAttentionKernel::create(StringRef name, Type ratesType, Type reachType, Type statesType, Type factorsType) {
  SmallVector<Type> inputs;
  SmallVector<Value *> arguments;
  auto descOf = [&](Type element, Value &argument) {
    int64_t columns = kPanelBytes * 8 / element.getIntOrFloatBitWidth();
    inputs.push_back(DescType::get(op.getContext(), {1, chunk, 1, columns}, element));
    arguments.push_back(&argument);
  };
  auto desc = [&](Value &argument) { descOf(element, argument); };
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
  if (byChannel && !op.hasConstantDecay())
    descOf(op.getDecay().getType().getElementType(), decay);
  else if (ratesType)
    viewOf(ratesType, ratesOf);
  else
    view(op.getDecay(), decay);
  view(op.getA(), a), view(op.getOffsets(), offsets);
  if (reachType && part == Part::States)
    viewOf(reachType, reach);
  unsigned outputs = 2; // behind all that is read
  if (part != Part::States) {
    desc(q);
    if (op.getGate())
      desc(gate);
    view(op.getBonus(), bonus), view(op.getSkip(), skip), view(op.getInit(), init);
    outputs = op->getNumResults();
  }
  if (part != Part::Whole)
    viewOf(statesType, states), viewOf(factorsType, factors);
  if (part != Part::States) {
    desc(o);
    view(op.getState(), last);
    if (op.isPacked())
      view(op.getO(), elements);
  }

  // The coordinates of one more tensor than usual take registers of the producer.
  int64_t moved = byChannel && config.consumers == 2 ? 8 : 0;
  auto schedule = ScheduleAttr::get(op.getContext(), config.consumers,
                                    config.producerRegisters() + 2 * moved,
                                    config.consumerRegisters() - moved, config.persistent,
                                    /*overlap=*/false, /*spread=*/true);
  auto kernel = KernelOp::create(builder, op.getLoc(), name, inputs, schedule);
  if (byChannel && panels > 1)
    kernel->setAttr(kScarceAttr, builder.getUnitAttr());
  Block &body = kernel.getBody().front();
  for (auto [i, argument] : llvm::enumerate(arguments))
    *argument = body.getArgument(i);
  bool aliased = part != Part::States && op.isPacked();
  unsigned first = arguments.size() - outputs - aliased;
  for (unsigned i = first; i < first + outputs; ++i)
    kernel.setOutput(i);
  if (aliased)
    kernel.setArgAttr(first + outputs, kAliasAttr, builder.getI64IntegerAttr(first));

  builder.setInsertionPointToStart(&body);
  Value sequences = sequenceCount();
  if (LinearAttentionKernel::isOpen(op)) // of one step another kernel takes them
    sequences = t.make<arith::MulIOp>(sequences, t.sub(t.index(1), isOneStep(t, t.dim(k, 1))));
  bool pair = config.segmentConsumers;
  if (pair && part == Part::Whole) // those that are cut another kernel takes
    sequences = t.make<arith::MulIOp>(sequences, t.sub(t.index(1), isCut(t, segmentCount(t, op, t.dim(k, 0), t.dim(k, 1)))));
  Value before = part == Part::Whole ? Value() : t.dim(states, 1);
  if (pair && part == Part::Outputs)
    sequences = t.make<arith::MulIOp>(sequences, t.min(before, t.index(1)));
  SmallVector<Value> sizes = {t.index(config.consumers), t.index(unitsOfBatch(op, part)), sequences};
  if (before) { // the last segment's state is not asked for here
    segments = t.add(before, 1), pieces = t.dim(states, 2);
    if (part == Part::States)
      sizes.append({before, pieces});
    else
      sizes.push_back(segments);
  }
  auto forEach = ForEachOp::create(builder, op.getLoc(), sizes);
  ReturnOp::create(builder, op.getLoc());
  builder.setInsertionPointToStart(&forEach.getBody().front());
  auto at = forEach.getBody().getArguments();
  sequence = at[2];
  work(at[0], at[1], part == Part::Whole ? Value() : at[3], part == Part::States ? at[4] : Value());
  return kernel;
}

/// Which head a warpgroup has, and which part of its state.
void LinearAttentionKernel::place(Value warpgroup, Value unit) {
  int64_t blocks = llvm::divideCeil(op.getValueDim(), valueDim), group = op.getValueHeads() / op.getKeyHeads();
  job = t.add(t.mul(unit, config.consumers), warpgroup);
  channel = t.index(0);
  // What all warpgroups of a CTA have in common, its tiles they share.
  auto common = [&](int64_t jobs) {
    return jobs % config.consumers == 0 ? t.floorDiv(unit, jobs / config.consumers) : t.floorDiv(job, jobs);
  };
  Value block = job;
  if (ofKeys) {
    int64_t keyPanels = llvm::divideCeil(op.getKeyDim(), keyDim);
    channel = t.mul(t.sub(job, t.mul(t.floorDiv(job, keyPanels), keyPanels)), keyDim);
    block = common(keyPanels);
  }
  head = t.floorDiv(block, blocks);
  column = t.mul(t.sub(block, t.mul(head, blocks)), valueDim);
  if (op.getKeyHeads() == 1)
    keyHead = t.index(0);
  else
    keyHead = ofKeys ? t.floorDiv(head, group) : common(group * blocks);
}

/// Where the sequence stands.
void LinearAttentionKernel::enterSequence() {
  Value total = t.dim(k, 1);
  start = t.index(0), length = total, batch = sequence;
  if (offsets) {
    auto offset = [&](Value at) {
      Type stored = cast<ViewType>(offsets.getType()).getElementType();
      return asIndex(t.make<GatherOp>(stored, offsets, at));
    };
    batch = start;
    start = t.max(offset(sequence), batch);
    length = t.max(t.sub(t.min(offset(t.add(sequence, 1)), total), start), batch);
  }
  end = t.add(start, length);
}

/// The first step of a chunk, wherever it stands in time.
Value LinearAttentionKernel::stepAt(Value time) {
  if (reverse)
    time = t.sub(t.mul(t.sub(t.ceilDiv(length, chunk), t.index(1)), chunk), time);
  return t.add(start, time);
}

/// One head's columns of values, from the first chunk to the last, of the sequence or a segment.
void LinearAttentionKernel::work(Value warpgroup, Value unit, Value segment, Value piece) {
  place(warpgroup, unit);
  if (skip)
    skipFactor = perHead(skip);
  if (a)
    rate = t.make<arith::MulFOp>(perHead(a), number(kLog2E));
  if (!byChannel && !variesInTime())
    prepareDecays();

  enterSequence();
  Span span = {t.index(0), length};
  if (segment)
    span = spanOf(segment);
  if (piece)
    span = pieceOf(span, unit, segment, piece);
  auto [from, to] = span;
  Value ends = from; // of the first and the last chunk, the sum of their times
  if (isBackwards())
    ends = t.add(t.add(from, from), t.mul(t.sub(chunksOf(span), t.index(1)), chunk));
  auto chunkAt = [&](Value time) { return stepAt(isBackwards() ? t.sub(ends, time) : time); };
  SmallVector<Value> carried;
  for (int64_t panel = 0; panel < panels; ++panel)
    carried.push_back(part == Part::States ? t.constant(state, 0)
                                           : enteringState(segment, panel));
  if (ofKeys)
    prepareKeys();
  Value raw = variesInTime() ? rates(chunkAt(from)) : Value();
  if (part == Part::States && !byChannel) {
    prepare(carried, chunkAt(from), raw);
  } else if (raw) {
    carried.push_back(raw);
  }
  if (ofKeys)
    carried.push_back(t.constant(perKey, 0));
  auto loop = scf::ForOp::create(
      builder, t.loc, from, to, t.index(chunk), carried,
      [&](OpBuilder &, Location, Value time, ValueRange args) {
        Value t0 = chunkAt(time);
        scf::YieldOp::create(builder, t.loc,
                             part == Part::States ? advance(t0, args) : step(t0, args));
      });
  if (part == Part::States)
    return storeSegment(loop.getResults(), segment, piece);
  if (!last)
    return;
  if (!segment)
    return storeState(loop.getResults());
  Value isLast = t.compare(arith::CmpIPredicate::eq, t.add(segment, 1), segments);
  scf::IfOp::create(builder, t.loc, isLast, [&](OpBuilder &, Location) {
    storeState(loop.getResults());
    scf::YieldOp::create(builder, t.loc);
  });
}

void LinearAttentionKernel::storeState(ValueRange panelsOfState) {
  for (int64_t panel = 0; panel < panels; ++panel)
    ScatterOp::create(builder, t.loc, panelsOfState[panel], last, stateIndices(panel, /*leaving=*/panels > 1));
}

//===----------------------------------------------------------------------===//
// Segments
//===----------------------------------------------------------------------===//

Value LinearAttentionKernel::chunksOf(Span span) {
  return t.ceilDiv(t.max(t.sub(span.to, span.from), t.index(0)), chunk);
}

LinearAttentionKernel::Span LinearAttentionKernel::spanOf(Value segment) {
  Value padded = t.sub(t.add(t.ceilDiv(length, chunk), segments), t.index(1));
  Value steps = t.mul(t.make<arith::DivUIOp>(padded, segments), chunk), from = t.make<arith::MulIOp>(segment, steps);
  return {from, t.min(t.add(from, steps), length)};
}

/// A piece of what the state at the end of a segment still knows. What comes before that, the first piece forgets.
LinearAttentionKernel::Span LinearAttentionKernel::pieceOf(Span segmentSpan, Value unit, Value segment, Value piece) {
  Value one = t.index(1), count = chunksOf(segmentSpan), known = count;
  if (reach) {
    known = t.index(0);
    for (int64_t i = 0; i < config.consumers; ++i) { // the producer's loads are of all their heads
      Value ofHead = t.floorDiv(t.add(t.mul(unit, config.consumers), i), jobsOfHead(op, part));
      Value own = t.make<GatherOp>(builder.getI32Type(), reach, ValueRange{sequence, segment, ofHead});
      known = t.max(known, asIndex(own));
    }
    Value forgets = t.both(t.compare(arith::CmpIPredicate::slt, known, count),
                           t.compare(arith::CmpIPredicate::eq, piece, t.index(0)));
    remembered = t.select(forgets, number(0), number(1));
  }
  Value ofPiece = t.make<arith::DivUIOp>(t.sub(t.add(known, pieces), one), pieces);
  Value behind = t.sub(t.sub(pieces, one), piece), last = t.sub(count, t.make<arith::MulIOp>(behind, ofPiece));
  Value first = t.max(t.sub(last, ofPiece), t.sub(count, known));
  auto timeOf = [&](Value chunks) { return t.add(segmentSpan.from, t.mul(chunks, chunk)); };
  return {timeOf(first), t.min(timeOf(last), segmentSpan.to)};
}

/// [B, segment, piece, Hv, K, V], of the state; [B, segment, piece, head, channel], or where the factor is one for all
/// channels [B, segment, piece, head and block, row].
static SmallVector<Value> inPiece(TileBuilder &t, SmallVector<Value> indices, Value segment, Value piece) {
  auto type = dyn_cast<RankedTensorType>(indices[0].getType());
  for (Value at : {piece, segment})
    indices.insert(indices.begin() + 1, type ? t.make<BroadcastOp>(type, at) : at);
  return indices;
}

/// The initial state, taken through the segments before this one.
Value LinearAttentionKernel::enteringState(Value segment, int64_t panel) {
  Value s = init ? t.make<GatherOp>(state, init, stateIndices(panel)) : t.constant(state, 0);
  if (!segment)
    return s;
  auto next = [&](Value before, Value piece, Value s) -> Value {
    Value factor =
        byChannel ? t.make<GatherOp>(
                        channels, factors,
                        inPiece(t, factorIndices(channels, head, t.index(panel * keyDim)), before, piece))
                  : t.make<GatherOp>(builder.getF32Type(), factors,
                                     inPiece(t, {sequence, job, t.index(0)}, before, piece));
    Value added = t.make<GatherOp>(state, states, inPiece(t, stateIndices(panel), before, piece));
    return t.fma(s, byChannel ? t.broadcast(factor, state) : t.make<BroadcastOp>(state, factor), added);
  };
  auto loop = scf::ForOp::create(
      builder, t.loc, t.index(0), segment, t.index(1), s,
      [&](OpBuilder &, Location, Value before, ValueRange args) {
        auto inner = scf::ForOp::create(
            builder, t.loc, t.index(0), pieces, t.index(1), args[0],
            [&](OpBuilder &, Location, Value piece, ValueRange args) {
              scf::YieldOp::create(builder, t.loc, next(before, piece, args[0]));
            });
        scf::YieldOp::create(builder, t.loc, inner.getResult(0));
      });
  return loop.getResult(0);
}

void LinearAttentionKernel::storeSegment(ValueRange results, Value segment, Value piece) {
  ScatterOp::create(builder, t.loc, results.front(), states, inPiece(t, stateIndices(/*panel=*/0), segment, piece));
  Value all = results.back();
  Value factor = t.exp2(ofKeys ? all : t.make<BroadcastOp>(perKey, all));
  if (remembered)
    factor = t.mulf(factor, t.make<BroadcastOp>(perKey, remembered));
  ScatterOp::create(builder, t.loc, factor, factors,
                    inPiece(t, factorIndices(perKey, ofKeys ? head : job, channel), segment, piece));
}

SmallVector<Value> LinearAttentionKernel::factorIndices(RankedTensorType type, Value at, Value channel) {
  auto indices = type.clone(builder.getIndexType());
  return {t.make<BroadcastOp>(indices, sequence), t.make<BroadcastOp>(indices, at),
          t.make<IotaOp>(indices, channel)};
}

/// Of the chunk at t0 the factors of what enters the state at the end of its piece, `after` all decay behind it, and the
/// sum of that decay with its own.
std::pair<Value, Value> LinearAttentionKernel::weights(Value t0, Value raw, Value after) {
  Decays d;
  if (raw)
    weigh(d, exponents(t0, raw), after);
  else
    d = constantDecays(t0, after);
  return {d.weight, t.make<arith::AddFOp>(after, d.total)};
}

/// What `advance` carries: of the first chunk, at t0, the values as they enter the state; of the second one their factors;
/// what is read of the third one; and sums of the decay until the second, the first, and none of them.
void LinearAttentionKernel::prepare(SmallVectorImpl<Value> &carried, Value t0, Value raw) {
  Value none = number(0), t1 = following(t0);
  if (!isDecayed()) {
    carried.append({weighted(loadValues(t0), Value()), none});
    return;
  }
  auto [first, sum] = weights(t0, raw, none);
  carried.push_back(weighted(loadValues(t0), columns(first)));
  auto [second, sums] = weights(t1, raw ? rates(t1) : Value(), sum);
  carried.push_back(second);
  if (raw)
    carried.push_back(rates(following(t1)));
  carried.append({sums, sum, none});
}

/// One chunk of a segment whose outputs another kernel computes. While its products run, the values of the next one are
/// prepared, and the factors of the one after that: a chain of shuffles beside another.
SmallVector<Value> LinearAttentionKernel::advance(Value t0, ValueRange carried) {
  if (ofKeys)
    return advanceByChannel(t0, carried);
  Value t1 = following(t0), t2 = following(t1);
  Value ahead = variesInTime() ? rates(following(t2)) : Value(); // first of all: it takes as long as a chunk
  SmallVector<Value> next = {accumulate(carried[0], Value(), contributions(carried[1]), loadKeys(t0))};
  next.push_back(weighted(loadValues(t1), isDecayed() ? columns(carried[2]) : Value()));
  ValueRange sums = carried.take_back(isDecayed() ? 3 : 1);
  if (isDecayed()) {
    auto [factors, sum] = weights(t2, ahead ? carried[3] : Value(), sums[0]);
    next.push_back(factors);
    if (ahead)
      next.push_back(ahead);
    next.append({sum, sums[0], sums[1]});
  } else {
    next.push_back(sums[0]);
  }
  return next;
}

//===----------------------------------------------------------------------===//
// The host
//===----------------------------------------------------------------------===//

/// B, L and the number of sequences, of all that has them: the sizes that types may leave open. `outputs` are those
/// of op that are written; `rates` are [B, H, L].
static ArrayAttr sameSizes(OpBuilder &b, seq::LinearAttentionOp op, ArrayRef<Value> operands,
                           ArrayRef<Value> outputs, Value rates) {
  SmallVector<int64_t> batch, length, packed;
  SmallVector<int64_t> &sequences = op.isPacked() ? packed : batch;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    if (cast<RankedTensorType>(operand.getType()).getRank() < 3)
      continue;
    if (operand == rates) {
      batch.append({int64_t(i), 0});
      length.append({int64_t(i), 2});
      continue;
    }
    bool made = operand.getDefiningOp<tensor::EmptyOp>() || operand.getDefiningOp<LaunchOp>();
    bool inTime = made ? !outputs.empty() && operand == outputs.front() : operand != op.getInit();
    (inTime ? batch : sequences).append({int64_t(i), 0});
    if (inTime)
      length.append({int64_t(i), 1});
  }
  if (op.isPacked()) { // one more than there are sequences
    auto at = llvm::find(operands, Value(op.getOffsets()));
    packed.append({at - operands.begin(), -1});
  }
  SmallVector<Attribute> same;
  for (ArrayRef<int64_t> group : {ArrayRef(batch), ArrayRef(length), ArrayRef(packed)})
    if (group.size() > 2)
      same.push_back(b.getDenseI64ArrayAttr(group));
  return b.getArrayAttr(same);
}

/// How many pieces the pass for the states of segments cuts each into. It has a segment less to do than there are, and
/// its CTAs, `units`, are to fill the card none the less: in one round; or in two of thirds or three of quarters, where
/// that is less.
static Value pieceCount(TileBuilder &host, Value units, Value length, Value segments, int64_t chunk) {
  Value one = host.index(1), some = host.max(units, one);
  Value fill = host.make<arith::DivUIOp>(host.index(hopper::kMultiprocessors), some);
  Value several = host.compare(arith::CmpIPredicate::ugt, fill, one);
  for (int64_t rounds : {3, 2}) { // of pieces, one more than there are rounds
    Value fits = host.compare(arith::CmpIPredicate::ule, some, host.index(hopper::kMultiprocessors * rounds / (rounds + 1)));
    fill = host.select(several, fill, host.select(fits, host.index(rounds + 1), fill));
  }
  Value most = host.make<arith::DivUIOp>(length, host.mul(segments, kChunksOfSegment * chunk));
  return host.max(host.min(fill, most), one);
}

/// What is read at each step, by heads; null where nothing is.
static Value launchRates(seq::LinearAttentionOp op, SymbolTable &symbols, StringRef name, TileBuilder &host, Value several) {
  LinearAttentionKernel program(op, Part::Whole);
  if (!program.variesInTime())
    return {};
  SmallVector<Value> operands = program.operandsOfRates();
  Value batch = host.make<tensor::DimOp>(op.getK(), int64_t(0)), length = host.make<tensor::DimOp>(op.getK(), int64_t(1));
  int64_t any = ShapedType::kDynamic, heads = op.getValueHeads();
  auto type = RankedTensorType::get({any, heads, any}, host.b.getF32Type());
  operands.push_back(host.make<tensor::EmptyOp>(type, ValueRange{batch, length}));
  KernelOp kernel = program.createRates((name + "_rates").str(), type);
  explain(kernel, "what is read at each step, by heads", "a CTA for 64 steps of 64 heads");
  symbols.insert(kernel);
  if (op.isPacked())
    several = batch;
  int64_t blocks = llvm::divideCeil(heads, LinearAttentionKernel::kValues);
  SmallVector<Value> work = {host.index(blocks), host.ceilDiv(length, LinearAttentionKernel::configOf(op, Part::Whole).chunk),
                             several};
  auto launch = LaunchOp::create(host.b, op.getLoc(), TypeRange(type), kernel.getSymName(), operands, work);
  int64_t written = operands.size() - 1; // of the size of what all others read
  launch->setAttr(kSameSizesAttr, host.b.getArrayAttr({host.b.getDenseI64ArrayAttr({0, 0, written, 0}),
                                                       host.b.getDenseI64ArrayAttr({0, 1, written, 2})}));
  return launch.getResult(0);
}

/// How far back from the end of each segment the states that it leaves reach; null where decays do not vary in time.
static Value launchReach(seq::LinearAttentionOp op, SymbolTable &symbols, StringRef name, TileBuilder &host, Value rates,
                         Value sequences, Value several, Value before) {
  LinearAttentionKernel program(op, Part::Whole);
  if (!program.forgets())
    return {};
  int64_t any = ShapedType::kDynamic, heads = op.getValueHeads();
  auto type = RankedTensorType::get({any, any, heads}, host.b.getI32Type());
  SmallVector<Value> operands = program.operandsOfReach(rates);
  operands.push_back(host.make<tensor::EmptyOp>(type, ValueRange{sequences, before}));
  KernelOp kernel = program.createReach((name + "_reach").str(), operands);
  explain(kernel, "how many chunks back a state still knows, to 2^-40", "a CTA for each head of a segment");
  symbols.insert(kernel);
  SmallVector<Value> work = {host.index(heads), several, before};
  auto launch = LaunchOp::create(host.b, op.getLoc(), TypeRange(type), kernel.getSymName(), operands, work);
  launch->setAttr(kSameSizesAttr, sameSizes(host.b, op, operands, {}, rates));
  return launch.getResult(0);
}

LogicalResult longwing::lowerLinearAttention(seq::LinearAttentionOp op, SymbolTable &symbols) {
  std::string name = (op->getParentOfType<FunctionOpInterface>().getName() + "_linear_attention").str();
  LinearAttentionConfig config = LinearAttentionConfig::read(op);
  bool pair = config.segmentConsumers;
  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  FailureOr<SmallVector<Value>> empty = emptyResults(b, op);
  if (failed(empty))
    return failure();

  Value sequences = host.make<tensor::DimOp>(op.isPacked() ? op.getOffsets() : op.getK(), int64_t(0));
  if (op.isPacked())
    sequences = host.sub(sequences, host.index(1));
  Value several = sequences;
  if (LinearAttentionKernel::isOpen(op)) {
    Value length = host.make<tensor::DimOp>(op.getK(), int64_t(1));
    several = host.make<arith::MulIOp>(sequences, host.sub(host.index(1), isOneStep(host, length)));
  }
  Value rates = launchRates(op, symbols, name, host, several), reach;
  auto launch = [&](Part part, StringRef suffix, Value several, ValueRange sizes, ValueRange extra, ValueRange outputs) {
    LinearAttentionKernel program(op, part);
    SmallVector<Value> operands = program.operands(rates, reach);
    Type states = extra.empty() ? Type() : extra[0].getType(),
         factors = extra.empty() ? Type() : extra[1].getType();
    if (part == Part::States)
      states = outputs[0].getType(), factors = outputs[1].getType();
    auto typeOf = [](Value value) { return value ? value.getType() : Type(); };
    KernelOp kernel = program.create((name + suffix).str(), typeOf(rates), typeOf(reach), states, factors);
    std::string chunks = llvm::formatv("chunks of {0} steps, {1}", config.chunk,
                                       config.exact ? "what enters the state in two 16-bit parts"
                                                    : "what enters the state rounded to 16 bits");
    int64_t units = LinearAttentionKernel::unitsOfBatch(op, part);
    SmallVector<Value> work = {host.index(LinearAttentionKernel::configOf(op, part).consumers), host.index(units), several};
    llvm::append_range(work, sizes);
    std::string ctas = llvm::formatv("{0} CTAs for each sequence of a batch", units);
    if (part == Part::Whole && pair)
      explain(kernel, chunks, ctas + ", where these leave no room for segments");
    else if (part == Part::Whole)
      explain(kernel, chunks, ctas);
    else if (part == Part::States)
      explain(kernel, "the states of all segments but the last: " + chunks,
              ctas + "; a sequence is cut where those of a batch leave multiprocessors idle, into segments of at "
                     "least 16 chunks, and these into pieces");
    else
      explain(kernel, "segments side by side: " + chunks, ctas + "; each takes the states of those before it");
    symbols.insert(kernel);
    llvm::append_range(operands, extra);
    llvm::append_range(operands, outputs);
    if (op.isPacked() && part != Part::States)
      operands.push_back(outputs.front());
    auto launch = LaunchOp::create(b, op.getLoc(), outputs.getTypes(), kernel.getSymName(),
                                   operands, work);
    launch->setAttr(kSameSizesAttr, sameSizes(b, op, operands, part == Part::States ? ArrayRef<Value>() : *empty, rates));
    return launch;
  };

  ValueRange results = *empty;
  if (!config.split) {
    results = launch(Part::Whole, "", several, {}, {}, results).getResults();
  } else {
    Value length = host.make<tensor::DimOp>(op.getK(), int64_t(1));
    if (op.isPacked()) // as if all were as long
      length = host.make<arith::DivUIOp>(length, host.max(sequences, host.index(1)));
    Value count = segmentCount(host, op, sequences, length), before = host.sub(count, host.index(1));
    Value cut = pair ? host.make<arith::MulIOp>(several, isCut(host, count)) : several;
    int64_t ofStates = LinearAttentionKernel::unitsOfBatch(op, Part::States);
    Value pieces = pieceCount(host, host.make<arith::MulIOp>(host.mul(sequences, ofStates), before), length, count,
                              config.chunk);
    int64_t any = ShapedType::kDynamic, heads = op.getValueHeads();
    int64_t blocks = llvm::divideCeil(op.getValueDim(), LinearAttentionKernel::kValues);
    bool byChannel = op.hasChannelDecay() || op.getBonus();
    int64_t factors = byChannel ? llvm::alignTo(op.getKeyDim(), kMmaStep) : kWarpgroupRows;
    auto tensor = [&](ArrayRef<int64_t> shape) {
      auto type = RankedTensorType::get(shape, b.getF32Type());
      return host.make<tensor::EmptyOp>(type, ValueRange{sequences, before, pieces});
    };
    SmallVector<Value> buffers = {tensor({any, any, any, heads, op.getKeyDim(), op.getValueDim()}),
                                  tensor({any, any, any, byChannel ? heads : heads * blocks, factors})};
    reach = launchReach(op, symbols, name, host, rates, sequences, cut, before);
    ValueRange states = launch(Part::States, "_states", cut, {before, pieces}, {}, buffers).getResults();
    results = launch(Part::Outputs, pair ? "_segments" : "", cut, {count}, states, results).getResults();
    if (pair)
      results = launch(Part::Whole, "", host.sub(several, cut), {}, {}, results).getResults();
  }
  if (LinearAttentionKernel::isOpen(op))
    return lowerStep(op, symbols, results);
  op->replaceAllUsesWith(results);
  op->erase();
  return success();
}
