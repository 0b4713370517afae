//===- SeqToLinalg.cpp - What each seq operation means --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/SeqToLinalg/Passes.h"

#include "Lowerings.h"
#include "Widen.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

namespace longwing {
#define GEN_PASS_DEF_SEQTOLINALG
#include "longwing/SeqToLinalg/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;

/// Clones a region's operations and gives those at its top and the values that it yields.
static std::pair<SmallVector<Operation *>, SmallVector<Value>>
cloneBody(OpBuilder &builder, Region &region, ValueRange arguments) {
  IRMapping mapping;
  mapping.map(region.getArguments(), arguments);
  SmallVector<Operation *> clones;
  for (Operation &inner : region.front().without_terminator())
    clones.push_back(builder.clone(inner, mapping));
  auto yield = cast<seq::YieldOp>(region.front().getTerminator());
  return {clones, llvm::map_to_vector(yield.getValues(), [&](Value value) {
            return mapping.lookupOrDefault(value);
          })};
}

/// The loops of an operation of seq, and their results.
static SmallVector<Value> lower(OpBuilder &builder, Operation *op, ValueRange operands,
                                const Arithmetic &arithmetic, InlineRegion inlined) {
  return TypeSwitch<Operation *, SmallVector<Value>>(op)
      .Case([&](seq::AttentionOp attention) {
        return lowerAttention(builder, attention, operands, arithmetic, inlined);
      })
      .Case([&](seq::LinearAttentionOp linear) {
        return lowerLinearAttention(builder, linear, operands, arithmetic);
      })
      .Case([&](seq::ScanOp scan) { return lowerScan(builder, scan, operands, arithmetic); })
      .Case([&](seq::SelectiveScanOp scan) {
        return lowerSelectiveScan(builder, scan, operands, arithmetic);
      })
      .Case([&](seq::LongConvOp conv) {
        return lowerLongConv(builder, conv, operands, arithmetic);
      })
      .Case([&](seq::PrepareFilterOp prepare) {
        return lowerPrepareFilter(builder, prepare, operands, arithmetic);
      })
      .Case([&](seq::ImplicitFilterOp filter) {
        return lowerImplicitFilter(builder, filter, operands, arithmetic, inlined);
      })
      .Case([&](seq::ImplicitSpectrumOp spectrum) {
        return lowerImplicitSpectrum(builder, spectrum, arithmetic, inlined);
      })
      .Case([&](seq::ShortConvOp conv) {
        return lowerShortConv(builder, conv, operands, arithmetic);
      })
      .Case([&](seq::FftOp fft) { return lowerFft(builder, fft, operands, arithmetic); })
      .Case([&](seq::ButterflyOp butterfly) {
        return lowerButterfly(builder, butterfly, operands, arithmetic);
      })
      .Case([&](seq::RootsOp roots) { return lowerRoots(builder, roots, arithmetic); })
      .Case([&](seq::ComplexMulOp product) {
        return lowerComplexMul(builder, product, operands, arithmetic);
      })
      .DefaultUnreachable("a seq operation without a meaning");
}

//===----------------------------------------------------------------------===//
// float32
//===----------------------------------------------------------------------===//

/// Replaces one operation by its loops.
static void lowerInPlace(Operation *op, const Arithmetic &arithmetic) {
  auto inlined = [](OpBuilder &builder, Region &region, ValueRange arguments) {
    return cloneBody(builder, region, arguments).second;
  };
  OpBuilder builder(op);
  op->replaceAllUsesWith(lower(builder, op, op->getOperands(), arithmetic, inlined));
  op->erase();
}

void longwing::lowerToLoops(Operation *op) {
  lowerInPlace(op, {Float32Type::get(op->getContext()), /*unrounded=*/false, /*pointwise=*/true});
}

static void lowerRounded(func::FuncOp func) {
  Arithmetic arithmetic{Float32Type::get(func.getContext())};
  func.walk([&](Operation *op) {
    if (isSeqOp(op))
      lowerInPlace(op, arithmetic);
  });
}

//===----------------------------------------------------------------------===//
// float64
//===----------------------------------------------------------------------===//

/// A scalar region in float64. Its arguments are f64 where the region declares f32.
static SmallVector<Value> inlineWidened(Widener &widener, OpBuilder &builder, Region &region,
                                        ValueRange arguments) {
  SmallVector<Value> narrow(arguments);
  for (auto [value, declared] : llvm::zip(narrow, region.getArguments())) {
    if (value.getType() == declared.getType())
      continue;
    auto rounded = arith::TruncFOp::create(builder, value.getLoc(), declared.getType(), value);
    widener.map(rounded, value);
    widener.retire(rounded);
    value = rounded;
  }
  auto [clones, yielded] = cloneBody(builder, region, narrow);
  SmallVector<Operation *> ops;
  for (Operation *clone : clones)
    clone->walk<WalkOrder::PreOrder>([&](Operation *inner) { ops.push_back(inner); });
  for (Operation *inner : ops)
    widener.visit(inner);
  return llvm::map_to_vector(yielded, [&](Value value) { return widener.widen(value); });
}

static void lowerUnrounded(Widener &widener, Operation *op) {
  Arithmetic arithmetic{Float64Type::get(op->getContext()), /*unrounded=*/true};
  OpBuilder builder(op);
  auto inlined = [&](OpBuilder &inner, Region &region, ValueRange arguments) {
    return inlineWidened(widener, inner, region, arguments);
  };
  auto operands =
      llvm::map_to_vector(op->getOperands(), [&](Value value) { return widener.lookup(value); });
  auto results = lower(builder, op, operands, arithmetic, inlined);
  for (auto [narrow, wide] : llvm::zip(op->getResults(), results))
    widener.map(narrow, wide);
  widener.retire(op);
}

/// Whether a function of the module gets float64 results.
static bool isWidened(func::FuncOp func) { return func && !func.isExternal(); }

static void widenCall(Widener &widener, func::CallOp call, SymbolTable &symbols) {
  if (!isWidened(symbols.lookup<func::FuncOp>(call.getCallee())))
    return;
  OpBuilder builder(call);
  auto types = llvm::map_to_vector(call.getResultTypes(), Widener::widened);
  auto wide =
      func::CallOp::create(builder, call.getLoc(), call.getCallee(), types, call.getOperands());
  for (auto [narrow, result] : llvm::zip(call.getResults(), wide.getResults())) {
    if (narrow.getType() == result.getType())
      narrow.replaceAllUsesWith(result);
    else
      widener.map(narrow, result);
  }
  widener.retire(call);
}

static void lowerToOracle(func::FuncOp func, SymbolTable &symbols) {
  SmallVector<Operation *> ops;
  func.walk<WalkOrder::PreOrder>([&](Operation *op) {
    ops.push_back(op);
    return isSeqOp(op) ? WalkResult::skip() : WalkResult::advance();
  });
  Widener widener(func.getContext());
  for (Operation *op : llvm::drop_begin(ops)) {
    if (isSeqOp(op))
      lowerUnrounded(widener, op);
    else if (auto call = dyn_cast<func::CallOp>(op))
      widenCall(widener, call, symbols);
    else if (auto ret = dyn_cast<func::ReturnOp>(op))
      for (OpOperand &operand : ret->getOpOperands())
        operand.set(widener.widen(operand.get()));
    else
      widener.visit(op);
  }
  widener.finish();
  auto type = func.getFunctionType();
  func.setFunctionType(
      type.clone(type.getInputs(), llvm::map_to_vector(type.getResults(), Widener::widened)));
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {
struct SeqToLinalgPass : longwing::impl::SeqToLinalgBase<SeqToLinalgPass> {
  using SeqToLinalgBase::SeqToLinalgBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto func : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (func.isExternal())
        continue;
      if (precision == Precision::F64)
        lowerToOracle(func, symbols);
      else
        lowerRounded(func);
    }
  }
};
} // namespace
