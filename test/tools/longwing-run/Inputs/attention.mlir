func.func @main(%q: tensor<?x2x?x16xbf16> {longwing.name = "q"}, %k: tensor<?x2x?x16xbf16> {longwing.name = "k"},
                %v: tensor<?x2x?x16xbf16> {longwing.name = "v"})
    -> (tensor<?x2x?x16xbf16> {longwing.name = "o"}, tensor<?x2x?xf32> {longwing.name = "lse"}) {
  %o, %lse = seq.attention %q, %k, %v
      : tensor<?x2x?x16xbf16>, tensor<?x2x?x16xbf16>, tensor<?x2x?x16xbf16> -> tensor<?x2x?x16xbf16>, tensor<?x2x?xf32>
  return %o, %lse : tensor<?x2x?x16xbf16>, tensor<?x2x?xf32>
}
