// Mamba's sequence mixer (S6), in the sizes of mamba-130m: 1536 channels with 16 states each.
//
// Two functions, for between them stand the model's small matrix products: they make delta, b and c from the result
// of the short convolution. Time comes before channels, as those products write and read.

// u = silu(conv(x)), causal, of width 4.
func.func @conv(%x: tensor<?x?x1536xbf16> {longwing.name = "x"},
                %weights: tensor<1536x4xf32> {longwing.name = "weights"},
                %bias: tensor<1536xf32> {longwing.name = "bias"})
    -> (tensor<?x?x1536xbf16> {longwing.name = "u"}) {
  %u = seq.short_conv causal %x, %weights taps last bias(%bias : tensor<1536xf32>) {axis = 1 : i64, silu}
      : tensor<?x?x1536xbf16>, tensor<1536x4xf32> -> tensor<?x?x1536xbf16>
  return %u : tensor<?x?x1536xbf16>
}

// dt = softplus(delta + delta_bias);  h = exp(dt a) h + dt b u;  y = (<c, h> + skip u) silu(z).
//
// The state goes in and comes out. A sequence can so be read in parts, and generation is a part of length 1.
func.func @main(%u: tensor<?x?x1536xbf16> {longwing.name = "u"},
                %delta: tensor<?x?x1536xbf16> {longwing.name = "delta"},
                %a: tensor<1536x16xf32> {longwing.name = "a"},
                %b: tensor<?x?x1x16xbf16> {longwing.name = "b"},
                %c: tensor<?x?x1x16xbf16> {longwing.name = "c"},
                %skip: tensor<1536xf32> {longwing.name = "skip"},
                %z: tensor<?x?x1536xbf16> {longwing.name = "z"},
                %delta_bias: tensor<1536xf32> {longwing.name = "delta_bias"},
                %state: tensor<?x1536x16xf32> {longwing.name = "state"})
    -> (tensor<?x?x1536xbf16> {longwing.name = "y"},
        tensor<?x1536x16xf32> {longwing.name = "last"}) {
  %y, %last = seq.selective_scan %u, %delta, %a, %b, %c skip(%skip : tensor<1536xf32>)
      gate(%z : tensor<?x?x1536xbf16>) bias(%delta_bias : tensor<1536xf32>)
      init(%state : tensor<?x1536x16xf32>) {softplus}
      : tensor<?x?x1536xbf16>, tensor<?x?x1536xbf16>, tensor<1536x16xf32>, tensor<?x?x1x16xbf16>,
        tensor<?x?x1x16xbf16> -> tensor<?x?x1536xbf16>, tensor<?x1536x16xf32>
  return %y, %last : tensor<?x?x1536xbf16>, tensor<?x1536x16xf32>
}
