//===- Structure.cpp - Kernels, launches and work tiles on the CPU --------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing::tile;

namespace {

struct ConvertKernel : OpConversionPattern<KernelOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(KernelOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    SmallVector<Type> inputs;
    if (failed(typeConverter->convertTypes(op.getArgumentTypes(), inputs)))
      return rewriter.notifyMatchFailure(op, "argument types");
    auto function = func::FuncOp::create(rewriter, op.getLoc(), op.getSymName(),
                                         rewriter.getFunctionType(inputs, {}));
    function.setPrivate();
    rewriter.inlineRegionBefore(op.getBody(), function.getBody(), function.end());
    if (failed(rewriter.convertRegionTypes(&function.getBody(), *typeConverter)))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

/// Ends a kernel; the ends of tile.foreach go with their op.
struct ConvertReturn : OpConversionPattern<ReturnOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ReturnOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (!isa<func::FuncOp>(op->getParentOp()))
      return rewriter.notifyMatchFailure(op, "not the end of a kernel");
    rewriter.replaceOpWithNewOp<func::ReturnOp>(op);
    return success();
  }
};

/// A loop nest, its last size outermost: the first coordinate varies fastest.
struct ConvertForEach : OpConversionPattern<ForEachOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ForEachOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
    Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    SmallVector<Value> point(adaptor.getSizes().size());
    for (size_t i = point.size(); i-- > 0;) {
      auto loop = scf::ForOp::create(rewriter, loc, zero, adaptor.getSizes()[i], one);
      point[i] = loop.getInductionVar();
      rewriter.setInsertionPointToStart(loop.getBody());
    }
    Block *body = &op.getBody().front();
    rewriter.eraseOp(body->getTerminator());
    rewriter.inlineBlockBefore(body, rewriter.getInsertionBlock(), rewriter.getInsertionPoint(),
                               point);
    rewriter.eraseOp(op);
    return success();
  }
};

/// Views are memory here.
struct ConvertElements : OpConversionPattern<ElementsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ElementsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getSource());
    return success();
  }
};

struct ConvertDim : OpConversionPattern<DimOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(DimOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value size = memref::DimOp::create(rewriter, op.getLoc(), adaptor.getSource(),
                                       int64_t(op.getDimension()));
    rewriter.replaceOp(op, size);
    return success();
  }
};

/// A tensor as a buffer that is only read, with the strides that it happens to have.
Value readOnlyBuffer(OpBuilder &builder, Location loc, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> strides(type.getRank(), ShapedType::kDynamic);
  auto layout = StridedLayoutAttr::get(builder.getContext(), ShapedType::kDynamic, strides);
  return bufferization::ToBufferOp::create(
      builder, loc, MemRefType::get(type.getShape(), type.getElementType(), layout), tensor,
      /*read_only=*/true);
}

/// A fresh buffer with the contents of a tensor, for a kernel to write into.
Value copiedBuffer(OpBuilder &builder, Location loc, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(tensor::DimOp::create(builder, loc, tensor, i));
  Value buffer = memref::AllocOp::create(
      builder, loc, MemRefType::get(type.getShape(), type.getElementType()), sizes);
  if (!tensor.getDefiningOp<tensor::EmptyOp>())
    linalg::CopyOp::create(builder, loc, readOnlyBuffer(builder, loc, tensor), buffer);
  return buffer;
}

/// The buffer with the dimensions that `tile.unfold` gives it.
Value unfold(OpBuilder &builder, Location loc, Value buffer, ArrayRef<int64_t> entries) {
  auto type = cast<MemRefType>(buffer.getType());
  auto meta = memref::ExtractStridedMetadataOp::create(builder, loc, buffer);
  SmallVector<OpFoldResult> sizes, strides;
  Value offset = meta.getOffset();
  if (entries.size() % 3) {
    Value first = arith::ConstantIndexOp::create(builder, loc, entries.back());
    offset = arith::AddIOp::create(builder, loc, offset, arith::MulIOp::create(builder, loc, meta.getStrides().back(), first));
    entries = entries.drop_back();
  }
  for (size_t i = 0; i < entries.size(); i += 3) {
    Value step = arith::ConstantIndexOp::create(builder, loc, entries[i + 1]);
    Value stride = arith::MulIOp::create(builder, loc, meta.getStrides()[entries[i]], step);
    strides.push_back(stride);
    Value size;
    if (entries[i + 2])
      size = arith::ConstantIndexOp::create(builder, loc, entries[i + 2]);
    else
      size = arith::DivUIOp::create(builder, loc, meta.getSizes()[entries[i]], step);
    sizes.push_back(size);
  }
  SmallVector<int64_t> any(sizes.size(), ShapedType::kDynamic);
  auto layout = StridedLayoutAttr::get(builder.getContext(), ShapedType::kDynamic, any);
  return memref::ReinterpretCastOp::create(
      builder, loc, MemRefType::get(any, type.getElementType(), layout), meta.getBaseBuffer(),
      OpFoldResult(offset), sizes, strides);
}

