//===- Registers.cpp - Tiles in registers ---------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "PtxAsm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

void Emitter::emitConstant(Operation *op) {
  auto value = cast<arith::ConstantOp>(op).getValue();
  TypedAttr scalar = value;
  if (auto elements = dyn_cast<DenseElementsAttr>(value); elements && !elements.isSplat())
    return emitTable(op, elements);
  if (auto elements = dyn_cast<DenseElementsAttr>(value))
    scalar = cast<TypedAttr>(elements.getSplatValue<Attribute>());
  if (scalar.getType().isIndex())
    scalar = b.getI32IntegerAttr(cast<IntegerAttr>(scalar).getInt());
  // 16-bit elements stand in pairs.
  if (auto number = dyn_cast<FloatAttr>(scalar); number && scalarType(value.getType()).isInteger(32)) {
    uint64_t bits = number.getValue().bitcastToAPInt().getZExtValue();
    scalar = b.getI32IntegerAttr(int32_t(uint32_t(bits << 16 | bits)));
  }
  set(op->getResult(0), Values(count(value.getType()), constant(scalar)));
}

/// Register by register; a scalar operation has one. The condition of a select may be a scalar.
LogicalResult Emitter::emitElementwise(Operation *op) {
  if (op->getNumRegions() || op->getNumResults() != 1)
    return op->emitOpError() << "has no lowering in a tile kernel";
  Type type = op->getResult(0).getType();
  if (isa<arith::ExtFOp>(op) && isa<RankedTensorType>(type) && !isIn<LineAttr>(type))
    return emitWiden(op), success();
  int64_t n = count(type);
  for (Value operand : op->getOperands())
    if (isa<RankedTensorType>(operand.getType()) && count(operand.getType()) != n)
      return op->emitOpError() << "expected operands in the layout of the result, " << type
                               << ", got " << operand.getType();
  auto share = op->getAttrOfType<IntegerAttr>(kPolynomialAttr);
  bool accurate = op->hasAttr(kAccurateAttr);
  setEach(op, [=](int64_t k) {
    Values operands;
    for (Value operand : op->getOperands())
      operands.push_back(element(operand, isa<RankedTensorType>(operand.getType()) ? k : 0));
    // Of each eight registers, `share` spread over them.
    if (share && (k + 1) * share.getInt() / 8 > k * share.getInt() / 8)
      return exp2Polynomial(operands[0], accurate);
    bool packed = isa<RankedTensorType>(type) && isa<FloatType>(getElementTypeOrSelf(type)) &&
                  scalarType(type).isInteger(32);
    return packed ? emitPacked(op, operands, getElementTypeOrSelf(type))
                  : emitScalar(op, operands, scalarType(type));
  });
  return success();
}

/// Whether moving a term to the other side keeps a comparison: not if it could wrap around.
static bool isOfPositions(arith::CmpIOp op) {
  using Predicate = arith::CmpIPredicate;
  Predicate predicate = op.getPredicate();
  if (predicate == Predicate::eq || predicate == Predicate::ne)
    return true;
  bool isSigned = predicate == Predicate::slt || predicate == Predicate::sle ||
                  predicate == Predicate::sgt || predicate == Predicate::sge;
  return isSigned && getElementTypeOrSelf(op.getLhs().getType()).isIndex();
}

