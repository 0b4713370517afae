// RUN: longwing-opt %s | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --emit-bytecode | longwing-opt | FileCheck %s

!row = tensor<128xf32, #tile.channel<lanes = 1>>
!rows = tensor<1x128xf32, #tile.channel<lanes = 1>>

// CHECK-LABEL: tile.kernel @chain
tile.kernel @chain(%x: !tile.view<?x?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 104, persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // CHECK: %[[MAIL:.*]] = tile.alloc : !tile.mail<members = 8, threads = 32, values = 2>
  %mail = tile.alloc : !tile.mail<members = 8, threads = 32, values = 2>
  %h = tile.load_channels %x[%c0, %c0] : !tile.view<?x?xf32> -> !row
  // CHECK: %[[R:.*]]:2 = tile.chain(%[[H:.*]]) over(%[[H]], %[[H]]) : tensor<128xf32, #tile.channel<lanes = 1>> {
  // CHECK-NEXT: ^bb0(%[[S:.*]]: {{.*}}, %[[A:.*]]: {{.*}}, %[[B:.*]]: {{.*}}):
  // CHECK-NEXT:   math.fma %[[A]], %[[S]], %[[B]]
  // CHECK-NEXT:   tile.yield
  %before, %after = tile.chain(%h) over(%h, %h) : !row {
  ^bb0(%s: !row, %a: !row, %b: !row):
    %next = math.fma %a, %s, %b : !row
    tile.yield %next : !row
  }
  // CHECK: tile.chain(%[[R]]#1) over(%[[R]]#0) through %[[MAIL]][%c0] : !tile.mail<{{.*}}> : tensor<128xf32
  %b2, %a2 = tile.chain(%after) over(%before) through %mail[%c0] : !tile.mail<members = 8, threads = 32, values = 2> : !row {
  ^bb0(%s: !row, %a: !row):
    tile.yield %a : !row
  }
  tile.store_channels %a2, %x[%c0, %c0] : !row, !tile.view<?x?xf32>
  tile.return
}
