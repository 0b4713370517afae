//===- Attention.cpp - Attention as a tile program ------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Online softmax in base 2 (Milakov and Gimelshein 2018; Dao et al. 2022). A work tile is 64
// query rows per consumer warpgroup of one head; it visits the tiles of keys that its rows can
// see, from right to left. With c = scale * log2(e), per tile of scores s:
//
//   m' = max(m, rowmax(s))        a  = exp2(c m - c m')        p = exp2(c s - c m')
//   l' = a l + rowsum(p)          o' = a o + p v
//
// and in the end o / l, and lse = (c m + log2(l)) ln(2).
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "Regions.h"
#include "SeqToTile.h"
#include "TileBuilder.h"

#include "longwing/Seq/Config.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

constexpr double kLn2 = 0.6931471805599453;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Whether a unit of work is a pair of query tiles, a long one and a short one.
bool pairsTiles(seq::AttentionOp op, const AttentionConfig &config) {
  return config.persistent && op.getRightWindow() >= 0;
}

/// A range of key tiles, counted from the right, that share one loop.
struct Segment {
  Value begin, end;
  bool masked;
};

class AttentionKernel {
public:
  AttentionKernel(seq::AttentionOp op, ArrayRef<Value> captured)
      : op(op), config(AttentionConfig::read(op)), captured(captured), builder(op.getContext()),
        t(builder, op.getLoc()) {
    element = op.getQ().getType().getElementType();
    rows = config.rows();
    keys = config.keys;
    dk = llvm::alignTo(op.getHeadDim(), kMmaStep);
    dv = llvm::alignTo(op.getValueDim(), 8);
    left = op.getLeftWindow(), right = op.getRightWindow();
    scores = tileType<AccAttr>({rows, keys}, builder.getF32Type());
    output = tileType<AccAttr>({rows, dv}, builder.getF32Type());
    perRow = tileType<RowAttr>({rows}, builder.getF32Type());
    perLane = tileType<LanesAttr>({rows, 4}, builder.getF32Type());
    // Scores that no region changes stay raw; the scale enters with the base of the exponential.
    double scale = op.getEffectiveScale();
    scaleScores = op.hasScore() || scale <= 0;
    exponent = scaleScores ? kLog2E : scale * kLog2E;
  }

  KernelOp create(StringRef name);

private:
  void work(Value x);
  void workTile(Value x);
  SmallVector<Segment> segments();
  ValueRange loop(const Segment &segment, ValueRange state, bool first);
  void step(Value iteration, ValueRange state, bool masked, SmallVectorImpl<Value> &next);
  Value maskScores(Value s, Value key0);
  Value applyScore(Value s, Value key0);
  void finish(ValueRange state);

  seq::AttentionOp op;
  AttentionConfig config;
  ArrayRef<Value> captured;
  OpBuilder builder;
  TileBuilder t;
  Type element;
  int64_t rows, keys, dk, dv;
  int64_t left, right; // the window; -1 is without bound
  RankedTensorType scores, output, perRow, perLane;
  bool scaleScores;
  double exponent;

  // Values of the kernel, and of the work tile that is being written.
  Value q, k, v, o, lse;
  IRMapping views;
  Value queries, keyCount, shift, tiles;
  Value row0, head, keyHead, batch, queryTile, lastTile;
};

} // namespace