Value Emitter::emitScalar(Operation *op, ValueRange operands, Type result) {
  bool single = result.isF32();
  // The special-function unit, without the range checks of the accurate forms.
  if (isa<math::Exp2Op>(op) && single)
    return intrinsic("llvm.nvvm.ex2.approx.ftz.f32", operands[0]);
  if (isa<math::Log2Op>(op) && single)
    return intrinsic("llvm.nvvm.lg2.approx.ftz.f", operands[0]);
  if (auto tanh = dyn_cast<math::TanhOp>(op);
      tanh && single && bitEnumContainsAll(tanh.getFastmath(), arith::FastMathFlags::afn)) {
    auto result = LLVM::TanhOp::create(b, loc, operands[0]);
    result.setFastmathFlags(LLVM::FastmathFlags::afn);
    return result;
  }
  bool approximate = single && !op->hasAttr(kAccurateAttr);
  if (isa<math::SinOp>(op) && approximate)
    return intrinsic("llvm.nvvm.sin.approx.ftz.f", operands[0]);
  if (isa<math::CosOp>(op) && approximate)
    return intrinsic("llvm.nvvm.cos.approx.ftz.f", operands[0]);
  if (isa<math::FmaOp>(op))
    return LLVM::FMAOp::create(b, loc, operands[0], operands[1], operands[2]);
  if (auto div = dyn_cast<arith::DivFOp>(op);
      div && single && bitEnumContainsAll(div.getFastmath(), arith::FastMathFlags::afn)) {
    Value inverse = intrinsic("llvm.nvvm.rcp.approx.ftz.f", operands[1]);
    return LLVM::FMulOp::create(b, loc, operands[0], inverse);
  }
  // A mask compares column numbers: the thread's first column plus a constant. With the first
  // column on the other side, which all columns share, no register is needed for each of them.
  // (Positions stay far from the ends of 32 bits; an unsigned comparison would meet their middle.)
  if (auto cmp = dyn_cast<arith::CmpIOp>(op); cmp && isOfPositions(cmp))
    if (auto sum = operands[0].getDefiningOp<LLVM::AddOp>())
      if (auto offset = sum.getRhs().getDefiningOp<LLVM::ConstantOp>())
        if (result.isInteger(1) && sum.getType().isInteger(32)) {
          Value bound = LLVM::SubOp::create(b, loc, operands[1], sum.getLhs());
          return arith::CmpIOp::create(b, loc, cmp.getPredicate(), offset, bound);
        }
  // An index is an i32 here, so that casts from and to it become extensions or nothing.
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op)) {
    unsigned from = operands[0].getType().getIntOrFloatBitWidth(),
             to = result.getIntOrFloatBitWidth();
    if (from == to)
      return operands[0];
    if (from > to)
      return LLVM::TruncOp::create(b, loc, result, operands[0]);
    if (isa<arith::IndexCastOp>(op))
      return LLVM::SExtOp::create(b, loc, result, operands[0]);
    return LLVM::ZExtOp::create(b, loc, result, operands[0]);
  }
  OperationState state(loc, op->getName().getStringRef(), operands, result, op->getAttrs());
  return b.create(state)->getResult(0);
}

/// Reduces over the columns that this thread holds, then over the four lanes of a row. Several
/// chains run side by side, so that their latencies overlap.
void Emitter::emitReduce(ReduceOp op) {
  if (isIn<ChannelAttr>(op.getSource().getType()))
    return reduceChannels(op);
  constexpr size_t kChains = 4;
  auto combine = [&](Value x, Value y) -> Value {
    if (op.getKind() == ReduceKind::Max)
      return LLVM::MaxNumOp::create(b, loc, x, y);
    return LLVM::FAddOp::create(b, loc, x, y);
  };
  const Values source = get(op.getSource());
  Values result;
  bool acc = isIn<AccAttr>(op.getSource().getType());
  for (unsigned i = 0; i < 2; ++i) {
    Values chains;
    size_t position = 0;
    for (auto [k, value] : llvm::enumerate(source)) {
      bool here = acc ? ((k >> 1) & 1) == i : k == i;
      if (!here)
        continue;
      size_t chain = position++ % kChains;
      if (chain < chains.size())
        chains[chain] = combine(chains[chain], value);
      else
        chains.push_back(value);
    }
    while (chains.size() > 1) {
      Values next;
      for (size_t k = 0; k < chains.size(); k += 2)
        next.push_back(k + 1 < chains.size() ? combine(chains[k], chains[k + 1]) : chains[k]);
      chains = std::move(next);
    }
    Value value = chains.front();
    if (isIn<RowAttr>(op.getResult().getType()))
      for (int64_t distance : {1, 2})
        value = combine(value,
                        NVVM::ShflOp::create(b, loc, value.getType(), i32(-1), value, i32(distance),
                                             i32(31), NVVM::ShflKind::bfly, UnitAttr()));
    result.push_back(value);
  }
  set(op.getResult(), std::move(result));
}

void Emitter::emitBroadcast(BroadcastOp op) {
  bool toAcc = isIn<AccAttr>(op.getResult().getType());
  Value source = op.getSource();
  Type from = source.getType(), to = op.getResult().getType();
  if (Type type = getElementTypeOrSelf(from); type.isF16() && scalarType(to) != type) { // pairs of one number
    Value word = pairOf(one(source), one(source));
    return setEach(op, [=](int64_t) { return word; });
  }
  if (op->hasAttr(kApartAttr)) { // of an index
    Value number = ptx::remade(b, loc, one(source));
    return setEach(op, [=](int64_t) { return number; });
  }
  setEach(op, [=](int64_t k) {
    int64_t at = 0;
    if (isIn<RowAttr>(from))
      at = toAcc ? (k >> 1) & 1 : k;
    else if (isIn<ColAttr>(from))
      at = 2 * (k / 4) + (k & 1);
    else if (isIn<ChannelAttr>(from))
      at = k % channelsPerThread(from);
    else if (isIn<StateAttr>(from))
      at = k / channelsPerThread(to);
    return element(source, at);
  });
}

