//===- Array.h - Tensors in host memory -------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TOOLS_RUN_ARRAY_H
#define LONGWING_TOOLS_RUN_ARRAY_H

#include "longwing/Package.h"

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace longwing::run {

/// A contiguous tensor and its memory.
struct Array {
  DType dtype = DType::F32;
  std::vector<int64_t> sizes;
  std::vector<char> bytes;

  Array() = default;
  /// An array of zeros.
  Array(DType dtype, std::vector<int64_t> sizes);

  int64_t elements() const;
  /// An element as a double. Exact for all floats and for integers below 2^53.
  double get(int64_t index) const;
  /// Sets an element, rounded to nearest, ties to even.
  void set(int64_t index, double value);
};

bool isFloat(DType dtype);
/// "2x16x1024x128xbf16".
std::string describe(DType dtype, const std::vector<int64_t> &sizes);

/// What random numbers an input is to hold.
enum class Draw {
  /// Floats from the standard normal distribution, integers from 0 to 3.
  Normal,
  /// At most 0, as the logarithm of a decay; at least 0; from 0 to 0.7, as a decay, of which also a
  /// pair is no larger than 1.
  Negative,
  Positive,
  Fraction,
  /// Normal, and so small that a sum of products with it is of unit size: taps, and factors.
  Filter,
  /// Not random: equal parts of a length, from 0 to it.
  Offsets
};
/// "normal", "negative", ...
std::optional<Draw> parseDraw(llvm::StringRef name);

/// Fills with numbers that depend on the seed only; `length` is what offsets end at.
void fillRandom(Array &array, uint64_t seed, Draw draw = Draw::Normal, int64_t length = 0);

} // namespace longwing::run

#endif // LONGWING_TOOLS_RUN_ARRAY_H
