// RUN: longwing-opt %s --seq-verify-target --seq-configure --seq-to-tile --canonicalize --cse --split-input-file | FileCheck %s
// RUN: not longwing-opt %s --seq-verify-target '--seq-configure=conv=stages' --split-input-file 2>&1 | FileCheck %s --check-prefix=ERROR

// A long convolution of f32 is a transform in f32, a kernel for each stage: 11 digits of two in stages of 3, 4 and 4. As many channels
// are taken at once as leave what lies in memory between the stages no larger than the input, here one.

// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[FIRST:.*]] = seq.roots {order = 2048 : i64, quarter = 0 : i64
// CHECK-DAG: %[[SECOND:.*]] = seq.roots {order = 256 : i64
// CHECK: %[[K:.*]] = tile.launch @main_conv_filter(%[[FIRST]], %{{.*}}, %[[ROOM:.*]]) work(%c256, %c1, %c1) : (tensor<2x256x2xf32>, tensor<1x2000xf32>, tensor<?x1x2048x2xf32>)
// CHECK: %[[K1:.*]] = tile.launch @main_conv_stage_1(%[[SECOND]], %[[K]]) work(%c16, %c8, %c1, %c1)
// CHECK: %[[SPECTRUM:.*]] = tile.launch @main_conv_filter_end(%[[K1]])
// CHECK: %[[Z:.*]] = tile.launch @main_conv_begin(%[[FIRST]], %{{.*}}) work(%c256, %[[BATCH:.*]], %c1)
// CHECK: %[[Z1:.*]] = tile.launch @main_conv_stage_1(%[[SECOND]], %[[Z]])
// CHECK: %[[Z2:.*]] = tile.launch @main_conv_middle(%[[SPECTRUM]], %[[Z1]]) work(%c128, %[[BATCH]], %c1)
// CHECK: %[[Z3:.*]] = tile.launch @main_conv_stage_back_1(%[[SECOND]], %[[Z2]])
// CHECK: tile.launch @main_conv_end(%[[FIRST]], %[[Z3]], %{{.*}})
// CHECK: tensor.insert_slice
// CHECK: tile.launch @main_conv_filter(
// CHECK: tile.launch @main_conv_end(
// CHECK-LABEL: tile.kernel @main_conv_filter(
// CHECK-SAME: algorithm = "stages in f32: a thread for each butterfly", reason = "no kernel of tensor cores takes it"
// CHECK-SAME: tile.slices = 4
// CHECK-LABEL: tile.kernel @main_conv_end(
// CHECK: scf.if
// CHECK: memref.store
func.func @main(%u: tensor<?x4x2000xf32>, %h: tensor<4x2000xf32>) -> tensor<?x4x2000xf32> {
  %y = seq.long_conv causal %u filter(%h : tensor<4x2000xf32>) taps first : tensor<?x4x2000xf32> -> tensor<?x4x2000xf32>
  return %y : tensor<?x4x2000xf32>
}

// -----

// Few taps are faster as a sum.

// CHECK-LABEL: func.func @main
// CHECK: seq.long_conv {{.*}} seq.plain = "'seq.long_conv' has elements of f32, which no other kernel takes"
func.func @main(%u: tensor<?x4x2000xf32>, %h: tensor<4x100xf32>) -> tensor<?x4x2000xf32> {
  %y = seq.long_conv causal %u filter(%h : tensor<4x100xf32>) taps first : tensor<?x4x2000xf32> -> tensor<?x4x2000xf32>
  return %y : tensor<?x4x2000xf32>
}

// -----

// ERROR: error: schedule option 'conv': expected a filter in time, a static length, no parts, and no taps that come round for a transform in f32
func.func @main(%u: tensor<?x4x2048xf32>, %h: tensor<4x3000xf32>) -> tensor<?x4x2048xf32> {
  %y = seq.long_conv circular %u filter(%h : tensor<4x3000xf32>) taps first : tensor<?x4x2048xf32> -> tensor<?x4x2048xf32>
  return %y : tensor<?x4x2048xf32>
}
