//===- Hopper.h - The numbers of the hardware -------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TARGET_HOPPER_H
#define LONGWING_TARGET_HOPPER_H

#include <algorithm>
#include <cstdint>

namespace longwing::hopper {

/// SRAM that one CTA may use, in bytes.
constexpr int64_t kSharedBytes = 227 * 1024;
constexpr int64_t kMultiprocessors = 132;
/// 32-bit registers of a multiprocessor.
constexpr int64_t kRegisters = 65536;
/// SRAM of a multiprocessor that the driver takes for each CTA, in bytes.
constexpr int64_t kReservedBytes = 1024;

/// Registers that the launch of a CTA gives to all of its threads together, alike, where so many CTAs share a multiprocessor.
inline int64_t launchedRegisters(int64_t threads, int64_t ctas) {
  constexpr int64_t kGrain = 8;
  return kRegisters / (ctas * threads) / kGrain * kGrain * threads;
}

/// CTAs that share a multiprocessor, by the registers and the bytes of SRAM of one.
inline int64_t residents(int64_t registers, int64_t sharedBytes) {
  return std::max<int64_t>(1, std::min(kRegisters / registers, (kSharedBytes + kReservedBytes) /
                                                                   (sharedBytes + kReservedBytes)));
}

/// Bytes to which a 128-byte swizzled panel must be aligned.
constexpr int64_t kSwizzleAlignment = 1024;
/// Bytes to which the strides of a tensor map must be aligned.
constexpr int64_t kTmaAlignment = 16;
/// The largest head dimension of an attention kernel: its accumulator must fit the registers.
constexpr int64_t kMaxHeadDim = 256;
/// The largest key dimension of a linear attention: the state of 64 value columns must fit the
/// registers; and the largest value dimension, in blocks of 64.
constexpr int64_t kMaxKeyDim = 128;
constexpr int64_t kMaxValueDim = 1024;

/// The longest convolution: a transform of 256 x 64 x 64 x 64 points.
constexpr int64_t kLongestConv = 256 * 64 * 64 * 64;

} // namespace longwing::hopper

#endif // LONGWING_TARGET_HOPPER_H
