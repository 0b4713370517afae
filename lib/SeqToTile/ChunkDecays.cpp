//===- ChunkDecays.cpp - Chunks of linear attention, a decay for each head -===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinearAttention.h"

#include "SeqToTile.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

Value LinearAttentionKernel::loadKeys(Value t0) {
  Value tile = t.load(k, {batch, t0, keyHead, channel},
                      tileType<SharedAttr>({chunk, panels * keyDim}, element), config.stages);
  return ofSequence(tile, t0);
}

Value LinearAttentionKernel::loadQueries(Value t0) {
  return t.load(q, {batch, t0, keyHead, t.index(0)},
                tileType<SharedAttr>({chunk, panels * keyDim}, element), config.stages);
}

Value LinearAttentionKernel::loadValues(Value t0) {
  Value tile = t.load(v, {batch, t0, head, column}, tileType<SharedAttr>({chunk, valueDim}, element),
                      config.valueStages);
  return ofSequence(tile, t0);
}

Value LinearAttentionKernel::loadGate(Value t0) {
  if (!gate)
    return {};
  return t.load(gate, {batch, t0, head, column}, tileType<SharedAttr>({chunk, kValues}, element),
                config.stages);
}

/// The values of a chunk as they enter the state, transposed.
Value LinearAttentionKernel::weighted(Value valueTile, Value weight) {
  Value whole = t.make<FragmentOp>(tileType<AccAttr>({kValues, chunk}, builder.getF32Type()),
                                   valueTile, /*transpose=*/true);
  return weight ? t.mulf(whole, t.broadcastLike(weight, whole)) : whole;
}

/// The same as operands. Weighted values have more digits than one holds; their rest, the second of the
/// two, enters too: else all that a slow decay accumulates would be rounded twice, here and where it is read.
std::pair<Value, Value> LinearAttentionKernel::contributions(Value whole) {
  auto operand = tileType<AFragAttr>({kValues, chunk}, element);
  if (!isDecayed() || !config.exact)
    return {roundTo(operand, whole), Value()};
  SmallVector<Value> parts = inParts(whole, operand);
  return {parts[0], parts[1]};
}

Value LinearAttentionKernel::accumulate(Value s, Value total,
                                        std::pair<Value, Value> contributed, Value keyTile) {
  if (total)
    s = t.mulf(s, t.make<BroadcastOp>(state, t.make<math::Exp2Op>(total)));
  s = t.dot(contributed.first, keyTile, s, state, /*transposeB=*/false);
  if (contributed.second)
    s = t.dot(contributed.second, keyTile, s, state, /*transposeB=*/false);
  return s;
}

/// One chunk. What the warpgroups do between two products of theirs runs under those of the others. Three of them have
/// fewer registers each: outputs are on their way there before contributions are made.
SmallVector<Value> LinearAttentionKernel::step(Value t0, ValueRange carried) {
  if (byChannel)
    return stepByChannel(t0, carried);
  Value s = carried[0], t1 = following(t0);
  auto statesOperand = tileType<SharedAttr>({kValues, keyDim}, element);
  bool few = config.consumers > 2;

  Value entering = roundTo(state.clone(element), s);
  Value keyTile = loadKeys(t0), queryTile = loadQueries(t0);
  Value weights = t.dot(queryTile, keyTile, {}, scores, /*transposeB=*/true);
  Value staged = t.make<StageOp>(statesOperand, entering, Value());

  SmallVector<Value> now, next;
  if (variesInTime()) {
    now = exponents(t0, carried[1]);
    next.push_back(rates(t1));
  }
  Decays d = variesInTime() ? Decays() : constantDecays(t0);
  Value weight = columns(d.weight);
  if (variesInTime())
    distribute(d, now);
  Value counts = d.mask ? d.mask : mask(d.row, d.column);
  weights = roundTo(tileType<AFragAttr>({chunk, chunk}, element), t.mulf(weights, counts));
  Value past = t.dot(queryTile, staged, {}, output, /*transposeB=*/true);

  Value valueTile = loadValues(t0);
  if (variesInTime()) {
    weigh(d, now);
    weight = columns(d.weight);
  }
  std::pair<Value, Value> contributed;
  auto contribute = [&] { contributed = contributions(weighted(valueTile, weight)); };
  if (!few)
    contribute();
  if (d.row)
    past = t.mulf(past, t.broadcast(t.exp2(d.row), output));
  Value sum = t.dot(weights, valueTile, past, output, /*transposeB=*/false);
  auto give = [&] { storeOutputs(finish(sum, valueTile, loadGate(t0)), t0); };
  if (few) {
    give();
    contribute();
  }
  next.insert(next.begin(), accumulate(s, d.total, contributed, keyTile));
  if (!few)
    give();
  return next;
}

