//===- InPlace.cpp - Transforms in place in SRAM --------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "PtxAsm.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// Rows of a buffer in place, of 128 bytes: columns j of the grid lie in planes of four, [j / 4][i][64], and between two planes
/// is a row more. Chunks of 16 bytes are swizzled as the copy engine does it. So neither the rows of one i nor those of one j
/// meet in a bank.
static int64_t gridRows(Value buffer) { return (cast<SmemType>(buffer.getType()).getShape()[0] - 16) / 8; }
static int64_t planeBytes(Value buffer) { return (gridRows(buffer) + 1) * kPanelBytes; }
/// From a row's first part to its second one: swizzled alike.
static int64_t partBytes(Value buffer) { return llvm::alignTo(4 * planeBytes(buffer), 8 * kPanelBytes); }

/// This thread's row of a matrix, for ldmatrix and stmatrix: lane l has row l % 16 and the chunk l / 16.
std::pair<Value, int64_t> Emitter::rowAddress(Value memory, Value i, Value j, int64_t along, int64_t step) {
  int64_t offset = *memory.getDefiningOp<AllocOp>().getOffset();
  Value row = both(lane, i32(15)), far = mul(matrixWarp, step), chunk = LLVM::LShrOp::create(b, loc, lane, i32(4));
  auto at = [&](Value i, Value j) -> Value {
    Value plane = LLVM::LShrOp::create(b, loc, j, i32(2)), column = add(mul(both(j, i32(3)), 2), chunk);
    Value turned = LLVM::XOrOp::create(b, loc, column, both(add(plane, i), i32(7)));
    return add(sramBase, Value(add(mul(plane, planeBytes(memory)), add(mul(i, kPanelBytes), mul(turned, 16)))));
  };
  if (along == 0)
    return {at(add(one(i), far), row), offset};
  // Rows of a multiple of 16 have their chunks in the same order.
  Value base = at(row, add(one(j), far));
  if (std::optional<int64_t> first = getConstantIntValue(i))
    return {base, offset + *first * kPanelBytes};
  return {add(base, mul(one(i), kPanelBytes)), offset};
}

void Emitter::emitWarps(WriteRowsOp op) {
  auto [base, offset] = rowAddress(op.getBuffer(), op.getI(), op.getJ(), op.getAlong(), op.getStep());
  ptx::storeMatrix(b, loc, base, offset, get(op.getFirst()));
  ptx::storeMatrix(b, loc, base, offset + partBytes(op.getBuffer()), get(op.getSecond()));
}

void Emitter::emitWarps(ReadRowsOp op) {
  auto [base, offset] = rowAddress(op.getBuffer(), op.getI(), op.getJ(), op.getAlong(), op.getStep());
  set(op.getFirst(), readMatrix(base, offset, op.getTranspose()));
  set(op.getSecond(), readMatrix(base, offset + partBytes(op.getBuffer()), op.getTranspose()));
}

/// This thread's two words of rows l / 4 and l / 4 + 8 of a matrix in quads.
std::pair<Value, int64_t> Emitter::quadAddress(Value memory, Value i, Value j) {
  int64_t offset = *memory.getDefiningOp<AllocOp>().getOffset() + *getConstantIntValue(i) * kPanelBytes;
  Value row = LLVM::LShrOp::create(b, loc, lane, i32(2)), column = add(one(j), matrixWarp);
  Value plane = LLVM::LShrOp::create(b, loc, column, i32(2));
  Value chunk = add(mul(both(column, i32(3)), 2), Value(LLVM::LShrOp::create(b, loc, quadLane, i32(1))));
  Value turned = LLVM::XOrOp::create(b, loc, chunk, both(add(plane, row), i32(7)));
  Value base = add(sramBase, add(mul(plane, planeBytes(memory)), mul(row, kPanelBytes)));
  return {add(base, add(mul(turned, 16), mul(both(quadLane, i32(1)), 8))), offset};
}

