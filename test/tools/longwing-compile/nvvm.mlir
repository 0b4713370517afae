// A module of the nvvm level goes on from there: the levels above it are not needed.

// RUN: longwing-compile %s -o %t.ptx && FileCheck %s --check-prefix=PTX --input-file=%t.ptx
// RUN: longwing-compile %s -o - --emit=llvm | FileCheck %s --check-prefix=LLVM
// RUN: longwing-compile %s -o - --emit=nvvm | FileCheck %s --check-prefix=NVVM

// Bytecode is read as text is.
// RUN: longwing-compile %s -o %t.nvvm.mlirbc --bytecode && longwing-compile %t.nvvm.mlirbc --emit=ptx | FileCheck %s --check-prefix=PTX
// RUN: cat %s | longwing-compile - --emit=ptx | FileCheck %s --check-prefix=PTX

// Every phase can be seen.
// RUN: rm -rf %t.dir && longwing-compile %s -o %t.ptx --dump-phases=%t.dir
// RUN: FileCheck %s --check-prefix=NVVM --input-file=%t.dir/00-input.mlir
// RUN: FileCheck %s --check-prefix=LLVM --input-file=%t.dir/02-llvm.ll
// RUN: FileCheck %s --check-prefix=PTX --input-file=%t.dir/03-ptx.ptx

// PTX: .target sm_90a
// PTX: .visible .entry double(
// PTX: add.rn.f32
// LLVM: define ptx_kernel void @double(
// LLVM: fadd float
// NVVM: llvm.func @double(
gpu.module @kernels {
  llvm.func @double(%p: !llvm.ptr<1>) attributes {nvvm.kernel} {
    %tid = nvvm.read.ptx.sreg.tid.x : i32
    %at = llvm.getelementptr %p[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %x = llvm.load %at : !llvm.ptr<1> -> f32
    %y = llvm.fadd %x, %x : f32
    llvm.store %y, %at : f32, !llvm.ptr<1>
    llvm.return
  }
}
