// RUN: longwing-opt %s --seq-to-tile-pipeline --tile-pipeline-all --tile-to-nvvm-pipeline | FileCheck %s

// A captured tensor may turn out to be empty. An index is clamped to its sizes, which cannot help
// there: it is read from a word of zeros instead, never beside the tensor.

// CHECK: llvm.mlir.global internal @longwing_zeros(0 : i64) {addr_space = 1 : i32, alignment = 8 : i64}
// CHECK: llvm.func @main_attention
// CHECK-SAME: %[[POINTER:arg[0-9]+]]: !llvm.ptr<1>, %[[SIZE:arg[0-9]+]]: i64, %{{arg[0-9]+}}: i64)
// CHECK-DAG: %[[ZEROS:.*]] = llvm.mlir.addressof @longwing_zeros
// CHECK-DAG: %[[EMPTY:.*]] = llvm.icmp "eq" %[[SIZE]],
// CHECK: llvm.select %[[EMPTY]], %[[ZEROS]], %[[POINTER]]
func.func @main(%q: tensor<1x8x?x128xf16>, %slopes: tensor<?xf32>) -> tensor<1x8x?x128xf16> {
  %o = seq.attention %q, %q, %q : tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16> -> tensor<1x8x?x128xf16>
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %slope = tensor.extract %slopes[%h] : tensor<?xf32>
      %biased = arith.addf %s, %slope : f32
      seq.yield %biased : f32
    }
  return %o : tensor<1x8x?x128xf16>
}
