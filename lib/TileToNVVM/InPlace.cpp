//===- InPlace.cpp - Transforms in place in SRAM --------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "PtxAsm.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

std::pair<Value, int64_t> Emitter::rowAddress(Value memory, Value i, Value j, int64_t along,
                                              int64_t step) {
  int64_t offset = *memory.getDefiningOp<AllocOp>().getOffset();
  Value row = both(lane, i32(15)), far = mul(matrixWarp, step);
  if (along == 0)
    return {add(sramBase, pairAddress(add(one(i), far), row)), offset};
  // Rows of a multiple of 16 have their chunks in the same order.
  Value base = add(sramBase, pairAddress(row, add(one(j), far)));
  if (std::optional<int64_t> first = getConstantIntValue(i))
    return {base, offset + *first * 1024};
  return {add(base, mul(one(i), 1024)), offset};
}

void Emitter::emitWarps(WriteRowsOp op) {
  auto [base, offset] = rowAddress(op.getBuffer(), op.getI(), op.getJ(), op.getAlong(), op.getStep());
  ptx::storeMatrix(b, loc, base, offset, get(op.getFirst()));
  ptx::storeMatrix(b, loc, LLVM::XOrOp::create(b, loc, base, i32(32)), offset, get(op.getSecond()));
}

void Emitter::emitWarps(ReadRowsOp op) {
  auto [base, offset] = rowAddress(op.getBuffer(), op.getI(), op.getJ(), op.getAlong(), op.getStep());
  set(op.getFirst(), readMatrix(base, offset, op.getTranspose()));
  Value second = LLVM::XOrOp::create(b, loc, base, i32(32));
  set(op.getSecond(), readMatrix(second, offset, op.getTranspose()));
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
  // Two neighbouring columns are a word, or two of pairs; quads twice as many.
  Values words[2][2]; // [i][j]
  for (int64_t i = 0; i < (stride ? 2 : 1); ++i)
    for (int64_t j = 0; j < (op.getQuads() ? 1 : 2); ++j) {
      int32_t elements = parts * (8 * i * stride + perWord * j);
      int64_t count = parts * (op.getQuads() ? 2 : 1);
      if (!view) {
        words[i][j] = ptx::loadWords(b, loc, pieces.address, 2 * elements, count);
        continue;
      }
      Value address = LLVM::GEPOp::create(b, loc, pieces.address.getType(), view.getElementType(), pieces.address,
                                          ArrayRef<LLVM::GEPArg>{elements});
      words[i][j] = ptx::loadIf(b, loc, address, pieces.exists[i], count);
    }
  Values results[2];
  for (int64_t word = 0; word < 4; ++word) {
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
    at.push_back(wide(add(mul(matrixWarp, kMatrixBytes), mul(lane, 8))));
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
