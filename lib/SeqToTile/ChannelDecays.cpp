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
// of it; bf16 and f32 hold what lies half a chunk from there, in either direction. Else the chunk is
// halved again and again: the queries of the second half of a block meet the keys of its first half,
// with r at the middle, so that all exponents are at most 0, however strong the decays are. What is left
// in the end is the diagonal, which does not decay.
//
// Exponents are sums of decays over steps from here to there. They are products too, of a matrix of 1,
// -1 and 0 (tile.between) by the decays as they were stored: nothing is rounded or cancels. Operands that have been
// decayed have more digits than 16 bits hold; they enter in two parts.
//
// With a bonus u the output sees the state before its own decay, and A_ii = sum of Q_ik u_k K_ik.
//
//===----------------------------------------------------------------------===//

#include "LinearAttention.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// How far, in base 2, a chunk's decays may reach from its middle for one reference to serve it. The
/// products of what they scale stay far from the ends of bf16 and f32.
static constexpr double kMild = 50;

/// Stages of one place do not live at the same time.
enum Place : int64_t { kKeys, kKeysRest, kState, kDecays, kDecaysRest };

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

ChannelDecays LinearAttentionKernel::channelDecays(Value t0) {
  ChannelDecays decays;
  if (op.hasConstantDecay()) {
    decays.count = t.min(t.sub(length, t0), t.index(chunk));
    decays.constant = t.constant(channels, 0);
    if (!decay)
      return decays;
    // [H] or [H, K].
    SmallVector<Value> at = {decayHead()};
    if (op.hasChannelDecay()) {
      auto indices = channels.clone(builder.getIndexType());
      at = {t.make<BroadcastOp>(indices, at[0]), t.make<IotaOp>(indices, t.index(0))};
    }
    Type stored = cast<ViewType>(decay.getType()).getElementType();
    Type type = op.hasChannelDecay() ? Type(channels.clone(stored)) : stored;
    Value g = t.make<GatherOp>(type, decay, at);
    if (!op.hasChannelDecay())
      g = t.make<BroadcastOp>(channels, widen(g, builder.getF32Type()));
    decays.constant = t.mulf(widen(g, channels), kLog2E);
    return decays;
  }
  Type stored = cast<DescType>(decay.getType()).getElementType();
  Value tile = t.load(decay, {batch, t0, decayHead(), t.index(0)},
                      tileType<SharedAttr>({chunk, keyDim}, stored), config.stages);
  decays.parts = {tile};
  if (stored.isF32()) {
    auto type = state.clone(builder.getBF16Type());
    Value g = t.make<FragmentOp>(tileType<AccAttr>({chunk, keyDim}, stored), tile, /*transpose=*/false);
    SmallVector<Value> parts = inParts(g, cast<RankedTensorType>(type));
    decays.parts = {stageAt(t, parts[0], kDecays), stageAt(t, parts[1], kDecaysRest)};
  }
  return decays;
}

/// The head of the decays: they are one for each key head or for each head.
Value LinearAttentionKernel::decayHead() {
  RankedTensorType type = op.getDecay().getType();
  int64_t heads = type.getDimSize(type.getRank() < 3 ? 0 : 2);
  return heads == op.getValueHeads() ? head : keyHead;
}

Value LinearAttentionKernel::everywhere(int64_t at) {
  return t.make<BroadcastOp>(perRow.clone(builder.getIndexType()), t.index(at));
}

/// For each row the sum of the decays of the steps below `to`, less that of those below `from`, in base 2.
Value LinearAttentionKernel::between(const ChannelDecays &decays, Value from, Value to) {
  auto exponents = tileType<AccAttr>({chunk, keyDim}, builder.getF32Type());
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
  Value sum;
  for (Value part : decays.parts)
    sum = t.dot(steps, part, sum, exponents, /*transposeB=*/false);
  return t.mulf(sum, kLog2E);
}

