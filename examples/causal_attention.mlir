// Causal attention of a language model, with the log-sum-exp of every row as a second result.
//
// Query i sees the keys j <= i + Sk - Sq: the last query sees every key, also when there are fewer queries
// than keys, as when a model goes on from a prefix.

func.func @main(%q: tensor<?x16x?x128xbf16> {longwing.name = "q"},
                %k: tensor<?x16x?x128xbf16> {longwing.name = "k"},
                %v: tensor<?x16x?x128xbf16> {longwing.name = "v"})
    -> (tensor<?x16x?x128xbf16> {longwing.name = "o"}, tensor<?x16x?xf32> {longwing.name = "lse"}) {
  %o, %lse = seq.attention %q, %k, %v {causal}
      : tensor<?x16x?x128xbf16>, tensor<?x16x?x128xbf16>, tensor<?x16x?x128xbf16>
      -> tensor<?x16x?x128xbf16>, tensor<?x16x?xf32>
  return %o, %lse : tensor<?x16x?x128xbf16>, tensor<?x16x?xf32>
}
