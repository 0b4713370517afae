// RUN: longwing-opt %s --seq-to-tile-pipeline=conv=transform --mlir-elide-elementsattrs-if-larger=16 | FileCheck %s
// RUN: longwing-opt %s --seq-to-tile-pipeline=conv=transform --tile-specialize --mlir-elide-elementsattrs-if-larger=16 | FileCheck %s --check-prefix=ASKED

// 16384 samples are four parts of 16 rows of 256: a box has 64 columns of all of them. Tensors that do not lie as boxes must
// have a kernel of their own.

// CHECK: tile.launch @main_long_conv(
// CHECK: tile.launch @main_long_conv_unaligned({{.*}} tile.substitute

// CHECK-LABEL: tile.kernel @main_long_conv(
// CHECK-SAME: %arg0: !tile.desc<1x1x4x16x64xf16> {tile.unfold = array<i64: 0, 1, 0, 1, 1, 0, 2, 256, 4, 2, 1024, 0, 2, 1, 256>}
// CHECK: %[[X:.*]] = tile.alloc : !tile.smem<528x64xf16>
// CHECK: tile.foreach
// CHECK: %[[J:.*]] = arith.muli %{{.*}}, %c8
// CHECK: tile.fetch_rows %arg0[{{.*}}] to %[[X]][%[[J]]] columns 8
// CHECK-COUNT-4: tile.take_rows %[[X]]
// CHECK-NOT: quads
// What went from the first part is gone before anything comes there.
// CHECK: tile.flushed_rows
// CHECK-COUNT-4: tile.write_rows {{.*}} along 1
// CHECK: tile.meet
// CHECK: tile.meet
// Once the samples' columns have been read there is room for the next ones.
// CHECK-COUNT-4: tile.read_rows %[[X]]
// CHECK: tile.vacate_rows %[[X]]
// CHECK-COUNT-4: tile.lay_rows {{.*}}, %[[X]]
// CHECK: tile.flush_rows %[[X]]{{.*}} to %arg3[
// CHECK-LABEL: tile.kernel @main_long_conv_unaligned(
// CHECK-NOT: fetch_rows
// CHECK: tile.pull_rows
// CHECK: tile.place_rows

// Those of the first work tile are asked for in front of the loop, and those of the next one, if there is one, ahead.
// ASKED-LABEL: tile.kernel @main_long_conv(
// ASKED: tile.alloc {tile.boxes = 4 : i64} : !tile.smem<528x64xf16>
// ASKED: tile.lead each {
// ASKED-COUNT-2: tile.ask_rows
// ASKED: scf.for %[[TURN:.*]] = %c0{{.*}} to
// ASKED: tile.await_rows {{.*}} turn %[[TURN]]
// ASKED: tile.vacate_rows
// ASKED-NEXT: tile.lead each {
// ASKED: arith.addi %[[TURN]], %c1
// ASKED: %[[EXISTS:.*]] = arith.cmpi ult
// ASKED: scf.if %[[EXISTS]]
// ASKED: tile.ask_rows
func.func @main(%u: tensor<?x3x16384xf16>, %h: tensor<3x16384xf32>) -> tensor<?x3x16384xf16> {
  %y = seq.long_conv circular %u filter(%h : tensor<3x16384xf32>) taps first : tensor<?x3x16384xf16> -> tensor<?x3x16384xf16>
  return %y : tensor<?x3x16384xf16>
}
