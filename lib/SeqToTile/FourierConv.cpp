//===- FourierConv.cpp - Long convolutions by Fourier transform -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One work tile is 4096 outputs: a sequence of 16 x 16 x 16, or several shorter ones of one channel.
// FourierTables.h has the stages of the transform; the way back mirrors them. Between the first
// stage and the second, and between the last but one and the last, the warps exchange their tiles;
// all else stays in registers.
//
// The first stage of a right-angle transform reads real numbers and the last one writes them: the real
// part of the result is the convolution without its wrapped end. A circular convolution has no such
// end, so a work tile is a pair of them, one as the real and one as the imaginary part.
//
// A sequence of 8192 samples is two parts, which the first stage adds up: a warp then has two matrices
// in each phase, of even and of odd frequencies.
//
// A long causal sequence is blocks of 4096 samples, work tiles that a CTA does in order. It keeps their
// transforms in SRAM, as many as the filter reaches back, and adds up their products with the spectra of the taps between
// two blocks: each thread those numbers of its matrix.
//
// Precise ones sum in f32, multiply so by twiddles and the spectrum, which is of f32, and hold what a product takes in two parts
// of f16: it is done for each. Then only tables and the result are rounded, and the matrices of the inner stages are as good as exact.
//
// Scales: no stage on the way there grows beyond the largest of the inputs, so that none of f16
// overflows; the transform is divided by N in all. What is on the way back is at most the mean of the
// magnitudes of the result. A result of bf16 may lie beyond the range of f16, so there the spectrum
// is shrunk, by a factor that costs few small numbers, and the last stage, which sums in f32, makes
// up for it.
//
//===----------------------------------------------------------------------===//

#include "Fourier.h"
#include "Launch.h"
#include "SeqToTile.h"

#include "longwing/Seq/Config.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

/// What the matrices of the inner stages are scaled by, and what the last stage makes up for.
constexpr double kSixteen = 0.25 * kRootScale, kMakeUp = 1 / (kRootScale * kRootScale * kRootScale * kRootScale);

class FourierConvKernel {
public:
  FourierConvKernel(seq::LongConvOp op, const FourierPlan &plan, RankedTensorType spectrum)
      : op(op), plan(plan), spectrum(spectrum), builder(op.getContext()), t(builder, op.getLoc()) {
    element = op.getU().getType().getElementType();
    // A box of the tensor map has whole runs of 256 samples.
    boxes = op.getLength() % 256 == 0 && (plan.inBlocks() || op.getLength() <= plan.length());
  }

