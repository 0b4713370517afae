//===- Check.h - Results against the oracle ---------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TOOLS_RUN_CHECK_H
#define LONGWING_TOOLS_RUN_CHECK_H

#include "tools/longwing-run/Array.h"

namespace longwing::run {

/// How far a result is from the exact one.
struct Difference {
  /// |x - e| / |e| over all elements, and the largest of it over the rows (the last dimension).
  double relative = 0, worstRow = 0;
  /// The largest |x - e|.
  double maximum = 0;
  /// Elements that are NaN on either side, or infinite on one only.
  int64_t broken = 0;
};

/// Infinities of one sign are equal.
Difference compare(const Array &result, const Array &exact);

/// What the relative L2 error may be: a few roundings to the type of the result.
double defaultTolerance(DType dtype);

/// A row is a small sample: it may be worse than the whole by this factor.
constexpr double kRowFactor = 4;
bool passes(const Difference &difference, double tolerance);

} // namespace longwing::run

#endif // LONGWING_TOOLS_RUN_CHECK_H
