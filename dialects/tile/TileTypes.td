//===- TileTypes.td - Types of the tile dialect ------------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_TYPES_TD
#define LONGWING_TILE_TYPES_TD

include "dialects/tile/TileDialect.td"
include "mlir/IR/AttrTypeBase.td"

class Tile_Type<string name, string typeMnemonic> : TypeDef<Tile_Dialect, name> {
  let mnemonic = typeMnemonic;
}

class Tile_ShapedType<string name, string typeMnemonic> : Tile_Type<name, typeMnemonic> {
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType);
  let hasCustomAssemblyFormat = 1;
}

def Tile_DescType : Tile_ShapedType<"Desc", "desc"> {
  let summary = "A tensor in device memory that is copied in boxes by the TMA unit";
  let description = [{
    The shape is that of one box, with a size for each dimension of the tensor. Elements
    of a box that lie outside the tensor read as zero and are not written. The innermost
    size is at most 128 bytes. As a kernel argument it becomes a tensor map and the sizes
    of the tensor.

    With `split` the last dimension of the tensor is seen as two: rows of that many elements, and
    the elements of a row. The box and the coordinates have a size for both.

    Example: `!tile.desc<1x1x128x64xbf16>`, `!tile.desc<1x1x16x64xf16, split = 4096>`
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType,
                        "int64_t":$split);
  let builders = [TypeBuilder<(ins "::llvm::ArrayRef<int64_t>":$shape, "::mlir::Type":$elementType),
                              [{ return $_get($_ctxt, shape, elementType, 0); }]>];
  let extraClassDeclaration = [{
    /// Dimensions of the tensor that is described.
    int64_t getTensorRank() const { return int64_t(getShape().size()) - (getSplit() ? 1 : 0); }
    /// Rows of one box: all of its sizes but the last.
    int64_t getBoxRows() const;
    /// The position among a box's dimensions of a tile's rows, or of the rows of its boxes that
    /// follow each other: the last but one of those of which a box holds more than one element, but
    /// never the last; the last but one where there is none.
    int64_t getRowDimension() const;
  }];
}

def Tile_ViewType : Tile_ShapedType<"View", "view"> {
  let summary = "A strided tensor in device memory that is read and written by elements";
  let description = [{
    The shape is that of the tensor, with `?` for sizes known at run time. As a kernel
    argument it becomes a pointer, the sizes and the strides (64-bit, in elements).

    Example: `!tile.view<?x16x?xf32>`
  }];
}

def Tile_RingType : Tile_ShapedType<"Ring", "ring"> {
  let summary = "SRAM slots that a producer fills and consumers empty, in turn";
  let description = [{
    The first size is the number of slots (stages), the rest the shape of a tile. Each slot
    has two mbarriers: *full*, which completes when the bytes of a tile have arrived, and
    *empty*, which completes when every consumer has released it. `panel` is that of the
    tiles' `#tile.shared`.

    A shape of four sizes has in the second the number of tiles in a slot, one for each consumer
    warpgroup, or where loops are dealt for each of the members.

    Example: `!tile.ring<2x128x128xbf16>`, `!tile.ring<4x32x16xbf16, panel = 32>`
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType,
                        "int64_t":$panel);
  let builders = [TypeBuilder<(ins "::llvm::ArrayRef<int64_t>":$shape, "::mlir::Type":$elementType),
                              [{ return $_get($_ctxt, shape, elementType, 128); }]>];
  let extraClassDeclaration = [{
    int64_t getStages() const { return getShape().front(); }
    llvm::ArrayRef<int64_t> getTileShape() const { return getShape().take_back(2); }
    /// Tiles of a slot, and whether each is for one of the consumers.
    int64_t getParts() const { return isSpread() ? getShape()[1] : 1; }
    bool isSpread() const { return getShape().size() == 4; }
  }];
}

def Tile_SmemType : Tile_ShapedType<"Smem", "smem"> {
  let summary = "A buffer in SRAM, laid out as #tile.shared";
  let description = [{
    A shape of three sizes has in front the number of tiles, one for each consumer warpgroup.
  }];
  let extraClassDeclaration = [{
    llvm::ArrayRef<int64_t> getTileShape() const { return getShape().take_back(2); }
    int64_t getParts() const { return getShape().size() == 3 ? getShape()[0] : 1; }
  }];
}

def Tile_StepsType : Tile_Type<"Steps", "steps"> {
  let summary = "Barriers at which the warps of a CTA meet, one for each step in turn";
  let description = "Each has an mbarrier, which completes when every warp has arrived. Example: `!tile.steps<4>`";
  let parameters = (ins "int64_t":$count);
  let assemblyFormat = "`<` $count `>`";
}

def Tile_MailType : Tile_Type<"Mail", "mail"> {
  let summary = "Where the CTAs of a cluster put what they send to this one";
  let description = [{
    Each of `members`, the warpgroups or warps of their consumers, sends `values` numbers of 32 bits from each of
    `threads` threads. There is room for two rounds, which take turns; the mbarrier of each completes when all has
    arrived.

    Example: `!tile.mail<members = 8, threads = 32, values = 2>`
  }];
  let parameters = (ins "int64_t":$members, "int64_t":$threads, "int64_t":$values);
  let assemblyFormat = "`<` struct(params) `>`";
  let extraClassDeclaration = [{
    /// Bytes of a thread's letter, which is written in pieces of 4, 8 or 16 bytes; of those of all
    /// threads; and of both rounds.
    int64_t getLetterBytes() const { return getValues() <= 2 ? 4 * getValues() : (getValues() + 3) / 4 * 16; }
    int64_t getMemberBytes() const { return getThreads() * getLetterBytes(); }
    int64_t getBytes() const { return 2 * getMembers() * getMemberBytes(); }
  }];
}

#endif // LONGWING_TILE_TYPES_TD
