//===- Butterfly.cpp - What transforms and butterflies mean ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fourier.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;

/// A tensor, one element at a time.
static Value tabulateTensor(LoopBuilder &b, ArrayRef<OpFoldResult> sizes, Type element,
                            llvm::function_ref<Value(ValueRange)> value) {
  SmallVector<utils::IteratorType> iterators(sizes.size(), parallel);
  AffineMap identity = b.getMultiDimIdentityMap(sizes.size());
  return b.generic({}, {}, b.empty(sizes, element), identity, iterators, [&](ValueRange) {
    SmallVector<Value> indices;
    for (unsigned dim = 0; dim < sizes.size(); ++dim)
      indices.push_back(linalg::IndexOp::create(b, dim));
    return SmallVector<Value>{b.convert(value(indices), element)};
  })[0];
}

/// The real part where the last index is 0, the imaginary part where it is 1.
static Value partOf(LoopBuilder &b, Complex value, Value index) {
  Value isReal = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, index, b.index(0));
  return arith::SelectOp::create(b, isReal, value.re, value.im);
}

/// A complex element of a tensor with a trailing dimension of 2, in the arithmetic's type.
static Complex complexElement(LoopBuilder &b, Value tensor, ValueRange indices) {
  auto part = [&](int64_t i) {
    SmallVector<Value> all(indices);
    all.push_back(b.index(i));
    return b.element(tensor, all);
  };
  return {part(0), part(1)};
}

//===----------------------------------------------------------------------===//
// Fourier transforms
//===----------------------------------------------------------------------===//

/// One frequency, as the sum that it is.
static Complex fourierSum(LoopBuilder &b, Value n, Value f, bool inverse,
                          llvm::function_ref<Complex(Value)> sample) {
  auto loop = scf::ForOp::create(b, b.index(0), n, b.index(1), ValueRange{wide(b, 0), wide(b, 0)});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value i = loop.getInductionVar();
    Complex turn = root(b, arith::RemUIOp::create(b, arith::MulIOp::create(b, i, f), n), n);
    if (!inverse)
      turn = conjugate(b, turn);
    Complex sum = add(b, {loop.getRegionIterArg(0), loop.getRegionIterArg(1)},
                      multiply(b, sample(i), turn));
    scf::YieldOp::create(b, ValueRange{sum.re, sum.im});
  }
  Complex sum{loop.getResult(0), loop.getResult(1)};
  if (!inverse)
    return sum;
  Value length = arith::IndexCastUIOp::create(b, b.getI64Type(), n);
  Value count = arith::UIToFPOp::create(b, b.getF64Type(), length);
  return {arith::DivFOp::create(b, sum.re, count), arith::DivFOp::create(b, sum.im, count)};
}

SmallVector<Value> longwing::lowerFft(OpBuilder &builder, seq::FftOp op, ValueRange operands,
                                      const Arithmetic &arithmetic) {
  LoopBuilder b(builder, op, arithmetic);
  Value x = operands[0];
  unsigned rows = op.getX().getType().getRank() - 2;
  auto sizes = tensor::getMixedSizes(b, b.getLoc(), x);
  Value n = tensor::DimOp::create(b, x, rows);
  b.require(arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, n, b.index(0)),
            "a positive length (dimension " + Twine(rows) + ")");
  Value weightPeriod = arith::MulIOp::create(b, n, b.index(4));
  Type element = arithmetic.resultOf(op.getY().getType().getElementType());
  auto sample = [&](ValueRange row, Value i) -> Complex {
    SmallVector<Value> indices(row);
    indices.push_back(i);
    Complex value = complexElement(b, x, indices);
    value = {b.convert(value.re, b.getF64Type()), b.convert(value.im, b.getF64Type())};
    bool weighted = op.getRightAngle() && !op.getInverse();
    return weighted ? multiply(b, value, root(b, i, weightPeriod)) : value;
  };
  auto finish = [&](Complex value, Value f) {
    if (op.getRightAngle() && op.getInverse())
      value = multiply(b, value, conjugate(b, root(b, f, weightPeriod)));
    return value;
  };
  if (arithmetic.pointwise)
    return {tabulateTensor(b, sizes, element, [&](ValueRange indices) {
      Complex sum = fourierSum(b, n, indices[rows], op.getInverse(), [&](Value i) {
        return sample(indices.take_front(rows), i);
      });
      return partOf(b, finish(sum, indices[rows]), indices.back());
    })};
  Fourier fourier(b, n);

  auto transform = [&](ValueRange row) {
    Complex wave = tabulate(b, n, [&](Value i) { return sample(row.take_front(rows), i); });
    Complex result = fourier.transform(wave, op.getInverse());
    return tabulateTensor(b, {sizes[rows], sizes[rows + 1]}, element, [&](ValueRange indices) {
      return partOf(b, finish(at(b, result, indices[0]), indices[0]), indices[1]);
    });
  };
  if (rows == 0)
    return {transform({})};
  return b.forAll(ArrayRef(sizes).take_front(rows), b.empty(sizes, element),
                  [&](ValueRange row) { return LoopBuilder::Values{transform(row)}; });
}

