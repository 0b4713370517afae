//===- Parse.h - Reads a model ----------------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_COMPILER_PARSE_H
#define LONGWING_LIB_COMPILER_PARSE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>

namespace llvm {
class SourceMgr;
}

namespace longwing {

/// Reads the main buffer, text or bytecode. On failure returns nothing, after an error.
mlir::OwningOpRef<mlir::ModuleOp> parseModel(const std::shared_ptr<llvm::SourceMgr> &sources,
                                             mlir::MLIRContext *context);

} // namespace longwing

#endif // LONGWING_LIB_COMPILER_PARSE_H
