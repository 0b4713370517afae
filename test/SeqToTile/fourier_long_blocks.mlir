// RUN: longwing-opt %s --seq-to-tile-pipeline=conv=blocks --mlir-elide-elementsattrs-if-larger=16 | FileCheck %s
// RUN: longwing-opt %s --seq-to-tile-pipeline=conv=blocks --tile-specialize --tile-allocate --mlir-elide-elementsattrs-if-larger=16 | FileCheck %s --check-prefix=ROUNDS

// A causal sequence of 65536 samples is two blocks of 32768, transformed in place, which a CTA does in order. What the second
// one needs of the first goes through memory, a place for each CTA.

// CHECK-LABEL: func.func @main
// CHECK: tile.launch @main_prepare_filter(%{{.*}}) work(%c3)
// CHECK-SAME: -> (tensor<?x8x8192xf16>, tensor<3x16x8192xf16>)
// CHECK: %[[CTAS:.*]] = arith.minsi %{{.*}}, %c132
// CHECK: tensor.empty(%[[CTAS]]) : tensor<?x8x8192xf16>
// CHECK: tile.launch @main_long_conv
// CHECK-SAME: -> (tensor<?x8x8192xf16>, tensor<?x3x65536xf16>)

// CHECK-LABEL: tile.kernel @main_prepare_filter
// CHECK-SAME: tile.most_ctas = 132 : i64, tile.ordered
// CHECK: %[[CTA:.*]] = tile.cta
// CHECK: scf.if
// CHECK: tile.recall %{{.*}}[%[[CTA]],
// CHECK: tile.keep

// CHECK-LABEL: tile.kernel @main_long_conv
// CHECK-SAME: tile.most_ctas = 132 : i64, tile.ordered
// CHECK-SAME: tile.sram_tables
// CHECK: tile.bring %arg2 to %[[TWIDDLES:.*]] :
// CHECK: %[[CTA:.*]] = tile.cta
// CHECK: tile.foreach in(%c2,
// CHECK: tile.meet
// CHECK: %[[EXISTS:.*]] = arith.cmpi uge, %{{.*}}, %c1
// CHECK: tile.recall %arg3[%[[CTA]], %{{.*}}] if %[[EXISTS]]
// CHECK: tile.recall %arg1[%{{.*}}, %{{.*}}] if %[[EXISTS]]
// CHECK: tile.pull_rows %[[TWIDDLES]][
// CHECK: scf.if
// CHECK: tile.keep %{{.*}}, %{{.*}}, %arg3[%[[CTA]],
// CHECK: tile.meet

// Tables that all warps share lie behind the 130 KB of a transform and its twiddles. Rounds are as many for each row of work tiles as it has.
// ROUNDS-LABEL: tile.kernel @main_long_conv
// ROUNDS-SAME: tile.shared_bytes = 180768 : i64, tile.sram_tables = 157728 : i64
// ROUNDS: %[[ROUNDS:.*]] = arith.muli %{{.*}}, %c2
// ROUNDS: scf.for %[[ROUND:.*]] = %{{.*}} to %[[ROUNDS]]
// ROUNDS: %[[BLOCK:.*]] = arith.remui %[[ROUND]], %c2
// ROUNDS: arith.divui %[[ROUND]], %c2
func.func @main(%u: tensor<?x3x65536xf16>, %h: tensor<3x65536xf32>) -> tensor<?x3x65536xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<3x65536xf32>) taps first : tensor<?x3x65536xf16> -> tensor<?x3x65536xf16>
  return %y : tensor<?x3x65536xf16>
}
