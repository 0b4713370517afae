// RUN: longwing-opt %s | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --emit-bytecode | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --mlir-print-op-generic | longwing-opt | FileCheck %s

// CHECK-LABEL: func.func @plain
// CHECK: seq.attention %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x16x?x128xbf16>, tensor<?x4x?x128xbf16>, tensor<?x4x?x64xbf16> -> tensor<?x16x?x64xbf16>
func.func @plain(%q: tensor<?x16x?x128xbf16>, %k: tensor<?x4x?x128xbf16>, %v: tensor<?x4x?x64xbf16>)
    -> tensor<?x16x?x64xbf16> {
  %o = seq.attention %q, %k, %v
      : tensor<?x16x?x128xbf16>, tensor<?x4x?x128xbf16>, tensor<?x4x?x64xbf16> -> tensor<?x16x?x64xbf16>
  return %o : tensor<?x16x?x64xbf16>
}

// CHECK-LABEL: func.func @causal_window_lse
// CHECK: %{{.*}}, %{{.*}} = seq.attention
// CHECK-SAME: causal
// CHECK-SAME: scale = 1.250000e-01 : f64
// CHECK-SAME: window = array<i64: 1023, 0>
func.func @causal_window_lse(%q: tensor<2x8x512x64xf16>, %k: tensor<2x8x512x64xf16>, %v: tensor<2x8x512x64xf16>)
    -> (tensor<2x8x512x64xf16>, tensor<2x8x512xf32>) {
  %o, %lse = seq.attention %q, %k, %v {causal, scale = 0.125 : f64, window = array<i64: 1023, 0>}
      : tensor<2x8x512x64xf16>, tensor<2x8x512x64xf16>, tensor<2x8x512x64xf16>
      -> tensor<2x8x512x64xf16>, tensor<2x8x512xf32>
  return %o, %lse : tensor<2x8x512x64xf16>, tensor<2x8x512xf32>
}

// CHECK-LABEL: func.func @regions
// CHECK: seq.attention
// CHECK: score {
// CHECK: ^bb0(%[[SCORE:[a-z0-9]+]]: f32, %{{[a-z0-9]+}}: index, %[[HEAD:[a-z0-9]+]]: index,
// CHECK: tensor.extract %{{[a-z0-9]+}}[%[[HEAD]]]
// CHECK: seq.yield %{{.*}} : f32
// CHECK: mask {
// CHECK: seq.yield %{{.*}} : i1
func.func @regions(%q: tensor<1x4x?x64xf32>, %k: tensor<1x4x?x64xf32>, %v: tensor<1x4x?x64xf32>,
                   %slopes: tensor<4xf32>) -> tensor<1x4x?x64xf32> {
  %o = seq.attention %q, %k, %v
      : tensor<1x4x?x64xf32>, tensor<1x4x?x64xf32>, tensor<1x4x?x64xf32> -> tensor<1x4x?x64xf32>
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %slope = tensor.extract %slopes[%h] : tensor<4xf32>
      %biased = arith.addf %s, %slope : f32
      seq.yield %biased : f32
    }
    mask {
    ^bb0(%b: index, %h: index, %i: index, %j: index):
      %sees = arith.cmpi sge, %i, %j : index
      seq.yield %sees : i1
    }
  return %o : tensor<1x4x?x64xf32>
}
