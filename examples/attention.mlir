// Multi-head attention: o = softmax(q k^T / sqrt(128)) v for every batch and head.
//
// The number of heads and their width are known when the kernel is compiled. The batch and both lengths are
// not ("?"): one kernel serves every size.

func.func @main(%q: tensor<?x16x?x128xbf16> {longwing.name = "q"},
                %k: tensor<?x16x?x128xbf16> {longwing.name = "k"},
                %v: tensor<?x16x?x128xbf16> {longwing.name = "v"})
    -> (tensor<?x16x?x128xbf16> {longwing.name = "o"}) {
  %o = seq.attention %q, %k, %v
      : tensor<?x16x?x128xbf16>, tensor<?x16x?x128xbf16>, tensor<?x16x?x128xbf16> -> tensor<?x16x?x128xbf16>
  return %o : tensor<?x16x?x128xbf16>
}
