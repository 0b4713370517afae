// RUN: longwing-opt %s --seq-rewrite-scans --canonicalize --split-input-file | FileCheck %s

!x = tensor<2x?x8xf32>
!bc = tensor<2x?x1x4xf32>

// Two heads of four channels: step sizes, rates and skip are one for each head, though written for each channel.
// CHECK-LABEL: func.func @scalar_heads(
// CHECK-SAME: %[[U:[a-z0-9]+]]: tensor<2x?x8xf32>, %[[DT:[a-z0-9]+]]: tensor<2x?x2xf32>, %[[LOG:[a-z0-9]+]]: tensor<2xf32>, %[[B:[a-z0-9]+]]: {{.*}}, %[[C:[a-z0-9]+]]: {{.*}}, %[[Z:[a-z0-9]+]]: tensor<2x?x8xf32>)
// CHECK-DAG: %[[SKIP:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK-DAG: %[[EXP:.*]] = math.exp %[[LOG]]
// CHECK-DAG: %[[A:.*]] = arith.negf %[[EXP]]
// CHECK-DAG: %[[X:.*]] = tensor.expand_shape %[[U]] {{\[}}[0], [1], [2, 3]] output_shape [2, %{{.*}}, 2, 4]
// CHECK-DAG: %[[GATE:.*]] = tensor.expand_shape %[[Z]]
// CHECK: %[[O:.*]] = seq.linear_attention %[[C]], %[[B]], %[[X]] dt(%[[DT]] : tensor<2x?x2xf32>, %[[A]] : tensor<2xf32>)
// CHECK-SAME: skip(%[[SKIP]] : tensor<2xf32>) gate(%[[GATE]] : tensor<2x?x2x4xf32>) {reverse, softplus}
// CHECK: tensor.collapse_shape %[[O]] {{\[}}[0], [1], [2, 3]]
func.func @scalar_heads(%u: !x, %dt: tensor<2x?x2xf32>, %log: tensor<2xf32>, %b: !bc, %c: !bc, %z: !x) -> !x {
  %c1 = arith.constant 1 : index
  %length = tensor.dim %u, %c1 : !x
  %many = tensor.empty(%length) : tensor<2x?x2x4xf32>
  %wide = linalg.broadcast ins(%dt : tensor<2x?x2xf32>) outs(%many : tensor<2x?x2x4xf32>) dimensions = [3]
  %delta = tensor.collapse_shape %wide [[0], [1], [2, 3]] : tensor<2x?x2x4xf32> into !x
  %exp = math.exp %log : tensor<2xf32>
  %rate = arith.negf %exp : tensor<2xf32>
  %space = tensor.empty() : tensor<2x4x4xf32>
  %rates = linalg.broadcast ins(%rate : tensor<2xf32>) outs(%space : tensor<2x4x4xf32>) dimensions = [1, 2]
  %a = tensor.collapse_shape %rates [[0, 1], [2]] : tensor<2x4x4xf32> into tensor<8x4xf32>
  %skip = arith.constant dense<[1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]> : tensor<8xf32>
  %y = seq.selective_scan %u, %delta, %a, %b, %c skip(%skip : tensor<8xf32>) gate(%z : !x) {softplus, reverse}
      : !x, !x, tensor<8x4xf32>, !bc, !bc -> !x
  return %y : !x
}

// -----

!x = tensor<2x?x8xf32>
!bc = tensor<2x?x1x4xf32>

// Heads that are not what they seem: a rate that differs, a skip that does, states, step sizes that may be negative.
// CHECK-LABEL: func.func @other_heads
// CHECK-NOT: seq.linear_attention
// CHECK-COUNT-4: seq.selective_scan
// CHECK-NOT: seq.linear_attention
func.func @other_heads(%u: !x, %dt: tensor<2x?x2xf32>, %b: !bc) -> (!x, !x, !x, tensor<2x8x4xf32>, !x) {
  %c1 = arith.constant 1 : index
  %length = tensor.dim %u, %c1 : !x
  %many = tensor.empty(%length) : tensor<2x?x2x4xf32>
  %wide = linalg.broadcast ins(%dt : tensor<2x?x2xf32>) outs(%many : tensor<2x?x2x4xf32>) dimensions = [3]
  %delta = tensor.collapse_shape %wide [[0], [1], [2, 3]] : tensor<2x?x2x4xf32> into !x
  %a = arith.constant dense<-1.0> : tensor<8x4xf32>
  %rates = arith.constant dense<[-1.0, -2.0, -3.0, -4.0]> : tensor<4xf32>
  %space = tensor.empty() : tensor<8x4xf32>
  %differ = linalg.broadcast ins(%rates : tensor<4xf32>) outs(%space : tensor<8x4xf32>) dimensions = [0]
  %y = seq.selective_scan %u, %delta, %differ, %b, %b {softplus} : !x, !x, tensor<8x4xf32>, !bc, !bc -> !x
  %skip = arith.constant dense<[1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0]> : tensor<8xf32>
  %y1 = seq.selective_scan %u, %delta, %a, %b, %b skip(%skip : tensor<8xf32>) {softplus} : !x, !x, tensor<8x4xf32>, !bc, !bc -> !x
  %y2, %h = seq.selective_scan %u, %delta, %a, %b, %b {softplus} : !x, !x, tensor<8x4xf32>, !bc, !bc -> !x, tensor<2x8x4xf32>
  %y3 = seq.selective_scan %u, %delta, %a, %b, %b : !x, !x, tensor<8x4xf32>, !bc, !bc -> !x
  return %y, %y1, %y2, %h, %y3 : !x, !x, !x, tensor<2x8x4xf32>, !x
}

