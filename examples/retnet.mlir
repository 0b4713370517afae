// Retention (RetNet): linear attention whose state forgets at a fixed rate, another one for each head.
//
//   S[t] = exp(decay[h]) S[t-1] + k[t] v[t]^T,    o[t] = q[t]^T S[t] / sqrt(128)
//
// RetNet's rates are decay[h] = log(1 - 2^(-5 - h)).

func.func @main(%q: tensor<?x?x16x128xbf16> {longwing.name = "q"},
                %k: tensor<?x?x16x128xbf16> {longwing.name = "k"},
                %v: tensor<?x?x16x128xbf16> {longwing.name = "v"},
                %decay: tensor<16xf32> {longwing.name = "decay"})
    -> (tensor<?x?x16x128xbf16> {longwing.name = "o"}) {
  %o = seq.linear_attention %q, %k, %v decay(%decay : tensor<16xf32>) {scale = 0.088388347648318447 : f64}
      : tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16> -> tensor<?x?x16x128xbf16>
  return %o : tensor<?x?x16x128xbf16>
}
