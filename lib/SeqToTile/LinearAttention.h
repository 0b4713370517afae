//===- LinearAttention.h - The kernel of a matrix-state recurrence -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LinearAttention.cpp writes the frame: work, segments, the host's part. ChunkDecays.cpp writes a chunk
// whose decays are one for each head, ChannelDecays.cpp one whose decays differ between key channels.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_LINEARATTENTION_H
#define LONGWING_LIB_SEQTOTILE_LINEARATTENTION_H

#include "TileBuilder.h"

#include "dialects/seq/Seq.h"
#include "longwing/Seq/Config.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

namespace longwing {

constexpr double kLn2 = 0.6931471805599453;

/// What decays do in one chunk. Null is a factor of 1.
struct Decays {
  mlir::Value mask;    // of the scores, where it is the same in each chunk
  mlir::Value row;     // the exponent of what each query reads
  mlir::Value column;  // ... less that of each key
  mlir::Value total;   // the exponent of the state's factor over the chunk
  mlir::Value weight;  // the factor of each step's contribution to the state
};

/// The decays of one chunk, of a panel of key channels, where they differ between channels.
struct ChannelDecays {
  int64_t panel;
  /// Their logarithms, [chunk, K] in SRAM, as the sum of 16-bit tiles; ...
  llvm::SmallVector<mlir::Value> parts;
  /// ... or what is the same at each step, in base 2, and how many steps of the chunk there are.
  mlir::Value constant, count;
};

/// What a chunk reads, from its first step on, in SRAM: of each panel of key channels its queries, keys and decays; the values; and
/// with a bonus what each step counts in its own output. With a gate its tile.
struct ChunkTiles {
  llvm::SmallVector<mlir::Value> queries, keys;
  llvm::SmallVector<ChannelDecays> decays;
  mlir::Value values, gate, present;
};

/// What a kernel computes: all; or, where a sequence is cut into segments that run side by side, the
/// state that each segment but the last adds, and then the outputs, from the states of those before.
enum class Part { Whole, States, Outputs };

class LinearAttentionKernel {
public:
  LinearAttentionKernel(seq::LinearAttentionOp op, Part part)
      : op(op), part(part), config(configOf(op, part)), builder(op.getContext()),
        t(builder, op.getLoc()) {
    mlir::Type f32 = builder.getF32Type();
    element = op.getV().getType().getElementType();
    byChannel = op.hasChannelDecay() || op.getBonus();
    reverse = op.getReverse();
    ofKeys = byChannel && part == Part::States;
    panels = byChannel && !ofKeys ? llvm::divideCeil(op.getKeyDim(), LinearAttentionConfig::kPanel) : 1;
    keyDim = panels > 1 || ofKeys ? LinearAttentionConfig::kPanel : llvm::alignTo(op.getKeyDim(), tile::kMmaStep);
    valueDim = ofKeys ? valuesOfKeys(op) : kValues;
    chunk = config.chunk;
    line = tile::tileType<tile::LineAttr>({chunk}, f32);
    perRow = tile::tileType<tile::RowAttr>({chunk}, f32);
    perKey = tile::tileType<tile::RowAttr>({tile::kWarpgroupRows}, f32);
    perColumn = tile::tileType<tile::ColAttr>({chunk}, f32);
    channels = tile::tileType<tile::ColAttr>({keyDim}, f32);
    scores = tile::tileType<tile::AccAttr>({chunk, chunk}, f32);
    output = tile::tileType<tile::AccAttr>({chunk, kValues}, f32);
    state = ofKeys ? tile::tileType<tile::AccAttr>({keyDim, valueDim}, f32)
                   : tile::tileType<tile::AccAttr>({kValues, keyDim}, f32);
    if (part == Part::States)
      config.stages = config.valueStages = stagesOfStates();
    // A positive scale is an exponent like the decays; any other is a factor of the outputs.
    double scale = op.getEffectiveScale();
    scaleOutputs = scale <= 0 || (byChannel && scale != 1);
    scaleExponent = scaleOutputs ? 0 : std::log2(scale);
  }

