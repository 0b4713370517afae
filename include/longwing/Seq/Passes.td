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

def SeqInlineCalls : Pass<"seq-inline-calls", "::mlir::ModuleOp"> {
  let summary = "Copy what functions call into them";
  let description = [{
    Host code of a package has no calls. Private functions that are then unused go.
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
    Option<"lanes", "lanes", "int64_t", "0", "Threads that share a channel of a recurrence">,
    Option<"width", "width", "int64_t", "0", "Neighbouring channels of a thread of a recurrence">,
    Option<"steps", "steps", "int64_t", "0", "Steps in time of a tile of a recurrence">,
    Option<"cluster", "cluster", "int64_t", "0", "CTAs that take the tiles of a scan in turns">,
    Option<"unroll", "unroll", "int64_t", "0", "Steps in time that a recurrence takes at once">,
    Option<"registers", "registers", "int64_t", "0", "Registers of a consumer thread of a recurrence">,
    Option<"polynomials", "polynomials", "std::string", "\"\"",
           "Exponentials of a selective scan that are polynomials, of each eight">,
    Option<"persistent", "persistent", "std::string", "\"\"",
           "One CTA per multiprocessor walks over the work: true or false">,
    Option<"overlap", "overlap", "std::string", "\"\"",
           "Overlap products and softmax of neighbouring key tiles: true or false">,
    Option<"conv", "conv", "std::string", "\"\"",
           "The algorithm of long convolutions: toeplitz, transform, blocks or multipass; stages in f32; plain sums in float64, slowly">,
    Option<"radices", "radices", "std::string", "\"\"",
           "The radices of their transforms, such as 16x16x16">,
    Option<"precise", "precise", "std::string", "\"\"",
           "Transforms of up to 8192 samples sum in f32 and hold numbers in two parts, slowly: true or false">,
  ];
}

def SeqDecomposeFft : Pass<"seq-decompose-fft", "::mlir::ModuleOp"> {
  let summary = "Write long convolutions as butterfly products, twiddles and a pointwise product";
  let description = [{
    A long convolution whose `seq.config` (or, without one, whose cost model) asks for a transform
    with radices N_1, ..., N_p becomes what a kernel does, as IR that runs on the CPU:

    ```
    s = prepare_filter h
    z = x, padded to N with zeros, as complex numbers                 x = pre * u
    for i = 1, ..., p:    z = F_i z along digit i;   z = z * twiddle_i         i < p
    z = z * s
    for i = p, ..., 1:    z = z * conj twiddle_i;    z = conj F_i z
    y = post * (real part of z + skip * x)
    ```

    Every stage works in place, so that frequencies end in the order of the digits, which is that
    of the spectrum. The weights of the right-angle transform (all kinds but `circular`) are
    in the tables: F_1 and twiddle_1 have frequencies k - 1/4. Arithmetic is in f32. A
    circular convolution of a length that no radices make up is a two-sided one: its reverse
    filter holds the taps that wrap around.

    A causal or anticausal convolution that is cut in blocks of N samples gets transforms of each block, and for each
    block the sum over those that it depends on, times the spectra of the taps between them.

    Convolutions by Toeplitz products, and those of an open length, stay as they are.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SeqFuseGates : Pass<"seq-fuse-gates", "::mlir::ModuleOp"> {
  let summary = "Make the gates and the skip around a long convolution its operands";
  let description = [{
    Around `c = long_conv x` whose operands are free, and where nothing else reads what lies
    between:

    * `x = u * g` becomes the gate `pre`,
    * `c * g` becomes the gate `post`,
    * `c + d * x`, where the product is a causal convolution of the same x with a single tap for
      each channel, becomes the `skip`.

    What was rounded between the operations no longer is.
  }];
}

def SeqMakeStep : Pass<"seq-make-step", "::mlir::ModuleOp"> {
  let summary = "Add to each recurrent model what generation calls";
  let description = [{
    To each public function `f` with recurrences it adds two:

    * `f_part` takes the initial state of each recurrence that has none behind its other
      arguments (`state_0`, ...), and gives each final state behind its other results
      (`next_0`, ...). It reads a prompt, at once or in parts.
    * `f_step` is `f_part` over one position: the lengths in its types are 1, so that
      kernels are chosen for it. It makes the next token.

    Both are the operations of `f`, so a step's results are those of the whole. The state
    of an empty past is zero, and -inf in the third row of that of `seq.scan wkv`.

    What cannot be read step by step is reported: recurrences that run backwards or see
    what follows, packed sequences, operations of seq that carry no state (attention, long
    convolutions that are not causal or whose filter is prepared), and recurrences within
    control flow or behind a call.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def SeqRewriteScans : Pass<"seq-rewrite-scans", "::mlir::ModuleOp"> {
  let summary = "Replace recurrences by cheaper ones that compute the same";
  let description = [{
    * A `selective_scan` whose rates and step sizes are one for each head becomes
      `linear_attention` in SSD's form, which has matrix products: the step sizes are broadcast
      from `[B, L, H]`, the rates are a constant or broadcast from `[H]`, and bias and skip are
      too. The rates must be known to be at most 0 (a constant, or -exp), the step sizes to be
      positive (softplus), and the states not asked for.
    * A decay that is broadcast along batch and time, or along key channels, is taken as what it
      is broadcast from.
    * A `scan` with a constant decay so small that after at most 8 steps nothing is left that the
      rounding of a result would show becomes a `short_conv`, which does not wait for the past.

    Broadcasts are `linalg.broadcast`, where need be under a `tensor.collapse_shape`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

#endif // LONGWING_SEQ_PASSES_TD
