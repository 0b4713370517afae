// RUN: longwing-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics

tile.kernel @kernel(%x: !tile.view<?x?x64xbf16>)
    schedule <consumers = 1, producer_registers = 0, consumer_registers = 96,
              persistent = false, overlap = false> {
  %zero = arith.constant 0 : index
  // expected-error @below {{expected 'whole' on a tile of [R, C] that is not transposed, got 'tensor<128xf32, #tile.channel<lanes = 1>>'}}
  %y = tile.load_channels %x[%zero, %zero, %zero] whole : !tile.view<?x?x64xbf16> -> tensor<128xf32, #tile.channel<lanes = 1>>
  tile.return
}

// -----

tile.kernel @kernel(%x: !tile.view<?x?x64xbf16>)
    schedule <consumers = 1, producer_registers = 0, consumer_registers = 96,
              persistent = false, overlap = false> {
  %zero = arith.constant 0 : index
  %tile = "test.tile"() : () -> tensor<4x128xf32, #tile.channel<lanes = 1>>
  // expected-error @below {{expected 'whole' on a tile of [R, C] that is not transposed, got 'tensor<4x128xf32, #tile.channel<lanes = 1>>'}}
  tile.store_channels %tile, %x[%zero, %zero, %zero] transposed whole : tensor<4x128xf32, #tile.channel<lanes = 1>>, !tile.view<?x?x64xbf16>
  tile.return
}

// -----

!rows = tensor<8x128xi1, #tile.channel<lanes = 1>>
func.func @all_of_rows(%x: !rows) {
  // expected-error @below {{expected a [C] #tile.channel tile of i1, got 'tensor<8x128xi1}}
  %r = tile.all %x : !rows
  return
}

// -----

!row = tensor<64xi1, #tile.row>
func.func @all_of_a_thread(%x: !row) {
  // expected-error @below {{expected a [C] #tile.channel tile of i1, got 'tensor<64xi1, #tile.row>'}}
  %r = tile.all %x : !row
  return
}

// -----

!row = tensor<64xf32, #tile.row>
func.func @all_of_numbers(%x: !row) {
  // expected-error @below {{expected a tile of i1, got 'tensor<64xf32, #tile.row>'}}
  %r = tile.all together %x : !row
  return
}

// -----

!row = tensor<128xf32, #tile.channel<lanes = 1>>
func.func @deinterleave(%x: !row) {
  // expected-error @below {{expected results of half the channels of 'tensor<128xf32, #tile.channel<lanes = 1>>', got 'tensor<128xf32}}
  %r:2 = tile.deinterleave %x : !row -> !row
  return
}

// -----

!state = tensor<16xf32, #tile.state<lanes = 2>>
func.func @deinterleave_states(%x: !state) {
  // expected-error @below {{expected results of half the channels}}
  %r:2 = tile.deinterleave %x : !state -> tensor<8xf32, #tile.state<lanes = 2>>
  return
}

// -----

!rows = tensor<8x128xf32, #tile.channel<lanes = 1>>
func.func @interleave(%x: !rows) {
  // expected-error @below {{expected a result of twice the rows of 'tensor<8x128xf32, #tile.channel<lanes = 1>>', got 'tensor<8x256xf32}}
  %r = tile.interleave %x, %x rows : !rows -> tensor<8x256xf32, #tile.channel<lanes = 1>>
  return
}

// -----

tile.kernel @kernel(%z: !tile.view<64xf32> {tile.flatten})
    schedule <consumers = 1, producer_registers = 0, consumer_registers = 96, persistent = false, overlap = false> {
  tile.return
}
func.func @not_flat(%z: tensor<64xf32>) {
  %c1 = arith.constant 1 : index
  // expected-error @below {{expected operand 0 to fit '!tile.view<64xf32>', got 'tensor<64xf32>'}}
  tile.launch @kernel(%z) work(%c1) : (tensor<64xf32>) -> ()
  return
}
