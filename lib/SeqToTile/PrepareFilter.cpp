//===- PrepareFilter.cpp - Spectra of filters as a tile program -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The stages of the transform there, as in FourierConv.cpp. A spectrum that users keep is to the
// accuracy of f32: a number is the sum of two of f16, of which the second is 2^11 times what the first
// leaves, and of the products only that of the two second ones is dropped. One that a convolution
// makes for itself is as exact as its own stages: numbers are of f16, and sums of f32.
//
// At the roots of i a tap of lag -j is -i times one of lag N - j. So the taps that reach to the right
// are the imaginary part of the input, from its end, and one transform makes the spectrum of both.
//
// Of a convolution in blocks of N samples, a work tile is the spectrum of the taps between a block of input and
// the j-th one from there, those of lag j N + d, |d| < N. Of d >= 0 they are transformed, and those of d < 0 are the ones of
// the work tile before, times -i: a CTA does those of a channel in order, in place by way of memory. Of a spectrum that users
// keep each work tile reads both: those of d < 0 are the imaginary part of its input.
//
// Of a spectrum that users keep, a transform of S parts of 4096 samples is S of one part: a work tile is the
// residue k0 of the frequencies f = k0 + S k' of a channel, and reads all of its taps. Otherwise a work tile
// is a channel: of two parts its first stage adds them up by products, of more it works in place, as
// InPlaceConv.cpp does.
//
//===----------------------------------------------------------------------===//

#include "PrepareFilter.h"
#include "SeqToTile.h"

#include "longwing/Target/Hopper.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;
using seq::ConvKind;

/// Samples of a part.
static constexpr int64_t kPart = 4096;

KernelOp PrepareKernel::create(StringRef name) {
  MLIRContext *context = builder.getContext();
  auto view = [&](Value tensor) {
    auto type = cast<RankedTensorType>(tensor.getType());
    return ViewType::get(context, type.getShape(), type.getElementType());
  };
  SmallVector<Type> inputs = {view(source.filter)};
  for (Value tensor : {source.reverse, source.skip})
    if (tensor)
      inputs.push_back(view(tensor));
  if (inPlace())
    inputs.push_back(ViewType::get(context, {rowTwiddleCount(plan), 2}, builder.getF16Type()));
  if (handsOn())
    inputs.push_back(ViewType::get(context, handedOn().getShape(), builder.getF16Type()));
  inputs.push_back(ViewType::get(context, spectrum.getShape(), spectrum.getElementType()));
  auto schedule = ScheduleAttr::get(context, 4, 0, 128, /*persistent=*/true, /*overlap=*/inOrder() && !inPlace(), /*spread=*/false);
  auto kernel = KernelOp::create(builder, t.loc, name, inputs, schedule);
  if (!inPlace())
    kernel->setAttr(kStaggerAttr, builder.getI64IntegerAttr(inOrder() ? 2 : 1));
  // Wide numbers, several parts, and taps that wrap around leave no registers for tables.
  if (source.kept || plan.parts() > 1 || wraps() || manyTaps())
    kernel->setAttr(kRereadAttr, builder.getStringAttr("all"));
  if (plan.parts() > 1 || wraps() || manyTaps())
    kernel->setAttr(kScarceAttr, builder.getUnitAttr());
  if (handsOn()) {
    kernel.setOutput(inputs.size() - 2);
    kernel->setAttr(kMostCtasAttr, builder.getI64IntegerAttr(hopper::kMultiprocessors));
  }
  kernel.setOutput(inputs.size() - 1);
  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  unsigned next = 0;
  filter = body.getArgument(next++);
  if (source.reverse)
    reverse = body.getArgument(next++);
  if (source.skip)
    skip = body.getArgument(next++);
  if (inPlace())
    twiddles = body.getArgument(next++);
  if (handsOn())
    before = body.getArgument(next++);
  out = body.getArgument(next++);
  if (inPlace()) {
    auto memory = gridBuffer(context, plan);
    buffer = AllocOp::create(builder, t.loc, memory, IntegerAttr()).getMemory();
    twiddles = t.bring(twiddles, plan);
    kernel->setAttr(kSramTablesAttr, builder.getUnitAttr());
  }
  SmallVector<Value> sizes = {t.ceilDiv(t.dim(out, 0), plan.sequences())};
  if (byResidue())
    sizes.push_back(t.index(plan.parts()));
  if (plan.inBlocks() && !inOrder())
    sizes.push_back(t.index(blocks()));
  if (inOrder()) {
    sizes.insert(sizes.begin(), t.index(blocks()));
    if (handsOn())
      cta = t.make<CtaOp>(builder.getIndexType());
    else
      before = t.memoryOf(1);
    kernel->setAttr(kOrderedAttr, builder.getUnitAttr());
  }
  if (hasRows())
    fast = t.make<WholeOp>(builder.getI1Type(), ValueRange{filter});
  ValueRange work = t.eachWorkTile(sizes);
  if (inPlace())
    inPlaceTile(work.back(), inOrder() ? work[0] : Value());
  else if (inOrder())
    workTile(work[1], Value(), work[0]);
  else
    workTile(work[0], byResidue() ? work[1] : Value(), plan.inBlocks() ? work.back() : Value());
  return kernel;
}