  tile::KernelOp create(llvm::StringRef name, mlir::Type rates, mlir::Type reach, mlir::Type states, mlir::Type factors);
  /// What the kernel reads, in the order of its arguments. `rates` and `reach` are what the kernels of createRates and
  /// createReach wrote.
  llvm::SmallVector<mlir::Value> operands(mlir::Value rates, mlir::Value reach) const;
  /// The kernel that turns what is read at each step into `rates`, of each head one step after the other: heads lie next to
  /// each other in what it reads, so that a warp which reads 32 steps of one touches as many lines.
  tile::KernelOp createRates(llvm::StringRef name, mlir::Type rates);
  llvm::SmallVector<mlir::Value> operandsOfRates() const;
  /// The kernel that finds how many chunks at the end of a segment make the state which it leaves: what came before them has
  /// decayed by 2^-40. It writes `reach`, [B, segment, head].
  /// The last one of its operands.
  tile::KernelOp createReach(llvm::StringRef name, mlir::ValueRange operands);
  llvm::SmallVector<mlir::Value> operandsOfReach(mlir::Value rates) const;
  /// Whether states decay by decays, one for each head, that are read at each step.
  bool variesInTime() const;
  /// Whether decays, of any kind, are read at each step.
  bool forgets() const {
    return byChannel ? mlir::Value(seq::LinearAttentionOp(op).getDecay()) && !seq::LinearAttentionOp(op).hasConstantDecay()
                     : variesInTime();
  }
  static LinearAttentionConfig configOf(seq::LinearAttentionOp op, Part part) {
    LinearAttentionConfig config = LinearAttentionConfig::read(op);
    if (part == Part::Whole)
      return config;
    config = config.ofSegments();
    if (part == Part::States && !op.hasChannelDecay() && !op.getBonus())
      config.persistent = false; // what is made ahead takes registers
    return config;
  }
  /// What warpgroups do of a head.
  static int64_t jobsOfHead(seq::LinearAttentionOp op, Part part);
  /// Units of work, without the warpgroups' share of them.
  static int64_t unitsOfBatch(seq::LinearAttentionOp op, Part part);

  /// Whether there may be one step only, which a kernel of its own takes.
  static bool isOpen(seq::LinearAttentionOp op) { return !op.isPacked() && op.getV().getType().isDynamicDim(1); }

  static constexpr int64_t kValues = tile::kWarpgroupRows; // value columns of a warpgroup
  /// Those of one that has a panel of key channels.
  static int64_t valuesOfKeys(seq::LinearAttentionOp op) {
    return std::min<int64_t>(llvm::alignTo(op.getValueDim(), kValues), 2 * kValues);
  }

private:
  /// Steps of a sequence in time, from its first one on.
  struct Span {
    mlir::Value from, to;
  };
  mlir::Value chunksOf(Span span);
  Span spanOf(mlir::Value segment);
  Span pieceOf(Span segmentSpan, mlir::Value unit, mlir::Value segment, mlir::Value piece);
  void enterSequence();
  mlir::Value stepAt(mlir::Value time);
  mlir::Value sequenceCount() {
    return offsets ? t.sub(t.dim(offsets, 0), t.index(1)) : t.dim(k, 0);
  }
  mlir::Value reachOfHead(Span span);
  mlir::Value reachOfChannels(Span span);
  mlir::Value channelSums(mlir::Value t0);
  /// Where the chunk stands that is `behind` the last one of a span of `count`. In front of the first one it is of another
  /// segment, and counts for nothing.
  mlir::Value chunkBefore(Span span, mlir::Value count, mlir::Value behind) {
    return stepAt(t.add(span.from, t.mul(t.sub(count, t.add(behind, 1)), chunk)));
  }
  int64_t stagesOfStates();
  void place(mlir::Value warpgroup, mlir::Value unit);
  void work(mlir::Value warpgroup, mlir::Value unit, mlir::Value segment, mlir::Value piece);
  mlir::Value enteringState(mlir::Value segment, int64_t panel);
  void storeState(mlir::ValueRange panelsOfState);
  void storeSegment(mlir::ValueRange results, mlir::Value segment, mlir::Value piece);
  /// Where the factors of a segment's state stand, from a channel on, in [B, head or job, channel].
  llvm::SmallVector<mlir::Value> factorIndices(mlir::RankedTensorType type, mlir::Value at,
                                               mlir::Value channel);
  llvm::SmallVector<mlir::Value> advance(mlir::Value t0, mlir::ValueRange carried);
  void prepare(llvm::SmallVectorImpl<mlir::Value> &carried, mlir::Value t0, mlir::Value raw);
  std::pair<mlir::Value, mlir::Value> weights(mlir::Value t0, mlir::Value raw, mlir::Value after);
  mlir::Value weighted(mlir::Value valueTile, mlir::Value weight);
  std::pair<mlir::Value, mlir::Value> contributions(mlir::Value whole);
  mlir::Value accumulate(mlir::Value s, mlir::Value total,
                         std::pair<mlir::Value, mlir::Value> contributed, mlir::Value keyTile);
  llvm::SmallVector<mlir::Value> step(mlir::Value t0, mlir::ValueRange carried);
  /// Writes a chunk's outputs, of its sequence only.
  void storeOutputs(mlir::Value sum, mlir::Value t0);
  mlir::Value finish(mlir::Value o, mlir::Value values, mlir::Value gateTile);
  /// Of a chunk: its keys, queries and values, and its gate where there is one.
  mlir::Value loadKeys(mlir::Value t0);
  mlir::Value loadQueries(mlir::Value t0);
  mlir::Value loadValues(mlir::Value t0);
  mlir::Value loadGate(mlir::Value t0);

