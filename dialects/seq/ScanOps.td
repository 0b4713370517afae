//===- ScanOps.td - Recurrences of the seq dialect ---------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Linear recurrences over time. All lie time-major, [B, L, ...]: what stands at one time is
// contiguous, as the matrix products around a recurrence write and read it.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_SCANOPS_TD
#define LONGWING_SEQ_SCANOPS_TD

include "dialects/seq/SeqDialect.td"
include "dialects/seq/SeqInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// What varies with time, and what does not: states, and parameters of a head or a channel.
def Seq_AnyTensor : RankedTensorOf<[F16, BF16, F32]>;
def Seq_Tensor : Type<Seq_AnyTensor.predicate, "a tensor of f16, bf16 or f32 (C2)", "::mlir::RankedTensorType">;
def Seq_AnyFloatTensor : RankedTensorOf<[F32]>;
def Seq_FloatTensor : Type<Seq_AnyFloatTensor.predicate, "a tensor of f32 (C2)", "::mlir::RankedTensorType">;
def Seq_AnyOffsets : TensorRankOf<[I32, I64], [1]>;
def Seq_Offsets : Type<Seq_AnyOffsets.predicate, "a tensor of rank 1 of i32 or i64 (C4)", "::mlir::RankedTensorType">;

def Seq_ScanForm : I32EnumAttr<"ScanForm", "How a scan states its decay",
    [I32EnumAttrCase<"Linear", 0, "linear">, I32EnumAttrCase<"Log", 1, "log">, I32EnumAttrCase<"Wkv", 2, "wkv">]> {
  let cppNamespace = "::longwing::seq";
}

