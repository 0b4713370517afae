//===- RunOps.cpp - Tiles of sequences, Toeplitz products -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/Tile.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace longwing::tile;

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

LogicalResult RunsAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                       function_ref<InFlightDiagnostic()> emitError) const {
  bool fits = shape.size() == 2 && shape[0] > 0 && shape[0] % kWarpgroupRows == 0 &&
              shape[1] == kToeplitzSize;
  if (fits)
    return success();
  return emitError() << "expected a #tile.runs tile of 64*n x " << kToeplitzSize << " elements";
}

bool longwing::tile::isWoven(RankedTensorType type) {
  if (auto matrices = dyn_cast_or_null<ToeplitzAttr>(type.getEncoding()))
    return matrices.getWoven();
  auto runs = dyn_cast_or_null<RunsAttr>(type.getEncoding());
  return runs && runs.getWoven();
}

LogicalResult ToeplitzAttr::verifyEncoding(ArrayRef<int64_t> shape, Type element,
                                           function_ref<InFlightDiagnostic()> emitError) const {
  if (!element.isF16() && !element.isBF16())
    return emitError() << "expected #tile.toeplitz matrices of f16 or bf16, got " << element;
  bool fits = (shape.size() == 2 || (shape.size() == 3 && shape[0] > 0)) &&
              shape.back() == kToeplitzSize && shape[shape.size() - 2] == kToeplitzSize;
  if (fits)
    return success();
  return emitError() << "expected #tile.toeplitz matrices of " << kToeplitzSize << " x "
                     << kToeplitzSize << " elements";
}

//===----------------------------------------------------------------------===//
// Device memory
//===----------------------------------------------------------------------===//

static LogicalResult verifyRuns(Operation *op, RankedTensorType tile, ViewType view,
                                ValueRange indices) {
  if (view.getShape().empty() || indices.size() != view.getShape().size())
    return op->emitOpError() << "expected an index for each of the dimensions of " << view
                             << ", got " << indices.size();
  if (cast<RunsAttr>(tile.getEncoding()).getWoven())
    return op->emitOpError() << "expected runs that are not woven, got " << tile;
  Type element = tile.getElementType();
  if ((!element.isF16() && !element.isBF16()) || element != view.getElementType())
    return op->emitOpError() << "expected tile and tensor to have one element type, f16 or bf16, got "
                             << tile << " and " << view;
  for (Type type : indices.getTypes()) {
    auto rows = dyn_cast<RankedTensorType>(type);
    bool fits = type.isIndex() || (rows && isIn<RowAttr>(rows) && rows.getElementType().isIndex() &&
                                   rows.getDimSize(0) == tile.getDimSize(0));
    if (!fits)
      return op->emitOpError() << "expected an index, or one for each of " << tile.getDimSize(0)
                               << " rows, got " << type;
  }
  return success();
}

LogicalResult LoadRunsOp::verify() {
  return verifyRuns(*this, getTile().getType(), getSource().getType(), getIndices());
}

LogicalResult StoreRunsOp::verify() {
  return verifyRuns(*this, getTile().getType(), getDestination().getType(), getIndices());
}

//===----------------------------------------------------------------------===//
// SRAM
//===----------------------------------------------------------------------===//

LogicalResult ReadRunsOp::verify() {
  RankedTensorType source = getSource().getType(), tile = getTile().getType();
  int64_t rows = getRows(), from = getFrom();
  if (!cast<RunsAttr>(tile.getEncoding()).getWoven() || source.getRank() != 2 ||
      source.getDimSize(1) != kToeplitzSize || source.getElementType() != tile.getElementType() ||
      source.getElementTypeBitWidth() != 16 || panelBytes(source) != kPanelBytes)
    return emitOpError() << "expected a tile of " << kToeplitzSize << " columns of 16 bits and woven runs of its elements, got "
                         << source << " and " << tile;
  if (rows < 1 || tile.getDimSize(0) % rows || source.getDimSize(0) * rows % tile.getDimSize(0))
    return emitOpError() << "expected groups of as many rows as divide tiles, got " << rows << " of " << source << " and " << tile;
  int64_t pitch = getPitch();
  if (from < 0 || (getWrap() ? pitch != rows || from >= rows : from + rows > pitch))
    return emitOpError() << "expected rows of a group of " << pitch << ", got " << rows << " from " << from;
  return success();
}

//===----------------------------------------------------------------------===//
// Toeplitz matrices
//===----------------------------------------------------------------------===//

LogicalResult ToeplitzOp::verify() {
  if (getResult().getType().getRank() != 3)
    return emitOpError() << "expected a result of several matrices, got " << getResult().getType();
  return success();
}

LogicalResult ToeplitzOp::verifyRegions() {
  Block &body = getBody().front();
  if (body.getNumArguments() != 1 || !body.getArgument(0).getType().isIndex())
    return emitOpError() << "expected a region of one index, the lag";
  auto yield = body.empty() ? YieldOp() : dyn_cast<YieldOp>(body.back());
  Type element = getResult().getType().getElementType();
  if (!yield || !llvm::equal(yield.getOperandTypes(), ArrayRef<Type>(element)))
    return emitOpError() << "expected a region that yields " << element;
  return success();
}

LogicalResult LagOp::verify() {
  RankedTensorType source = getSource().getType(), result = getResult().getType();
  if (source.getRank() != 3 || result.getRank() != 2 ||
      source.getElementType() != result.getElementType() || source.getEncoding() != result.getEncoding())
    return emitOpError() << "expected one matrix of several, got " << result << " of " << source;
  if (int64_t(getIndex()) < 0 || int64_t(getIndex()) >= source.getDimSize(0))
    return emitOpError() << "expected a matrix below " << source.getDimSize(0) << ", got "
                         << getIndex();
  return success();
}
