// RUN: longwing-opt %s | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --emit-bytecode | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --mlir-print-op-generic | longwing-opt | FileCheck %s

// The decay varies with time, or does not.
// CHECK-LABEL: func.func @linear
// CHECK: seq.scan linear %{{.*}}, %{{.*}} : tensor<?x?x8xbf16>, tensor<?x?x8xbf16> -> tensor<?x?x8xbf16>
// CHECK: seq.scan linear %{{.*}}, %{{.*}} : tensor<8xf32>, tensor<?x?x8xbf16> -> tensor<?x?x8xbf16>
func.func @linear(%a: tensor<?x?x8xbf16>, %w: tensor<8xf32>, %b: tensor<?x?x8xbf16>)
    -> (tensor<?x?x8xbf16>, tensor<?x?x8xbf16>) {
  %h = seq.scan linear %a, %b : tensor<?x?x8xbf16>, tensor<?x?x8xbf16> -> tensor<?x?x8xbf16>
  %g = seq.scan linear %w, %b : tensor<8xf32>, tensor<?x?x8xbf16> -> tensor<?x?x8xbf16>
  return %h, %g : tensor<?x?x8xbf16>, tensor<?x?x8xbf16>
}

// CHECK-LABEL: func.func @complex_reverse
// CHECK: %{{.*}}, %{{.*}} = seq.scan log %{{.*}}, %{{.*}} init(%{{[a-z0-9]+}} : tensor<?x8x2xf32>) {complex, reverse}
// CHECK-SAME: : tensor<8x2xf32>, tensor<?x?x8x2xf32> -> tensor<?x?x8x2xf32>, tensor<?x8x2xf32>
func.func @complex_reverse(%a: tensor<8x2xf32>, %b: tensor<?x?x8x2xf32>, %h0: tensor<?x8x2xf32>)
    -> (tensor<?x?x8x2xf32>, tensor<?x8x2xf32>) {
  %h, %last = seq.scan log %a, %b init(%h0 : tensor<?x8x2xf32>) {complex, reverse}
      : tensor<8x2xf32>, tensor<?x?x8x2xf32> -> tensor<?x?x8x2xf32>, tensor<?x8x2xf32>
  return %h, %last : tensor<?x?x8x2xf32>, tensor<?x8x2xf32>
}

// Packed sequences: as many states as sequences.
// CHECK-LABEL: func.func @wkv
// CHECK: seq.scan wkv %{{.*}}, %{{.*}} key(%{{[a-z0-9]+}} : tensor<1x?x8xf16>) bonus(%{{[a-z0-9]+}} : tensor<8xf32>)
// CHECK-SAME: init(%{{[a-z0-9]+}} : tensor<4x3x8xf32>) offsets(%{{[a-z0-9]+}} : tensor<5xi32>)
func.func @wkv(%w: tensor<8xf32>, %u: tensor<8xf32>, %k: tensor<1x?x8xf16>, %v: tensor<1x?x8xf16>,
               %h0: tensor<4x3x8xf32>, %offsets: tensor<5xi32>) -> (tensor<1x?x8xf16>, tensor<4x3x8xf32>) {
  %y, %last = seq.scan wkv %w, %v key(%k : tensor<1x?x8xf16>) bonus(%u : tensor<8xf32>)
      init(%h0 : tensor<4x3x8xf32>) offsets(%offsets : tensor<5xi32>)
      : tensor<8xf32>, tensor<1x?x8xf16> -> tensor<1x?x8xf16>, tensor<4x3x8xf32>
  return %y, %last : tensor<1x?x8xf16>, tensor<4x3x8xf32>
}
