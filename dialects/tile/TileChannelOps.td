//===- TileChannelOps.td - Recurrences, channel by channel -*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tiles whose channels do not meet: state-space scans and other recurrences along time.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_CHANNEL_OPS_TD
#define LONGWING_TILE_CHANNEL_OPS_TD

def Tile_ChannelOrStateTile : AnyTypeOf<[Tile_ChannelTile, Tile_StateTile], "#tile.channel or #tile.state tile",
                                        "::mlir::RankedTensorType">;

def Tile_ReadOp : Tile_Op<"read", [Pure]> {
  let summary = "Reads rows of a tile in SRAM into registers, as f32";
  let description = [{
    The rows `row + offset`, ... of the source as a `#tile.channel` tile of [R, C]; or the row
    `row + offset` alone, as a `#tile.channel` tile of [C] or a `#tile.state` tile. Elements of 16
    bits are widened, which is exact. `row` is a multiple of 8.

    Example:

    ```mlir
    %x = tile.read %u[%row] : tensor<32x128xbf16, #tile.shared> -> tensor<8x128xf32, #tile.channel<lanes = 2>>
    %b = tile.read %B[%row + 3] : tensor<32x16xbf16, #tile.shared> -> tensor<16xf32, #tile.state<lanes = 2>>
    ```
  }];
  let arguments = (ins Tile_SharedTile:$source, Index:$row, DefaultValuedAttr<I64Attr, "0">:$offset);
  let results = (outs AnyTypeOf<[Tile_ChannelTile, Tile_StateTile]>:$result);
  let assemblyFormat = [{
    $source `[` $row (`+` $offset^)? `]` attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_RowOp : Tile_Op<"row", [Pure]> {
  let summary = "One row of a tile of [R, C], for all lanes";
  let arguments = (ins Tile_ChannelTile:$source, I64Attr:$index);
  let results = (outs Tile_ChannelTile:$result);
  let assemblyFormat = "$source `[` $index `]` attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_DeinterleaveOp : Tile_Op<"deinterleave", [Pure, AllTypesMatch<["even", "odd"]>]> {
  let summary = "The even rows or channels of a tile, and the odd ones";
  let description = [{
    Of a `#tile.channel` tile the channels, or with `rows` the rows, as of a `#tile.state` tile. So the
    real and imaginary parts of complex numbers, neighbours in memory, become two tiles: a thread has
    both of each, so that none moves.

    Example:

    ```mlir
    %re, %im = tile.deinterleave %z : tensor<8x256xf32, #tile.channel<lanes = 1>>
        -> tensor<8x128xf32, #tile.channel<lanes = 1>>
    ```
  }];
  let arguments = (ins Tile_ChannelOrStateTile:$source, UnitAttr:$rows);
  let results = (outs Tile_ChannelOrStateTile:$even, Tile_ChannelOrStateTile:$odd);
  let assemblyFormat = "$source (`rows` $rows^)? attr-dict `:` type($source) `->` type($even)";
  let hasVerifier = 1;
}

def Tile_InterleaveOp : Tile_Op<"interleave", [Pure, AllTypesMatch<["even", "odd"]>]> {
  let summary = "The inverse of `tile.deinterleave`";
  let arguments = (ins Tile_ChannelOrStateTile:$even, Tile_ChannelOrStateTile:$odd, UnitAttr:$rows);
  let results = (outs Tile_ChannelOrStateTile:$result);
  let assemblyFormat = "$even `,` $odd (`rows` $rows^)? attr-dict `:` type($even) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_AllOp : Tile_Op<"all", [Pure]> {
  let summary = "Whether a predicate holds for the channels of a thread, or for more of them";
  let description = [{
    It chooses between two ways to the same values: a quick one where the predicate holds, and one
    that is always right. On the card each thread chooses for its own channels, in order all take one way.

    With `together` the result is one for all of the tile, on the card too: all consumers of a CTA meet here.
  }];
  let arguments = (ins Tile_OneOf<[Tile_ChannelTile, Tile_RowTile], "#tile.channel or #tile.row tile">:$source,
                       UnitAttr:$together);
  let results = (outs I1:$result);
  let assemblyFormat = "(`together` $together^)? $source attr-dict `:` type($source)";
  let hasVerifier = 1;
}

def Tile_SumsOp : Tile_Op<"sums", [Pure]> {
  let summary = "Sums each source over its rows";
  let description = [{
    Row t of the result is the sum of the rows of source t. Lanes exchange so that each ends
    with the sums that it will hold: about one exchange for each value. With one source the
    result may be a [C] tile, whose values all lanes get.
  }];
  let arguments = (ins Variadic<Tile_ChannelTile>:$sources);
  let results = (outs Tile_ChannelTile:$result);
  let assemblyFormat = "$sources attr-dict `:` type($sources) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_LoadChannelsOp : Tile_Op<"load_channels", [MemoryEffects<[MemRead]>]> {
  let summary = "Reads a tile of channels from a tensor, as f32";
  let description = [{
    Element [r, c] comes from the coordinates, r added to the last but one and c to the last;
    with `transposed` it is the other way round. A [C] tile, or a `#tile.state` tile of [R], adds
    its position to the last coordinate. What lies outside these dimensions is zero. `whole` says that `tile.whole` holds of the tensor, and
    that the last coordinate is a multiple of eight: then nothing but a predicate is in a thread's way.
  }];
  let arguments = (ins Tile_ViewType:$source, Variadic<Index>:$coordinates, UnitAttr:$transposed,
                       UnitAttr:$whole);
  let results = (outs Tile_ChannelOrStateTile:$tile);
  let assemblyFormat = [{
    $source `[` $coordinates `]` (`transposed` $transposed^)? (`whole` $whole^)? attr-dict
    `:` type($source) `->` type($tile)
  }];
  let hasVerifier = 1;
}

def Tile_StoreChannelsOp : Tile_Op<"store_channels", [
    AttrSizedOperandSegments, MemoryEffects<[MemWrite]>]> {
  let summary = "Writes a tile of channels to a tensor, rounded to its type";
  let description = [{
    The places are those of `tile.load_channels`; what lies outside is dropped, and so are the
    rows of a tile of [R, C] from `rows` on, if that is given. So is `whole` that of the load.
  }];
  let arguments = (ins Tile_ChannelTile:$tile, Tile_ViewType:$destination,
                       Variadic<Index>:$coordinates, Optional<Index>:$rows, UnitAttr:$transposed,
                       UnitAttr:$whole);
  let assemblyFormat = [{
    $tile `,` $destination `[` $coordinates `]` (`transposed` $transposed^)? (`whole` $whole^)?
    (`rows` $rows^)? attr-dict
    `:` type($tile) `,` type($destination)
  }];
  let hasVerifier = 1;
}

#endif // LONGWING_TILE_CHANNEL_OPS_TD
