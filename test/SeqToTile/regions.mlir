// RUN: longwing-opt %s --seq-to-tile --canonicalize --cse | FileCheck %s

// A region is applied to whole tiles; what depends on less than an element is computed for less:
// the slope of a head once, the distance of keys per element, a document per row and per column.

// CHECK-LABEL: tile.kernel @alibi_attention
// CHECK-SAME: %[[SLOPES:[a-z0-9]+]]: !tile.view<8xf32>)
// CHECK: tile.foreach
// CHECK: scf.for
// CHECK: %[[S:.*]] = tile.dot {{.*}} transpose_b
// CHECK: %[[SCALED:.*]] = arith.mulf %[[S]]
// CHECK: %[[I:.*]] = tile.iota %{{.*}} : tensor<128xindex, #tile.row>
// CHECK: %[[J:.*]] = tile.iota %{{.*}} : tensor<128xindex, #tile.col>
// CHECK: %[[SLOPE:.*]] = tile.gather %[[SLOPES]][%{{.*}} : index] : <8xf32> -> f32
// CHECK: arith.subi {{.*}} : tensor<128x128xindex, #tile.acc>
// CHECK: tile.broadcast %[[SLOPE]] : f32 -> tensor<128x128xf32, #tile.acc>
// CHECK: arith.addf %[[SCALED]], {{.*}} : tensor<128x128xf32, #tile.acc>
func.func @alibi(%q: tensor<1x8x?x128xf16>, %slopes: tensor<8xf32>) -> tensor<1x8x?x128xf16> {
  %o = seq.attention %q, %q, %q {causal} : tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16> -> tensor<1x8x?x128xf16>
    score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %slope = tensor.extract %slopes[%h] : tensor<8xf32>
      %d = arith.subi %j, %i : index
      %d32 = arith.index_cast %d : index to i32
      %distance = arith.sitofp %d32 : i32 to f32
      %bias = arith.mulf %slope, %distance : f32
      %biased = arith.addf %s, %bias : f32
      seq.yield %biased : f32
    }
  return %o : tensor<1x8x?x128xf16>
}

// CHECK-LABEL: tile.kernel @documents_attention
// CHECK-SAME: %[[DOCS:[a-z0-9]+]]: !tile.view<1x?xi32>)
// CHECK: tile.dot {{.*}} transpose_b
// CHECK: %[[OFROW:.*]] = tile.gather %[[DOCS]][{{.*}}tensor<128xindex, #tile.row>] : <1x?xi32> -> tensor<128xi32, #tile.row>
// CHECK: %[[OFCOL:.*]] = tile.gather %[[DOCS]][{{.*}}#tile.col>] : <1x?xi32> -> tensor<{{.*}}xi32, #tile.col>
// CHECK: arith.cmpi eq, {{.*}}#tile.acc>
func.func @documents(%q: tensor<1x8x?x128xf16>, %docs: tensor<1x?xi32>) -> tensor<1x8x?x128xf16> {
  %o = seq.attention %q, %q, %q : tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16>, tensor<1x8x?x128xf16> -> tensor<1x8x?x128xf16>
    mask {
    ^bb0(%b: index, %h: index, %i: index, %j: index):
      %x = tensor.extract %docs[%b, %i] : tensor<1x?xi32>
      %y = tensor.extract %docs[%b, %j] : tensor<1x?xi32>
      %same = arith.cmpi eq, %x, %y : i32
      seq.yield %same : i1
    }
  return %o : tensor<1x8x?x128xf16>
}
