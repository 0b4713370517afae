// RUN: longwing-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics

func.func @lanes() {
  %zero = arith.constant 0 : index
  %x, %b = "test.tiles"() : () -> (tensor<8x64xf32, #tile.channel<lanes = 8>>, tensor<64x16xbf16, #tile.shared<panel = 32>>)
  // expected-error @below {{'tile.outer' op C1: expected tiles of [8, C] and of [N, C] in f32 with 4 lanes}}
  %e = tile.outer %x[0], %b[%zero] : tensor<8x64xf32, #tile.channel<lanes = 8>>, tensor<64x16xbf16, #tile.shared<panel = 32>> -> tensor<16x64xf32, #tile.channel<lanes = 8>>
  return
}

// -----

func.func @steps() {
  %zero = arith.constant 0 : index
  %x, %b = "test.tiles"() : () -> (tensor<16x64xf32, #tile.channel<lanes = 4>>, tensor<64x16xbf16, #tile.shared<panel = 32>>)
  // expected-error @below {{'tile.outer' op C1: expected tiles of [8, C]}}
  %e = tile.outer %x[0], %b[%zero] : tensor<16x64xf32, #tile.channel<lanes = 4>>, tensor<64x16xbf16, #tile.shared<panel = 32>> -> tensor<16x64xf32, #tile.channel<lanes = 4>>
  return
}

// -----

func.func @element() {
  %zero = arith.constant 0 : index
  %x, %b = "test.tiles"() : () -> (tensor<8x64xf32, #tile.channel<lanes = 4>>, tensor<64x16xf16, #tile.shared<panel = 32>>)
  // expected-error @below {{'tile.outer' op C2: expected rows of bf16}}
  %e = tile.outer %x[0], %b[%zero] : tensor<8x64xf32, #tile.channel<lanes = 4>>, tensor<64x16xf16, #tile.shared<panel = 32>> -> tensor<16x64xf32, #tile.channel<lanes = 4>>
  return
}

// -----

func.func @states() {
  %zero = arith.constant 0 : index
  %h, %c, %y = "test.tiles"() : () -> (tensor<16x64xf32, #tile.channel<lanes = 4>>, tensor<64x24xbf16, #tile.shared<panel = 32>>, tensor<8x64xf32, #tile.channel<lanes = 4>>)
  // expected-error @below {{'tile.contract' op C2: expected rows of bf16, one for each of 8 steps or more, as wide as the 16 states}}
  %e = tile.contract %h, %c[%zero], %y[0] : tensor<16x64xf32, #tile.channel<lanes = 4>>, tensor<64x24xbf16, #tile.shared<panel = 32>> -> tensor<8x64xf32, #tile.channel<lanes = 4>>
  return
}

// -----

func.func @step() {
  %zero = arith.constant 0 : index
  %h, %c, %y = "test.tiles"() : () -> (tensor<16x64xf32, #tile.channel<lanes = 4>>, tensor<64x16xbf16, #tile.shared<panel = 32>>, tensor<8x64xf32, #tile.channel<lanes = 4>>)
  // expected-error @below {{'tile.contract' op expected a step below 8, got 8}}
  %e = tile.contract %h, %c[%zero], %y[8] : tensor<16x64xf32, #tile.channel<lanes = 4>>, tensor<64x16xbf16, #tile.shared<panel = 32>> -> tensor<8x64xf32, #tile.channel<lanes = 4>>
  return
}
