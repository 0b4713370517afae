// RUN: longwing-opt %s --tile-pipeline-all --tile-to-nvvm --canonicalize --cse | FileCheck %s

// An arrival overtakes reads that are under way, so where a slot is given back depends on what was read of it, times a 0 that
// nobody knows: on a word of each read, or what was made of it last; of reads in a loop, on what the loop gives.

!shared = tensor<64x128xbf16, #tile.shared>
!rows = tensor<2x128xf32, #tile.channel<lanes = 1>>
!row = tensor<128xf32, #tile.channel<lanes = 1>>
!view = !tile.view<?x?xf32>

// The sum of two rows stands for both; the third row is as it was read.
// CHECK-LABEL: llvm.func @rows
// CHECK-COUNT-2: llvm.load %{{.*}} {alignment = 2 : i64} : !llvm.ptr<3> -> i16
// CHECK: %[[SUM:.*]] = arith.addf
// CHECK: %[[READ:.*]] = llvm.load %{{.*}} {alignment = 2 : i64} : !llvm.ptr<3> -> i16
// CHECK: %[[WIDE:.*]] = llvm.zext %[[READ]] : i16 to i32
// CHECK: %[[LAST:.*]] = llvm.shl %[[WIDE]],
// CHECK: %[[BITS:.*]] = llvm.bitcast %[[SUM]] : f32 to i32
// CHECK: %[[WORDS:.*]] = llvm.xor {{%[0-9]+, %[0-9]+}} : i32
// CHECK: %[[ZERO:.*]] = nvvm.read.ptx.sreg.ctaid.z
// CHECK: mad.lo.s32 at, $2, $3, $0; @p mbarrier.arrive.shared::cta{{.*}} %{{.*}}, %{{.*}}, %[[WORDS]], %[[ZERO]] :
// CHECK-NOT: mbarrier.arrive.shared::cta
tile.kernel @rows(%x: !tile.desc<1x64x64xbf16>, %y: !view {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = true, overlap = false> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  tile.foreach in(%c1, %c1) {
  ^bb0(%i: index, %j: index):
    %g = tile.load %x[%i, %c0, %c0] stages 2 : !tile.desc<1x64x64xbf16> -> !shared
    %r = tile.read %g[%c0] : !shared -> !rows
    %0 = tile.row %r[0] : !rows -> !row
    %1 = tile.row %r[1] : !rows -> !row
    %s = arith.addf %0, %1 : !row
    %t = tile.read %g[%c0 + 2] : !shared -> !row
    %u = arith.mulf %s, %t : !row
    tile.store_channels %u, %y[%i, %c0] : !row, !view
  }
  tile.return
}

// CHECK-LABEL: llvm.func @loop
// CHECK: %[[STATE:.*]] = scf.for %{{.*}} iter_args(%{{.*}}) -> (f32)
// CHECK: llvm.load %{{.*}} {alignment = 2 : i64} : !llvm.ptr<3> -> i16
// CHECK: scf.yield
// CHECK: %[[WORDS:.*]] = llvm.bitcast %[[STATE]] : f32 to i32
// CHECK: mbarrier.arrive.shared::cta{{.*}} %{{.*}}, %{{.*}}, %[[WORDS]], %{{.*}} :
// CHECK-NOT: mbarrier.arrive.shared::cta
tile.kernel @loop(%x: !tile.desc<1x64x64xbf16>, %y: !view {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = true, overlap = false> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant dense<0.0> : !row
  tile.foreach in(%c1, %c1) {
  ^bb0(%i: index, %j: index):
    %g = tile.load %x[%i, %c0, %c0] stages 2 : !tile.desc<1x64x64xbf16> -> !shared
    %s = scf.for %k = %c0 to %c64 step %c8 iter_args(%state = %zero) -> (!row) {
      %r = tile.read %g[%k] : !shared -> !row
      %next = arith.addf %state, %r : !row
      scf.yield %next : !row
    }
    tile.store_channels %s, %y[%i, %c0] : !row, !view
  }
  tile.return
}

// Of a panel, too: one word of four for each read. Products wait for what they read themselves.
// CHECK-LABEL: llvm.func @matrices
// CHECK: %[[FIRST:.*]] = nvvm.ldmatrix
// CHECK: %[[OF_FIRST:.*]] = llvm.extractvalue %[[FIRST]][0]
// CHECK-COUNT-2: nvvm.ldmatrix
// CHECK: %[[FOURTH:.*]] = nvvm.ldmatrix
// CHECK: %[[OF_FOURTH:.*]] = llvm.extractvalue %[[FOURTH]][0]
// CHECK: %[[TWO:.*]] = llvm.xor %[[OF_FIRST]], %
// CHECK: %[[THREE:.*]] = llvm.xor %[[TWO]], %
// CHECK: %[[WORDS:.*]] = llvm.xor %[[THREE]], %[[OF_FOURTH]]
// CHECK: mad.lo.s32 at, $2, $3, $0; @p mbarrier.arrive.shared::cta{{.*}} %{{.*}}, %{{.*}}, %[[WORDS]], %{{.*}} :
// CHECK: wgmma.wait_group.sync.aligned 0
// CHECK: mov.b32 at, $0; @p mbarrier.arrive.shared::cta
tile.kernel @matrices(%x: !tile.desc<1x64x64xbf16>, %z: !tile.desc<1x64x64xbf16>, %y: !tile.desc<1x64x64xbf16> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = true, overlap = false> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  tile.foreach in(%c1, %c1) {
  ^bb0(%i: index, %j: index):
    %g = tile.load %x[%i, %c0, %c0] stages 2 : !tile.desc<1x64x64xbf16> -> !shared
    %h = tile.load %z[%i, %c0, %c0] stages 2 : !tile.desc<1x64x64xbf16> -> tensor<64x64xbf16, #tile.shared>
    %p = tile.panel %g from 64 : !shared -> tensor<64x64xbf16, #tile.shared>
    %f = tile.fragment %p : tensor<64x64xbf16, #tile.shared> -> tensor<64x64xbf16, #tile.a_frag>
    %d = tile.dot %f, %h : tensor<64x64xbf16, #tile.a_frag>, tensor<64x64xbf16, #tile.shared> -> tensor<64x64xf32, #tile.acc>
    %e = tile.convert %d : tensor<64x64xf32, #tile.acc> -> tensor<64x64xbf16, #tile.acc>
    tile.store %e, %y[%i, %c0, %c0] along 1 : tensor<64x64xbf16, #tile.acc>, !tile.desc<1x64x64xbf16>
  }
  tile.return
}
