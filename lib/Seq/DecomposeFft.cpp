//===- DecomposeFft.cpp - Transforms as butterfly products ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With n = a M + m and f = k + N_1 f', M = N / N_1:
//
//   exp(-2 pi i n (f - q) / N) = exp(-2 pi i a (k - q) / N_1)      the matrix F_1, row k
//                              * exp(-2 pi i m (k - q) / N)        the twiddle
//                              * exp(-2 pi i m f' / M)             the same again, of length M
//
// where q is 1/4 for a right-angle transform and 0 else: it is gone after the first stage.
//
// Of a one-sided convolution in P blocks of N samples, transforms are of [B, P H, N]. Block p of the result is the sum over j
// of block p - j of the input (p + j of an anticausal one) with the taps of lags j N + d, |d| < N.
//
//===----------------------------------------------------------------------===//

#include "longwing/Seq/Config.h"
#include "longwing/Seq/ConvConfig.h"
#include "longwing/Seq/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace longwing {
#define GEN_PASS_DEF_SEQDECOMPOSEFFT
#include "longwing/Seq/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;

namespace {

class Decomposition {
public:
  Decomposition(seq::LongConvOp op, const ConvConfig &config)
      : op(op), b(op.getLoc(), op), radices(config.radices), length(config.transformLength()),
        rightAngle(!op.isCircular() || length != op.getLength()), single(b.getF32Type()),
        shape(op.getU().getType().getShape()), sizes(tensor::getMixedSizes(b, op.getLoc(), op.getU())) {
    if ((reach = config.reach(op))) {
      blocks = llvm::divideCeil(op.getLength(), length);
      shape[1] *= blocks, shape[2] = length;
      sizes[1] = b.getIndexAttr(shape[1]), sizes[2] = b.getIndexAttr(length);
    }
  }

  Value convolution();

private:
  using Sizes = SmallVector<OpFoldResult>;

  Value inSingle(Value tensor);
  Value wrappedTaps();
  Value spectrum();
  Value padded(Value x);
  Value realPart(Value z);
  Value matrix(unsigned stage, bool inverse);
  Value twiddled(Value z, unsigned stage, bool inverse);
  Value stage(Value z, unsigned stage, bool inverse);
  Value skipped(Value x);
  Value tapsFrom(int64_t first, int64_t step, int64_t count);
  Value spectrumBetween(Value spectra, int64_t j);
  Value inBlocks(Value x);
  Value fromBlocks(Value y);
  Value sumOfBlocks(Value z);
  Value zeros(ArrayRef<int64_t> inner);
  std::pair<RankedTensorType, SmallVector<Value>> ofBatch(ArrayRef<int64_t> inner);
  Value merged(Value x, int64_t at, ArrayRef<int64_t> inner);
  Value parted(Value x, int64_t at, ArrayRef<int64_t> inner);
  Value swapped(Value x, ArrayRef<int64_t> inner);

  /// How many positions lie behind the digit of a stage.
  int64_t inner(unsigned stage) const {
    int64_t size = 1;
    for (int64_t radix : ArrayRef(radices).drop_front(stage + 1))
      size *= radix;
    return size;
  }

  seq::LongConvOp op;
  ImplicitLocOpBuilder b;
  SmallVector<int64_t> radices;
  int64_t length;
  bool rightAngle;
  Type single;
  SmallVector<int64_t> shape; ///< Of what is transformed: [B, H, L], or [B, P H, N].
  Sizes sizes;
  int64_t blocks = 1, reach = 0; ///< P, and how many of them one depends on.
};

} // namespace

Value Decomposition::inSingle(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.getElementType() == single)
    return tensor;
  return arith::ExtFOp::create(b, type.clone(single), tensor);
}

/// Taps [H, count] of the filter from one on, forwards or backwards; 0 where it has none.
Value Decomposition::tapsFrom(int64_t first, int64_t step, int64_t count) {
  auto index = [&](int64_t value) { return arith::ConstantIndexOp::create(b, value); };
  auto type = RankedTensorType::get({op.getChannels(), count}, single);
  auto filter = seq::ImplicitFilterOp::create(b, type, /*length=*/Value());
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&filter.getBody(), {}, {b.getIndexType(), b.getIndexType()},
                {b.getLoc(), b.getLoc()});
  Value channel = filter.getBody().getArgument(0), i = filter.getBody().getArgument(1);
  Value tap = arith::AddIOp::create(b, index(first), arith::MulIOp::create(b, i, index(step)));
  Value taps = tensor::DimOp::create(b, op.getFilter(), 1);
  if (*op.getTaps() == seq::TapOrder::Last)
    tap = arith::SubIOp::create(b, arith::SubIOp::create(b, taps, index(1)), tap);
  // As an unsigned number, a negative one is too large.
  Value known = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, tap, taps);
  Value inside = arith::SelectOp::create(b, known, tap, index(0));
  Value value = tensor::ExtractOp::create(b, op.getFilter(), ValueRange{channel, inside});
  if (value.getType() != single)
    value = arith::ExtFOp::create(b, single, value);
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  seq::YieldOp::create(b, arith::SelectOp::create(b, known, value, zero).getResult());
  return filter;
}