  KernelOp create(StringRef name);
  /// Whether SRAM holds what the phases of a sequence in parts exchange, and comes and goes.
  static bool takesParts(seq::LongConvOp op, const FourierPlan &plan) {
    return plan.parts() == 2 && op.getLength() % 256 == 0 && !plan.inBlocks();
  }
  /// Sequences of a channel that a work tile takes.
  int64_t sequences() { return numbers() * plan.sequences(); }

private:
  /// Whether the skip is a term of its own, and not a tap.
  bool addsSkip() { return FourierPlan::addsSkip(op) && !joinsSkip(); }
  /// Whether it is added to a spectrum of blocks: a tap of lag 0 stands in all frequencies.
  bool joinsSkip() { return op.getSkip() && op.getSpectrum() && plan.inBlocks() && !(op.getPre() && op.getSkipUngated()); }
  bool skipsGated() { return op.getPre() && !op.getSkipUngated(); }
  /// Tiles that a work tile reads for each of its parts, and for all.
  int64_t readsOfPart() {
    int64_t tensors = 1 + (op.getPre() ? 1 : 0) + (op.getPost() ? 1 : 0);
    return tensors + (addsSkip() ? 1 + skipsGated() : 0);
  }
  int64_t reads() { return numbers() * plan.parts() * readsOfPart(); }
  /// Between two blocks the result may run from one end of its range to the other.
  double shrink() { return resultRoom(element) * (plan.inBlocks() ? 2 : 1); }
  /// Real numbers of a sample: both of a complex one, if registers do for them.
  int64_t numbers() { return plan.precise || plan.rightAngle || plan.parts() > 1 || readsOfPart() > 3 ? 1 : 2; }
  int64_t blocks() { return llvm::divideCeil(op.getLength(), plan.length()); }
  BlockSum blockSum() { return {blocks(), plan.reach}; }
  /// Whether a block's sum is a loop, or reads spectra as users have them, which phases side by side have no registers for.
  bool loops() { return plan.precise || blockSum().loops() || (plan.inBlocks() && op.getSpectrum()); }
  bool isAnticausal() { return op.getKind() == seq::ConvKind::Anticausal; }
  /// Whether there are registers for neither all tables nor phases side by side.
  bool crowded() {
    bool gatesMany = op.getPre() && numbers() > 1 && !element.isF16() && plan.rows() == 16;
    return addsSkip() || (plan.parts() > 1 && readsOfPart() > 1) || (gatesMany && !op.getPost());
  }
  Type tensorType();
  void workTile(Value group, Value channel);
  void preciseTile();
  std::pair<Value, Value> preciseInput();
  ComplexTile preciseSum(const ComplexTile &x);
  /// Tiles of samples are [number][part].
  Value load(Value source, int64_t tile, bool transpose);
  Value batchOf(int64_t tile) {
    return t.add(firstBatch, tile / plan.parts() * plan.sequences());
  }
  Value firstRow(int64_t tile) {
    return plan.inBlocks() ? t.mul(block, 16) : t.index(16 * (tile % plan.parts()));
  }
  /// Where a tile of strips begins, and where its rows lie.
  SmallVector<Value> stripsAt(int64_t tile) { return {batchOf(tile), channel, t.mul(firstRow(tile), 256)}; }
  SmallVector<int64_t> stripDigits() { return {plan.rows(), 2, 256, plan.sequences(), 0, 1, 4, 2, 64}; }
  Value input(int64_t tile);
  void output(Value y, int64_t tile);
  ComplexTile loadSpectrum(int64_t k0, Value between = {});
  ComplexTile spectrumBetween(Value blocks);
  ComplexTile rowsOfSpectrum(ArrayRef<Value> at, bool inside = true);
  ComplexTile firstSpectrum();
  ComplexTile numbersOf(const ComplexTile &read, bool rows);
  ComplexTile sumOfBlocks(const ComplexTile &x, const ComplexTile &kernel);
  ComplexTile timesSpectra(const ComplexTile &x, const ComplexTile &kernel);
  ComplexTile withSkip(ComplexTile kernel);
  ComplexTile readAgain(const ComplexTile &table);
  ComplexTable readAgain(const ComplexTable &table);
  ComplexTable firstTable(double scale, bool transpose, int64_t k0, int64_t part);

  seq::LongConvOp op;
  FourierPlan plan;
  RankedTensorType spectrum;
  OpBuilder builder;
  FourierBuilder t;
  Type element;
  bool boxes;

  Value u, s, pre, post, skip, y; // arguments
  Value whole, spectrumWhole;  // whether strips move in one piece, and spectra of blocks lie so
  Value firstBatch, channel;   // of the work tile
  Value order, block;          // of a work tile that is a block: which one it is, and from the left
  Value past;                  // the transforms of those before
  bool inRows = false;         // the sum is written for spectra in one piece
};

} // namespace

/// The box of a work tile is [1, 4, sequences, rows, 64]: b / 4, and 64 samples of b mod 4 and c.
Type FourierConvKernel::tensorType() {
  if (!boxes)
    return ViewType::get(op.getContext(), anyBatches(op), element);
  return DescType::get(op.getContext(), {1, 4, plan.sequences(), plan.rows(), 64}, element);
}

