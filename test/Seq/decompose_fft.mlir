// RUN: longwing-opt %s --seq-configure="radices=4x3x2" --seq-decompose-fft --split-input-file | FileCheck %s

// Stages work in place: matrix and twiddle of each digit, the spectrum, and the same way back. The weights of the
// right angle are in the first matrix and twiddle, the factor 1 / 24 is in the last matrix.
// CHECK-LABEL: func.func @causal
// CHECK-SAME: (%[[U:.*]]: tensor<?x6x20xf16>, %[[H:.*]]: tensor<6x20xf32>
// CHECK: %[[X:.*]] = arith.mulf
// CHECK: %[[ZEROS:.*]] = tensor.splat %{{.*}} : tensor<?x6x24x2xf32>
// CHECK: %[[Z:.*]] = tensor.insert_slice %[[X]] into %[[ZEROS]]
// CHECK: %[[F1:.*]] = seq.roots {order = 4 : i64, quarter = 0 : i64} : tensor<4x4x2xf32>
// CHECK: seq.butterfly %[[Z]], %{{.*}} {complex, strides = array<i64: 6>} : tensor<?x6x24x2xf32>, tensor<1x4x4x2xf32>
// CHECK: seq.roots {order = 24 : i64, quarter = 0 : i64} : tensor<4x6x2xf32>
// CHECK: seq.complex_mul {{.*}} : tensor<?x6x24x2xf32>, tensor<24x2xf32>
// CHECK: seq.roots {order = 3 : i64} : tensor<3x3x2xf32>
// CHECK: seq.butterfly {{.*}} {complex, strides = array<i64: 2>} : tensor<?x6x24x2xf32>, tensor<1x3x3x2xf32>
// CHECK: seq.roots {order = 6 : i64} : tensor<3x2x2xf32>
// CHECK: tensor.expand_shape {{.*}} : tensor<?x6x24x2xf32> into tensor<?x6x4x6x2xf32>
// CHECK: seq.complex_mul {{.*}} : tensor<?x6x4x6x2xf32>, tensor<6x2xf32>
// CHECK: seq.roots {order = 2 : i64} : tensor<2x2x2xf32>
// CHECK: seq.butterfly {{.*}} {complex, strides = array<i64: 1>}
// CHECK-NOT: seq.roots
// CHECK: %[[S:.*]] = seq.prepare_filter causal %[[H]] taps first {radices = array<i64: 4, 3, 2>} : tensor<6x20xf32> -> tensor<6x24x2xf32>
// CHECK: seq.complex_mul %{{.*}}, %[[S]] : tensor<?x6x24x2xf32>, tensor<6x24x2xf32>
// CHECK: seq.roots {inverse, order = 2 : i64}
// CHECK: seq.butterfly
// CHECK: seq.complex_mul {{.*}} {conjugate}
// CHECK: seq.roots {inverse, order = 3 : i64}
// CHECK: seq.complex_mul {{.*}} {conjugate}
// CHECK: seq.roots {inverse, order = 4 : i64, quarter = 1 : i64, scale = 0.041666666666666664 : f64} : tensor<4x4x2xf32>
// CHECK: tensor.extract_slice
// CHECK: arith.mulf
// CHECK: arith.truncf {{.*}} : tensor<?x6x20xf32> to tensor<?x6x20xf16>
func.func @causal(%u: tensor<?x6x20xf16>, %h: tensor<6x20xf32>) -> tensor<?x6x20xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<6x20xf32>) taps first pre(%u : tensor<?x6x20xf16>) post(%u : tensor<?x6x20xf16>) : tensor<?x6x20xf16> -> tensor<?x6x20xf16>
  return %y : tensor<?x6x20xf16>
}

// -----

// A circular convolution has no right angle; a spectrum brings its radices.
// CHECK-LABEL: func.func @circular
// CHECK-NOT: quarter
// CHECK-NOT: prepare_filter
// CHECK: seq.complex_mul %{{.*}}, %arg1
// CHECK-NOT: quarter
// CHECK-NOT: seq.long_conv
// CHECK: return
func.func @circular(%u: tensor<2x6x24xf32>, %s: tensor<6x24x2xf32>) -> tensor<2x6x24xf32> {
  %y = seq.long_conv circular %u spectrum(%s : tensor<6x24x2xf32>) {radices = array<i64: 4, 6>} : tensor<2x6x24xf32> -> tensor<2x6x24xf32>
  return %y : tensor<2x6x24xf32>
}

// -----

// What has no transform stays.
// CHECK-LABEL: func.func @open_length
// CHECK-NEXT: seq.long_conv causal
// CHECK-NEXT: return
func.func @open_length(%u: tensor<2x6x?xf32>, %h: tensor<6x24xf32>) -> tensor<2x6x?xf32> {
  %y = seq.long_conv causal %u filter(%h : tensor<6x24xf32>) taps first : tensor<2x6x?xf32> -> tensor<2x6x?xf32>
  return %y : tensor<2x6x?xf32>
}
