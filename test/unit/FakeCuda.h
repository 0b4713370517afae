//===- FakeCuda.h - A CUDA driver that records its calls --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A shared library with the name libcuda.so.1. Device memory is memory of the host. The
// tests link it, so that the runtime, which opens the driver by that name, finds it.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TEST_UNIT_FAKECUDA_H
#define LONGWING_TEST_UNIT_FAKECUDA_H

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fakecuda {

struct EncodedMap {
  int type = 0, interleave = 0, swizzle = 0, l2Promotion = 0, fill = 0;
  void *address = nullptr;
  std::vector<uint64_t> sizes, strides;
  std::vector<uint32_t> box, elementStrides;
};

struct LaunchedKernel {
  std::string name;
  void *context = nullptr, *stream = nullptr;
  std::array<unsigned, 3> grid{}, block{};
  unsigned sharedBytes = 0;
  /// The parameters' bytes, by the sizes that `parameterBytes` gave the kernel.
  std::vector<std::vector<unsigned char>> parameters;
};

struct State {
  // What the machine is.
  int devices = 2, multiprocessors = 132, major = 9, minor = 0;
  /// Kernels that every module has: the sizes of their parameters in bytes.
  std::map<std::string, std::vector<size_t>> kernels;
  /// Results that functions return instead of what they do, such as {"cuLaunchKernel", 700}.
  std::map<std::string, int> failures;
  bool capturing = false;
  // What happened.
  std::map<std::string, int> calls;
  std::vector<EncodedMap> maps;
  std::vector<LaunchedKernel> launches;
  std::vector<std::string> images; ///< The first bytes of each module loaded.
  std::map<std::string, int> sharedLimits;
  int64_t allocatedBytes = 0;
  int contextDepth = 0;
};

/// The state; `reset` makes a new one and forgets the current context.
State &state();
void reset();
/// Makes a device's context current, or none (-1).
void setCurrent(int device);

} // namespace fakecuda

#endif // LONGWING_TEST_UNIT_FAKECUDA_H
