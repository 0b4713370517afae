//===- Warp.cpp - Matrices of warps on the CPU ----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing::tile;
using utils::IteratorType;

Value longwing::tile::castFloat(OpBuilder &builder, Location loc, Value value, Type element) {
  Type type = value.getType(), own = getElementTypeOrSelf(type);
  if (own == element)
    return value;
  unsigned from = own.getIntOrFloatBitWidth(), to = element.getIntOrFloatBitWidth();
  if (from == to) {
    value = castFloat(builder, loc, value, builder.getF32Type());
    from = 32;
  }
  if (auto tile = dyn_cast<RankedTensorType>(type))
    element = tile.clone(element);
  if (from < to)
    return arith::ExtFOp::create(builder, loc, element, value);
  return arith::TruncFOp::create(builder, loc, element, value);
}

namespace {

Value transposed(OpBuilder &builder, Location loc, Value source, ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(source.getType());
  SmallVector<int64_t> shape;
  for (int64_t d : permutation)
    shape.push_back(type.getDimSize(d));
  Value init = tensor::EmptyOp::create(builder, loc, shape, type.getElementType());
  return linalg::TransposeOp::create(builder, loc, source, init, permutation).getResult()[0];
}

/// d[w, m, n] = round(c[w, m, n] + sum over k of a[w, m, k] b[w, n, k]), the sum in f32.
struct ConvertWarpDot : OpConversionPattern<WarpDotOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(WarpDotOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type f32 = rewriter.getF32Type();
    auto type = RankedTensorType::get(op.getResult().getType().getShape(), f32);
    Value c = adaptor.getC() ? castFloat(rewriter, loc, adaptor.getC(), f32) : Value();
    if (!c) {
      Value zero = arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(0));
      Value init = tensor::EmptyOp::create(rewriter, loc, type.getShape(), f32);
      c = linalg::FillOp::create(rewriter, loc, zero, init).getResult(0);
    }
    // With n contiguous in both, the innermost loop vectorises without reassociating a sum.
    Value a = castFloat(rewriter, loc, adaptor.getA(), f32);
    Value b = castFloat(rewriter, loc, transposed(rewriter, loc, adaptor.getB(), {0, 2, 1}), f32);
    AffineExpr w, m, k, n;
    bindDims(rewriter.getContext(), w, m, k, n);
    auto map = [&](ArrayRef<AffineExpr> exprs) {
      return AffineMap::get(4, 0, exprs, rewriter.getContext());
    };
    SmallVector<AffineMap> maps = {map({w, m, k}), map({w, k, n}), map({w, m, n})};
    Value d = linalg::GenericOp::create(
                  rewriter, loc, type, ValueRange{a, b}, c, maps,
                  {IteratorType::parallel, IteratorType::parallel, IteratorType::reduction,
                   IteratorType::parallel},
                  [](OpBuilder &b, Location loc, ValueRange args) {
                    Value product = arith::MulFOp::create(b, loc, args[0], args[1]);
                    Value sum = arith::AddFOp::create(b, loc, args[2], product);
                    linalg::YieldOp::create(b, loc, sum);
                  })
                  .getResult(0);
    rewriter.replaceOp(op, castFloat(rewriter, loc, d, op.getResult().getType().getElementType()));
    return success();
  }
};

struct ConvertExchange : OpConversionPattern<ExchangeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ExchangeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> results;
    for (Value source : adaptor.getOperands())
      results.push_back(transposed(rewriter, op.getLoc(), source, op.getPermutation()));
    rewriter.replaceOp(op, results);
    return success();
  }
};

/// [P 16, Q 16] is [P, 16, Q, 16], and the matrices are [P, Q] of 16 x 16.
struct ConvertSplit : OpConversionPattern<SplitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(SplitOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType source = op.getSource().getType();
    Value tile = adaptor.getSource();
    if (op.getRow()) {
      int64_t rows = op.getResult().getType().getNumElements() / source.getDimSize(1);
      source = RankedTensorType::get({rows, source.getDimSize(1)}, source.getElementType());
      SmallVector<OpFoldResult> offsets = {adaptor.getRow(), rewriter.getIndexAttr(0)};
      SmallVector<OpFoldResult> sizes = {rewriter.getIndexAttr(rows),
                                         rewriter.getIndexAttr(source.getDimSize(1))};
      SmallVector<OpFoldResult> strides(2, rewriter.getIndexAttr(1));
      tile = tensor::ExtractSliceOp::create(rewriter, loc, source, tile, offsets, sizes, strides);
    }
    int64_t p = source.getDimSize(0) / kMatrixSize, q = source.getDimSize(1) / kMatrixSize;
    auto grid = RankedTensorType::get({p, kMatrixSize, q, kMatrixSize}, source.getElementType());
    SmallVector<ReassociationIndices> in = {{0, 1}, {2, 3}}, out = {{0, 1}, {2}, {3}};
    Value value = tensor::ExpandShapeOp::create(rewriter, loc, grid, tile, in);
    SmallVector<int64_t> order = {0, 2, 1, 3};
    if (op.getTranspose())
      order = {0, 2, 3, 1};
    value = transposed(rewriter, loc, value, order);
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(
        op, typeConverter->convertType(op.getResult().getType()), value, out);
    return success();
  }
};

