// RUN: longwing-opt %s --seq-configure --seq-to-tile | FileCheck %s
// RUN: longwing-opt %s --seq-configure | FileCheck %s --check-prefix=CONFIG
// RUN: longwing-opt %s --seq-configure="lanes=4" --seq-to-tile | FileCheck %s --check-prefix=FORCED

// Where the batch is met at run time there are two kernels, of which one gets no work: many sequences
// fill the card with few lanes for a channel, few sequences do not.

// CONFIG-LABEL: @open
// CONFIG: seq.config = {{.*}}few = {{.*}}lanes = 8 : i64{{.*}}}, lanes = 4 : i64{{.*}}sequences = [[LEAST:[0-9]+]] : i64
// CHECK-LABEL: func.func @open
// CHECK: %[[B:.*]] = tensor.dim
// CHECK: %[[QUOTIENT:.*]] = arith.divui %[[B]], %{{.*}}
// CHECK: %[[MANY:.*]] = arith.minsi %[[QUOTIENT]], %{{.*}}
// CHECK: %[[TAKEN:.*]] = arith.muli %[[B]], %[[MANY]]
// CHECK: %[[REST:.*]] = arith.subi
// CHECK: %[[Y:.*]] = tile.launch @open_selective_scan({{.*}}) work(%{{.*}}, %[[TAKEN]])
// CHECK: tile.launch @open_selective_scan_of_few({{.*}}, %[[Y]]) work(%{{.*}}, %[[REST]])
func.func @open(%u: tensor<?x?x2048xbf16>, %a: tensor<2048x16xf32>, %b: tensor<?x?x1x16xbf16>) -> tensor<?x?x2048xbf16> {
  %y = seq.selective_scan %u, %u, %a, %b, %b : tensor<?x?x2048xbf16>, tensor<?x?x2048xbf16>, tensor<2048x16xf32>, tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16> -> tensor<?x?x2048xbf16>
  return %y : tensor<?x?x2048xbf16>
}

// With steps of softplus, which are at least 0, states may forget. Then the kernel of many takes segments of few long sequences,
// which begin early by what a kernel in front has counted.
// CONFIG-LABEL: @forgetting
// CONFIG: seq.config = {{.*}}places = [[PLACES:[0-9]+]] : i64, {{.*}}segments = [[SEGMENTS:[0-9]+]] : i64
// CHECK-LABEL: func.func @forgetting
// CHECK: %[[REACH:.*]] = tile.launch @forgetting_selective_scan_reach(%{{.*}}) work(%c128{{[a-z0-9_]*}}, %{{.*}}, %{{.*}}) {{.*}} -> tensor<?xi32>
// CHECK: %[[CHOICE:.*]] = tile.launch @forgetting_selective_scan_choice(%[[REACH]], %{{.*}}) work(%{{.*}}) {{.*}} -> tensor<1xi32>
// CHECK: tile.launch @forgetting_selective_scan({{.*}}, %[[REACH]], %[[CHOICE]]) work(%{{.*}}, %{{.*}})
// CHECK: tile.launch @forgetting_selective_scan_segments({{.*}}, %[[REACH]], %[[CHOICE]]) work(%{{.*}}, %{{.*}}, %{{.*}})
// CHECK: tile.launch @forgetting_selective_scan_of_few({{.*}}, %[[REACH]], %[[CHOICE]]) work(%{{.*}}, %{{.*}})
// Sums of step sizes as softplus gives them, times the slowest rate of a lane's states.
// CHECK-LABEL: tile.kernel @forgetting_selective_scan_reach(
// CHECK: tile.reduce <max>
// CHECK: scf.if
// CHECK: math.exp2
// CHECK: math.log2
// CHECK: tile.sums
// CHECK: tile.all together %{{.*}} : tensor<16x16xi1, #tile.channel<lanes = 16>>
// CHECK: tile.scatter
// What comes in front of a segment is for the state alone: no outputs, and no c.
// CHECK-LABEL: tile.kernel @forgetting_selective_scan_segments(
// CHECK: scf.if
// CHECK-NOT: tile.sums
// CHECK-NOT: tile.store_channels
// CHECK: } else {
// CHECK: tile.sums
// CHECK: tile.store_channels
func.func @forgetting(%u: tensor<?x?x2048xbf16>, %a: tensor<2048x16xf32>, %b: tensor<?x?x1x16xbf16>) -> tensor<?x?x2048xbf16> {
  %y = seq.selective_scan %u, %u, %a, %b, %b {softplus} : tensor<?x?x2048xbf16>, tensor<?x?x2048xbf16>, tensor<2048x16xf32>, tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16> -> tensor<?x?x2048xbf16>
  return %y : tensor<?x?x2048xbf16>
}

