// Hyena's operator, of order 2 and 3, in the sizes of hyena-wikitext: 768 channels, 1024 positions.
//
// `filter` is the implicit filter: a network of sines on the position, under a window that decays at another rate in
// each channel. It depends on parameters alone, so that inference evaluates it once.

// z_t = (t, cos(f_k w_t), -sin(f_k w_t)), t from 0 to 1, w_t = 2 pi t / L: 33 features. Then three layers
// h <- sin(frequency (W h + b)) of 64 units, a linear one without bias, and the window exp(-t |delta_c|) + shift.
func.func @filter(%w1: tensor<64x33xf32> {longwing.name = "w1"}, %b1: tensor<64xf32> {longwing.name = "b1"},
                  %w2: tensor<64x64xf32> {longwing.name = "w2"}, %b2: tensor<64xf32> {longwing.name = "b2"},
                  %w3: tensor<64x64xf32> {longwing.name = "w3"}, %b3: tensor<64xf32> {longwing.name = "b3"},
                  %w4: tensor<768x64xf32> {longwing.name = "w4"},
                  %frequency: tensor<64xf32> {longwing.name = "frequency"},
                  %bands: tensor<16xf32> {longwing.name = "bands"},
                  %delta: tensor<768xf32> {longwing.name = "delta"}, %shift: f32 {longwing.name = "shift"})
    -> (tensor<768x1024xf32> {longwing.name = "h"}) {
  %features = seq.implicit_filter : tensor<33x1024xf32> {
  ^bb0(%feature: index, %t: index):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %last = arith.constant 1023.0 : f32
    %step = arith.constant 6.135923151542565e-03 : f32                           // 2 pi / 1024
    %position = arith.index_cast %t : index to i32
    %i = arith.sitofp %position : i32 to f32
    %isTime = arith.cmpi eq, %feature, %c0 : index
    %z = scf.if %isTime -> f32 {
      %time = arith.divf %i, %last : f32
      scf.yield %time : f32
    } else {
      %other = arith.subi %feature, %c1 : index
      %bandCount = arith.constant 16 : index
      %isCosine = arith.cmpi ult, %other, %bandCount : index
      %band = arith.remui %other, %bandCount : index
      %f = tensor.extract %bands[%band] : tensor<16xf32>
      %w = arith.mulf %step, %i : f32
      %angle = arith.mulf %f, %w : f32
      %cosine = math.cos %angle : f32
      %sine = math.sin %angle : f32
      %negative = arith.negf %sine : f32
      %wave = arith.select %isCosine, %cosine, %negative : f32
      scf.yield %wave : f32
    }
    seq.yield %z : f32
  }
  // Each layer is a filter of its own, so that it is computed once for all channels of the next.
  %h1 = seq.implicit_filter : tensor<64x1024xf32> {
  ^bb0(%unit: index, %t: index):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = arith.constant 33 : index
    %start = tensor.extract %b1[%unit] : tensor<64xf32>
    %sum = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %start) -> f32 {
      %w = tensor.extract %w1[%unit, %k] : tensor<64x33xf32>
      %z = tensor.extract %features[%k, %t] : tensor<33x1024xf32>
      %p = arith.mulf %w, %z : f32
      %next = arith.addf %acc, %p : f32
      scf.yield %next : f32
    }
    %f = tensor.extract %frequency[%unit] : tensor<64xf32>
    %angle = arith.mulf %f, %sum : f32
    %h = math.sin %angle : f32
    seq.yield %h : f32
  }
  // The same again.
  %h2 = seq.implicit_filter : tensor<64x1024xf32> {
  ^bb0(%unit: index, %t: index):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = arith.constant 64 : index
    %start = tensor.extract %b2[%unit] : tensor<64xf32>
    %sum = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %start) -> f32 {
      %w = tensor.extract %w2[%unit, %k] : tensor<64x64xf32>
      %z = tensor.extract %h1[%k, %t] : tensor<64x1024xf32>
      %p = arith.mulf %w, %z : f32
      %next = arith.addf %acc, %p : f32
      scf.yield %next : f32
    }
    %f = tensor.extract %frequency[%unit] : tensor<64xf32>
    %angle = arith.mulf %f, %sum : f32
    %h = math.sin %angle : f32
    seq.yield %h : f32
  }
  // And again.
  %h3 = seq.implicit_filter : tensor<64x1024xf32> {
  ^bb0(%unit: index, %t: index):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = arith.constant 64 : index
    %start = tensor.extract %b3[%unit] : tensor<64xf32>
    %sum = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %start) -> f32 {
      %w = tensor.extract %w3[%unit, %k] : tensor<64x64xf32>
      %z = tensor.extract %h2[%k, %t] : tensor<64x1024xf32>
      %p = arith.mulf %w, %z : f32
      %next = arith.addf %acc, %p : f32
      scf.yield %next : f32
    }
    %f = tensor.extract %frequency[%unit] : tensor<64xf32>
    %angle = arith.mulf %f, %sum : f32
    %h = math.sin %angle : f32
    seq.yield %h : f32
  }
  %h = seq.implicit_filter : tensor<768x1024xf32> {
  ^bb0(%channel: index, %t: index):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = arith.constant 64 : index
    %zero = arith.constant 0.0 : f32
    %sum = scf.for %k = %c0 to %n step %c1 iter_args(%acc = %zero) -> f32 {
      %w = tensor.extract %w4[%channel, %k] : tensor<768x64xf32>
      %z = tensor.extract %h3[%k, %t] : tensor<64x1024xf32>
      %p = arith.mulf %w, %z : f32
      %next = arith.addf %acc, %p : f32
      scf.yield %next : f32
    }
    %last = arith.constant 1023.0 : f32
    %position = arith.index_cast %t : index to i32
    %i = arith.sitofp %position : i32 to f32
    %time = arith.divf %i, %last : f32
    %rate = tensor.extract %delta[%channel] : tensor<768xf32>
    %speed = math.absf %rate : f32
    %distance = arith.mulf %time, %speed : f32
    %exponent = arith.negf %distance : f32
    %decay = math.exp %exponent : f32
    %window = arith.addf %decay, %shift : f32
    %tap = arith.mulf %sum, %window : f32
    seq.yield %tap : f32
  }
  return %h : tensor<768x1024xf32>
}