// -----

!k = tensor<2x8x4x16xf32>

// Decays that say less than their type.
// CHECK-LABEL: func.func @decays(
// CHECK-SAME: %{{[a-z0-9]+}}: tensor<2x8x4x16xf32>, %[[H:[a-z0-9]+]]: tensor<4xf32>, %[[HK:[a-z0-9]+]]: tensor<4x16xf32>
// CHECK: seq.linear_attention %{{.*}} decay(%[[H]] : tensor<4xf32>)
// CHECK: seq.linear_attention %{{.*}} decay(%[[HK]] : tensor<4x16xf32>)
// CHECK: seq.scan log %[[H]], %
func.func @decays(%q: !k, %h: tensor<4xf32>, %hk: tensor<4x16xf32>, %x: tensor<2x8x4xf32>) -> (!k, !k, tensor<2x8x4xf32>) {
  %steps = tensor.empty() : tensor<2x8x4xf32>
  %each = linalg.broadcast ins(%h : tensor<4xf32>) outs(%steps : tensor<2x8x4xf32>) dimensions = [0, 1]
  %channels = tensor.empty() : !k
  %every = linalg.broadcast ins(%each : tensor<2x8x4xf32>) outs(%channels : !k) dimensions = [3]
  %o = seq.linear_attention %q, %q, %q decay(%every : !k) : !k, !k, !k -> !k
  %more = linalg.broadcast ins(%hk : tensor<4x16xf32>) outs(%channels : !k) dimensions = [0, 1]
  %p = seq.linear_attention %q, %q, %q decay(%more : !k) : !k, !k, !k -> !k
  %y = seq.scan log %each, %x : tensor<2x8x4xf32>, tensor<2x8x4xf32> -> tensor<2x8x4xf32>
  return %o, %p, %y : !k, !k, tensor<2x8x4xf32>
}

// -----

!x = tensor<?x?x2xbf16>

// Of 0.25^7 a bf16 sum of bounded terms shows nothing; of 0.5^7 it does, and of a state, everything.
// CHECK-LABEL: func.func @short_memory
// CHECK: %[[TAPS:.*]] = arith.constant dense<{{\[\[}}1.000000e+00, 2.500000e-01, 6.250000e-02, 1.562500e-02, 3.906250e-03, 9.765625E-4, 2.44140625E-4], [1.000000e+00, -1.250000e-01,
// CHECK: seq.short_conv causal %{{.*}}, %[[TAPS]] taps first {axis = 1 : i64} : tensor<?x?x2xbf16>, tensor<2x7xf32>
// CHECK: seq.scan linear
// CHECK: seq.scan linear
func.func @short_memory(%x: !x) -> (!x, !x, !x, tensor<?x2xf32>) {
  %a = arith.constant dense<[0.25, -0.125]> : tensor<2xf32>
  %b = arith.constant dense<[0.25, 0.5]> : tensor<2xf32>
  %y = seq.scan linear %a, %x : tensor<2xf32>, !x -> !x
  %z = seq.scan linear %b, %x : tensor<2xf32>, !x -> !x
  %w, %h = seq.scan linear %a, %x : tensor<2xf32>, !x -> !x, tensor<?x2xf32>
  return %y, %z, %w, %h : !x, !x, !x, tensor<?x2xf32>
}

// -----

!x = tensor<?x?x1073741824xf32>
!r = tensor<1073741824x16xf32>

// One value stands for all: nothing is made for each element.
// CHECK-LABEL: func.func @huge
// CHECK-DAG: %[[RATES:.*]] = arith.constant dense<-1.000000e+00> : tensor<268435456xf32>
// CHECK-DAG: seq.scan log
// CHECK: seq.linear_attention {{.*}} dt(%{{[a-z0-9]+}} : tensor<?x?x268435456xf32>, %[[RATES]] : tensor<268435456xf32>)
func.func @huge(%x: !x, %dt: tensor<?x?x268435456xf32>, %b: tensor<?x?x1x16xf32>, %many: tensor<?x?x268435456x4xf32>) -> (!x, !x) {
  %a = arith.constant dense<-40.0> : tensor<1073741824xf32>
  %y = seq.scan log %a, %x : tensor<1073741824xf32>, !x -> !x
  %wide = linalg.broadcast ins(%dt : tensor<?x?x268435456xf32>) outs(%many : tensor<?x?x268435456x4xf32>) dimensions = [3]
  %delta = tensor.collapse_shape %wide [[0], [1], [2, 3]] : tensor<?x?x268435456x4xf32> into !x
  %r = arith.constant dense<-1.0> : !r
  %z = seq.selective_scan %x, %delta, %r, %b, %b {softplus}
      : !x, !x, !r, tensor<?x?x1x16xf32>, tensor<?x?x1x16xf32> -> !x
  return %y, %z : !x, !x
}
