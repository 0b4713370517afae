// RWKV-6's time mixing: linear attention in which each key channel has its own decay at each step, made from the
// data. The output sees the state before this step's decay, and the present through the bonus u:
//
//   o[t] = r[t]^T (S[t-1] + diag(u) k[t] v[t]^T),    S[t] = diag(exp(w[t])) S[t-1] + k[t] v[t]^T
//
// w is a logarithm, at most 0: RWKV's own is -exp of what its layers give.

func.func @main(%r: tensor<?x?x12x64xbf16> {longwing.name = "r"},
                %k: tensor<?x?x12x64xbf16> {longwing.name = "k"},
                %v: tensor<?x?x12x64xbf16> {longwing.name = "v"},
                %w: tensor<?x?x12x64xf32> {longwing.name = "w"},
                %u: tensor<12x64xf32> {longwing.name = "u"})
    -> (tensor<?x?x12x64xbf16> {longwing.name = "o"},
        tensor<?x12x64x64xf32> {longwing.name = "last"}) {
  %o, %last = seq.linear_attention %r, %k, %v decay(%w : tensor<?x?x12x64xf32>) bonus(%u : tensor<12x64xf32>)
      : tensor<?x?x12x64xbf16>, tensor<?x?x12x64xbf16>, tensor<?x?x12x64xbf16>
      -> tensor<?x?x12x64xbf16>, tensor<?x12x64x64xf32>
  return %o, %last : tensor<?x?x12x64xbf16>, tensor<?x12x64x64xf32>
}
