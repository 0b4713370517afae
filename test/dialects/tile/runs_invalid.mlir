// Every message of the verifiers of tiles of sequences.
// RUN: longwing-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect

// expected-error @below {{expected a #tile.runs tile of 64*n x 64 elements}}
func.func private @f(tensor<64x32xf16, #tile.runs>)

// -----

// expected-error @below {{expected #tile.toeplitz matrices of f16 or bf16, got 'f32'}}
func.func private @f(tensor<64x64xf32, #tile.toeplitz>)

// -----

// expected-error @below {{expected #tile.toeplitz matrices of 64 x 64 elements}}
func.func private @f(tensor<2x64x32xf16, #tile.toeplitz>)

// -----

func.func @indices(%u: !tile.view<4x?xf16>, %i: index) {
  // expected-error @below {{expected an index for each of the dimensions of '!tile.view<4x?xf16>', got 1}}
  %x = tile.load_runs %u[%i : index] : !tile.view<4x?xf16> -> tensor<64x64xf16, #tile.runs>
  return
}

// -----

func.func @element(%u: !tile.view<?xf32>, %i: index) {
  // expected-error @below {{expected tile and tensor to have one element type, f16 or bf16, got}}
  %x = tile.load_runs %u[%i : index] : !tile.view<?xf32> -> tensor<64x64xf16, #tile.runs>
  return
}

// -----

func.func @rows(%u: !tile.view<?xf16>, %i: tensor<128xindex, #tile.row>, %x: tensor<64x64xf16, #tile.runs>) {
  // expected-error @below {{expected an index, or one for each of 64 rows, got 'tensor<128xindex, #tile.row>'}}
  tile.store_runs %x, %u[%i : tensor<128xindex, #tile.row>] : tensor<64x64xf16, #tile.runs>, !tile.view<?xf16>
  return
}

// -----

func.func @single() {
  // expected-error @below {{expected a result of several matrices, got 'tensor<64x64xf16, #tile.toeplitz>'}}
  %t = tile.toeplitz first 0 : tensor<64x64xf16, #tile.toeplitz> {
  ^bb0(%lag: index):
    %c = arith.constant 0.0 : f16
    tile.yield %c : f16
  }
  return
}

// -----

func.func @argument() {
  // expected-error @below {{expected a region of one index, the lag}}
  %t = tile.toeplitz first 0 : tensor<1x64x64xf16, #tile.toeplitz> {
    %c = arith.constant 0.0 : f16
    tile.yield %c : f16
  }
  return
}

// -----

func.func @yielded() {
  // expected-error @below {{expected a region that yields 'f16'}}
  %t = tile.toeplitz first 0 : tensor<1x64x64xf16, #tile.toeplitz> {
  ^bb0(%lag: index):
    tile.yield %lag : index
  }
  return
}

// -----

func.func @lag(%t: tensor<2x64x64xf16, #tile.toeplitz>) {
  // expected-error @below {{expected a matrix below 2, got 2}}
  %x = tile.lag %t[2] : tensor<2x64x64xf16, #tile.toeplitz> -> tensor<64x64xf16, #tile.toeplitz>
  return
}

// -----

func.func @lags(%t: tensor<2x64x64xf16, #tile.toeplitz>) {
  // expected-error @below {{expected one matrix of several}}
  %x = tile.lag %t[1] : tensor<2x64x64xf16, #tile.toeplitz> -> tensor<2x64x64xf16, #tile.toeplitz>
  return
}

// -----

func.func @dot(%x: tensor<64x64xf16, #tile.runs>, %b: tensor<64x64xf16, #tile.shared>) {
  // expected-error @below {{expected all of a, b and the result to be #tile.runs, #tile.toeplitz and #tile.runs, not transposed, or none}}
  %s = tile.dot %x, %b : tensor<64x64xf16, #tile.runs>, tensor<64x64xf16, #tile.shared> -> tensor<64x64xf32, #tile.runs>
  return
}

// -----

func.func @several(%x: tensor<64x64xf16, #tile.runs>, %b: tensor<1x64x64xf16, #tile.toeplitz>) {
  // expected-error @below {{expected one matrix as b, got}}
  %s = tile.dot %x, %b : tensor<64x64xf16, #tile.runs>, tensor<1x64x64xf16, #tile.toeplitz> -> tensor<64x64xf32, #tile.runs>
  return
}

// -----

func.func @convert(%x: tensor<64x64xf32, #tile.runs>) {
  // expected-error @below {{expected runs to stay runs}}
  %y = tile.convert %x : tensor<64x64xf32, #tile.runs> -> tensor<64x64xf16, #tile.acc>
  return
}

// -----

func.func @outside(%x: tensor<68x64xf16, #tile.shared>) {
  // expected-error @below {{expected rows of a group of 17, got 16 from 2}}
  %a = tile.read_runs %x rows 16 from 2 : tensor<68x64xf16, #tile.shared> -> tensor<64x64xf16, #tile.runs<woven = true>>
  return
}

// -----

func.func @period(%x: tensor<68x64xf16, #tile.shared>) {
  // expected-error @below {{expected rows of a group of 17, got 16 from 0}}
  %a = tile.read_runs %x rows 16 from 0 wrap : tensor<68x64xf16, #tile.shared> -> tensor<64x64xf16, #tile.runs<woven = true>>
  return
}

// -----

func.func @groups(%x: tensor<68x64xf16, #tile.shared>) {
  // expected-error @below {{expected groups of as many rows as divide tiles, got 24}}
  %a = tile.read_runs %x rows 24 from 0 : tensor<68x64xf16, #tile.shared> -> tensor<64x64xf16, #tile.runs<woven = true>>
  return
}

// -----

func.func @straight(%x: tensor<64x64xf16, #tile.shared>) {
  // expected-error @below {{expected a tile of 64 columns of 16 bits and woven runs of its elements}}
  %a = tile.read_runs %x rows 64 from 0 : tensor<64x64xf16, #tile.shared> -> tensor<64x64xf16, #tile.runs>
  return
}

// -----

func.func @mixed(%x: tensor<64x64xf16, #tile.runs<woven = true>>, %t: tensor<64x64xf16, #tile.toeplitz<woven = true>>) {
  // expected-error @below {{expected all of a, b and the result to be #tile.runs, #tile.toeplitz and #tile.runs}}
  %a = tile.dot %x, %t : tensor<64x64xf16, #tile.runs<woven = true>>, tensor<64x64xf16, #tile.toeplitz<woven = true>> -> tensor<64x64xf32, #tile.runs>
  return
}

// -----

func.func @straight_matrix(%x: tensor<64x64xf16, #tile.runs<woven = true>>, %t: tensor<64x64xf16, #tile.toeplitz>) {
  // expected-error @below {{expected all of a, b and the result to be #tile.runs, #tile.toeplitz and #tile.runs}}
  %a = tile.dot %x, %t : tensor<64x64xf16, #tile.runs<woven = true>>, tensor<64x64xf16, #tile.toeplitz> -> tensor<64x64xf32, #tile.runs<woven = true>>
  return
}

// -----

func.func @lag_of_woven(%t: tensor<2x64x64xf16, #tile.toeplitz<woven = true>>) {
  // expected-error @below {{expected one matrix of several}}
  %x = tile.lag %t[1] : tensor<2x64x64xf16, #tile.toeplitz<woven = true>> -> tensor<64x64xf16, #tile.toeplitz>
  return
}

// -----

func.func @woven(%u: !tile.view<?xf16>, %i: index, %x: tensor<64x64xf16, #tile.runs<woven = true>>) {
  // expected-error @below {{expected runs that are not woven}}
  tile.store_runs %x, %u[%i : index] : tensor<64x64xf16, #tile.runs<woven = true>>, !tile.view<?xf16>
  return
}

// -----

func.func @box(%x: tensor<64x64xf16, #tile.runs>, %y: !tile.desc<1x64x64xf16>, %i: index) {
  // expected-error @below {{expected woven runs and a box of 64 rows of 64}}
  tile.store %x, %y[%i, %i, %i] : tensor<64x64xf16, #tile.runs>, !tile.desc<1x64x64xf16>
  return
}
