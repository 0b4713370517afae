// What LLVM's backend cannot select is an error, not a crash.

// RUN: not longwing-compile %s -o %t.ptx 2>&1 | FileCheck %s
// RUN: not ls %t.ptx
// CHECK: error:
// CHECK-NOT: Stack dump
gpu.module @kernels {
  llvm.func @f(%a: i64, %b: i64) attributes {nvvm.kernel} {
    llvm.call_intrinsic "llvm.x86.sse2.pause"() : () -> ()
    llvm.return
  }
}
