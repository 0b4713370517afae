//===- PrintManifest.cpp - Shows the launch plan of host code -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Target/Manifest.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace {
struct PrintManifest : PassWrapper<PrintManifest, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(PrintManifest)

  StringRef getArgument() const final { return "print-manifest"; }
  StringRef getDescription() const final {
    return "Print the launch plan that a package would hold";
  }
  void runOnOperation() final {
    longwing::Package package;
    if (failed(longwing::buildManifest(getOperation(), "sm_90a", package)))
      return signalPassFailure();
    llvm::outs() << package.manifest.describe();
    markAllAnalysesPreserved();
  }
};
} // namespace

void longwing::registerPrintManifestPass() { PassRegistration<PrintManifest>(); }
