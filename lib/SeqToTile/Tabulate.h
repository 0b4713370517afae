//===- Tabulate.h - Tensors as tables of scalars ----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A table is a linalg.generic that computes each element of its results on its own: it has no inputs,
// identity maps and new tensors for results. Its body reads other tensors by tensor.extract at
// indices that it computes from linalg.index. So one table can take in another by copying its body.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_TABULATE_H
#define LONGWING_LIB_SEQTOTILE_TABULATE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace longwing {

bool isTable(mlir::Operation *op);

/// Makes tables of a function's operations on tensors, all but views of tensors and constants, and
/// copies of what the function returns without having computed it.
mlir::LogicalResult tabulate(mlir::func::FuncOp func);

/// Copies tables into those that read them, where that does not repeat work that counts.
void fuseTables(mlir::func::FuncOp func);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_TABULATE_H
