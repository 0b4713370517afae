// RUN: longwing-opt %s | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --emit-bytecode | longwing-opt | FileCheck %s

// What chunked recurrences add: lines along time, and tiles between registers and SRAM.

!line = tensor<64xf32, #tile.line>
!acc = tensor<64x64xf32, #tile.acc>
!half = tensor<64x64xbf16, #tile.acc>
!shared = tensor<64x64xbf16, #tile.shared>

// A schedule says only that it spreads its work.
// CHECK-LABEL: tile.kernel @lines
// CHECK-SAME: overlap = false, spread = true>
tile.kernel @lines(%rates: !tile.view<?xf32>, %o: !tile.view<?x?xf32> {tile.out})
    schedule <consumers = 2, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false,
              spread = true> {
  %c2 = arith.constant 2 : index
  tile.foreach in(%c2) {
  ^bb0(%x: index):
    // CHECK: tile.iota %{{.*}} : tensor<64xindex, #tile.line>
    %t = tile.iota %x : tensor<64xindex, #tile.line>
    %rate = tile.gather %rates[%t : tensor<64xindex, #tile.line>] : !tile.view<?xf32> -> !line
    // CHECK: %[[SUMS:.*]] = tile.scan %{{.*}} : tensor<64xf32, #tile.line>
    %sums = tile.scan %rate : !line
    // CHECK: tile.pick %[[SUMS]][63] : tensor<64xf32, #tile.line> -> f32
    %all = tile.pick %sums[63] : !line -> f32
    // CHECK: tile.distribute %[[SUMS]] : tensor<64xf32, #tile.line> -> tensor<64xf32, #tile.row>
    %row = tile.distribute %sums : !line -> tensor<64xf32, #tile.row>
    // CHECK: tile.distribute %[[SUMS]] : tensor<64xf32, #tile.line> -> tensor<64xf32, #tile.col>
    %column = tile.distribute %sums : !line -> tensor<64xf32, #tile.col>
    %i = tile.iota %x : tensor<64xindex, #tile.row>
    %j = tile.iota %x : tensor<64xindex, #tile.col>
    %ii = tile.broadcast %i : tensor<64xindex, #tile.row> -> tensor<64x64xindex, #tile.acc>
    %jj = tile.broadcast %j : tensor<64xindex, #tile.col> -> tensor<64x64xindex, #tile.acc>
    %scaled = tile.broadcast %all : f32 -> !acc
    // CHECK: tile.scatter %{{.*}}, %{{.*}}[%{{.*}}, %{{.*}} : tensor<64x64xindex, #tile.acc>, tensor<64x64xindex, #tile.acc>] : tensor<64x64xf32, #tile.acc>, <?x?xf32>
    tile.scatter %scaled, %o[%ii, %jj : tensor<64x64xindex, #tile.acc>, tensor<64x64xindex, #tile.acc>]
        : !acc, !tile.view<?x?xf32>
  }
  tile.return
}

// CHECK-LABEL: tile.kernel @staged
tile.kernel @staged(%x: !tile.desc<1x64x1x64xbf16> {tile.out}) schedule <consumers = 1, producer_registers = 24,
    consumer_registers = 240, persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // The rows lie along the one other dimension of which the box has more than one element.
  // CHECK: tile.load {{.*}} : <1x64x1x64xbf16> -> tensor<64x64xbf16, #tile.shared>
  %t = tile.load %x[%c0, %c0, %c0, %c0] stages 2 : !tile.desc<1x64x1x64xbf16> -> !shared
  // CHECK: tile.fragment %{{.*}} transpose : tensor<64x64xbf16, #tile.shared> -> tensor<64x64xf32, #tile.acc>
  %f = tile.fragment %t transpose : !shared -> !acc
  // CHECK: tile.convert %{{.*}} : tensor<64x64xf32, #tile.acc> -> tensor<64x64xbf16, #tile.acc>
  %half = tile.convert %f : !acc -> !half
  // CHECK: tile.stage %{{.*}} : tensor<64x64xbf16, #tile.acc> -> tensor<64x64xbf16, #tile.shared>
  %s = tile.stage %half : !half -> !shared
  %buffer = tile.alloc : !tile.smem<1x64x64xbf16>
  // CHECK: tile.stage %{{.*}} in %{{.*}} : !tile.smem<1x64x64xbf16> : tensor
  %s2 = tile.stage %half in %buffer : !tile.smem<1x64x64xbf16> : !half -> !shared
  // CHECK: tile.warpgroup
  %g = tile.warpgroup
  tile.return
}
