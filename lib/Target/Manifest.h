//===- Manifest.h - Host code to a package's manifest -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_TARGET_MANIFEST_H
#define LONGWING_LIB_TARGET_MANIFEST_H

#include "longwing/Names.h"
#include "longwing/Package.h"

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace longwing {

/// Fills the manifest and the constants of a package from the public functions of a module
/// whose kernels are still `tile.kernel` operations. Launches refer to module 0, which the
/// caller adds with Package::addModule once the kernels are compiled; a kernel's name there
/// is its symbol. Every launched kernel needs its `tile.shared_bytes`. Emits located errors.
llvm::LogicalResult buildManifest(mlir::ModuleOp module, llvm::StringRef target, Package &package);

/// Registers `--print-manifest`, which shows what buildManifest finds.
void registerPrintManifestPass();

} // namespace longwing

#endif // LONGWING_LIB_TARGET_MANIFEST_H
