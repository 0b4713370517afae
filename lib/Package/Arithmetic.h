//===- Arithmetic.h - Checked 64-bit integers -------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Stands alone: emitted headers carry a copy of this file.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_ARITHMETIC_V1
#define LONGWING_ARITHMETIC_V1

#include <cstdint>

namespace longwing_v1 {

/// Sums, products and quotients that remember whether one of them had no value. Division
/// rounds down (`div`, with `mod`) or up (`ceildiv`); a divisor must be positive.
struct Arithmetic {
  bool ok = true;

  int64_t add(int64_t a, int64_t b) {
    int64_t result = 0;
    bool overflows = __builtin_add_overflow(a, b, &result);
    return keep(overflows, result);
  }
  int64_t sub(int64_t a, int64_t b) {
    int64_t result = 0;
    bool overflows = __builtin_sub_overflow(a, b, &result);
    return keep(overflows, result);
  }
  int64_t mul(int64_t a, int64_t b) {
    int64_t result = 0;
    bool overflows = __builtin_mul_overflow(a, b, &result);
    return keep(overflows, result);
  }
  int64_t div(int64_t a, int64_t b) {
    if (b <= 0)
      return keep(true, 0);
    return a / b - (a % b < 0);
  }
  int64_t ceildiv(int64_t a, int64_t b) {
    if (b <= 0)
      return keep(true, 0);
    return a / b + (a % b > 0);
  }
  int64_t mod(int64_t a, int64_t b) {
    if (b <= 0)
      return keep(true, 0);
    return a % b < 0 ? a % b + b : a % b;
  }

private:
  int64_t keep(bool failed, int64_t result) {
    ok = ok && !failed;
    return failed ? 0 : result;
  }
};

} // namespace longwing_v1

#endif // LONGWING_ARITHMETIC_V1