class Seq_RecurrentOp<string mnemonic> : Seq_Op<mnemonic, [
    Pure, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<Seq_RecurrentOpInterface, ["getStateType", "getNamedShapes"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;

  code commonDeclarations = [{
    int64_t getBatchDim() { return 0; }
    int64_t getTimeDim() { return 1; }
    /// Whether several sequences lie behind each other along L.
    bool isPacked() { return static_cast<bool>(getOffsets()); }
  }];
  let extraClassDeclaration = commonDeclarations;
}

def Seq_ScanOp : Seq_RecurrentOp<"scan"> {
  let summary = "First-order recurrence of each channel";
  let description = [{
    For every batch and channel, over time t = 0, 1, ..., L - 1:

    ```
    linear:  h[t] = a[t] h[t-1] + b[t]               y[t] = h[t]
    log:     h[t] = exp(a[t]) h[t-1] + b[t]          y[t] = h[t],   a[t] <= 0
    wkv:     y[t] = (sum over i < t of exp((t-1-i) w + key[i]) v[i] + exp(bonus + key[t]) v[t])
                  / (sum over i < t of exp((t-1-i) w + key[i])      + exp(bonus + key[t]))
             with w = a <= 0 and v = b: RWKV-4's weighted mean
    ```

    * `a` varies with time, `[B, L, D]`, or is constant in time, `[D]`.
    * `init` is h[-1]; zero if absent. The second result, if it is asked for, is h[L-1].
    * The state of `wkv` is three rows for each batch, (p, q, m): `p = sum of exp(... - m) v`,
      `q = sum of exp(... - m)` over the past, as seen from the next position, and their
      greatest exponent m, or any number that is not far below it. An empty past is (0, 0, -inf).
    * `complex` says that each element is a pair (re, im), in a trailing dimension of 2; `exp` and
      the products are those of complex numbers.
    * `reverse` runs time from L - 1 down to 0: all that varies with time is as if flipped along L.
    * `offsets` packs sequences behind each other: sequence s is at `offsets[s] <= t < offsets[s+1]`
      and has its own state. The first offset is 0, none is less than the one before, the last is L.

    One step of generation is this operation with L = 1, `init` and the final state; the pass
    `seq-make-step` writes it from a model.

    A positive decay (in `log` and `wkv`) and wrong offsets are errors: at compile time where they are
    constants; on the CPU, at run time; a GPU kernel does not look for positive decays, and takes
    them for anything from their exponential to 1.

    Example:

    ```mlir
    %h = seq.scan linear %a, %b : tensor<?x?x512xbf16>, tensor<?x?x512xbf16> -> tensor<?x?x512xbf16>

    %h, %last = seq.scan log %a, %b init(%h0 : tensor<?x64x2xf32>) {complex, reverse}
        : tensor<64x2xf32>, tensor<?x?x64x2xf32> -> tensor<?x?x64x2xf32>, tensor<?x64x2xf32>

    %y = seq.scan wkv %w, %v key(%k : tensor<1x?x512xbf16>) bonus(%u : tensor<512xf32>)
        offsets(%o : tensor<?xi32>) : tensor<512xf32>, tensor<1x?x512xbf16> -> tensor<1x?x512xbf16>
    ```

    Constraints:
    * (C1) b and y are `[B, L, D]`; a is `[B, L, D]` or `[D]`; with `complex`, each has a trailing
      dimension of 2. Equal letters are equal where both are static; D is static and positive.
    * (C2) b and y have one element type: f16, bf16 or f32, and f32 if `complex`; a has that type or f32.
    * (C3) `init` and the final state are f32, `[B, D]`, with `complex` `[B, D, 2]`, and `[B, 3, D]`
      in `wkv`.
    * (C4) `offsets` is `[S+1]` of i32 or i64. With it B is 1, and S takes B's place in (C3).
    * (C5) `wkv` takes key, of b's type, and bonus, `[D]` of f32; its a is `[D]`, and it is not
      `complex`. The other forms take neither key nor bonus.
    * (C6) in `log` and `wkv`, a is at most 0 (its real part, if `complex`).
    * (C7) an attribute that is none of these belongs to a dialect: its name has a dot.
  }];

  let arguments = (ins
    Seq_ScanForm:$form,
    Arg<Seq_Tensor, "The decay: a factor, or its natural logarithm.">:$a,
    Arg<Seq_Tensor, "What is added, `[B, L, D]`; v in `wkv`.">:$b,
    Arg<Optional<Seq_Tensor>, "The logarithms of the weights, `[B, L, D]`, in `wkv`.">:$key,
    Arg<Optional<Seq_FloatTensor>, "What the present has more in its exponent, `[D]`, in `wkv`.">:$bonus,
    Arg<Optional<Seq_FloatTensor>, "The initial state.">:$init,
    Arg<Optional<Seq_Offsets>, "Where each packed sequence begins.">:$offsets,
    UnitAttr:$complex,
    UnitAttr:$reverse);
  let results = (outs
    Res<Seq_Tensor, "The states of all times, or the means, `[B, L, D]`.">:$y,
    Res<Optional<Seq_FloatTensor>, "The final state, if it is asked for.">:$state);

  let assemblyFormat = [{
    $form $a `,` $b (`key` `(` $key^ `:` type($key) `)`)? (`bonus` `(` $bonus^ `:` type($bonus) `)`)?
    (`init` `(` $init^ `:` type($init) `)`)? (`offsets` `(` $offsets^ `:` type($offsets) `)`)?
    attr-dict `:` type($a) `,` type($b) `->` type(results)
  }];

  let extraClassDeclaration = commonDeclarations # [{
    int64_t getChannels() { return getB().getType().getDimSize(2); }
    /// Whether the decay is the same at all times.
    bool hasConstantDecay() { return getA().getType().getRank() < 3; }
  }];
}

