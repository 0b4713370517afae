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
  ptx::arriveWarp(b, loc, opaqueSram(), offset, isEqual(lane, 0));
}

LogicalResult Emitter::emitLead(LeadOp op) {
  auto branch = scf::IfOp::create(b, loc, isEqual(thread, 0), /*withElse=*/false);
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
  NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(
      b, loc, desc[0], shared(add(sramBase, slotOffset(op.getBuffer(), op.getSlot()))),
      boxAt(op.getCoordinates(), 0), Value(), NVVM::TMAStoreMode::TILE, Value());
  NVVM::CpAsyncBulkCommitGroupOp::create(b, loc);
}

void Emitter::emitWarps(FlushedOp) {
  NVVM::CpAsyncBulkWaitGroupOp::create(b, loc, 0, b.getUnitAttr());
}
