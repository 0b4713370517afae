// RUN: longwing-compile %s --target=sm_90a --emit=ptx --schedule=lanes=4,products=true,polynomials=2 -o - | FileCheck %s
// RUN: longwing-compile %s --target=sm_90a --emit=ptx --schedule=lanes=4,products=true,polynomials=0 -o - | FileCheck %s --check-prefix=NONE

// What enters the 16 states at a step takes two products, and so does what is read from them. With polynomials, two
// of eight exponentials are a rounding to an integer (1.5 2^23 is added) and a polynomial.

// CHECK: mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
// CHECK: add.{{.*}}f32 %{{.*}}, 0f4B400000
// CHECK: mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32
// CHECK-NOT: wgmma
// NONE-NOT: 0f4B400000
func.func @f(%u: tensor<?x?x256xbf16>, %a: tensor<256x16xf32>, %b: tensor<?x?x1x16xbf16>) -> tensor<?x?x256xbf16> {
  %y = seq.selective_scan %u, %u, %a, %b, %b : tensor<?x?x256xbf16>, tensor<?x?x256xbf16>, tensor<256x16xf32>, tensor<?x?x1x16xbf16>, tensor<?x?x1x16xbf16> -> tensor<?x?x256xbf16>
  return %y : tensor<?x?x256xbf16>
}
