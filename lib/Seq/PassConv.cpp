//===- PassConv.cpp - Convolutions by transforms through memory -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Seq/PassConv.h"
#include "longwing/Target/Hopper.h"

#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace longwing;

/// The largest outer radix: with 512 the sums of its residues do not fit the registers.
static constexpr int64_t kMaxOuter = 256;
/// The same beside a skip, which reads tensors of its own on the way back: SRAM has no two slots for each
/// of them next to larger matrices.
static constexpr int64_t kMaxOuterWithSkip = 128;
/// The smallest transform over b: with 2 the inner kernel spills.
static constexpr int64_t kMinInner = 4;
/// What a pass with its products moves in a picosecond, measured on an H200, and the bytes of an output in three passes: samples
/// of 2, and numbers of 4. Middle passes move as many numbers as the inner one; a larger outer matrix reads samples twice.
static constexpr double kPassRate = 3.6;
static constexpr double kSampleBytes = 4, kNumberBytes = 16, kMiddleBytes = 16, kMoreRows = 3;
/// The largest outer radix whose pass forth reads its input once: 64 rows serve two residues.
static constexpr int64_t kReadOnce = 128;
/// Picoseconds of an output for each product of a block's transform with a spectrum but the first.
static constexpr double kBlockProduct = 0.33;

int64_t PassPlan::maxOuter(seq::LongConvOp op) { return op.getSkip() ? kMaxOuterWithSkip : kMaxOuter; }

double PassPlan::cost() const {
  double count = double(blocks());
  double numbers = (kNumberBytes + (middle > 1 ? kMiddleBytes : 0)) * double(rows()) / double(outer);
  double bytes = kSampleBytes + numbers + (outer > kReadOnce ? kMoreRows : 0);
  double products = inBlocks() ? productsOfBlock(blocks(), reach) : 1;
  return count * double(points()) / double(length) * (bytes / kPassRate + kBlockProduct * (products - 1));
}

std::optional<PassPlan> PassPlan::chooseBlocks(const ConvProblem &problem, int64_t maxOuter) {
  std::optional<PassPlan> best;
  if (problem.isCircular()) // what wraps around is no block before the first
    return best;
  for (int64_t outer = kSide; outer <= maxOuter; outer *= 2)
    for (int64_t inner = kMinInner; inner <= kSide; inner *= 2) {
      PassPlan plan{problem.length, outer, inner};
      plan.reach = problem.reach(plan.points());
      // Of more blocks than the most that a filter reaches over, SRAM has no room for one more transform.
      bool fits = plan.reach < kMostReach || plan.reach == plan.blocks();
      if (plan.reach && fits && (!best || plan.cost() < best->cost()))
        best = plan;
    }
  return best;
}

SmallVector<int64_t> PassPlan::radices() const {
  SmallVector<int64_t> all = {outer};
  for (int64_t radix : {middle, radix()})
    if (radix > 1)
      all.push_back(radix);
  all.append({16, 16});
  return all;
}

/// At the roots of 1, which a circular transform of as many points as samples takes, outer kernels of two residues leave out
/// the rows that are conjugate to others.
static void setRoots(PassPlan &plan, bool atRootsOfOne) {
  plan.rightAngle = !atRootsOfOne;
  plan.mirrored = atRootsOfOne && plan.outer >= 2 * kSide;
}

std::optional<PassPlan> PassPlan::choose(int64_t length, int64_t maxOuter, bool isCircular) {
  std::optional<PassPlan> best;
  for (int64_t middle : {int64_t(1), kSide})
    for (int64_t inner = kMinInner; inner <= kSide; inner *= 2) {
      int64_t outer = llvm::divideCeil(length, kSide * inner * middle * kSide) * kSide;
      // The filter's inner kernel spills where the work tiles are counted by another number.
      outer = llvm::PowerOf2Ceil(outer);
      if (outer > maxOuter)
        continue;
      PassPlan plan{length, outer, inner, /*rightAngle=*/true, middle};
      setRoots(plan, isCircular && plan.points() == length);
      // Of those that cost the same, the one with the fewest rows of the outer matrix.
      if (!best || plan.cost() <= best->cost())
        best = plan;
    }
  return best;
}

