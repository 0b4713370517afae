// RUN: longwing-opt %s | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --mlir-print-op-generic | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --emit-bytecode | longwing-opt | FileCheck %s

!u = tensor<?x6x?xbf16>

// CHECK-LABEL: func.func @long
func.func @long(%u: !u, %h: tensor<6x?xf32>, %r: tensor<6x40xbf16>, %d: tensor<6xf32>) -> !u {
  // CHECK: seq.long_conv causal %{{.*}} filter(%{{.*}} : tensor<6x?xf32>) taps first : tensor<?x6x?xbf16> -> tensor<?x6x?xbf16>
  %a = seq.long_conv causal %u filter(%h : tensor<6x?xf32>) taps first : !u -> !u
  // CHECK: seq.long_conv anticausal %{{.*}} filter(%{{.*}} : tensor<6x40xbf16>) taps last
  %b = seq.long_conv anticausal %a filter(%r : tensor<6x40xbf16>) taps last : !u -> !u
  // CHECK: seq.long_conv two_sided_shared %{{.*}} filter(%{{.*}} : tensor<6x?xf32>) reverse(%{{.*}} : tensor<6x40xbf16>) taps first
  %c = seq.long_conv two_sided_shared %b filter(%h : tensor<6x?xf32>) reverse(%r : tensor<6x40xbf16>) taps first : !u -> !u
  // CHECK: seq.long_conv two_sided_disjoint
  %e = seq.long_conv two_sided_disjoint %c filter(%h : tensor<6x?xf32>) reverse(%r : tensor<6x40xbf16>) taps first : !u -> !u
  // CHECK: seq.long_conv circular %{{.*}} filter(%{{.*}} : tensor<6x40xbf16>) taps first pre(%{{.*}} : tensor<?x6x?xbf16>) post(%{{.*}} : tensor<?x6x?xbf16>) skip(%{{.*}} : tensor<6xf32>) {skip_ungated}
  %f = seq.long_conv circular %e filter(%r : tensor<6x40xbf16>) taps first pre(%u : !u) post(%a : !u) skip(%d : tensor<6xf32>) {skip_ungated} : !u -> !u
  return %f : !u
}

// CHECK-LABEL: func.func @prepared
func.func @prepared(%u: tensor<?x6x240xf16>, %h: tensor<6x100xf32>, %r: tensor<6x7xf32>) -> tensor<?x6x240xf16> {
  // CHECK: seq.prepare_filter causal %{{.*}} taps first {radices = array<i64: 16, 16>} : tensor<6x100xf32> -> tensor<6x256x2xf32>
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 16, 16>} : tensor<6x100xf32> -> tensor<6x256x2xf32>
  // CHECK: seq.long_conv causal %{{.*}} spectrum(%{{.*}} : tensor<6x256x2xf32>) {radices = array<i64: 16, 16>}
  %a = seq.long_conv causal %u spectrum(%s : tensor<6x256x2xf32>) {radices = array<i64: 16, 16>} : tensor<?x6x240xf16> -> tensor<?x6x240xf16>
  // CHECK: seq.prepare_filter two_sided_disjoint %{{.*}} reverse(%{{.*}} : tensor<6x7xf32>) taps last
  %t = seq.prepare_filter two_sided_disjoint %h reverse(%r : tensor<6x7xf32>) taps last {radices = array<i64: 240>} : tensor<6x100xf32> -> tensor<6x240x2xf16>
  %b = seq.long_conv two_sided_disjoint %a spectrum(%t : tensor<6x240x2xf16>) {radices = array<i64: 240>} : tensor<?x6x240xf16> -> tensor<?x6x240xf16>
  return %b : tensor<?x6x240xf16>
}

// CHECK-LABEL: func.func @prepared_in_blocks
func.func @prepared_in_blocks(%u: tensor<?x6x?xf16>, %h: tensor<6x100xf32>) -> tensor<?x6x?xf16> {
  // CHECK: seq.prepare_filter anticausal %{{.*}} taps last {radices = array<i64: 4, 4>} : tensor<6x100xf32> -> tensor<6x7x16x2xf16>
  %s = seq.prepare_filter anticausal %h taps last {radices = array<i64: 4, 4>} : tensor<6x100xf32> -> tensor<6x7x16x2xf16>
  // CHECK: seq.long_conv anticausal %{{.*}} spectrum(%{{.*}} : tensor<6x7x16x2xf16>) {radices = array<i64: 4, 4>}
  %y = seq.long_conv anticausal %u spectrum(%s : tensor<6x7x16x2xf16>) {radices = array<i64: 4, 4>} : tensor<?x6x?xf16> -> tensor<?x6x?xf16>
  return %y : tensor<?x6x?xf16>
}

