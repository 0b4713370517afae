//===- ShortConv.cpp - Short convolutions along the first of two axes -----===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// x is [B, L, H]. A thread owns neighbouring channels and walks a segment of the sequence in time,
// some rows at a time; the W - 1 samples before them are still in its registers.
//
//   y[t] = act(bias + sum over j < W of w[j] x[t - j + c])
//
// Sums are f32. Segments of a sequence are independent, but for the samples that both read.
//
//===----------------------------------------------------------------------===//

#include "ChannelKernel.h"
#include "SeqToTile.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

class ShortConvKernel : ChannelKernel {
public:
  explicit ShortConvKernel(seq::ShortConvOp op)
      : ChannelKernel(op, ScanConfig::read(op), /*lanes=*/1), op(op) {}

  LogicalResult lower(SymbolTable &symbols);

private:
  void segment(Value block, Value number);
  void convolve(bool whole);
  void finalState();
  Value sample(Value time);
  Value output(ArrayRef<Value> samples);

  seq::ShortConvOp op;
  Value batch, length, channel0, time0;
  SmallVector<Value> taps; // by lag, counted from the newest sample that an output reads
  Value bias;
};

/// Segments of a sequence; one where it is empty, which still has a state.
Value segments(TileBuilder &t, Value length, int64_t steps) {
  return t.max(t.ceilDiv(length, steps), t.index(1));
}

} // namespace

LogicalResult ShortConvKernel::lower(SymbolTable &symbols) {
  for (Value value : {Value(op.getX()), Value(op.getWeights()), Value(op.getBias()),
                      Value(op.getInitial()), Value(op.getY()), Value(op.getFinal())})
    launch.view(value);

  KernelOp kernel = begin(symbols, "_short_conv", /*registers=*/0);
  int64_t blocks = llvm::divideCeil(op.getChannels(), t.channels);
  Value x = tensor(op.getX());
  length = t.dim(x, 1);
  ValueRange at = forEach({t.index(blocks), segments(t, length, config.steps), t.dim(x, 0)});
  batch = at[2];
  segment(at[0], at[1]);

  explain(kernel, "segments of " + Twine(config.steps) + " steps, " + Twine(config.unroll) + " at once",
          "rows of one turn are read while those of the last are used");

  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  Value count = host.make<tensor::DimOp>(op.getX(), 0);
  Value parts = segments(host, host.make<tensor::DimOp>(op.getX(), 1), config.steps);
  return launch.replace(kernel, {host.index(blocks), parts, count}, op.getNamedShapes());
}

void ShortConvKernel::segment(Value block, Value number) {
  channel0 = t.mul(block, t.channels), time0 = t.mul(number, config.steps);
  int64_t width = op.getWidth();
  Value stored = t.loadChannels(tensor(op.getWeights()), {channel0, t.index(0)}, t.rows(width),
                                /*transposed=*/true);
  for (int64_t lag = 0; lag < width; ++lag)
    taps.push_back(t.rowOf(stored, op.getTaps() == seq::TapOrder::Last ? width - 1 - lag : lag));
  bias = op.getBias() ? t.loadChannels(tensor(op.getBias()), channel0, t.row())
                      : t.constant(t.row(), 0);
  if (op.getFinal()) {
    Value first = t.compare(arith::CmpIPredicate::eq, number, t.index(0));
    auto branch = scf::IfOp::create(builder, t.loc, first, /*withElse=*/false);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    finalState();
  }
  // Twice: where rows lie in one piece a thread reads and writes them without a branch.
  Value fast = t.make<WholeOp>(builder.getI1Type(),
                               ValueRange{tensor(op.getX()), tensor(op.getY())});
  auto branch = scf::IfOp::create(builder, t.loc, fast, /*withElse=*/true);
  for (Block *way : {branch.thenBlock(), branch.elseBlock()}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(way->getTerminator());
    convolve(way == branch.thenBlock());
  }
}

/// One row of x, or of the initial state where it lies before the first. Each is 0 elsewhere.
Value ShortConvKernel::sample(Value time) {
  auto read = [&](Value from, Value row) {
    return t.rowOf(t.loadChannels(tensor(from), {batch, row, channel0}, t.rows(1)), 0);
  };
  Value x = read(op.getX(), time);
  return op.getInitial() ? t.addf(x, read(op.getInitial(), t.add(time, op.getWidth() - 1))) : x;
}

/// The output whose last sample is the last of `samples`.
Value ShortConvKernel::output(ArrayRef<Value> samples) {
  Value sum = bias;
  for (int64_t lag = op.getWidth() - 1; lag >= 0; --lag)
    sum = t.fma(taps[lag], samples[samples.size() - 1 - lag], sum);
  return op.getSilu() ? t.silu(sum, op.getY().getType().getElementType()) : sum;
}

/// Some rows a turn. The next ones are on their way while these are used.
void ShortConvKernel::convolve(bool whole) {
  int64_t past = op.getWidth() - 1, rows = config.unroll;
  Value from = t.add(time0, op.getLookahead());
  Value count = t.min(t.ceilDiv(t.sub(length, time0), rows), t.index(config.steps / rows));
  auto read = [&](Value row0) {
    return t.loadChannels(tensor(op.getX()), {batch, t.add(from, row0), channel0}, t.rows(rows),
                          /*transposed=*/false, whole);
  };
  SmallVector<Value> state = {read(t.index(0))};
  for (int64_t i = 0; i < past; ++i)
    state.push_back(sample(t.add(from, i - past)));
  scf::ForOp::create(
      builder, t.loc, t.index(0), count, t.index(1), state,
      [&](OpBuilder &, Location, Value part, ValueRange carried) {
        Value row0 = t.mul(part, rows), following = t.add(part, 1);
        // Behind the last turn there is nothing to read.
        Value more = t.compare(arith::CmpIPredicate::slt, following, count);
        Value next = read(t.select(more, t.add(row0, rows), length));
        SmallVector<Value> samples(carried.drop_front()), outputs;
        for (int64_t i = 0; i < rows; ++i) {
          samples.push_back(t.rowOf(carried.front(), i));
          outputs.push_back(t.broadcast(output(samples), t.rows(1)));
        }
        t.storeChannels(t.sums(outputs), tensor(op.getY()),
                        {batch, t.add(time0, row0), channel0}, /*transposed=*/false,
                        /*rows=*/Value(), whole);
        SmallVector<Value> yields = {next};
        llvm::append_range(yields, ArrayRef(samples).take_back(past));
        scf::YieldOp::create(builder, t.loc, yields);
      });
}

/// The last samples, from the initial state where the sequence is shorter than it.
void ShortConvKernel::finalState() {
  int64_t kept = op.getWidth() - 1;
  SmallVector<Value> rows;
  for (int64_t i = 0; i < kept; ++i)
    rows.push_back(t.broadcast(sample(t.add(length, i - kept)), t.rows(1)));
  t.storeChannels(t.sums(rows), tensor(op.getFinal()), {batch, t.index(0), channel0});
}

LogicalResult longwing::lowerShortConvByChannel(seq::ShortConvOp op, SymbolTable &symbols) {
  return ShortConvKernel(op).lower(symbols);
}
