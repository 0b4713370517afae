//===- TileRecurrenceOps.td - What chunked recurrences add -*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A recurrence that is computed in chunks has vectors along time (decays, their prefix sums), and a
// state that is an accumulator in one product and an operand of the next.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_RECURRENCE_OPS_TD
#define LONGWING_TILE_RECURRENCE_OPS_TD

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

def Tile_ScanOp : Tile_Op<"scan", [Pure, SameOperandsAndResultType]> {
  let summary = "Prefix sums of a line: element t is the sum of the elements 0 to t";
  let arguments = (ins Tile_LineTile:$source);
  let results = (outs Tile_LineTile:$result);
  let assemblyFormat = "$source attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Tile_DistributeOp : Tile_Op<"distribute", [Pure]> {
  let summary = "A line as a value for each row or column of an accumulator";
  let arguments = (ins Tile_LineTile:$source);
  let results = (outs AnyTypeOf<[Tile_RowTile, Tile_ColTile], "#tile.row or #tile.col tile",
                                "::mlir::RankedTensorType">:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_PickOp : Tile_Op<"pick", [Pure]> {
  let summary = "One element of a line, as a scalar";
  let arguments = (ins Tile_LineTile:$source, I64Attr:$position);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$source `[` $position `]` attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_GreatestOp : Tile_Op<"greatest", [Pure]> {
  let summary = "The greatest element of a line of f32, as a scalar";
  let arguments = (ins Tile_LineTile:$source);
  let results = (outs F32:$result);
  let assemblyFormat = "$source attr-dict `:` type($source)";
  let hasVerifier = 1;
}

def Tile_BetweenOp : Tile_Op<"between", [Pure, AllTypesMatch<["from", "to"]>]> {
  let summary = "The matrix whose products are sums over steps from here to there";
  let description = [{
    Row i has 1 in the columns from `from[i]` on and below `to[i]`; where `to[i]` lies before
    `from[i]`, -1 in those from `to[i]` on and below `from[i]`; else 0. As left operand of a product it makes
    of each column the difference of two prefix sums, whose common terms do not enter.
  }];
  let arguments = (ins Tile_RowTile:$from, Tile_RowTile:$to);
  let results = (outs Tile_AFragTile:$result);
  let assemblyFormat = "$from `to` $to attr-dict `:` type($from) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_CommonOp : Tile_Op<"common", [Pure]> {
  let summary = "What all rows of a tile have in common";
  let description = [{
    The rows are equal: of an accumulator one of them as `#tile.col`, of a `#tile.row` tile one
    value as a scalar. It takes no instruction.
  }];
  let arguments = (ins AnyTypeOf<[Tile_AccTile, Tile_RowTile], "#tile.acc or #tile.row tile",
                                 "::mlir::RankedTensorType">:$source);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Between registers and SRAM
//===----------------------------------------------------------------------===//

def Tile_PartsOp : Tile_Op<"parts", [Pure, AllTypesMatch<["whole", "rest"]>]> {
  let summary = "An f32 accumulator as 16 bits, and what they leave of it as 16 more";
  let description = [{
    `whole` is the tile as `tile.convert` rounds it, `rest` the rounded difference: as operands of two products
    they have the digits of both. As one operation it needs no registers for the difference.
  }];
  let arguments = (ins Tile_AccTile:$source);
  let results = (outs Tile_OneOf<[Tile_AccTile, Tile_AFragTile], "#tile.acc or #tile.a_frag tile">:$whole,
                      Tile_OneOf<[Tile_AccTile, Tile_AFragTile], "#tile.acc or #tile.a_frag tile">:$rest);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($whole)";
  let hasVerifier = 1;
}

def Tile_PanelOp : Tile_Op<"panel", [Pure]> {
  let summary = "Columns of a tile in SRAM, where they stand";
  let description = [{
    Those from `first` on, in whole panels of 128 bytes: no instruction. What reads the panel reads the tile,
    whose slot is given back behind the last of them.
  }];
  let arguments = (ins Tile_SharedTile:$source, I64Attr:$first);
  let results = (outs Tile_SharedTile:$tile);
  let assemblyFormat = "$source `from` $first attr-dict `:` type($source) `->` type($tile)";
  let hasVerifier = 1;
}

def Tile_TrimOp : Tile_Op<"trim", [Pure, AllTypesMatch<["source", "tile"]>]> {
  let summary = "A tile in SRAM that ends after some rows";
  let description = [{
    The first `rows` rows; the others are zero, as those that a load finds behind the end of a tensor. They
    become so where they stand: what reads the tile that is trimmed stands behind this operation and reads its
    result.
  }];
  let arguments = (ins Tile_SharedTile:$source, Index:$rows);
  let results = (outs Tile_SharedTile:$tile);
  let assemblyFormat = "$source `to` $rows attr-dict `:` type($source)";
  let hasVerifier = 1;
}

def Tile_FragmentOp : Tile_Op<"fragment", [Pure]> {
  let summary = "Reads a tile in SRAM into registers";
  let description = [{
    The result is the tile, or of a 16-bit one its transpose: as an accumulator of 32-bit floats, or
    as it stands, the register operand of a product.
  }];
  let arguments = (ins Tile_SharedTile:$source, UnitAttr:$transpose);
  let results = (outs Tile_OneOf<[Tile_AccTile, Tile_AFragTile], "#tile.acc or #tile.a_frag tile">:$result);
  let assemblyFormat = [{
    $source (`transpose` $transpose^)? attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_StageOp : Tile_Op<"stage", [Pure]> {
  let summary = "Puts a tile in registers into SRAM, where a product can take it";
  let description = [{
    `buffer` is where it stands; the sequential form has none. The warpgroups that read the tile
    meet before it is written, and behind. Tiles of one type and one `place` share a buffer: none is
    used once the next one has been put there.
  }];
  let arguments = (ins Tile_AccTile:$source, Optional<Tile_SmemType>:$buffer,
                       OptionalAttr<I64Attr>:$place);
  let results = (outs Tile_SharedTile:$tile);
  let assemblyFormat = [{
    $source (`in` $buffer^ `:` type($buffer))? attr-dict `:` type($source) `->` type($tile)
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$tile, "::mlir::Value":$source, "::mlir::Value":$buffer), [{
    build($_builder, $_state, tile, source, buffer, ::mlir::IntegerAttr());
  }]>];
  let hasVerifier = 1;
}

def Tile_ScatterOp : Tile_Op<"scatter", [MemoryEffects<[MemWrite]>]> {
  let summary = "Writes the elements of a tile to computed indices of a tensor";
  let description = [{
    As `tile.gather`, the other way round; what has an index outside the tensor is not written. No
    two elements have the same indices.
  }];
  let arguments = (ins Tile_RegisterTile:$tile, Tile_ViewType:$destination,
                       Variadic<AnyType>:$indices);
  let assemblyFormat = [{
    $tile `,` $destination `[` $indices `:` type($indices) `]` attr-dict
    `:` type($tile) `,` type($destination)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Specialised form
//===----------------------------------------------------------------------===//

def Tile_WarpgroupOp : Tile_Op<"warpgroup", [Pure]> {
  let summary = "The number of this consumer warpgroup, from 0";
  let results = (outs Index:$number);
  let assemblyFormat = "attr-dict";
}

def Tile_WarpOp : Tile_Op<"warp", [Pure]> {
  let summary = "The number of this warp among the consumers of its CTA, from 0";
  let results = (outs Index:$number);
  let assemblyFormat = "attr-dict";
}

#endif // LONGWING_TILE_RECURRENCE_OPS_TD
