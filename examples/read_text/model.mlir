// One causal attention layer of a byte-level language model: 8 heads of width 128, any batch, any length.
//
// The log-sum-exp comes as a second result: exp(score - lse) are the attention weights, should one want to see them.

func.func @main(%q: tensor<?x8x?x128xbf16> {longwing.name = "q"},
                %k: tensor<?x8x?x128xbf16> {longwing.name = "k"},
                %v: tensor<?x8x?x128xbf16> {longwing.name = "v"})
    -> (tensor<?x8x?x128xbf16> {longwing.name = "o"}, tensor<?x8x?xf32> {longwing.name = "lse"}) {
  %o, %lse = seq.attention %q, %k, %v {causal}
      : tensor<?x8x?x128xbf16>, tensor<?x8x?x128xbf16>, tensor<?x8x?x128xbf16>
      -> tensor<?x8x?x128xbf16>, tensor<?x8x?xf32>
  return %o, %lse : tensor<?x8x?x128xbf16>, tensor<?x8x?xf32>
}
