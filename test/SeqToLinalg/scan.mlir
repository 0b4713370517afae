// RUN: longwing-opt %s --seq-to-linalg | FileCheck %s --check-prefixes=CHECK,F64
// RUN: longwing-opt %s --seq-to-linalg=precision=f32 | FileCheck %s --check-prefixes=CHECK,F32

// What all recurrences share, in the simplest of them.
// CHECK-LABEL: func.func @packed
// F64-SAME: -> (tensor<1x?x128xf64>, tensor<?x128xf64>)
// F32-SAME: -> (tensor<1x?x128xbf16>, tensor<?x128xf32>)
func.func @packed(%a: tensor<1x?x128xbf16>, %b: tensor<1x?x128xbf16>, %h0: tensor<?x128xf32>, %offsets: tensor<?xi32>)
    -> (tensor<1x?x128xbf16>, tensor<?x128xf32>) {
  // CHECK: cf.assert %{{.*}}, "'seq.scan' op expected dimension 1 of a to equal dimension 1 of b"
  // CHECK: cf.assert %{{.*}}, "'seq.scan' op expected dimension 0 of init to be 1 less than dimension 0 of offsets"
  // CHECK: cf.assert %{{.*}}, "'seq.scan' op expected at least one offset"
  // CHECK: cf.assert %{{.*}}, "'seq.scan' op expected the first offset to be 0"
  // CHECK: cf.assert %{{.*}}, "'seq.scan' op expected the last offset to be the length"
  // CHECK: scf.for
  // CHECK: cf.assert %{{.*}}, "'seq.scan' op expected offsets that do not fall"
  // CHECK: linalg.generic
  // CHECK: arith.minnumf
  // CHECK: cf.assert %{{.*}}, "'seq.scan' op expected a to be at most 0"

  // Sequences and units of channels are independent; time is not.
  // CHECK: scf.forall (%[[S:.*]], %[[U:.*]]) in (%{{.*}}, 2)
  // CHECK: %[[BEGIN:.*]] = arith.index_cast
  // CHECK: tensor.extract_slice %{{.*}}[%[[S]], %{{.*}}] [1, 64]
  // CHECK: scf.for %[[I:[a-z0-9]+]] =
  // CHECK: %[[T:.*]] = arith.addi %[[BEGIN]], %[[I]]
  // CHECK: tensor.extract_slice %{{.*}}[%{{.*}}, %[[T]], %{{.*}}] [1, 1, 64]
  // h = exp(a) h + b, and y is h.
  // CHECK: linalg.generic
  // CHECK: math.exp
  // CHECK: %[[AH:.*]] = arith.mulf
  // CHECK: %[[H:.*]] = arith.addf %[[AH]]
  // F32: %[[Y:.*]] = arith.truncf %[[H]] : f32 to bf16
  // F32: linalg.yield %[[H]], %[[Y]] : f32, bf16
  // F64-NOT: arith.truncf
  // F64: linalg.yield %[[H]], %[[H]] : f64, f64
  // CHECK: tensor.insert_slice
  // CHECK: tensor.parallel_insert_slice
  // CHECK: tensor.parallel_insert_slice
  %y, %h = seq.scan log %a, %b init(%h0 : tensor<?x128xf32>) offsets(%offsets : tensor<?xi32>)
      : tensor<1x?x128xbf16>, tensor<1x?x128xbf16> -> tensor<1x?x128xbf16>, tensor<?x128xf32>
  return %y, %h : tensor<1x?x128xbf16>, tensor<?x128xf32>
}

// The state of a head, and what is read of it: with a bonus, before it is renewed.
// CHECK-LABEL: func.func @bonus
func.func @bonus(%q: tensor<?x?x2x8xf32>, %v: tensor<?x?x4x6xf32>, %u: tensor<4x8xf32>) -> tensor<?x?x4x6xf32> {
  // CHECK: scf.forall (%{{.*}}, %[[H:.*]]) in (%{{.*}}, 4)
  // CHECK: scf.for
  // CHECK: %[[G:.*]] = arith.divui %[[H]]
  // CHECK: linalg.generic {{.*}} iterator_types = ["reduction", "parallel"]
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
  %o = seq.linear_attention %q, %q, %v bonus(%u : tensor<4x8xf32>)
      : tensor<?x?x2x8xf32>, tensor<?x?x2x8xf32>, tensor<?x?x4x6xf32> -> tensor<?x?x4x6xf32>
  return %o : tensor<?x?x4x6xf32>
}

// Pairs are complex numbers: the exponential of one is a size and a direction.
// CHECK-LABEL: func.func @pairs
func.func @pairs(%u: tensor<?x?x6xf32>, %a: tensor<6x4x2xf32>, %b: tensor<?x?x2x4x2xf32>) -> tensor<?x?x6xf32> {
  // CHECK: math.absf
  // CHECK: math.log1p
  // CHECK: math.exp
  // CHECK: math.cos
  // CHECK: math.sin
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
  %y = seq.selective_scan %u, %u, %a, %b, %b {complex, softplus}
      : tensor<?x?x6xf32>, tensor<?x?x6xf32>, tensor<6x4x2xf32>, tensor<?x?x2x4x2xf32>, tensor<?x?x2x4x2xf32>
      -> tensor<?x?x6xf32>
  return %y : tensor<?x?x6xf32>
}
