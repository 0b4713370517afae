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
static Value isInside(OpBuilder &builder, Location loc, Value memref, ValueRange position) {
  Value inside;
  for (auto [i, p] : llvm::enumerate(position)) {
    Value size = memref::DimOp::create(builder, loc, memref, i);
    Value fits = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, p, size);
    inside = inside ? arith::AndIOp::create(builder, loc, inside, fits) : fits;
  }
  return inside;
}

SmallVector<Value> longwing::tile::indicesAt(OpBuilder &b, Location loc, ValueRange indices,
                                             ValueRange element) {
  SmallVector<Value> scalars(indices);
  for (Value &index : scalars)
    if (isa<RankedTensorType>(index.getType()))
      index = tensor::ExtractOp::create(b, loc, index, element);
  return scalars;
}

Value longwing::tile::readTile(OpBuilder &builder, Location loc, Type tile, Value source,
                               PositionOf positionOf) {
  Type element = cast<RankedTensorType>(tile).getElementType();
  auto read = [&](OpBuilder &b, Location loc, ValueRange at) {
    SmallVector<Value> position = positionOf(b, loc, at);
    auto branch = scf::IfOp::create(
        b, loc, isInside(b, loc, source, position),
        [&](OpBuilder &b, Location loc) {
          Value value = memref::LoadOp::create(b, loc, source, position);
          scf::YieldOp::create(b, loc, castFloat(b, loc, value, element));
        },
        [&](OpBuilder &b, Location loc) {
          Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(element));
          scf::YieldOp::create(b, loc, zero);
        });
    tensor::YieldOp::create(b, loc, branch.getResult(0));
  };
  return tensor::GenerateOp::create(builder, loc, tile, ValueRange(), read);
}

SmallVector<Value> longwing::tile::loopOver(OpBuilder &b, Location loc, Type tile) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  SmallVector<Value> at;
  for (int64_t size : cast<ShapedType>(tile).getShape()) {
    Value end = arith::ConstantIndexOp::create(b, loc, size);
    auto loop = scf::ForOp::create(b, loc, zero, end, one);
    at.push_back(loop.getInductionVar());
    b.setInsertionPointToStart(loop.getBody());
  }
  return at;
}

void longwing::tile::storeTile(OpBuilder &builder, Location loc, Value tile, Value destination,
                               PositionOf positionOf, Value rows) {
  SmallVector<Value> at = loopOver(builder, loc, tile.getType());
  SmallVector<Value> position = positionOf(builder, loc, at);
  Value inside = isInside(builder, loc, destination, position);
  if (rows)
    inside = arith::AndIOp::create(
        builder, loc, inside,
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, at[0], rows));
  Type element = cast<MemRefType>(destination.getType()).getElementType();
  scf::IfOp::create(builder, loc, inside, [&](OpBuilder &b, Location loc) {
    Value value = tensor::ExtractOp::create(b, loc, tile, at);
    memref::StoreOp::create(b, loc, castFloat(b, loc, value, element), destination, position);
    scf::YieldOp::create(b, loc);
  });
}

namespace {

/// The position in the tensor of an element of a tile: rows run over the sizes of a box but the last,
/// then over further boxes along a dimension; a dimension that is seen as two is one again.
SmallVector<Value> elementInBox(OpBuilder &builder, Location loc, DescType desc, int64_t along, int64_t columns,
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
    position[along] = add(position[along], mul(rest, boxStep(desc, along, columns)));
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
    auto positionOf = [&](OpBuilder &b, Location loc, ValueRange at) {
      return elementInBox(b, loc, op.getSource().getType(), op.getBoxDimension(), op.getTile().getType().getDimSize(1),
                          adaptor.getCoordinates(), at[0], at[1]);
    };
    rewriter.replaceOp(op, readTile(rewriter, op.getLoc(), tile, adaptor.getSource(), positionOf));
    return success();
  }
};

/// Where the elements of a tile of strips stand in the tensor.
auto positionsOfStrips(ArrayRef<int64_t> digits, ValueRange coordinates) {
  return [=](OpBuilder &builder, Location loc, ValueRange at) {
    auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); };
    SmallVector<Value> position(coordinates);
    auto move = [&](Value &along, Value by) { along = arith::AddIOp::create(builder, loc, along, by); };
    Value row = at[0];
    for (size_t i = 0; i < digits.size(); i += 3) {
      Value digit = arith::RemUIOp::create(builder, loc, row, constant(digits[i]));
      row = arith::DivUIOp::create(builder, loc, row, constant(digits[i]));
      move(position[digits[i + 1]], arith::MulIOp::create(builder, loc, digit, constant(digits[i + 2])));
    }
    move(position.back(), at[1]);
    return position;
  };
}

