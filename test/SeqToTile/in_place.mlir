// RUN: longwing-opt %s --seq-to-tile-pipeline=conv=transform | FileCheck %s
// RUN: longwing-compile %s --schedule=conv=transform --emit=ptx -o - | FileCheck %s --check-prefix=PTX

// A sequence of 8000 samples, no multiple of 256, is one work tile: two parts of 4096, whose complex transform stays in
// SRAM, in place.

// CHECK: tile.launch @main_prepare_filter(%{{.*}}, %{{.*}}) work(%c3)
// CHECK: tile.launch @main_long_conv

// CHECK-LABEL: tile.kernel @main_long_conv
// CHECK: %[[X:.*]] = tile.alloc : !tile.smem<272x64xf16>
// CHECK: tile.foreach
// Over a, of every second 256 samples, and butterflies between those: a b for each of four warps.
// CHECK: scf.for
// CHECK-COUNT-2: tile.pull_rows %{{.*}} step 16 stride 512 quads
// CHECK-COUNT-2: tile.write_rows %{{.*}}, %{{.*}}, %[[X]][{{.*}}] along 1 step 1
// CHECK: tile.meet
// Over b and c, and back: a frequency for each warp, to where it came from.
// CHECK: scf.for
// CHECK: tile.read_rows %[[X]][%[[I:.*]], %c0] along 0 step 1 transpose
// CHECK-COUNT-16: tile.warp_dot
// CHECK: tile.write_rows %{{.*}}, %{{.*}}, %[[X]][%[[I]], %c0] along 0 step 1
// CHECK: tile.meet
// CHECK: scf.for
// CHECK-COUNT-2: tile.read_rows %[[X]]
// CHECK: tile.place_rows %{{.*}} stride 512 quads

// Four CTAs share a multiprocessor.
// PTX: .visible .entry main_long_conv(
// PTX: .minnctapersm 4
func.func @main(%u: tensor<?x3x8000xf16>, %h: tensor<3x8000xf32>) -> tensor<?x3x8000xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<3x8000xf32>) taps first : tensor<?x3x8000xf16> -> tensor<?x3x8000xf16>
  return %y : tensor<?x3x8000xf16>
}
