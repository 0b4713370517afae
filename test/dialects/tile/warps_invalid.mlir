// Every message of the verifiers of a matrix for each warp.
// RUN: longwing-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{expected a #tile.frag tile of matrices of 16 x 16, got 8 x 16}}
func.func private @f(tensor<16x8x16xf16, #tile.frag>)

// -----

// expected-error @below {{expected a #tile.frag tile of 4*n x 16*n x 16*n elements, got a shape of [3, 16, 16]}}
func.func private @f(tensor<3x16x16xf16, #tile.frag>)

// -----

func.func @operands(%a: tensor<16x16x16xf32, #tile.frag>) {
  // expected-error @below {{expected a and b of one type with elements of f16}}
  %d = tile.warp_dot %a, %a : tensor<16x16x16xf32, #tile.frag>, tensor<16x16x16xf32, #tile.frag> -> tensor<16x16x16xf32, #tile.frag>
  return
}

// -----

func.func @result(%a: tensor<16x16x16xf16, #tile.frag>) {
  // expected-error @below {{expected a result of f16 or f32 in the shape of a}}
  %d = tile.warp_dot %a, %a : tensor<16x16x16xf16, #tile.frag>, tensor<16x16x16xf16, #tile.frag> -> tensor<16x16x16xbf16, #tile.frag>
  return
}

// -----

func.func @sum(%a: tensor<16x16x16xf16, #tile.frag>, %c: tensor<16x16x16xf16, #tile.frag>) {
  // expected-error @below {{expected c to have the type of the result}}
  %d = tile.warp_dot %a, %a acc(%c : tensor<16x16x16xf16, #tile.frag>) : tensor<16x16x16xf16, #tile.frag>, tensor<16x16x16xf16, #tile.frag> -> tensor<16x16x16xf32, #tile.frag>
  return
}

// -----

func.func @permutation(%a: tensor<16x16x16xf16, #tile.frag>) {
  // expected-error @below {{expected the permutation [1, 0, 2] or [1, 2, 0], got 0, 2, 1}}
  %x, %y = tile.exchange %a, %a permutation [0, 2, 1] : tensor<16x16x16xf16, #tile.frag> -> tensor<16x16x16xf16, #tile.frag>
  return
}

// -----

func.func @exchanged(%a: tensor<16x16x16xf32, #tile.frag>) {
  // expected-error @below {{expected tiles of 16x16x16xf16}}
  %x, %y = tile.exchange %a, %a permutation [1, 0, 2] : tensor<16x16x16xf32, #tile.frag> -> tensor<16x16x16xf32, #tile.frag>
  return
}

// -----

func.func @split(%a: tensor<64x128xf16, #tile.shared>) {
  // expected-error @below {{expected a source of 16-bit elements, 64 columns and a 16 x 16 matrix for each warp}}
  %x = tile.split %a : tensor<64x128xf16, #tile.shared> -> tensor<32x16x16xf16, #tile.frag>
  return
}

// -----

func.func @join(%a: tensor<8x16x16xf16, #tile.frag>) {
  // expected-error @below {{expected a result of 16-bit elements, 64 columns and a 16 x 16 matrix for each warp}}
  %x = tile.join %a : tensor<8x16x16xf16, #tile.frag> -> tensor<64x64xf16, #tile.shared>
  return
}

// -----

func.func @positions() {
  // expected-error @below {{expected a tile of index}}
  %x = tile.position 0 : tensor<16x16x16xf16, #tile.frag>
  return
}

// -----

func.func @dimension() {
  // expected-error @below {{expected a dimension from 0 to 2, got 3}}
  %x = tile.position 3 : tensor<16x16x16xindex, #tile.frag>
  return
}

// -----

func.func @quads() {
  // expected-error @below {{expected columns in quads, dimension 2, got 1}}
  %x = tile.position 1 quads : tensor<16x16x16xindex, #tile.frag>
  return
}

// -----

func.func @cast(%a: tensor<16x16x16xf16, #tile.frag>) {
  // expected-error @below {{expected to turn f16, bf16 or f32 into another of them}}
  %x = tile.cast %a : tensor<16x16x16xf16, #tile.frag> -> tensor<16x16x16xf16, #tile.frag>
  return
}

// -----

func.func @indices(%u: !tile.view<4x?xf16>, %i: index) {
  // expected-error @below {{expected 2 indices, got 1}}
  %x = tile.pull %u[%i : index] : !tile.view<4x?xf16> -> tensor<16x16x16xf16, #tile.frag>
  return
}

// -----

func.func @element(%u: !tile.view<?xf32>, %i: index) {
  // expected-error @below {{expected a tile of 'f32'}}
  %x = tile.pull %u[%i : index] : !tile.view<?xf32> -> tensor<16x16x16xf16, #tile.frag>
  return
}

// -----

func.func @index(%u: !tile.view<?xf16>, %i: i32, %x: tensor<16x16x16xf16, #tile.frag>) {
  // expected-error @below {{expected an index, or a tile of index shaped as}}
  tile.place %x, %u[%i : i32] : tensor<16x16x16xf16, #tile.frag>, !tile.view<?xf16>
  return
}

// -----

func.func @transpose(%a: tensor<16x16x16xf32, #tile.frag>) {
  // expected-error @below {{expected 16-bit elements, got}}
  %b = tile.transpose %a : tensor<16x16x16xf32, #tile.frag>
  return
}

// -----

func.func @strip_rows(%u: !tile.view<?x1000xf16>, %i: index, %whole: i1) {
  // expected-error @below {{expected digits [size, dimension, step, ...] whose sizes make up the rows of 'tensor<64x64xf16, #tile.shared>'}}
  %x = tile.load_strips %u[%i, %i] digits [16, 1, 256, 2, 1, 64] stages 4 whole %whole
      : !tile.view<?x1000xf16> -> tensor<64x64xf16, #tile.shared>
  return
}

// -----

func.func @strip_place(%u: !tile.view<?x1000xf16>, %i: index, %whole: i1) {
  // expected-error @below {{expected 2 coordinates, got 1}}
  %x = tile.load_strips %u[%i] digits [64, 1, 64] stages 4 whole %whole
      : !tile.view<?x1000xf16> -> tensor<64x64xf16, #tile.shared>
  return
}

// -----

func.func @strip_element(%x: tensor<64x64xf16, #tile.shared>, %y: !tile.view<?x1000xbf16>, %i: index, %whole: i1) {
  // expected-error @below {{expected 64 columns of 16-bit elements of the tensor}}
  tile.store_strips %x, %y[%i, %i] digits [64, 1, 64] whole %whole
      : tensor<64x64xf16, #tile.shared>, !tile.view<?x1000xbf16>
  return
}

// -----

func.func @zip_of_f32(%a: tensor<16x16x16xf32, #tile.frag>) {
  // expected-error @+1 {{expected 16-bit elements}}
  %b, %c = tile.zip %a, %a : tensor<16x16x16xf32, #tile.frag>
  return
}
