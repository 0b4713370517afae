// RUN: longwing-opt %s --split-input-file --verify-diagnostics

// One case for each numbered constraint of seq.selective_scan, or one for each way to break it.

func.func @c1_rate(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<6xf32>, %b: tensor<2x?x2x4xbf16>, %c: tensor<2x?x2x4xbf16>) {
  // expected-error @+1 {{(C1) expected a to be [D, N], got 'tensor<6xf32>'}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<6xf32>, tensor<2x?x2x4xbf16>, tensor<2x?x2x4xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c1_channels(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<5x4xf32>, %b: tensor<2x?x2x4xbf16>, %c: tensor<2x?x2x4xbf16>) {
  // expected-error @+1 {{(C1) expected dimension 0 of a to equal dimension 2 of u, got 5 and 6}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<5x4xf32>, tensor<2x?x2x4xbf16>, tensor<2x?x2x4xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c1_b(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<6x4xf32>, %b: tensor<2x?x4xbf16>, %c: tensor<2x?x2x4xbf16>) {
  // expected-error @+1 {{(C1) expected b to be [B, L, G, N] or [D, N], got 'tensor<2x?x4xbf16>'}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<6x4xf32>, tensor<2x?x4xbf16>, tensor<2x?x2x4xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c1_states(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<6x4xf32>, %b: tensor<2x?x2x4xbf16>, %c: tensor<2x?x2x8xbf16>) {
  // expected-error @+1 {{(C1) expected dimension 3 of c to equal dimension 1 of a, got 8 and 4}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<6x4xf32>, tensor<2x?x2x4xbf16>, tensor<2x?x2x8xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c1_groups(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<6x4xf32>, %b: tensor<2x?x2x4xbf16>, %c: tensor<2x?x3x4xbf16>) {
  // expected-error @+1 {{(C1) expected dimension 2 of c to equal dimension 2 of b, got 3 and 2}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<6x4xf32>, tensor<2x?x2x4xbf16>, tensor<2x?x3x4xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c1_groups_divide(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<6x4xf32>, %b: tensor<2x?x4x4xbf16>, %c: tensor<2x?x4x4xbf16>) {
  // expected-error @+1 {{(C1) expected the channels to be a multiple of the groups, got 6 and 4}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<6x4xf32>, tensor<2x?x4x4xbf16>, tensor<2x?x4x4xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c1_dynamic_states(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<6x?xf32>, %b: tensor<2x?x2x4xbf16>, %c: tensor<2x?x2x4xbf16>) {
  // expected-error @+1 {{(C1) expected a static, positive N (dimension 1 of a), got 'tensor<6x?xf32>'}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<6x?xf32>, tensor<2x?x2x4xbf16>, tensor<2x?x2x4xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c1_pairs(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<6x4xf32>, %b: tensor<2x?x2x4xbf16>, %c: tensor<2x?x2x4xbf16>) {
  // expected-error @+1 {{(C1) expected a to be [D, N, 2], got 'tensor<6x4xf32>'}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c {complex} : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<6x4xf32>, tensor<2x?x2x4xbf16>, tensor<2x?x2x4xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c1_skip(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<6x4xf32>, %b: tensor<2x?x2x4xbf16>, %c: tensor<2x?x2x4xbf16>, %d: tensor<5xf32>) {
  // expected-error @+1 {{(C1) expected dimension 0 of skip to equal dimension 2 of u, got 5 and 6}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c skip(%d : tensor<5xf32>) : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<6x4xf32>, tensor<2x?x2x4xbf16>, tensor<2x?x2x4xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c2_rate(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<6x4xbf16>, %b: tensor<2x?x2x4xbf16>, %c: tensor<2x?x2x4xbf16>) {
  // expected-error @+1 {{operand #2 must be a tensor of f32 (C2), but got 'tensor<6x4xbf16>'}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<6x4xbf16>, tensor<2x?x2x4xbf16>, tensor<2x?x2x4xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c2_delta(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xf16>, %a: tensor<6x4xf32>, %b: tensor<2x?x2x4xbf16>, %c: tensor<2x?x2x4xbf16>) {
  // expected-error @+1 {{(C2) expected the element type of delta to be that of u, 'bf16', or f32, got 'f16'}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c : tensor<2x?x6xbf16>, tensor<2x?x6xf16>, tensor<6x4xf32>, tensor<2x?x2x4xbf16>, tensor<2x?x2x4xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c2_gate(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<6x4xf32>, %b: tensor<2x?x2x4xbf16>, %c: tensor<2x?x2x4xbf16>, %z: tensor<2x?x6xf32>) {
  // expected-error @+1 {{(C2) expected the element type of gate to be that of u, 'bf16', got 'f32'}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c gate(%z : tensor<2x?x6xf32>) : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<6x4xf32>, tensor<2x?x2x4xbf16>, tensor<2x?x2x4xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c3_init(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<6x4xf32>, %b: tensor<2x?x2x4xbf16>, %c: tensor<2x?x2x4xbf16>, %h: tensor<2x6x5xf32>) {
  // expected-error @+1 {{(C3) expected dimension 2 of init to equal dimension 1 of a, got 5 and 4}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c init(%h : tensor<2x6x5xf32>) : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<6x4xf32>, tensor<2x?x2x4xbf16>, tensor<2x?x2x4xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c4_batch(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<6x4xf32>, %b: tensor<2x?x2x4xbf16>, %c: tensor<2x?x2x4xbf16>, %o: tensor<4xi32>) {
  // expected-error @+1 {{(C4) expected a batch of 1 with offsets, got 2}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c offsets(%o : tensor<4xi32>) : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<6x4xf32>, tensor<2x?x2x4xbf16>, tensor<2x?x2x4xbf16> -> tensor<2x?x6xbf16>
  return
}

// -----

func.func @c5(%u: tensor<2x?x6xbf16>, %delta: tensor<2x?x6xbf16>, %a: tensor<6x4xf32>, %b: tensor<2x?x2x4xbf16>, %c: tensor<2x?x2x4xbf16>) {
  // expected-error @+1 {{(C5) expected the attributes softplus, complex or reverse, got "softmax"}}
  %y = seq.selective_scan %u, %delta, %a, %b, %c {softmax} : tensor<2x?x6xbf16>, tensor<2x?x6xbf16>, tensor<6x4xf32>, tensor<2x?x2x4xbf16>, tensor<2x?x2x4xbf16> -> tensor<2x?x6xbf16>
  return
}
