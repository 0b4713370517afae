//===- Step.cpp - One step of a recurrence as a tile program --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One position of
//
//   linear attention:  S' = 2^g S + k v^T        o = q^T S',  or with a bonus  q^T (S + bonus k v^T)
//   selective scan:    h' = 2^(dt a) h + b dt u  y = c^T h'
//
// A step reads a state once and writes it once, and costs no more than that. A CTA owns some columns of
// one state: value columns of a head, or channels. Its threads hold them in registers, rows spread over
// lanes, so that no copy engine and no SRAM take part.
//
//===----------------------------------------------------------------------===//

#include "ChannelKernel.h"
#include "SeqToTile.h"

#include "longwing/Seq/StepConfig.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

/// What the kernels of all steps do.
class StepKernel : protected ChannelKernel {
protected:
  StepKernel(Operation *op, const ScanConfig &config)
      : ChannelKernel(op, config, config.lanes), op(op) {}

  /// The kernel over `sizes` blocks of columns (and heads), for each entry of the batch.
  LogicalResult lower(SymbolTable &symbols, StringRef suffix, ArrayRef<int64_t> sizes,
                      ArrayRef<seq::NamedShape> shapes, ValueRange written = {});
  virtual void work(ValueRange at) = 0;

  Value columnsAt(Value value, ValueRange at) { return t.loadChannels(tensor(value), at, t.row()); }
  Value rowsAt(Value value, ValueRange at) { return t.loadRows(tensor(value), at, config.steps); }
  /// A number of a tensor, for all columns.
  Value scalarAt(Value value, ValueRange at);
  Value tiled(Value value) { return t.broadcast(value, t.rows(config.steps)); }
  /// The sum over the rows of a tile, in all lanes.
  Value sumOf(Value tile) { return t.make<SumsOp>(t.row(), tile); }

  Operation *op;
};

class LinearAttentionStep : StepKernel {
public:
  explicit LinearAttentionStep(seq::LinearAttentionOp op) : StepKernel(op, chooseStep(op)), op(op) {}
  LogicalResult lower(SymbolTable &symbols, ValueRange written);

private:
  void work(ValueRange at) override;
  Value decayOf(Value row0);
  Value advance(Value row0, Value sum);

  seq::LinearAttentionOp op;
  Value batch, head, keyHead, column, zero;
  Value values, stepSize, headDecay;
};

class SelectiveScanStep : StepKernel {
public:
  explicit SelectiveScanStep(seq::SelectiveScanOp op) : StepKernel(op, chooseStep(op)), op(op) {}
  LogicalResult lower(SymbolTable &symbols);

private:
  void work(ValueRange at) override;

  seq::SelectiveScanOp op;
};

} // namespace

Value longwing::isOneStep(TileBuilder &t, Value length) {
  Value one = t.index(1);
  return t.sub(t.min(length, one), t.min(t.floorDiv(length, 2), one));
}

LogicalResult StepKernel::lower(SymbolTable &symbols, StringRef suffix, ArrayRef<int64_t> sizes,
                                ArrayRef<seq::NamedShape> shapes, ValueRange written) {
  for (ValueRange values : {ValueRange(op->getOperands()), ValueRange(op->getResults())})
    for (Value value : values)
      launch.view(value);
  KernelOp kernel = begin(symbols, suffix, /*registers=*/0);

  OpBuilder b(op);
  TileBuilder host(b, op->getLoc());
  Value first = op->getOperand(0);
  auto dim = [&](int64_t i) { return host.make<tensor::DimOp>(first, i); };
  SmallVector<Value> inside, outside;
  for (int64_t size : sizes)
    inside.push_back(t.index(size)), outside.push_back(host.index(size));
  inside.push_back(t.dim(tensor(first), 0)), outside.push_back(dim(0));
  std::string reason = "one step reads the state once and writes it once";
  if (!written.empty()) {
    inside.back() = t.make<arith::MulIOp>(inside.back(), isOneStep(t, t.dim(tensor(first), 1)));
    outside.back() = host.make<arith::MulIOp>(outside.back(), isOneStep(host, dim(1)));
    reason = "where a sequence has one step: " + reason;
  }
  explain(kernel, Twine(t.channels) + " columns of a state in a CTA, " + Twine(config.steps) + " rows at once", reason);
  work(forEach(inside));
  return launch.replace(kernel, outside, shapes, written);
}

