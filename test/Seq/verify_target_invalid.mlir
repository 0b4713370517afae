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

// -----

func.func @recurrence_single(%q: tensor<1x8x2x64xf32>, %v: tensor<1x8x2x64xf32>) -> tensor<1x8x2x64xf32> {
  // expected-error @+1 {{cannot run on sm_90a: expected elements of type f16 or bf16, got 'f32'; the x86-64 target takes it}}
  %o = seq.linear_attention %q, %q, %v  : tensor<1x8x2x64xf32>, tensor<1x8x2x64xf32>, tensor<1x8x2x64xf32> -> tensor<1x8x2x64xf32>
  return %o : tensor<1x8x2x64xf32>
}

// -----

func.func @bonus(%q: tensor<1x8x2x64xf16>, %v: tensor<1x8x2x64xf16>, %g: tensor<1x8x2xf32>, %u: tensor<2x64xf32>) -> tensor<1x8x2x64xf16> {
  // expected-error @+1 {{cannot run on sm_90a: expected next to a bonus a decay for each key channel, or a constant one, got one for each head and step; the x86-64 target takes it}}
  %o = seq.linear_attention %q, %q, %v decay(%g : tensor<1x8x2xf32>) bonus(%u : tensor<2x64xf32>)  : tensor<1x8x2x64xf16>, tensor<1x8x2x64xf16>, tensor<1x8x2x64xf16> -> tensor<1x8x2x64xf16>
  return %o : tensor<1x8x2x64xf16>
}

// -----

func.func @wide_keys(%q: tensor<1x8x2x256xf16>, %v: tensor<1x8x2x64xf16>) -> tensor<1x8x2x64xf16> {
  // expected-error @+1 {{cannot run on sm_90a: expected K to be a multiple of 8 and at most 128, got 256}}
  %o = seq.linear_attention %q, %q, %v  : tensor<1x8x2x256xf16>, tensor<1x8x2x256xf16>, tensor<1x8x2x64xf16> -> tensor<1x8x2x64xf16>
  return %o : tensor<1x8x2x64xf16>
}

// -----

func.func @odd_values(%q: tensor<1x8x2x64xf16>, %v: tensor<1x8x2x60xf16>) -> tensor<1x8x2x60xf16> {
  // expected-error @+1 {{cannot run on sm_90a: expected V to be a multiple of 8 and at most 1024, got 60}}
  %o = seq.linear_attention %q, %q, %v  : tensor<1x8x2x64xf16>, tensor<1x8x2x64xf16>, tensor<1x8x2x60xf16> -> tensor<1x8x2x60xf16>
  return %o : tensor<1x8x2x60xf16>
}

// -----

func.func @prepared_with_skip(%u: tensor<?x8x8192xf16>, %s: tensor<8x8192x2xf16>, %d: tensor<8xf32>) -> tensor<?x8x8192xf16> {
  // expected-error @+1 {{cannot run on sm_90a: a transform in parts takes a skip as a tap of the filter}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<8x8192x2xf16>) skip(%d : tensor<8xf32>) {radices = array<i64: 32, 16, 16>} : tensor<?x8x8192xf16> -> tensor<?x8x8192xf16>
  return %y : tensor<?x8x8192xf16>
}

// -----

func.func @wide_channels(%q: tensor<1x8x2x128xf16>, %g: tensor<2x128xf32>, %z: tensor<1x2x128x128xf32>) -> tensor<1x8x2x128xf16> {
  // expected-error @+1 {{cannot run on sm_90a: expected K of at most 64 where constant decays differ between key channels and there is an initial state, got 128}}
  %o = seq.linear_attention %q, %q, %q decay(%g : tensor<2x128xf32>) init(%z : tensor<1x2x128x128xf32>) : tensor<1x8x2x128xf16>, tensor<1x8x2x128xf16>, tensor<1x8x2x128xf16> -> tensor<1x8x2x128xf16>
  return %o : tensor<1x8x2x128xf16>
}

// -----

func.func @complex_states(%u: tensor<2x?x64xbf16>, %a: tensor<64x64x2xf32>, %b: tensor<2x?x1x64x2xbf16>) -> tensor<2x?x64xbf16> {
  // expected-error @below {{'seq.selective_scan' op cannot run on sm_90a: expected at most 32 complex states, got 64}}
  %y = seq.selective_scan %u, %u, %a, %b, %b {complex} : tensor<2x?x64xbf16>, tensor<2x?x64xbf16>, tensor<64x64x2xf32>, tensor<2x?x1x64x2xbf16>, tensor<2x?x1x64x2xbf16> -> tensor<2x?x64xbf16>
  return %y : tensor<2x?x64xbf16>
}

// -----

func.func @complex_rows(%u: tensor<2x?x64xbf16>, %a: tensor<64x6x2xf32>, %b: tensor<2x?x1x6x2xbf16>) -> tensor<2x?x64xbf16> {
  // expected-error @below {{'seq.selective_scan' op cannot run on sm_90a: expected the states of b to be a multiple of 4, got 6}}
  %y = seq.selective_scan %u, %u, %a, %b, %b {complex} : tensor<2x?x64xbf16>, tensor<2x?x64xbf16>, tensor<64x6x2xf32>, tensor<2x?x1x6x2xbf16>, tensor<2x?x1x6x2xbf16> -> tensor<2x?x64xbf16>
  return %y : tensor<2x?x64xbf16>
}

// -----

func.func @blocks_of_another_length(%u: tensor<?x8x2048xf16>, %s: tensor<8x2x1024x2xf16>) -> tensor<?x8x2048xf16> {
  // expected-error @+1 {{cannot run on sm_90a: expected a spectrum in blocks to be of f16 and of radices [16, 16, 16], for at most 8 of them, or [128, 16, 16], for at most 4, and passes through memory take a spectrum of radices [R, 16, 16], [R, r, 16, 16],}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<8x2x1024x2xf16>) {radices = array<i64: 4, 16, 16>} : tensor<?x8x2048xf16> -> tensor<?x8x2048xf16>
  return %y : tensor<?x8x2048xf16>
}

// -----

func.func @blocks_of_f32(%u: tensor<?x8x8192xf16>, %s: tensor<8x2x4096x2xf32>) -> tensor<?x8x8192xf16> {
  // expected-error @+1 {{expected a spectrum in blocks to be of f16}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<8x2x4096x2xf32>) {radices = array<i64: 16, 16, 16>} : tensor<?x8x8192xf16> -> tensor<?x8x8192xf16>
  return %y : tensor<?x8x8192xf16>
}

// -----

func.func @many_blocks_and_an_ungated_skip(%u: tensor<?x8x28672xf16>, %s: tensor<8x7x4096x2xf16>, %d: tensor<8xf32>) -> tensor<?x8x28672xf16> {
  // expected-error @+1 {{beside a skip that is not gated a filter reaches over at most 6 blocks}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<8x7x4096x2xf16>) pre(%u : tensor<?x8x28672xf16>) skip(%d : tensor<8xf32>) {skip_ungated, radices = array<i64: 16, 16, 16>} : tensor<?x8x28672xf16> -> tensor<?x8x28672xf16>
  return %y : tensor<?x8x28672xf16>
}

// -----

func.func @prepared_blocks_of_another_length(%h: tensor<8x2048xf32>) -> tensor<8x2x1024x2xf16> {
  // expected-error @+1 {{cannot run on sm_90a: expected a spectrum in blocks of radices [16, 16, 16]}}
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 4, 16, 16>} : tensor<8x2048xf32> -> tensor<8x2x1024x2xf16>
  return %s : tensor<8x2x1024x2xf16>
}
