//===- Outer.cpp - States on tensor cores ---------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A warp has 16 channels, two for each four lanes; lane q of them has the steps 2 q and 2 q + 1 of a tile of
// eight, and N / 4 neighbouring states. Rows r and r + 8 of an accumulator of m16n8 are the two channels of the
// lanes 4 r, ...; its columns 2 q and 2 q + 1 are two of lane q's states, or its two steps. The left operand of a
// product has the same places, so that neither steps nor states are ever moved.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "PtxAsm.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// States of a lane, of N.
static int64_t statesOfLane(RankedTensorType coefficients) { return coefficients.getDimSize(1) / 4; }

/// The pairs of neighbouring states of bf16, from `first` on, of a row of a tile in SRAM.
Emitter::Values Emitter::statePairs(TypedValue<RankedTensorType> source, Value row0, Value row, Value first) {
  RankedTensorType type = source.getType();
  int64_t n = statesOfLane(type), step = pieceOf(n, type.getElementType());
  Value base = add(one(source), mul(one(row0), panelBytes(type)));
  Values words;
  for (int64_t i = 0; i < n; i += step)
    llvm::append_range(words, loadWords(shared(add(base, byteInTile(type, row, add(first, i)))), 2 * step));
  return words;
}

/// Operands of products are made once for the steps of a tile.
Emitter::Values Emitter::known(Operation *op, Value source, Value row, function_ref<Values()> make) {
  auto key = std::make_tuple(op->getName().getAsOpaquePointer(), op->getBlock(), source, row);
  if (!operandsOfSteps.contains(key))
    operandsOfSteps[key] = make();
  return operandsOfSteps[key];
}

/// A tile has two channels for each thread.
LogicalResult Emitter::checkOuter(Operation *op, Type type) {
  if (channelsPerThread(type) == 2)
    return success();
  return op->emitError() << "expected two channels for each thread, got " << type;
}

LogicalResult Emitter::emitOuter(OuterOp op) {
  if (failed(checkOuter(op, op.getX().getType())))
    return failure();
  Type bf16 = b.getBF16Type();
  // Column k of the left operand is step k, and k + 8 what its rounding left of it.
  Values left = known(op, op.getX(), {}, [&] {
    const Values x = get(op.getX());
    Values high = {pack(x[0], x[2], bf16), pack(x[1], x[3], bf16)}, all = high;
    for (int64_t e : {0, 1}) {
      Values rounded = unpack(high[e], bf16);
      all.push_back(pack(LLVM::FSubOp::create(b, loc, x[e], rounded[0]),
                         LLVM::FSubOp::create(b, loc, x[2 + e], rounded[1]), bf16));
    }
    return all;
  });
  // Column 2 q + e of matrix j is state 2 j + e of lane q. A register has the state of its column at two steps; one
  // of them at a time is let through.
  Values right = known(op, op.getB(), op.getRow(), [&] {
    int64_t n = statesOfLane(op.getB().getType());
    Value column = LLVM::LShrOp::create(b, loc, lane, i32(2)), step = mul(quadLane, 2);
    Value first = mul(Value(LLVM::LShrOp::create(b, loc, column, i32(1))), n);
    Values even = statePairs(op.getB(), op.getRow(), step, first);
    Values odd = statePairs(op.getB(), op.getRow(), add(step, 1), first);
    Value upper = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ne, both(column, i32(1)), i32(0));
    Value selector = LLVM::SelectOp::create(b, loc, upper, i32(0x7632), i32(0x5410));
    Values all;
    for (auto [x, y] : llvm::zip(even, odd)) {
      Value pair = ptx::permute(b, loc, x, y, selector);
      all.push_back(both(pair, i32(0xffff)));
      all.push_back(both(pair, i32(int32_t(0xffff0000))));
    }
    return all;
  });
  Value mine = isEqual(quadLane, op.getStep() / 2);
  Values zeros(4, f32(0)), result;
  for (size_t j = 0; j < right.size(); j += 2) {
    Value factor = LLVM::SelectOp::create(b, loc, mine, right[j + op.getStep() % 2], i32(0));
    Values d = ptx::mma(b, loc, "m16n8k16.row.col.f32.bf16.bf16.f32", left, {factor, factor}, zeros);
    llvm::append_range(result, Values{d[0], d[2], d[1], d[3]});
  }
  set(op.getResult(), std::move(result));
  return success();
}