Value StepKernel::scalarAt(Value value, ValueRange at) {
  Type stored = getElementTypeOrSelf(value.getType());
  Value scalar = t.make<GatherOp>(stored, tensor(value), at);
  if (!stored.isF32())
    scalar = t.make<arith::ExtFOp>(builder.getF32Type(), scalar);
  return t.broadcast(scalar, t.row());
}

//===----------------------------------------------------------------------===//
// Linear attention
//===----------------------------------------------------------------------===//

LogicalResult LinearAttentionStep::lower(SymbolTable &symbols, ValueRange written) {
  int64_t blocks = llvm::divideCeil(op.getValueDim(), t.channels);
  return StepKernel::lower(symbols, "_linear_attention_step", {blocks, op.getValueHeads()},
                           op.getNamedShapes(), written);
}

void LinearAttentionStep::work(ValueRange at) {
  zero = t.index(0);
  column = t.mul(at[0], t.channels), head = at[1], batch = at[2];
  keyHead = t.floorDiv(head, op.getValueHeads() / op.getKeyHeads());
  values = columnsAt(op.getV(), {batch, zero, head, column});
  Value shown = values;
  if (op.getDt()) {
    Value dt = scalarAt(op.getDt(), {batch, zero, head});
    if (op.getBias())
      dt = t.addf(dt, scalarAt(op.getBias(), head));
    if (op.getSoftplus())
      dt = t.softplus(dt);
    headDecay = t.exp2(t.mulf(dt, t.mulf(scalarAt(op.getA(), head), kLog2E)));
    values = t.mulf(values, dt);
  } else if (Value decay = op.getDecay(); decay && !op.hasChannelDecay()) {
    SmallVector<Value> place = {batch, zero, head};
    headDecay = t.exp2(t.mulf(
        scalarAt(decay, op.hasConstantDecay() ? ValueRange(head) : ValueRange(place)), kLog2E));
  }

  Value sum = t.constant(t.row(), 0);
  if (op.getKeyDim() <= config.steps) {
    sum = advance(zero, sum);
  } else {
    auto loop = scf::ForOp::create(builder, t.loc, zero, t.index(op.getKeyDim()),
                                   t.index(config.steps), sum,
                                   [&](OpBuilder &, Location, Value row0, ValueRange sums) {
                                     scf::YieldOp::create(builder, t.loc, advance(row0, sums[0]));
                                   });
    loop->setAttr(kRolledAttr, builder.getUnitAttr());
    sum = loop.getResult(0);
  }
  if (double scale = op.getEffectiveScale(); scale != 1)
    sum = t.mulf(sum, scale);
  if (op.getSkip())
    sum = t.fma(scalarAt(op.getSkip(), head), shown, sum);
  if (op.getGate())
    sum = t.mulf(sum, t.silu(columnsAt(op.getGate(), {batch, zero, head, column}), op.getO().getType().getElementType()));
  t.storeChannels(sum, tensor(op.getO()), {batch, zero, head, column});
}

/// What is left of each row of the state; null if all is.
Value LinearAttentionStep::decayOf(Value row0) {
  if (headDecay)
    return tiled(headDecay);
  Value decay = op.getDecay();
  if (!decay)
    return {};
  auto type = cast<RankedTensorType>(decay.getType());
  Value of = type.getDimSize(type.getRank() - 2) == op.getValueHeads() ? head : keyHead;
  SmallVector<Value> place = {of, row0};
  if (type.getRank() == 4)
    place.insert(place.begin(), {batch, zero});
  return tiled(t.exp2(t.mulf(rowsAt(decay, place), kLog2E)));
}