/// `lag` where x stands to y as the predicate says, else -1, which no filter has.
Value PrepareKernel::where(arith::CmpIPredicate predicate, Value x, int64_t y, Value lag) {
  return t.select(t.compare(predicate, x, t.splat(y)), lag, t.splat(-1));
}

/// The taps of these lags, in f32; zero where the filter has none.
Value PrepareKernel::taps(Value tensor, Value view, Value lag) {
  if (source.lastFirst) {
    Value last = t.sub(t.dim(view, 1), t.index(1));
    lag = t.make<arith::SubIOp>(t.broadcast(last, t.indices()), lag);
  }
  Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
  return t.cast(t.make<PullOp>(t.frag(element), view, ValueRange{head, lag}), t.single());
}

/// Whether lags grow along the filter's rows, of which each piece of 16 taps exists or does not.
bool PrepareKernel::hasRows() {
  int64_t count = cast<RankedTensorType>(source.filter.getType()).getDimSize(1);
  return (inPlace() || inOrder()) && !source.lastFirst && !isAnticausal() && !wraps() && !ShapedType::isDynamic(count) &&
         count % kMatrixSize == 0;
}

/// Those of the filter, of these lags; as rows of quads, where a thread has four neighbours at once.
Value PrepareKernel::filterTaps(Value lag) {
  if (!row)
    return taps(source.filter, filter, lag);
  Type element = cast<RankedTensorType>(source.filter.getType()).getElementType();
  auto read = PullRowsOp::create(builder, t.loc, t.frag(element), filter, ValueRange{row, firstLag}, /*step=*/16,
                                 /*stride=*/256 * plan.parts(), /*inside=*/false, /*quads=*/true);
  return t.cast(read.getResult(0), t.single());
}

/// The real part of the input: the taps of lag n.
Value PrepareKernel::leftTaps() {
  using Predicate = arith::CmpIPredicate;
  Value sum;
  auto add = [&](Value x) { sum = sum ? t.make<arith::AddFOp>(sum, x) : x; };
  Value zeroLag = where(Predicate::eq, lag, 0, lag);
  switch (plan.inBlocks() ? ConvKind::Causal : source.kind) {
  case ConvKind::Causal:
  case ConvKind::TwoSidedDisjoint:
    add(filterTaps(lag));
    break;
  case ConvKind::TwoSidedShared:
    add(filterTaps(lag));
    add(taps(source.reverse, reverse, zeroLag));
    break;
  case ConvKind::Anticausal:
    add(taps(source.filter, filter, zeroLag));
    break;
  case ConvKind::Circular: {
    int64_t count = cast<RankedTensorType>(source.filter.getType()).getDimSize(1);
    for (int64_t first = 0; first < count; first += source.length)
      add(filterTaps(where(Predicate::slt, lag, source.length, t.addAll(lag, first))));
    break;
  }
  }
  if (skip) {
    Value row = t.select(t.compare(Predicate::eq, lag, t.splat(0)), head, t.splat(-1));
    add(t.make<PullOp>(t.single(), skip, ValueRange{row}));
  }
  return sum;
}

