//===- TileOuterOps.td - States on tensor cores ------------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What enters the states of a recurrence at a step, and what is read from them, as small products. Four lanes
// share two channels: that is the layout of an accumulator of 16 channels, so that nothing is exchanged. Of the
// eight steps of a tile one counts at a time; the products take the others as zeros.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_OUTER_OPS_TD
#define LONGWING_TILE_OUTER_OPS_TD

def Tile_OuterOp : Tile_Op<"outer", [Pure]> {
  let summary = "What a step adds to the states: the outer product of two rows";
  let description = [{
    Element [n, c] of the result is `x[step, c] b[row + step, n]`. x is taken as the sum of two bf16, that is with
    16 bits. `row` is a multiple of 8. A value of another step that is not finite may make this one NaN.

    C1. x is of [8, C] in f32, and its channels are shared by 4 lanes; the result, of [N, C], alike.
    C2. b is of [R, N] in bf16, N a multiple of 8, and holds the steps.

    Example:

    ```mlir
    %e = tile.outer %x[3], %b[%row] : tensor<8x64xf32, #tile.channel<lanes = 4>>, tensor<64x16xbf16, #tile.shared<panel = 32>>
      -> tensor<16x64xf32, #tile.channel<lanes = 4>>
    ```
  }];
  let arguments = (ins Tile_ChannelTile:$x, I64Attr:$step, Tile_SharedTile:$b, Index:$row);
  let results = (outs Tile_ChannelTile:$result);
  let assemblyFormat = [{
    $x `[` $step `]` `,` $b `[` $row `]` attr-dict `:` type($x) `,` type($b) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_ContractOp : Tile_Op<"contract", [Pure, AllTypesMatch<["sums", "result"]>]> {
  let summary = "What a step reads from the states: adds their sum, weighted by a row, to a row of sums";
  let description = [{
    Row `step` of the result is that of `sums` and the sum over n of `c[row + step, n] states[n, c]`; the other rows
    are those of `sums`. States are taken with the 11 leading bits of their mantissa, as products in tf32 do.

    C1. sums are of [8, C] in f32, and their channels are shared by 4 lanes; the states, of [N, C], alike.
    C2. c is of [R, N] in bf16, N a multiple of 8, and holds the steps.

    Example:

    ```mlir
    %y = tile.contract %h, %c[%row], %sums[3] : tensor<16x64xf32, #tile.channel<lanes = 4>>, tensor<64x16xbf16, #tile.shared<panel = 32>>
      -> tensor<8x64xf32, #tile.channel<lanes = 4>>
    ```
  }];
  let arguments = (ins Tile_ChannelTile:$states, Tile_SharedTile:$c, Index:$row, Tile_ChannelTile:$sums, I64Attr:$step);
  let results = (outs Tile_ChannelTile:$result);
  let assemblyFormat = [{
    $states `,` $c `[` $row `]` `,` $sums `[` $step `]` attr-dict `:` type($states) `,` type($c) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // LONGWING_TILE_OUTER_OPS_TD