KernelOp AttentionKernel::create(StringRef name) {
  SmallVector<Type> inputs;
  for (int64_t size : {rows, keys, keys, kWarpgroupRows}) // q, k, v; o is stored per warpgroup
    inputs.push_back(DescType::get(op.getContext(), {1, 1, size, 64}, element));
  if (op.getLse())
    inputs.push_back(
        ViewType::get(op.getContext(), op.getLse().getType().getShape(), builder.getF32Type()));
  for (Value tensor : captured) {
    auto type = cast<RankedTensorType>(tensor.getType());
    inputs.push_back(ViewType::get(op.getContext(), type.getShape(), type.getElementType()));
  }
  auto schedule = ScheduleAttr::get(op.getContext(), config.consumers, config.producerRegisters(),
                                    config.consumerRegisters(), config.persistent, config.overlap,
                                    /*spread=*/false);
  auto kernel = KernelOp::create(builder, op.getLoc(), name, inputs, schedule);
  kernel.setOutput(3);
  if (op.getLse())
    kernel.setOutput(4);

  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  q = body.getArgument(0), k = body.getArgument(1), v = body.getArgument(2);
  o = body.getArgument(3);
  if (op.getLse())
    lse = body.getArgument(4);
  for (auto [tensor, view] : llvm::zip(captured, body.getArguments().take_back(captured.size())))
    views.map(tensor, view);

  queries = t.dim(q, 2), keyCount = t.dim(k, 2);
  shift = t.sub(keyCount, queries);
  tiles = t.ceilDiv(queries, rows);
  Value units = pairsTiles(op, config) ? t.ceilDiv(tiles, 2) : tiles;
  auto forEach =
      ForEachOp::create(builder, op.getLoc(), ValueRange{units, t.dim(q, 1), t.dim(q, 0)});
  ReturnOp::create(builder, op.getLoc());
  builder.setInsertionPointToStart(&forEach.getBody().front());
  auto at = forEach.getBody().getArguments();
  head = at[1], batch = at[2];
  keyHead = t.floorDiv(head, op.getQueryHeads() / op.getKeyHeads());
  work(at[0]);
  return kernel;
}

/// Under a causal mask the last rows see the most keys. A unit of work is the x-th tile from the
/// end and the x-th from the start, so that all units are equally long; where CTAs do not stay for
/// several units, it is one tile, the longest first.
void AttentionKernel::work(Value x) {
  if (right < 0)
    return workTile(x);
  Value mirrored = t.sub(t.sub(tiles, t.index(1)), x);
  if (!pairsTiles(op, config))
    return workTile(mirrored);
  Value middle = t.compare(arith::CmpIPredicate::eq, x, mirrored);
  Value count = t.select(middle, t.index(1), t.index(2));
  scf::ForOp::create(builder, t.loc, t.index(0), count, t.index(1), ValueRange(),
                     [&](OpBuilder &, Location, Value half, ValueRange) {
                       Value first = t.compare(arith::CmpIPredicate::eq, half, t.index(0));
                       workTile(t.select(first, mirrored, x));
                       scf::YieldOp::create(builder, t.loc);
                     });
}

void AttentionKernel::workTile(Value x) {
  row0 = t.mul(x, rows);

  SmallVector<Segment> parts = segments();
  Value any = t.compare(arith::CmpIPredicate::sgt, parts.back().end, t.index(0));
  Value zero = t.constant(output, 0), low = t.constant(perRow, -kInfinity),
        none = t.constant(perLane, 0);
  auto visit = scf::IfOp::create(builder, t.loc, TypeRange{output, perRow, perLane}, any, true);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(visit.thenBlock());
    queryTile = t.load(q, {batch, head, row0, t.index(0)},
                       tileType<SharedAttr>({rows, dk}, element), config.queryStages);
    SmallVector<Value> state = {zero, low, none};
    for (auto [i, part] : llvm::enumerate(parts))
      state = llvm::to_vector(loop(part, state, i == 0));
    scf::YieldOp::create(builder, t.loc, state);
    builder.setInsertionPointToStart(visit.elseBlock());
    scf::YieldOp::create(builder, t.loc, ValueRange{zero, low, none});
  }
  finish(visit.getResults());
}

/// The tiles of keys that some row can see, [lo, hi), split from right to left into those that
/// need a mask, those that every row sees whole, and those at the left edge of a window.
SmallVector<Segment> AttentionKernel::segments() {
  Value zero = t.index(0);
  Value end = keyCount, lo = zero;
  if (right >= 0) {
    Value lastRow = t.min(t.add(row0, rows), queries);
    end = t.max(t.min(keyCount, t.add(t.add(lastRow, shift), right)), zero);
  }
  Value hi = t.ceilDiv(end, keys);
  if (left >= 0)
    lo = t.floorDiv(t.max(t.sub(t.add(row0, shift), t.index(left)), zero), keys);
  lastTile = t.sub(hi, t.index(1));
  Value count = t.max(t.sub(hi, lo), zero);
  if (op.hasMask())
    return {{zero, count, true}};

  // Tiles before fullEnd lie left of the diagonal and of the last key; the first one visited is
  // always masked, which spares the ragged end a loop of its own.
  Value fullEnd = t.floorDiv(keyCount, keys);
  if (right >= 0)
    fullEnd = t.min(fullEnd, t.floorDiv(t.max(t.add(t.add(row0, shift), right + 1), zero), keys));
  // Without a diagonal that is one tile, whose loop is nothing but the pipeline's prologue.
  Value headEnd = t.index(1);
  if (right >= 0)
    headEnd = t.max(t.sub(hi, fullEnd), headEnd);
  headEnd = t.min(headEnd, count);
  if (left < 0)
    return {{zero, headEnd, true}, {headEnd, count, false}};
  Value fullBegin = t.ceilDiv(t.max(t.add(t.add(row0, shift), rows - 1 - left), zero), keys);
  Value middleEnd = t.min(t.max(t.sub(hi, fullBegin), headEnd), count);
  return {{zero, headEnd, true}, {headEnd, middleEnd, false}, {middleEnd, count, true}};
}

