// RUN: longwing-opt %s --split-input-file --pass-pipeline='builtin.module(seq-configure{conv=multipass},seq-to-tile,canonicalize,cse)' --mlir-elide-elementsattrs-if-larger=16 | FileCheck %s

// A transform of 64 x 16 x 64 points in three passes, and the two passes of the filter. The outer
// passes see rows of 64 * 16 samples. The channels are cut in two slices, whose results are put into one tensor. Taps come in boxes,
// or by elements in a launch that stands for that one.

// CHECK-LABEL: func.func @main
// CHECK: %[[BOXES:.*]] = tile.launch @main_filter_forward(
// CHECK: %[[ELEMENTS:.*]] = tile.launch @main_filter_forward_unaligned(%[[BOXES]], {{.*}} {tile.substitute}
// CHECK: tile.launch @main_filter_inner(%[[ELEMENTS]]
// What the pass forth says of its numbers becomes a gain for each sequence, which the last pass takes back.
// CHECK: %[[X:.*]]:2 = tile.launch @main_conv_forward
// CHECK: %[[GAINS:.*]] = tile.launch @main_conv_gain(%[[X]]#1
// CHECK: %[[Z:.*]] = tile.launch @main_conv_inner(%[[X]]#0, {{.*}}, %[[GAINS]])
// CHECK: %[[PART:.*]] = tile.launch @main_conv_inverse(%[[Z]], %{{.*}}, %[[GAINS]]
// CHECK: %[[Y:.*]] = tensor.insert_slice %[[PART]] into %{{.*}}[0, 0, 0]
// CHECK: tensor.extract_slice %{{.*}}[0, 1, 0]
// CHECK: tile.launch @main_conv_forward
// CHECK: tile.launch @main_conv_inner
// CHECK: tensor.extract_slice %[[Y]][0, 1, 0]
// CHECK: tile.launch @main_conv_inverse
// CHECK: tensor.insert_slice %{{.*}} into %[[Y]][0, 1, 0]
func.func @main(%u: tensor<?x2x65536xf16>, %h: tensor<2x65536xf32>) -> tensor<?x2x65536xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<2x65536xf32>) taps first
      : tensor<?x2x65536xf16> -> tensor<?x2x65536xf16>
  return %y : tensor<?x2x65536xf16>
}

// CHECK: tile.kernel @main_filter_forward(%{{.*}}: !tile.desc<16x1x4x1x64xf16> {tile.out, tile.unfold = {{[^}]*}}}, %{{.*}}: !tile.desc<1x64x64xbf16>, %{{.*}}: !tile.desc<1x64x32xf32, split = 1024>)
// CHECK: tile.foreach
// CHECK: tile.load %{{.*}} along 2 stages 2 : <1x64x32xf32, split = 1024> -> tensor<128x64xf32, #tile.shared>
// CHECK: tile.unstage
// CHECK: math.cos
// CHECK: tile.kernel @main_filter_forward_unaligned(%{{.*}}, %{{.*}}, %{{.*}}: !tile.view<2x65536xf32>)
// CHECK: tile.kernel @main_filter_inner
// CHECK: tile.kernel @main_conv_forward(%{{.*}}: !tile.desc<1x64x64xf16>, %{{.*}}: !tile.desc<16x1x4x1x64xf16> {tile.out, tile.unfold = {{[^}]*}}}, %[[E:.*]]: !tile.view<?xf32> {tile.out}, %{{.*}}: !tile.desc<1x1x64x64xf16, split = 1024>)
// CHECK: tile.dot %{{.*}}, %{{.*}} blocked
// CHECK: tile.store_energy %{{.*}}, %{{.*}} to %[[E]]
// CHECK: tile.complex_mul
// CHECK: tile.kernel @main_conv_gain(%{{.*}}: !tile.view<?xf32>, %{{.*}}: !tile.view<?xi32> {tile.out})
// CHECK: tile.greatest
// CHECK: tile.scatter
// CHECK: tile.kernel @main_conv_inner(%{{.*}}: !tile.desc<1x1x4x16x64xf16> {tile.out, tile.unfold = {{[^}]*}}}, %{{.*}}: !tile.view<1x16x1x8192xf16>, %{{.*}}: !tile.view<64x64x2xf16>, %{{.*}}: !tile.view<64x16x2xf16>, %[[G:.*]]: !tile.view<?xi32>)
// CHECK: tile.gather %[[G]]
// CHECK: tile.warp_dot
// CHECK: tile.exchange
// CHECK: tile.exchange
// CHECK: tile.join
// CHECK: tile.kernel @main_conv_inverse

// -----