def Seq_SelectiveScanOp : Seq_RecurrentOp<"selective_scan"> {
  let summary = "Scan with input-dependent step size, input and output (S6, Mamba)";
  let description = [{
    For every batch and channel d of group g = d / (D / G), over time t and with a state h of N
    elements:

    ```
    dt      = delta[t, d] + bias[d],  and softplus(dt) = log(1 + exp(dt)) of it with `softplus`
    h[n]    = exp(dt a[d, n]) h[n] + dt b[t, g, n] u[t, d]
    y[t, d] = sum over n of c[t, g, n] h[n]  + skip[d] u[t, d]
    y[t, d] = y[t, d] * gate[t, d] / (1 + exp(-gate[t, d]))          if there is a gate (SiLU)
    ```

    * A kernel may leave out of a state what has decayed by 2^-40 or more since it was added.
    * `b` and `c` may be constant in time, one row for each channel: `[D, N]`.
    * `complex` says that a, b, c and the state are pairs (re, im) in a trailing dimension of 2; y takes
      twice the real part of the sum: each stands for itself and its conjugate.
    * `init`, the final state, `reverse`, `offsets` and one step of generation are as in `seq.scan`.
    * bias and skip are zero if absent.

    Example:

    ```mlir
    %y, %last = seq.selective_scan %u, %delta, %a, %b, %c skip(%d : tensor<512xf32>)
        gate(%z : tensor<?x?x512xbf16>) bias(%dt_bias : tensor<512xf32>) {softplus}
        : tensor<?x?x512xbf16>, tensor<?x?x512xbf16>, tensor<512x16xf32>, tensor<?x?x1x16xbf16>,
          tensor<?x?x1x16xbf16> -> tensor<?x?x512xbf16>, tensor<?x512x16xf32>
    ```

    Constraints:
    * (C1) u, delta, gate and y are `[B, L, D]`; a is `[D, N]`; b and c are `[B, L, G, N]` or
      `[D, N]`; skip and bias are `[D]`; with `complex`, a, b and c have a trailing dimension of 2. Equal
      letters are equal where both are static; D, N and G are static and positive, and D is a
      multiple of G.
    * (C2) u, gate and y have one element type: f16, bf16 or f32; delta, b and c have that type or
      f32; a, skip and bias are f32.
    * (C3) `init` and the final state are f32, `[B, D, N]`, with `complex` `[B, D, N, 2]`.
    * (C4) `offsets` is `[S+1]` of i32 or i64. With it B is 1, and S takes B's place in (C3).
    * (C5) an attribute that is none of these belongs to a dialect: its name has a dot.
  }];

  let arguments = (ins
    Arg<Seq_Tensor, "The input, `[B, L, D]`.">:$u,
    Arg<Seq_Tensor, "The step size, `[B, L, D]`.">:$delta,
    Arg<Seq_FloatTensor, "The rate of each state, `[D, N]`; negative where it decays.">:$a,
    Arg<Seq_Tensor, "How the input enters the state, `[B, L, G, N]` or `[D, N]`.">:$b,
    Arg<Seq_Tensor, "How the state is read, `[B, L, G, N]` or `[D, N]`.">:$c,
    Arg<Optional<Seq_FloatTensor>, "How much of the input is added to the output, `[D]`.">:$skip,
    Arg<Optional<Seq_Tensor>, "The gate z, `[B, L, D]`: y is multiplied by its SiLU.">:$gate,
    Arg<Optional<Seq_FloatTensor>, "What is added to delta, `[D]`.">:$bias,
    Arg<Optional<Seq_FloatTensor>, "The initial state.">:$init,
    Arg<Optional<Seq_Offsets>, "Where each packed sequence begins.">:$offsets,
    UnitAttr:$softplus,
    UnitAttr:$complex,
    UnitAttr:$reverse);
  let results = (outs
    Res<Seq_Tensor, "The output, `[B, L, D]`.">:$y,
    Res<Optional<Seq_FloatTensor>, "The final state, if it is asked for.">:$state);

  let assemblyFormat = [{
    $u `,` $delta `,` $a `,` $b `,` $c (`skip` `(` $skip^ `:` type($skip) `)`)?
    (`gate` `(` $gate^ `:` type($gate) `)`)? (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`init` `(` $init^ `:` type($init) `)`)? (`offsets` `(` $offsets^ `:` type($offsets) `)`)?
    attr-dict `:` type($u) `,` type($delta) `,` type($a) `,` type($b) `,` type($c) `->` type(results)
  }];

  let extraClassDeclaration = commonDeclarations # [{
    int64_t getChannels() { return getU().getType().getDimSize(2); }
    int64_t getStateSize() { return getA().getType().getDimSize(1); }
    /// Whether b or c is the same at all times.
    bool hasConstantB() { return getB().getType().getRank() < 4 - !getComplex(); }
    bool hasConstantC() { return getC().getType().getRank() < 4 - !getComplex(); }
    /// The groups of channels that share a b and c that vary with time.
    int64_t getGroups();
  }];
}

