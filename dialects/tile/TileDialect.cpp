//===- TileDialect.cpp - Attributes and types of the tile dialect ---------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longwing::tile;

#include "dialects/tile/TileDialect.cpp.inc"
#include "dialects/tile/TileEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/tile/TileAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/tile/TileTypes.cpp.inc"

void TileDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/tile/TileAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/tile/TileTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/tile/TileOps.cpp.inc"
      >();
}

int64_t longwing::tile::sharedBytes(ArrayRef<int64_t> tileShape, Type element, int64_t panel) {
  int64_t rows = tileShape.front(), bytes = tileShape.back() * element.getIntOrFloatBitWidth() / 8;
  return llvm::divideCeil(bytes, panel) * panel * rows;
}

int64_t longwing::tile::ringTileBytes(RingType ring) {
  return llvm::alignTo(sharedBytes(ring.getTileShape(), ring.getElementType(), ring.getPanel()),
                       8 * ring.getPanel());
}

int64_t longwing::tile::slotBytes(RingType ring) { return ring.getParts() * ringTileBytes(ring); }

int64_t longwing::tile::boxStep(DescType desc, int64_t along, int64_t columns) {
  bool innermost = along + 1 == int64_t(desc.getShape().size());
  return innermost ? columns : desc.getShape()[along];
}

int64_t longwing::tile::panelBytes(RankedTensorType sharedTile) {
  return cast<SharedAttr>(sharedTile.getEncoding()).getPanel();
}

//===----------------------------------------------------------------------===//
// Layouts: which shapes they hold
//===----------------------------------------------------------------------===//

using EmitError = function_ref<InFlightDiagnostic()>;

/// Every size is static and a multiple of its step.
static LogicalResult verifyShape(StringRef layout, ArrayRef<int64_t> shape, ArrayRef<int64_t> steps,
                                 EmitError emitError) {
  bool fits = shape.size() == steps.size();
  for (size_t i = 0; fits && i < steps.size(); ++i)
    fits = shape[i] > 0 && shape[i] % steps[i] == 0;
  if (fits)
    return success();
  InFlightDiagnostic error = emitError() << "expected a " << layout << " tile of ";
  llvm::interleave(steps, error, [&](int64_t step) { error << step << "*n"; }, " x ");
  error << " elements, got a shape of [";
  llvm::interleaveComma(shape, error, [&](int64_t size) {
    ShapedType::isDynamic(size) ? error << "?" : error << size;
  });
  return error << "]";
}

LogicalResult AccAttr::verifyEncoding(ArrayRef<int64_t> shape, Type, EmitError emitError) const {
  return verifyShape("#tile.acc", shape, {kWarpgroupRows, 8}, emitError);
}

LogicalResult AFragAttr::verifyEncoding(ArrayRef<int64_t> shape, Type element,
                                        EmitError emitError) const {
  if (!element.isF16() && !element.isBF16())
    return emitError() << "expected a #tile.a_frag tile of f16 or bf16, got " << element;
  return verifyShape("#tile.a_frag", shape, {kWarpgroupRows, kMmaStep}, emitError);
}

LogicalResult RowAttr::verifyEncoding(ArrayRef<int64_t> shape, Type, EmitError emitError) const {
  return verifyShape("#tile.row", shape, {kWarpgroupRows}, emitError);
}

LogicalResult ColAttr::verifyEncoding(ArrayRef<int64_t> shape, Type, EmitError emitError) const {
  return verifyShape("#tile.col", shape, {8}, emitError);
}

LogicalResult LanesAttr::verifyEncoding(ArrayRef<int64_t> shape, Type, EmitError emitError) const {
  if (shape.size() == 2 && shape[1] != kLanes)
    return emitError() << "expected a #tile.lanes tile of " << kLanes << " columns, got "
                       << shape[1];
  return verifyShape("#tile.lanes", shape, {kWarpgroupRows, kLanes}, emitError);
}

LogicalResult LineAttr::verifyEncoding(ArrayRef<int64_t> shape, Type, EmitError emitError) const {
  return verifyShape("#tile.line", shape, {kWarpLanes}, emitError);
}

