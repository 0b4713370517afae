// RUN: longwing-opt %s --seq-make-step | FileCheck %s

!x = tensor<?x?x8xf32>

// The model stays. A part of any length takes and gives every state.
// CHECK-LABEL: func.func @model(
// CHECK-SAME: %{{[a-z0-9]+}}: tensor<?x?x8xf32> {longwing.name = "x"}, %{{[a-z0-9]+}}: tensor<8x4xf32>, %{{[a-z0-9]+}}: tensor<8xf32>) -> (tensor<?x?x8xf32> {longwing.name = "y"})
// CHECK-LABEL: func.func @model_part(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x8xf32> {longwing.name = "x"}, %{{[a-z0-9]+}}: tensor<8x4xf32>, %{{[a-z0-9]+}}: tensor<8xf32>,
// CHECK-SAME: %[[S0:[a-z0-9]+]]: tensor<?x3x8xf32> {longwing.name = "state_0"}, %[[S1:[a-z0-9]+]]: tensor<?x8xf32> {longwing.name = "state_1"})
// CHECK-SAME: -> (tensor<?x?x8xf32> {longwing.name = "y"}, tensor<?x3x8xf32> {longwing.name = "next_0"}, tensor<?x8xf32> {longwing.name = "next_1"})
// CHECK: %[[C:.*]], %[[N0:.*]] = seq.short_conv causal %[[X]], {{.*}} initial(%[[S0]] :
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[C]], %[[C]] : tensor<?x?x8xf32>
// CHECK: %[[Y:.*]], %[[N1:.*]] = seq.scan log %{{.*}}, %[[SQUARE]] init(%[[S1]] :
// CHECK: return %[[Y]], %[[N0]], %[[N1]]

// One position: kernels are chosen for it. What is not of seq sees the open length.
// CHECK-LABEL: func.func @model_step(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x1x8xf32> {longwing.name = "x"}
// CHECK-SAME: -> (tensor<?x1x8xf32> {longwing.name = "y"}, tensor<?x3x8xf32> {longwing.name = "next_0"}, tensor<?x8xf32> {longwing.name = "next_1"})
// CHECK: %[[C:.*]], %{{.*}} = seq.short_conv causal %[[X]], {{.*}} -> tensor<?x1x8xf32>, tensor<?x3x8xf32>
// CHECK: %[[OPEN:.*]] = tensor.cast %[[C]] : tensor<?x1x8xf32> to tensor<?x?x8xf32>
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[OPEN]], %[[OPEN]] : tensor<?x?x8xf32>
// CHECK: %[[ONE:.*]] = tensor.cast %[[SQUARE]] : tensor<?x?x8xf32> to tensor<?x1x8xf32>
// CHECK: %[[Y:.*]], %{{.*}} = seq.scan log %{{.*}}, %[[ONE]]
// CHECK: return %[[Y]]
func.func @model(%x: !x {longwing.name = "x"}, %w: tensor<8x4xf32>, %a: tensor<8xf32>) -> (!x {longwing.name = "y"}) {
  %c = seq.short_conv causal %x, %w taps last {axis = 1 : i64} : !x, tensor<8x4xf32> -> !x
  %square = arith.mulf %c, %c : !x
  %y = seq.scan log %a, %square : tensor<8xf32>, !x -> !x
  return %y : !x
}

// States that are there already are left as they are; from one operation to the next, nothing is cast.
// CHECK-LABEL: func.func @states_step(
// CHECK-SAME: %{{[a-z0-9]+}}: tensor<2x1x8xf32>, %{{[a-z0-9]+}}: tensor<2x8xf32>, %{{[a-z0-9]+}}: tensor<2x8xf32> {longwing.name = "state_1"}) -> (tensor<2x8xf32>, tensor<2x1x8xf32>, tensor<2x8xf32> {longwing.name = "next_1"})
// CHECK-NEXT: %[[H:.*]], %[[S:.*]] = seq.scan linear
// CHECK-NEXT: %[[G:.*]], %[[T:.*]] = seq.scan linear %[[H]], %[[H]]
// CHECK-NEXT: return %[[S]], %[[G]], %[[T]]
func.func @states(%x: tensor<2x?x8xf32>, %h0: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x?x8xf32>) {
  %h, %s = seq.scan linear %x, %x init(%h0 : tensor<2x8xf32>)
      : tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>, tensor<2x8xf32>
  %g = seq.scan linear %h, %h : tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return %s, %g : tensor<2x8xf32>, tensor<2x?x8xf32>
}

// Nothing to do.
// CHECK-NOT: func.func @other_
func.func @other(%q: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
  %o = seq.attention %q, %q, %q : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32> -> tensor<1x2x8x16xf32>
  return %o : tensor<1x2x8x16xf32>
}
