// RUN: longwing-opt %s --seq-configure --seq-to-tile --canonicalize --cse | FileCheck %s
// RUN: longwing-opt %s --seq-configure --seq-to-tile --canonicalize --cse | FileCheck %s --check-prefix=HOST
// RUN: not longwing-opt %s --seq-configure="width=3" 2>&1 | FileCheck %s --check-prefix=WIDTH
// WIDTH: schedule option 'width': expected 1 or 2, got 3

// Where the number of sequences is met at run time there are two kernels. In that of few, the warpgroups of a
// cluster take tiles of steps in turns: what a tile does to the state is a product and a sum. States and
// offsets tell how many sequences there are: the launch has them agree.

// CHECK-LABEL: tile.kernel @packed_scan(
// CHECK-NOT: tile.chain
// CHECK-LABEL: tile.kernel @packed_scan_of_few(
// CHECK-SAME: tile.cluster = 8 : i64
// CHECK: scf.for
// CHECK: %[[CHAIN:.*]]:2 = tile.chain(%{{.*}}) over(%{{.*}}, %{{.*}}) : tensor<128xf32
// CHECK: math.fma
// CHECK: tile.store_channels %{{.*}} rows %{{.*}}
// CHECK: scf.yield %[[CHAIN]]#1
// CHECK-NEXT: } {tile.dealt}
// HOST-LABEL: func.func @packed
// HOST: tile.launch @packed_scan({{.*}}array<i64: 3, 0, 4, -1>
// HOST: tile.launch @packed_scan_of_few
func.func @packed(%a: tensor<1x?x256xbf16>, %b: tensor<1x?x256xbf16>, %h: tensor<?x256xf32>, %o: tensor<?xi32>) -> tensor<1x?x256xbf16> {
  %y = seq.scan linear %a, %b init(%h : tensor<?x256xf32>) offsets(%o : tensor<?xi32>)
      : tensor<1x?x256xbf16>, tensor<1x?x256xbf16> -> tensor<1x?x256xbf16>
  return %y : tensor<1x?x256xbf16>
}

// Sequences that fill the card have one kernel, and so do those of one step, without a copy engine.

// CHECK-LABEL: tile.kernel @eight_scan(
// CHECK-NOT: tile.kernel @eight_scan_of_few
func.func @eight(%a: tensor<2048xf32>, %b: tensor<8x?x2048xbf16>) -> tensor<8x?x2048xbf16> {
  %y = seq.scan log %a, %b : tensor<2048xf32>, tensor<8x?x2048xbf16> -> tensor<8x?x2048xbf16>
  return %y : tensor<8x?x2048xbf16>
}

// CHECK-LABEL: tile.kernel @step_scan_step(
// CHECK-NOT: tile.load %
func.func @step(%a: tensor<2048xf32>, %b: tensor<?x1x2048xbf16>, %h: tensor<?x2048xf32>) -> (tensor<?x1x2048xbf16>, tensor<?x2048xf32>) {
  %y, %s = seq.scan log %a, %b init(%h : tensor<?x2048xf32>) : tensor<2048xf32>, tensor<?x1x2048xbf16> -> tensor<?x1x2048xbf16>, tensor<?x2048xf32>
  return %y, %s : tensor<?x1x2048xbf16>, tensor<?x2048xf32>
}

// Of complex numbers the kernel sees both parts along the channels; a tile of a cluster has a product and a sum, each of
// two parts.

// CHECK-LABEL: tile.kernel @complex_scan(
// CHECK-SAME: !tile.desc<1x16x32xf32> {tile.flatten}, %{{[^:]*}}: !tile.view<?x?x128xf32> {tile.flatten, tile.out}, %{{[^:]*}}: !tile.view<128xf32> {tile.flatten}
// CHECK: tile.deinterleave {{.*}} -> tensor<128xf32
// CHECK: math.exp2 %{{.*}} {tile.accurate, tile.polynomial = 8 : i64}
// CHECK: math.cos %{{.*}} {tile.accurate}
// CHECK: tile.deinterleave {{.*}} : tensor<8x256xf32, {{.*}} -> tensor<8x128xf32
// CHECK: %[[Y:.*]] = tile.interleave {{.*}} -> tensor<8x256xf32
// CHECK-NEXT: tile.store_channels %[[Y]]
// CHECK-LABEL: tile.kernel @complex_scan_of_few(
// CHECK: tile.chain(%{{.*}}, %{{.*}}) over(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) : tensor<128xf32
func.func @complex(%a: tensor<64x2xf32>, %b: tensor<?x?x64x2xf32>) -> tensor<?x?x64x2xf32> {
  %y = seq.scan log %a, %b {complex} : tensor<64x2xf32>, tensor<?x?x64x2xf32> -> tensor<?x?x64x2xf32>
  return %y : tensor<?x?x64x2xf32>
}

