//===- Check.cpp - Results against the oracle -----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/longwing-run/Check.h"

#include <cmath>
#include <limits>

using namespace longwing;
using namespace longwing::run;

/// sqrt(error / norm), where 0 / 0 is no error and error / 0 an infinite one.
static double ratio(double error, double norm) {
  if (error == 0)
    return 0;
  return norm == 0 ? std::numeric_limits<double>::infinity() : std::sqrt(error / norm);
}

Difference run::compare(const Array &result, const Array &exact) {
  Difference difference;
  int64_t row = exact.sizes.empty() ? 1 : exact.sizes.back();
  double error = 0, norm = 0;
  for (int64_t start = 0, end = exact.elements(); start < end; start += row) {
    double rowError = 0, rowNorm = 0;
    for (int64_t i = start; i < start + row; ++i) {
      double x = result.get(i), e = exact.get(i);
      if (x == e && std::isinf(e))
        continue;
      if (!std::isfinite(x) || !std::isfinite(e)) {
        ++difference.broken;
        continue;
      }
      difference.maximum = std::max(difference.maximum, std::abs(x - e));
      rowError += (x - e) * (x - e);
      rowNorm += e * e;
    }
    difference.worstRow = std::max(difference.worstRow, ratio(rowError, rowNorm));
    error += rowError;
    norm += rowNorm;
  }
  difference.relative = ratio(error, norm);
  return difference;
}

double run::defaultTolerance(DType dtype) {
  switch (dtype) {
  case DType::BF16:
    return 1e-2;
  case DType::F16:
    return 2e-3;
  case DType::F32:
    return 1e-4;
  case DType::F64:
    return 1e-12;
  case DType::F8E4M3:
  case DType::F8E5M2:
    return 1e-1;
  default:
    return 0;
  }
}

bool run::passes(const Difference &difference, double tolerance) {
  return difference.broken == 0 && difference.relative <= tolerance &&
         difference.worstRow <= kRowFactor * tolerance;
}
