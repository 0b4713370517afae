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
// Scales: the way there divides by M in all, and no stage of it grows; the way back divides by nothing. What is
// small is taken larger by the sequence's gain (ConvGain.h).
//
//===----------------------------------------------------------------------===//

#include "ConvInner.h"
#include "ConvGain.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// Points of a run whose twiddles differ by the same factors for all runs.
static constexpr int64_t kRun = 16;

InnerPass::InnerPass(Location loc, const PassPlan &plan, seq::ConvKind kind)
    : plan(plan), anticausal(kind == seq::ConvKind::Anticausal), builder(loc.getContext()), t(builder, loc) {
  stages.radix = plan.radix();
  stages.rightAngle = false;
}

/// Begins a kernel that reads X.
KernelOp InnerPass::begin(StringRef name, ValueRange operands, bool overlap) {
  MLIRContext *context = builder.getContext();
  // b / 4, rows (k1, a), and 64 points of b mod 4 and c.
  SmallVector<Type> inputs = {DescType::get(context, {1, 1, 4, 16, kSide}, builder.getF16Type())};
  for (Value operand : operands.drop_front()) {
    auto type = cast<RankedTensorType>(operand.getType());
    inputs.push_back(ViewType::get(context, type.getShape(), type.getElementType()));
  }
  auto schedule = ScheduleAttr::get(context, 4, 0, 128, /*persistent=*/true, overlap, /*spread=*/false);
  auto kernel = KernelOp::create(builder, t.loc, name, inputs, schedule);
  kernel->setAttr(kStaggerAttr, builder.getI64IntegerAttr(1));
  kernel->setAttr(kRereadAttr, builder.getStringAttr("right"));
  if (plan.inBlocks())
    kernel->setAttr(kOrderedAttr, builder.getUnitAttr());
  kernel.setArgAttr(0, kUnfoldAttr,
                    builder.getDenseI64ArrayAttr({0, 1, 0, 1, 1, 2, 2, 1, 4, 2, 4, 16, 3, 1, kSide}));
  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  x = body.getArgument(0), spectrum = body.getArgument(1);
  return kernel;
}

/// Goes on inside the work tiles, counted by block if there are any, by sequence of a channel if it has several, by tile of
/// one, and by channel. The blocks of a sequence lie one behind the other, and so do the sequences.
void InnerPass::forEach(ArrayRef<Value> sizes, bool backwards) {
  auto forEach = ForEachOp::create(builder, t.loc, sizes);
  ReturnOp::create(builder, t.loc);
  Block &work = forEach.getBody().front();
  builder.setInsertionPointToStart(&work);
  SmallVector<Value> at(work.getArguments());
  channel = at.pop_back_val(), tileOfSequence = at.pop_back_val(), order = at.front();
  if (backwards)
    at.front() = t.sub(t.sub(sizes.front(), t.index(1)), order);
  sequence = t.add(t.make<arith::MulIOp>(channel, sizes[at.size() - 1]), at.back());
  Value number = channel;
  for (auto [place, size] : llvm::reverse(llvm::zip(at, sizes.drop_back(2))))
    number = t.add(t.make<arith::MulIOp>(number, size), place);
  first = t.add(t.mul(number, plan.tiles()), tileOfSequence);
}

KernelOp InnerPass::create(StringRef name, ValueRange operands) {
  KernelOp kernel = begin(name, operands, /*overlap=*/!plan.inBlocks() || (!blockSum().loops() && !blockSum().slides()));
  kernel.setOutput(0);
  coarse = kernel.getBody().getArgument(2), fine = kernel.getBody().getArgument(3), gains = kernel.getBody().getArgument(4);
  Value channels = t.dim(spectrum, 0);
  Value sequences = t.floorDiv(t.dim(x, 0), plan.tiles() * plan.blocks());
  SmallVector<Value> sizes = {t.make<arith::DivUIOp>(sequences, channels), t.index(plan.tiles()), channels};
  if (plan.inBlocks()) {
    sizes.insert(sizes.begin(), t.index(plan.blocks()));
    past = t.memoryOf(blockSum().memories());
    // What blocks keep leaves less room, in L1 too.
    if (blockSum().memories() > 3)
      slots = kFourierStages / 2;
    // Of transforms: the most with tiles of X asked for ahead, and with the remainders that places take which slide.
    if (blockSum().memories() == 5 || (blockSum().memories() == 6 && blockSum().slides()))
      kernel->setAttr(kScarceAttr, builder.getUnitAttr());
    if (sumsMany()) {
      kernel->setAttr(kInPlaceAttr, builder.getUnitAttr());
      kernel->setAttr(kStreamsAttr, builder.getUnitAttr());
    }
  }
  forEach(sizes, plan.inBlocks() && anticausal);
  workTile();
  return kernel;
}

