//===- Compute.cpp - Arithmetic on tiles on the CPU -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing::tile;
using utils::IteratorType;

namespace {

using BodyBuilder = function_ref<Value(OpBuilder &, Location, ValueRange)>;

/// A linalg.generic of the inputs into `init`; the last of the maps is that of the result.
Value generic(OpBuilder &builder, Location loc, ValueRange inputs, Value init,
              ArrayRef<SmallVector<AffineExpr>> dims, ArrayRef<IteratorType> iterators,
              BodyBuilder body) {
  SmallVector<AffineMap> maps;
  for (ArrayRef<AffineExpr> exprs : dims)
    maps.push_back(AffineMap::get(iterators.size(), 0, exprs, builder.getContext()));
  return linalg::GenericOp::create(builder, loc, init.getType(), inputs, init, maps, iterators,
                                   [&](OpBuilder &b, Location loc, ValueRange args) {
                                     linalg::YieldOp::create(b, loc, body(b, loc, args));
                                   })
      .getResult(0);
}

Value empty(OpBuilder &builder, Location loc, ArrayRef<int64_t> shape, Type element) {
  return tensor::EmptyOp::create(builder, loc, shape, element);
}

Value filled(OpBuilder &builder, Location loc, Value scalar, ArrayRef<int64_t> shape) {
  Value init = empty(builder, loc, shape, scalar.getType());
  return linalg::FillOp::create(builder, loc, scalar, init).getResult(0);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// A 16-bit matrix in f32 (exact), transposed if asked.
Value widened(OpBuilder &builder, Location loc, Value matrix, bool transpose) {
  SmallVector<int64_t> shape(cast<RankedTensorType>(matrix.getType()).getShape());
  if (transpose)
    std::swap(shape[0], shape[1]);
  AffineExpr r = builder.getAffineDimExpr(0), c = builder.getAffineDimExpr(1);
  SmallVector<AffineExpr> from =
      transpose ? SmallVector<AffineExpr>{c, r} : SmallVector<AffineExpr>{r, c};
  return generic(builder, loc, matrix, empty(builder, loc, shape, builder.getF32Type()),
                 {from, {r, c}}, {IteratorType::parallel, IteratorType::parallel},
                 [](OpBuilder &b, Location loc, ValueRange args) -> Value {
                   return arith::ExtFOp::create(b, loc, args[1].getType(), args[0]);
                 });
}

/// A [G R, C] tile as [G, R, C], and back.
Value stacked(OpBuilder &builder, Location loc, Value matrix, int64_t rows) {
  auto type = cast<RankedTensorType>(matrix.getType());
  SmallVector<int64_t> shape = {type.getDimSize(0) / rows, rows, type.getDimSize(1)};
  return tensor::ExpandShapeOp::create(builder, loc, type.clone(shape), matrix,
                                       SmallVector<ReassociationIndices>{{0, 1}, {2}});
}

Value unstacked(OpBuilder &builder, Location loc, Value matrices) {
  return tensor::CollapseShapeOp::create(builder, loc, matrices,
                                         SmallVector<ReassociationIndices>{{0, 1}, {2}});
}

/// d[m, n] += a[m, k] b[k, n] in f32. The products are exact, as in the tensor cores. The loop over
/// n is innermost, so that it vectorises without reassociating a sum. In a blocked product b and d
/// have a leading dimension, of warpgroups.
template <typename Op>
struct ConvertProduct : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value a = widened(rewriter, loc, adaptor.getA(), false);
    Value b = widened(rewriter, loc, adaptor.getB(), op.getTransposeB());
    Value c = adaptor.getC();
    if (!c) {
      Value zero = arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(0));
      c = filled(rewriter, loc, zero, op.getResult().getType().getShape());
    }
    bool negate = op.getNegate();
    auto accumulate = [negate](OpBuilder &b, Location loc, ValueRange args) -> Value {
      Value product = arith::MulFOp::create(b, loc, args[0], args[1]);
      if (negate)
        return arith::SubFOp::create(b, loc, args[2], product);
      return arith::AddFOp::create(b, loc, args[2], product);
    };
    constexpr auto kParallel = IteratorType::parallel, kReduction = IteratorType::reduction;
    auto dim = [&](unsigned i) { return rewriter.getAffineDimExpr(i); };
    if (!op.getBlocked()) {
      AffineExpr m = dim(0), k = dim(1), n = dim(2);
      rewriter.replaceOp(op, generic(rewriter, loc, {a, b}, c, {{m, k}, {k, n}, {m, n}},
                                     {kParallel, kReduction, kParallel}, accumulate));
      return success();
    }
    AffineExpr g = dim(0), m = dim(1), k = dim(2), n = dim(3);
    int64_t depth = cast<RankedTensorType>(a.getType()).getDimSize(1);
    Value d = generic(rewriter, loc, {a, stacked(rewriter, loc, b, depth)},
                      stacked(rewriter, loc, c, kWarpgroupRows), {{m, k}, {g, k, n}, {g, m, n}},
                      {kParallel, kParallel, kReduction, kParallel}, accumulate);
    rewriter.replaceOp(op, unstacked(rewriter, loc, d));
    return success();
  }
};