KernelOp FourierConvKernel::create(StringRef name) {
  SmallVector<Type> inputs = {tensorType()};
  inputs.push_back(
      ViewType::get(op.getContext(), spectrum.getShape(), spectrum.getElementType()));
  for (Value gate : {op.getPre(), op.getPost()})
    if (gate)
      inputs.push_back(tensorType());
  if (addsSkip() || joinsSkip())
    inputs.push_back(ViewType::get(op.getContext(), {op.getChannels()}, builder.getF32Type()));
  inputs.push_back(tensorType());
  auto schedule = ScheduleAttr::get(op.getContext(), 4, 0, 128, /*persistent=*/true,
                                    /*overlap=*/!crowded() && !loops(), /*spread=*/false);
  auto kernel = KernelOp::create(builder, op.getLoc(), name, inputs, schedule);
  if (plan.precise)
    kernel->setAttr(kConfigAttr, op->getAttr(kConfigAttr));
  int64_t lag = reads() > 1 || plan.parts() > 1 || plan.inBlocks() || plan.precise ? 1 : 2;
  kernel->setAttr(kStaggerAttr, builder.getI64IntegerAttr(lag));
  // Registers are short; where more is read than one tensor, tables are left where they are: some, or all
  // where the samples are read again for a skip. A users' spectrum beside a gate of the input, of blocks from the end,
  // or of three, whose loop is unrolled whole, leaves fewer; so does a gate of the result beside an even number of spectra.
  if (plan.parts() > 1 || plan.precise || (loops() && reads() > 1))
    kernel->setAttr(kInPlaceAttr, builder.getUnitAttr());
  if (plan.inBlocks())
    kernel->setAttr(kOrderedAttr, builder.getUnitAttr());
  if ((plan.inBlocks() && op.getSpectrum()) || plan.precise)
    kernel->setAttr(kScarceAttr, builder.getUnitAttr());
  bool fewer = plan.inBlocks() && op.getSpectrum() && !op.getPost() && (op.getPre() || isAnticausal() || plan.reach == 3);
  bool even = plan.inBlocks() && op.getPost() && loops() && blockSum().slides() && plan.reach % 2 == 0;
  bool holds = plan.precise && boxes && !plan.inBlocks() && reads() == 1; // all but those of the inner stages
  if (!holds && (plan.precise || !boxes || addsSkip() || fewer || even || (plan.parts() == 1 && reads() > 3)))
    kernel->setAttr(kRereadAttr, builder.getStringAttr("all"));
  else if (!holds && (reads() > 1 || !element.isF16() || plan.inBlocks()))
    kernel->setAttr(kRereadAttr, builder.getStringAttr("right"));
  kernel.setOutput(inputs.size() - 1);
  int64_t runs = op.getLength() / 256;
  auto unfold =
      builder.getDenseI64ArrayAttr({1, 1, 0, 2, 64, 4, 0, 1, 0, 2, 256, runs, 2, 1, 64});
  for (auto [i, type] : llvm::enumerate(inputs))
    if (isa<DescType>(type))
      kernel.setArgAttr(i, kUnfoldAttr, unfold);

  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  unsigned next = 0;
  u = body.getArgument(next++), s = body.getArgument(next++);
  if (op.getPre())
    pre = body.getArgument(next++);
  if (op.getPost())
    post = body.getArgument(next++);
  if (addsSkip() || joinsSkip())
    skip = body.getArgument(next++);
  y = body.getArgument(next++);
  SmallVector<Value> moved;
  for (Value tensor : {u, pre, post, y})
    if (tensor)
      moved.push_back(tensor);
  // Otherwise the end of a sequence may lie within a piece.
  if (!boxes && op.getLength() % 8 == 0)
    whole = t.make<WholeOp>(builder.getI1Type(), moved);
  else if (!boxes)
    whole = t.make<arith::ConstantOp>(builder.getBoolAttr(false));
  if (plan.inBlocks() && op.getSpectrum() && !plan.precise)
    spectrumWhole = t.make<WholeOp>(builder.getI1Type(), ValueRange{s});
  Value batches = t.dim(u, boxes ? 2 : 0);
  Value groups = t.ceilDiv(batches, sequences());
  SmallVector<Value> sizes = {groups, t.dim(u, boxes ? 0 : 1)};
  if (plan.inBlocks()) {
    sizes.insert(sizes.begin(), t.index(blocks()));
    past = t.memoryOf(plan.precise ? 2 * (plan.reach - 1) : blockSum().memories());
  }
  ValueRange work = t.eachWorkTile(sizes);
  if (plan.inBlocks()) {
    order = block = work.front();
    if (isAnticausal())
      block = t.sub(t.index(blocks() - 1), order);
  }
  workTile(work.drop_back().back(), work.back());
  return kernel;
}