/// What wraps around a circular convolution as a reverse filter of L taps, stored in the same order as the filter: at
/// lag -(j + 1) stands the tap of lag L - 1 - j.
Value Decomposition::wrappedTaps() {
  int64_t period = op.getLength();
  return *op.getTaps() == seq::TapOrder::First ? tapsFrom(period - 1, -1, period) : tapsFrom(0, 1, period);
}

/// The filter in the order of the digits, of a sequence in blocks one for each of them.
Value Decomposition::spectrum() {
  if (op.getSpectrum())
    return inSingle(op.getSpectrum());
  SmallVector<int64_t> sizes = {op.getChannels(), length, 2};
  if (reach)
    sizes.insert(sizes.begin() + 1, reach);
  auto type = RankedTensorType::get(sizes, single);
  if (op.isCircular() && rightAngle)
    return seq::PrepareFilterOp::create(b, type, seq::ConvKind::TwoSidedDisjoint, op.getFilter(),
                                        wrappedTaps(), *op.getTaps(), radices);
  return seq::PrepareFilterOp::create(b, type, op.getKind(), op.getFilter(), op.getReverse(),
                                      *op.getTaps(), radices);
}

/// Zeros of the batch's size and these; ...
Value Decomposition::zeros(ArrayRef<int64_t> inner) {
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  auto [type, open] = ofBatch(inner);
  return tensor::SplatOp::create(b, zero, type, open);
}

/// ... their type, and the batch's size if it is open.
std::pair<RankedTensorType, SmallVector<Value>> Decomposition::ofBatch(ArrayRef<int64_t> inner) {
  SmallVector<int64_t> all = {shape[0]};
  llvm::append_range(all, inner);
  SmallVector<Value> open;
  if (auto batch = dyn_cast<Value>(sizes[0]))
    open.push_back(batch);
  return {RankedTensorType::get(all, single), open};
}

/// The two sizes of dimension `at` and the next one as one, and back, the other dimensions as they are.
static SmallVector<ReassociationIndices> pairing(int64_t rank, int64_t at) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t d = 0; d < rank; ++d)
    if (d == at)
      groups.push_back({d, ++d});
    else
      groups.push_back({d});
  return groups;
}
Value Decomposition::merged(Value x, int64_t at, ArrayRef<int64_t> inner) {
  return tensor::CollapseShapeOp::create(b, ofBatch(inner).first, x, pairing(inner.size() + 2, at));
}
Value Decomposition::parted(Value x, int64_t at, ArrayRef<int64_t> inner) {
  Sizes all = {sizes[0]};
  for (int64_t size : inner)
    all.push_back(b.getIndexAttr(size));
  return tensor::ExpandShapeOp::create(b, ofBatch(inner).first, x, pairing(inner.size() + 1, at), all);
}

/// x as the real part of `[B, H, N, 2]`, with zeros behind it.
Value Decomposition::padded(Value x) {
  OpFoldResult none = b.getIndexAttr(0), one = b.getIndexAttr(1);
  return tensor::InsertSliceOp::create(b, x, zeros({shape[1], length, 2}), Sizes{none, none, none, none},
                                       Sizes{sizes[0], sizes[1], sizes[2], one}, Sizes(4, one));
}

/// The first L real parts.
Value Decomposition::realPart(Value z) {
  OpFoldResult none = b.getIndexAttr(0), one = b.getIndexAttr(1);
  return tensor::ExtractSliceOp::create(b, RankedTensorType::get(shape, single), z,
                                        Sizes{none, none, none, none},
                                        Sizes{sizes[0], sizes[1], sizes[2], one}, Sizes(4, one));
}

