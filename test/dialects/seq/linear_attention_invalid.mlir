// RUN: longwing-opt %s --split-input-file --verify-diagnostics

// One case for each numbered constraint of seq.linear_attention, or one for each way to break it.

func.func @c1_rank(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x24xbf16>) {
  // expected-error @+1 {{(C1) expected v to be [B, L, Hv, V], got 'tensor<2x?x24xbf16>'}}
  %o = seq.linear_attention %q, %k, %v : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x24xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c1_key_dimension(%q: tensor<2x?x2x9xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>) {
  // expected-error @+1 {{(C1) expected dimension 3 of k to equal dimension 3 of q, got 8 and 9}}
  %o = seq.linear_attention %q, %k, %v : tensor<2x?x2x9xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c1_heads(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x3x6xbf16>) {
  // expected-error @+1 {{(C1) expected the heads of v to be a multiple of the heads of k, got 3 and 2}}
  %o = seq.linear_attention %q, %k, %v : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x3x6xbf16> -> tensor<2x?x3x6xbf16>
  return
}

// -----

func.func @c1_dynamic_heads(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x?x6xbf16>) {
  // expected-error @+1 {{(C1) expected a static, positive Hv (dimension 2 of v), got 'tensor<2x?x?x6xbf16>'}}
  %o = seq.linear_attention %q, %k, %v : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x?x6xbf16> -> tensor<2x?x?x6xbf16>
  return
}

// -----

func.func @c1_decay(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>, %g: tensor<2x?x4x8x1xf32>) {
  // expected-error @+1 {{(C1) expected decay to be [Hv] or [Hv, K] or [Hk, K] or [B, L, Hv] or [B, L, Hv, K] or [B, L, Hk, K], got 'tensor<2x?x4x8x1xf32>'}}
  %o = seq.linear_attention %q, %k, %v decay(%g : tensor<2x?x4x8x1xf32>) : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c1_decay_heads(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>, %g: tensor<2xf32>) {
  // expected-error @+1 {{(C1) expected dimension 0 of decay to equal dimension 2 of v, got 2 and 4}}
  %o = seq.linear_attention %q, %k, %v decay(%g : tensor<2xf32>) : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c1_decay_channels(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>, %g: tensor<2x?x4x7xf32>) {
  // expected-error @+1 {{(C1) expected dimension 3 of decay to equal dimension 3 of q, got 7 and 8}}
  %o = seq.linear_attention %q, %k, %v decay(%g : tensor<2x?x4x7xf32>) : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c1_bonus(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>, %u: tensor<2x8xf32>) {
  // expected-error @+1 {{(C1) expected dimension 0 of bonus to equal dimension 2 of v, got 2 and 4}}
  %o = seq.linear_attention %q, %k, %v bonus(%u : tensor<2x8xf32>) : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c1_output(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>) {
  // expected-error @+1 {{(C1) expected dimension 3 of o to equal dimension 3 of v, got 8 and 6}}
  %o = seq.linear_attention %q, %k, %v : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x8xbf16>
  return
}

// -----

func.func @c2_values(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xf16>) {
  // expected-error @+1 {{(C2) expected the element type of v to be that of q, 'bf16', got 'f16'}}
  %o = seq.linear_attention %q, %k, %v : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c2_decay(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>, %g: tensor<4xf16>) {
  // expected-error @+1 {{(C2) expected the element type of decay to be that of q, 'bf16', or f32, got 'f16'}}
  %o = seq.linear_attention %q, %k, %v decay(%g : tensor<4xf16>) : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c3_init(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>, %s: tensor<2x4x6x8xf32>) {
  // expected-error @+1 {{(C3) expected dimension 2 of init to equal dimension 3 of q, got 6 and 8}}
  %o = seq.linear_attention %q, %k, %v init(%s : tensor<2x4x6x8xf32>) : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c4_batch(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>, %o0: tensor<4xi32>) {
  // expected-error @+1 {{(C4) expected a batch of 1 with offsets, got 2}}
  %o = seq.linear_attention %q, %k, %v offsets(%o0 : tensor<4xi32>) : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c5_both(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>, %g: tensor<4xf32>, %dt: tensor<2x?x4xf32>) {
  // expected-error @+1 {{(C5) expected a decay or dt, got both}}
  %o = seq.linear_attention %q, %k, %v decay(%g : tensor<4xf32>) dt(%dt : tensor<2x?x4xf32>, %g : tensor<4xf32>) : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c5_no_rate(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>, %dt: tensor<2x?x4xf32>) {
  // expected-error @+1 {{(C5) expected dt and a together}}
  %o = "seq.linear_attention"(%q, %k, %v, %dt) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0>}> : (tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16>, tensor<2x?x4xf32>) -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c5_bias(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>, %g: tensor<4xf32>) {
  // expected-error @+1 {{(C5) expected bias and softplus only with dt}}
  %o = seq.linear_attention %q, %k, %v decay(%g : tensor<4xf32>) bias(%g : tensor<4xf32>) : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c5_softplus(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>) {
  // expected-error @+1 {{(C5) expected bias and softplus only with dt}}
  %o = seq.linear_attention %q, %k, %v {softplus} : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c7(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>) {
  // expected-error @+1 {{(C7) expected a finite scale, got 0x7FF0000000000000 : f64}}
  %o = seq.linear_attention %q, %k, %v {scale = 0x7FF0000000000000 : f64} : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c8(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>) {
  // expected-error @+1 {{(C8) expected the attributes scale, softplus or reverse, got "causal"}}
  %o = seq.linear_attention %q, %k, %v {causal} : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c6_decay(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>) {
  %g = arith.constant dense<[-1.0, 0.0, 0.25, 0.0]> : tensor<4xf32>
  // expected-error @+1 {{(C6) expected decay to be at most 0, got 2.500000e-01 in element 2}}
  %o = seq.linear_attention %q, %k, %v decay(%g : tensor<4xf32>) : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}

// -----

func.func @c6_rate(%q: tensor<2x?x2x8xbf16>, %k: tensor<2x?x2x8xbf16>, %v: tensor<2x?x4x6xbf16>, %dt: tensor<2x?x4xf32>) {
  %a = arith.constant dense<1.0> : tensor<4xf32>
  // expected-error @+1 {{(C6) expected a to be at most 0, got 1.000000e+00 in element 0}}
  %o = seq.linear_attention %q, %k, %v dt(%dt : tensor<2x?x4xf32>, %a : tensor<4xf32>) : tensor<2x?x2x8xbf16>, tensor<2x?x2x8xbf16>, tensor<2x?x4x6xbf16> -> tensor<2x?x4x6xbf16>
  return
}
