// RUN: longwing-opt %s --tile-allocate --tile-to-nvvm | FileCheck %s

// Each of two tiles has its own place, also where both are the same.
// CHECK-LABEL: llvm.func @twice
// CHECK: llvm.store %{{.*}}, %[[FIRST:.*]] {alignment = 16 : i64}
// CHECK: %[[SECOND:.*]] = llvm.getelementptr %[[FIRST]][32]
// CHECK: llvm.store %{{.*}}, %[[SECOND]] {alignment = 16 : i64}
tile.kernel @twice(%out: !tile.view<2048xf16> {tile.out})
    schedule <consumers = 1, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = false> {
  %x = arith.constant dense<1.0> : tensor<4x16x16xf16, #tile.frag>
  tile.keep %x, %x, %out[] : tensor<4x16x16xf16, #tile.frag>, !tile.view<2048xf16>
  tile.return
}

// What may not be there is read under a predicate, by the place of this CTA.
// CHECK-LABEL: llvm.func @maybe
// CHECK: nvvm.read.ptx.sreg.ctaid.x
// CHECK-COUNT-2: ld.global.v4.b32
tile.kernel @maybe(%past: !tile.view<?x2048xf16>, %out: !tile.view<2048xf16> {tile.out})
    schedule <consumers = 1, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = false>
    attributes {tile.most_ctas = 132} {
  %cta = tile.cta
  %c1 = arith.constant 1 : index
  %exists = arith.cmpi uge, %cta, %c1 : index
  %x, %y = tile.recall %past[%cta] if %exists : !tile.view<?x2048xf16> -> tensor<4x16x16xf16, #tile.frag>
  tile.keep %x, %y, %out[] : tensor<4x16x16xf16, #tile.frag>, !tile.view<2048xf16>
  tile.return
}

// A tensor comes to SRAM in pieces of 16 bytes; rows are read from there.
// CHECK-LABEL: llvm.func @table
// CHECK: nvvm.cp.async.shared.global %{{.*}}, %{{.*}}, 16, cache = cg
// CHECK: nvvm.cp.async.wait.group 0
// CHECK: nvvm.barrier
// CHECK: ld.shared.v4.b32
tile.kernel @table(%source: !tile.view<96x2xf16>, %out: !tile.view<2048xf16> {tile.out})
    schedule <consumers = 1, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = false> {
  %c0 = arith.constant 0 : index
  %m = tile.alloc : !tile.smem<3x64xf16>
  tile.bring %source to %m : !tile.view<96x2xf16> to !tile.smem<3x64xf16>
  %x, %y = tile.pull_rows %m[%c0 : index] step 16 stride 0 inside quads
      : !tile.smem<3x64xf16> -> tensor<4x16x16xf16, #tile.frag>, tensor<4x16x16xf16, #tile.frag>
  tile.keep %x, %y, %out[] : tensor<4x16x16xf16, #tile.frag>, !tile.view<2048xf16>
  tile.return
}
