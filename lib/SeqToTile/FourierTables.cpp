//===- FourierTables.cpp - Constants of Fourier transforms ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FourierTables.h"

#include "dialects/tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/APFloat.h"

#include <cmath>

using namespace mlir;
using namespace longwing;
using Complex = std::complex<double>;

Complex longwing::unitRoot(int64_t numerator, int64_t denominator) {
  int64_t turn = ((numerator % denominator) + denominator) % denominator;
  return std::polar(1.0, 2 * M_PI * double(turn) / double(denominator));
}

Complex longwing::rootOf(const FourierPlan &plan, int64_t k, int64_t n) {
  return unitRoot(-n * (4 * k - (plan.rightAngle ? 1 : 0)), 4 * plan.length());
}

FourierTable longwing::firstStage(const FourierPlan &plan, double scale, bool transpose, int64_t k0,
                                  int64_t part) {
  return [=](int64_t b, int64_t row, int64_t column) -> Complex {
    int64_t k = transpose ? column : row, a = transpose ? row : column, rows = plan.rows();
    if (k / rows != a / rows || k % rows >= plan.radix || a % rows >= plan.radix)
      return 0;
    k = k0 + plan.parts() * (k % rows), a = 16 * part + a % rows;
    if (plan.parts() > 1)
      b = 0;
    int64_t n = plan.length();
    // All angles in units of 1 / (4 N) turns.
    int64_t angle = -4 * (256 * a * k + 16 * b * k);
    if (plan.rightAngle)
      angle += 256 * a + 16 * b;
    return scale * unitRoot(angle, 4 * n);
  };
}

FourierTable longwing::partTwiddle(const FourierPlan &plan, bool transpose, int64_t k0) {
  return [=](int64_t b, int64_t row, int64_t column) {
    int64_t k = k0 + plan.parts() * (transpose ? column : row);
    return unitRoot(-16 * b * (4 * k - (plan.rightAngle ? 1 : 0)), 4 * plan.length());
  };
}

FourierTable longwing::sixteen(double scale) {
  return [=](int64_t, int64_t row, int64_t column) { return scale * unitRoot(-row * column, 16); };
}

FourierTable longwing::inQuads(const FourierTable &table, bool rows, bool columns) {
  return [=](int64_t warp, int64_t row, int64_t column) {
    return table(warp, rows ? tile::quadColumn(row) : row, columns ? tile::quadColumn(column) : column);
  };
}

FourierTable longwing::twiddle(const FourierPlan &plan, double scale, bool back, int64_t k0) {
  return [=](int64_t warp, int64_t row, int64_t column) -> Complex {
    int64_t k1 = warp % plan.rows(), k2 = back ? column : row, c = back ? row : column;
    if (k1 >= plan.radix)
      return 0;
    int64_t angle = -4 * c * (k0 + plan.parts() * k1 + plan.radix * k2);
    if (plan.rightAngle)
      angle += c;
    Complex value = scale * unitRoot(angle, 4 * plan.length());
    return back ? std::conj(value) : value;
  };
}

FourierTable longwing::conjugate(const FourierTable &table) {
  return [=](int64_t warp, int64_t row, int64_t column) { return std::conj(table(warp, row, column)); };
}

static APFloat rounded(double value, const llvm::fltSemantics &semantics) {
  APFloat result(value);
  bool loses = false;
  result.convert(semantics, APFloat::rmNearestTiesToEven, &loses);
  return result;
}

Value longwing::rowTwiddles(OpBuilder &b, Location loc, const FourierPlan &plan, bool quads) {
  SmallVector<APFloat> values;
  auto add = [&](Complex value) {
    for (double part : {value.real(), value.imag()})
      values.push_back(rounded(part, APFloat::IEEEhalf()));
  };
  // Columns of b and of k1 are read in quads, but stand in order in the tiles; those of c may stand in quads.
  auto columnAt = [](int64_t at) { return 8 * (at % 4 / 2) + 2 * (at / 4) + at % 2; };
  for (int64_t k = 0; k < plan.radix; ++k)
    for (int64_t at = 0; at < 16; ++at)
      add(0.25 * rootOf(plan, k, 16 * columnAt(at)));
  for (int64_t k = 0; k < plan.radix; ++k)
    for (int64_t c = 0; c < 16; ++c)
      add(rootOf(plan, k, quads ? c : columnAt(c)));
  for (int64_t row = 0; row < plan.radix; ++row)
    for (int64_t at = 0; at < 16; ++at)
      add(rootOf(plan, columnAt(at) + row / 16 * 16, 16 * (row % 16)));
  auto type = RankedTensorType::get({rowTwiddleCount(plan), 2}, b.getF16Type());
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, values));
}

DenseElementsAttr longwing::tabulate(RankedTensorType type, const FourierTable &table, Part part,
                                     bool residual) {
  const auto &semantics = cast<FloatType>(type.getElementType()).getFloatSemantics();
  SmallVector<APFloat> values;
  for (int64_t w = 0; w < type.getDimSize(0); ++w)
    for (int64_t row = 0; row < type.getDimSize(1); ++row)
      for (int64_t column = 0; column < type.getDimSize(2); ++column) {
        Complex element = table(w, row, column);
        double value = part == Part::Real        ? element.real()
                       : part == Part::Imaginary ? element.imag()
                                                 : -element.imag();
        if (residual) {
          APFloat near = rounded(value, semantics);
          bool loses = false;
          near.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &loses);
          value = (value - near.convertToDouble()) * kResidual;
        }
        values.push_back(rounded(value, semantics));
      }
  return DenseElementsAttr::get(type, values);
}
