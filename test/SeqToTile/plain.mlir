// What has no kernel of its own becomes loops, and those become kernels of one thread a point.
//
// RUN: longwing-opt %s --split-input-file --seq-inline-calls --seq-verify-target --seq-plain-kernels | FileCheck %s

// Operations between kernels that each read an element once are one kernel. The scalar is met in a tensor.

// CHECK-LABEL: func.func @fused
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[GAIN:.*]]: tensor<f32>)
// CHECK: %[[EMPTY:.*]] = tensor.empty
// CHECK: %[[Z:.*]] = tile.launch @fused_plain(%[[X]], %[[GAIN]], %[[EMPTY]]) work(%{{.*}}, %{{.*}})
// CHECK-NOT: tile.launch
// CHECK: return %[[Z]]
// CHECK: tile.kernel @fused_plain(%{{.*}}: !tile.view<?x4xf32>, %{{.*}}: !tile.view<f32>, %{{.*}}: !tile.view<?x4xf32> {tile.out})
// CHECK-SAME: seq.config = {algorithm = "plain: a thread for each element", reason = "'tensor.splat' between kernels; 'arith.mulf' between kernels; 'math.exp' between kernels"}
// CHECK-SAME: tile.points = 4
// CHECK: tile.foreach
// CHECK: memref.load
// CHECK: arith.mulf
// CHECK: math.exp
// CHECK: memref.store
func.func @fused(%x: tensor<?x4xf32>, %gain: f32) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x4xf32>
  %gains = tensor.splat %gain[%b] : tensor<?x4xf32>
  %scaled = arith.mulf %x, %gains : tensor<?x4xf32>
  %z = math.exp %scaled : tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}

// -----

// A stage of a butterfly is a sum in a thread; nothing is stored between its conversions. The padding around
// it is read where it is needed, and so is the part that is returned.

// CHECK-LABEL: func.func @padded
// CHECK-COUNT-1: tile.launch
// CHECK-NOT: tile.launch
// CHECK: tile.kernel @padded_plain{{.*}}tile.points = 1
// CHECK: scf.for {{.*}} iter_args
// CHECK: scf.if
func.func private @stage(%x: tensor<2x8xf16>, %f: tensor<1x2x2xf32>) -> tensor<2x8xf16> {
  %y = seq.butterfly %x, %f {strides = array<i64: 4>} : tensor<2x8xf16>, tensor<1x2x2xf32> -> tensor<2x8xf16>
  return %y : tensor<2x8xf16>
}
func.func @padded(%x: tensor<2x5xf16>, %f: tensor<1x2x2xf32>) -> tensor<2x4xf16> {
  %zero = arith.constant 0.0 : f16
  %zeros = tensor.splat %zero : tensor<2x8xf16>
  %padded = tensor.insert_slice %x into %zeros[0, 0] [2, 5] [1, 1] : tensor<2x5xf16> into tensor<2x8xf16>
  %y = call @stage(%padded, %f) : (tensor<2x8xf16>, tensor<1x2x2xf32>) -> tensor<2x8xf16>
  %z = tensor.extract_slice %y[0, 0] [2, 4] [1, 1] : tensor<2x8xf16> to tensor<2x4xf16>
  return %z : tensor<2x4xf16>
}

// -----

// What costs more than its way through memory is computed once, here for all channels of the next layer.

// CHECK-LABEL: func.func @layers
// CHECK: tile.launch @layers_plain
// CHECK: tile.launch @layers_plain_0
// CHECK-NOT: tile.launch
// CHECK: tile.kernel @layers_plain(
// CHECK: math.sin
// CHECK: tile.kernel @layers_plain_0(
// CHECK-NOT: math.sin
// CHECK: scf.for
func.func @layers(%w: tensor<6x4xf32>, %rates: tensor<4xf32>) -> tensor<6x32xf32> {
  %units = seq.implicit_filter : tensor<4x32xf32> {
  ^bb0(%unit: index, %t: index):
    %rate = tensor.extract %rates[%unit] : tensor<4xf32>
    %i = arith.index_cast %t : index to i32
    %time = arith.sitofp %i : i32 to f32
    %angle = arith.mulf %rate, %time : f32
    %h = math.sin %angle : f32
    seq.yield %h : f32
  }
  %h = seq.implicit_filter : tensor<6x32xf32> {
  ^bb0(%channel: index, %t: index):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %zero = arith.constant 0.0 : f32
    %sum = scf.for %k = %c0 to %c4 step %c1 iter_args(%acc = %zero) -> f32 {
      %weight = tensor.extract %w[%channel, %k] : tensor<6x4xf32>
      %value = tensor.extract %units[%k, %t] : tensor<4x32xf32>
      %p = arith.mulf %weight, %value : f32
      %next = arith.addf %acc, %p : f32
      scf.yield %next : f32
    }
    seq.yield %sum : f32
  }
  return %h : tensor<6x32xf32>
}

// -----

// A kernel writes each result: what is returned as it came is copied, and so is what is returned twice.

// CHECK-LABEL: func.func @copies
// CHECK-COUNT-2: tile.launch
// CHECK: return
func.func @copies(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  return %x, %x : tensor<3xf32>, tensor<3xf32>
}
