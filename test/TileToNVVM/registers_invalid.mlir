// RUN: longwing-opt %s --tile-pipeline-all --tile-to-nvvm-pipeline --verify-diagnostics

// Two CTAs share a multiprocessor, so that a launch gives 80 registers to each of 384 threads. The warps that compute
// would wait for 112 without end.

// expected-error @below {{expected roles that share the 30720 registers of a launch, 2 to a multiprocessor, got a schedule of 31744}}
tile.kernel @roles(%u: !tile.desc<32x64xf16>, %y: !tile.view<16xf16> {tile.out})
    schedule <consumers = 2, producer_registers = 24, consumer_registers = 112, persistent = false, overlap = false> {
  %n = tile.dim %u, 0 : !tile.desc<32x64xf16>
  tile.foreach in (%n) {
  ^bb0(%x: index):
    %c0 = arith.constant 0 : index
    %tile = tile.load %u[%x, %c0] stages 1 : !tile.desc<32x64xf16> -> tensor<32x64xf16, #tile.shared>
    %m = tile.split %tile : tensor<32x64xf16, #tile.shared> -> tensor<8x16x16xf16, #tile.frag>
    %column = tile.position 2 : tensor<8x16x16xindex, #tile.frag>
    tile.place %m, %y[%column : tensor<8x16x16xindex, #tile.frag>] : tensor<8x16x16xf16, #tile.frag>, !tile.view<16xf16>
  }
  tile.return
}
