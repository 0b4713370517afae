//===- TileStepOps.td - Kernels that run in steps ----------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The specialised form of kernels whose warps all do the same: what `tile-stagger` writes. Slots are
// numbers known when the kernel is compiled; what orders their uses are the steps.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_STEP_OPS_TD
#define LONGWING_TILE_STEP_OPS_TD

def Tile_StepWaitOp : Tile_Op<"step_wait", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Waits until all warps have arrived at the step that has the slot";
  let description = "`parity` is that of how often the slot has been used before. Nothing happens unless `exists`.";
  let arguments = (ins Tile_StepsType:$steps, I64Attr:$slot, I32:$parity, I1:$exists);
  let assemblyFormat = "$steps `[` $slot `]` `parity` $parity `if` $exists attr-dict `:` type($steps)";
}

def Tile_StepArriveOp : Tile_Op<"step_arrive", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Says that this warp has done its part of the step that has the slot";
  let arguments = (ins Tile_StepsType:$steps, I64Attr:$slot);
  let assemblyFormat = "$steps `[` $slot `]` attr-dict `:` type($steps)";
}

def Tile_LeadOp : Tile_Op<"lead", [SingleBlockImplicitTerminator<"ReturnOp">, NoRegionArguments,
                                   RecursiveMemoryEffects]> {
  let summary = "Is run by one thread of the CTA, or of each warpgroup";
  let arguments = (ins UnitAttr:$each);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "(`each` $each^)? attr-dict-with-keyword $body";
}

def Tile_FetchOp : Tile_Op<"fetch", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Starts the copies that fill a slot of a ring";
  let arguments = (ins Tile_RingType:$ring, I64Attr:$slot, Tile_DescType:$source,
                       Variadic<Index>:$coordinates);
  let assemblyFormat = [{
    $ring `[` $slot `]` `from` $source `[` $coordinates `]` attr-dict `:` type($ring) `,` type($source)
  }];
}

def Tile_FetchedOp : Tile_Op<"fetched", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Waits until a slot of a ring is full, if it is being filled, and gives its tile";
  let arguments = (ins Tile_RingType:$ring, I64Attr:$slot, I32:$parity, I1:$exists);
  let results = (outs Tile_SharedTile:$tile);
  let assemblyFormat = [{
    $ring `[` $slot `]` `parity` $parity `if` $exists attr-dict `:` type($ring) `->` type($tile)
  }];
}

def Tile_PutOp : Tile_Op<"put", [AllTypesMatch<["first", "second"]>, MemoryEffects<[MemWrite]>]> {
  let summary = "Writes the tiles of an exchange into a slot";
  let description = [{
    With `back`, into the rows that the warp has got from there: an exchange that returns in place.
  }];
  let arguments = (ins Tile_FragTile:$first, Tile_FragTile:$second, Tile_SmemType:$buffer, I64Attr:$slot,
                       UnitAttr:$back);
  let assemblyFormat = "$first `,` $second `,` $buffer `[` $slot `]` (`back` $back^)? attr-dict `:` type($first) `,` type($buffer)";
}

def Tile_GetOp : Tile_Op<"get", [AllTypesMatch<["first", "second"]>, MemoryEffects<[MemRead]>]> {
  let summary = "Reads the tiles of an exchange from a slot";
  let arguments = (ins Tile_SmemType:$buffer, I64Attr:$slot, UnitAttr:$back, UnitAttr:$transpose);
  let results = (outs Tile_FragTile:$first, Tile_FragTile:$second);
  let assemblyFormat = "$buffer `[` $slot `]` (`back` $back^)? (`transpose` $transpose^)? attr-dict `:` type($buffer) `->` type($first)";
}

def Tile_LayOp : Tile_Op<"lay", [MemoryEffects<[MemWrite]>]> {
  let summary = "Lays out the matrices of the warps as a grid in a slot, as `tile.join` does";
  let arguments = (ins Tile_FragTile:$tile, Tile_SmemType:$buffer, I64Attr:$slot);
  let assemblyFormat = "$tile `,` $buffer `[` $slot `]` attr-dict `:` type($tile) `,` type($buffer)";
}

def Tile_FlushOp : Tile_Op<"flush", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Starts the copy of a slot to device memory";
  let arguments = (ins Tile_SmemType:$buffer, I64Attr:$slot, Tile_DescType:$destination,
                       Variadic<Index>:$coordinates);
  let assemblyFormat = [{
    $buffer `[` $slot `]` `to` $destination `[` $coordinates `]` attr-dict
    `:` type($buffer) `,` type($destination)
  }];
}

def Tile_FlushedOp : Tile_Op<"flushed", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Waits until all copies to device memory that this thread started have read SRAM";
  let assemblyFormat = "attr-dict";
}

def Tile_FetchStripsOp : Tile_Op<"fetch_strips", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "All threads begin to fill a slot with strips of a tensor";
  let arguments = (ins Tile_SmemType:$buffer, I64Attr:$slot, Tile_ViewType:$source, Variadic<Index>:$coordinates,
                       DenseI64ArrayAttr:$digits, I1:$whole);
  let assemblyFormat = [{
    $buffer `[` $slot `]` `from` $source `[` $coordinates `]` `digits` $digits `whole` $whole attr-dict
    `:` type($buffer) `,` type($source)
  }];
}

def Tile_StripsFetchedOp : Tile_Op<"strips_fetched", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Waits until what this thread has begun to fetch is in SRAM";
  let assemblyFormat = "attr-dict";
}

def Tile_SlotOp : Tile_Op<"slot", [Pure]> {
  let summary = "The tile in a slot";
  let arguments = (ins Tile_SmemType:$buffer, I64Attr:$slot);
  let results = (outs Tile_SharedTile:$tile);
  let assemblyFormat = "$buffer `[` $slot `]` attr-dict `:` type($buffer) `->` type($tile)";
}

def Tile_FlushStripsOp : Tile_Op<"flush_strips", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "All threads write a slot to strips of a tensor";
  let arguments = (ins Tile_SmemType:$buffer, I64Attr:$slot, Tile_ViewType:$destination, Variadic<Index>:$coordinates,
                       DenseI64ArrayAttr:$digits, I1:$whole);
  let assemblyFormat = [{
    $buffer `[` $slot `]` `to` $destination `[` $coordinates `]` `digits` $digits `whole` $whole attr-dict
    `:` type($buffer) `,` type($destination)
  }];
}

#endif // LONGWING_TILE_STEP_OPS_TD
