//===- TilePointOps.td - Kernels of one thread a point -----*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel with the attribute `tile.points` has no tiles: a thread computes each point of its
// `tile.foreach`, with scalars of arith and math and memory of memref. The attribute is the number of
// points that a thread takes at once, so that their loads are in flight together.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_POINT_OPS_TD
#define LONGWING_TILE_POINT_OPS_TD

def Tile_ElementsOp : Tile_Op<"elements", [Pure]> {
  let summary = "A tensor in device memory, as memory that a thread reads and writes by itself";
  let description = [{
    The memory has the sizes of the view, and its strides, met at run time. The kernel must have the
    attribute `tile.points`.

    Example:

    ```mlir
    %x = tile.elements %u : !tile.view<?x64xf32> -> memref<?x64xf32, strided<[?, ?], offset: ?>>
    ```
  }];
  let arguments = (ins Tile_ViewType:$source);
  let results = (outs AnyMemRef:$memory);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($memory)";
  let hasVerifier = 1;
}

#endif // LONGWING_TILE_POINT_OPS_TD
