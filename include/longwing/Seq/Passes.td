//===- Passes.td - Passes on the seq dialect ---------------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_PASSES_TD
#define LONGWING_SEQ_PASSES_TD

include "mlir/Pass/PassBase.td"

def SeqVerifyTarget : Pass<"seq-verify-target", "::mlir::ModuleOp"> {
  let summary = "Check that the target can run every sequence operation";
  let description = [{
    Reports, at the operation, what a Hopper kernel cannot do: 32-bit attention, head
    dimensions that are not a multiple of 8 or exceed 256, regions with control flow.
  }];
}

def SeqConfigure : Pass<"seq-configure", "::mlir::ModuleOp"> {
  let summary = "Choose the tiles and the schedule of every sequence operation";
  let description = [{
    Sets the `seq.config` dictionary of each operation from a table, by its type and
    attributes; an option other than 0 overrides the table. The choice must fit the
    multiprocessor's SRAM and registers.

    The algorithm of a long convolution comes from a cost model (lib/Seq/ConvConfig.cpp): its
    `seq.config` says which, with which radices, and in `reason` what each candidate was estimated
    to cost.
  }];
  let options = [
    Option<"consumers", "consumers", "int64_t", "0", "Consumer warpgroups, 64 query rows each">,
    Option<"keys", "keys", "int64_t", "0", "Keys of a tile, a multiple of 16">,
    Option<"stages", "stages", "int64_t", "0", "SRAM slots of the key and of the value ring">,
    Option<"queryStages", "query-stages", "int64_t", "0", "SRAM slots of the ring of query tiles">,
    Option<"persistent", "persistent", "std::string", "\"\"",
           "One CTA per multiprocessor walks over the work: true or false">,
    Option<"overlap", "overlap", "std::string", "\"\"",
           "Overlap products and softmax of neighbouring key tiles: true or false">,
    Option<"conv", "conv", "std::string", "\"\"",
           "The algorithm of long convolutions: toeplitz, transform or multipass">,
    Option<"radices", "radices", "std::string", "\"\"",
           "The radices of their transforms, such as 16x16x16">,
  ];
}

#endif // LONGWING_SEQ_PASSES_TD
