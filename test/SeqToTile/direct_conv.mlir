// RUN: longwing-opt %s --seq-to-tile --canonicalize --cse --split-input-file | FileCheck %s

// A short filter: tiles of neighbouring chunks pass by. One is read ahead; the chunks before those of a
// tile are read again. Twice: where rows move in runs, and where they do not.

// CHECK-LABEL: func.func @main
// CHECK: tile.launch @main_long_conv(%{{.*}}) work(%{{.*}}, %{{.*}}) {tile.same_sizes
// CHECK-LABEL: tile.kernel @main_long_conv
// CHECK-SAME: producer_registers = 0
// CHECK: tile.foreach
// CHECK: %[[WHOLE:.*]] = tile.whole
// CHECK: tile.toeplitz first 0 : tensor<2x64x64xf16, #tile.toeplitz>
// CHECK: scf.if %[[WHOLE]]
// CHECK: %[[FIRST:.*]] = tile.load_runs {{.*}} whole
// CHECK: scf.for {{.*}} iter_args(%[[NEW:.*]] = %[[FIRST]])
// CHECK: %[[OLD:.*]] = tile.load_runs {{.*}} whole
// CHECK: %[[NEXT:.*]] = tile.load_runs {{.*}} whole
// CHECK: %[[SUM:.*]] = tile.dot %[[NEW]]
// CHECK: tile.dot %[[OLD]], %{{.*}} acc(%[[SUM]]
// CHECK: tile.store_runs {{.*}} whole
// CHECK: scf.yield %[[NEXT]]
// CHECK: else
// CHECK-NOT: whole
// CHECK: tile.return
func.func @main(%u: tensor<?x8x?xf16>, %h: tensor<8x64xf32>) -> tensor<?x8x?xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<8x64xf32>) taps first : tensor<?x8x?xf16> -> tensor<?x8x?xf16>
  return %y : tensor<?x8x?xf16>
}

// -----

// A longer one: segments pass by, and the chunks before are still in registers.

// CHECK-LABEL: tile.kernel @main_long_conv
// CHECK: tile.toeplitz first 0 : tensor<4x64x64xf16, #tile.toeplitz>
// CHECK: scf.for {{.*}} iter_args(%[[X0:.*]] = %{{.*}}, %[[X1:.*]] = %{{.*}}, %[[X2:.*]] = %{{.*}}, %[[X3:.*]] = %{{.*}})
// CHECK: %[[NEXT:.*]] = tile.load_runs
// CHECK-NOT: tile.load_runs
// CHECK: tile.dot %[[X0]]
// CHECK: tile.dot %[[X3]]
// CHECK: scf.yield %[[NEXT]], %[[X0]], %[[X1]], %[[X2]]
func.func @main(%u: tensor<?x8x?xf16>, %h: tensor<8x190xf32>) -> tensor<?x8x?xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<8x190xf32>) taps first : tensor<?x8x?xf16> -> tensor<?x8x?xf16>
  return %y : tensor<?x8x?xf16>
}

// -----

// A short sequence stays in registers whole; the blocks above the diagonal are not multiplied.

// CHECK-LABEL: tile.kernel @main_long_conv
// CHECK: tile.toeplitz first 0 : tensor<5x64x64xf16, #tile.toeplitz>
// CHECK-NOT: scf.for
// CHECK-COUNT-15: tile.dot
// CHECK-NOT: tile.dot
// CHECK: else
// CHECK-COUNT-15: tile.dot
// CHECK-NOT: tile.dot
func.func @main(%u: tensor<?x8x320xf16>, %h: tensor<8x320xf32>) -> tensor<?x8x320xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<8x320xf32>) taps first : tensor<?x8x320xf16> -> tensor<?x8x320xf16>
  return %y : tensor<?x8x320xf16>
}

// -----

// With bf16 a second list of matrices holds what rounding the taps has lost.

// CHECK-LABEL: tile.kernel @main_long_conv
// CHECK-COUNT-2: tile.toeplitz first 0 : tensor<1x64x64xbf16, #tile.toeplitz>
func.func @main(%u: tensor<?x8x?xbf16>, %g: tensor<?x8x?xbf16>, %h: tensor<8x1xf32>) -> tensor<?x8x?xbf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<8x1xf32>) taps first pre(%g : tensor<?x8x?xbf16>) : tensor<?x8x?xbf16> -> tensor<?x8x?xbf16>
  return %y : tensor<?x8x?xbf16>
}

// -----

// A gated one is read while the matrices are made.

