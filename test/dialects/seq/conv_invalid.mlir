// RUN: longwing-opt %s --split-input-file --verify-diagnostics

// One case for each numbered constraint of the convolutions, or one for each way to break it.

func.func @long_c1_rank(%u: tensor<4x8xf16>, %h: tensor<4x8xf32>) {
  // expected-error @+1 {{operand #0 must be a tensor of rank 3 (C1) of f16, bf16 or f32 (C2), but got 'tensor<4x8xf16>'}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first : tensor<4x8xf16> -> tensor<4x8xf16>
  return
}

// -----

func.func @long_c1_channels(%u: tensor<2x?x8xf16>, %h: tensor<4x8xf32>) {
  // expected-error @+1 {{(C1) expected a static, positive H (dimension 1 of u), got 'tensor<2x?x8xf16>'}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first : tensor<2x?x8xf16> -> tensor<2x?x8xf16>
  return
}

// -----

func.func @long_c1_filter(%u: tensor<2x4x8xf16>, %h: tensor<5x8xf32>) {
  // expected-error @+1 {{(C1) expected dimension 0 of filter to equal dimension 1 of u, got 5 and 4}}
  %y = seq.long_conv causal %u filter(%h : tensor<5x8xf32>) taps first : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c1_gate(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>, %g: tensor<2x4x9xf16>) {
  // expected-error @+1 {{(C1) expected dimension 2 of pre to equal dimension 2 of u, got 9 and 8}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first pre(%g : tensor<2x4x9xf16>) : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c1_post(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>, %g: tensor<1x4x8xf16>) {
  // expected-error @+1 {{(C1) expected dimension 0 of post to equal dimension 0 of u, got 1 and 2}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first post(%g : tensor<1x4x8xf16>) : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c1_skip(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>, %d: tensor<3xf32>) {
  // expected-error @+1 {{(C1) expected dimension 0 of skip to equal dimension 1 of u, got 3 and 4}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first skip(%d : tensor<3xf32>) : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c1_result(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>) {
  // expected-error @+1 {{(C1) expected dimension 2 of y to equal dimension 2 of u, got 7 and 8}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first : tensor<2x4x8xf16> -> tensor<2x4x7xf16>
  return
}

// -----

func.func @long_c1_spectrum(%u: tensor<2x4x8xf16>, %s: tensor<4x8x1xf32>) {
  // expected-error @+1 {{(C1) expected dimension 2 of spectrum to be 2, got 'tensor<4x8x1xf32>'}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<4x8x1xf32>) {radices = array<i64: 8>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c2_gate(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>, %g: tensor<2x4x8xbf16>) {
  // expected-error @+1 {{(C2) expected the element type of pre to be that of u, 'f16', got 'bf16'}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first pre(%g : tensor<2x4x8xbf16>) : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c2_filter(%u: tensor<2x4x8xf16>, %h: tensor<4x8xbf16>) {
  // expected-error @+1 {{(C2) expected the element type of filter to be f32 or that of u, 'f16', got 'bf16'}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xbf16>) taps first : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c3(%u: tensor<2x4x8xf16>, %h: tensor<4x0xf32>) {
  // expected-error @+1 {{(C3) expected at least one tap (dimension 1) of filter, got 'tensor<4x0xf32>'}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x0xf32>) taps first : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c3_reverse(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>, %r: tensor<4x0xf32>) {
  // expected-error @+1 {{(C3) expected at least one tap (dimension 1) of reverse, got 'tensor<4x0xf32>'}}
  %y = seq.long_conv two_sided_shared %u filter(%h : tensor<4x8xf32>) reverse(%r : tensor<4x0xf32>) taps first : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c4_none(%u: tensor<2x4x8xf16>) {
  // expected-error @+1 {{(C4) expected either a filter or a spectrum, got none}}
  %y = seq.long_conv causal %u  : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c4_both(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>, %s: tensor<4x8x2xf32>) {
  // expected-error @+1 {{(C4) expected either a filter or a spectrum, got both}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first spectrum(%s : tensor<4x8x2xf32>) : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c4_taps(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>) {
  // expected-error @+1 {{(C4) expected taps if and only if there is a filter}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c4_reverse(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>, %s: tensor<4x8x2xf32>) {
  // expected-error @+1 {{(C4) expected no reverse filter beside a spectrum}}
  %y = seq.long_conv two_sided_shared %u reverse(%h : tensor<4x8xf32>) spectrum(%s : tensor<4x8x2xf32>) {radices = array<i64: 8>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c5_missing(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>) {
  // expected-error @+1 {{(C5) expected a reverse filter, since the kind is two_sided_disjoint}}
  %y = seq.long_conv two_sided_disjoint %u filter(%h : tensor<4x8xf32>) taps first : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c5_surplus(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>) {
  // expected-error @+1 {{(C5) expected no reverse filter, since the kind is circular}}
  %y = seq.long_conv circular %u filter(%h : tensor<4x8xf32>) reverse(%h : tensor<4x8xf32>) taps first : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c6_missing(%u: tensor<2x4x8xf16>, %s: tensor<4x8x2xf32>) {
  // expected-error @+1 {{(C6) expected radices if and only if there is a spectrum}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<4x8x2xf32>) : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c6_product(%u: tensor<2x4x8xf16>, %s: tensor<4x8x2xf32>) {
  // expected-error @+1 {{(C6) expected the radices to multiply to 8, the length of the spectrum, got 4}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<4x8x2xf32>) {radices = array<i64: 2, 2>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c6_small(%u: tensor<2x4x8xf16>, %s: tensor<4x8x2xf32>) {
  // expected-error @+1 {{(C6) expected radices of at least 2, got 1}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<4x8x2xf32>) {radices = array<i64: 8, 1>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c6_empty(%u: tensor<2x4x8xf16>, %s: tensor<4x8x2xf32>) {
  // expected-error @+1 {{(C6) expected the radices to multiply to 8, the length of the spectrum, got 1}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<4x8x2xf32>) {radices = array<i64>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c6_overflow(%u: tensor<2x4x8xf16>, %s: tensor<4x8x2xf32>) {
  // expected-error @+1 {{(C6) expected radices whose product fits 64 bits}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<4x8x2xf32>) {radices = array<i64: 4611686018427387904, 4>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c6_dynamic(%u: tensor<2x4x8xf16>, %s: tensor<4x?x2xf32>) {
  // expected-error @+1 {{(C6) expected a static, positive length (dimension 1) of the spectrum, got 'tensor<4x?x2xf32>'}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<4x?x2xf32>) {radices = array<i64: 8>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c7_circular(%u: tensor<2x4x8xf16>, %s: tensor<4x16x2xf32>) {
  // expected-error @+1 {{(C7) expected a spectrum for length 8, got one for 16}}
  %y = seq.long_conv circular %u spectrum(%s : tensor<4x16x2xf32>) {radices = array<i64: 4, 4>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c7_causal(%u: tensor<2x4x8xf16>, %s: tensor<4x4x2xf32>) {
  // expected-error @+1 {{(C7) expected a spectrum for length 8 or more, got one for 4}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<4x4x2xf32>) {radices = array<i64: 4>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c8_kind(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>) {
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 8>} : tensor<4x8xf32> -> tensor<4x8x2xf32>
  // expected-error @+1 {{(C8) expected a spectrum prepared for the kind circular, got one for causal}}
  %y = seq.long_conv circular %u spectrum(%s : tensor<4x8x2xf32>) {radices = array<i64: 8>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c8_radices(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>) {
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 2, 4>} : tensor<4x8xf32> -> tensor<4x8x2xf32>
  // expected-error @+1 {{(C8) expected a spectrum prepared for the radices [4, 2], got one for [2, 4]}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<4x8x2xf32>) {radices = array<i64: 4, 2>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c9(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>, %d: tensor<4xf32>) {
  // expected-error @+1 {{(C9) expected skip and pre beside skip_ungated}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first skip(%d : tensor<4xf32>) {skip_ungated} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c11(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>) {
  // expected-error @+1 {{(C11) expected the attributes radices or skip_ungated, got "skip_ungate"}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first {skip_ungate} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c10_kind(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>, %i: tensor<2x4x7xf32>) {
  // expected-error @+1 {{(C10) expected no state but of a causal convolution with a filter}}
  %y = seq.long_conv circular %u filter(%h : tensor<4x8xf32>) taps first initial(%i : tensor<2x4x7xf32>) : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c10_spectrum(%u: tensor<2x4x8xf16>, %s: tensor<4x8x2xf32>) {
  // expected-error @+1 {{(C10) expected no state but of a causal convolution with a filter}}
  %y, %f = seq.long_conv causal %u spectrum(%s : tensor<4x8x2xf32>) {radices = array<i64: 8>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>, tensor<2x4x7xf32>
  return
}

// -----

func.func @long_c10_size(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>, %i: tensor<2x4x8xf32>) {
  // expected-error @+1 {{(C10) expected dimension 2 of initial to be 1 less than dimension 1 of filter, got 8 and 8}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first initial(%i : tensor<2x4x8xf32>) : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c10_type(%u: tensor<2x4x8xf16>, %h: tensor<4x8xf32>, %i: tensor<2x4x7xf16>) {
  // expected-error @+1 {{operand #2 must be a tensor of rank 3 of f32 (C10), but got 'tensor<2x4x7xf16>'}}
  %y = seq.long_conv causal %u filter(%h : tensor<4x8xf32>) taps first initial(%i : tensor<2x4x7xf16>) : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @prepare_c1_channels(%h: tensor<4x8xf32>) {
  // expected-error @+1 {{(C1) expected dimension 0 of spectrum to equal dimension 0 of filter, got 5 and 4}}
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 8>} : tensor<4x8xf32> -> tensor<5x8x2xf32>
  return
}

// -----

func.func @prepare_c1_dynamic(%h: tensor<?x8xf32>) {
  // expected-error @+1 {{(C1) expected a static, positive H (dimension 0 of filter), got 'tensor<?x8xf32>'}}
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 8>} : tensor<?x8xf32> -> tensor<4x8x2xf32>
  return
}

// -----

func.func @prepare_c2(%h: tensor<4x8xf32>) {
  // expected-error @+1 {{result #0 must be a tensor of rank 3 or 4 of f16 or f32 (C1), but got 'tensor<4x8x2xbf16>'}}
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 8>} : tensor<4x8xf32> -> tensor<4x8x2xbf16>
  return
}

// -----

func.func @prepare_c3(%h: tensor<4x0xf32>) {
  // expected-error @+1 {{(C3) expected at least one tap (dimension 1) of filter, got 'tensor<4x0xf32>'}}
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 8>} : tensor<4x0xf32> -> tensor<4x8x2xf32>
  return
}

// -----

func.func @prepare_c4(%h: tensor<4x8xf32>) {
  // expected-error @+1 {{(C4) expected the radices to multiply to 8, the length of the spectrum, got 9}}
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 3, 3>} : tensor<4x8xf32> -> tensor<4x8x2xf32>
  return
}

// -----

func.func @prepare_c5(%h: tensor<4x8xf32>) {
  // expected-error @+1 {{(C5) expected a reverse filter, since the kind is two_sided_shared}}
  %s = seq.prepare_filter two_sided_shared %h taps first {radices = array<i64: 8>} : tensor<4x8xf32> -> tensor<4x8x2xf32>
  return
}

// -----

func.func @prepare_c6(%h: tensor<4x8xf32>) {
  // expected-error @+1 {{(C6) expected the attribute radices, got "radix"}}
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 8>, radix} : tensor<4x8xf32> -> tensor<4x8x2xf32>
  return
}

// -----

func.func @implicit_c1(%n: index) {
  // expected-error @+1 {{(C1) expected a static, positive H (dimension 0 of the filter), got 'tensor<?x8xf32>'}}
  %h = seq.implicit_filter : tensor<?x8xf32> {
  ^bb0(%c: index, %t: index):
    %one = arith.constant 1.0 : f32
    seq.yield %one : f32
  }
  return
}

// -----

func.func @implicit_c1_taps(%n: index) {
  // expected-error @+1 {{(C1) expected at least one tap (dimension 1), got 'tensor<4x0xf32>'}}
  %h = seq.implicit_filter : tensor<4x0xf32> {
  ^bb0(%c: index, %t: index):
    %one = arith.constant 1.0 : f32
    seq.yield %one : f32
  }
  return
}

// -----

func.func @implicit_c1_type(%n: index) {
  // expected-error @+1 {{result #0 must be a tensor of rank 2 of f32 (C1), but got 'tensor<4x8xf16>'}}
  %h = seq.implicit_filter : tensor<4x8xf16> {
  ^bb0(%c: index, %t: index):
    %one = arith.constant 1.0 : f32
    seq.yield %one : f32
  }
  return
}

// -----

func.func @implicit_c2_missing(%n: index) {
  // expected-error @+1 {{(C2) expected a length for a filter of type 'tensor<4x?xf32>'}}
  %h = seq.implicit_filter : tensor<4x?xf32> {
  ^bb0(%c: index, %t: index):
    %one = arith.constant 1.0 : f32
    seq.yield %one : f32
  }
  return
}

// -----

func.func @implicit_c2_surplus(%n: index) {
  // expected-error @+1 {{(C2) expected no length for a filter of type 'tensor<4x8xf32>'}}
  %h = seq.implicit_filter length(%n) : tensor<4x8xf32> {
  ^bb0(%c: index, %t: index):
    %one = arith.constant 1.0 : f32
    seq.yield %one : f32
  }
  return
}

// -----

func.func @implicit_c3_arguments(%n: index) {
  // expected-error @+1 {{(C3) expected region 'body' to take ('index', 'index'), got ('index')}}
  %h = seq.implicit_filter : tensor<4x8xf32> {
  ^bb0(%t: index):
    %one = arith.constant 1.0 : f32
    seq.yield %one : f32
  }
  return
}

// -----

func.func @implicit_c3_yield(%n: index) {
  %h = seq.implicit_filter : tensor<4x8xf32> {
  ^bb0(%c: index, %t: index):
    %one = arith.constant 1.0 : f32
    // expected-error @+1 {{(C3) expected region 'body' to yield 'f32', got 'index'}}
    seq.yield %t : index
  }
  return
}

// -----

func.func @implicit_c4(%m: memref<?xf32>) {
  %h = seq.implicit_filter : tensor<4x8xf32> {
  ^bb0(%c: index, %t: index):
    %one = arith.constant 1.0 : f32
    // expected-error @+1 {{(C4) has a side effect, which region 'body' of seq.implicit_filter may not have}}
    %v = memref.load %m[%t] : memref<?xf32>
    seq.yield %v : f32
  }
  return
}

// -----

func.func @implicit_c5(%x: tensor<8xf32>) {
  %h = seq.implicit_filter : tensor<4x8xf32> {
  ^bb0(%c: index, %t: index):
    %one = arith.constant 1.0 : f32
    // expected-error @+1 {{(C5) reads a value of type 'tensor<8xf32>' from above, which region 'body' of seq.implicit_filter may not: expected scalars, and tensors only through tensor.extract}}
    %d = arith.addf %x, %x : tensor<8xf32>
    %v = tensor.extract %d[%t] : tensor<8xf32>
    seq.yield %v : f32
  }
  return
}

// -----

func.func @implicit_c5_vector(%x: vector<8xf32>) {
  %h = seq.implicit_filter : tensor<4x8xf32> {
  ^bb0(%c: index, %t: index):
    %one = arith.constant 1.0 : f32
    // expected-error @+1 {{(C5) reads a value of type 'vector<8xf32>' from above}}
    %v = vector.extract %x[0] : f32 from vector<8xf32>
    seq.yield %v : f32
  }
  return
}

// -----

func.func @implicit_c6(%n: index) {
  // expected-error @+1 {{(C6) expected no attribute, got "order"}}
  %h = seq.implicit_filter {order = 2 : i64} : tensor<4x8xf32> {
  ^bb0(%c: index, %t: index):
    %one = arith.constant 1.0 : f32
    seq.yield %one : f32
  }
  return
}

// -----

func.func @short_c1(%x: tensor<2x4x8xf16>, %w: tensor<5x3xf32>) {
  // expected-error @+1 {{(C1) expected dimension 0 of weights to equal dimension 1 of x, got 5 and 4}}
  %y = seq.short_conv causal %x, %w taps last {axis = 2 : i64} : tensor<2x4x8xf16>, tensor<5x3xf32> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @short_c1_channels(%x: tensor<2x8x?xf16>, %w: tensor<4x3xf32>) {
  // expected-error @+1 {{(C1) expected a static, positive H (dimension 2 of x), got 'tensor<2x8x?xf16>'}}
  %y = seq.short_conv causal %x, %w taps last {axis = 1 : i64} : tensor<2x8x?xf16>, tensor<4x3xf32> -> tensor<2x8x?xf16>
  return
}

// -----

func.func @short_c1_bias(%x: tensor<2x4x8xf16>, %w: tensor<4x3xf32>, %b: tensor<5xf32>) {
  // expected-error @+1 {{(C1) expected dimension 0 of bias to equal dimension 1 of x, got 5 and 4}}
  %y = seq.short_conv causal %x, %w taps last bias(%b : tensor<5xf32>) {axis = 2 : i64} : tensor<2x4x8xf16>, tensor<4x3xf32> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @short_c1_result(%x: tensor<2x4x8xf16>, %w: tensor<4x3xf32>) {
  // expected-error @+1 {{(C1) expected dimension 2 of y to equal dimension 2 of x, got 9 and 8}}
  %y = seq.short_conv causal %x, %w taps last {axis = 2 : i64} : tensor<2x4x8xf16>, tensor<4x3xf32> -> tensor<2x4x9xf16>
  return
}

// -----

func.func @short_c2(%x: tensor<2x4x8xf16>, %w: tensor<4x3xbf16>) {
  // expected-error @+1 {{(C2) expected the element type of weights to be f32 or that of x, 'f16', got 'bf16'}}
  %y = seq.short_conv causal %x, %w taps last {axis = 2 : i64} : tensor<2x4x8xf16>, tensor<4x3xbf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @short_c2_state(%x: tensor<2x4x8xf16>, %w: tensor<4x3xf32>, %i: tensor<2x4x2xf32>) {
  // expected-error @+1 {{(C2) expected the element type of initial to be that of x, 'f16', got 'f32'}}
  %y = seq.short_conv causal %x, %w taps last initial(%i : tensor<2x4x2xf32>) {axis = 2 : i64} : tensor<2x4x8xf16>, tensor<4x3xf32> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @short_c3_wide(%x: tensor<2x4x8xf16>, %w: tensor<4x9xf32>) {
  // expected-error @+1 {{(C3) expected a static width (dimension 1 of weights) from 2 to 8, got 'tensor<4x9xf32>'}}
  %y = seq.short_conv causal %x, %w taps last {axis = 2 : i64} : tensor<2x4x8xf16>, tensor<4x9xf32> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @short_c3_narrow(%x: tensor<2x4x8xf16>, %w: tensor<4x1xf32>) {
  // expected-error @+1 {{(C3) expected a static width (dimension 1 of weights) from 2 to 8, got 'tensor<4x1xf32>'}}
  %y = seq.short_conv causal %x, %w taps last {axis = 2 : i64} : tensor<2x4x8xf16>, tensor<4x1xf32> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @short_c3_dynamic(%x: tensor<2x4x8xf16>, %w: tensor<4x?xf32>) {
  // expected-error @+1 {{(C3) expected a static width (dimension 1 of weights) from 2 to 8, got 'tensor<4x?xf32>'}}
  %y = seq.short_conv causal %x, %w taps last {axis = 2 : i64} : tensor<2x4x8xf16>, tensor<4x?xf32> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @short_c4(%x: tensor<2x4x8xf16>, %w: tensor<4x3xf32>) {
  // expected-error @+1 {{(C4) expected axis to be 1 or 2, got 0}}
  %y = seq.short_conv causal %x, %w taps last {axis = 0 : i64} : tensor<2x4x8xf16>, tensor<4x3xf32> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @short_c5(%x: tensor<2x4x8xf16>, %w: tensor<4x3xf32>, %i: tensor<2x4x3xf16>) {
  // expected-error @+1 {{(C5) expected dimension 2 of initial to be 1 less than dimension 1 of weights, got 3 and 3}}
  %y = seq.short_conv causal %x, %w taps last initial(%i : tensor<2x4x3xf16>) {axis = 2 : i64} : tensor<2x4x8xf16>, tensor<4x3xf32> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @short_c5_final(%x: tensor<2x4x8xf16>, %w: tensor<4x3xf32>) {
  // expected-error @+1 {{(C5) expected dimension 0 of final to equal dimension 0 of x, got 1 and 2}}
  %y, %s = seq.short_conv causal %x, %w taps last {axis = 2 : i64} : tensor<2x4x8xf16>, tensor<4x3xf32> -> tensor<2x4x8xf16>, tensor<1x4x2xf16>
  return
}

// -----

func.func @short_c6(%x: tensor<2x4x8xf16>, %w: tensor<4x3xf32>, %i: tensor<2x4x2xf16>) {
  // expected-error @+1 {{(C6) expected no state 'initial' of a centred convolution}}
  %y = seq.short_conv centred %x, %w taps last initial(%i : tensor<2x4x2xf16>) {axis = 2 : i64} : tensor<2x4x8xf16>, tensor<4x3xf32> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @short_c7(%x: tensor<2x4x8xf16>, %w: tensor<4x3xf32>) {
  // expected-error @+1 {{(C7) expected the attributes axis or silu, got "relu"}}
  %y = seq.short_conv causal %x, %w taps last {axis = 2 : i64, relu} : tensor<2x4x8xf16>, tensor<4x3xf32> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @fft_c1(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{(C1) expected a rank from 2 to 6 and a last dimension of 2, got 'tensor<4x8xf32>'}}
  %y = seq.fft %x : tensor<4x8xf32>
  return
}

// -----

func.func @fft_c2(%x: tensor<8x2xf64>) {
  // expected-error @+1 {{operand #0 must be a tensor of rank 1 to 6 (C1) of f16, bf16 or f32, but got 'tensor<8x2xf64>'}}
  %y = seq.fft %x : tensor<8x2xf64>
  return
}

// -----

func.func @fft_c3(%x: tensor<4x0x2xf32>) {
  // expected-error @+1 {{(C3) expected a positive length (dimension 1), got 'tensor<4x0x2xf32>'}}
  %y = seq.fft %x : tensor<4x0x2xf32>
  return
}

// -----

func.func @fft_c4(%x: tensor<4x8x2xf32>) {
  // expected-error @+1 {{(C4) expected the attributes inverse or right_angle, got "invers"}}
  %y = seq.fft %x {invers} : tensor<4x8x2xf32>
  return
}

// -----

func.func @butterfly_c1_dynamic(%x: tensor<3x?xf32>, %w0: tensor<4x4x4xf32>) {
  // expected-error @+1 {{(C1) expected a static, positive size (dimension 1) of x, got 'tensor<3x?xf32>'}}
  %y = seq.butterfly %x, %w0 {strides = array<i64: 1>} : tensor<3x?xf32>, tensor<4x4x4xf32> -> tensor<3x16xf32>
  return
}

// -----

func.func @butterfly_c1_rank(%x: tensor<3x16xf32>, %w0: tensor<4x4x4xf32>) {
  // expected-error @+1 {{(C1) expected x and y of one rank, at least 1, got 'tensor<3x16xf32>' and 'tensor<16xf32>'}}
  %y = seq.butterfly %x, %w0 {strides = array<i64: 1>} : tensor<3x16xf32>, tensor<4x4x4xf32> -> tensor<16xf32>
  return
}

// -----

func.func @butterfly_c1_complex(%x: tensor<3x16xf32>, %w0: tensor<4x4x4xf32>) {
  // expected-error @+1 {{(C1) expected the last dimension of x to be 2, since it is complex, got 'tensor<3x16xf32>'}}
  %y = seq.butterfly %x, %w0 {strides = array<i64: 1>, complex} : tensor<3x16xf32>, tensor<4x4x4xf32> -> tensor<3x16xf32>
  return
}

// -----

func.func @butterfly_c1_rows(%x: tensor<3x16xf32>, %w0: tensor<4x4x4xf32>) {
  // expected-error @+1 {{(C1) expected dimension 0 of y to equal dimension 0 of x, got 2 and 3}}
  %y = seq.butterfly %x, %w0 {strides = array<i64: 1>} : tensor<3x16xf32>, tensor<4x4x4xf32> -> tensor<2x16xf32>
  return
}

// -----

func.func @butterfly_c2(%x: tensor<3x16xf32>, %w0: tensor<4x4x4xf16>) {
  // expected-error @+1 {{(C2) expected the element type of factor 0 to be f32 or that of x, 'f32', got 'f16'}}
  %y = seq.butterfly %x, %w0 {strides = array<i64: 1>} : tensor<3x16xf32>, tensor<4x4x4xf16> -> tensor<3x16xf32>
  return
}

// -----

func.func @butterfly_c3(%x: tensor<3x16xf32>, %w0: tensor<4x4x4xf32>, %w1: tensor<4x4x4xf32>) {
  // expected-error @+1 {{(C3) expected at least one factor and one stride for each, got 2 factors and 1 strides}}
  %y = seq.butterfly %x, %w0, %w1 {strides = array<i64: 1>} : tensor<3x16xf32>, tensor<4x4x4xf32>, tensor<4x4x4xf32> -> tensor<3x16xf32>
  return
}

// -----

func.func @butterfly_c4_rank(%x: tensor<3x16xf32>, %w0: tensor<4x4x4xf32>, %w1: tensor<4x4xf32>) {
  // expected-error @+1 {{(C4) expected factor 1 to be a static, non-empty tensor of shape [G, S, R], got 'tensor<4x4xf32>'}}
  %y = seq.butterfly %x, %w0, %w1 {strides = array<i64: 1, 4>} : tensor<3x16xf32>, tensor<4x4x4xf32>, tensor<4x4xf32> -> tensor<3x16xf32>
  return
}

// -----

func.func @butterfly_c4_complex(%x: tensor<3x16x2xf32>, %w0: tensor<4x4x4xf32>) {
  // expected-error @+1 {{(C4) expected factor 0 to be a static, non-empty tensor of shape [G, S, R, 2], got 'tensor<4x4x4xf32>'}}
  %y = seq.butterfly %x, %w0 {strides = array<i64: 1>, complex} : tensor<3x16x2xf32>, tensor<4x4x4xf32> -> tensor<3x16x2xf32>
  return
}

// -----

func.func @butterfly_c4_empty(%x: tensor<3x16xf32>, %w0: tensor<4x4x0xf32>) {
  // expected-error @+1 {{(C4) expected factor 0 to be a static, non-empty tensor of shape [G, S, R], got 'tensor<4x4x0xf32>'}}
  %y = seq.butterfly %x, %w0 {strides = array<i64: 1>} : tensor<3x16xf32>, tensor<4x4x0xf32> -> tensor<3x16xf32>
  return
}

// -----

func.func @butterfly_c5_divides(%x: tensor<3x16xf32>, %w0: tensor<1x4x5xf32>) {
  // expected-error @+1 {{(C5) expected factor 0 to have one block, or blocks that cover 16 inputs, got 'tensor<1x4x5xf32>'}}
  %y = seq.butterfly %x, %w0 {strides = array<i64: 1>} : tensor<3x16xf32>, tensor<1x4x5xf32> -> tensor<3x16xf32>
  return
}

// -----

func.func @butterfly_c5_blocks(%x: tensor<3x16xf32>, %w0: tensor<2x4x4xf32>) {
  // expected-error @+1 {{(C5) expected factor 0 to have one block, or blocks that cover 16 inputs, got 'tensor<2x4x4xf32>'}}
  %y = seq.butterfly %x, %w0 {strides = array<i64: 1>} : tensor<3x16xf32>, tensor<2x4x4xf32> -> tensor<3x16xf32>
  return
}

// -----

func.func @butterfly_c6_divides(%x: tensor<3x16xf32>, %w0: tensor<4x4x4xf32>) {
  // expected-error @+1 {{(C6) expected stride 0 to divide the 4 blocks of its stage, got 3}}
  %y = seq.butterfly %x, %w0 {strides = array<i64: 3>} : tensor<3x16xf32>, tensor<4x4x4xf32> -> tensor<3x16xf32>
  return
}

// -----

func.func @butterfly_c6_positive(%x: tensor<3x16xf32>, %w0: tensor<4x4x4xf32>) {
  // expected-error @+1 {{(C6) expected stride 0 to divide the 4 blocks of its stage, got 0}}
  %y = seq.butterfly %x, %w0 {strides = array<i64: 0>} : tensor<3x16xf32>, tensor<4x4x4xf32> -> tensor<3x16xf32>
  return
}

// -----

func.func @butterfly_c7(%x: tensor<3x16xf32>, %w0: tensor<4x6x4xf32>) {
  // expected-error @+1 {{(C7) expected dimension 1 of y to be 24, the size after the last stage, got 16}}
  %y = seq.butterfly %x, %w0 {strides = array<i64: 1>} : tensor<3x16xf32>, tensor<4x6x4xf32> -> tensor<3x16xf32>
  return
}

// -----

func.func @butterfly_c8(%x: tensor<3x16xf32>, %w0: tensor<4x4x4xf32>) {
  // expected-error @+1 {{(C8) expected the attributes strides or complex, got "stride"}}
  %y = seq.butterfly %x, %w0 {strides = array<i64: 1>, stride} : tensor<3x16xf32>, tensor<4x4x4xf32> -> tensor<3x16xf32>
  return
}

// -----

func.func @roots_c1() {
  // expected-error @+1 {{(C1) expected a static shape with a last dimension of 2, got 'tensor<?x2xf32>'}}
  %y = seq.roots {order = 4 : i64} : tensor<?x2xf32>
  return
}

// -----

func.func @roots_c2() {
  // expected-error @+1 {{(C2) expected a positive order, got 0}}
  %y = seq.roots {order = 0 : i64} : tensor<4x2xf32>
  return
}

// -----

func.func @roots_c3() {
  // expected-error @+1 {{(C3) expected a finite scale, got 0x7FF0000000000000 : f64}}
  %y = seq.roots {order = 4 : i64, scale = 0x7FF0000000000000 : f64} : tensor<4x2xf32>
  return
}

// -----

func.func @roots_c5() {
  // expected-error @+1 {{(C5) expected the attributes order, scale, quarter or inverse, got "sign"}}
  %y = seq.roots {order = 4 : i64, sign} : tensor<4x2xf32>
  return
}

// -----

func.func @complex_mul_c1(%a: tensor<3x8x2xf32>, %b: tensor<8x1xf32>) {
  // expected-error @+1 {{(C1) expected the last dimension of b to be 2, got 'tensor<8x1xf32>'}}
  %y = seq.complex_mul %a, %b  : tensor<3x8x2xf32>, tensor<8x1xf32> -> tensor<3x8x2xf32>
  return
}

// -----

func.func @complex_mul_c1_result(%a: tensor<3x8x2xf32>, %b: tensor<8x2xf32>) {
  // expected-error @+1 {{(C1) expected dimension 1 of y to equal dimension 1 of a, got 9 and 8}}
  %y = seq.complex_mul %a, %b  : tensor<3x8x2xf32>, tensor<8x2xf32> -> tensor<3x9x2xf32>
  return
}

// -----

func.func @complex_mul_c2_rank(%a: tensor<8x2xf32>, %b: tensor<3x8x2xf32>) {
  // expected-error @+1 {{(C2) expected b to have at most the rank of a, got 3 and 2}}
  %y = seq.complex_mul %a, %b  : tensor<8x2xf32>, tensor<3x8x2xf32> -> tensor<8x2xf32>
  return
}

// -----

func.func @complex_mul_c2(%a: tensor<3x8x2xf32>, %b: tensor<9x2xf32>) {
  // expected-error @+1 {{(C2) expected dimension 0 of b to equal dimension 1 of a, got 9 and 8}}
  %y = seq.complex_mul %a, %b  : tensor<3x8x2xf32>, tensor<9x2xf32> -> tensor<3x8x2xf32>
  return
}

// -----

func.func @complex_mul_c3(%a: tensor<3x8x2xf32>, %b: tensor<8x2xf16>) {
  // expected-error @+1 {{(C3) expected the element type of b to be f32 or that of a, 'f32', got 'f16'}}
  %y = seq.complex_mul %a, %b  : tensor<3x8x2xf32>, tensor<8x2xf16> -> tensor<3x8x2xf32>
  return
}

// -----

func.func @complex_mul_c4(%a: tensor<3x8x2xf32>, %b: tensor<8x2xf32>) {
  // expected-error @+1 {{(C4) expected the attribute conjugate, got "conj"}}
  %y = seq.complex_mul %a, %b {conj} : tensor<3x8x2xf32>, tensor<8x2xf32> -> tensor<3x8x2xf32>
  return
}

// -----

func.func @roots_c4() {
  // expected-error @+1 {{(C4) expected quarter to be 0 or 1, with a result of rank 3, got 2 and 'tensor<4x4x2xf32>'}}
  %y = seq.roots {order = 4 : i64, quarter = 2 : i64} : tensor<4x4x2xf32>
  return
}

// -----

func.func @roots_c4_vector() {
  // expected-error @+1 {{(C4) expected quarter to be 0 or 1, with a result of rank 3, got 0 and 'tensor<4x2xf32>'}}
  %y = seq.roots {order = 4 : i64, quarter = 0 : i64} : tensor<4x2xf32>
  return
}

// -----

func.func @implicit_spectrum_c1() {
  // expected-error @+1 {{must be a tensor of rank 3 of f16 or f32 (C1), but got 'tensor<6x64xf16>'}}
  %s = seq.implicit_spectrum causal {radices = array<i64: 8, 8>} : tensor<6x64xf16> {
  ^bb0(%c: index, %re: f32, %im: f32):
    seq.yield %re, %im : f32, f32
  }
  return
}

// -----

func.func @implicit_spectrum_c2() {
  // expected-error @+1 {{(C2) expected the radices to multiply to 64, the length of the spectrum, got 56}}
  %s = seq.implicit_spectrum causal {radices = array<i64: 8, 7>} : tensor<6x64x2xf16> {
  ^bb0(%c: index, %re: f32, %im: f32):
    seq.yield %re, %im : f32, f32
  }
  return
}

// -----

func.func @implicit_spectrum_c3() {
  %s = seq.implicit_spectrum causal {radices = array<i64: 8, 8>} : tensor<6x64x2xf16> {
  ^bb0(%c: index, %re: f32, %im: f32):
    // expected-error @+1 {{(C3) expected region 'body' to yield 'f32', 'f32', got 'f32'}}
    seq.yield %re : f32
  }
  return
}

// -----

func.func @implicit_spectrum_c5(%x: tensor<8xf32>) {
  %s = seq.implicit_spectrum causal {radices = array<i64: 8, 8>} : tensor<6x64x2xf16> {
  ^bb0(%c: index, %re: f32, %im: f32):
    // expected-error @+1 {{(C5) reads a value of type 'tensor<8xf32>' from above, which region 'body' of seq.implicit_spectrum may not: expected scalars, and tensors only through tensor.extract}}
    %y = arith.negf %x : tensor<8xf32>
    seq.yield %re, %im : f32, f32
  }
  return
}

// -----

func.func @implicit_spectrum_kind(%u: tensor<?x6x64xf16>) {
  %s = seq.implicit_spectrum circular {radices = array<i64: 8, 8>} : tensor<6x64x2xf16> {
  ^bb0(%c: index, %re: f32, %im: f32):
    seq.yield %re, %im : f32, f32
  }
  // expected-error @+1 {{(C8) expected a spectrum prepared for the kind causal, got one for circular}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<6x64x2xf16>) {radices = array<i64: 8, 8>} : tensor<?x6x64xf16> -> tensor<?x6x64xf16>
  return
}

// -----

func.func @long_c1_blocks(%u: tensor<2x4x8xf16>, %s: tensor<3x2x4x2xf32>) {
  // expected-error @+1 {{(C1) expected dimension 0 of spectrum to equal dimension 1 of u, got 3 and 4}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<3x2x4x2xf32>) {radices = array<i64: 4>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c6_block(%u: tensor<2x4x8xf16>, %s: tensor<4x2x4x2xf32>) {
  // expected-error @+1 {{(C6) expected the radices to multiply to 4, the length of the spectrum, got 8}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<4x2x4x2xf32>) {radices = array<i64: 2, 4>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c7_few_blocks(%u: tensor<2x4x9xf16>, %s: tensor<4x2x4x2xf32>) {
  // expected-error @+1 {{(C7) expected a spectrum for length 9 or more, got one for 8}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<4x2x4x2xf32>) {radices = array<i64: 4>} : tensor<2x4x9xf16> -> tensor<2x4x9xf16>
  return
}

// -----

func.func @long_c7_open_blocks(%u: tensor<2x4x8xf16>, %s: tensor<4x?x4x2xf32>) {
  // expected-error @+1 {{(C7) expected a static, positive number of blocks (dimension 1) of the spectrum, whose samples fit 64 bits, got 'tensor<4x?x4x2xf32>'}}
  %y = seq.long_conv causal %u spectrum(%s : tensor<4x?x4x2xf32>) {radices = array<i64: 4>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @long_c8_blocks(%u: tensor<2x4x8xf16>, %s: tensor<4x2x4x2xf32>) {
  // expected-error @+1 {{(C8) expected a spectrum in blocks, 'tensor<4x2x4x2xf32>', for the kind causal or anticausal only, got circular}}
  %y = seq.long_conv circular %u spectrum(%s : tensor<4x2x4x2xf32>) {radices = array<i64: 4>} : tensor<2x4x8xf16> -> tensor<2x4x8xf16>
  return
}

// -----

func.func @prepare_c1_no_blocks(%h: tensor<4x8xf32>) {
  // expected-error @+1 {{(C1) expected a static, positive number of blocks (dimension 1) of the spectrum, whose samples fit 64 bits, got 'tensor<4x0x4x2xf32>'}}
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 4>} : tensor<4x8xf32> -> tensor<4x0x4x2xf32>
  return
}

// -----

func.func @prepare_c7_two_sided(%h: tensor<4x8xf32>) {
  // expected-error @+1 {{(C7) expected a spectrum in blocks, 'tensor<4x2x4x2xf16>', for the kind causal or anticausal only, got two_sided_shared}}
  %s = seq.prepare_filter two_sided_shared %h reverse(%h : tensor<4x8xf32>) taps first {radices = array<i64: 4>} : tensor<4x8xf32> -> tensor<4x2x4x2xf16>
  return
}