/// The negative of the imaginary part: the taps of lag n - N, or nothing if there are none.
Value PrepareKernel::rightTaps() {
  using Predicate = arith::CmpIPredicate;
  int64_t n = plan.length();
  auto fromEnd = [&](int64_t first) { // N - first - n, but for n = 0
    Value back = t.make<arith::SubIOp>(t.splat(n - first), lag);
    return where(Predicate::ne, lag, 0, back);
  };
  switch (source.kind) {
  case ConvKind::Causal:
    return {};
  case ConvKind::Anticausal:
    return taps(source.filter, filter, fromEnd(0));
  case ConvKind::TwoSidedShared:
    return taps(source.reverse, reverse, fromEnd(0));
  case ConvKind::TwoSidedDisjoint:
    return taps(source.reverse, reverse, fromEnd(1));
  case ConvKind::Circular:
    break;
  }
  if (!plan.rightAngle)
    return {};
  // A tap of lag j > 0 is one of lag j - L as well.
  int64_t count = cast<RankedTensorType>(source.filter.getType()).getDimSize(1);
  Value wrapped = t.addAll(lag, source.length - n), sum;
  for (int64_t first = 0; first < count; first += source.length) {
    Value x = taps(source.filter, filter,
                   where(Predicate::sgt, wrapped, 0, t.addAll(wrapped, first)));
    sum = sum ? t.make<arith::AddFOp>(sum, x) : x;
  }
  return sum;
}

/// The same of a block, whose taps reach from n - N on.
Value PrepareKernel::tapsBefore(Value sample) {
  Value before = t.addAll(lag, isAnticausal() ? plan.length() : -plan.length());
  return taps(source.filter, filter, where(arith::CmpIPredicate::ne, sample, 0, before));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

PrepareKernel::Split PrepareKernel::split(Value x) {
  Value near = t.cast(x, t.half());
  if (!source.kept)
    return {near, Value()};
  return {near, t.cast(t.mulf(t.restOf(x, near), kResidual), t.half())};
}

PrepareKernel::Split PrepareKernel::table(const FourierTable &values, Part part) {
  Value near = t.table(t.half(), values, part);
  return {near, source.kept ? t.table(t.half(), values, part, /*residual=*/true) : Value()};
}

/// Adds x y^T, or y x^T, to a sum in as many parts.
void PrepareKernel::addProduct(Split x, Split y, bool swap, Value &near, Value &rest) {
  auto product = [&](Value p, Value q, Value sum) {
    return swap ? t.warpDot(q, p, sum, t.single()) : t.warpDot(p, q, sum, t.single());
  };
  near = product(x.near, y.near, near);
  if (!source.kept)
    return;
  rest = product(x.near, y.rest, rest);
  rest = product(x.rest, y.near, rest);
}

Value PrepareKernel::joined(Value near, Value rest) {
  return rest ? t.fma(rest, t.constantLike(rest, 1 / kResidual), near) : near;
}

/// The sum of f x^T, or x f^T; x is real if it has no imaginary part.
void PrepareKernel::stage(ArrayRef<FourierTable> values, ArrayRef<Split> re, ArrayRef<Split> im,
                          bool fromRight, Value &outRe, Value &outIm) {
  Value near, rest;
  for (auto [f, x, y] : llvm::zip(values, re, im)) {
    addProduct(table(f, Part::Real), x, fromRight, near, rest);
    if (y.near)
      addProduct(table(f, Part::MinusImaginary), y, fromRight, near, rest);
  }
  outRe = joined(near, rest);
  near = rest = Value();
  for (auto [f, x, y] : llvm::zip(values, re, im)) {
    addProduct(table(f, Part::Imaginary), x, fromRight, near, rest);
    if (y.near)
      addProduct(table(f, Part::Real), y, fromRight, near, rest);
  }
  outIm = joined(near, rest);
}

/// Indices as f32.
Value PrepareKernel::real(Value index) {
  auto integers = t.frag(builder.getI32Type());
  return t.make<arith::SIToFPOp>(t.single(), t.make<arith::IndexCastOp>(integers, index));
}

/// The sum over the parts j of exp(-2 pi i n (k0 - q) / N) x[n], n = 4096 j + m, divided by their number
/// S: the transform over m of that has the frequencies k0 + S k'. `lag` is m.
std::pair<Value, Value> PrepareKernel::everyPart(Value residue, Value number) {
  int64_t turn = 4 * plan.length();
  // Angles are integers up to here, in units of 1 / (4 N) turns, of either sign.
  Value quarters = t.sub(t.mul(residue, 4), t.index(plan.rightAngle));
  Value re, im, first = lag;
  for (int64_t j = 0; j < plan.parts(); ++j) {
    lag = t.addAll(first, kPart * j);
    Value angle = t.make<arith::MulIOp>(lag, t.broadcast(quarters, t.indices()));
    angle = t.remAll(t.addAll(angle, turn), turn);
    Value far = t.compare(arith::CmpIPredicate::sge, angle, t.splat(turn / 2));
    angle = t.select(far, t.addAll(angle, -turn), angle);
    Value radians = t.mulf(real(angle), -2 * M_PI / double(turn));
    Value cosine = t.mulf(t.make<math::CosOp>(radians), 1.0 / double(plan.parts()));
    Value sine = t.mulf(t.make<math::SinOp>(radians), 1.0 / double(plan.parts()));
    auto accumulate = [&](Value &sum, Value x, Value factor) {
      sum = sum ? t.fma(x, factor, sum) : t.make<arith::MulFOp>(x, factor);
    };
    Value sample = lag;
    if (number)
      lag = lagInBlock(sample, number);
    Value left = leftTaps();
    accumulate(re, left, cosine);
    accumulate(im, left, sine);
    if (Value right = number ? tapsBefore(sample) : rightTaps()) { // times -i
      accumulate(re, right, sine);
      accumulate(im, t.make<arith::NegFOp>(right), cosine);
    }
  }
  return {re, im};
}

/// What the taps d >= 0 of a block give, and -i times those of d < 0, which are the ones of the block before. That has one
/// of d = -N, too, which makes the result's imaginary part alone. In place, these are the numbers of a step.
void PrepareKernel::finishBlock(Value re, Value im, Value channel, Value number, Value step) {
  ComplexTile own = {t.cast(re, t.half()), t.cast(im, t.half())};
  Value place = blockOf(number);
  SmallVector<Value> last = {t.index(0)};
  if (step) {
    place = t.add(t.mul(place, plan.parts()), step);
    last = {cta, step};
  }
  auto keep = [&](const ComplexTile &spectrum) { t.keep(spectrum, out, {channel, place}); };
  Value follows = t.compare(arith::CmpIPredicate::ne, number, t.index(0));
  auto branch = scf::IfOp::create(builder, t.loc, follows, /*withElse=*/true);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    ComplexTile kept = t.recall(before, last);
    Value sumRe = t.make<arith::AddFOp>(re, t.cast(kept.im, t.single()));
    Value sumIm = t.make<arith::SubFOp>(im, t.cast(kept.re, t.single()));
    keep({t.cast(sumRe, t.half()), t.cast(sumIm, t.half())});
    builder.setInsertionPointToStart(branch.elseBlock());
    if (!isAnticausal())
      keep(own);
  }
  t.keep(own, before, last);
}