struct ConvertJoin : OpConversionPattern<JoinOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(JoinOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto result = op.getResult().getType();
    int64_t p = result.getDimSize(0) / kMatrixSize, q = result.getDimSize(1) / kMatrixSize;
    auto grid = RankedTensorType::get({p, q, kMatrixSize, kMatrixSize}, result.getElementType());
    SmallVector<ReassociationIndices> in = {{0, 1}, {2}, {3}}, out = {{0, 1}, {2, 3}};
    Value value = tensor::ExpandShapeOp::create(rewriter, loc, grid, adaptor.getSource(), in);
    value = transposed(rewriter, loc, value, {0, 2, 1, 3});
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(op, typeConverter->convertType(result),
                                                         value, out);
    return success();
  }
};

struct ConvertTranspose : OpConversionPattern<TransposeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TransposeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, transposed(rewriter, op.getLoc(), adaptor.getSource(), {0, 2, 1}));
    return success();
  }
};

struct ConvertZip : OpConversionPattern<ZipOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ZipOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto [first, second] = zipped(rewriter, op.getLoc(), adaptor.getA(), adaptor.getB());
    rewriter.replaceOp(op, {first, second});
    return success();
  }
};

struct ConvertPosition : OpConversionPattern<PositionOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PositionOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = typeConverter->convertType(op.getResult().getType());
    rewriter.replaceOpWithNewOp<tensor::GenerateOp>(
        op, type, ValueRange(), [&](OpBuilder &b, Location loc, ValueRange at) {
          Value index = at[op.getDimension()];
          tensor::YieldOp::create(b, loc, op.getQuads() ? quadColumnOf(b, loc, index) : index);
        });
    return success();
  }
};

struct ConvertCast : OpConversionPattern<CastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(CastOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type element = op.getResult().getType().getElementType();
    rewriter.replaceOp(op, castFloat(rewriter, op.getLoc(), adaptor.getSource(), element));
    return success();
  }
};

struct ConvertPull : OpConversionPattern<PullOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PullOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = typeConverter->convertType(op.getResult().getType());
    auto positionOf = [&](OpBuilder &b, Location loc, ValueRange at) {
      return indicesAt(b, loc, adaptor.getIndices(), at);
    };
    rewriter.replaceOp(op, readTile(rewriter, op.getLoc(), type, adaptor.getSource(), positionOf));
    return success();
  }
};

struct ConvertPlace : OpConversionPattern<PlaceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PlaceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    storeTile(rewriter, op.getLoc(), adaptor.getTile(), adaptor.getDestination(),
              [&](OpBuilder &b, Location loc, ValueRange at) {
                return indicesAt(b, loc, adaptor.getIndices(), at);
              });
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

std::pair<Value, Value> longwing::tile::zipped(OpBuilder &b, Location loc, Value x, Value y) {
  auto one = [&](int64_t half) -> Value {
    return tensor::GenerateOp::create(b, loc, x.getType(), ValueRange(), [&](OpBuilder &b, Location loc, ValueRange at) {
      auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
      Value odd = arith::RemUIOp::create(b, loc, at[2], constant(2)).getResult();
      SmallVector<Value> from(at);
      from[2] = arith::AddIOp::create(b, loc, arith::SubIOp::create(b, loc, at[2], odd), constant(half));
      Value isOdd = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, odd, constant(0));
      Value fromX = tensor::ExtractOp::create(b, loc, x, from), fromY = tensor::ExtractOp::create(b, loc, y, from);
      tensor::YieldOp::create(b, loc, arith::SelectOp::create(b, loc, isOdd, fromY, fromX).getResult());
    });
  };
  return {one(0), one(1)};
}

void longwing::tile::populateWarpPatterns(const CPUTypeConverter &converter,
                                          RewritePatternSet &patterns) {
  patterns.add<ConvertWarpDot, ConvertExchange, ConvertSplit, ConvertJoin, ConvertTranspose,
               ConvertZip, ConvertPosition, ConvertCast, ConvertPull, ConvertPlace>(converter, patterns.getContext());
}
