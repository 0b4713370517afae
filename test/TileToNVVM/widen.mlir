// RUN: longwing-opt %s --seq-to-tile-pipeline --tile-pipeline-all --tile-to-nvvm | FileCheck %s

// What threads read over and over again is widened once. Threads meet before the first tile that is, as those before are still
// read, and behind the last one. Of 64 x 16 elements each of 128 threads takes eight, and writes eight of four bytes.

// CHECK-LABEL: llvm.func @whole_selective_scan
// CHECK: nvvm.barrier id
// CHECK-COUNT-2: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<3>
// CHECK-NOT: nvvm.barrier id
// CHECK-COUNT-2: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<3>
// CHECK: nvvm.barrier id
func.func @whole(%u: tensor<8x?x2048xbf16>, %a: tensor<2048x16xf32>, %b: tensor<8x?x1x16xbf16>, %c: tensor<8x?x1x16xbf16>) -> tensor<8x?x2048xbf16> {
  %y = seq.selective_scan %u, %u, %a, %b, %c : tensor<8x?x2048xbf16>, tensor<8x?x2048xbf16>, tensor<2048x16xf32>, tensor<8x?x1x16xbf16>, tensor<8x?x1x16xbf16> -> tensor<8x?x2048xbf16>
  return %y : tensor<8x?x2048xbf16>
}

// Of 64 x 24 elements the first 64 threads take another eight; the others read the last ones again, and leave it at that.
// CHECK-LABEL: llvm.func @part_selective_scan
// CHECK: llvm.intr.umin
// CHECK: nvvm.barrier id
// CHECK-COUNT-2: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<3>
// CHECK: scf.if
// CHECK-COUNT-2: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<3>
func.func @part(%u: tensor<8x?x2048xbf16>, %a: tensor<2048x24xf32>, %b: tensor<8x?x1x24xbf16>, %c: tensor<8x?x1x24xbf16>) -> tensor<8x?x2048xbf16> {
  %y = seq.selective_scan %u, %u, %a, %b, %c : tensor<8x?x2048xbf16>, tensor<8x?x2048xbf16>, tensor<2048x24xf32>, tensor<8x?x1x24xbf16>, tensor<8x?x1x24xbf16> -> tensor<8x?x2048xbf16>
  return %y : tensor<8x?x2048xbf16>
}
