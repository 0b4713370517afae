//===- Verify.h - What the verifiers of seq share ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each check takes the number of the constraint that its message cites.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_DIALECTS_SEQ_VERIFY_H
#define LONGWING_DIALECTS_SEQ_VERIFY_H

#include "dialects/seq/Seq.h"

namespace longwing::seq {

/// Whether two sizes can be equal at run time.
bool compatible(int64_t a, int64_t b);

/// Dimension `i` of a tensor equals dimension `j` of another one.
llvm::LogicalResult verifyAgree(mlir::Operation *op, llvm::StringRef label,
                                mlir::RankedTensorType a, unsigned i, llvm::StringRef an,
                                mlir::RankedTensorType b, unsigned j, llvm::StringRef bn);

/// The tensors have the same rank, and sizes that can be equal.
llvm::LogicalResult verifySameShape(mlir::Operation *op, llvm::StringRef label,
                                    mlir::RankedTensorType a, llvm::StringRef an,
                                    mlir::RankedTensorType b, llvm::StringRef bn);

/// A misspelt attribute would otherwise be carried along in silence. `expected` names the real ones.
llvm::LogicalResult verifyAttributes(mlir::Operation *op, llvm::StringRef label,
                                     llvm::StringRef expected);

/// A region takes these arguments and ends with a seq.yield of these types.
llvm::LogicalResult verifySignature(mlir::Operation *op, mlir::Region &region, llvm::StringRef name,
                                    llvm::StringRef label, mlir::TypeRange arguments,
                                    mlir::TypeRange results);

/// The operations of a region have no side effect.
llvm::LogicalResult verifyNoEffects(mlir::Operation *op, mlir::Region &region, llvm::StringRef name,
                                    llvm::StringRef label);

} // namespace longwing::seq

#endif // LONGWING_DIALECTS_SEQ_VERIFY_H