/// Where the next sequence begins within the chunk its rows are written by elements.
void LinearAttentionKernel::storeOutputs(Value sum, Value t0) {
  auto store = [&] {
    StoreOp::create(builder, t.loc, sum, o, ValueRange{batch, t0, head, column}, Value());
  };
  if (!elements)
    return store();
  Value whole = t.compare(arith::CmpIPredicate::sge, t.sub(end, t0), t.index(chunk));
  scf::IfOp::create(
      builder, t.loc, whole,
      [&](OpBuilder &, Location) {
        store();
        scf::YieldOp::create(builder, t.loc);
      },
      [&](OpBuilder &, Location) {
        auto indices = output.clone(builder.getIndexType());
        Value time = t.iota<RowAttr>(t0, chunk);
        Value inside = t.compare(arith::CmpIPredicate::slt, time, t.make<BroadcastOp>(time.getType(), end));
        time = t.select(inside, time, t.make<BroadcastOp>(time.getType(), t.index(-1))); // none that there is
        SmallVector<Value> at = {
            t.make<BroadcastOp>(indices, batch), t.broadcast(time, indices),
            t.make<BroadcastOp>(indices, head),
            t.broadcast(t.iota<ColAttr>(column, kValues), indices)};
        ScatterOp::create(builder, t.loc, sum, elements, at);
        scf::YieldOp::create(builder, t.loc);
      });
}