LogicalResult SharedAttr::verifyEncoding(ArrayRef<int64_t> shape, Type element,
                                         EmitError emitError) const {
  if (!element.isIntOrFloat() || element.getIntOrFloatBitWidth() % 8)
    return emitError() << "expected a #tile.shared tile of whole bytes, got " << element;
  if (getPanel() != 32 && getPanel() != 64 && getPanel() != kPanelBytes)
    return emitError() << "expected panels of 32, 64 or " << kPanelBytes << " bytes, got "
                       << getPanel();
  return verifyShape("#tile.shared", shape, {1, 8}, emitError);
}

/// Rows are spread over a power of two of lanes, at most a warp.
static LogicalResult verifyLanes(StringRef layout, int64_t lanes, int64_t rows,
                                 EmitError emitError) {
  if (lanes < 1 || lanes > 32 || (lanes & (lanes - 1)))
    return emitError() << "expected a " << layout << " tile over 1, 2, 4, 8, 16 or 32 lanes, got "
                       << lanes;
  if (rows < 1 || rows % lanes)
    return emitError() << "expected a " << layout << " tile with a multiple of " << lanes
                       << " rows, got " << rows;
  return success();
}

LogicalResult ChannelAttr::verifyEncoding(ArrayRef<int64_t> shape, Type element,
                                          EmitError emitError) const {
  if (element.isIntOrFloat() && element.getIntOrFloatBitWidth() == 16)
    return emitError() << "expected a #tile.channel tile without 16-bit elements, got " << element;
  if (shape.empty() || shape.size() > 2)
    return emitError() << "expected a #tile.channel tile of 1 or 2 dimensions, got "
                       << shape.size();
  if (failed(verifyLanes("#tile.channel", getLanes(),
                         shape.size() == 2 ? shape.front() : getLanes(), emitError)))
    return failure();
  return verifyShape("#tile.channel", shape.take_back(), {8}, emitError);
}

LogicalResult StateAttr::verifyEncoding(ArrayRef<int64_t> shape, Type element,
                                        EmitError emitError) const {
  if (element.isIntOrFloat() && element.getIntOrFloatBitWidth() == 16)
    return emitError() << "expected a #tile.state tile without 16-bit elements, got " << element;
  if (failed(verifyShape("#tile.state", shape, {1}, emitError)))
    return failure();
  return verifyLanes("#tile.state", getLanes(), shape.front(), emitError);
}

LogicalResult FragAttr::verifyEncoding(ArrayRef<int64_t> shape, Type, EmitError emitError) const {
  if (shape.size() == 3 && (shape[1] != kMatrixSize || shape[2] != kMatrixSize))
    return emitError() << "expected a #tile.frag tile of matrices of " << kMatrixSize << " x "
                       << kMatrixSize << ", got " << shape[1] << " x " << shape[2];
  return verifyShape("#tile.frag", shape, {4, kMatrixSize, kMatrixSize}, emitError);
}

//===----------------------------------------------------------------------===//
// Schedule
//===----------------------------------------------------------------------===//

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t consumers,
                                   int64_t producerRegisters, int64_t consumerRegisters,
                                   bool persistent, bool overlap, bool spread) {
  int64_t most = producerRegisters ? 3 : 4;
  if (consumers < 1 || consumers > most)
    return emitError() << "expected 1 to " << most << " consumer warpgroups, got " << consumers;
  for (int64_t registers : {producerRegisters ? producerRegisters : 24, consumerRegisters})
    if (registers < 24 || registers > 256 || registers % 8)
      return emitError() << "expected registers between 24 and 256, a multiple of 8, got "
                         << registers;
  return success();
}

//===----------------------------------------------------------------------===//
// Types: <2x128x64xbf16>
//===----------------------------------------------------------------------===//

