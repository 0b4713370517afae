// Mamba-2's sequence mixer (SSD), in the sizes of mamba2-130m: 24 heads of 64 channels, 128 states, one group.
//
// Two functions: what `main` takes for x, b and c are views of the result of `conv`, [24 x 64 | 128 | 128] channels
// side by side. A view is what a caller makes for nothing, and every kernel reads.

// silu(conv(x, b, c)), causal, of width 4, all channels at once.
func.func @conv(%xbc: tensor<?x?x1792xbf16> {longwing.name = "xbc"},
                %weights: tensor<1792x4xf32> {longwing.name = "weights"},
                %bias: tensor<1792xf32> {longwing.name = "bias"})
    -> (tensor<?x?x1792xbf16> {longwing.name = "y"}) {
  %y = seq.short_conv causal %xbc, %weights taps last bias(%bias : tensor<1792xf32>) {axis = 1 : i64, silu}
      : tensor<?x?x1792xbf16>, tensor<1792x4xf32> -> tensor<?x?x1792xbf16>
  return %y : tensor<?x?x1792xbf16>
}

// d = softplus(dt + dt_bias);  S = exp(a d) S + d b x^T;  y = (c^T S + skip x) silu(z), for each head.
//
// b and c play keys and queries, x the values. Step sizes and decays are made in the kernel.
func.func @main(%x: tensor<?x?x24x64xbf16> {longwing.name = "x"},
                %b: tensor<?x?x1x128xbf16> {longwing.name = "b"},
                %c: tensor<?x?x1x128xbf16> {longwing.name = "c"},
                %dt: tensor<?x?x24xbf16> {longwing.name = "dt"},
                %z: tensor<?x?x24x64xbf16> {longwing.name = "z"},
                %a: tensor<24xf32> {longwing.name = "a"},
                %dt_bias: tensor<24xf32> {longwing.name = "dt_bias"},
                %skip: tensor<24xf32> {longwing.name = "skip"})
    -> (tensor<?x?x24x64xbf16> {longwing.name = "y"},
        tensor<?x24x128x64xf32> {longwing.name = "last"}) {
  %y, %last = seq.linear_attention %c, %b, %x dt(%dt : tensor<?x?x24xbf16>, %a : tensor<24xf32>)
      bias(%dt_bias : tensor<24xf32>) skip(%skip : tensor<24xf32>) gate(%z : tensor<?x?x24x64xbf16>) {softplus}
      : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x24x64xbf16>
      -> tensor<?x?x24x64xbf16>, tensor<?x24x128x64xf32>
  return %y, %last : tensor<?x?x24x64xbf16>, tensor<?x24x128x64xf32>
}
