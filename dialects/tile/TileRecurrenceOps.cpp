//===- TileRecurrenceOps.cpp - What chunked recurrences add ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/Tile.h"

using namespace mlir;
using namespace longwing::tile;

LogicalResult ScanOp::verify() {
  if (!getSource().getType().getElementType().isF32())
    return emitOpError() << "expected a line of f32, got " << getSource().getType();
  return success();
}

LogicalResult DistributeOp::verify() {
  RankedTensorType source = getSource().getType(), result = getResult().getType();
  if (!source.getElementType().isF32() || source.getElementType() != result.getElementType() ||
      source.getShape() != result.getShape())
    return emitOpError() << "expected f32 and the shape of " << source << ", got " << result;
  return success();
}

LogicalResult PickOp::verify() {
  RankedTensorType source = getSource().getType();
  if (getResult().getType() != source.getElementType() || !source.getElementType().isF32())
    return emitOpError() << "expected an f32 of a line of f32, got " << getResult().getType()
                         << " of " << source;
  if (int64_t(getPosition()) < 0 || int64_t(getPosition()) >= source.getDimSize(0))
    return emitOpError() << "expected a position below " << source.getDimSize(0) << ", got "
                         << getPosition();
  return success();
}

static bool is16Bit(Type type) { return type.isF16() || type.isBF16(); }

LogicalResult FragmentOp::verify() {
  RankedTensorType source = getSource().getType(), result = getResult().getType();
  SmallVector<int64_t> shape(source.getShape());
  if (getTranspose())
    std::swap(shape[0], shape[1]);
  if (!is16Bit(source.getElementType()) || !result.getElementType().isF32() ||
      result.getShape() != ArrayRef(shape) || shape[1] % kMmaStep)
    return emitOpError() << "expected f16 or bf16 elements as an f32 tile of " << shape[0] << "x"
                         << shape[1] << ", with a multiple of " << kMmaStep << " columns, got "
                         << source << " as " << result;
  return success();
}

LogicalResult StageOp::verify() {
  RankedTensorType source = getSource().getType(), tile = getTile().getType();
  if (!is16Bit(source.getElementType()) || source.getElementType() != tile.getElementType() ||
      source.getShape() != tile.getShape() || source.getDimSize(1) % kMmaStep)
    return emitOpError() << "expected a tile of f16 or bf16 with a multiple of " << kMmaStep
                         << " columns, in its own shape, got " << source << " as " << tile;
  if (getBuffer() && getBuffer().getType().getTileShape() != tile.getShape())
    return emitOpError() << "expected a buffer for " << tile << ", got " << getBuffer().getType();
  return success();
}

LogicalResult ScatterOp::verify() {
  ViewType view = getDestination().getType();
  RankedTensorType tile = getTile().getType();
  if (getIndices().size() != view.getShape().size())
    return emitOpError() << "expected " << view.getShape().size() << " indices, got "
                         << getIndices().size();
  // An accumulator's registers may hold two neighbours.
  unsigned bits = tile.getElementTypeBitWidth();
  bool fitsRegisters = bits == 32 || (bits == 16 && isIn<AccAttr>(tile));
  if (tile.getElementType() != view.getElementType() || !fitsRegisters)
    return emitOpError() << "expected 32-bit elements of one type, or 16-bit ones of an accumulator, "
                            "got "
                         << tile << " to " << view;
  for (Type type : getIndices().getTypes()) {
    auto index = dyn_cast<RankedTensorType>(type);
    bool fits = index ? index.getElementType().isIndex() && index.clone(tile.getElementType()) == tile
                      : type.isIndex();
    if (!fits)
      return emitOpError() << "expected an index, or a tile of index shaped as " << tile << ", got "
                           << type;
  }
  return success();
}
