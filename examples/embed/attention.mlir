// Causal attention of 4 query heads, which share 2 key heads, for any batch and length.

func.func @attention(%q: tensor<?x4x?x64xbf16> {longwing.name = "q"},
                     %k: tensor<?x2x?x64xbf16> {longwing.name = "k"},
                     %v: tensor<?x2x?x64xbf16> {longwing.name = "v"})
    -> (tensor<?x4x?x64xbf16> {longwing.name = "o"}) {
  %o = seq.attention %q, %k, %v {causal}
      : tensor<?x4x?x64xbf16>, tensor<?x2x?x64xbf16>, tensor<?x2x?x64xbf16> -> tensor<?x4x?x64xbf16>
  return %o : tensor<?x4x?x64xbf16>
}
