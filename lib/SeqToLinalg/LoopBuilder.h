//===- LoopBuilder.h - The words in which loops are written -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOLINALG_LOOPBUILDER_H
#define LONGWING_LIB_SEQTOLINALG_LOOPBUILDER_H

#include "Lowerings.h"

#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace longwing {

inline constexpr auto parallel = mlir::utils::IteratorType::parallel;
inline constexpr auto reduction = mlir::utils::IteratorType::reduction;

/// Builds the loops of one operation.
class LoopBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using Sizes = llvm::ArrayRef<mlir::OpFoldResult>;

  LoopBuilder(mlir::OpBuilder &builder, mlir::Operation *op, const Arithmetic &arithmetic)
      : ImplicitLocOpBuilder(op->getLoc(), builder), op(op), arithmetic(arithmetic) {}

  // Scalars.
  mlir::Value index(int64_t value);
  mlir::Value real(double value);
  mlir::Value infinity(bool negative);
  /// To a wider or narrower floating-point type.
  mlir::Value convert(mlir::Value value, mlir::Type type);
  /// To the type of the arithmetic.
  mlir::Value extend(mlir::Value value) { return convert(value, arithmetic.compute); }
  /// An element in the type of the arithmetic.
  mlir::Value element(mlir::Value tensor, mlir::ValueRange indices);
  /// An index from a tensor of integers.
  mlir::Value indexElement(mlir::Value tensor, mlir::Value position);

  // Tensors.
  mlir::Value empty(Sizes sizes, mlir::Type element);
  mlir::Value filled(Sizes sizes, mlir::Value value);
  /// A slice with unit strides, of which the dimensions in `kept` stay.
  mlir::Value slice(mlir::Value source, Sizes offsets, Sizes sizes, llvm::ArrayRef<unsigned> kept);
  /// The last `rank` dimensions of a slice.
  mlir::Value sliceLast(mlir::Value source, Sizes offsets, Sizes sizes, unsigned rank);
  /// A tensor in the type of the arithmetic.
  mlir::Value extended(mlir::Value source);
  /// The opposite of `slice`.
  mlir::Value insert(mlir::Value tile, mlir::Value into, Sizes offsets, Sizes sizes);

  /// Loops that compute one element of each output at a time. The body gets the elements of the
  /// inputs, then of the outputs, and works on this builder.
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange)>;
  llvm::SmallVector<mlir::Value>
  generic(mlir::ValueRange inputs, llvm::ArrayRef<mlir::AffineMap> inputMaps,
          mlir::ValueRange outputs, llvm::ArrayRef<mlir::AffineMap> outputMaps,
          llvm::ArrayRef<mlir::utils::IteratorType> iterators, Body body);

  /// What one of two bodies gives.
  using Values = llvm::SmallVector<mlir::Value>;
  Values either(mlir::Value condition, llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise);

  /// For all indices below `bounds`, in parallel: the body gives a tile of each output, which stands
  /// there at these indices and fills the dimensions that follow.
  Values forAll(Sizes bounds, mlir::ValueRange outputs,
                llvm::function_ref<Values(mlir::ValueRange indices)> tiles);

  /// A tensor in the type that a result declares, which may be more static.
  mlir::Value declared(mlir::Value tensor, mlir::Value result);

  /// Ends the program with a located message: "'seq.name' op expected ...".
  void require(mlir::Value condition, const llvm::Twine &expected);

private:
  mlir::Operation *op;

public:
  const Arithmetic &arithmetic;
};

/// Checks at run time what a verifier checks of static sizes: `operands` stand for those of `op`.
void checkShapes(LoopBuilder &b, mlir::Operation *op, mlir::ValueRange operands,
                 llvm::ArrayRef<seq::NamedShape> shapes);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOLINALG_LOOPBUILDER_H
