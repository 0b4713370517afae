//===- ExpandSine.cpp - Sines and cosines ---------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The card's own sine is good near 0 only. In f64 the quarter turns of an angle come off exactly
// enough for any angle that f32 tells apart, and Hopper's f64 is half as fast as its f32. Both series
// are rounded before one is chosen, so that a sine and a cosine of one angle share all but the choice.
//
//===----------------------------------------------------------------------===//

#include "ExpandSine.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace {

/// x = q pi / 2 + r with |r| <= pi / 4; the sine of r or its cosine, by Taylor's series, for q mod 4.
struct Quarters {
  Quarters(ImplicitLocOpBuilder &b, Value x, Type type) : b(b), type(type) {
    // A sum this large has no fraction; its last bits are q.
    Value magic = real(0x1.8p52);
    Value sum = math::FmaOp::create(b, x, real(0x1.45f306dc9c883p-1), magic);
    quarter = arith::BitcastOp::create(b, b.getI64Type(), sum);
    Value q = arith::SubFOp::create(b, sum, magic);
    rest = math::FmaOp::create(b, q, real(-0x1.921fb54442d18p0), x);
    rest = math::FmaOp::create(b, q, real(-0x1.1a62633145c07p-54), rest);
    square = arith::MulFOp::create(b, rest, rest);
  }

  /// The sine of x and `turns` quarters.
  Value sine(int64_t turns) {
    Value number = arith::AddIOp::create(b, quarter, integer(turns));
    Value odd = isSet(number, 1), negative = isSet(number, 2);
    Value sine = rounded(arith::MulFOp::create(b, rest, series(1))), cosine = rounded(series(0));
    Value value = arith::SelectOp::create(b, odd, cosine, sine);
    return arith::SelectOp::create(b, negative, arith::NegFOp::create(b, value), value);
  }

private:
  Value real(double value) { return arith::ConstantOp::create(b, b.getF64FloatAttr(value)); }
  Value integer(int64_t value) { return arith::ConstantOp::create(b, b.getI64IntegerAttr(value)); }
  Value isSet(Value number, int64_t bit) {
    Value masked = arith::AndIOp::create(b, number, integer(bit));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, masked, integer(0));
  }
  Value rounded(Value x) {
    return type.isF32() ? Value(arith::TruncFOp::create(b, type, x)) : x;
  }
  /// The sum of (-s)^n / (2 n + odd)!, s = r^2; what is left out is below a rounding of the type.
  Value series(int64_t odd) {
    int64_t terms = type.isF32() ? 6 : 9;
    SmallVector<double> factors = {1};
    for (int64_t n = 1; n <= terms; ++n)
      factors.push_back(-factors.back() / double((2 * n - 1 + odd) * (2 * n + odd)));
    Value sum = real(factors.back());
    for (double factor : llvm::reverse(ArrayRef(factors).drop_back()))
      sum = math::FmaOp::create(b, sum, square, real(factor));
    return sum;
  }

  ImplicitLocOpBuilder &b;
  Type type;
  Value quarter, rest, square;
};

template <typename Op>
struct Expand : OpRewritePattern<Op> {
  Expand(MLIRContext *context, int64_t turns)
      : OpRewritePattern<Op>(context, /*benefit=*/10), turns(turns) {}
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    Type type = op.getType();
    if (!type.isF32() && !type.isF64())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = op.getOperand();
    if (type.isF32())
      x = arith::ExtFOp::create(b, b.getF64Type(), x);
    rewriter.replaceOp(op, Quarters(b, x, type).sine(turns));
    return success();
  }
  int64_t turns;
};

} // namespace

void longwing::populateSinePatterns(RewritePatternSet &patterns) {
  patterns.add<Expand<math::SinOp>>(patterns.getContext(), 0);
  patterns.add<Expand<math::CosOp>>(patterns.getContext(), 1);
}