/// The work tile's part of a tensor, in its element type: [b][(s, a)][c], or [b][c][(s, a)].
Value FourierConvKernel::load(Value source, int64_t tile, bool transpose) {
  auto type = tileType<SharedAttr>({64, 64}, element);
  // Slots are short where there are many tensors.
  int64_t stages = plan.precise || reads() > 4 || plan.parts() > 1 || plan.inBlocks() ? kFourierStages / 2 : kFourierStages;
  Value zero = t.index(0), box;
  if (boxes)
    box = t.load(source, {channel, zero, batchOf(tile), firstRow(tile), zero}, type, stages);
  else
    box = t.make<LoadStripsOp>(type, source, stripsAt(tile), stripDigits(), stages, whole);
  // What the last phase reads is a copy of its own, not to be merged with that of the first.
  if (!transpose)
    box.getDefiningOp()->setDiscardableAttr("tile.last", builder.getUnitAttr());
  return t.make<SplitOp>(t.frag(element), box, transpose);
}

/// pre u, [b][c][(s, a)].
Value FourierConvKernel::input(int64_t tile) {
  Value x = t.cast(load(u, tile, /*transpose=*/true), t.half());
  if (pre)
    x = t.make<arith::MulFOp>(withRoom(t, x), t.cast(load(pre, tile, /*transpose=*/true), t.half()));
  return x;
}

/// post (y + skip x), [b][(s, a)][c].
void FourierConvKernel::output(Value result, int64_t tile) {
  auto sum = cast<RankedTensorType>(result.getType());
  auto again = [&](Value source) { return t.cast(load(source, tile, /*transpose=*/false), sum); };
  if (addsSkip()) {
    Value x = again(u);
    if (skipsGated())
      x = t.make<arith::MulFOp>(x, again(pre));
    result = t.fma(x, t.make<PullOp>(sum, skip, ValueRange{channel}), result);
  }
  if (post)
    result = t.make<arith::MulFOp>(result, again(post));
  Value rounded = t.cast(result, t.frag(element));
  Value joined = t.make<JoinOp>(tileType<SharedAttr>({64, 64}, element), rounded);
  if (!boxes) {
    StoreStripsOp::create(builder, t.loc, joined, y, stripsAt(tile), stripDigits(), whole);
    return;
  }
  Value zero = t.index(0);
  StoreOp::create(builder, t.loc, joined, y,
                  ValueRange{channel, zero, batchOf(tile), firstRow(tile), zero}, Value());
}

