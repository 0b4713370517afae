// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-stagger,canonicalize,tile-allocate))" | FileCheck %s

// Two phases, one step apart: what is put in a step is got in the next one, from the other slot.

// CHECK-LABEL: tile.kernel @transposed
// CHECK: %[[RING:.*]] = tile.alloc at 0 {{.*}} : !tile.ring<4x64x64xf16>
// CHECK: %[[BUFFER:.*]] = tile.alloc at 32768 : !tile.smem<2x128x64xf16>
// CHECK: %[[OUT:.*]] = tile.alloc at 65536 : !tile.smem<2x64x64xf16>
// CHECK: %[[STEPS:.*]] = tile.alloc {{.*}} : !tile.steps<4>
// Three tiles are fetched ahead.
// CHECK: tile.lead
// CHECK: tile.fetch %[[RING]][0]
// CHECK: tile.fetch %[[RING]][1]
// CHECK: tile.fetch %[[RING]][2]
// CHECK: scf.for
// CHECK: tile.step_wait %[[STEPS]][3]
// CHECK: tile.fetch %[[RING]][3]
// CHECK: tile.flush %[[OUT]][1]
// CHECK: %[[A:.*]], %[[B:.*]] = tile.get %[[BUFFER]][1] transpose
// CHECK: %[[X:.*]] = tile.fetched %[[RING]][0]
// CHECK-DAG: tile.put %{{.*}}, %{{.*}}, %[[BUFFER]][0]
// CHECK-DAG: tile.lay %{{.*}}, %[[OUT]][0]
// CHECK: tile.flushed
// CHECK: tile.step_arrive %[[STEPS]][0]
// CHECK: tile.step_wait %[[STEPS]][0]
// CHECK: tile.get %[[BUFFER]][0] transpose
tile.kernel @transposed(%in: !tile.desc<1x64x64xf16>, %out: !tile.desc<1x64x64xf16> {tile.out})
    schedule <consumers = 4, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = true>
    attributes {tile.stagger = 1 : i64} {
  %zero = arith.constant 0 : index
  %count = tile.dim %in, 0 : !tile.desc<1x64x64xf16>
  tile.foreach in(%count) {
  ^bb0(%i: index):
    %x = tile.load %in[%i, %zero, %zero] stages 4 : !tile.desc<1x64x64xf16> -> tensor<64x64xf16, #tile.shared>
    %m = tile.split %x : tensor<64x64xf16, #tile.shared> -> tensor<16x16x16xf16, #tile.frag>
    %a, %b = tile.exchange %m, %m permutation [1, 2, 0] : tensor<16x16x16xf16, #tile.frag> -> tensor<16x16x16xf16, #tile.frag>
    %s = arith.addf %a, %b : tensor<16x16x16xf16, #tile.frag>
    %y = tile.join %s : tensor<16x16x16xf16, #tile.frag> -> tensor<64x64xf16, #tile.shared>
    tile.store %y, %out[%i, %zero, %zero] : tensor<64x64xf16, #tile.shared>, !tile.desc<1x64x64xf16>
  }
  tile.return
}

// In place: what comes back goes through the memory of what went there, of which there are three slots. Slots of two
// and of three take six steps.

