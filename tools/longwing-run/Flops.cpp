//===- Flops.cpp - Counts the arithmetic of a model -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only the products and sums that the definition asks for are counted, of attention those of its
// two matrix products: an implementation that does more, such as whole tiles on the diagonal, gets
// no credit. An exponential is none. A transform of n numbers counts 5 n log2(n), as everywhere; a
// long convolution the lesser of its sum and of two real transforms of twice its length, so that
// neither algorithm looks better than the other one is.
//
//===----------------------------------------------------------------------===//

#include "tools/longwing-run/Model.h"

#include "dialects/seq/Seq.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace longwing;
using namespace longwing::run;

/// The keys that all queries together see of `causal` and `window`: the sum over i of the number of
/// j in [i + shift - left, i + shift + right] with 0 <= j < keys, shift = keys - queries.
static double countPairs(int64_t queries, int64_t keys, int64_t left, int64_t right) {
  if (left < 0 && right < 0)
    return double(queries) * double(keys);
  double pairs = 0;
  for (int64_t i = 0; i < queries; ++i) {
    int64_t diagonal = i + keys - queries;
    int64_t first = left < 0 ? 0 : std::max<int64_t>(0, diagonal - left);
    int64_t last = right < 0 ? keys - 1 : std::min(keys - 1, diagonal + right);
    pairs += std::max<int64_t>(0, last - first + 1);
  }
  return pairs;
}

static std::optional<int64_t> sizeOf(Value value, unsigned dimension,
                                     const std::vector<Array> &arguments);

/// The size of a dimension of a result, from the operand that has the same letter.
template <typename Op>
static std::optional<int64_t> sizeOf(Op op, Value result, unsigned dimension,
                                     const std::vector<Array> &arguments) {
  for (auto &[letter, uses] : seq::letterUses(op.getNamedShapes()))
    for (const seq::LetterUse &use : uses)
      if (use.value == result && use.dim == dimension)
        if (auto size = sizeOf(uses.front().value, uses.front().dim, arguments))
          return *size - uses.front().plus;
  return std::nullopt;
}

/// The size of a dimension, followed from the arguments through attentions.
static std::optional<int64_t> sizeOf(Value value, unsigned dimension,
                                     const std::vector<Array> &arguments) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.isDynamicDim(dimension))
    return type.getDimSize(dimension);
  if (auto argument = dyn_cast<BlockArgument>(value))
    return arguments[argument.getArgNumber()].sizes[dimension];
  // Batch, heads and length of the results are those of q; of a recurrence, those of its operands.
  if (auto attention = value.getDefiningOp<seq::AttentionOp>(); attention && dimension < 3)
    return sizeOf(attention.getQ(), dimension, arguments);
  if (auto recurrent = value.getDefiningOp<seq::RecurrentOpInterface>())
    return sizeOf(recurrent, value, dimension, arguments);
  Operation *op = value.getDefiningOp();
  // A slice whose size is asked of another value, and operations that keep the shape.
  if (auto slice = dyn_cast_or_null<tensor::ExtractSliceOp>(op)) {
    if (slice.getSourceType().getRank() != type.getRank())
      return std::nullopt;
    auto size = dyn_cast<Value>(slice.getMixedSizes()[dimension]);
    auto dim = size ? size.getDefiningOp<tensor::DimOp>() : tensor::DimOp();
    std::optional<int64_t> index = dim ? dim.getConstantIndex() : std::nullopt;
    return index ? sizeOf(dim.getSource(), *index, arguments) : std::nullopt;
  }
  if (op && (isa<seq::FftOp, seq::ComplexMulOp, seq::ButterflyOp>(op) ||
             OpTrait::hasElementwiseMappableTraits(op)))
    return sizeOf(op->getOperand(0), dimension, arguments);
  return std::nullopt;
}

