// Every message of the dialect's verifiers.
// RUN: longwing-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect

// expected-error @below {{a kernel has no results}}
tile.kernel @kernel() -> index
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
}

// -----

// expected-error @below {{'tile.kernel' op expected a body}}
tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
}

// -----

// expected-error @below {{'tile.kernel' op expected arguments of type !tile.desc or !tile.view, got 'index'}}
tile.kernel @kernel(%a: index)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  tile.return
}

// -----

// expected-error @below {{'tile.kernel' op expected boxes of at most 5 dimensions and 128 bytes a row, got '!tile.desc<64x128xf16>'}}
tile.kernel @kernel(%a: !tile.desc<64x128xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  tile.return
}

// -----

tile.kernel @kernel(%a: !tile.desc<1x64x64xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'tile.dim' op expected a dimension below 3, got 3}}
  %n = tile.dim %a, 3 : !tile.desc<1x64x64xf16>
  tile.return
}

// -----

tile.kernel @kernel(%a: !tile.desc<1x64x64xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'tile.foreach' op expected one index argument for each of 2 sizes}}
  tile.foreach in(%c0, %c0) {
  ^bb0(%x: index):
  }
  tile.return
}

// -----

tile.kernel @kernel(%a: !tile.desc<1x64x64xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'tile.load' op expected 3 coordinates, got 2}}
  %t = tile.load %a[%c0, %c0] stages 1 : !tile.desc<1x64x64xf16> -> tensor<64x64xf16, #tile.shared>
  tile.return
}

// -----

tile.kernel @kernel(%a: !tile.desc<1x64x64xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'tile.load' op expected a tile of 64 rows of 'f16', got 'tensor<128x64xf16, #tile.shared>'}}
  %t = tile.load %a[%c0, %c0, %c0] stages 1
      : !tile.desc<1x64x64xf16> -> tensor<128x64xf16, #tile.shared>
  tile.return
}

// -----

tile.kernel @kernel(%a: !tile.desc<1x64x64xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'tile.load' op expected at least one stage, got 0}}
  %t = tile.load %a[%c0, %c0, %c0] stages 0 : !tile.desc<1x64x64xf16> -> tensor<64x64xf16, #tile.shared>
  tile.return
}

// -----

tile.kernel @kernel(%a: !tile.desc<1x64x64xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %t = "test.tile"() : () -> tensor<64x64xbf16, #tile.acc>
  // expected-error @below {{'tile.store' op expected a tile of 'f16', got 'tensor<64x64xbf16, #tile.acc>'}}
  tile.store %t, %a[%c0, %c0, %c0] : tensor<64x64xbf16, #tile.acc>, !tile.desc<1x64x64xf16>
  tile.return
}

// -----

tile.kernel @kernel(%a: !tile.desc<1x64x64xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %t = "test.tile"() : () -> tensor<64x64xf16, #tile.acc>
  // expected-error @below {{'tile.store' op expected 3 coordinates, got 1}}
  tile.store %t, %a[%c0] : tensor<64x64xf16, #tile.acc>, !tile.desc<1x64x64xf16>
  tile.return
}

// -----

tile.kernel @kernel(%a: !tile.desc<64xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %t = "test.tile"() : () -> tensor<64x64xf16, #tile.acc>
  // expected-error @below {{'tile.store' op expected a destination of at least 2 dimensions, got '!tile.desc<64xf16>'}}
  tile.store %t, %a[%c0] : tensor<64x64xf16, #tile.acc>, !tile.desc<64xf16>
  tile.return
}

// -----

tile.kernel @kernel(%v: !tile.view<16x?xf32>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %t = "test.tile"() : () -> tensor<64xf32, #tile.row>
  // expected-error @below {{'tile.store_row' op expected 2 coordinates, got 1}}
  tile.store_row %t, %v[%c0] : tensor<64xf32, #tile.row>, !tile.view<16x?xf32>
  tile.return
}

// -----