/// [k1][k2][k3] of the channel, and of the taps between two blocks, the same for all sequences of the tile.
ComplexTile FourierConvKernel::loadSpectrum(int64_t k0, Value between) {
  Value k = t.addAll(t.mulAll(t.remAll(t.position(0), plan.rows()), plan.parts()), k0);
  Value f = t.make<arith::AddIOp>(t.mulAll(k, 256), t.mulAll(t.position(1), 16));
  f = t.make<arith::AddIOp>(f, between && !plan.precise ? t.quadPosition() : t.position(2));
  auto type = t.frag(spectrum.getElementType());
  auto part = [&](int64_t i) {
    SmallVector<Value> at = {channel, f, t.index(i)};
    if (between)
      at.insert(at.begin() + 1, between);
    Value read = t.make<PullOp>(type, s, at);
    // Registers are short beside what else is of f32.
    if (plan.precise && (between || !boxes))
      read.getDefiningOp()->setAttr(kRereadAttr, builder.getUnitAttr());
    if (shrink() != 1 && !between) // of blocks their transforms are
      read = t.make<arith::MulFOp>(read, t.constantLike(read, 1 / shrink()));
    return t.cast(read, plan.precise ? t.single() : t.half());
  };
  return {part(0), part(1)};
}

/// That of the taps from a block to one that many later: as threads have kept it, or as users have, at once where it
/// lies in one piece.
ComplexTile FourierConvKernel::spectrumBetween(Value blocks) {
  if (!op.getSpectrum())
    return t.recall(s, {channel, blocks});
  return inRows ? rowsOfSpectrum({channel, blocks, t.index(0)}) : loadSpectrum(0, blocks);
}

ComplexTile FourierConvKernel::rowsOfSpectrum(ArrayRef<Value> at, bool inside) {
  auto rows = PullRowsOp::create(builder, t.loc, TypeRange{t.half(), t.half()}, s, at, /*step=*/256, /*stride=*/16, inside,
                                 /*quads=*/true, /*zipped=*/true);
  return {rows.getResult(0), rows.getResult(1)};
}

/// The numbers of a spectrum, which is carried as it was read: else whoever reads it ahead would wait for it at once.
ComplexTile FourierConvKernel::numbersOf(const ComplexTile &read, bool rows) {
  if (!rows)
    return read;
  auto zip = ZipOp::create(builder, t.loc, read.re, read.im);
  return {zip.getFirst(), zip.getSecond()};
}

/// That of the taps within a block, on its way before it is needed; of users' spectra only where rows of it may be read.
ComplexTile FourierConvKernel::firstSpectrum() {
  if (!op.getSpectrum())
    return t.recall(s, {channel, t.index(0)});
  Value from = t.select(spectrumWhole, t.index(0), t.index(plan.length()));
  return rowsOfSpectrum({channel, t.index(0), from}, /*inside=*/false);
}

/// The sum of a block's products.
ComplexTile FourierConvKernel::sumOfBlocks(const ComplexTile &x, const ComplexTile &kernel) {
  return t.sumOfBlocks(blockSum(), x, {kernel, {}}, order, past, [&](Value j) { return spectrumBetween(j); },
                       [&](const ComplexTile &read) { return numbersOf(read, inRows); }, op.getSpectrum() && !inRows);
}

/// Once for a spectrum of users that lies in one piece, and once for others.
ComplexTile FourierConvKernel::timesSpectra(const ComplexTile &x, const ComplexTile &kernel) {
  if (!op.getSpectrum())
    return sumOfBlocks(x, kernel);
  auto sum = [&](bool rows) {
    return [&, rows](OpBuilder &b, Location) {
      inRows = rows;
      ComplexTile sum = sumOfBlocks(x, withSkip(rows ? numbersOf(kernel, rows) : spectrumBetween(t.index(0))));
      scf::YieldOp::create(b, t.loc, ValueRange{sum.re, sum.im});
    };
  };
  auto branch = scf::IfOp::create(builder, t.loc, spectrumWhole, sum(true), sum(false));
  return {branch.getResult(0), branch.getResult(1)};
}

ComplexTile FourierConvKernel::withSkip(ComplexTile kernel) {
  if (joinsSkip())
    kernel.re = t.make<arith::AddFOp>(kernel.re, t.cast(t.make<PullOp>(t.single(), skip, ValueRange{channel}),
                                                            cast<RankedTensorType>(kernel.re.getType())));
  return kernel;
}