// A batch that is known has one kernel: two channels for each thread where that fills the card, ...
// CONFIG-LABEL: @eight
// CONFIG: seq.config = {cluster = 0 : i64, consumers = {{[0-9]}} : i64, lanes = 4 : i64, member = 32 : i64, polynomials = 0 : i64, registers = {{[0-9]+}} : i64, stages = 2 : i64, steps = 64 : i64, unroll = 16 : i64, widen = true, width = 2 : i64}
// b is also c, and is widened once.
// CHECK-LABEL: tile.kernel @eight_selective_scan
// CHECK: %[[WIDE:.*]] = tile.widen %{{.*}} : tensor<64x16xbf16, #tile.shared<panel = 32>> -> tensor<64x16xf32, #tile.shared<panel = 64>>
// CHECK-NOT: tile.widen
// CHECK-COUNT-16: tile.read %[[WIDE]]
func.func @eight(%u: tensor<8x?x2048xbf16>, %a: tensor<2048x16xf32>, %b: tensor<8x?x1x16xbf16>) -> tensor<8x?x2048xbf16> {
  %y = seq.selective_scan %u, %u, %a, %b, %b : tensor<8x?x2048xbf16>, tensor<8x?x2048xbf16>, tensor<2048x16xf32>, tensor<8x?x1x16xbf16>, tensor<8x?x1x16xbf16> -> tensor<8x?x2048xbf16>
  return %y : tensor<8x?x2048xbf16>
}

// ... one where it does not.
// CONFIG-LABEL: @one
// CONFIG: seq.config = {cluster = 0 : i64, consumers = 1 : i64, lanes = 8 : i64, {{.*}}width = 1 : i64}
func.func @one(%u: tensor<1x?x2048xbf16>, %a: tensor<2048x16xf32>, %b: tensor<1x?x1x16xbf16>) -> tensor<1x?x2048xbf16> {
  %y = seq.selective_scan %u, %u, %a, %b, %b : tensor<1x?x2048xbf16>, tensor<1x?x2048xbf16>, tensor<2048x16xf32>, tensor<1x?x1x16xbf16>, tensor<1x?x1x16xbf16> -> tensor<1x?x2048xbf16>
  return %y : tensor<1x?x2048xbf16>
}

// Three CTAs share a multiprocessor where two would leave some sequences for a second round.
// CONFIG-LABEL: @uneven
// CONFIG: seq.config = {{.*}}lanes = 8 : i64, {{.*}}registers = 136 : i64,
func.func @uneven(%u: tensor<1x?x5120xbf16>, %a: tensor<5120x16xf32>, %b: tensor<1x?x1x16xbf16>) -> tensor<1x?x5120xbf16> {
  %y = seq.selective_scan %u, %u, %a, %b, %b : tensor<1x?x5120xbf16>, tensor<1x?x5120xbf16>, tensor<5120x16xf32>, tensor<1x?x1x16xbf16>, tensor<1x?x1x16xbf16> -> tensor<1x?x5120xbf16>
  return %y : tensor<1x?x5120xbf16>
}