static std::optional<double> flopsOf(seq::AttentionOp op, const std::vector<Array> &arguments) {
  std::optional<int64_t> batch = sizeOf(op.getQ(), 0, arguments);
  std::optional<int64_t> queries = sizeOf(op.getQ(), 2, arguments);
  std::optional<int64_t> keys = sizeOf(op.getK(), 2, arguments);
  if (!batch || !queries || !keys)
    return std::nullopt;
  double pairs = countPairs(*queries, *keys, op.getLeftWindow(), op.getRightWindow());
  return 2.0 * *batch * op.getQueryHeads() * pairs * (op.getHeadDim() + op.getValueDim());
}

/// The products and sums of one channel's, or one head's, step.
static double flopsOfStep(seq::ScanOp op) {
  if (op.getForm() ==
      seq::ScanForm::Wkv) // Numerator and denominator, of the mean and of the state.
    return op.getChannels() * 10.0;
  return op.getChannels() * (op.getComplex() ? 8.0 : 2.0);
}

static double flopsOfStep(seq::SelectiveScanOp op) {
  double state = op.getComplex() ? 16.0 : 6.0; // dt a, e h + x b, and the sum of c h.
  double channel = 1.0 + (op.getBias() ? 1 : 0) + (op.getSkip() ? 2 : 0) + (op.getGate() ? 1 : 0);
  return op.getChannels() * (op.getStateSize() * state + channel);
}

static double flopsOfStep(seq::LinearAttentionOp op) {
  double state = 4.0 + (op.getDecay() || op.getDt() ? 1 : 0); // k v, its sum with S, q S.
  double output = 1.0 + (op.getSkip() ? 2 : 0) + (op.getGate() ? 1 : 0);
  return op.getValueHeads() * op.getValueDim() * (op.getKeyDim() * state + output);
}

template <typename Op>
static std::optional<double> flopsOf(Op op, Value input, const std::vector<Array> &arguments) {
  std::optional<int64_t> batch = sizeOf(input, op.getBatchDim(), arguments);
  std::optional<int64_t> length = sizeOf(input, op.getTimeDim(), arguments);
  if (!batch || !length)
    return std::nullopt;
  return double(*batch) * double(*length) * flopsOfStep(op);
}

/// Rows of a tensor: the product of all dimensions before `dim`.
static std::optional<double> rowsOf(Value value, unsigned dim, const std::vector<Array> &arguments) {
  double rows = 1;
  for (unsigned i = 0; i < dim; ++i) {
    std::optional<int64_t> size = sizeOf(value, i, arguments);
    if (!size)
      return std::nullopt;
    rows *= *size;
  }
  return rows;
}

static double flopsOfTransform(double length) { return 5 * length * std::log2(std::max(length, 1.0)); }

/// Products and sums of the taps that meet a sample: of a filter of K taps over L samples.
static double tapsThatMeet(double length, double taps, bool circular) {
  if (circular)
    return length * std::min(length, taps);
  double k = std::min(length, taps);
  return k * length - k * (k - 1) / 2;
}

static std::optional<double> flopsOf(seq::LongConvOp op, const std::vector<Array> &arguments) {
  std::optional<double> rows = rowsOf(op.getU(), 2, arguments);
  std::optional<int64_t> length = sizeOf(op.getU(), 2, arguments);
  if (!rows || !length)
    return std::nullopt;
  // Both ways; a real transform is half of a complex one, which is 2 L long unless it is circular.
  double n = op.isCircular() ? *length : 2.0 * *length;
  double row = flopsOfTransform(n) + 3 * n;
  if (op.getFilter()) {
    double pairs = 0;
    for (Value filter : {Value(op.getFilter()), Value(op.getReverse())}) {
      if (!filter)
        continue;
      std::optional<int64_t> taps = sizeOf(filter, 1, arguments);
      if (!taps)
        return std::nullopt;
      pairs += tapsThatMeet(*length, *taps, op.isCircular());
    }
    row = std::min(row, 2 * pairs);
  }
  double around = (op.getPre() ? 1 : 0) + (op.getPost() ? 1 : 0) + (op.getSkip() ? 2 : 0);
  return *rows * (row + around * *length);
}

