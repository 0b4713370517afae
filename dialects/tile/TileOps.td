//===- TileOps.td - Operations of the tile dialect ---------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_OPS_TD
#define LONGWING_TILE_OPS_TD

include "dialects/tile/TileAttrs.td"
include "dialects/tile/TileTypes.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Tile_Op<string mnemonic, list<Trait> traits = []> : Op<Tile_Dialect, mnemonic, traits>;

class Tile_In<string layout, string summary> : Type<
  And<[CPred<"::llvm::isa<::mlir::RankedTensorType>($_self)">,
       CPred<"::llvm::isa_and_nonnull<::longwing::tile::" # layout #
             "Attr>(::llvm::cast<::mlir::RankedTensorType>($_self).getEncoding())">]>,
  summary, "::mlir::RankedTensorType">;
def Tile_AccTile : Tile_In<"Acc", "#tile.acc tile">;
def Tile_AFragTile : Tile_In<"AFrag", "#tile.a_frag tile">;
def Tile_RowTile : Tile_In<"Row", "#tile.row tile">;
def Tile_ColTile : Tile_In<"Col", "#tile.col tile">;
def Tile_LanesTile : Tile_In<"Lanes", "#tile.lanes tile">;
def Tile_LineTile : Tile_In<"Line", "#tile.line tile">;
def Tile_FragTile : Tile_In<"Frag", "#tile.frag tile">;
def Tile_SharedTile : Tile_In<"Shared", "#tile.shared tile">;
def Tile_RunsTile : Tile_In<"Runs", "#tile.runs tile">;
def Tile_ToeplitzTile : Tile_In<"Toeplitz", "#tile.toeplitz tile">;
def Tile_ChannelTile : Tile_In<"Channel", "#tile.channel tile">;
def Tile_StateTile : Tile_In<"State", "#tile.state tile">;
class Tile_OneOf<list<Type> layouts, string summary> : AnyTypeOf<layouts, summary, "::mlir::RankedTensorType">;
def Tile_RegisterTile : Tile_OneOf<
  [Tile_AccTile, Tile_AFragTile, Tile_RowTile, Tile_ColTile, Tile_LanesTile, Tile_LineTile,
   Tile_RunsTile, Tile_ChannelTile, Tile_StateTile,
   Tile_FragTile],
  "tile in registers">;
def Tile_SumTile : Tile_OneOf<[Tile_AccTile, Tile_RunsTile], "#tile.acc or #tile.runs tile">;

//===----------------------------------------------------------------------===//
// Kernels and the host
//===----------------------------------------------------------------------===//

def Tile_KernelOp : Tile_Op<"kernel", [
    IsolatedFromAbove, FunctionOpInterface, Symbol, SingleBlock]> {
  let summary = "The program of one CTA";
  let description = [{
    The arguments are tensors in device memory (`!tile.desc`, `!tile.view`). The argument
    attribute `tile.out` marks those that the kernel writes.

    Example:

    ```mlir
    tile.kernel @copy(%in: !tile.desc<128x64xbf16>, %out: !tile.desc<64x64xbf16> {tile.out})
        schedule <consumers = 2, ...> {
      ...
      tile.return
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<DictArrayAttr>:$arg_attrs, OptionalAttr<DictArrayAttr>:$res_attrs,
                       Tile_ScheduleAttr:$schedule);
  let regions = (region AnyRegion:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::TypeRange":$inputs, "ScheduleAttr":$schedule)>];
  let skipDefaultBuilders = 1;
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    /// Whether the kernel writes its argument.
    bool isOutput(unsigned argument);
    void setOutput(unsigned argument);
  }];
}

def Tile_ReturnOp : Tile_Op<"return", [Pure, Terminator, ReturnLike,
    ParentOneOf<["KernelOp", "ForEachOp", "WarpSpecializeOp", "LeadOp"]>]> {
  let summary = "Ends a kernel or a region of it";
  let assemblyFormat = "attr-dict";
}

def Tile_LaunchOp : Tile_Op<"launch", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs a kernel over a number of work tiles";
  let description = [{
    The operands are the kernel's arguments: tensors, in order. The results are the
    contents of those tensors that the kernel writes, in order. `work` is the number of
    work tiles of its `tile.foreach`.

    Example:

    ```mlir
    %o, %lse = tile.launch @attention(%q, %k, %v, %o0, %lse0) work(%x, %y, %z)
        : (tensor<?x16x?x128xbf16>, ...) -> (tensor<?x16x?x128xbf16>, tensor<?x16x?xf32>)
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyRankedTensor>:$operands_,
                       Variadic<Index>:$work);
  let results = (outs Variadic<AnyRankedTensor>:$results_);
  let assemblyFormat = [{
    $kernel `(` $operands_ `)` `work` `(` $work `)` attr-dict
    `:` functional-type($operands_, $results_)
  }];
}

def Tile_ForEachOp : Tile_Op<"foreach", [SingleBlockImplicitTerminator<"ReturnOp">,
    RecursiveMemoryEffects]> {
  let summary = "Visits every work tile, in any order, on any CTA";
  let description = [{
    Runs its body for each point of the space of the given sizes, the first varying
    fastest. The points are independent: on the card they are spread over CTAs as the
    kernel's schedule says, on the CPU they are visited in order.
  }];
  let arguments = (ins Variadic<Index>:$sizes);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`in` `(` $sizes `)` attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$sizes)>];
}

