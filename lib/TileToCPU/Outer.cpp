//===- Outer.cpp - States on tensor cores, on the CPU ---------------------===//
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

/// x as the sum of two bf16.
Value inTwoParts(OpBuilder &b, Location loc, Value x) {
  Type bf16 = b.getBF16Type();
  auto rounded = [&](Value value) {
    return castFloat(b, loc, castFloat(b, loc, value, bf16), b.getF32Type());
  };
  Value high = rounded(x);
  Value low = rounded(arith::SubFOp::create(b, loc, x, high));
  return arith::AddFOp::create(b, loc, high, low);
}

/// x without what tf32 leaves out.
Value inTf32(OpBuilder &b, Location loc, Value x) {
  Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), x);
  Value mask = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(0xffffe000)));
  return arith::BitcastOp::create(b, loc, x.getType(), arith::AndIOp::create(b, loc, bits, mask));
}

Value coefficient(OpBuilder &b, Location loc, Value tile, Value row, int64_t step, Value state) {
  Value at = arith::AddIOp::create(b, loc, row, arith::ConstantIndexOp::create(b, loc, step));
  return castFloat(b, loc, tensor::ExtractOp::create(b, loc, tile, ValueRange{at, state}), b.getF32Type());
}

struct ConvertOuter : OpConversionPattern<OuterOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(OuterOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = typeConverter->convertType(op.getResult().getType());
    int64_t step = op.getStep();
    rewriter.replaceOpWithNewOp<tensor::GenerateOp>(
        op, type, ValueRange(), [&](OpBuilder &b, Location loc, ValueRange at) {
          Value row = arith::ConstantIndexOp::create(b, loc, step);
          Value x = tensor::ExtractOp::create(b, loc, adaptor.getX(), ValueRange{row, at[1]});
          Value factor = coefficient(b, loc, adaptor.getB(), adaptor.getRow(), step, at[0]);
          Value product = arith::MulFOp::create(b, loc, inTwoParts(b, loc, x), factor);
          tensor::YieldOp::create(b, loc, product);
        });
    return success();
  }
};

struct ConvertContract : OpConversionPattern<ContractOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ContractOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto states = cast<RankedTensorType>(op.getStates().getType());
    int64_t step = op.getStep();
    Location loc = op.getLoc();
    auto rowType = RankedTensorType::get({1, states.getDimSize(1)}, rewriter.getF32Type());
    Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0), one = arith::ConstantIndexOp::create(rewriter, loc, 1);
    Value count = arith::ConstantIndexOp::create(rewriter, loc, states.getDimSize(0));
    Value row = tensor::GenerateOp::create(
        rewriter, loc, rowType, ValueRange(), [&](OpBuilder &b, Location loc, ValueRange at) {
          Value here = arith::ConstantIndexOp::create(b, loc, step);
          Value sum = tensor::ExtractOp::create(b, loc, adaptor.getSums(), ValueRange{here, at[1]});
          auto loop = scf::ForOp::create(
              b, loc, zero, count, one, sum, [&](OpBuilder &b, Location loc, Value n, ValueRange sums) {
                Value state = tensor::ExtractOp::create(b, loc, adaptor.getStates(), ValueRange{n, at[1]});
                Value factor = coefficient(b, loc, adaptor.getC(), adaptor.getRow(), step, n);
                Value product = arith::MulFOp::create(b, loc, inTf32(b, loc, state), factor);
                scf::YieldOp::create(b, loc, Value(arith::AddFOp::create(b, loc, sums[0], product)));
              });
          tensor::YieldOp::create(b, loc, loop.getResult(0));
        });
    auto at = [&](int64_t value) -> OpFoldResult { return rewriter.getIndexAttr(value); };
    rewriter.replaceOpWithNewOp<tensor::InsertSliceOp>(
        op, row, adaptor.getSums(), ArrayRef{at(step), at(0)}, ArrayRef{at(1), at(states.getDimSize(1))},
        ArrayRef{at(1), at(1)});
    return success();
  }
};

} // namespace

void longwing::tile::populateOuterPatterns(const CPUTypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ConvertOuter, ConvertContract>(converter, patterns.getContext());
}
