//===- Shapes.h - Shapes as constraints write them --------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An operation says once which shapes its operands and results have, in the letters of its
// description. The verifier, the shape interface and the checks at run time all read that.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_DIALECTS_SEQ_SHAPES_H
#define LONGWING_DIALECTS_SEQ_SHAPES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

namespace longwing::seq {

/// What a constraint asks of the shape of an operand or a result.
struct NamedShape {
  /// Null where an optional one is absent.
  mlir::Value value;
  llvm::StringRef name;
  /// The constraint that the verifier cites, such as "C1".
  llvm::StringRef constraint;
  /// Such as "[B, L, D] or [D]". A letter is the same size wherever it stands; "S+1" is one more
  /// than S; a number is itself.
  llvm::StringRef shape;
};

/// One place where a letter stands.
struct LetterUse {
  mlir::Value value;
  llvm::StringRef name;
  llvm::StringRef constraint;
  unsigned dim;
  /// What the size is more than the letter.
  int64_t plus;

  /// The letter's size here, or dynamic.
  int64_t getStaticSize() const;
};

/// The places of each letter, in the order of first use.
using LetterUses = llvm::MapVector<llvm::StringRef, llvm::SmallVector<LetterUse>>;

/// The dimensions of a value: the alternative that its type fits, or nothing where none does.
std::optional<llvm::SmallVector<llvm::StringRef>> fittingShape(const NamedShape &shape,
                                                               const LetterUses &uses);

/// The uses of all letters. The shapes are those of a verified operation.
LetterUses letterUses(llvm::ArrayRef<NamedShape> shapes);

/// What a dimension that is `plus` more than a letter is expected to be, where the letter stands
/// elsewhere too: " to equal dimension 0 of b", " to be 1 more than dimension 0 of init".
std::string relation(const LetterUse &other, int64_t plus);

/// Checks ranks and static sizes. The letters in `fixed` must be static and positive; `constraint`
/// says so.
llvm::LogicalResult verifyShapes(mlir::Operation *op, llvm::ArrayRef<NamedShape> shapes,
                                 llvm::ArrayRef<llvm::StringRef> fixed,
                                 llvm::StringRef constraint = "C1");

/// The shape of each result, in the sizes of the operands.
void reifyShapes(mlir::OpBuilder &builder, mlir::Operation *op,
                 llvm::ArrayRef<NamedShape> shapes, mlir::ReifiedRankedShapedTypeDims &reified);

} // namespace longwing::seq

#endif // LONGWING_DIALECTS_SEQ_SHAPES_H