def Tile_DimOp : Tile_Op<"dim", [Pure]> {
  let summary = "A size of a tensor argument";
  let arguments = (ins AnyTypeOf<[Tile_DescType, Tile_ViewType]>:$source, I64Attr:$dimension);
  let results = (outs Index:$size);
  let assemblyFormat = "$source `,` $dimension attr-dict `:` type($source)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Device memory
//===----------------------------------------------------------------------===//

def Tile_LoadOp : Tile_Op<"load", [MemoryEffects<[MemRead]>]> {
  let summary = "Copies a tile from device memory into SRAM";
  let description = [{
    Reads the [rows, columns] tile at the given element coordinates. Its rows are those of the
    box in order, so many as its sizes but the last one make together. Columns past the box's
    innermost size, which is as wide as the tile's panels, come from further boxes.
    Elements outside the tensor are zero. `stages` is the number of SRAM slots that the
    tile's ring gets.

    A tile of more rows than a box has takes further boxes, where it says so: each lies behind the
    one before it `along` a dimension, and behind all of its panels if that is the innermost, so a tile may be several matrices from anywhere in the tensor, one below the other.
  }];
  let arguments = (ins Tile_DescType:$source, Variadic<Index>:$coordinates, I64Attr:$stages,
                       OptionalAttr<I64Attr>:$along);
  let results = (outs Tile_SharedTile:$tile);
  let assemblyFormat = [{
    $source `[` $coordinates `]` (`along` $along^)? `stages` $stages attr-dict
    `:` type($source) `->` type($tile)
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$tile, "::mlir::Value":$source,
                                 "::mlir::ValueRange":$coordinates, "int64_t":$stages), [{
    build($_builder, $_state, tile, source, coordinates, stages, ::mlir::IntegerAttr());
  }]>];
  let extraClassDeclaration = [{
    /// The dimension along which boxes follow each other.
    int64_t getBoxDimension() {
      return getAlong().value_or(getSource().getType().getRowDimension());
    }
  }];
  let hasVerifier = 1;
}

def Tile_StoreOp : Tile_Op<"store", [AttrSizedOperandSegments, MemoryEffects<[MemWrite]>]> {
  let summary = "Copies a tile from registers to device memory, through SRAM";
  let description = [{
    Writes the tile at the given coordinates; what lies outside the tensor is dropped.
    `staging` is the SRAM buffer on the way; the sequential form has none.

    Each warpgroup writes its 64 rows as boxes of their own, which follow each other `along` a
    dimension, as those of `tile.load` do.
  }];
  let arguments = (ins AnyTypeOf<[Tile_AccTile, Tile_SharedTile, Tile_RunsTile],
                                 "#tile.acc, #tile.shared or woven #tile.runs tile", "::mlir::RankedTensorType">:$tile, Tile_DescType:$destination,
                       Variadic<Index>:$coordinates, Optional<Tile_SmemType>:$staging,
                       OptionalAttr<I64Attr>:$along);
  let assemblyFormat = [{
    $tile `,` $destination `[` $coordinates `]` (`along` $along^)?
    (`staging` $staging^ `:` type($staging))? attr-dict `:` type($tile) `,` type($destination)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$tile, "::mlir::Value":$destination,
                                 "::mlir::ValueRange":$coordinates, "::mlir::Value":$staging), [{
    build($_builder, $_state, tile, destination, coordinates, staging, ::mlir::IntegerAttr());
  }]>];
  let extraClassDeclaration = [{
    /// The dimension along which boxes follow each other.
    int64_t getBoxDimension() {
      return getAlong().value_or(getDestination().getType().getRowDimension());
    }
  }];
  let hasVerifier = 1;
}

def Tile_StoreRowOp : Tile_Op<"store_row", [MemoryEffects<[MemWrite]>]> {
  let summary = "Writes one value per row to device memory";
  let description = [{
    Element r of the tile goes to the given coordinates, r added to the last one, unless
    that passes the last size of the view.
  }];
  let arguments = (ins Tile_RowTile:$tile, Tile_ViewType:$destination,
                       Variadic<Index>:$coordinates);
  let assemblyFormat = [{
    $tile `,` $destination `[` $coordinates `]` attr-dict `:` type($tile) `,` type($destination)
  }];
  let hasVerifier = 1;
}

def Tile_StoreEnergyOp : Tile_Op<"store_energy", [MemoryEffects<[MemWrite]>]> {
  let summary = "Writes how large each 16 rows of tiles are to device memory";
  let description = [{
    Of rows 16 g to 16 g + 15, those of a warp, a lane has rows r and r + 8, columns c, c + 1, c + 8, c + 9, ...: the sum of the
    squares of what it has of all tiles. The greatest sum of the 32 lanes goes to the given place, g added. So no number is
    larger than the root of that.

    Example: 8 numbers

    ```mlir
    tile.store_energy %re, %im to %energies[%i] : tensor<128x64xf32, #tile.acc>, tensor<128x64xf32, #tile.acc> to !tile.view<?xf32>
    ```
  }];
  let arguments = (ins Variadic<Tile_AccTile>:$tiles, Tile_ViewType:$destination, Index:$place);
  let assemblyFormat = [{
    $tiles `to` $destination `[` $place `]` attr-dict `:` type($tiles) `to` type($destination)
  }];
  let extraClassDeclaration = [{
    /// Rows of a group.
    static constexpr int64_t kRows = 16;
  }];
  let hasVerifier = 1;
}

def Tile_GatherOp : Tile_Op<"gather", [MemoryEffects<[MemRead]>]> {
  let summary = "Reads elements of a tensor at computed indices";
  let description = [{
    The indices are `index` scalars or tiles of `index`; all tiles have the type of the
    result but for the element. An index outside the tensor is clamped to its bounds.
  }];
  let arguments = (ins Tile_ViewType:$source, Variadic<AnyType>:$indices);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $source `[` $indices `:` type($indices) `]` attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

class Tile_ProductOp<string mnemonic, list<Trait> traits = []> : Tile_Op<mnemonic, traits> {
  let arguments = (ins AnyTypeOf<[Tile_SharedTile, Tile_AFragTile, Tile_RunsTile]>:$a,
                       Tile_OneOf<[Tile_SharedTile, Tile_ToeplitzTile], "#tile.shared or #tile.toeplitz tile">:$b,
                       Optional<Tile_SumTile>:$c, UnitAttr:$transpose_b, UnitAttr:$negate,
                       UnitAttr:$blocked);
  let results = (outs Tile_SumTile:$result);
  let assemblyFormat = [{
    $a `,` $b (`acc` `(` $c^ `:` type($c) `)`)? (`transpose_b` $transpose_b^)? (`negate` $negate^)?
    (`blocked` $blocked^)? attr-dict `:` type($a) `,` type($b) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$a, "::mlir::Value":$b,
                                 "::mlir::Value":$c, "bool":$transposeB), [{
    build($_builder, $_state, result, a, b, c, transposeB, /*negate=*/false, /*blocked=*/false);
  }]>];
  let hasVerifier = 1;
}

def Tile_DotOp : Tile_ProductOp<"dot", [Pure]> {
  let summary = "Matrix product on the tensor cores: a b + c, in 32-bit float";
  let description = [{
    a is [M, K], b is [K, N], or [N, K] with `transpose_b`; c, if present, and the result
    are [M, N] of f32. A tile of runs is multiplied by a Toeplitz matrix, and the result is one.
    With `negate` the result is c - a b.

    With `blocked` each warpgroup has a matrix of its own: b is [G K, N], and the rows 64 g to
    64 g + 63 of the result are those of the product with the g-th block of K rows of b. Its left
    operand, in SRAM, is a [64, K] that serves all of them.
  }];
}

def Tile_MmaAsyncOp : Tile_ProductOp<"mma_async"> {
  let summary = "Issues a matrix product and commits it as a group";
  let description = [{
    As `tile.dot`, but the result may not be touched, nor a tile in registers that it
    reads be written, until a `tile.mma_wait` has returned it.
  }];
}

def Tile_MmaWaitOp : Tile_Op<"mma_wait", [AllTypesMatch<["values", "results"]>]> {
  let summary = "Waits until at most `pending` products are in flight";
  let description = [{
    The values pass through, so that nothing which needs them can move above the wait.
  }];
  let arguments = (ins I64Attr:$pending, Variadic<Tile_RegisterTile>:$values);
  let results = (outs Variadic<Tile_RegisterTile>:$results);
  let assemblyFormat = "$pending (`(` $values^ `)`)? attr-dict (`:` type($values)^)?";
}

def Tile_ReduceOp : Tile_Op<"reduce", [Pure]> {
  let summary = "Reduces the rows of a tile";
  let description = [{
    From `#tile.acc` or `#tile.lanes` to `#tile.row`, a value per row; from `#tile.acc` to
    `#tile.lanes`, a partial result per lane that needs no exchange between lanes. From a
    `#tile.channel` tile of [R, C] to one of [lanes, C]: row q of the result combines the rows
    of lane q, again without an exchange.
  }];
  let arguments = (ins Tile_ReduceKindAttr:$kind,
                       AnyTypeOf<[Tile_AccTile, Tile_LanesTile, Tile_ChannelTile]>:$source);
  let results = (outs AnyTypeOf<[Tile_RowTile, Tile_LanesTile, Tile_ChannelTile]>:$result);
  let assemblyFormat = "$kind $source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Tile_BroadcastOp : Tile_Op<"broadcast", [Pure]> {
  let summary = "Repeats a value per row, a value per column, or a scalar, over a tile";
  let arguments = (ins AnyType:$source);
  let results = (outs Tile_RegisterTile:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Tile_IotaOp : Tile_Op<"iota", [Pure]> {
  let summary = "The positions of the rows or columns of a tile, or of a line: base, base + 1, ...";
  let description = "Of index, or of f32, where positions are below 2^24.";
  let arguments = (ins Index:$base);
  let results = (outs AnyTypeOf<[Tile_RowTile, Tile_ColTile, Tile_LineTile, Tile_StateTile]>:$result);
  let assemblyFormat = "$base attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Tile_ConvertOp : Tile_Op<"convert", [Pure]> {
  let summary = "Rounds a 32-bit tile to 16 bits: an accumulator as #tile.acc or #tile.a_frag, or runs";
  let arguments = (ins Tile_SumTile:$source);
  let results = (outs AnyTypeOf<[Tile_AccTile, Tile_AFragTile, Tile_RunsTile]>:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Specialised form
//===----------------------------------------------------------------------===//

def Tile_WarpSpecializeOp : Tile_Op<"warp_specialize", [NoRegionArguments]> {
  let summary = "Gives the producer warpgroup and the consumer warpgroups their programs";
  let description = [{
    One thread of the first warpgroup runs `producer`, all threads of the others run
    `consumer`, each role with the registers that the kernel's schedule gives it.
  }];
  let regions = (region SizedRegion<1>:$producer, SizedRegion<1>:$consumer);
  let assemblyFormat = "attr-dict `producer` $producer `consumer` $consumer";
}

def Tile_AllocOp : Tile_Op<"alloc", [MemoryEffects<[MemAlloc]>]> {
  let summary = "A ring or a buffer in SRAM, for the whole kernel";
  let arguments = (ins OptionalAttr<I64Attr>:$offset);
  let results = (outs AnyTypeOf<[Tile_RingType, Tile_SmemType, Tile_StepsType, Tile_MailType]>:$memory);
  let assemblyFormat = "(`at` $offset^)? attr-dict `:` type($memory)";
}

def Tile_ProduceOp : Tile_Op<"produce", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Fills the next slot of a ring";
  let description = [{
    Waits until slot `position % stages` is empty, then starts the copies that fill it; the
    slot's full barrier completes when all bytes have arrived. A slot of several tiles takes the
    coordinates of each, one after the other.
  }];
  let arguments = (ins Tile_RingType:$ring, I32:$position, Tile_DescType:$source,
                       Variadic<Index>:$coordinates, OptionalAttr<I64Attr>:$along);
  let assemblyFormat = [{
    $ring `[` $position `]` `from` $source `[` $coordinates `]` (`along` $along^)? attr-dict
    `:` type($ring) `,` type($source)
  }];
}

def Tile_ConsumeOp : Tile_Op<"consume", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Waits until a slot of a ring is full, and gives its tile";
  let arguments = (ins Tile_RingType:$ring, I32:$position);
  let results = (outs Tile_SharedTile:$tile);
  let assemblyFormat = "$ring `[` $position `]` attr-dict `:` type($ring) `->` type($tile)";
}

def Tile_ReleaseOp : Tile_Op<"release", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Gives a slot of a ring back to the producer";
  let arguments = (ins Tile_RingType:$ring, I32:$position);
  let assemblyFormat = "$ring `[` $position `]` attr-dict `:` type($ring)";
}

include "dialects/tile/TilePointOps.td"
include "dialects/tile/TileRunOps.td"
include "dialects/tile/TileRecurrenceOps.td"
include "dialects/tile/TileChannelOps.td"
include "dialects/tile/TileChainOps.td"
include "dialects/tile/TileWarpOps.td"
include "dialects/tile/TileStepOps.td"
include "dialects/tile/TileExchangeOps.td"
include "dialects/tile/TileInPlaceOps.td"

#endif // LONGWING_TILE_OPS_TD