/// Some rows of the state: those after the step are stored; the sum of what they give is returned.
Value LinearAttentionStep::advance(Value row0, Value sum) {
  SmallVector<Value> place = {batch, head, row0, column}, keys = {batch, zero, keyHead, row0};
  auto type = t.rows(config.steps);
  Value state = op.getInit() ? t.loadChannels(tensor(op.getInit()), place, type)
                             : t.constant(type, 0);
  Value entering = t.mulf(tiled(rowsAt(op.getK(), keys)), tiled(values));
  Value query = tiled(rowsAt(op.getQ(), keys)), seen;
  if (op.getBonus())
    seen = t.fma(tiled(rowsAt(op.getBonus(), {head, row0})), entering, state);
  Value decay = decayOf(row0);
  state = decay ? t.fma(decay, state, entering) : t.addf(state, entering);
  if (op.getState())
    t.storeChannels(state, tensor(op.getState()), place);
  return t.addf(sum, sumOf(t.mulf(query, seen ? seen : state)));
}

//===----------------------------------------------------------------------===//
// Selective scans
//===----------------------------------------------------------------------===//

LogicalResult SelectiveScanStep::lower(SymbolTable &symbols) {
  return StepKernel::lower(symbols, "_selective_scan_step",
                           {int64_t(llvm::divideCeil(op.getChannels(), t.channels))}, op.getNamedShapes());
}

void SelectiveScanStep::work(ValueRange at) {
  Value zero = t.index(0), batch = at[1], channel0 = t.mul(at[0], t.channels);
  auto type = t.rows(config.steps);
  auto perState = [&](Value value, ValueRange place) {
    return t.loadChannels(tensor(value), place, type, /*transposed=*/true);
  };
  Value state = op.getInit() ? perState(op.getInit(), {batch, channel0, zero}) : t.constant(type, 0);
  Value rate = t.mulf(perState(op.getA(), {channel0, zero}), kLog2E);
  Value group = t.floorDiv(channel0, op.getChannels() / op.getGroups());
  auto coefficients = [&](Value value, bool constant) {
    return constant ? perState(value, {channel0, zero})
                    : tiled(rowsAt(value, {batch, zero, group, zero}));
  };
  Value b = coefficients(op.getB(), op.hasConstantB()),
        c = coefficients(op.getC(), op.hasConstantC());
  Value u = columnsAt(op.getU(), {batch, zero, channel0}),
        dt = columnsAt(op.getDelta(), {batch, zero, channel0});
  // All reads are under way before the first one is waited for.
  Value bias = op.getBias() ? columnsAt(op.getBias(), channel0) : Value();
  Value skip = op.getSkip() ? columnsAt(op.getSkip(), channel0) : Value();
  Value gate = op.getGate() ? columnsAt(op.getGate(), {batch, zero, channel0}) : Value();
  if (bias)
    dt = t.addf(dt, bias);
  if (op.getSoftplus())
    dt = t.softplus(dt);
  state = t.fma(t.exp2(t.mulf(rate, tiled(dt))), state, t.mulf(b, tiled(t.mulf(dt, u))));
  if (op.getState())
    t.storeChannels(state, tensor(op.getState()), {batch, channel0, zero}, /*transposed=*/true);
  Value y = sumOf(t.mulf(c, state));
  if (skip)
    y = t.fma(u, skip, y);
  if (gate)
    y = t.mulf(y, t.silu(gate, op.getY().getType().getElementType()));
  t.storeChannels(y, tensor(op.getY()), {batch, zero, channel0});
}

LogicalResult longwing::lowerStep(seq::LinearAttentionOp op, SymbolTable &symbols, ValueRange written) {
  return LinearAttentionStep(op).lower(symbols, written);
}

LogicalResult longwing::lowerStep(seq::SelectiveScanOp op, SymbolTable &symbols) {
  return SelectiveScanStep(op).lower(symbols);
}
