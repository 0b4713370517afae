//===- TileExchangeOps.td - Between registers and SRAM -----*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product takes its right operand from SRAM and leaves its result in registers. These
// operations close the circle, for algorithms that multiply results again, from the other
// side: transforms of several stages, chains of matrix products.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_EXCHANGE_OPS_TD
#define LONGWING_TILE_EXCHANGE_OPS_TD

def Tile_UnstageOp : Tile_Op<"unstage", [Pure]> {
  let summary = "Reads a tile in SRAM into registers, as wgmma leaves a result";
  let description = [{
    The tile is of f32, or of 16-bit elements, of which `arith.extf` makes f32. A [64, N] tile may be read as
    [64 G, N]: every warpgroup then gets a copy of it, as it does of a table that serves them all.

    Example:

    ```mlir
    %x = tile.unstage %tile : tensor<128x64xf16, #tile.shared> -> tensor<128x64xf16, #tile.acc>
    ```
  }];
  let arguments = (ins Tile_SharedTile:$source);
  let results = (outs Tile_AccTile:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_PublishOp : Tile_Op<"publish", [Pure]> {
  let summary = "Puts a tile from registers into SRAM, where products can read it";
  let description = [{
    The tile has 16-bit elements and keeps its shape. The warpgroups meet, since a product reads
    rows of all of them; with `blocked` each warpgroup reads only its own 64 rows, as the
    `blocked` products do, and meets none. `buffer` is the place in SRAM; the sequential form has
    none.

    Example:

    ```mlir
    %b = tile.publish %x blocked : tensor<128x64xf16, #tile.acc> -> tensor<128x64xf16, #tile.shared>
    ```
  }];
  let arguments = (ins Tile_AccTile:$source, Optional<Tile_SmemType>:$buffer, UnitAttr:$blocked);
  let results = (outs Tile_SharedTile:$result);
  let assemblyFormat = [{
    $source (`in` $buffer^ `:` type($buffer))? (`blocked` $blocked^)? attr-dict
    `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_WidenOp : Tile_Op<"widen", [Pure]> {
  let summary = "Copies a tile in SRAM of 16-bit elements into one of f32";
  let description = [{
    So that what many threads read over and over again is not widened by each of them. All consumers share the work; they
    meet before the first tile of a block that is widened, since the ones before are still read, and behind the last one. None is read
    in between, nor once the next one has been put there. `buffer` is the place in SRAM; the sequential form has none.

    Example:

    ```mlir
    %wide = tile.widen %tile : tensor<64x16xbf16, #tile.shared<panel = 32>> -> tensor<64x16xf32, #tile.shared<panel = 64>>
    ```
  }];
  let arguments = (ins Tile_SharedTile:$source, Optional<Tile_SmemType>:$buffer);
  let results = (outs Tile_SharedTile:$result);
  let assemblyFormat = [{
    $source (`in` $buffer^ `:` type($buffer))? attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_ComplexMulOp : Tile_Op<"complex_mul", [Pure, AllTypesMatch<["a_re", "a_im", "b_re", "b_im", "re", "im"]>]> {
  let summary = "Product of two complex tiles, element by element";
  let description = [{
    Real and imaginary parts are tiles of their own, of f32. With `conjugate` the second factor is
    the conjugate of b. As one operation it needs no registers for its parts, and none for factors
    that are made element by element, as twiddles are.

    Example:

    ```mlir
    %re, %im = tile.complex_mul %ar, %ai, %br, %bi : tensor<128x64xf32, #tile.acc>
    ```
  }];
  let arguments = (ins Tile_AccTile:$a_re, Tile_AccTile:$a_im, Tile_AccTile:$b_re,
                       Tile_AccTile:$b_im, UnitAttr:$conjugate);
  let results = (outs Tile_AccTile:$re, Tile_AccTile:$im);
  let assemblyFormat = [{
    $a_re `,` $a_im `,` $b_re `,` $b_im (`conjugate` $conjugate^)? attr-dict `:` type($re)
  }];
  let hasVerifier = 1;
}

#endif // LONGWING_TILE_EXCHANGE_OPS_TD
