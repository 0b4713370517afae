//===- Pipeline.cpp - From seq and linalg to the LLVM dialect -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/CPU.h"
#include "longwing/CPU/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace longwing;

/// Tensors to buffers that are freed where they die, and their operations to loops.
static void addLoops(OpPassManager &pm) {
  pm.addPass(createConvertElementwiseToLinalgPass());
  pm.addPass(createCpuBufferize());
  bufferization::buildBufferDeallocationPipeline(pm);
  pm.addPass(createConvertBufferizationToMemRefPass());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  pm.addNestedPass<func::FuncOp>(createForallToParallelLoopPass());
  pm.addPass(createCpuOutlineParallel());
  pm.addPass(createCpuLowerAssert());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
}

static void addConversions(OpPassManager &pm) {
  pm.addPass(createConvertVectorToSCFPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  // math in 16 bits runs in f32.
  pm.addPass(math::createMathExtendToSupportedTypes());
  pm.addPass(createCpuExpandExp());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(arith::createArithExpandOpsPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCSEPass());
}

void cpu::buildCpuPipeline(OpPassManager &pm) {
  addLoops(pm);
  addConversions(pm);
  pm.addPass(createCpuLaunchParallel());
}

void cpu::buildSeqToLlvmCpuPipeline(OpPassManager &pm, Precision precision) {
  SeqToLinalgOptions options;
  options.precision = precision;
  pm.addPass(createSeqToLinalg(options));
  buildCpuPipeline(pm);
}

namespace {
struct SeqToLlvmCpuOptions : PassPipelineOptions<SeqToLlvmCpuOptions> {
  Option<Precision> precision{
      *this, "precision", llvm::cl::desc("Type of the arithmetic"), llvm::cl::init(Precision::F64),
      llvm::cl::values(clEnumValN(Precision::F64, "f64", "float64, results unrounded: the oracle"),
                       clEnumValN(Precision::F32, "f32", "float32, results in their own types"))};
};
} // namespace

void cpu::registerPipelines() {
  PassPipelineRegistration<SeqToLlvmCpuOptions>(
      "seq-to-llvm-cpu", "Lowers seq to the LLVM dialect for the CPU",
      [](OpPassManager &pm, const SeqToLlvmCpuOptions &options) {
        buildSeqToLlvmCpuPipeline(pm, options.precision);
      });
  PassPipelineRegistration<>("lower-to-llvm-cpu",
                             "Lowers func, linalg, tensor, memref and scf to LLVM for the CPU",
                             [](OpPassManager &pm) { buildCpuPipeline(pm); });
}
