// RUN: longwing-opt %s --split-input-file --seq-plain-kernels --verify-diagnostics

func.func @strided(%x: tensor<2xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{cannot run on sm_90a: expected unit strides}}
  %z = tensor.insert_slice %x into %y[0] [2] [2] : tensor<2xf32> into tensor<4xf32>
  return %z : tensor<4xf32>
}
