//===- RewriteScans.cpp - Recurrences that are cheaper as others ----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/seq/Seq.h"
#include "longwing/Seq/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>

namespace longwing {
#define GEN_PASS_DEF_SEQREWRITESCANS
#include "longwing/Seq/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

//===----------------------------------------------------------------------===//
// One value for many
//===----------------------------------------------------------------------===//

/// What is the same along the added dimensions, or null: the input of a broadcast along them.
static Value broadcastAlong(Value value, ArrayRef<int64_t> dims) {
  auto broadcast = value.getDefiningOp<linalg::BroadcastOp>();
  return broadcast && broadcast.getDimensions() == dims ? broadcast.getInput() : Value();
}

/// A constant of which every `run` elements that follow each other are equal, as one of each.
static DenseElementsAttr everyRun(Value value, int64_t run) {
  DenseFPElementsAttr constant;
  if (!matchPattern(value, m_Constant(&constant)))
    return {};
  int64_t count = constant.getNumElements();
  if (run <= 0 || count % run)
    return {};
  auto type = RankedTensorType::get({count / run}, constant.getElementType());
  if (constant.isSplat())
    return DenseElementsAttr::get(type, constant.getSplatValue<APFloat>());
  SmallVector<APFloat> elements(constant.getValues<APFloat>()), firsts;
  for (int64_t i = 0; i < count; ++i) {
    if (i % run == 0)
      firsts.push_back(elements[i]);
    else if (!elements[i].bitwiseIsEqual(firsts.back()))
      return {};
  }
  return DenseElementsAttr::get(type, firsts);
}

/// A parameter of channels, `[D]` or `[D, N]`, that is one for each head, as `[H]`, or null. A
/// constant is made only with `build`.
static Value perHead(Value value, int64_t heads, OpBuilder *build) {
  if (DenseElementsAttr constant = everyRun(value, typeOf(value).getNumElements() / heads))
    return build ? arith::ConstantOp::create(*build, value.getLoc(), constant) : value;
  auto collapse = value.getDefiningOp<tensor::CollapseShapeOp>();
  if (!collapse)
    return {};
  Value source = typeOf(value).getRank() == 1 ? broadcastAlong(collapse.getSrc(), 1)
                                              : broadcastAlong(collapse.getSrc(), {1, 2});
  return source && typeOf(source).getShape() == ArrayRef(heads) ? source : Value();
}

/// Whether no element is above 0: a constant, or -exp(x), as models state rates.
static bool isAtMostZero(Value value) {
  DenseFPElementsAttr constant;
  if (matchPattern(value, m_Constant(&constant)) && constant.isSplat())
    return !(constant.getSplatValue<APFloat>().convertToDouble() > 0);
  if (constant)
    return llvm::none_of(constant, [](const APFloat &x) { return x.convertToDouble() > 0; });
  if (auto negation = value.getDefiningOp<arith::NegFOp>())
    return static_cast<bool>(negation.getOperand().getDefiningOp<math::ExpOp>());
  return false;
}

//===----------------------------------------------------------------------===//
// A selective scan whose heads are scalar is linear attention
//===----------------------------------------------------------------------===//

/// `[B, L, H, P]` from `[B, L, D]`, and back.
static Value splitHeads(OpBuilder &b, Value value, int64_t heads) {
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> sizes = {type.getDimSize(0), type.getDimSize(1), heads,
                                type.getDimSize(2) / heads};
  SmallVector<ReassociationIndices> groups = {{0}, {1}, {2, 3}};
  return tensor::ExpandShapeOp::create(b, value.getLoc(), type.clone(sizes), value, groups);
}

namespace {
struct HeadsOfSelectiveScan : OpRewritePattern<seq::SelectiveScanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(seq::SelectiveScanOp op, PatternRewriter &b) const override {
    // A state would have to be transposed. Without softplus a step size may be negative, which
    // linear attention refuses.
    if (op.getComplex() || op.hasConstantB() || op.hasConstantC() || op.getInit() ||
        op.getState() || !op.getSoftplus())
      return failure();
    Type element = op.getU().getType().getElementType();
    for (Value value : {op.getB(), op.getC()})
      if (getElementTypeOrSelf(value.getType()) != element)
        return failure();
    // The step sizes say what a head is.
    auto collapse = op.getDelta().getDefiningOp<tensor::CollapseShapeOp>();
    Value dt = collapse ? broadcastAlong(collapse.getSrc(), 3) : Value();
    if (!dt || typeOf(dt).getRank() != 3)
      return failure();
    int64_t heads = typeOf(dt).getDimSize(2);
    if (ShapedType::isDynamic(heads) || op.getChannels() % heads || heads % op.getGroups())
      return failure();
    Value rate = perHead(op.getA(), heads, nullptr);
    if (!rate || !isAtMostZero(rate))
      return failure();
    for (Value value : {Value(op.getSkip()), Value(op.getBias())})
      if (value && !perHead(value, heads, nullptr))
        return failure();

