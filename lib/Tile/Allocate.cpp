//===- Allocate.cpp - Places rings and buffers in SRAM --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Target/Hopper.h"
#include "longwing/Tile/Passes.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

namespace longwing {
#define GEN_PASS_DEF_TILEALLOCATE
#include "longwing/Tile/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {
struct TileAllocate : longwing::impl::TileAllocateBase<TileAllocate> {
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    Builder b(kernel.getContext());
    // Tiles first, each at a multiple of the swizzle's period; barriers behind them.
    int64_t offset = 0;
    kernel.walk([&](AllocOp alloc) {
      alloc.setOffsetAttr(b.getI64IntegerAttr(offset));
      offset =
          llvm::alignTo(offset + bytesOf(alloc.getMemory().getType()), hopper::kSwizzleAlignment);
    });
    kernel.walk([&](AllocOp alloc) {
      if (auto steps = dyn_cast<StepsType>(alloc.getMemory().getType())) {
        alloc->setAttr(kBarrierOffsetAttr, b.getI64IntegerAttr(offset));
        offset += steps.getCount() * kStepBarrierBytes;
      }
      if (isa<MailType>(alloc.getMemory().getType())) {
        alloc->setAttr(kBarrierOffsetAttr, b.getI64IntegerAttr(offset));
        offset += 2 * kMailBarrierBytes;
      }
      if (auto boxes = alloc->getAttrOfType<IntegerAttr>(kBoxesAttr)) {
        alloc->setAttr(kBarrierOffsetAttr, b.getI64IntegerAttr(offset));
        offset += 8 * boxes.getInt();
      }
      if (auto ring = dyn_cast<RingType>(alloc.getMemory().getType())) {
        alloc->setAttr(kBarrierOffsetAttr, b.getI64IntegerAttr(offset));
        offset += ring.getStages() * kRingBarrierBytes;
      }
    });
    if (kernel->hasAttr(kSramTablesAttr)) {
      kernel->setAttr(kSramTablesAttr, b.getI64IntegerAttr(offset));
      offset += tableBytes(kernel);
    }
    if (offset > hopper::kSharedBytes) {
      kernel.emitError() << "the kernel needs " << offset << " bytes of SRAM, more than the "
                         << hopper::kSharedBytes << " of a multiprocessor";
      return signalPassFailure();
    }
    kernel->setAttr(kSharedBytesAttr, b.getI64IntegerAttr(offset));
  }

  /// At most what the tables take that all warps share, as left operands and as right ones.
  static int64_t tableBytes(KernelOp kernel) {
    int64_t bytes = 0;
    kernel.walk([&](arith::ConstantOp constant) {
      auto table = dyn_cast<DenseElementsAttr>(constant.getValue());
      auto type = dyn_cast<RankedTensorType>(constant.getType());
      if (!table || table.isSplat() || !type || !isa_and_nonnull<FragAttr>(type.getEncoding()))
        return;
      auto isRight = [](OpOperand &use) { return isa<WarpDotOp>(use.getOwner()) && use.getOperandNumber() == 1; };
      int64_t forms = llvm::any_of(constant->getUses(), isRight) + !llvm::all_of(constant->getUses(), isRight);
      bytes += forms * kMatrixSize * kMatrixSize * (type.getElementTypeBitWidth() / 8);
    });
    return bytes;
  }

  static int64_t bytesOf(Type type) {
    if (isa<StepsType>(type))
      return 0;
    if (auto mail = dyn_cast<MailType>(type))
      return mail.getBytes();
    if (auto ring = dyn_cast<RingType>(type))
      return ring.getStages() * slotBytes(ring);
    auto buffer = cast<SmemType>(type);
    return buffer.getParts() * sharedBytes(buffer.getTileShape(), buffer.getElementType());
  }
};
} // namespace
