// RUN: longwing-compile %s --target=sm_90a --emit=ptx --schedule=lanes=4,polynomials=2 -o - | FileCheck %s
// RUN: longwing-compile %s --target=sm_90a --emit=ptx --schedule=lanes=4,polynomials=0 -o - | FileCheck %s --check-prefix=NONE

// With polynomials, two of eight exponentials are a rounding to an integer (1.5 2^23 is added) and a polynomial.

// CHECK: add.{{.*}}f32 %{{.*}}, 0f4B400000
// CHECK: ex2.approx.ftz.f32
// NONE-NOT: 0f4B400000
func.func @f(%u: tensor<?x?x256xbf16>, %a: tensor<256x16xf32>, %b: tensor<?x?x1x16xbf16>) -> tensor<?x?x256xbf16> {
  %y = seq.selective_scan %u, %u, %a, %b, %b : tensor<?x?x256xbf16>, tensor<?x?x256xbf16>, tensor<256x16xf32>, tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16> -> tensor<?x?x256xbf16>
  return %y : tensor<?x?x256xbf16>
}