static std::optional<double> flopsOf(seq::ShortConvOp op, const std::vector<Array> &arguments) {
  std::optional<double> samples = rowsOf(op.getX(), 3, arguments);
  if (!samples)
    return std::nullopt;
  return *samples * (2.0 * op.getWidth() + (op.getBias() ? 1 : 0) + (op.getSilu() ? 2 : 0));
}

static std::optional<double> flopsOf(seq::PrepareFilterOp op) {
  RankedTensorType spectrum = op.getSpectrum().getType();
  return op.getFilter().getType().getDimSize(0) * seq::blocksOf(spectrum) *
         flopsOfTransform(seq::pointsOf(spectrum)) / 2;
}

static std::optional<double> flopsOf(seq::FftOp op, const std::vector<Array> &arguments) {
  unsigned dim = op.getX().getType().getRank() - 2;
  std::optional<double> rows = rowsOf(op.getX(), dim, arguments);
  std::optional<int64_t> length = sizeOf(op.getX(), dim, arguments);
  return rows && length ? std::optional<double>(*rows * flopsOfTransform(*length)) : std::nullopt;
}

static std::optional<double> flopsOf(seq::ButterflyOp op, const std::vector<Array> &arguments) {
  std::optional<double> rows = rowsOf(op.getX(), op.getDimension(), arguments);
  if (!rows)
    return std::nullopt;
  double size = op.getX().getType().getDimSize(op.getDimension()), products = 0;
  for (Value factor : op.getFactors()) {
    auto type = cast<RankedTensorType>(factor.getType());
    products += size * type.getDimSize(1);
    size = size / type.getDimSize(2) * type.getDimSize(1);
  }
  return *rows * products * (op.getComplex() ? 8.0 : 2.0);
}

static std::optional<double> flopsOf(seq::ComplexMulOp op, const std::vector<Array> &arguments) {
  std::optional<double> numbers = rowsOf(op.getA(), op.getA().getType().getRank() - 1, arguments);
  return numbers ? std::optional<double>(*numbers * 6) : std::nullopt;
}

static std::optional<double> flopsOf(Operation *op, const std::vector<Array> &arguments) {
  return llvm::TypeSwitch<Operation *, std::optional<double>>(op)
      .Case([&](seq::AttentionOp attention) { return flopsOf(attention, arguments); })
      .Case([&](seq::ScanOp scan) { return flopsOf(scan, scan.getB(), arguments); })
      .Case([&](seq::SelectiveScanOp scan) { return flopsOf(scan, scan.getU(), arguments); })
      .Case(
          [&](seq::LinearAttentionOp linear) { return flopsOf(linear, linear.getV(), arguments); })
      .Case([&](seq::LongConvOp conv) { return flopsOf(conv, arguments); })
      .Case([&](seq::ShortConvOp conv) { return flopsOf(conv, arguments); })
      .Case([&](seq::PrepareFilterOp prepare) { return flopsOf(prepare); })
      .Case([&](seq::FftOp fft) { return flopsOf(fft, arguments); })
      .Case([&](seq::ButterflyOp butterfly) { return flopsOf(butterfly, arguments); })
      .Case([&](seq::ComplexMulOp product) { return flopsOf(product, arguments); })
      .Default(std::optional<double>(0.0));
}

std::optional<double> Model::countFlops(StringRef function, const std::vector<Array> &arguments) {
  auto op = module->lookupSymbol<func::FuncOp>(function);
  if (!op)
    return std::nullopt;
  std::optional<double> total = 0;
  op.walk([&](Operation *inner) {
    std::optional<double> flops = flopsOf(inner, arguments);
    total = total && flops ? std::optional<double>(*total + *flops) : std::nullopt;
  });
  return total;
}