// CHECK-LABEL: func.func @parts
func.func @parts(%u: tensor<?x6x?xf16>, %h: tensor<6x100xf32>, %past: tensor<?x6x99xf32>) -> (tensor<?x6x?xf16>, tensor<?x6x99xf32>) {
  // CHECK: %{{.*}}, %{{.*}} = seq.long_conv causal %{{.*}} filter(%{{.*}} : tensor<6x100xf32>) taps first initial(%{{.*}} : tensor<?x6x99xf32>) : tensor<?x6x?xf16> -> tensor<?x6x?xf16>, tensor<?x6x99xf32>
  %y, %final = seq.long_conv causal %u filter(%h : tensor<6x100xf32>) taps first initial(%past : tensor<?x6x99xf32>) : tensor<?x6x?xf16> -> tensor<?x6x?xf16>, tensor<?x6x99xf32>
  return %y, %final : tensor<?x6x?xf16>, tensor<?x6x99xf32>
}

// CHECK-LABEL: func.func @implicit
func.func @implicit(%rates: tensor<6xf32>, %n: index) -> (tensor<6x?xf32>, tensor<6x64xf32>) {
  // CHECK: seq.implicit_filter length(%{{.*}}) : tensor<6x?xf32> {
  // CHECK: ^bb0(%{{.*}}: index, %{{.*}}: index):
  %h = seq.implicit_filter length(%n) : tensor<6x?xf32> {
  ^bb0(%c: index, %t: index):
    %rate = tensor.extract %rates[%c] : tensor<6xf32>
    %i = arith.index_cast %t : index to i32
    %f = arith.sitofp %i : i32 to f32
    %e = arith.mulf %rate, %f : f32
    %v = math.exp %e : f32
    seq.yield %v : f32
  }
  // CHECK: seq.implicit_filter : tensor<6x64xf32> {
  %g = seq.implicit_filter : tensor<6x64xf32> {
  ^bb0(%c: index, %t: index):
    %one = arith.constant 1.0 : f32
    seq.yield %one : f32
  }
  return %h, %g : tensor<6x?xf32>, tensor<6x64xf32>
}

// CHECK-LABEL: func.func @implicit_spectrum
func.func @implicit_spectrum(%u: tensor<?x6x64xf16>) -> tensor<?x6x64xf16> {
  // CHECK: seq.implicit_spectrum causal {radices = array<i64: 8, 8>} : tensor<6x64x2xf16> {
  // CHECK: ^bb0(%{{.*}}: index, %[[RE:.*]]: f32, %[[IM:.*]]: f32):
  // CHECK: seq.yield %[[RE]], %[[IM]] : f32, f32
  %s = seq.implicit_spectrum causal {radices = array<i64: 8, 8>} : tensor<6x64x2xf16> {
  ^bb0(%c: index, %re: f32, %im: f32):
    seq.yield %re, %im : f32, f32
  }
  %y = seq.long_conv causal %u spectrum(%s : tensor<6x64x2xf16>) {radices = array<i64: 8, 8>} : tensor<?x6x64xf16> -> tensor<?x6x64xf16>
  return %y : tensor<?x6x64xf16>
}