/// o = (scale o + skip v) z / (1 + exp(-z)), in 16 bits
Value LinearAttentionKernel::finish(Value sum, Value valueTile, Value gateTile) {
  if (scaleOutputs)
    sum = t.mulf(sum, op.getEffectiveScale());
  if (skip)
    sum = t.fma(t.make<FragmentOp>(output, valueTile, /*transpose=*/false),
                t.make<BroadcastOp>(output, skipFactor), sum);
  if (gateTile) {
    Value z = t.make<FragmentOp>(output, gateTile, /*transpose=*/false);
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

/// What the chunk at t0 reads of the rates. It is read ahead, so that no one waits for it.
Value LinearAttentionKernel::rates(Value t0) {
  auto indices = line.clone(builder.getIndexType());
  SmallVector<Value> at = {t.make<BroadcastOp>(indices, batch), t.make<BroadcastOp>(indices, head),
                           t.make<IotaOp>(indices, t0)};
  Value read = t.make<GatherOp>(line, ratesOf, at);
  if (part == Part::States) // a chunk takes no longer there
    read.getDefiningOp()->setDiscardableAttr(kEarlyAttr, builder.getUnitAttr());
  return read;
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

bool LinearAttentionKernel::variesInTime() const {
  seq::LinearAttentionOp source = op;
  return !byChannel && (source.getDt() || (source.getDecay() && !source.hasConstantDecay()));
}

SmallVector<Value> LinearAttentionKernel::operandsOfRates() const {
  seq::LinearAttentionOp source = op;
  SmallVector<Value> values = {source.getDt() ? source.getDt() : source.getDecay()};
  if (source.getBias())
    values.push_back(source.getBias());
  return values;
}

KernelOp LinearAttentionKernel::createRates(StringRef name, Type ratesType) {
  SmallVector<Type> inputs;
  SmallVector<Value> read = operandsOfRates();
  for (Type type : llvm::concat<const Type>(ValueRange(read).getTypes(), ArrayRef(ratesType))) {
    auto tensor = cast<RankedTensorType>(type);
    inputs.push_back(ViewType::get(op.getContext(), tensor.getShape(), tensor.getElementType()));
  }
  auto schedule = ScheduleAttr::get(op.getContext(), /*consumers=*/1, /*producer=*/0, /*consumer=*/128,
                                    /*persistent=*/false, /*overlap=*/false, /*spread=*/false);
  auto kernel = KernelOp::create(builder, op.getLoc(), name, inputs, schedule);
  kernel.setOutput(read.size());
  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  Value source = body.getArgument(0), written = body.getArgument(read.size());
  Value steps = t.dim(source, 1), batches = t.dim(source, 0);
  if (isOpen(op))
    batches = t.make<arith::MulIOp>(batches, t.sub(t.index(1), isOneStep(t, steps)));
  int64_t blocks = llvm::divideCeil(op.getValueHeads(), kValues);
  auto forEach = ForEachOp::create(builder, op.getLoc(), ValueRange{t.index(blocks), t.ceilDiv(steps, chunk), batches});
  ReturnOp::create(builder, op.getLoc());
  builder.setInsertionPointToStart(&forEach.getBody().front());
  auto at = forEach.getBody().getArguments();
  auto indices = scores.clone(builder.getIndexType());
  Value firstHead = t.mul(at[0], kValues), ofBatch = t.make<BroadcastOp>(indices, at[2]),
        times = t.broadcast(t.iota<RowAttr>(t.mul(at[1], chunk), chunk), indices);
  Value ofHead = t.iota<ColAttr>(firstHead, kValues), heads = t.broadcast(ofHead, indices);
  Type stored = cast<ViewType>(source.getType()).getElementType();
  Value x = widen(t.make<GatherOp>(scores.clone(stored), source, ValueRange{ofBatch, times, heads}), scores);
  if (op.getBias()) {
    Value bias = body.getArgument(1);
    auto perHead = tileType<ColAttr>({kValues}, cast<ViewType>(bias.getType()).getElementType());
    x = t.addf(x, t.broadcast(widen(t.make<GatherOp>(perHead, bias, ofHead), perHead.clone(builder.getF32Type())), scores));
  }
  if (op.getSoftplus())
    x = softplus(x);
  if (!op.getDt())
    x = t.mulf(x, kLog2E);
  ScatterOp::create(builder, t.loc, x, written, ValueRange{ofBatch, heads, times});
  return kernel;
}

SmallVector<Value> LinearAttentionKernel::operandsOfReach(Value rates) const {
  seq::LinearAttentionOp source = op;
  SmallVector<Value> values = {source.getK(), rates ? rates : source.getDecay()};
  for (Value value : {Value(source.getA()), Value(source.getOffsets())})
    if (value)
      values.push_back(value);
  return values;
}

/// Chunks that are read at once.
static constexpr int64_t kReadChunks = 8;

KernelOp LinearAttentionKernel::createReach(StringRef name, ValueRange operands) {
  SmallVector<Type> inputs;
  for (Value operand : operands) {
    auto tensor = cast<RankedTensorType>(operand.getType());
    inputs.push_back(ViewType::get(op.getContext(), tensor.getShape(), tensor.getElementType()));
  }
  auto schedule = ScheduleAttr::get(op.getContext(), /*consumers=*/panels, /*producer=*/0, /*consumer=*/128,
                                    /*persistent=*/false, /*overlap=*/false, /*spread=*/false);
  auto kernel = KernelOp::create(builder, op.getLoc(), name, inputs, schedule);
  kernel.setOutput(inputs.size() - 1);
  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  auto next = body.args_begin();
  k = *next++;
  (byChannel ? decay : ratesOf) = *next++;
  if (op.getA())
    a = *next++;
  if (op.getOffsets())
    offsets = *next++;
  reach = *next;
  Value before = t.dim(reach, 1);
  segments = t.add(before, 1);
  Value sequences = t.make<arith::MulIOp>(sequenceCount(), t.min(before, t.index(1)));
  auto forEach = ForEachOp::create(builder, op.getLoc(), ValueRange{t.index(op.getValueHeads()), sequences, before});
  ReturnOp::create(builder, op.getLoc());
  builder.setInsertionPointToStart(&forEach.getBody().front());
  auto at = forEach.getBody().getArguments();
  head = at[0], sequence = at[1];
  keyHead = t.floorDiv(head, op.getValueHeads() / op.getKeyHeads());
  enterSequence();
  Span span = spanOf(at[2]);
  Value known = byChannel ? reachOfChannels(span) : reachOfHead(span);
  t.storeScalar(t.make<arith::IndexCastOp>(builder.getI32Type(), known), reach, {sequence, at[2], head});
  return kernel;
}

/// Counts chunks from the end of a segment on. It gives up, and takes all, where at the pace so far more than half of them
/// would count: not much is won then, and reading on costs time.
Value LinearAttentionKernel::reachOfHead(Span span) {
  if (a)
    rate = t.make<arith::MulFOp>(perHead(a), number(kLog2E));
  Value zero = t.index(0), one = t.index(1), count = chunksOf(span);
  auto knows = [&](Value sum) { return t.make<arith::CmpFOp>(arith::CmpFPredicate::OGT, sum, number(kForgotten)); };
  auto goesOn = [&](Value read, ValueRange args) {
    Value pace = t.make<arith::MulFOp>(args[0], real(count)), enough = t.make<arith::MulFOp>(real(read), number(2 * kForgotten));
    return t.both(knows(args[0]), t.make<arith::CmpFOp>(arith::CmpFPredicate::OLE, pace, enough));
  };
  auto readOn = [&](Value read, ValueRange args) -> SmallVector<Value> {
    SmallVector<Value> decays;
    for (int64_t i = 0; i < kReadChunks; ++i) {
      Value t0 = chunkBefore(span, count, t.add(read, i));
      decays.push_back(exponents(t0, rates(t0))[2]);
    }
    Value sum = args[0], known = args[1];
    for (Value decay : decays) {
      known = t.add(known, t.select(knows(sum), one, zero));
      sum = t.make<arith::AddFOp>(sum, decay);
    }
    return {sum, known};
  };
  ValueRange found = t.forWhile(count, kReadChunks, {number(0), zero}, goesOn, readOn);
  return t.select(knows(found[0]), count, t.min(found[1], count));
}

/// Of the chunk at t0, whose rates have been read: the exponents of its queries, of its keys and of
/// the whole chunk.
SmallVector<Value> LinearAttentionKernel::exponents(Value t0, Value x) {
  // Steps behind the last neither decay nor contribute.
  auto indices = line.clone(builder.getIndexType());
  Value exists = t.compare(arith::CmpIPredicate::slt, t.make<IotaOp>(indices, t0),
                           t.make<BroadcastOp>(indices, end));
  x = t.select(exists, x, t.constant(line, 0));
  Value shift; // log2 of the factor of each key
  if (op.getDt()) {
    shift = t.log2(x);
    x = t.mulf(x, lineOf(rate));
  }
  Value c = t.make<ScanOp>(line, x);
  Value total = t.make<PickOp>(builder.getF32Type(), c, chunk - 1);
  if (reverse) // of each step and those behind it
    c = t.addf(t.make<arith::SubFOp>(lineOf(total), c), x);
  Value key = shift ? t.make<arith::SubFOp>(c, shift) : c;
  Value query = scaleExponent ? t.addf(c, t.constant(line, scaleExponent)) : c;
  return {query, key, total};
}

/// What becomes of the state and of what enters it, `after` which there may be more decay.
void LinearAttentionKernel::weigh(Decays &d, ValueRange exponents, Value after) {
  d.total = exponents[2];
  Value until = after ? t.make<arith::AddFOp>(d.total, after) : d.total;
  d.weight = t.exp2(t.make<arith::SubFOp>(lineOf(until), exponents[1]));
}

/// What the scores need is made last: it takes registers that the contributions have left.
void LinearAttentionKernel::distribute(Decays &d, ValueRange exponents) {
  d.row = t.make<DistributeOp>(perRow, exponents[0]);
  d.column = t.make<DistributeOp>(perColumn, exponents[1]);
}

/// 1, 2, ... times the decay of a step, or backwards of a whole chunk: what is the same in each chunk where decays
/// are constant.
void LinearAttentionKernel::prepareDecays() {
  if (!decay) {
    Value scale = scaleExponent ? t.constant(perRow, scaleExponent) : Value();
    constant.row = scale;
    constant.mask = mask(scale, Value());
    return;
  }
  auto indices = line.clone(builder.getIndexType());
  Value whole = t.make<arith::IndexCastOp>(line.clone(builder.getI32Type()),
                                           t.make<IotaOp>(indices, t.index(reverse ? -chunk : 1)));
  Value g = t.make<arith::MulFOp>(perHead(decay), number(kLog2E));
  prefixes = t.mulf(t.make<arith::SIToFPOp>(line, whole), lineOf(reverse ? t.make<arith::NegFOp>(g) : g));
  decayOfStep = g;
  constant.row = t.addf(t.make<DistributeOp>(perRow, prefixes), t.constant(perRow, scaleExponent));
  constant.mask = mask(constant.row, t.make<DistributeOp>(perColumn, prefixes));
}

/// Of constant decays only what enters the state depends on the chunk, which may be shorter at the
/// end.
Decays LinearAttentionKernel::constantDecays(Value t0, Value after) {
  Decays d = constant;
  if (!decay)
    return d;
  Value whole = t.make<arith::IndexCastOp>(builder.getI32Type(), stepsOf(t0));
  Value total = t.make<arith::MulFOp>(t.make<arith::SIToFPOp>(builder.getF32Type(), whole),
                                      decayOfStep);
  d.total = total;
  Value all = total; // of a chunk of all steps
  if (reverse) {
    all = t.make<arith::MulFOp>(decayOfStep, number(chunk));
    Value missing = t.make<arith::SubFOp>(total, all);
    d.row = t.addf(d.row, t.make<BroadcastOp>(perRow, missing));
  }
  // Steps behind the last contribute zeros; their factor must not be infinite.
  Value ahead = t.make<arith::SubFOp>(lineOf(all), prefixes);
  ahead = t.make<arith::MinNumFOp>(ahead, t.constant(line, 0));
  d.weight = t.exp2(after ? t.addf(ahead, lineOf(after)) : ahead);
  return d;
}

/// 2^(row_i - column_j) where step i sees step j, else 0: what each key counts for each query.
Value LinearAttentionKernel::mask(Value row, Value column) {
  auto indices = scores.clone(builder.getIndexType());
  Value first = t.index(0);
  Value seen = sees(t.broadcast(t.iota<ColAttr>(first, chunk), indices),
                    t.broadcast(t.iota<RowAttr>(first, chunk), indices));
  Value counts = t.constant(scores, 1);
  if (row) {
    counts = t.broadcast(row, scores);
    if (column)
      counts = t.make<arith::SubFOp>(counts, t.broadcast(column, scores));
    counts = t.exp2(counts);
  }
  return t.select(seen, counts, t.constant(scores, 0));
}

/// Where the state stands in [B, Hv, K, V].
SmallVector<Value> LinearAttentionKernel::stateIndices(int64_t panel, bool leaving) {
  auto indices = state.clone(builder.getIndexType());
  Value keys, values;
  if (ofKeys)
    keys = t.iota<RowAttr>(channel, keyDim), values = t.iota<ColAttr>(column, valueDim);
  else
    keys = t.iota<ColAttr>(t.index(panel * keyDim), keyDim), values = t.iota<RowAttr>(column, kValues);
  for (Value positions : {keys, values})
    if (leaving)
      positions.getDefiningOp()->setDiscardableAttr(kApartAttr, builder.getI64IntegerAttr(panel));
  return {t.make<BroadcastOp>(indices, sequence), t.make<BroadcastOp>(indices, head),
          t.broadcast(keys, indices), t.broadcast(values, indices)};
}
