//===- TileDialect.td - The tile dialect -------------------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How one CTA computes: tiles in registers and SRAM.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_DIALECT_TD
#define LONGWING_TILE_DIALECT_TD

include "mlir/IR/OpBase.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::longwing::tile";
  let summary = "Tile programs: how one CTA computes, tile by tile";
  let description = [{
    A `tile.kernel` is the program of one CTA (cooperative thread array). Its values are
    *tiles*: builtin tensors whose encoding says where the elements live (`#tile.acc` in
    the registers of a wgmma accumulator, `#tile.shared` in SRAM, ...). Arithmetic on
    tiles stays in `arith` and `math`, element by element.

    The dialect has two forms:

    * **sequential**: as lowered from `seq`. Tiles are values, `tile.load` reads one,
      `tile.dot` multiplies two, loops are `scf.for`. It has a plain meaning, in order,
      and runs on the CPU. Attributes say how it is to be scheduled.
    * **specialised**: after the passes that realise the schedule. A producer warpgroup
      fills rings of SRAM slots (`tile.produce`), consumer warpgroups take tiles from
      them (`tile.consume`, `tile.release`) and products are asynchronous
      (`tile.mma_async`, `tile.mma_wait`).

    The scheduling passes may not change a result.

    A discardable attribute `tile.pipeline = array<i64: stage, order>` on an operation of a
    loop says at which pipeline stage it runs and in which order within an iteration of the
    pipelined loop.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

#endif // LONGWING_TILE_DIALECT_TD
