//===- Attention.cpp - The loops that define attention --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Softmax is taken as it is defined, over all keys of a row at once: no running
// maximum, nothing rescaled. A block of rows shares the keys it reads. Loops are
// ordered so that the innermost one is contiguous in every operand it walks.
//
//===----------------------------------------------------------------------===//

#include "LoopBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using seq::AttentionOp;

/// Query rows that share one pass over the keys: enough to use a loaded key often, few enough that
/// the rows' queries and outputs stay in the first cache.
static constexpr int64_t kRowsPerBlock = 16;

namespace {

class AttentionLowering {
public:
  AttentionLowering(OpBuilder &builder, AttentionOp op, Value q, Value k, Value v,
                    const Arithmetic &arithmetic, InlineRegion inlined)
      : op(op), b(builder, op, arithmetic), q(q), k(k), v(v), inlined(inlined) {}

  SmallVector<Value> lower();

private:
  using Body = llvm::function_ref<Value(ValueRange)>;

  // Tensors.
  Value generic(ValueRange inputs, ArrayRef<AffineMap> inputMaps, Value output, AffineMap outputMap,
                ArrayRef<utils::IteratorType> iterators, Body body);
  Value extended(Value source, std::optional<double> factor = std::nullopt);
  Value emptyRows(OpFoldResult rows) { return b.empty(rows, b.arithmetic.compute); }

  // Which element an iteration reads: of a matrix, of its rows, of a vector, of a product's faces.
  AffineMap gridMap() { return b.getMultiDimIdentityMap(2); }
  AffineMap rowMap() { return AffineMap::get(2, 0, b.getAffineDimExpr(0), b.getContext()); }
  AffineMap lineMap() { return b.getMultiDimIdentityMap(1); }
  AffineMap cubeMap(AffineExpr x, AffineExpr y) {
    return AffineMap::get(3, 0, {x, y}, b.getContext());
  }

  // Steps.
  SmallVector<Value> lowerHead(Value batch, Value head, ValueRange state);
  void lowerBlock(scf::ForallOp forall, Value batch, Value head, Value keys, Value values);
  std::pair<Value, Value> keyRange(Value firstRow, Value numRows);
  Value multiplyAdd(ValueRange args);
  Value scores(Value queries, Value keys, OpFoldResult rows, OpFoldResult numKeys);
  Value maxima(Value scores, OpFoldResult rows);
  Value weights(Value scores, Value maxima);
  Value sums(Value weights, OpFoldResult rows);
  Value weighted(Value weights, Value values, OpFoldResult rows);
  Value normalised(Value o, Value sums, OpFoldResult rows, Type element);
  Value logSums(Value maxima, Value sums, OpFoldResult rows);
  Value admitted(Value scores, Value batch, Value head, Value firstRow, Value firstKey);

  AttentionOp op;
  LoopBuilder b;
  Value q, k, v;
  InlineRegion inlined;
  Value numBatches, numQueries, numKeys;
};

} // namespace

/// Sums may be reordered and fused, so that they run on vectors; nothing else is relaxed.
static arith::FastMathFlags sumFlags() {
  return arith::FastMathFlags::reassoc | arith::FastMathFlags::contract;
}

/// Loops with one output.
Value AttentionLowering::generic(ValueRange inputs, ArrayRef<AffineMap> inputMaps, Value output,
                                 AffineMap outputMap, ArrayRef<utils::IteratorType> iterators,
                                 Body body) {
  return b.generic(inputs, inputMaps, output, outputMap, iterators,
                   [&](ValueRange args) { return SmallVector<Value>{body(args)}; })[0];
}

/// A matrix in the compute type, times a factor.
Value AttentionLowering::extended(Value source, std::optional<double> factor) {
  Value empty = tensor::EmptyOp::create(b, tensor::getMixedSizes(b, b.getLoc(), source),
                                        b.arithmetic.compute);
  AffineMap identity = b.getMultiDimIdentityMap(2);
  return generic(source, identity, empty, identity, {parallel, parallel}, [&](ValueRange args) {
    Value value = b.convert(args[0], b.arithmetic.compute);
    return factor ? arith::MulFOp::create(b, value, b.real(*factor)).getResult() : value;
  });
}

//===----------------------------------------------------------------------===//
// Blocks of rows
//===----------------------------------------------------------------------===//

