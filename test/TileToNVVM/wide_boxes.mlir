// RUN: longwing-opt %s --tile-pipeline-all --tile-to-nvvm --canonicalize --cse | FileCheck %s

// A tile of f32 is two panels of 32 columns, and the box of the second warpgroup lies behind both: 64 columns further. A thread
// reads pairs of neighbours, and its warp gives the slot back when they have come.

// CHECK-LABEL: llvm.func @read
// CHECK-DAG: %[[WIDTH:.*]] = llvm.mlir.constant(64 : i32)
// CHECK-DAG: %[[PANEL:.*]] = llvm.mlir.constant(32 : i32)
// CHECK: cp.async.bulk.tensor.shared.cluster.global {{.*}} box[%[[C0:[0-9]*]], %[[C0]], %[[C0]]]
// CHECK: %[[SECOND:.*]] = llvm.add %[[C0]], %[[WIDTH]]
// CHECK: cp.async.bulk.tensor.shared.cluster.global {{.*}} box[%[[SECOND]],
// CHECK: %[[RIGHT:.*]] = llvm.add %[[C0]], %[[PANEL]]
// CHECK: cp.async.bulk.tensor.shared.cluster.global {{.*}} box[%[[RIGHT]],
// CHECK: %[[LAST:.*]] = llvm.add %[[RIGHT]], %[[WIDTH]]
// CHECK: cp.async.bulk.tensor.shared.cluster.global {{.*}} box[%[[LAST]],
// CHECK-COUNT-16: llvm.load %{{.*}} {alignment = 8 : i64} : !llvm.ptr<3> -> vector<2xi32>
// CHECK-COUNT-14: llvm.xor
// CHECK: %[[WORDS:.*]] = llvm.xor
// CHECK: mbarrier.arrive.shared::cta{{.*}} %{{.*}}, %{{.*}}, %[[WORDS]], %{{.*}} :
tile.kernel @read(%x: !tile.desc<1x64x32xf32>, %y: !tile.desc<1x64x64xf16> {tile.out})
    schedule <consumers = 2, producer_registers = 24, consumer_registers = 240, persistent = true, overlap = false> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  tile.foreach in(%c1, %c1) {
  ^bb0(%i: index, %j: index):
    %g = tile.load %x[%i, %c0, %c0] along 2 stages 2 : !tile.desc<1x64x32xf32> -> tensor<128x64xf32, #tile.shared>
    %t = tile.unstage %g : tensor<128x64xf32, #tile.shared> -> tensor<128x64xf32, #tile.acc>
    %h = tile.convert %t : tensor<128x64xf32, #tile.acc> -> tensor<128x64xf16, #tile.acc>
    tile.store %h, %y[%i, %c0, %c0] along 2 : tensor<128x64xf16, #tile.acc>, !tile.desc<1x64x64xf16>
  }
  tile.return
}