KernelOp InnerPass::createOfFilter(StringRef name, ValueRange operands) {
  KernelOp kernel = begin(name, operands, /*overlap=*/true);
  kernel.setOutput(1);
  if (plan.inBlocks())
    past = t.memoryOf(1);
  forEach({t.index(std::max<int64_t>(plan.reach, 1)), t.index(plan.tiles()), t.dim(spectrum, 0)}, /*backwards=*/false);
  filterTile();
  return kernel;
}

/// A part of X, [b][c][(k1, a)].
Value InnerPass::load(int64_t part) {
  Value zero = t.index(0);
  auto type = tileType<SharedAttr>({kSide, kSide}, builder.getF16Type());
  Value tile = t.load(x, {first, t.index(part), zero, zero, zero}, type, slots);
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

/// The frequencies of the work tile in a spectrum of the user's.
ComplexTile InnerPass::loadSpectrum() {
  auto type = cast<ViewType>(spectrum.getType());
  Value tile = tileOfSequence;
  if (plan.mirrored) {
    int64_t all = plan.points() / kTilePoints;
    tile = t.make<arith::RemUIOp>(t.add(tile, all / 2), t.index(all));
  }
  Value at = spectrumInOrder(t, tile);
  auto part = [&](int64_t i) {
    Value read = t.make<PullOp>(t.frag(type.getElementType()), spectrum, ValueRange{channel, at, t.index(i)});
    return t.cast(read, t.half());
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

/// The number of a row of this tile among all; that of a middle digit, if there is one.
Value InnerPass::firstK1(Value k1) {
  Value first = t.mul(tileOfSequence, plan.neighbours());
  if (plan.middle > 1)
    first = t.make<arith::RemUIOp>(first, t.index(plan.middle));
  return t.make<arith::AddIOp>(k1, t.broadcast(first, t.indices()));
}

ComplexTable InnerPass::firstTable(double scale) {
  ComplexTable table = t.complexTable(firstStage(stages, scale, /*transpose=*/false)).withoutMinus();
  // Registers are short.
  for (Value part : {table.re, table.im})
    part.getDefiningOp()->setAttr(kRereadAttr, builder.getUnitAttr());
  return table;
}

void InnerPass::workTile() {
  ComplexTable there = firstTable(0.25 / double(stages.radix));
  ComplexTable f = t.complexTable(sixteen(0.25)).withoutMinus();
  ComplexTile twiddleThere = t.complexTile(twiddle(stages, 0.25 / plan.rangeOfBlocks(), /*back=*/false));
  // The twiddles of the outer transform are part of what comes before and behind them.
  ComplexTile twiddleBack = t.times(t.complexTile(twiddle(stages, 4, /*back=*/true)), loadFine());
  ComplexTile last = t.times(t.complexTile(conjugate(firstStage(stages, 4, /*transpose=*/true))), loadCoarse());

  // Warp b: [b][k1'][c].
  Value gain = t.make<BroadcastOp>(t.half(), gainOf(t, gains, sequence));
  auto gained = [&](int64_t part) { return t.make<arith::MulFOp>(load(part), gain); };
  ComplexTile z = t.fromLeft(there, {gained(0), gained(1)});

  // Warp k1': [k1'][c][b], then [k2][c], [k2][k3], and back through [c][k2] to [b][c].
  z = t.exchange(z);
  bool isOrdered = cast<ViewType>(spectrum.getType()).getShape().size() == 3;
  auto between = [&](Value j) { return t.recall(spectrum, {channel, tileOfSequence, j}); };
  ComplexTile kernel = isOrdered ? loadSpectrum() : between(t.index(0)), next;
  if (!isOrdered)
    kernel.re.getDefiningOp()->setAttr(kStaysAttr, builder.getUnitAttr());
  // What an even block needs at once, while there is something else to do.
  if (sumsMany()) {
    Value isEven = t.compare(arith::CmpIPredicate::eq, t.make<arith::AndIOp>(order, t.index(1)), t.index(0));
    next = t.recall(spectrum, {channel, tileOfSequence, t.index(1)}, isEven);
  }
  auto timesSpectrum = [&](const ComplexTile &x) {
    return plan.inBlocks() ? t.sumOfBlocks(blockSum(), x, {kernel, next}, order, past, between) : t.times(x, kernel);
  };
  z = t.convolve(z, f, twiddleThere, timesSpectrum, twiddleBack);

  // Warp b: [b][c][k1'], then [b][(k1, a)][c].
  z = t.exchange(z);
  z = t.fromLeft({last.re, last.im}, z);
  Value zero = t.index(0);
  for (auto [i, part] : llvm::enumerate(SmallVector<Value>{z.re, z.im})) {
    Value joined =
        t.make<JoinOp>(tileType<SharedAttr>({kSide, kSide}, builder.getF16Type()), part);
    StoreOp::create(builder, t.loc, joined, x,
                    ValueRange{first, t.index(i), zero, zero, zero}, Value());
  }
}

/// What the taps d >= 0 of a block give, C_j, and those of d < 0, which are -i times the ones of the block before. Those of an
/// anticausal filter give the conjugate of what they would give as lags to the other side.
void InnerPass::filterTile() {
  RankedTensorType sums = t.single();
  auto rounded = [&](const ComplexTile &z) -> ComplexTile { return {t.cast(z.re, t.half()), t.cast(z.im, t.half())}; };
  ComplexTable f = t.complexTable(sixteen(1)).withoutMinus();
  FourierTable turns = twiddle(stages, 1, /*back=*/false);
  ComplexTile twiddles = {t.table(sums, turns, Part::Real), t.table(sums, turns, Part::Imaginary)};
  ComplexTile z = rounded(t.fromLeft(firstTable(1 / kStoredFilter), {load(0), load(1)}, {}, sums));
  z = rounded(t.times(t.fromLeft(f, t.exchange(z), {}, sums), twiddles));
  z = t.fromRight(z, f, sums);
  ComplexTile own = rounded(z);
  auto whole = [&](Value re, Value im) { return rounded({re, anticausal ? t.make<arith::NegFOp>(im) : im}); };
  SmallVector<Value> place = {channel, tileOfSequence, order};
  if (!plan.inBlocks())
    return t.keep(whole(z.re, z.im), spectrum, place);
  auto yield = [&](OpBuilder &b, const ComplexTile &x) { scf::YieldOp::create(b, t.loc, ValueRange{x.re, x.im}); };
  auto branch = scf::IfOp::create(
      builder, t.loc, t.compare(arith::CmpIPredicate::ne, order, t.index(0)),
      [&](OpBuilder &b, Location) {
        ComplexTile before = t.recall(past, t.index(0));
        yield(b, whole(t.make<arith::AddFOp>(z.re, t.cast(before.im, sums)),
                       t.make<arith::SubFOp>(z.im, t.cast(before.re, sums))));
      },
      [&](OpBuilder &b, Location) { yield(b, whole(z.re, z.im)); });
  t.keep({branch.getResult(0), branch.getResult(1)}, spectrum, place);
  t.keep(own, past, t.index(0));
}

SmallVector<Value> InnerPass::twiddles(OpBuilder &b) const {
  // Of the digit in front of the inner ones.
  PassPlan around = plan.middle > 1 ? plan.middlePart() : plan;
  auto table = [&](int64_t count, int64_t step) {
    auto type = RankedTensorType::get({around.outer, count, 2}, b.getF16Type());
    SmallVector<APFloat> values;
    for (int64_t row = 0; row < around.outer; ++row)
      for (int64_t i = 0; i < count; ++i) {
        int64_t k1 = (around.firstRow() + row) % around.outer;
        std::complex<double> value = outerRoot(around, k1, i * step, around.points(), 1);
        for (double part : {value.real(), value.imag()})
          values.push_back(nearest(part, b.getF16Type()));
      }
    return arith::ConstantOp::create(b, t.loc, DenseElementsAttr::get(type, values)).getResult();
  };
  return {table(plan.stride() / kRun, kRun), table(kRun, 1)};
}
