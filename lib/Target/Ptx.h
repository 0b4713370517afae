//===- Ptx.h - From a gpu.module to PTX -------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_TARGET_PTX_H
#define LONGWING_LIB_TARGET_PTX_H

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"

#include <memory>
#include <string>

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
} // namespace llvm

namespace mlir {
class DialectRegistry;
class Operation;
} // namespace mlir

namespace longwing {

/// Adds what `translateToLLVM` needs to know of the dialects that it reads: builtin, gpu, llvm and
/// nvvm.
void registerLLVMTranslations(mlir::DialectRegistry &registry);

/// Translates a builtin or gpu module of the llvm and nvvm dialects to LLVM IR. Null, with a
/// diagnostic, on failure.
std::unique_ptr<llvm::Module> translateToLLVM(mlir::Operation *module, llvm::LLVMContext &context);

/// LLVM's NVPTX backend for one chip.
class PtxBackend {
public:
  /// Fails with a diagnostic at `loc` if LLVM knows no such chip.
  static mlir::FailureOr<PtxBackend> create(llvm::StringRef chip, llvm::StringRef features,
                                            mlir::Location loc);
  PtxBackend(PtxBackend &&) noexcept;
  PtxBackend &operator=(PtxBackend &&) noexcept;
  ~PtxBackend();

  /// Gives the module the chip's data layout and runs LLVM's O3 pipeline.
  void optimize(llvm::Module &module);

  /// The module as PTX text. What LLVM complains about becomes a diagnostic at `loc`.
  mlir::FailureOr<std::string> emit(llvm::Module &module, mlir::Location loc);

private:
  explicit PtxBackend(std::unique_ptr<llvm::TargetMachine> machine);
  std::unique_ptr<llvm::TargetMachine> machine;
};

} // namespace longwing

#endif // LONGWING_LIB_TARGET_PTX_H
