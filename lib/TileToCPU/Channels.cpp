//===- Channels.cpp - Recurrences, channel by channel, on the CPU ---------===//
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

namespace {

/// The place of an element of a tile of [R, C] or [C] in a tensor.
SmallVector<Value> placeOf(OpBuilder &b, Location loc, ValueRange coordinates, ValueRange element,
                           bool transposed) {
  SmallVector<Value> place(coordinates);
  auto advance = [&](size_t i, Value by) { place[i] = arith::AddIOp::create(b, loc, place[i], by); };
  size_t last = place.size() - 1;
  if (element.size() == 1) {
    advance(last, element[0]);
  } else {
    advance(last - 1, element[transposed ? 1 : 0]);
    advance(last, element[transposed ? 0 : 1]);
  }
  return place;
}

struct ConvertRead : OpConversionPattern<ReadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ReadOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(typeConverter->convertType(op.getResult().getType()));
    auto read = [&](OpBuilder &b, Location loc, ValueRange at) {
      Value row = arith::AddIOp::create(
          b, loc, adaptor.getRow(), arith::ConstantIndexOp::create(b, loc, op.getOffset()));
      if (at.size() == 2)
        row = arith::AddIOp::create(b, loc, row, at[0]);
      Value value =
          tensor::ExtractOp::create(b, loc, adaptor.getSource(), ValueRange{row, at.back()});
      tensor::YieldOp::create(b, loc, castFloat(b, loc, value, type.getElementType()));
    };
    rewriter.replaceOpWithNewOp<tensor::GenerateOp>(op, type, ValueRange(), read);
    return success();
  }
};

struct ConvertRow : OpConversionPattern<RowOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(RowOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(typeConverter->convertType(op.getResult().getType()));
    auto at = [&](int64_t value) -> OpFoldResult { return rewriter.getIndexAttr(value); };
    rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(
        op, type, adaptor.getSource(), ArrayRef{at(op.getIndex()), at(0)},
        ArrayRef{at(1), at(type.getDimSize(0))}, ArrayRef{at(1), at(1)});
    return success();
  }
};

/// Every other element along the rows or the channels.
struct Alternate {
  Alternate(OpBuilder &b, RankedTensorType half, bool rows) : strides(half.getRank(), b.getIndexAttr(1)) {
    for (int64_t size : half.getShape())
      sizes.push_back(b.getIndexAttr(size));
    dimension = rows ? 0 : half.getRank() - 1;
    strides[dimension] = b.getIndexAttr(2);
  }
  SmallVector<OpFoldResult> from(OpBuilder &b, int64_t first) {
    SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
    offsets[dimension] = b.getIndexAttr(first);
    return offsets;
  }
  SmallVector<OpFoldResult> sizes, strides;
  int64_t dimension;
};

struct ConvertDeinterleave : OpConversionPattern<DeinterleaveOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(DeinterleaveOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(typeConverter->convertType(op.getEven().getType()));
    Alternate every(rewriter, type, op.getRows());
    SmallVector<Value> halves;
    for (int64_t first : {0, 1})
      halves.push_back(tensor::ExtractSliceOp::create(rewriter, op.getLoc(), type, adaptor.getSource(),
                                                      every.from(rewriter, first), every.sizes, every.strides));
    rewriter.replaceOp(op, halves);
    return success();
  }
};