/// F_i, or its conjugate, as the one matrix of all blocks.
Value Decomposition::matrix(unsigned stage, bool inverse) {
  int64_t radix = radices[stage];
  auto type = RankedTensorType::get({radix, radix, 2}, single);
  bool first = stage == 0;
  // Frequencies are the rows forth, and the columns back.
  IntegerAttr quarter;
  if (first && rightAngle)
    quarter = b.getI64IntegerAttr(inverse ? 1 : 0);
  FloatAttr scale;
  if (first && inverse)
    scale = b.getF64FloatAttr(1.0 / length);
  Value table = seq::RootsOp::create(b, type, b.getI64IntegerAttr(radix), scale, quarter,
                                     inverse ? b.getUnitAttr() : UnitAttr());
  return tensor::ExpandShapeOp::create(
      b, RankedTensorType::get({1, radix, radix, 2}, single), table,
      SmallVector<ReassociationIndices>{{0, 1}, {2}, {3}});
}

/// The product with the twiddle of a stage, which repeats for each position of the digits before.
Value Decomposition::twiddled(Value z, unsigned stage, bool inverse) {
  int64_t radix = radices[stage], behind = inner(stage), period = radix * behind;
  auto type = RankedTensorType::get({radix, behind, 2}, single);
  IntegerAttr quarter;
  if (stage == 0 && rightAngle)
    quarter = b.getI64IntegerAttr(0);
  Value table = seq::RootsOp::create(b, type, b.getI64IntegerAttr(period), FloatAttr(), quarter,
                                     UnitAttr());
  table = tensor::CollapseShapeOp::create(b, RankedTensorType::get({period, 2}, single), table,
                                          SmallVector<ReassociationIndices>{{0, 1}, {2}});
  bool split = period != length;
  if (split)
    z = parted(z, 2, {shape[1], length / period, period, 2});
  z = seq::ComplexMulOp::create(b, z.getType(), z, table, inverse);
  return split ? merged(z, 2, {shape[1], length, 2}) : z;
}

/// Forth the matrix, then the twiddle; back the other way round. The last digit has no twiddle.
Value Decomposition::stage(Value z, unsigned stage, bool inverse) {
  bool last = stage + 1 == radices.size();
  if (inverse && !last)
    z = twiddled(z, stage, inverse);
  z = seq::ButterflyOp::create(b, z.getType(), z, matrix(stage, inverse),
                               ArrayRef<int64_t>{inner(stage)}, /*complex=*/true);
  if (!inverse && !last)
    z = twiddled(z, stage, inverse);
  return z;
}

/// The spectrum of the taps from one block to the j-th from there.
Value Decomposition::spectrumBetween(Value spectra, int64_t j) {
  OpFoldResult none = b.getIndexAttr(0), one = b.getIndexAttr(1);
  Sizes part = {b.getIndexAttr(op.getChannels()), one, b.getIndexAttr(length), b.getIndexAttr(2)};
  return tensor::ExtractSliceOp::create(b, RankedTensorType::get({op.getChannels(), length, 2}, single), spectra,
                                        Sizes{none, b.getIndexAttr(j), none, none}, part, Sizes(4, one));
}

/// [B, X, Y, N] to [B, Y, X, N], these being the new sizes.
Value Decomposition::swapped(Value x, ArrayRef<int64_t> inner) {
  auto [type, open] = ofBatch(inner);
  Value empty = tensor::EmptyOp::create(b, type, open);
  return linalg::TransposeOp::create(b, x, empty, ArrayRef<int64_t>{0, 2, 1, 3})->getResult(0);
}

/// [B, H, L] to [B, P H, N], with zeros behind the end.
Value Decomposition::inBlocks(Value x) {
  int64_t channels = op.getChannels(), whole = blocks * length;
  OpFoldResult none = b.getIndexAttr(0), one = b.getIndexAttr(1);
  Sizes part = {sizes[0], b.getIndexAttr(channels), b.getIndexAttr(op.getLength())};
  x = tensor::InsertSliceOp::create(b, x, zeros({channels, whole}), Sizes(3, none), part, Sizes(3, one));
  x = swapped(parted(x, 2, {channels, blocks, length}), {blocks, channels, length});
  return merged(x, 1, {blocks * channels, length});
}

Value Decomposition::fromBlocks(Value y) {
  int64_t channels = op.getChannels(), whole = blocks * length;
  OpFoldResult none = b.getIndexAttr(0), one = b.getIndexAttr(1);
  y = swapped(parted(y, 1, {blocks, channels, length}), {channels, blocks, length});
  y = merged(y, 2, {channels, whole});
  Sizes part = {sizes[0], b.getIndexAttr(channels), b.getIndexAttr(op.getLength())};
  return tensor::ExtractSliceOp::create(b, op.getU().getType().clone(single), y, Sizes(3, none), part, Sizes(3, one));
}

