// RUN: longwing-compile %s --emit=ptx -o - | FileCheck %s

// Addresses that are not to be held have a zero as a term that ptxas does not know. It is no sum of its own with the
// upper half of a product: ptxas would fuse the two in all eight sums of a pull, and take two of these for one.

// CHECK-LABEL: .entry main_prepare_filter
// CHECK: mov.u32 now, %clock; and.b32 now, now, 255; mul.hi.u32 now, now, 255; sub.s32
// CHECK-NOT: add.s32 %{{.*}}, now;
// CHECK-LABEL: .entry main_long_conv
func.func @main(%u: tensor<?x5x16384xf16>, %h: tensor<5x16384xf32>) -> tensor<?x5x16384xf16> {
  %y = seq.long_conv circular %u filter(%h : tensor<5x16384xf32>) taps first : tensor<?x5x16384xf16> -> tensor<?x5x16384xf16>
  return %y : tensor<?x5x16384xf16>
}
