// Every clause of the recurrences once, and what seq-rewrite-scans looks for.

func.func @selective(%u: tensor<1x?x8xbf16>, %a: tensor<8x16x2xf32>, %b: tensor<1x?x2x16x2xbf16>, %c: tensor<8x16x2xf32>,
                     %d: tensor<8xf32>, %h0: tensor<3x8x16x2xf32>, %offsets: tensor<4xi32>)
    -> (tensor<1x?x8xbf16>, tensor<3x8x16x2xf32>) {
  %y, %last = seq.selective_scan %u, %u, %a, %b, %c skip(%d : tensor<8xf32>) gate(%u : tensor<1x?x8xbf16>)
      bias(%d : tensor<8xf32>) init(%h0 : tensor<3x8x16x2xf32>) offsets(%offsets : tensor<4xi32>)
      {softplus, complex, reverse}
      : tensor<1x?x8xbf16>, tensor<1x?x8xbf16>, tensor<8x16x2xf32>, tensor<1x?x2x16x2xbf16>, tensor<8x16x2xf32>
      -> tensor<1x?x8xbf16>, tensor<3x8x16x2xf32>
  return %y, %last : tensor<1x?x8xbf16>, tensor<3x8x16x2xf32>
}

func.func @linear(%q: tensor<?x?x2x16xf16>, %v: tensor<?x?x4x32xf16>, %w: tensor<2x16xf32>, %u: tensor<4x16xf32>,
                  %d: tensor<4xf32>, %s0: tensor<?x4x16x32xf32>) -> (tensor<?x?x4x32xf16>, tensor<?x4x16x32xf32>) {
  %o, %last = seq.linear_attention %q, %q, %v decay(%w : tensor<2x16xf32>) bonus(%u : tensor<4x16xf32>)
      skip(%d : tensor<4xf32>) gate(%v : tensor<?x?x4x32xf16>) init(%s0 : tensor<?x4x16x32xf32>) {scale = 0.25 : f64}
      : tensor<?x?x2x16xf16>, tensor<?x?x2x16xf16>, tensor<?x?x4x32xf16> -> tensor<?x?x4x32xf16>, tensor<?x4x16x32xf32>
  return %o, %last : tensor<?x?x4x32xf16>, tensor<?x4x16x32xf32>
}

func.func @heads(%u: tensor<2x64x8xbf16>, %dt: tensor<2x64x2xf32>, %b: tensor<2x64x1x16xbf16>) -> tensor<2x64x8xbf16> {
  %many = tensor.empty() : tensor<2x64x2x4xf32>
  %wide = linalg.broadcast ins(%dt : tensor<2x64x2xf32>) outs(%many : tensor<2x64x2x4xf32>) dimensions = [3]
  %delta = tensor.collapse_shape %wide [[0], [1], [2, 3]] : tensor<2x64x2x4xf32> into tensor<2x64x8xf32>
  %a = arith.constant dense<-1.0> : tensor<8x16xf32>
  %y = seq.selective_scan %u, %delta, %a, %b, %b {softplus}
      : tensor<2x64x8xbf16>, tensor<2x64x8xf32>, tensor<8x16xf32>, tensor<2x64x1x16xbf16>, tensor<2x64x1x16xbf16>
      -> tensor<2x64x8xbf16>
  return %y : tensor<2x64x8xbf16>
}

func.func @scans(%x: tensor<1x64x8xf32>, %w: tensor<8xf32>) -> (tensor<1x64x8xf32>, tensor<1x64x8xf32>) {
  %a = arith.constant dense<0.0625> : tensor<8xf32>
  %offsets = arith.constant dense<[0, 5, 64]> : tensor<3xi64>
  %h = seq.scan linear %a, %x : tensor<8xf32>, tensor<1x64x8xf32> -> tensor<1x64x8xf32>
  %y = seq.scan wkv %w, %h key(%x : tensor<1x64x8xf32>) bonus(%w : tensor<8xf32>) offsets(%offsets : tensor<3xi64>)
      : tensor<8xf32>, tensor<1x64x8xf32> -> tensor<1x64x8xf32>
  return %h, %y : tensor<1x64x8xf32>, tensor<1x64x8xf32>
}