ValueRange AttentionKernel::loop(const Segment &segment, ValueRange state, bool first) {
  auto loop = scf::ForOp::create(builder, t.loc, segment.begin, segment.end, t.index(1), state,
                                 [&](OpBuilder &, Location, Value iteration, ValueRange args) {
                                   SmallVector<Value> next;
                                   step(iteration, args, segment.masked, next);
                                   scf::YieldOp::create(builder, t.loc, next);
                                 });
  if (first)
    loop->setAttr(kNonemptyAttr, builder.getUnitAttr());
  return loop.getResults();
}

/// One tile of keys. Stage 0 makes the probabilities; stage 1, their product with V, may run
/// under the softmax of the next tile.
void AttentionKernel::step(Value iteration, ValueRange state, bool masked,
                           SmallVectorImpl<Value> &next) {
  Value acc = state[0], m = state[1], l = state[2];
  Value key0 = t.mul(t.sub(lastTile, iteration), keys), zero = t.index(0);
  int64_t late = config.overlap ? 1 : 0;

  Value keyTile = t.load(k, {batch, keyHead, key0, zero}, tileType<SharedAttr>({keys, dk}, element),
                         config.stages);
  Value s = t.dot(queryTile, keyTile, {}, scores, /*transposeB=*/true);
  t.pipeline(keyTile, 0, 0);
  t.pipeline(s, 0, 0);
  if (scaleScores)
    s = t.mulf(s, op.getEffectiveScale());
  if (op.hasScore())
    s = applyScore(s, key0);
  if (masked)
    s = maskScores(s, key0);

  Value peak = t.maxf(m, t.reduce<RowAttr>(ReduceKind::Max, s));
  // A row that has seen no key yet has the maximum -inf; exp2 must not meet inf - inf.
  Value shiftBy = t.mulf(t.unless(peak, -kInfinity, peak, 0), -exponent);
  Value alpha = t.exp2(t.fma(m, exponent, shiftBy));
  Value p = t.exp2(t.fma(s, exponent, t.broadcast(shiftBy, scores)));
  Value sum = t.fma(l, t.broadcast(alpha, perLane), t.reduce<LanesAttr>(ReduceKind::Add, p));
  acc = t.mulf(acc, t.broadcast(alpha, output));
  Value weights = t.make<ConvertOp>(tileType<AFragAttr>({rows, keys}, element), p);

  Value valueTile = t.load(v, {batch, keyHead, key0, zero},
                           tileType<SharedAttr>({keys, dv}, element), config.stages);
  acc = t.dot(weights, valueTile, acc, output, /*transposeB=*/false);
  t.pipeline(valueTile, late, 1);
  t.pipeline(acc, late, 1);
  next.assign({acc, peak, sum});
}

Value AttentionKernel::applyScore(Value s, Value key0) {
  SmallVector<Value> arguments = {s, batch, head, t.iota<RowAttr>(row0, rows),
                                  t.iota<ColAttr>(key0, keys)};
  return applyRegion(t, op.getScore(), arguments, views, scores);
}

