// RUN: longwing-opt %s --seq-configure --seq-to-tile --canonicalize --cse --split-input-file | FileCheck %s

// SSD: 24 heads in one group. The heads of a CTA share its tiles of queries and keys; the state stays in registers
// from chunk to chunk, and the step sizes of a chunk are read a chunk ahead.

// CHECK-LABEL: func.func @ssd
// CHECK: %[[O0:.*]] = tensor.empty
// CHECK: %[[S0:.*]] = tensor.empty
// Step sizes are turned over first: of each head one step after the other.
// CHECK: %[[RATES:.*]] = tile.launch @ssd_linear_attention_rates(%{{.*}}) work(%c1, %{{[a-z0-9_]+}}, %{{[a-z0-9_]+}}) {tile.same_sizes
// Where that fills the card the sequence is cut into segments, of three heads a CTA; the second kernel makes their states, piece
// by piece, of the chunks that the first one has found they know.
// CHECK: %[[UNITS:.*]] = arith.muli %{{.*}}, %c8
// CHECK: %[[FILL:.*]] = arith.divui %c132, %{{.*}}
// CHECK: %[[REACH:.*]] = tile.launch @ssd_linear_attention_reach(%{{[a-z0-9]+}}, %[[RATES]], %{{.*}}) work(%c24, %[[CUT:[a-z0-9_]+]], %[[BEFORE:[a-z0-9_]+]]) {{.*}} -> tensor<?x?x24xi32>
// CHECK: %[[STATES:.*]]:2 = tile.launch @ssd_linear_attention_states(%{{.*}}, %[[RATES]], %{{[a-z0-9]+}}, %[[REACH]], %{{.*}}) work(%c3, %c8, %[[CUT]], %[[BEFORE]], %{{[a-z0-9_]+}})
// CHECK: %[[SEGMENTS:.*]]:2 = tile.launch @ssd_linear_attention_segments(%{{.*}}, %[[RATES]], %{{.*}}, %[[STATES]]#0, %[[STATES]]#1, %[[O0]], %[[S0]]) work(%c3, %c8, %[[CUT]], %{{[a-z0-9_]+}}) {tile.same_sizes
// Whole sequences go through a kernel of two heads a CTA.
// CHECK: %[[REST:.*]] = arith.subi %{{.*}}, %[[CUT]]
// CHECK: %[[OUTPUTS:.*]]:2 = tile.launch @ssd_linear_attention(%{{.*}}, %[[RATES]], %{{.*}}, %[[SEGMENTS]]#0, %[[SEGMENTS]]#1) work(%c2, %c12, %[[REST]])
// A sequence of one step goes through a kernel of its own.
// CHECK: tile.launch @ssd_linear_attention_step(%{{.*}}, %[[OUTPUTS]]#0, %[[OUTPUTS]]#1) work(
func.func @ssd(%c: tensor<?x?x1x128xbf16>, %b: tensor<?x?x1x128xbf16>, %x: tensor<?x?x24x64xbf16>, %dt: tensor<?x?x24xbf16>, %a: tensor<24xf32>,
               %bias: tensor<24xf32>, %d: tensor<24xf32>) -> (tensor<?x?x24x64xbf16>, tensor<?x24x128x64xf32>) {
  %o, %last = seq.linear_attention %c, %b, %x dt(%dt : tensor<?x?x24xbf16>, %a : tensor<24xf32>) bias(%bias : tensor<24xf32>)
      skip(%d : tensor<24xf32>) {softplus}
      : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x24x64xbf16> -> tensor<?x?x24x64xbf16>, tensor<?x24x128x64xf32>
  return %o, %last : tensor<?x?x24x64xbf16>, tensor<?x24x128x64xf32>
}
// CHECK-LABEL: tile.kernel @ssd_linear_attention_rates(
// CHECK: tile.gather {{.*}} : <?x?x24xbf16> -> tensor<64x64xbf16, #tile.acc>
// CHECK: math.log2
// CHECK: tile.scatter {{.*}}, <?x24x?xf32>
// Eight chunks are read at once, until 2^-40 is left of what they decay by.
// CHECK-LABEL: tile.kernel @ssd_linear_attention_reach(
// CHECK: scf.for {{.*}} step %c8
// CHECK: arith.cmpf ogt, %{{.*}}, %[[LIMIT:.*]] : f32
// CHECK: scf.if
// CHECK-COUNT-8: tile.scan
// CHECK: arith.cmpf ogt, %{{.*}}, %[[LIMIT]] : f32
// CHECK: tile.scatter {{.*}}tensor<32xi32, #tile.line>, <?x?x24xi32>
// The states' kernel goes from the end of a piece to its start, so that no state decays. It reads step sizes three chunks ahead,
// and prepares a chunk while the products of the one before run. Its heads are walked as far as the one that knows most.
// CHECK-LABEL: tile.kernel @ssd_linear_attention_states(
// CHECK-COUNT-3: tile.gather {{.*}} : <?x?x24xi32> -> i32
// CHECK: scf.for {{.*}} step %c64
// CHECK: tile.gather {{.*}} {tile.early}
// CHECK: tile.parts
// CHECK-NOT: arith.mulf {{.*}} tensor<64x128xf32, #tile.acc>
// CHECK-COUNT-2: tile.dot
// CHECK: tile.fragment {{.*}} transpose
// CHECK: tile.scan
// CHECK: scf.yield
// Three warpgroups have fewer registers: outputs leave before contributions are made.
// CHECK-LABEL: tile.kernel @ssd_linear_attention_segments(
// CHECK-SAME: schedule <consumers = 3, {{.*}} spread = true>
// CHECK: scf.for {{.*}} step %c64
// CHECK: tile.load
// CHECK: tile.store
// CHECK: tile.parts
// CHECK-LABEL: tile.kernel @ssd_linear_attention(
// CHECK-SAME: schedule <consumers = 2, {{.*}} spread = true>
// CHECK: tile.foreach in(%c2, %c12, %{{.*}})
// CHECK: ^bb0(%[[G:.*]]: index, %[[UNIT:.*]]: index, %[[BATCH:.*]]: index):
// CHECK: %[[PAIR:.*]] = arith.muli %[[UNIT]], %c2
// CHECK: %[[HEAD:.*]] = arith.addi %[[PAIR]], %[[G]]
// CHECK: %[[LOOP:.*]]:2 = scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step %c64 iter_args(%[[S:[a-z0-9]+]] = %{{.*}}, %[[READ:.*]] = %{{.*}})
// CHECK: %[[ROUNDED:.*]] = tile.convert %[[S]]
// CHECK: %[[K:.*]] = tile.load %{{.*}}[%[[BATCH]], %[[T]], %c0, %c0]
// CHECK: %[[Q:.*]] = tile.load %{{.*}}[%[[BATCH]], %[[T]], %c0, %c0]
// CHECK: tile.dot %[[Q]], %[[K]] transpose_b
// CHECK: %[[STAGED:.*]] = tile.stage %[[ROUNDED]]
// CHECK: tile.scan
// CHECK: %[[NEXT:.*]] = tile.gather
// CHECK: arith.select
// CHECK: %[[P:.*]] = tile.convert {{.*}} -> tensor<64x64xbf16, #tile.a_frag>
// CHECK: %[[PAST:.*]] = tile.dot %[[Q]], %[[STAGED]] transpose_b
// CHECK: %[[V:.*]] = tile.load %{{.*}}[%[[BATCH]], %[[T]], %[[HEAD]], %c0]
// CHECK: tile.fragment %[[V]] transpose
// What rounding leaves of the contributions is a product of its own.
// CHECK: %[[CONTRIBUTED:.*]], %[[REST:.*]] = tile.parts
// CHECK: tile.dot %[[P]], %[[V]] acc(
// CHECK: %[[S1:.*]] = tile.dot %[[CONTRIBUTED]], %[[K]] acc(
// CHECK: %[[S2:.*]] = tile.dot %[[REST]], %[[K]] acc(%[[S1]]
// CHECK: tile.store
// CHECK: scf.yield %[[S2]], %[[NEXT]]
// CHECK: tile.scatter %[[LOOP]]#0