void Emitter::emitWarps(TakeRowsOp op) {
  if (op.getQuads()) {
    auto [base, offset] = quadAddress(op.getBuffer(), op.getI(), op.getJ());
    Values words[2];
    for (int64_t half = 0; half < 2; ++half)
      words[half] = ptx::loadWords(b, loc, base, offset + partBytes(op.getBuffer()) + half * 8 * kPanelBytes, 2);
    set(op.getResult(), {words[0][0], words[1][0], words[0][1], words[1][1]});
    return;
  }
  auto [base, offset] = rowAddress(op.getBuffer(), op.getI(), op.getJ(), /*along=*/1, /*step=*/1);
  set(op.getResult(), readMatrix(base, offset + partBytes(op.getBuffer()), /*transpose=*/true));
}

void Emitter::emitWarps(LayRowsOp op) {
  if (op.getQuads()) {
    auto [base, offset] = quadAddress(op.getBuffer(), op.getI(), op.getJ());
    const Values tile = get(op.getTile());
    for (int64_t half = 0; half < 2; ++half)
      storeWords(shared(add(base, offset + half * 8 * kPanelBytes)), Values{tile[half], tile[2 + half]}, 8);
    return;
  }
  auto [base, offset] = rowAddress(op.getBuffer(), op.getI(), op.getJ(), /*along=*/1, /*step=*/1);
  ptx::storeMatrix(b, loc, base, offset, get(op.getTile()));
}

//===----------------------------------------------------------------------===//
// Rows that come and go in boxes
//===----------------------------------------------------------------------===//

/// The plane of this warpgroup's columns from j on.
Value Emitter::planeOf(Value j) { return add(LLVM::LShrOp::create(b, loc, one(j), i32(2)), group); }

/// The address of a plane, and the barrier that a box completes which comes to it.
std::pair<Value, Value> Emitter::planeAt(Value buffer, Value plane) {
  auto alloc = buffer.getDefiningOp<AllocOp>();
  int64_t barriers = alloc->getAttrOfType<IntegerAttr>(kBarrierOffsetAttr).getInt();
  return {add(add(sramBase, mul(plane, planeBytes(buffer))), *alloc.getOffset()), add(add(sramBase, mul(plane, 8)), barriers)};
}

/// The coordinates of the box of a plane.
Emitter::Values Emitter::boxOfPlane(ValueRange coordinates, Value plane) {
  Values box = boxAt(coordinates, 0);
  box[0] = add(box[0], mul(plane, kPanelBytes / 2));
  return box;
}

void Emitter::emitWarps(AskRowsOp op) {
  Value plane = planeOf(op.getJ());
  auto [place, barrier] = planeAt(op.getBuffer(), plane);
  NVVM::MBarrierArriveExpectTxOp::create(b, loc, Type(), shared(barrier), i32(gridRows(op.getBuffer()) * kPanelBytes),
                                         NVVM::MemScopeKind::CTA, false, Value());
  auto cluster = LLVM::LLVMPointerType::get(b.getContext(), unsigned(NVVM::NVVMMemorySpace::SharedCluster));
  Value target = LLVM::AddrSpaceCastOp::create(b, loc, cluster, shared(add(place, partBytes(op.getBuffer()))));
  NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
      b, loc, target, get(op.getSource())[0], boxOfPlane(op.getCoordinates(), plane), shared(barrier), ValueRange(), Value(), Value(),
      NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false, NVVM::CTAGroupKindAttr(), Value());
}

void Emitter::emitWarps(AwaitRowsOp op) {
  Value barrier = planeAt(op.getBuffer(), planeOf(op.getJ())).second;
  await(barrier, both(one(op.getTurn()), i32(1)));
}

/// What was written and read there, the copy engine comes after.
void Emitter::emitWarps(VacateRowsOp) {
  publish();
  meetWarpgroup();
}

