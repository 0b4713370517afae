//===- ExpandSine.cpp - Sines and cosines ---------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The card's own sine is good near 0 only. In f64 the quarter turns of an angle come off exactly
// enough for any angle that f32 tells apart, and Hopper's f64 is half as fast as its f32.
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
  Quarters(ImplicitLocOpBuilder &b, Value x) : b(b) {
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
    Value sine = arith::MulFOp::create(b, rest, series(1)), cosine = series(0);
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
  /// 1 - s / ((2 - 1 + odd) (2 + odd)) (1 - s / ((4 - 1 + odd) (4 + odd)) (1 - ...)), s = r^2.
  Value series(int64_t odd) {
    Value sum = real(1);
    for (int64_t n = 16; n > 0; n -= 2) {
      Value factor = arith::MulFOp::create(b, square, real(-1.0 / double((n - 1 + odd) * (n + odd))));
      sum = math::FmaOp::create(b, factor, sum, real(1));
    }
    return sum;
  }

  ImplicitLocOpBuilder &b;
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
    Value y = Quarters(b, x).sine(turns);
    if (type.isF32())
      y = arith::TruncFOp::create(b, type, y);
    rewriter.replaceOp(op, y);
    return success();
  }
  int64_t turns;
};

} // namespace

void longwing::populateSinePatterns(RewritePatternSet &patterns) {
  patterns.add<Expand<math::SinOp>>(patterns.getContext(), 0);
  patterns.add<Expand<math::CosOp>>(patterns.getContext(), 1);
}