// CHECK-LABEL: tile.kernel @main_long_conv
// CHECK: scf.if
// CHECK-COUNT-10: tile.load_runs {{.*}} whole
// CHECK: else
// CHECK-COUNT-10: tile.load_runs
// CHECK: tile.toeplitz first 0 : tensor<5x64x64xf16, #tile.toeplitz>
// CHECK-NOT: tile.load_runs
// CHECK: tile.dot
func.func @main(%u: tensor<?x8x320xf16>, %g: tensor<?x8x320xf16>, %h: tensor<8x320xf32>) -> tensor<?x8x320xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<8x320xf32>) taps first pre(%g : tensor<?x8x320xf16>) : tensor<?x8x320xf16> -> tensor<?x8x320xf16>
  return %y : tensor<?x8x320xf16>
}

// -----

// Sequences of whole chunks come and go as boxes: four of 16 chunks, with the one before each. What lies one
// chunk back is the same tile from a row earlier on. For tensors that no box can cut there is a kernel by runs, which
// takes the other one's place at the launch.

// CHECK-LABEL: func.func @main
// CHECK: %[[Y:.*]] = tile.launch @main_long_conv(
// CHECK: tile.launch @main_long_conv_unaligned(%{{.*}}, %{{.*}}, %[[Y]]) {{.*}}tile.substitute
// CHECK-LABEL: tile.kernel @main_long_conv(
// CHECK-SAME: !tile.desc<4x1x17x64xf16, split = 64>
// CHECK-SAME: !tile.view<8x64xf32>
// CHECK-SAME: !tile.desc<4x1x16x64xf16, split = 64>
// CHECK-SAME: producer_registers = 24
// CHECK: tile.foreach
// CHECK: tile.toeplitz first 0 : tensor<2x64x64xf16, #tile.toeplitz<woven = true>>
// CHECK: scf.for
// CHECK: %[[X:.*]] = tile.load %{{.*}}[%{{.*}}, %{{.*}}, %c-1, %c0] stages
// CHECK: %[[NEW:.*]] = tile.read_runs %[[X]] rows 16 from 1
// CHECK: %[[SUM:.*]] = tile.dot %[[NEW]]
// CHECK: %[[OLD:.*]] = tile.read_runs %[[X]] rows 16 from 0
// CHECK: tile.dot %[[OLD]], %{{.*}} acc(%[[SUM]]
// CHECK: tile.store
func.func @main(%u: tensor<?x8x1024xf16>, %h: tensor<8x64xf32>) -> tensor<?x8x1024xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<8x64xf32>) taps first : tensor<?x8x1024xf16> -> tensor<?x8x1024xf16>
  return %y : tensor<?x8x1024xf16>
}

// -----

// A period lies in a tile: nothing is read beside it.

// CHECK-LABEL: tile.kernel @main_long_conv(
// CHECK-SAME: !tile.desc<4x1x16x64xf16, split = 64>
// CHECK: tile.load %{{.*}}[%{{.*}}, %{{.*}}, %c0, %c0] stages
// CHECK: tile.read_runs %{{.*}} rows 16 from 0 wrap
// CHECK: tile.read_runs %{{.*}} rows 16 from 15 wrap
func.func @main(%u: tensor<?x8x1024xf16>, %h: tensor<8x64xf32>) -> tensor<?x8x1024xf16> {
  %y = seq.long_conv circular %u filter(%h : tensor<8x64xf32>) taps first : tensor<?x8x1024xf16> -> tensor<?x8x1024xf16>
  return %y : tensor<?x8x1024xf16>
}

// -----

// Lags to both sides, several tiles a sequence: a chunk before and one behind.

// CHECK-LABEL: tile.kernel @main_long_conv(
// CHECK-SAME: !tile.desc<1x1x66x64xf16, split = 64>
// CHECK-SAME: !tile.desc<1x1x64x64xf16, split = 64>
// CHECK: arith.remui
// CHECK: tile.read_runs %{{.*}} rows 64 from 2
// CHECK: tile.read_runs %{{.*}} rows 64 from 1
// CHECK: tile.read_runs %{{.*}} rows 64 from 0
func.func @main(%u: tensor<?x8x8192xf16>, %h: tensor<8x64xf16>) -> tensor<?x8x8192xf16> {
  %y = seq.long_conv two_sided_shared %u filter(%h : tensor<8x64xf16>) reverse(%h : tensor<8x64xf16>) taps first
      : tensor<?x8x8192xf16> -> tensor<?x8x8192xf16>
  return %y : tensor<?x8x8192xf16>
}
