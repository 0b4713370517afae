// Tiles of sequences and Toeplitz matrices: round trips.
// RUN: longwing-opt %s | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --emit-bytecode | longwing-opt | FileCheck %s

// CHECK-LABEL: tile.kernel @filter
// CHECK-SAME: producer_registers = 0
tile.kernel @filter(%u: !tile.view<?x8x?xf16>, %h: !tile.view<8x65xf16>, %y: !tile.view<?x8x?xf16> {tile.out})
    schedule <consumers = 1, producer_registers = 0, consumer_registers = 128, persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %b = tile.iota %c0 : tensor<64xindex, #tile.row>
  // CHECK: %[[BANK:.*]] = tile.toeplitz first 0 : tensor<2x64x64xf16, #tile.toeplitz> {
  // CHECK: ^bb0(%[[LAG:.*]]: index):
  // CHECK: tile.gather %{{.*}}[%{{.*}}, %[[LAG]] : index, index]
  // CHECK: tile.yield %{{.*}} : f16
  %bank = tile.toeplitz first 0 : tensor<2x64x64xf16, #tile.toeplitz> {
  ^bb0(%lag: index):
    %tap = tile.gather %h[%c0, %lag : index, index] : !tile.view<8x65xf16> -> f16
    tile.yield %tap : f16
  }
  // CHECK: tile.load_runs %{{.*}}[%{{.*}}, %{{.*}}, %{{.*}} : tensor<64xindex, #tile.row>, index, index] wrap
  %x = tile.load_runs %u[%b, %c0, %c0 : tensor<64xindex, #tile.row>, index, index] wrap
      : !tile.view<?x8x?xf16> -> tensor<64x64xf16, #tile.runs>
  // CHECK: tile.lag %[[BANK]][1]
  %t = tile.lag %bank[1] : tensor<2x64x64xf16, #tile.toeplitz> -> tensor<64x64xf16, #tile.toeplitz>
  // CHECK: tile.dot {{.*}} : tensor<64x64xf16, #tile.runs>, tensor<64x64xf16, #tile.toeplitz> -> tensor<64x64xf32, #tile.runs>
  %s = tile.dot %x, %t : tensor<64x64xf16, #tile.runs>, tensor<64x64xf16, #tile.toeplitz> -> tensor<64x64xf32, #tile.runs>
  %r = tile.convert %s : tensor<64x64xf32, #tile.runs> -> tensor<64x64xf16, #tile.runs>
  // CHECK: tile.store_runs
  tile.store_runs %r, %y[%b, %c0, %c0 : tensor<64xindex, #tile.row>, index, index]
      : tensor<64x64xf16, #tile.runs>, !tile.view<?x8x?xf16>
  tile.return
}

// CHECK-LABEL: func.func @boxes
func.func @boxes(%x: tensor<68x64xf16, #tile.shared>, %w: tensor<64x64xf16, #tile.shared>,
                 %y: !tile.desc<4x1x16x64xf16, split = 64>) {
  %c0 = arith.constant 0 : index
  // CHECK: tile.read_runs %{{.*}} rows 16 from 1 : tensor<68x64xf16, #tile.shared> -> tensor<64x64xf16, #tile.runs<woven = true>>
  %a = tile.read_runs %x rows 16 from 1 : tensor<68x64xf16, #tile.shared> -> tensor<64x64xf16, #tile.runs<woven = true>>
  // CHECK: tile.read_runs %{{.*}} rows 16 from 15 wrap
  %b = tile.read_runs %w rows 16 from 15 wrap : tensor<64x64xf16, #tile.shared> -> tensor<64x64xf16, #tile.runs<woven = true>>
  // CHECK: tile.store %{{.*}} : tensor<64x64xf16, #tile.runs<woven = true>>, <4x1x16x64xf16, split = 64>
  tile.store %a, %y[%c0, %c0, %c0, %c0] : tensor<64x64xf16, #tile.runs<woven = true>>, !tile.desc<4x1x16x64xf16, split = 64>
  return
}
