// RUN: longwing-opt %s --tile-to-cpu --split-input-file --verify-diagnostics

tile.kernel @specialised(%in: !tile.desc<64x64xf16>)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240,
              persistent = false, overlap = false> {
  // expected-error @below {{'tile.alloc' op belongs to the specialised form; expected a kernel in sequential form}}
  %ring = tile.alloc : !tile.ring<2x64x64xf16>
  tile.return
}
