//===- Passes.td - Lowers tile to NVVM ---------------------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILETONVVM_PASSES_TD
#define LONGWING_TILETONVVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def TileToNVVM : Pass<"tile-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Lower kernels in specialised form to the registers of each thread";
  let description = [{
    Writes each kernel as an `llvm.func` of a `gpu.module`: tiles become the values that one
    thread holds, rings become mbarriers and SRAM addresses, products wgmma instructions.
    The host functions and their launches are dropped.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect", "::mlir::NVVM::NVVMDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect"];
}

def TileExpandMath : Pass<"tile-expand-math"> {
  let summary = "Write functions that the card has no instruction for as formulas";
  let description = [{
    exp, log and the like through the special-function unit's exp2 and lg2, tanh and others
    through exp2; the device library of CUDA is not used.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // LONGWING_TILETONVVM_PASSES_TD