tile.kernel @kernel(%v: !tile.view<f32>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %t = "test.tile"() : () -> tensor<64xf32, #tile.row>
  // expected-error @below {{'tile.store_row' op expected a destination of at least 1 dimension, got '!tile.view<f32>'}}
  tile.store_row %t, %v[] : tensor<64xf32, #tile.row>, !tile.view<f32>
  tile.return
}

// -----

tile.kernel @kernel(%v: !tile.view<?xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %t = "test.tile"() : () -> tensor<64xf32, #tile.row>
  // expected-error @below {{'tile.store_row' op expected a tile of 'f16', got 'tensor<64xf32, #tile.row>'}}
  tile.store_row %t, %v[%c0] : tensor<64xf32, #tile.row>, !tile.view<?xf16>
  tile.return
}

// -----

tile.kernel @kernel(%v: !tile.view<?x?xf32>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %t, %u, %w = "test.tile"() : () -> (tensor<64x64xf32, #tile.acc>, tensor<64x128xf32, #tile.acc>, tensor<64x64xbf16, #tile.acc>)
  // expected-error @below {{'tile.store_energy' op expected a destination of one dimension of f32, got '!tile.view<?x?xf32>'}}
  tile.store_energy %t to %v[%c0] : tensor<64x64xf32, #tile.acc> to !tile.view<?x?xf32>
  tile.return
}

// -----

tile.kernel @kernel(%v: !tile.view<?xf32>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %t, %u, %w = "test.tile"() : () -> (tensor<64x64xf32, #tile.acc>, tensor<64x128xf32, #tile.acc>, tensor<64x64xbf16, #tile.acc>)
  // expected-error @below {{'tile.store_energy' op expected tiles of f32 of one shape, got 'tensor<64x128xf32, #tile.acc>'}}
  tile.store_energy %t, %u to %v[%c0] : tensor<64x64xf32, #tile.acc>, tensor<64x128xf32, #tile.acc> to !tile.view<?xf32>
  tile.return
}

// -----

tile.kernel @kernel(%v: !tile.view<?xf32>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %t, %u, %w = "test.tile"() : () -> (tensor<64x64xf32, #tile.acc>, tensor<64x128xf32, #tile.acc>, tensor<64x64xbf16, #tile.acc>)
  // expected-error @below {{'tile.store_energy' op expected tiles of f32 of one shape, got 'tensor<64x64xbf16, #tile.acc>'}}
  tile.store_energy %w to %v[%c0] : tensor<64x64xbf16, #tile.acc> to !tile.view<?xf32>
  tile.return
}

// -----

tile.kernel @kernel(%v: !tile.view<16x?xf32>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'tile.gather' op expected 2 coordinates, got 1}}
  %x = tile.gather %v[%c0 : index] : !tile.view<16x?xf32> -> f32
  tile.return
}

// -----

tile.kernel @kernel(%v: !tile.view<16x?xf32>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'tile.gather' op expected a result of 'f32', got 'f16'}}
  %x = tile.gather %v[%c0, %c0 : index, index] : !tile.view<16x?xf32> -> f16
  tile.return
}

// -----

