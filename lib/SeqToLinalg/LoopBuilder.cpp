//===- LoopBuilder.cpp - The words in which loops are written -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value LoopBuilder::index(int64_t value) { return arith::ConstantIndexOp::create(*this, value); }

Value LoopBuilder::real(double value) {
  return arith::ConstantOp::create(*this, FloatAttr::get(arithmetic.compute, value));
}

Value LoopBuilder::infinity(bool negative) {
  APFloat value = APFloat::getInf(arithmetic.compute.getFloatSemantics(), negative);
  return arith::ConstantOp::create(*this, FloatAttr::get(arithmetic.compute, value));
}

Value LoopBuilder::convert(Value value, Type type) {
  unsigned from = value.getType().getIntOrFloatBitWidth(), to = type.getIntOrFloatBitWidth();
  if (value.getType() == type)
    return value;
  return from < to ? arith::ExtFOp::create(*this, type, value).getResult()
                   : arith::TruncFOp::create(*this, type, value).getResult();
}

Value LoopBuilder::element(Value tensor, ValueRange indices) {
  return extend(tensor::ExtractOp::create(*this, tensor, indices));
}

Value LoopBuilder::indexElement(Value tensor, Value position) {
  Value integer = tensor::ExtractOp::create(*this, tensor, position);
  return arith::IndexCastOp::create(*this, getIndexType(), integer);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Value LoopBuilder::empty(Sizes sizes, Type element) {
  return tensor::EmptyOp::create(*this, sizes, element);
}

Value LoopBuilder::filled(Sizes sizes, Value value) {
  Value tensor = empty(sizes, value.getType());
  return linalg::FillOp::create(*this, ValueRange(value), ValueRange(tensor)).getResult(0);
}

Value LoopBuilder::slice(Value source, Sizes offsets, Sizes sizes, ArrayRef<unsigned> kept) {
  Type element = cast<RankedTensorType>(source.getType()).getElementType();
  SmallVector<int64_t> shape;
  for (unsigned dim : kept)
    shape.push_back(getConstantIntValue(sizes[dim]).value_or(ShapedType::kDynamic));
  SmallVector<OpFoldResult> strides(offsets.size(), getIndexAttr(1));
  return tensor::ExtractSliceOp::create(*this, RankedTensorType::get(shape, element), source,
                                        offsets, sizes, strides);
}

Value LoopBuilder::sliceLast(Value source, Sizes offsets, Sizes sizes, unsigned rank) {
  SmallVector<unsigned> kept;
  for (unsigned dim = offsets.size() - rank; dim < offsets.size(); ++dim)
    kept.push_back(dim);
  return slice(source, offsets, sizes, kept);
}

Value LoopBuilder::extended(Value source) {
  unsigned rank = cast<RankedTensorType>(source.getType()).getRank();
  Value wide = empty(tensor::getMixedSizes(*this, getLoc(), source), arithmetic.compute);
  AffineMap identity = getMultiDimIdentityMap(rank);
  SmallVector<utils::IteratorType> iterators(rank, parallel);
  return generic(source, identity, wide, identity, iterators,
                 [&](ValueRange args) { return SmallVector<Value>{extend(args[0])}; })[0];
}

Value LoopBuilder::insert(Value tile, Value into, Sizes offsets, Sizes sizes) {
  SmallVector<OpFoldResult> strides(offsets.size(), getIndexAttr(1));
  return tensor::InsertSliceOp::create(*this, tile, into, offsets, sizes, strides);
}

SmallVector<Value> LoopBuilder::generic(ValueRange inputs, ArrayRef<AffineMap> inputMaps,
                                        ValueRange outputs, ArrayRef<AffineMap> outputMaps,
                                        ArrayRef<utils::IteratorType> iterators, Body body) {
  SmallVector<AffineMap> maps(inputMaps);
  llvm::append_range(maps, outputMaps);
  // Bodies work on this builder, which follows into the new block and comes back.
  auto build = [&](OpBuilder &inner, Location, ValueRange args) {
    OpBuilder::InsertionGuard guard(*this);
    setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
    linalg::YieldOp::create(*this, body(args));
  };
  auto op =
      linalg::GenericOp::create(*this, outputs.getTypes(), inputs, outputs, maps, iterators, build);
  return SmallVector<Value>(op.getResults());
}

Value LoopBuilder::declared(Value tensor, Value result) {
  Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
  auto type = cast<RankedTensorType>(result.getType()).clone(element);
  return type == tensor.getType() ? tensor : tensor::CastOp::create(*this, type, tensor).getResult();
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

LoopBuilder::Values LoopBuilder::either(Value condition, llvm::function_ref<Values()> then,
                                        llvm::function_ref<Values()> otherwise) {
  auto branch = [&](llvm::function_ref<Values()> body) {
    return [this, body](OpBuilder &inner, Location) {
      OpBuilder::InsertionGuard guard(*this);
      setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
      scf::YieldOp::create(*this, body());
    };
  };
  auto op = scf::IfOp::create(*this, condition, branch(then), branch(otherwise));
  return Values(op.getResults());
}

LoopBuilder::Values LoopBuilder::forAll(Sizes bounds, ValueRange outputs,
                                        llvm::function_ref<Values(ValueRange)> tiles) {
  auto forall = scf::ForallOp::create(*this, bounds, outputs, /*mapping=*/std::nullopt);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(forall.getBody());
  SmallVector<Value> indices = forall.getInductionVars();
  Values results = tiles(indices);
  SmallVector<SmallVector<OpFoldResult>> sizes;
  for (auto [tile, output] : llvm::zip(results, forall.getRegionIterArgs())) {
    // A tile may know less of its sizes than the output does.
    auto type = cast<RankedTensorType>(output.getType());
    auto fitting = RankedTensorType::get(type.getShape().drop_front(indices.size()),
                                         type.getElementType());
    if (tile.getType() != fitting)
      tile = tensor::CastOp::create(*this, fitting, tile);
    sizes.push_back(tensor::getMixedSizes(*this, getLoc(), output));
  }
  setInsertionPointToStart(forall.getTerminator().getBody());
  for (auto [tile, output, size] : llvm::zip(results, forall.getRegionIterArgs(), sizes)) {
    SmallVector<OpFoldResult> offsets(size.size(), getIndexAttr(0)),
        strides(size.size(), getIndexAttr(1));
    for (auto [dim, index] : llvm::enumerate(indices)) {
      offsets[dim] = index;
      size[dim] = getIndexAttr(1);
    }
    tensor::ParallelInsertSliceOp::create(*this, tile, output, offsets, size, strides);
  }
  return Values(forall.getResults());
}

//===----------------------------------------------------------------------===//
// Run-time checks
//===----------------------------------------------------------------------===//

void LoopBuilder::require(Value condition, const Twine &expected) {
  std::string message = ("'" + op->getName().getStringRef() + "' op expected " + expected).str();
  cf::AssertOp::create(*this, condition, message);
}

/// Checks that a dimension is what it is declared to be, or as another one.
static void checkDimension(LoopBuilder &b, const seq::LetterUse &use, Value value,
                           const seq::LetterUse &first, Value firstValue, bool isResult) {
  auto dim = [&](Value tensor, unsigned dim) -> Value {
    return tensor::DimOp::create(b, tensor, dim);
  };
  auto equal = [&](Value x, Value y) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, y);
  };
  bool firstOpen = ShapedType::isDynamic(first.getStaticSize()),
       open = ShapedType::isDynamic(use.getStaticSize());
  if (isResult) {
    // It may declare a size that the operands leave open.
    if (firstOpen && !open)
      b.require(equal(dim(firstValue, first.dim), b.index(use.getStaticSize() + first.plus)),
                "dimension " + Twine(first.dim) + " of " + first.name + " to be " +
                    Twine(use.getStaticSize() + first.plus));
    return;
  }
  if (!firstOpen && !open)
    return;
  Value expected = dim(firstValue, first.dim);
  if (int64_t more = use.plus - first.plus)
    expected = arith::AddIOp::create(b, expected, b.index(more));
  b.require(equal(dim(value, use.dim), expected),
            "dimension " + Twine(use.dim) + " of " + use.name + seq::relation(first, use.plus));
}

void longwing::checkShapes(LoopBuilder &b, Operation *op, ValueRange operands,
                           ArrayRef<seq::NamedShape> shapes) {
  auto current = [&](Value value) -> Value {
    for (auto [operand, replacement] : llvm::zip(op->getOperands(), operands))
      if (operand == value)
        return replacement;
    return {};
  };
  for (auto &[letter, uses] : seq::letterUses(shapes)) {
    const seq::LetterUse &first = uses.front();
    Value firstValue = current(first.value);
    if (!firstValue)
      continue;
    for (const seq::LetterUse &use : llvm::drop_begin(uses)) {
      Value value = current(use.value);
      checkDimension(b, use, value, first, firstValue, /*isResult=*/!value);
    }
  }
}