// A schedule whose kernels have spilled makes way for one with fewer states in a thread.
// CONFIG-LABEL: @spilled
// CONFIG: seq.config = {{.*}}lanes = 4 : i64, {{.*}}width = 1 : i64
func.func @spilled(%u: tensor<8x?x2048xf32>, %a: tensor<2048x16xf32>, %b: tensor<8x?x1x16xf32>) -> tensor<8x?x2048xf32> {
  %y = seq.selective_scan %u, %u, %a, %b, %b {seq.spare = 1 : i64} : tensor<8x?x2048xf32>, tensor<8x?x2048xf32>, tensor<2048x16xf32>, tensor<8x?x1x16xf32>, tensor<8x?x1x16xf32> -> tensor<8x?x2048xf32>
  return %y : tensor<8x?x2048xf32>
}

// A gate of bf16 takes one special function, to what that can hold.
// CHECK-LABEL: tile.kernel @gated_selective_scan
// CHECK: math.tanh %{{.*}} fastmath<afn>
func.func @gated(%u: tensor<8x?x2048xbf16>, %a: tensor<2048x16xf32>, %b: tensor<8x?x1x16xbf16>) -> tensor<8x?x2048xbf16> {
  %y = seq.selective_scan %u, %u, %a, %b, %b gate(%u : tensor<8x?x2048xbf16>) : tensor<8x?x2048xbf16>, tensor<8x?x2048xbf16>, tensor<2048x16xf32>, tensor<8x?x1x16xbf16>, tensor<8x?x1x16xbf16> -> tensor<8x?x2048xbf16>
  return %y : tensor<8x?x2048xbf16>
}
// CHECK-LABEL: tile.kernel @finely_gated_selective_scan
// CHECK-NOT: math.tanh
func.func @finely_gated(%u: tensor<8x?x2048xf16>, %a: tensor<2048x16xf32>, %b: tensor<8x?x1x16xf16>) -> tensor<8x?x2048xf16> {
  %y = seq.selective_scan %u, %u, %a, %b, %b gate(%u : tensor<8x?x2048xf16>) : tensor<8x?x2048xf16>, tensor<8x?x2048xf16>, tensor<2048x16xf32>, tensor<8x?x1x16xf16>, tensor<8x?x1x16xf16> -> tensor<8x?x2048xf16>
  return %y : tensor<8x?x2048xf16>
}

// What the user forces is one kernel.
// FORCED-NOT: _of_few

// Of complex numbers a thread has both parts, which are neighbouring rows: of rates, of b and c, and of states. y is
// twice the real part of their sum.
// CONFIG-LABEL: @complex
// CONFIG: seq.config = {{.*}}lanes = 8 : i64{{.*}}unroll = 8 : i64, widen = false, width = 1 : i64}
// CHECK-LABEL: tile.kernel @complex_selective_scan
// CHECK: %[[A:.*]] = tile.load_channels {{.*}} transposed : <256x16xf32> -> tensor<16x16xf32, #tile.channel<lanes = 8>>
// CHECK: tile.deinterleave %[[A]] rows
// CHECK: math.exp2
// CHECK: math.cos %{{.*}} {tile.accurate}
// CHECK: math.sin %{{.*}} {tile.accurate}
// CHECK: %[[B:.*]] = tile.read %{{.*}} -> tensor<16xf32, #tile.state<lanes = 8>>
// CHECK: tile.deinterleave %[[B]] rows
// CHECK: %[[SUM:.*]] = tile.sums
// CHECK: arith.mulf %[[SUM]], %{{.*}}
// CHECK: tile.interleave %{{.*}}, %{{.*}} rows
func.func @complex(%a: tensor<256x8x2xf32>, %b: tensor<2x?x1x8x2xbf16>, %x: tensor<2x?x256xbf16>) -> (tensor<2x?x256xbf16>, tensor<2x256x8x2xf32>) {
  %y, %h = seq.selective_scan %x, %x, %a, %b, %b {complex} : tensor<2x?x256xbf16>, tensor<2x?x256xbf16>, tensor<256x8x2xf32>, tensor<2x?x1x8x2xbf16>, tensor<2x?x1x8x2xbf16> -> tensor<2x?x256xbf16>, tensor<2x256x8x2xf32>
  return %y, %h : tensor<2x?x256xbf16>, tensor<2x256x8x2xf32>
}
