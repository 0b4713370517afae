//===- Fourier.cpp - Stages of Fourier transforms as tile programs --------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fourier.h"

#include <cmath>

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// x + i^turns y.
ComplexTile FourierBuilder::plus(const ComplexTile &x, const ComplexTile &y, int64_t turns) {
  auto add = [&](Value p, Value q, bool minus) -> Value {
    return minus ? make<arith::SubFOp>(p, q) : make<arith::AddFOp>(p, q);
  };
  bool minus = turns % 4 > 1;
  if (turns % 2)
    return {add(x.re, y.im, !minus), add(x.im, y.re, minus)};
  return {add(x.re, y.re, minus), add(x.im, y.im, minus)};
}

/// X[k] = sum over n of exp(-2 pi i n k / size) x[n], or back exp(2 pi i n k / size), of 1, 2, 4 or 8.
SmallVector<ComplexTile> FourierBuilder::butterflies(ArrayRef<ComplexTile> x, bool back) {
  int64_t size = x.size();
  if (size == 1)
    return {x.front()};
  SmallVector<ComplexTile> halves[2], result(size);
  for (auto [n, value] : llvm::enumerate(x))
    halves[n % 2].push_back(value);
  SmallVector<ComplexTile> even = butterflies(halves[0], back), odd = butterflies(halves[1], back);
  for (int64_t k = 0; k < size / 2; ++k) {
    int64_t eighths = 8 / size * k, turn = back ? 1 : 3; // of a whole turn
    ComplexTile &near = result[k], &far = result[k + size / 2];
    if (eighths % 2 == 0) {
      near = plus(even[k], odd[k], turn * eighths / 2);
      far = plus(even[k], odd[k], turn * eighths / 2 + 2);
      continue;
    }
    // The root of 1/2 times (1 + i) i^turns, or (1 - i).
    ComplexTile turned = plus(odd[k], odd[k], turn);
    int64_t more = turn * (eighths / 2);
    if (more % 2)
      turned = {turned.im, turned.re};
    double re = more % 4 == 1 || more % 4 == 2 ? -M_SQRT1_2 : M_SQRT1_2;
    double im = more % 4 == 2 || more % 4 == 3 ? -M_SQRT1_2 : M_SQRT1_2;
    near = {fma(turned.re, re, even[k].re), fma(turned.im, im, even[k].im)};
    far = {fma(turned.re, -re, even[k].re), fma(turned.im, -im, even[k].im)};
  }
  return result;
}

void FourierBuilder::eachStep(int64_t count, bool holds, function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, loc, index(0), index(count), index(1));
  loop->setAttr(kRolledAttr, b.getUnitAttr());
  if (holds)
    loop->setAttr(kHoldAttr, b.getUnitAttr());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

ComplexTile FourierBuilder::rowTwiddle(Value twiddles, const FourierPlan &plan, int64_t table, Value row,
                                       bool quads) {
  Value first = mul(add(row, plan.radix * table), 16);
  auto op = PullRowsOp::create(b, loc, TypeRange{half(), half()}, twiddles, ValueRange{first}, /*step=*/16,
                               /*stride=*/0, /*inside=*/true, quads);
  return {op.getResult(0), op.getResult(1)};
}
