//===- Array.cpp - Tensors in host memory ---------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/longwing-run/Array.h"

#include "llvm/ADT/APFloat.h"

#include "llvm/ADT/StringSwitch.h"
#include <algorithm>

#include <cmath>
#include <cstring>

using namespace longwing;
using namespace longwing::run;

Array::Array(DType dtype, std::vector<int64_t> sizes) : dtype(dtype), sizes(std::move(sizes)) {
  bytes.resize(elements() * dtypeBytes(dtype));
}

int64_t Array::elements() const {
  int64_t count = 1;
  for (int64_t size : sizes)
    count *= size;
  return count;
}

template <typename T>
static T load(const char *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
static void store(char *to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

static float bf16ToFloat(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  return load<float>(reinterpret_cast<const char *>(&wide));
}

static const llvm::fltSemantics &semanticsOf(DType dtype) {
  switch (dtype) {
  case DType::F16:
    return llvm::APFloat::IEEEhalf();
  case DType::BF16:
    return llvm::APFloat::BFloat();
  case DType::F8E4M3:
    return llvm::APFloat::Float8E4M3FN();
  case DType::F8E5M2:
    return llvm::APFloat::Float8E5M2();
  default:
    return llvm::APFloat::IEEEdouble();
  }
}

/// Any float of at most 16 bits, by way of LLVM's software floats.
static double smallToDouble(DType dtype, uint64_t bits) {
  llvm::APFloat value(semanticsOf(dtype), llvm::APInt(8 * dtypeBytes(dtype), bits));
  bool lost = false;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &lost);
  return value.convertToDouble();
}

static uint64_t doubleToSmall(DType dtype, double number) {
  llvm::APFloat value(number);
  bool lost = false;
  value.convert(semanticsOf(dtype), llvm::APFloat::rmNearestTiesToEven, &lost);
  return value.bitcastToAPInt().getZExtValue();
}

double Array::get(int64_t index) const {
  const char *at = bytes.data() + index * dtypeBytes(dtype);
  switch (dtype) {
  case DType::BF16:
    return bf16ToFloat(load<uint16_t>(at));
  case DType::F16:
    return smallToDouble(dtype, load<uint16_t>(at));
  case DType::F8E4M3:
  case DType::F8E5M2:
    return smallToDouble(dtype, load<uint8_t>(at));
  case DType::F32:
    return load<float>(at);
  case DType::F64:
    return load<double>(at);
  case DType::I1:
  case DType::I8:
    return load<int8_t>(at);
  case DType::I16:
    return load<int16_t>(at);
  case DType::I32:
    return load<int32_t>(at);
  case DType::I64:
    return static_cast<double>(load<int64_t>(at));
  }
  return 0;
}

void Array::set(int64_t index, double value) {
  char *at = bytes.data() + index * dtypeBytes(dtype);
  switch (dtype) {
  case DType::F16:
  case DType::BF16:
    return store<uint16_t>(at, doubleToSmall(dtype, value));
  case DType::F8E4M3:
  case DType::F8E5M2:
    return store<uint8_t>(at, doubleToSmall(dtype, value));
  case DType::F32:
    return store<float>(at, value);
  case DType::F64:
    return store<double>(at, value);
  case DType::I1:
  case DType::I8:
    return store<int8_t>(at, value);
  case DType::I16:
    return store<int16_t>(at, value);
  case DType::I32:
    return store<int32_t>(at, value);
  case DType::I64:
    return store<int64_t>(at, value);
  }
}

bool run::isFloat(DType dtype) {
  switch (dtype) {
  case DType::F16:
  case DType::BF16:
  case DType::F32:
  case DType::F64:
  case DType::F8E4M3:
  case DType::F8E5M2:
    return true;
  default:
    return false;
  }
}

std::string run::describe(DType dtype, const std::vector<int64_t> &sizes) {
  std::string text;
  for (int64_t size : sizes)
    text += (size == kDynamic ? "?" : std::to_string(size)) + "x";
  return text + dtypeName(dtype);
}

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

namespace {
/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine.
struct Random {
  uint64_t state;
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// In (0, 1].
  double uniform() { return ((next() >> 11) + 1) * 0x1p-53; }
};
} // namespace

/// After so many elements, a prime, the numbers repeat: drawing them costs more than running a
/// kernel.
static constexpr int64_t kPeriod = 1048573;

std::optional<Draw> run::parseDraw(llvm::StringRef name) {
  return llvm::StringSwitch<std::optional<Draw>>(name)
      .Case("normal", Draw::Normal)
      .Case("negative", Draw::Negative)
      .Case("positive", Draw::Positive)
      .Case("fraction", Draw::Fraction)
      .Case("filter", Draw::Filter)
      .Case("offsets", Draw::Offsets)
      .Default(std::nullopt);
}

/// A number of the standard normal distribution, as one of another.
static double transform(double normal, Draw draw) {
  switch (draw) {
  case Draw::Negative:
    return -std::abs(normal);
  case Draw::Positive:
    return std::abs(normal);
  case Draw::Fraction:
    return 0.7 * std::exp(-std::abs(normal));
  default:
    return normal;
  }
}

static void fillOffsets(Array &array, int64_t length) {
  int64_t parts = array.elements() - 1;
  for (int64_t i = 0; i <= parts; ++i)
    array.set(i, parts ? length / parts * i + length % parts * i / parts : 0);
}

void run::fillRandom(Array &array, uint64_t seed, Draw draw, int64_t length) {
  if (draw == Draw::Offsets)
    return fillOffsets(array, length);
  // Neighbouring seeds must not give shifted copies of one sequence.
  Random random{Random{seed}.next()};
  constexpr double twoPi = 6.283185307179586;
  // [H, K], [G, S, R] or [G, S, R, 2]: the dimension that is summed over.
  int64_t summed = array.sizes.size() < 2 ? 1 : array.sizes[std::min<size_t>(array.sizes.size() - 1, 2)];
  double scale = draw == Draw::Filter ? 1 / std::sqrt(std::max<double>(summed, 1)) : 1;
  int64_t drawn = std::min(array.elements(), kPeriod);
  for (int64_t i = 0; i < drawn; i += 2) {
    // Box and Muller: two normal numbers from two uniform ones.
    double radius = std::sqrt(-2 * std::log(random.uniform())), angle = twoPi * random.uniform();
    double pair[2] = {transform(scale * radius * std::cos(angle), draw),
                      transform(scale * radius * std::sin(angle), draw)};
    if (!isFloat(array.dtype)) {
      uint64_t range = array.dtype == DType::I1 ? 2 : 4;
      pair[0] = random.next() % range;
      pair[1] = random.next() % range;
    }
    array.set(i, pair[0]);
    if (i + 1 < drawn)
      array.set(i + 1, pair[1]);
  }
  size_t period = drawn * dtypeBytes(array.dtype);
  for (size_t at = period; at < array.bytes.size(); at += period)
    std::memcpy(&array.bytes[at], array.bytes.data(), std::min(period, array.bytes.size() - at));
}