// CHECK-LABEL: func.func @short
func.func @short(%x: tensor<?x6x?xf16>, %w: tensor<6x4xf32>, %b: tensor<6xf32>) -> (tensor<?x6x?xf16>, tensor<?x6x3xf16>) {
  // CHECK: %[[Y:.*]], %[[FINAL:.*]] = seq.short_conv causal %{{.*}}, %{{.*}} taps last bias(%{{.*}} : tensor<6xf32>) {axis = 2 : i64, silu} : tensor<?x6x?xf16>, tensor<6x4xf32> -> tensor<?x6x?xf16>, tensor<?x6x3xf16>
  %y, %final = seq.short_conv causal %x, %w taps last bias(%b : tensor<6xf32>) {axis = 2 : i64, silu} : tensor<?x6x?xf16>, tensor<6x4xf32> -> tensor<?x6x?xf16>, tensor<?x6x3xf16>
  // CHECK: seq.short_conv causal %{{.*}}, %{{.*}} taps last initial(%[[FINAL]] : tensor<?x6x3xf16>) {axis = 2 : i64}
  %z, %state = seq.short_conv causal %y, %w taps last initial(%final : tensor<?x6x3xf16>) {axis = 2 : i64} : tensor<?x6x?xf16>, tensor<6x4xf32> -> tensor<?x6x?xf16>, tensor<?x6x3xf16>
  return %z, %state : tensor<?x6x?xf16>, tensor<?x6x3xf16>
}

// CHECK-LABEL: func.func @short_channels_last
func.func @short_channels_last(%x: tensor<2x?x6xf32>, %w: tensor<6x7xf32>) -> tensor<2x?x6xf32> {
  // CHECK: seq.short_conv centred %{{.*}}, %{{.*}} taps first {axis = 1 : i64} : tensor<2x?x6xf32>, tensor<6x7xf32> -> tensor<2x?x6xf32>
  %y = seq.short_conv centred %x, %w taps first {axis = 1 : i64} : tensor<2x?x6xf32>, tensor<6x7xf32> -> tensor<2x?x6xf32>
  return %y : tensor<2x?x6xf32>
}

// CHECK-LABEL: func.func @transforms
func.func @transforms(%x: tensor<?x64x2xf32>, %learned: tensor<8x8x8x2xf32>) -> tensor<?x64x2xf32> {
  // CHECK: seq.fft %{{.*}} : tensor<?x64x2xf32>
  %a = seq.fft %x : tensor<?x64x2xf32>
  // CHECK: seq.fft %{{.*}} {inverse, right_angle} : tensor<?x64x2xf32>
  %b = seq.fft %a {inverse, right_angle} : tensor<?x64x2xf32>
  // CHECK: seq.roots {order = 8 : i64} : tensor<8x8x2xf32>
  %f = seq.roots {order = 8} : tensor<8x8x2xf32>
  %f1 = tensor.expand_shape %f [[0, 1], [2], [3]] output_shape [1, 8, 8, 2] : tensor<8x8x2xf32> into tensor<1x8x8x2xf32>
  // CHECK: seq.roots {inverse, order = 256 : i64, scale = 5.000000e-01 : f64} : tensor<64x2xf32>
  %w = seq.roots {order = 256, scale = 0.5, inverse} : tensor<64x2xf32>
  // CHECK: seq.butterfly %{{.*}}, %{{.*}}, %{{.*}} {complex, strides = array<i64: 8, 1>} : tensor<?x64x2xf32>, tensor<1x8x8x2xf32>, tensor<8x8x8x2xf32> -> tensor<?x64x2xf32>
  %c = seq.butterfly %b, %f1, %learned {complex, strides = array<i64: 8, 1>} : tensor<?x64x2xf32>, tensor<1x8x8x2xf32>, tensor<8x8x8x2xf32> -> tensor<?x64x2xf32>
  // CHECK: seq.complex_mul %{{.*}}, %{{.*}} {conjugate} : tensor<?x64x2xf32>, tensor<64x2xf32> -> tensor<?x64x2xf32>
  %d = seq.complex_mul %c, %w {conjugate} : tensor<?x64x2xf32>, tensor<64x2xf32> -> tensor<?x64x2xf32>
  return %d : tensor<?x64x2xf32>
}

// A rectangular Monarch matrix, 768 to 384: k q = l r = 1536.
// CHECK-LABEL: func.func @rectangular
func.func @rectangular(%x: tensor<3x768xf32>, %w1: tensor<8x192x96xf32>, %w2: tensor<24x16x64xf32>) -> tensor<3x384xf32> {
  // CHECK: seq.butterfly
  %y = seq.butterfly %x, %w1, %w2 {strides = array<i64: 1, 24>} : tensor<3x768xf32>, tensor<8x192x96xf32>, tensor<24x16x64xf32> -> tensor<3x384xf32>
  return %y : tensor<3x384xf32>
}
