//===- TileInPlaceOps.td - Transforms in place in SRAM -----*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A complex tile too large for registers stays in SRAM, where warps read and write matrices of it,
// along one dimension or the other.
//
// The buffer, [8 I + 16, 64] of f16, is a grid of I x 16 rows, I a multiple of 8: row (i, j) are 16 numbers of a first
// part and 16 of a second one. Warps go `along` a dimension of the grid, `step` from one to the next, and a matrix's
// rows along the other one:
//
//   along 0: row r of warp w is (i + step w, r)        along 1: it is (i + r, j + step w)
//
// Boxes of the copy engine come to the second part, and leave from the first one: of each four columns j a box, which a
// warpgroup shares. Box row 16 j' + a, of 64 elements, is that of i = 16 j' + a.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_IN_PLACE_OPS_TD
#define LONGWING_TILE_IN_PLACE_OPS_TD

def Tile_WriteRowsOp : Tile_Op<"write_rows", [AllTypesMatch<["first", "second"]>, MemoryEffects<[MemWrite]>]> {
  let summary = "Writes two matrices of each warp to rows of a buffer in SRAM";
  let description = [{
    The parts of row r of warp w are the rows r of its two matrices. `j` is 0 if warps go along
    dimension 0. If they go along dimension 1, `i` is a multiple of 16, a constant or one times an index.
  }];
  let arguments = (ins Tile_FragTile:$first, Tile_FragTile:$second, Tile_SmemType:$buffer, Index:$i, Index:$j,
                       I64Attr:$along, I64Attr:$step);
  let assemblyFormat = [{
    $first `,` $second `,` $buffer `[` $i `,` $j `]` `along` $along `step` $step attr-dict
    `:` type($first) `,` type($buffer)
  }];
  let hasVerifier = 1;
}

def Tile_ReadRowsOp : Tile_Op<"read_rows", [AllTypesMatch<["first", "second"]>, MemoryEffects<[MemRead]>]> {
  let summary = "Reads two matrices of each warp, or their transposes, from rows of a buffer in SRAM";
  let description = "As `tile.write_rows` writes them.";
  let arguments = (ins Tile_SmemType:$buffer, Index:$i, Index:$j, I64Attr:$along, I64Attr:$step,
                       UnitAttr:$transpose);
  let results = (outs Tile_FragTile:$first, Tile_FragTile:$second);
  let assemblyFormat = [{
    $buffer `[` $i `,` $j `]` `along` $along `step` $step (`transpose` $transpose^)? attr-dict
    `:` type($buffer) `->` type($first)
  }];
  let hasVerifier = 1;
}

def Tile_TakeRowsOp : Tile_Op<"take_rows", [MemoryEffects<[MemRead]>]> {
  let summary = "Reads the transpose of a matrix of each warp from rows that came in boxes";
  let description = [{
    As `tile.read_rows` does along dimension 1, of the second part, with a step of 1. 16-bit elements. With `quads` the matrix
    itself, its columns as `tile.pull_rows` has them.
  }];
  let arguments = (ins Tile_SmemType:$buffer, Index:$i, Index:$j, UnitAttr:$quads);
  let results = (outs Tile_FragTile:$result);
  let assemblyFormat = "$buffer `[` $i `,` $j `]` (`quads` $quads^)? attr-dict `:` type($buffer) `->` type($result)";
}

def Tile_LayRowsOp : Tile_Op<"lay_rows", [MemoryEffects<[MemWrite]>]> {
  let summary = "Writes a matrix of each warp to rows that leave in boxes";
  let description = [{
    As `tile.write_rows` does along dimension 1, to the first part, with a step of 1. 16-bit elements; of columns in `quads`, too.
  }];
  let arguments = (ins Tile_FragTile:$tile, Tile_SmemType:$buffer, Index:$i, Index:$j, UnitAttr:$quads);
  let assemblyFormat = "$tile `,` $buffer `[` $i `,` $j `]` (`quads` $quads^)? attr-dict `:` type($tile) `,` type($buffer)";
}

