//===- Passes.h - Lowers seq to tile ----------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQTOTILE_PASSES_H
#define LONGWING_SEQTOTILE_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace longwing {
#define GEN_PASS_DECL
#include "longwing/SeqToTile/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "longwing/SeqToTile/Passes.h.inc"
} // namespace longwing

#endif // LONGWING_SEQTOTILE_PASSES_H