/// For each block the sum over those that it depends on, times the spectra of the taps between them.
Value Decomposition::sumOfBlocks(Value z) {
  int64_t channels = op.getChannels();
  bool causal = op.getKind() != seq::ConvKind::Anticausal;
  SmallVector<int64_t> inner = {blocks, channels, length, 2};
  z = parted(z, 1, inner);
  OpFoldResult none = b.getIndexAttr(0), one = b.getIndexAttr(1);
  auto move = [&](Value target, int64_t first, int64_t count, int64_t place) {
    Sizes part = {sizes[0], b.getIndexAttr(count), b.getIndexAttr(channels), b.getIndexAttr(length), b.getIndexAttr(2)};
    Sizes from(5, none), to(5, none);
    from[1] = b.getIndexAttr(first), to[1] = b.getIndexAttr(place);
    RankedTensorType type = ofBatch({count, channels, length, 2}).first;
    Value slice = tensor::ExtractSliceOp::create(b, type, z, from, part, Sizes(5, one));
    return tensor::InsertSliceOp::create(b, slice, target, to, part, Sizes(5, one)).getResult();
  };
  Value spectra = spectrum(), sum;
  for (int64_t j = 0; j < reach; ++j) {
    Value moved = z;
    if (j)
      moved = move(zeros(inner), causal ? 0 : j, blocks - j, causal ? j : 0);
    Value product = seq::ComplexMulOp::create(b, z.getType(), moved, spectrumBetween(spectra, j), /*conjugate=*/false);
    sum = sum ? Value(arith::AddFOp::create(b, sum, product)) : product;
  }
  return merged(sum, 1, {blocks * channels, length, 2});
}

/// d * x: a filter of one tap.
Value Decomposition::skipped(Value x) {
  int64_t channels = op.getChannels();
  Value tap = tensor::ExpandShapeOp::create(b, RankedTensorType::get({channels, 1}, single),
                                            op.getSkip(),
                                            SmallVector<ReassociationIndices>{{0, 1}});
  auto conv = seq::LongConvOp::create(
      b, x.getType(), /*final=*/Type(), seq::ConvKind::Causal, x, tap, /*reverse=*/Value(),
      /*spectrum=*/Value(), /*pre=*/Value(), /*post=*/Value(), /*skip=*/Value(),
      /*initial=*/Value(),
      seq::TapOrderAttr::get(b.getContext(), seq::TapOrder::First), DenseI64ArrayAttr(),
      /*skip_ungated=*/false);
  ConvConfig().write(conv);
  return conv.getY();
}

Value Decomposition::convolution() {
  Value u = inSingle(op.getU()), x = u;
  if (op.getPre())
    x = arith::MulFOp::create(b, x, inSingle(op.getPre()));
  Value z = padded(reach ? inBlocks(x) : x);
  for (unsigned i = 0; i < radices.size(); ++i)
    z = stage(z, i, /*inverse=*/false);
  z = reach ? sumOfBlocks(z) : seq::ComplexMulOp::create(b, z.getType(), z, spectrum(), /*conjugate=*/false).getResult();
  for (unsigned i = radices.size(); i-- > 0;)
    z = stage(z, i, /*inverse=*/true);
  Value y = realPart(z);
  if (reach)
    y = fromBlocks(y);
  if (op.getSkip())
    y = arith::AddFOp::create(b, y, skipped(op.getSkipUngated() ? u : x));
  if (op.getPost())
    y = arith::MulFOp::create(b, y, inSingle(op.getPost()));
  RankedTensorType type = op.getU().getType();
  if (type.getElementType() != single)
    y = arith::TruncFOp::create(b, type, y);
  if (op.getY().getType() != type)
    y = tensor::CastOp::create(b, op.getY().getType(), y);
  return y;
}

namespace {
struct SeqDecomposeFft : longwing::impl::SeqDecomposeFftBase<SeqDecomposeFft> {
  void runOnOperation() override {
    SmallVector<seq::LongConvOp> convolutions;
    getOperation().walk([&](seq::LongConvOp op) { convolutions.push_back(op); });
    for (seq::LongConvOp op : convolutions) {
      ConvConfig config = op->hasAttr(kConfigAttr) ? ConvConfig::read(op) : chooseConv(op);
      // A part of a sequence overlaps with the next one; its length is open anyway.
      if (op.getInitial() || op.getFinal())
        continue;
      if (config.radices.empty() || ShapedType::isDynamic(op.getLength()) || op.getLength() == 0)
        continue;
      op.getY().replaceAllUsesWith(Decomposition(op, config).convolution());
      op.erase();
    }
  }
};
} // namespace
