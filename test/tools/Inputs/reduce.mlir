func.func @unrelated(%x: f32) -> f32 {
  %y = arith.addf %x, %x : f32
  return %y : f32
}
func.func @kept(%q: tensor<1x1x8x64xf16>) -> tensor<1x1x8x64xf16> {
  %o = seq.attention %q, %q, %q
      : tensor<1x1x8x64xf16>, tensor<1x1x8x64xf16>, tensor<1x1x8x64xf16> -> tensor<1x1x8x64xf16>
  return %o : tensor<1x1x8x64xf16>
}
