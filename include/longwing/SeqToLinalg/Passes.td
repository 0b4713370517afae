//===- Passes.td - From seq to linalg ----------------------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQTOLINALG_PASSES_TD
#define LONGWING_SEQTOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def SeqToLinalg : Pass<"seq-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lowers seq to linalg, tensor, scf, arith and math";
  let description = [{
    Rewrites every operation of `seq` into the loops that define it. This is the one
    definition of what each operation means: the float64 oracle and the CPU target both
    come from it.

    With `precision=f64` the program becomes the oracle. Every floating-point value is
    computed in f64, also in elementwise operations of `arith` and `math` around the seq
    operations and inside their regions; nothing is rounded to the 16-bit or f32 type that
    the program names. Each floating-point result of a function becomes f64, so that the
    error of another level is measured against the exact value. Arguments keep their types.
    Operations of other dialects see the values rounded to the types they ask for.

    With `precision=f32` arithmetic is in f32, and each result of a seq operation is rounded
    to its own type.

    `attention` walks batch, head and blocks of query rows; a block holds its scores against
    all keys it may see, so that memory grows with the length and not with its square:

    ```
    for b, h:
      K = k[b, g], V = v[b, g]                          in the precision's type
      forall blocks of rows I:
        J = the keys that causal and window admit for some row of I
        S = scale * q[b, h, I] K[J]^T                   rows by keys
        S = score(S), -inf where a row does not see a key
        m = max_J S;  P = exp(S - m);  l = sum_J P
        o[b, h, I] = (P V[J]) / l;  lse[b, h, I] = m + log(l)
    ```

    `long_conv` is a sum over lags, the same for every kind, with a table of taps by lag:

    ```
    forall b, c:
      x = pre * u;  g[lag] = the tap of that lag                -L < lag < L
      c[t] = sum_s g[t - s] x[s]          as it stands for L <= 64; else by transforms of the
                                          least power of two from 2 L, in f64
      y = post * (c + skip * x)
    ```

    Transforms of any length (`fft`, prepared filters) are in f64 in both precisions; the
    rest of the convolutions are the loops of their descriptions.

    Sizes that must agree but are dynamic are checked with `cf.assert`.
  }];
  let options = [
    Option<"precision", "precision", "::longwing::Precision",
           /*default=*/"::longwing::Precision::F64", "Type of the arithmetic",
           [{::llvm::cl::values(
             clEnumValN(::longwing::Precision::F64, "f64", "float64, results unrounded: the oracle"),
             clEnumValN(::longwing::Precision::F32, "f32", "float32, results in their own types"))}]>
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::func::FuncDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

#endif // LONGWING_SEQTOLINALG_PASSES_TD
