//===- Ptx.cpp - From a gpu.module to PTX ---------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Target/Ptx.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Operation.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

// Only NVPTX: llvm/Support/TargetSelect.h would draw every backend into a static tool.
extern "C" {
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

using namespace mlir;

void longwing::registerLLVMTranslations(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

std::unique_ptr<llvm::Module> longwing::translateToLLVM(Operation *module,
                                                        llvm::LLVMContext &context) {
  return translateModuleToLLVMIR(module, context, "longwing");
}

static const llvm::Target *lookupNvptx(const llvm::Triple &triple, std::string &error) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  return llvm::TargetRegistry::lookupTarget(triple, error);
}

namespace longwing {

PtxBackend::PtxBackend(std::unique_ptr<llvm::TargetMachine> machine)
    : machine(std::move(machine)) {}
PtxBackend::PtxBackend(PtxBackend &&) noexcept = default;
PtxBackend &PtxBackend::operator=(PtxBackend &&) noexcept = default;
PtxBackend::~PtxBackend() = default;

FailureOr<PtxBackend> PtxBackend::create(StringRef chip, StringRef features, Location loc) {
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  const llvm::Target *target = lookupNvptx(triple, error);
  if (!target)
    return emitError(loc) << "this LLVM has no NVPTX backend: " << error;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, chip, features, {}, {}, {}, llvm::CodeGenOptLevel::Aggressive));
  if (!machine || !machine->getMCSubtargetInfo()->isCPUStringValid(chip))
    return emitError(loc) << "LLVM knows no chip '" << chip << "'";
  return PtxBackend(std::move(machine));
}

void PtxBackend::optimize(llvm::Module &module) {
  module.setTargetTriple(machine->getTargetTriple());
  module.setDataLayout(machine->createDataLayout());
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(machine.get());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, modules);
}

namespace {
/// Turns the errors of LLVM's backend into diagnostics; its default prints them and ends the
/// process.
struct BackendMessages : llvm::DiagnosticHandler {
  BackendMessages(Location loc, bool &failed) : loc(loc), failed(failed) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (info.getSeverity() != llvm::DS_Error)
      return true;
    std::string text;
    llvm::raw_string_ostream os(text);
    llvm::DiagnosticPrinterRawOStream printer(os);
    info.print(printer);
    failed = true;
    emitError(loc) << "LLVM cannot compile this kernel: " << text;
    return true;
  }
  Location loc;
  bool &failed;
};
} // namespace

FailureOr<std::string> PtxBackend::emit(llvm::Module &module, Location loc) {
  bool failed = false;
  module.getContext().setDiagnosticHandler(std::make_unique<BackendMessages>(loc, failed));
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream os(text);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, os, nullptr, llvm::CodeGenFileType::AssemblyFile))
    return emitError(loc) << "LLVM's NVPTX backend cannot write assembly";
  passes.run(module);
  if (failed)
    return failure();
  return std::string(text);
}

} // namespace longwing