// CHECK-LABEL: tile.kernel @in_place
// CHECK: tile.alloc at 0 {{.*}} : !tile.ring<2x64x64xf16>
// CHECK: %[[BUFFER:.*]] = tile.alloc at 16384 : !tile.smem<3x128x64xf16>
// CHECK-NOT: !tile.smem<3x
// CHECK: %[[STEPS:.*]] = tile.alloc {{.*}} : !tile.steps<6>
// CHECK: scf.for
// CHECK: tile.step_wait %[[STEPS]][5]
// CHECK: tile.get %[[BUFFER]][1] back transpose
// CHECK: tile.lay
// CHECK: tile.get %[[BUFFER]][2] transpose
// CHECK: tile.put %{{.*}}, %{{.*}}, %[[BUFFER]][2] back
// CHECK: tile.put %{{.*}}, %{{.*}}, %[[BUFFER]][0] :
// CHECK: tile.step_arrive %[[STEPS]][0]
// CHECK: tile.get %[[BUFFER]][2] back transpose
tile.kernel @in_place(%in: !tile.desc<1x64x64xf16>, %out: !tile.desc<1x64x64xf16> {tile.out})
    schedule <consumers = 4, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = false>
    attributes {tile.stagger = 1 : i64, tile.in_place} {
  %zero = arith.constant 0 : index
  %count = tile.dim %in, 0 : !tile.desc<1x64x64xf16>
  tile.foreach in(%count) {
  ^bb0(%i: index):
    %x = tile.load %in[%i, %zero, %zero] stages 2 : !tile.desc<1x64x64xf16> -> tensor<64x64xf16, #tile.shared>
    %m = tile.split %x : tensor<64x64xf16, #tile.shared> -> tensor<16x16x16xf16, #tile.frag>
    %a, %b = tile.exchange %m, %m permutation [1, 2, 0] : tensor<16x16x16xf16, #tile.frag> -> tensor<16x16x16xf16, #tile.frag>
    %s = arith.addf %a, %b : tensor<16x16x16xf16, #tile.frag>
    %c, %d = tile.exchange %s, %s permutation [1, 2, 0] : tensor<16x16x16xf16, #tile.frag> -> tensor<16x16x16xf16, #tile.frag>
    %z = arith.addf %c, %d : tensor<16x16x16xf16, #tile.frag>
    %y = tile.join %z : tensor<16x16x16xf16, #tile.frag> -> tensor<64x64xf16, #tile.shared>
    tile.store %y, %out[%i, %zero, %zero] : tensor<64x64xf16, #tile.shared>, !tile.desc<1x64x64xf16>
  }
  tile.return
}

// Strips are fetched by all threads, two steps before they are read and seen by the others after one: the threads wait
// for their own in the step that fetches them. What leaves in strips was laid out a step before.

// CHECK-LABEL: tile.kernel @strips
// CHECK: %[[IN:.*]] = tile.alloc at 0 : !tile.smem<2x64x64xf16>
// CHECK: %[[OUT:.*]] = tile.alloc {{.*}} : !tile.smem<2x64x64xf16>
// CHECK: %[[WHOLE:.*]] = tile.whole
// CHECK: tile.fetch_strips %[[IN]][0] from %{{.*}}[%{{.*}}, %{{.*}}] digits [64, 1, 64] whole %[[WHOLE]]
// CHECK: tile.strips_fetched
// CHECK: tile.meet
// CHECK: scf.for
// CHECK: tile.step_wait
// CHECK: tile.fetch_strips %[[IN]][1]
// CHECK: tile.flush_strips %[[OUT]][1]
// CHECK: tile.slot %[[IN]][0]
// CHECK: tile.lay %{{.*}}, %[[OUT]][0]
// CHECK: tile.strips_fetched
// CHECK-NEXT: tile.step_arrive
tile.kernel @strips(%in: !tile.view<?x4000xf16>, %out: !tile.view<?x4000xf16> {tile.out})
    schedule <consumers = 4, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = true>
    attributes {tile.stagger = 1 : i64} {
  %zero = arith.constant 0 : index
  %count = tile.dim %in, 0 : !tile.view<?x4000xf16>
  %whole = tile.whole %in, %out : !tile.view<?x4000xf16>, !tile.view<?x4000xf16>
  tile.foreach in(%count) {
  ^bb0(%i: index):
    %x = tile.load_strips %in[%i, %zero] digits [64, 1, 64] stages 2 whole %whole
        : !tile.view<?x4000xf16> -> tensor<64x64xf16, #tile.shared>
    %m = tile.split %x : tensor<64x64xf16, #tile.shared> -> tensor<16x16x16xf16, #tile.frag>
    %a, %b = tile.exchange %m, %m permutation [1, 2, 0] : tensor<16x16x16xf16, #tile.frag> -> tensor<16x16x16xf16, #tile.frag>
    %s = arith.addf %a, %b : tensor<16x16x16xf16, #tile.frag>
    %y = tile.join %s : tensor<16x16x16xf16, #tile.frag> -> tensor<64x64xf16, #tile.shared>
    tile.store_strips %y, %out[%i, %zero] digits [64, 1, 64] whole %whole
        : tensor<64x64xf16, #tile.shared>, !tile.view<?x4000xf16>
  }
  tile.return
}

