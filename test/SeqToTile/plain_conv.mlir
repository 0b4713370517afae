// RUN: longwing-opt %s --seq-verify-target --seq-configure --seq-to-tile --seq-plain-kernels --split-input-file | FileCheck %s

// A long convolution without a kernel of its own is a sum in float64, a thread for each output: f32, ...

// CHECK-LABEL: tile.kernel @main_plain
// CHECK-SAME: reason = "'seq.long_conv' has elements of f32, which no other kernel takes"
// CHECK: tile.foreach
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}) -> (f64)
// CHECK: memref.store
func.func @main(%u: tensor<?x4x?xf32>, %h: tensor<4x7xf32>) -> tensor<?x4x?xf32> {
  %y = seq.long_conv causal %u filter(%h : tensor<4x7xf32>) taps first : tensor<?x4x?xf32> -> tensor<?x4x?xf32>
  return %y : tensor<?x4x?xf32>
}

// -----

// ... a filter too long for products where a transform cannot be, ...

// CHECK-LABEL: tile.kernel @main_plain
// CHECK-SAME: reason = "'seq.long_conv' has no other kernel: Toeplitz products reach over at most 8 blocks of 64 samples here, and the filter needs 17, and a transform needs a static length
func.func @main(%u: tensor<?x4x?xf16>, %h: tensor<4x1000xf32>) -> tensor<?x4x?xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<4x1000xf32>) taps first : tensor<?x4x?xf16> -> tensor<?x4x?xf16>
  return %y : tensor<?x4x?xf16>
}

// -----

// ... a filter whose length is open, ...

// CHECK-LABEL: tile.kernel @main_plain
// CHECK-SAME: Toeplitz products need a filter of static length
func.func @main(%u: tensor<?x4x?xf16>, %h: tensor<4x?xf32>) -> tensor<?x4x?xf16> {
  %y = seq.long_conv causal %u filter(%h : tensor<4x?xf32>) taps first : tensor<?x4x?xf16> -> tensor<?x4x?xf16>
  return %y : tensor<?x4x?xf16>
}

// -----

// ... and a sequence that is read in parts: one kernel for the outputs and one for the state.

// CHECK-LABEL: tile.kernel @main_plain
// CHECK-SAME: reason = "'seq.long_conv' is read in parts, and no other kernel adds its state"
// CHECK-LABEL: tile.kernel @main_plain_0
func.func @main(%u: tensor<?x4x?xf16>, %h: tensor<4x100xf32>, %i: tensor<?x4x99xf32>) -> (tensor<?x4x?xf16>, tensor<?x4x99xf32>) {
  %y, %next = seq.long_conv causal %u filter(%h : tensor<4x100xf32>) taps first initial(%i : tensor<?x4x99xf32>)
      : tensor<?x4x?xf16> -> tensor<?x4x?xf16>, tensor<?x4x99xf32>
  return %y, %next : tensor<?x4x?xf16>, tensor<?x4x99xf32>
}
