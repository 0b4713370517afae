// RUN: longwing-opt %s --seq-to-tile --canonicalize --cse --split-input-file | FileCheck %s

// The host computes sizes and launches; the kernel is a plain loop nest over tiles.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[Q:.*]]: tensor<?x8x?x128xbf16>, %[[K:.*]]: tensor<?x2x?x128xbf16>, %[[V:.*]]: tensor<?x2x?x128xbf16>)
// CHECK: %[[O0:.*]] = tensor.empty
// CHECK: %[[LSE0:.*]] = tensor.empty
// CHECK: %[[TILES:.*]] = arith.divui
// CHECK: %[[RESULTS:.*]]:2 = tile.launch @main_attention(%[[Q]], %[[K]], %[[V]], %[[O0]], %[[LSE0]]) work(%[[TILES]], %{{.*}}, %{{.*}})
// CHECK: return %[[RESULTS]]#0, %[[RESULTS]]#1

// CHECK-LABEL: tile.kernel @main_attention
// CHECK-SAME: !tile.desc<1x1x128x64xbf16>, %[[KD:[a-z0-9]+]]: !tile.desc<1x1x128x64xbf16>, %[[VD:[a-z0-9]+]]: !tile.desc<1x1x128x64xbf16>, %[[OD:[a-z0-9]+]]: !tile.desc<1x1x64x64xbf16> {tile.out}, %[[LD:[a-z0-9]+]]: !tile.view<?x8x?xf32> {tile.out}
// CHECK-SAME: schedule <consumers = 2
// CHECK: tile.foreach
// CHECK: %[[KEYHEAD:.*]] = arith.divui %{{.*}}, %c4
// CHECK: scf.if
// CHECK: %[[QT:.*]] = tile.load %{{.*}} stages 1
// The ragged end is masked in a loop of its own ...
// CHECK: %[[HEAD:.*]]:3 = scf.for
// CHECK: tile.load %[[KD]][%{{.*}}, %[[KEYHEAD]], %{{.*}}, %{{.*}}] stages 2 {tile.pipeline = array<i64: 0, 0>}
// CHECK: %[[S:.*]] = tile.dot %[[QT]], %{{.*}} transpose_b {tile.pipeline = array<i64: 0, 0>}
// CHECK: arith.select %{{.*}}, %[[S]]
// CHECK: tile.reduce <max>
// CHECK: math.exp2
// CHECK: tile.reduce <add> {{.*}} -> tensor<128x4xf32, #tile.lanes>
// CHECK: %[[P:.*]] = tile.convert {{.*}} -> tensor<128x128xbf16, #tile.a_frag>
// CHECK: tile.load %[[VD]]{{.*}} {tile.pipeline = array<i64: 1, 1>}
// CHECK: tile.dot %[[P]], {{.*}} {tile.pipeline = array<i64: 1, 1>}
// CHECK: } {tile.nonempty}
// ... and full tiles pay nothing for it.
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[HEAD]]#0, %{{.*}} = %[[HEAD]]#1, %{{.*}} = %[[HEAD]]#2)
// CHECK-NOT: arith.cmpi
// CHECK: scf.yield
// CHECK: tile.store {{.*}}, %[[OD]]
// CHECK: math.log2
// CHECK: tile.store_row {{.*}}, %[[LD]]
func.func @main(%q: tensor<?x8x?x128xbf16>, %k: tensor<?x2x?x128xbf16>, %v: tensor<?x2x?x128xbf16>) -> (tensor<?x8x?x128xbf16>, tensor<?x8x?xf32>) {
  %o, %lse = seq.attention %q, %k, %v : tensor<?x8x?x128xbf16>, tensor<?x2x?x128xbf16>, tensor<?x2x?x128xbf16> -> tensor<?x8x?x128xbf16>, tensor<?x8x?xf32>
  return %o, %lse : tensor<?x8x?x128xbf16>, tensor<?x8x?xf32>
}

// -----

// A window has a third loop, over the tiles at its left edge. Under a causal mask, a persistent
// CTA takes query tiles in pairs, a long and a short one.

// CHECK-LABEL: tile.kernel @window_attention
// CHECK: tile.foreach
// CHECK: scf.for %[[HALF:.*]] = %c0 to
// CHECK: scf.if
// CHECK: scf.for
// CHECK: arith.select %{{.*}} : tensor<128x128xi1, #tile.acc>
// CHECK: } {tile.nonempty}
// CHECK: scf.for
// CHECK-NOT: tensor<128x128xi1, #tile.acc>
// CHECK: scf.for
// CHECK: arith.select %{{.*}} : tensor<128x128xi1, #tile.acc>
// CHECK-NOT: tile.store_row
func.func @window(%q: tensor<1x8x?x128xf16>) -> tensor<1x8x?x128xf16> {
  %o = seq.attention %q, %q, %q {causal, window = array<i64: 255, 0>} : tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16> -> tensor<1x8x?x128xf16>
  return %o : tensor<1x8x?x128xf16>
}

// -----

// A scale that is not positive would turn the maximum around: the scores take it themselves.

// CHECK-LABEL: tile.kernel @negative_attention
// CHECK: %[[SCALE:.*]] = arith.constant dense<-2.500000e-01> : tensor<128x128xf32, #tile.acc>
// CHECK: %[[S:.*]] = tile.dot
// CHECK: arith.mulf %[[S]], %[[SCALE]]
func.func @negative(%q: tensor<1x8x?x128xf16>) -> tensor<1x8x?x128xf16> {
  %o = seq.attention %q, %q, %q {scale = -0.25 : f64} : tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16> -> tensor<1x8x?x128xf16>
  return %o : tensor<1x8x?x128xf16>
}
