//===- ConvOps.td - Convolutions of the seq dialect --------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Long and short convolutions, and what long ones decompose into: butterflies,
// roots of unity, complex products. A complex tensor has a trailing dimension of
// 2: the real part, then the imaginary part.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_CONV_OPS_TD
#define LONGWING_SEQ_CONV_OPS_TD

include "dialects/seq/SeqDialect.td"
include "dialects/seq/SeqInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Attributes and types
//===----------------------------------------------------------------------===//

def Seq_ConvKind : I32EnumAttr<"ConvKind", "Which samples a filter reaches", [
    I32EnumAttrCase<"Causal", 0, "causal">,
    I32EnumAttrCase<"Anticausal", 1, "anticausal">,
    I32EnumAttrCase<"TwoSidedShared", 2, "two_sided_shared">,
    I32EnumAttrCase<"TwoSidedDisjoint", 3, "two_sided_disjoint">,
    I32EnumAttrCase<"Circular", 4, "circular">]> {
  let cppNamespace = "::longwing::seq";
}

def Seq_ShortConvKind : I32EnumAttr<"ShortConvKind", "Which samples a short filter reaches", [
    I32EnumAttrCase<"Causal", 0, "causal">,
    I32EnumAttrCase<"Centred", 1, "centred">]> {
  let cppNamespace = "::longwing::seq";
}

def Seq_TapOrder : I32EnumAttr<"TapOrder", "Which stored tap multiplies the current sample", [
    I32EnumAttrCase<"First", 0, "first">,
    I32EnumAttrCase<"Last", 1, "last">]> {
  let cppNamespace = "::longwing::seq";
}

/// The summaries are the verifier's text: they cite the constraints of the operations.
class Seq_Ranked<list<Type> elements, list<int> ranks, string text>
    : Type<TensorRankOf<elements, ranks>.predicate, text, "::mlir::RankedTensorType">;
def Seq_ConvTensor : Seq_Ranked<[F16, BF16, F32], [3], "a tensor of rank 3 (C1) of f16, bf16 or f32 (C2)">;
def Seq_FilterTensor : Seq_Ranked<[F16, BF16, F32], [2], "a tensor of rank 2 (C1) of f16, bf16 or f32 (C2)">;
def Seq_ChannelTensor : Seq_Ranked<[F32], [1], "a tensor of rank 1 of f32 (C1)">;
def Seq_StateTensor : Seq_Ranked<[F32], [3], "a tensor of rank 3 of f32 (C10)">;
def Seq_SpectrumTensor : Seq_Ranked<[F16, F32], [3], "a tensor of rank 3 of f16 or f32 (C1)">;
def Seq_SpectraTensor : Seq_Ranked<[F16, F32], [3, 4], "a tensor of rank 3 or 4 of f16 or f32 (C1)">;
def Seq_RankedTensor : Seq_Ranked<[F16, BF16, F32], [1, 2, 3, 4, 5, 6],
                               "a tensor of rank 1 to 6 (C1) of f16, bf16 or f32">;

//===----------------------------------------------------------------------===//
// Long convolutions
//===----------------------------------------------------------------------===//