SmallVector<Value> longwing::lowerRoots(OpBuilder &builder, seq::RootsOp op,
                                        const Arithmetic &arithmetic) {
  LoopBuilder b(builder, op, arithmetic);
  RankedTensorType type = op.getY().getType();
  SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(b.getContext(), type.getShape());
  // In quarters of a step: (4 k - 1) m is an integer. Factors stay below the period, so that their
  // product is exact.
  Value four = b.index(4), period = b.index(4 * op.getOrder());
  auto quarters = [&](Value index, unsigned dim) -> Value {
    Value scaled = arith::MulIOp::create(b, arith::RemUIOp::create(b, index, period), four);
    if (op.getQuarter() == dim)
      scaled = arith::AddIOp::create(b, scaled, b.index(4 * op.getOrder() - 1));
    return arith::RemUIOp::create(b, scaled, period);
  };
  Type element = arithmetic.resultOf(type.getElementType());
  return {tabulateTensor(b, sizes, element, [&](ValueRange indices) {
    Value turns = quarters(indices[0], 0);
    if (indices.size() == 3 && op.getQuarter() == 1)
      turns = arith::MulIOp::create(b, arith::RemUIOp::create(b, indices[0], period),
                                    quarters(indices[1], 1));
    else if (indices.size() == 3)
      turns = arith::MulIOp::create(b, turns, arith::RemUIOp::create(b, indices[1], period));
    Complex value = root(b, arith::RemUIOp::create(b, turns, period), period);
    if (!op.getInverse())
      value = conjugate(b, value);
    value = multiply(b, value, {wide(b, op.getEffectiveScale()), wide(b, 0)});
    return partOf(b, value, indices.back());
  })};
}

SmallVector<Value> longwing::lowerImplicitSpectrum(OpBuilder &builder, seq::ImplicitSpectrumOp op,
                                                   const Arithmetic &arithmetic,
                                                   InlineRegion inlined) {
  LoopBuilder b(builder, op, arithmetic);
  RankedTensorType type = op.getSpectrum().getType();
  int64_t points = type.getDimSize(1);
  // Position p holds the frequency whose digits these are, from the right.
  SmallVector<int64_t> mirrored(llvm::reverse(op.getRadices()));
  Value four = b.index(4), period = b.index(4 * points);
  Type compute = arithmetic.compute, f64 = b.getF64Type();
  SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(b.getContext(), type.getShape());
  Value spectrum = tabulateTensor(b, sizes, arithmetic.resultOf(type.getElementType()), [&](ValueRange indices) {
    // In quarters of a step: 4 f, or 4 f - 1.
    Value turns = arith::MulIOp::create(b, positionOf(b, indices[1], mirrored), four);
    if (op.getKind() != seq::ConvKind::Circular) {
      turns = arith::AddIOp::create(b, turns, b.index(4 * points - 1));
      turns = arith::RemUIOp::create(b, turns, period);
    }
    Complex z = conjugate(b, root(b, turns, period));
    SmallVector<Value> value =
        inlined(b, op.getBody(), {indices[0], b.convert(z.re, compute), b.convert(z.im, compute)});
    return partOf(b, {b.convert(value[0], f64), b.convert(value[1], f64)}, indices[2]);
  });
  return {b.declared(spectrum, op.getSpectrum())};
}

SmallVector<Value> longwing::lowerComplexMul(OpBuilder &builder, seq::ComplexMulOp op,
                                             ValueRange operands, const Arithmetic &arithmetic) {
  LoopBuilder b(builder, op, arithmetic);
  Value x = operands[0], y = operands[1];
  auto sizes = tensor::getMixedSizes(b, b.getLoc(), x);
  unsigned rank = op.getB().getType().getRank(), leading = sizes.size() - rank;
  for (unsigned dim = 0; dim + 1 < rank; ++dim)
    if (op.getA().getType().isDynamicDim(leading + dim) || op.getB().getType().isDynamicDim(dim))
      b.require(arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                      tensor::DimOp::create(b, y, dim),
                                      tensor::DimOp::create(b, x, leading + dim)),
                "dimension " + Twine(dim) + " of b to equal dimension " + Twine(leading + dim) +
                    " of a");
  Type element = arithmetic.resultOf(op.getY().getType().getElementType());
  Value product = tabulateTensor(b, sizes, element, [&](ValueRange indices) {
    ValueRange row = indices.drop_back();
    Complex factor = complexElement(b, y, row.drop_front(leading));
    if (op.getConjugate())
      factor = conjugate(b, factor);
    return partOf(b, multiply(b, complexElement(b, x, row), factor), indices.back());
  });
  return {b.declared(product, op.getY())};
}

