// RUN: longwing-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-pipeline))" --verify-diagnostics

!desc = !tile.desc<64x64xbf16>
!shared = tensor<64x64xbf16, #tile.shared>
!acc = tensor<64x64xf32, #tile.acc>

// Stage 1 makes what stage 0 of the next iteration takes; ordered behind it, it comes too late.
tile.kernel @late(%a: !desc)
    schedule <consumers = 1, producer_registers = 56, consumer_registers = 256, persistent = false, overlap = true> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant dense<0.0> : !acc
  %n = tile.dim %a, 0 : !desc
  tile.foreach in (%n) {
  ^bb0(%x: index):
    %sum = scf.for %t = %c0 to %n step %c1 iter_args(%acc = %zero) -> (!acc) {
      // expected-error @+1 {{the pipeline schedule runs this operation before its operand 'tensor<64x64xf32, #tile.acc>' is made}}
      %scaled = arith.mulf %acc, %acc {tile.pipeline = array<i64: 0, 0>} : !acc
      %next = arith.addf %scaled, %scaled {tile.pipeline = array<i64: 1, 1>} : !acc
      scf.yield %next : !acc
    } {tile.nonempty}
  }
  tile.return
}