// A spectrum is made by the two passes and then put in order; with it the three passes are left. A circular one is of
// plain roots, as many as there are samples.

// CHECK-LABEL: func.func @prepare
// CHECK: tile.launch @prepare_filter_forward
// CHECK: %[[TILES:.*]] = tile.launch @prepare_filter_inner
// CHECK: tile.launch @prepare_filter_order(%[[TILES]]
// CHECK-LABEL: func.func @prepared
// CHECK-SAME: %[[S:[a-z0-9]*]]: tensor<2x65536x2xf16>)
// CHECK-NOT: filter_
// CHECK: tile.launch @prepared_conv_forward
// CHECK: %[[CUT:.*]] = tensor.extract_slice %[[S]][0, 0, 0] [1, 65536, 2]
// CHECK: tile.launch @prepared_conv_inner(%{{.*}}, %[[CUT]]
// CHECK: tile.launch @prepared_conv_inverse
func.func @prepare(%h: tensor<2x65536xf32>) -> tensor<2x65536x2xf16> {
  %s = seq.prepare_filter circular %h taps first {radices = array<i64: 64, 4, 16, 16>} : tensor<2x65536xf32> -> tensor<2x65536x2xf16>
  return %s : tensor<2x65536x2xf16>
}
func.func @prepared(%u: tensor<?x2x65536xf16>, %s: tensor<2x65536x2xf16>) -> tensor<?x2x65536xf16> {
  %y = seq.long_conv circular %u spectrum(%s : tensor<2x65536x2xf16>) {radices = array<i64: 64, 4, 16, 16>}
      : tensor<?x2x65536xf16> -> tensor<?x2x65536xf16>
  return %y : tensor<?x2x65536xf16>
}

// -----

// 256 rows of the outer transform: back, a part of Z meets the matrices of four residues, and samples of a residue are
// 4 M apart; there, those of two residues share what is read.

// CHECK-LABEL: func.func @residues
// CHECK: tile.kernel @residues_conv_forward({{.*}}: !tile.desc<1x1x64x64xf16, split = 8192>)
// CHECK-COUNT-8: tile.panel
// CHECK-COUNT-4: tile.store
// CHECK: tile.kernel @residues_conv_inverse({{.*}}: !tile.desc<1x1x64x64xf16, split = 16384> {tile.out})
// CHECK-COUNT-32: tile.dot
// CHECK-COUNT-4: tile.store
func.func @residues(%u: tensor<?x2x1048576xf16>, %h: tensor<2x1048576xf32>) -> tensor<?x2x1048576xf16> {
  %y = seq.long_conv two_sided_disjoint %u filter(%h : tensor<2x1048576xf32>) reverse(%h : tensor<2x1048576xf32>) taps first
      : tensor<?x2x1048576xf16> -> tensor<?x2x1048576xf16>
  return %y : tensor<?x2x1048576xf16>
}

// -----

// At the roots of 1, rows 1 to 127 of the outer transform are conjugate to others and left out. Row 0 stands behind row 255, in
// boxes of which it is the only row inside; of it, the sum back takes the real part.

// CHECK-LABEL: func.func @mirrored
// CHECK: tile.launch @mirrored_filter_forward(%[[F:[a-z0-9_]*]], %{{[a-z0-9_]*}}, %{{[a-z0-9_]*}}, %[[F]])
// CHECK: tile.launch @mirrored_conv_forward(%{{[a-z0-9_]*}}, %[[X:[a-z0-9_]*]], %{{[a-z0-9_]*}}, %{{[a-z0-9_]*}}, %[[X]])
// CHECK: tile.launch @mirrored_conv_inverse(%[[Z:[a-z0-9_]*]], %{{[a-z0-9_]*}}, %{{[a-z0-9_]*}}, %{{[a-z0-9_]*}}, %[[Z]])
// CHECK: tile.kernel @mirrored_conv_forward({{.*}}, %[[ROW:[a-z0-9]*]]: !tile.desc<64x1x1x1x64xf16> {tile.alias = 1 : i64, tile.unfold = array<i64: 2, 64, 1, 0, 1, 0, 1, 1, 2, 2, 1, 64, 3, 1, 64>})
// CHECK-COUNT-2: tile.store_energy %{{.*}}, %{{.*}} to %arg2
// CHECK: tile.store %{{.*}}, %[[ROW]]
// CHECK: tile.store %{{.*}}, %[[ROW]]
// CHECK: math.cos
// CHECK: tile.store %{{.*}}, %arg1
// CHECK: tile.store %{{.*}}, %arg1
// CHECK: tile.kernel @mirrored_conv_inner(%{{.*}}, %{{.*}}: !tile.view<1x129x1x8192xf16>, {{.*}} overlap = true
// CHECK: tile.foreach in(%{{.*}}, %c129, %c1)
// CHECK: tile.kernel @mirrored_conv_inverse({{.*}}, %[[ROW:[a-z0-9]*]]: !tile.desc<64x1x1x1x64xf16> {tile.unfold = array<i64: 2, 64, 1, 0, 1, 0, 1, 1, 2, 2, 1, 64, 3, 1, 64>})
// CHECK: tile.load %[[ROW]]
// CHECK-COUNT-20: tile.dot
// CHECK-NOT: tile.dot
// CHECK-COUNT-4: tile.store
func.func @mirrored(%u: tensor<?x2x1048576xf16>, %h: tensor<2x1048576xf32>) -> tensor<?x2x1048576xf16> {
  %y = seq.long_conv circular %u filter(%h : tensor<2x1048576xf32>) taps first
      : tensor<?x2x1048576xf16> -> tensor<?x2x1048576xf16>
  return %y : tensor<?x2x1048576xf16>
}

