// Four sequences behind each other, with step sizes and decays as they are given.
func.func @main(%u: tensor<1x?x8xf32>, %delta: tensor<1x?x8xf32>, %a: tensor<8x4xf32>, %b: tensor<1x?x1x4xf32>,
                %q: tensor<1x?x2x4xf32>, %dt: tensor<1x?x2xf32>, %rate: tensor<2xf32>,
                %offsets: tensor<5xi32> {longwing.name = "offsets"})
    -> (tensor<1x?x8xf32> {longwing.name = "y"}, tensor<1x?x2x4xf32> {longwing.name = "o"}) {
  %y = seq.selective_scan %u, %delta, %a, %b, %b offsets(%offsets : tensor<5xi32>)
      : tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<8x4xf32>, tensor<1x?x1x4xf32>, tensor<1x?x1x4xf32>
      -> tensor<1x?x8xf32>
  %o = seq.linear_attention %q, %q, %q dt(%dt : tensor<1x?x2xf32>, %rate : tensor<2xf32>)
      offsets(%offsets : tensor<5xi32>)
      : tensor<1x?x2x4xf32>, tensor<1x?x2x4xf32>, tensor<1x?x2x4xf32> -> tensor<1x?x2x4xf32>
  return %y, %o : tensor<1x?x8xf32>, tensor<1x?x2x4xf32>
}
