//===- InPlaceOps.cpp - Transforms in place in SRAM -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace longwing::tile;

static LogicalResult verifyRows(Operation *op, RankedTensorType tile, SmemType buffer, Value i, Value j,
                                int64_t along, int64_t step) {
  if (!tile.getElementType().isF16() || buffer.getElementType() != tile.getElementType())
    return op->emitOpError() << "expected tiles and a buffer of f16, got " << tile << " and "
                             << buffer;
  if (buffer.getShape().size() != 2 || buffer.getShape()[1] != 64 || buffer.getShape()[0] % 8)
    return op->emitOpError() << "expected a buffer of 64 columns and a multiple of 8 rows, got "
                             << buffer;
  if (along < 0 || along > 1 || step < 1)
    return op->emitOpError() << "expected warps along dimension 0 or 1 and a step of at least 1, got "
                             << along << " and " << step;
  if (along == 0 && getConstantIntValue(j) != 0)
    return op->emitOpError() << "expected warps along dimension 0 to begin at j = 0";
  auto product = i.getDefiningOp<arith::MulIOp>();
  std::optional<int64_t> first = getConstantIntValue(product ? product.getRhs() : i);
  if (along == 1 && (!first || *first % kMatrixSize))
    return op->emitOpError() << "expected warps along dimension 1 to begin at a multiple of " << kMatrixSize
                             << ", a constant or one times an index";
  if (buffer.getShape()[0] % 64 != 16)
    return op->emitOpError() << "expected a buffer of 16 rows more than a multiple of 64, got " << buffer;
  return success();
}

LogicalResult WriteRowsOp::verify() {
  return verifyRows(*this, getFirst().getType(), getBuffer().getType(), getI(), getJ(), getAlong(),
                    getStep());
}
LogicalResult ReadRowsOp::verify() {
  return verifyRows(*this, getFirst().getType(), getBuffer().getType(), getI(), getJ(), getAlong(),
                    getStep());
}

static LogicalResult verifyPieces(Operation *op, Type memory, size_t coordinates, TypeRange tiles, bool quads = false) {
  auto view = dyn_cast<ViewType>(memory);
  if (auto buffer = dyn_cast<SmemType>(memory)) { // as a tensor of one dimension, of pairs if there are two tiles
    SmallVector<int64_t> shape = {ShapedType::kDynamic};
    if (tiles.size() == 2)
      shape.push_back(2);
    view = ViewType::get(op->getContext(), shape, buffer.getElementType());
  }
  size_t rank = view.getShape().size() - (tiles.size() == 2);
  if (tiles.size() == 2 && view.getShape().back() != 2)
    return op->emitOpError() << "expected the last dimension of a tensor of pairs to be 2, got "
                             << view;
  if (coordinates != rank || !rank)
    return op->emitOpError() << "expected " << rank << " coordinates, got "
                             << coordinates;
  if (tiles.empty() || tiles.size() > 2)
    return op->emitOpError() << "expected one or two tiles, got " << tiles.size();
  bool wide = view.getElementType().isF32() && tiles.size() == 1 && quads;
  for (Type tile : tiles)
    if (cast<RankedTensorType>(tile).getElementType() != view.getElementType() ||
        (view.getElementType().getIntOrFloatBitWidth() != 16 && !wide))
      return op->emitOpError() << "expected 16-bit elements of one type, or quads of f32, got " << tile << " and "
                               << view;
  return success();
}

LogicalResult PullRowsOp::verify() {
  Type last = getCoordinates().empty() ? Type() : getCoordinates().back().getType();
  if (last && !getElementTypeOrSelf(last).isIndex())
    return emitOpError() << "expected coordinates of index, got " << last;
  if (getZipped() && getNumResults() != 2)
    return emitOpError() << "expected two tiles to be zipped, got " << getNumResults();
  return verifyPieces(*this, getSource().getType(), getCoordinates().size(), getResultTypes(), getQuads());
}
LogicalResult PlaceRowsOp::verify() {
  return verifyPieces(*this, getDestination().getType(), getCoordinates().size(), getTiles().getTypes());
}

LogicalResult BringOp::verify() {
  ViewType view = getSource().getType();
  SmemType buffer = getBuffer().getType();
  int64_t elements = 1;
  for (int64_t size : view.getShape())
    elements *= ShapedType::isDynamic(size) ? 0 : size;
  if (elements && elements % 64 == 0 && view.getElementType() == buffer.getElementType() &&
      buffer.getShape() == ArrayRef<int64_t>{elements / 64, 64})
    return success();
  return emitOpError() << "expected a buffer [n, 64] of as many elements as the tensor has, got " << view << " and " << buffer;
}

static LogicalResult verifyKept(Operation *op, RankedTensorType tile, Type memory, size_t coordinates) {
  if (!tile.getElementType().isF16())
    return op->emitOpError() << "expected tiles of f16, got " << tile;
  int64_t elements = 2 * tile.getNumElements();
  size_t rank;
  bool fits;
  if (auto view = dyn_cast<ViewType>(memory)) {
    rank = view.getShape().size() - 1;
    fits = view.getElementType() == tile.getElementType() && view.getShape().back() == elements;
  } else {
    auto buffer = cast<SmemType>(memory);
    rank = 1;
    fits = buffer.getElementType() == tile.getElementType() &&
           buffer.getShape().drop_front() == ArrayRef<int64_t>{elements / 64, 64};
  }
  if (!fits)
    return op->emitOpError() << "expected memory of places for " << elements << " elements of f16, got "
                             << memory;
  if (coordinates != rank)
    return op->emitOpError() << "expected " << rank << " coordinates, got " << coordinates;
  return success();
}

LogicalResult KeepOp::verify() {
  return verifyKept(*this, getFirst().getType(), getMemory().getType(), getPlace().size());
}
LogicalResult RecallOp::verify() {
  return verifyKept(*this, getFirst().getType(), getMemory().getType(), getPlace().size());
}
