//===- Passes.td - Passes on the tile dialect --------------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_PASSES_TD
#define LONGWING_TILE_PASSES_TD

include "mlir/Pass/PassBase.td"

def TilePipeline : Pass<"tile-pipeline", "::longwing::tile::KernelOp"> {
  let summary = "Overlap neighbouring iterations of loops as their schedule says";
  let description = [{
    A loop whose operations carry `tile.pipeline = array<i64: stage, order>` is rotated so
    that the operations of stage 1 run one iteration later than those of stage 0. Within
    the new body operations are ordered by `order`. Loops that follow each other over one
    iteration space, the results of one being the initial values of the next, are rotated
    as one: the pipeline does not drain between them. The first loop must carry
    `tile.nonempty`.

    ```
    for t: a(t); b(t)   =>   a(0); for t from 1: { a(t); b(t-1) }; b(last)
    ```
  }];
  let statistics = [Statistic<"numLoops", "loops", "Number of loops pipelined">];
}

def TileSpecialize : Pass<"tile-specialize", "::longwing::tile::KernelOp"> {
  let summary = "Split a kernel into a producer and consumers with rings of SRAM slots";
  let description = [{
    Each `tile.load` gets a ring. The producer keeps the loads and the control flow around
    them, the consumers keep everything else; both count the positions of every ring
    through the same loops, so that they stay in step. A slot is released behind the last
    use of its tile. Work tiles are spread over CTAs as the schedule says.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

def TileStagger : Pass<"tile-stagger", "::longwing::tile::KernelOp"> {
  let summary = "Run the phases of a work tile in steps, each on another work tile";
  let description = [{
    For kernels with the attribute `tile.stagger = lag`, whose work tiles are straight-line code.
    Exchanges between warps cut a work tile into phases. Step i runs phase p of work tile
    i - lag * p, for all p: the phases of a step do not wait for each other, and a warp may run
    ahead of others by up to `lag` steps. All warps do the same; one thread starts the copies to
    and from SRAM.

    Every CTA takes a contiguous range of the work tiles. What is read from tensors of elements
    and does not depend on the first coordinate stays in registers until another one changes.
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

def TileAsync : Pass<"tile-async", "::longwing::tile::KernelOp"> {
  let summary = "Make matrix products asynchronous, with the waits they need";
  let description = [{
    A wait is placed before the first operation that touches the result of a product, or
    that writes register operands while a product still reads some; slots are released
    behind the wait that ends their last read. Values that may not move above a wait pass
    through it.
  }];
}

def TileAllocate : Pass<"tile-allocate", "::longwing::tile::KernelOp"> {
  let summary = "Place rings, buffers and barriers in SRAM";
  let description = [{
    Sets the offset of every `tile.alloc` and the kernel's `tile.shared_bytes`. An error if
    they do not fit.
  }];
}

def TileCheckHazards : Pass<"tile-check-hazards", "::longwing::tile::KernelOp"> {
  let summary = "Report unordered accesses and rings that would deadlock";
  let description = [{
    Checks, on a kernel in specialised form, that

    * no result of a `tile.mma_async` is used, and no register operand written, before a
      `tile.mma_wait` that retires it;
    * no slot is released while a product that reads it is in flight;
    * producer and consumers take the slots of each ring in the same order, through the same
      control flow, and every slot that is consumed is released once.
  }];
}

#endif // LONGWING_TILE_PASSES_TD