tile.kernel @kernel(%v: !tile.view<16x?xf32>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %i = "test.tile"() : () -> tensor<64xindex, #tile.col>
  // expected-error @below {{'tile.gather' op expected an index, or a tile of index shaped as the result 'tensor<64xf32, #tile.row>', got 'tensor<64xindex, #tile.col>'}}
  %x = tile.gather %v[%c0, %i : index, tensor<64xindex, #tile.col>]
      : !tile.view<16x?xf32> -> tensor<64xf32, #tile.row>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %a = "test.tile"() : () -> tensor<64x64xf16, #tile.shared>
  %b = "test.tile"() : () -> tensor<128x64xf16, #tile.shared>
  // expected-error @below {{'tile.dot' op expected a result of 64x128xf32, got 'tensor<64x64xf32, #tile.acc>'}}
  %d = tile.dot %a, %b transpose_b
      : tensor<64x64xf16, #tile.shared>, tensor<128x64xf16, #tile.shared> -> tensor<64x64xf32, #tile.acc>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %a = "test.tile"() : () -> tensor<64x64xf16, #tile.shared>
  %b = "test.tile"() : () -> tensor<128x64xf16, #tile.shared>
  // expected-error @below {{'tile.dot' op expected as many columns of a as rows of b, got 64 and 128}}
  %d = tile.dot %a, %b : tensor<64x64xf16, #tile.shared>, tensor<128x64xf16, #tile.shared> -> tensor<64x64xf32, #tile.acc>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %a = "test.tile"() : () -> tensor<64x64xf16, #tile.shared>
  %b = "test.tile"() : () -> tensor<64x64xbf16, #tile.shared>
  // expected-error @below {{'tile.dot' op expected operands of one 16-bit float type, got 'tensor<64x64xf16, #tile.shared>' and 'tensor<64x64xbf16, #tile.shared>'}}
  %d = tile.dot %a, %b : tensor<64x64xf16, #tile.shared>, tensor<64x64xbf16, #tile.shared> -> tensor<64x64xf32, #tile.acc>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %a = "test.tile"() : () -> tensor<64x8xf16, #tile.shared>
  %b = "test.tile"() : () -> tensor<8x64xf16, #tile.shared>
  // expected-error @below {{'tile.dot' op expected m a multiple of 64, k of 16, n of 8 and at most 256, got 64, 8, 64}}
  %d = tile.dot %a, %b
      : tensor<64x8xf16, #tile.shared>, tensor<8x64xf16, #tile.shared> -> tensor<64x64xf32, #tile.acc>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %a = "test.tile"() : () -> tensor<64x64xf16, #tile.shared>
  %c = "test.tile"() : () -> tensor<64x72xf32, #tile.acc>
  // expected-error @below {{'tile.mma_async' op expected c to have the type of the result, got 'tensor<64x72xf32, #tile.acc>'}}
  %d = tile.mma_async %a, %a acc(%c : tensor<64x72xf32, #tile.acc>) : tensor<64x64xf16, #tile.shared>, tensor<64x64xf16, #tile.shared> -> tensor<64x64xf32, #tile.acc>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %l = "test.tile"() : () -> tensor<64x4xf32, #tile.lanes>
  // expected-error @below {{'tile.reduce' op expected a #tile.row result from a #tile.lanes tile}}
  %r = tile.reduce <add> %l : tensor<64x4xf32, #tile.lanes> -> tensor<64x4xf32, #tile.lanes>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %s = "test.tile"() : () -> tensor<64x64xf32, #tile.acc>
  // expected-error @below {{'tile.reduce' op expected a result with a value per row of 'tensor<64x64xf32, #tile.acc>', got 'tensor<128xf32, #tile.row>'}}
  %r = tile.reduce <add> %s : tensor<64x64xf32, #tile.acc> -> tensor<128xf32, #tile.row>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %s = "test.tile"() : () -> tensor<64x64xi32, #tile.acc>
  // expected-error @below {{'tile.reduce' op expected a tile of floats, got 'tensor<64x64xi32, #tile.acc>'}}
  %r = tile.reduce <add> %s : tensor<64x64xi32, #tile.acc> -> tensor<64xi32, #tile.row>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %s = "test.tile"() : () -> tensor<128xf32, #tile.row>
  // expected-error @below {{'tile.broadcast' op cannot broadcast 'tensor<128xf32, #tile.row>' to 'tensor<64x64xf32, #tile.acc>'}}
  %r = tile.broadcast %s : tensor<128xf32, #tile.row> -> tensor<64x64xf32, #tile.acc>
  tile.return
}

// -----

// A value per column has no place in lanes.
tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %s = "test.tile"() : () -> tensor<8xf32, #tile.col>
  // expected-error @below {{'tile.broadcast' op cannot broadcast 'tensor<8xf32, #tile.col>' to 'tensor<64x4xf32, #tile.lanes>'}}
  %r = tile.broadcast %s : tensor<8xf32, #tile.col> -> tensor<64x4xf32, #tile.lanes>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'tile.broadcast' op cannot broadcast 'index' to 'tensor<64xf32, #tile.row>'}}
  %r = tile.broadcast %c0 : index -> tensor<64xf32, #tile.row>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  // expected-error @below {{'tile.iota' op expected a tile of index or f32, got 'tensor<64xi32, #tile.row>'}}
  %r = tile.iota %c0 : tensor<64xi32, #tile.row>
  tile.return
}

// -----

tile.kernel @kernel()
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %c0 = arith.constant 0 : index
  %s = "test.tile"() : () -> tensor<64x64xf32, #tile.acc>
  // expected-error @below {{'tile.convert' op expected to round f32 to f16 or bf16 in the source's shape, got 'tensor<64x64xf32, #tile.acc>' to 'tensor<64x64xi16, #tile.acc>'}}
  %r = tile.convert %s : tensor<64x64xf32, #tile.acc> -> tensor<64x64xi16, #tile.acc>
  tile.return
}