void Emitter::emitWarps(FlushRowsOp op) {
  publish();
  meetWarpgroup();
  auto branch = scf::IfOp::create(b, loc, isFirst(), /*withElse=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Value plane = planeOf(op.getJ());
  NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(b, loc, get(op.getDestination())[0],
                                                     shared(planeAt(op.getBuffer(), plane).first),
                                                     boxOfPlane(op.getCoordinates(), plane), Value(), NVVM::TMAStoreMode::TILE, Value());
  NVVM::CpAsyncBulkCommitGroupOp::create(b, loc);
}

void Emitter::emitWarps(FlushedRowsOp) {
  drainStores();
  meetWarpgroup();
}

void Emitter::emitWarps(MeetOp) { meetConsumers(); }

//===----------------------------------------------------------------------===//
// Rows in device memory
//===----------------------------------------------------------------------===//

/// Columns have `scale` elements, and lie next to each other. What is known of the first one in all threads is
/// added last, so that its constants become part of the instructions.
Emitter::Pieces Emitter::piecesOf(ViewType type, ValueRange view, ValueRange coordinates, bool allInside,
                                  int64_t step, Value row, Value column, int64_t stride,
                                  int64_t scale) {
  Pieces pieces;
  Value offset = i64(0), inside;
  size_t last = coordinates.size() - 1, rank = type.getShape().size();
  for (auto [d, coordinate] : llvm::enumerate(coordinates.drop_back())) {
    Value at = wide(one(coordinate));
    Value fits = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, at, view[1 + d]);
    inside = inside ? both(inside, fits) : fits;
    offset = add(offset, mul(at, view[1 + rank + d]));
  }
  Value first = element(coordinates.back(), 0);
  Value own = add(mul(matrixWarp, step), mul(row, stride));
  for (int64_t i = 0; i < 2; ++i) {
    Value fits = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult,
                                      wide(add(add(own, first), i * 8 * stride)), view[1 + last]);
    pieces.exists[i] = allInside ? constant(b.getBoolAttr(true)) : inside ? both(inside, fits) : fits;
  }
  offset = add(offset, mul(wide(add(own, column)), i64(scale)));
  offset = add(offset, mul(wide(first), i64(scale)));
  pieces.address = LLVM::GEPOp::create(b, loc, view[0].getType(), type.getElementType(), view[0],
                                       ValueRange{offset});
  return pieces;
}

/// How many elements the columns of a thread are apart: the lanes of a row, and its second word.
static std::pair<int64_t, int64_t> columnSteps(bool quads) { return quads ? std::pair(4, 2) : std::pair(2, 8); }

/// The lower halves of two words, or the upper ones.
Value Emitter::zip(Value x, Value y, bool upper) { return ptx::permute(b, loc, x, y, upper ? 0x7632 : 0x5410); }

void Emitter::emitWarps(ZipOp op) {
  const Values x = get(op.getA()), y = get(op.getB());
  Values results[2];
  for (auto [p, q] : llvm::zip(x, y))
    for (bool upper : {false, true})
      results[upper].push_back(zip(p, q, upper));
  set(op.getFirst(), std::move(results[0]));
  set(op.getSecond(), std::move(results[1]));
}

/// The same of a buffer in SRAM, all of which exists.
Emitter::Pieces Emitter::piecesOf(Value buffer, Value first, int64_t step, Value row, Value column, int64_t stride,
                                  int64_t scale) {
  constexpr int64_t kBytes = 2;
  Value own = add(add(mul(matrixWarp, step), mul(row, stride)), add(column, one(first)));
  Value exists = constant(b.getBoolAttr(true));
  Value base = add(sramBase, *buffer.getDefiningOp<AllocOp>().getOffset());
  return {add(base, mul(own, kBytes * scale)), {exists, exists}};
}

void Emitter::emitWarps(PullRowsOp op) {
  int64_t stride = op.getStride(), parts = op.getNumResults();
  auto [perLane, perWord] = columnSteps(op.getQuads());
  Value row = LLVM::LShrOp::create(b, loc, lane, i32(2)), column = mul(quadLane, perLane);
  auto view = dyn_cast<ViewType>(op.getSource().getType());
  Pieces pieces = view ? piecesOf(view, get(op.getSource()), op.getCoordinates(), op.getInside(), op.getStep(), row, column,
                                  stride, parts)
                       : piecesOf(op.getSource(), op.getCoordinates().back(), op.getStep(), row, column, stride, parts);
  // Two neighbouring columns are a word, or two of pairs; quads twice as many, and of f32 again.
  bool single = view && view.getElementType().isF32();
  Values words[2][2]; // [i][j]
  for (int64_t i = 0; i < (stride ? 2 : 1); ++i)
    for (int64_t j = 0; j < (op.getQuads() ? 1 : 2); ++j) {
      int32_t elements = parts * (8 * i * stride + perWord * j);
      int64_t count = parts * (op.getQuads() ? 2 : 1) * (single ? 2 : 1);
      if (!view) {
        words[i][j] = ptx::loadWords(b, loc, pieces.address, 2 * elements, count);
        continue;
      }
      Value address = LLVM::GEPOp::create(b, loc, pieces.address.getType(), view.getElementType(), pieces.address,
                                          ArrayRef<LLVM::GEPArg>{elements});
      words[i][j] = ptx::loadIf(b, loc, address, pieces.exists[i], count);
    }
  Values results[2];
  for (int64_t k = 0; single && k < 8; ++k) { // 4 j + 2 i + e
    Value word = words[stride ? k / 2 % 2 : 0][0][k / 4 * 2 + k % 2];
    results[0].push_back(LLVM::BitcastOp::create(b, loc, b.getF32Type(), word));
  }
  for (int64_t word = 0; !single && word < 4; ++word) {
    int64_t j = word / 2, i = stride ? word % 2 : 0; // with no stride all rows are one
    const Values &read = words[i][op.getQuads() ? 0 : j];
    int64_t first = op.getQuads() ? parts * j : 0;
    if (parts == 1) {
      results[0].push_back(read[first]);
      continue;
    }
    for (int64_t part = 0; part < 2; ++part)
      results[part].push_back(op.getZipped() ? read[first + part] : zip(read[first], read[first + 1], part));
  }
  for (int64_t part = 0; part < parts; ++part)
    set(op.getResult(part), std::move(results[part]));
}

void Emitter::emitWarps(PlaceRowsOp op) {
  ViewType type = op.getDestination().getType();
  const Values view = get(op.getDestination());
  SmallVector<Values> tiles;
  for (Value tile : op.getTiles())
    tiles.push_back(get(tile));
  int64_t parts = tiles.size();
  auto [perLane, perWord] = columnSteps(op.getQuads());
  Value row = LLVM::LShrOp::create(b, loc, lane, i32(2)), column = mul(quadLane, perLane);
  Pieces pieces = piecesOf(type, view, op.getCoordinates(), op.getInside(), op.getStep(), row, column,
                           op.getStride(), parts);
  for (int64_t i = 0; i < 2; ++i) {
    Values words;
    for (int64_t j = 0; j < 2; ++j) {
      int64_t word = 2 * j + i;
      if (parts == 2) // pairs of both parts
        llvm::append_range(words, Values{zip(tiles[0][word], tiles[1][word], /*upper=*/false),
                                         zip(tiles[0][word], tiles[1][word], /*upper=*/true)});
      else
        words.push_back(tiles[0][word]);
      if (op.getQuads() && j == 0)
        continue;
      int32_t elements = parts * (8 * i * int64_t(op.getStride()) + (op.getQuads() ? 0 : perWord * j));
      Value address = LLVM::GEPOp::create(b, loc, pieces.address.getType(), type.getElementType(),
                                          pieces.address, ArrayRef<LLVM::GEPArg>{elements});
      ptx::storeIf(b, loc, address, pieces.exists[i], words);
      words.clear();
    }
  }
}