def Seq_LongConvOp : Seq_Op<"long_conv", [
    Pure, AttrSizedOperandSegments, Seq_RecurrentOpInterface,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "Convolution with a filter that may be as long as the sequence";
  let description = [{
    For every batch b, channel h and position t, with h[j] the tap of lag j and r[j] that of the
    `reverse` filter:

    ```
    x    = pre * u                                   u, if there is no `pre`
    c[t] = sum over j of h[j] x[t - j]               causal, circular
    c[t] = sum over j of h[j] x[t + j]               anticausal
    c[t] = sum over j of h[j] x[t - j] + sum over j of r[j] x[t + j]       two_sided_shared
    c[t] = sum over j of h[j] x[t - j] + sum over j of r[j] x[t + j + 1]   two_sided_disjoint
    y    = post * (c + skip * x)
    ```

    x is 0 outside of [0, L), but periodic with period L if the kind is `circular`, where taps of
    a filter that is longer than L wrap around. `two_sided_shared` is the convention of H3 and
    FlashConv: both filters have a tap of lag 0. `two_sided_disjoint` is that of long
    convolutions and M2: the reverse filter begins at lag -1.

    * `filter` and `reverse` are `[H, K]`, each of its own length, longer or shorter than L.
      `taps first` says that the first stored tap is the one of lag 0, `taps last` that the last
      one is (as in PyTorch's `conv1d`).
    * `spectrum` stands for both: the result of `seq.prepare_filter` for the same kind and
      `radices`. One in blocks, `[H, P, N, 2]`, is for a sequence of up to P N samples, each N of
      which have a transform of their own.
    * `pre` and `post` are gates of the shape of u. `skip` is one factor for each channel. It
      multiplies the gated input x, as in Hyena, H3 and StripedHyena; with `skip_ungated` it
      multiplies u.

    A filter that is a function of the position is the result of `seq.implicit_filter`.

    A causal convolution may be read in parts. Its state is what the past adds to the next K - 1
    outputs:

    ```
    c[t]     = initial[t] + sum over j of h[j] x[t - j]            initial is 0 from K - 1 on
    final[i] = c[L + i]                                            for i in [0, K - 1), and x 0 from L on
    ```

    So a prompt is read in blocks by overlap-add, and a token is a block of length 1
    (`seq-make-step` writes both).

    Sizes that are dynamic and must agree are checked at run time.

    Example:

    ```mlir
    %y = seq.long_conv causal %u filter(%h : tensor<768x4096xf32>) taps first
        : tensor<?x768x4096xf16> -> tensor<?x768x4096xf16>

    %y = seq.long_conv circular %u spectrum(%s : tensor<768x4096x2xf32>)
        pre(%g1 : tensor<?x768x4096xbf16>) post(%g2 : tensor<?x768x4096xbf16>)
        skip(%d : tensor<768xf32>) {radices = array<i64: 16, 16, 16>}
        : tensor<?x768x4096xbf16> -> tensor<?x768x4096xbf16>
    ```

    Constraints:
    * (C1) u, pre, post and y are `[B, H, L]`, the filters `[H, K]`, the spectrum `[H, N, 2]` or
      `[H, P, N, 2]`, skip `[H]`; equal letters are equal where both are static, and H is static and
      positive.
    * (C2) u, pre, post and y have one element type, f16, bf16 or f32; the filters have that type
      or f32.
    * (C3) K is positive where it is static.
    * (C4) there is either a filter or a spectrum; `taps` and a `reverse` filter go with a filter.
    * (C5) the two-sided kinds have a `reverse` filter (or a spectrum), the others have none.
    * (C6) `radices` go with a spectrum: each is at least 2 (or N is 1, and they are [1]), and
      their product is N.
    * (C7) N is L if the kind is circular, and N, or P N, at least L if not, where both are static;
      P is static and positive.
    * (C8) a spectrum that comes from `seq.prepare_filter` was prepared for the same kind and
      radices; only a causal or anticausal convolution takes one in blocks.
    * (C9) `skip_ungated` goes with both `skip` and `pre`.
    * (C10) only a causal convolution with a filter has states: `[B, H, K - 1]` of f32.
    * (C11) an attribute that is none of these belongs to a dialect: its name has a dot.
  }];

  let arguments = (ins
    Seq_ConvKind:$kind,
    Arg<Seq_ConvTensor, "The input, `[B, H, L]`.">:$u,
    Arg<Optional<Seq_FilterTensor>, "The filter in time, `[H, K]`.">:$filter,
    Arg<Optional<Seq_FilterTensor>, "The filter that reaches to the right, `[H, K']`.">:$reverse,
    Arg<Optional<Seq_SpectraTensor>, "The prepared filter, `[H, N, 2]` or `[H, P, N, 2]`.">:$spectrum,
    Arg<Optional<Seq_ConvTensor>, "The gate of the input, `[B, H, L]`.">:$pre,
    Arg<Optional<Seq_ConvTensor>, "The gate of the output, `[B, H, L]`.">:$post,
    Arg<Optional<Seq_ChannelTensor>, "What the input adds to the output, `[H]`.">:$skip,
    Arg<Optional<Seq_StateTensor>, "What the past adds, `[B, H, K - 1]`.">:$initial,
    OptionalAttr<Seq_TapOrder>:$taps,
    OptionalAttr<DenseI64ArrayAttr>:$radices,
    UnitAttr:$skip_ungated);
  let results = (outs
    Res<Seq_ConvTensor, "The output, `[B, H, L]`.">:$y,
    Res<Optional<Seq_StateTensor>, "What this part adds to the next, if it is asked for.">:$final);

  let assemblyFormat = [{
    $kind $u (`filter` `(` $filter^ `:` type($filter) `)`)?
    (`reverse` `(` $reverse^ `:` type($reverse) `)`)? (`taps` $taps^)?
    (`spectrum` `(` $spectrum^ `:` type($spectrum) `)`)?
    (`pre` `(` $pre^ `:` type($pre) `)`)? (`post` `(` $post^ `:` type($post) `)`)?
    (`skip` `(` $skip^ `:` type($skip) `)`)? (`initial` `(` $initial^ `:` type($initial) `)`)?
    attr-dict `:` type($u) `->` type(results)
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;

  let extraClassDeclaration = [{
    int64_t getChannels() { return getU().getType().getDimSize(1); }
    /// L, or ShapedType::kDynamic.
    int64_t getLength() { return getU().getType().getDimSize(2); }
    /// K of the filter, or ShapedType::kDynamic; also if there is a spectrum.
    int64_t getFilterLength();
    bool isTwoSided() {
      return getKind() == ConvKind::TwoSidedShared || getKind() == ConvKind::TwoSidedDisjoint;
    }
    bool isCircular() { return getKind() == ConvKind::Circular; }
    /// The shapes that the constraints ask for, operands before results.
    ::llvm::SmallVector<::longwing::seq::NamedShape> getNamedShapes();

    // A recurrence whose state is what the past adds.
    ::mlir::Value getInit() { return getInitial(); }
    ::mlir::MutableOperandRange getInitMutable() { return getInitialMutable(); }
    ::mlir::Value getState() { return getFinal(); }
    ::mlir::Value getOffsets() { return {}; }
    bool isReversed() { return false; }
    /// Also if the filter is prepared: a spectrum does not say what it adds to the next part.
    bool seesFuture() { return getKind() != ConvKind::Causal || !getFilter(); }
    ::mlir::RankedTensorType getStateType();
  }];
}

def Seq_PrepareFilterOp : Seq_Op<"prepare_filter", [
    Pure,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "The spectrum of a filter, in the order in which kernels use it";
  let description = [{
    Transforms a filter once, so that many convolutions need not: a value that users can keep.
    With N the product of the radices N_1, ..., N_p:

    ```
    S[h, f] = sum over n < N of g[h, n] exp(-2 pi i n f / N)                     circular
    S[h, f] = sum over lags j of g[h, j] exp(-2 pi i j (f - 1/4) / N)            all others
    ```

    where g holds the taps by lag (the reverse filter's lags are negative), wrapped modulo N if the
    kind is circular and cut to lags below N if not. The first is a discrete Fourier transform.
    The second evaluates the filter at the N points x with x^N = i, the *right-angle*
    transform: there the product with the spectrum of a real input of at most N samples has the
    convolution as the real part of its inverse, without padding to 2N.

    The **order** is that of the digits: with f = k_1 + N_1 (k_2 + N_2 (k_3 + ...)), frequency f
    stands at position (..(k_1 N_2 + k_2) N_3 + k_3 ..), that is `[k_1][k_2]...[k_p]` in row-major
    order, where transforms that work in place leave it. With one radix it is the natural order.

    A causal (or anticausal) convolution may also be cut in **blocks** of N samples. Block p of the
    result is then the real part of the inverse of a sum over the P blocks of the spectrum, of
    products with the transforms of blocks p - j (or p + j) of the input:

    ```
    S[h, j, f] = sum over |d| < N of g[h, j N + d] exp(-2 pi i d (f - 1/4) / N)     causal
    S[h, j, f] = sum over |d| < N of g[h, d - j N] exp(-2 pi i d (f - 1/4) / N)     anticausal
    ```

    for between two blocks lies a two-sided filter. P blocks serve a sequence of P N samples, whose
    transforms are then no longer than N. With P = 1 this is the spectrum above.

    Example:

    ```mlir
    %s = seq.prepare_filter causal %h taps first {radices = array<i64: 16, 16, 16>}
        : tensor<768x4096xf32> -> tensor<768x4096x2xf32>
    %s = seq.prepare_filter two_sided_shared %h reverse(%r : tensor<768x1000xf32>) taps first
        {radices = array<i64: 32, 32>} : tensor<768x1000xf32> -> tensor<768x1024x2xf32>
    // For sequences of up to 32768 samples, in 8 blocks of 4096.
    %s = seq.prepare_filter causal %h taps first {radices = array<i64: 16, 16, 16>}
        : tensor<768x32768xf32> -> tensor<768x8x4096x2xf16>
    ```

    Constraints:
    * (C1) the filters are `[H, K]`, the spectrum is `[H, N, 2]`, or `[H, P, N, 2]` in blocks; H and P
      are static and positive.
    * (C2) the filters are f16, bf16 or f32, the spectrum is f16 or f32.
    * (C3) K is positive where it is static.
    * (C4) each of the `radices` is at least 2 (or N is 1, and they are [1]); their product is N.
    * (C5) the two-sided kinds have a `reverse` filter, the others have none.
    * (C6) an attribute that is none of these belongs to a dialect: its name has a dot.
    * (C7) a spectrum in blocks is that of a causal or anticausal filter.
  }];

  let arguments = (ins
    Seq_ConvKind:$kind,
    Arg<Seq_FilterTensor, "The filter in time, `[H, K]`.">:$filter,
    Arg<Optional<Seq_FilterTensor>, "The filter that reaches to the right, `[H, K']`.">:$reverse,
    Seq_TapOrder:$taps,
    DenseI64ArrayAttr:$radices);
  let results = (outs Res<Seq_SpectraTensor, "The spectrum, `[H, N, 2]` or `[H, P, N, 2]`.">:$spectrum);
  let assemblyFormat = [{
    $kind $filter (`reverse` `(` $reverse^ `:` type($reverse) `)`)? `taps` $taps attr-dict
    `:` type($filter) `->` type($spectrum)
  }];
  let hasVerifier = 1;

  let extraClassDeclaration = [{
    ::llvm::SmallVector<::longwing::seq::NamedShape> getNamedShapes();
  }];
}

def Seq_ImplicitFilterOp : Seq_Op<"implicit_filter", [
    Pure, RecursiveMemoryEffects,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "A filter that is a function of channel and position";
  let description = [{
    `h[c, t] = body(c, t)`, for c in [0, H) and t in [0, K). The region takes two indices and yields
    an f32. It may read scalars from above, and elements of tensors through `tensor.extract`: the
    exponents of a decay, the weights of a network. A layer of a network whose input is the
    position is an implicit filter of its own, with its units as channels, so that it is computed
    once for all channels of the next.

    K is `length` where the result leaves it open.

    Example: modes, sum over n of r[c, n] exp(-p[c, n] t).

    ```mlir
    %h = seq.implicit_filter : tensor<64x4096xf32> {
    ^bb0(%c: index, %t: index):
      ...
      seq.yield %sum : f32
    }
    %h = seq.implicit_filter length(%n) : tensor<64x?xf32> { ... }
    ```

    Constraints:
    * (C1) the result is `[H, K]` of f32; H is static and positive, K positive where it is static.
    * (C2) `length` is there if and only if K is dynamic.
    * (C3) the region takes (index, index) and yields an f32.
    * (C4) its operations have no side effect.
    * (C5) of the values from above it reads scalars, and tensors only through `tensor.extract` and
      `tensor.dim`.
    * (C6) an attribute belongs to a dialect: its name has a dot.
  }];
  let arguments = (ins Arg<Optional<Index>, "K, if the result's type leaves it open.">:$length);
  let results = (outs Res<Seq_Ranked<[F32], [2], "a tensor of rank 2 of f32 (C1)">, "The filter, `[H, K]`.">:$filter);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "(`length` `(` $length^ `)`)? attr-dict `:` type($filter) $body";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Seq_ImplicitSpectrumOp : Seq_Op<"implicit_spectrum", [
    Pure, RecursiveMemoryEffects,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "The spectrum of a filter whose generating function has a closed form";
  let description = [{
    Where the sum H(c, z) = sum over n of h[c, n] z^n is known, the filter need not be made: with
    N the product of the radices,

    ```
    S[c, f] = body(c, z_f)      z_f = exp(-2 pi i f / N)           circular
                                z_f = exp(-2 pi i (f - 1/4) / N)   all others
    ```

    stands where `seq.prepare_filter` puts it, so that a convolution of that kind and those radices
    takes it. The region gets the channel and the two parts of z, and yields those of the value.

    z^N is 1, or i if not circular. Modes r exp(-p n) cut to the first N taps are therefore
    r (1 - i exp(-p N)) / (1 - exp(-p) z); what a filter has beyond lag N comes back turned by i,
    which the region has to leave out where it counts.

    Example: one mode for each channel.

    ```mlir
    %s = seq.implicit_spectrum causal {radices = array<i64: 16, 16, 16>} : tensor<64x4096x2xf16> {
    ^bb0(%c: index, %re: f32, %im: f32):
      ...
      seq.yield %value_re, %value_im : f32, f32
    }
    ```

    Constraints:
    * (C1) the spectrum is `[H, N, 2]` of f16 or f32; H is static and positive.
    * (C2) each of the `radices` is at least 2 (or N is 1, and they are [1]); their product is N.
    * (C3) the region takes (index, f32, f32) and yields two f32.
    * (C4) its operations have no side effect.
    * (C5) of the values from above it reads scalars, and tensors only through `tensor.extract` and
      `tensor.dim`.
    * (C6) an attribute that is none of these belongs to a dialect: its name has a dot.
  }];
  let arguments = (ins Seq_ConvKind:$kind, DenseI64ArrayAttr:$radices);
  let results = (outs Res<Seq_SpectrumTensor, "The spectrum, `[H, N, 2]`.">:$spectrum);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$kind attr-dict `:` type($spectrum) $body";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Short convolutions
//===----------------------------------------------------------------------===//

def Seq_ShortConvOp : Seq_Op<"short_conv", [
    Pure, AttrSizedOperandSegments, Seq_RecurrentOpInterface,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "Depthwise convolution of width 2 to 8";
  let description = [{
    For every batch, channel h and position t, with w[j] the tap of lag j:

    ```
    y[t]     = act(bias + sum over j < W of w[j] x[t - j + c])    c = 0, or floor(W / 2) if centred
    x[-i]    = initial[W - 1 - i]        for i in [1, W)          0, if there is no `initial`
    final[i] = x[L - (W - 1) + i]        for i in [0, W - 1)
    ```

    and x is 0 elsewhere outside of [0, L). `act` is SiLU, z / (1 + exp(-z)), with `silu`, and the
    identity without. `centred` places an even width as PyTorch's `padding="same"` does.

    * `axis` is the dimension of time of x: 2 for `[B, H, L]`, where convolutions read, 1 for
      `[B, L, H]`, where scans read. y has the order of x; the states have W - 1 in place of L.
    * `initial` holds the W - 1 samples before the first, the oldest first; `final` is what a
      continuation takes as `initial`.
    * `taps last` says that the last stored tap is the one of lag 0, as in PyTorch's `conv1d`;
      `taps first` that the first one is.

    Example:

    ```mlir
    %y = seq.short_conv causal %x, %w taps last bias(%b : tensor<768xf32>) {axis = 2 : i64, silu}
        : tensor<?x768x?xbf16>, tensor<768x4xf32> -> tensor<?x768x?xbf16>

    %y, %final = seq.short_conv causal %x, %w taps last initial(%state : tensor<?x3x768xbf16>)
        {axis = 1 : i64} : tensor<?x?x768xbf16>, tensor<768x4xf32>
        -> tensor<?x?x768xbf16>, tensor<?x3x768xbf16>
    ```

    Constraints:
    * (C1) x and y are `[B, H, L]` or `[B, L, H]`, the weights `[H, W]`, the bias `[H]`; equal
      letters are equal where both are static, and H is static and positive.
    * (C2) x, y and the states have one element type, f16, bf16 or f32; the weights have that type
      or f32.
    * (C3) W is static, from 2 to 8.
    * (C4) `axis` is 1 or 2.
    * (C5) the states have the shape of x, with W - 1 in place of L.
    * (C6) only a causal convolution has states.
    * (C7) an attribute that is none of these belongs to a dialect: its name has a dot.
  }];

  let arguments = (ins
    Seq_ShortConvKind:$kind,
    Arg<Seq_ConvTensor, "The input, `[B, H, L]` or `[B, L, H]`.">:$x,
    Arg<Seq_FilterTensor, "The taps, `[H, W]`.">:$weights,
    Arg<Optional<Seq_ChannelTensor>, "What is added, `[H]`.">:$bias,
    Arg<Optional<Seq_ConvTensor>, "The samples before the first one.">:$initial,
    Seq_TapOrder:$taps,
    I64Attr:$axis,
    UnitAttr:$silu);
  let results = (outs
    Res<Seq_ConvTensor, "The output, of the shape of x.">:$y,
    Res<Optional<Seq_ConvTensor>, "The last W - 1 samples, if they are asked for.">:$final);
  let assemblyFormat = [{
    $kind $x `,` $weights `taps` $taps (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`initial` `(` $initial^ `:` type($initial) `)`)?
    attr-dict `:` type($x) `,` type($weights) `->` type(results)
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;

  let extraClassDeclaration = [{
    int64_t getWidth() { return getWeights().getType().getDimSize(1); }
    int64_t getChannels() { return getX().getType().getDimSize(channelAxis()); }
    /// The dimension of the channels: 1 if time is 2, and 2 if time is 1.
    unsigned channelAxis() { return 3 - getAxis(); }
    /// How many samples to the right of the current one an output reads.
    int64_t getLookahead() { return getKind() == ShortConvKind::Centred ? getWidth() / 2 : 0; }
    ::llvm::SmallVector<::longwing::seq::NamedShape> getNamedShapes();

    // A recurrence whose state is the last samples.
    ::mlir::Value getInit() { return getInitial(); }
    ::mlir::MutableOperandRange getInitMutable() { return getInitialMutable(); }
    ::mlir::Value getState() { return getFinal(); }
    ::mlir::Value getOffsets() { return {}; }
    bool isReversed() { return false; }
    bool seesFuture() { return getKind() == ShortConvKind::Centred; }
    ::mlir::RankedTensorType getStateType();
  }];
}

//===----------------------------------------------------------------------===//
// Transforms
//===----------------------------------------------------------------------===//

def Seq_FftOp : Seq_Op<"fft", [
    Pure, SameOperandsAndResultType,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "Discrete Fourier transform of any length";
  let description = [{
    Along the dimension before the last one, of length N; the last one holds real and imaginary part.

    ```
    y[f] = sum over n of x[n] exp(-2 pi i n f / N)
    y[n] = 1/N sum over f of x[f] exp(2 pi i n f / N)            inverse
    ```

    With `right_angle`, f - 1/4 stands for f: the transform of x[n] exp(i pi n / (2 N)), as in
    `seq.prepare_filter`. Both orders are natural.

    Example:

    ```mlir
    %y = seq.fft %x : tensor<?x64x4096x2xf32>
    %x = seq.fft %y {inverse} : tensor<?x64x4096x2xf32>
    ```

    Constraints:
    * (C1) x has a rank from 2 to 6, and its last dimension is 2.
    * (C2) the result has the type of x: f16, bf16 or f32.
    * (C3) N is positive where it is static.
    * (C4) an attribute that is none of these belongs to a dialect: its name has a dot.
  }];
  let arguments = (ins
    Arg<Seq_RankedTensor, "`[..., N, 2]`.">:$x, UnitAttr:$inverse, UnitAttr:$right_angle);
  let results = (outs Res<Seq_RankedTensor, "`[..., N, 2]`.">:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Seq_ButterflyOp : Seq_Op<"butterfly", [
    Pure,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "A product of block-diagonal matrices: Monarch matrices of any order";
  let description = [{
    Applies one stage for each factor, in order, to the last dimension of x. A stage has a factor w,
    `[G, S, R]`, and a stride m. It sees its G R inputs as `[G/m][R][m]` and its G S outputs as
    `[G/m][S][m]`, in row-major order, and multiplies each block by its own matrix:

    ```
    y[o][s][j] = sum over r < R of w[o m + j][s][r] x[o][r][j]      o < G/m, j < m
    ```

    A factor with a single matrix, `[1, S, R]`, serves all blocks.

    * An order-p Monarch matrix of size n^p has p stages with blocks of n x n, and strides
      1, n, ..., n^(p-1) or in the other order. A rectangular one (two factors, `[k, q, p]` and
      `[l, s, r]` with k q = l r) has the strides 1 and l.
    * A radix-2 butterfly matrix has log2(n) stages with R = S = 2, and strides 1, 2, 4, ..., n/2.
    * A stage of a Fourier transform is a single matrix, followed by a product with roots of unity
      (`seq.roots`, `seq.complex_mul`); the last stage has none.

    With `complex`, x and y have a trailing dimension of 2, and so have the factors:
    `[G, S, R, 2]`. Factors are operands: constants, parameters or computed. y is rounded to its
    type, and what happens between the stages is not.

    Example:

    ```mlir
    %y = seq.butterfly %x, %w1, %w2 {strides = array<i64: 1, 32>}
        : tensor<?x1024xbf16>, tensor<32x32x32xbf16>, tensor<32x32x32xbf16> -> tensor<?x1024xbf16>
    ```

    Constraints:
    * (C1) x has a rank from 1 to 6; y has the dimensions of x but the transformed one, which is
      static and positive; if `complex`, both have a last dimension of 2.
    * (C2) x and y have one element type, f16, bf16 or f32; a factor has that type or f32.
    * (C3) there is at least one factor, and one stride for each.
    * (C4) a factor is static and has rank 3, or rank 4 with a last dimension of 2 if `complex`;
      no dimension is 0.
    * (C5) R divides the size before the stage, and G is the quotient or 1.
    * (C6) a stride is positive and divides the number of blocks.
    * (C7) the size after the last stage is that of y.
    * (C8) an attribute that is none of these belongs to a dialect: its name has a dot.
  }];
  let arguments = (ins
    Arg<Seq_RankedTensor, "`[..., N]`, or `[..., N, 2]`.">:$x,
    Arg<Variadic<Seq_RankedTensor>, "`[G, S, R]` or `[G, S, R, 2]` each.">:$factors,
    DenseI64ArrayAttr:$strides,
    UnitAttr:$complex);
  let results = (outs Res<Seq_RankedTensor, "`[..., M]`, or `[..., M, 2]`.">:$y);
  let assemblyFormat = "$x `,` $factors attr-dict `:` type($x) `,` type($factors) `->` type($y)";
  let hasVerifier = 1;

  let extraClassDeclaration = [{
    /// The dimension that is transformed: the last one, or that before the parts of a complex number.
    unsigned getDimension() { return getX().getType().getRank() - (getComplex() ? 2 : 1); }
  }];
}

def Seq_RootsOp : Seq_Op<"roots", [Pure]> {
  let summary = "A table of roots of unity";
  let description = [{
    ```
    y[m]    = scale exp(-2 pi i m / order)              tensor<M x 2>
    y[k, m] = scale exp(-2 pi i k m / order)            tensor<K x M x 2>
    ```

    With `inverse` the exponent has the other sign. With `quarter = 0`, k - 1/4 stands for k, and
    with `quarter = 1`, m - 1/4 for m: the frequencies of a right-angle transform.

    The Fourier matrix of size n is `roots {order = n} : tensor<n x n x 2>`; a twiddle is a table
    of the order of the whole transform; right-angle weights have order 4 N. A table is a name for
    numbers that the oracle computes in float64 and kernels hold as constants.

    Constraints:
    * (C1) the result is static, has rank 2 or 3 and a last dimension of 2.
    * (C2) `order` is positive.
    * (C3) `scale` is finite.
    * (C4) `quarter` is 0 or 1, and goes with rank 3.
    * (C5) an attribute that is none of these belongs to a dialect: its name has a dot.
  }];
  let arguments = (ins I64Attr:$order, OptionalAttr<F64Attr>:$scale, OptionalAttr<I64Attr>:$quarter,
                       UnitAttr:$inverse);
  let results = (outs Res<Seq_Ranked<[F16, BF16, F32], [2, 3], "a tensor of rank 2 or 3 (C1) of f16, bf16 or f32">,
                          "The table.">:$y);
  let assemblyFormat = "attr-dict `:` type($y)";
  let hasVerifier = 1;

  let extraClassDeclaration = [{
    double getEffectiveScale() { return getScale() ? getScale()->convertToDouble() : 1.0; }
  }];
}

def Seq_ComplexMulOp : Seq_Op<"complex_mul", [
    Pure,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "Elementwise product of complex tensors";
  let description = [{
    `y[..., i] = a[..., i] b[i]`. The dimensions of b are the last ones of a: a table of
    twiddles `[N, 2]` multiplies every row of `[B, H, N, 2]`, a spectrum `[H, N, 2]` every batch.
    With `conjugate` the factor is the conjugate of b.

    Constraints:
    * (C1) a and b have a last dimension of 2, and the type of y is that of a.
    * (C2) the dimensions of b are the last ones of a: equal where both are static.
    * (C3) b has the element type of a or f32.
    * (C4) an attribute that is none of these belongs to a dialect: its name has a dot.
  }];
  let arguments = (ins Arg<Seq_RankedTensor, "`[..., N, 2]`.">:$a, Arg<Seq_RankedTensor, "`[N, 2]`, or more of a's dimensions.">:$b,
                       UnitAttr:$conjugate);
  let results = (outs Res<Seq_RankedTensor, "`[..., N, 2]`.">:$y);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a) `,` type($b) `->` type($y)";
  let hasVerifier = 1;
}

#endif // LONGWING_SEQ_CONV_OPS_TD