/// The lags of points of a block.
Value PrepareKernel::lagInBlock(Value point, Value number) {
  Value ahead = t.broadcast(t.mul(blockOf(number), plan.length()), t.indices());
  return isAnticausal() ? t.sub(ahead, point) : t.add(point, ahead);
}

/// Asks for the taps of a work tile to come, that many further: those of a channel's blocks are one after the other.
void PrepareKernel::prefetch(Value channel, Value number, int64_t ahead) {
  Value rounds = t.index(1), start = t.index(0);
  if (plan.inBlocks()) {
    Value next = t.add(number, ahead), last = t.index(blocks());
    Value wraps = t.compare(arith::CmpIPredicate::uge, next, last);
    start = t.mul(t.select(wraps, t.sub(next, last), next), plan.length());
    rounds = t.select(wraps, t.index(1), t.index(0));
  }
  if (!inPlace()) // a CTA has neighbouring channels
    channel = t.make<arith::AddIOp>(channel, rounds), rounds = t.index(0);
  PrefetchOp::create(builder, t.loc, filter, ValueRange{channel, start}, rounds, plan.length());
}

/// The taps of a block, by rows where they lie so, and then a step early: they come from L2 as long as a step takes. Beside a skip
/// there are no registers for that.
Value PrepareKernel::blockTaps(Value number) {
  auto read = [&](bool rows) {
    llvm::SaveAndRestore<Value> restored(row, rows ? row : Value());
    if (rows)
      prefetch(row, number, /*ahead=*/2);
    return leftTaps();
  };
  if (!fast)
    return read(false);
  auto way = [&](bool rows) {
    return [&, rows](OpBuilder &b, Location) { scf::YieldOp::create(b, t.loc, read(rows)); };
  };
  auto branch = scf::IfOp::create(builder, t.loc, fast, way(true), way(false));
  if (!skip)
    branch->setAttr(kEarlyAttr, builder.getUnitAttr());
  return branch.getResult(0);
}

