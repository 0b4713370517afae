//===- Recurrence.cpp - Lines and staged tiles on the CPU -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing::tile;

namespace {

/// s[t] = s[t - 1] + x[t]
struct ConvertScan : OpConversionPattern<ScanOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ScanOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType line = op.getSource().getType();
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    Value size = arith::ConstantIndexOp::create(rewriter, loc, line.getDimSize(0));
    Value sum =
        arith::ConstantOp::create(rewriter, loc, rewriter.getZeroAttr(line.getElementType()));
    Value sums =
        tensor::EmptyOp::create(rewriter, loc, line.getShape(), line.getElementType());
    auto loop = scf::ForOp::create(
        rewriter, loc, zero, size, one, ValueRange{sum, sums},
        [&](OpBuilder &b, Location loc, Value t, ValueRange state) {
          Value x = tensor::ExtractOp::create(b, loc, adaptor.getSource(), t);
          Value next = arith::AddFOp::create(b, loc, state[0], x);
          Value all = tensor::InsertOp::create(b, loc, next, state[1], t);
          scf::YieldOp::create(b, loc, ValueRange{next, all});
        });
    rewriter.replaceOp(op, loop.getResult(1));
    return success();
  }
};

struct ConvertPick : OpConversionPattern<PickOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PickOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value at = arith::ConstantIndexOp::create(rewriter, op.getLoc(), int64_t(op.getPosition()));
    rewriter.replaceOpWithNewOp<tensor::ExtractOp>(op, adaptor.getSource(), at);
    return success();
  }
};

struct ConvertGreatest : OpConversionPattern<GreatestOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(GreatestOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value greatest = reduceTo(rewriter, op.getLoc(), ReduceKind::Max, adaptor.getSource(), {});
    rewriter.replaceOpWithNewOp<tensor::ExtractOp>(op, greatest, ValueRange());
    return success();
  }
};

struct ConvertBetween : OpConversionPattern<BetweenOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(BetweenOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = typeConverter->convertType(op.getResult().getType());
    auto element = cast<FloatType>(cast<RankedTensorType>(type).getElementType());
    rewriter.replaceOpWithNewOp<tensor::GenerateOp>(
        op, type, ValueRange(), [&](OpBuilder &b, Location loc, ValueRange at) {
          auto number = [&](double x) -> Value {
            return arith::ConstantOp::create(b, loc, b.getFloatAttr(element, x));
          };
          auto below = [&](Value bounds, double x) -> Value {
            Value bound = tensor::ExtractOp::create(b, loc, bounds, at[0]);
            Value is = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, at[1], bound);
            return arith::SelectOp::create(b, loc, is, number(x), number(0));
          };
          Value sum = arith::AddFOp::create(b, loc, below(adaptor.getTo(), 1),
                                            below(adaptor.getFrom(), -1));
          tensor::YieldOp::create(b, loc, sum);
        });
    return success();
  }
};

struct ConvertParts : OpConversionPattern<PartsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PartsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getSource();
    Type type = typeConverter->convertType(op.getWhole().getType());
    Value whole = arith::TruncFOp::create(rewriter, loc, type, x);
    Value wide = arith::ExtFOp::create(rewriter, loc, x.getType(), whole);
    Value rest = arith::SubFOp::create(rewriter, loc, x, wide);
    rewriter.replaceOp(op, {whole, Value(arith::TruncFOp::create(rewriter, loc, type, rest))});
    return success();
  }
};

/// Row 0.
struct ConvertCommon : OpConversionPattern<CommonOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(CommonOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value source = adaptor.getSource();
    auto extract = [source](OpBuilder &b, Location loc, ValueRange at) -> Value {
      SmallVector<Value> from = {arith::ConstantIndexOp::create(b, loc, 0)};
      llvm::append_range(from, at);
      return tensor::ExtractOp::create(b, loc, source, from);
    };
    Type type = typeConverter->convertType(op.getResult().getType());
    if (!isa<RankedTensorType>(type)) {
      rewriter.replaceOp(op, extract(rewriter, op.getLoc(), {}));
      return success();
    }
    rewriter.replaceOpWithNewOp<tensor::GenerateOp>(
        op, type, ValueRange(), [&](OpBuilder &b, Location loc, ValueRange at) {
          tensor::YieldOp::create(b, loc, extract(b, loc, at));
        });
    return success();
  }
};

struct ConvertFragment : OpConversionPattern<FragmentOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(FragmentOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = typeConverter->convertType(op.getResult().getType());
    bool transpose = op.getTranspose();
    rewriter.replaceOpWithNewOp<tensor::GenerateOp>(
        op, type, ValueRange(), [&](OpBuilder &b, Location loc, ValueRange at) {
          SmallVector<Value> from(at);
          if (transpose)
            std::swap(from[0], from[1]);
          Value x = tensor::ExtractOp::create(b, loc, adaptor.getSource(), from);
          if (x.getType() != cast<RankedTensorType>(type).getElementType())
            x = arith::ExtFOp::create(b, loc, b.getF32Type(), x);
          tensor::YieldOp::create(b, loc, x);
        });
    return success();
  }
};

struct ConvertPanel : OpConversionPattern<PanelOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PanelOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(typeConverter->convertType(op.getTile().getType()));
    auto index = [&](int64_t x) { return OpFoldResult(rewriter.getIndexAttr(x)); };
    SmallVector<OpFoldResult> offsets = {index(0), index(op.getFirst())}, strides(2, index(1)),
                              sizes = {index(type.getDimSize(0)), index(type.getDimSize(1))};
    rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(op, type, adaptor.getSource(), offsets, sizes,
                                                        strides);
    return success();
  }
};

struct ConvertTrim : OpConversionPattern<TrimOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TrimOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(typeConverter->convertType(op.getTile().getType()));
    rewriter.replaceOpWithNewOp<tensor::GenerateOp>(
        op, type, ValueRange(), [&](OpBuilder &b, Location loc, ValueRange at) {
          Value x = tensor::ExtractOp::create(b, loc, adaptor.getSource(), at);
          Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type.getElementType()));
          Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, at[0], adaptor.getRows());
          tensor::YieldOp::create(b, loc, arith::SelectOp::create(b, loc, inside, x, zero).getResult());
        });
    return success();
  }
};

/// Where a tile stands, and which threads hold a vector, makes no difference in order.
template <typename Op>
struct ConvertPlace : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getSource());
    return success();
  }
};

} // namespace

void longwing::tile::populateRecurrencePatterns(const CPUTypeConverter &converter,
                                                RewritePatternSet &patterns) {
  patterns.add<ConvertScan, ConvertPick, ConvertGreatest, ConvertBetween, ConvertCommon, ConvertParts,
                ConvertPanel, ConvertTrim, ConvertFragment, ConvertPlace<DistributeOp>,
               ConvertPlace<StageOp>>(converter, patterns.getContext());
}