  //===--------------------------------------------------------------------===//
  // Decays that differ between key channels (ChannelDecays.cpp)
  //===--------------------------------------------------------------------===//
  using Outcome = llvm::SmallVector<mlir::Value>; // outputs and state
  llvm::SmallVector<mlir::Value> stepByChannel(mlir::Value t0, mlir::ValueRange carried);
  llvm::SmallVector<mlir::Value> advanceByChannel(mlir::Value t0, mlir::ValueRange carried);
  llvm::SmallVector<ChannelDecays> channelDecays(mlir::Value t0);
  mlir::Value constantDecay(mlir::RankedTensorType type, mlir::Value channel);
  void prepareKeys();
  std::pair<mlir::Value, mlir::Value> untilEnd(const ChannelDecays &decays);
  llvm::SmallVector<mlir::Value> inPanels(mlir::Value tile);
  mlir::Value between(const ChannelDecays &decays, mlir::Value from, mlir::Value to);
  mlir::Value decayHead();
  mlir::Value everywhere(int64_t at);
  /// Of each row how many steps of the chunk come before it in time, and `base` more.
  mlir::Value steps(int64_t base);
  /// The first step whose decay the state that a query reads has not seen.
  mlir::Value seen() { return steps(bonus ? 0 : 1); }
  llvm::SmallVector<mlir::Value> inParts(mlir::Value x, mlir::RankedTensorType type);
  llvm::SmallVector<mlir::Value> decayedQueries(mlir::Value queries, mlir::Value exponents);
  llvm::SmallVector<mlir::Value> decayedKeys(mlir::Value keys, mlir::Value exponents);
  mlir::Value product(mlir::ValueRange queries, mlir::ValueRange keys, mlir::Value sum);
  mlir::Value past(mlir::ValueRange queries, mlir::Value s, mlir::Value sum);
  mlir::Value contribute(mlir::Value s, mlir::Value valueTile, mlir::ValueRange keys,
                         int64_t panel);
  mlir::Value throughBonus(const ChunkTiles &tiles);
  mlir::Value present(const ChunkTiles &tiles, mlir::Value weights);
  mlir::Value isMild(llvm::ArrayRef<ChannelDecays> decays);
  mlir::Value decayedScores(const ChannelDecays &decays, mlir::Value queries, mlir::Value keys,
                            mlir::Value sum);
  Outcome mildChunk(const ChunkTiles &tiles, mlir::ValueRange state);
  Outcome anyChunk(const ChunkTiles &tiles, mlir::ValueRange state);
  llvm::SmallVector<mlir::Value> exponents(mlir::Value t0, mlir::Value raw);
  void weigh(Decays &d, mlir::ValueRange exponents, mlir::Value after = {});
  void distribute(Decays &d, mlir::ValueRange exponents);
  void prepareDecays();
  Decays constantDecays(mlir::Value t0, mlir::Value after = {});
  mlir::Value mask(mlir::Value row, mlir::Value column);
  mlir::Value rates(mlir::Value t0);
  /// Whether chunks are taken from the last one on: what each contributes to the state at the end is known then, and no
  /// state has to decay.
  bool isBackwards() { return part == Part::States && !byChannel; }
  /// The chunk that comes next.
  mlir::Value following(mlir::Value t0) {
    return reverse != isBackwards() ? t.sub(t0, t.index(chunk)) : t.add(t0, chunk);
  }
  /// Whether the queries of rows see keys of columns.
  mlir::Value sees(mlir::Value columns, mlir::Value rows) {
    auto predicate = reverse ? mlir::arith::CmpIPredicate::sge : mlir::arith::CmpIPredicate::sle;
    return t.compare(predicate, columns, rows);
  }
  /// Steps of the chunk at t0 that are of its sequence.
  mlir::Value stepsOf(mlir::Value t0) { return t.min(t.sub(end, t0), t.index(chunk)); }
  /// A tile whose rows are steps, without those of the next sequence.
  mlir::Value ofSequence(mlir::Value tile, mlir::Value t0) {
    return op.isPacked() ? t.make<tile::TrimOp>(tile, stepsOf(t0)) : tile;
  }
  mlir::Value softplus(mlir::Value x);
  /// A parameter of the head, in 32 bits.
  mlir::Value perHead(mlir::Value view);
  /// `leaving`: when all is done, by registers that did not hold them through the loop.
  llvm::SmallVector<mlir::Value> stateIndices(int64_t panel, bool leaving = false);

