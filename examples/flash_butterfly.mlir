// FlashButterfly: a long convolution in whose transform each Fourier matrix of size 16 is learned.
//
// Sequences of 128 are padded to N = 256 = 16 x 16. Twiddles are constants, the matrices are complex parameters; with
// Fourier matrices (and conjugates / 16 for the way back) the model is the causal convolution itself. The filter
// goes through the same learned transform, in a function of its own, since inference does that once.

!z = tensor<?x64x256x2xf32>
!m = tensor<1x16x16x2xf32>

// Two stages in place: digit a of n = 16 a + b, the twiddle, digit b.
func.func private @transform(%z: !z, %f1: !m, %f2: !m) -> !z {
  %a = seq.butterfly %z, %f1 {complex, strides = array<i64: 16>} : !z, !m -> !z
  %roots = seq.roots {order = 256 : i64} : tensor<16x16x2xf32>
  %twiddle = tensor.collapse_shape %roots [[0, 1], [2]] : tensor<16x16x2xf32> into tensor<256x2xf32>
  %b = seq.complex_mul %a, %twiddle : !z, tensor<256x2xf32> -> !z
  %c = seq.butterfly %b, %f2 {complex, strides = array<i64: 1>} : !z, !m -> !z
  return %c : !z
}

// The spectrum of the filter, [64, 256] as complex numbers.
func.func @filter(%h: tensor<64x128xf32> {longwing.name = "h"},
                  %f1: !m {longwing.name = "f1"}, %f2: !m {longwing.name = "f2"})
    -> (tensor<64x256x2xf32> {longwing.name = "spectrum"}) {
  %zero = arith.constant 0.0 : f32
  %zeros = tensor.splat %zero : tensor<1x64x256x2xf32>
  %padded = tensor.insert_slice %h into %zeros[0, 0, 0, 0] [1, 64, 128, 1] [1, 1, 1, 1]
      : tensor<64x128xf32> into tensor<1x64x256x2xf32>
  %z = tensor.cast %padded : tensor<1x64x256x2xf32> to !z
  %transformed = call @transform(%z, %f1, %f2) : (!z, !m, !m) -> !z
  %spectrum = tensor.extract_slice %transformed[0, 0, 0, 0] [1, 64, 256, 2] [1, 1, 1, 1]
      : !z to tensor<64x256x2xf32>
  return %spectrum : tensor<64x256x2xf32>
}

// y = the first half of the real part of G (spectrum . F u), with G = G1 twiddle* G2 learned too.
func.func @main(%u: tensor<?x64x128xf32> {longwing.name = "u"},
                %spectrum: tensor<64x256x2xf32> {longwing.name = "spectrum"},
                %f1: !m {longwing.name = "f1"}, %f2: !m {longwing.name = "f2"},
                %g1: !m {longwing.name = "g1"}, %g2: !m {longwing.name = "g2"})
    -> (tensor<?x64x128xf32> {longwing.name = "y"}) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %u, %c0 : tensor<?x64x128xf32>
  %zero = arith.constant 0.0 : f32
  %zeros = tensor.splat %zero[%batch] : !z
  %padded = tensor.insert_slice %u into %zeros[0, 0, 0, 0] [%batch, 64, 128, 1] [1, 1, 1, 1]
      : tensor<?x64x128xf32> into !z
  %transformed = call @transform(%padded, %f1, %f2) : (!z, !m, !m) -> !z
  %product = seq.complex_mul %transformed, %spectrum : !z, tensor<64x256x2xf32> -> !z
  %a = seq.butterfly %product, %g2 {complex, strides = array<i64: 1>} : !z, !m -> !z
  %roots = seq.roots {order = 256 : i64} : tensor<16x16x2xf32>
  %twiddle = tensor.collapse_shape %roots [[0, 1], [2]] : tensor<16x16x2xf32> into tensor<256x2xf32>
  %b = seq.complex_mul %a, %twiddle {conjugate} : !z, tensor<256x2xf32> -> !z
  %c = seq.butterfly %b, %g1 {complex, strides = array<i64: 16>} : !z, !m -> !z
  %y = tensor.extract_slice %c[0, 0, 0, 0] [%batch, 64, 128, 1] [1, 1, 1, 1] : !z to tensor<?x64x128xf32>
  return %y : tensor<?x64x128xf32>
}
