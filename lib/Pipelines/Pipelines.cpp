//===- Pipelines.cpp - The way from seq to PTX ----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Pipelines.h"

#include "longwing/Seq/Passes.h"
#include "longwing/SeqToTile/Passes.h"
#include "longwing/Tile/Passes.h"
#include "longwing/TileToNVVM/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace longwing;

static void clean(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void longwing::buildSeqPipeline(OpPassManager &pm, const ScheduleOptions &options) {
  pm.addPass(createSeqInlineCalls());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createSeqRewriteScans());
  pm.addPass(createSeqFuseGates());
  pm.addPass(createSeqVerifyTarget());
  SeqConfigureOptions config;
  config.consumers = options.consumers;
  config.keys = options.keys;
  config.stages = options.stages;
  config.queryStages = options.queryStages;
  config.lanes = options.lanes;
  config.width = options.width;
  config.steps = options.steps;
  config.unroll = options.unroll;
  config.cluster = options.cluster;
  config.polynomials = options.polynomials;
  config.registers = options.registers;
  config.persistent = options.persistent;
  config.overlap = options.overlap;
  config.conv = options.conv;
  config.radices = options.radices;
  config.precise = options.precise;
  pm.addPass(createSeqConfigure(config));
}

void longwing::buildSeqToTilePipeline(OpPassManager &pm, const ScheduleOptions &options) {
  buildSeqPipeline(pm, options);
  pm.addPass(createSeqToTile());
  clean(pm);
  pm.addPass(createSeqPlainKernels());
  clean(pm);
}

void longwing::buildTilePipeline(OpPassManager &pm) {
  OpPassManager &kernel = pm.nest<tile::KernelOp>();
  kernel.addPass(createTilePipeline());
  clean(kernel);
  kernel.addPass(createTileSpecialize());
  clean(kernel);
  // Behind the last common-subexpression elimination: what each step makes anew, it makes anew so
  // that no register holds it from step to step.
  kernel.addPass(createTileStagger());
  kernel.addPass(createTileAsync());
  kernel.addPass(createTileAllocate());
  kernel.addPass(createTileCheckHazards());
}

void longwing::buildTileToNVVMPipeline(OpPassManager &pm) {
  pm.addPass(createTileToNVVM());
  pm.addPass(createCSEPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createTileExpandMath());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  // math before the rest: the GPU conversions would call a device library that is not there.
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createConvertNVVMToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

void longwing::registerPipelines() {
  PassPipelineRegistration<ScheduleOptions>("seq-to-tile-pipeline",
                                            "From seq to tile kernels in sequential form",
                                            buildSeqToTilePipeline);
  PassPipelineRegistration<>("tile-pipeline-all",
                             "Schedule tile kernels: from the sequential to the specialised form",
                             buildTilePipeline);
  PassPipelineRegistration<>("tile-to-nvvm-pipeline",
                             "From tile kernels in specialised form to a gpu.module of NVVM",
                             buildTileToNVVMPipeline);
}
