// RWKV-4's time mixing: a mean of the values v, of which those at age n have the weight exp(n w + k), and the present
// one exp(u + k). Exponents are relative to the greatest one, so keys of any size are fine.

func.func @main(%w: tensor<768xf32> {longwing.name = "w"},
                %u: tensor<768xf32> {longwing.name = "u"},
                %k: tensor<?x?x768xbf16> {longwing.name = "k"},
                %v: tensor<?x?x768xbf16> {longwing.name = "v"})
    -> (tensor<?x?x768xbf16> {longwing.name = "y"},
        tensor<?x3x768xf32> {longwing.name = "last"}) {
  %y, %last = seq.scan wkv %w, %v key(%k : tensor<?x?x768xbf16>) bonus(%u : tensor<768xf32>)
      : tensor<768xf32>, tensor<?x?x768xbf16> -> tensor<?x?x768xbf16>, tensor<?x3x768xf32>
  return %y, %last : tensor<?x?x768xbf16>, tensor<?x3x768xf32>
}
