//===- SeqOps.td - Operations of the seq dialect -----------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_OPS_TD
#define LONGWING_SEQ_OPS_TD

include "dialects/seq/ConvOps.td"
include "dialects/seq/ScanOps.td"
include "dialects/seq/SeqDialect.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// What attention reads and writes. The summary is the verifier's text: it cites the constraints.
def Seq_AnyTensor4 : TensorRankOf<[F16, BF16, F32], [4]>;
def Seq_Tensor4 : Type<Seq_AnyTensor4.predicate, "a tensor of rank 4 (C1, C4) of f16, bf16 or f32 (C2)",
                       "::mlir::RankedTensorType">;
def Seq_AnyTensor3 : TensorRankOf<[F32], [3]>;
def Seq_RowTensor : Type<Seq_AnyTensor3.predicate, "a tensor of rank 3 of f32 (C4)", "::mlir::RankedTensorType">;

def Seq_YieldOp : Seq_Op<"yield", [Pure, Terminator, ReturnLike, ParentOneOf<[
    "AttentionOp", "ImplicitFilterOp", "ImplicitSpectrumOp"]>]> {
  let summary = "Ends a region of a seq operation";
  let description = [{
    Gives the value of a region (a score, a mask, a tap, the parts of a complex number) back to its operation.
  }];
  let arguments = (ins Arg<Variadic<AnyType>, "The score, tap or parts (f32) or the predicate (i1).">:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
  let extraClassDeclaration = "::mlir::Value getValue() { return getValues().front(); }";
}

def Seq_AttentionOp : Seq_Op<"attention", [
    Pure,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "Scaled dot-product attention";
  let description = [{
    For every batch b, query head h and query position i:

    ```
    g       = h / (Hq / Hkv)                                the key head of h
    s[i, j] = score(scale * <q[b,h,i,:], k[b,g,j,:]>, b, h, i, j)
    keys(i) = { j : mask(b, h, i, j), and j within causal and window }
    o[i, :] = sum over keys(i) of exp(s[i,j] - lse[i]) * v[b,g,j,:]
    lse[i]  = log(sum over keys(i) of exp(s[i, j]))          natural logarithm
    ```

    A row that sees no key gives `o = 0` and `lse = -inf`.

    * `scale` is a finite factor; 1 / sqrt(D) if absent.
    * `causal` aligns the diagonal to the bottom right, as FlashAttention does: query i sees
      the keys j with `j <= i + Sk - Sq`.
    * `window = [left, right]` lets query i see the keys j with
      `i + Sk - Sq - left <= j <= i + Sk - Sq + right`; -1 leaves a side open.
    * `score` is a region of (score: f32, batch, head, query, key: index) that yields the
      score (f32) which softmax takes: biases, ALiBi, soft caps.
    * `mask` is a region of (batch, head, query, key: index) that yields an i1: true where the
      query sees the key. It meets `causal` and `window`; all must agree.

    Positions are indices into the tensors, not aligned ones. Both regions may read values
    from above, such as a tensor of slopes through `tensor.extract`. They are functions of
    their arguments alone, and are defined at every position within the sizes: a kernel may
    evaluate them where the other one, or `causal` or `window`, hides the key.

    Sizes that are dynamic and must be equal are equal at run time, or the program fails.

    Example:

    ```mlir
    %o = seq.attention %q, %k, %v {causal}
        : tensor<?x16x?x128xbf16>, tensor<?x4x?x128xbf16>, tensor<?x4x?x128xbf16>
        -> tensor<?x16x?x128xbf16>

    %o, %lse = seq.attention %q, %k, %v {scale = 0.125 : f64, window = array<i64: 1023, 0>}
        : tensor<?x16x?x64xf16>, tensor<?x16x?x64xf16>, tensor<?x16x?x64xf16>
        -> tensor<?x16x?x64xf16>, tensor<?x16x?xf32>
      score {
      ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
        %slope = tensor.extract %slopes[%h] : tensor<16xf32>
        ...
        seq.yield %biased : f32
      }
    ```

    Constraints:
    * (C1) q is `[B, Hq, Sq, D]`, k is `[B, Hkv, Sk, D]`, v is `[B, Hkv, Sk, Dv]`; equal
      letters are equal where both are static; D and Dv are static and positive.
    * (C2) q, k, v and o have one element type: f16, bf16 or f32.
    * (C3) Hq and Hkv are static and positive, and Hq is a multiple of Hkv.
    * (C4) o is `[B, Hq, Sq, Dv]`; lse, if present, is `[B, Hq, Sq]` of f32.
    * (C5) `scale` is finite.
    * (C6) `window` has two elements, each at least -1.
    * (C7) `score` takes (f32, index, index, index, index) and yields an f32.
    * (C8) `mask` takes (index, index, index, index) and yields an i1.
    * (C9) the operations of both regions have no side effect.
    * (C10) an attribute that is none of these belongs to a dialect: its name has a dot.
  }];

  let arguments = (ins
    Arg<Seq_Tensor4, "The queries, `[B, Hq, Sq, D]`.">:$q,
    Arg<Seq_Tensor4, "The keys, `[B, Hkv, Sk, D]`. Each of their heads serves Hq / Hkv heads of q.">:$k,
    Arg<Seq_Tensor4, "The values, `[B, Hkv, Sk, Dv]`.">:$v,
    OptionalAttr<F64Attr>:$scale,
    UnitAttr:$causal,
    OptionalAttr<DenseI64ArrayAttr>:$window);
  let results = (outs
    Res<Seq_Tensor4, "The weighted means of the values, `[B, Hq, Sq, Dv]`.">:$o,
    Res<Optional<Seq_RowTensor>, "The logarithm of each row's sum, `[B, Hq, Sq]`, if it is asked for.">:$lse);
  let regions = (region
    MaxSizedRegion<1>:$score,
    MaxSizedRegion<1>:$mask);

  let assemblyFormat = [{
    $q `,` $k `,` $v attr-dict `:` type($q) `,` type($k) `,` type($v) `->` type(results)
    (`score` $score^)? (`mask` $mask^)?
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizeMethod = 1;

  let extraClassDeclaration = [{
    /// The head dimension of q and k, and of v and o.
    int64_t getHeadDim() { return getQ().getType().getDimSize(3); }
    int64_t getValueDim() { return getV().getType().getDimSize(3); }
    int64_t getQueryHeads() { return getQ().getType().getDimSize(1); }
    int64_t getKeyHeads() { return getK().getType().getDimSize(1); }
    /// The shapes that the constraints ask for, operands before results.
    ::llvm::SmallVector<NamedShape> getNamedShapes();
    /// The factor of the scores: `scale`, or 1 / sqrt(D).
    double getEffectiveScale();
    /// How far to the left and right of the aligned diagonal a query sees; -1 is without bound.
    /// `causal` bounds the right by 0.
    int64_t getLeftWindow();
    int64_t getRightWindow();
    bool hasScore() { return !getScore().empty(); }
    bool hasMask() { return !getMask().empty(); }
  }];
}

#endif // LONGWING_SEQ_OPS_TD
