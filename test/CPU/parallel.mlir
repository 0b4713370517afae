// RUN: longwing-opt %s --cpu-outline-parallel | FileCheck %s
// RUN: longwing-opt %s --lower-to-llvm-cpu | FileCheck %s --check-prefix=LLVM

// The loop becomes a function of a range of its iterations, numbered over both dimensions.
// CHECK-LABEL: func.func @grid
// CHECK-SAME: (%[[M:.*]]: memref<?x8xf32>, %[[N:.*]]: index)
// CHECK: %[[COUNT:.*]] = arith.muli
// CHECK: call @parallel_body({{.*}}%[[M]], {{.*}}) :

// CHECK-LABEL: func.func private @parallel_body
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: index, %[[END:[a-z0-9]+]]: index) attributes {longwing.parallel_range}
// CHECK: scf.for %[[I:.*]] = %[[BEGIN]] to %[[END]]
// CHECK: arith.remui %[[I]]
// CHECK: arith.divui %[[I]]
// CHECK: memref.store

// On the LLVM dialect the captured values travel in a record.
// LLVM-LABEL: llvm.func @grid
// LLVM: %[[RECORD:.*]] = llvm.alloca
// LLVM: %[[TASK:.*]] = llvm.mlir.addressof @parallel_body_task
// LLVM: llvm.call @longwing_parallel_for(%[[TASK]], %[[RECORD]],
// LLVM-LABEL: llvm.func internal @parallel_body_task(
// LLVM: llvm.call @parallel_body(
func.func @grid(%m: memref<?x8xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c8 = arith.constant 8 : index
  %x = arith.constant 1.0 : f32
  scf.parallel (%i, %j) = (%c0, %c0) to (%n, %c8) step (%c1, %c2) {
    memref.store %x, %m[%i, %j] : memref<?x8xf32>
  }
  return
}
