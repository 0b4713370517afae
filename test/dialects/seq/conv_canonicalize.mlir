// RUN: longwing-opt %s --canonicalize --split-input-file | FileCheck %s

// Gates of ones and a skip of zeros do nothing.
// CHECK-LABEL: func.func @neutral
// CHECK-NOT: arith.constant
// CHECK: seq.long_conv causal %{{.*}} filter(%{{.*}} : tensor<4x8xf32>) taps first : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
func.func @neutral(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>) -> tensor<2x4x8xf16> {
  %ones = arith.constant dense<1.0> : tensor<2x4x8xf16>
  %zeros = arith.constant dense<0.0> : tensor<4xf32>
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first pre(%ones : tensor<2x4x8xf16>) post(%ones : tensor<2x4x8xf16>) skip(%zeros : tensor<4xf32>) {skip_ungated} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return %y : tensor<2x4x8xf16>
}

// -----

// An empty past, and a state that nothing reads.
// CHECK-LABEL: func.func @states
// CHECK-NOT: initial
// CHECK: seq.long_conv {{.*}} -> tensor<2x4x8xf16>
// CHECK-NEXT: return
func.func @states(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>) -> tensor<2x4x8xf16> {
  %zeros = arith.constant dense<0.0> : tensor<2x4x7xf32>
  %y, %final = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first initial(%zeros : tensor<2x4x7xf32>) : tensor<2x4x8xf16> -> tensor<2x4x8xf16>, tensor<2x4x7xf32>
  return %y : tensor<2x4x8xf16>
}

// -----

// CHECK-LABEL: func.func @other
// CHECK: pre(%{{.*}}) skip(%{{.*}}) {skip_ungated}
func.func @other(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>) -> tensor<2x4x8xf16> {
  %twos = arith.constant dense<2.0> : tensor<2x4x8xf16>
  %ones = arith.constant dense<1.0> : tensor<4xf32>
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first pre(%twos : tensor<2x4x8xf16>) skip(%ones : tensor<4xf32>) {skip_ungated} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return %y : tensor<2x4x8xf16>
}

// -----

// CHECK-LABEL: func.func @short
// CHECK-NOT: arith.constant
// CHECK: %[[Y:.*]] = seq.short_conv causal %{{.*}}, %{{.*}} taps last {axis = 2 : i64, silu} : tensor<2x4x8xf16>, tensor<4x3xf32> -> tensor<2x4x8xf16>
// CHECK: return %[[Y]]
func.func @short(%x: tensor<2x4x8xf16>, %w: tensor<4x3xf32>) -> tensor<2x4x8xf16> {
  %zeros = arith.constant dense<0.0> : tensor<4xf32>
  %nothing = arith.constant dense<0.0> : tensor<2x4x2xf16>
  %y, %final = seq.short_conv causal %x, %w taps last bias(%zeros : tensor<4xf32>) initial(%nothing : tensor<2x4x2xf16>) {axis = 2 : i64, silu} : tensor<2x4x8xf16>, tensor<4x3xf32> -> tensor<2x4x8xf16>, tensor<2x4x2xf16>
  return %y : tensor<2x4x8xf16>
}

// -----

// CHECK-LABEL: func.func @one_point
// CHECK-SAME: (%[[X:.*]]: tensor<3x1x2xf32>)
// CHECK: return %[[X]]
func.func @one_point(%x: tensor<3x1x2xf32>) -> tensor<3x1x2xf32> {
  %y = seq.fft %x {right_angle} : tensor<3x1x2xf32>
  return %y : tensor<3x1x2xf32>
}

// -----

// CHECK-LABEL: func.func @unused
// CHECK-NEXT: return
func.func @unused(%u: tensor<2x4x8xf16>, %x: tensor<3x8x2xf32>) {
  %h = seq.implicit_filter : tensor<4x8xf32> {
  ^bb0(%c: index, %t: index):
    %one = arith.constant 1.0 : f32
    seq.yield %one : f32
  }
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 8>} : tensor<4x8xf32> -> tensor<4x8x2xf32>
  %y = seq.long_conv causal %u spectrum(%s : tensor<4x8x2xf32>) {radices = array<i64: 8>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  %f = seq.fft %x : tensor<3x8x2xf32>
  return
}
