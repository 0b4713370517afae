// RUN: longwing-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %x = "test.tile"() : () -> tensor<64xi32, #tile.line>
  // expected-error @below {{'tile.greatest' op expected a line of f32, got 'tensor<64xi32, #tile.line>'}}
  %y = tile.greatest %x : tensor<64xi32, #tile.line>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %x = "test.tile"() : () -> tensor<64xi32, #tile.line>
  // expected-error @below {{'tile.scan' op expected a line of f32, got 'tensor<64xi32, #tile.line>'}}
  %y = tile.scan %x : tensor<64xi32, #tile.line>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %x = "test.tile"() : () -> tensor<64xf32, #tile.line>
  // expected-error @below {{'tile.distribute' op expected f32 and the shape of 'tensor<64xf32, #tile.line>', got 'tensor<128xf32, #tile.row>'}}
  %y = tile.distribute %x : tensor<64xf32, #tile.line> -> tensor<128xf32, #tile.row>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %x = "test.tile"() : () -> tensor<64xf32, #tile.line>
  // expected-error @below {{'tile.pick' op expected a position below 64, got 64}}
  %y = tile.pick %x[64] : tensor<64xf32, #tile.line> -> f32
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %x = "test.tile"() : () -> tensor<64xf32, #tile.line>
  // expected-error @below {{'tile.pick' op expected an f32 of a line of f32, got 'f16' of 'tensor<64xf32, #tile.line>'}}
  %y = tile.pick %x[0] : tensor<64xf32, #tile.line> -> f16
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %x = "test.tile"() : () -> tensor<64x128xbf16, #tile.shared>
  // expected-error @below {{'tile.fragment' op expected f16, bf16 or, not transposed, f32 elements as an f32 tile of 128x64, with a multiple of 16 columns, or 16-bit ones as an operand, got 'tensor<64x128xbf16, #tile.shared>' as 'tensor<64x128xf32, #tile.acc>'}}
  %y = tile.fragment %x transpose : tensor<64x128xbf16, #tile.shared> -> tensor<64x128xf32, #tile.acc>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %x = "test.tile"() : () -> tensor<64x64xf32, #tile.acc>
  // expected-error @below {{'tile.stage' op expected a tile of f16 or bf16 with a multiple of 16 columns, in its own shape, got 'tensor<64x64xf32, #tile.acc>' as 'tensor<64x64xf32, #tile.shared>'}}
  %y = tile.stage %x : tensor<64x64xf32, #tile.acc> -> tensor<64x64xf32, #tile.shared>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %x = "test.tile"() : () -> tensor<64x64xf16, #tile.acc>
  %buffer = tile.alloc : !tile.smem<64x128xf16>
  // expected-error @below {{'tile.stage' op expected a buffer for 'tensor<64x64xf16, #tile.shared>', got '!tile.smem<64x128xf16>'}}
  %y = tile.stage %x in %buffer : !tile.smem<64x128xf16> : tensor<64x64xf16, #tile.acc> -> tensor<64x64xf16, #tile.shared>
  tile.return
}

// -----

tile.kernel @kernel(%o: !tile.view<?x?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %i = arith.constant 0 : index
  %x = "test.tile"() : () -> tensor<64xf32, #tile.row>
  // expected-error @below {{'tile.scatter' op expected 2 indices, got 1}}
  tile.scatter %x, %o[%i : index] : tensor<64xf32, #tile.row>, !tile.view<?x?xf32>
  tile.return
}

// -----

tile.kernel @kernel(%o: !tile.view<?xf16> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %x = "test.tile"() : () -> tensor<64xf32, #tile.row>
  %i = tile.iota %c0 : tensor<64xindex, #tile.row>
  // expected-error @below {{'tile.scatter' op expected 32-bit elements of one type, or 16-bit ones of an accumulator, got 'tensor<64xf32, #tile.row>' to '!tile.view<?xf16>'}}
  tile.scatter %x, %o[%i : tensor<64xindex, #tile.row>] : tensor<64xf32, #tile.row>, !tile.view<?xf16>
  tile.return
}

// -----

tile.kernel @kernel(%o: !tile.view<?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %x = "test.tile"() : () -> tensor<64xf32, #tile.row>
  %i = tile.iota %c0 : tensor<64xindex, #tile.col>
  // expected-error @below {{'tile.scatter' op expected an index, or a tile of index shaped as 'tensor<64xf32, #tile.row>', got 'tensor<64xindex, #tile.col>'}}
  tile.scatter %x, %o[%i : tensor<64xindex, #tile.col>] : tensor<64xf32, #tile.row>, !tile.view<?xf32>
  tile.return
}

// -----

func.func @between(%x: tensor<64xindex, #tile.row>) {
  // expected-error @below {{'tile.between' op expected rows of index and as many of at most 128 columns, got}}
  %y = tile.between %x to %x : tensor<64xindex, #tile.row> -> tensor<64x256xbf16, #tile.a_frag>
  return
}

// -----

func.func @common(%x: tensor<64x64xf32, #tile.acc>) {
  // expected-error @below {{'tile.common' op expected a row of a 32-bit accumulator or a value of a #tile.row tile, got 'f32'}}
  %y = tile.common %x : tensor<64x64xf32, #tile.acc> -> f32
  return
}

// -----

func.func @parts(%x: tensor<64x64xf32, #tile.acc>) {
  // expected-error @below {{'tile.parts' op expected f32 as f16 or bf16 in its own shape, got}}
  %y, %z = tile.parts %x : tensor<64x64xf32, #tile.acc> -> tensor<64x32xbf16, #tile.a_frag>
  return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %x = "test.tile"() : () -> tensor<64x128xbf16, #tile.shared>
  // expected-error @below {{'tile.panel' op expected rows as they are and columns within the tile, from a multiple of 64 on, got those from 32 of 'tensor<64x128xbf16, #tile.shared>' as 'tensor<64x64xbf16, #tile.shared>'}}
  %y = tile.panel %x from 32 : tensor<64x128xbf16, #tile.shared> -> tensor<64x64xbf16, #tile.shared>
  tile.return
}

// -----

func.func @trim(%x: tensor<64x16xbf16, #tile.shared<panel = 32>>, %n: index) {
  // expected-error @below {{'tile.trim' op expected a tile of panels of 128 bytes, got}}
  %y = tile.trim %x to %n : tensor<64x16xbf16, #tile.shared<panel = 32>>
  return
}

// -----

tile.kernel @by_elements(%x: !tile.desc<64x64xbf16> {tile.out}, %y: !tile.view<?x64xbf16> {tile.alias = 0 : i64})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  tile.return
}
func.func @alias(%x: tensor<?x64xbf16>, %y: tensor<?x64xbf16>, %n: index) -> tensor<?x64xbf16> {
  // expected-error @below {{'tile.launch' op expected operand 1 to be the same tensor as one before it that @by_elements writes, operand 0}}
  %o = tile.launch @by_elements(%x, %y) work(%n) : (tensor<?x64xbf16>, tensor<?x64xbf16>) -> tensor<?x64xbf16>
  return %o : tensor<?x64xbf16>
}
