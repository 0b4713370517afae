// RUN: longwing-opt %s | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --emit-bytecode | longwing-opt | FileCheck %s

// Results that are multiplied again: from registers to SRAM, and from SRAM to registers.

!acc = tensor<128x64xf32, #tile.acc>
!packed = tensor<128x64xf16, #tile.acc>

// CHECK-LABEL: tile.kernel @transform
tile.kernel @transform(%x: !tile.desc<1x1x16x64xf16, split = 1024>, %y: !tile.view<?x4x?xf16> {tile.out},
                       %z: !tile.desc<4x1x16x1x64xf16> {tile.out}, %w: !tile.desc<1x64x32xf32>)
    schedule <consumers = 2, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // CHECK: tile.load %{{.*}} along 3 stages 2 : <1x1x16x64xf16, split = 1024>
  %f = tile.load %x[%c0, %c0, %c0, %c0] along 3 stages 2 : !tile.desc<1x1x16x64xf16, split = 1024> -> tensor<64x64xf16, #tile.shared>
  // CHECK: tile.unstage %{{.*}} : tensor<64x64xf16, #tile.shared> -> tensor<128x64xf16, #tile.acc>
  %table = tile.unstage %f : tensor<64x64xf16, #tile.shared> -> !packed
  // CHECK: tile.load %{{.*}} along 2 stages 2 : <1x64x32xf32>
  %g = tile.load %w[%c0, %c0, %c0] along 2 stages 2 : !tile.desc<1x64x32xf32> -> tensor<128x64xf32, #tile.shared>
  // CHECK: tile.unstage %{{.*}} : tensor<128x64xf32, #tile.shared> -> tensor<128x64xf32, #tile.acc>
  %t = tile.unstage %g : tensor<128x64xf32, #tile.shared> -> !acc
  // CHECK: tile.widen %{{.*}} : tensor<64x64xf16, #tile.shared> -> tensor<64x64xf32, #tile.shared>
  %h = tile.widen %f : tensor<64x64xf16, #tile.shared> -> tensor<64x64xf32, #tile.shared>
  // CHECK: tile.publish %{{.*}} blocked
  %b = tile.publish %table blocked : !packed -> tensor<128x64xf16, #tile.shared>
  // CHECK: tile.dot %{{.*}}, %{{.*}} blocked
  %d = tile.dot %f, %b blocked : tensor<64x64xf16, #tile.shared>, tensor<128x64xf16, #tile.shared> -> !acc
  // CHECK: tile.dot %{{.*}}, %{{.*}} acc(%{{.*}} : tensor<128x64xf32, #tile.acc>) negate blocked
  %e = tile.dot %f, %b acc(%d : !acc) negate blocked
      : tensor<64x64xf16, #tile.shared>, tensor<128x64xf16, #tile.shared> -> !acc
  // CHECK: tile.complex_mul %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} conjugate : tensor<128x64xf32, #tile.acc>
  %re, %im = tile.complex_mul %e, %t, %t, %e conjugate : !acc
  %half = tile.convert %re : !acc -> !packed
  // CHECK: tile.iota %{{.*}} : tensor<64xf32, #tile.col>
  %columns = tile.iota %c0 : tensor<64xf32, #tile.col>
  %n = tile.iota %c0 : tensor<64xindex, #tile.col>
  %at = tile.broadcast %n : tensor<64xindex, #tile.col> -> tensor<128x64xindex, #tile.acc>
  // CHECK: tile.scatter
  tile.scatter %half, %y[%c0, %c0, %at : index, index, tensor<128x64xindex, #tile.acc>] : !packed, !tile.view<?x4x?xf16>
  // CHECK: tile.store %{{.*}} along 3
  tile.store %half, %z[%c0, %c0, %c0, %c0, %c0] along 3 : !packed, !tile.desc<4x1x16x1x64xf16>
  tile.return
}