/// A side of the window that positions can be added to without overflow.
static int64_t bounded(int64_t side) { return std::min(side, int64_t(1) << 60); }

/// The first key and the number of keys that causal and window admit for some row of a block.
std::pair<Value, Value> AttentionLowering::keyRange(Value firstRow, Value numRows) {
  int64_t left = bounded(op.getLeftWindow()), right = bounded(op.getRightWindow());
  Value zero = b.index(0), first = zero, last = numKeys;
  Value diagonal = arith::SubIOp::create(b, numKeys, numQueries);
  Value aligned = arith::AddIOp::create(b, firstRow, diagonal);
  if (left >= 0) {
    first = arith::SubIOp::create(b, aligned, b.index(left));
    first = arith::MaxSIOp::create(b, first, zero);
    first = arith::MinSIOp::create(b, first, numKeys);
  }
  if (right >= 0) {
    last = arith::AddIOp::create(b, aligned, numRows);
    last = arith::AddIOp::create(b, last, b.index(right));
    last = arith::MinSIOp::create(b, last, numKeys);
    last = arith::MaxSIOp::create(b, last, first);
  }
  return {first, arith::SubIOp::create(b, last, first)};
}

/// A term of a sum of products.
Value AttentionLowering::multiplyAdd(ValueRange args) {
  Value product = arith::MulFOp::create(b, args[0], args[1], sumFlags());
  return arith::AddFOp::create(b, args[2], product, sumFlags());
}

/// S[r, j] = sum_d Q[r, d] K[j, d]. A key is used by all rows while it is close.
Value AttentionLowering::scores(Value queries, Value keys, OpFoldResult rows,
                                OpFoldResult numKeys) {
  AffineExpr j, r, d;
  bindDims(b.getContext(), j, r, d);
  return generic({queries, keys}, {cubeMap(r, d), cubeMap(j, d)},
                 b.filled({rows, numKeys}, b.real(0)), cubeMap(r, j),
                 {parallel, parallel, reduction},
                 [&](ValueRange args) { return multiplyAdd(args); });
}

/// O[r, d] = sum_j P[r, j] V[j, d]. A value is used by all rows while it is close.
Value AttentionLowering::weighted(Value weights, Value values, OpFoldResult rows) {
  AffineExpr j, r, d;
  bindDims(b.getContext(), j, r, d);
  Value zeros = b.filled({rows, b.getIndexAttr(op.getValueDim())}, b.real(0));
  return generic({weights, values}, {cubeMap(r, j), cubeMap(j, d)}, zeros, cubeMap(r, d),
                 {reduction, parallel, parallel},
                 [&](ValueRange args) { return multiplyAdd(args); });
}

/// m[r] = max_j S[r, j]. A row that sees no key has none: 0 stands in, and leaves exp(-inf) = 0.
Value AttentionLowering::maxima(Value scores, OpFoldResult rows) {
  Value m = generic(scores, gridMap(), b.filled({rows}, b.infinity(/*negative=*/true)), rowMap(),
                    {parallel, reduction}, [&](ValueRange args) {
                      return arith::MaximumFOp::create(b, args[0], args[1]);
                    });
  return generic(m, lineMap(), emptyRows(rows), lineMap(), {parallel}, [&](ValueRange args) {
    Value none =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, args[0], b.infinity(/*negative=*/true));
    return arith::SelectOp::create(b, none, b.real(0), args[0]);
  });
}

/// P = exp(S - m).
Value AttentionLowering::weights(Value scores, Value maxima) {
  Value empty = tensor::EmptyOp::create(b, tensor::getMixedSizes(b, b.getLoc(), scores),
                                        b.arithmetic.compute);
  return generic({scores, maxima}, {gridMap(), rowMap()}, empty, gridMap(), {parallel, parallel},
                 [&](ValueRange args) {
                   return math::ExpOp::create(b, arith::SubFOp::create(b, args[0], args[1]));
                 });
}

/// l[r] = sum_j P[r, j].
Value AttentionLowering::sums(Value weights, OpFoldResult rows) {
  return generic(
      weights, gridMap(), b.filled({rows}, b.real(0)), rowMap(), {parallel, reduction},
      [&](ValueRange args) { return arith::AddFOp::create(b, args[0], args[1], sumFlags()); });
}

