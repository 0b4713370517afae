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
    if (config.algorithm == ConvAlgorithm::Blocks) {
      blocks = llvm::divideCeil(op.getLength(), length), reach = ConvProblem::of(op).reach();
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
  Value reshaped(Value z, ArrayRef<int64_t> shape);
  Value skipped(Value x);
  Value tapsFrom(Value first, int64_t step);
  Value tapsBetween(int64_t j);
  Value inBlocks(Value x);
  Value fromBlocks(Value y);
  Value sumOfBlocks(Value z);
  RankedTensorType complexType(ArrayRef<int64_t> inner);

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

/// What wraps around a circular convolution as a reverse filter of L taps: at lag -(j + 1) stands
/// the tap of lag L - 1 - j.
Value Decomposition::wrappedTaps() {
  int64_t taps = op.getFilterLength(), period = op.getLength();
  bool first = *op.getTaps() == seq::TapOrder::First;
  auto type = RankedTensorType::get({op.getChannels(), period}, single);
  auto filter = seq::ImplicitFilterOp::create(b, type, /*length=*/Value());
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&filter.getBody(), {}, {b.getIndexType(), b.getIndexType()},
                {b.getLoc(), b.getLoc()});
  Value channel = filter.getBody().getArgument(0), j = filter.getBody().getArgument(1);
  auto index = [&](int64_t value) { return arith::ConstantIndexOp::create(b, value); };
  // The stored tap: taps of both filters are stored in the same order.
  Value stored = arith::SubIOp::create(b, index((first ? period : taps) - 1), j);
  Value known = first ? arith::CmpIOp::create(b, arith::CmpIPredicate::slt, stored, index(taps))
                      : arith::CmpIOp::create(b, arith::CmpIPredicate::slt, j, index(taps));
  Value inside = arith::SelectOp::create(b, known, stored, index(0));
  Value tap = tensor::ExtractOp::create(b, op.getFilter(), ValueRange{channel, inside});
  if (tap.getType() != single)
    tap = arith::ExtFOp::create(b, single, tap);
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  seq::YieldOp::create(b, arith::SelectOp::create(b, known, tap, zero).getResult());
  return filter;
}

/// The filter in the order of the digits.
Value Decomposition::spectrum() {
  if (op.getSpectrum())
    return inSingle(op.getSpectrum());
  auto type = RankedTensorType::get({op.getChannels(), length, 2}, single);
  if (op.isCircular() && rightAngle)
    return seq::PrepareFilterOp::create(b, type, seq::ConvKind::TwoSidedDisjoint, op.getFilter(),
                                        wrappedTaps(), *op.getTaps(), radices);
  return seq::PrepareFilterOp::create(b, type, op.getKind(), op.getFilter(), op.getReverse(),
                                      *op.getTaps(), radices);
}

/// `[B, H]`, and these dimensions of complex numbers.
RankedTensorType Decomposition::complexType(ArrayRef<int64_t> inner) {
  SmallVector<int64_t> all = {shape[0], shape[1]};
  all.append(inner.begin(), inner.end());
  all.push_back(2);
  return RankedTensorType::get(all, single);
}

/// x as the real part of `[B, H, N, 2]`, with zeros behind it.
Value Decomposition::padded(Value x) {
  RankedTensorType type = complexType({length});
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  SmallVector<Value> open;
  if (auto batch = dyn_cast<Value>(sizes[0]))
    open.push_back(batch);
  Value zeros = tensor::SplatOp::create(b, zero, type, open);
  OpFoldResult none = b.getIndexAttr(0), one = b.getIndexAttr(1);
  return tensor::InsertSliceOp::create(b, x, zeros, Sizes{none, none, none, none},
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

/// `[B, H]` and these dimensions, from a split or a merged digit.
Value Decomposition::reshaped(Value z, ArrayRef<int64_t> shape) {
  RankedTensorType type = complexType(shape);
  SmallVector<ReassociationIndices> groups = {{0}, {1}, {2, 3}, {4}};
  if (shape.size() == 1)
    return tensor::CollapseShapeOp::create(b, type, z, groups);
  Sizes output = {sizes[0], sizes[1]};
  for (int64_t size : shape)
    output.push_back(b.getIndexAttr(size));
  output.push_back(b.getIndexAttr(2));
  return tensor::ExpandShapeOp::create(b, type, z, groups, output);
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
    z = reshaped(z, {length / period, period});
  z = seq::ComplexMulOp::create(b, z.getType(), z, table, inverse);
  return split ? reshaped(z, {length}) : z;
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

/// N taps [H, N] of the filter from one on, forwards or backwards; 0 where it has none.
Value Decomposition::tapsFrom(Value first, int64_t step) {
  auto index = [&](int64_t value) { return arith::ConstantIndexOp::create(b, value); };
  auto filter = seq::ImplicitFilterOp::create(b, RankedTensorType::get({op.getChannels(), length}, single), Value());
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&filter.getBody(), {}, {b.getIndexType(), b.getIndexType()}, {b.getLoc(), b.getLoc()});
  Value channel = filter.getBody().getArgument(0), i = filter.getBody().getArgument(1);
  Value tap = arith::AddIOp::create(b, first, arith::MulIOp::create(b, i, index(step)));
  Value count = tensor::DimOp::create(b, op.getFilter(), 1);
  if (*op.getTaps() == seq::TapOrder::Last)
    tap = arith::SubIOp::create(b, arith::SubIOp::create(b, count, index(1)), tap);
  // As an unsigned number, a negative one is too large.
  Value known = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, tap, count);
  Value inside = arith::SelectOp::create(b, known, tap, index(0));
  Value value = tensor::ExtractOp::create(b, op.getFilter(), ValueRange{channel, inside});
  if (value.getType() != single)
    value = arith::ExtFOp::create(b, single, value);
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  seq::YieldOp::create(b, arith::SelectOp::create(b, known, value, zero).getResult());
  return filter;
}

/// The spectrum of the taps of lags j N + d: those of d >= 0, and those of -1 - i.
Value Decomposition::tapsBetween(int64_t j) {
  int64_t way = op.getKind() == seq::ConvKind::Anticausal ? -1 : 1;
  auto index = [&](int64_t value) { return arith::ConstantIndexOp::create(b, value); };
  Value forwards = tapsFrom(index(j * length), way), backwards = tapsFrom(index(j * length - way), -way);
  return seq::PrepareFilterOp::create(b, RankedTensorType::get({op.getChannels(), length, 2}, single),
                                      seq::ConvKind::TwoSidedDisjoint, forwards, backwards, seq::TapOrder::First, radices);
}

/// [B, H, L] to [B, P H, N], with zeros behind the end.
Value Decomposition::inBlocks(Value x) {
  int64_t batch = shape[0], channels = op.getChannels();
  OpFoldResult none = b.getIndexAttr(0), one = b.getIndexAttr(1), all = b.getIndexAttr(channels);
  SmallVector<Value> open;
  if (auto value = dyn_cast<Value>(sizes[0]))
    open.push_back(value);
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  Value zeros = tensor::SplatOp::create(b, zero, RankedTensorType::get({batch, channels, blocks * length}, single), open);
  x = tensor::InsertSliceOp::create(b, x, zeros, Sizes{none, none, none}, Sizes{sizes[0], all, b.getIndexAttr(op.getLength())},
                                    Sizes(3, one));
  x = tensor::ExpandShapeOp::create(b, RankedTensorType::get({batch, channels, blocks, length}, single), x,
                                    SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}},
                                    Sizes{sizes[0], all, b.getIndexAttr(blocks), b.getIndexAttr(length)});
  Value empty = tensor::EmptyOp::create(b, RankedTensorType::get({batch, blocks, channels, length}, single), open);
  x = linalg::TransposeOp::create(b, x, empty, ArrayRef<int64_t>{0, 2, 1, 3})->getResult(0);
  return tensor::CollapseShapeOp::create(b, RankedTensorType::get(shape, single), x,
                                         SmallVector<ReassociationIndices>{{0}, {1, 2}, {3}});
}

