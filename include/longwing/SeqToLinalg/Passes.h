//===- Passes.h - From seq to linalg ----------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQTOLINALG_PASSES_H
#define LONGWING_SEQTOLINALG_PASSES_H

#include "mlir/Pass/Pass.h"

namespace longwing {

/// The arithmetic of a program on the CPU: float64 is the oracle, float32 the CPU target.
enum class Precision { F64, F32 };

#define GEN_PASS_DECL
#include "longwing/SeqToLinalg/Passes.h.inc"


/// Replaces one operation of seq by its loops, in f32 with results in their own types. Where there is
/// a choice, each element is computed on its own.
void lowerToLoops(mlir::Operation *op);

#define GEN_PASS_REGISTRATION
#include "longwing/SeqToLinalg/Passes.h.inc"

} // namespace longwing

#endif // LONGWING_SEQTOLINALG_PASSES_H
