// RUN: longwing-opt %s | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --emit-bytecode | longwing-opt | FileCheck %s
// RUN: longwing-opt %s --mlir-print-op-generic | longwing-opt | FileCheck %s

!x = tensor<?x?x8xbf16>

// CHECK-LABEL: func.func @plain
// CHECK: seq.selective_scan %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x?x8xbf16>, tensor<?x?x8xf32>,
// CHECK-SAME: tensor<8x16xf32>, tensor<?x?x2x16xbf16>, tensor<8x16xf32> -> tensor<?x?x8xbf16>
func.func @plain(%u: !x, %delta: tensor<?x?x8xf32>, %a: tensor<8x16xf32>, %b: tensor<?x?x2x16xbf16>,
                 %c: tensor<8x16xf32>) -> !x {
  %y = seq.selective_scan %u, %delta, %a, %b, %c
      : !x, tensor<?x?x8xf32>, tensor<8x16xf32>, tensor<?x?x2x16xbf16>, tensor<8x16xf32> -> !x
  return %y : !x
}

// CHECK-LABEL: func.func @everything
// CHECK: %{{.*}}, %{{.*}} = seq.selective_scan
// CHECK-SAME: skip(%{{[a-z0-9]+}} : tensor<8xf32>) gate(%{{[a-z0-9]+}} : tensor<1x?x8xbf16>) bias(%{{[a-z0-9]+}} : tensor<8xf32>)
// CHECK-SAME: init(%{{[a-z0-9]+}} : tensor<?x8x4x2xf32>) offsets(%{{[a-z0-9]+}} : tensor<?xi64>) {complex, reverse, softplus}
func.func @everything(%u: tensor<1x?x8xbf16>, %a: tensor<8x4x2xf32>, %b: tensor<1x?x2x4x2xf32>,
                      %d: tensor<8xf32>, %h0: tensor<?x8x4x2xf32>, %offsets: tensor<?xi64>)
    -> (tensor<1x?x8xbf16>, tensor<?x8x4x2xf32>) {
  %y, %last = seq.selective_scan %u, %u, %a, %b, %b skip(%d : tensor<8xf32>) gate(%u : tensor<1x?x8xbf16>)
      bias(%d : tensor<8xf32>) init(%h0 : tensor<?x8x4x2xf32>) offsets(%offsets : tensor<?xi64>)
      {softplus, complex, reverse}
      : tensor<1x?x8xbf16>, tensor<1x?x8xbf16>, tensor<8x4x2xf32>, tensor<1x?x2x4x2xf32>, tensor<1x?x2x4x2xf32>
      -> tensor<1x?x8xbf16>, tensor<?x8x4x2xf32>
  return %y, %last : tensor<1x?x8xbf16>, tensor<?x8x4x2xf32>
}