    auto head = [&](Value value) { return value ? perHead(value, heads, &b) : Value(); };
    auto split = [&](Value value) { return value ? splitHeads(b, value, heads) : Value(); };
    auto oType = cast<RankedTensorType>(split(op.getU()).getType());
    auto linear = seq::LinearAttentionOp::create(
        b, op.getLoc(), oType, /*state=*/Type(), op.getC(), op.getB(), split(op.getU()),
        /*decay=*/Value(), dt, head(op.getA()), head(op.getBias()), /*bonus=*/Value(),
        head(op.getSkip()), split(op.getGate()), /*init=*/Value(), op.getOffsets(),
        /*scale=*/FloatAttr(), /*softplus=*/true, op.getReverse());
    SmallVector<ReassociationIndices> groups = {{0}, {1}, {2, 3}};
    b.replaceOpWithNewOp<tensor::CollapseShapeOp>(op, op.getY().getType(), linear.getO(), groups);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Decays that say less than their type
//===----------------------------------------------------------------------===//

/// A decay that is broadcast along batch and time, or along key channels, is one of fewer
/// dimensions.
struct NarrowDecay : OpRewritePattern<seq::LinearAttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(seq::LinearAttentionOp op, PatternRewriter &b) const override {
    if (!op.getDecay())
      return failure();
    Value decay = op.getDecay();
    int64_t rank = typeOf(decay).getRank();
    Value narrow;
    if (rank > 2)
      narrow = broadcastAlong(decay, {0, 1});
    // What is left must be one for each head of v.
    if (!narrow && rank % 2 == 0 && typeOf(decay).getDimSize(rank - 2) == op.getValueHeads())
      narrow = broadcastAlong(decay, rank - 1);
    if (!narrow)
      return failure();
    b.modifyOpInPlace(op, [&] { op.getDecayMutable().assign(narrow); });
    return success();
  }
};

struct NarrowScan : OpRewritePattern<seq::ScanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(seq::ScanOp op, PatternRewriter &b) const override {
    Value constant = op.hasConstantDecay() ? Value() : broadcastAlong(op.getA(), {0, 1});
    if (!constant)
      return failure();
    b.modifyOpInPlace(op, [&] { op.getAMutable().assign(constant); });
    return success();
  }
};

//===----------------------------------------------------------------------===//
// A scan that forgets at once is a short convolution
//===----------------------------------------------------------------------===//

/// Taps after which nothing is left that a result's rounding would show: a is at most `most`.
static std::optional<int64_t> tapsUntilForgotten(double most, Type element) {
  double negligible = element.isF32() ? 0x1p-26 : element.isF16() ? 0x1p-15 : 0x1p-12;
  double left = most;
  for (int64_t taps = 1; taps <= 8; ++taps, left *= most)
    if (left <= negligible * (1 - most)) // What all later taps add up to.
      return std::max<int64_t>(taps, 2);
  return std::nullopt;
}

struct ShortMemory : OpRewritePattern<seq::ScanOp> {
  using OpRewritePattern::OpRewritePattern;

  /// Channels whose taps a module should hold.
  static constexpr int64_t kMostChannels = 1 << 16;

  LogicalResult matchAndRewrite(seq::ScanOp op, PatternRewriter &b) const override {
    DenseFPElementsAttr constant;
    if (op.getForm() == seq::ScanForm::Wkv || op.getComplex() || op.getReverse() || op.getInit() ||
        op.getState() || op.getOffsets() || op.getChannels() > kMostChannels ||
        !op.hasConstantDecay() || !matchPattern(op.getA(), m_Constant(&constant)))
      return failure();
    SmallVector<double> decays;
    for (const APFloat &value : constant) {
      double a = value.convertToDouble();
      decays.push_back(op.getForm() == seq::ScanForm::Log ? std::exp(a) : a);
    }
    double most = 0;
    for (double a : decays)
      most = std::max(most, std::isnan(a) ? 1.0 : std::abs(a));
    auto taps = tapsUntilForgotten(most, op.getB().getType().getElementType());
    if (!taps)
      return failure();
    SmallVector<float> weights;
    for (double a : decays)
      for (int64_t lag = 0; lag < *taps; ++lag)
        weights.push_back(lag ? std::pow(a, lag) : 1.0);
    auto type = RankedTensorType::get({op.getChannels(), *taps}, b.getF32Type());
    Value kernel =
        arith::ConstantOp::create(b, op.getLoc(), DenseElementsAttr::get(type, ArrayRef(weights)));
    b.replaceOpWithNewOp<seq::ShortConvOp>(
        op, op.getY().getType(), /*final=*/Type(), seq::ShortConvKind::Causal, op.getB(), kernel,
        /*bias=*/Value(), /*initial=*/Value(), seq::TapOrder::First, /*axis=*/1, /*silu=*/false);
    return success();
  }
};

struct SeqRewriteScans : longwing::impl::SeqRewriteScansBase<SeqRewriteScans> {
  using SeqRewriteScansBase::SeqRewriteScansBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<HeadsOfSelectiveScan, NarrowDecay, NarrowScan, ShortMemory>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
