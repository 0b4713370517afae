// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-stagger))" --split-input-file --verify-diagnostics

// expected-error @below {{expected one tile.foreach to stagger, got 0}}
tile.kernel @empty()
    schedule <consumers = 4, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = true>
    attributes {tile.stagger = 1 : i64} {
  tile.return
}

// -----

// expected-error @below {{expected 'tile.stagger' to be 1 or 2, got 3}}
tile.kernel @lag()
    schedule <consumers = 4, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = true>
    attributes {tile.stagger = 3 : i64} {
  tile.return
}

// -----

tile.kernel @stages(%in: !tile.desc<1x64x64xf16>)
    schedule <consumers = 4, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = true>
    attributes {tile.stagger = 1 : i64} {
  %zero = arith.constant 0 : index
  %count = tile.dim %in, 0 : !tile.desc<1x64x64xf16>
  tile.foreach in(%count) {
  ^bb0(%i: index):
    // expected-error @below {{expected the stages to divide 4 and to be at least 1 at a lag of 1, got 3}}
    %x = tile.load %in[%i, %zero, %zero] stages 3 : !tile.desc<1x64x64xf16> -> tensor<64x64xf16, #tile.shared>
  }
  tile.return
}

// -----

tile.kernel @crosses(%in: !tile.view<?xf16>, %out: !tile.view<?xf16> {tile.out})
    schedule <consumers = 4, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = true>
    attributes {tile.stagger = 1 : i64} {
  %count = tile.dim %in, 0 : !tile.view<?xf16>
  tile.foreach in(%count) {
  ^bb0(%i: index):
    %m = tile.pull %in[%i : index] : !tile.view<?xf16> -> tensor<16x16x16xf16, #tile.frag>
    %a, %b = tile.exchange %m, %m permutation [1, 0, 2] : tensor<16x16x16xf16, #tile.frag> -> tensor<16x16x16xf16, #tile.frag>
    // expected-error @below {{expected a tile to be used in the phase that makes it, between two exchanges}}
    %s = arith.addf %a, %m : tensor<16x16x16xf16, #tile.frag>
    tile.place %s, %out[%i : index] : tensor<16x16x16xf16, #tile.frag>, !tile.view<?xf16>
  }
  tile.return
}

// -----

tile.kernel @one_way(%in: !tile.view<?xf16>, %out: !tile.view<?xf16> {tile.out})
    schedule <consumers = 4, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = false>
    attributes {tile.stagger = 1 : i64, tile.in_place} {
  %count = tile.dim %in, 0 : !tile.view<?xf16>
  // expected-error @below {{expected as many exchanges back as there, in three phases, to work in place}}
  tile.foreach in(%count) {
  ^bb0(%i: index):
    %m = tile.pull %in[%i : index] : !tile.view<?xf16> -> tensor<16x16x16xf16, #tile.frag>
    %a, %b = tile.exchange %m, %m permutation [1, 0, 2] : tensor<16x16x16xf16, #tile.frag> -> tensor<16x16x16xf16, #tile.frag>
    %s = arith.addf %a, %b : tensor<16x16x16xf16, #tile.frag>
    tile.place %s, %out[%i : index] : tensor<16x16x16xf16, #tile.frag>, !tile.view<?xf16>
  }
  tile.return
}

// -----

// One slot is not enough for strips: threads write to it while others read.

tile.kernel @strips(%in: !tile.view<?x4000xf16>)
    schedule <consumers = 4, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = true>
    attributes {tile.stagger = 1 : i64} {
  %zero = arith.constant 0 : index
  %count = tile.dim %in, 0 : !tile.view<?x4000xf16>
  %whole = tile.whole %in : !tile.view<?x4000xf16>
  tile.foreach in(%count) {
  ^bb0(%i: index):
    // expected-error @below {{expected the stages to divide 4 and to be at least 2 at a lag of 1, got 1}}
    %x = tile.load_strips %in[%i, %zero] digits [64, 1, 64] stages 1 whole %whole
        : !tile.view<?x4000xf16> -> tensor<64x64xf16, #tile.shared>
  }
  tile.return
}