Value Decomposition::fromBlocks(Value y) {
  int64_t batch = shape[0], channels = op.getChannels();
  OpFoldResult none = b.getIndexAttr(0), one = b.getIndexAttr(1), all = b.getIndexAttr(channels);
  SmallVector<Value> open;
  if (auto value = dyn_cast<Value>(sizes[0]))
    open.push_back(value);
  y = tensor::ExpandShapeOp::create(b, RankedTensorType::get({batch, blocks, channels, length}, single), y,
                                    SmallVector<ReassociationIndices>{{0}, {1, 2}, {3}},
                                    Sizes{sizes[0], b.getIndexAttr(blocks), all, b.getIndexAttr(length)});
  Value empty = tensor::EmptyOp::create(b, RankedTensorType::get({batch, channels, blocks, length}, single), open);
  y = linalg::TransposeOp::create(b, y, empty, ArrayRef<int64_t>{0, 2, 1, 3})->getResult(0);
  y = tensor::CollapseShapeOp::create(b, RankedTensorType::get({batch, channels, blocks * length}, single), y,
                                      SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
  return tensor::ExtractSliceOp::create(b, op.getU().getType().clone(single), y, Sizes{none, none, none},
                                        Sizes{sizes[0], all, b.getIndexAttr(op.getLength())}, Sizes(3, one));
}

/// For each block the sum over those that it depends on, times the spectra of the taps between them.
Value Decomposition::sumOfBlocks(Value z) {
  int64_t channels = op.getChannels();
  bool causal = op.getKind() == seq::ConvKind::Causal;
  auto type = RankedTensorType::get({shape[0], blocks, channels, length, 2}, single);
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}, {3}, {4}};
  Sizes whole = {sizes[0], b.getIndexAttr(blocks), b.getIndexAttr(channels), b.getIndexAttr(length), b.getIndexAttr(2)};
  z = tensor::ExpandShapeOp::create(b, type, z, groups, whole);
  OpFoldResult none = b.getIndexAttr(0), one = b.getIndexAttr(1);
  SmallVector<Value> open;
  if (auto value = dyn_cast<Value>(sizes[0]))
    open.push_back(value);
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0)), sum;
  for (int64_t j = 0; j < reach; ++j) {
    Value moved = z;
    if (j) {
      Sizes part = whole, from(5, none), to(5, none);
      part[1] = b.getIndexAttr(blocks - j);
      (causal ? to : from)[1] = b.getIndexAttr(j);
      SmallVector<int64_t> partShape(type.getShape());
      partShape[1] = blocks - j;
      Value slice = tensor::ExtractSliceOp::create(b, RankedTensorType::get(partShape, single), z, from, part, Sizes(5, one));
      moved = tensor::InsertSliceOp::create(b, slice, tensor::SplatOp::create(b, zero, type, open), to, part, Sizes(5, one));
    }
    Value product = seq::ComplexMulOp::create(b, type, moved, tapsBetween(j), /*conjugate=*/false);
    sum = sum ? Value(arith::AddFOp::create(b, sum, product)) : product;
  }
  return tensor::CollapseShapeOp::create(b, complexType({length}), sum, groups);
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