/// In order, a product is complete when it is issued.
struct ConvertMmaWait : OpConversionPattern<MmaWaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(MmaWaitOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getValues());
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Value combine(OpBuilder &builder, Location loc, ReduceKind kind, Value a, Value b) {
  if (kind == ReduceKind::Add)
    return arith::AddFOp::create(builder, loc, a, b);
  return arith::MaxNumFOp::create(builder, loc, a, b);
}

} // namespace

Value longwing::tile::reduceTo(OpBuilder &builder, Location loc, ReduceKind kind, Value source,
               ArrayRef<int64_t> kept) {
  auto type = cast<RankedTensorType>(source.getType());
  auto element = cast<FloatType>(type.getElementType());
  auto identity = builder.getFloatAttr(
      element, kind == ReduceKind::Add
                   ? APFloat::getZero(element.getFloatSemantics())
                   : APFloat::getInf(element.getFloatSemantics(), /*Negative=*/true));
  SmallVector<AffineExpr> all, result;
  SmallVector<IteratorType> iterators(type.getRank(), IteratorType::reduction);
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < type.getRank(); ++i)
    all.push_back(builder.getAffineDimExpr(i));
  for (int64_t i : kept) {
    result.push_back(all[i]);
    iterators[i] = IteratorType::parallel;
    shape.push_back(type.getDimSize(i));
  }
  Value init = filled(builder, loc, arith::ConstantOp::create(builder, loc, identity), shape);
  return generic(builder, loc, source, init, {all, result}, iterators,
                 [kind](OpBuilder &b, Location loc, ValueRange args) {
                   return combine(b, loc, kind, args[1], args[0]);
                 });
}

namespace {

Value expand(OpBuilder &builder, Location loc, Value source, ArrayRef<int64_t> shape) {
  auto type =
      RankedTensorType::get(shape, cast<RankedTensorType>(source.getType()).getElementType());
  SmallVector<ReassociationIndices> groups = {{0}, {}};
  for (size_t i = 1; i < shape.size(); ++i)
    groups[1].push_back(i);
  return tensor::ExpandShapeOp::create(builder, loc, type, source, groups);
}

/// Lane q of a row holds the columns c = 8 j + 2 q + e: [M, N] is [M, j, q, e], over j and e.
Value reduceToLanes(OpBuilder &builder, Location loc, ReduceKind kind, Value source) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(source.getType()).getShape();
  Value split = expand(builder, loc, source, {shape[0], shape[1] / 8, 4, 2});
  return reduceTo(builder, loc, kind, split, {0, 2});
}

/// Lanes meet in pairs: (0 + 1) + (2 + 3).
Value reduceLanes(OpBuilder &builder, Location loc, ReduceKind kind, Value source) {
  int64_t rows = cast<RankedTensorType>(source.getType()).getDimSize(0);
  Value pairs = reduceTo(builder, loc, kind, expand(builder, loc, source, {rows, 2, 2}), {0, 1});
  return reduceTo(builder, loc, kind, pairs, {0});
}

