// S5's recurrence in both directions: 256 complex states, each with a decay that does not vary with time.
//
//   forwards:  x[t] = exp(a) x[t-1] + bu[t]        backwards:  x[t] = exp(a) x[t+1] + bu[t]
//
// Numbers are pairs (re, im). a is Lambda Delta and bu[t] the product of B and the input at t, by a matrix product
// before this; one with C reads both results after it.

func.func @main(%a: tensor<256x2xf32> {longwing.name = "a"},
                %bu: tensor<?x?x256x2xf32> {longwing.name = "bu"})
    -> (tensor<?x?x256x2xf32> {longwing.name = "forwards"},
        tensor<?x?x256x2xf32> {longwing.name = "backwards"}) {
  %forwards = seq.scan log %a, %bu {complex}
      : tensor<256x2xf32>, tensor<?x?x256x2xf32> -> tensor<?x?x256x2xf32>
  %backwards = seq.scan log %a, %bu {complex, reverse}
      : tensor<256x2xf32>, tensor<?x?x256x2xf32> -> tensor<?x?x256x2xf32>
  return %forwards, %backwards : tensor<?x?x256x2xf32>, tensor<?x?x256x2xf32>
}
