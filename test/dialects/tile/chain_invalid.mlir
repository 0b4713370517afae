// RUN: longwing-opt %s --split-input-file --verify-diagnostics

// Each constraint of tile.chain broken once.

!row = tensor<128xf32, #tile.channel<lanes = 1>>
func.func @no_part(%h: !row) {
  // expected-error @below {{(C1) expected at least one state and one part}}
  %r:2 = tile.chain(%h) over() : !row {
  ^bb0(%s: !row):
    tile.yield %s : !row
  }
  return
}

// -----

!rows = tensor<8x128xf32, #tile.channel<lanes = 1>>
func.func @rows(%h: !rows) {
  // expected-error @below {{(C1) expected a [C] tile of f32, got 'tensor<8x128xf32}}
  %r:2 = tile.chain(%h) over(%h) : !rows {
  ^bb0(%s: !rows, %a: !rows):
    tile.yield %s : !rows
  }
  return
}

// -----

!row = tensor<128xf32, #tile.channel<lanes = 1>>
!wide = tensor<256xf32, #tile.channel<lanes = 1>>
func.func @types(%h: !row, %w: !wide) {
  // expected-error @below {{(C1) expected states and parts of one type, got 'tensor<128xf32}}
  %r:2 = "tile.chain"(%h, %w) <{operandSegmentSizes = array<i32: 1, 1, 0, 0>}> ({
  ^bb0(%s: !row, %a: !wide):
    tile.yield %s : !row
  }) : (!row, !wide) -> (!row, !row)
  return
}

// -----

!row = tensor<128xf32, #tile.channel<lanes = 1>>
func.func @results(%h: !row) {
  // expected-error @below {{(C2) expected two results of 'tensor<128xf32}}
  %r = "tile.chain"(%h, %h) <{operandSegmentSizes = array<i32: 1, 1, 0, 0>}> ({
  ^bb0(%s: !row, %a: !row):
    tile.yield %s : !row
  }) : (!row, !row) -> !row
  return
}

// -----

!row = tensor<128xf32, #tile.channel<lanes = 1>>
func.func @region(%h: !row) {
  // expected-error @below {{(C3) expected a region that takes 2 tiles of 'tensor<128xf32}}
  %r:2 = tile.chain(%h) over(%h) : !row {
  ^bb0(%s: !row):
    tile.yield %s : !row
  }
  return
}

// -----

!row = tensor<128xf32, #tile.channel<lanes = 1>>
func.func @mail(%h: !row, %round: index) {
  // expected-error @below {{(C4) expected a round with the mail}}
  %r:2 = "tile.chain"(%h, %h, %round) <{operandSegmentSizes = array<i32: 1, 1, 0, 1>}> ({
  ^bb0(%s: !row, %a: !row):
    tile.yield %s : !row
  }) : (!row, !row, index) -> (!row, !row)
  return
}

// -----

!row = tensor<128xf32, #tile.channel<lanes = 1>>
!mail = !tile.mail<members = 8, threads = 32, values = 3>
func.func @values(%h: !row, %round: index) {
  %m = tile.alloc : !mail
  // expected-error @below {{(C4) expected mail of values for each of 2 parts, got '!tile.mail}}
  %r:2 = tile.chain(%h) over(%h, %h) through %m[%round] : !mail : !row {
  ^bb0(%s: !row, %a: !row, %b: !row):
    tile.yield %s : !row
  }
  return
}