ComplexTile FourierConvKernel::readAgain(const ComplexTile &table) {
  for (Value part : {table.re, table.im})
    part.getDefiningOp()->setAttr(kRereadAttr, builder.getUnitAttr());
  return table;
}

ComplexTable FourierConvKernel::readAgain(const ComplexTable &table) {
  for (Value matrix : {table.re, table.im, table.minus})
    matrix.getDefiningOp()->setAttr(kRereadAttr, builder.getUnitAttr());
  return table;
}

/// The matrix of a first stage, or transposed. Those of parts are many, and read where they are used.
ComplexTable FourierConvKernel::firstTable(double scale, bool transpose, int64_t k0, int64_t part) {
  ComplexTable table = t.complexTable(firstStage(plan, scale, transpose, k0, part));
  return plan.parts() > 1 ? readAgain(table) : table;
}

void FourierConvKernel::workTile(Value group, Value channelAt) {
  firstBatch = t.mul(group, sequences());
  channel = channelAt;
  if (plan.precise)
    return preciseTile();
  int64_t parts = plan.parts();
  ComplexTable f = t.complexTable(sixteen(kSixteen));
  // Rows of users' spectra are read at once in another order of k3.
  std::pair<ComplexTable, ComplexTable> inner = {f, f};
  if (plan.inBlocks() && op.getSpectrum())
    inner = {t.complexTable(inQuads(sixteen(kSixteen), /*rows=*/true, /*columns=*/false)),
            readAgain(t.complexTable(inQuads(sixteen(kSixteen), /*rows=*/false, /*columns=*/true)))};

  SmallVector<Value> x;
  for (int64_t tile = 0; tile < numbers() * parts; ++tile)
    x.push_back(input(tile));
  SmallVector<ComplexTile> z;
  for (int64_t k0 = 0; k0 < parts; ++k0) {
    // Warp b: [b][k1][c].
    ComplexTile sum;
    for (int64_t j = 0; j < parts; ++j) {
      ComplexTable first = firstTable(0.25 * gateRoom(op) / double(plan.radix), /*transpose=*/false, k0, j);
      if (numbers() > 1)
        sum = t.fromLeft(first, {x[j], x[parts + j]}, sum);
      else
        sum = {t.warpDot(first.re, x[j], sum.re), t.warpDot(first.im, x[j], sum.im)};
    }
    if (parts > 1)
      sum = t.times(sum, readAgain(t.complexTile(partTwiddle(plan, /*transpose=*/false, k0))));

    // Warp k1: [k1][c][b], then [k2][c], [k2][k3], and back through [c][k2] to [b][c].
    ComplexTile y = t.exchange(sum);
    ComplexTile back = t.complexTile(twiddle(plan, 4, /*back=*/true, k0));
    if (parts > 1 && crowded())
      readAgain(back);
    // Spectra of blocks are not shrunk where they are read.
    double there = plan.inBlocks() ? 0.25 / shrink() : 0.25;
    ComplexTile forth = t.complexTile(twiddle(plan, there, /*back=*/false, k0));
    ComplexTile kernel;
    if (plan.inBlocks())
      kernel = firstSpectrum();
    auto timesSpectrum = [&](const ComplexTile &x) {
      return plan.inBlocks() ? timesSpectra(x, kernel) : t.times(x, loadSpectrum(k0));
    };
    y = t.convolve(y, f, inner, forth, timesSpectrum, back);

    // Warp b: [b][c][k1].
    y = t.exchange(y);
    if (parts > 1)
      y = t.timesConj(y, readAgain(t.complexTile(partTwiddle(plan, /*transpose=*/true, k0))));
    z.push_back(y);
  }

  // [b][(s, a)][c].
  RankedTensorType type = post || addsSkip() || !element.isF16() ? t.single() : t.half();
  for (int64_t number = 0; number < numbers(); ++number)
    for (int64_t j = 0; j < parts; ++j) {
      Value sum;
      for (int64_t k0 = 0; k0 < parts; ++k0) {
        ComplexTable last = firstTable(4 * shrink() * kMakeUp, /*transpose=*/true, k0, j).conj();
        auto [re, im] = z[k0];
        sum = number ? t.warpDot(last.im, re, t.warpDot(last.re, im, sum, type), type)
                     : t.warpDot(last.minus, im, t.warpDot(last.re, re, sum, type), type);
      }
      output(sum, number * parts + j);
    }
}

