// RUN: longwing-opt %s --split-input-file --pass-pipeline='builtin.module(seq-configure,seq-to-tile,canonicalize,cse)' --mlir-elide-elementsattrs-if-larger=16 | FileCheck %s

// Four blocks of 128 x 4096 points of an anticausal sequence, from the last one on. The passes around the inner one take blocks
// as sequences; there, a CTA does the tiles of a k1 in order, and keeps transforms for the next ones. The filter has as many
// transforms, of its taps one after the other, and from them the spectra of the taps between two blocks.

// CHECK-LABEL: func.func @blocks
// CHECK: tile.launch @blocks_filter_forward({{.*}}) work(%{{.*}}, %{{.*}}, %c8)
// CHECK: tile.launch @blocks_filter_inner
// CHECK-SAME: -> tensor<2x128x4x8192xf16>
// CHECK: %[[SEQUENCES:.*]] = arith.muli %{{.*}}, %c4
// CHECK: tile.launch @blocks_conv_forward({{.*}}) work(%{{.*}}, %[[SEQUENCES]])
// CHECK: tile.launch @blocks_conv_inner
// CHECK: tile.launch @blocks_conv_inverse({{.*}}) work(%{{.*}}, %[[SEQUENCES]])
// CHECK: tile.kernel @blocks_filter_inner(%{{.*}}, %[[SPECTRUM:.*]]: !tile.view<2x128x4x8192xf16> {tile.out})
// CHECK-SAME: tile.ordered
// CHECK: %[[BEFORE:.*]] = tile.alloc : !tile.smem<1x128x64xf16>
// CHECK: tile.foreach in(%c4, %c128, %c2)
// CHECK: tile.recall %[[BEFORE]]
// CHECK: tile.keep {{.*}}, %[[SPECTRUM]][%{{.*}}, %{{.*}}, %{{.*}}]
// CHECK: tile.keep {{.*}}, %[[BEFORE]]
// CHECK: tile.kernel @blocks_conv_inner
// CHECK-SAME: tile.ordered
// CHECK: tile.alloc : !tile.smem<3x128x64xf16>
// CHECK: tile.foreach in(%c4, %{{.*}}, %c128, %{{.*}}) {
// CHECK-NEXT: ^{{.*}}(%[[ORDER:[a-z0-9]*]]: index
// CHECK: arith.subi %c3, %[[ORDER]]
// CHECK: tile.recall %{{.*}}[%{{.*}}, %{{.*}}, %c0] {tile.stays} : !tile.view<1x128x4x8192xf16>
func.func @blocks(%u: tensor<?x2x2097152xf16>, %h: tensor<2x2097152xf32>) -> tensor<?x2x2097152xf16> {
  %y = seq.long_conv anticausal %u filter(%h : tensor<2x2097152xf32>) taps first
      : tensor<?x2x2097152xf16> -> tensor<?x2x2097152xf16>
  return %y : tensor<?x2x2097152xf16>
}

// -----

// Of spectra that users keep, each block of a filter reads taps of either sign; they are put in order, and, in a
// call, as threads take them.

// CHECK-LABEL: func.func @prepare
// CHECK: tile.launch @prepare_filter_forward({{.*}}) work(%{{.*}}, %{{.*}}, %c4)
// CHECK: tile.launch @prepare_filter_inner({{.*}}) work(%{{.*}}, %c4)
// CHECK: tile.launch @prepare_filter_order({{.*}}) work(%{{.*}}, %c4)
// CHECK-LABEL: func.func @prepared
// CHECK: %[[KEPT:.*]] = tile.launch @prepared_keep_spectrum(%arg1, {{.*}} -> tensor<2x128x2x8192xf16>
// CHECK: %[[CUT:.*]] = tensor.extract_slice %[[KEPT]][0, 0, 0, 0] [1, 128, 2, 8192]
// CHECK: tile.launch @prepared_conv_inner(%{{.*}}, %[[CUT]]
// CHECK: tile.kernel @prepared_keep_spectrum
// CHECK: tile.pull_rows
// CHECK: tile.keep
func.func @prepare(%h: tensor<2x1048576xf32>) -> tensor<2x2x524288x2xf16> {
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 128, 16, 16, 16>} : tensor<2x1048576xf32> -> tensor<2x2x524288x2xf16>
  return %s : tensor<2x2x524288x2xf16>
}
func.func @prepared(%u: tensor<?x2x1048576xf16>, %s: tensor<2x2x524288x2xf16>) -> tensor<?x2x1048576xf16> {
  %y = seq.long_conv causal %u spectrum(%s : tensor<2x2x524288x2xf16>) {radices = array<i64: 128, 16, 16, 16>}
      : tensor<?x2x1048576xf16> -> tensor<?x2x1048576xf16>
  return %y : tensor<?x2x1048576xf16>
}