// -----

// 128 x 64 x 512 points: a middle pass on each side of the inner one. A k1 has 8 tiles, through which the boxes of the
// outer passes step.

// CHECK-LABEL: func.func @middle
// CHECK: tile.launch @middle_filter_forward
// CHECK: tile.launch @middle_filter_middle
// CHECK: tile.launch @middle_filter_inner
// CHECK: tile.launch @middle_conv_forward
// CHECK: %[[X:.*]]:2 = tile.launch @middle_conv_middle_forward
// CHECK: tile.launch @middle_conv_gain(%[[X]]#1
// CHECK: tile.launch @middle_conv_inner
// CHECK: tile.launch @middle_conv_middle_inverse
// CHECK: tile.launch @middle_conv_inverse
// CHECK: tile.kernel @middle_conv_forward({{.*}}: !tile.desc<64x1x1x1x64xf16> {tile.out, tile.unfold = array<i64: 0, 8, 0, 0, 1, 8, 1, 1, 2, 2, 1, 64, 3, 1, 64>}
// CHECK: tile.kernel @middle_conv_middle_forward(%{{.*}}: !tile.desc<8x1x8x1x64xf16> {tile.out
// CHECK-COUNT-4: tile.dot
func.func @middle(%u: tensor<?x2x4194304xf16>, %h: tensor<2x4194304xf32>) -> tensor<?x2x4194304xf16> {
  %y = seq.long_conv circular %u filter(%h : tensor<2x4194304xf32>) taps first
      : tensor<?x2x4194304xf16> -> tensor<?x2x4194304xf16>
  return %y : tensor<?x2x4194304xf16>
}

// -----

// 100000 samples are 48 rows of 2048 and one of 1696. That one is a tensor of its own where it is read, with zeros around; where
// it is written, as many columns of all rows are. Its product comes on top of that of the whole rows, for the only block of 64.

// CHECK-LABEL: func.func @ragged
// CHECK: tile.launch @ragged_conv_forward(%{{.*}}, %{{.*}}, %{{.*}}, %[[U:[a-z0-9_]*]], %[[U]])
// CHECK: tile.launch @ragged_conv_inverse(%{{.*}}, %{{.*}}, %{{.*}}, %[[Y:[a-z0-9_]*]], %[[Y]])
// CHECK: tile.kernel @ragged_conv_forward({{.*}}: !tile.desc<1x1x64x64xf16> {tile.unfold = array<i64: 0, 1, 0, 1, 1, 0, 2, 2048, 0, 2, 1, 2048>}, %{{.*}}: !tile.desc<1x1x64x64xf16> {tile.unfold = array<i64: 0, 1, 0, 1, 1, 0, 2, 1, 1, 2, 1, 1696, 98304>})
// CHECK-COUNT-4: tile.dot
// CHECK-COUNT-2: tile.store
// CHECK: tile.kernel @ragged_conv_inverse({{.*}} {tile.out, {{.*}}: !tile.desc<1x1x64x64xf16> {tile.alias = 3 : i64, tile.unfold = array<i64: 0, 1, 0, 1, 1, 0, 2, 2048, 49, 2, 1, 1696>})
// CHECK-COUNT-2: tile.store
func.func @ragged(%u: tensor<?x2x100000xf16>, %h: tensor<2x100000xf32>) -> tensor<?x2x100000xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<2x100000xf32>) taps first
      : tensor<?x2x100000xf16> -> tensor<?x2x100000xf16>
  return %y : tensor<?x2x100000xf16>
}