// Weights of wkv that are near each other are seen from the first key of a tile; the others step by step.

// CHECK-LABEL: tile.kernel @wkv_scan(
// CHECK: tile.all
// CHECK: scf.if
// CHECK-COUNT-65: math.exp2
// CHECK: } else {
// CHECK: scf.for
func.func @wkv(%w: tensor<2048xf32>, %v: tensor<8x?x2048xbf16>, %k: tensor<8x?x2048xbf16>, %u: tensor<2048xf32>) -> tensor<8x?x2048xbf16> {
  %y = seq.scan wkv %w, %v key(%k : tensor<8x?x2048xbf16>) bonus(%u : tensor<2048xf32>) : tensor<2048xf32>, tensor<8x?x2048xbf16> -> tensor<8x?x2048xbf16>
  return %y : tensor<8x?x2048xbf16>
}

// The warps of clusters of two take one sequence of wkv, for 66 of those find a place at once, and those of single CTAs
// more of them.

// CHECK-LABEL: tile.kernel @any_wkv_scan(
// CHECK-LABEL: tile.kernel @any_wkv_scan_of_few(
// CHECK-SAME: consumers = 2, {{.*}} 8 warps of a CTA", {{.*}}"from 2 and below 7 sequences: {{.*}} tile.cluster = 1 : i64
// CHECK-LABEL: tile.kernel @any_wkv_scan_of_fewest(
// CHECK-SAME: consumers = 2, {{.*}} 16 warps of a cluster", {{.*}} tile.cluster = 2 : i64
// CHECK-COUNT-64: math.exp2
// CHECK: tile.chain
// HOST-LABEL: func.func @any_wkv
// HOST: tile.launch @any_wkv_scan_of_few(
// HOST: tile.launch @any_wkv_scan_of_fewest(
func.func @any_wkv(%w: tensor<2048xf32>, %v: tensor<?x?x2048xbf16>, %k: tensor<?x?x2048xbf16>, %u: tensor<2048xf32>) -> tensor<?x?x2048xbf16> {
  %y = seq.scan wkv %w, %v key(%k : tensor<?x?x2048xbf16>) bonus(%u : tensor<2048xf32>) : tensor<2048xf32>, tensor<?x?x2048xbf16> -> tensor<?x?x2048xbf16>
  return %y : tensor<?x?x2048xbf16>
}

// 160 blocks would be two and a half rounds of those clusters: warpgroups share one sequence instead.

// CHECK-LABEL: tile.kernel @wide_wkv_scan(
// CHECK-LABEL: tile.kernel @wide_wkv_scan_of_few(
// CHECK-SAME: 16 warps of a cluster", {{.*}} tile.cluster = 2 : i64
// CHECK-LABEL: tile.kernel @wide_wkv_scan_of_fewest(
// CHECK-SAME: consumers = 1, {{.*}} spread = true> {{.*}} 5 warpgroups of a cluster", {{.*}} tile.cluster = 5 : i64
func.func @wide_wkv(%w: tensor<5120xf32>, %v: tensor<?x?x5120xbf16>, %k: tensor<?x?x5120xbf16>, %u: tensor<5120xf32>) -> tensor<?x?x5120xbf16> {
  %y = seq.scan wkv %w, %v key(%k : tensor<?x?x5120xbf16>) bonus(%u : tensor<5120xf32>) : tensor<5120xf32>, tensor<?x?x5120xbf16> -> tensor<?x?x5120xbf16>
  return %y : tensor<?x?x5120xbf16>
}
