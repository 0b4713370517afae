//===- TileWarpOps.td - A matrix for each warp -------------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tiles of [W, 16, 16]: many small products side by side, as the stages of a Fourier transform
// need them.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_WARP_OPS_TD
#define LONGWING_TILE_WARP_OPS_TD

def Tile_WarpDotOp : Tile_Op<"warp_dot", [Pure]> {
  let summary = "Multiplies the matrices of each warp: a b^T (+ c)";
  let description = [{
    `result[w] = a[w] b[w]^T + c[w]`, a and b of f16. The result, of the type of c, is rounded
    once: to f16 it is as accurate as the narrow accumulator of the tensor cores.

    There is no other form, because this one moves nothing: the registers of a `#tile.frag` tile
    are those of an accumulator, of a left operand, and of a transposed right operand, all at once.
    What a transform multiplies from the left it passes as b; what it multiplies from the right,
    as a.
  }];
  let arguments = (ins Tile_FragTile:$a, Tile_FragTile:$b, Optional<Tile_FragTile>:$c);
  let results = (outs Tile_FragTile:$result);
  let assemblyFormat = [{
    $a `,` $b (`acc` `(` $c^ `:` type($c) `)`)? attr-dict `:` type($a) `,` type($b) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_ExchangeOp : Tile_Op<"exchange", [
    Pure, AllTypesMatch<["first", "second"]>, AllTypesMatch<["first_result", "second_result"]>]> {
  let summary = "Hands two tiles from the warps that own their first dimension to those of the second";
  let description = [{
    Both sources are transposed alike: dimension d of the result is dimension `permutation[d]` of
    the source. That is `[1, 0, 2]` or `[1, 2, 0]`: the other warps' rows come together, as they are
    or transposed. The tiles pass through SRAM, and all warps meet.
  }];
  let arguments = (ins Tile_FragTile:$first, Tile_FragTile:$second, DenseI64ArrayAttr:$permutation);
  let results = (outs Tile_FragTile:$first_result, Tile_FragTile:$second_result);
  let assemblyFormat = [{
    $first `,` $second `permutation` $permutation attr-dict `:` type($first) `->` type($first_result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$first, "::mlir::Value":$second, "::llvm::ArrayRef<int64_t>":$permutation)>];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Whether the result's matrices hold the exchanged dimension in their columns.
    bool transposes() { return getPermutation()[1] == 2; }
  }];
}

def Tile_SplitOp : Tile_Op<"split", [Pure]> {
  let summary = "Reads a tile in SRAM as a grid of matrices, one for each warp";
  let description = [{
    The source, [16 P, 16 Q], is a grid of P x Q matrices; warp w gets that of row w / Q and column
    w mod Q, or its transpose. With `row`, a multiple of 16, the grid begins at that row of a larger
    tile.
  }];
  let arguments = (ins Tile_SharedTile:$source, Optional<Index>:$row, UnitAttr:$transpose);
  let results = (outs Tile_FragTile:$result);
  let assemblyFormat = "$source (`row` $row^)? (`transpose` $transpose^)? attr-dict `:` type($source) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$source, "bool":$transpose), [{
    build($_builder, $_state, result, source, ::mlir::Value(), transpose);
  }]>];
  let hasVerifier = 1;
}

