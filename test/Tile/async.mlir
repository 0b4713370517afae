// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-async))" | FileCheck %s

!ring = !tile.ring<2x64x64xbf16>
!shared = tensor<64x64xbf16, #tile.shared>
!acc = tensor<64x64xf32, #tile.acc>
!frag = tensor<64x64xbf16, #tile.a_frag>

// The product of scores is waited for where it is used, with the other product still in flight; the
// next probabilities pass through the wait for that one, so that they cannot be rounded into
// registers which it reads. Each slot is released behind the wait that ends its last read.

// CHECK-LABEL: tile.kernel @overlap
tile.kernel @overlap(%a: !tile.desc<64x64xbf16>)
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  %i = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  %low = arith.constant dense<0xFF800000> : !acc
  %limit = arith.constant dense<7> : tensor<64x64xindex, #tile.acc>
  %acc0 = arith.constant dense<0.0> : !acc
  // CHECK: %[[K:.*]] = tile.alloc
  // CHECK: %[[V:.*]] = tile.alloc
  %k = tile.alloc : !ring
  %v = tile.alloc : !ring
  tile.warp_specialize producer {
    tile.return
  } consumer {
    %p0 = tile.convert %acc0 : !acc -> !frag
    // CHECK: consumer
    // CHECK: %[[S:.*]] = tile.mma_async {{.*}} transpose_b
    // CHECK: %[[O:.*]] = tile.mma_async
    // CHECK: %[[SW:.*]] = tile.mma_wait 1(%[[S]])
    // CHECK-NEXT: tile.release %[[K]]
    // A mask takes a register for each element; it is made behind the wait.
    // CHECK: arith.cmpi
    // CHECK: arith.select %{{.*}}, %[[SW]]
    // CHECK: %[[E:.*]] = math.exp2
    // CHECK: %[[W:.*]]:2 = tile.mma_wait 0(%[[O]], %[[E]])
    // CHECK-NEXT: tile.release %[[V]]
    // CHECK: tile.convert %[[W]]#1
    // CHECK: arith.mulf %[[W]]#0
    %tk = tile.consume %k[%i] : !ring -> !shared
    %s = tile.dot %tk, %tk transpose_b : !shared, !shared -> !acc
    tile.release %k[%i] : !ring
    %tv = tile.consume %v[%i] : !ring -> !shared
    %o = tile.dot %p0, %tv acc(%acc0 : !acc) : !frag, !shared -> !acc
    tile.release %v[%i] : !ring
    %col = tile.iota %c0 : tensor<64xindex, #tile.col>
    %cols = tile.broadcast %col : tensor<64xindex, #tile.col> -> tensor<64x64xindex, #tile.acc>
    %seen = arith.cmpi slt, %cols, %limit : tensor<64x64xindex, #tile.acc>
    %masked = arith.select %seen, %s, %low : tensor<64x64xi1, #tile.acc>, !acc
    %e = math.exp2 %masked : !acc
    %p = tile.convert %e : !acc -> !frag
    %scaled = arith.mulf %o, %o : !acc
    tile.return
  }
  tile.return
}
