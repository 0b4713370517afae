// RUN: longwing-opt %s --split-input-file --verify-diagnostics

func.func @read_other_shape(%x: tensor<128x64xf16, #tile.shared>) {
  // expected-error @below {{expected a result of the shape of its source, or copies of 64 rows}}
  %r = tile.unstage %x : tensor<128x64xf16, #tile.shared> -> tensor<64x64xf16, #tile.acc>
  return
}

// -----

func.func @read_wide(%x: tensor<64x64xf32, #tile.shared>) {
  // expected-error @below {{expected tiles of f16 or of bf16}}
  %r = tile.unstage %x : tensor<64x64xf32, #tile.shared> -> tensor<64x64xf16, #tile.acc>
  return
}

// -----

func.func @widen_wide(%x: tensor<64x64xf32, #tile.shared>) {
  // expected-error @below {{expected a tile of f16 or bf16 and one of f32 of its shape}}
  %r = tile.widen %x : tensor<64x64xf32, #tile.shared> -> tensor<64x64xf32, #tile.shared>
  return
}

// -----

func.func @exchange_other_shape(%x: tensor<128x64xf16, #tile.acc>) {
  // expected-error @below {{expected a result of the shape of its source}}
  %r = tile.publish %x : tensor<128x64xf16, #tile.acc> -> tensor<64x64xf16, #tile.shared>
  return
}

// -----

func.func @complex_of_halves(%x: tensor<64x64xf16, #tile.acc>) {
  // expected-error @below {{expected tiles of f32}}
  %re, %im = tile.complex_mul %x, %x, %x, %x : tensor<64x64xf16, #tile.acc>
  return
}

// -----

func.func @blocked_without_blocks(%a: tensor<64x64xf16, #tile.shared>, %b: tensor<64x64xf16, #tile.shared>) {
  // expected-error @below {{expected a blocked product to take [64, K] in SRAM and a block of K rows for each 64 rows}}
  %d = tile.dot %a, %b blocked : tensor<64x64xf16, #tile.shared>, tensor<64x64xf16, #tile.shared> -> tensor<128x64xf32, #tile.acc>
  return
}

// -----

tile.kernel @scatter(%y: !tile.view<?x?xf16> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %x = arith.constant dense<0.0> : tensor<64x64xf16, #tile.acc>
  // expected-error @below {{expected 2 indices, got 1}}
  tile.scatter %x, %y[%c0 : index] : tensor<64x64xf16, #tile.acc>, !tile.view<?x?xf16>
  tile.return
}

// -----

tile.kernel @along(%x: !tile.desc<1x64x64xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // expected-error @below {{expected boxes along a dimension below 3, got 3}}
  %t = tile.load %x[%c0, %c0, %c0] along 3 stages 1 : !tile.desc<1x64x64xf16> -> tensor<64x64xf16, #tile.shared>
  tile.return
}

// -----

tile.kernel @rows(%x: !tile.desc<1x64x64xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // expected-error @below {{expected a tile of 64 n rows of 'f16'}}
  %t = tile.load %x[%c0, %c0, %c0] along 0 stages 1 : !tile.desc<1x64x64xf16> -> tensor<96x64xf16, #tile.shared>
  tile.return
}