//===----------------------------------------------------------------------===//
// Precise ones
//===----------------------------------------------------------------------===//

/// pre u, [b][c][(s, a)], and what rounding it to f16 leaves; nothing of samples that are not gated.
std::pair<Value, Value> FourierConvKernel::preciseInput() {
  Value samples = load(u, 0, /*transpose=*/true);
  if (!pre && element.isF16())
    return {samples, Value()};
  Value x = t.cast(samples, t.single());
  if (pre)
    x = t.make<arith::MulFOp>(withRoom(t, x), t.cast(load(pre, 0, /*transpose=*/true), t.single()));
  Value near = t.cast(x, t.half());
  return {near, t.cast(t.restOf(x, near), t.half())};
}

/// The products of a block and of those before it with the spectra of the taps between them and this one.
ComplexTile FourierConvKernel::preciseSum(const ComplexTile &x) {
  ComplexTile sum = t.times(x, withSkip(loadSpectrum(0, t.index(0))));
  Value places = t.index(plan.reach - 1);
  auto placeOf = [&](Value number) { return t.mul(t.make<arith::RemUIOp>(number, places), 2); };
  auto loop = scf::ForOp::create(
      builder, t.loc, t.index(1), t.add(t.min(order, places), 1), t.index(1), ValueRange{sum.re, sum.im},
      [&](OpBuilder &b, Location, Value j, ValueRange sums) {
        Value place = placeOf(t.sub(order, j));
        SplitTile far = {t.recall(past, place), t.recall(past, t.add(place, 1))};
        ComplexTile sum = t.plusTimes({sums[0], sums[1]}, t.joined(far), loadSpectrum(0, j));
        scf::YieldOp::create(b, t.loc, ValueRange{sum.re, sum.im});
      });
  loop->setAttr(kRolledAttr, builder.getUnitAttr());
  SplitTile kept = t.split(x);
  t.keep(kept.near, past, placeOf(order));
  t.keep(kept.rest, past, t.add(placeOf(order), 1));
  return {loop.getResult(0), loop.getResult(1)};
}

void FourierConvKernel::preciseTile() {
  ComplexTable f = readAgain(t.complexTable(sixteen(kSixteen)));
  ComplexTable first = firstTable(0.25 * gateRoom(op) / double(plan.radix), /*transpose=*/false, 0, 0);
  auto [x, rest] = preciseInput();
  auto sum = [&, x = x, rest = rest](Value matrix) {
    return t.warpDot(matrix, x, rest ? t.warpDot(matrix, rest, {}, t.single()) : Value(), t.single());
  };
  SplitTile split = t.exchangeSplit(t.split({sum(first.re), sum(first.im)}));

  double there = plan.inBlocks() ? 0.25 / shrink() : 0.25;
  auto twiddled = [&](const ComplexTile &z, double scale, bool back) {
    return t.split(t.times(z, t.widened(t.complexTile(twiddle(plan, scale, back)))));
  };
  ComplexTile z = t.splitRight(twiddled(t.splitLeft(f, split), there, /*back=*/false), f);
  z = plan.inBlocks() ? preciseSum(z) : t.times(z, loadSpectrum(0));
  z = t.splitLeft(f.conj(), twiddled(t.splitLeft(f.conj(), t.split(z)), 4, /*back=*/true));
  auto [near, left] = t.exchangeSplit(t.split(z));

  // [b][(s, a)][c].
  ComplexTable last = firstTable(4 * shrink() * kMakeUp, /*transpose=*/true, 0, 0).conj();
  Value result;
  for (const ComplexTile &part : {left, near})
    result = t.warpDot(last.minus, part.im, t.warpDot(last.re, part.re, result, t.single()), t.single());
  output(result, 0);
}

