// RUN: longwing-opt %s --seq-to-tile --split-input-file --verify-diagnostics

func.func @control_flow(%q: tensor<1x8x?x128xf16>) -> tensor<1x8x?x128xf16> {
  %o = seq.attention %q, %q, %q : tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16> -> tensor<1x8x?x128xf16>
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %later = arith.cmpi sgt, %j, %i : index
      // expected-error @+1 {{cannot be applied to a tile; expected element-wise operations, constants, tensor.extract or tensor.dim}}
      %x = scf.if %later -> f32 {
        scf.yield %s : f32
      } else {
        %two = arith.addf %s, %s : f32
        scf.yield %two : f32
      }
      seq.yield %x : f32
    }
  return %o : tensor<1x8x?x128xf16>
}

// -----

func.func @scalar(%q: tensor<1x8x?x128xf16>, %cap: f32) -> tensor<1x8x?x128xf16> {
  %o = seq.attention %q, %q, %q : tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16> -> tensor<1x8x?x128xf16>
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      // expected-error @+1 {{reads a value of type 'f32' from outside the region; expected a constant or a tensor}}
      %x = arith.minnumf %s, %cap : f32
      seq.yield %x : f32
    }
  return %o : tensor<1x8x?x128xf16>
}
