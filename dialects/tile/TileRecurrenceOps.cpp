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

LogicalResult GreatestOp::verify() {
  if (!getSource().getType().getElementType().isF32())
    return emitOpError() << "expected a line of f32, got " << getSource().getType();
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

LogicalResult BetweenOp::verify() {
  RankedTensorType from = getFrom().getType(), result = getResult().getType();
  constexpr int64_t kMostColumns = 128; // a thread has a bit for each of its own
  if (from.getElementType().isIndex() && from.getDimSize(0) == result.getDimSize(0) &&
      result.getDimSize(1) <= kMostColumns)
    return success();
  return emitOpError() << "expected rows of index and as many of at most " << kMostColumns
                       << " columns, got " << from << " and " << result;
}

LogicalResult CommonOp::verify() {
  RankedTensorType source = getSource().getType();
  auto result = dyn_cast<RankedTensorType>(getResult().getType());
  bool fits = isIn<RowAttr>(source)
                  ? getResult().getType() == source.getElementType()
                  : result && isIn<ColAttr>(result) &&
                        result.getElementType() == source.getElementType() &&
                        result.getDimSize(0) == source.getDimSize(1);
  if (fits && source.getElementTypeBitWidth() == 32)
    return success();
  return emitOpError() << "expected a row of a 32-bit accumulator or a value of a #tile.row tile, got "
                       << getResult().getType() << " of " << source;
}

static bool is16Bit(Type type) { return type.isF16() || type.isBF16(); }

LogicalResult PartsOp::verify() {
  RankedTensorType source = getSource().getType(), whole = getWhole().getType();
  if (source.getElementType().isF32() && is16Bit(whole.getElementType()) &&
      source.getShape() == whole.getShape())
    return success();
  return emitOpError() << "expected f32 as f16 or bf16 in its own shape, got " << source << " as "
                       << whole;
}

LogicalResult FragmentOp::verify() {
  RankedTensorType source = getSource().getType(), result = getResult().getType();
  SmallVector<int64_t> shape(source.getShape());
  if (getTranspose())
    std::swap(shape[0], shape[1]);
  bool fits = is16Bit(source.getElementType()) || (source.getElementType().isF32() && !getTranspose());
  bool operand = isIn<AFragAttr>(result);
  if (!fits || result.getElementType() != (operand ? source.getElementType() : Float32Type::get(getContext())) ||
      result.getShape() != ArrayRef(shape) || shape[1] % kMmaStep)
    return emitOpError() << "expected f16, bf16 or, not transposed, f32 elements as an f32 tile of " << shape[0] << "x"
                         << shape[1] << ", with a multiple of " << kMmaStep << " columns, or 16-bit ones as an operand, got "
                         << source << " as " << result;
  return success();
}

LogicalResult PanelOp::verify() {
  RankedTensorType source = getSource().getType(), tile = getTile().getType();
  int64_t columns = kPanelBytes * 8 / source.getElementTypeBitWidth();
  int64_t first = getFirst(), end = first + tile.getDimSize(1);
  if (source.getElementType() != tile.getElementType() || source.getDimSize(0) != tile.getDimSize(0) ||
      first < 0 || first % columns || end > source.getDimSize(1))
    return emitOpError() << "expected rows as they are and columns within the tile, from a multiple of "
                         << columns << " on, got those from " << first << " of " << source << " as " << tile;
  return success();
}

LogicalResult TrimOp::verify() {
  if (panelBytes(getSource().getType()) != kPanelBytes)
    return emitOpError() << "expected a tile of panels of " << kPanelBytes << " bytes, got "
                         << getSource().getType();
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