/// [R, C] as [groups, R / groups, C].
Value splitRows(OpBuilder &builder, Location loc, Value source, int64_t groups) {
  auto from = cast<RankedTensorType>(source.getType());
  auto type = RankedTensorType::get({groups, from.getDimSize(0) / groups, from.getDimSize(1)},
                                    from.getElementType());
  SmallVector<ReassociationIndices> parts = {{0, 1}, {2}};
  return tensor::ExpandShapeOp::create(builder, loc, type, source, parts);
}

struct ConvertReduce : OpConversionPattern<ReduceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ReduceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getSource().getType());
    Value value = adaptor.getSource();
    if (isIn<ChannelAttr>(type)) { // [R, C] is [lanes, R / lanes, C]
      ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getResult().getType()).getShape();
      Value split = splitRows(rewriter, op.getLoc(), value, shape[0]);
      rewriter.replaceOp(op, reduceTo(rewriter, op.getLoc(), op.getKind(), split, {0, 2}));
      return success();
    }
    if (isIn<AccAttr>(type))
      value = reduceToLanes(rewriter, op.getLoc(), op.getKind(), value);
    if (isIn<RowAttr>(op.getResult().getType()))
      value = reduceLanes(rewriter, op.getLoc(), op.getKind(), value);
    rewriter.replaceOp(op, value);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Other tiles
//===----------------------------------------------------------------------===//

struct ConvertBroadcast : OpConversionPattern<BroadcastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(BroadcastOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType type = op.getResult().getType();
    if (!isa<RankedTensorType>(op.getSource().getType())) {
      rewriter.replaceOp(op, filled(rewriter, loc, adaptor.getSource(), type.getShape()));
      return success();
    }
    AffineExpr r = rewriter.getAffineDimExpr(0), c = rewriter.getAffineDimExpr(1);
    SmallVector<AffineExpr> from = {isIn<RowAttr>(op.getSource().getType()) || isIn<StateAttr>(op.getSource().getType()) ? r
                                                                                          : c};
    Value init = empty(rewriter, loc, type.getShape(), type.getElementType());
    rewriter.replaceOp(op, generic(rewriter, loc, adaptor.getSource(), init, {from, {r, c}},
                                   {IteratorType::parallel, IteratorType::parallel},
                                   [](OpBuilder &, Location, ValueRange args) { return args[0]; }));
    return success();
  }
};

struct ConvertIota : OpConversionPattern<IotaOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(IotaOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = typeConverter->convertType(op.getResult().getType());
    rewriter.replaceOpWithNewOp<tensor::GenerateOp>(
        op, type, ValueRange(), [&](OpBuilder &b, Location loc, ValueRange args) {
          Value position = arith::AddIOp::create(b, loc, adaptor.getBase(), args[0]);
          if (auto element = cast<RankedTensorType>(type).getElementType(); !element.isIndex()) {
            Value integer = arith::IndexCastOp::create(b, loc, b.getI32Type(), position);
            position = arith::SIToFPOp::create(b, loc, element, integer);
          }
          tensor::YieldOp::create(b, loc, position);
        });
    return success();
  }
};

struct ConvertComplexMul : OpConversionPattern<ComplexMulOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ComplexMulOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto mul = [&](Value x, Value y) { return arith::MulFOp::create(rewriter, loc, x, y); };
    auto fma = [&](Value x, Value y, Value z) {
      return math::FmaOp::create(rewriter, loc, x, y, z);
    };
    Value bRe = adaptor.getBRe(), bIm = adaptor.getBIm();
    if (op.getConjugate())
      bIm = arith::NegFOp::create(rewriter, loc, bIm);
    Value cross = arith::NegFOp::create(rewriter, loc, mul(adaptor.getAIm(), bIm));
    Value re = fma(adaptor.getARe(), bRe, cross);
    Value im = fma(adaptor.getAIm(), bRe, mul(adaptor.getARe(), bIm));
    rewriter.replaceOp(op, {re, im});
    return success();
  }
};