struct ConvertInterleave : OpConversionPattern<InterleaveOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(InterleaveOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(typeConverter->convertType(op.getResult().getType()));
    Alternate every(rewriter, cast<RankedTensorType>(adaptor.getEven().getType()), op.getRows());
    Value result = tensor::EmptyOp::create(rewriter, op.getLoc(), type.getShape(), type.getElementType());
    for (int64_t first : {0, 1})
      result = tensor::InsertSliceOp::create(rewriter, op.getLoc(), first ? adaptor.getOdd() : adaptor.getEven(),
                                             result, every.from(rewriter, first), every.sizes, every.strides);
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct ConvertAll : OpConversionPattern<AllOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(AllOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto index = [&](int64_t value) { return arith::ConstantIndexOp::create(rewriter, loc, value); };
    Value yes = arith::ConstantIntOp::create(rewriter, loc, 1, 1);
    SmallVector<Value> first, sizes, steps;
    for (int64_t size : op.getSource().getType().getShape())
      first.push_back(index(0)), sizes.push_back(index(size)), steps.push_back(index(1));
    auto nest = scf::buildLoopNest(rewriter, loc, first, sizes, steps, yes,
                                   [&](OpBuilder &b, Location loc, ValueRange at, ValueRange so) -> scf::ValueVector {
                                     Value here = tensor::ExtractOp::create(b, loc, adaptor.getSource(), at);
                                     return {arith::AndIOp::create(b, loc, so[0], here)};
                                   });
    rewriter.replaceOp(op, nest.results);
    return success();
  }
};

struct ConvertSums : OpConversionPattern<SumsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(SumsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(typeConverter->convertType(op.getResult().getType()));
    if (type.getRank() == 1) {
      rewriter.replaceOp(
          op, reduceTo(rewriter, loc, ReduceKind::Add, adaptor.getSources().front(), {1}));
      return success();
    }
    auto at = [&](int64_t value) -> OpFoldResult { return rewriter.getIndexAttr(value); };
    Value result = tensor::EmptyOp::create(rewriter, loc, type.getShape(), type.getElementType());
    for (auto [t, source] : llvm::enumerate(adaptor.getSources()))
      result = tensor::InsertSliceOp::create(
          rewriter, loc, reduceTo(rewriter, loc, ReduceKind::Add, source, {1}), result,
          ArrayRef{at(t), at(0)}, ArrayRef{at(1), at(type.getDimSize(1))}, ArrayRef{at(1), at(1)});
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct ConvertLoadChannels : OpConversionPattern<LoadChannelsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(LoadChannelsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = typeConverter->convertType(op.getTile().getType());
    auto positionOf = [&](OpBuilder &b, Location loc, ValueRange at) {
      return placeOf(b, loc, adaptor.getCoordinates(), at, op.getTransposed());
    };
    rewriter.replaceOp(op, readTile(rewriter, op.getLoc(), type, adaptor.getSource(), positionOf));
    return success();
  }
};

struct ConvertStoreChannels : OpConversionPattern<StoreChannelsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(StoreChannelsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto positionOf = [&](OpBuilder &b, Location loc, ValueRange at) {
      return placeOf(b, loc, adaptor.getCoordinates(), at, op.getTransposed());
    };
    storeTile(rewriter, op.getLoc(), adaptor.getTile(), adaptor.getDestination(), positionOf,
              adaptor.getRows());
    rewriter.eraseOp(op);
    return success();
  }
};

/// In order, one part comes after the other.
struct ConvertChain : OpConversionPattern<ChainOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ChainOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (failed(rewriter.convertRegionTypes(&op.getCombine(), *typeConverter)))
      return failure();
    Block *body = &op.getCombine().front();
    auto yield = cast<YieldOp>(body->getTerminator());
    SmallVector<Value> inputs(adaptor.getStates()), results(adaptor.getStates());
    llvm::append_range(inputs, adaptor.getParts());
    llvm::append_range(results, yield.getValues());
    rewriter.eraseOp(yield);
    rewriter.inlineBlockBefore(body, op, inputs);
    rewriter.replaceOp(op, results);
    return success();
  }
};

} // namespace

void longwing::tile::populateChannelPatterns(const CPUTypeConverter &converter,
                                             RewritePatternSet &patterns) {
  patterns.add<ConvertRead, ConvertRow, ConvertDeinterleave, ConvertInterleave, ConvertAll, ConvertSums, ConvertLoadChannels, ConvertStoreChannels,
               ConvertChain>(
      converter, patterns.getContext());
}
