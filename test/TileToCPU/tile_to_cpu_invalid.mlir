// RUN: longwing-opt %s --tile-to-cpu --split-input-file --verify-diagnostics

tile.kernel @specialised(%in: !tile.desc<64x64xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  // expected-error @below {{'tile.alloc' op belongs to the specialised form; expected a kernel in sequential form}}
  %ring = tile.alloc : !tile.ring<2x64x64xf16>
  tile.return
}

// -----

tile.kernel @integers(%in: !tile.desc<64x64xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  %t = arith.constant dense<1> : tensor<64x64xi32, #tile.acc>
  // expected-error @below {{failed to legalize operation 'tile.reduce'}}
  %sum = tile.reduce <add> %t : tensor<64x64xi32, #tile.acc> -> tensor<64xi32, #tile.row>
  tile.return
}
