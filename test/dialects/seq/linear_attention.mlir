// RUN: longwing-opt %s | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --emit-bytecode | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --mlir-print-op-generic | longwing-opt | FileCheck %s

!k = tensor<?x?x2x16xbf16>
!v = tensor<?x?x4x32xbf16>

// No decay, and one for each head, head and channel, time and head, or all of them.
// CHECK-LABEL: func.func @decays
func.func @decays(%q: !k, %k: !k, %v: !v, %h: tensor<4xf32>, %hk: tensor<2x16xf32>, %lh: tensor<?x?x4xf32>,
                  %lhk: !k) -> (!v, !v, !v, !v, !v) {
  // CHECK: seq.linear_attention %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x?x2x16xbf16>, tensor<?x?x2x16xbf16>, tensor<?x?x4x32xbf16> -> tensor<?x?x4x32xbf16>
  %none = seq.linear_attention %q, %k, %v : !k, !k, !v -> !v
  // CHECK: seq.linear_attention %{{.*}} decay(%{{[a-z0-9]+}} : tensor<4xf32>) {scale = 2.500000e-01 : f64}
  %head = seq.linear_attention %q, %k, %v decay(%h : tensor<4xf32>) {scale = 0.25 : f64} : !k, !k, !v -> !v
  // CHECK: seq.linear_attention %{{.*}} decay(%{{[a-z0-9]+}} : tensor<2x16xf32>) :
  %channel = seq.linear_attention %q, %k, %v decay(%hk : tensor<2x16xf32>) : !k, !k, !v -> !v
  // CHECK: seq.linear_attention %{{.*}} decay(%{{[a-z0-9]+}} : tensor<?x?x4xf32>) {reverse} :
  %step = seq.linear_attention %q, %k, %v decay(%lh : tensor<?x?x4xf32>) {reverse} : !k, !k, !v -> !v
  // CHECK: seq.linear_attention %{{.*}} decay(%{{[a-z0-9]+}} : tensor<?x?x2x16xbf16>) bonus(%{{[a-z0-9]+}} : tensor<4x16xf32>) :
  %bonus = arith.constant dense<1.0> : tensor<4x16xf32>
  %both = seq.linear_attention %q, %k, %v decay(%lhk : !k) bonus(%bonus : tensor<4x16xf32>) : !k, !k, !v -> !v
  return %none, %head, %channel, %step, %both : !v, !v, !v, !v, !v
}

// CHECK-LABEL: func.func @ssd
// CHECK: %{{.*}}, %{{.*}} = seq.linear_attention
// CHECK-SAME: dt(%{{[a-z0-9]+}} : tensor<1x?x4xbf16>, %{{[a-z0-9]+}} : tensor<4xf32>) bias(%{{[a-z0-9]+}} : tensor<4xf32>)
// CHECK-SAME: skip(%{{[a-z0-9]+}} : tensor<4xf32>) gate(%{{[a-z0-9]+}} : tensor<1x?x4x32xbf16>)
// CHECK-SAME: init(%{{[a-z0-9]+}} : tensor<3x4x16x32xf32>) offsets(%{{[a-z0-9]+}} : tensor<4xi32>) {softplus}
func.func @ssd(%c: tensor<1x?x1x16xbf16>, %b: tensor<1x?x1x16xbf16>, %x: tensor<1x?x4x32xbf16>,
               %dt: tensor<1x?x4xbf16>, %a: tensor<4xf32>, %s0: tensor<3x4x16x32xf32>, %offsets: tensor<4xi32>)
    -> (tensor<1x?x4x32xbf16>, tensor<3x4x16x32xf32>) {
  %o, %last = seq.linear_attention %c, %b, %x dt(%dt : tensor<1x?x4xbf16>, %a : tensor<4xf32>)
      bias(%a : tensor<4xf32>) skip(%a : tensor<4xf32>) gate(%x : tensor<1x?x4x32xbf16>)
      init(%s0 : tensor<3x4x16x32xf32>) offsets(%offsets : tensor<4xi32>) {softplus}
      : tensor<1x?x1x16xbf16>, tensor<1x?x1x16xbf16>, tensor<1x?x4x32xbf16>
      -> tensor<1x?x4x32xbf16>, tensor<3x4x16x32xf32>
  return %o, %last : tensor<1x?x4x32xbf16>, tensor<3x4x16x32xf32>
}
