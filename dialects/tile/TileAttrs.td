//===- TileAttrs.td - Layouts and schedules ----------------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layouts form a closed set: a lowering chooses among them, nothing infers them.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_ATTRS_TD
#define LONGWING_TILE_ATTRS_TD

include "dialects/tile/TileDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/TensorEncoding.td"

class Tile_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Tile_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

/// A layout of tiles. It says which shapes it can hold.
class Tile_Layout<string name, string attrMnemonic>
    : Tile_Attr<name, attrMnemonic, [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]>;

def Tile_AccAttr : Tile_Layout<"Acc", "acc"> {
  let summary = "The accumulator of a wgmma: an [M, N] tile over M / 64 warpgroups";
  let description = [{
    Warpgroup g owns the rows 64 g to 64 g + 63. Lane t of its warp w holds, in register
    `4 j + 2 i + e`, the element of row `16 w + t / 4 + 8 i` and column `8 j + 2 (t % 4) + e`
    (i, e in {0, 1}). 16-bit elements are packed in pairs over e.
  }];
}

def Tile_AFragAttr : Tile_Layout<"AFrag", "a_frag"> {
  let summary = "The register operand A of a wgmma, 16-bit elements";
  let description = [{
    For each step of 16 columns four registers of two elements. They are the packed
    registers of `#tile.acc` in order, so converting from there costs no data movement.
  }];
}

def Tile_RowAttr : Tile_Layout<"Row", "row"> {
  let summary = "One value per row of a #tile.acc tile, held by all four lanes of the row";
}

def Tile_ColAttr : Tile_Layout<"Col", "col"> {
  let summary = "One value per column of a #tile.acc tile";
}

def Tile_LanesAttr : Tile_Layout<"Lanes", "lanes"> {
  let summary = "Partial results of a row reduction: an [M, 4] tile, one column per lane";
  let description = [{
    Column q of an [M, 4] tile belongs to the lane that holds the columns c of a
    `#tile.acc` tile with `(c / 2) % 4 == q`. Sums stay in this form through a loop and are
    reduced over the lanes once, behind it.
  }];
}

def Tile_LineAttr : Tile_Layout<"Line", "line"> {
  let summary = "A vector that every warp holds whole";
  let description = [{
    Lane t of each warp holds the elements t, t + 32, t + 64, ... of an [N] vector: what there is one
    of for each time step of a chunk, such as a decay. `tile.scan` sums it up along the steps, and
    `tile.distribute` gives each thread what it needs of it beside an accumulator.
  }];
}

def Tile_SharedAttr : Tile_Layout<"Shared", "shared"> {
  let summary = "A tile in SRAM, swizzled as the copy engine does";
  let description = [{
    An [R, C] tile is stored as ceil(C * bytes / panel) panels of R rows of `panel` bytes
    (128 unless said, else 64 or 32), one after the other. Within a panel bits 4 to 6 of a byte's
    offset are combined by exclusive or with bits 7 to 9, as far as they lie within a row: with 128 bytes
    the 16-byte chunk c of row r stands at chunk `c ^ (r % 8)`. A wgmma may read panels of 128
    bytes as they stand or transposed.
  }];
  let parameters = (ins DefaultValuedParameter<"int64_t", "128">:$panel);
  let assemblyFormat = "(`<` `panel` `=` $panel^ `>`)?";
  let builders = [AttrBuilder<(ins), [{ return $_get($_ctxt, 128); }]>];
}