// -----

// Retention: two warpgroups have the halves of one head's values. What constant decays mean within a chunk is
// computed in front of the loop.

// CHECK-LABEL: tile.kernel @retention_linear_attention(
// CHECK: %[[MASK:.*]] = arith.select {{.*}} tensor<64x64xf32, #tile.acc>
// CHECK: scf.for {{.*}} step %c64
// CHECK-NOT: tile.scan
// CHECK: arith.mulf %{{.*}}, %[[MASK]]
// CHECK-NOT: arith.select {{.*}} tensor<64x64xf32, #tile.acc>
// CHECK: scf.yield
func.func @retention(%q: tensor<?x?x8x128xbf16>, %k: tensor<?x?x8x128xbf16>, %v: tensor<?x?x8x128xbf16>, %g: tensor<8xf32>) -> tensor<?x?x8x128xbf16> {
  %o = seq.linear_attention %q, %k, %v decay(%g : tensor<8xf32>) {scale = 0.125 : f64}
      : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16> -> tensor<?x?x8x128xbf16>
  return %o : tensor<?x?x8x128xbf16>
}

// -----

// A decay for each key channel and a bonus. Where decays are mild, one reference at the chunk's middle serves it; else it is
// halved six times.

// In front of it the pass for states: a warpgroup has a panel of keys, whose decayed tile is an operand from registers.

