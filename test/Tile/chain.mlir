// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-specialize,canonicalize,cse,tile-allocate))" | FileCheck %s

!desc = !tile.desc<1x8x32xbf16>
!row = tensor<32xf32, #tile.channel<lanes = 1>>
!shared = tensor<8x32xbf16, #tile.shared<panel = 64>>
!wide_desc = !tile.desc<1x8x64xbf16>
!wide_row = tensor<128xf32, #tile.channel<lanes = 1>>
!wide = tensor<8x128xbf16, #tile.shared>

// A loop whose iterations the 16 warps of four CTAs take in turns: in round r, warp i does number 16 r + i, and the
// producer of a CTA loads a tile for each of its four. What a part does to the state goes through mail, for which
// there are places of two rounds.

// CHECK-LABEL: tile.kernel @dealt
tile.kernel @dealt(%x: !desc, %y: !tile.view<?x?x32xbf16> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 104, persistent = false, overlap = false>
    attributes {tile.cluster = 4 : i64} {
  // CHECK: %[[MAIL:.*]] = tile.alloc at 0 {tile.barrier_offset = [[#]] : i64} : !tile.mail<members = 16, threads = 32, values = 1>
  // CHECK: tile.alloc at 4096 {{.*}} : !tile.ring<2x4x8x32xbf16, panel = 64>
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
    // CHECK-DAG: %[[ROUNDS:.*]] = arith.ceildivui %{{.*}}, %c16
    // CHECK: scf.for %[[R:[a-z0-9]+]] = %c0 to %[[ROUNDS]] step %c1
    // CHECK-DAG: %[[CTA:.*]] = arith.remui %{{.*}}, %c4
    // CHECK-DAG: %[[FIRST:.*]] = arith.muli %[[R]], %c16
    // CHECK-DAG: %[[MEMBER:.*]] = arith.muli %[[CTA]], %c4
    // CHECK: %[[I:.*]] = arith.addi %[[FIRST]], %[[MEMBER]]
    // CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %c1
    // CHECK: %[[TIME:.*]] = arith.muli %[[I]], %c8
    // CHECK: %[[NEXT_TIME:.*]] = arith.muli %[[NEXT]], %c8
    // CHECK: tile.produce %{{.*}}[%{{.*}}] from %{{.*}}[%[[ENTRY]], %[[TIME]], %c0, %{{.*}}, %[[NEXT_TIME]], %c0,
    // CHECK: consumer {
    // CHECK: scf.for %[[R:[a-z0-9]+]] = %c0
    // CHECK: %[[WARP:.*]] = tile.warp
    // CHECK: arith.addi %{{.*}}, %[[WARP]]
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
      tile.store_channels %before, %y[%b, %i, %c0] : !row, !tile.view<?x?x32xbf16>
      scf.yield %after : !row
    } {tile.dealt}
    tile.return
  }
  tile.return
}

// Where the schedule spreads, the two warpgroups of each CTA are members: a round is eight iterations.

// CHECK-LABEL: tile.kernel @dealt_to_warpgroups
tile.kernel @dealt_to_warpgroups(%x: !wide_desc, %y: !tile.view<?x?x128xbf16> {tile.out})
    schedule <consumers = 2, producer_registers = 24, consumer_registers = 224, persistent = false, overlap = false, spread = true>
    attributes {tile.cluster = 4 : i64} {
  // CHECK: tile.alloc {{.*}} : !tile.mail<members = 8, threads = 128, values = 1>
  // CHECK: tile.alloc {{.*}} : !tile.ring<2x2x8x128xbf16>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %h0 = arith.constant dense<0.0> : !wide_row
  %n = tile.dim %x, 0 : !wide_desc
  %tiles = tile.dim %x, 1 : !wide_desc
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
    %h = scf.for %i = %c0 to %tiles step %c1 iter_args(%state = %h0) -> !wide_row {
      %time = arith.muli %i, %c8 : index
      %tile = tile.load %x[%b, %time, %c0] stages 2 : !wide_desc -> !wide
      %part = tile.read %tile[%c0] : !wide -> !wide_row
      %before, %after = tile.chain(%state) over(%part) : !wide_row {
      ^bb0(%s: !wide_row, %p: !wide_row):
        %next = arith.addf %s, %p : !wide_row
        tile.yield %next : !wide_row
      }
      tile.store_channels %before, %y[%b, %i, %c0] : !wide_row, !tile.view<?x?x128xbf16>
      scf.yield %after : !wide_row
    } {tile.dealt}
    tile.return
  }
  tile.return
}
