// RUN: longwing-opt %s --seq-configure --seq-to-tile | FileCheck %s
// RUN: longwing-opt %s --seq-configure | FileCheck %s --check-prefix=CONFIG
// RUN: longwing-opt %s --seq-configure="lanes=4 width=2 products=true polynomials=2" --seq-to-tile | FileCheck %s --check-prefix=PRODUCTS
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

// A batch that is known has one kernel: two channels for each thread where that fills the card, ...
// CONFIG-LABEL: @eight
// CONFIG: seq.config = {cluster = 1 : i64, consumers = {{[0-9]}} : i64, lanes = 4 : i64, polynomials = 0 : i64, products = false, registers = {{[0-9]+}} : i64, stages = 3 : i64, steps = 64 : i64, unroll = 16 : i64, width = 2 : i64}
func.func @eight(%u: tensor<8x?x2048xbf16>, %a: tensor<2048x16xf32>, %b: tensor<8x?x1x16xbf16>) -> tensor<8x?x2048xbf16> {
  %y = seq.selective_scan %u, %u, %a, %b, %b : tensor<8x?x2048xbf16>, tensor<8x?x2048xbf16>, tensor<2048x16xf32>, tensor<8x?x1x16xbf16>, tensor<8x?x1x16xbf16> -> tensor<8x?x2048xbf16>
  return %y : tensor<8x?x2048xbf16>
}

// ... one where it does not.
// CONFIG-LABEL: @one
// CONFIG: seq.config = {cluster = 1 : i64, consumers = 1 : i64, lanes = 8 : i64, {{.*}}width = 1 : i64}
func.func @one(%u: tensor<1x?x2048xbf16>, %a: tensor<2048x16xf32>, %b: tensor<1x?x1x16xbf16>) -> tensor<1x?x2048xbf16> {
  %y = seq.selective_scan %u, %u, %a, %b, %b : tensor<1x?x2048xbf16>, tensor<1x?x2048xbf16>, tensor<2048x16xf32>, tensor<1x?x1x16xbf16>, tensor<1x?x1x16xbf16> -> tensor<1x?x2048xbf16>
  return %y : tensor<1x?x2048xbf16>
}

// What the user forces is one kernel.
// FORCED-NOT: _of_few

// Of bf16, what enters and leaves the states goes through tensor cores, eight steps of a tile at a time; some
// exponentials are polynomials.
// PRODUCTS-LABEL: tile.kernel @eight_selective_scan
// PRODUCTS: %[[U:.*]] = tile.read %{{.*}} -> tensor<8x64xf32, #tile.channel<lanes = 4>>
// PRODUCTS: %[[X:.*]] = arith.mulf %{{.*}}, %[[U]]
// PRODUCTS: %[[DECAY:.*]] = math.exp2 %{{.*}} {tile.polynomial = 2 : i64} : tensor<16x64xf32
// PRODUCTS: %[[IN:.*]] = tile.outer %[[X]][0], %{{.*}} -> tensor<16x64xf32
// PRODUCTS: %[[H:.*]] = math.fma %[[DECAY]], %{{.*}}, %[[IN]]
// PRODUCTS: %[[Y:.*]] = tile.contract %[[H]], %{{.*}}, %{{.*}}[0]
// PRODUCTS: tile.outer %[[X]][1]
// PRODUCTS: tile.contract %{{.*}}, %{{.*}}, %[[Y]][1]
