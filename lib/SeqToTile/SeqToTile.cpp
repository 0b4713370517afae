//===- SeqToTile.cpp - Lowers seq to tile ---------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SeqToTile.h"

#include "dialects/tile/Tile.h"
#include "longwing/Seq/Config.h"
#include "longwing/Seq/ConvConfig.h"
#include "longwing/Seq/DirectConv.h"
#include "longwing/Seq/FourierPlan.h"
#include "longwing/Seq/PassConv.h"
#include "longwing/Seq/StepConfig.h"
#include "longwing/SeqToTile/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

namespace longwing {
#define GEN_PASS_DEF_SEQTOTILE
#include "longwing/SeqToTile/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;

/// The one place that picks the kernel of a long convolution: what the configuration chose where that
/// kernel exists; else a transform in one CTA, or in passes, or products with the Toeplitz matrix.
static LogicalResult lowerLongConv(seq::LongConvOp op, SymbolTable &symbols) {
  ConvAlgorithm chosen = ConvConfig::read(op).algorithm;
  if (chosen == ConvAlgorithm::Stages || takesStages(op))
    return lowerStagedConv(op, symbols);
  if (chosen == ConvAlgorithm::Toeplitz && DirectConv::plan(op))
    return lowerDirectConv(op, symbols);
  if (chosen == ConvAlgorithm::MultiPass && PassPlan::of(op))
    return lowerConvInPasses(op, symbols);
  if (FourierPlan::of(op))
    return lowerFourierConv(op, symbols);
  return PassPlan::of(op) ? lowerConvInPasses(op, symbols) : lowerDirectConv(op, symbols);
}

namespace {
struct SeqToTile : longwing::impl::SeqToTileBase<SeqToTile> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (op->hasAttr(kPlainAttr))
        return;
      if (isa<seq::AttentionOp, seq::LinearAttentionOp, seq::LongConvOp, seq::PrepareFilterOp,
              seq::ShortConvOp, seq::ScanOp, seq::SelectiveScanOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      LogicalResult lowered =
          TypeSwitch<Operation *, LogicalResult>(op)
              .Case([&](seq::AttentionOp op) { return lowerAttention(op, symbols); })
              .Case([&](seq::LinearAttentionOp op) {
                return isStep(op) ? lowerStep(op, symbols) : lowerLinearAttention(op, symbols);
              })
              .Case([&](seq::ScanOp op) { return lowerScan(op, symbols); })
              .Case([&](seq::SelectiveScanOp op) {
                return isStep(op) ? lowerStep(op, symbols) : lowerSelectiveScan(op, symbols);
              })
              .Case([&](seq::LongConvOp op) { return lowerLongConv(op, symbols); })
              .Case([&](seq::PrepareFilterOp op) {
                return PassPlan::of(op) && !FourierPlan::of(op) ? lowerPrepareInPasses(op, symbols)
                                                                : lowerPrepareFilter(op, symbols);
              })
              .Case([&](seq::ShortConvOp op) {
                return op.getAxis() == 1 ? lowerShortConvByChannel(op, symbols)
                                         : lowerShortConv(op, symbols);
              });
      if (failed(lowered))
        return signalPassFailure();
    }
  }
};
} // namespace
