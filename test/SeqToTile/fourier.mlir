// RUN: longwing-opt %s --seq-to-tile-pipeline=conv=transform | FileCheck %s

// A long convolution is two launches: its filter's spectrum, then 4096 outputs a work tile.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[U:.*]]: tensor<?x8x1024xf16>, %[[H:.*]]: tensor<8x1024xf32>)
// CHECK: %[[S:.*]] = tile.launch @main_prepare_filter(%[[H]], %{{.*}}) work(%c2)
// CHECK: tile.launch @main_long_conv(%[[U]], %[[S]], %{{.*}}) work(%{{.*}}, %c8)
// CHECK-SAME: tile.same_sizes = [array<i64: 0, 2, 2, 2>]

// The filter is transformed as exactly as the input, with one exchange.
// CHECK-LABEL: tile.kernel @main_prepare_filter
// CHECK: tile.pull
// CHECK: tile.warp_dot {{.*}} -> tensor<16x16x16xf32, #tile.frag>
// CHECK: tile.exchange
// CHECK-NOT: tile.exchange
// CHECK: tile.place

// Four sequences of 4 x 16 x 16 a tile, in one box of their batches: [H, 4, B, R, 64].
// CHECK-LABEL: tile.kernel @main_long_conv
// CHECK-SAME: !tile.desc<1x4x4x4x64xf16> {tile.unfold = array<i64: 1, 1, 0, 2, 64, 4, 0, 1, 0, 2, 256, 4, 2, 1, 64>}
// CHECK-SAME: !tile.view<8x1024x2xf16>
// CHECK-SAME: tile.stagger = 2
// CHECK: tile.foreach
// CHECK: %[[X:.*]] = tile.load %{{.*}} stages 4
// CHECK: tile.split %[[X]] transpose
// The first stage takes real numbers, and the others stay in registers.
// CHECK: tile.warp_dot
// CHECK: tile.warp_dot
// CHECK: tile.exchange %{{.*}} permutation [1, 2, 0]
// CHECK-COUNT-4: tile.warp_dot
// CHECK: tile.pull
// CHECK: tile.exchange %{{.*}} permutation [1, 2, 0]
// CHECK: tile.warp_dot
// CHECK: tile.warp_dot
// CHECK: %[[Y:.*]] = tile.join
// CHECK: tile.store %[[Y]]
func.func @main(%u: tensor<?x8x1024xf16>, %h: tensor<8x1024xf32>) -> tensor<?x8x1024xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<8x1024xf32>) taps first : tensor<?x8x1024xf16> -> tensor<?x8x1024xf16>
  return %y : tensor<?x8x1024xf16>
}

// A circular convolution takes two tiles as the parts of complex numbers.
// CHECK-LABEL: tile.kernel @circular_long_conv
// CHECK-SAME: tile.stagger = 1
// CHECK: tile.foreach
// CHECK-COUNT-2: tile.load
// CHECK-COUNT-4: tile.warp_dot
// CHECK: tile.exchange
// CHECK: tile.exchange
// CHECK-COUNT-2: tile.warp_dot
// CHECK: tile.store
// CHECK-COUNT-2: tile.warp_dot
// CHECK: tile.store
func.func @circular(%u: tensor<?x8x1024xf16>, %h: tensor<8x1024xf32>) -> tensor<?x8x1024xf16> {
  %y = seq.long_conv circular %u filter(%h : tensor<8x1024xf32>) taps first : tensor<?x8x1024xf16> -> tensor<?x8x1024xf16>
  return %y : tensor<?x8x1024xf16>
}

// A spectrum that is kept has the accuracy of f32: numbers are of two parts on the way.
// CHECK-LABEL: tile.kernel @prepare_prepare_filter
// CHECK-COUNT-2: tile.exchange
func.func @prepare(%h: tensor<8x1024xf32>) -> tensor<8x1024x2xf32> {
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 4, 16, 16>} : tensor<8x1024xf32> -> tensor<8x1024x2xf32>
  return %s : tensor<8x1024x2xf32>
}

// -----

// 1000 samples are no whole runs of 256: four sequences come as strips of 64 samples in the order of a box, and leave so.
// All threads of a tensor whose rows are aligned copy 16 bytes.

// CHECK-LABEL: tile.kernel @strips_long_conv(
// CHECK-SAME: !tile.view<?x8x1000xf16>
// CHECK: %[[WHOLE:.*]] = tile.whole %arg0, %arg2
// CHECK: tile.foreach
// CHECK: tile.load_strips %arg0[%{{.*}}, %{{.*}}, %c0] digits [4, 2, 256, 4, 0, 1, 4, 2, 64] stages 4 whole %[[WHOLE]]
// CHECK: tile.store_strips %{{.*}}, %arg2[%{{.*}}, %{{.*}}, %c0] digits [4, 2, 256, 4, 0, 1, 4, 2, 64] whole %[[WHOLE]]
func.func @strips(%u: tensor<?x8x1000xf16>, %h: tensor<8x1000xf32>) -> tensor<?x8x1000xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<8x1000xf32>) taps first : tensor<?x8x1000xf16> -> tensor<?x8x1000xf16>
  return %y : tensor<?x8x1000xf16>
}

// -----

// Of 1001 a row begins anywhere: lanes copy neighbouring samples.

// CHECK-LABEL: tile.kernel @samples_long_conv(
// CHECK-NOT: tile.whole
// CHECK: tile.load_strips {{.*}} whole %false
func.func @samples(%u: tensor<?x8x1001xf16>, %h: tensor<8x1001xf32>) -> tensor<?x8x1001xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<8x1001xf32>) taps first : tensor<?x8x1001xf16> -> tensor<?x8x1001xf16>
  return %y : tensor<?x8x1001xf16>
}
