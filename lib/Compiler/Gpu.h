//===- Gpu.h - The way to a cubin -------------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_COMPILER_GPU_H
#define LONGWING_LIB_COMPILER_GPU_H

#include "lib/Compiler/Phases.h"
#include "longwing/Package.h"

namespace longwing {

/// Lowers a module of any level to the one that `options.emit` asks for, nvvm at most. Fills the
/// manifest of `package` if a package or a header is asked for.
mlir::LogicalResult lowerForGpu(mlir::ModuleOp module, const CompileOptions &options,
                                Phases &phases, CompileReport &report, Package &package);

/// Makes LLVM IR, PTX, a cubin, a package or a header of a module of the nvvm level. Kernels that spill are an error, or `spilled`
/// tells of what they are, and nothing is made.
mlir::LogicalResult assembleForGpu(mlir::ModuleOp module, const CompileOptions &options,
                                   Phases &phases, Package &package, Artefact &artefact,
                                   llvm::SmallVectorImpl<mlir::Location> *spilled);

} // namespace longwing

#endif // LONGWING_LIB_COMPILER_GPU_H
