// RUN: longwing-opt %s --seq-to-tile-pipeline --mlir-elide-elementsattrs-if-larger=16 | FileCheck %s
// RUN: longwing-opt %s --seq-to-tile-pipeline --tile-stagger --mlir-elide-elementsattrs-if-larger=16 | FileCheck %s --check-prefix=STEPS
// RUN: longwing-compile %s -o /dev/null --emit=cubin --print-config 2>&1 | FileCheck %s --check-prefix=CUBIN

// A causal sequence of 12288 samples is three blocks of 4096, which a CTA does in order: the transform of each is
// kept in SRAM for the next ones. Spectra lie as threads hold them.

// CHECK-LABEL: func.func @main
// CHECK: tile.launch @main_prepare_filter(%{{.*}}, %{{.*}}) work(%c3, %c3)
// CHECK-SAME: -> tensor<3x3x8192xf16>
// CHECK: tile.launch @main_long_conv

// The spectrum of taps that reach to the right is that of the block before.
// CHECK-LABEL: tile.kernel @main_prepare_filter
// CHECK-SAME: tile.ordered
// CHECK: %[[BEFORE:.*]] = tile.alloc : !tile.smem<1x128x64xf16>
// CHECK: tile.foreach
// CHECK-COUNT-1: tile.pull
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
