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

def Tile_SharedAttr : Tile_Layout<"Shared", "shared"> {
  let summary = "A tile in SRAM, 128-byte swizzled";
  let description = [{
    An [R, C] tile is stored as ceil(C * bytes / 128) panels of R rows of 128 bytes, one
    after the other; within a panel the 16-byte chunk c of row r stands at chunk
    `c ^ (r % 8)`. A wgmma may read it as it stands or transposed.
  }];
}

def Tile_ScheduleAttr : Tile_Attr<"Schedule", "schedule"> {
  let summary = "How a kernel is spread over warpgroups and CTAs";
  let description = [{
    * `consumers`: warpgroups that compute, each on 64 rows of a tile.
    * `producer_registers`, `consumer_registers`: registers a thread of each role may use.
    * `persistent`: one CTA per multiprocessor walks over the work, instead of one CTA per
      work tile.
    * `overlap`: products and softmax of neighbouring iterations overlap.
  }];
  let parameters = (ins "int64_t":$consumers, "int64_t":$producer_registers,
                        "int64_t":$consumer_registers, "bool":$persistent, "bool":$overlap);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getThreads() const { return 128 * (getConsumers() + 1); }
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
