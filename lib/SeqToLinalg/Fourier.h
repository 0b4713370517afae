//===- Fourier.h - Transforms of any length, in float64 ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What makes long convolutions affordable as an oracle: O(n log n) loops, and float64 whatever the
// arithmetic around them is, so that they are as good as the sum that they stand for.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOLINALG_FOURIER_H
#define LONGWING_LIB_SEQTOLINALG_FOURIER_H

#include "LoopBuilder.h"

namespace longwing {

/// A real number of the program that is being built, so that formulas read like formulas.
struct Real {
  LoopBuilder *b;
  mlir::Value value;
};
Real operator+(Real x, Real y);
Real operator-(Real x, Real y);
Real operator*(Real x, Real y);

/// A complex number, or a vector of them: two tensors of rank 1 of f64.
struct Complex {
  mlir::Value re, im;
};

/// Complex arithmetic on numbers.
Complex add(LoopBuilder &b, Complex x, Complex y);
Complex subtract(LoopBuilder &b, Complex x, Complex y);
Complex multiply(LoopBuilder &b, Complex x, Complex y);
Complex conjugate(LoopBuilder &b, Complex x);
/// exp(2 pi i numerator / denominator) in f64, for 0 <= numerator < denominator.
Complex root(LoopBuilder &b, mlir::Value numerator, mlir::Value denominator);

/// Where frequency f stands: its digits, the first radix counting ones, from the left.
mlir::Value positionOf(LoopBuilder &b, mlir::Value frequency, llvm::ArrayRef<int64_t> radices);

/// A constant in f64.
mlir::Value wide(LoopBuilder &b, double value);

/// The elements of a complex vector of this length, one at a time.
Complex tabulate(LoopBuilder &b, mlir::Value length,
                 llvm::function_ref<Complex(mlir::Value index)> element);
/// One element.
Complex at(LoopBuilder &b, Complex vector, mlir::Value index);
/// The same, and zero from `length` on, where the vector ends.
Complex atOrZero(LoopBuilder &b, Complex vector, mlir::Value index, mlir::Value length);

/// The least power of two that is not less.
mlir::Value powerOfTwoFrom(LoopBuilder &b, mlir::Value least);

/// Transforms whose length is a power of two. Made where its table is to be computed.
class PowerOfTwoFourier {
public:
  PowerOfTwoFourier(LoopBuilder &b, mlir::Value length);

  /// Sum over n of x[n] exp(-+ 2 pi i n f / length), without a factor.
  Complex transform(Complex x, bool inverse) const;
  /// The cyclic convolution of two vectors.
  Complex convolve(Complex x, Complex y) const;
  /// The same with a vector that is transformed already.
  Complex convolveSpectrum(Complex x, Complex spectrum) const;
  mlir::Value getLength() const { return length; }

private:
  LoopBuilder &b;
  mlir::Value length;
  Complex roots; // exp(-2 pi i j / length), for j < length / 2
};

/// Transforms of any length, by Bluestein's convolution with a chirp.
class Fourier {
public:
  Fourier(LoopBuilder &b, mlir::Value length);

  /// Sum over n of x[n] exp(-2 pi i n f / length); `inverse` has the other sign and divides by the
  /// length.
  Complex transform(Complex x, bool inverse) const;
  mlir::Value getLength() const { return length; }

private:
  LoopBuilder &b;
  mlir::Value length;
  PowerOfTwoFourier padded;
  Complex chirp;  // exp(-pi i n^2 / length)
  Complex kernel; // the transform of its conjugate, around 0
};

} // namespace longwing

#endif // LONGWING_LIB_SEQTOLINALG_FOURIER_H
