//===- Fourier.cpp - Transforms of any length, in float64 -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fourier.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longwing;

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Real longwing::operator+(Real x, Real y) {
  return {x.b, arith::AddFOp::create(*x.b, x.value, y.value)};
}
Real longwing::operator-(Real x, Real y) {
  return {x.b, arith::SubFOp::create(*x.b, x.value, y.value)};
}
Real longwing::operator*(Real x, Real y) {
  return {x.b, arith::MulFOp::create(*x.b, x.value, y.value)};
}

Complex longwing::add(LoopBuilder &b, Complex x, Complex y) {
  return {arith::AddFOp::create(b, x.re, y.re), arith::AddFOp::create(b, x.im, y.im)};
}

Complex longwing::subtract(LoopBuilder &b, Complex x, Complex y) {
  return {arith::SubFOp::create(b, x.re, y.re), arith::SubFOp::create(b, x.im, y.im)};
}

Complex longwing::multiply(LoopBuilder &b, Complex x, Complex y) {
  Real xr{&b, x.re}, xi{&b, x.im}, yr{&b, y.re}, yi{&b, y.im};
  return {(xr * yr - xi * yi).value, (xr * yi + xi * yr).value};
}

Complex longwing::conjugate(LoopBuilder &b, Complex x) {
  return {x.re, arith::NegFOp::create(b, x.im)};
}

Value longwing::positionOf(LoopBuilder &b, Value frequency, ArrayRef<int64_t> radices) {
  Value position = b.index(0), rest = frequency;
  for (int64_t radix : radices) {
    Value digit = arith::RemUIOp::create(b, rest, b.index(radix));
    rest = arith::DivUIOp::create(b, rest, b.index(radix));
    Value shifted = arith::MulIOp::create(b, position, b.index(radix));
    position = arith::AddIOp::create(b, shifted, digit);
  }
  return position;
}

Value longwing::wide(LoopBuilder &b, double value) {
  return arith::ConstantOp::create(b, b.getF64FloatAttr(value));
}

static Value toWide(LoopBuilder &b, Value index) {
  Value integer = arith::IndexCastOp::create(b, b.getI64Type(), index);
  return arith::SIToFPOp::create(b, b.getF64Type(), integer);
}

Complex longwing::root(LoopBuilder &b, Value numerator, Value denominator) {
  Value turn = arith::DivFOp::create(b, toWide(b, numerator), toWide(b, denominator));
  Value angle = arith::MulFOp::create(b, wide(b, 2 * llvm::numbers::pi), turn);
  return {math::CosOp::create(b, angle), math::SinOp::create(b, angle)};
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

Complex longwing::tabulate(LoopBuilder &b, Value length,
                           llvm::function_ref<Complex(Value)> element) {
  AffineMap line = b.getMultiDimIdentityMap(1);
  Value re = b.empty({length}, b.getF64Type()), im = b.empty({length}, b.getF64Type());
  auto results = b.generic({}, {}, {re, im}, {line, line}, {parallel}, [&](ValueRange) {
    Complex value = element(linalg::IndexOp::create(b, 0));
    return SmallVector<Value>{value.re, value.im};
  });
  return {results[0], results[1]};
}

Complex longwing::at(LoopBuilder &b, Complex vector, Value index) {
  return {tensor::ExtractOp::create(b, vector.re, index),
          tensor::ExtractOp::create(b, vector.im, index)};
}

Complex longwing::atOrZero(LoopBuilder &b, Complex vector, Value index, Value length) {
  Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, index, length);
  SmallVector<Value> value = b.either(inside, [&] {
    Complex element = at(b, vector, index);
    return SmallVector<Value>{element.re, element.im};
  }, [&] { return SmallVector<Value>(2, wide(b, 0)); });
  return {value[0], value[1]};
}

Value longwing::powerOfTwoFrom(LoopBuilder &b, Value least) {
  Value one = b.index(1), i64 = arith::IndexCastOp::create(
                              b, b.getI64Type(),
                              arith::SubIOp::create(b, arith::MaxSIOp::create(b, least, one), one));
  Value zeros = math::CountLeadingZerosOp::create(b, i64);
  Value bits = arith::SubIOp::create(b, b.index(64),
                                     arith::IndexCastOp::create(b, b.getIndexType(), zeros));
  return arith::ShLIOp::create(b, one, bits);
}

//===----------------------------------------------------------------------===//
// Powers of two
//===----------------------------------------------------------------------===//

PowerOfTwoFourier::PowerOfTwoFourier(LoopBuilder &b, Value length) : b(b), length(length) {
  Value half = arith::ShRUIOp::create(b, length, b.index(1));
  roots = tabulate(b, half,
                   [&](Value index) { return conjugate(b, root(b, index, this->length)); });
}

