// RUN: longwing-opt %s --split-input-file --verify-diagnostics

// One case for each numbered constraint of seq.scan, or one for each way to break it.

func.func @c1_rank(%a: tensor<2x8xf32>, %b: tensor<2x?x8xf32>) {
  // expected-error @+1 {{(C1) expected a to be [B, L, D] or [D], got 'tensor<2x8xf32>'}}
  %y = seq.scan linear %a, %b : tensor<2x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c1_channels(%a: tensor<7xf32>, %b: tensor<2x?x8xf32>) {
  // expected-error @+1 {{(C1) expected dimension 0 of a to equal dimension 2 of b, got 7 and 8}}
  %y = seq.scan linear %a, %b : tensor<7xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c1_length(%a: tensor<2x5x8xf32>, %b: tensor<2x6x8xf32>) {
  // expected-error @+1 {{(C1) expected dimension 1 of a to equal dimension 1 of b, got 5 and 6}}
  %y = seq.scan linear %a, %b : tensor<2x5x8xf32>, tensor<2x6x8xf32> -> tensor<2x6x8xf32>
  return
}

// -----

func.func @c1_dynamic_channels(%b: tensor<2x?x?xf32>) {
  // expected-error @+1 {{(C1) expected a static, positive D (dimension 2 of b), got 'tensor<2x?x?xf32>'}}
  %y = seq.scan linear %b, %b : tensor<2x?x?xf32>, tensor<2x?x?xf32> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c1_pairs(%b: tensor<2x?x8xf32>) {
  // expected-error @+1 {{(C1) expected b to be [B, L, D, 2], got 'tensor<2x?x8xf32>'}}
  %y = seq.scan linear %b, %b {complex} : tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c1_no_pairs(%a: tensor<8x2xf32>, %b: tensor<2x?x8x3xf32>) {
  // expected-error @+1 {{(C1) expected dimension 3 of b to be 2, got 'tensor<2x?x8x3xf32>'}}
  %y = seq.scan linear %a, %b {complex} : tensor<8x2xf32>, tensor<2x?x8x3xf32> -> tensor<2x?x8x3xf32>
  return
}

// -----

func.func @c1_result(%b: tensor<2x?x8xf32>) {
  // expected-error @+1 {{(C1) expected dimension 0 of y to equal dimension 0 of b, got 3 and 2}}
  %y = seq.scan linear %b, %b : tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<3x?x8xf32>
  return
}

// -----

func.func @c2_type(%b: tensor<2x?x8xf64>) {
  // expected-error @+1 {{operand #0 must be a tensor of f16, bf16 or f32 (C2), but got 'tensor<2x?x8xf64>'}}
  %y = seq.scan linear %b, %b : tensor<2x?x8xf64>, tensor<2x?x8xf64> -> tensor<2x?x8xf64>
  return
}

// -----

func.func @c2_decay(%a: tensor<2x?x8xf16>, %b: tensor<2x?x8xbf16>) {
  // expected-error @+1 {{(C2) expected the element type of a to be that of b, 'bf16', or f32, got 'f16'}}
  %y = seq.scan linear %a, %b : tensor<2x?x8xf16>, tensor<2x?x8xbf16> -> tensor<2x?x8xbf16>
  return
}

// -----

func.func @c2_result(%b: tensor<2x?x8xbf16>) {
  // expected-error @+1 {{(C2) expected the element type of y to be that of b, 'bf16', got 'f32'}}
  %y = seq.scan linear %b, %b : tensor<2x?x8xbf16>, tensor<2x?x8xbf16> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c2_complex(%b: tensor<2x?x8x2xbf16>) {
  // expected-error @+1 {{(C2) expected f32 elements of a complex scan, got 'bf16'}}
  %y = seq.scan linear %b, %b {complex} : tensor<2x?x8x2xbf16>, tensor<2x?x8x2xbf16> -> tensor<2x?x8x2xbf16>
  return
}

// -----

func.func @c3_state_type(%b: tensor<2x?x8xbf16>, %h: tensor<2x8xbf16>) {
  // expected-error @+1 {{operand #2 must be a tensor of f32 (C2), but got 'tensor<2x8xbf16>'}}
  %y = seq.scan linear %b, %b init(%h : tensor<2x8xbf16>) : tensor<2x?x8xbf16>, tensor<2x?x8xbf16> -> tensor<2x?x8xbf16>
  return
}

// -----

func.func @c3_batch(%b: tensor<2x?x8xf32>, %h: tensor<3x8xf32>) {
  // expected-error @+1 {{(C3) expected dimension 0 of init to equal dimension 0 of b, got 3 and 2}}
  %y = seq.scan linear %b, %b init(%h : tensor<3x8xf32>) : tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c3_final(%b: tensor<2x?x8xf32>) {
  // expected-error @+1 {{(C3) expected the final state to be [B, D], got 'tensor<2x3x8xf32>'}}
  %y, %h = seq.scan linear %b, %b : tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>, tensor<2x3x8xf32>
  return
}

// -----

func.func @c3_wkv(%w: tensor<8xf32>, %b: tensor<2x?x8xf32>, %h: tensor<2x2x8xf32>) {
  // expected-error @+1 {{(C3) expected dimension 1 of init to be 3, got 'tensor<2x2x8xf32>'}}
  %y = seq.scan wkv %w, %b key(%b : tensor<2x?x8xf32>) bonus(%w : tensor<8xf32>) init(%h : tensor<2x2x8xf32>) : tensor<8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c4_type(%b: tensor<2x?x8xf32>, %o: tensor<4xi16>) {
  // expected-error @+1 {{operand #2 must be a tensor of rank 1 of i32 or i64 (C4), but got 'tensor<4xi16>'}}
  %y = seq.scan linear %b, %b offsets(%o : tensor<4xi16>) : tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c4_batch(%b: tensor<2x?x8xf32>, %o: tensor<4xi32>) {
  // expected-error @+1 {{(C4) expected a batch of 1 with offsets, got 2}}
  %y = seq.scan linear %b, %b offsets(%o : tensor<4xi32>) : tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c4_states(%b: tensor<1x?x8xf32>, %o: tensor<4xi32>, %h: tensor<4x8xf32>) {
  // expected-error @+1 {{(C3) expected dimension 0 of init to be 1 less than dimension 0 of offsets, got 4 and 4}}
  %y = seq.scan linear %b, %b init(%h : tensor<4x8xf32>) offsets(%o : tensor<4xi32>) : tensor<1x?x8xf32>, tensor<1x?x8xf32> -> tensor<1x?x8xf32>
  return
}

// -----

func.func @c4_none(%b: tensor<1x?x8xf32>, %o: tensor<0xi32>) {
  // expected-error @+1 {{(C4) expected at least one offset}}
  %y = seq.scan linear %b, %b offsets(%o : tensor<0xi32>) : tensor<1x?x8xf32>, tensor<1x?x8xf32> -> tensor<1x?x8xf32>
  return
}

// -----

func.func @c4_first(%b: tensor<1x9x8xf32>) {
  %o = arith.constant dense<[1, 4, 9]> : tensor<3xi32>
  // expected-error @+1 {{(C4) expected offsets that begin at 0 and do not fall, got 1 in element 0}}
  %y = seq.scan linear %b, %b offsets(%o : tensor<3xi32>) : tensor<1x9x8xf32>, tensor<1x9x8xf32> -> tensor<1x9x8xf32>
  return
}

// -----

func.func @c4_falling(%b: tensor<1x9x8xf32>) {
  %o = arith.constant dense<[0, 5, 4, 9]> : tensor<4xi64>
  // expected-error @+1 {{(C4) expected offsets that begin at 0 and do not fall, got 4 in element 2}}
  %y = seq.scan linear %b, %b offsets(%o : tensor<4xi64>) : tensor<1x9x8xf32>, tensor<1x9x8xf32> -> tensor<1x9x8xf32>
  return
}

// -----

func.func @c4_last(%b: tensor<1x9x8xf32>) {
  %o = arith.constant dense<[0, 5, 8]> : tensor<3xi32>
  // expected-error @+1 {{(C4) expected the last offset to be the length, 9, got 8}}
  %y = seq.scan linear %b, %b offsets(%o : tensor<3xi32>) : tensor<1x9x8xf32>, tensor<1x9x8xf32> -> tensor<1x9x8xf32>
  return
}

// -----

func.func @c5_no_key(%w: tensor<8xf32>, %b: tensor<2x?x8xf32>) {
  // expected-error @+1 {{(C5) expected key and bonus, and no complex, in the form wkv}}
  %y = seq.scan wkv %w, %b bonus(%w : tensor<8xf32>) : tensor<8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c5_complex(%w: tensor<8xf32>, %b: tensor<2x?x8xf32>) {
  // expected-error @+1 {{(C5) expected key and bonus, and no complex, in the form wkv}}
  %y = seq.scan wkv %w, %b key(%b : tensor<2x?x8xf32>) bonus(%w : tensor<8xf32>) {complex} : tensor<8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c5_varying_decay(%w: tensor<8xf32>, %b: tensor<2x?x8xf32>) {
  // expected-error @+1 {{(C5) expected a to be [D], got 'tensor<2x?x8xf32>'}}
  %y = seq.scan wkv %b, %b key(%b : tensor<2x?x8xf32>) bonus(%w : tensor<8xf32>) : tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c5_key_type(%w: tensor<8xf32>, %b: tensor<2x?x8xbf16>, %k: tensor<2x?x8xf32>) {
  // expected-error @+1 {{(C2) expected the element type of key to be that of b, 'bf16', got 'f32'}}
  %y = seq.scan wkv %w, %b key(%k : tensor<2x?x8xf32>) bonus(%w : tensor<8xf32>) : tensor<8xf32>, tensor<2x?x8xbf16> -> tensor<2x?x8xbf16>
  return
}

// -----

func.func @c5_key_of_another(%w: tensor<8xf32>, %b: tensor<2x?x8xf32>) {
  // expected-error @+1 {{(C5) expected neither key nor bonus in a form other than wkv}}
  %y = seq.scan log %w, %b key(%b : tensor<2x?x8xf32>) : tensor<8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c6_positive(%b: tensor<2x?x8xf32>) {
  %a = arith.constant dense<[-1.0, 0.0, -2.0, 0.5, 0.0, 0.0, 0.0, 0.0]> : tensor<8xf32>
  // expected-error @+1 {{(C6) expected a to be at most 0, got 5.000000e-01 in element 3}}
  %y = seq.scan log %a, %b : tensor<8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return
}

// -----

func.func @c6_real_part(%b: tensor<2x?x2x2xf32>) {
  %a = arith.constant dense<[[-1.0, 3.0], [2.0, 0.0]]> : tensor<2x2xf32>
  // expected-error @+1 {{(C6) expected a to be at most 0, got 2.000000e+00 in element 2}}
  %y = seq.scan log %a, %b {complex} : tensor<2x2xf32>, tensor<2x?x2x2xf32> -> tensor<2x?x2x2xf32>
  return
}

// -----

// In the form linear, any factor is one.
func.func @c6_not_linear(%b: tensor<2x?x8xf32>) -> tensor<2x?x8xf32> {
  %a = arith.constant dense<1.5> : tensor<8xf32>
  %y = seq.scan linear %a, %b : tensor<8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return %y : tensor<2x?x8xf32>
}

// -----

func.func @c7(%b: tensor<2x?x8xf32>) {
  // expected-error @+1 {{(C7) expected the attributes complex or reverse, got "revers"}}
  %y = seq.scan linear %b, %b {revers} : tensor<2x?x8xf32>, tensor<2x?x8xf32> -> tensor<2x?x8xf32>
  return
}
