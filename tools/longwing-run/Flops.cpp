//===- Flops.cpp - Counts the arithmetic of a model -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only the products and sums that the definition asks for are counted, of attention those of its
// two matrix products: an implementation that does more, such as whole tiles on the diagonal, gets
// no credit. An exponential is none.
//
//===----------------------------------------------------------------------===//

#include "tools/longwing-run/Model.h"

#include "dialects/seq/Seq.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

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
static std::optional<int64_t> sizeOf(seq::RecurrentOpInterface op, Value result, unsigned dimension,
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

static std::optional<double> flopsOf(Operation *op, const std::vector<Array> &arguments) {
  return llvm::TypeSwitch<Operation *, std::optional<double>>(op)
      .Case([&](seq::AttentionOp attention) { return flopsOf(attention, arguments); })
      .Case([&](seq::ScanOp scan) { return flopsOf(scan, scan.getB(), arguments); })
      .Case([&](seq::SelectiveScanOp scan) { return flopsOf(scan, scan.getU(), arguments); })
      .Case(
          [&](seq::LinearAttentionOp linear) { return flopsOf(linear, linear.getV(), arguments); })
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
