// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-specialize))" --split-input-file --verify-diagnostics

!desc = !tile.desc<1x8x64xbf16>
!row = tensor<32xf32, #tile.channel<lanes = 1>>
// expected-error @below {{expected 'tile.cluster' to be 1 to 8, got 16}}
tile.kernel @members(%x: !desc)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 104, persistent = false, overlap = false>
    attributes {tile.cluster = 16 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h0 = arith.constant dense<0.0> : !row
  %n = tile.dim %x, 1 : !desc
  tile.foreach in (%n) {
  ^bb0(%b: index):
    
    %h = scf.for %i = %c0 to %n step %c1 iter_args(%state = %h0) -> !row {
      %before, %after = tile.chain(%state) over(%h0) : !row {
      ^bb0(%s: !row, %p: !row):
        tile.yield %p : !row
      }
      scf.yield %after : !row
    } {tile.dealt}
    tile.return
  }
  tile.return
}

// -----

!desc = !tile.desc<1x8x64xbf16>
!row = tensor<32xf32, #tile.channel<lanes = 1>>
// expected-error @below {{and not to be persistent}}
tile.kernel @persistent(%x: !desc)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 104, persistent = true, overlap = false>
    attributes {tile.cluster = 2 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h0 = arith.constant dense<0.0> : !row
  %n = tile.dim %x, 1 : !desc
  tile.foreach in (%n) {
  ^bb0(%b: index):
    
    %h = scf.for %i = %c0 to %n step %c1 iter_args(%state = %h0) -> !row {
      %before, %after = tile.chain(%state) over(%h0) : !row {
      ^bb0(%s: !row, %p: !row):
        tile.yield %p : !row
      }
      scf.yield %after : !row
    } {tile.dealt}
    tile.return
  }
  tile.return
}

// -----

// A value that goes from one iteration to the next by itself.

!desc = !tile.desc<1x8x64xbf16>
!row = tensor<32xf32, #tile.channel<lanes = 1>>

tile.kernel @around(%x: !desc)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 104, persistent = false, overlap = false>
    attributes {tile.cluster = 2 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h0 = arith.constant dense<0.0> : !row
  %n = tile.dim %x, 1 : !desc
  tile.foreach in (%n) {
  ^bb0(%b: index):
    // expected-error @below {{its values to pass through a tile.chain of its own}}
    %h = scf.for %i = %c0 to %n step %c1 iter_args(%state = %h0) -> !row {
      %before, %after = tile.chain(%state) over(%h0) : !row {
      ^bb0(%s: !row, %p: !row):
        tile.yield %p : !row
      }
      scf.yield %before : !row
    } {tile.dealt}
    tile.return
  }
  tile.return
}

// -----

// A chain that every CTA of the cluster would pass with the same part.

!desc = !tile.desc<1x8x64xbf16>
!row = tensor<32xf32, #tile.channel<lanes = 1>>

tile.kernel @outside(%x: !desc)
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 104, persistent = false, overlap = false>
    attributes {tile.cluster = 2 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %h0 = arith.constant dense<0.0> : !row
  %n = tile.dim %x, 1 : !desc
  tile.foreach in (%n) {
  ^bb0(%b: index):
    // expected-error @below {{expected a chain between CTAs to stand in a loop that is dealt}}
    %before, %after = tile.chain(%h0) over(%h0) : !row {
      ^bb0(%s: !row, %p: !row):
        tile.yield %p : !row
      }
    tile.return
  }
  tile.return
}
