// RUN: longwing-opt %s --canonicalize --split-input-file | FileCheck %s

!b = tensor<?x?x8xbf16>
!s = tensor<?x8xf32>

// Nobody reads the final state; the initial one is that of an empty past.
// CHECK-LABEL: func.func @states
// CHECK: %[[Y:.*]] = seq.scan linear %{{[a-z0-9]+}}, %{{[a-z0-9]+}} {reverse} : tensor<?x?x8xbf16>, tensor<?x?x8xbf16> -> tensor<?x?x8xbf16>
// CHECK-NEXT: return %[[Y]]
func.func @states(%a: !b, %b: !b) -> !b {
  %zero = arith.constant dense<0.0> : tensor<2x8xf32>
  %y, %h = seq.scan linear %a, %b init(%zero : tensor<2x8xf32>) {reverse} : !b, !b -> !b, tensor<2x8xf32>
  return %y : !b
}

// -----

!b = tensor<2x?x8xbf16>
!s = tensor<2x3x8xf32>

// An exponent of 0 is not that of an empty past.
// CHECK-LABEL: func.func @state_of_wkv
// CHECK: seq.scan wkv {{.*}} init(
func.func @state_of_wkv(%w: tensor<8xf32>, %k: !b, %v: !b) -> !b {
  %h0 = arith.constant dense<0.0> : !s
  %y = seq.scan wkv %w, %v key(%k : !b) bonus(%w : tensor<8xf32>) init(%h0 : !s) : tensor<8xf32>, !b -> !b
  return %y : !b
}

// -----

!x = tensor<2x?x8xbf16>
!b = tensor<2x?x1x4xbf16>

// Zeros that add nothing.
// CHECK-LABEL: func.func @selective
// CHECK: seq.selective_scan %{{[a-z0-9]+}}, %{{[a-z0-9]+}}, %{{[a-z0-9]+}}, %{{[a-z0-9]+}}, %{{[a-z0-9]+}} gate(%{{[a-z0-9]+}} : tensor<2x?x8xbf16>) {softplus} :
// CHECK-SAME: -> tensor<2x?x8xbf16>
func.func @selective(%u: !x, %a: tensor<8x4xf32>, %b: !b) -> !x {
  %zeros = arith.constant dense<0.0> : tensor<8xf32>
  %h0 = arith.constant dense<0.0> : tensor<2x8x4xf32>
  %y, %h = seq.selective_scan %u, %u, %a, %b, %b skip(%zeros : tensor<8xf32>) gate(%u : !x)
      bias(%zeros : tensor<8xf32>) init(%h0 : tensor<2x8x4xf32>) {softplus}
      : !x, !x, tensor<8x4xf32>, !b, !b -> !x, tensor<2x8x4xf32>
  return %y : !x
}

// -----

!k = tensor<2x?x2x8xbf16>
!v = tensor<2x?x4x6xbf16>

// A decay of 0 is none; a bonus of 0 is not none: the output does not see the present.
// CHECK-LABEL: func.func @linear
// CHECK: seq.linear_attention %{{[a-z0-9]+}}, %{{[a-z0-9]+}}, %{{[a-z0-9]+}} bonus(%{{[a-z0-9_]+}} : tensor<4x8xf32>) :
func.func @linear(%q: !k, %k: !k, %v: !v) -> !v {
  %zeros = arith.constant dense<0.0> : tensor<4xf32>
  %bonus = arith.constant dense<0.0> : tensor<4x8xf32>
  %o = seq.linear_attention %q, %k, %v decay(%zeros : tensor<4xf32>) bonus(%bonus : tensor<4x8xf32>)
      skip(%zeros : tensor<4xf32>) : !k, !k, !v -> !v
  return %o : !v
}
