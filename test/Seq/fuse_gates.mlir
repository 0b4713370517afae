// RUN: longwing-opt %s --seq-fuse-gates --split-input-file | FileCheck %s

!x = tensor<?x6x32xbf16>
!h = tensor<6x32xf32>

// A layer of Hyena, as it is written: v = h * (x1 v) + d (x1 v), times x2.
// CHECK-LABEL: func.func @hyena
// CHECK-SAME: (%[[V:.*]]: tensor<?x6x32xbf16>, %[[X1:.*]]: tensor<?x6x32xbf16>, %[[X2:.*]]: tensor<?x6x32xbf16>, %[[H:.*]]: tensor<6x32xf32>, %[[D:.*]]: tensor<6x1xf32>)
// CHECK-NEXT: %[[SKIP:.*]] = tensor.collapse_shape %[[D]]
// CHECK-NEXT: %[[Y:.*]] = seq.long_conv causal %[[V]] filter(%[[H]] : tensor<6x32xf32>) taps first pre(%[[X1]] : tensor<?x6x32xbf16>) post(%[[X2]] : tensor<?x6x32xbf16>) skip(%[[SKIP]] : tensor<6xf32>) :
// CHECK-NEXT: return %[[Y]]
func.func @hyena(%v: !x, %x1: !x, %x2: !x, %h: !h, %d: tensor<6x1xf32>) -> !x {
  %gated = arith.mulf %v, %x1 : !x
  %c = seq.long_conv causal %gated filter(%h : !h) taps first : !x -> !x
  %skip = seq.long_conv causal %gated filter(%d : tensor<6x1xf32>) taps first : !x -> !x
  %sum = arith.addf %c, %skip : !x
  %y = arith.mulf %x2, %sum : !x
  return %y : !x
}

// -----

!x = tensor<?x6x32xbf16>
!h = tensor<6x32xf32>

// A gate that is computed after the convolution: the convolution moves down to it.
// CHECK-LABEL: func.func @late_gate
// CHECK: %[[GATE:.*]] = arith.addf
// CHECK-NEXT: seq.long_conv causal %arg0 {{.*}} post(%[[GATE]] : tensor<?x6x32xbf16>)
// CHECK-NEXT: return
func.func @late_gate(%u: !x, %g: !x, %h: !h) -> !x {
  %c = seq.long_conv causal %u filter(%h : !h) taps first : !x -> !x
  %gate = arith.addf %g, %g : !x
  %y = arith.mulf %c, %gate : !x
  return %y : !x
}

// -----

!x = tensor<?x6x32xbf16>
!h = tensor<6x32xf32>

// What is read elsewhere stays, and so does a second gate. A skip with another input is a sum.
// CHECK-LABEL: func.func @others
// CHECK: %[[X:.*]] = arith.mulf %arg0, %arg1
// CHECK: %[[C:.*]] = seq.long_conv causal %[[X]] filter(%{{.*}}) taps first :
// CHECK: arith.mulf %[[C]], %arg1
// CHECK: %[[S:.*]] = seq.long_conv causal %arg0 filter(%arg3
// CHECK: arith.addf %[[C]], %[[S]]
func.func @others(%u: !x, %g: !x, %h: !h, %d: tensor<6x1xf32>) -> (!x, !x, !x) {
  %x = arith.mulf %u, %g : !x
  %c = seq.long_conv causal %x filter(%h : !h) taps first : !x -> !x
  %y = arith.mulf %c, %g : !x
  %s = seq.long_conv causal %u filter(%d : tensor<6x1xf32>) taps first : !x -> !x
  %z = arith.addf %c, %s : !x
  return %x, %y, %z : !x, !x, !x
}
