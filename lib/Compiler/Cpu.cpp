//===- Cpu.cpp - The way to LLVM IR for the CPU ---------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Cpu.h"

#include "lib/Target/Ptx.h"
#include "longwing/CPU.h"

#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

using namespace mlir;
using namespace longwing;

void longwing::registerCpuInterfaces(DialectRegistry &registry) {
  cpu::registerInterfaces(registry);
}

LogicalResult longwing::emitForCpu(ModuleOp module, Phases &phases, Artefact &artefact) {
  if (Level level = levelOf(module); level == Level::Tile || level == Level::Nvvm)
    return emitError(module.getLoc())
           << "expected operations of the seq dialect for the target x86-64, got a GPU kernel";
  if (failed(phases.run("cpu", [](OpPassManager &passes) {
        cpu::buildSeqToLlvmCpuPipeline(passes, Precision::F32);
      })))
    return failure();
  phases.start();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> translated = translateToLLVM(module, context);
  if (!translated)
    return failure();
  llvm::raw_string_ostream os(artefact.bytes);
  translated->print(os, nullptr);
  phases.finish("llvm");
  return phases.dump("llvm", ".ll", artefact.bytes);
}
