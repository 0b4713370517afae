// RUN: longwing-opt %s --seq-to-tile-pipeline --mlir-elide-elementsattrs-if-larger=16 | FileCheck %s
// RUN: longwing-opt %s --seq-to-tile-pipeline --tile-stagger --mlir-elide-elementsattrs-if-larger=16 | FileCheck %s --check-prefix=STEPS
// RUN: longwing-compile %s -o /dev/null --emit=cubin --print-config 2>&1 | FileCheck %s --check-prefix=CUBIN

// A causal sequence of 12288 samples is three blocks of 4096, which a CTA does in order: the transform of each is
// kept in SRAM for the next ones. Spectra lie as threads hold them.

// CHECK-LABEL: func.func @main
// CHECK: tile.launch @main_prepare_filter(%{{.*}}, %{{.*}}) work(%c3)
// CHECK-SAME: -> tensor<3x3x8192xf16>
// CHECK: tile.launch @main_long_conv

// The spectrum of taps that reach to the right is that of the block before.
// CHECK-LABEL: tile.kernel @main_prepare_filter
// CHECK-SAME: tile.ordered
// CHECK: %[[BEFORE:.*]] = tile.alloc : !tile.smem<1x128x64xf16>
// CHECK: %[[WHOLE:.*]] = tile.whole %arg0
// CHECK: tile.foreach
// Taps are read a step early, four neighbours at once where they lie in one piece, and those after them asked for.
// CHECK: scf.if %[[WHOLE]]
// CHECK: tile.prefetch %arg0[{{.*}} elements 4096
// CHECK: tile.pull_rows %arg0[{{.*}} step 16 stride 256 quads
// CHECK: } else {
// CHECK: tile.pull %arg0
// CHECK: } {tile.early}
// CHECK: scf.if
// CHECK: tile.recall %[[BEFORE]][%c0]
// CHECK: tile.keep %{{.*}}, %{{.*}}, %arg1[
// CHECK: tile.keep %{{.*}}, %{{.*}}, %[[BEFORE]][%c0]

// Two transforms, and what is there of the next block's sum.
// CHECK-LABEL: tile.kernel @main_long_conv
// CHECK-SAME: tile.ordered
// CHECK: %[[PAST:.*]] = tile.alloc : !tile.smem<3x128x64xf16>
// CHECK: tile.foreach in(%c3,
// CHECK: %[[K:.*]], %{{.*}} = tile.recall %arg1[%{{.*}}, %c0]
// CHECK: scf.if
// CHECK: tile.recall %[[PAST]][%c2]
// CHECK: } else {
// CHECK: scf.for
// CHECK: tile.recall %[[PAST]]
// CHECK: tile.recall %arg1
// CHECK: {tile.unroll = 2 : i32}
// CHECK: tile.keep %{{.*}}, %{{.*}}, %[[PAST]][%c2]

// CTAs share sequences, whose blocks are theirs.
// STEPS-LABEL: tile.kernel @main_long_conv
// STEPS: %[[FIRST:.*]] = arith.muli %{{.*}}, %c3
// STEPS: %[[COUNT:.*]] = arith.muli %{{.*}}, %c3
// STEPS: scf.for
// STEPS: tile.step_wait
// STEPS: scf.if
// STEPS: tile.recall
// STEPS: scf.for
// STEPS: tile.step_arrive

// CUBIN: kernel main_long_conv
// CUBIN: spills 0 bytes stored, 0 loaded
func.func @main(%u: tensor<?x3x12288xf16>, %h: tensor<3x12288xf32>) -> tensor<?x3x12288xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<3x12288xf32>) taps first : tensor<?x3x12288xf16> -> tensor<?x3x12288xf16>
  return %y : tensor<?x3x12288xf16>
}

// A spectrum that users keep: a work tile of each block has the taps of negative lags as the imaginary part of its input.
// Where it lies in one piece, rows of it are read ahead as they lie; a skip is added to that of a block and itself.
// CHECK-LABEL: tile.kernel @prepare_prepare_filter
// CHECK-NOT: tile.ordered
// CHECK: tile.foreach in(%c3, %c3)
// CHECK-COUNT-2: tile.pull
// CHECK-NOT: tile.keep
// CHECK: tile.place %{{.*}}, %arg1[%{{.*}}, %{{.*}}, %{{.*}}, %c0
// CHECK-LABEL: tile.kernel @prepared_long_conv(
// CHECK-SAME: !tile.view<3x3x4096x2xf16>
// CHECK-SAME: tile.ordered
// CHECK: %[[WHOLE:.*]] = tile.whole %arg1
// CHECK: tile.foreach in(%c3,
// CHECK: %[[FROM:.*]] = arith.select %[[WHOLE]], %c0, %c4096
// CHECK: %[[READ:.*]]:2 = tile.pull_rows %arg1[%{{.*}}, %c0, %[[FROM]] : index, index, index] step 256 stride 16 quads zipped
// CHECK: scf.if %[[WHOLE]]
// CHECK: %[[RE:.*]], %{{.*}} = tile.zip %[[READ]]#0, %[[READ]]#1
// CHECK: %[[D:.*]] = tile.pull %arg2
// CHECK: %[[ROUNDED:.*]] = tile.cast %[[D]]
// CHECK: arith.addf %[[RE]], %[[ROUNDED]]
// CHECK: scf.for
// CHECK-DAG: tile.zip
// CHECK-DAG: tile.pull_rows %arg1[{{.*}}] step 256 stride 16 inside quads zipped
// CHECK: tile.unroll = 2
// CHECK: } else {
// CHECK-COUNT-2: tile.pull %arg1
// CHECK-NOT: tile.recall %arg1
// CHECK: tile.return
func.func @prepare(%h: tensor<3x12288xf32>) -> tensor<3x3x4096x2xf16> {
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 16, 16, 16>} : tensor<3x12288xf32> -> tensor<3x3x4096x2xf16>
  return %s : tensor<3x3x4096x2xf16>
}
func.func @prepared(%u: tensor<?x3x12288xf16>, %s: tensor<3x3x4096x2xf16>, %d: tensor<3xf32>) -> tensor<?x3x12288xf16> {
  %y = seq.long_conv causal %u spectrum(%s : tensor<3x3x4096x2xf16>) skip(%d : tensor<3xf32>) {radices = array<i64: 16, 16, 16>} : tensor<?x3x12288xf16> -> tensor<?x3x12288xf16>
  return %y : tensor<?x3x12288xf16>
}
