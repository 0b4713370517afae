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
  // expected-error @below {{expected a [C] tile of i1, got 'tensor<8x128xi1}}
  %r = tile.all %x : !rows
  return
}
