// RUN: longwing-opt %s --seq-verify-target --split-input-file --verify-diagnostics

func.func @single(%q: tensor<1x1x8x64xf32>) -> tensor<1x1x8x64xf32> {
  // expected-error @+1 {{cannot run on sm_90a: expected elements of type f16 or bf16, got 'f32'; the x86-64 target takes it}}
  %o = seq.attention %q, %q, %q : tensor<1x1x8x64xf32>, tensor<1x1x8x64xf32>, tensor<1x1x8x64xf32> -> tensor<1x1x8x64xf32>
  return %o : tensor<1x1x8x64xf32>
}

// -----

func.func @unaligned(%q: tensor<1x1x8x60xf16>) -> tensor<1x1x8x60xf16> {
  // expected-error @+1 {{cannot run on sm_90a: expected the head dimension of q and k to be a multiple of 8 and at most 256, got 60}}
  %o = seq.attention %q, %q, %q : tensor<1x1x8x60xf16>, tensor<1x1x8x60xf16>, tensor<1x1x8x60xf16> -> tensor<1x1x8x60xf16>
  return %o : tensor<1x1x8x60xf16>
}

// -----

func.func @too_wide(%q: tensor<1x1x8x64xf16>, %v: tensor<1x1x8x512xf16>) -> tensor<1x1x8x512xf16> {
  // expected-error @+1 {{expected the head dimension of v to be a multiple of 8 and at most 256, got 512}}
  %o = seq.attention %q, %q, %v : tensor<1x1x8x64xf16>, tensor<1x1x8x64xf16>, tensor<1x1x8x512xf16> -> tensor<1x1x8x512xf16>
  return %o : tensor<1x1x8x512xf16>
}
