//===- Steps.cpp - Kernels that run in steps ------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "PtxAsm.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// The offset of a barrier in SRAM, whose base a register holds.
static int64_t barrierOffset(Value memory, int64_t index, int64_t bytes) {
  auto alloc = memory.getDefiningOp<AllocOp>();
  return alloc->getAttrOfType<IntegerAttr>(kBarrierOffsetAttr).getInt() + index * bytes;
}

Value Emitter::opaqueSram() {
  if (!sramRegister) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(sramBase.getDefiningOp());
    sramRegister = ptx::opaque(b, loc, sramBase);
  }
  return sramRegister;
}

void Emitter::emitWarps(StepWaitOp op) {
  int64_t offset = barrierOffset(op.getSteps(), op.getSlot(), kStepBarrierBytes);
  ptx::waitIf(b, loc, opaqueSram(), offset, one(op.getParity()), one(op.getExists()));
}

void Emitter::emitWarps(StepArriveOp op) {
  int64_t offset = barrierOffset(op.getSteps(), op.getSlot(), kStepBarrierBytes);
  Value arrives = lanesArrive ? constant(b.getBoolAttr(true)) : isEqual(lane, 0);
  ptx::arriveWarp(b, loc, opaqueSram(), offset, arrives);
}

LogicalResult Emitter::emitLead(LeadOp op) {
  auto branch = scf::IfOp::create(b, loc, op.getEach() ? isFirst() : isEqual(thread, 0), /*withElse=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  return emitBlock(op.getBody().front());
}

void Emitter::emitWarps(FetchOp op) {
  int64_t barrier = barrierOffset(op.getRing(), op.getSlot(), kRingBarrierBytes);
  fillSlot(op.getRing(), add(sramBase, slotOffset(op.getRing(), op.getSlot())),
           add(sramBase, barrier), op.getSource(), op.getCoordinates());
}

void Emitter::emitWarps(FetchedOp op) {
  int64_t barrier = barrierOffset(op.getRing(), op.getSlot(), kRingBarrierBytes);
  ptx::waitIf(b, loc, opaqueSram(), barrier, one(op.getParity()), one(op.getExists()));
  int64_t offset = slotOffset(op.getRing(), op.getSlot());
  fetchedOffsets[op.getTile()] = offset;
  set(op.getTile(), {add(sramBase, offset)});
}

void Emitter::emitWarps(FlushOp op) {
  const Values desc = get(op.getDestination());
  // The copy engine reads through another proxy.
  NVVM::FenceProxyOp::create(
      b, loc, NVVM::ProxyKind::async_shared,
      NVVM::SharedSpaceAttr::get(b.getContext(), NVVM::SharedSpace::shared_cta));
  Value policy = kernel->hasAttr(kStreamsAttr) ? ptx::streamPolicy(b, loc) : Value();
  NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(
      b, loc, desc[0], shared(add(sramBase, slotOffset(op.getBuffer(), op.getSlot()))),
      boxAt(op.getCoordinates(), 0), policy, NVVM::TMAStoreMode::TILE, Value());
  NVVM::CpAsyncBulkCommitGroupOp::create(b, loc);
}

void Emitter::emitWarps(FlushedOp) {
  NVVM::CpAsyncBulkWaitGroupOp::create(b, loc, 0, b.getUnitAttr());
}

//===----------------------------------------------------------------------===//
// Strips
//===----------------------------------------------------------------------===//

/// Bytes and elements of a piece, that many of which are a row.
static constexpr int64_t kPieceBytes = 16, kPiece = 8, kPiecesOfRow = 8, kElementBytes = 2;
/// Rows of elements whose reads are on their way at once.
static constexpr int64_t kTogether = 2;

Emitter::RowPlace Emitter::stripOf(ViewType type, ValueRange view, ValueRange coordinates, ArrayRef<int64_t> digits,
                                   Value row) {
  size_t rank = type.getShape().size();
  Values at;
  for (Value coordinate : coordinates)
    at.push_back(one(coordinate));
  for (size_t i = 0; i < digits.size(); i += 3) {
    Value size = i32(digits[i]), digit = LLVM::URemOp::create(b, loc, row, size);
    row = LLVM::UDivOp::create(b, loc, row, size);
    at[digits[i + 1]] = add(at[digits[i + 1]], mul(digit, digits[i + 2]));
  }
  RowPlace place;
  place.position = at.back();
  Value offset = mul(wide(at.back()), view[2 * rank]);
  for (size_t d = 0; d + 1 < rank; ++d) {
    Value inside = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, wide(at[d]), view[1 + d]);
    place.exists = place.exists ? both(place.exists, inside) : inside;
    offset = add(offset, mul(wide(at[d]), view[1 + rank + d]));
  }
  if (!place.exists)
    place.exists = constant(b.getBoolAttr(true));
  place.address = add(LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), view[0]), mul(offset, i64(kElementBytes)));
  return place;
}

void Emitter::forEachPiece(Value tile, int64_t rows, ViewType type, ValueRange view, ValueRange coordinates,
                           ArrayRef<int64_t> digits, Value whole,
                           function_ref<void(Value, Value, Value)> piece,
                           function_ref<void(ValueRange, ValueRange, ValueRange)> elements) {
  size_t rank = type.getShape().size();
  Value length = LLVM::TruncOp::create(b, loc, b.getI32Type(), view[rank]);
  int64_t threads = warpgroups * kWarpgroupThreads;
  auto inSram = [&](Value row, Value chunk) -> Value {
    Value turned = LLVM::XOrOp::create(b, loc, chunk, both(row, i32(kPiecesOfRow - 1)));
    return add(tile, add(mul(row, kPanelBytes), mul(turned, kPieceBytes)));
  };
  auto branch = scf::IfOp::create(b, loc, whole, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  // What is cheap to make is not held from step to step.
  Value number = ptx::opaque(b, loc, thread, /*pinned=*/true);
  for (int64_t first = 0; first < rows * kPiecesOfRow; first += threads) {
    Value index = add(number, first), row = LLVM::LShrOp::create(b, loc, index, i32(3));
    Value chunk = both(index, i32(kPiecesOfRow - 1));
    RowPlace place = stripOf(type, view, coordinates, digits, row);
    Value inside = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, add(place.position, mul(chunk, kPiece)), length);
    piece(inSram(row, chunk), add(place.address, wide(mul(chunk, kPieceBytes))), both(place.exists, inside));
  }

  // Lanes have neighbouring elements of a row.
  b.setInsertionPointToStart(branch.elseBlock());
  int64_t ofWarp = rows * kWarpLanes / threads;
  number = ptx::opaque(b, loc, thread, /*pinned=*/true);
  Value column = both(number, i32(kWarpLanes - 1)), firstRow = mul(LLVM::LShrOp::create(b, loc, number, i32(5)), ofWarp);
  for (int64_t r = 0; r < ofWarp; r += kTogether) {
    Values shared, global, exists;
    for (int64_t i = 0; i < kTogether && r + i < ofWarp; ++i) {
      Value row = add(firstRow, r + i);
      RowPlace place = stripOf(type, view, coordinates, digits, row);
      for (int64_t half = 0; half < 2; ++half) {
        Value at = add(column, half * kWarpLanes);
        Value inside = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, add(place.position, at), length);
        Value rest = mul(both(at, i32(kPiece - 1)), kElementBytes);
        shared.push_back(add(inSram(row, LLVM::LShrOp::create(b, loc, at, i32(3))), rest));
        global.push_back(add(place.address, mul(wide(at), mul(view[2 * rank], i64(kElementBytes)))));
        exists.push_back(both(place.exists, inside));
      }
    }
    elements(shared, global, exists);
  }
}

