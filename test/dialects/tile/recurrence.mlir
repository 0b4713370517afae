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
    // CHECK: tile.greatest %[[SUMS]] : tensor<64xf32, #tile.line>
    %most = tile.greatest %sums : !line
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
  // CHECK: tile.load {{.*}} -> tensor<64x128xbf16, #tile.shared>
  %wide = tile.load %x[%c0, %c0, %c0, %c0] stages 2 : !tile.desc<1x64x1x64xbf16> -> tensor<64x128xbf16, #tile.shared>
  // CHECK: tile.panel %{{.*}} from 64 : tensor<64x128xbf16, #tile.shared> -> tensor<64x64xbf16, #tile.shared>
  %panel = tile.panel %wide from 64 : tensor<64x128xbf16, #tile.shared> -> !shared
  // CHECK: tile.trim %{{.*}} to %c0 : tensor<64x64xbf16, #tile.shared>
  %none = tile.trim %t to %c0 : !shared
  // CHECK: tile.fragment %{{.*}} : tensor<64x64xbf16, #tile.shared> -> tensor<64x64xbf16, #tile.a_frag>
  %operand = tile.fragment %panel : !shared -> tensor<64x64xbf16, #tile.a_frag>
  // CHECK: tile.convert %{{.*}} : tensor<64x64xf32, #tile.acc> -> tensor<64x64xbf16, #tile.acc>
  %half = tile.convert %f : !acc -> !half
  // CHECK: tile.stage %{{.*}} : tensor<64x64xbf16, #tile.acc> -> tensor<64x64xbf16, #tile.shared>
  %s = tile.stage %half : !half -> !shared
  %buffer = tile.alloc : !tile.smem<1x64x64xbf16>
  // CHECK: tile.stage %{{.*}} {place = 1 : i64} : tensor
  %s1 = tile.stage %half {place = 1 : i64} : !half -> !shared
  // CHECK: tile.stage %{{.*}} in %{{.*}} : !tile.smem<1x64x64xbf16> : tensor
  %s2 = tile.stage %half in %buffer : !tile.smem<1x64x64xbf16> : !half -> !shared
  // CHECK: tile.warpgroup
  %g = tile.warpgroup
  tile.return
}

// What decays that differ between columns need: sums over steps, what rows have in common, and operands in two parts.

// CHECK-LABEL: tile.kernel @channels
tile.kernel @channels(%q: !tile.desc<1x64x1x64xbf16>, %wide: !tile.desc<1x64x1x32xf32>)
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = false, spread = false> {
  %zero = arith.constant 0 : index
  %from = tile.iota %zero : tensor<64xindex, #tile.row>
  %to = tile.broadcast %zero : index -> tensor<64xindex, #tile.row>
  // CHECK: tile.between %{{.*}} to %{{.*}} : tensor<64xindex, #tile.row> -> tensor<64x64xbf16, #tile.a_frag>
  %steps = tile.between %from to %to : tensor<64xindex, #tile.row> -> tensor<64x64xbf16, #tile.a_frag>
  %tile = tile.load %q[%zero, %zero, %zero, %zero] stages 1 : !tile.desc<1x64x1x64xbf16> -> tensor<64x64xbf16, #tile.shared>
  %sums = tile.dot %steps, %tile : tensor<64x64xbf16, #tile.a_frag>, tensor<64x64xbf16, #tile.shared> -> tensor<64x64xf32, #tile.acc>
  // CHECK: tile.common %{{.*}} : tensor<64x64xf32, #tile.acc> -> tensor<64xf32, #tile.col>
  %columns = tile.common %sums : tensor<64x64xf32, #tile.acc> -> tensor<64xf32, #tile.col>
  %most = tile.reduce <max> %sums : tensor<64x64xf32, #tile.acc> -> tensor<64xf32, #tile.row>
  // CHECK: tile.common %{{.*}} : tensor<64xf32, #tile.row> -> f32
  %scalar = tile.common %most : tensor<64xf32, #tile.row> -> f32
  // CHECK: tile.parts %{{.*}} : tensor<64x64xf32, #tile.acc> -> tensor<64x64xbf16, #tile.a_frag>
  %whole, %rest = tile.parts %sums : tensor<64x64xf32, #tile.acc> -> tensor<64x64xbf16, #tile.a_frag>
  %f = tile.load %wide[%zero, %zero, %zero, %zero] stages 1 : !tile.desc<1x64x1x32xf32> -> tensor<64x64xf32, #tile.shared>
  // CHECK: tile.fragment %{{.*}} : tensor<64x64xf32, #tile.shared> -> tensor<64x64xf32, #tile.acc>
  %g = tile.fragment %f : tensor<64x64xf32, #tile.shared> -> tensor<64x64xf32, #tile.acc>
  tile.return
}
