//===- WarpOps.cpp - A matrix for each warp -------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/Tile.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace longwing::tile;

LogicalResult WarpDotOp::verify() {
  auto a = getA().getType(), b = getB().getType(), d = getResult().getType();
  if (a != b || !a.getElementType().isF16())
    return emitOpError() << "expected a and b of one type with elements of f16, got " << a << " and "
                         << b;
  bool rounds = d.getElementType().isF16() || d.getElementType().isF32();
  if (d.getShape() != a.getShape() || !rounds)
    return emitOpError() << "expected a result of f16 or f32 in the shape of a, got " << d;
  if (getC() && getC().getType() != d)
    return emitOpError() << "expected c to have the type of the result, got " << getC().getType();
  return success();
}

void ExchangeOp::build(OpBuilder &builder, OperationState &state, Value first, Value second,
                       ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(first.getType());
  SmallVector<int64_t> shape;
  for (int64_t d : permutation)
    shape.push_back(type.getDimSize(d));
  Type result = RankedTensorType::get(shape, type.getElementType(), type.getEncoding());
  build(builder, state, {result, result}, first, second, permutation);
}

LogicalResult ExchangeOp::verify() {
  auto source = getFirst().getType(), result = getFirstResult().getType();
  ArrayRef<int64_t> permutation = getPermutation();
  if (permutation != ArrayRef<int64_t>{1, 0, 2} && permutation != ArrayRef<int64_t>{1, 2, 0})
    return emitOpError() << "expected the permutation [1, 0, 2] or [1, 2, 0], got " << permutation;
  if (source != result || source.getDimSize(0) != kMatrixSize || !source.getElementType().isF16())
    return emitOpError() << "expected tiles of 16x16x16xf16, got " << source << " to " << result;
  return success();
}

/// Whether a grid of 16 x 16 matrices in SRAM has one for each warp.
static bool isGrid(RankedTensorType shared, RankedTensorType frag) {
  int64_t area = kMatrixSize * kMatrixSize;
  return shared.getRank() == 2 && shared.getDimSize(0) % kMatrixSize == 0 &&
         shared.getDimSize(1) == 4 * kMatrixSize &&
         shared.getNumElements() == frag.getDimSize(0) * area &&
         shared.getElementType() == frag.getElementType() &&
         frag.getElementTypeBitWidth() == 16;
}

LogicalResult SplitOp::verify() {
  RankedTensorType grid = getSource().getType(), result = getResult().getType();
  // What a row chooses is as large as the warps' matrices, and the tile is several times that.
  if (getRow() && grid.getNumElements() % result.getNumElements() == 0)
    grid = grid.clone({grid.getDimSize(0) * result.getNumElements() / grid.getNumElements(),
                       grid.getDimSize(1)});
  if (isGrid(grid, result))
    return success();
  return emitOpError() << "expected a source of 16-bit elements, 64 columns and a 16 x 16 matrix "
                          "for each warp, got "
                       << getSource().getType() << " to " << getResult().getType();
}

LogicalResult JoinOp::verify() {
  if (isGrid(getResult().getType(), getSource().getType()))
    return success();
  return emitOpError() << "expected a result of 16-bit elements, 64 columns and a 16 x 16 matrix "
                          "for each warp, got "
                       << getSource().getType() << " to " << getResult().getType();
}

static LogicalResult verifyStrips(Operation *op, RankedTensorType tile, ViewType view, size_t coordinates,
                                  ArrayRef<int64_t> digits) {
  int64_t rank = view.getShape().size(), rows = 1;
  bool known = digits.size() % 3 == 0;
  for (size_t i = 0; known && i < digits.size(); i += 3) {
    known = digits[i] > 0 && digits[i + 1] >= 0 && digits[i + 1] < rank && digits[i + 2] > 0;
    rows *= digits[i];
  }
  if (!known || tile.getRank() != 2 || rows != tile.getDimSize(0))
    return op->emitOpError() << "expected digits [size, dimension, step, ...] whose sizes make up the rows of " << tile;
  if (int64_t(coordinates) != rank)
    return op->emitOpError() << "expected " << rank << " coordinates, got " << coordinates;
  Type element = view.getElementType();
  if (tile.getElementType() != element || element.getIntOrFloatBitWidth() != 16 || tile.getDimSize(1) != 64)
    return op->emitOpError() << "expected 64 columns of 16-bit elements of the tensor, got " << tile << " and " << view;
  return success();
}

LogicalResult LoadStripsOp::verify() {
  return verifyStrips(*this, getTile().getType(), getSource().getType(), getCoordinates().size(), getDigits());
}
LogicalResult StoreStripsOp::verify() {
  return verifyStrips(*this, getTile().getType(), getDestination().getType(), getCoordinates().size(), getDigits());
}

static LogicalResult verifyHalves(Operation *op, RankedTensorType tile) {
  Type element = tile.getElementType();
  if (!isa<FloatType>(element) || element.getIntOrFloatBitWidth() != 16)
    return op->emitOpError() << "expected 16-bit elements, got " << tile;
  return success();
}

LogicalResult TransposeOp::verify() { return verifyHalves(*this, getSource().getType()); }
LogicalResult ZipOp::verify() { return verifyHalves(*this, getA().getType()); }

LogicalResult PositionOp::verify() {
  if (!getResult().getType().getElementType().isIndex())
    return emitOpError() << "expected a tile of index, got " << getResult().getType();
  if (int64_t(getDimension()) < 0 || int64_t(getDimension()) > 2)
    return emitOpError() << "expected a dimension from 0 to 2, got " << getDimension();
  if (getQuads() && getDimension() != 2)
    return emitOpError() << "expected columns in quads, dimension 2, got " << getDimension();
  return success();
}

LogicalResult CastOp::verify() {
  auto source = getSource().getType(), result = getResult().getType();
  auto isFloat = [](Type type) { return type.isF16() || type.isBF16() || type.isF32(); };
  if (source.getShape() != result.getShape() || !isFloat(source.getElementType()) ||
      !isFloat(result.getElementType()) || source == result)
    return emitOpError() << "expected to turn f16, bf16 or f32 into another of them, got " << source
                         << " to " << result;
  return success();
}

/// An index for each dimension of the view: a scalar, or a tile shaped as `tile`.
static LogicalResult verifyIndices(Operation *op, ViewType view, ValueRange indices,
                                   RankedTensorType tile) {
  if (indices.size() != view.getShape().size())
    return op->emitOpError() << "expected " << view.getShape().size() << " indices, got "
                             << indices.size();
  if (tile.getElementType() != view.getElementType())
    return op->emitOpError() << "expected a tile of " << view.getElementType() << ", got " << tile;
  for (Type index : indices.getTypes())
    if (!index.isIndex() && index != tile.clone(IndexType::get(op->getContext())))
      return op->emitOpError() << "expected an index, or a tile of index shaped as " << tile
                               << ", got " << index;
  return success();
}

LogicalResult PullOp::verify() {
  return verifyIndices(*this, getSource().getType(), getIndices(), getResult().getType());
}
LogicalResult PlaceOp::verify() {
  return verifyIndices(*this, getDestination().getType(), getIndices(), getTile().getType());
}
