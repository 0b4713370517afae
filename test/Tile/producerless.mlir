// A kernel without a producer keeps its program; buffers of Toeplitz matrices and the one through which
// unaligned rows go stand in SRAM, and products on one accumulator do not wait for each other.
// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-specialize,tile-async,tile-allocate,tile-check-hazards))" | FileCheck %s

!runs = tensor<64x64xf16, #tile.runs>
!sums = tensor<64x64xf32, #tile.runs>
!one = tensor<64x64xf16, #tile.toeplitz>
!bank = tensor<2x64x64xf16, #tile.toeplitz>

// CHECK-LABEL: tile.kernel @filter
// CHECK-SAME: tile.shared_bytes = {{[0-9]+}}
// CHECK-DAG: %[[MATRICES:.*]] = tile.alloc at 0 : !tile.smem<77x64xf16>
// CHECK-DAG: %[[EXCHANGE:.*]] = tile.alloc at 10240 : !tile.smem<64x64xf16>
// CHECK-NOT: tile.warp_specialize
// CHECK: gpu.block_id
// CHECK: tile.toeplitz first 0 in %[[MATRICES]]
// CHECK: tile.load_runs {{.*}} through %[[EXCHANGE]]
// CHECK: %[[A:.*]] = tile.mma_async
// CHECK-NOT: tile.mma_wait
// CHECK: %[[B:.*]] = tile.mma_async {{.*}} acc(%[[A]]
// CHECK: %[[SUM:.*]] = tile.mma_wait 0(%[[B]])
// CHECK: tile.convert %[[SUM]]
// CHECK: tile.store_runs {{.*}} through %[[EXCHANGE]]
tile.kernel @filter(%u: !tile.view<?xf16>, %y: !tile.view<?xf16> {tile.out})
    schedule <consumers = 1, producer_registers = 0, consumer_registers = 128, persistent = false, overlap = false> {
  %c8 = arith.constant 8 : index
  tile.foreach in(%c8) {
  ^bb0(%at: index):
    %bank = tile.toeplitz first 0 : !bank {
    ^bb0(%lag: index):
      %c = arith.constant 1.0 : f16
      tile.yield %c : f16
    }
    %x = tile.load_runs %u[%at : index] : !tile.view<?xf16> -> !runs
    %t0 = tile.lag %bank[0] : !bank -> !one
    %t1 = tile.lag %bank[1] : !bank -> !one
    %a = tile.dot %x, %t0 : !runs, !one -> !sums
    %b = tile.dot %x, %t1 acc(%a : !sums) : !runs, !one -> !sums
    %r = tile.convert %b : !sums -> !runs
    tile.store_runs %r, %y[%at : index] : !runs, !tile.view<?xf16>
  }
  tile.return
}