/// The buffer with its last two dimensions as one.
Value flatten(OpBuilder &builder, Location loc, Value buffer) {
  auto meta = memref::ExtractStridedMetadataOp::create(builder, loc, buffer);
  SmallVector<Value> lengths(meta.getSizes()), steps(meta.getStrides());
  Value inner = lengths.pop_back_val(), stride = steps.pop_back_val();
  Value wanted = arith::MulIOp::create(builder, loc, inner, stride);
  cf::AssertOp::create(
      builder, loc, arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, steps.back(), wanted),
      "expected no gaps between the parts of the last two dimensions");
  lengths.back() = arith::MulIOp::create(builder, loc, lengths.back(), inner), steps.back() = stride;
  SmallVector<OpFoldResult> sizes(lengths.begin(), lengths.end()), strides(steps.begin(), steps.end());
  SmallVector<int64_t> any(sizes.size(), ShapedType::kDynamic);
  auto layout = StridedLayoutAttr::get(builder.getContext(), ShapedType::kDynamic, any);
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  return memref::ReinterpretCastOp::create(builder, loc, MemRefType::get(any, element, layout),
                                           meta.getBaseBuffer(), OpFoldResult(meta.getOffset()), sizes, strides);
}

struct ConvertLaunch : OpConversionPattern<LaunchOp> {
  ConvertLaunch(const TypeConverter &converter, MLIRContext *context, const Callees &callees)
      : OpConversionPattern(converter, context), callees(callees) {}
  LogicalResult matchAndRewrite(LaunchOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    const Callee &callee = callees.at(op);
    if (op->hasAttr(kSubstituteAttr)) { // what it would write is there
      SmallVector<Value> results;
      for (auto [i, tensor] : llvm::enumerate(adaptor.getOperands_()))
        if (callee.outputs[i])
          results.push_back(tensor);
      rewriter.replaceOp(op, results);
      return success();
    }
    SmallVector<Value> buffers, outputs, tensors;
    for (auto [i, tensor] : llvm::enumerate(adaptor.getOperands_())) {
      Value buffer = callee.aliases[i]   ? tensors[callee.aliases[i].getInt()]
                     : callee.outputs[i] ? copiedBuffer(rewriter, loc, tensor)
                                         : readOnlyBuffer(rewriter, loc, tensor);
      tensors.push_back(buffer);
      if (callee.outputs[i])
        outputs.push_back(buffer);
      if (callee.unfolds[i])
        buffer = unfold(rewriter, loc, buffer, callee.unfolds[i]);
      if (callee.flattens[i])
        buffer = flatten(rewriter, loc, buffer);
      buffers.push_back(memref::CastOp::create(rewriter, loc, callee.arguments[i], buffer));
    }
    func::CallOp::create(rewriter, loc, op.getKernelAttr(), TypeRange(), buffers);
    SmallVector<Value> results;
    for (auto [output, type] : llvm::zip_equal(outputs, op.getResultTypes()))
      results.push_back(bufferization::ToTensorOp::create(rewriter, loc, type, output,
                                                          /*restrict=*/true, /*writable=*/true));
    rewriter.replaceOp(op, results);
    return success();
  }
  const Callees &callees;
};

} // namespace

void longwing::tile::populateStructurePatterns(const CPUTypeConverter &converter,
                                               const Callees &callees,
                                               RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<ConvertKernel, ConvertReturn, ConvertForEach, ConvertElements, ConvertDim>(converter, context);
  patterns.add<ConvertLaunch>(converter, context, callees);
}