def Seq_LinearAttentionOp : Seq_RecurrentOp<"linear_attention"> {
  let summary = "Recurrence of a matrix state: linear attention, retention, SSD, gated variants";
  let description = [{
    For every batch and head h, with the key head g = h / (Hv / Hk), over time t and with a state S
    of K by V elements:

    ```
    S    = diag(exp(decay[t])) S + k[t, g] v[t, h]^T
    o[t] = scale * q[t, g]^T S + skip[h] v[t, h]
    o[t] = o[t] * gate[t, h] / (1 + exp(-gate[t, h]))                if there is a gate (SiLU)
    ```

    * `decay` is a natural logarithm, at most 0, for each head `[Hv]`, head and key channel
      `[H, K]`, time and head `[B, L, Hv]`, or time, head and key channel `[B, L, H, K]`, where H is
      Hk or Hv; without it nothing decays.
    * With `bonus` the output sees the state before its decay and the present through the bonus
      (RWKV-5 and 6): `o[t] = scale * q[t]^T (S_before + diag(bonus[h]) k[t] v[t]^T)`.
    * `dt`, `[B, L, Hv]`, is SSD's form of decay and input: with d = dt[t, h] + bias[h], or with
      `softplus` log(1 + exp(d)) of it, the decay is `a[h] * d` and k[t] is multiplied by d. d is
      at least 0.
    * `scale` is a finite factor; 1 if absent.
    * A kernel may leave out of a state what has decayed by 2^-40 or more since it was added.
    * `init`, the final state, `reverse`, `offsets` and one step of generation are as in `seq.scan`; so is
      what a positive decay means.

    Example:

    ```mlir
    // Retention.
    %o = seq.linear_attention %q, %k, %v decay(%g : tensor<8xf32>) {scale = 0.125 : f64}
        : tensor<?x?x8x64xbf16>, tensor<?x?x8x64xbf16>, tensor<?x?x8x128xbf16> -> tensor<?x?x8x128xbf16>

    // SSD: 24 heads in one group.
    %o, %last = seq.linear_attention %c, %b, %x dt(%dt : tensor<?x?x24xbf16>, %a : tensor<24xf32>)
        bias(%dt_bias : tensor<24xf32>) skip(%d : tensor<24xf32>) gate(%z : tensor<?x?x24x64xbf16>) {softplus}
        : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>, tensor<?x?x24x64xbf16>
        -> tensor<?x?x24x64xbf16>, tensor<?x24x128x64xf32>
    ```

    Constraints:
    * (C1) q and k are `[B, L, Hk, K]`; v, gate and o are `[B, L, Hv, V]`; decay is `[Hv]`, `[H, K]`,
      `[B, L, Hv]` or `[B, L, H, K]`, with H = Hk or Hv; bonus is `[Hv, K]`; dt is `[B, L, Hv]`; a,
      bias and skip are `[Hv]`. Equal letters are equal where both are static; Hk, Hv, K and V are
      static and positive, and Hv is a multiple of Hk.
    * (C2) q, k, v, gate and o have one element type: f16, bf16 or f32; decay and dt have that type
      or f32; bonus, a, bias and skip are f32.
    * (C3) `init` and the final state are f32, `[B, Hv, K, V]`.
    * (C4) `offsets` is `[S+1]` of i32 or i64. With it B is 1, and S takes B's place in (C3).
    * (C5) decay and dt exclude each other; a, bias and `softplus` are there only with dt, and a always is.
    * (C6) decay and a are at most 0.
    * (C7) `scale` is finite.
    * (C8) an attribute that is none of these belongs to a dialect: its name has a dot.
  }];

  let arguments = (ins
    Arg<Seq_Tensor, "The queries, `[B, L, Hk, K]`; C in SSD.">:$q,
    Arg<Seq_Tensor, "The keys, `[B, L, Hk, K]`; B in SSD. Each head serves Hv / Hk heads of v.">:$k,
    Arg<Seq_Tensor, "The values, `[B, L, Hv, V]`; x in SSD.">:$v,
    Arg<Optional<Seq_Tensor>, "The logarithm of the decay.">:$decay,
    Arg<Optional<Seq_Tensor>, "The step size, `[B, L, Hv]`.">:$dt,
    Arg<Optional<Seq_FloatTensor>, "The rate of each head, `[Hv]`, with dt.">:$a,
    Arg<Optional<Seq_FloatTensor>, "What is added to dt, `[Hv]`.">:$bias,
    Arg<Optional<Seq_FloatTensor>, "What the present counts in an output, `[Hv, K]`.">:$bonus,
    Arg<Optional<Seq_FloatTensor>, "How much of v is added to the output, `[Hv]`.">:$skip,
    Arg<Optional<Seq_Tensor>, "The gate z, `[B, L, Hv, V]`: o is multiplied by its SiLU.">:$gate,
    Arg<Optional<Seq_FloatTensor>, "The initial state.">:$init,
    Arg<Optional<Seq_Offsets>, "Where each packed sequence begins.">:$offsets,
    OptionalAttr<F64Attr>:$scale,
    UnitAttr:$softplus,
    UnitAttr:$reverse);
  let results = (outs
    Res<Seq_Tensor, "The output, `[B, L, Hv, V]`.">:$o,
    Res<Optional<Seq_FloatTensor>, "The final state, if it is asked for.">:$state);

  let assemblyFormat = [{
    $q `,` $k `,` $v (`decay` `(` $decay^ `:` type($decay) `)`)?
    (`dt` `(` $dt^ `:` type($dt) `,` $a `:` type($a) `)`)? (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`bonus` `(` $bonus^ `:` type($bonus) `)`)? (`skip` `(` $skip^ `:` type($skip) `)`)?
    (`gate` `(` $gate^ `:` type($gate) `)`)? (`init` `(` $init^ `:` type($init) `)`)?
    (`offsets` `(` $offsets^ `:` type($offsets) `)`)?
    attr-dict `:` type($q) `,` type($k) `,` type($v) `->` type(results)
  }];

  let extraClassDeclaration = commonDeclarations # [{
    int64_t getKeyHeads() { return getK().getType().getDimSize(2); }
    int64_t getValueHeads() { return getV().getType().getDimSize(2); }
    int64_t getKeyDim() { return getK().getType().getDimSize(3); }
    int64_t getValueDim() { return getV().getType().getDimSize(3); }
    /// The factor of the outputs: `scale`, or 1.
    double getEffectiveScale();
    /// Whether the decay is one for each key channel, or for each head; and whether it is the
    /// same at all times, as where nothing decays.
    bool hasChannelDecay() { return getDecay() && getDecay().getType().getRank() % 2 == 0; }
    bool hasConstantDecay() { return !getDt() && (!getDecay() || getDecay().getType().getRank() < 3); }
  }];
}

#endif // LONGWING_SEQ_SCANOPS_TD
