//===- InPlace.cpp - Transforms in place in SRAM, on the CPU --------------===//
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

Value longwing::tile::quadColumnOf(OpBuilder &b, Location loc, Value column) {
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
  Value half = arith::DivUIOp::create(b, loc, column, constant(8));
  Value odd = arith::RemUIOp::create(b, loc, column, constant(2));
  Value pair = arith::DivUIOp::create(b, loc, arith::RemUIOp::create(b, loc, column, constant(8)), constant(2));
  Value first = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, pair, constant(4)),
                                      arith::MulIOp::create(b, loc, half, constant(2)));
  return arith::AddIOp::create(b, loc, first, odd);
}

namespace {

/// Where the buffer has the element [warp, row, column] of the first or the second part.
template <typename Op>
SmallVector<Value> elementOf(OpBuilder &b, Location loc, Op op, ValueRange start, ValueRange at,
                             bool second) {
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
  auto add = [&](Value x, Value y) { return arith::AddIOp::create(b, loc, x, y).getResult(); };
  auto mul = [&](Value x, int64_t y) {
    return arith::MulIOp::create(b, loc, x, constant(y)).getResult();
  };
  Value warp = mul(at[0], op.getStep());
  Value i = add(start[0], op.getAlong() ? at[1] : warp);
  Value j = add(start[1], op.getAlong() ? warp : at[1]);
  Value row = add(mul(i, 16), j);
  Value column = add(mul(arith::RemUIOp::create(b, loc, row, constant(2)), 32), at[2]);
  return {arith::DivUIOp::create(b, loc, row, constant(2)), add(column, constant(second ? 16 : 0))};
}

struct ConvertAlloc : OpConversionPattern<AllocOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(AllocOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<MemRefType>(typeConverter->convertType(op.getMemory().getType()));
    if (!type)
      return failure();
    rewriter.replaceOpWithNewOp<memref::AllocaOp>(op, type);
    return success();
  }
};

/// Where a memory has the element [warp, row, column] of the first or the second of two tiles.
using PairPositionOf =
    llvm::function_ref<SmallVector<Value>(OpBuilder &, Location, ValueRange at, bool second)>;

void storePair(OpBuilder &b, Location loc, Value first, Value second, Value memory,
               PairPositionOf positionOf) {
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Value> at = loopOver(b, loc, first.getType());
  for (bool isSecond : {false, true}) {
    Value value = tensor::ExtractOp::create(b, loc, isSecond ? second : first, at);
    memref::StoreOp::create(b, loc, value, memory, positionOf(b, loc, at, isSecond));
  }
}

SmallVector<Value> loadPair(OpBuilder &b, Location loc, Type tile, Value memory,
                            PairPositionOf positionOf) {
  SmallVector<Value> tiles;
  for (bool second : {false, true})
    tiles.push_back(tensor::GenerateOp::create(
        b, loc, tile, ValueRange(), [&](OpBuilder &b, Location loc, ValueRange at) {
          Value value = memref::LoadOp::create(b, loc, memory, positionOf(b, loc, at, second));
          tensor::YieldOp::create(b, loc, value);
        }));
  return tiles;
}

struct ConvertWriteRows : OpConversionPattern<WriteRowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(WriteRowsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    storePair(rewriter, op.getLoc(), adaptor.getFirst(), adaptor.getSecond(), adaptor.getBuffer(),
              [&](OpBuilder &b, Location loc, ValueRange at, bool second) {
                return elementOf(b, loc, op, {adaptor.getI(), adaptor.getJ()}, at, second);
              });
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertReadRows : OpConversionPattern<ReadRowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ReadRowsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = typeConverter->convertType(op.getFirst().getType());
    auto positionOf = [&](OpBuilder &b, Location loc, ValueRange at, bool second) {
      SmallVector<Value> of(at);
      if (op.getTranspose())
        std::swap(of[1], of[2]);
      return elementOf(b, loc, op, {adaptor.getI(), adaptor.getJ()}, of, second);
    };
    rewriter.replaceOp(op, loadPair(rewriter, op.getLoc(), type, adaptor.getBuffer(), positionOf));
    return success();
  }
};

