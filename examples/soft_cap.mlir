// Causal attention whose scores are softly capped at +-30: 30 tanh(score / 30).

func.func @main(%q: tensor<?x8x?x128xbf16> {longwing.name = "q"},
                %k: tensor<?x8x?x128xbf16> {longwing.name = "k"},
                %v: tensor<?x8x?x128xbf16> {longwing.name = "v"})
    -> (tensor<?x8x?x128xbf16> {longwing.name = "o"}) {
  %cap = arith.constant 30.0 : f32
  %inverse = arith.constant 0.0333333333 : f32
  %o = seq.attention %q, %k, %v {causal}
      : tensor<?x8x?x128xbf16>, tensor<?x8x?x128xbf16>, tensor<?x8x?x128xbf16> -> tensor<?x8x?x128xbf16>
    score {
    ^bb0(%score: f32, %batch: index, %head: index, %i: index, %j: index):
      %scaled = arith.mulf %score, %inverse : f32
      %bounded = math.tanh %scaled : f32
      %capped = arith.mulf %bounded, %cap : f32
      seq.yield %capped : f32
    }
  return %o : tensor<?x8x?x128xbf16>
}
