// RUN: longwing-opt %s --seq-verify-target --seq-configure --seq-to-tile --canonicalize --cse | FileCheck %s

// Time before channels: a thread owns channels, and walks a segment some rows at a time. The samples before
// a row are carried; those before a segment come from the initial state where it is the first.

// CHECK-LABEL: func.func @main
// CHECK: tile.launch @main_short_conv(%{{.*}}) work(%{{.*}}, %{{.*}}, %{{.*}}) {tile.same_sizes
// CHECK-LABEL: tile.kernel @main_short_conv
// CHECK-SAME: producer_registers = 0
// CHECK: tile.foreach
// CHECK: tile.load_channels {{.*}} transposed {{.*}}-> tensor<4x512xf32, #tile.channel<lanes = 1>>
// CHECK: scf.if
// CHECK: tile.store_channels {{.*}} : tensor<3x512xf32
// CHECK: %[[WHOLE:.*]] = tile.whole
// CHECK: scf.if %[[WHOLE]]
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}})
// CHECK: tile.load_channels {{.*}} whole {{.*}}-> tensor<8x512xf32
// CHECK-COUNT-32: math.fma
// CHECK: tile.store_channels {{.*}} whole
// CHECK: else
// CHECK-NOT: whole
// CHECK: tile.return
func.func @main(%x: tensor<?x?x600xbf16>, %w: tensor<600x4xf32>, %s: tensor<?x3x600xbf16>)
    -> (tensor<?x?x600xbf16>, tensor<?x3x600xbf16>) {
  %y, %f = seq.short_conv causal %x, %w taps last initial(%s : tensor<?x3x600xbf16>) {axis = 1 : i64, silu}
      : tensor<?x?x600xbf16>, tensor<600x4xf32> -> tensor<?x?x600xbf16>, tensor<?x3x600xbf16>
  return %y, %f : tensor<?x?x600xbf16>, tensor<?x3x600xbf16>
}