// -----

tile.kernel @kernel(%a: !tile.desc<64x64xf16>, %o: !tile.view<16x?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  tile.return
}

func.func @host(%a: tensor<?x?xf16>, %o: tensor<16x?xf32>, %p: tensor<8x?xf32>, %n: index) {
  // expected-error @below {{'tile.launch' op expected a kernel named @other}}
  tile.launch @other() work(%n) : () -> ()
  return
}

// -----

tile.kernel @kernel(%a: !tile.desc<64x64xf16>, %o: !tile.view<16x?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  tile.return
}

func.func @host(%a: tensor<?x?xf16>, %o: tensor<16x?xf32>, %p: tensor<8x?xf32>, %n: index) {
  // expected-error @below {{'tile.launch' op expected 2 operands, got 1}}
  tile.launch @kernel(%a) work(%n) : (tensor<?x?xf16>) -> ()
  return
}

// -----

tile.kernel @kernel(%a: !tile.desc<64x64xf16>, %o: !tile.view<16x?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  tile.return
}

func.func @host(%a: tensor<?x?xf16>, %o: tensor<16x?xf32>, %p: tensor<8x?xf32>, %n: index) {
  // expected-error @below {{'tile.launch' op expected operand 0 to fit '!tile.desc<64x64xf16>', got 'tensor<16x?xf32>'}}
  %r = tile.launch @kernel(%o, %o) work(%n)
      : (tensor<16x?xf32>, tensor<16x?xf32>) -> tensor<16x?xf32>
  return
}

// -----

tile.kernel @kernel(%a: !tile.desc<64x64xf16>, %o: !tile.view<16x?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  tile.return
}

func.func @host(%a: tensor<?x?xf16>, %o: tensor<16x?xf32>, %p: tensor<8x?xf32>, %n: index) {
  // expected-error @below {{'tile.launch' op expected operand 1 to fit '!tile.view<16x?xf32>', got 'tensor<8x?xf32>'}}
  %r = tile.launch @kernel(%a, %p) work(%n)
      : (tensor<?x?xf16>, tensor<8x?xf32>) -> tensor<8x?xf32>
  return
}

// -----

tile.kernel @kernel(%a: !tile.desc<64x64xf16>, %o: !tile.view<16x?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  tile.return
}

func.func @host(%a: tensor<?x?xf16>, %o: tensor<16x?xf32>, %p: tensor<8x?xf32>, %n: index) {
  // expected-error @below {{'tile.launch' op expected result 0 to have the type of operand 1, 'tensor<16x?xf32>'}}
  tile.launch @kernel(%a, %o) work(%n) : (tensor<?x?xf16>, tensor<16x?xf32>) -> ()
  return
}

// -----

tile.kernel @kernel(%a: !tile.desc<64x64xf16>, %o: !tile.view<16x?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  tile.return
}

func.func @host(%a: tensor<?x?xf16>, %o: tensor<16x?xf32>, %p: tensor<8x?xf32>, %n: index) {
  // expected-error @below {{'tile.launch' op expected 1 results, got 2}}
  %r:2 = tile.launch @kernel(%a, %o) work(%n)
      : (tensor<?x?xf16>, tensor<16x?xf32>) -> (tensor<16x?xf32>, tensor<16x?xf32>)
  return
}
