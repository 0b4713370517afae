// Grouped-query attention over a sliding window: 32 query heads share 8 key heads, four by four, and a query
// sees itself and the 4,095 tokens before it.

func.func @main(%q: tensor<?x32x?x128xbf16> {longwing.name = "q"},
                %k: tensor<?x8x?x128xbf16> {longwing.name = "k"},
                %v: tensor<?x8x?x128xbf16> {longwing.name = "v"})
    -> (tensor<?x32x?x128xbf16> {longwing.name = "o"}) {
  %o = seq.attention %q, %k, %v {window = array<i64: 4095, 0>}
      : tensor<?x32x?x128xbf16>, tensor<?x8x?x128xbf16>, tensor<?x8x?x128xbf16> -> tensor<?x32x?x128xbf16>
  return %o : tensor<?x32x?x128xbf16>
}
