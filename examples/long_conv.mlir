// A long convolution with everything around it: gate, filter as long as the sequence, skip, gate (H3, Hyena).
//
// `main` takes the filter in time. `prepared` takes its spectrum, which `prepare` makes once: in inference the filter
// does not change.

func.func @main(%u: tensor<?x768x4096xf16> {longwing.name = "u"},
                %filter: tensor<768x4096xf32> {longwing.name = "filter"},
                %pre: tensor<?x768x4096xf16> {longwing.name = "pre"},
                %post: tensor<?x768x4096xf16> {longwing.name = "post"},
                %skip: tensor<768xf32> {longwing.name = "skip"})
    -> (tensor<?x768x4096xf16> {longwing.name = "y"}) {
  %y = seq.long_conv causal %u filter(%filter : tensor<768x4096xf32>) taps first
      pre(%pre : tensor<?x768x4096xf16>) post(%post : tensor<?x768x4096xf16>) skip(%skip : tensor<768xf32>)
      : tensor<?x768x4096xf16> -> tensor<?x768x4096xf16>
  return %y : tensor<?x768x4096xf16>
}

// The order of the spectrum is that of these radices; their product is at least the length.
func.func @prepare(%filter: tensor<768x4096xf32> {longwing.name = "filter"})
    -> (tensor<768x4096x2xf32> {longwing.name = "spectrum"}) {
  %spectrum = seq.prepare_filter causal %filter taps first {radices = array<i64: 16, 16, 16>}
      : tensor<768x4096xf32> -> tensor<768x4096x2xf32>
  return %spectrum : tensor<768x4096x2xf32>
}

func.func @prepared(%u: tensor<?x768x4096xf16> {longwing.name = "u"},
                    %spectrum: tensor<768x4096x2xf32> {longwing.name = "spectrum"})
    -> (tensor<?x768x4096xf16> {longwing.name = "y"}) {
  %y = seq.long_conv causal %u spectrum(%spectrum : tensor<768x4096x2xf32>) {radices = array<i64: 16, 16, 16>}
      : tensor<?x768x4096xf16> -> tensor<?x768x4096xf16>
  return %y : tensor<?x768x4096xf16>
}