//===----------------------------------------------------------------------===//
// What SRAM holds from the beginning on
//===----------------------------------------------------------------------===//

void Emitter::emitWarps(BringOp op) {
  int64_t bytes = op.getBuffer().getType().getShape()[0] * kPanelBytes;
  Value to = add(sramBase, *op.getBuffer().getDefiningOp<AllocOp>().getOffset());
  copyToSram(get(op.getSource())[0], to, bytes / 16);
}

/// One thread asks.
void Emitter::emitWarps(PrefetchOp op) {
  const Values view = get(op.getSource());
  ViewType type = op.getSource().getType();
  Values at;
  for (Value coordinate : op.getCoordinates())
    at.push_back(wide(one(coordinate)));
  Value ctas = NVVM::GridDimXOp::create(b, loc, b.getI32Type());
  at.front() = add(at.front(), wide(mul(one(op.getRounds()), ctas)));
  size_t last = at.size() - 1;
  Value exists = isEqual(thread, 0);
  for (auto [d, coordinate] : llvm::enumerate(at))
    exists = both(exists, LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, coordinate, view[1 + d]));
  Value rest = LLVM::SubOp::create(b, loc, view[1 + last], at[last]);
  Value count = LLVM::TruncOp::create(b, loc, b.getI32Type(), LLVM::UMinOp::create(b, loc, rest, i64(op.getElements())));
  ptx::prefetchIf(b, loc, elementAddress(type, view, at), mul(count, type.getElementType().getIntOrFloatBitWidth() / 8), exists);
}

