//===- ExpandExp.cpp - Exponentials that run on vectors -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   exp(x) = 2^n exp(r),  n = round(x / ln 2),  r = x - n ln 2,  |r| <= ln 2 / 2
//
// exp(r) is its Taylor series up to the term that rounding hides. n ln 2 is subtracted
// in two parts, the first of which is exact (Cody and Waite). 2^n is applied in two
// factors, so that results may be denormal or infinite.
//
//===----------------------------------------------------------------------===//

#include "longwing/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

namespace longwing {
#define GEN_PASS_DEF_CPUEXPANDEXP
#include "longwing/CPU/Passes.h.inc"
} // namespace longwing

using namespace mlir;

namespace {
/// A type's format and the constants that follow from it.
struct Format {
  int mantissa, bias, degree;
  /// ln 2 in two parts; n times the high one is exact.
  double ln2High, ln2Low;
  /// Beyond these exp and exp2 are 0 or infinite.
  double expLeast, expMost, exp2Least, exp2Most;
};
constexpr Format kFloat = {23,     127,  7,      0.693359375, -2.12194440054690583e-4,
                           -104.0, 89.0, -151.0, 129.0};
constexpr Format kDouble = {
    52,    1023,    13,    6.93147180369123816490e-01, 1.90821492927058770002e-10, -746.0,
    710.0, -1076.0, 1025.0};

class Expansion {
public:
  explicit Expansion(Operation *op)
      : b(op->getLoc(), op), type(op->getResult(0).getType()), base2(isa<math::Exp2Op>(op)),
        format(getElementTypeOrSelf(type).isF32() ? kFloat : kDouble) {
    Type bits = b.getIntegerType(format.mantissa == 23 ? 32 : 64);
    integer = bits;
    if (auto vector = dyn_cast<VectorType>(type))
      integer = vector.clone(bits);
  }

  Value expand(Value x) {
    x = clamp(x);
    // Adding 1.5 * 2^mantissa rounds to an integer, which the low bits then hold.
    Value magic = real(std::ldexp(1.5, format.mantissa));
    Value shifted = add(base2 ? x : multiply(x, real(1.4426950408889634)), magic);
    Value rounded = arith::SubFOp::create(b, shifted, magic);
    Value n = arith::SubIOp::create(b, bitsOf(shifted), bitsOf(magic));
    Value power = series(remainder(x, rounded));

    // n = m + (n - m), with m = floor(n / 2) by a shift of what is positive.
    int64_t offset = 2 * (format.bias + 1);
    Value half = arith::ShRUIOp::create(b, arith::AddIOp::create(b, n, whole(offset)), whole(1));
    Value m = arith::SubIOp::create(b, half, whole(offset / 2));
    power = arith::MulFOp::create(b, power, powerOf2(m));
    return arith::MulFOp::create(b, power, powerOf2(arith::SubIOp::create(b, n, m)));
  }

private:
  Value constant(TypedAttr scalar, Type as) {
    TypedAttr value = scalar;
    if (auto vector = dyn_cast<VectorType>(as))
      value = SplatElementsAttr::get(vector, scalar);
    return arith::ConstantOp::create(b, value);
  }
  Value real(double value) {
    return constant(b.getFloatAttr(getElementTypeOrSelf(type), value), type);
  }
  Value whole(int64_t value) {
    return constant(b.getIntegerAttr(getElementTypeOrSelf(integer), value), integer);
  }
  Value bitsOf(Value value) { return arith::BitcastOp::create(b, integer, value); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value multiply(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  /// x y + z, rounded once where the machine can.
  Value multiplyAdd(Value x, Value y, Value z) {
    auto flags = arith::FastMathFlags::contract;
    return arith::AddFOp::create(b, arith::MulFOp::create(b, x, y, flags), z, flags);
  }

  /// Keeps n in range. A NaN stays one.
  Value clamp(Value x) {
    Value least = real(base2 ? format.exp2Least : format.expLeast);
    Value most = real(base2 ? format.exp2Most : format.expMost);
    Value below = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, least);
    x = arith::SelectOp::create(b, below, least, x);
    Value above = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, most);
    return arith::SelectOp::create(b, above, most, x);
  }

  Value remainder(Value x, Value n) {
    if (base2)
      return multiply(arith::SubFOp::create(b, x, n), real(0.6931471805599453));
    Value r = multiplyAdd(n, real(-format.ln2High), x);
    return multiplyAdd(n, real(-format.ln2Low), r);
  }

  Value series(Value r) {
    double factorial = 1;
    for (int k = 2; k <= format.degree; ++k)
      factorial *= k;
    Value sum = real(1 / factorial);
    for (int k = format.degree; k > 0; --k) {
      factorial /= k;
      sum = multiplyAdd(sum, r, real(1 / factorial));
    }
    return sum;
  }

  Value powerOf2(Value n) {
    Value exponent = arith::AddIOp::create(b, n, whole(format.bias));
    exponent = arith::ShLIOp::create(b, exponent, whole(format.mantissa));
    return arith::BitcastOp::create(b, type, exponent);
  }

  ImplicitLocOpBuilder b;
  Type type, integer;
  bool base2;
  const Format &format;
};

struct CpuExpandExpPass : longwing::impl::CpuExpandExpBase<CpuExpandExpPass> {
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      if (!isa<math::ExpOp, math::Exp2Op>(op))
        return;
      Type type = op->getResult(0).getType(), element = getElementTypeOrSelf(type);
      if ((!element.isF32() && !element.isF64()) || !isa<FloatType, VectorType>(type))
        return;
      op->getResult(0).replaceAllUsesWith(Expansion(op).expand(op->getOperand(0)));
      op->erase();
    });
  }
};
} // namespace
