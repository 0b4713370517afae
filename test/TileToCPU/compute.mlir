// The arithmetic of tiles: layouts go, roundings and orders of summation stay.
// RUN: longwing-opt %s --tile-to-cpu | FileCheck %s

// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[TRANSPOSED:.*]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG: #[[LANE:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2)>

// CHECK-LABEL: func.func private @compute(
tile.kernel @compute(%in: !tile.desc<64x64xf16>, %out: !tile.desc<64x64xf16> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  tile.foreach in(%c1) {
  ^bb0(%x: index):
    %t = tile.load %in[%x, %c0] stages 1 : !tile.desc<64x64xf16> -> tensor<64x64xf16, #tile.shared>

    // A splat is a value, not an array of constants.
    // CHECK: %[[TWO:.*]] = arith.constant 2.0{{.*}} : f32
    // CHECK: linalg.fill ins(%[[TWO]]
    %two = arith.constant dense<2.0> : tensor<64x64xf32, #tile.acc>

    // 16-bit operands widen exactly; the sum is in f32.
    // CHECK: linalg.generic {{.*}}[#[[ALL]], #[[ALL]]]
    // CHECK:   arith.extf %{{.*}} : f16 to f32
    // CHECK: linalg.generic {{.*}}[#[[TRANSPOSED]], #[[ALL]]]
    // CHECK:   arith.extf %{{.*}} : f16 to f32
    // CHECK: linalg.generic {{.*}}["parallel", "reduction", "parallel"]
    // CHECK:   arith.mulf
    // CHECK:   arith.addf
    %s = tile.mma_async %t, %t transpose_b
        : tensor<64x64xf16, #tile.shared>, tensor<64x64xf16, #tile.shared>
        -> tensor<64x64xf32, #tile.acc>
    %done = tile.mma_wait 0 (%s) : tensor<64x64xf32, #tile.acc>
    // CHECK: linalg.generic
    // CHECK:   arith.mulf
    %double = arith.mulf %done, %two {tile.pipeline = array<i64: 1, 0>}
        : tensor<64x64xf32, #tile.acc>

    // Column c of a row is summed into lane (c / 2) % 4.
    // CHECK: tensor.expand_shape {{.*}} into tensor<64x8x4x2xf32>
    // CHECK: linalg.generic {{.*}}#[[LANE]]
    // CHECK:   arith.addf
    %lanes = tile.reduce <add> %double
        : tensor<64x64xf32, #tile.acc> -> tensor<64x4xf32, #tile.lanes>
    // Lanes meet in pairs.
    // CHECK: tensor.expand_shape {{.*}} into tensor<64x2x2xf32>
    // CHECK: arith.addf
    // CHECK: arith.addf
    %row = tile.reduce <add> %lanes : tensor<64x4xf32, #tile.lanes> -> tensor<64xf32, #tile.row>
    // CHECK: tensor.expand_shape {{.*}} into tensor<64x8x4x2xf32>
    // CHECK: arith.maxnumf
    %most = tile.reduce <max> %double : tensor<64x64xf32, #tile.acc> -> tensor<64xf32, #tile.row>
    %sum = arith.addf %row, %most : tensor<64xf32, #tile.row>

    // CHECK: linalg.generic {{.*}}[#[[ROW]], #[[ALL]]]
    %rows = tile.broadcast %sum : tensor<64xf32, #tile.row> -> tensor<64x64xf32, #tile.acc>
    // CHECK: tensor.generate
    %i = tile.iota %x : tensor<64xindex, #tile.col>
    // CHECK: linalg.generic {{.*}}[#[[COLUMN]], #[[ALL]]]
    %columns = tile.broadcast %i : tensor<64xindex, #tile.col> -> tensor<64x64xindex, #tile.acc>
    %limit = tile.broadcast %x : index -> tensor<64x64xindex, #tile.acc>
    %seen = arith.cmpi ult, %columns, %limit : tensor<64x64xindex, #tile.acc>
    %kept = arith.select %seen, %rows, %two
        : tensor<64x64xi1, #tile.acc>, tensor<64x64xf32, #tile.acc>

    // CHECK: arith.truncf %{{.*}} : f32 to f16
    %half = tile.convert %kept : tensor<64x64xf32, #tile.acc> -> tensor<64x64xf16, #tile.acc>
    tile.store %half, %out[%x, %c0] : tensor<64x64xf16, #tile.acc>, !tile.desc<64x64xf16>
  }
  // CHECK-NOT: tile.
  // CHECK: return
  tile.return
}