def Tile_JoinOp : Tile_Op<"join", [Pure]> {
  let summary = "Lays out the matrices of the warps as a grid in SRAM";
  let description = "The inverse of `tile.split` without `transpose`.";
  let arguments = (ins Tile_FragTile:$source);
  let results = (outs Tile_SharedTile:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_TransposeOp : Tile_Op<"transpose", [Pure, SameOperandsAndResultType]> {
  let summary = "Transposes the matrix of each warp";
  let description = "Of 16-bit elements. Products need none: their operands come as they are or transposed.";
  let arguments = (ins Tile_FragTile:$source);
  let results = (outs Tile_FragTile:$result);
  let assemblyFormat = "$source attr-dict `:` type($source)";
  let hasVerifier = 1;
}

def Tile_ZipOp : Tile_Op<"zip", [Pure, AllTypesMatch<["a", "b", "first", "second"]>]> {
  let summary = "Neighbouring elements of two tiles in turns";
  let description = [{
    Of columns c and c + 1, c even, the first result has a[c] and b[c], the second a[c + 1] and b[c + 1]; 16-bit elements.
    It undoes itself.
  }];
  let arguments = (ins Tile_FragTile:$a, Tile_FragTile:$b);
  let results = (outs Tile_FragTile:$first, Tile_FragTile:$second);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a)";
  let hasVerifier = 1;
}

def Tile_PositionOp : Tile_Op<"position", [Pure]> {
  let summary = "The index of each element along a dimension of a tile: warp, row or column";
  let description = "With `quads`, of each element's column in memory: see `tile.pull_rows`.";
  let arguments = (ins I64Attr:$dimension, UnitAttr:$quads);
  let results = (outs Tile_FragTile:$result);
  let assemblyFormat = "$dimension (`quads` $quads^)? attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Tile_CastOp : Tile_Op<"cast", [Pure]> {
  let summary = "Rounds or widens the elements of a tile of matrices";
  let description = "From f16, bf16 or f32 to another of them, to nearest.";
  let arguments = (ins Tile_FragTile:$source);
  let results = (outs Tile_FragTile:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_PullOp : Tile_Op<"pull", [MemoryEffects<[MemRead]>]> {
  let summary = "Reads elements of a tensor at computed indices; zero outside of it";
  let description = [{
    The indices are `index` scalars or tiles of `index` shaped as the result.
  }];
  let arguments = (ins Tile_ViewType:$source, Variadic<AnyType>:$indices);
  let results = (outs Tile_FragTile:$result);
  let assemblyFormat = [{
    $source `[` $indices `:` type($indices) `]` attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_PlaceOp : Tile_Op<"place", [MemoryEffects<[MemWrite]>]> {
  let summary = "Writes elements of a tile to a tensor at computed indices; none outside of it";
  let arguments = (ins Tile_FragTile:$tile, Tile_ViewType:$destination, Variadic<AnyType>:$indices);
  let assemblyFormat = [{
    $tile `,` $destination `[` $indices `:` type($indices) `]` attr-dict
    `:` type($tile) `,` type($destination)
  }];
  let hasVerifier = 1;
}

def Tile_LoadStripsOp : Tile_Op<"load_strips", [MemoryEffects<[MemRead]>]> {
  let summary = "Reads a tile whose rows are strips of a tensor into SRAM; zero outside of it";
  let description = [{
    What a box of the copy engine is of tensors that it can cut. `digits` are `[size, dimension, step, ...]`: the
    number of a row has digits of these sizes, the fastest first, and each moves the strip that many steps along a
    dimension from the coordinates. `whole` says that `tile.whole` holds.

    Example: 64 rows, of which 16 are 256 samples apart each, from 4 places 64 samples apart

    ```mlir
    %x = tile.load_strips %u[%b, %h, %t] digits [16, 2, 256, 4, 2, 64] stages 4 whole %whole
        : !tile.view<?x768x1000xf16> -> tensor<64x64xf16, #tile.shared>
    ```
  }];
  let arguments = (ins Tile_ViewType:$source, Variadic<Index>:$coordinates, DenseI64ArrayAttr:$digits,
                       I64Attr:$stages, I1:$whole);
  let results = (outs Tile_SharedTile:$tile);
  let assemblyFormat = [{
    $source `[` $coordinates `]` `digits` $digits `stages` $stages `whole` $whole attr-dict
    `:` type($source) `->` type($tile)
  }];
  let hasVerifier = 1;
}

def Tile_StoreStripsOp : Tile_Op<"store_strips", [MemoryEffects<[MemWrite]>]> {
  let summary = "Writes a tile in SRAM to strips of a tensor; nothing outside of it";
  let description = "The places are those of `tile.load_strips`.";
  let arguments = (ins Tile_SharedTile:$tile, Tile_ViewType:$destination, Variadic<Index>:$coordinates,
                       DenseI64ArrayAttr:$digits, I1:$whole);
  let assemblyFormat = [{
    $tile `,` $destination `[` $coordinates `]` `digits` $digits `whole` $whole attr-dict
    `:` type($tile) `,` type($destination)
  }];
  let hasVerifier = 1;
}

#endif // LONGWING_TILE_WARP_OPS_TD
