//===- ChannelOps.cpp - Recurrences, channel by channel -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/Tile.h"

using namespace mlir;
using namespace longwing::tile;

/// Whether `tile` is a tile of [C] with the lanes and channels of one of [R, C] or [C].
static bool isRowOf(RankedTensorType tile, RankedTensorType source) {
  return tile.getRank() == 1 && tile.getEncoding() == source.getEncoding() &&
         tile.getShape().back() == source.getShape().back() &&
         tile.getElementType() == source.getElementType();
}

LogicalResult ReadOp::verify() {
  RankedTensorType source = getSource().getType(),
                   result = cast<RankedTensorType>(getResult().getType());
  int64_t rows = result.getRank() == 2 ? result.getDimSize(0) : 1;
  if (!result.getElementType().isF32() || !isa<FloatType>(source.getElementType()) ||
      source.getElementType().getIntOrFloatBitWidth() > 32)
    return emitOpError() << "expected to read f16, bf16 or f32 as f32, got " << source << " as "
                         << result;
  if (source.getRank() != 2 || result.getShape().back() != source.getDimSize(1))
    return emitOpError() << "expected as many columns as the source has, got " << result << " of "
                         << source;
  if (int64_t(getOffset()) < 0 || int64_t(getOffset()) + rows > source.getDimSize(0))
    return emitOpError() << "expected rows within the " << source.getDimSize(0)
                         << " of the source, got " << rows << " from " << getOffset();
  return success();
}

LogicalResult RowOp::verify() {
  RankedTensorType source = getSource().getType();
  if (source.getRank() != 2 || !isRowOf(getResult().getType(), source))
    return emitOpError() << "expected a row of " << source << ", got " << getResult().getType();
  if (int64_t(getIndex()) < 0 || int64_t(getIndex()) >= source.getDimSize(0))
    return emitOpError() << "expected a row below " << source.getDimSize(0) << ", got "
                         << getIndex();
  return success();
}

/// Whether `whole` has twice the rows or channels that `half` has.
static bool isDouble(RankedTensorType whole, RankedTensorType half, bool rows) {
  SmallVector<int64_t> shape(half.getShape());
  bool ofRows = rows && (shape.size() == 2 || isa<StateAttr>(half.getEncoding()));
  bool ofChannels = !rows && isa<ChannelAttr>(half.getEncoding());
  if (!ofRows && !ofChannels)
    return false;
  (ofRows ? shape.front() : shape.back()) *= 2;
  return whole == half.clone(shape);
}

LogicalResult DeinterleaveOp::verify() {
  if (isDouble(getSource().getType(), getEven().getType(), getRows()))
    return success();
  return emitOpError() << "expected results of half the " << (getRows() ? "rows" : "channels") << " of "
                       << getSource().getType() << ", got " << getEven().getType();
}

LogicalResult InterleaveOp::verify() {
  if (isDouble(getResult().getType(), getEven().getType(), getRows()))
    return success();
  return emitOpError() << "expected a result of twice the " << (getRows() ? "rows" : "channels") << " of "
                       << getEven().getType() << ", got " << getResult().getType();
}

LogicalResult AllOp::verify() {
  RankedTensorType source = getSource().getType();
  bool ofChannels = isIn<ChannelAttr>(source) && source.getRank() == 1;
  if ((ofChannels || getTogether()) && source.getElementType().isInteger(1))
    return success();
  return emitOpError() << "expected a " << (getTogether() ? "" : "[C] #tile.channel ") << "tile of i1, got " << source;
}

LogicalResult SumsOp::verify() {
  RankedTensorType result = getResult().getType();
  if (getSources().empty())
    return emitOpError() << "expected at least one source";
  for (Type type : getSources().getTypes()) {
    auto source = cast<RankedTensorType>(type);
    if (source.getRank() != 2 || !source.getElementType().isF32() ||
        source.getEncoding() != result.getEncoding() ||
        source.getDimSize(1) != result.getShape().back() || !result.getElementType().isF32())
      return emitOpError() << "expected sources of f32 with the lanes and channels of " << result
                           << ", got " << source;
  }
  int64_t rows = result.getRank() == 2 ? result.getDimSize(0) : 1;
  if (rows != int64_t(getSources().size()))
    return emitOpError() << "expected a row for each of " << getSources().size()
                         << " sources, got " << result;
  return success();
}

/// What loads and stores have in common.
static LogicalResult verifyPlace(Operation *op, RankedTensorType tile, ViewType view,
                                 size_t coordinates, bool transposed, bool whole) {
  size_t rank = view.getShape().size();
  if (coordinates != rank || int64_t(rank) < tile.getRank())
    return op->emitOpError() << "expected " << rank << " coordinates of a tensor of at least "
                             << tile.getRank() << " dimensions, got " << coordinates;
  if (transposed && tile.getRank() != 2)
    return op->emitOpError() << "expected 'transposed' on a tile of 2 dimensions, got " << tile;
  if (whole && (transposed || tile.getRank() != 2))
    return op->emitOpError() << "expected 'whole' on a tile of [R, C] that is not transposed, got "
                             << tile;
  auto element = dyn_cast<FloatType>(view.getElementType());
  if (!tile.getElementType().isF32() || !element || element.getWidth() > 32)
    return op->emitOpError() << "expected an f32 tile and a tensor of f16, bf16 or f32, got "
                             << tile << " and " << view;
  return success();
}

LogicalResult LoadChannelsOp::verify() {
  return verifyPlace(*this, getTile().getType(), getSource().getType(), getCoordinates().size(),
                     getTransposed(), getWhole());
}

LogicalResult StoreChannelsOp::verify() {
  if (getRows() && (getTransposed() || getTile().getType().getRank() != 2))
    return emitOpError() << "expected 'rows' of a tile of [R, C] that is not transposed, got "
                         << getTile().getType();
  return verifyPlace(*this, getTile().getType(), getDestination().getType(),
                     getCoordinates().size(), getTransposed(), getWhole());
}