/// Whether one reference, at the middle, serves the chunk.
Value LinearAttentionKernel::isMild(const ChannelDecays &decays) {
  auto reach = [&](int64_t from, int64_t to) { // decays are at most 0
    Value sum = between(decays, everywhere(to), everywhere(from));
    return t.make<CommonOp>(perRow.getElementType(), t.reduce<RowAttr>(ReduceKind::Max, sum));
  };
  Value most = t.maxf(reach(0, chunk / 2), reach(chunk / 2, chunk));
  return t.make<arith::CmpFOp>(arith::CmpFPredicate::OLT, most, number(kMild));
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

/// Of the parts of queries and keys; that of both rests is too small to count.
Value LinearAttentionKernel::product(ValueRange queries, ValueRange keys) {
  Value sum = t.dot(queries[0], keys[0], {}, scores, /*transposeB=*/true);
  sum = t.dot(queries[1], keys[0], sum, scores, /*transposeB=*/true);
  return t.dot(queries[0], keys[1], sum, scores, /*transposeB=*/true);
}

/// What queries read of a state.
Value LinearAttentionKernel::past(ValueRange queries, Value s) {
  Value staged = stageAt(t, roundTo(state.clone(element), s), kState);
  Value sum = t.dot(queries[0], staged, {}, output, /*transposeB=*/true);
  return t.dot(queries[1], staged, sum, output, /*transposeB=*/true);
}

Value LinearAttentionKernel::contribute(Value s, Value valueTile, ValueRange keys) {
  auto operand = tileType<AFragAttr>({kValues, chunk}, element);
  auto wide = tileType<AccAttr>({kValues, chunk}, builder.getF32Type());
  Value values = roundTo(operand, t.make<FragmentOp>(wide, valueTile, /*transpose=*/true));
  for (Value part : keys)
    s = t.dot(values, part, s, state, /*transposeB=*/false);
  return s;
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

SmallVector<Value> LinearAttentionKernel::stepByChannel(Value t0, ValueRange carried) {
  ChannelDecays decays = channelDecays(t0);
  ChunkTiles tiles = {loadQueries(t0), loadKeys(t0), loadValues(t0), Value()};
  if (bonus)
    tiles.present = throughBonus(tiles);
  Outcome outcome;
  // f16 does not reach far enough; and wide keys, or what else a kernel does, leave no registers for
  // a branch.
  if (element.isBF16() && keyDim <= 64 && !init && !gate && !skip) {
    auto branch = scf::IfOp::create(
        builder, t.loc, isMild(decays),
        [&](OpBuilder &, Location) {
          scf::YieldOp::create(builder, t.loc, mildChunk(decays, tiles, carried[0]));
        },
        [&](OpBuilder &, Location) {
          scf::YieldOp::create(builder, t.loc, anyChunk(decays, tiles, carried[0]));
        });
    outcome = branch.getResults();
  } else {
    outcome = anyChunk(decays, tiles, carried[0]);
  }
  StoreOp::create(builder, t.loc, finish(outcome[0], tiles.values, t0), o,
                  ValueRange{batch, t0, head, column}, Value());
  return {outcome[1]};
}

/// One chunk of a segment whose outputs another kernel computes.
SmallVector<Value> LinearAttentionKernel::advanceByChannel(Value t0, ValueRange carried) {
  ChannelDecays decays = channelDecays(t0);
  Value keyTile = loadKeys(t0), valueTile = loadValues(t0);
  SmallVector<Value> keys = decayedKeys(keyTile, between(decays, steps(1), everywhere(chunk)));
  Value all = t.make<CommonOp>(channels, between(decays, everywhere(0), everywhere(chunk)));
  Value s = t.mulf(carried[0], t.broadcast(t.exp2(all), state));
  return {contribute(s, valueTile, keys), t.addf(carried[1], all)};
}

/// A chunk whose middle is the reference of all exponents.
LinearAttentionKernel::Outcome LinearAttentionKernel::mildChunk(const ChannelDecays &decays,
                                                                const ChunkTiles &tiles, Value s) {
  Value middle = everywhere(chunk / 2);
  auto factor = [&](int64_t from, int64_t to) {
    Value sum = between(decays, everywhere(from), everywhere(to));
    return t.broadcast(t.exp2(t.make<CommonOp>(channels, sum)), state);
  };
  s = t.mulf(s, factor(0, chunk / 2));
  SmallVector<Value> keys = decayedKeys(tiles.keys, between(decays, steps(1), middle));
  SmallVector<Value> queries = decayedQueries(tiles.queries, between(decays, middle, seen()));
  Value weights = present(tiles, product(queries, keys));
  Value sum = past(queries, s);
  sum = t.dot(weights, tiles.values, sum, output, /*transposeB=*/false);
  s = contribute(s, tiles.values, keys);
  return {sum, t.mulf(s, factor(chunk / 2, chunk))};
}

/// A chunk that is halved again and again.
LinearAttentionKernel::Outcome LinearAttentionKernel::anyChunk(const ChannelDecays &decays,
                                                               const ChunkTiles &tiles, Value s) {
  Type index = builder.getIndexType();
  auto ofRows = [&](Value x) { return t.make<BroadcastOp>(perRow.clone(index), x); };
  Value whole = t.dot(tiles.queries, tiles.keys, {}, scores, /*transposeB=*/true);
  int64_t levels = llvm::Log2_64(chunk);
  auto loop = scf::ForOp::create(
      builder, t.loc, t.index(0), t.index(levels), t.index(1), whole,
      [&](OpBuilder &, Location, Value level, ValueRange args) {
        // The middle of each step's block of 2 half steps.
        Value half = t.make<arith::ShLIOp>(t.index(1), level);
        Value last = t.sub(t.add(half, half), t.index(1));
        Value middle = t.sub(t.make<arith::OrIOp>(steps(0), ofRows(last)),
                             ofRows(t.sub(half, t.index(1))));
        Value behind = steps(1);
        SmallVector<Value> keys =
            decayedKeys(tiles.keys, between(decays, t.min(behind, middle), middle));
        SmallVector<Value> queries =
            decayedQueries(tiles.queries, between(decays, middle, t.max(seen(), middle)));
        Value weights = product(queries, keys);
        // Two steps are in different halves of a block where their numbers differ in that digit, and
        // in none above.
        auto indices = scores.clone(index);
        Value differ = t.make<arith::XOrIOp>(
            t.broadcast(t.iota<RowAttr>(t.index(0), chunk), indices),
            t.broadcast(t.iota<ColAttr>(t.index(0), chunk), indices));
        Value digit = t.make<arith::ShRUIOp>(differ, t.make<BroadcastOp>(indices, level));
        Value here = t.compare(arith::CmpIPredicate::eq, digit,
                               t.make<BroadcastOp>(indices, t.index(1)));
        scf::YieldOp::create(builder, t.loc, t.select(here, weights, args[0]));
      });
  Value weights = present(tiles, loop.getResult(0));
  SmallVector<Value> queries = decayedQueries(tiles.queries, between(decays, everywhere(0), seen()));
  Value sum = past(queries, s);
  sum = t.dot(weights, tiles.values, sum, output, /*transposeB=*/false);
  SmallVector<Value> keys = decayedKeys(tiles.keys, between(decays, steps(1), everywhere(chunk)));
  Value all = t.make<CommonOp>(channels, between(decays, everywhere(0), everywhere(chunk)));
  s = t.mulf(s, t.broadcast(t.exp2(all), state));
  return {sum, contribute(s, tiles.values, keys)};
}

/// What the present counts in each output: its queries by its keys, through the bonus.
Value LinearAttentionKernel::throughBonus(const ChunkTiles &tiles) {
  auto type = tileType<AccAttr>({chunk, keyDim}, builder.getF32Type());
  auto at = channels.clone(builder.getIndexType());
  Value u = t.make<GatherOp>(
      channels, bonus, ValueRange{t.make<BroadcastOp>(at, head), t.make<IotaOp>(at, t.index(0))});
  Value keys = t.make<FragmentOp>(type, tiles.keys, /*transpose=*/false);
  Value queries = t.make<FragmentOp>(type, tiles.queries, /*transpose=*/false);
  // They are read again where they are decayed: kept until then, they would take registers.
  for (Value tile : {keys, queries})
    tile.getDefiningOp()->setDiscardableAttr(kApartAttr, builder.getUnitAttr());
  return t.reduce<RowAttr>(ReduceKind::Add, t.mulf(t.mulf(queries, keys), t.broadcast(u, type)));
}

/// The weights as an operand: none of what lies ahead, and that of the present.
Value LinearAttentionKernel::present(const ChunkTiles &tiles, Value weights) {
  auto indices = scores.clone(builder.getIndexType());
  auto where = [&](arith::CmpIPredicate predicate) {
    return t.compare(predicate, t.broadcast(t.iota<ColAttr>(t.index(0), chunk), indices),
                     t.broadcast(t.iota<RowAttr>(t.index(0), chunk), indices));
  };
  weights = t.select(where(arith::CmpIPredicate::sle), weights, t.constant(scores, 0));
  if (tiles.present)
    weights = t.select(where(arith::CmpIPredicate::eq), t.broadcast(tiles.present, scores), weights);
  return roundTo(tileType<AFragAttr>({chunk, chunk}, element), weights);
}
