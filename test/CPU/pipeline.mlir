// RUN: longwing-opt %s --seq-to-llvm-cpu | FileCheck %s --check-prefixes=CHECK,F64
// RUN: longwing-opt %s --seq-to-llvm-cpu=precision=f32 | FileCheck %s --check-prefixes=CHECK,F32

// Nothing but the LLVM dialect is left, and public functions have a C interface.
// CHECK-LABEL: llvm.func @main
// CHECK-NOT: unrealized_conversion_cast
// CHECK: llvm.func @_mlir_ciface_main
// F64: llvm.fmul %{{.*}} : f64
// F32: llvm.fmul %{{.*}} : f32
func.func @main(%q: tensor<?x1x?x8xf16>) -> tensor<?x1x?x8xf16> {
  %o = seq.attention %q, %q, %q {causal}
      : tensor<?x1x?x8xf16>, tensor<?x1x?x8xf16>, tensor<?x1x?x8xf16> -> tensor<?x1x?x8xf16>
  return %o : tensor<?x1x?x8xf16>
}
