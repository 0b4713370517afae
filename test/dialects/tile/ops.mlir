// Every operation of the dialect, printed and read again, as text and as bytecode.
// RUN: longwing-opt %s | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --emit-bytecode | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --mlir-print-op-generic | longwing-opt | FileCheck %s

!tensor = !tile.desc<1x64x64xf16>
!shared = tensor<64x64xf16, #tile.shared>
!acc = tensor<64x64xf32, #tile.acc>
!row = tensor<64xf32, #tile.row>
!lanes = tensor<64x4xf32, #tile.lanes>

// CHECK-LABEL: tile.kernel @sequential
// CHECK-SAME:    (%[[A:.*]]: !tile.desc<1x64x64xf16>, %[[O:.*]]: !tile.desc<1x64x64xf16> {tile.out},
// CHECK-SAME:     %[[V:.*]]: !tile.view<?x16x?xf32> {tile.out}, %[[E:.*]]: !tile.view<?xf32> {tile.out})
// CHECK-SAME:    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = true>
// CHECK-SAME:    attributes {comment = "any"}
tile.kernel @sequential(%a: !tensor, %o: !tensor {tile.out},
                        %view: !tile.view<?x16x?xf32> {tile.out}, %energies: !tile.view<?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = true> attributes {comment = "any"} {
  // CHECK: %[[SIZE:.*]] = tile.dim %[[A]], 0 : !tile.desc<1x64x64xf16>
  %size = tile.dim %a, 0 : !tensor
  // CHECK: tile.foreach in(%[[SIZE]], %[[SIZE]]) {
  // CHECK: ^bb0(%[[X:.*]]: index, %[[Y:.*]]: index):
  tile.foreach in(%size, %size) {
  ^bb0(%x: index, %y: index):
    // CHECK: tile.load %[[A]][%[[X]], %[[Y]], %[[X]]] stages 2 : <1x64x64xf16> -> tensor<64x64xf16, #tile.shared>
    %t = tile.load %a[%x, %y, %x] stages 2 : !tensor -> !shared
    // CHECK: tile.dot %{{.*}}, %{{.*}} transpose_b {tile.pipeline = array<i64: 1, 0>} : tensor<64x64xf16, #tile.shared>, tensor<64x64xf16, #tile.shared> -> tensor<64x64xf32, #tile.acc>
    %s = tile.dot %t, %t transpose_b {tile.pipeline = array<i64: 1, 0>} : !shared, !shared -> !acc
    // CHECK: tile.convert %{{.*}} : tensor<64x64xf32, #tile.acc> -> tensor<64x64xf16, #tile.a_frag>
    %p = tile.convert %s : !acc -> tensor<64x64xf16, #tile.a_frag>
    // CHECK: tile.dot %{{.*}}, %{{.*}} acc(%{{.*}} : tensor<64x64xf32, #tile.acc>) : tensor<64x64xf16, #tile.a_frag>
    %d = tile.dot %p, %t acc(%s : !acc) : tensor<64x64xf16, #tile.a_frag>, !shared -> !acc
    // CHECK: tile.reduce <max> %{{.*}} : tensor<64x64xf32, #tile.acc> -> tensor<64xf32, #tile.row>
    %m = tile.reduce <max> %d : !acc -> !row
    // CHECK: tile.reduce <add> %{{.*}} : tensor<64x64xf32, #tile.acc> -> tensor<64x4xf32, #tile.lanes>
    %l = tile.reduce <add> %d : !acc -> !lanes
    // CHECK: tile.reduce <add> %{{.*}} : tensor<64x4xf32, #tile.lanes> -> tensor<64xf32, #tile.row>
    %n = tile.reduce <add> %l : !lanes -> !row
    // CHECK: tile.iota %[[Y]] : tensor<64xindex, #tile.col>
    %i = tile.iota %y : tensor<64xindex, #tile.col>
    // CHECK: tile.broadcast %{{.*}} : tensor<64xindex, #tile.col> -> tensor<64x64xindex, #tile.acc>
    %ii = tile.broadcast %i : tensor<64xindex, #tile.col> -> tensor<64x64xindex, #tile.acc>
    // CHECK: tile.broadcast %{{.*}} : tensor<64xf32, #tile.row> -> tensor<64x4xf32, #tile.lanes>
    %ml = tile.broadcast %m : !row -> !lanes
    // CHECK: tile.gather %[[V]][%[[X]], %[[Y]], %{{.*}} : index, index, tensor<64x64xindex, #tile.acc>] : <?x16x?xf32> -> tensor<64x64xf32, #tile.acc>
    %g = tile.gather %view[%x, %y, %ii : index, index, tensor<64x64xindex, #tile.acc>]
        : !tile.view<?x16x?xf32> -> !acc
    // CHECK: tile.gather %[[V]][%[[X]], %[[Y]], %[[Y]] : index, index, index] : <?x16x?xf32> -> f32
    %one = tile.gather %view[%x, %y, %y : index, index, index] : !tile.view<?x16x?xf32> -> f32
    // CHECK: tile.convert %{{.*}} : tensor<64x64xf32, #tile.acc> -> tensor<64x64xf16, #tile.acc>
    %h = tile.convert %g : !acc -> tensor<64x64xf16, #tile.acc>
    // CHECK: tile.store %{{.*}}, %[[O]][%[[X]], %[[Y]], %[[Y]]] : tensor<64x64xf16, #tile.acc>, <1x64x64xf16>
    tile.store %h, %o[%x, %y, %y] : tensor<64x64xf16, #tile.acc>, !tensor
    // CHECK: tile.store_row %{{.*}}, %[[V]][%[[X]], %[[Y]], %[[Y]]] : tensor<64xf32, #tile.row>, <?x16x?xf32>
    tile.store_row %n, %view[%x, %y, %y] : !row, !tile.view<?x16x?xf32>
    // CHECK: tile.store_energy %{{.*}}, %{{.*}} to %[[E]][%[[X]]] : tensor<64x64xf32, #tile.acc>, tensor<64x64xf32, #tile.acc> to <?xf32>
    tile.store_energy %g, %g to %energies[%x] : !acc, !acc to !tile.view<?xf32>
  }
  tile.return
}

// CHECK-LABEL: tile.kernel @specialised
tile.kernel @specialised(%a: !tensor, %o: !tensor {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = true, overlap = true> {
  %c0 = arith.constant 0 : index
  %slot = arith.constant 0 : i32
  // CHECK: %[[RING:.*]] = tile.alloc : !tile.ring<2x64x64xf16>
  %ring = tile.alloc : !tile.ring<2x64x64xf16>
  // CHECK: %[[STAGING:.*]] = tile.alloc at 16384 : !tile.smem<64x64xf16>
  %staging = tile.alloc at 16384 : !tile.smem<64x64xf16>
  // CHECK: tile.warp_specialize producer {
  tile.warp_specialize producer {
    // CHECK: tile.produce %[[RING]][%[[P:.*]]] from %{{.*}}[%{{.*}}] : <2x64x64xf16>, <1x64x64xf16>
    tile.produce %ring[%slot] from %a[%c0, %c0, %c0] : !tile.ring<2x64x64xf16>, !tensor
    tile.return
  // CHECK: } consumer {
  } consumer {
    // CHECK: tile.consume %[[RING]][%[[P]]] : <2x64x64xf16> -> tensor<64x64xf16, #tile.shared>
    %t = tile.consume %ring[%slot] : !tile.ring<2x64x64xf16> -> !shared
    // CHECK: tile.mma_async %{{.*}}, %{{.*}} transpose_b
    %s = tile.mma_async %t, %t transpose_b : !shared, !shared -> !acc
    // CHECK: tile.mma_wait 1{{$}}
    tile.mma_wait 1
    // CHECK: tile.mma_wait 0(%{{.*}}) : tensor<64x64xf32, #tile.acc>
    %d = tile.mma_wait 0(%s) : !acc
    // CHECK: tile.release %[[RING]][%[[P]]] : <2x64x64xf16>
    tile.release %ring[%slot] : !tile.ring<2x64x64xf16>
    %h = tile.convert %d : !acc -> tensor<64x64xf16, #tile.acc>
    // CHECK: tile.store %{{.*}}, %{{.*}}[%{{.*}}] staging %[[STAGING]] : !tile.smem<64x64xf16> : tensor<64x64xf16, #tile.acc>, <1x64x64xf16>
    tile.store %h, %o[%c0, %c0, %c0] staging %staging : !tile.smem<64x64xf16>
        : tensor<64x64xf16, #tile.acc>, !tensor
    tile.return
  }
  tile.return
}

// CHECK-LABEL: func.func @host
func.func @host(%a: tensor<?x?x64xf16>, %o: tensor<?x?x64xf16>, %v: tensor<?x16x?xf32>, %e: tensor<?xf32>)
    -> (tensor<?x?x64xf16>, tensor<?x16x?xf32>, tensor<?xf32>) {
  %c1 = arith.constant 1 : index
  // CHECK: tile.launch @sequential(%{{.*}}) work(%{{.*}}, %{{.*}}) : (tensor<?x?x64xf16>, tensor<?x?x64xf16>, tensor<?x16x?xf32>, tensor<?xf32>) -> (tensor<?x?x64xf16>, tensor<?x16x?xf32>, tensor<?xf32>)
  %r:3 = tile.launch @sequential(%a, %o, %v, %e) work(%c1, %c1)
      : (tensor<?x?x64xf16>, tensor<?x?x64xf16>, tensor<?x16x?xf32>, tensor<?xf32>)
      -> (tensor<?x?x64xf16>, tensor<?x16x?xf32>, tensor<?xf32>)
  return %r#0, %r#1, %r#2 : tensor<?x?x64xf16>, tensor<?x16x?xf32>, tensor<?xf32>
}