/// O / l, or 0 for a row that sees no key, in the type of the result.
Value AttentionLowering::normalised(Value o, Value sums, OpFoldResult rows, Type element) {
  Value empty = tensor::EmptyOp::create(b, {rows, b.getIndexAttr(op.getValueDim())}, element);
  return generic({o, sums}, {gridMap(), rowMap()}, empty, gridMap(), {parallel, parallel},
                 [&](ValueRange args) {
                   Value none =
                       arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, args[1], b.real(0));
                   Value mean = arith::DivFOp::create(b, args[0], args[1]);
                   mean = arith::SelectOp::create(b, none, b.real(0), mean);
                   return b.convert(mean, element);
                 });
}

/// m + log(l), which is -inf for a row that sees no key.
Value AttentionLowering::logSums(Value maxima, Value sums, OpFoldResult rows) {
  return generic({maxima, sums}, {lineMap(), lineMap()}, emptyRows(rows), lineMap(), {parallel},
                 [&](ValueRange args) {
                   return arith::AddFOp::create(b, args[0], math::LogOp::create(b, args[1]));
                 });
}

/// Applies the score region, and -inf where a row does not see a key.
Value AttentionLowering::admitted(Value scores, Value batch, Value head, Value firstRow,
                                  Value firstKey) {
  int64_t left = bounded(op.getLeftWindow()), right = bounded(op.getRightWindow());
  if (left < 0 && right < 0 && !op.hasScore() && !op.hasMask())
    return scores;
  Value diagonal = arith::SubIOp::create(b, numKeys, numQueries);
  Value empty = tensor::EmptyOp::create(b, tensor::getMixedSizes(b, b.getLoc(), scores),
                                        b.arithmetic.compute);
  AffineMap identity = b.getMultiDimIdentityMap(2);
  auto body = [&](ValueRange args) -> Value {
    Value row = arith::AddIOp::create(b, firstRow, linalg::IndexOp::create(b, 0));
    Value key = arith::AddIOp::create(b, firstKey, linalg::IndexOp::create(b, 1));
    Value score = args[0];
    if (op.hasScore())
      score = inlined(b, op.getScore(), {args[0], batch, head, row, key})[0];
    Value seen;
    auto require = [&](Value condition) {
      seen = seen ? arith::AndIOp::create(b, seen, condition).getResult() : condition;
    };
    Value aligned = arith::AddIOp::create(b, row, diagonal);
    if (left >= 0)
      require(arith::CmpIOp::create(b, arith::CmpIPredicate::sge, key,
                                    arith::SubIOp::create(b, aligned, b.index(left))));
    if (right >= 0)
      require(arith::CmpIOp::create(b, arith::CmpIPredicate::sle, key,
                                    arith::AddIOp::create(b, aligned, b.index(right))));
    if (op.hasMask())
      require(inlined(b, op.getMask(), {batch, head, row, key})[0]);
    if (!seen)
      return score;
    return arith::SelectOp::create(b, seen, score, b.infinity(/*negative=*/true));
  };
  return generic(scores, identity, empty, identity, {parallel, parallel}, body);
}

void AttentionLowering::lowerBlock(scf::ForallOp forall, Value batch, Value head, Value keys,
                                   Value values) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(forall.getBody());
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  OpFoldResult headDim = b.getIndexAttr(op.getHeadDim()),
               valueDim = b.getIndexAttr(op.getValueDim());

  Value firstRow = arith::MulIOp::create(b, forall.getInductionVar(0), b.index(kRowsPerBlock));
  Value rows = arith::MinSIOp::create(b, b.index(kRowsPerBlock),
                                      arith::SubIOp::create(b, numQueries, firstRow));
  auto [firstKey, keyCount] = keyRange(firstRow, rows);
  Value queries =
      extended(b.sliceLast(q, {batch, head, firstRow, zero}, {one, one, rows, headDim}, 2),
               op.getEffectiveScale());
  keys = b.sliceLast(keys, {firstKey, zero}, {keyCount, headDim}, 2);
  values = b.sliceLast(values, {firstKey, zero}, {keyCount, valueDim}, 2);

  Value s = scores(queries, keys, rows, keyCount);
  s = admitted(s, batch, head, firstRow, firstKey);
  Value m = maxima(s, rows);
  Value p = weights(s, m);
  Value l = sums(p, rows);
  auto oType = cast<RankedTensorType>(forall.getRegionIterArgs()[0].getType());
  Value o = normalised(weighted(p, values, rows), l, rows, oType.getElementType());
  Value lse = op.getLse() ? logSums(m, l, rows) : Value();

  b.setInsertionPointToStart(forall.getTerminator().getBody());
  auto store = [&](Value tile, Value into, ArrayRef<OpFoldResult> offsets,
                   ArrayRef<OpFoldResult> sizes) {
    SmallVector<OpFoldResult> strides(offsets.size(), one);
    tensor::ParallelInsertSliceOp::create(b, tile, into, offsets, sizes, strides);
  };
  store(o, forall.getRegionIterArgs()[0], {batch, head, firstRow, zero},
        {one, one, rows, valueDim});
  if (lse)
    store(lse, forall.getRegionIterArgs()[1], {batch, head, firstRow}, {one, one, rows});
}

