// RUN: longwing-opt %s --canonicalize --cse | FileCheck %s

// CHECK-LABEL: tile.kernel @folds(
tile.kernel @folds(%view: !tile.view<16x?xf32>, %out: !tile.view<16x?xf32> {tile.out},
                   %half: !tile.desc<64x64xf16> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  // Scalars and rows of one value broadcast to constants.
  // CHECK-DAG: %[[THREE:.*]] = arith.constant dense<3.000000e+00> : tensor<64xf32, #tile.row>
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<64xf32, #tile.row>
  // CHECK-DAG: %[[FOUR:.*]] = arith.constant dense<4.000000e+00> : tensor<64x64xf32, #tile.acc>
  // CHECK-DAG: %[[TENTH:.*]] = arith.constant dense<9.997550e-02> : tensor<64x64xf16, #tile.acc>
  // CHECK-DAG: %[[SIZE:.*]] = arith.constant 16 : index
  // CHECK: tile.dim
  // CHECK-NOT: tile.dim
  %f3 = arith.constant 3.0 : f32
  %threes = tile.broadcast %f3 : f32 -> tensor<64xf32, #tile.row>
  %tile3 = tile.broadcast %threes : tensor<64xf32, #tile.row> -> tensor<64x64xf32, #tile.acc>
  // A static size of a view is known; a size that is not is read once.
  %heads = tile.dim %view, 0 : !tile.view<16x?xf32>
  %length = tile.dim %view, 1 : !tile.view<16x?xf32>
  %again = tile.dim %view, 1 : !tile.view<16x?xf32>
  // CHECK: tile.foreach in(%[[SIZE]], %[[L:.*]], %[[L]])
  tile.foreach in(%heads, %length, %again) {
  ^bb0(%h: index, %i: index, %j: index):
    // The maximum of equal values is known; a sum only if it is exact.
    // CHECK: tile.store_row %[[THREE]]
    %most = tile.reduce <max> %tile3 : tensor<64x64xf32, #tile.acc> -> tensor<64xf32, #tile.row>
    tile.store_row %most, %out[%h, %i] : tensor<64xf32, #tile.row>, !tile.view<16x?xf32>
    // CHECK: tile.store_row %[[ZERO]]
    %none = arith.constant dense<0.0> : tensor<64x4xf32, #tile.lanes>
    %zero = tile.reduce <add> %none : tensor<64x4xf32, #tile.lanes> -> tensor<64xf32, #tile.row>
    tile.store_row %zero, %out[%h, %i] : tensor<64xf32, #tile.row>, !tile.view<16x?xf32>
    // CHECK: %[[SUM:.*]] = tile.reduce <add> %[[FOUR]]
    // CHECK: tile.store_row %[[SUM]]
    %fours = arith.constant dense<4.0> : tensor<64x64xf32, #tile.acc>
    %sum = tile.reduce <add> %fours : tensor<64x64xf32, #tile.acc> -> tensor<64xf32, #tile.row>
    tile.store_row %sum, %out[%h, %i] : tensor<64xf32, #tile.row>, !tile.view<16x?xf32>
    // A constant is rounded to nearest.
    // CHECK: tile.store %[[TENTH]]
    %tenth = arith.constant dense<0.1> : tensor<64x64xf32, #tile.acc>
    %rounded = tile.convert %tenth : tensor<64x64xf32, #tile.acc> -> tensor<64x64xf16, #tile.acc>
    tile.store %rounded, %half[%h, %i] : tensor<64x64xf16, #tile.acc>, !tile.desc<64x64xf16>
  }
  tile.return
}
