//===- Passes.h - From linalg to the CPU ------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_CPU_PASSES_H
#define LONGWING_CPU_PASSES_H

#include "mlir/Pass/Pass.h"

namespace longwing {

#define GEN_PASS_DECL
#include "longwing/CPU/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "longwing/CPU/Passes.h.inc"

} // namespace longwing

#endif // LONGWING_CPU_PASSES_H