Value withType(OpBuilder &b, Location loc, Value number, Type type) {
  return number.getType() == type ? number : arith::BitcastOp::create(b, loc, type, number).getResult();
}

/// Where the buffer has the element c of row (i, j) of a part.
SmallVector<Value> inGrid(OpBuilder &b, Location loc, Value i, Value j, Value c, bool second) {
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
  auto add = [&](Value x, Value y) { return arith::AddIOp::create(b, loc, x, y).getResult(); };
  auto mul = [&](Value x, int64_t y) { return arith::MulIOp::create(b, loc, x, constant(y)).getResult(); };
  Value row = add(mul(i, kMatrixSize), j), half = mul(arith::RemUIOp::create(b, loc, row, constant(2)), 32);
  return {arith::DivUIOp::create(b, loc, row, constant(2)), add(add(half, c), constant(second ? kMatrixSize : 0))};
}

struct ConvertTakeRows : OpConversionPattern<TakeRowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TakeRowsOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(typeConverter->convertType(op.getResult().getType()));
    rewriter.replaceOpWithNewOp<tensor::GenerateOp>(
        op, type, ValueRange(), [&](OpBuilder &b, Location loc, ValueRange at) {
          Value row = op.getQuads() ? at[1] : at[2], column = op.getQuads() ? quadColumnOf(b, loc, at[2]) : at[1];
          Value i = arith::AddIOp::create(b, loc, adaptor.getI(), row), j = arith::AddIOp::create(b, loc, adaptor.getJ(), at[0]);
          Value value = memref::LoadOp::create(b, loc, adaptor.getBuffer(), inGrid(b, loc, i, j, column, /*second=*/true));
          tensor::YieldOp::create(b, loc, withType(b, loc, value, type.getElementType()));
        });
    return success();
  }
};

struct ConvertLayRows : OpConversionPattern<LayRowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(LayRowsOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    {
      OpBuilder::InsertionGuard guard(rewriter);
      SmallVector<Value> at = loopOver(rewriter, loc, adaptor.getTile().getType());
      Value value = tensor::ExtractOp::create(rewriter, loc, adaptor.getTile(), at);
      Value i = arith::AddIOp::create(rewriter, loc, adaptor.getI(), at[1]);
      Value j = arith::AddIOp::create(rewriter, loc, adaptor.getJ(), at[0]);
      Value column = op.getQuads() ? quadColumnOf(rewriter, loc, at[2]) : at[2];
      memref::StoreOp::create(rewriter, loc, withType(rewriter, loc, value, rewriter.getF16Type()), adaptor.getBuffer(),
                              inGrid(rewriter, loc, i, j, column, /*second=*/false));
    }
    rewriter.eraseOp(op);
    return success();
  }
};

/// Visits the elements of boxes of a tensor and of the columns of a grid: where each stands in both.
void forEachOfRows(OpBuilder &builder, Location loc, DescType desc, ValueRange coordinates, Value first, int64_t columns,
                   bool second, llvm::function_ref<void(OpBuilder &, ValueRange, ValueRange)> body) {
  ArrayRef<int64_t> box = desc.getShape();
  auto constant = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(builder, loc, value); };
  SmallVector<Value> zeros(4, constant(0)), ones(4, constant(1));
  SmallVector<Value> sizes = {constant(box[2]), constant(box[3]), constant(columns), constant(kMatrixSize)};
  scf::buildLoopNest(builder, loc, zeros, sizes, ones, [&](OpBuilder &b, Location loc, ValueRange at) {
    auto add = [&](Value x, Value y) { return arith::AddIOp::create(b, loc, x, y).getResult(); };
    auto mul = [&](Value x, int64_t y) { return arith::MulIOp::create(b, loc, x, arith::ConstantIndexOp::create(b, loc, y)).getResult(); };
    SmallVector<Value> position(coordinates);
    Value j = add(first, at[2]);
    position[2] = add(position[2], at[0]), position[3] = add(position[3], at[1]);
    position[4] = add(add(position[4], mul(j, kMatrixSize)), at[3]);
    body(b, position, inGrid(b, loc, add(mul(at[0], box[3]), at[1]), j, at[3], second));
  });
}

