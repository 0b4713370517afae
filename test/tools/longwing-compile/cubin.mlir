// REQUIRES: ptxas
// RUN: longwing-compile %s -o %t.cubin --ptxas=%ptxas --print-config | FileCheck %s
// RUN: head -c 4 %t.cubin | FileCheck %s --check-prefix=ELF

// CHECK:      kernel nothing
// CHECK-NEXT:   registers a thread {{[0-9]+}}
// CHECK-NEXT:   spills             0 bytes stored, 0 loaded, stack 0
// CHECK-NEXT: time parse {{.*}} ptxas {{.*}} total
// ELF: ELF
gpu.module @kernels {
  llvm.func @nothing() attributes {nvvm.kernel} {
    llvm.return
  }
}
