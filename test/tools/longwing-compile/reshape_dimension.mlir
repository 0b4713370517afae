// RUN: not longwing-compile %s --target=sm_90a --emit=ptx -o %t.ptx 2>&1 | FileCheck %s
// RUN: not longwing-compile %s --target=x86-64 --emit=llvm -o %t.ll 2>&1 | FileCheck %s

// A dimension that MLIR's own verifier takes for 0.

// CHECK: reshape_dimension.mlir:[[@LINE+2]]:{{[0-9]+}}: error: 'tensor.collapse_shape' op expected dimensions from 0 to 2, got 4294967296
func.func @main(%x: tensor<16x16x2xf32>) -> tensor<256x2xf32> {
  %y = tensor.collapse_shape %x [[4294967296, 1], [2]] : tensor<16x16x2xf32> into tensor<256x2xf32>
  return %y : tensor<256x2xf32>
}
