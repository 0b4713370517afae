//===- TileToNVVM.cpp - Lowers tile to NVVM -------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "Points.h"

#include "longwing/TileToNVVM/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace longwing {
#define GEN_PASS_DEF_TILETONVVM
#include "longwing/TileToNVVM/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;

namespace {
struct TileToNVVM : longwing::impl::TileToNVVMBase<TileToNVVM> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto kernels = llvm::to_vector(module.getOps<tile::KernelOp>());
    for (tile::KernelOp kernel : kernels)
      if (!kernel->hasAttr(tile::kSharedBytesAttr)) {
        kernel.emitError() << "expected a kernel in specialised form; run the tile passes first";
        return signalPassFailure();
      }
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    auto device = gpu::GPUModuleOp::create(b, module.getLoc(), "kernels");
    for (tile::KernelOp kernel : kernels)
      if (kernel->hasAttr(tile::kPointsAttr) ? failed(emitPoints(kernel, device.getBody()))
                                             : failed(Emitter(kernel, device.getBody()).emit()))
        return signalPassFailure();
    for (Operation &op : llvm::make_early_inc_range(*module.getBody()))
      if (&op != device)
        op.erase();
  }
};
} // namespace
