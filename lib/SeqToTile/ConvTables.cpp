//===- ConvTables.cpp - Plans and constants of transforms -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConvPasses.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

static std::complex<double> turn(double numerator, double denominator) {
  return std::polar(1.0, 2 * M_PI * numerator / denominator);
}

std::complex<double> longwing::outerRoot(const PassPlan &plan, int64_t k, int64_t n, int64_t size,
                                         int sign) {
  return turn(sign * double((4 * k - plan.rightAngle) * n % (4 * size)), 4.0 * double(size));
}

std::complex<double> longwing::root(int64_t k, int64_t n, int64_t size, int sign) {
  return turn(sign * double(k * n % size), double(size));
}

int64_t ConvTables::add(Entry entry) {
  int64_t first = values.size() / (rows * columns);
  for (int part = 0; part < 2; ++part)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) {
        std::complex<double> value = entry(r, c);
        values.push_back(part ? value.imag() : value.real());
      }
  return first;
}

APFloat longwing::nearest(double value, Type element) {
  APFloat number(value);
  bool lost = false;
  number.convert(cast<FloatType>(element).getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
  return number;
}

static double rounded(double value, Type element) {
  APFloat number = nearest(value, element);
  bool lost = false;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
  return number.convertToDouble();
}

int64_t ConvTables::addSplit(Entry entry, Type element) {
  int64_t first = add([&](int64_t r, int64_t c) {
    std::complex<double> value = entry(r, c);
    return std::complex<double>(rounded(value.real(), element), rounded(value.imag(), element));
  });
  add([&](int64_t r, int64_t c) {
    std::complex<double> value = entry(r, c);
    return value - std::complex<double>(rounded(value.real(), element),
                                        rounded(value.imag(), element));
  });
  return first;
}

Value ConvTables::constant(OpBuilder &b, Location loc, Type element) const {
  int64_t planes = values.size() / (rows * columns);
  auto type = RankedTensorType::get({planes, rows, columns}, element);
  SmallVector<APFloat> elements;
  elements.reserve(values.size());
  for (double value : values)
    elements.push_back(nearest(value, element));
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, elements));
}

Complex longwing::multiply(TileBuilder &t, Complex x, Complex y, bool conjugate) {
  auto product = ComplexMulOp::create(t.b, t.loc, x.re, x.im, y.re, y.im, conjugate);
  return {product.getRe(), product.getIm()};
}

/// An index tile as f32.
static Value toFloat(TileBuilder &t, Value index) {
  auto type = cast<RankedTensorType>(index.getType());
  Value integer = t.make<arith::IndexCastOp>(type.clone(t.b.getI32Type()), index);
  return t.make<arith::SIToFPOp>(type.clone(t.b.getF32Type()), integer);
}

Complex longwing::passTwiddle(TileBuilder &t, const PassPlan &plan, Value k1, Value b, int sign,
                              RankedTensorType type) {
  auto fill = [&](int64_t value) {
    return t.make<BroadcastOp>(k1.getType(), t.index(value));
  };
  // In quarters of 1 / N turns everything up to the first column of a row is an exact integer,
  // which is brought around zero; the columns of a row add less than a turn's 1 / P.
  Value quarters = t.sub(t.make<arith::MulIOp>(k1, fill(4)), fill(plan.rightAngle));
  Value angle = t.make<arith::MulIOp>(quarters, t.make<arith::MulIOp>(b, fill(kSide)));
  Value large = t.compare(arith::CmpIPredicate::sge, angle, fill(2 * plan.points()));
  angle = t.select(large, t.sub(angle, fill(4 * plan.points())), angle);
  double unit = sign * 2 * M_PI / (4.0 * double(plan.points()));
  Value base = t.mulf(toFloat(t, angle), unit);
  Value slope = t.mulf(toFloat(t, quarters), unit);
  Value column = t.iotaf<ColAttr>(t.index(0), type.getDimSize(1));
  Value theta = t.fma(t.broadcast(slope, type), t.broadcast(column, type), t.broadcast(base, type));
  return {t.make<math::CosOp>(theta), t.make<math::SinOp>(theta)};
}