static std::string toText(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

static std::optional<PassPlan> refuse(std::string *why, const Twine &reason) {
  if (why)
    *why = reason.str();
  return std::nullopt;
}

/// The plan in whose order a spectrum of these radices lies: [R, Q, M / 256, 16, 16], without Q and
/// M / 256 where they are 1.
static std::optional<PassPlan> inOrder(ArrayRef<int64_t> radices, std::string *why) {
  bool known = radices.size() >= 3 && radices.take_back(2) == ArrayRef<int64_t>{16, 16};
  PassPlan plan;
  if (known) {
    plan.outer = radices.front();
    radices = radices.drop_front().drop_back(2);
    if (!radices.empty() && radices.front() == kSide) {
      plan.middle = kSide;
      radices = radices.drop_front();
    }
    int64_t radix = radices.empty() ? 1 : radices.front();
    plan.inner = kMinInner * radix;
    known = radices.size() < 2 && plan.outer % kSide == 0 && plan.outer <= kMaxOuter && radix <= 16 &&
            llvm::isPowerOf2_64(radix);
  }
  if (!known)
    return refuse(why, "passes through memory take a spectrum of radices [R, 16, 16], [R, r, 16, 16], [R, 64, 16, 16] "
                       "or [R, 64, r, 16, 16], R a multiple of 64 up to 256, r a power of two up to 16");
  return plan;
}

static constexpr const char *kNoMiddle = "blocks that go through memory have no middle pass: expected a spectrum of radices [R, 16, 16] or [R, r, 16, 16]";

/// The plan of a spectrum, in blocks or not.
static std::optional<PassPlan> ofSpectrum(RankedTensorType spectrum, ArrayRef<int64_t> radices, std::string *why) {
  std::optional<PassPlan> plan = inOrder(radices, why);
  if (plan && seq::isInBlocks(spectrum) && plan->middle > 1)
    return refuse(why, kNoMiddle);
  return plan;
}

std::optional<PassPlan> PassPlan::of(seq::LongConvOp op, std::string *why) {
  Type element = op.getU().getType().getElementType();
  int64_t length = op.getLength(), taps = op.getFilterLength();
  if (!element.isF16() && !element.isBF16())
    return refuse(why, "a transform takes elements of type f16 or bf16, got " + toText(element));
  if (op.getInitial() || op.getFinal())
    return refuse(why, "a transform in passes takes a whole sequence, got one with a state");
  if (ShapedType::isDynamic(length) || length < 1 || length > hopper::kLongestConv)
    return refuse(why, "a transform takes a static length of 1 to " + Twine(hopper::kLongestConv) + ", got " +
                           toText(op.getU().getType()));
  if (op.getSpectrum()) {
    RankedTensorType spectrum = op.getSpectrum().getType();
    std::optional<PassPlan> plan = ofSpectrum(spectrum, *op.getRadices(), why);
    if (!plan)
      return plan;
    if (plan->outer > maxOuter(op))
      return refuse(why, "beside a skip passes through memory take a spectrum whose first radix is at most " +
                             Twine(kMaxOuterWithSkip) + ", got " + Twine(plan->outer));
    plan->length = length;
    setRoots(*plan, op.isCircular());
    if (!seq::isInBlocks(spectrum))
      return plan;
    plan->reach = llvm::divideCeil(length, plan->points());
    if (plan->reach > kMostReach || !spectrum.getElementType().isF16())
      return refuse(why, "expected a spectrum in blocks to be of f16, for at most " + Twine(kMostReach) + " of them");
    return plan;
  }
  if (op.isCircular() && (ShapedType::isDynamic(taps) || taps > length))
    return refuse(why, "a circular transform takes no more taps than samples, got " +
                           toText(op.getFilter().getType()));
  ConvConfig config = ConvConfig::read(op);
  if (config.algorithm != ConvAlgorithm::Blocks)
    return choose(length, maxOuter(op), op.isCircular());
  std::optional<PassPlan> plan = inOrder(config.radices, why);
  if (!plan)
    return plan;
  if (plan->outer > maxOuter(op) || plan->middle > 1)
    return refuse(why, "blocks have no middle pass, and an outer radix of at most " + Twine(maxOuter(op)));
  plan->length = length;
  plan->reach = config.reach(op);
  return plan;
}

std::optional<PassPlan> PassPlan::of(seq::PrepareFilterOp op, std::string *why) {
  RankedTensorType spectrum = op.getSpectrum().getType();
  std::optional<PassPlan> plan = ofSpectrum(spectrum, op.getRadices(), why);
  if (!plan)
    return plan;
  if (seq::isInBlocks(spectrum))
    plan->reach = seq::blocksOf(spectrum);
  plan->length = plan->points() * seq::blocksOf(spectrum);
  plan->rightAngle = op.getKind() != seq::ConvKind::Circular;
  int64_t taps = op.getFilter().getType().getDimSize(1);
  if (!plan->rightAngle && (ShapedType::isDynamic(taps) || taps > plan->points()))
    return refuse(why, "a circular transform takes no more taps than points, got " +
                           toText(op.getFilter().getType()));
  return plan;
}