void Emitter::emitIota(IotaOp op) {
  if (isIn<LineAttr>(op.getResult().getType())) {
    Value first = add(one(op.getBase()), lane);
    return setEach(op, [=](int64_t k) { return add(first, kWarpLanes * k); });
  }
  Type type = op.getResult().getType();
  if (isIn<StateAttr>(type)) {
    Value first = add(one(op.getBase()), firstRow(type));
    setEach(op, [=](int64_t k) { return add(first, k); });
    return;
  }
  bool rows = isIn<RowAttr>(op.getResult().getType());
  Value first = add(one(op.getBase()), rows ? row : mul(quadLane, 2));
  // What is kept apart from positions that are known would be held from there, or sums of it.
  if (op->hasAttr(kApartAttr))
    first = ptx::remade(b, loc, first);
  // LLVM would add the thread's part to each constant once, in front of the loop over the base, and
  // hold all those sums.
  bool spread = kernel.getSchedule().getSpread();
  bool single = getElementTypeOrSelf(op.getResult()).isF32();
  if (!rows && (spread || !matchPattern(op.getBase(), m_Constant())))
    first = ptx::opaque(b, loc, first, /*pinned=*/spread);
  else if (single)
    first = ptx::opaque(b, loc, first);
  auto offset = [=](int64_t k) { return rows ? 8 * k : 8 * (k / 2) + k % 2; };
  if (single) {
    first = LLVM::SIToFPOp::create(b, loc, b.getF32Type(), first);
    return setEach(op, [=](int64_t k) -> Value {
      return LLVM::FAddOp::create(b, loc, first, f32(offset(k)));
    });
  }
  setEach(op, [=](int64_t k) { return add(first, i32(offset(k))); });
}

Value Emitter::pairOf(Value low, Value high) {
  Value pair = LLVM::UndefOp::create(b, loc, VectorType::get(2, low.getType()));
  pair = LLVM::InsertElementOp::create(b, loc, pair, low, i32(0));
  pair = LLVM::InsertElementOp::create(b, loc, pair, high, i32(1));
  return LLVM::BitcastOp::create(b, loc, b.getI32Type(), pair);
}

Value Emitter::pack(Value low, Value high, Type element) {
  auto pair = VectorType::get(2, b.getF32Type());
  Value v = LLVM::UndefOp::create(b, loc, pair);
  v = LLVM::InsertElementOp::create(b, loc, v, low, i32(0));
  v = LLVM::InsertElementOp::create(b, loc, v, high, i32(1));
  v = LLVM::FPTruncOp::create(b, loc, VectorType::get(2, element), v);
  return LLVM::BitcastOp::create(b, loc, b.getI32Type(), v);
}

/// Neighbouring columns share a register; both 16-bit layouts keep the accumulator's order.
void Emitter::emitConvert(ConvertOp op) {
  const Values source = get(op.getSource());
  Type element = getElementTypeOrSelf(op.getResult().getType());
  Values result;
  for (size_t k = 0; k < source.size(); k += 2)
    result.push_back(pack(source[k], source[k + 1], element));
  set(op.getResult(), std::move(result));
}

/// Neighbouring columns come out of one register.
void Emitter::emitExtend(arith::ExtFOp op) {
  const Values source = get(op.getIn());
  Type element = getElementTypeOrSelf(op.getIn().getType());
  setEach(op, [=](int64_t k) -> Value {
    Value pair = LLVM::BitcastOp::create(b, loc, VectorType::get(2, element), source[k / 2]);
    Value half = LLVM::ExtractElementOp::create(b, loc, pair, i32(k % 2));
    return LLVM::FPExtOp::create(b, loc, b.getF32Type(), half);
  });
}

/// Both parts of an element at a time, so that no more than its factors must be at hand.
void Emitter::emitComplexMul(ComplexMulOp op) {
  Values re, im;
  auto mul = [&](Value x, Value y) -> Value { return LLVM::FMulOp::create(b, loc, x, y); };
  auto fma = [&](Value x, Value y, Value z) -> Value {
    return LLVM::FMAOp::create(b, loc, x, y, z);
  };
  for (int64_t k = 0, n = count(op.getRe().getType()); k < n; ++k) {
    Value aRe = element(op.getARe(), k), aIm = element(op.getAIm(), k);
    Value bRe = element(op.getBRe(), k), bIm = element(op.getBIm(), k);
    if (op.getConjugate())
      bIm = LLVM::FNegOp::create(b, loc, bIm);
    Value cross = LLVM::FNegOp::create(b, loc, mul(aIm, bIm));
    re.push_back(fma(aRe, bRe, cross));
    im.push_back(fma(aIm, bRe, mul(aRe, bIm)));
  }
  set(op.getRe(), std::move(re));
  set(op.getIm(), std::move(im));
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