void PrepareKernel::workTile(Value group, Value residue, Value number) {
  // Warp b: [b][c][(s, a)]. Each stage is divided by 4, so that sums stay in the range of f16.
  Value first = t.broadcast(t.mul(group, plan.sequences()), t.indices());
  Value column = t.position(2);
  head = t.make<arith::AddIOp>(t.divAll(column, plan.rows()), first);
  Value a = t.remAll(column, plan.rows());
  lag = t.make<arith::AddIOp>(t.mulAll(a, 256), t.mulAll(t.position(0), 16));
  lag = t.make<arith::AddIOp>(lag, t.position(1));
  if (inOrder()) // [b][a][c], in quads
    lag = t.make<arith::AddIOp>(t.make<arith::AddIOp>(t.mulAll(t.position(1), 256), t.mulAll(t.position(0), 16)), t.quadPosition());
  Value sample = lag;
  if (number && !residue)
    lag = lagInBlock(lag, number);
  SmallVector<Split> real, imaginary;
  if (inOrder()) {
    row = group, firstLag = t.mul(blockOf(number), plan.length());
    real = {{t.make<TransposeOp>(t.cast(blockTaps(number), t.half())), Value()}}, imaginary = {Split()};
  } else if (residue) {
    auto [sumRe, sumIm] = everyPart(residue, number);
    real = {split(sumRe)}, imaginary = {split(sumIm)};
  } else {
    Value start = lag;
    for (int64_t j = 0; j < plan.parts(); ++j) {
      lag = t.addAll(start, kPart * j);
      real.push_back(split(leftTaps()));
      Value right = plan.inBlocks() ? tapsBefore(sample) : rightTaps();
      imaginary.push_back(right ? split(t.make<arith::NegFOp>(right)) : Split());
    }
  }
  // What is left of a transform by residues is one of 4096 points at the roots of 1.
  FourierPlan inner = residue ? FourierPlan{16, /*rightAngle=*/false} : plan;
  for (int64_t k0 = 0; k0 < inner.parts(); ++k0) {
    SmallVector<FourierTable> tables;
    for (int64_t j = 0; j < inner.parts(); ++j)
      tables.push_back(firstStage(inner, 0.25 / double(inner.parts()), /*transpose=*/false, k0, j));
    Value re, im;
    stage(tables, real, imaginary, /*fromRight=*/false, re, im);

    // Warp k1: [k1][c][b], [k2][c], [k2][k3].
    Split halvesRe = split(re), halvesIm = split(im);
    ComplexTile near = {halvesRe.near, halvesIm.near}, rest;
    if (inner.parts() > 1)
      near = t.times(near, t.complexTile(partTwiddle(inner, /*transpose=*/false, k0)));
    near = t.exchange(near);
    if (source.kept)
      rest = t.exchange({halvesRe.rest, halvesIm.rest});
    double even = source.kept ? 1 : kRootScale; // tables in two parts are exact anyway
    FourierTable f = sixteen(0.25 * even);
    stage(f, Split{near.re, rest.re}, Split{near.im, rest.im}, /*fromRight=*/false, re, im);
    FourierTable twiddles = twiddle(inner, 1, /*back=*/false, k0);
    if (inOrder()) // c comes in quads
      f = inQuads(f, /*rows=*/false, /*columns=*/true), twiddles = inQuads(twiddles, /*rows=*/false, /*columns=*/true);
    ComplexTile y = t.times({re, im}, {t.table(t.single(), twiddles, Part::Real),
                                       t.table(t.single(), twiddles, Part::Imaginary)});
    stage(f, split(y.re), split(y.im), /*fromRight=*/true, re, im);

    auto type = t.frag(spectrum.getElementType());
    Value scale = t.constantLike(re, 64.0 * double(plan.parts()) / (even * even));
    re = t.make<arith::MulFOp>(re, scale);
    im = t.make<arith::MulFOp>(im, scale);
    if (inOrder()) {
      finishBlock(re, im, group, number);
      continue;
    }
    re = t.cast(re, type);
    im = t.cast(im, type);
    // Rows of a spectrum that is the compiler's own lie in one piece.
    if (!source.kept && plan.sequences() == 1 && plan.radix % 16 == 0) {
      PlaceRowsOp::create(builder, t.loc, ValueRange{re, im}, out, ValueRange{group, residue ? t.mul(residue, 256) : t.index(256 * k0)},
                          /*step=*/256 * plan.parts(), /*stride=*/16, /*inside=*/true);
      continue;
    }
    Value warp = t.position(0);
    head = t.make<arith::AddIOp>(t.divAll(warp, inner.rows()), first);
    Value k = t.remAll(warp, inner.rows());
    if (residue)
      k = t.add(t.mulAll(k, plan.parts()), t.broadcast(residue, t.indices()));
    else
      k = t.addAll(t.mulAll(k, inner.parts()), k0);
    Value at = t.make<arith::AddIOp>(t.mulAll(k, 256), t.mulAll(t.position(1), 16));
    at = t.make<arith::AddIOp>(at, t.position(2));
    SmallVector<Value> place = {head, at};
    if (plan.inBlocks())
      place.insert(place.begin() + 1, number);
    for (auto [i, part] : {std::pair{0, re}, {1, im}}) {
      SmallVector<Value> ofPart(place);
      ofPart.push_back(t.index(i));
      PlaceOp::create(builder, t.loc, part, out, ofPart);
    }
  }
}

