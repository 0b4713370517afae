//===- ConvInner.cpp - The inner pass of long convolutions ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As FourierConv.cpp, but for complex numbers on both sides and plain roots of 1. The twiddles of the
// outer transform on the way out are part of the last matrix and of the twiddle before it: both are
// made once for all sequences of a channel, where the spectrum is read.
//
// Scales: the way there divides by M in all, the way back by nothing.
//
//===----------------------------------------------------------------------===//

#include "ConvInner.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// Points of a run whose twiddles differ by the same factors for all runs.
static constexpr int64_t kRun = 16;

InnerPass::InnerPass(Location loc, const PassPlan &plan)
    : plan(plan), builder(loc.getContext()), t(builder, loc) {
  stages.radix = plan.radix();
  stages.rightAngle = false;
}

KernelOp InnerPass::create(StringRef name, ValueRange operands) {
  MLIRContext *context = builder.getContext();
  // b / 4, rows (k1, a), and 64 points of b mod 4 and c.
  SmallVector<Type> inputs = {DescType::get(context, {1, 1, 4, 16, kSide}, builder.getF16Type())};
  for (Value operand : operands.drop_front()) {
    auto type = cast<RankedTensorType>(operand.getType());
    inputs.push_back(ViewType::get(context, type.getShape(), type.getElementType()));
  }
  auto schedule = ScheduleAttr::get(context, 4, 0, 128, /*persistent=*/true, /*overlap=*/true,
                                    /*spread=*/false);
  auto kernel = KernelOp::create(builder, t.loc, name, inputs, schedule);
  kernel->setAttr(kStaggerAttr, builder.getI64IntegerAttr(1));
  kernel->setAttr(kRereadAttr, builder.getStringAttr("right"));
  kernel.setOutput(0);
  kernel.setArgAttr(0, kUnfoldAttr,
                    builder.getDenseI64ArrayAttr({0, 1, 0, 1, 1, 2, 2, 1, 4, 2, 4, 16, 3, 1, kSide}));

  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  x = body.getArgument(0), spectrum = body.getArgument(1);
  coarse = body.getArgument(2), fine = body.getArgument(3);
  Value channels = t.dim(spectrum, 0);
  Value sequences = t.floorDiv(t.dim(x, 0), plan.tiles());
  auto forEach = ForEachOp::create(
      builder, t.loc,
      ValueRange{t.make<arith::DivUIOp>(sequences, channels), t.index(plan.tiles()), channels});
  ReturnOp::create(builder, t.loc);
  Block &work = forEach.getBody().front();
  builder.setInsertionPointToStart(&work);
  Value batches = forEach.getSizes().front();
  channel = work.getArgument(2), tileOfSequence = work.getArgument(1);
  Value sequence = t.add(t.make<arith::MulIOp>(channel, batches), work.getArgument(0));
  first = t.add(t.mul(sequence, plan.tiles()), tileOfSequence);
  workTile();
  return kernel;
}

/// A part of X, [b][c][(k1, a)].
Value InnerPass::load(int64_t part) {
  Value zero = t.index(0);
  auto type = tileType<SharedAttr>({kSide, kSide}, builder.getF16Type());
  Value tile = t.load(x, {first, t.index(part), zero, zero, zero}, type, kFourierStages);
  return t.make<SplitOp>(t.half(), tile, /*transpose=*/true);
}

ComplexTile InnerPass::pull(Value source, ValueRange indices) {
  auto part = [&](int64_t i) {
    SmallVector<Value> at(indices);
    at.push_back(t.index(i));
    return t.make<PullOp>(t.half(), source, at);
  };
  return {part(0), part(1)};
}

SmallVector<Value> longwing::spectrumInTiles(FourierBuilder &t, const PassPlan &plan, Value channel,
                                             Value tile) {
  Value f = t.remAll(t.position(0), plan.radix()), k1 = t.divAll(t.position(0), plan.radix());
  Value rest = t.make<arith::AddIOp>(t.position(1), t.mulAll(t.position(2), 16));
  f = t.make<arith::AddIOp>(f, t.mulAll(rest, plan.radix()));
  Value row = t.make<arith::AddIOp>(t.mulAll(k1, plan.inner), t.remAll(f, plan.inner));
  return {channel, tile, Value(), row, t.divAll(f, plan.inner)};
}

Value longwing::spectrumInOrder(FourierBuilder &t, Value tile) {
  Value at = t.make<arith::AddIOp>(t.mulAll(t.position(1), 16), t.position(2));
  at = t.make<arith::AddIOp>(t.mulAll(t.position(0), 256), at);
  return t.make<arith::AddIOp>(at, t.broadcast(t.mul(tile, kTilePoints), t.indices()));
}

