// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-async,tile-check-hazards))" | FileCheck %s

!shared = tensor<64x64xbf16, #tile.shared>
!acc = tensor<64x64xf32, #tile.acc>
!half = tensor<64x64xbf16, #tile.acc>

// A product may add to the one before it while that is in flight; what is stored, and a buffer that is
// written again, wait.

// CHECK-LABEL: tile.kernel @accumulate
tile.kernel @accumulate(%o: !tile.desc<64x64xbf16> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %buffer = tile.alloc : !tile.smem<64x64xbf16>
  %x = arith.constant dense<1.0> : !half
  // CHECK: %[[S0:.*]] = tile.stage
  %s0 = tile.stage %x in %buffer : !tile.smem<64x64xbf16> : !half -> !shared
  // CHECK: %[[D0:.*]] = tile.mma_async %[[S0]], %[[S0]]
  // CHECK-NEXT: %[[D1:.*]] = tile.mma_async %[[S0]], %[[S0]] acc(%[[D0]]
  // CHECK-NEXT: %[[R1:.*]] = tile.mma_wait 0(%[[D1]])
  // CHECK-NEXT: tile.stage
  %d0 = tile.dot %s0, %s0 : !shared, !shared -> !acc
  %d1 = tile.dot %s0, %s0 acc(%d0 : !acc) : !shared, !shared -> !acc
  %s1 = tile.stage %x in %buffer : !tile.smem<64x64xbf16> : !half -> !shared
  // CHECK: %[[D2:.*]] = tile.mma_async %{{.*}} acc(%[[R1]]
  // CHECK: tile.mma_async
  // CHECK: tile.mma_wait 1(%[[D2]])
  // CHECK: tile.mma_wait 0
  // CHECK-NEXT: tile.store
  %d2 = tile.dot %s1, %s1 acc(%d1 : !acc) : !shared, !shared -> !acc
  %d3 = tile.dot %s1, %s1 : !shared, !shared -> !acc
  %h = tile.convert %d2 : !acc -> !half
  tile.store %h, %o[%c0, %c0] : !half, !tile.desc<64x64xbf16>
  tile.return
}