//===----------------------------------------------------------------------===//
// The host's side
//===----------------------------------------------------------------------===//

static Value launchPrepare(OpBuilder &b, Operation *op, const FilterSource &source,
                           RankedTensorType spectrum, SymbolTable &symbols) {
  Location loc = op->getLoc();
  StringRef function = op->getParentOfType<FunctionOpInterface>().getName();
  PrepareKernel writer(source, loc, spectrum);
  KernelOp kernel = writer.create((function + "_prepare_filter").str());
  symbols.insert(kernel);
  SmallVector<Value> operands = {source.filter};
  for (Value tensor : {source.reverse, source.skip})
    if (tensor)
      operands.push_back(tensor);
  if (writer.inPlace())
    operands.push_back(rowTwiddles(b, loc, source.plan));
  TileBuilder host(b, loc);
  int64_t channels = spectrum.getDimSize(0);
  SmallVector<Type> written;
  if (writer.handsOn()) {
    written.push_back(writer.handedOn());
    Value ctas = host.index(std::min(channels, hopper::kMultiprocessors));
    operands.push_back(tensor::EmptyOp::create(b, loc, writer.handedOn(), ctas));
  }
  written.push_back(spectrum);
  operands.push_back(tensor::EmptyOp::create(b, loc, spectrum, ValueRange()));
  SmallVector<Value> work = {host.index(llvm::divideCeil(channels, source.plan.sequences()))};
  if (writer.byResidue())
    work.push_back(host.index(source.plan.parts()));
  if (source.plan.inBlocks() && !writer.inOrder())
    work.push_back(host.index(writer.blocks()));
  auto launch = LaunchOp::create(b, loc, written, kernel.getSymName(), operands, work);
  return launch.getResults().back();
}

RankedTensorType longwing::keptType(seq::LongConvOp op, const FourierPlan &plan) {
  return RankedTensorType::get({op.getChannels(), plan.reach * plan.parts(), keptNumbers(kFourierWarps)}, Float16Type::get(op.getContext()));
}

Value longwing::prepareSpectrum(seq::LongConvOp op, const FourierPlan &plan, SymbolTable &symbols) {
  OpBuilder b(op);
  Value skip = FourierPlan::addsSkip(op) ? Value() : op.getSkip();
  FilterSource source{op.getKind(), op.getFilter(),  op.getReverse(),
                      skip, op.getTaps() == seq::TapOrder::Last, op.getLength(), plan,
                      /*kept=*/plan.precise};
  Type element = plan.precise ? Type(b.getF32Type()) : b.getF16Type();
  auto spectrum = RankedTensorType::get({op.getChannels(), plan.length(), 2}, element);
  if (plan.inBlocks() && plan.precise)
    spectrum = RankedTensorType::get({op.getChannels(), plan.reach, plan.length(), 2}, element);
  else if (plan.inBlocks())
    spectrum = keptType(op, plan);
  return launchPrepare(b, op, source, spectrum, symbols);
}

LogicalResult longwing::lowerPrepareFilter(seq::PrepareFilterOp op, SymbolTable &symbols) {
  OpBuilder b(op);
  std::string why;
  std::optional<FourierPlan> plan = FourierPlan::of(op, &why);
  if (!plan)
    return op.emitOpError() << "cannot run on sm_90a: " << why;
  FilterSource source{op.getKind(), op.getFilter(), op.getReverse(),
                      Value(), op.getTaps() == seq::TapOrder::Last, plan->length(), *plan,
                      /*kept=*/true};
  Value spectrum =
      launchPrepare(b, op, source, cast<RankedTensorType>(op.getSpectrum().getType()), symbols);
  op.getSpectrum().replaceAllUsesWith(spectrum);
  op->erase();
  return success();
}
