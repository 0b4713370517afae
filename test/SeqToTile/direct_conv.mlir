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
// CHECK-COUNT-8: tile.load_runs {{.*}} whole
// CHECK: else
// CHECK-COUNT-8: tile.load_runs
// CHECK: tile.toeplitz first 0 : tensor<4x64x64xf16, #tile.toeplitz>
// CHECK-NOT: tile.load_runs
// CHECK: tile.dot
func.func @main(%u: tensor<?x8x256xf16>, %g: tensor<?x8x256xf16>, %h: tensor<8x256xf32>) -> tensor<?x8x256xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<8x256xf32>) taps first pre(%g : tensor<?x8x256xf16>) : tensor<?x8x256xf16> -> tensor<?x8x256xf16>
  return %y : tensor<?x8x256xf16>
}