struct ConvertFetchRows : OpConversionPattern<FetchRowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(FetchRowsOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    forEachOfRows(rewriter, loc, op.getSource().getType(), adaptor.getCoordinates(), adaptor.getJ(), op.getColumns(),
                  /*second=*/true, [&](OpBuilder &b, ValueRange inTensor, ValueRange inBuffer) {
                    Value value = memref::LoadOp::create(b, loc, adaptor.getSource(), inTensor);
                    memref::StoreOp::create(b, loc, withType(b, loc, value, b.getF16Type()), adaptor.getBuffer(), inBuffer);
                  });
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertFlushRows : OpConversionPattern<FlushRowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(FlushRowsOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type element = op.getDestination().getType().getElementType();
    forEachOfRows(rewriter, loc, op.getDestination().getType(), adaptor.getCoordinates(), adaptor.getJ(), op.getColumns(),
                  /*second=*/false, [&](OpBuilder &b, ValueRange inTensor, ValueRange inBuffer) {
                    Value value = memref::LoadOp::create(b, loc, adaptor.getBuffer(), inBuffer);
                    memref::StoreOp::create(b, loc, withType(b, loc, value, element), adaptor.getDestination(), inTensor);
                  });
    rewriter.eraseOp(op);
    return success();
  }
};

/// Where the tensor has the element [warp, row, column] of one of `parts` tiles.
SmallVector<Value> inTensor(OpBuilder &b, Location loc, ValueRange coordinates, int64_t step,
                            int64_t stride, ValueRange at, int64_t parts, int64_t part, bool quads) {
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
  auto add = [&](Value x, Value y) { return arith::AddIOp::create(b, loc, x, y).getResult(); };
  auto mul = [&](Value x, int64_t y) {
    return arith::MulIOp::create(b, loc, x, constant(y)).getResult();
  };
  SmallVector<Value> position = indicesAt(b, loc, coordinates, at);
  Value column = quads ? quadColumnOf(b, loc, at[2]) : at[2];
  Value &last = position.back();
  last = add(add(last, mul(at[0], step)), add(mul(at[1], stride), column));
  if (parts > 1)
    position.push_back(constant(part));
  return position;
}

/// Of a buffer [n, 64], where an element or one of a pair is.
SmallVector<Value> inFlat(OpBuilder &b, Location loc, ValueRange position) {
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
  Value flat = position.front();
  if (position.size() == 2)
    flat = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, flat, constant(2)), position.back());
  return {arith::DivUIOp::create(b, loc, flat, constant(64)), arith::RemUIOp::create(b, loc, flat, constant(64))};
}

struct ConvertBring : OpConversionPattern<BringOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(BringOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    // Both are in one piece.
    Location loc = op.getLoc();
    auto constant = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(rewriter, loc, value); };
    ArrayRef<int64_t> shape = op.getSource().getType().getShape();
    SmallVector<Value> sizes, zeros(shape.size(), constant(0)), ones(shape.size(), constant(1));
    for (int64_t size : shape)
      sizes.push_back(constant(size));
    scf::buildLoopNest(rewriter, loc, zeros, sizes, ones, [&](OpBuilder &b, Location loc, ValueRange at) {
      Value value = memref::LoadOp::create(b, loc, adaptor.getSource(), at);
      memref::StoreOp::create(b, loc, value, adaptor.getBuffer(), inFlat(b, loc, at));
    });
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertPullRows : OpConversionPattern<PullRowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PullRowsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = typeConverter->convertType(op.getResult(0).getType());
    SmallVector<Value> tiles;
    for (unsigned part = 0; part < op.getNumResults(); ++part)
      tiles.push_back(readTile(
          rewriter, op.getLoc(), type, adaptor.getSource(),
          [&](OpBuilder &b, Location loc, ValueRange at) {
            SmallVector<Value> position = inTensor(b, loc, adaptor.getCoordinates(), op.getStep(), op.getStride(), at,
                                                   op.getNumResults(), part, op.getQuads());
            return isa<ViewType>(op.getSource().getType()) ? position : inFlat(b, loc, position);
          }));
    if (op.getZipped())
      std::tie(tiles[0], tiles[1]) = zipped(rewriter, op.getLoc(), tiles[0], tiles[1]);
    rewriter.replaceOp(op, tiles);
    return success();
  }
};

