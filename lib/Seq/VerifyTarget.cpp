//===- VerifyTarget.cpp - Checks what the target can run ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/seq/Seq.h"
#include "longwing/Seq/Config.h"
#include "longwing/Seq/ConvConfig.h"
#include "longwing/Seq/DirectConv.h"
#include "longwing/Seq/FourierPlan.h"
#include "longwing/Seq/PassConv.h"
#include "longwing/Seq/Passes.h"
#include "longwing/Seq/StepConfig.h"
#include "longwing/Target/Hopper.h"

#include "llvm/ADT/TypeSwitch.h"

namespace longwing {
#define GEN_PASS_DEF_SEQVERIFYTARGET
#include "longwing/Seq/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;

static LogicalResult verifyAttention(seq::AttentionOp op) {
  Type element = op.getQ().getType().getElementType();
  if (!element.isF16() && !element.isBF16())
    return op.emitOpError() << "cannot run on sm_90a: expected elements of type f16 or bf16, got "
                            << element << "; the x86-64 target takes it";
  int64_t multiple = hopper::kTmaAlignment * 8 / element.getIntOrFloatBitWidth();
  for (auto [size, name] : {std::pair{op.getHeadDim(), "q and k"}, {op.getValueDim(), "v"}})
    if (size % multiple || size > hopper::kMaxHeadDim)
      return op.emitOpError() << "cannot run on sm_90a: expected the head dimension of " << name
                              << " to be a multiple of " << multiple << " and at most "
                              << hopper::kMaxHeadDim << ", got " << size;
  return success();
}

/// What the kernel of a linear attention does not do.
static LogicalResult verifyLinearAttention(seq::LinearAttentionOp op) {
  if (isStep(op))
    return success();
  auto fail = [&](const Twine &expected) {
    return op.emitOpError() << "cannot run on sm_90a: expected " << expected
                            << "; the x86-64 target takes it";
  };
  Type element = op.getV().getType().getElementType();
  if (!element.isF16() && !element.isBF16())
    return op.emitOpError() << "cannot run on sm_90a: expected elements of type f16 or bf16, got "
                            << element << "; the x86-64 target takes it";
  if (op.getBonus() && !op.hasChannelDecay() && !op.hasConstantDecay())
    return fail("next to a bonus a decay for each key channel, or a constant one, got one for each "
                "head and step");
  if ((op.hasChannelDecay() || op.getBonus()) && op.hasConstantDecay() && op.getInit() && op.getKeyDim() > 64)
    return fail("K of at most 64 where constant decays differ between key channels and there is an "
                "initial state, got " + Twine(op.getKeyDim()));
  int64_t multiple = hopper::kTmaAlignment * 8 / element.getIntOrFloatBitWidth();
  for (auto [size, limit, name] : {std::tuple{op.getKeyDim(), hopper::kMaxKeyDim, "K"},
                                   std::tuple{op.getValueDim(), hopper::kMaxValueDim, "V"}})
    if (size % multiple || size > limit)
      return op.emitOpError() << "cannot run on sm_90a: expected " << name << " to be a multiple of "
                              << multiple << " and at most " << limit << ", got " << size;
  return success();
}

/// It is computed as it is defined.
static LogicalResult takePlain(Operation *op, const Twine &why = "has no kernel of its own") {
  markPlain(op, why);
  return success();
}

/// Any kind of kernel will do; a plain one sums.
static LogicalResult verifyLongConv(seq::LongConvOp op) {
  if (op.getInitial() || op.getFinal())
    return takePlain(op, "is read in parts, and no other kernel adds its state");
  std::string direct, fourier, passes;
  if (DirectConv::plan(op, &direct) || FourierPlan::of(op, &fourier) || PassPlan::of(op, &passes))
    return success();
  if (takesStages(op))
    return success();
  if (op.getSpectrum())
    return op.emitOpError() << "cannot run on sm_90a: " << fourier << ", and " << passes
                            << "; the x86-64 target takes it";
  if (op.getU().getType().getElementType().isF32())
    return takePlain(op, "has elements of f32, which no other kernel takes");
  return takePlain(op, "has no other kernel: " + direct + ", and " + fourier + ", and " + passes);
}

static LogicalResult verifyPrepareFilter(seq::PrepareFilterOp op) {
  std::string fourier, passes;
  if (FourierPlan::of(op, &fourier) || PassPlan::of(op, &passes))
    return success();
  return op.emitOpError() << "cannot run on sm_90a: " << fourier << ", and " << passes << "; the x86-64 target takes it";
}

/// Where time is the last dimension and Toeplitz products do not fit, a plain kernel does.
static LogicalResult verifyShortConv(seq::ShortConvOp op) {
  std::string why;
  return op.getAxis() == 1 || DirectConv::plan(op, &why) ? success() : takePlain(op, why);
}

namespace {
struct SeqVerifyTarget : longwing::impl::SeqVerifyTargetBase<SeqVerifyTarget> {
  void runOnOperation() override {
    WalkResult walk = getOperation().walk([&](Operation *op) {
      LogicalResult result =
          TypeSwitch<Operation *, LogicalResult>(op)
              .Case([](seq::AttentionOp op) { return verifyAttention(op); })
              .Case([](seq::LinearAttentionOp op) { return verifyLinearAttention(op); })
              .Case<seq::ScanOp, seq::SelectiveScanOp>([](auto op) {
                return isStep(op) ? success() : verifyScanTarget(op);
              })
              .Case([](seq::LongConvOp op) { return verifyLongConv(op); })
              .Case([](seq::PrepareFilterOp op) { return verifyPrepareFilter(op); })
              .Case([](seq::ShortConvOp op) { return verifyShortConv(op); })
              .Case<seq::FftOp, seq::ButterflyOp, seq::RootsOp, seq::ComplexMulOp,
                    seq::ImplicitFilterOp, seq::ImplicitSpectrumOp>([](Operation *op) { return takePlain(op); })
              .Default([](Operation *) { return success(); });
      return failed(result) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (walk.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
