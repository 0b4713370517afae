//===- FuseGates.cpp - Gates and skips become operands --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/seq/Seq.h"
#include "longwing/Seq/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace longwing {
#define GEN_PASS_DEF_SEQFUSEGATES
#include "longwing/Seq/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;
using seq::LongConvOp;

/// The convolution whose only use this operand is.
static LongConvOp fusible(Value value) {
  auto conv = value.getDefiningOp<LongConvOp>();
  // What reads the final state may stand before the one that reads y.
  if (conv && conv.getFinal() &&
      llvm::any_of(conv.getFinal().getUsers(), [](Operation *user) {
        return !user->hasTrait<OpTrait::IsTerminator>();
      }))
    return {};
  return conv && value == conv.getY() && value.hasOneUse() && conv.getY().getType() == value.getType() ? conv
                                                                                : LongConvOp();
}

/// Sets an operand of a convolution where what reads its result stands: there everything is known.
static LongConvOp moved(PatternRewriter &rewriter, LongConvOp conv, Operation *user) {
  rewriter.setInsertionPoint(user);
  return cast<LongConvOp>(rewriter.clone(*conv));
}

/// The moved convolution, with what it took in, stands for both.
static void replace(LongConvOp conv, LongConvOp moved, Operation *user, PatternRewriter &rewriter) {
  rewriter.replaceOp(user, moved.getY());
  if (conv.getFinal())
    rewriter.replaceAllUsesWith(conv.getFinal(), moved.getFinal());
  rewriter.eraseOp(conv);
}

/// x = u * g: the second factor is the gate.
static LogicalResult fusePre(LongConvOp conv, PatternRewriter &rewriter) {
  auto product = conv.getU().getDefiningOp<arith::MulFOp>();
  // A skip of the ungated input would then read u.
  if (!product || conv.getPre() || !product->hasOneUse())
    return failure();
  rewriter.modifyOpInPlace(conv, [&] {
    conv.getUMutable().assign(product.getLhs());
    conv.getPreMutable().assign(product.getRhs());
  });
  return success();
}

/// y = c * g.
static LogicalResult fusePost(arith::MulFOp product, PatternRewriter &rewriter) {
  for (auto [result, gate] : {std::pair(product.getLhs(), product.getRhs()),
                              std::pair(product.getRhs(), product.getLhs())}) {
    LongConvOp conv = fusible(result);
    if (!conv || conv.getPost())
      continue;
    LongConvOp gated = moved(rewriter, conv, product);
    gated.getPostMutable().assign(gate);
    replace(conv, gated, product, rewriter);
    return success();
  }
  return failure();
}

/// The factors d of d * x, written as a filter of a single tap, `[H, 1]`.
static Value singleTap(Value value, Value x) {
  auto conv = value.getDefiningOp<LongConvOp>();
  if (!conv || !conv->hasOneUse() || conv.getU() != x || conv.getPre() || conv.getPost() ||
      conv.getSkip() || !conv.getFilter() || conv.isTwoSided() || conv.getFilterLength() != 1 ||
      !conv.getFilter().getType().getElementType().isF32())
    return {};
  return conv.getFilter();
}

/// y = c + d * x.
static LogicalResult fuseSkip(arith::AddFOp sum, PatternRewriter &rewriter) {
  for (auto [result, other] :
       {std::pair(sum.getLhs(), sum.getRhs()), std::pair(sum.getRhs(), sum.getLhs())}) {
    LongConvOp conv = fusible(result);
    if (!conv || conv.getSkip() || conv.getPost() || conv.getPre())
      continue;
    Value tap = singleTap(other, conv.getU());
    if (!tap)
      continue;
    LongConvOp skipping = moved(rewriter, conv, sum);
    rewriter.setInsertionPoint(skipping);
    auto type = RankedTensorType::get({conv.getChannels()}, rewriter.getF32Type());
    Value skip = tensor::CollapseShapeOp::create(rewriter, sum.getLoc(), type, tap,
                                                 SmallVector<ReassociationIndices>{{0, 1}});
    skipping.getSkipMutable().assign(skip);
    replace(conv, skipping, sum, rewriter);
    return success();
  }
  return failure();
}

namespace {
struct SeqFuseGates : longwing::impl::SeqFuseGatesBase<SeqFuseGates> {
  void runOnOperation() override {
    // A skip is of the convolution's own input, so it comes before the gates.
    RewritePatternSet patterns(&getContext());
    patterns.add(fuseSkip, /*benefit=*/3);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    RewritePatternSet gates(&getContext());
    gates.add(fusePost, /*benefit=*/2);
    gates.add(fusePre);
    if (failed(applyPatternsGreedily(getOperation(), std::move(gates))))
      signalPassFailure();
  }
};
} // namespace