def Tile_ChannelAttr : Tile_Layout<"Channel", "channel"> {
  let summary = "Neighbouring channels per thread: an [R, C] or [C] tile, its rows spread over lanes";
  let description = [{
    For recurrences that are independent from channel to channel. Groups of `lanes` neighbouring
    threads share w = C * lanes / threads neighbouring channels (w is 1, 2 or 4; the threads are
    those of all consumer warpgroups). Lane q of a group holds, of an [R, C] tile, the rows
    `q R / lanes` to `(q + 1) R / lanes - 1`; register `w i + e` is row i of those and channel e.
    All lanes of a group hold the values of a [C] tile. Rows are states, or steps in time.
  }];
  let parameters = (ins "int64_t":$lanes);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Tile_StateAttr : Tile_Layout<"State", "state"> {
  let summary = "A value per row of a #tile.channel tile, the same for all channels";
  let description = "Lane q of a group holds the values of its R / lanes rows of an [R] tile.";
  let parameters = (ins "int64_t":$lanes);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Tile_RunsAttr : Tile_Layout<"Runs", "runs"> {
  let summary = "Pieces of sequences in registers: a thread holds runs of eight columns";
  let description = [{
    An [M, N] tile over M / 64 warpgroups, its rows those of `#tile.acc`. Lane t of a warp holds the
    columns `32 h + 8 (t % 4)` to `32 h + 8 (t % 4) + 7`, in the registers `16 h + 4 p + 2 i + e` of
    row `t / 4 + 8 i` and column `32 h + 8 (t % 4) + 2 p + e`; 16-bit elements are packed in pairs over e.
    So a thread moves 16 bytes to and from device memory at once. The layout is accumulator and
    register operand of a product by a `#tile.toeplitz` matrix, both at once.

    In a `woven` tile lane t has the columns `16 (t % 4)` to `16 (t % 4) + 15` instead, those `16 (t % 4) + 2 p + e` in the
    registers `4 p + 2 i + e`: 32 bytes of a row in SRAM. One instruction then makes all 64 columns.
  }];
  let parameters = (ins DefaultValuedParameter<"bool", "false">:$woven);
  let builders = [AttrBuilder<(ins), [{ return $_get($_ctxt, false); }]>];
  let assemblyFormat = "(`<` struct($woven)^ `>`)?";
}

def Tile_ToeplitzAttr : Tile_Layout<"Toeplitz", "toeplitz"> {
  let summary = "64 x 64 Toeplitz matrices in SRAM, [64, 64] or [D, 64, 64], for tiles of runs";
  let description = [{
    A wgmma reads an operand as core matrices of 8 x 8 elements, at strides that a descriptor gives.
    Those of a Toeplitz matrix are equal along its diagonals, and equal ones stand at one place: D
    matrices take `39 + 32 (D - 1)` cores of 128 bytes, not D * 64. Core c holds in row `2 p + e` and
    column `2 q + f` the element of lag `2 (c - 19) + 8 (p - q) + e - f`.

    Of `woven` ones, for woven tiles, a matrix is 15 cores: core c of matrix d holds there the element of lag
    `64 d + 2 (c - 7) + 16 (p - q) + e - f`.
  }];
  let parameters = (ins DefaultValuedParameter<"bool", "false">:$woven);
  let builders = [AttrBuilder<(ins), [{ return $_get($_ctxt, false); }]>];
  let assemblyFormat = "(`<` struct($woven)^ `>`)?";
}

def Tile_FragAttr : Tile_Layout<"Frag", "frag"> {
  let summary = "A 16 x 16 matrix for each warp: a [W, 16, 16] tile";
  let description = [{
    Lane t of warp w holds, in register `4 j + 2 i + e`, the element of row `t / 4 + 8 i` and column
    `8 j + 2 (t % 4) + e` (i, j, e in {0, 1}): an accumulator of mma.sync m16n8k16, twice. 16-bit
    elements are packed in pairs over e.
  }];
}

def Tile_ScheduleAttr : Tile_Attr<"Schedule", "schedule"> {
  let summary = "How a kernel is spread over warpgroups and CTAs";
  let description = [{
    * `consumers`: warpgroups that compute, each on 64 rows of a tile.
    * `producer_registers`, `consumer_registers`: registers a thread of each role may use. Without
      any for it there is no producer: the kernel has no `tile.load`, and as many CTAs share a
      multiprocessor as the registers of their consumers allow.
    * `persistent`: one CTA per multiprocessor walks over the work, instead of one CTA per
      work tile.
    * `overlap`: products and softmax of neighbouring iterations overlap.
    * `spread`: the first coordinate of the work is spread over the consumer warpgroups. Each
      computes a whole work tile of its own, of 64 rows, instead of 64 rows of a common one; loads
      that do not depend on that coordinate are shared. In a kernel that deals loops to members, those
      are the warpgroups then, and no coordinate of the work is shared.
  }];
  let parameters = (ins "int64_t":$consumers, "int64_t":$producer_registers,
                        "int64_t":$consumer_registers, "bool":$persistent, "bool":$overlap,
                        DefaultValuedParameter<"bool", "false">:$spread);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool hasProducer() const { return getProducerRegisters() != 0; }
    int64_t getThreads() const { return 128 * (getConsumers() + hasProducer()); }
    /// Registers of a CTA in all.
    int64_t getRegisters() const {
      return 128 * ((hasProducer() ? getProducerRegisters() : 0) +
                    getConsumers() * getConsumerRegisters());
    }
  }];
}

def Tile_ReduceKind : I32EnumAttr<"ReduceKind", "How a reduction combines",
    [I32EnumAttrCase<"Add", 0, "add">, I32EnumAttrCase<"Max", 1, "max">]> {
  let cppNamespace = "::longwing::tile";
  let genSpecializedAttr = 0;
}
def Tile_ReduceKindAttr : EnumAttr<Tile_Dialect, Tile_ReduceKind, "reduce_kind"> {
  let assemblyFormat = "`<` $value `>`";
}

#endif // LONGWING_TILE_ATTRS_TD