// Of decays that differ between channels the slowest one counts.
// CHECK-LABEL: tile.kernel @channels_linear_attention_reach(
// CHECK: scf.if
// CHECK-COUNT-2: tile.reduce <add>
// CHECK: tile.all together %{{.*}} : tensor<{{[0-9]+}}xi1, #tile.row>
// CHECK-LABEL: tile.kernel @channels_linear_attention_states(
// CHECK: %[[LATER:.*]] = tile.stage
// CHECK: scf.for {{.*}} step %c64
// CHECK: tile.dot %{{.*}}, %[[LATER]]
// CHECK: tile.parts {{.*}} -> tensor<64x64xbf16, #tile.a_frag>
// CHECK-COUNT-2: tile.dot
// CHECK: tile.scatter
// CHECK-LABEL: tile.kernel @channels_linear_attention(
// CHECK: scf.for {{.*}} step %c64
// CHECK: %[[G:.*]] = tile.load
// CHECK: tile.reduce <add>
// CHECK: tile.between
// CHECK: tile.common
// CHECK: %[[MILD:.*]] = arith.cmpf olt
// CHECK: scf.if %[[MILD]]
// CHECK-NOT: scf.for
// CHECK: tile.parts {{.*}} -> tensor<64x64xbf16, #tile.acc>
// CHECK: } else {
// CHECK: arith.xori
// CHECK: scf.for %{{.*}} = %c0 to %c6
func.func @channels(%q: tensor<?x?x8x64xbf16>, %g: tensor<?x?x8x64xbf16>, %u: tensor<8x64xf32>) -> tensor<?x?x8x64xbf16> {
  %o = seq.linear_attention %q, %q, %q decay(%g : tensor<?x?x8x64xbf16>) bonus(%u : tensor<8x64xf32>)
      : tensor<?x?x8x64xbf16>, tensor<?x?x8x64xbf16>, tensor<?x?x8x64xbf16> -> tensor<?x?x8x64xbf16>
  return %o : tensor<?x?x8x64xbf16>
}

// -----

// Wide keys come in two panels of channels, whose scores add up; two warpgroups have the halves of a head's values and
// share its tiles.

// CHECK-LABEL: tile.kernel @wide_linear_attention(
// CHECK-SAME: schedule <consumers = 2,
// CHECK-SAME: tile.scarce
// CHECK: scf.for {{.*}} step %c64
// CHECK: tile.panel %{{.*}} from 0 : tensor<64x128xbf16, #tile.shared>
// CHECK: tile.panel %{{.*}} from 64 : tensor<64x128xbf16, #tile.shared>
// CHECK: scf.if
// CHECK: tile.fragment {{.*}} transpose {tile.apart = 0 : i64} : tensor<64x64xbf16, #tile.shared> -> tensor<64x64xbf16, #tile.a_frag>
// CHECK: tile.fragment {{.*}} transpose {tile.apart = 1 : i64}
// CHECK: } else {
func.func @wide(%q: tensor<?x?x8x128xbf16>) -> tensor<?x?x8x128xbf16> {
  %o = seq.linear_attention %q, %q, %q decay(%q : tensor<?x?x8x128xbf16>)
      : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16> -> tensor<?x?x8x128xbf16>
  return %o : tensor<?x?x8x128xbf16>
}

// -----

// Packed sequences: a chunk that reaches into the next one has its keys and values trimmed, and writes its outputs by
// elements. Backwards the last chunk is the first one.

// CHECK-LABEL: tile.kernel @packed_linear_attention(
// CHECK-SAME: %[[OFFSETS:[a-z0-9]+]]: !tile.view<?xi32>
// CHECK-SAME: %[[O:[a-z0-9]+]]: !tile.desc<1x64x1x64xbf16> {tile.out}
// CHECK-SAME: %[[ELEMENTS:[a-z0-9]+]]: !tile.view<1x?x8x64xbf16> {tile.alias =
// CHECK: tile.gather %[[OFFSETS]]
// CHECK: scf.for %[[TIME:[a-z0-9]+]] = %{{.*}} to %{{.*}} step %c64
// CHECK: %[[PLACE:.*]] = arith.subi %{{.*}}, %[[TIME]]
// CHECK: %[[K:.*]] = tile.load
// CHECK: tile.trim %[[K]] to %[[STEPS:.*]] :
// CHECK: %[[Q:.*]] = tile.load
// CHECK: tile.dot %[[Q]]
// CHECK: %[[V:.*]] = tile.load
// CHECK: tile.trim %[[V]] to %[[STEPS]] :
// CHECK: scf.if
// CHECK: tile.store %{{.*}}, %[[O]]
// CHECK: } else {
// CHECK: tile.scatter %{{.*}}, %[[ELEMENTS]]
func.func @packed(%q: tensor<1x?x8x64xbf16>, %o: tensor<?xi32>) -> tensor<1x?x8x64xbf16> {
  %y = seq.linear_attention %q, %q, %q offsets(%o : tensor<?xi32>) {reverse}
      : tensor<1x?x8x64xbf16>, tensor<1x?x8x64xbf16>, tensor<1x?x8x64xbf16> -> tensor<1x?x8x64xbf16>
  return %y : tensor<1x?x8x64xbf16>
}
