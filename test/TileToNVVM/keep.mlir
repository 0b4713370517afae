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
