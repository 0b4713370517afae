//===- ChannelDecays.cpp - Chunks of linear attention, a decay a channel --===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Decays that differ between key channels stand within the sum over channels (Yang et al. 2024):
//
//   A_ij = sum over k of Q_ik K_jk 2^(c_ik - c_jk),  j <= i
//
// so a chunk's A is a product of decayed queries by decayed keys, with a reference r between the two:
// (Q 2^(c_i - r)) (K 2^(r - c_j))^T. Where a chunk's decays are mild, one r, at its middle, serves all
// of it; bf16 and f32 hold what lies as far from there as the chunk reaches, in either direction. Else the chunk is
// halved again and again: the queries of the second half of a block meet the keys of its first half,
// with r at the middle, so that all exponents are at most 0, however strong the decays are. What is left
// in the end is the diagonal, which does not decay.
//
// Exponents are sums of decays over steps from here to there. They are products too, of a matrix of 1,
// -1 and 0 (tile.between) by the decays as they were stored: nothing is rounded or cancels. Operands that have been
// decayed have more digits than 16 bits hold; they enter in two parts.
//
// Key channels come in panels of up to 64, one after the other: scores and what is read of the state are sums
// over panels, and exponents, decayed operands and staged tiles of one are all that registers and SRAM hold.
//
// The pass for the states of segments has no scores. There a warpgroup owns a panel of keys, and the state as it stands.
//
// With a bonus u the output sees the state before its own decay, and A_ii = sum of Q_ik u_k K_ik.
//
//===----------------------------------------------------------------------===//

#include "LinearAttention.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// How far, in base 2, a chunk's decays may reach for one reference to serve it. What they scale, and
/// products of that, stay within bf16 and f32, with digits to spare.
static constexpr double kMild = 100;

/// Stages of one place do not live at the same time.
enum Place : int64_t { kKeys, kKeysRest, kState, kDecays };

/// Keeps a value from being merged with those of its like elsewhere.
static void setApart(Value x, int64_t from) {
  OpBuilder b(x.getContext());
  x.getDefiningOp()->setDiscardableAttr(kApartAttr, b.getI64IntegerAttr(from));
}

static Value stageAt(TileBuilder &t, Value x, int64_t place) {
  auto type = cast<RankedTensorType>(x.getType());
  auto stage = StageOp::create(t.b, t.loc, tileType<SharedAttr>(type.getShape(), type.getElementType()),
                               x, Value());
  stage.setPlaceAttr(t.b.getI64IntegerAttr(place));
  return stage;
}

//===----------------------------------------------------------------------===//
// Exponents
//===----------------------------------------------------------------------===//

/// Of a chunk, for each panel.
SmallVector<ChannelDecays> LinearAttentionKernel::channelDecays(Value t0) {
  SmallVector<ChannelDecays> decays(panels);
  for (int64_t panel = 0; panel < panels; ++panel)
    decays[panel].panel = panel;
  if (op.hasConstantDecay()) {
    for (ChannelDecays &panel : decays) {
      panel.count = stepsOf(t0);
      panel.constant = ofKeys ? constantDecay(perKey, channel) : constantDecay(channels, t.index(panel.panel * keyDim));
    }
    return decays;
  }
  Type stored = cast<DescType>(decay.getType()).getElementType();
  Value tile = t.load(decay, {batch, t0, decayHead(), channel},
                      tileType<SharedAttr>({chunk, panels * keyDim}, stored),
                      stored.isF32() ? config.valueStages : config.stages);
  tile = ofSequence(tile, t0);
  for (auto [panel, part] : llvm::zip(decays, inPanels(tile))) {
    panel.parts = {part};
    if (!stored.isF32())
      continue;
    Value g = t.make<FragmentOp>(tileType<AccAttr>({chunk, keyDim}, stored), part, /*transpose=*/false);
    panel.parts = inParts(g, tileType<AccAttr>({chunk, keyDim}, builder.getBF16Type()));
    for (auto [i, x] : llvm::enumerate(panel.parts))
      x = stageAt(t, x, kDecays + 2 * panel.panel + i);
  }
  return decays;
}