/// Stockham's algorithm: after each stage, what two halves gave lies interleaved with a stride s that
/// doubles, and nothing is left to be reversed.
///
///   y[q + s (2 p)]     = x[q + s p] + x[q + s p + n/2]
///   y[q + s (2 p + 1)] = (x[q + s p] - x[q + s p + n/2]) w^(s p)        q < s, w = exp(-2 pi i / n)
Complex PowerOfTwoFourier::transform(Complex x, bool inverse) const {
  Value zero = b.index(0), one = b.index(1);
  Value half = arith::ShRUIOp::create(b, length, one);
  Value i64 = arith::IndexCastOp::create(b, b.getI64Type(), length);
  Value stages =
      arith::IndexCastOp::create(b, b.getIndexType(), math::CountTrailingZerosOp::create(b, i64));
  auto loop = scf::ForOp::create(b, zero, stages, one, ValueRange{x.re, x.im});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value stage = loop.getInductionVar();
  Complex from{loop.getRegionIterArg(0), loop.getRegionIterArg(1)};
  Complex to = tabulate(b, length, [&](Value index) {
    Value s = arith::ShLIOp::create(b, one, stage);
    Value q = arith::AndIOp::create(b, index, arith::SubIOp::create(b, s, one));
    Value r = arith::ShRUIOp::create(b, index, stage);
    Value sp = arith::ShLIOp::create(b, arith::ShRUIOp::create(b, r, one), stage);
    Value odd = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, arith::AndIOp::create(b, r, one),
                                      one);
    Value left = arith::AddIOp::create(b, q, sp);
    Complex lower = at(b, from, left);
    Complex upper = at(b, from, arith::AddIOp::create(b, left, half));
    SmallVector<Value> value = b.either(odd, [&] {
      Complex twiddle = at(b, roots, sp);
      twiddle = inverse ? conjugate(b, twiddle) : twiddle;
      Complex product = multiply(b, subtract(b, lower, upper), twiddle);
      return SmallVector<Value>{product.re, product.im};
    }, [&] {
      Complex sum = add(b, lower, upper);
      return SmallVector<Value>{sum.re, sum.im};
    });
    return Complex{value[0], value[1]};
  });
  scf::YieldOp::create(b, ValueRange{to.re, to.im});
  return {loop.getResult(0), loop.getResult(1)};
}

Complex PowerOfTwoFourier::convolve(Complex x, Complex y) const {
  return convolveSpectrum(x, transform(y, /*inverse=*/false));
}

Complex PowerOfTwoFourier::convolveSpectrum(Complex x, Complex spectrum) const {
  Complex transformed = transform(x, /*inverse=*/false);
  Value factor = arith::DivFOp::create(b, wide(b, 1), toWide(b, length));
  Complex product = tabulate(b, length, [&](Value index) {
    Complex value = multiply(b, at(b, transformed, index), at(b, spectrum, index));
    return multiply(b, value, {factor, wide(b, 0)});
  });
  return transform(product, /*inverse=*/true);
}

//===----------------------------------------------------------------------===//
// Any length
//===----------------------------------------------------------------------===//

/// Room for a vector and a chirp that reaches as far to both sides.
static Value paddedLength(LoopBuilder &b, Value length) {
  return powerOfTwoFrom(b, arith::MulIOp::create(b, length, b.index(2)));
}

Fourier::Fourier(LoopBuilder &b, Value length)
    : b(b), length(length), padded(b, paddedLength(b, length)) {
  // n f = (n^2 + f^2 - (f - n)^2) / 2. Squares are taken modulo the period, exactly.
  Value period = arith::MulIOp::create(b, length, b.index(2));
  chirp = tabulate(b, length, [&](Value n) {
    Value square = arith::RemUIOp::create(b, arith::MulIOp::create(b, n, n), period);
    return conjugate(b, root(b, square, period));
  });
  Complex around = tabulate(b, padded.getLength(), [&](Value n) {
    Value mirrored = arith::SubIOp::create(b, padded.getLength(), n);
    Value distance = arith::MinSIOp::create(b, n, mirrored);
    return conjugate(b, atOrZero(b, chirp, distance, this->length));
  });
  kernel = padded.transform(around, /*inverse=*/false);
}

Complex Fourier::transform(Complex x, bool inverse) const {
  // The inverse is the conjugate of the transform of the conjugate.
  auto turned = [&](Complex value) { return inverse ? conjugate(b, value) : value; };
  Complex wave = tabulate(b, padded.getLength(), [&](Value n) {
    return multiply(b, turned(atOrZero(b, x, n, length)), atOrZero(b, chirp, n, length));
  });
  Complex result = padded.convolveSpectrum(wave, kernel);
  Value factor = wide(b, 1);
  if (inverse)
    factor = arith::DivFOp::create(b, factor, toWide(b, length));
  return tabulate(b, length, [&](Value f) {
    Complex value = turned(multiply(b, at(b, result, f), at(b, chirp, f)));
    return multiply(b, value, {factor, wide(b, 0)});
  });
}
