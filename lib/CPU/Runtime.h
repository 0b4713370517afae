//===- Runtime.h - What compiled code calls on the CPU ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_CPU_RUNTIME_H
#define LONGWING_LIB_CPU_RUNTIME_H

#include <cstdint>
#include <string>
#include <vector>

namespace longwing::cpu::runtime {

/// Threads that loops run on; 0 means one for each CPU.
void setThreads(unsigned count);

/// Calls compiled code; false if it failed, with the message it left.
bool call(void (*function)(void **), void **arguments, std::string &message);

/// Rounds to nearest, ties to even, once. The bits of the result.
uint16_t roundToF16(double value);
uint16_t roundToBF16(double value);
float extendF16(uint16_t bits);

/// A function of the runtime under the name compiled code knows.
struct Symbol {
  const char *name;
  void *address;
};
const std::vector<Symbol> &symbols();

} // namespace longwing::cpu::runtime

#endif // LONGWING_LIB_CPU_RUNTIME_H
