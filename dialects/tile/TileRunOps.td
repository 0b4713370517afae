//===- TileRunOps.td - Tiles of sequences, Toeplitz products ---*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tiles whose rows are pieces of sequences go between device memory and registers without a
// detour through SRAM, and are multiplied by Toeplitz matrices, which take little of it.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_RUN_OPS_TD
#define LONGWING_TILE_RUN_OPS_TD

def Tile_YieldOp : Tile_Op<"yield", [Pure, Terminator, ReturnLike, ParentOneOf<["ToeplitzOp", "ChainOp"]>]> {
  let summary = "The values of a region";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

def Tile_WholeOp : Tile_Op<"whole", [Pure]> {
  let summary = "Whether runs move to and from tensors in one piece";
  let description = [{
    Holds where all addresses of elements whose last index is a multiple of eight are multiples of 16
    bytes, runs lie in one piece, and none ends outside of a tensor in which it begins. In order it is
    false, which is always safe.
  }];
  let arguments = (ins Variadic<Tile_ViewType>:$tensors);
  let results = (outs I1:$result);
  let assemblyFormat = "$tensors attr-dict `:` type($tensors)";
}

def Tile_LoadRunsOp : Tile_Op<"load_runs", [AttrSizedOperandSegments, MemoryEffects<[MemRead]>]> {
  let summary = "Reads a tile of runs from a tensor";
  let description = [{
    Element [r, c] comes from the indices, each an `index` or a `#tile.row` tile of them (taken at r),
    c added to the last one. What lies outside of the tensor is zero; with `wrap` the last dimension
    is periodic. `whole` says that `tile.whole` holds, that last indices are multiples of eight, and
    that those that wrap are at most one period off. Without it, where runs of eight elements lie in one piece, at addresses that are multiples of 16
    bytes, they are read in one piece; else element by element, through `buffer` in SRAM. The
    sequential form has none.

    Example:

    ```mlir
    %x = tile.load_runs %u[%b, %h, %t : tensor<64xindex, #tile.row>, index, tensor<64xindex, #tile.row>]
        : !tile.view<?x768x?xf16> -> tensor<64x64xf16, #tile.runs>
    ```
  }];
  let arguments = (ins Tile_ViewType:$source, Variadic<AnyType>:$indices, UnitAttr:$wrap,
                       UnitAttr:$whole, Optional<Tile_SmemType>:$buffer);
  let results = (outs Tile_RunsTile:$tile);
  let builders = [OpBuilder<(ins "::mlir::Type":$tile, "::mlir::Value":$source,
                                 "::mlir::ValueRange":$indices, "bool":$wrap, "bool":$whole),
                            [{ build($_builder, $_state, tile, source, indices, wrap, whole, ::mlir::Value()); }]>];
  let assemblyFormat = [{
    $source `[` $indices `:` type($indices) `]` (`wrap` $wrap^)? (`whole` $whole^)?
    (`through` $buffer^ `:` type($buffer))? attr-dict
    `:` type($source) `->` type($tile)
  }];
  let hasVerifier = 1;
}

def Tile_StoreRunsOp : Tile_Op<"store_runs", [
    AttrSizedOperandSegments, MemoryEffects<[MemWrite]>]> {
  let summary = "Writes a tile of runs to a tensor";
  let description = [{
    The places are those of `tile.load_runs`, and so is the way there; what lies outside of the
    tensor is dropped.
  }];
  let arguments = (ins Tile_RunsTile:$tile, Tile_ViewType:$destination, Variadic<AnyType>:$indices,
                       UnitAttr:$whole, Optional<Tile_SmemType>:$buffer);
  let builders = [OpBuilder<(ins "::mlir::Value":$tile, "::mlir::Value":$destination,
                                 "::mlir::ValueRange":$indices, "bool":$whole),
                            [{ build($_builder, $_state, tile, destination, indices, whole, ::mlir::Value()); }]>];
  let assemblyFormat = [{
    $tile `,` $destination `[` $indices `:` type($indices) `]` (`whole` $whole^)?
    (`through` $buffer^ `:` type($buffer))? attr-dict
    `:` type($tile) `,` type($destination)
  }];
  let hasVerifier = 1;
}

def Tile_ReadRunsOp : Tile_Op<"read_runs", [Pure]> {
  let summary = "Reads pieces of sequences in SRAM into registers";
  let description = [{
    The tile in SRAM holds groups of neighbouring rows, the result `rows` of each group: those from row
    `from` of it on, or with `wrap` all of them, beginning at that row and going on at the first. So one
    tile serves as what it is and as what lies some rows before.

    Example:

    ```mlir
    %before = tile.read_runs %x rows 16 from 0 : tensor<68x64xf16, #tile.shared> -> tensor<64x64xf16, #tile.runs<woven = true>>
    ```
  }];
  let arguments = (ins Tile_SharedTile:$source, I64Attr:$rows, I64Attr:$from, UnitAttr:$wrap);
  let results = (outs Tile_RunsTile:$tile);
  let assemblyFormat = [{
    $source `rows` $rows `from` $from (`wrap` $wrap^)? attr-dict `:` type($source) `->` type($tile)
  }];
  let extraClassDeclaration = [{
    /// Rows of a group in SRAM.
    int64_t getPitch() {
      return getSource().getType().getDimSize(0) * int64_t(getRows()) / getTile().getType().getDimSize(0);
    }
  }];
  let hasVerifier = 1;
}

def Tile_ToeplitzOp : Tile_Op<"toeplitz", [MemoryEffects<[MemRead]>]> {
  let summary = "Toeplitz matrices in SRAM, from a function of the lag";
  let description = [{
    `result[d, j, i] = body(i - j + 64 (d + first))`. The region takes the lag and yields an element; it
    is defined at every lag, also outside of a filter. A product of a tile of runs by matrix d adds
    what its samples contribute to the samples of the tile that begins 64 (d + first) later.

    `buffer` is where the matrices stand; the sequential form has none. The warpgroups of a CTA meet
    before they are written, and behind.

    Example:

    ```mlir
    %bank = tile.toeplitz first 0 : tensor<2x64x64xf16, #tile.toeplitz> {
    ^bb0(%lag: index):
      %tap = tile.gather %filter[%h, %lag : index, index] : !tile.view<768x128xf16> -> f16
      ...
      tile.yield %value : f16
    }
    ```
  }];
  let arguments = (ins I64Attr:$first, Optional<Tile_SmemType>:$buffer);
  let results = (outs Tile_ToeplitzTile:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `first` $first (`in` $buffer^ `:` type($buffer))? attr-dict `:` type($result) $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Tile_LagOp : Tile_Op<"lag", [Pure]> {
  let summary = "One of several Toeplitz matrices";
  let arguments = (ins Tile_ToeplitzTile:$source, I64Attr:$index);
  let results = (outs Tile_ToeplitzTile:$result);
  let assemblyFormat = "$source `[` $index `]` attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

#endif // LONGWING_TILE_RUN_OPS_TD