/// A decay that is the same at each step: [H] or [H, K], from a channel on.
Value LinearAttentionKernel::constantDecay(RankedTensorType type, Value channel) {
  if (!decay)
    return t.constant(type, 0);
  SmallVector<Value> at = {decayHead()};
  if (op.hasChannelDecay()) {
    auto indices = type.clone(builder.getIndexType());
    at = {t.make<BroadcastOp>(indices, at[0]), t.make<IotaOp>(indices, channel)};
  }
  Type stored = cast<ViewType>(decay.getType()).getElementType();
  Value g = t.make<GatherOp>(op.hasChannelDecay() ? Type(type.clone(stored)) : stored, decay, at);
  if (!op.hasChannelDecay())
    g = t.make<BroadcastOp>(type, widen(g, builder.getF32Type()));
  return t.mulf(widen(g, type), kLog2E);
}

/// The panels of key channels of a tile.
SmallVector<Value> LinearAttentionKernel::inPanels(Value tile) {
  if (panels == 1)
    return {tile};
  SmallVector<Value> parts;
  auto type = cast<RankedTensorType>(tile.getType());
  for (int64_t panel = 0; panel < panels; ++panel)
    parts.push_back(t.make<PanelOp>(tileType<SharedAttr>({chunk, keyDim}, type.getElementType()),
                                    tile, panel * keyDim));
  return parts;
}

/// The head of the decays: they are one for each key head, which warpgroups may share, or for each head.
Value LinearAttentionKernel::decayHead() {
  RankedTensorType type = op.getDecay().getType();
  int64_t heads = type.getDimSize(type.getRank() < 3 ? 0 : 2);
  return heads == op.getKeyHeads() ? keyHead : head;
}

Value LinearAttentionKernel::everywhere(int64_t at) {
  return t.make<BroadcastOp>(perRow.clone(builder.getIndexType()), t.index(at));
}

/// From the first of a row's steps to the last in time, backwards if it runs so.
Value LinearAttentionKernel::steps(int64_t base) {
  if (!reverse)
    return t.iota<RowAttr>(t.index(base), chunk);
  Value last = everywhere(chunk - 1 + base);
  return t.sub(last, t.iota<RowAttr>(t.index(0), chunk));
}

/// For each row the sum of the decays of the steps before `to` in time, less that of those before `from`, in base 2.
Value LinearAttentionKernel::between(const ChannelDecays &decays, Value from, Value to) {
  auto exponents = tileType<AccAttr>({chunk, keyDim}, builder.getF32Type());
  if (reverse) {
    std::swap(from, to);
    for (Value *at : {&from, &to})
      *at = t.sub(everywhere(chunk), *at);
  }
  if (decays.constant) {
    auto exist = [&](Value at) {
      return t.min(at, t.make<BroadcastOp>(at.getType(), decays.count));
    };
    Value number = t.make<arith::IndexCastOp>(perRow.clone(builder.getI32Type()),
                                              t.sub(exist(to), exist(from)));
    Value rows = t.make<arith::SIToFPOp>(perRow, number);
    return t.mulf(t.broadcast(rows, exponents), t.broadcast(decays.constant, exponents));
  }
  Type stored = cast<RankedTensorType>(decays.parts[0].getType()).getElementType();
  Value steps = t.make<BetweenOp>(tileType<AFragAttr>({chunk, chunk}, stored), from, to);
  setApart(steps, decays.panel); // each panel makes its own: kept until then, they would take registers
  Value sum;
  for (Value part : decays.parts)
    sum = t.dot(steps, part, sum, exponents, /*transposeB=*/false);
  return t.mulf(sum, kLog2E);
}

/// Whether one reference, at the middle, serves the chunk.
Value LinearAttentionKernel::isMild(ArrayRef<ChannelDecays> decays) {
  Value most;
  for (const ChannelDecays &panel : decays) { // decays are at most 0
    Value sum = between(panel, everywhere(chunk), everywhere(0));
    Value reach = t.make<CommonOp>(perRow.getElementType(), t.reduce<RowAttr>(ReduceKind::Max, sum));
    most = most ? t.maxf(most, reach) : reach;
  }
  return t.make<arith::CmpFOp>(arith::CmpFPredicate::OLT, most, number(kMild));
}

