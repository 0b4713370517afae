// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-specialize,canonicalize,cse,tile-allocate))" --split-input-file --verify-diagnostics | FileCheck %s

!desc = !tile.desc<64x64xbf16>
!shared = tensor<64x64xbf16, #tile.shared>
!acc = tensor<64x64xf32, #tile.acc>

// Work that is spread: each warpgroup has a first coordinate of its own. What does not depend on it is
// loaded once for all; a slot of the other ring has a tile for each. So have the buffers.

// CHECK-LABEL: tile.kernel @spread
tile.kernel @spread(%a: !desc, %b: !desc, %o: !desc {tile.out})
    schedule <consumers = 2, producer_registers = 40, consumer_registers = 232, persistent = false, overlap = false,
              spread = true> {
  // CHECK: %[[A:.*]] = tile.alloc at 0 {{.*}} : !tile.ring<2x64x64xbf16>
  // CHECK: %[[B:.*]] = tile.alloc at 16384 {{.*}} : !tile.ring<2x2x64x64xbf16>
  // CHECK: %[[STATE:.*]] = tile.alloc at 49152 : !tile.smem<2x64x64xbf16>
  // CHECK: %[[STAGING:.*]] = tile.alloc at 65536 : !tile.smem<2x64x64xbf16>
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %n = tile.dim %a, 0 : !desc
  tile.foreach in (%c2, %n) {
  ^bb0(%g: index, %x: index):
    // CHECK: producer {
    // CHECK: %[[TILE:.*]] = gpu.block_id x
    // CHECK: tile.produce %[[A]][%{{.*}}] from %{{.*}}[%[[TILE]], %c0]
    // CHECK: tile.produce %[[B]][%{{.*}}] from %{{.*}}[%[[TILE]], %c0, %[[TILE]], %c64]
    // CHECK: consumer {
    // CHECK: %[[G:.*]] = tile.warpgroup
    // CHECK: %[[COLUMN:.*]] = arith.muli %[[G]], %c64
    // CHECK: tile.consume %[[A]]
    // CHECK: tile.consume %[[B]]
    // CHECK: tile.stage %{{.*}} in %[[STATE]]
    // CHECK: tile.store %{{.*}}, %{{.*}}[%{{.*}}, %[[COLUMN]]] staging %[[STAGING]]
    %column = arith.muli %g, %c64 : index
    %ta = tile.load %a[%x, %c0] stages 2 : !desc -> !shared
    %tb = tile.load %b[%x, %column] stages 2 : !desc -> !shared
    %s = tile.dot %ta, %tb : !shared, !shared -> !acc
    %half = tile.convert %s : !acc -> tensor<64x64xbf16, #tile.acc>
    %staged = tile.stage %half : tensor<64x64xbf16, #tile.acc> -> !shared
    %twice = tile.dot %ta, %staged : !shared, !shared -> !acc
    %out = tile.convert %twice : !acc -> tensor<64x64xbf16, #tile.acc>
    tile.store %out, %o[%x, %column] : tensor<64x64xbf16, #tile.acc>, !desc
  }
  tile.return
}

// -----

tile.kernel @uneven(%a: !tile.desc<64x64xbf16>)
    schedule <consumers = 2, producer_registers = 40, consumer_registers = 232, persistent = false, overlap = false,
              spread = true> {
  %c3 = arith.constant 3 : index
  // expected-error @below {{expected the first size of work that is spread over warpgroups to be 2, their number}}
  tile.foreach in (%c3) {
  ^bb0(%g: index):
  }
  tile.return
}
