// RUN: longwing-compile %s -o %t.ptx --print-config 2>&1 | FileCheck %s

// Which algorithm, and what each candidate was estimated to cost.
// CHECK: kernel main_long_conv
// CHECK: algorithm {{ *}}toeplitz
// CHECK: why {{ *}}toeplitz {{.*}} ps an output (memory); transform
func.func @main(%u: tensor<?x4x256xf16>, %h: tensor<4x64xf16>) -> tensor<?x4x256xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<4x64xf16>) taps first : tensor<?x4x256xf16> -> tensor<?x4x256xf16>
  return %y : tensor<?x4x256xf16>
}
