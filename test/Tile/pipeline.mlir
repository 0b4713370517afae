// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-pipeline,canonicalize,cse))" | FileCheck %s

!desc = !tile.desc<64x64xbf16>
!shared = tensor<64x64xbf16, #tile.shared>
!acc = tensor<64x64xf32, #tile.acc>

// A product of iteration t and the sum of iteration t - 1 share the body of the rotated loop: the
// first product stands in front of it, the last sum behind it.

// CHECK-LABEL: tile.kernel @rotate
tile.kernel @rotate(%a: !desc, %o: !tile.desc<64x32xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !acc
  %n = tile.dim %a, 0 : !desc
  // CHECK: tile.foreach
  tile.foreach in (%n) {
  ^bb0(%x: index):
    // CHECK: tile.load
    // CHECK: %[[FIRST:.*]] = tile.dot
    // CHECK: %[[LOOP:.*]]:2 = scf.for %[[T:.*]] = %c1 to %{{.*}} iter_args(%[[SUM:.*]] = %{{.*}}, %[[LAST:.*]] = %[[FIRST]])
    // CHECK: %[[ROW:.*]] = arith.muli %[[T]]
    // CHECK: tile.load %{{.*}}[%[[ROW]]
    // CHECK: %[[NEXT:.*]] = tile.dot
    // CHECK: %[[ADDED:.*]] = arith.addf %[[SUM]], %[[LAST]]
    // CHECK: scf.yield %[[ADDED]], %[[NEXT]]
    // CHECK: }
    // CHECK-NOT: tile.dot
    // CHECK: %[[END:.*]] = arith.addf %[[LOOP]]#0, %[[LOOP]]#1
    // CHECK: tile.store %[[END]]
    %sum = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!acc) {
      %row = arith.muli %t, %c64 : index
      %tile = tile.load %a[%row, %c0] stages 2 {tile.pipeline = array<i64: 0, 0>} : !desc -> !shared
      %p = tile.dot %tile, %tile transpose_b {tile.pipeline = array<i64: 0, 0>} : !shared, !shared -> !acc
      %next = arith.addf %acc, %p {tile.pipeline = array<i64: 1, 1>} : !acc
      scf.yield %next : !acc
    } {tile.nonempty}
    tile.store %sum, %o[%c0, %c0] : !acc, !tile.desc<64x32xf32>
  }
  tile.return
}

// Two loops over one iteration space are rotated as one: no product is left over between them.

// CHECK-LABEL: tile.kernel @chain
tile.kernel @chain(%a: !desc, %o: !tile.desc<64x32xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %two = arith.constant dense<2.0> : !acc
  %zero = arith.constant dense<0.0> : !acc
  %n = tile.dim %a, 0 : !desc
  %m = tile.dim %a, 1 : !desc
  // CHECK: tile.foreach
  tile.foreach in (%n) {
  ^bb0(%x: index):
    // CHECK: tile.dot
    // CHECK: %[[DOUBLED:.*]] = arith.mulf
    // CHECK: %[[HEAD:.*]]:2 = scf.for
    // CHECK: arith.mulf
    // CHECK: scf.yield
    // CHECK: %[[TAIL:.*]]:2 = scf.for %{{.*}} iter_args(%{{.*}} = %[[HEAD]]#0, %{{.*}} = %[[HEAD]]#1)
    // CHECK-NOT: arith.mulf
    // CHECK: scf.yield
    // CHECK: arith.addf %[[TAIL]]#0, %[[TAIL]]#1
    %head = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!acc) {
      %tile = tile.load %a[%t, %c0] stages 2 {tile.pipeline = array<i64: 0, 0>} : !desc -> !shared
      %p = tile.dot %tile, %tile transpose_b {tile.pipeline = array<i64: 0, 0>} : !shared, !shared -> !acc
      %d = arith.mulf %p, %two : !acc
      %next = arith.addf %acc, %d {tile.pipeline = array<i64: 1, 1>} : !acc
      scf.yield %next : !acc
    } {tile.nonempty}
    %sum = scf.for %t = %n to %m step %c1 iter_args(%acc = %head) -> (!acc) {
      %tile = tile.load %a[%t, %c0] stages 2 {tile.pipeline = array<i64: 0, 0>} : !desc -> !shared
      %p = tile.dot %tile, %tile transpose_b {tile.pipeline = array<i64: 0, 0>} : !shared, !shared -> !acc
      %next = arith.addf %acc, %p {tile.pipeline = array<i64: 1, 1>} : !acc
      scf.yield %next : !acc
    }
    tile.store %sum, %o[%c0, %c0] : !acc, !tile.desc<64x32xf32>
  }
  tile.return
}
