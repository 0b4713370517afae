// RUN: longwing-opt %s --split-input-file --verify-diagnostics

// One case for each numbered constraint of seq.attention, or one for each way to break it.

func.func @c1_rank(%q: tensor<2x?x64xf16>, %k: tensor<1x2x?x64xf16>) {
  // expected-error @+1 {{operand #0 must be a tensor of rank 4 (C1, C4) of f16, bf16 or f32 (C2), but got 'tensor<2x?x64xf16>'}}
  %o = seq.attention %q, %k, %k : tensor<2x?x64xf16>, tensor<1x2x?x64xf16>, tensor<1x2x?x64xf16> -> tensor<1x2x?x64xf16>
  return
}

// -----

func.func @c1_batch(%q: tensor<2x2x?x64xf16>, %k: tensor<1x2x?x64xf16>) {
  // expected-error @+1 {{(C1) expected dimension 0 of k to equal dimension 0 of q, got 1 and 2}}
  %o = seq.attention %q, %k, %k : tensor<2x2x?x64xf16>, tensor<1x2x?x64xf16>, tensor<1x2x?x64xf16> -> tensor<2x2x?x64xf16>
  return
}

// -----

func.func @c1_keys(%q: tensor<1x2x8x64xf16>, %k: tensor<1x2x8x64xf16>, %v: tensor<1x2x9x64xf16>) {
  // expected-error @+1 {{(C1) expected dimension 2 of v to equal dimension 2 of k, got 9 and 8}}
  %o = seq.attention %q, %k, %v : tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x9x64xf16> -> tensor<1x2x8x64xf16>
  return
}

// -----

func.func @c1_head_dimension(%q: tensor<1x2x?x64xf16>, %k: tensor<1x2x?x32xf16>) {
  // expected-error @+1 {{(C1) expected dimension 3 of k to equal dimension 3 of q, got 32 and 64}}
  %o = seq.attention %q, %k, %k : tensor<1x2x?x64xf16>, tensor<1x2x?x32xf16>, tensor<1x2x?x32xf16> -> tensor<1x2x?x32xf16>
  return
}

// -----

func.func @c1_dynamic_head_dimension(%q: tensor<1x2x?x?xf16>, %k: tensor<1x2x?x64xf16>) {
  // expected-error @+1 {{(C1) expected a static, positive head dimension (dimension 3) of q, got 'tensor<1x2x?x?xf16>'}}
  %o = seq.attention %q, %k, %k : tensor<1x2x?x?xf16>, tensor<1x2x?x64xf16>, tensor<1x2x?x64xf16> -> tensor<1x2x?x64xf16>
  return
}

// -----

func.func @c2_element_type(%q: tensor<1x2x?x64xf64>) {
  // expected-error @+1 {{operand #0 must be a tensor of rank 4 (C1, C4) of f16, bf16 or f32 (C2), but got 'tensor<1x2x?x64xf64>'}}
  %o = seq.attention %q, %q, %q : tensor<1x2x?x64xf64>, tensor<1x2x?x64xf64>, tensor<1x2x?x64xf64> -> tensor<1x2x?x64xf64>
  return
}

// -----

func.func @c2_one_element_type(%q: tensor<1x2x?x64xf16>, %k: tensor<1x2x?x64xbf16>) {
  // expected-error @+1 {{(C2) expected the element type of k to be that of q, 'f16', got 'bf16'}}
  %o = seq.attention %q, %k, %q : tensor<1x2x?x64xf16>, tensor<1x2x?x64xbf16>, tensor<1x2x?x64xf16> -> tensor<1x2x?x64xf16>
  return
}

// -----

func.func @c3_dynamic_heads(%q: tensor<1x?x?x64xf16>) {
  // expected-error @+1 {{(C3) expected a static, positive number of heads (dimension 1) of q, got 'tensor<1x?x?x64xf16>'}}
  %o = seq.attention %q, %q, %q : tensor<1x?x?x64xf16>, tensor<1x?x?x64xf16>, tensor<1x?x?x64xf16> -> tensor<1x?x?x64xf16>
  return
}

// -----

func.func @c3_no_heads(%q: tensor<1x2x?x64xf16>, %k: tensor<1x0x?x64xf16>) {
  // expected-error @+1 {{(C3) expected a static, positive number of heads (dimension 1) of k, got 'tensor<1x0x?x64xf16>'}}
  %o = seq.attention %q, %k, %k : tensor<1x2x?x64xf16>, tensor<1x0x?x64xf16>, tensor<1x0x?x64xf16> -> tensor<1x2x?x64xf16>
  return
}

// -----

