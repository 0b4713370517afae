// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-allocate))" --split-input-file --verify-diagnostics | FileCheck %s

// Tiles stand at multiples of 1,024 bytes, the swizzle's period; barriers behind them, 16 bytes a slot.
// CHECK: tile.kernel @fits{{.*}} attributes {tile.shared_bytes = 49200 : i64}
tile.kernel @fits(%a: !tile.desc<64x64xbf16>)
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  // CHECK: tile.alloc at 0 {tile.barrier_offset = 49152 : i64} : !tile.ring<2x128x64xbf16>
  // CHECK: tile.alloc at 32768 {tile.barrier_offset = 49184 : i64} : !tile.ring<1x64x72xbf16>
  %a0 = tile.alloc : !tile.ring<2x128x64xbf16>
  %a1 = tile.alloc : !tile.ring<1x64x72xbf16>
  tile.return
}

// -----

// expected-error @+1 {{the kernel needs 262160 bytes of SRAM, more than the 232448 of a multiprocessor}}
tile.kernel @large(%a: !tile.desc<64x64xbf16>)
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  %a0 = tile.alloc : !tile.ring<1x1024x128xbf16>
  tile.return
}
