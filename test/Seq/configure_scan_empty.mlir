// RUN: longwing-opt %s --seq-configure | FileCheck %s

// A scan of nothing, known as such when it is compiled, has a schedule too.
// CHECK-LABEL: @nothing
// CHECK: seq.scan {{.*}}seq.config = {
func.func @nothing(%a: tensor<0x0x64xf32>) -> tensor<0x0x64xf32> {
  %h = seq.scan linear %a, %a : tensor<0x0x64xf32>, tensor<0x0x64xf32> -> tensor<0x0x64xf32>
  return %h : tensor<0x0x64xf32>
}