// [x0, x1, v] = short convolution of the projections;  v <- x1 v;  y = x0 (h * v + d v).
func.func @main(%projections: tensor<?x2304x1024xbf16> {longwing.name = "projections"},
                %weights: tensor<2304x3xf32> {longwing.name = "weights"},
                %bias: tensor<2304xf32> {longwing.name = "bias"},
                %h: tensor<768x1024xf32> {longwing.name = "h"},
                %d: tensor<768xf32> {longwing.name = "d"})
    -> (tensor<?x768x1024xbf16> {longwing.name = "y"}) {
  %p = seq.short_conv causal %projections, %weights taps last bias(%bias : tensor<2304xf32>) {axis = 2 : i64}
      : tensor<?x2304x1024xbf16>, tensor<2304x3xf32> -> tensor<?x2304x1024xbf16>
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %p, %c0 : tensor<?x2304x1024xbf16>
  %x0 = tensor.extract_slice %p[0, 0, 0] [%batch, 768, 1024] [1, 1, 1]
      : tensor<?x2304x1024xbf16> to tensor<?x768x1024xbf16>
  %x1 = tensor.extract_slice %p[0, 768, 0] [%batch, 768, 1024] [1, 1, 1]
      : tensor<?x2304x1024xbf16> to tensor<?x768x1024xbf16>
  %v = tensor.extract_slice %p[0, 1536, 0] [%batch, 768, 1024] [1, 1, 1]
      : tensor<?x2304x1024xbf16> to tensor<?x768x1024xbf16>
  %y = seq.long_conv causal %v filter(%h : tensor<768x1024xf32>) taps first
      pre(%x1 : tensor<?x768x1024xbf16>) post(%x0 : tensor<?x768x1024xbf16>) skip(%d : tensor<768xf32>)
      : tensor<?x768x1024xbf16> -> tensor<?x768x1024xbf16>
  return %y : tensor<?x768x1024xbf16>
}

// Order 3 has one more gate and long convolution: the result of the first is the input of the second.
func.func @order3(%projections: tensor<?x3072x1024xbf16> {longwing.name = "projections"},
                  %weights: tensor<3072x3xf32> {longwing.name = "weights"},
                  %bias: tensor<3072xf32> {longwing.name = "bias"},
                  %h1: tensor<768x1024xf32> {longwing.name = "h1"}, %d1: tensor<768xf32> {longwing.name = "d1"},
                  %h2: tensor<768x1024xf32> {longwing.name = "h2"}, %d2: tensor<768xf32> {longwing.name = "d2"})
    -> (tensor<?x768x1024xbf16> {longwing.name = "y"}) {
  %p = seq.short_conv causal %projections, %weights taps last bias(%bias : tensor<3072xf32>) {axis = 2 : i64}
      : tensor<?x3072x1024xbf16>, tensor<3072x3xf32> -> tensor<?x3072x1024xbf16>
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %p, %c0 : tensor<?x3072x1024xbf16>
  %x0 = tensor.extract_slice %p[0, 0, 0] [%batch, 768, 1024] [1, 1, 1]
      : tensor<?x3072x1024xbf16> to tensor<?x768x1024xbf16>
  %x1 = tensor.extract_slice %p[0, 768, 0] [%batch, 768, 1024] [1, 1, 1]
      : tensor<?x3072x1024xbf16> to tensor<?x768x1024xbf16>
  %x2 = tensor.extract_slice %p[0, 1536, 0] [%batch, 768, 1024] [1, 1, 1]
      : tensor<?x3072x1024xbf16> to tensor<?x768x1024xbf16>
  %v = tensor.extract_slice %p[0, 2304, 0] [%batch, 768, 1024] [1, 1, 1]
      : tensor<?x3072x1024xbf16> to tensor<?x768x1024xbf16>
  %inner = seq.long_conv causal %v filter(%h1 : tensor<768x1024xf32>) taps first
      pre(%x2 : tensor<?x768x1024xbf16>) post(%x1 : tensor<?x768x1024xbf16>) skip(%d1 : tensor<768xf32>)
      : tensor<?x768x1024xbf16> -> tensor<?x768x1024xbf16>
  %y = seq.long_conv causal %inner filter(%h2 : tensor<768x1024xf32>) taps first
      post(%x0 : tensor<?x768x1024xbf16>) skip(%d2 : tensor<768xf32>)
      : tensor<?x768x1024xbf16> -> tensor<?x768x1024xbf16>
  return %y : tensor<?x768x1024xbf16>
}
