// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-specialize))" --split-input-file --verify-diagnostics

!desc = !tile.desc<64x64xbf16>
!shared = tensor<64x64xbf16, #tile.shared>
!acc = tensor<64x64xf32, #tile.acc>
!row = tensor<64xf32, #tile.row>

// The producer has no tiles, so it cannot know which way the consumers went.

tile.kernel @branch(%a: !desc, %o: !tile.desc<64x64xbf16> {tile.out})
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  %c0 = arith.constant 0 : index
  %least = arith.constant 0.0 : f32
  %n = tile.dim %a, 1 : !desc
  tile.foreach in (%n) {
  ^bb0(%x: index):
    %ta = tile.load %a[%x, %c0] stages 2 : !desc -> !shared
    %f = tile.fragment %ta : !shared -> !acc
    %m = tile.reduce <max> %f : !acc -> !row
    %most = tile.common %m : !row -> f32
    %way = arith.cmpf ogt, %most, %least : f32
    // expected-error @below {{expected a branch with loads to have a condition that is not computed from tiles}}
    %y = scf.if %way -> !acc {
      %tb = tile.load %a[%c0, %x] stages 2 : !desc -> !shared
      %g = tile.fragment %tb : !shared -> !acc
      scf.yield %g : !acc
    } else {
      %tb = tile.load %a[%c0, %c0] stages 2 : !desc -> !shared
      %g = tile.fragment %tb : !shared -> !acc
      scf.yield %g : !acc
    }
    %out = tile.convert %y : !acc -> tensor<64x64xbf16, #tile.acc>
    tile.store %out, %o[%c0, %c0] : tensor<64x64xbf16, #tile.acc>, !tile.desc<64x64xbf16>
  }
  tile.return
}
