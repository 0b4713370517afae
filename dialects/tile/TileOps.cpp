//===- TileOps.cpp - Operations of the tile dialect -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/Tile.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longwing::tile;

#define GET_OP_CLASSES
#include "dialects/tile/TileOps.cpp.inc"

//===----------------------------------------------------------------------===//
// KernelOp
//===----------------------------------------------------------------------===//

void KernelOp::build(OpBuilder &builder, OperationState &state, StringRef name, TypeRange inputs,
                     ScheduleAttr schedule) {
  state.addAttribute(SymbolTable::getSymbolAttrName(), builder.getStringAttr(name));
  state.addAttribute(getFunctionTypeAttrName(state.name),
                     TypeAttr::get(builder.getFunctionType(inputs, {})));
  state.addAttribute(getScheduleAttrName(state.name), schedule);
  Region *body = state.addRegion();
  Block *block = new Block;
  body->push_back(block);
  for (Type input : inputs)
    block->addArgument(input, state.location);
}

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  if (parser.parseSymbolName(name, SymbolTable::getSymbolAttrName(), result.attributes))
    return failure();
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<Type> resultTypes;
  SmallVector<DictionaryAttr> resultAttrs;
  bool variadic = false;
  if (function_interface_impl::parseFunctionSignatureWithArguments(
          parser, /*allowVariadic=*/false, arguments, variadic, resultTypes, resultAttrs))
    return failure();
  if (!resultTypes.empty())
    return parser.emitError(parser.getNameLoc(), "a kernel has no results");
  SmallVector<Type> inputs;
  for (auto &argument : arguments)
    inputs.push_back(argument.type);
  Builder &builder = parser.getBuilder();
  result.addAttribute(getFunctionTypeAttrName(result.name),
                      TypeAttr::get(builder.getFunctionType(inputs, {})));
  ScheduleAttr schedule;
  if (parser.parseKeyword("schedule") ||
      parser.parseCustomAttributeWithFallback(schedule, Type(), "schedule", result.attributes) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  call_interface_impl::addArgAndResultAttrs(builder, result, arguments, resultAttrs,
                                            getArgAttrsAttrName(result.name),
                                            getResAttrsAttrName(result.name));
  return parser.parseRegion(*result.addRegion(), arguments);
}

void KernelOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  // Where no argument has attributes, upstream prints the types alone, and the body's names would be lost.
  ArrayAttr attributes = getArgAttrsAttr();
  if (!attributes)
    attributes = ArrayAttr::get(getContext(), SmallVector<Attribute>(getArgumentTypes().size(),
                                                                     DictionaryAttr::get(getContext())));
  call_interface_impl::printFunctionSignature(printer, getArgumentTypes(), attributes,
                                              /*isVariadic=*/false, {}, nullptr, &getBody());
  printer << " schedule ";
  printer.printStrippedAttrOrType(getSchedule());
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {SymbolTable::getSymbolAttrName(), getFunctionTypeAttrName(),
                            getArgAttrsAttrName(), getResAttrsAttrName(), getScheduleAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

bool KernelOp::isOutput(unsigned argument) { return getArgAttr(argument, kOutAttr) != nullptr; }

void KernelOp::setOutput(unsigned argument) {
  setArgAttr(argument, kOutAttr, UnitAttr::get(getContext()));
}

LogicalResult KernelOp::verify() {
  if (getBody().empty())
    return emitOpError() << "expected a body";
  for (Type type : getArgumentTypes())
    if (!isa<DescType, ViewType>(type))
      return emitOpError() << "expected arguments of type !tile.desc or !tile.view, got " << type;
  for (Type type : getArgumentTypes())
    if (auto desc = dyn_cast<DescType>(type)) {
      int64_t bytes = desc.getShape().back() * desc.getElementType().getIntOrFloatBitWidth() / 8;
      if (desc.getShape().size() > 5 || bytes > kPanelBytes)
        return emitOpError() << "expected boxes of at most 5 dimensions and " << kPanelBytes
                             << " bytes a row, got " << type;
    }
  return success();
}

//===----------------------------------------------------------------------===//
// LaunchOp, ForEachOp, DimOp
//===----------------------------------------------------------------------===//

/// Whether an unfolded tensor of that type has `rank` dimensions and stays inside of it.
static bool unfolds(DenseI64ArrayAttr unfold, RankedTensorType tensor, size_t rank) {
  ArrayRef<int64_t> entries = unfold;
  // How far each dimension is reached, and, where one takes all of it in steps, within such a step.
  SmallVector<int64_t> last(tensor.getRank(), 0), steps(tensor.getRank(), 0);
  if (entries.size() == 3 * rank + 1) {
    last.back() = entries.back();
    entries = entries.drop_back();
  }
  for (size_t i = 0; i + 2 < entries.size(); i += 3) {
    int64_t dimension = entries[i], step = entries[i + 1], size = entries[i + 2];
    if (dimension < 0 || dimension >= tensor.getRank() || step < 1 || size < 0)
      return false;
    last[dimension] += size ? step * (size - 1) : 0;
    if (!size && std::exchange(steps[dimension], step))
      return false;
  }
  for (auto [size, reached, step] : llvm::zip(tensor.getShape(), last, steps))
    if (reached && (step ? reached >= step : ShapedType::isDynamic(size) || reached >= size))
      return false;
  return entries.size() == 3 * rank;
}

/// The tensor with its last two dimensions as one; null if there are none.
static RankedTensorType flattened(RankedTensorType tensor) {
  if (tensor.getRank() < 2)
    return {};
  SmallVector<int64_t> shape(tensor.getShape());
  int64_t inner = shape.pop_back_val();
  bool known = !ShapedType::isDynamic(inner) && !ShapedType::isDynamic(shape.back());
  shape.back() = known ? shape.back() * inner : ShapedType::kDynamic;
  return tensor.clone(shape);
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError() << "expected a kernel named " << getKernelAttr();
  if (kernel.getNumArguments() != getOperands_().size())
    return emitOpError() << "expected " << kernel.getNumArguments() << " operands, got "
                         << getOperands_().size();
  unsigned outputs = 0;
  for (auto [i, type] : llvm::enumerate(kernel.getArgumentTypes())) {
    auto tensor = cast<RankedTensorType>(getOperands_()[i].getType());
    auto [shape, element] =
        isa<DescType>(type)
            ? std::pair(cast<DescType>(type).getShape(), cast<DescType>(type).getElementType())
            : std::pair(cast<ViewType>(type).getShape(), cast<ViewType>(type).getElementType());
    auto unfold = kernel.getArgAttrOfType<DenseI64ArrayAttr>(i, kUnfoldAttr);
    auto desc = dyn_cast<DescType>(type);
    int64_t rank = unfold ? tensor.getRank() : desc ? desc.getTensorRank() : int64_t(shape.size());
    RankedTensorType seen = kernel.getArgAttr(i, kFlattenAttr) ? flattened(tensor) : tensor;
    bool fits = seen && seen.getRank() == rank && tensor.getElementType() == element &&
                (!unfold || unfolds(unfold, tensor, shape.size())) &&
                (isa<DescType>(type) || succeeded(verifyCompatibleShape(seen.getShape(), shape)));
    if (!fits)
      return emitOpError() << "expected operand " << i << " to fit " << type << ", got " << tensor;
    if (auto alias = kernel.getArgAttrOfType<IntegerAttr>(i, kAliasAttr)) {
      uint64_t other = alias.getInt();
      if (other >= i || !kernel.isOutput(other) || kernel.isOutput(i) || getOperands_()[other] != getOperands_()[i])
        return emitOpError() << "expected operand " << i << " to be the same tensor as one before it that "
                             << getKernelAttr() << " writes, operand " << other;
    }
    if (!kernel.isOutput(i))
      continue;
    if (outputs >= getNumResults() || getResult(outputs).getType() != tensor)
      return emitOpError() << "expected result " << outputs << " to have the type of operand " << i
                           << ", " << tensor;
    ++outputs;
  }
  if (outputs != getNumResults())
    return emitOpError() << "expected " << outputs << " results, got " << getNumResults();
  return success();
}

void ForEachOp::build(OpBuilder &builder, OperationState &state, ValueRange sizes) {
  state.addOperands(sizes);
  OpBuilder::InsertionGuard guard(builder);
  Block *body = builder.createBlock(state.addRegion());
  for (size_t i = 0; i < sizes.size(); ++i)
    body->addArgument(builder.getIndexType(), state.location);
  ReturnOp::create(builder, state.location);
}

LogicalResult ForEachOp::verifyRegions() {
  Block &body = getBody().front();
  if (body.getNumArguments() != getSizes().size() ||
      !llvm::all_of(body.getArgumentTypes(), [](Type t) { return t.isIndex(); }))
    return emitOpError() << "expected one index argument for each of " << getSizes().size()
                         << " sizes";
  return success();
}

/// Coordinates that a tensor argument takes.
static int64_t rankOf(Type type) {
  return isa<DescType>(type) ? cast<DescType>(type).getShape().size()
                             : cast<ViewType>(type).getShape().size();
}

MemRefType longwing::tile::elementsType(ViewType type) {
  SmallVector<int64_t> strides(type.getShape().size(), ShapedType::kDynamic);
  auto layout = StridedLayoutAttr::get(type.getContext(), ShapedType::kDynamic, strides);
  return MemRefType::get(type.getShape(), type.getElementType(), layout);
}

LogicalResult ElementsOp::verify() {
  if (getMemory().getType() != elementsType(getSource().getType()))
    return emitOpError() << "expected memory of type " << elementsType(getSource().getType()) << ", got "
                         << getMemory().getType();
  auto kernel = (*this)->getParentOfType<KernelOp>();
  if (!kernel || !kernel->getAttrOfType<IntegerAttr>(kPointsAttr))
    return emitOpError() << "expected a kernel with the attribute '" << kPointsAttr << "'";
  return success();
}

LogicalResult DimOp::verify() {
  int64_t rank = rankOf(getSource().getType());
  // Of a dimension that is seen as two, neither has a size of its own.
  if (auto desc = dyn_cast<DescType>(getSource().getType()); desc && desc.getSplit())
    rank -= 2;
  if (int64_t(getDimension()) < 0 || int64_t(getDimension()) >= rank)
    return emitOpError() << "expected a dimension below " << rank << ", got " << getDimension();
  return success();
}

//===----------------------------------------------------------------------===//
// Device memory
//===----------------------------------------------------------------------===//

static LogicalResult verifyCoordinates(Operation *op, Type type, ValueRange coordinates) {
  if (int64_t(coordinates.size()) != rankOf(type))
    return op->emitOpError() << "expected " << rankOf(type) << " coordinates, got "
                             << coordinates.size();
  return success();
}

/// Boxes follow each other along a dimension of the tensor.
static LogicalResult verifyAlong(Operation *op, DescType desc, std::optional<int64_t> along) {
  int64_t rank = desc.getShape().size();
  if (along && (*along < 0 || *along >= rank))
    return op->emitOpError() << "expected boxes along a dimension below " << rank << ", got "
                             << *along;
  return success();
}

LogicalResult LoadOp::verify() {
  DescType desc = getSource().getType();
  if (failed(verifyCoordinates(*this, desc, getCoordinates())))
    return failure();
  RankedTensorType tile = getTile().getType();
  int64_t rows = desc.getShape().size() < 2 ? 0 : desc.getBoxRows();
  if (tile.getRank() != 2 || tile.getElementType() != desc.getElementType() || !rows ||
      (getAlong() ? tile.getDimSize(0) % rows : tile.getDimSize(0) - rows))
    return emitOpError() << "expected a tile of " << rows << (getAlong() ? " n" : "")
                         << " rows of " << desc.getElementType() << ", got " << tile;
  int64_t bytes = desc.getShape().back() * desc.getElementType().getIntOrFloatBitWidth() / 8;
  if (bytes != panelBytes(tile))
    return emitOpError() << "expected boxes as wide as the tile's panels of " << panelBytes(tile)
                         << " bytes, got " << bytes;
  if (failed(verifyAlong(*this, desc, getAlong())))
    return failure();
  if (int64_t(getStages()) < 1)
    return emitOpError() << "expected at least one stage, got " << getStages();
  return success();
}

LogicalResult StoreOp::verify() {
  if (rankOf(getDestination().getType()) < 2)
    return emitOpError() << "expected a destination of at least 2 dimensions, got "
                         << getDestination().getType();
  RankedTensorType tile = getTile().getType();
  ArrayRef<int64_t> box = getDestination().getType().getShape();
  int64_t rows = ShapedType::getNumElements(box.drop_back());
  if (isIn<SharedAttr>(tile) && tile.getShape() != ArrayRef<int64_t>{rows, box.back()})
    return emitOpError() << "expected a tile of the box's size, " << rows << "x" << box.back()
                         << ", got " << tile;
  if (tile.getElementType() != getDestination().getType().getElementType())
    return emitOpError() << "expected a tile of " << getDestination().getType().getElementType()
                         << ", got " << tile;
  DescType desc = getDestination().getType();
  if (auto runs = dyn_cast<RunsAttr>(tile.getEncoding());
      runs && (!runs.getWoven() || desc.getBoxRows() != kWarpgroupRows || box.back() != kToeplitzSize))
    return emitOpError() << "expected woven runs and a box of " << kWarpgroupRows << " rows of " << kToeplitzSize
                         << ", got " << tile << " and " << desc;
  if (getAlong() && (desc.getBoxRows() != kWarpgroupRows || isIn<SharedAttr>(tile)))
    return emitOpError() << "expected boxes of " << kWarpgroupRows << " rows, got " << desc;
  if (failed(verifyAlong(*this, desc, getAlong())))
    return failure();
  return verifyCoordinates(*this, getDestination().getType(), getCoordinates());
}

LogicalResult StoreRowOp::verify() {
  ViewType view = getDestination().getType();
  if (view.getShape().empty())
    return emitOpError() << "expected a destination of at least 1 dimension, got " << view;
  if (getTile().getType().getElementType() != view.getElementType())
    return emitOpError() << "expected a tile of " << view.getElementType() << ", got "
                         << getTile().getType();
  return verifyCoordinates(*this, getDestination().getType(), getCoordinates());
}

LogicalResult StoreEnergyOp::verify() {
  ViewType view = getDestination().getType();
  if (view.getShape().size() != 1 || !view.getElementType().isF32())
    return emitOpError() << "expected a destination of one dimension of f32, got " << view;
  if (getTiles().empty())
    return emitOpError() << "expected at least one tile";
  for (Value tile : getTiles())
    if (auto type = cast<RankedTensorType>(tile.getType());
        !type.getElementType().isF32() || type.getShape() != cast<RankedTensorType>(getTiles()[0].getType()).getShape())
      return emitOpError() << "expected tiles of f32 of one shape, got " << type;
  return success();
}

LogicalResult GatherOp::verify() {
  if (failed(verifyCoordinates(*this, getSource().getType(), getIndices())))
    return failure();
  auto result = dyn_cast<RankedTensorType>(getResult().getType());
  Type element = getSource().getType().getElementType();
  if (getElementTypeOrSelf(getResult().getType()) != element)
    return emitOpError() << "expected a result of " << element << ", got " << getResult().getType();
  for (Type index : getIndices().getTypes()) {
    auto tile = dyn_cast<RankedTensorType>(index);
    if (index.isIndex() ||
        (tile && result && tile.getElementType().isIndex() &&
         tile.getShape() == result.getShape() && tile.getEncoding() == result.getEncoding()))
      continue;
    return emitOpError() << "expected an index, or a tile of index shaped as the result "
                         << getResult().getType() << ", got " << index;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

template <typename ProductOp>
static LogicalResult verifyProduct(ProductOp op) {
  RankedTensorType a = cast<RankedTensorType>(op.getA().getType()),
                   b = cast<RankedTensorType>(op.getB().getType()), d = op.getResult().getType();
  bool runs = isIn<RunsAttr>(a);
  if (runs != isIn<ToeplitzAttr>(b) || runs != isIn<RunsAttr>(d) ||
      (runs && (op.getTransposeB() || op.getNegate() || op.getBlocked() || a.getEncoding() != d.getEncoding() || isWoven(a) != isWoven(b))))
    return op.emitOpError() << "expected all of a, b and the result to be #tile.runs, #tile.toeplitz "
                               "and #tile.runs, not transposed, or none, got "
                            << a << ", " << b << " and " << d;
  if (b.getRank() != 2)
    return op.emitOpError() << "expected one matrix as b, got " << b;
  int64_t m = a.getDimSize(0), k = a.getDimSize(1);
  if (op.getBlocked()) {
    m = d.getDimSize(0);
    if (op.getTransposeB() || !isIn<SharedAttr>(a) || a.getDimSize(0) != kWarpgroupRows ||
        b.getDimSize(0) * kWarpgroupRows != m * k)
      return op.emitOpError() << "expected a blocked product to take [" << kWarpgroupRows
                              << ", K] in SRAM and a block of K rows for each " << kWarpgroupRows
                              << " rows of its result, got " << a << ", " << b << " and " << d;
    b = b.clone({k, b.getDimSize(1)});
  }
  int64_t n = b.getDimSize(op.getTransposeB() ? 0 : 1),
          kb = b.getDimSize(op.getTransposeB() ? 1 : 0);
  if (d.getShape() != ArrayRef<int64_t>{m, n} || !d.getElementType().isF32())
    return op.emitOpError() << "expected a result of " << m << "x" << n << "xf32, got " << d;
  if (k != kb)
    return op.emitOpError() << "expected as many columns of a as rows of b, got " << k << " and "
                            << kb;
  if (a.getElementType() != b.getElementType() ||
      !(a.getElementType().isF16() || a.getElementType().isBF16()))
    return op.emitOpError() << "expected operands of one 16-bit float type, got " << a << " and "
                            << b;
  if (m % kWarpgroupRows || k % kMmaStep || n % 8 || n > 256)
    return op.emitOpError() << "expected m a multiple of " << kWarpgroupRows << ", k of "
                            << kMmaStep << ", n of 8 and at most 256, got " << m << ", " << k
                            << ", " << n;
  if (op.getC() && op.getC().getType() != d)
    return op.emitOpError() << "expected c to have the type of the result, got "
                            << op.getC().getType();
  return success();
}

LogicalResult DotOp::verify() { return verifyProduct(*this); }
LogicalResult MmaAsyncOp::verify() { return verifyProduct(*this); }

LogicalResult ReduceOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType()),
       result = cast<RankedTensorType>(getResult().getType());
  bool lanes = isIn<LanesAttr>(result);
  if (!isa<FloatType>(source.getElementType()))
    return emitOpError() << "expected a tile of floats, got " << source;
  if (auto channels = dyn_cast_or_null<ChannelAttr>(source.getEncoding())) {
    if (source.getRank() != 2 || result.getEncoding() != channels ||
        result.getElementType() != source.getElementType() ||
        result.getShape() != ArrayRef<int64_t>{channels.getLanes(), source.getDimSize(1)})
      return emitOpError() << "expected a result of " << channels.getLanes()
                           << " rows in the layout of " << source << ", got " << result;
    return success();
  }
  if (isIn<ChannelAttr>(result))
    return emitOpError() << "expected a source in the layout of " << result << ", got " << source;
  if (lanes && isIn<LanesAttr>(source))
    return emitOpError() << "expected a #tile.row result from a #tile.lanes tile";
  SmallVector<int64_t> shape = {source.getDimSize(0)};
  if (lanes)
    shape.push_back(4);
  if (result.getShape() != ArrayRef(shape) || result.getElementType() != source.getElementType())
    return emitOpError() << "expected a result with a value per row of " << source << ", got "
                         << result;
  return success();
}

LogicalResult BroadcastOp::verify() {
  auto result = getResult().getType();
  auto source = dyn_cast<RankedTensorType>(getSource().getType());
  Type element = source ? source.getElementType() : getSource().getType();
  bool fits = !source;
  if (source && isIn<RowAttr>(source))
    fits = (isIn<AccAttr>(result) || isIn<LanesAttr>(result)) &&
           result.getDimSize(0) == source.getDimSize(0);
  if (source && isIn<ColAttr>(source))
    fits = isIn<AccAttr>(result) && result.getDimSize(1) == source.getDimSize(0);
  if (source && isIn<ChannelAttr>(source))
    fits = source.getRank() == 1 && result.getRank() == 2 &&
           source.getEncoding() == result.getEncoding() &&
           source.getDimSize(0) == result.getDimSize(1);
  if (source && isIn<StateAttr>(source))
    fits = isIn<ChannelAttr>(result) && result.getRank() == 2 &&
           source.getDimSize(0) == result.getDimSize(0) &&
           cast<StateAttr>(source.getEncoding()).getLanes() ==
               cast<ChannelAttr>(result.getEncoding()).getLanes();
  if (!fits || element != result.getElementType())
    return emitOpError() << "cannot broadcast " << getSource().getType() << " to " << result;
  return success();
}

LogicalResult ConvertOp::verify() {
  auto source = getSource().getType(), result = cast<RankedTensorType>(getResult().getType());
  if (isIn<RunsAttr>(source) != isIn<RunsAttr>(result))
    return emitOpError() << "expected runs to stay runs, got " << source << " to " << result;
  if (source.getShape() != result.getShape() || !source.getElementType().isF32() ||
      !(result.getElementType().isF16() || result.getElementType().isBF16()))
    return emitOpError() << "expected to round f32 to f16 or bf16 in the source's shape, got "
                         << source << " to " << result;
  return success();
}

LogicalResult IotaOp::verify() {
  Type element = getElementTypeOrSelf(getResult());
  if (!element.isIndex() && !element.isF32())
    return emitOpError() << "expected a tile of index or f32, got " << getResult().getType();
  return success();
}
