// Several documents packed into one sequence: a token sees the earlier tokens of its own document. The
// document of each token is an argument, read inside the mask region.

func.func @main(%q: tensor<?x8x?x128xbf16> {longwing.name = "q"},
                %k: tensor<?x8x?x128xbf16> {longwing.name = "k"},
                %v: tensor<?x8x?x128xbf16> {longwing.name = "v"},
                %document: tensor<?x?xi32> {longwing.name = "document"})
    -> (tensor<?x8x?x128xbf16> {longwing.name = "o"}) {
  %o = seq.attention %q, %k, %v {causal}
      : tensor<?x8x?x128xbf16>, tensor<?x8x?x128xbf16>, tensor<?x8x?x128xbf16> -> tensor<?x8x?x128xbf16>
    mask {
    ^bb0(%batch: index, %head: index, %i: index, %j: index):
      %query = tensor.extract %document[%batch, %i] : tensor<?x?xi32>
      %key = tensor.extract %document[%batch, %j] : tensor<?x?xi32>
      %same = arith.cmpi eq, %query, %key : i32
      seq.yield %same : i1
    }
  return %o : tensor<?x8x?x128xbf16>
}