ComplexTile InnerPass::loadSpectrum() {
  auto type = cast<ViewType>(spectrum.getType());
  bool ordered = type.getShape().size() == 3;
  SmallVector<Value> at = {channel, Value(), Value()};
  if (ordered)
    at[1] = spectrumInOrder(t, tileOfSequence);
  else
    at = spectrumInTiles(t, plan, channel, tileOfSequence);
  auto part = [&](int64_t i) {
    at[2] = t.index(i);
    return t.cast(t.make<PullOp>(t.frag(type.getElementType()), spectrum, at), t.half());
  };
  return {part(0), part(1)};
}

/// Factors of conj t(k1, m) at m = 256 a + 16 b, [b][(k1, a)][..]: the same in all columns.
ComplexTile InnerPass::loadCoarse() {
  Value k1 = firstK1(t.divAll(t.position(1), stages.radix)), a = t.remAll(t.position(1), stages.radix);
  return pull(coarse, {k1, t.make<arith::AddIOp>(t.mulAll(a, 16), t.position(0))});
}

/// Factors of conj t(k1, c), [(k1, k1')][c][..].
ComplexTile InnerPass::loadFine() {
  return pull(fine, {firstK1(t.divAll(t.position(0), stages.radix)), t.position(1)});
}

/// The number of a k1 of this tile among all; that of a middle digit, if there is one.
Value InnerPass::firstK1(Value k1) {
  Value first = t.mul(tileOfSequence, plan.neighbours());
  if (plan.middle > 1)
    first = t.make<arith::RemUIOp>(first, t.index(plan.middle));
  return t.make<arith::AddIOp>(k1, t.broadcast(first, t.indices()));
}

void InnerPass::workTile() {
  ComplexTable there =
      t.complexTable(firstStage(stages, 1.0 / double(stages.radix), /*transpose=*/false));
  // Registers are short.
  for (Value table : {there.re, there.im, there.minus})
    table.getDefiningOp()->setAttr(kRereadAttr, builder.getUnitAttr());
  ComplexTable f = t.complexTable(sixteen(0.25));
  ComplexTile twiddleThere = t.complexTile(twiddle(stages, 1.0 / 16, /*back=*/false));
  // The twiddles of the outer transform are part of what comes before and behind them.
  ComplexTile twiddleBack = t.times(t.complexTile(twiddle(stages, 4, /*back=*/true)), loadFine());
  ComplexTile last = t.times(t.complexTile(conjugate(firstStage(stages, 4, /*transpose=*/true))), loadCoarse());

  // Warp b: [b][k1'][c].
  ComplexTile z = t.fromLeft(there, {load(0), load(1)});

  // Warp k1': [k1'][c][b], then [k2][c], [k2][k3], and back through [c][k2] to [b][c].
  z = t.exchange(z);
  z = t.convolve(z, f, twiddleThere, [&](const ComplexTile &x) { return t.times(x, loadSpectrum()); }, twiddleBack);

  // Warp b: [b][c][k1'], then [b][(k1, a)][c].
  z = t.exchange(z);
  z = t.fromLeft({last.re, last.im, t.make<arith::NegFOp>(last.im)}, z);
  Value zero = t.index(0);
  for (auto [i, part] : llvm::enumerate(SmallVector<Value>{z.re, z.im})) {
    Value joined =
        t.make<JoinOp>(tileType<SharedAttr>({kSide, kSide}, builder.getF16Type()), part);
    StoreOp::create(builder, t.loc, joined, x,
                    ValueRange{first, t.index(i), zero, zero, zero}, Value());
  }
}

SmallVector<Value> InnerPass::twiddles(OpBuilder &b) const {
  // Of the digit in front of the inner ones.
  PassPlan around = plan.middle > 1 ? plan.middlePart() : plan;
  auto table = [&](int64_t count, int64_t step) {
    auto type = RankedTensorType::get({around.outer, count, 2}, b.getF16Type());
    SmallVector<APFloat> values;
    for (int64_t k1 = 0; k1 < around.outer; ++k1)
      for (int64_t i = 0; i < count; ++i) {
        std::complex<double> value = outerRoot(around, k1, i * step, around.points(), 1);
        for (double part : {value.real(), value.imag()})
          values.push_back(nearest(part, b.getF16Type()));
      }
    return arith::ConstantOp::create(b, t.loc, DenseElementsAttr::get(type, values)).getResult();
  };
  return {table(plan.stride() / kRun, kRun), table(kRun, 1)};
}
