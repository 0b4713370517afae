//===- Flops.cpp - Counts the arithmetic of a model -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only what the definition asks for is counted, products and sums of the two matrix products of
// attention: an implementation that does more, such as whole tiles on the diagonal, gets no credit.
//
//===----------------------------------------------------------------------===//

#include "tools/longwing-run/Model.h"

#include "dialects/seq/Seq.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

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

/// The size of a dimension, followed from the arguments through attentions.
static std::optional<int64_t> sizeOf(Value value, unsigned dimension,
                                     const std::vector<Array> &arguments) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.isDynamicDim(dimension))
    return type.getDimSize(dimension);
  if (auto argument = dyn_cast<BlockArgument>(value))
    return arguments[argument.getArgNumber()].sizes[dimension];
  // Batch, heads and length of the results are those of q.
  if (auto attention = value.getDefiningOp<seq::AttentionOp>(); attention && dimension < 3)
    return sizeOf(attention.getQ(), dimension, arguments);
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

std::optional<double> Model::countFlops(StringRef function, const std::vector<Array> &arguments) {
  auto op = module->lookupSymbol<func::FuncOp>(function);
  if (!op)
    return std::nullopt;
  std::optional<double> total = 0;
  op.walk([&](seq::AttentionOp attention) {
    std::optional<double> flops = flopsOf(attention, arguments);
    total = total && flops ? std::optional<double>(*total + *flops) : std::nullopt;
  });
  return total;
}
