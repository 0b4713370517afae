//===- Memory.cpp - Loads and stores of tiles on the CPU ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing::tile;

/// Whether a position lies inside the tensor. As unsigned numbers, negative ones are too large.
Value longwing::tile::isInside(OpBuilder &builder, Location loc, Value memref,
                               ValueRange position) {
  Value inside;
  for (auto [i, p] : llvm::enumerate(position)) {
    Value size = memref::DimOp::create(builder, loc, memref, i);
    Value fits = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, p, size);
    inside = inside ? arith::AndIOp::create(builder, loc, inside, fits) : fits;
  }
  return inside;
}

namespace {

/// The position in the tensor of an element of a tile: rows run over the sizes of a box but the last,
/// then over further boxes along a dimension; a dimension that is seen as two is one again.
SmallVector<Value> elementInBox(OpBuilder &builder, Location loc, DescType desc, int64_t along,
                                ValueRange coordinates, Value row, Value column) {
  ArrayRef<int64_t> box = desc.getShape();
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); };
  auto add = [&](Value x, Value y) { return arith::AddIOp::create(builder, loc, x, y); };
  auto mul = [&](Value x, int64_t y) -> Value {
    return arith::MulIOp::create(builder, loc, x, constant(y));
  };
  SmallVector<Value> position(coordinates);
  // Rows that follow each other in one dimension need no division.
  bool plain = along == desc.getRowDimension() && desc.getBoxRows() == box[along];
  if (plain)
    position[along] = add(position[along], row);
  position.back() = add(position.back(), column);
  Value rest = row;
  for (int64_t i = int64_t(box.size()) - 2; i >= 0 && !plain; --i) {
    if (box[i] == 1)
      continue;
    position[i] =
        add(position[i], arith::RemUIOp::create(builder, loc, rest, constant(box[i])));
    rest = arith::DivUIOp::create(builder, loc, rest, constant(box[i]));
  }
  if (!plain)
    position[along] = add(position[along], mul(rest, box[along]));
  if (desc.getSplit()) {
    Value last = position.pop_back_val();
    position.back() = add(mul(position.back(), desc.getSplit()), last);
  }
  return position;
}

struct ConvertLoad : OpConversionPattern<LoadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(LoadOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type tile = typeConverter->convertType(op.getTile().getType());
    Type element = op.getTile().getType().getElementType();
    auto read = [&](OpBuilder &b, Location loc, ValueRange offsets) {
      SmallVector<Value> position =
          elementInBox(b, loc, op.getSource().getType(), op.getBoxDimension(),
                       adaptor.getCoordinates(), offsets[0], offsets[1]);
      auto branch = scf::IfOp::create(
          b, loc, isInside(b, loc, adaptor.getSource(), position),
          [&](OpBuilder &b, Location loc) {
            Value value = memref::LoadOp::create(b, loc, adaptor.getSource(), position);
            scf::YieldOp::create(b, loc, value);
          },
          [&](OpBuilder &b, Location loc) {
            Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
            scf::YieldOp::create(b, loc, zero);
          });
      tensor::YieldOp::create(b, loc, branch.getResult(0));
    };
    rewriter.replaceOpWithNewOp<tensor::GenerateOp>(op, tile, ValueRange(), read);
    return success();
  }
};

SmallVector<Value> positionOf(StoreOp op, StoreOp::Adaptor adaptor, OpBuilder &builder,
                              ValueRange offsets) {
  return elementInBox(builder, op.getLoc(), op.getDestination().getType(), op.getBoxDimension(),
                      adaptor.getCoordinates(), offsets[0], offsets[1]);
}

SmallVector<Value> positionOf(StoreRowOp op, StoreRowOp::Adaptor adaptor, OpBuilder &builder,
                              ValueRange offsets) {
  SmallVector<Value> position(adaptor.getCoordinates());
  position.back() = arith::AddIOp::create(builder, op.getLoc(), position.back(), offsets[0]);
  return position;
}

