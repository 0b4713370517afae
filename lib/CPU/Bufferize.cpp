//===- Bufferize.cpp - Gives tensors memory -------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/CPU/Passes.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace longwing {
#define GEN_PASS_DEF_CPUBUFFERIZE
#include "longwing/CPU/Passes.h.inc"
} // namespace longwing

using namespace mlir;

namespace {
struct CpuBufferizePass : longwing::impl::CpuBufferizeBase<CpuBufferizePass> {
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>())
      prepare(func);
    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.setFunctionBoundaryTypeConversion(bufferization::LayoutMapOption::InferLayoutMap);
    options.functionArgTypeConverterFn =
        [](bufferization::TensorLikeType type, Attribute space, func::FuncOp,
           const bufferization::BufferizationOptions &) -> bufferization::BufferLikeType {
      auto tensor = cast<TensorType>(type);
      return cast<bufferization::BufferLikeType>(
          bufferization::getMemRefTypeWithStaticIdentityLayout(tensor, space));
    };
    // A loop of a tile program yields new tiles, not updates of the old ones.
    options.allowReturnAllocsFromLoops = true;
    // Copies between strided views become loops, which need no library.
    options.memCpyFn = [](OpBuilder &builder, Location loc, Value from, Value to) {
      linalg::CopyOp::create(builder, loc, from, to);
      return success();
    };
    bufferization::BufferizationState state;
    if (failed(bufferization::runOneShotModuleBufferize(getOperation(), options, state)))
      signalPassFailure();
  }

private:
  /// The caller keeps its arguments as they were, and finds public functions by a C interface.
  static void prepare(func::FuncOp func) {
    if (func.isExternal() || !func.isPublic())
      return;
    MLIRContext *context = func.getContext();
    func->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(), UnitAttr::get(context));
    for (BlockArgument arg : func.getArguments())
      if (isa<TensorType>(arg.getType()))
        func.setArgAttr(arg.getArgNumber(), bufferization::BufferizationDialect::kWritableAttrName,
                        BoolAttr::get(context, false));
  }
};
} // namespace
