//===- Runs.cpp - Tiles of sequences on the CPU ---------------------------===//
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

/// Where element [r, c] of a tile stands: tiles of indices are taken at r, c is added to the last.
SmallVector<Value> placeOf(OpBuilder &b, Location loc, ValueRange indices, ValueRange element) {
  SmallVector<Value> place = indicesAt(b, loc, indices, element[0]);
  place.back() = arith::AddIOp::create(b, loc, place.back(), element[1]);
  return place;
}

/// x modulo the last size of the tensor, from 0 on.
Value wrapped(OpBuilder &b, Location loc, Value x, Value memref) {
  int64_t last = cast<MemRefType>(memref.getType()).getRank() - 1;
  Value size = memref::DimOp::create(b, loc, memref, last);
  Value rest = arith::RemSIOp::create(b, loc, x, size);
  return arith::RemSIOp::create(b, loc, arith::AddIOp::create(b, loc, rest, size), size);
}

struct ConvertLoadRuns : OpConversionPattern<LoadRunsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(LoadRunsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type tile = typeConverter->convertType(op.getTile().getType());
    Value source = adaptor.getSource();
    auto positionOf = [&](OpBuilder &b, Location loc, ValueRange at) {
      SmallVector<Value> place = placeOf(b, loc, adaptor.getIndices(), at);
      if (op.getWrap())
        place.back() = wrapped(b, loc, place.back(), source);
      return place;
    };
    rewriter.replaceOp(op, readTile(rewriter, op.getLoc(), tile, source, positionOf));
    return success();
  }
};

struct ConvertStoreRuns : OpConversionPattern<StoreRunsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(StoreRunsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    storeTile(rewriter, op.getLoc(), adaptor.getTile(), adaptor.getDestination(),
              [&](OpBuilder &b, Location loc, ValueRange at) {
                return placeOf(b, loc, adaptor.getIndices(), at);
              });
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertReadRuns : OpConversionPattern<ReadRunsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ReadRunsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value source = adaptor.getSource();
    auto read = [&](OpBuilder &b, Location loc, ValueRange at) {
      auto constant = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
      Value rows = constant(op.getRows());
      Value group = arith::DivUIOp::create(b, loc, at[0], rows), row = arith::RemUIOp::create(b, loc, at[0], rows);
      row = arith::AddIOp::create(b, loc, row, constant(op.getFrom()));
      if (op.getWrap())
        row = arith::RemUIOp::create(b, loc, row, rows);
      Value first = arith::MulIOp::create(b, loc, group, constant(op.getPitch()));
      SmallVector<Value> place = {arith::AddIOp::create(b, loc, first, row), at[1]};
      tensor::YieldOp::create(b, loc, tensor::ExtractOp::create(b, loc, source, place).getResult());
    };
    rewriter.replaceOpWithNewOp<tensor::GenerateOp>(op, typeConverter->convertType(op.getTile().getType()),
                                                    ValueRange(), read);
    return success();
  }
};

/// Element [d, j, i] is the region's value at the lag i - j + 64 (d + first).
struct ConvertToeplitz : OpConversionPattern<ToeplitzOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ToeplitzOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type type = typeConverter->convertType(op.getResult().getType());
    auto generate = tensor::GenerateOp::create(rewriter, loc, type, ValueRange());
    OpBuilder::InsertionGuard guard(rewriter);
    Block *block = rewriter.createBlock(&generate.getBody());
    for (int64_t i = 0; i < 3; ++i)
      block->addArgument(rewriter.getIndexType(), loc);
    auto constant = [&](int64_t value) {
      return arith::ConstantIndexOp::create(rewriter, loc, value).getResult();
    };
    Value matrix = arith::AddIOp::create(rewriter, loc, block->getArgument(0),
                                         constant(int64_t(op.getFirst())));
    Value shift = arith::MulIOp::create(rewriter, loc, matrix, constant(kToeplitzSize));
    Value lag =
        arith::SubIOp::create(rewriter, loc, block->getArgument(2), block->getArgument(1));
    lag = arith::AddIOp::create(rewriter, loc, lag, shift);
    Block *body = &op.getBody().front();
    auto yield = cast<YieldOp>(body->getTerminator());
    rewriter.inlineBlockBefore(body, block, block->end(), lag);
    rewriter.setInsertionPoint(yield);
    rewriter.replaceOpWithNewOp<tensor::YieldOp>(yield, yield.getOperand(0));
    rewriter.replaceOp(op, generate.getResult());
    return success();
  }
};

struct ConvertWhole : OpConversionPattern<WholeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(WholeOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, rewriter.getBoolAttr(false));
    return success();
  }
};

struct ConvertLag : OpConversionPattern<LagOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(LagOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto fold = [&](int64_t value) -> OpFoldResult { return rewriter.getIndexAttr(value); };
    int64_t n = kToeplitzSize;
    SmallVector<OpFoldResult> offsets = {fold(op.getIndex()), fold(0), fold(0)},
                              sizes = {fold(1), fold(n), fold(n)}, steps(3, fold(1));
    auto type = cast<RankedTensorType>(typeConverter->convertType(op.getResult().getType()));
    rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(op, type, adaptor.getSource(), offsets,
                                                        sizes, steps);
    return success();
  }
};

} // namespace

void longwing::tile::populateRunPatterns(const CPUTypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<ConvertLoadRuns, ConvertReadRuns, ConvertStoreRuns, ConvertToeplitz, ConvertLag, ConvertWhole>(
      converter, patterns.getContext());
}