//===----------------------------------------------------------------------===//
// The host's side
//===----------------------------------------------------------------------===//

/// Long blocks of a result that depends on more read their spectra so often that it pays to lay them as threads take them.
static constexpr int64_t kMostInOrder = 2;

Value longwing::spectrumOfOneBlock(seq::LongConvOp op) {
  OpBuilder b(op);
  RankedTensorType type = op.getSpectrum().getType();
  SmallVector<OpFoldResult> from(4, b.getIndexAttr(0)), sizes = getAsIndexOpFoldResult(b.getContext(), type.getShape());
  sizes[1] = b.getIndexAttr(1);
  auto one = RankedTensorType::get({type.getDimSize(0), type.getDimSize(2), 2}, type.getElementType());
  return tensor::ExtractSliceOp::create(b, op.getLoc(), one, op.getSpectrum(), from, sizes,
                                        SmallVector<OpFoldResult>(4, b.getIndexAttr(1)));
}

LogicalResult longwing::lowerFourierConv(seq::LongConvOp op, SymbolTable &symbols) {
  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  std::string why;
  std::optional<FourierPlan> plan = FourierPlan::of(op, &why);
  if (!plan)
    return op.emitOpError() << "cannot run on sm_90a: " << why;
  Value spectrum = op.getSpectrum();
  if (!spectrum)
    spectrum = prepareSpectrum(op, *plan, symbols);
  else if (plan->reach == 1)
    spectrum = spectrumOfOneBlock(op), plan->reach = 0;
  else if (plan->parts() > 1 && plan->reach > kMostInOrder)
    spectrum = keepSpectrum(op, {keptType(op, *plan), plan->reach, /*quads=*/true}, symbols);
  if (plan->parts() > 1 && !FourierConvKernel::takesParts(op, *plan))
    return lowerInPlaceConv(op, *plan, spectrum, symbols);
  StringRef function = op->getParentOfType<FunctionOpInterface>().getName();
  FourierConvKernel writer(op, *plan, cast<RankedTensorType>(spectrum.getType()));
  KernelOp kernel = writer.create((function + "_long_conv").str());
  symbols.insert(kernel);

  FailureOr<SmallVector<Value>> results = emptyResults(b, op);
  if (failed(results))
    return failure();
  SmallVector<Value> operands = {op.getU(), spectrum};
  for (Value gate : {op.getPre(), op.getPost()})
    if (gate)
      operands.push_back(gate);
  bool addsSkip = FourierPlan::addsSkip(op);
  if (addsSkip) // or joins it
    operands.push_back(op.getSkip());
  operands.push_back(results->front());
  auto size = [&](int64_t i) { return host.make<tensor::DimOp>(op.getU(), i); };
  SmallVector<Value> work = {host.ceilDiv(size(0), writer.sequences()), size(1)};
  auto launch =
      LaunchOp::create(b, op.getLoc(), op->getResultTypes(), kernel.getSymName(), operands, work);
  // B of u, the gates and y, where the types leave it open. A kernel's own sizes are unfolded, the
  // sizes here are the tensors'.
  SmallVector<int64_t> batch;
  for (auto [i, operand] : llvm::enumerate(operands))
    if (i != 1 && !(addsSkip && operand == op.getSkip()))
      batch.append({int64_t(i), kernel.getArgAttr(i, kUnfoldAttr) ? 2 : 0});
  launch->setAttr(kSameSizesAttr, b.getArrayAttr({b.getDenseI64ArrayAttr(batch)}));
  op->replaceAllUsesWith(launch.getResults());
  op->erase();
  return success();
}