func.func @c3_multiple(%q: tensor<1x4x?x64xf16>, %k: tensor<1x3x?x64xf16>) {
  // expected-error @+1 {{(C3) expected the heads of q to be a multiple of the heads of k, got 4 and 3}}
  %o = seq.attention %q, %k, %k : tensor<1x4x?x64xf16>, tensor<1x3x?x64xf16>, tensor<1x3x?x64xf16> -> tensor<1x4x?x64xf16>
  return
}

// -----

func.func @c4_o(%q: tensor<1x2x8x64xf16>, %v: tensor<1x2x8x32xf16>) {
  // expected-error @+1 {{(C4) expected dimension 3 of o to equal dimension 3 of v, got 64 and 32}}
  %o = seq.attention %q, %q, %v : tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8x32xf16> -> tensor<1x2x8x64xf16>
  return
}

// -----

func.func @c4_lse(%q: tensor<1x2x8x64xf16>) {
  // expected-error @+1 {{(C4) expected dimension 2 of lse to equal dimension 2 of q, got 9 and 8}}
  %o, %lse = seq.attention %q, %q, %q : tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16> -> tensor<1x2x8x64xf16>, tensor<1x2x9xf32>
  return
}

// -----

func.func @c4_lse_type(%q: tensor<1x2x8x64xf16>) {
  // expected-error @+1 {{result #1 must be a tensor of rank 3 of f32 (C4), but got 'tensor<1x2x8xf16>'}}
  %o, %lse = seq.attention %q, %q, %q : tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16> -> tensor<1x2x8x64xf16>, tensor<1x2x8xf16>
  return
}

// -----

func.func @c5(%q: tensor<1x2x8x64xf16>) {
  // expected-error @+1 {{(C5) expected a finite scale, got 0x7FF0000000000000 : f64}}
  %o = seq.attention %q, %q, %q {scale = 0x7FF0000000000000 : f64} : tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16> -> tensor<1x2x8x64xf16>
  return
}

// -----

func.func @c6_length(%q: tensor<1x2x8x64xf16>) {
  // expected-error @+1 {{(C6) expected a window of two elements, [left, right], got 1}}
  %o = seq.attention %q, %q, %q {window = array<i64: 4>} : tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16> -> tensor<1x2x8x64xf16>
  return
}

// -----

func.func @c6_side(%q: tensor<1x2x8x64xf16>) {
  // expected-error @+1 {{(C6) expected each side of the window to be at least -1, got -2}}
  %o = seq.attention %q, %q, %q {window = array<i64: 4, -2>} : tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16> -> tensor<1x2x8x64xf16>
  return
}

// -----

func.func @c7_arguments(%q: tensor<1x2x8x64xf16>) {
  // expected-error @+1 {{(C7) expected region 'score' to take ('f32', 'index', 'index', 'index', 'index'), got ('f32')}}
  %o = seq.attention %q, %q, %q : tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16> -> tensor<1x2x8x64xf16>
    score {
    ^bb0(%s: f32):
      seq.yield %s : f32
    }
  return
}

// -----

func.func @c7_yield(%q: tensor<1x2x8x64xf16>) {
  %o = seq.attention %q, %q, %q : tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16> -> tensor<1x2x8x64xf16>
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      // expected-error @+1 {{(C7) expected region 'score' to yield 'f32', got 'index'}}
      seq.yield %i : index
    }
  return
}

// -----

func.func @c8_arguments(%q: tensor<1x2x8x64xf16>) {
  // expected-error @+1 {{(C8) expected region 'mask' to take ('index', 'index', 'index', 'index'), got ('index')}}
  %o = seq.attention %q, %q, %q : tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16> -> tensor<1x2x8x64xf16>
    mask {
    ^bb0(%i: index):
      %true = arith.constant true
      seq.yield %true : i1
    }
  return
}

// -----

func.func @c8_yield(%q: tensor<1x2x8x64xf16>) {
  %o = seq.attention %q, %q, %q : tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16> -> tensor<1x2x8x64xf16>
    mask {
    ^bb0(%b: index, %h: index, %i: index, %j: index):
      // expected-error @+1 {{(C8) expected region 'mask' to yield 'i1', got 'index'}}
      seq.yield %j : index
    }
  return
}

// -----

func.func @c9(%q: tensor<1x2x8x64xf16>, %log: memref<?xf32>) {
  %o = seq.attention %q, %q, %q : tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16> -> tensor<1x2x8x64xf16>
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      // expected-error @+1 {{(C9) has a side effect, which region 'score' of seq.attention may not have}}
      memref.store %s, %log[%j] : memref<?xf32>
      seq.yield %s : f32
    }
  return
}

// -----

func.func @c10(%q: tensor<1x2x8x64xf16>) {
  // expected-error @+1 {{(C10) expected the attributes scale, causal or window, got "causl"}}
  %o = seq.attention %q, %q, %q {causl} : tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16>, tensor<1x2x8x64xf16> -> tensor<1x2x8x64xf16>
  return
}