//===----------------------------------------------------------------------===//
// Batches and heads
//===----------------------------------------------------------------------===//

SmallVector<Value> AttentionLowering::lowerHead(Value batch, Value head, ValueRange state) {
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  Value keyHead = arith::DivUIOp::create(b, head, b.index(op.getQueryHeads() / op.getKeyHeads()));
  auto wholeHead = [&](Value source, int64_t dim) {
    return extended(b.sliceLast(source, {batch, keyHead, zero, zero},
                                {one, one, numKeys, b.getIndexAttr(dim)}, 2));
  };
  Value keys = wholeHead(k, op.getHeadDim()), values = wholeHead(v, op.getValueDim());
  Value blocks = arith::CeilDivSIOp::create(b, numQueries, b.index(kRowsPerBlock));
  auto forall =
      scf::ForallOp::create(b, ArrayRef<OpFoldResult>{blocks}, state, /*mapping=*/std::nullopt);
  lowerBlock(forall, batch, head, keys, values);
  return SmallVector<Value>(forall.getResults());
}

SmallVector<Value> AttentionLowering::lower() {
  checkShapes(b, op, {q, k, v}, op.getNamedShapes());
  numBatches = tensor::DimOp::create(b, q, 0);
  numQueries = tensor::DimOp::create(b, q, 2);
  numKeys = tensor::DimOp::create(b, k, 2);
  auto sizes = tensor::getMixedSizes(b, b.getLoc(), q);
  sizes[3] = b.getIndexAttr(op.getValueDim());

  SmallVector<Value> state;
  Type element = op.getO().getType().getElementType();
  state.push_back(tensor::EmptyOp::create(b, sizes, b.arithmetic.resultOf(element)));
  if (op.getLse())
    state.push_back(
        tensor::EmptyOp::create(b, ArrayRef(sizes).take_front(3), b.arithmetic.compute));

  Value zero = b.index(0), one = b.index(1), heads = b.index(op.getQueryHeads());
  auto overBatches = scf::ForOp::create(b, zero, numBatches, one, state);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(overBatches.getBody());
    auto overHeads = scf::ForOp::create(b, zero, heads, one, overBatches.getRegionIterArgs());
    scf::YieldOp::create(b, overHeads.getResults());
    b.setInsertionPointToStart(overHeads.getBody());
    auto results = lowerHead(overBatches.getInductionVar(), overHeads.getInductionVar(),
                             overHeads.getRegionIterArgs());
    scf::YieldOp::create(b, results);
  }

  // The result types may be more static than what follows from q.
  SmallVector<Value> results;
  for (auto [value, result] : llvm::zip(overBatches.getResults(), op.getResults())) {
    auto declared = cast<RankedTensorType>(result.getType());
    auto type = declared.clone(cast<RankedTensorType>(value.getType()).getElementType());
    results.push_back(type == value.getType() ? Value(value)
                                              : tensor::CastOp::create(b, type, value).getResult());
  }
  return results;
}

SmallVector<Value> longwing::lowerAttention(OpBuilder &builder, AttentionOp op, ValueRange operands,
                                            const Arithmetic &arithmetic, InlineRegion inlined) {
  AttentionOp::Adaptor in(operands, op);
  return AttentionLowering(builder, op, in.getQ(), in.getK(), in.getV(), arithmetic, inlined)
      .lower();
}
