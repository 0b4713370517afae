//===- Passes.h - Tile programs on the CPU ----------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILETOCPU_PASSES_H
#define LONGWING_TILETOCPU_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace longwing {
#define GEN_PASS_DECL
#include "longwing/TileToCPU/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "longwing/TileToCPU/Passes.h.inc"
} // namespace longwing

#endif // LONGWING_TILETOCPU_PASSES_H
