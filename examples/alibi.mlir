// Causal attention with linear biases (ALiBi): head h adds -slope[h] * (i - j) to the score of query i and
// key j. The slopes are an argument, read inside the score region; no [S, S] tensor of biases is ever made.

func.func @main(%q: tensor<?x16x?x64xbf16> {longwing.name = "q"},
                %k: tensor<?x16x?x64xbf16> {longwing.name = "k"},
                %v: tensor<?x16x?x64xbf16> {longwing.name = "v"},
                %slopes: tensor<16xf32> {longwing.name = "slopes"})
    -> (tensor<?x16x?x64xbf16> {longwing.name = "o"}) {
  %o = seq.attention %q, %k, %v {causal}
      : tensor<?x16x?x64xbf16>, tensor<?x16x?x64xbf16>, tensor<?x16x?x64xbf16> -> tensor<?x16x?x64xbf16>
    score {
    ^bb0(%score: f32, %batch: index, %head: index, %i: index, %j: index):
      %slope = tensor.extract %slopes[%head] : tensor<16xf32>
      %offset = arith.subi %j, %i : index
      %offset_i32 = arith.index_cast %offset : index to i32
      %offset_f32 = arith.sitofp %offset_i32 : i32 to f32
      %bias = arith.mulf %slope, %offset_f32 : f32
      %biased = arith.addf %score, %bias : f32
      seq.yield %biased : f32
    }
  return %o : tensor<?x16x?x64xbf16>
}
