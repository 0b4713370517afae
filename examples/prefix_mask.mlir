// A prefix language model: every token sees the first 256, and later ones are causal. The mask region says
// which keys a query sees; tiles that nobody sees are skipped, and tiles that everybody sees pay nothing.

func.func @main(%q: tensor<?x8x?x128xbf16> {longwing.name = "q"},
                %k: tensor<?x8x?x128xbf16> {longwing.name = "k"},
                %v: tensor<?x8x?x128xbf16> {longwing.name = "v"})
    -> (tensor<?x8x?x128xbf16> {longwing.name = "o"}) {
  %prefix = arith.constant 256 : index
  %o = seq.attention %q, %k, %v
      : tensor<?x8x?x128xbf16>, tensor<?x8x?x128xbf16>, tensor<?x8x?x128xbf16> -> tensor<?x8x?x128xbf16>
    mask {
    ^bb0(%batch: index, %head: index, %i: index, %j: index):
      %in_prefix = arith.cmpi ult, %j, %prefix : index
      %in_past = arith.cmpi ule, %j, %i : index
      %sees = arith.ori %in_prefix, %in_past : i1
      seq.yield %sees : i1
    }
  return %o : tensor<?x8x?x128xbf16>
}
