//===- Passes.td - From linalg to the CPU ------------------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_CPU_PASSES_TD
#define LONGWING_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def CpuBufferize : Pass<"cpu-bufferize", "::mlir::ModuleOp"> {
  let summary = "Give tensors memory, with row-major arguments";
  let description = [{
    One-shot bufferization across functions. Arguments are row-major, so that loops over
    them run on vectors; results have the layout that follows from the body. Arguments are
    never written. Public functions ask for a C interface.
  }];
  let dependentDialects = [
    "::mlir::bufferization::BufferizationDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"
  ];
}

def CpuOutlineParallel : Pass<"cpu-outline-parallel", "::mlir::ModuleOp"> {
  let summary = "Move the bodies of outermost parallel loops into functions of a range";
  let description = [{
    An outermost `scf.parallel` without reductions becomes a call of a new private function
    that runs the iterations `[begin, end)`, counted over all its dimensions, in order.
    `cpu-launch-parallel` then spreads the call over threads.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::scf::SCFDialect"
  ];
  let statistics = [Statistic<"numOutlined", "loops", "Number of loops outlined">];
}

def CpuLaunchParallel : Pass<"cpu-launch-parallel", "::mlir::ModuleOp"> {
  let summary = "Run outlined parallel loops on several threads";
  let description = [{
    On the LLVM dialect: a call of a function that `cpu-outline-parallel` made packs its
    arguments into a record and hands it, with the range, to `longwing_parallel_for` of the
    CPU runtime, which calls the function back with parts of the range.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def CpuLowerAssert : Pass<"cpu-lower-assert", "::mlir::ModuleOp"> {
  let summary = "Report failed assertions to the caller instead of aborting";
  let description = [{
    `cf.assert` becomes a call of `longwing_cpu_fail` with the message and its location; the
    CPU runtime leaves the program and the call of the function returns an error.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect"];
}

def CpuExpandExp : Pass<"cpu-expand-exp", "::mlir::ModuleOp"> {
  let summary = "Expand exponentials to arithmetic that runs on vectors";
  let description = [{
    `math.exp` and `math.exp2` of f32 and f64 become a power of two and a polynomial, exact
    to about one unit in the last place over the whole range, denormal results included.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

#endif // LONGWING_CPU_PASSES_TD
