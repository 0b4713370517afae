//===- Cpu.h - The way to LLVM IR for the CPU -------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_COMPILER_CPU_H
#define LONGWING_LIB_COMPILER_CPU_H

#include "lib/Compiler/Phases.h"

namespace longwing {

/// Adds what the passes of the CPU target ask of dialects. They cost start-up time, so the GPU's
/// way goes without.
void registerCpuInterfaces(mlir::DialectRegistry &registry);

/// The LLVM IR of a module of the seq level.
mlir::LogicalResult emitForCpu(mlir::ModuleOp module, Phases &phases, Artefact &artefact);

} // namespace longwing

#endif // LONGWING_LIB_COMPILER_CPU_H