/// Stores a tile's elements, but for those that lie outside the destination.
template <typename Op>
struct ConvertStore : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    SmallVector<Value> offsets;
    for (int64_t size : op.getTile().getType().getShape()) {
      Value end = arith::ConstantIndexOp::create(rewriter, loc, size);
      auto loop = scf::ForOp::create(rewriter, loc, zero, end, one);
      offsets.push_back(loop.getInductionVar());
      rewriter.setInsertionPointToStart(loop.getBody());
    }
    Value destination = adaptor.getDestination();
    SmallVector<Value> position = positionOf(op, adaptor, rewriter, offsets);
    scf::IfOp::create(rewriter, loc, isInside(rewriter, loc, destination, position),
                      [&](OpBuilder &b, Location loc) {
                        Value value = tensor::ExtractOp::create(b, loc, adaptor.getTile(), offsets);
                        memref::StoreOp::create(b, loc, value, destination, position);
                        scf::YieldOp::create(b, loc);
                      });
    rewriter.eraseOp(op);
    return success();
  }
};

/// The element at an index clamped to the tensor: min(max(index, 0), size - 1) in each dimension.
Value loadClamped(OpBuilder &builder, Location loc, Value memref, ValueRange indices) {
  SmallVector<Value> position;
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  for (auto [i, index] : llvm::enumerate(indices)) {
    Value size = memref::DimOp::create(builder, loc, memref, i);
    Value last = arith::SubIOp::create(builder, loc, size, one);
    Value low = arith::MaxSIOp::create(builder, loc, index, zero);
    position.push_back(arith::MinSIOp::create(builder, loc, low, last));
  }
  return memref::LoadOp::create(builder, loc, memref, position);
}

struct ConvertGather : OpConversionPattern<GatherOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(GatherOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value source = adaptor.getSource();
    Type result = typeConverter->convertType(op.getResult().getType());
    if (!isa<RankedTensorType>(result)) {
      rewriter.replaceOp(op, loadClamped(rewriter, op.getLoc(), source, adaptor.getIndices()));
      return success();
    }
    auto read = [&](OpBuilder &b, Location loc, ValueRange element) {
      SmallVector<Value> indices(adaptor.getIndices());
      for (Value &index : indices)
        if (isa<RankedTensorType>(index.getType()))
          index = tensor::ExtractOp::create(b, loc, index, element);
      tensor::YieldOp::create(b, loc, loadClamped(b, loc, source, indices));
    };
    rewriter.replaceOpWithNewOp<tensor::GenerateOp>(op, result, ValueRange(), read);
    return success();
  }
};

/// Stores a tile's elements at computed indices, but for those that lie outside the destination.
struct ConvertScatter : OpConversionPattern<ScatterOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ScatterOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    SmallVector<Value> element;
    for (int64_t size : cast<RankedTensorType>(op.getTile().getType()).getShape()) {
      Value end = arith::ConstantIndexOp::create(rewriter, loc, size);
      auto loop = scf::ForOp::create(rewriter, loc, zero, end, one);
      element.push_back(loop.getInductionVar());
      rewriter.setInsertionPointToStart(loop.getBody());
    }
    SmallVector<Value> position(adaptor.getIndices());
    for (Value &index : position)
      if (isa<RankedTensorType>(index.getType()))
        index = tensor::ExtractOp::create(rewriter, loc, index, element);
    Value destination = adaptor.getDestination();
    scf::IfOp::create(rewriter, loc, isInside(rewriter, loc, destination, position),
                      [&](OpBuilder &b, Location loc) {
                        Value value = tensor::ExtractOp::create(b, loc, adaptor.getTile(), element);
                        memref::StoreOp::create(b, loc, value, destination, position);
                        scf::YieldOp::create(b, loc);
                      });
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void longwing::tile::populateMemoryPatterns(const CPUTypeConverter &converter,
                                            RewritePatternSet &patterns) {
  patterns.add<ConvertLoad, ConvertStore<StoreOp>, ConvertStore<StoreRowOp>, ConvertGather,
               ConvertScatter>(
      converter, patterns.getContext());
}
