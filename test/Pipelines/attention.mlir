// RUN: longwing-opt %s --seq-to-tile-pipeline --tile-pipeline-all | FileCheck %s --check-prefix=TILE
// RUN: longwing-opt %s --seq-to-tile-pipeline --tile-pipeline-all --tile-to-nvvm-pipeline | FileCheck %s --check-prefix=NVVM

// The program that attention arrives at: the product of the next scores and of the last
// probabilities are in flight together, with the softmax between their waits.

// TILE: tile.warp_specialize producer
// TILE: scf.for
// TILE: tile.produce
// TILE: consumer
// TILE: scf.for
// TILE: scf.for
// TILE: scf.for
// TILE: %[[S:.*]] = tile.mma_async {{.*}} transpose_b
// TILE: %[[O:.*]] = tile.mma_async
// TILE: tile.mma_wait 1(%[[S]])
// TILE: tile.release
// TILE: tile.reduce <max>
// TILE: math.exp2
// TILE: tile.mma_wait 0(%[[O]],
// TILE: tile.release
// TILE: tile.convert

// NVVM: gpu.module @kernels
// NVVM: llvm.func @main_attention(%arg0: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}, %arg1: i32, %arg2: i32, %arg3: i32, %arg4: i32,
// NVVM-SAME: attributes {nvvm.kernel, nvvm.minctasm = 1 : i32, nvvm.reqntid = array<i32: 384, 1, 1>}
// NVVM: cp.async.bulk.tensor
// NVVM: wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
// NVVM: wgmma.wait_group.sync.aligned 1;
// NVVM-NOT: builtin.unrealized_conversion_cast
func.func @main(%q: tensor<1x16x?x128xbf16>) -> tensor<1x16x?x128xbf16> {
  %o = seq.attention %q, %q, %q {causal} : tensor<1x16x?x128xbf16>, tensor<1x16x?x128xbf16>, tensor<1x16x?x128xbf16> -> tensor<1x16x?x128xbf16>
  return %o : tensor<1x16x?x128xbf16>
}

// Without a diagonal only the first tile of keys is masked; the rest are pipelined all the same, in
// one loop.

// TILE-LABEL: tile.kernel @unmasked_attention
// TILE: consumer
// TILE: tile.mma_wait 0
// TILE: scf.for
// TILE: %[[S1:.*]] = tile.mma_async {{.*}} transpose_b
// TILE: %[[O1:.*]] = tile.mma_async
// TILE: tile.mma_wait 1(%[[S1]])
// TILE: tile.mma_wait 0(%[[O1]],
// TILE: scf.yield
// TILE-NOT: scf.for
// TILE: tile.store
func.func @unmasked(%q: tensor<1x16x?x128xbf16>) -> tensor<1x16x?x128xbf16> {
  %o = seq.attention %q, %q, %q : tensor<1x16x?x128xbf16>, tensor<1x16x?x128xbf16>, tensor<1x16x?x128xbf16> -> tensor<1x16x?x128xbf16>
  return %o : tensor<1x16x?x128xbf16>
}