def Tile_FetchRowsOp : Tile_Op<"fetch_rows", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Brings boxes of a tensor to the second part of a buffer, for the columns of all warps from j on";
  let description = [{
    Coordinates are those of the box of column j = 0. `tile-specialize` has them asked for where the work tile before this one
    says that there is room, by `tile.vacate_rows`.
  }];
  let arguments = (ins Tile_DescType:$source, Variadic<Index>:$coordinates, Tile_SmemType:$buffer, Index:$j,
                       I64Attr:$columns);
  let assemblyFormat = [{
    $source `[` $coordinates `]` `to` $buffer `[` $j `]` `columns` $columns attr-dict `:` type($source) `,` type($buffer)
  }];
}

def Tile_VacateRowsOp : Tile_Op<"vacate_rows", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Says that the second part of the columns of all warps from j on may be filled for the next work tile";
  let description = "In order nothing happens.";
  let arguments = (ins Tile_SmemType:$buffer, Index:$j);
  let assemblyFormat = "$buffer `[` $j `]` attr-dict `:` type($buffer)";
}

def Tile_AskRowsOp : Tile_Op<"ask_rows", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Starts what `tile.fetch_rows` brings, in one thread of each warpgroup";
  let arguments = (ins Tile_DescType:$source, Variadic<Index>:$coordinates, Tile_SmemType:$buffer, Index:$j);
  let assemblyFormat = [{
    $source `[` $coordinates `]` `to` $buffer `[` $j `]` attr-dict `:` type($source) `,` type($buffer)
  }];
}

def Tile_AwaitRowsOp : Tile_Op<"await_rows", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Waits for rows that were asked for";
  let description = "`turn` counts the work tiles for which they have been before.";
  let arguments = (ins Tile_SmemType:$buffer, Index:$j, Index:$turn);
  let assemblyFormat = "$buffer `[` $j `]` `turn` $turn attr-dict `:` type($buffer)";
}

def Tile_FlushRowsOp : Tile_Op<"flush_rows", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Writes the first part of the columns of all warps from j on to boxes of a tensor";
  let arguments = (ins Tile_SmemType:$buffer, Index:$j, Tile_DescType:$destination, Variadic<Index>:$coordinates,
                       I64Attr:$columns);
  let assemblyFormat = [{
    $buffer `[` $j `]` `to` $destination `[` $coordinates `]` `columns` $columns attr-dict
    `:` type($buffer) `,` type($destination)
  }];
}

def Tile_FlushedRowsOp : Tile_Op<"flushed_rows", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Waits until the first part may be written, since all that `tile.flush_rows` took from it has been read";
  let assemblyFormat = "attr-dict";
}

def Tile_MeetOp : Tile_Op<"meet", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "All warps that compute meet: what they wrote to SRAM is seen by the others";
  let assemblyFormat = "attr-dict";
}

def Tile_PullRowsOp : Tile_Op<"pull_rows", [MemoryEffects<[MemRead]>]> {
  let summary = "Reads rows that lie in one piece in device memory; zero outside of the tensor";
  let description = [{
    Element (w, r, c) is that of the coordinates, `step w + stride r + c` added to the last one. That one
    is a scalar, or a tile of `index` that is constant in each warp's matrix. With two results the tensor
    has one more dimension, of two elements: a result for each of them. With `quads`, 4 (c % 8 / 2) + 2 (c / 8) + c % 2 stands
    for c: a thread's four columns are then neighbours in memory, which it reads at once. With `zipped`, two results are
    given as `tile.zip` makes them of these, as they lie in memory.

    A row lies inside of the tensor or outside of it (all do inside if `inside` promises it), the
    tensor's last dimension is in one piece, and rows begin at multiples of 16 bytes: see `tile.whole`.
    A buffer in SRAM, [n, 64], is one dimension.
  }];
  let arguments = (ins AnyTypeOf<[Tile_ViewType, Tile_SmemType]>:$source, Variadic<AnyType>:$coordinates, I64Attr:$step,
                       I64Attr:$stride, UnitAttr:$inside, UnitAttr:$quads, UnitAttr:$zipped);
  let results = (outs Variadic<Tile_FragTile>:$results_);
  let assemblyFormat = [{
    $source `[` $coordinates `:` type($coordinates) `]` `step` $step `stride` $stride
    (`inside` $inside^)? (`quads` $quads^)? (`zipped` $zipped^)? attr-dict `:` type($source) `->` type($results_)
  }];
  let hasVerifier = 1;
}

