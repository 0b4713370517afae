//===- SeqOps.cpp - Operations of the seq dialect -------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/seq/Seq.h"
#include "dialects/seq/Verify.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;
using namespace longwing::seq;

#define GET_OP_CLASSES
#include "dialects/seq/SeqOps.cpp.inc"

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

SmallVector<NamedShape> AttentionOp::getNamedShapes() {
  return {{getQ(), "q", "C1", "[B, Hq, Sq, D]"},
          {getK(), "k", "C1", "[B, Hkv, Sk, D]"},
          {getV(), "v", "C1", "[B, Hkv, Sk, Dv]"},
          {getO(), "o", "C4", "[B, Hq, Sq, Dv]"},
          {getLse(), "lse", "C4", "[B, Hq, Sq]"}};
}

double AttentionOp::getEffectiveScale() {
  if (auto scale = getScale())
    return scale->convertToDouble();
  return 1.0 / std::sqrt(static_cast<double>(getHeadDim()));
}

/// A side of a window. One that reaches beyond any tensor in memory is open, so that lowerings can
/// add positions to a side without overflow.
static int64_t windowSide(std::optional<ArrayRef<int64_t>> window, unsigned side) {
  constexpr int64_t kBeyondMemory = int64_t(1)
                                    << 29; // sums of two sides and a position fit 32 bits
  return window && (*window)[side] < kBeyondMemory ? (*window)[side] : -1;
}

int64_t AttentionOp::getLeftWindow() { return windowSide(getWindow(), 0); }

int64_t AttentionOp::getRightWindow() { return getCausal() ? 0 : windowSide(getWindow(), 1); }

LogicalResult AttentionOp::verify() {
  RankedTensorType q = getQ().getType(), k = getK().getType(), v = getV().getType(),
                   o = getO().getType();
  auto agree = [&](RankedTensorType a, unsigned i, StringRef an, RankedTensorType b, unsigned j,
                   StringRef bn, StringRef label) {
    return verifyAgree(*this, label, a, i, an, b, j, bn);
  };
  if (failed(agree(k, 0, "k", q, 0, "q", "C1")) || failed(agree(v, 0, "v", q, 0, "q", "C1")) ||
      failed(agree(v, 1, "v", k, 1, "k", "C1")) || failed(agree(v, 2, "v", k, 2, "k", "C1")) ||
      failed(agree(k, 3, "k", q, 3, "q", "C1")))
    return failure();
  for (auto [type, name] : {std::pair{q, "q"}, {k, "k"}, {v, "v"}})
    if (type.isDynamicDim(3) || type.getDimSize(3) <= 0)
      return emitOpError() << "(C1) expected a static, positive head dimension (dimension 3) of "
                           << name << ", got " << type;

  for (auto [type, name] : {std::pair{k, "k"}, {v, "v"}, {o, "o"}})
    if (type.getElementType() != q.getElementType())
      return emitOpError() << "(C2) expected the element type of " << name << " to be that of q, "
                           << q.getElementType() << ", got " << type.getElementType();

  for (auto [type, name] : {std::pair{q, "q"}, {k, "k"}})
    if (type.isDynamicDim(1) || type.getDimSize(1) <= 0)
      return emitOpError() << "(C3) expected a static, positive number of heads (dimension 1) of "
                           << name << ", got " << type;
  if (getQueryHeads() % getKeyHeads())
    return emitOpError() << "(C3) expected the heads of q to be a multiple of the heads of k, got "
                         << getQueryHeads() << " and " << getKeyHeads();

  for (unsigned i = 0; i < 3; ++i)
    if (failed(agree(o, i, "o", q, i, "q", "C4")))
      return failure();
  if (failed(agree(o, 3, "o", v, 3, "v", "C4")))
    return failure();
  if (getLse())
    for (unsigned i = 0; i < 3; ++i)
      if (failed(agree(getLse().getType(), i, "lse", q, i, "q", "C4")))
        return failure();

  if (getScale() && !getScale()->isFinite())
    return emitOpError() << "(C5) expected a finite scale, got " << getScaleAttr();
  if (auto window = getWindow()) {
    if (window->size() != 2)
      return emitOpError() << "(C6) expected a window of two elements, [left, right], got "
                           << window->size();
    for (int64_t side : *window)
      if (side < -1)
        return emitOpError() << "(C6) expected each side of the window to be at least -1, got "
                             << side;
  }
  return verifyAttributes(*this, "C10", "the attributes scale, causal or window");
}

