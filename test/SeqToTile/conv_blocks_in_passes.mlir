// RUN: longwing-opt %s --pass-pipeline='builtin.module(seq-configure,seq-to-tile,canonicalize,cse)' --mlir-elide-elementsattrs-if-larger=16 | FileCheck %s

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