LogicalResult Emitter::emitContract(ContractOp op) {
  if (failed(checkOuter(op, op.getSums().getType())))
    return failure();
  // The columns are the eight steps, so that a register has states of step lane / 4.
  Values right = known(op, op.getC(), op.getRow(), [&] {
    Value step = LLVM::LShrOp::create(b, loc, lane, i32(2));
    Values pairs = statePairs(op.getC(), op.getRow(), step, mul(quadLane, statesOfLane(op.getC().getType())));
    Values all;
    for (Value value : fromWords(pairs, b.getBF16Type()))
      all.push_back(LLVM::BitcastOp::create(b, loc, b.getI32Type(), value));
    return all;
  });
  const Values states = get(op.getStates());
  Values d(4, f32(0));
  for (size_t j = 0; j < right.size(); j += 2) {
    Values left;
    for (size_t k : {0, 1, 2, 3})
      left.push_back(LLVM::BitcastOp::create(b, loc, b.getI32Type(), states[2 * j + k]));
    d = ptx::mma(b, loc, "m16n8k8.row.col.f32.tf32.tf32.f32", left, {right[j], right[j + 1]}, d);
  }
  // Only this step's column is meant.
  Values result = get(op.getSums());
  Value mine = isEqual(quadLane, op.getStep() / 2);
  int64_t e = op.getStep() % 2;
  for (int64_t channel : {0, 1})
    result[2 * e + channel] = LLVM::SelectOp::create(b, loc, mine, d[e + 2 * channel], result[2 * e + channel]);
  set(op.getResult(), std::move(result));
  return success();
}

//===----------------------------------------------------------------------===//
// Exponentials without the special-function unit
//===----------------------------------------------------------------------===//

/// 2^x = 2^n 2^f with f in [-1/2, 1/2]; 2^f is 1 + f q(f), so that small exponents keep their relative precision:
/// it errs by 1.5e-5 of the exponent, or by a rounding of f32. Beyond the range of f32 it is 0 or infinity.
Value Emitter::exp2Polynomial(Value x, bool accurate) {
  static constexpr double kShort[] = {0.00967604074, 0.0558382563, 0.240221677, 0.693136733};
  static constexpr double kLong[] = {0.000154697347, 0.00133908635, 0.00961803077, 0.0555035711, 0.240226511, 0.693147188};
  constexpr double kRound = 12582912; // 1.5 2^23: what is added to it is rounded to an integer
  Value clamped = LLVM::MinNumOp::create(b, loc, LLVM::MaxNumOp::create(b, loc, x, f32(-126)), f32(128));
  Value shifted = LLVM::FAddOp::create(b, loc, clamped, f32(kRound));
  Value whole = LLVM::FAddOp::create(b, loc, shifted, f32(-kRound));
  Value f = LLVM::FSubOp::create(b, loc, clamped, whole);
  ArrayRef<double> coefficients = accurate ? ArrayRef(kLong) : ArrayRef(kShort);
  Value p = f32(coefficients[0]);
  for (double coefficient : coefficients.drop_front())
    p = LLVM::FMAOp::create(b, loc, p, f, f32(coefficient));
  p = LLVM::FMAOp::create(b, loc, p, f, f32(1));
  // The integer stands in the lowest bits; shifted up, it is added to the exponent.
  auto bits = [&](Value value) { return LLVM::BitcastOp::create(b, loc, b.getI32Type(), value); };
  Value exponent = LLVM::ShlOp::create(b, loc, bits(shifted), i32(23));
  return LLVM::BitcastOp::create(b, loc, b.getF32Type(), add(bits(p), exponent));
}
