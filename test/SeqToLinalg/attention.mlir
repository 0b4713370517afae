// RUN: longwing-opt %s --seq-to-linalg | FileCheck %s --check-prefixes=CHECK,F64
// RUN: longwing-opt %s --seq-to-linalg=precision=f32 | FileCheck %s --check-prefixes=CHECK,F32

!q = tensor<?x4x?x64xbf16>
!k = tensor<?x2x?x64xbf16>

// The oracle returns f64; the CPU target rounds to what the program names.
// CHECK-LABEL: func.func @causal
// F64-SAME: -> (tensor<?x4x?x64xf64>, tensor<?x4x?xf64>)
// F32-SAME: -> (tensor<?x4x?x64xbf16>, tensor<?x4x?xf32>)
func.func @causal(%q: !q, %k: !k, %v: !k) -> (!q, tensor<?x4x?xf32>) {
  // Sizes that must agree are checked once.
  // CHECK: cf.assert %{{.*}}, "'seq.attention' op expected dimension 0 of k to equal dimension 0 of q"
  // CHECK: cf.assert %{{.*}}, "'seq.attention' op expected dimension 0 of v to equal dimension 0 of q"
  // CHECK: cf.assert %{{.*}}, "'seq.attention' op expected dimension 2 of v to equal dimension 2 of k"

  // Batches, then heads; two heads of q share one of k, which is extended as a whole.
  // CHECK: scf.for %[[B:[a-z0-9]+]] =
  // CHECK: scf.for %[[H:[a-z0-9]+]] =
  // CHECK: %[[G:.*]] = arith.divui %[[H]]
  // CHECK: tensor.extract_slice %arg1[%[[B]], %[[G]], 0, 0]
  // F64: arith.extf %{{.*}} : bf16 to f64
  // F32: arith.extf %{{.*}} : bf16 to f32

  // Blocks of rows are independent.
  // CHECK: scf.forall
  // The scores of a block: sum_d q k.
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
  // A key to the right of the diagonal is not seen.
  // CHECK: arith.cmpi sle
  // CHECK: arith.select
  // CHECK: arith.maximumf
  // CHECK: math.exp
  // o = sum_j p v, normalised at the end.
  // CHECK: linalg.generic {{.*}} iterator_types = ["reduction", "parallel", "parallel"]
  // CHECK: arith.divf
  // F64-NOT: arith.truncf
  // F32: arith.truncf %{{.*}} : f32 to bf16
  // CHECK: math.log
  // CHECK: tensor.parallel_insert_slice
  // CHECK: tensor.parallel_insert_slice
  %o, %lse = seq.attention %q, %k, %v {causal} : !q, !k, !k -> !q, tensor<?x4x?xf32>
  return %o, %lse : !q, tensor<?x4x?xf32>
}

// A region's float32 is float64 in the oracle, and so is what it reads.
// CHECK-LABEL: func.func @score_region
func.func @score_region(%q: !q, %slopes: tensor<4xf32>) -> !q {
  // CHECK: %[[SLOPE:.*]] = tensor.extract %arg1
  // F64: %[[WIDE:.*]] = arith.extf %[[SLOPE]] : f32 to f64
  // F64: %[[HALF:.*]] = arith.constant 5.000000e-01 : f64
  // F64: arith.mulf %[[WIDE]], %[[HALF]] : f64
  // F32: arith.mulf %[[SLOPE]], %{{.*}} : f32
  %o = seq.attention %q, %q, %q : !q, !q, !q -> !q
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %slope = tensor.extract %slopes[%h] : tensor<4xf32>
      %half = arith.constant 0.5 : f32
      %x = arith.mulf %slope, %half : f32
      %y = arith.addf %s, %x : f32
      seq.yield %y : f32
    }
  return %o : !q
}

// Elementwise operations between attentions are float64 too, and nothing is rounded on the way.
// CHECK-LABEL: func.func @chain
// F64-NOT: arith.truncf
// F64: arith.addf %{{.*}} : tensor<?x4x?x64xf64>
// F32: arith.addf %{{.*}} : tensor<?x4x?x64xbf16>
// CHECK: return
func.func @chain(%q: !q) -> !q {
  %a = seq.attention %q, %q, %q : !q, !q, !q -> !q
  %b = arith.addf %a, %q : !q
  %c = seq.attention %b, %b, %b : !q, !q, !q -> !q
  return %c : !q
}

// An operation that is not understood sees the rounded value.
// CHECK-LABEL: func.func @other_operation
// F64: %[[ROUNDED:.*]] = arith.truncf %{{.*}} : tensor<?x4x?x64xf64> to tensor<?x4x?x64xbf16>
// F64: bufferization.to_buffer %[[ROUNDED]]
func.func @other_operation(%q: !q) -> memref<?x4x?x64xbf16> {
  %a = seq.attention %q, %q, %q : !q, !q, !q -> !q
  %m = bufferization.to_buffer %a : !q to memref<?x4x?x64xbf16>
  return %m : memref<?x4x?x64xbf16>
}
