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
  return {add(sramBase, pairAddress(row, add(one(j), far))),
          offset + *getConstantIntValue(i) * 1024};
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

/// Columns have `scale` elements.
Emitter::Pieces Emitter::piecesOf(ViewType type, ValueRange view, ValueRange coordinates, bool allInside,
                                  int64_t step, Value row, Value column, int64_t stride,
                                  int64_t scale) {
  Pieces pieces;
  Values at;
  Value inside;
  for (Value coordinate : coordinates.drop_back()) {
    at.push_back(wide(one(coordinate)));
    Value fits = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, at.back(),
                                      view[at.size()]);
    inside = inside ? both(inside, fits) : fits;
  }
  Value first = add(element(coordinates.back(), 0), mul(matrixWarp, step));
  first = add(first, mul(row, stride));
  for (int64_t i = 0; i < 2; ++i) {
    Value fits = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult,
                                      wide(add(first, i * 8 * stride)), view[coordinates.size()]);
    pieces.exists[i] = allInside ? constant(b.getBoolAttr(true)) : inside ? both(inside, fits) : fits;
  }
  // Pairs count as one element there, and their parts as elements of the last dimension.
  at.push_back(wide(add(first, column)));
  if (scale > 1)
    at.push_back(i64(0));
  pieces.address = elementAddress(type, view, at);
  return pieces;
}

void Emitter::emitWarps(PullRowsOp op) {
  ViewType type = op.getSource().getType();
  const Values view = get(op.getSource());
  int64_t stride = op.getStride();
  Value row = LLVM::LShrOp::create(b, loc, lane, i32(2)), pair = mul(quadLane, 2);
  auto offset = [&](Value address, int64_t elements) -> Value {
    return LLVM::GEPOp::create(b, loc, address.getType(), type.getElementType(), address,
                               ArrayRef<LLVM::GEPArg>{int32_t(elements)});
  };
  int64_t parts = op.getNumResults();
  Pieces pieces = piecesOf(type, view, op.getCoordinates(), op.getInside(), op.getStep(), row, pair,
                           stride, parts);
  Values results[2];
  for (int64_t word = 0; word < 4; ++word) {
    int64_t j = word / 2, i = word % 2;
    if (i && !stride) { // all rows are one
      for (int64_t part = 0; part < parts; ++part)
        results[part].push_back(results[part].back());
      continue;
    }
    // Two neighbouring columns: a word, or two of pairs.
    Values words = ptx::loadIf(b, loc, offset(pieces.address, parts * (8 * i * stride + 8 * j)),
                               pieces.exists[i], parts);
    if (parts == 1) {
      results[0].push_back(words[0]);
      continue;
    }
    for (int64_t part = 0; part < 2; ++part)
      results[part].push_back(ptx::permute(b, loc, words[0], words[1], part ? 0x7632 : 0x5410));
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
  Value row = LLVM::LShrOp::create(b, loc, lane, i32(2)), pair = mul(quadLane, 2);
  Pieces pieces = piecesOf(type, view, op.getCoordinates(), op.getInside(), op.getStep(), row, pair,
                           op.getStride(), parts);
  for (int64_t word = 0; word < 4; ++word) {
    int32_t elements = parts * (8 * (word % 2) * op.getStride() + 8 * (word / 2));
    Values words = {tiles[0][word]};
    if (parts == 2) // pairs of both parts
      words = {ptx::permute(b, loc, words[0], tiles[1][word], 0x5410),
               ptx::permute(b, loc, words[0], tiles[1][word], 0x7632)};
    Value address = LLVM::GEPOp::create(b, loc, pieces.address.getType(), type.getElementType(),
                                        pieces.address, ArrayRef<LLVM::GEPArg>{elements});
    ptx::storeIf(b, loc, address, pieces.exists[word % 2], words);
  }
}

//===----------------------------------------------------------------------===//
// What threads keep
//===----------------------------------------------------------------------===//

/// Where this thread's four words of the first tile lie. A warp's lie side by side, and those of the second
/// tile behind them.
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

/// The address of the words of a tile, and their type.
std::pair<Value, Type> Emitter::keptWords(Value address, bool second) {
  Type words = VectorType::get(4, b.getI32Type());
  if (second)
    address = LLVM::GEPOp::create(b, loc, address.getType(), words, address, ArrayRef<LLVM::GEPArg>{32});
  return {address, words};
}

void Emitter::emitWarps(KeepOp op) {
  Value base = keptAddress(op.getMemory(), op.getPlace());
  for (Value tile : {op.getFirst(), op.getSecond()}) {
    auto [address, type] = keptWords(base, tile == op.getSecond());
    Value words = LLVM::UndefOp::create(b, loc, type);
    const Values registers = get(tile);
    for (auto [i, word] : llvm::enumerate(registers))
      words = LLVM::InsertElementOp::create(b, loc, words, word, i32(i));
    LLVM::StoreOp::create(b, loc, words, address, /*alignment=*/16);
  }
}

void Emitter::emitWarps(RecallOp op) {
  Value base = keptAddress(op.getMemory(), op.getPlace());
  for (Value tile : op.getResults()) {
    auto [address, type] = keptWords(base, tile == op.getSecond());
    if (op.getOnce()) {
      set(tile, ptx::loadOnce(b, loc, address));
      continue;
    }
    Value words = LLVM::LoadOp::create(b, loc, type, address, /*alignment=*/16);
    Values registers;
    for (int64_t i = 0; i < 4; ++i)
      registers.push_back(LLVM::ExtractElementOp::create(b, loc, words, i32(i)));
    set(tile, std::move(registers));
  }
}
