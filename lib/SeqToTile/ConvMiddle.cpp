//===- ConvMiddle.cpp - Middle passes of long convolutions ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConvMiddle.h"
#include "ConvKernel.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {
class MiddlePass : ConvKernel {
public:
  MiddlePass(Location loc, const PassPlan &whole)
      : ConvKernel(loc, whole.middlePart()), whole(whole) {}
  KernelOp create(StringRef name, bool forward);

private:
  PassPlan whole;
};
} // namespace

KernelOp MiddlePass::create(StringRef name, bool forward) {
  SmallVector<Type> inputs = {column(half), desc({1, kSide, kSide}, half)};
  if (forward)
    inputs.push_back(energiesType());
  ValueRange arguments = begin(name, inputs, /*output=*/0);
  if (forward) {
    kernel.setOutput(2);
    energies = arguments[2];
  }
  unfoldColumns(0, 2);
  Value x = arguments[0], matrices = arguments[1], zero = t.index(0);
  Value sequences = sequencesOf(x);
  Complex f;
  f.re = table(matrices, 0, zero, zero, kSide, 2);
  f.im = table(matrices, 1, zero, zero, kSide, 2);

  ValueRange work = forEach({t.index(plan.inner / kGroups), sequences});
  Value b0 = t.mul(work[0], kGroups), sequence = work[1];
  Complex data;
  for (Value *part : {&data.re, &data.im})
    *part = load(x, columnAt(sequence, zero, part == &data.im, b0), kRows, kAlongB, 8);
  Complex y;
  y.re = dotLeft(f.im, data.im, dotLeft(f.re, data.re, {}), /*negate=*/true);
  y.im = dotLeft(f.im, data.re, dotLeft(f.re, data.im, {}));
  Value row = rows(), digit = remainder(row, kSide);
  Value b = t.add(quotient(row, kSide), fill(row, b0));
  storeEnergy(y, sequence, zero, b0);
  if (forward) {
    y = multiply(t, y, passTwiddle(t, plan, digit, b, -1, wide), /*conjugate=*/false);
  } else {
    // The digit is of time again.
    b = t.add(b, t.make<arith::MulIOp>(digit, fill(row, plan.inner)));
    Value k1 = t.make<arith::RemUIOp>(sequence, t.index(whole.rows()));
    if (whole.mirrored)
      k1 = t.make<arith::RemUIOp>(t.add(k1, whole.firstRow()), t.index(whole.outer));
    y = multiply(t, y, passTwiddle(t, whole, fill(row, k1), b, 1, wide), /*conjugate=*/false);
  }
  for (auto [plane, value] : llvm::enumerate(SmallVector<Value>{y.re, y.im}))
    store(convert(value, half), x, columnAt(sequence, zero, plane, b0), kAlongB);
  return end();
}

KernelOp longwing::middlePass(Location loc, StringRef name, const PassPlan &plan, bool forward) {
  return MiddlePass(loc, plan).create(name, forward);
}

Value longwing::middleMatrices(OpBuilder &b, Location loc, const PassPlan &plan, bool forward) {
  ConvTables tables(kSide, kSide);
  // Magnitudes never grow on the way there.
  double scale = forward ? 1 / double(plan.middle) : 1;
  tables.add([&](int64_t r, int64_t c) { return scale * root(r, c, plan.middle, forward ? -1 : 1); });
  return tables.constant(b, loc, b.getF16Type());
}
