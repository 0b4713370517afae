// RUN: longwing-opt %s --split-input-file --verify-diagnostics

!tile = tensor<4x16x16xf16, #tile.frag>
func.func @buffer(%x: !tile, %m: !tile.smem<256x32xf16>) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{expected a buffer of 64 columns and a multiple of 8 rows}}
  tile.write_rows %x, %x, %m[%c0, %c0] along 0 step 8 : !tile, !tile.smem<256x32xf16>
  return
}

// -----

!tile = tensor<4x16x16xf16, #tile.frag>
func.func @dimension(%x: !tile, %m: !tile.smem<256x64xf16>) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{expected warps along dimension 0 or 1 and a step of at least 1, got 2 and 8}}
  tile.write_rows %x, %x, %m[%c0, %c0] along 2 step 8 : !tile, !tile.smem<256x64xf16>
  return
}

// -----

!tile = tensor<4x16x16xf16, #tile.frag>
func.func @column(%m: !tile.smem<256x64xf16>, %j: index) {
  // expected-error @below {{expected warps along dimension 0 to begin at j = 0}}
  %x, %y = tile.read_rows %m[%j, %j] along 0 step 8 : !tile.smem<256x64xf16> -> !tile
  return
}

// -----

!tile = tensor<4x16x16xf16, #tile.frag>
func.func @row(%m: !tile.smem<256x64xf16>, %i: index) {
  // expected-error @below {{expected warps along dimension 1 to begin at a multiple of 16, a constant or one times an index}}
  %x, %y = tile.read_rows %m[%i, %i] along 1 step 1 : !tile.smem<256x64xf16> -> !tile
  return
}

// -----

func.func @type(%x: tensor<4x16x16xf32, #tile.frag>, %m: !tile.smem<256x64xf16>) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{expected tiles and a buffer of f16}}
  tile.write_rows %x, %x, %m[%c0, %c0] along 0 step 8 : tensor<4x16x16xf32, #tile.frag>, !tile.smem<256x64xf16>
  return
}

// -----

func.func @coordinates(%s: !tile.view<2x256xf16>, %i: index) {
  // expected-error @below {{expected 2 coordinates, got 1}}
  %x = tile.pull_rows %s[%i : index] step 16 stride 256 : !tile.view<2x256xf16> -> tensor<4x16x16xf16, #tile.frag>
  return
}

// -----

func.func @pairs(%s: !tile.view<2x256xf16>, %i: index) {
  // expected-error @below {{expected the last dimension of a tensor of pairs to be 2}}
  %x, %y = tile.pull_rows %s[%i : index] step 16 stride 256
      : !tile.view<2x256xf16> -> tensor<4x16x16xf16, #tile.frag>, tensor<4x16x16xf16, #tile.frag>
  return
}

// -----

func.func @elements(%x: tensor<4x16x16xf32, #tile.frag>, %y: !tile.view<2x256xf32>, %i: index) {
  // expected-error @below {{expected 16-bit elements of one type}}
  tile.place_rows %x to %y[%i, %i] step 16 stride 256 : tensor<4x16x16xf32, #tile.frag> to !tile.view<2x256xf32>
  return
}

// -----

func.func @places(%x: tensor<4x16x16xf16, #tile.frag>, %m: !tile.smem<2x16x64xf16>, %i: index) {
  // expected-error @below {{expected memory of places for 2048 elements of f16}}
  tile.keep %x, %x, %m[%i] : tensor<4x16x16xf16, #tile.frag>, !tile.smem<2x16x64xf16>
  return
}

// -----

func.func @place(%s: !tile.view<3x5x2048xf16>, %i: index) {
  // expected-error @below {{expected 2 coordinates, got 1}}
  %x, %y = tile.recall %s[%i] : !tile.view<3x5x2048xf16> -> tensor<4x16x16xf16, #tile.frag>
  return
}

// -----

func.func @brought(%s: !tile.view<64x2xf16>, %m: !tile.smem<3x64xf16>) {
  // expected-error @below {{expected a buffer [n, 64] of as many elements as the tensor has}}
  tile.bring %s to %m : !tile.view<64x2xf16> to !tile.smem<3x64xf16>
  return
}

// -----

func.func @flat(%m: !tile.smem<3x64xf16>, %i: index) {
  // expected-error @below {{expected 1 coordinates, got 2}}
  %x = tile.pull_rows %m[%i, %i : index, index] step 16 stride 0 : !tile.smem<3x64xf16> -> tensor<4x16x16xf16, #tile.frag>
  return
}

// -----

func.func @kept_elements(%x: tensor<4x16x16xf32, #tile.frag>, %s: !tile.view<3x2048xf32>, %i: index) {
  // expected-error @below {{expected tiles of f16}}
  tile.keep %x, %x, %s[%i] : tensor<4x16x16xf32, #tile.frag>, !tile.view<3x2048xf32>
  return
}

// -----

func.func @zipped_alone(%s: !tile.view<2x256xf16>, %i: index) {
  // expected-error @+1 {{expected two tiles to be zipped, got 1}}
  %x = tile.pull_rows %s[%i, %i : index, index] step 16 stride 256 zipped : !tile.view<2x256xf16> -> tensor<4x16x16xf16, #tile.frag>
  return
}