//===----------------------------------------------------------------------===//
// What threads keep
//===----------------------------------------------------------------------===//

/// Where this thread's four words of the first tile lie. A warp's lie side by side, ...
Value Emitter::keptAddress(Value memory, ValueRange place) {
  constexpr int64_t kMatrixBytes = 2 * kMatrixSize * kMatrixSize;
  if (auto view = dyn_cast<ViewType>(memory.getType())) {
    Values at;
    for (Value coordinate : place)
      at.push_back(wide(one(coordinate)));
    Value own = add(mul(matrixWarp, kMatrixBytes), mul(lane, 8));
    // What follows from it and the tensor's strides would be held from one work tile to the next.
    if (kernel->getAttrOfType<StringAttr>(kScarceAttr))
      own = ptx::remade(b, loc, own);
    at.push_back(wide(own));
    return elementAddress(view, get(memory), at);
  }
  auto shape = cast<SmemType>(memory.getType()).getShape();
  Value at = add(mul(one(place.front()), shape[1] * kPanelBytes), mul(matrixWarp, 2 * kMatrixBytes));
  return shared(add(add(sramBase, *memory.getDefiningOp<AllocOp>().getOffset()), Value(add(at, mul(lane, 16)))));
}

/// ... and those of the second one behind those of the first.
Value Emitter::secondKept(Value first) {
  return LLVM::GEPOp::create(b, loc, first.getType(), VectorType::get(4, b.getI32Type()), first,
                             ArrayRef<LLVM::GEPArg>{kWarpLanes});
}

void Emitter::emitWarps(KeepOp op) {
  Value first = keptAddress(op.getMemory(), op.getPlace());
  storeWords(first, get(op.getFirst()), 16);
  storeWords(secondKept(first), get(op.getSecond()), 16);
}

void Emitter::emitWarps(RecallOp op) {
  Value first = keptAddress(op.getMemory(), op.getPlace());
  bool lasts = kernel->hasAttr(kStreamsAttr) && isa<ViewType>(op.getMemory().getType());
  auto read = [&](Value address) {
    if (lasts && !op.getExists())
      return ptx::loadLasting(b, loc, address);
    return op.getExists() ? ptx::loadIf(b, loc, address, one(op.getExists()), 4) : loadWords(address, 16);
  };
  set(op.getFirst(), read(first));
  set(op.getSecond(), read(secondKept(first)));
}