template <typename T>
static Type parseShaped(AsmParser &parser, size_t minimumRank) {
  SmallVector<int64_t> shape;
  Type element;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseDimensionList(shape) || parser.parseType(element) ||
      parser.parseGreater())
    return {};
  bool dynamic = std::is_same_v<T, ViewType>;
  if (shape.size() < minimumRank) {
    parser.emitError(loc, "expected at least ") << minimumRank << " sizes, got " << shape.size();
    return {};
  }
  if (!dynamic && llvm::is_contained(shape, ShapedType::kDynamic)) {
    parser.emitError(loc, "expected static sizes");
    return {};
  }
  if (!element.isIntOrFloat()) {
    parser.emitError(loc, "expected an integer or float element type, got ") << element;
    return {};
  }
  return T::get(parser.getContext(), shape, element);
}

template <typename T>
static void printShaped(T type, AsmPrinter &printer) {
  printer << '<';
  for (int64_t size : type.getShape())
    (ShapedType::isDynamic(size) ? printer << '?' : printer << size) << 'x';
  printer << type.getElementType() << '>';
}

int64_t DescType::getRowDimension() const {
  int64_t last = int64_t(getShape().size()) - 1;
  for (int64_t d = last - 1; d >= 0; --d)
    if (getShape()[d] != 1)
      return d;
  return last - 1;
}

int64_t DescType::getBoxRows() const {
  int64_t rows = 1;
  for (int64_t size : getShape().drop_back())
    rows *= size;
  return rows;
}

/// As the others, and `, split = 4096` where the last dimension of the tensor is seen as two.
Type DescType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  int64_t split = 0;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseDimensionList(shape) || parser.parseType(element))
    return {};
  if (succeeded(parser.parseOptionalComma()) &&
      (parser.parseKeyword("split") || parser.parseEqual() || parser.parseInteger(split)))
    return {};
  if (parser.parseGreater())
    return {};
  size_t minimum = split ? 2 : 1;
  if (shape.size() < minimum) {
    parser.emitError(loc, "expected at least ") << minimum << " sizes, got " << shape.size();
    return {};
  }
  if (llvm::is_contained(shape, ShapedType::kDynamic)) {
    parser.emitError(loc, "expected static sizes");
    return {};
  }
  if (split < 0) {
    parser.emitError(loc, "expected a positive split, got ") << split;
    return {};
  }
  if (!element.isIntOrFloat()) {
    parser.emitError(loc, "expected an integer or float element type, got ") << element;
    return {};
  }
  return DescType::get(parser.getContext(), shape, element, split);
}

void DescType::print(AsmPrinter &printer) const {
  printer << '<';
  for (int64_t size : getShape())
    printer << size << 'x';
  printer << getElementType();
  if (getSplit())
    printer << ", split = " << getSplit();
  printer << '>';
}
Type ViewType::parse(AsmParser &parser) { return parseShaped<ViewType>(parser, 0); }
void ViewType::print(AsmPrinter &printer) const { printShaped(*this, printer); }
/// As the others, and `, panel = 32` where panels are narrow.
Type RingType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  int64_t panel = kPanelBytes;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(element))
    return {};
  if (succeeded(parser.parseOptionalComma()) &&
      (parser.parseKeyword("panel") || parser.parseEqual() || parser.parseInteger(panel)))
    return {};
  if (parser.parseGreater())
    return {};
  if (shape.size() < 3) {
    parser.emitError(loc, "expected at least 3 sizes, got ") << shape.size();
    return {};
  }
  if (!element.isIntOrFloat()) {
    parser.emitError(loc, "expected an integer or float element type, got ") << element;
    return {};
  }
  return RingType::get(parser.getContext(), shape, element, panel);
}

void RingType::print(AsmPrinter &printer) const {
  printer << '<';
  for (int64_t size : getShape())
    printer << size << 'x';
  printer << getElementType();
  if (getPanel() != kPanelBytes)
    printer << ", panel = " << getPanel();
  printer << '>';
}
Type SmemType::parse(AsmParser &parser) { return parseShaped<SmemType>(parser, 2); }
void SmemType::print(AsmPrinter &printer) const { printShaped(*this, printer); }
