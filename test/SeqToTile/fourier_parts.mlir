// RUN: longwing-opt %s --seq-to-tile-pipeline=conv=transform | FileCheck %s

// A sequence of 8192 samples is two parts of 4096: a warp has two matrices in each phase. The spectrum of a filter that is
// given in time is made in the same way, of one that is kept residue by residue.

// CHECK-LABEL: func.func @main
// CHECK: tile.launch @main_prepare_filter(%{{.*}}, %{{.*}}) work(%c3)
// CHECK: tile.launch @main_long_conv
func.func @main(%u: tensor<?x3x8192xf16>, %h: tensor<3x8192xf32>) -> tensor<?x3x8192xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<3x8192xf32>) taps first : tensor<?x3x8192xf16> -> tensor<?x3x8192xf16>
  return %y : tensor<?x3x8192xf16>
}

// CHECK-LABEL: func.func @kept
// CHECK: tile.launch @kept_prepare_filter(%{{.*}}, %{{.*}}) work(%c3, %c2)
func.func @kept(%h: tensor<3x8192xf32>) -> tensor<3x8192x2xf32> {
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 32, 16, 16>} : tensor<3x8192xf32> -> tensor<3x8192x2xf32>
  return %s : tensor<3x8192x2xf32>
}

// CHECK-LABEL: tile.kernel @main_long_conv
// CHECK-SAME: tile.in_place
// CHECK-SAME: tile.stagger = 1
// CHECK: tile.foreach
// CHECK-COUNT-2: tile.load %{{.*}} stages 2
// The first stage adds up two parts, with real numbers: 2 x 2 products. Three stages and the fourth are complex.
// CHECK: tile.exchange
// CHECK: tile.exchange
// CHECK: tile.exchange
// CHECK: tile.exchange
// CHECK-COUNT-2: tile.store
