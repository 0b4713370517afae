//===- Report.h - What a compilation chose and cost -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_COMPILER_REPORT_H
#define LONGWING_LIB_COMPILER_REPORT_H

#include "longwing/Compiler.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"

namespace longwing {

/// The entry of the kernel `name`, made if there is none.
KernelReport &kernelReport(CompileReport &report, llvm::StringRef name);

/// Reads the choices off the kernels of a module in specialised form.
void reportTileKernels(mlir::ModuleOp module, CompileReport &report);

} // namespace longwing

#endif // LONGWING_LIB_COMPILER_REPORT_H
