//===- SeqToTile.cpp - Lowers seq to tile ---------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SeqToTile.h"

#include "dialects/tile/Tile.h"
#include "longwing/SeqToTile/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace longwing {
#define GEN_PASS_DEF_SEQTOTILE
#include "longwing/SeqToTile/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;

namespace {
struct SeqToTile : longwing::impl::SeqToTileBase<SeqToTile> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<seq::AttentionOp> attentions;
    getOperation().walk([&](seq::AttentionOp op) { attentions.push_back(op); });
    for (seq::AttentionOp op : attentions)
      if (failed(lowerAttention(op, symbols)))
        return signalPassFailure();
  }
};
} // namespace
