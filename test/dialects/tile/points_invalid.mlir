// RUN: longwing-opt %s --split-input-file --verify-diagnostics

tile.kernel @no_points(%x: !tile.view<4xf32>) schedule <consumers = 2, producer_registers = 0,
    consumer_registers = 64, persistent = false, overlap = false> {
  // expected-error @below {{expected a kernel with the attribute 'tile.points'}}
  %m = tile.elements %x : !tile.view<4xf32> -> memref<4xf32, strided<[?], offset: ?>>
  tile.return
}

// -----

tile.kernel @layout(%x: !tile.view<4xf32>) schedule <consumers = 2, producer_registers = 0,
    consumer_registers = 64, persistent = false, overlap = false> attributes {tile.points = 1} {
  // expected-error @below {{expected memory of type 'memref<4xf32, strided<[?], offset: ?>>', got 'memref<4xf32>'}}
  %m = tile.elements %x : !tile.view<4xf32> -> memref<4xf32>
  tile.return
}