/// Keeps the scores of the keys that a row sees; the others become -inf.
Value AttentionKernel::maskScores(Value s, Value key0) {
  auto indices = scores.clone(builder.getIndexType());
  Value column = t.broadcast(t.iota<ColAttr>(t.index(0), keys), indices);
  auto limit = [&](Value bound) { return t.broadcast(bound, indices); };
  using Predicate = arith::CmpIPredicate;
  // Everything is relative to the first key: a column is kept below the end of the keys, ...
  Value keep = t.compare(Predicate::slt, column, limit(t.sub(keyCount, key0)));
  // ... up to the row's diagonal plus the right window, and from it minus the left window.
  Value diagonal = t.iota<RowAttr>(t.sub(t.add(row0, shift), key0), rows);
  auto offset = [&](int64_t by) {
    Value by0 = t.make<BroadcastOp>(diagonal.getType(), t.index(by));
    return t.broadcast(t.add(diagonal, by0), indices);
  };
  if (right >= 0)
    keep = t.both(keep, t.compare(Predicate::sle, column, offset(right)));
  if (left >= 0)
    keep = t.both(keep, t.compare(Predicate::sge, column, offset(-left)));
  if (op.hasMask()) {
    SmallVector<Value> arguments = {batch, head, t.iota<RowAttr>(row0, rows),
                                    t.iota<ColAttr>(key0, keys)};
    keep = t.both(keep, applyRegion(t, op.getMask(), arguments, views, scores));
  }
  return t.select(keep, s, t.constant(scores, -kInfinity));
}

void AttentionKernel::finish(ValueRange state) {
  Value acc = state[0], m = state[1];
  Value l = t.reduce<RowAttr>(ReduceKind::Add, state[2]);
  Value one = t.constant(perRow, 1);
  Value inverse = t.make<arith::DivFOp>(one, l, arith::FastMathFlags::afn);
  inverse = t.unless(inverse, 0, l, 0); // a row that saw no key gives zero
  acc = t.mulf(acc, t.broadcast(inverse, output));
  Value rounded = t.make<ConvertOp>(tileType<AccAttr>({rows, dv}, element), acc);
  StoreOp::create(builder, t.loc, rounded, o, ValueRange{batch, head, row0, t.index(0)}, Value());
  if (lse) {
    Value value = t.mulf(t.fma(m, exponent, t.log2(l)), kLn2);
    StoreRowOp::create(builder, t.loc, value, lse, ValueRange{batch, head, row0});
  }
}

LogicalResult longwing::lowerAttention(seq::AttentionOp op, SymbolTable &symbols) {
  SmallVector<Region *> regions;
  for (Region *region : {&op.getScore(), &op.getMask()})
    if (!region->empty())
      regions.push_back(region);
  for (Region *region : regions)
    if (failed(checkRegion(*region)))
      return failure();
  FailureOr<SmallVector<Value>> captured = capturedTensors(regions);
  if (failed(captured))
    return failure();

  StringRef function = op->getParentOfType<FunctionOpInterface>().getName();
  KernelOp kernel = AttentionKernel(op, *captured).create((function + "_attention").str());
  symbols.insert(kernel);

  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  FailureOr<SmallVector<Value>> results = emptyResults(b, op);
  if (failed(results))
    return failure();
  SmallVector<Value> operands = {op.getQ(), op.getK(), op.getV()};
  llvm::append_range(operands, *results);
  operands.append(captured->begin(), captured->end());
  AttentionConfig config = AttentionConfig::read(op);
  auto size = [&](int64_t i) { return host.make<tensor::DimOp>(op.getQ(), i); };
  Value units = host.ceilDiv(size(2), config.rows());
  if (pairsTiles(op, config))
    units = host.ceilDiv(units, 2);
  SmallVector<Value> work = {units, size(1), size(0)};
  auto launch =
      LaunchOp::create(b, op.getLoc(), op.getResultTypes(), kernel.getSymName(), operands, work);
  // B, Sq and Sk: of q, k, v, o and lse, where the types leave them open.
  SmallVector<int64_t> batch = {0, 0, 1, 0, 2, 0, 3, 0}, queries = {0, 2, 3, 2},
                       keys = {1, 2, 2, 2};
  if (op.getLse()) {
    batch.append({4, 0});
    queries.append({4, 2});
  }
  launch->setAttr(kSameSizesAttr,
                  b.getArrayAttr({b.getDenseI64ArrayAttr(batch), b.getDenseI64ArrayAttr(queries),
                                  b.getDenseI64ArrayAttr(keys)}));
  op->replaceAllUsesWith(launch.getResults());
  op->erase();
  return success();
}