struct ConvertPlaceRows : OpConversionPattern<PlaceRowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PlaceRowsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    for (auto [part, tile] : llvm::enumerate(adaptor.getTiles()))
      storeTile(rewriter, op.getLoc(), tile, adaptor.getDestination(),
                [&](OpBuilder &b, Location loc, ValueRange at) {
                  return inTensor(b, loc, adaptor.getCoordinates(), op.getStep(), op.getStride(), at,
                                  op.getTiles().size(), part, op.getQuads());
                });
    rewriter.eraseOp(op);
    return success();
  }
};

/// Where the memory has the element [warp, row, column] of one of the kept tiles.
SmallVector<Value> inPlace(OpBuilder &b, Location loc, Value memory, ValueRange place, ValueRange at,
                           bool second) {
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
  auto addTo = [&](Value sum, Value x, int64_t y) {
    Value product = arith::MulIOp::create(b, loc, x, constant(y));
    return arith::AddIOp::create(b, loc, sum, product).getResult();
  };
  constexpr int64_t kElements = kMatrixSize * kMatrixSize;
  Value flat = addTo(constant(second ? kElements : 0), at[0], 2 * kElements);
  flat = addTo(addTo(flat, at[1], kMatrixSize), at[2], 1);
  SmallVector<Value> position(place);
  if (size_t(cast<MemRefType>(memory.getType()).getRank()) == place.size() + 1) {
    position.push_back(flat);
    return position;
  }
  position.push_back(arith::DivUIOp::create(b, loc, flat, constant(64)));
  position.push_back(arith::RemUIOp::create(b, loc, flat, constant(64)));
  return position;
}

struct ConvertKeep : OpConversionPattern<KeepOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(KeepOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    storePair(rewriter, op.getLoc(), adaptor.getFirst(), adaptor.getSecond(), adaptor.getMemory(),
              [&](OpBuilder &b, Location loc, ValueRange at, bool second) {
                return inPlace(b, loc, adaptor.getMemory(), adaptor.getPlace(), at, second);
              });
    rewriter.eraseOp(op);
    return success();
  }
};

struct ConvertRecall : OpConversionPattern<RecallOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(RecallOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = typeConverter->convertType(op.getFirst().getType());
    auto positionOf = [&](OpBuilder &b, Location loc, ValueRange at, bool second) {
      return inPlace(b, loc, adaptor.getMemory(), adaptor.getPlace(), at, second);
    };
    auto read = [&](OpBuilder &b) { return loadPair(b, op.getLoc(), type, adaptor.getMemory(), positionOf); };
    if (!op.getExists()) {
      rewriter.replaceOp(op, read(rewriter));
      return success();
    }
    auto tiles = scf::IfOp::create(
        rewriter, op.getLoc(), adaptor.getExists(),
        [&](OpBuilder &b, Location loc) { scf::YieldOp::create(b, loc, read(b)); },
        [&](OpBuilder &b, Location loc) {
          Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
          scf::YieldOp::create(b, loc, ValueRange{zero, zero});
        });
    rewriter.replaceOp(op, tiles.getResults());
    return success();
  }
};

struct ConvertCta : OpConversionPattern<CtaOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(CtaOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<arith::ConstantIndexOp>(op, 0);
    return success();
  }
};

/// In order, everything has been read and written.
template <typename Op>
struct ConvertNothing : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor, ConversionPatternRewriter &rewriter) const override {
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void longwing::tile::populateInPlacePatterns(const CPUTypeConverter &converter,
                                             RewritePatternSet &patterns) {
  patterns.add<ConvertAlloc, ConvertWriteRows, ConvertReadRows, ConvertNothing<MeetOp>, ConvertNothing<VacateRowsOp>, ConvertNothing<FlushedRowsOp>, ConvertNothing<PrefetchOp>,
               ConvertTakeRows, ConvertLayRows, ConvertFetchRows, ConvertFlushRows, ConvertPullRows,
               ConvertPlaceRows, ConvertBring, ConvertCta, ConvertKeep, ConvertRecall>(converter, patterns.getContext());
}