/// In order, SRAM and registers are one. A table of 64 rows is repeated for every warpgroup.
struct ConvertUnstage : OpConversionPattern<UnstageOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(UnstageOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RankedTensorType type = op.getResult().getType();
    Value source = adaptor.getSource();
    if (source.getType() != typeConverter->convertType(type)) {
      AffineExpr g = rewriter.getAffineDimExpr(0), r = rewriter.getAffineDimExpr(1),
                 c = rewriter.getAffineDimExpr(2);
      SmallVector<int64_t> shape = {type.getDimSize(0) / kWarpgroupRows, kWarpgroupRows,
                                    type.getDimSize(1)};
      Value init = empty(rewriter, loc, shape, type.getElementType());
      SmallVector<IteratorType> parallel(3, IteratorType::parallel);
      source = unstacked(rewriter, loc,
                         generic(rewriter, loc, source, init, {{r, c}, {g, r, c}}, parallel,
                                 [](OpBuilder &, Location, ValueRange args) { return args[0]; }));
    }
    rewriter.replaceOp(op, source);
    return success();
  }
};

struct ConvertPublish : OpConversionPattern<PublishOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PublishOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getSource());
    return success();
  }
};

struct ConvertWiden : OpConversionPattern<WidenOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(WidenOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<arith::ExtFOp>(op, typeConverter->convertType(op.getResult().getType()), adaptor.getSource());
    return success();
  }
};

/// arith.truncf rounds to nearest, ties to even.
struct ConvertConvert : OpConversionPattern<ConvertOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ConvertOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(
        op, typeConverter->convertType(op.getResult().getType()), adaptor.getSource());
    return success();
  }
};

/// A splat, as a value and not as an array of constants.
struct ConvertSplat : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(arith::ConstantOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto splat = dyn_cast<SplatElementsAttr>(op.getValue());
    if (!splat)
      return rewriter.notifyMatchFailure(op, "not a splat");
    Value scalar =
        arith::ConstantOp::create(rewriter, op.getLoc(), splat.getSplatValue<TypedAttr>());
    rewriter.replaceOp(op, filled(rewriter, op.getLoc(), scalar, splat.getType().getShape()));
    return success();
  }
};

/// An operation of another dialect, on the converted types.
struct ConvertTypes : ConversionPattern {
  ConvertTypes(const TypeConverter &converter, MLIRContext *context)
      : ConversionPattern(converter, MatchAnyOpTypeTag(), /*benefit=*/1, context) {}
  LogicalResult matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                                ConversionPatternRewriter &rewriter) const override {
    if (!isa<arith::ArithDialect, math::MathDialect, tensor::TensorDialect>(op->getDialect()) ||
        op->getNumRegions())
      return rewriter.notifyMatchFailure(op, "not arithmetic");
    OperationState state(op->getLoc(), op->getName());
    state.addOperands(operands);
    SmallVector<Type> types;
    if (failed(typeConverter->convertTypes(op->getResultTypes(), types)))
      return failure();
    state.addTypes(types);
    for (NamedAttribute attr : op->getAttrs()) {
      if (auto value = dyn_cast<DenseElementsAttr>(attr.getValue()))
        attr.setValue(value.reshape(cast<ShapedType>(typeConverter->convertType(value.getType()))));
      state.attributes.push_back(attr);
    }
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

} // namespace

void longwing::tile::populateComputePatterns(const CPUTypeConverter &converter,
                                             RewritePatternSet &patterns) {
  patterns.add<ConvertProduct<DotOp>, ConvertProduct<MmaAsyncOp>, ConvertMmaWait, ConvertReduce,
               ConvertBroadcast, ConvertIota, ConvertConvert, ConvertUnstage, ConvertPublish, ConvertWiden,
               ConvertComplexMul>(converter, patterns.getContext());
  patterns.add<ConvertSplat>(converter, patterns.getContext(), /*benefit=*/2);
  patterns.add<ConvertTypes>(converter, patterns.getContext());
}
