// How tiles are read and written. Edges are ragged: loads outside a tensor give zero, stores outside
// are dropped.
// RUN: longwing-opt %s --tile-to-cpu --split-input-file | FileCheck %s

// CHECK-LABEL: func.func private @copy(
// CHECK-SAME:    %[[IN:.*]]: memref<?x?xbf16, strided<[?, 1], offset: ?>>,
// CHECK-SAME:    %[[OUT:.*]]: memref<?x?xbf16, strided<[?, 1], offset: ?>>) {
tile.kernel @copy(%in: !tile.desc<128x64xbf16>, %out: !tile.desc<64x64xbf16> {tile.out})
    schedule <consumers = 2, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c128 = arith.constant 128 : index
  // CHECK: %[[ROWS:.*]] = memref.dim %[[IN]], %{{.*}}
  // CHECK: %[[COLUMNS:.*]] = memref.dim %[[IN]], %{{.*}}
  %rows = tile.dim %in, 0 : !tile.desc<128x64xbf16>
  %columns = tile.dim %in, 1 : !tile.desc<128x64xbf16>
  // The first coordinate varies fastest.
  // CHECK: scf.for %[[Y:.*]] = %{{.*}} to %[[COLUMNS]]
  // CHECK:   scf.for %[[X:.*]] = %{{.*}} to %[[ROWS]]
  tile.foreach in(%rows, %columns) {
  ^bb0(%x: index, %y: index):
    %r = arith.muli %x, %c128 : index
    // A tile of 128 columns is read in two boxes on the card; here it is one.
    // CHECK: tensor.generate
    // CHECK: ^bb0(%[[I:.*]]: index, %[[J:.*]]: index):
    // CHECK:   %[[ROW:.*]] = arith.addi %{{.*}}, %[[I]]
    // CHECK:   %[[COLUMN:.*]] = arith.addi %[[Y]], %[[J]]
    // CHECK:   arith.cmpi ult, %[[ROW]]
    // CHECK:   arith.cmpi ult, %[[COLUMN]]
    // CHECK:   scf.if
    // CHECK:     memref.load %[[IN]][%[[ROW]], %[[COLUMN]]]
    // CHECK:   else
    // CHECK:     arith.constant 0.0{{.*}} : bf16
    // CHECK: tensor<128x128xbf16>
    %tile = tile.load %in[%r, %y] stages 2
        : !tile.desc<128x64xbf16> -> tensor<128x128xbf16, #tile.shared>
    %unit = tile.dot %tile, %tile transpose_b
        : tensor<128x128xbf16, #tile.shared>, tensor<128x128xbf16, #tile.shared>
        -> tensor<128x128xf32, #tile.acc>
    // CHECK: arith.truncf
    %rounded = tile.convert %unit
        : tensor<128x128xf32, #tile.acc> -> tensor<128x128xbf16, #tile.acc>
    // CHECK: scf.for
    // CHECK:   scf.for
    // CHECK:     scf.if
    // CHECK:       tensor.extract
    // CHECK:       memref.store %{{.*}}, %[[OUT]]
    tile.store %rounded, %out[%r, %y] : tensor<128x128xbf16, #tile.acc>, !tile.desc<64x64xbf16>
  }
  tile.return
}

// -----

// Sizes of a view stay, its strides do not; indices are clamped.
// CHECK-LABEL: func.func private @bias(
// CHECK-SAME:    %[[SLOPES:.*]]: memref<16xf32, strided<[?], offset: ?>>,
// CHECK-SAME:    %[[OUT:.*]]: memref<16x?xf32, strided<[?, ?], offset: ?>>
tile.kernel @bias(%slopes: !tile.view<16xf32>, %out: !tile.view<16x?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %heads = arith.constant 16 : index
  %zero = arith.constant 0 : index
  tile.foreach in(%heads) {
  ^bb0(%h: index):
    // CHECK: arith.maxsi
    // CHECK: arith.minsi
    // CHECK: memref.load %[[SLOPES]]
    %slope = tile.gather %slopes[%h : index] : !tile.view<16xf32> -> f32
    %i = tile.iota %zero : tensor<64xindex, #tile.row>
    // CHECK: tensor.generate
    // CHECK:   tensor.extract
    // CHECK:   arith.maxsi
    // CHECK:   arith.minsi
    // CHECK:   memref.load %[[SLOPES]]
    %each = tile.gather %slopes[%i : tensor<64xindex, #tile.row>]
        : !tile.view<16xf32> -> tensor<64xf32, #tile.row>
    %all = tile.broadcast %slope : f32 -> tensor<64xf32, #tile.row>
    %sum = arith.addf %each, %all : tensor<64xf32, #tile.row>
    // CHECK: memref.store %{{.*}}, %[[OUT]]
    tile.store_row %sum, %out[%h, %zero] : tensor<64xf32, #tile.row>, !tile.view<16x?xf32>
  }
  tile.return
}

// A launch writes into copies: what it was given keeps its value.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[S:.*]]: tensor<16xf32>, %[[O:.*]]: tensor<16x64xf32>)
// CHECK-DAG: %[[SLOPES:.*]] = bufferization.to_buffer %[[S]] read_only
// CHECK-DAG: %[[BUFFER:.*]] = memref.alloc() : memref<16x64xf32>
// CHECK-DAG: %[[OLD:.*]] = bufferization.to_buffer %[[O]] read_only
// CHECK: linalg.copy ins(%[[OLD]] : {{.*}}) outs(%[[BUFFER]]
// CHECK: call @bias
// CHECK: %[[NEW:.*]] = bufferization.to_tensor %[[BUFFER]] restrict writable
// CHECK: return %[[NEW]], %[[O]]
func.func @main(%slopes: tensor<16xf32>, %out: tensor<16x64xf32>)
    -> (tensor<16x64xf32>, tensor<16x64xf32>) {
  %c16 = arith.constant 16 : index
  %new = tile.launch @bias(%slopes, %out) work(%c16)
      : (tensor<16xf32>, tensor<16x64xf32>) -> tensor<16x64xf32>
  return %new, %out : tensor<16x64xf32>, tensor<16x64xf32>
}
