// RUN: longwing-opt %s --seq-make-step --split-input-file --verify-diagnostics

!x = tensor<?x?x8xf32>

func.func @backwards(%x: !x) -> !x {
  // expected-error @+1 {{'seq.scan' op has no step: it sees positions that follow}}
  %y = seq.scan linear %x, %x {reverse} : !x, !x -> !x
  return %y : !x
}

// -----

!x = tensor<?x?x8xf32>

func.func @centred(%x: !x, %w: tensor<8x3xf32>) -> !x {
  // expected-error @+1 {{'seq.short_conv' op has no step: it sees positions that follow}}
  %y = seq.short_conv centred %x, %w taps last {axis = 1 : i64} : !x, tensor<8x3xf32> -> !x
  return %y : !x
}

// -----

!x = tensor<?x?x8xf32>

func.func @packed(%x: !x, %offsets: tensor<4xi32>) -> !x {
  // expected-error @+1 {{'seq.scan' op has no step: its sequences are packed}}
  %y = seq.scan linear %x, %x offsets(%offsets : tensor<4xi32>) : !x, !x -> !x
  return %y : !x
}

// -----

!x = tensor<?x?x8xf32>
!q = tensor<1x2x?x16xf32>

func.func @attention(%x: !x, %q: !q) -> (!x, !q) {
  %y = seq.scan linear %x, %x : !x, !x -> !x
  // expected-error @+1 {{'seq.attention' op has no step: it carries no state from one position to the next}}
  %o = seq.attention %q, %q, %q : !q, !q, !q -> !q
  return %y, %o : !x, !q
}

// -----

!x = tensor<?x?x8xf32>

func.func private @inner(%x: !x) -> !x

func.func @call(%x: !x) -> !x {
  %y = seq.scan linear %x, %x : !x, !x -> !x
  // expected-error @+1 {{'func.call' op has no step: what it calls may carry a state; inline it first}}
  %z = func.call @inner(%y) : (!x) -> !x
  return %z : !x
}

// -----

!x = tensor<?x?x8xf32>

func.func @branch(%x: !x, %c: i1) -> !x {
  %y = scf.if %c -> !x {
    // expected-error @+1 {{'seq.scan' op has no step: it is within control flow}}
    %z = seq.scan linear %x, %x : !x, !x -> !x
    scf.yield %z : !x
  } else {
    scf.yield %x : !x
  }
  return %y : !x
}

// -----

!x = tensor<?x16x8xf32>

func.func @fixed(%x: !x) -> !x {
  // expected-error @+1 {{'seq.scan' op has no step: expected a length that is open, got 'tensor<?x16x8xf32>'}}
  %y = seq.scan linear %x, %x : !x, !x -> !x
  return %y : !x
}

// -----

!x = tensor<?x?x8xf32>

// expected-note @+1 {{to what it makes of this model}}
func.func @model(%x: !x) -> !x {
  %y = seq.scan linear %x, %x : !x, !x -> !x
  return %y : !x
}

// expected-error @+1 {{has the name that seq-make-step gives}}
func.func private @model_part(%x: !x) -> !x