//===----------------------------------------------------------------------===//
// Butterflies
//===----------------------------------------------------------------------===//

namespace {

class ButterflyLowering {
public:
  ButterflyLowering(OpBuilder &builder, seq::ButterflyOp op, ValueRange operands,
                    const Arithmetic &arithmetic)
      : op(op), in(operands, op), b(builder, op, arithmetic), dim(op.getDimension()) {}

  Value lower();

private:
  Value stage(Value x, Value factor, int64_t stride);

  seq::ButterflyOp op;
  seq::ButterflyOp::Adaptor in;
  LoopBuilder b;
  unsigned dim;
  SmallVector<OpFoldResult> sizes;
};

} // namespace

/// y[o][s][j] = sum over r of w[o m + j][s][r] x[o][r][j].
Value ButterflyLowering::stage(Value x, Value factor, int64_t stride) {
  auto type = cast<RankedTensorType>(factor.getType());
  int64_t matrices = type.getDimSize(0), rows = type.getDimSize(1), columns = type.getDimSize(2);
  int64_t before = *getConstantIntValue(sizes[dim]);
  sizes[dim] = b.getIndexAttr(before / columns * rows);

  unsigned rank = sizes.size();
  AffineMap outputMap = AffineMap::getMultiDimIdentityMap(rank + 1, b.getContext()).dropResult(rank);
  SmallVector<utils::IteratorType> iterators(rank, parallel);
  iterators.push_back(reduction);
  // The reduction's range has no operand of its own.
  Value range = b.empty({b.getIndexAttr(columns)}, b.arithmetic.compute);
  AffineMap rangeMap = AffineMap::get(rank + 1, 0, b.getAffineDimExpr(rank));
  Value zeros = b.filled(sizes, b.real(0));
  return b.generic(range, rangeMap, zeros, outputMap, iterators, [&](ValueRange args) {
    auto div = [&](Value i, int64_t n) { return arith::DivUIOp::create(b, i, b.index(n)); };
    auto rem = [&](Value i, int64_t n) { return arith::RemUIOp::create(b, i, b.index(n)); };
    auto mulAdd = [&](Value i, int64_t n, Value j) -> Value {
      return arith::AddIOp::create(b, arith::MulIOp::create(b, i, b.index(n)), j);
    };
    Value position = linalg::IndexOp::create(b, dim), r = linalg::IndexOp::create(b, rank);
    Value j = rem(position, stride), rest = div(position, stride);
    Value s = rem(rest, rows), o = div(rest, rows);
    Value block = matrices == 1 ? b.index(0) : mulAdd(o, stride, j);
    SmallVector<Value> from;
    for (unsigned i = 0; i < rank; ++i)
      from.push_back(linalg::IndexOp::create(b, i));
    from[dim] = mulAdd(mulAdd(o, columns, r), stride, j);
    Real sum{&b, args[1]};
    if (!op.getComplex())
      return SmallVector<Value>{(sum + Real{&b, b.element(factor, {block, s, r})} *
                                           Real{&b, b.element(x, from)}).value};
    // The part at hand takes re w times itself, and im w times the other part: less for the real one.
    Complex weight = complexElement(b, factor, {block, s, r});
    Real own{&b, b.element(x, from)};
    Value part = from.back(), negative = arith::NegFOp::create(b, weight.im);
    from.back() = arith::SubIOp::create(b, b.index(1), part);
    Real other{&b, b.element(x, from)}, turned{&b, partOf(b, {negative, weight.im}, part)};
    return SmallVector<Value>{(sum + (Real{&b, weight.re} * own + turned * other)).value};
  })[0];
}

Value ButterflyLowering::lower() {
  sizes = tensor::getMixedSizes(b, b.getLoc(), in.getX());
  Value x = b.extended(in.getX());
  for (auto [factor, stride] : llvm::zip(in.getFactors(), op.getStrides()))
    x = stage(x, factor, stride);
  Type element = b.arithmetic.resultOf(op.getY().getType().getElementType());
  Value rounded = tabulateTensor(b, sizes, element,
                                 [&](ValueRange indices) { return b.element(x, indices); });
  return b.declared(rounded, op.getY());
}

SmallVector<Value> longwing::lowerButterfly(OpBuilder &builder, seq::ButterflyOp op,
                                            ValueRange operands, const Arithmetic &arithmetic) {
  return {ButterflyLowering(builder, op, operands, arithmetic).lower()};
}
