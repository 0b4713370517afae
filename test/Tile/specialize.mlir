// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-specialize,canonicalize,cse))" --split-input-file | FileCheck %s

!desc = !tile.desc<64x64xbf16>
!shared = tensor<64x64xbf16, #tile.shared>
!acc = tensor<64x64xf32, #tile.acc>

// The producer keeps the loads and the loops around them, the consumers the rest; both count the
// ring's positions through the same loops. A slot is released behind the last use of its tile.

// CHECK-LABEL: tile.kernel @gemm
tile.kernel @gemm(%a: !desc, %b: !desc, %o: !tile.desc<64x64xbf16> {tile.out})
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  // CHECK: %[[A:.*]] = tile.alloc : !tile.ring<3x64x64xbf16>
  // CHECK: %[[B:.*]] = tile.alloc : !tile.ring<2x64x64xbf16>
  // CHECK: %[[STAGING:.*]] = tile.alloc : !tile.smem<64x64xbf16>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !acc
  %n = tile.dim %a, 1 : !desc
  tile.foreach in (%n) {
  ^bb0(%x: index):
    // CHECK: tile.warp_specialize producer {
    // CHECK: %[[TILE:.*]] = gpu.block_id x
    // CHECK: scf.for %{{.*}} iter_args(%[[PA:.*]] = %c0_i32, %[[PB:.*]] = %c0_i32) -> (i32, i32)
    // CHECK: tile.produce %[[A]][%[[PA]]] from %{{.*}}[%[[TILE]]
    // CHECK: %[[PA1:.*]] = arith.addi %[[PA]], %c1_i32
    // CHECK: tile.produce %[[B]][%[[PB]]]
    // CHECK: %[[PB1:.*]] = arith.addi %[[PB]], %c1_i32
    // CHECK-NOT: tile.dot
    // CHECK: scf.yield %[[PA1]], %[[PB1]]
    // CHECK: } consumer {
    // CHECK: scf.for %{{.*}} iter_args(%[[ACC:.*]] = %{{.*}}, %[[CA:.*]] = %c0_i32, %[[CB:.*]] = %c0_i32)
    // CHECK: %[[TA:.*]] = tile.consume %[[A]][%[[CA]]]
    // CHECK: %[[TB:.*]] = tile.consume %[[B]][%[[CB]]]
    // CHECK: tile.dot %[[TA]], %[[TB]]
    // CHECK-DAG: tile.release %[[A]][%[[CA]]]
    // CHECK-DAG: tile.release %[[B]][%[[CB]]]
    // CHECK: tile.store {{.*}} staging %[[STAGING]]
    %sum = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!acc) {
      %ta = tile.load %a[%x, %t] stages 3 : !desc -> !shared
      %tb = tile.load %b[%t, %x] stages 2 : !desc -> !shared
      %next = tile.dot %ta, %tb acc(%acc : !acc) : !shared, !shared -> !acc
      scf.yield %next : !acc
    }
    %out = tile.convert %sum : !acc -> tensor<64x64xbf16, #tile.acc>
    tile.store %out, %o[%c0, %c0] : tensor<64x64xbf16, #tile.acc>, !tile.desc<64x64xbf16>
  }
  tile.return
}

// -----

// A persistent CTA walks over rounds of work tiles, turned by one from round to round; positions
// run on from tile to tile.

// CHECK-LABEL: tile.kernel @persistent
tile.kernel @persistent(%a: !tile.desc<64x64xbf16>, %o: !tile.desc<64x64xbf16> {tile.out})
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = true, overlap = true> {
  %c0 = arith.constant 0 : index
  %n = tile.dim %a, 0 : !tile.desc<64x64xbf16>
  // CHECK: %[[CTA:.*]] = gpu.block_id x
  // CHECK: %[[CTAS:.*]] = gpu.grid_dim x
  // CHECK: scf.for %[[ROUND:.*]] = %c0 to %{{.*}} step %c1 iter_args(%[[P:.*]] = %c0_i32)
  // CHECK: %[[SUM:.*]] = arith.addi %[[CTA]], %[[ROUND]]
  // CHECK: %[[TURNED:.*]] = arith.remui %[[SUM]], %[[CTAS]]
  // CHECK: %[[BASE:.*]] = arith.muli %[[ROUND]], %[[CTAS]]
  // CHECK: %[[TILE:.*]] = arith.addi %[[BASE]], %[[TURNED]]
  // CHECK: %[[EXISTS:.*]] = arith.cmpi ult, %[[TILE]]
  // CHECK: scf.if %[[EXISTS]] -> (i32)
  // CHECK: tile.produce %{{.*}}[%[[P]]]
  // CHECK: consumer
  // CHECK: tile.consume
  tile.foreach in (%n) {
  ^bb0(%x: index):
    %t = tile.load %a[%x, %c0] stages 2 : !tile.desc<64x64xbf16> -> tensor<64x64xbf16, #tile.shared>
    %p = tile.dot %t, %t : tensor<64x64xbf16, #tile.shared>, tensor<64x64xbf16, #tile.shared> -> tensor<64x64xf32, #tile.acc>
    %out = tile.convert %p : tensor<64x64xf32, #tile.acc> -> tensor<64x64xbf16, #tile.acc>
    tile.store %out, %o[%x, %c0] : tensor<64x64xbf16, #tile.acc>, !tile.desc<64x64xbf16>
  }
  tile.return
}