/// Checks the arguments, the result and the purity of a region.
static LogicalResult verifyScalarRegion(AttentionOp op, Region &region, StringRef name,
                                        StringRef label, bool takesScore) {
  if (region.empty())
    return success();
  MLIRContext *ctx = op.getContext();
  SmallVector<Type> expected;
  if (takesScore)
    expected.push_back(Float32Type::get(ctx));
  expected.append(4, IndexType::get(ctx));
  Type result = takesScore ? Type(Float32Type::get(ctx)) : Type(IntegerType::get(ctx, 1));
  if (failed(verifySignature(op, region, name, label, expected, result)))
    return failure();
  return verifyNoEffects(op, region, name, "C9");
}

LogicalResult AttentionOp::verifyRegions() {
  if (failed(verifyScalarRegion(*this, getScore(), "score", "C7", /*takesScore=*/true)))
    return failure();
  return verifyScalarRegion(*this, getMask(), "mask", "C8", /*takesScore=*/false);
}

LogicalResult AttentionOp::reifyResultShapes(OpBuilder &builder,
                                             ReifiedRankedShapedTypeDims &shapes) {
  auto sizes = [&](Value value) { return tensor::getMixedSizes(builder, getLoc(), value); };
  SmallVector<OpFoldResult> rows = sizes(getQ()), o = rows;
  o[3] = sizes(getV())[3];
  shapes.push_back(o);
  if (getLse())
    shapes.emplace_back(rows.begin(), rows.begin() + 3);
  return success();
}

/// Whether a region yields its first argument, or the constant `true`.
static bool isIdentity(Region &region) {
  auto yield = cast<YieldOp>(region.front().getTerminator());
  return yield.getValue() == region.getArgument(0);
}
static bool isAlwaysTrue(Region &region) {
  auto yield = cast<YieldOp>(region.front().getTerminator());
  return matchPattern(yield.getValue(), m_One());
}

/// The same attention without lse, which nothing reads.
static void dropLse(AttentionOp op, PatternRewriter &rewriter) {
  auto slim = AttentionOp::create(rewriter, op.getLoc(), TypeRange(op.getO().getType()),
                                  op->getOperands(), op->getAttrs());
  for (auto [from, to] : llvm::zip(op->getRegions(), slim->getRegions()))
    rewriter.inlineRegionBefore(from, to, to.end());
  rewriter.replaceAllUsesWith(op.getO(), slim.getO());
  rewriter.eraseOp(op);
}

LogicalResult AttentionOp::canonicalize(AttentionOp op, PatternRewriter &rewriter) {
  if (op.getLse() && op.getLse().use_empty()) {
    dropLse(op, rewriter);
    return success();
  }
  bool changed = false;
  auto change = [&](auto &&edit) {
    rewriter.modifyOpInPlace(op, edit);
    changed = true;
  };
  if (op.hasScore() && isIdentity(op.getScore()))
    change([&] { rewriter.eraseBlock(&op.getScore().front()); });
  if (op.hasMask() && isAlwaysTrue(op.getMask()))
    change([&] { rewriter.eraseBlock(&op.getMask().front()); });
  if (auto window = op.getWindow()) {
    // A causal mask bounds the right by 0, and a window that only does so is causal.
    int64_t left = (*window)[0], right = op.getRightWindow();
    if (left == -1 && right == 0)
      change([&] { op.setCausal(true); });
    if (left == -1 && right <= 0)
      change([&] { op.removeWindowAttr(); });
    else if (right != (*window)[1])
      change([&] { op.setWindow(ArrayRef<int64_t>{left, right}); });
  }
  return success(changed);
}
