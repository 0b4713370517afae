//===- SeqDialect.td - The seq dialect ---------------------*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What to compute: sequence operations on tensors.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_DIALECT_TD
#define LONGWING_SEQ_DIALECT_TD

include "mlir/IR/OpBase.td"

def Seq_Dialect : Dialect {
  let name = "seq";
  let cppNamespace = "::longwing::seq";
  let summary = "Sequence operations: what a long-sequence model computes";
  let description = [{
    Operations over builtin tensors with value semantics: no layouts, no hardware.
    An operation says what is computed; the algorithm, its tiles and its schedule are
    chosen when it is lowered. Batch, heads and length may be dynamic.

    Variation enters by regions and attributes: one `seq.attention` covers causal,
    windowed, biased and arbitrarily masked attention.

    Every constraint of an operation is numbered (C1, C2, ...); the verifier cites the
    number in its message, and the tests do too.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

class Seq_Op<string mnemonic, list<Trait> traits = []> : Op<Seq_Dialect, mnemonic, traits>;

#endif // LONGWING_SEQ_DIALECT_TD