// What stays is read for the first work tile, and again where the next one has another third coordinate: the two before it
// begin anew.

// CHECK-LABEL: tile.kernel @stays
// CHECK: %[[FIRST:.*]], %{{.*}} = tile.recall %arg0
// CHECK: scf.for {{.*}} iter_args({{.*}}%[[FIRST]]
// CHECK: tile.keep
// CHECK: tile.step_arrive
// CHECK: %[[ONE:.*]] = arith.cmpi eq, %{{.*}}, %c0
// CHECK: arith.andi %[[ONE]]
// CHECK: %[[TWO:.*]] = arith.cmpi eq, %{{.*}}, %c0
// CHECK: %[[NEW:.*]] = arith.andi %[[TWO]]
// CHECK: scf.if %[[NEW]]
// CHECK: tile.recall %arg0
tile.kernel @stays(%in: !tile.view<5x8192xf16>, %out: !tile.view<?x8192xf16> {tile.out})
    schedule <consumers = 4, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = false>
    attributes {tile.stagger = 1 : i64} {
  %zero = arith.constant 0 : index
  %three = arith.constant 3 : index
  %five = arith.constant 5 : index
  %count = tile.dim %out, 0 : !tile.view<?x8192xf16>
  tile.foreach in(%three, %count, %five) {
  ^bb0(%i: index, %j: index, %k: index):
    %a, %b = tile.recall %in[%k] {tile.stays} : !tile.view<5x8192xf16> -> tensor<16x16x16xf16, #tile.frag>
    tile.keep %a, %b, %out[%j] : tensor<16x16x16xf16, #tile.frag>, !tile.view<?x8192xf16>
  }
  tile.return
}

// What is marked is read a step before the phase that takes it, and handed on to it.

// CHECK-LABEL: tile.kernel @early
// CHECK: %[[FIRST:.*]] = tile.pull
// CHECK: scf.for {{.*}} iter_args({{.*}} = %[[FIRST]])
// CHECK: tile.step_wait
// CHECK: %[[NEXT:.*]] = tile.pull
// CHECK: tile.step_arrive
// CHECK: tile.step_wait
// CHECK: tile.pull
// CHECK: tile.put %[[NEXT]], %[[NEXT]]
tile.kernel @early(%in: !tile.view<?x256xf16>, %out: !tile.view<?x256xf16> {tile.out})
    schedule <consumers = 4, producer_registers = 0, consumer_registers = 128, persistent = true, overlap = false>
    attributes {tile.stagger = 1 : i64} {
  %count = tile.dim %in, 0 : !tile.view<?x256xf16>
  tile.foreach in(%count) {
  ^bb0(%i: index):
    %row = tile.position 1 : tensor<16x16x16xindex, #tile.frag>
    %x = tile.pull %in[%i, %row : index, tensor<16x16x16xindex, #tile.frag>] {tile.early} : !tile.view<?x256xf16> -> tensor<16x16x16xf16, #tile.frag>
    %a, %b = tile.exchange %x, %x permutation [1, 2, 0] : tensor<16x16x16xf16, #tile.frag> -> tensor<16x16x16xf16, #tile.frag>
    %s = arith.addf %a, %b : tensor<16x16x16xf16, #tile.frag>
    tile.place %s, %out[%i, %row : index, tensor<16x16x16xindex, #tile.frag>] : tensor<16x16x16xf16, #tile.frag>, !tile.view<?x256xf16>
  }
  tile.return
}