/// Of each channel, of all panels, the sum of a chunk's decays, in base 2.
Value LinearAttentionKernel::channelSums(Value t0) {
  int64_t rows = panels * kWarpgroupRows;
  auto sums = tileType<AccAttr>({rows, chunk}, builder.getF32Type());
  auto indices = sums.clone(builder.getIndexType());
  auto everywhere = [&](Value x) { return t.make<BroadcastOp>(indices, x); };
  Value times = t.broadcast(t.iota<ColAttr>(t0, chunk), indices), ofRows = t.iota<RowAttr>(t.index(0), rows);
  SmallVector<Value> at = {everywhere(batch), times, everywhere(decayHead()), t.broadcast(ofRows, indices)};
  Type stored = cast<ViewType>(decay.getType()).getElementType();
  Value g = widen(t.make<GatherOp>(sums.clone(stored), decay, at), sums);
  Value exists = t.compare(arith::CmpIPredicate::slt, times, everywhere(end));
  return t.mulf(t.reduce<RowAttr>(ReduceKind::Add, t.select(exists, g, t.constant(sums, 0))), kLog2E);
}

/// As of heads, until all channels have forgotten.
Value LinearAttentionKernel::reachOfChannels(Span span) {
  auto perRow = tileType<RowAttr>({panels * kWarpgroupRows}, builder.getF32Type());
  Value count = chunksOf(span), open = t.index(-1), limit = t.constant(perRow, kForgotten);
  auto isOpen = [&](Value known) { return t.compare(arith::CmpIPredicate::eq, known, open); };
  auto all = [&](arith::CmpFPredicate predicate, Value x, Value y) {
    return t.make<AllOp>(builder.getI1Type(), t.make<arith::CmpFOp>(predicate, x, y), /*together=*/true);
  };
  auto scaled = [&](Value x, Value factor) { return t.mulf(x, t.make<BroadcastOp>(perRow, real(factor))); };
  auto readOn = [&](Value read, ValueRange args) -> SmallVector<Value> {
    Value first = channelSums(chunkBefore(span, count, read)), second = channelSums(chunkBefore(span, count, t.add(read, 1)));
    Value sum = t.addf(args[0], first), both = t.addf(sum, second), counted = t.add(read, 2);
    Value known = t.select(all(arith::CmpFPredicate::OLE, scaled(both, count), scaled(limit, t.mul(counted, 2))), open, count);
    known = t.select(all(arith::CmpFPredicate::OLT, both, limit), counted, known);
    known = t.select(all(arith::CmpFPredicate::OLT, sum, limit), t.add(read, 1), known);
    return {both, t.min(known, count)};
  };
  auto goesOn = [&](Value, ValueRange args) { return isOpen(args[1]); };
  Value known = t.forWhile(count, 2, {t.constant(perRow, 0), open}, goesOn, readOn)[1];
  return t.select(isOpen(known), count, known);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// x as 16 bits and what they leave.
SmallVector<Value> LinearAttentionKernel::inParts(Value x, RankedTensorType type) {
  auto parts = PartsOp::create(builder, t.loc, type, type, x);
  return {parts.getWhole(), parts.getRest()};
}

SmallVector<Value> LinearAttentionKernel::decayedQueries(Value queries, Value exponents) {
  Value x = t.make<FragmentOp>(exponents.getType(), queries, /*transpose=*/false);
  return inParts(t.mulf(x, t.exp2(exponents)), tileType<AFragAttr>({chunk, keyDim}, element));
}

SmallVector<Value> LinearAttentionKernel::decayedKeys(Value keys, Value exponents) {
  Value x = t.make<FragmentOp>(exponents.getType(), keys, /*transpose=*/false);
  auto type = tileType<AccAttr>({chunk, keyDim}, element);
  SmallVector<Value> parts = inParts(t.mulf(x, t.exp2(exponents)), type);
  return {stageAt(t, parts[0], kKeys), stageAt(t, parts[1], kKeysRest)};
}

/// Of the parts of queries and keys, added to `sum`; that of both rests is too small to count.
Value LinearAttentionKernel::product(ValueRange queries, ValueRange keys, Value sum) {
  sum = t.dot(queries[0], keys[0], sum, scores, /*transposeB=*/true);
  sum = t.dot(queries[1], keys[0], sum, scores, /*transposeB=*/true);
  return t.dot(queries[0], keys[1], sum, scores, /*transposeB=*/true);
}

/// What queries read of a panel of the state, added to `sum`.
Value LinearAttentionKernel::past(ValueRange queries, Value s, Value sum) {
  Value staged = stageAt(t, roundTo(state.clone(element), s), kState);
  sum = t.dot(queries[0], staged, sum, output, /*transposeB=*/true);
  return t.dot(queries[1], staged, sum, output, /*transposeB=*/true);
}

Value LinearAttentionKernel::contribute(Value s, Value valueTile, ValueRange keys,
                                        int64_t panel) {
  Value values = t.make<FragmentOp>(tileType<AFragAttr>({kValues, chunk}, element), valueTile,
                                    /*transpose=*/true);
  setApart(values, panel);
  for (Value part : keys)
    s = t.dot(values, part, s, state, /*transposeB=*/false);
  return s;
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

SmallVector<Value> LinearAttentionKernel::stepByChannel(Value t0, ValueRange carried) {
  ChunkTiles tiles;
  tiles.decays = channelDecays(t0);
  tiles.queries = inPanels(loadQueries(t0)), tiles.keys = inPanels(loadKeys(t0));
  // What is loaded cannot depend on what is computed from tiles, so it stands in front of the branch.
  tiles.values = loadValues(t0), tiles.gate = loadGate(t0);
  if (bonus)
    tiles.present = throughBonus(tiles);
  Outcome outcome;
  // f16 does not reach far enough; a bonus next to wide decays leaves no registers for a branch; and between exponents
  // that are no products ptxas serialises those there are.
  if (element.isBF16() && !op.hasConstantDecay() && (config.consumers > 1 || panels == 1)) {
    auto branch = scf::IfOp::create(
        builder, t.loc, isMild(tiles.decays),
        [&](OpBuilder &, Location) {
          scf::YieldOp::create(builder, t.loc, mildChunk(tiles, carried));
        },
        [&](OpBuilder &, Location) {
          scf::YieldOp::create(builder, t.loc, anyChunk(tiles, carried));
        });
    outcome = branch.getResults();
  } else {
    outcome = anyChunk(tiles, carried);
  }
  storeOutputs(outcome.pop_back_val(), t0);
  return outcome;
}

/// Row i, column j: whether step i comes later than step j.
void LinearAttentionKernel::prepareKeys() {
  if (!decay || op.hasConstantDecay())
    return;
  Type stored = cast<DescType>(decay.getType()).getElementType();
  auto indices = scores.clone(builder.getIndexType());
  Value seen = sees(t.broadcast(t.iota<RowAttr>(t.index(0), chunk), indices),
                    t.broadcast(t.iota<ColAttr>(t.index(0), chunk), indices));
  Value later = t.select(seen, t.constant(scores, 0), t.constant(scores, 1));
  later = roundTo(scores.clone(stored.isF32() ? builder.getBF16Type() : stored), later);
  upwards = stageAt(t, later, kKeys);
}

/// For each channel and step the sum of the decays of the steps that come later in a chunk, in base 2; and for each
/// channel that of all.
std::pair<Value, Value> LinearAttentionKernel::untilEnd(const ChannelDecays &decays) {
  auto exponents = tileType<AccAttr>({keyDim, chunk}, builder.getF32Type());
  auto columns = tileType<ColAttr>({chunk}, builder.getIndexType());
  if (decays.constant) {
    Value later = t.make<IotaOp>(columns, t.index(0)); // backwards as many as come before
    if (!reverse)
      later = t.max(t.sub(t.make<BroadcastOp>(columns, t.sub(decays.count, t.index(1))), later),
                    t.make<BroadcastOp>(columns, t.index(0)));
    Value steps = t.make<arith::IndexCastOp>(columns.clone(builder.getI32Type()), later);
    steps = t.make<arith::SIToFPOp>(columns.clone(builder.getF32Type()), steps);
    Value count = t.make<arith::IndexCastOp>(builder.getI32Type(), decays.count);
    count = t.make<arith::SIToFPOp>(builder.getF32Type(), count);
    return {t.mulf(t.broadcast(decays.constant, exponents), t.broadcast(steps, exponents)),
            t.mulf(decays.constant, t.make<BroadcastOp>(perKey, count))};
  }
  Value sum, all;
  for (Value part : decays.parts) {
    Type stored = cast<RankedTensorType>(part.getType()).getElementType();
    Value operand = t.make<FragmentOp>(tileType<AFragAttr>({keyDim, chunk}, stored), part, /*transpose=*/true);
    sum = t.dot(operand, upwards, sum, exponents, /*transposeB=*/false);
    Value own = t.reduce<RowAttr>(ReduceKind::Add, t.make<FragmentOp>(exponents, part, /*transpose=*/true));
    all = all ? t.addf(all, own) : own;
  }
  return {t.mulf(sum, kLog2E), t.mulf(all, kLog2E)};
}

/// One chunk of a segment whose outputs another kernel computes. Decayed keys, transposed, are a product's operand
/// in the registers where they are made, of all value columns, so that no two warpgroups decay the same.
SmallVector<Value> LinearAttentionKernel::advanceByChannel(Value t0, ValueRange carried) {
  auto [exponents, all] = untilEnd(channelDecays(t0).front());
  Value x = t.make<FragmentOp>(exponents.getType(), loadKeys(t0), /*transpose=*/true);
  x = t.mulf(x, t.exp2(exponents));
  Value s = t.mulf(carried[0], t.broadcast(t.exp2(all), state)), valueTile = loadValues(t0);
  for (Value keys : inParts(x, tileType<AFragAttr>({keyDim, chunk}, element)))
    s = t.dot(keys, valueTile, s, state, /*transposeB=*/false);
  return {s, t.addf(carried[1], all)};
}

/// A chunk whose middle is the reference of all exponents.
LinearAttentionKernel::Outcome LinearAttentionKernel::mildChunk(const ChunkTiles &tiles,
                                                                ValueRange state) {
  Value middle = everywhere(chunk / 2), weights, sum;
  // All of the state is scaled where little else is held.
  auto scale = [&](ValueRange state, int64_t from, int64_t to) {
    Outcome scaled;
    for (auto [decays, s] : llvm::zip(tiles.decays, state)) {
      Value all = t.make<CommonOp>(channels, between(decays, everywhere(from), everywhere(to)));
      scaled.push_back(t.mulf(s, t.broadcast(t.exp2(all), s.getType())));
    }
    return scaled;
  };
  Outcome outcome = scale(state, 0, chunk / 2);
  for (int64_t panel = 0; panel < panels; ++panel) {
    const ChannelDecays &decays = tiles.decays[panel];
    // The first panel has registers for both products at a time.
    Value ofKeys = between(decays, steps(1), middle), ofQueries = panel ? Value() : between(decays, middle, seen());
    SmallVector<Value> keys = decayedKeys(tiles.keys[panel], ofKeys);
    if (panel)
      ofQueries = between(decays, middle, seen());
    SmallVector<Value> queries = decayedQueries(tiles.queries[panel], ofQueries);
    weights = product(queries, keys, weights);
    sum = past(queries, outcome[panel], sum);
    outcome[panel] = contribute(outcome[panel], tiles.values, keys, panel);
  }
  sum = t.dot(present(tiles, weights), tiles.values, sum, output, /*transposeB=*/false);
  sum = finish(sum, tiles.values, tiles.gate);
  outcome = scale(outcome, chunk / 2, chunk);
  outcome.push_back(sum);
  return outcome;
}

/// A chunk that is halved again and again.
LinearAttentionKernel::Outcome LinearAttentionKernel::anyChunk(const ChunkTiles &tiles,
                                                               ValueRange state) {
  Value weights, sum;
  Outcome outcome;
  for (int64_t panel = 0; panel < panels; ++panel)
    weights = decayedScores(tiles.decays[panel], tiles.queries[panel], tiles.keys[panel], weights);
  weights = present(tiles, weights);
  for (int64_t panel = 0; panel < panels; ++panel) {
    Value exponents = between(tiles.decays[panel], everywhere(0), seen());
    sum = past(decayedQueries(tiles.queries[panel], exponents), state[panel], sum);
  }
  sum = t.dot(weights, tiles.values, sum, output, /*transposeB=*/false);
  sum = finish(sum, tiles.values, tiles.gate);
  for (int64_t panel = 0; panel < panels; ++panel) {
    const ChannelDecays &decays = tiles.decays[panel];
    SmallVector<Value> keys =
        decayedKeys(tiles.keys[panel], between(decays, steps(1), everywhere(chunk)));
    Value all = t.make<CommonOp>(channels, between(decays, everywhere(0), everywhere(chunk)));
    Value s = t.mulf(state[panel], t.broadcast(t.exp2(all), this->state));
    outcome.push_back(contribute(s, tiles.values, keys, panel));
  }
  outcome.push_back(sum);
  return outcome;
}

/// The scores of a panel of such a chunk, added to `sum` where there is one.
Value LinearAttentionKernel::decayedScores(const ChannelDecays &decays, Value queryTile,
                                           Value keyTile, Value sum) {
  Type index = builder.getIndexType();
  auto indices = scores.clone(index);
  auto ofRows = [&](Value x) { return t.make<BroadcastOp>(perRow.clone(index), x); };
  Value differ = t.make<arith::XOrIOp>(t.broadcast(t.iota<RowAttr>(t.index(0), chunk), indices),
                                       t.broadcast(t.iota<ColAttr>(t.index(0), chunk), indices));
  auto where = [&](Value digit, int64_t value, Value x, Value y) {
    Value here = t.compare(arith::CmpIPredicate::eq, digit, t.make<BroadcastOp>(indices, t.index(value)));
    return t.select(here, x, y);
  };
  // What is not on the diagonal is overwritten below, or lies ahead; of a second panel it must not count.
  Value whole = t.dot(queryTile, keyTile, {}, scores, /*transposeB=*/true);
  if (sum)
    whole = where(differ, 0, t.addf(sum, whole), sum);
  int64_t levels = llvm::Log2_64(chunk);
  auto loop = scf::ForOp::create(
      builder, t.loc, t.index(0), t.index(levels), t.index(1), whole,
      [&](OpBuilder &, Location, Value level, ValueRange args) {
        // The middle of each step's block of 2 half steps.
        Value half = t.make<arith::ShLIOp>(t.index(1), level);
        Value last = t.sub(t.add(half, half), t.index(1));
        Value middle = t.sub(t.make<arith::OrIOp>(steps(0), ofRows(last)),
                             ofRows(t.sub(half, t.index(1))));
        SmallVector<Value> keys =
            decayedKeys(keyTile, between(decays, t.min(steps(1), middle), middle));
        SmallVector<Value> queries =
            decayedQueries(queryTile, between(decays, middle, t.max(seen(), middle)));
        Value weights = product(queries, keys, {});
        if (sum)
          weights = t.addf(args[0], weights);
        // Two steps are in different halves of a block where their numbers differ in that digit, and
        // in none above.
        Value digit = t.make<arith::ShRUIOp>(differ, t.make<BroadcastOp>(indices, level));
        scf::YieldOp::create(builder, t.loc, where(digit, 1, weights, args[0]));
      });
  return loop.getResult(0);
}

/// What the present counts in each output: its queries by its keys, through the bonus.
Value LinearAttentionKernel::throughBonus(const ChunkTiles &tiles) {
  auto type = tileType<AccAttr>({chunk, keyDim}, builder.getF32Type());
  auto at = channels.clone(builder.getIndexType());
  Value sum;
  for (int64_t panel = 0; panel < panels; ++panel) {
    Value u = t.make<GatherOp>(channels, bonus,
                               ValueRange{t.make<BroadcastOp>(at, head),
                                          t.make<IotaOp>(at, t.index(panel * keyDim))});
    Value keys = t.make<FragmentOp>(type, tiles.keys[panel], /*transpose=*/false);
    Value queries = t.make<FragmentOp>(type, tiles.queries[panel], /*transpose=*/false);
    // They are read again where they are decayed: kept until then, they would take registers.
    for (Value tile : {keys, queries})
      setApart(tile, panel);
    Value own = t.reduce<RowAttr>(ReduceKind::Add,
                                  t.mulf(t.mulf(queries, keys), t.broadcast(u, type)));
    sum = sum ? t.addf(sum, own) : own;
  }
  return sum;
}

/// The weights as an operand: none of what lies ahead, and that of the present.
Value LinearAttentionKernel::present(const ChunkTiles &tiles, Value weights) {
  auto indices = scores.clone(builder.getIndexType());
  auto positions = [&] {
    return std::pair(t.broadcast(t.iota<ColAttr>(t.index(0), chunk), indices),
                     t.broadcast(t.iota<RowAttr>(t.index(0), chunk), indices));
  };
  auto [columns, rows] = positions();
  weights = t.select(sees(columns, rows), weights, t.constant(scores, 0));
  if (tiles.present) {
    auto [columns, rows] = positions();
    Value own = t.compare(arith::CmpIPredicate::eq, columns, rows);
    weights = t.select(own, t.broadcast(tiles.present, scores), weights);
  }
  return roundTo(tileType<AFragAttr>({chunk, chunk}, element), weights);
}
