//===- TileChainOps.td - Loops shared by several CTAs ------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A recurrence cut in time. In order, a loop goes from part to part and carries a state; on the card
// the members of a cluster, warpgroups or warps of its CTAs, take its iterations in turns, and only what
// a part does to the state goes from one to another.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_CHAIN_OPS_TD
#define LONGWING_TILE_CHAIN_OPS_TD

def Tile_ChainOp : Tile_Op<"chain", [
    AttrSizedOperandSegments, SingleBlock, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Takes a state over a part of a sequence: what it was before, and what it is behind";
  let description = [{
    The results are the states before this part, as they are, and those behind it, which the region
    computes of states and part. All are `#tile.channel` tiles of [C] of f32.

    A loop with the attribute `tile.dealt`, in a kernel with `tile.cluster`, deals its iterations: of N members,
    the consumer warpgroups of a cluster's CTAs or all of their warps, member i does the iterations i, N + i,
    2 N + i, ... and a tile of channels is a member's. The loop's values go from one iteration to the next
    through a chain and no other way. In each round all members send their parts to all of them, and each takes
    the state over those of the round, in order. So every member has the state of every round, no value depends
    on timing, and bits are those of the loop in order.

    The members do equally many iterations, some of them behind the loop's end: loads there
    give zeros, stores there are dropped, and their parts must leave the state as it is wherever
    the state behind the loop is used. `mail` and the number of the `round` belong to the
    specialised form. The region may use values from outside that are the same in all members.

    Example:

    ```mlir
    %before, %after = tile.chain(%h) over(%a, %b) : tensor<128xf32, #tile.channel<lanes = 1>> {
    ^bb0(%h0: ..., %a0: ..., %b0: ...):
      %h1 = math.fma %a0, %h0, %b0 : ...
      tile.yield %h1 : ...
    }
    ```

    Constraints:
    * (C1) there is at least one state and one part, all of one type, a [C] tile of f32;
    * (C2) there are two results for each state;
    * (C3) the region takes the states and the parts, and yields the states;
    * (C4) there is `mail` where there is a `round`, with as many values as there are parts.
  }];
  let arguments = (ins Variadic<Tile_ChannelTile>:$states, Variadic<Tile_ChannelTile>:$parts,
                       Optional<Tile_MailType>:$mail, Optional<Index>:$round);
  let results = (outs Variadic<Tile_ChannelTile>:$results_);
  let regions = (region SizedRegion<1>:$combine);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$states, "::mlir::ValueRange":$parts)>];
  let extraClassDeclaration = [{
    ::mlir::ValueRange getBefore() { return getResults_().take_front(getStates().size()); }
    ::mlir::ValueRange getAfter() { return getResults_().drop_front(getStates().size()); }
    ::mlir::ValueRange getYielded() { return getCombine().front().getTerminator()->getOperands(); }
  }];
}

#endif // LONGWING_TILE_CHAIN_OPS_TD
