// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-check-hazards))" --split-input-file --verify-diagnostics

!ring = !tile.ring<2x64x64xbf16>
!shared = tensor<64x64xbf16, #tile.shared>
!acc = tensor<64x64xf32, #tile.acc>

tile.kernel @touched(%a: !tile.desc<64x64xbf16>)
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  %i = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  %k = tile.alloc : !ring
  tile.warp_specialize producer {
    tile.produce %k[%i] from %a[%c0, %c0] : !ring, !tile.desc<64x64xbf16>
    tile.return
  } consumer {
    %t = tile.consume %k[%i] : !ring -> !shared
    %s = tile.mma_async %t, %t : !shared, !shared -> !acc
    // expected-error @+1 {{uses the result of a product before a tile.mma_wait returns it}}
    %e = math.exp2 %s : !acc
    %w = tile.mma_wait 0(%s) : !acc
    tile.release %k[%i] : !ring
    tile.return
  }
  tile.return
}

// -----

!ring = !tile.ring<2x64x64xbf16>
!shared = tensor<64x64xbf16, #tile.shared>
!acc = tensor<64x64xf32, #tile.acc>

tile.kernel @released(%a: !tile.desc<64x64xbf16>)
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  %i = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  %k = tile.alloc : !ring
  tile.warp_specialize producer {
    tile.produce %k[%i] from %a[%c0, %c0] : !ring, !tile.desc<64x64xbf16>
    tile.return
  } consumer {
    %t = tile.consume %k[%i] : !ring -> !shared
    %s = tile.mma_async %t, %t : !shared, !shared -> !acc
    // expected-error @+1 {{releases a slot while a product reads it}}
    tile.release %k[%i] : !ring
    %w = tile.mma_wait 0(%s) : !acc
    tile.return
  }
  tile.return
}

// -----

!acc = tensor<64x64xf32, #tile.acc>
!frag = tensor<64x64xbf16, #tile.a_frag>
!ring = !tile.ring<2x64x64xbf16>
!shared = tensor<64x64xbf16, #tile.shared>

tile.kernel @overwritten(%a: !tile.desc<64x64xbf16>)
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  %i = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  %x = arith.constant dense<1.0> : !acc
  %k = tile.alloc : !ring
  tile.warp_specialize producer {
    tile.produce %k[%i] from %a[%c0, %c0] : !ring, !tile.desc<64x64xbf16>
    tile.return
  } consumer {
    %t = tile.consume %k[%i] : !ring -> !shared
    %p = tile.convert %x : !acc -> !frag
    %s = tile.mma_async %p, %t : !frag, !shared -> !acc
    // expected-error @+1 {{writes a register operand while a product reads one}}
    %q = tile.convert %x : !acc -> !frag
    %w = tile.mma_wait 0(%s) : !acc
    tile.release %k[%i] : !ring
    tile.return
  }
  tile.return
}

// -----

!ring = !tile.ring<2x64x64xbf16>
!shared = tensor<64x64xbf16, #tile.shared>

tile.kernel @deadlock(%a: !tile.desc<64x64xbf16>)
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  %i = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{this ring would deadlock: the producer fills it as 's', the consumers empty it as 'ss' (s: a slot, (): a loop, {|}: a branch)}}
  %k = tile.alloc : !ring
  tile.warp_specialize producer {
    tile.produce %k[%i] from %a[%c0, %c0] : !ring, !tile.desc<64x64xbf16>
    tile.return
  } consumer {
    %t = tile.consume %k[%i] : !ring -> !shared
    tile.release %k[%i] : !ring
    %u = tile.consume %k[%i] : !ring -> !shared
    tile.release %k[%i] : !ring
    tile.return
  }
  tile.return
}

// -----

!ring = !tile.ring<2x64x64xbf16>
!shared = tensor<64x64xbf16, #tile.shared>

tile.kernel @kept(%a: !tile.desc<64x64xbf16>)
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  %i = arith.constant 0 : i32
  %c0 = arith.constant 0 : index
  %k = tile.alloc : !ring
  tile.warp_specialize producer {
    tile.produce %k[%i] from %a[%c0, %c0] : !ring, !tile.desc<64x64xbf16>
    tile.return
  } consumer {
    // expected-error @+1 {{expected the slot to be released once behind its use, got 0 releases}}
    %t = tile.consume %k[%i] : !ring -> !shared
    tile.return
  }
  tile.return
}

// -----

!ring = !tile.ring<2x64x64xbf16>
!shared = tensor<64x64xbf16, #tile.shared>

// The third tile would have to go where the first one still is.
tile.kernel @held(%a: !tile.desc<64x64xbf16>)
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  %i0 = arith.constant 0 : i32
  %i1 = arith.constant 1 : i32
  %i2 = arith.constant 2 : i32
  %c0 = arith.constant 0 : index
  %k = tile.alloc : !ring
  tile.warp_specialize producer {
    tile.produce %k[%i0] from %a[%c0, %c0] : !ring, !tile.desc<64x64xbf16>
    tile.produce %k[%i1] from %a[%c0, %c0] : !ring, !tile.desc<64x64xbf16>
    tile.produce %k[%i2] from %a[%c0, %c0] : !ring, !tile.desc<64x64xbf16>
    tile.return
  } consumer {
    %t0 = tile.consume %k[%i0] : !ring -> !shared
    %t1 = tile.consume %k[%i1] : !ring -> !shared
    // expected-error @+1 {{this ring would deadlock: all of its 2 slots are held where another one is waited for}}
    %t2 = tile.consume %k[%i2] : !ring -> !shared
    tile.release %k[%i0] : !ring
    tile.release %k[%i1] : !ring
    tile.release %k[%i2] : !ring
    tile.return
  }
  tile.return
}