  mlir::Value asIndex(mlir::Value x) { return t.make<mlir::arith::IndexCastOp>(builder.getIndexType(), x); }
  mlir::Value real(mlir::Value x) {
    return t.make<mlir::arith::SIToFPOp>(builder.getF32Type(), t.make<mlir::arith::IndexCastOp>(builder.getI32Type(), x));
  }
  mlir::Value number(double x) { return t.make<mlir::arith::ConstantOp>(builder.getF32FloatAttr(x)); }
  /// A line, if there is one, as factors of columns.
  mlir::Value columns(mlir::Value line) {
    return line ? t.make<tile::DistributeOp>(perColumn, line) : mlir::Value();
  }
  mlir::Value lineOf(mlir::Value scalar) { return t.make<tile::BroadcastOp>(line, scalar); }
  mlir::Value widen(mlir::Value x, mlir::Type type) {
    return x.getType() == type ? x : t.make<mlir::arith::ExtFOp>(type, x);
  }
  mlir::Value roundTo(mlir::RankedTensorType type, mlir::Value x) {
    return t.make<tile::ConvertOp>(type, x);
  }
  bool isDecayed() { return op.getDecay() || op.getDt(); }

  seq::LinearAttentionOp op;
  Part part;
  LinearAttentionConfig config;
  mlir::OpBuilder builder;
  TileBuilder t;
  mlir::Type element;
  int64_t panels, keyDim; // the state's panels of key channels, and how wide each is
  /// Whether a warpgroup has a panel of key channels and the state as it stands, else value columns and the
  /// transposed state.
  bool ofKeys;
  int64_t valueDim; // value columns of a warpgroup
  int64_t chunk;
  mlir::RankedTensorType line, perRow, perKey, perColumn, channels, scores, output, state;
  bool byChannel, reverse, scaleOutputs;
  double scaleExponent;

  // Arguments of the kernel.
  mlir::Value q, k, v, gate, decay, ratesOf, a, bonus, skip, init, o, last, states, factors;
  mlir::Value reach;             // chunks that states still know, where decays vary in time
  mlir::Value offsets, elements; // of packed sequences, whose outputs are written by elements too
  // Of the work tile that is being written.
  mlir::Value segments, pieces, sequence, job, keyHead, head, column, channel;
  mlir::Value upwards; // a matrix of what comes later than each step, in SRAM
  mlir::Value batch, start, length, end; // where its sequence stands in [B, L], and where that ends
  mlir::Value remembered;                // 0 where what comes before a piece is forgotten, else 1
  mlir::Value rate, skipFactor;
  mlir::Value decayOfStep, prefixes; // of a constant decay, and its sums over a chunk
  Decays constant;
};

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_LINEARATTENTION_H