struct ConvertLoadStrips : OpConversionPattern<LoadStripsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(LoadStripsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type tile = typeConverter->convertType(op.getTile().getType());
    rewriter.replaceOp(op, readTile(rewriter, op.getLoc(), tile, adaptor.getSource(),
                                    positionsOfStrips(op.getDigits(), adaptor.getCoordinates())));
    return success();
  }
};

struct ConvertStoreStrips : OpConversionPattern<StoreStripsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(StoreStripsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    storeTile(rewriter, op.getLoc(), adaptor.getTile(), adaptor.getDestination(),
              positionsOfStrips(op.getDigits(), adaptor.getCoordinates()));
    rewriter.eraseOp(op);
    return success();
  }
};

SmallVector<Value> positionOf(StoreOp op, StoreOp::Adaptor adaptor, OpBuilder &builder,
                              ValueRange offsets) {
  return elementInBox(builder, op.getLoc(), op.getDestination().getType(), op.getBoxDimension(), op.getTile().getType().getDimSize(1),
                      adaptor.getCoordinates(), offsets[0], offsets[1]);
}

SmallVector<Value> positionOf(StoreRowOp op, StoreRowOp::Adaptor adaptor, OpBuilder &builder,
                              ValueRange offsets) {
  SmallVector<Value> position(adaptor.getCoordinates());
  position.back() = arith::AddIOp::create(builder, op.getLoc(), position.back(), offsets[0]);
  return position;
}

SmallVector<Value> positionOf(ScatterOp op, ScatterOp::Adaptor adaptor, OpBuilder &builder,
                              ValueRange element) {
  return indicesAt(builder, op.getLoc(), adaptor.getIndices(), element);
}

template <typename Op>
struct ConvertStore : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    storeTile(rewriter, op.getLoc(), adaptor.getTile(), adaptor.getDestination(),
              [&](OpBuilder &b, Location, ValueRange at) { return positionOf(op, adaptor, b, at); });
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertStoreEnergy : OpConversionPattern<StoreEnergyOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(StoreEnergyOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value sums;
    for (Value tile : adaptor.getTiles()) {
      // [16 g + 8 i + r, 8 j + 2 q + e] as [g, i, r, j, q, e]: a lane has r and q.
      ArrayRef<int64_t> shape = cast<RankedTensorType>(tile.getType()).getShape();
      auto lanes = RankedTensorType::get({shape[0] / StoreEnergyOp::kRows, 2, 8, shape[1] / 8, 4, 2}, rewriter.getF32Type());
      SmallVector<ReassociationIndices> parts = {{0, 1, 2}, {3, 4, 5}};
      Value squares = arith::MulFOp::create(rewriter, loc, tile, tile);
      Value split = tensor::ExpandShapeOp::create(rewriter, loc, lanes, squares, parts);
      Value of = reduceTo(rewriter, loc, ReduceKind::Add, split, {0, 2, 4});
      sums = sums ? Value(arith::AddFOp::create(rewriter, loc, sums, of)) : of;
    }
    Value greatest = reduceTo(rewriter, loc, ReduceKind::Max, sums, {0});
    storeTile(rewriter, loc, greatest, adaptor.getDestination(), [&](OpBuilder &b, Location loc, ValueRange at) -> SmallVector<Value> {
      return {arith::AddIOp::create(b, loc, adaptor.getPlace(), at[0])};
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
      SmallVector<Value> indices = indicesAt(b, loc, adaptor.getIndices(), element);
      tensor::YieldOp::create(b, loc, loadClamped(b, loc, source, indices));
    };
    rewriter.replaceOpWithNewOp<tensor::GenerateOp>(op, result, ValueRange(), read);
    return success();
  }
};

} // namespace

void longwing::tile::populateMemoryPatterns(const CPUTypeConverter &converter,
                                            RewritePatternSet &patterns) {
  patterns.add<ConvertLoad, ConvertLoadStrips, ConvertStoreStrips, ConvertStore<StoreOp>,
               ConvertStore<StoreRowOp>, ConvertStoreEnergy, ConvertGather, ConvertStore<ScatterOp>>(
      converter, patterns.getContext());
}
