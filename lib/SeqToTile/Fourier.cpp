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

void FourierBuilder::eachWay(Value fast, function_ref<void(bool rows)> body) {
  if (!fast)
    return body(false);
  auto branch = scf::IfOp::create(b, loc, fast, /*withElseRegion=*/true);
  for (bool rows : {true, false}) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(rows ? branch.thenBlock() : branch.elseBlock());
    body(rows);
  }
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

Value FourierBuilder::bring(Value twiddles, const FourierPlan &plan) {
  auto type = SmemType::get(b.getContext(), {2 * rowTwiddleCount(plan) / 64, 64}, b.getF16Type());
  Value buffer = AllocOp::create(b, loc, type, IntegerAttr()).getMemory();
  BringOp::create(b, loc, twiddles, buffer);
  return buffer;
}

ComplexTile FourierBuilder::rowTwiddle(Value twiddles, const FourierPlan &plan, int64_t table, Value row) {
  Value first = mul(add(row, plan.radix * table), 16);
  auto op = PullRowsOp::create(b, loc, TypeRange{half(), half()}, twiddles, ValueRange{first}, /*step=*/16,
                               /*stride=*/0, /*inside=*/true, /*quads=*/true);
  return {op.getResult(0), op.getResult(1)};
}

Value FourierBuilder::memoryOf(int64_t places) {
  auto memory = SmemType::get(b.getContext(), {places, 8 * warps, 64}, b.getF16Type());
  return AllocOp::create(b, loc, memory, IntegerAttr()).getMemory();
}

/// The products of the spectra of taps with the transforms of a block and of those before it. Two blocks share
/// what they read: an even one makes the sum of the next one as well, but for that block's own product.
ComplexTile FourierBuilder::sumOfBlocks(const BlockSum &blocks, const ComplexTile &x,
                                       const std::pair<ComplexTile, ComplexTile> &known, Value order, Value past,
                                       function_ref<ComplexTile(Value)> spectrum,
                                       function_ref<ComplexTile(const ComplexTile &)> numbersOf, bool rolled) {
  // A block takes the place of one that is no longer needed.
  auto placeOf = [&](Value number) {
    return blocks.slides() ? make<arith::RemUIOp>(number, index(blocks.places())) : number;
  };
  auto yield = [&](OpBuilder &b, ArrayRef<ComplexTile> tiles) {
    SmallVector<Value> values;
    for (const ComplexTile &tile : tiles)
      values.append({tile.re, tile.im});
    scf::YieldOp::create(b, loc, values);
  };
  ComplexTile here = times(x, known.first);
  Value next = index(blocks.places()); // behind the transforms: what is there of the next sum
  auto odd = [&](OpBuilder &b, Location) {
    ComplexTile sum = recall(past, next);
    yield(b, {{make<arith::AddFOp>(here.re, sum.re), make<arith::AddFOp>(here.im, sum.im)}});
  };
  auto even = [&](OpBuilder &b, Location) {
    // Block j back, and the one before it, meet spectrum j of the next and of this block.
    Value zero = constant(half(), 0);
    // A spectrum is read one turn before it is needed.
    ComplexTile first = known.second.re ? known.second : spectrum(index(1));
    Value last = index(blocks.reach - 1);
    auto loop = scf::ForOp::create(
        b, loc, index(1), add(min(order, last), 1), index(1),
        ValueRange{here.re, here.im, zero, zero, x.re, x.im, first.re, first.im},
        [&](OpBuilder &b, Location, Value j, ValueRange sums) {
          ComplexTile kernel = numbersOf({sums[6], sums[7]}), near = {sums[4], sums[5]}, far = recall(past, placeOf(sub(order, j)));
          ComplexTile next = spectrum(min(add(j, 1), last));
          yield(b, {plusTimes({sums[0], sums[1]}, far, kernel), plusTimes({sums[2], sums[3]}, near, kernel), far, next});
        });
    if (rolled)
      loop->setAttr(kRolledAttr, b.getUnitAttr());
    else
      loop->setAttr(kUnrollAttr, b.getI32IntegerAttr(2));
    ComplexTile ahead = {loop.getResult(2), loop.getResult(3)}, left = {loop.getResult(4), loop.getResult(5)};
    Value reaches = compare(arith::CmpIPredicate::slt, order, last);
    auto more = scf::IfOp::create(
        b, loc, reaches,
        [&](OpBuilder &b, Location) { yield(b, {plusTimes(ahead, left, numbersOf({loop.getResult(6), loop.getResult(7)}))}); },
        [&](OpBuilder &b, Location) { yield(b, {ahead}); });
    keep({more.getResult(0), more.getResult(1)}, past, next);
    yield(b, {{loop.getResult(0), loop.getResult(1)}});
  };
  Value isOdd = compare(arith::CmpIPredicate::ne, make<arith::AndIOp>(order, index(1)), index(0));
  auto sum = scf::IfOp::create(b, loc, isOdd, odd, even);
  if (blocks.slides()) {
    keep(x, past, placeOf(order));
  } else if (blocks.places() > 0) { // the last ones are no one's past
    Value needed = compare(arith::CmpIPredicate::slt, order, index(blocks.places()));
    auto branch = scf::IfOp::create(b, loc, needed, /*withElse=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    keep(x, past, order);
  }
  return {sum.getResult(0), sum.getResult(1)};
}
