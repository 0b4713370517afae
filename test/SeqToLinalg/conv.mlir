// RUN: longwing-opt %s --seq-to-linalg --split-input-file | FileCheck %s

!u = tensor<?x4x?xbf16>
!h = tensor<4x?xf32>

// Sizes are checked once, rows are independent; a short sequence is summed, a long one transformed.
// CHECK-LABEL: func.func @long
// CHECK: cf.assert %{{.*}}, "'seq.long_conv' op expected dimension 0 of pre to equal dimension 0 of u"
// CHECK: cf.assert %{{.*}}, "'seq.long_conv' op expected at least one tap (dimension 1) of filter"
// CHECK: %[[LIMIT:.*]] = math.ctlz
// CHECK: scf.forall (%[[B:.*]], %[[C:.*]]) in (%{{.*}}, 4)
// The gated input.
// CHECK: linalg.generic
// CHECK: arith.mulf
// The table of lags.
// CHECK: linalg.generic
// CHECK: tensor.extract %arg1[%[[C]], %{{.*}}]
// CHECK: %[[LONG:.*]] = arith.cmpi slt, %{{.*}}, %{{.*}} : index
// CHECK: scf.if %[[LONG]]
// CHECK: scf.for
// CHECK: else
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: tensor.parallel_insert_slice
func.func @long(%u: !u, %h: !h) -> !u {
  %y = seq.long_conv causal %u filter(%h : !h) taps first pre(%u : !u) : !u -> !u
  return %y : !u
}

// -----

// Taps are unrolled; the region of an implicit filter is inlined.
// CHECK-LABEL: func.func @short
// CHECK: scf.forall
// CHECK: math.exp
// CHECK: scf.forall
// CHECK-COUNT-2: arith.addf {{.*}} : f64
// CHECK: tensor.parallel_insert_slice
func.func @short(%x: tensor<2x8x4xf16>, %rate: f32) -> tensor<2x8x4xf16> {
  %w = seq.implicit_filter : tensor<4x2xf32> {
  ^bb0(%c: index, %t: index):
    %e = math.exp %rate : f32
    seq.yield %e : f32
  }
  %y = seq.short_conv causal %x, %w taps last {axis = 1 : i64} : tensor<2x8x4xf16>, tensor<4x2xf32> -> tensor<2x8x4xf16>
  return %y : tensor<2x8x4xf16>
}