def Tile_PlaceRowsOp : Tile_Op<"place_rows", [AttrSizedOperandSegments, MemoryEffects<[MemWrite]>]> {
  let summary = "Writes rows that lie in one piece in device memory; none outside of the tensor";
  let description = "As `tile.pull_rows` reads them.";
  let arguments = (ins Variadic<Tile_FragTile>:$tiles, Tile_ViewType:$destination,
                       Variadic<Index>:$coordinates, I64Attr:$step, I64Attr:$stride, UnitAttr:$inside,
                       UnitAttr:$quads);
  let assemblyFormat = [{
    $tiles `to` $destination `[` $coordinates `]` `step` $step `stride` $stride (`inside` $inside^)?
    (`quads` $quads^)? attr-dict
    `:` type($tiles) `to` type($destination)
  }];
  let hasVerifier = 1;
}

def Tile_BringOp : Tile_Op<"bring", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Brings a tensor in one piece to SRAM, before a kernel's work begins";
  let arguments = (ins Tile_ViewType:$source, Tile_SmemType:$buffer);
  let assemblyFormat = "$source `to` $buffer attr-dict `:` type($source) `to` type($buffer)";
  let hasVerifier = 1;
}

def Tile_PrefetchOp : Tile_Op<"prefetch", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Asks for part of a row of a tensor, which then comes from L2";
  let description = [{
    That many elements from the coordinates on, in as many rounds of a persistent kernel's CTAs as `rounds` says: with each the
    first coordinate goes on by their number. What lies outside of the tensor is left out. The row lies in one piece, and begins at a multiple of
    16 bytes, as do the elements that are there. In order nothing happens.
  }];
  let arguments = (ins Tile_ViewType:$source, Variadic<Index>:$coordinates, Index:$rounds, I64Attr:$elements);
  let assemblyFormat = "$source `[` $coordinates `]` `rounds` $rounds `elements` $elements attr-dict `:` type($source)";
}

def Tile_CtaOp : Tile_Op<"cta", [Pure]> {
  let summary = "The number of this CTA, from 0";
  let description = [{
    CTAs that run at the same time have different ones, less than the kernel's `tile.most_ctas`. In order there is one, 0.
  }];
  let results = (outs Index:$number);
  let assemblyFormat = "attr-dict";
}

def Tile_KeepOp : Tile_Op<"keep", [AllTypesMatch<["first", "second"]>, MemoryEffects<[MemWrite]>]> {
  let summary = "Keeps two tiles in memory, each thread what it holds of them";
  let description = [{
    The memory is an array of places for two tiles of W matrices: a buffer in SRAM, [places, 8 W, 64], or a tensor whose
    last dimension has 512 W elements in one piece. In which order they lie there is the matter of
    `tile.recall`, which alone reads them. No thread waits for another: what a thread of one kernel has
    kept, the same thread may recall at once, and others in a later kernel.
  }];
  let arguments = (ins Tile_FragTile:$first, Tile_FragTile:$second, AnyTypeOf<[Tile_SmemType, Tile_ViewType]>:$memory,
                       Variadic<Index>:$place);
  let assemblyFormat = "$first `,` $second `,` $memory `[` $place `]` attr-dict `:` type($first) `,` type($memory)";
  let hasVerifier = 1;
}

def Tile_RecallOp : Tile_Op<"recall", [AttrSizedOperandSegments, AllTypesMatch<["first", "second"]>, MemoryEffects<[MemRead]>]> {
  let summary = "Reads two tiles that were kept";
  let description = "Where `exists` is false they are zero, and nothing is read.";
  let arguments = (ins AnyTypeOf<[Tile_SmemType, Tile_ViewType]>:$memory, Variadic<Index>:$place, Optional<I1>:$exists);
  let results = (outs Tile_FragTile:$first, Tile_FragTile:$second);
  let assemblyFormat = "$memory `[` $place `]` (`if` $exists^)? attr-dict `:` type($memory) `->` type($first)";
  let hasVerifier = 1;
}

#endif // LONGWING_TILE_IN_PLACE_OPS_TD
