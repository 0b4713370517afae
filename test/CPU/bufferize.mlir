// RUN: longwing-opt %s --cpu-bufferize | FileCheck %s

// Arguments are row-major and are not written: the caller keeps them.
// CHECK-LABEL: func.func @negate
// CHECK-SAME: (%[[X:[a-z0-9]+]]: memref<?x4xf32>) -> memref<?x4xf32>
// CHECK-SAME: attributes {llvm.emit_c_interface}
// CHECK: %[[NEW:.*]] = memref.alloc
// CHECK: linalg.copy ins(%[[X]] : {{.*}}) outs(%[[NEW]]
// CHECK: linalg.generic {{.*}} outs(%[[NEW]]
// CHECK: return %[[NEW]]
func.func @negate(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      outs(%x : tensor<?x4xf32>) {
    ^bb0(%a: f32):
      %b = arith.negf %a : f32
      linalg.yield %b : f32
  } -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
