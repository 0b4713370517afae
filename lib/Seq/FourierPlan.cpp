//===- FourierPlan.cpp - Convolutions by Fourier transform ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Seq/FourierPlan.h"

#include "longwing/Seq/ConvConfig.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longwing;

/// The largest first radix, that of one tile, and the number of times that a filter may wrap around.
static constexpr int64_t kMostRadix = 128, kTileRadix = 16, kMostWraps = 8;

int64_t FourierPlan::rows() const { return llvm::PowerOf2Ceil(std::min(radix, kTileRadix)); }

/// R of the radices [R, 16, 16] or [16, 16]; nothing if they are others.
static std::optional<int64_t> firstRadix(ArrayRef<int64_t> radices) {
  if (radices.size() < 2 || radices.size() > 3 || radices.take_back(2) != ArrayRef<int64_t>{16, 16})
    return std::nullopt;
  int64_t first = radices.size() == 3 ? radices.front() : 1;
  bool some = first <= kTileRadix || (first <= kMostRadix && llvm::isPowerOf2_64(first));
  return some ? std::optional(first) : std::nullopt;
}

static std::optional<FourierPlan> refuse(std::string *why, const Twine &reason) {
  if (why)
    *why = reason.str();
  return std::nullopt;
}

/// Takes the radix of blocks, if one CTA transforms blocks of these.
static bool setBlocks(FourierPlan &plan, ArrayRef<int64_t> radices) {
  if (radices != ArrayRef(blockRadices()) && radices != ArrayRef(longBlockRadices()))
    return false;
  plan.radix = radices.front();
  return true;
}

static constexpr const char *kSkip = "a transform in parts takes a skip as a tap of the filter";

/// A plan in blocks, unless the transforms that are kept leave no SRAM for what is skipped.
static std::optional<FourierPlan> fits(seq::LongConvOp op, const FourierPlan &plan, std::string *why) {
  constexpr int64_t kMostBesideSkip = 6;
  if (FourierPlan::addsSkip(op) && plan.parts() > 1)
    return refuse(why, kSkip);
  if (op.getPre() && op.getSkipUngated() && plan.reach > kMostBesideSkip)
    return refuse(why, "beside a skip that is not gated a filter reaches over at most " + Twine(kMostBesideSkip) + " blocks");
  return plan;
}

static std::optional<FourierPlan> planOf(seq::LongConvOp op, std::string *why) {
  Type element = op.getU().getType().getElementType();
  if (!element.isF16() && !element.isBF16())
    return refuse(why, "expected elements of type f16 or bf16 for transforms");
  int64_t length = op.getLength();
  if (ShapedType::isDynamic(length) || length < 1)
    return refuse(why, "a transform needs a static length");
  if (op.getSpectrum() && seq::isInBlocks(op.getSpectrum().getType())) {
    FourierPlan plan;
    bool half = op.getSpectrum().getType().getElementType().isF16();
    bool known = setBlocks(plan, *op.getRadices());
    int64_t most = plan.parts() > 1 ? kMostLongReach : kMostReach;
    plan.reach = llvm::divideCeil(length, plan.length());
    if (!known || plan.reach > most || !half)
      return refuse(why, "expected a spectrum in blocks to be of f16 and of radices [16, 16, 16], for at most " + Twine(kMostReach) +
                             " of them, or [128, 16, 16], for at most " + Twine(kMostLongReach));
    return fits(op, plan, why);
  }
  if (op.getSpectrum()) {
    std::optional<int64_t> radix = firstRadix(*op.getRadices());
    if (!radix)
      return refuse(why, "expected a spectrum of radices [R, 16, 16], R up to 16, 32, 64 or 128");
    FourierPlan plan{*radix, !op.isCircular()};
    if (op.getSpectrum().getType().getDimSize(1) != plan.length() || plan.length() < length)
      return refuse(why, "expected a spectrum of static length");
    if (FourierPlan::addsSkip(op) && plan.parts() > 1)
      return refuse(why, kSkip);
    return plan;
  }
  ConvConfig config = ConvConfig::read(op);
  FourierPlan plan;
  if (config.algorithm == ConvAlgorithm::Blocks) {
    if (!setBlocks(plan, config.radices))
      return refuse(why, "blocks of other lengths than 4096 and 32768 samples go through memory");
    plan.reach = config.reach(op);
    return fits(op, plan, why);
  }
  if (length > 256 * kMostRadix)
    return refuse(why, "transforms take up to " + Twine(256 * kMostRadix) + " samples");
  if (op.isCircular()) {
    int64_t taps = op.getFilterLength();
    if (ShapedType::isDynamic(taps) || taps > kMostWraps * length)
      return refuse(why, "expected a filter of static length, at most " + Twine(kMostWraps) +
                             " times that of the sequence");
  }
  // A filter in time may wrap around in its own samples, so that the right-angle transform of any
  // length from L on serves all kinds. Where its length is L a circular one needs only the roots of 1.
  int64_t runs = llvm::divideCeil(length, 256);
  bool whole = length % 256 == 0 && runs <= kTileRadix;
  plan.radix = whole ? runs : llvm::PowerOf2Ceil(runs);
  std::optional<int64_t> asked = firstRadix(config.radices);
  if (asked && 256 * *asked >= length)
    plan.radix = *asked;
  if (FourierPlan::addsSkip(op) && plan.parts() > 1)
    return refuse(why, kSkip);
  if (op.isCircular() && plan.radix == kMostRadix && op.getFilterLength() > length)
    return refuse(why, "of a transform of " + Twine(plan.length()) + " samples no filter wraps around more than once");
  plan.rightAngle = !op.isCircular() || plan.length() != length;
  return plan;
}

/// How many blocks SRAM holds in two parts.
static constexpr int64_t kMostPreciseReach = 2;

std::optional<FourierPlan> FourierPlan::of(seq::LongConvOp op, std::string *why) {
  std::optional<FourierPlan> plan = planOf(op, why);
  if (!plan || !ConvConfig::read(op).precise)
    return plan;
  if (plan->parts() > 1 || plan->reach > kMostPreciseReach)
    return refuse(why, "precise transforms take up to 4096 samples, or two blocks of as many");
  plan->precise = true;
  return plan;
}

std::optional<FourierPlan> FourierPlan::of(seq::PrepareFilterOp op, std::string *why) {
  if (RankedTensorType spectrum = op.getSpectrum().getType(); seq::isInBlocks(spectrum)) {
    FourierPlan plan;
    if (!setBlocks(plan, op.getRadices()))
      return refuse(why, "expected a spectrum in blocks of radices [16, 16, 16] or [128, 16, 16]");
    plan.reach = seq::blocksOf(spectrum);
    return plan;
  }
  std::optional<int64_t> radix = firstRadix(op.getRadices());
  if (!radix)
    return refuse(why, "expected the radices [R, 16, 16], R up to 16, 32, 64 or 128");
  FourierPlan plan{*radix, op.getKind() != seq::ConvKind::Circular};
  int64_t taps = op.getFilter().getType().getDimSize(1);
  if (op.getKind() == seq::ConvKind::Circular &&
      (ShapedType::isDynamic(taps) || taps > kMostWraps * plan.length()))
    return refuse(why, "expected a filter of static length, at most " + Twine(kMostWraps) +
                           " times that of the spectrum");
  return plan;
}
