// RUN: longwing-opt %s --canonicalize --split-input-file | FileCheck %s

!t = tensor<1x2x?x64xbf16>

// A score that is not changed and a mask that hides nothing are none.
// CHECK-LABEL: func.func @identity_regions
// CHECK: seq.attention %{{.*}}, %{{.*}}, %{{.*}} : {{.*}} -> tensor<1x2x?x64xbf16>
// CHECK-NEXT: return
func.func @identity_regions(%q: !t, %k: !t, %v: !t) -> !t {
  %o = seq.attention %q, %k, %v : !t, !t, !t -> !t
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      seq.yield %s : f32
    }
    mask {
    ^bb0(%b: index, %h: index, %i: index, %j: index):
      %true = arith.constant true
      seq.yield %true : i1
    }
  return %o : !t
}

// -----

!t = tensor<1x2x?x64xbf16>

// A region that does something stays.
// CHECK-LABEL: func.func @other_regions
// CHECK: %[[FALSE:.*]] = arith.constant false
// CHECK: score
// CHECK: arith.negf
// CHECK: mask
// CHECK: seq.yield %[[FALSE]]
func.func @other_regions(%q: !t, %k: !t, %v: !t) -> !t {
  %o = seq.attention %q, %k, %v : !t, !t, !t -> !t
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %negative = arith.negf %s : f32
      seq.yield %negative : f32
    }
    mask {
    ^bb0(%b: index, %h: index, %i: index, %j: index):
      %false = arith.constant false
      seq.yield %false : i1
    }
  return %o : !t
}

// -----

!t = tensor<1x2x?x64xbf16>

// Every window has one spelling: causal bounds the right, an open window is none.
// CHECK-LABEL: func.func @windows
func.func @windows(%q: !t, %k: !t, %v: !t) -> (!t, !t, !t, !t, !t) {
  // CHECK: seq.attention %{{.*}}, %{{.*}}, %{{.*}} :
  %open = seq.attention %q, %k, %v {window = array<i64: -1, -1>} : !t, !t, !t -> !t
  // CHECK: seq.attention %{{.*}} {causal} :
  %left_open = seq.attention %q, %k, %v {window = array<i64: -1, 0>} : !t, !t, !t -> !t
  // CHECK: seq.attention %{{.*}} {causal} :
  %causal = seq.attention %q, %k, %v {causal, window = array<i64: -1, 7>} : !t, !t, !t -> !t
  // CHECK: seq.attention %{{.*}} {causal, window = array<i64: 5, 0>} :
  %both = seq.attention %q, %k, %v {causal, window = array<i64: 5, -1>} : !t, !t, !t -> !t
  // CHECK: seq.attention %{{.*}} {window = array<i64: -1, 7>} :
  %right = seq.attention %q, %k, %v {window = array<i64: -1, 7>} : !t, !t, !t -> !t
  return %open, %left_open, %causal, %both, %right : !t, !t, !t, !t, !t
}

// -----

!t = tensor<1x2x?x64xbf16>

// CHECK-LABEL: func.func @unused_lse
// CHECK: %[[O:.*]] = seq.attention %{{.*}} {causal} : {{.*}} -> tensor<1x2x?x64xbf16>
// CHECK: score
// CHECK: return %[[O]]
func.func @unused_lse(%q: !t, %k: !t, %v: !t) -> !t {
  %o, %lse = seq.attention %q, %k, %v {causal} : !t, !t, !t -> !t, tensor<1x2x?xf32>
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %negative = arith.negf %s : f32
      seq.yield %negative : f32
    }
  return %o : !t
}

// -----

!t = tensor<1x2x?x64xbf16>

// CHECK-LABEL: func.func @unused
// CHECK-NEXT: return
func.func @unused(%q: !t, %k: !t, %v: !t) {
  %o = seq.attention %q, %k, %v : !t, !t, !t -> !t
  return
}
