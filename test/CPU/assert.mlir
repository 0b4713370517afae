// RUN: longwing-opt %s --cpu-lower-assert | FileCheck %s

// CHECK: llvm.mlir.global internal constant @assert_message({{.*}}assert.mlir:{{[0-9]+}}:{{[0-9]+}}: error: expected an even number
// CHECK: llvm.func @longwing_cpu_fail(!llvm.ptr)

// CHECK-LABEL: func.func @check
// CHECK: %[[WRONG:.*]] = arith.xori %arg0
// CHECK: scf.if %[[WRONG]]
// CHECK: %[[TEXT:.*]] = llvm.mlir.addressof @assert_message
// CHECK: llvm.call @longwing_cpu_fail(%[[TEXT]])
func.func @check(%even: i1) {
  cf.assert %even, "expected an even number"
  return
}
