//===- ExpandMath.cpp - Functions without an instruction ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpandSine.h"
#include "longwing/TileToNVVM/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace longwing {
#define GEN_PASS_DEF_TILEEXPANDMATH
#include "longwing/TileToNVVM/Passes.h.inc"
} // namespace longwing

using namespace mlir;

namespace {
struct TileExpandMath : longwing::impl::TileExpandMathBase<TileExpandMath> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa_and_nonnull<math::MathDialect>(op->getDialect()))
        ops.push_back(op);
    });
    if (ops.empty())
      return;
    RewritePatternSet patterns(&getContext());
    longwing::populateSinePatterns(patterns);
    populateMathPolynomialApproximationPatterns(patterns, MathPolynomialApproximationOptions());
    math::populateExpansionPatterns(patterns, {"asinh", "acosh", "atanh", "sinh", "cosh", "tan",
                                               "powf", "rsqrt", "round", "roundeven"});
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    if (failed(applyOpPatternsGreedily(ops, std::move(patterns), config)))
      signalPassFailure();
  }
};
} // namespace
