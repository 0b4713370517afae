// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-specialize,canonicalize,cse,tile-allocate))" | FileCheck %s

!desc = !tile.desc<1x8x64xbf16>
!row = tensor<128xf32, #tile.channel<lanes = 1>>
!rows = tensor<1x128xf32, #tile.channel<lanes = 1>>
!shared = tensor<8x128xbf16, #tile.shared>

// A loop whose iterations four CTAs take in turns: in round r, CTA i does number 4 r + i. What a part does
// to the state goes through mail, for which there are places of two rounds.

// CHECK-LABEL: tile.kernel @dealt
tile.kernel @dealt(%x: !desc, %y: !tile.view<?x?x128xbf16> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 104, persistent = false, overlap = false>
    attributes {tile.cluster = 4 : i64} {
  // CHECK: %[[MAIL:.*]] = tile.alloc at 0 {tile.barrier_offset = [[#]] : i64} : !tile.mail<members = 4, threads = 128, values = 1>
  // CHECK: tile.alloc at 4096 {{.*}} : !tile.ring<2x8x128xbf16>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %h0 = arith.constant dense<0.0> : !row
  %n = tile.dim %x, 0 : !desc
  %tiles = tile.dim %x, 1 : !desc
  tile.foreach in (%n) {
  ^bb0(%b: index):
    // CHECK: producer {
    // CHECK-DAG: %[[BLOCK:.*]] = gpu.block_id x
    // CHECK-DAG: %[[ENTRY:.*]] = arith.divui %[[BLOCK]], %c4
    // CHECK-DAG: %[[ROUNDS:.*]] = arith.ceildivui %{{.*}}, %c4
    // CHECK: scf.for %[[R:[a-z0-9]+]] = %c0 to %[[ROUNDS]] step %c1
    // CHECK-DAG: %[[MEMBER:.*]] = arith.remui %{{.*}}, %c4
    // CHECK-DAG: %[[FIRST:.*]] = arith.muli %[[R]], %c4
    // CHECK: %[[I:.*]] = arith.addi %[[FIRST]], %[[MEMBER]]
    // CHECK: tile.produce %{{.*}}[%{{.*}}] from %{{.*}}[%[[ENTRY]], %{{.*}}, %c0]
    // CHECK: consumer {
    // CHECK: scf.for %[[R:[a-z0-9]+]] = %c0
    // CHECK: tile.consume
    // CHECK: tile.chain(%{{.*}}) over(%{{.*}}) through %[[MAIL]][%[[R]]]
    %h = scf.for %i = %c0 to %tiles step %c1 iter_args(%state = %h0) -> !row {
      %time = arith.muli %i, %c8 : index
      %tile = tile.load %x[%b, %time, %c0] stages 2 : !desc -> !shared
      %part = tile.read %tile[%c0] : !shared -> !row
      %before, %after = tile.chain(%state) over(%part) : !row {
      ^bb0(%s: !row, %p: !row):
        %next = arith.addf %s, %p : !row
        tile.yield %next : !row
      }
      tile.store_channels %before, %y[%b, %i, %c0] : !row, !tile.view<?x?x128xbf16>
      scf.yield %after : !row
    } {tile.dealt}
    tile.return
  }
  tile.return
}

// Two warpgroups of each CTA are members, too: the producer loads a tile for each, and a round is eight iterations.

// CHECK-LABEL: tile.kernel @dealt_to_warpgroups
tile.kernel @dealt_to_warpgroups(%x: !desc, %y: !tile.view<?x?x128xbf16> {tile.out})
    schedule <consumers = 2, producer_registers = 24, consumer_registers = 224, persistent = false, overlap = false, spread = true>
    attributes {tile.cluster = 4 : i64} {
  // CHECK: tile.alloc {{.*}} : !tile.mail<members = 8, threads = 128, values = 1>
  // CHECK: tile.alloc {{.*}} : !tile.ring<2x2x8x128xbf16>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %h0 = arith.constant dense<0.0> : !row
  %n = tile.dim %x, 0 : !desc
  %tiles = tile.dim %x, 1 : !desc
  tile.foreach in (%n) {
  ^bb0(%b: index):
    // CHECK: producer {
    // CHECK: arith.ceildivui %{{.*}}, %c8
    // CHECK: scf.for %[[R:[a-z0-9]+]] = %c0
    // CHECK-DAG: %[[CTA:.*]] = arith.remui %{{.*}}, %c4
    // CHECK-DAG: %[[FIRST:.*]] = arith.muli %[[R]], %c8
    // CHECK-DAG: %[[MEMBER:.*]] = arith.muli %[[CTA]], %c2
    // CHECK: %[[I:.*]] = arith.addi %[[FIRST]], %[[MEMBER]]
    // CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %c1
    // CHECK: %[[TIME:.*]] = arith.muli %[[I]], %c8
    // CHECK: %[[NEXT_TIME:.*]] = arith.muli %[[NEXT]], %c8
    // CHECK: tile.produce %{{.*}}[%{{.*}}] from %{{.*}}[%{{.*}}, %[[TIME]], %c0, %{{.*}}, %[[NEXT_TIME]], %c0]
    // CHECK: consumer {
    // CHECK: scf.for %[[R:[a-z0-9]+]] = %c0
    // CHECK: %[[OWN:.*]] = tile.warpgroup
    // CHECK: arith.addi %{{.*}}, %[[OWN]]
    // CHECK: tile.chain
    %h = scf.for %i = %c0 to %tiles step %c1 iter_args(%state = %h0) -> !row {
      %time = arith.muli %i, %c8 : index
      %tile = tile.load %x[%b, %time, %c0] stages 2 : !desc -> !shared
      %part = tile.read %tile[%c0] : !shared -> !row
      %before, %after = tile.chain(%state) over(%part) : !row {
      ^bb0(%s: !row, %p: !row):
        %next = arith.addf %s, %p : !row
        tile.yield %next : !row
      }
      tile.store_channels %before, %y[%b, %i, %c0] : !row, !tile.view<?x?x128xbf16>
      scf.yield %after : !row
    } {tile.dealt}
    tile.return
  }
  tile.return
}