/// Begins to copy 16 bytes to an address in SRAM, or zeros.
void Emitter::copyPiece(Value to, Value from, Value exists) {
  Value bytes = LLVM::SelectOp::create(b, loc, exists, i32(kPieceBytes), i32(0));
  NVVM::CpAsyncOp::create(b, loc, shared(to), from, kPieceBytes, NVVM::LoadCacheModifierKind::CG, bytes);
}

void Emitter::awaitCopies() {
  NVVM::CpAsyncCommitGroupOp::create(b, loc);
  NVVM::CpAsyncWaitGroupOp::create(b, loc, 0);
}

void Emitter::emitWarps(FetchStripsOp op) {
  Value tile = add(opaqueSram(), slotOffset(op.getBuffer(), op.getSlot()));
  auto piece = [&](Value to, Value from, Value exists) {
    auto global = LLVM::LLVMPointerType::get(b.getContext(), unsigned(NVVM::NVVMMemorySpace::Global));
    copyPiece(to, LLVM::IntToPtrOp::create(b, loc, global, from), exists);
  };
  auto elements = [&](ValueRange to, ValueRange from, ValueRange exist) {
    Values read;
    for (auto [address, exists] : llvm::zip(from, exist))
      read.push_back(ptx::loadIf(b, loc, address, exists, 1, /*half=*/true)[0]);
    for (auto [address, value] : llvm::zip(to, read))
      LLVM::StoreOp::create(b, loc, value, shared(address));
  };
  forEachPiece(tile, op.getBuffer().getType().getShape()[1], op.getSource().getType(), get(op.getSource()),
               op.getCoordinates(), op.getDigits(), one(op.getWhole()), piece, elements);
}

void Emitter::emitWarps(StripsFetchedOp) { awaitCopies(); }

void Emitter::emitWarps(SlotOp op) {
  int64_t offset = slotOffset(op.getBuffer(), op.getSlot());
  fetchedOffsets[op.getTile()] = offset;
  set(op.getTile(), {add(sramBase, offset)});
}

void Emitter::emitWarps(FlushStripsOp op) {
  Value tile = add(opaqueSram(), slotOffset(op.getBuffer(), op.getSlot()));
  auto piece = [&](Value from, Value to, Value exists) {
    ptx::storeIf(b, loc, to, exists, loadWords(shared(from), kPieceBytes));
  };
  auto elements = [&](ValueRange from, ValueRange to, ValueRange exist) {
    Values read;
    for (Value address : from)
      read.push_back(LLVM::LoadOp::create(b, loc, b.getI16Type(), shared(address)));
    for (auto [address, exists, value] : llvm::zip(to, exist, read))
      ptx::storeIf(b, loc, address, exists, value, /*half=*/true);
  };
  forEachPiece(tile, op.getBuffer().getType().getShape()[1], op.getDestination().getType(), get(op.getDestination()),
               op.getCoordinates(), op.getDigits(), one(op.getWhole()), piece, elements);
}
