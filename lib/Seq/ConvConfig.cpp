//===- ConvConfig.cpp - Algorithms of long convolutions -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An output costs the greatest of what memory, and the sum of what products and pointwise
// arithmetic ask for: on Hopper a warp's mma and its other instructions share the issue port.
//
//===----------------------------------------------------------------------===//

#include "longwing/Seq/ConvConfig.h"
#include "longwing/Seq/Config.h"
#include "longwing/Seq/DirectConv.h"
#include "longwing/Seq/FourierPlan.h"
#include "longwing/Seq/PassConv.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longwing;

//===----------------------------------------------------------------------===//
// What the card does in a picosecond, measured on an H200
//===----------------------------------------------------------------------===//

/// Bytes from and to memory.
static constexpr double kMemory = 4.27;
/// Operations of wgmma, at the rate that Toeplitz blocks reach.
static constexpr double kWgmma = 700;
/// Operations of mma.sync with the data in registers.
static constexpr double kMma = 629;
/// Pointwise arithmetic of one stage and output: twiddles, conversions, fragments.
static constexpr double kStage = 0.12;
/// What of the bound a transform kernel reaches whose data stay in registers, and one in place in SRAM.
static constexpr double kEfficiency = 0.82, kInPlaceEfficiency = 0.64;
/// Side of a Toeplitz block.
static constexpr int64_t kBlock = 64;
/// The longest transform whose first stage is one matrix, and the longest that one CTA holds.
static constexpr int64_t kPart = kShortBlock, kLongestInCta = 32768;
/// The longest sequence that is thought about; a longer one has no memory.
static constexpr int64_t kLongest = int64_t(1) << 40;
/// The picoseconds that each block of input that one of the result depends on costs an output: SRAM holds the transforms of
/// short ones, L2 those of long ones.
static constexpr double kLongBlockProduct = 1.2;
static constexpr int64_t kBlockRadices[] = {16, 16, 16}, kLongBlockRadices[] = {kLongestInCta / 256, 16, 16};
static constexpr double kBlockProduct = 0.4;
/// The most rows of an outer pass.
static constexpr int64_t kMostRows = 256;
/// The largest radix of a stage.
static constexpr int64_t kLargestRadix = 128;
/// Binary digits of a stage in f32, all of whose numbers a thread holds; and taps from which on stages are faster than sums.
static constexpr int64_t kMostDigits = 4, kManyTaps = 512;

//===----------------------------------------------------------------------===//
// The problem
//===----------------------------------------------------------------------===//

ConvProblem ConvProblem::of(seq::LongConvOp op) {
  ConvProblem problem;
  problem.kind = op.getKind();
  problem.length = op.getLength();
  problem.taps = op.getFilterLength();
  if (op.getReverse() && !ShapedType::isDynamic(problem.taps)) {
    int64_t reverse = op.getReverse().getType().getDimSize(1);
    problem.taps = ShapedType::isDynamic(reverse)
                       ? reverse
                       : std::min(problem.taps, kLongest) + std::min(reverse, kLongest);
  }
  problem.streams = 2 + (op.getPre() ? 1 : 0) + (op.getPost() ? 1 : 0);
  problem.elementBytes = op.getU().getType().getElementTypeBitWidth() / 8;
  return problem;
}

int64_t ConvProblem::reach(int64_t block) const {
  bool oneSided = kind == seq::ConvKind::Causal || kind == seq::ConvKind::Anticausal;
  if (!oneSided || length <= block || length > kLongest)
    return 0;
  int64_t blocks = llvm::divideCeil(length, block);
  // Between two neighbouring blocks are lags of up to two lengths.
  if (taps >= 0)
    blocks = std::min<int64_t>(blocks, llvm::divideCeil(std::max<int64_t>(taps - 1, 1), block) + 1);
  return blocks <= (block == kLongestInCta ? kMostLongReach : kMostReach) ? blocks : 0;
}

/// Operations of an output, forth and back, 8 for each complex product; the pointwise arithmetic
/// counts as if it were operations.
static double stageCost(ArrayRef<int64_t> radices) {
  double sum = 0;
  for (int64_t radix : radices)
    sum += 16 * radix + kStage * kMma;
  return radices.empty() ? 0 : sum - 8 * radices.front(); // the first and last stage are real
}

/// N.
static int64_t lengthOf(ArrayRef<int64_t> radices) {
  int64_t length = 1;
  for (int64_t radix : radices)
    length *= radix;
  return length;
}

/// Tries all ways to write `rest` as further radices, at most four in all.
static void search(int64_t rest, SmallVector<int64_t> &radices, SmallVector<int64_t> &best) {
  if (rest == 1 && (best.empty() || stageCost(radices) < stageCost(best)))
    best = radices;
  if (rest == 1 || radices.size() == 4)
    return;
  int64_t largest = radices.empty() ? kLargestRadix : radices.back();
  for (int64_t radix = std::min(rest, largest); radix > 1; --radix) {
    if (rest % radix)
      continue;
    radices.push_back(radix);
    search(rest / radix, radices, best);
    radices.pop_back();
  }
}

/// The cheapest radices of exactly this length, the largest one first, or nothing.
static SmallVector<int64_t> factor(int64_t length) {
  SmallVector<int64_t> radices, best;
  search(length, radices, best);
  return best;
}

SmallVector<int64_t> longwing::chooseRadices(const ConvProblem &problem) {
  int64_t length = problem.length;
  if (length <= 0 || length > kLongest)
    return {};
  if (length == 1)
    return {1};
  // Two stages of 16 behind the first one, as the fragments of mma.sync want it.
  auto whole = [](int64_t n) -> SmallVector<int64_t> {
    if (n <= kLongestInCta)
      return {n / 256, 16, 16};
    return {n / kLongestInCta, 32, 32, 32};
  };
  auto withoutOnes = [](SmallVector<int64_t> radices) {
    llvm::erase(radices, 1);
    return radices;
  };
  int64_t step = length <= kLongestInCta ? 256 : kLongestInCta;
  if (problem.isCircular() && length % step)
    if (SmallVector<int64_t> exact = factor(length); !exact.empty() || !problem.unwraps())
      return exact;
  // Every length from L on does for the other kinds, and for a circular one as a two-sided one. A sequence in
  // several parts of 4096 samples has a power of two of them.
  int64_t padded = llvm::alignTo(length, step);
  if (padded > kPart && padded <= kLongestInCta)
    padded = llvm::PowerOf2Ceil(padded);
  SmallVector<int64_t> radices = withoutOnes(whole(padded));
  if (radices.front() > kLargestRadix)
    return problem.isCircular() ? factor(length) : SmallVector<int64_t>();
  return radices;
}

SmallVector<int64_t> longwing::stageRadices(seq::LongConvOp op) {
  ConvProblem problem = ConvProblem::of(op);
  if (op.getSpectrum() || op.getInitial() || op.getFinal() || problem.length <= 0 || problem.length > kLongest)
    return {};
  if (problem.isCircular() && !problem.unwraps()) // taps come round
    return {};
  int64_t digits = std::max<int64_t>(llvm::Log2_64_Ceil(problem.length), 2);
  int64_t stages = std::max<int64_t>(llvm::divideCeil(digits, kMostDigits), 2);
  SmallVector<int64_t> radices;
  for (int64_t i = 0; i < stages; ++i)
    radices.push_back(int64_t(1) << (digits / stages + (i < stages - digits % stages ? 0 : 1))); // the first one has gates, too
  return radices;
}

bool longwing::takesStages(seq::LongConvOp op) {
  ConvProblem problem = ConvProblem::of(op);
  bool isLong = problem.length > kManyTaps && (problem.taps < 0 || problem.taps > kManyTaps);
  return isLong && !stageRadices(op).empty() && !DirectConv::plan(op) && !FourierPlan::of(op) && !PassPlan::of(op);
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

static double memoryTime(const ConvProblem &problem) {
  return problem.streams * problem.elementBytes / kMemory;
}

static ConvCost limited(double memory, double arithmetic) {
  if (memory >= arithmetic)
    return {memory, "memory"};
  return {arithmetic, "products"};
}

ConvCost longwing::toeplitzCost(const ConvProblem &problem) {
  int64_t length = problem.length, taps = problem.taps;
  if (taps < 0 || (length >= 0 && taps > length && !problem.isCircular()))
    taps = length;
  if (taps < 0)
    taps = 1 << 20; // nothing is known: as if it were long
  // A block of outputs meets the blocks of inputs that the filter reaches; with a filter as long
  // as the sequence half of them lie beyond its end.
  double blocks = (taps - 1) / kBlock + 2;
  if (!problem.isCircular() && length >= 0)
    blocks = std::min(blocks, double(length) / kBlock / 2 + 1);
  return limited(memoryTime(problem), 2 * kBlock * blocks / kWgmma);
}

ConvCost longwing::transformCost(const ConvProblem &problem, ArrayRef<int64_t> radices) {
  int64_t transformed = lengthOf(radices);
  double padding = double(transformed) / std::max<int64_t>(problem.length, 1);
  double arithmetic = padding * stageCost(radices) / kMma / (transformed > kPart ? kInPlaceEfficiency : kEfficiency);
  if (transformed > kLongestInCta)
    if (std::optional<PassPlan> plan = PassPlan::choose(problem.length, kMostRows, problem.isCircular()))
      return {plan->cost(), "passes"};
  return limited(memoryTime(problem), arithmetic);
}

SmallVector<int64_t> longwing::blockRadices() { return llvm::to_vector(ArrayRef(kBlockRadices)); }

SmallVector<int64_t> longwing::longBlockRadices() { return llvm::to_vector(ArrayRef(kLongBlockRadices)); }

/// Blocks of a sequence, each the sum of as many products of transforms as it depends on blocks.
static ConvCost blocksCost(const ConvProblem &problem, ArrayRef<int64_t> radices, int64_t reach) {
  int64_t block = lengthOf(radices), blocks = llvm::divideCeil(problem.length, block);
  double padding = double(blocks * block) / double(problem.length);
  double product = block == kLongestInCta ? kLongBlockProduct : kBlockProduct;
  double arithmetic = stageCost(radices) / kMma / kEfficiency + product * (productsOfBlock(blocks, reach) - 1);
  return limited(memoryTime(problem), padding * arithmetic);
}

static std::string describe(StringRef name, const ConvCost &cost) {
  return llvm::formatv("{0} {1:F2} ps an output ({2})", name, cost.picoseconds, cost.limit).str();
}

static std::string joinRadices(ArrayRef<int64_t> radices) {
  std::string text;
  for (int64_t radix : radices)
    text += (text.empty() ? "" : "x") + std::to_string(radix);
  return text;
}

ConvConfig longwing::chooseConv(seq::LongConvOp op) {
  ConvProblem problem = ConvProblem::of(op);
  ConvConfig config;
  auto transform = [&](ArrayRef<int64_t> radices) {
    config.radices.assign(radices.begin(), radices.end());
    config.algorithm = config.transformLength() > kLongestInCta ? ConvAlgorithm::MultiPass
                                                                : ConvAlgorithm::Transform;
  };
  if (op.getSpectrum()) {
    transform(*op.getRadices());
    if (RankedTensorType spectrum = op.getSpectrum().getType(); seq::isInBlocks(spectrum)) {
      config.algorithm = ConvAlgorithm::Blocks;
      if (problem.length <= 0)
        problem.length = seq::lengthOf(spectrum);
      int64_t reach = llvm::divideCeil(problem.length, seq::pointsOf(spectrum));
      config.picoseconds = blocksCost(problem, config.radices, reach).picoseconds;
    } else {
      config.picoseconds = transformCost(problem, config.radices).picoseconds;
    }
    config.reason = "the spectrum is prepared for it";
    return config;
  }
  ConvCost direct = toeplitzCost(problem);
  config.picoseconds = direct.picoseconds;
  config.reason = describe("toeplitz", direct);
  auto inBlocks = [&](int64_t block, const ConvCost &cost, SmallVector<int64_t> radices) {
    config.reason += "; " + describe(llvm::formatv("blocks of {0}, {1} deep,", block, problem.reach(block)).str(), cost);
    if (cost.picoseconds >= config.picoseconds)
      return;
    config.algorithm = ConvAlgorithm::Blocks;
    config.radices = radices;
    config.picoseconds = cost.picoseconds;
  };
  if (int64_t reach = problem.reach(kPart)) {
    inBlocks(kPart, blocksCost(problem, kBlockRadices, reach), blockRadices());
  } else {
    if (int64_t reach = problem.reach(kLongestInCta); reach && !FourierPlan::addsSkip(op))
      inBlocks(kLongestInCta, blocksCost(problem, kLongBlockRadices, reach), longBlockRadices());
    if (std::optional<PassPlan> plan = PassPlan::chooseBlocks(problem, PassPlan::maxOuter(op)))
      inBlocks(plan->points(), {plan->cost(), "passes"}, plan->radices());
  }
  SmallVector<int64_t> radices = chooseRadices(problem);
  if (radices.empty()) {
    config.reason += problem.length < 0 ? "; a transform needs a static length"
                                        : "; no radices make up this length";
    return config;
  }
  ConvCost cost = transformCost(problem, radices);
  config.reason += "; " + describe("transform " + joinRadices(radices), cost);
  if (cost.picoseconds < config.picoseconds) {
    transform(radices);
    config.picoseconds = cost.picoseconds;
  }
  return config;
}

//===----------------------------------------------------------------------===//
// The attribute
//===----------------------------------------------------------------------===//

StringRef longwing::stringifyConvAlgorithm(ConvAlgorithm algorithm) {
  switch (algorithm) {
  case ConvAlgorithm::Toeplitz:
    return "toeplitz";
  case ConvAlgorithm::Transform:
    return "transform";
  case ConvAlgorithm::Blocks:
    return "blocks";
  case ConvAlgorithm::MultiPass:
    return "multipass";
  case ConvAlgorithm::Stages:
    return "stages";
  }
  llvm_unreachable("an algorithm of convolutions");
}

std::optional<ConvAlgorithm> longwing::symbolizeConvAlgorithm(StringRef name) {
  for (auto algorithm :
       {ConvAlgorithm::Toeplitz, ConvAlgorithm::Transform, ConvAlgorithm::Blocks, ConvAlgorithm::MultiPass,
        ConvAlgorithm::Stages})
    if (name == stringifyConvAlgorithm(algorithm))
      return algorithm;
  return std::nullopt;
}

int64_t ConvConfig::transformLength() const { return lengthOf(radices); }

int64_t ConvConfig::reach(seq::LongConvOp op) const {
  if (algorithm != ConvAlgorithm::Blocks)
    return 0;
  return op.getSpectrum() ? llvm::divideCeil(op.getLength(), transformLength()) : ConvProblem::of(op).reach(transformLength());
}

ConvConfig ConvConfig::read(seq::LongConvOp op) {
  ConvConfig config;
  auto dict = op->getAttrOfType<DictionaryAttr>(kConfigAttr);
  if (!dict)
    return config;
  if (auto name = dict.getAs<StringAttr>("algorithm"))
    config.algorithm = symbolizeConvAlgorithm(name.getValue()).value_or(config.algorithm);
  if (auto radices = dict.getAs<DenseI64ArrayAttr>("radices"))
    config.radices.assign(radices.asArrayRef().begin(), radices.asArrayRef().end());
  config.precise = dict.contains("precise");
  if (auto reason = dict.getAs<StringAttr>("reason"))
    config.reason = reason.str();
  return config;
}

void ConvConfig::write(seq::LongConvOp op) const {
  Builder b(op.getContext());
  SmallVector<NamedAttribute> values = {
      b.getNamedAttr("algorithm", b.getStringAttr(stringifyConvAlgorithm(algorithm))),
      b.getNamedAttr("radices", b.getDenseI64ArrayAttr(radices)),
      b.getNamedAttr("reason", b.getStringAttr(reason)),
  };
  if (precise)
    values.push_back(b.getNamedAttr("precise", b.getUnitAttr()));
  op->setAttr(kConfigAttr, b.getDictionaryAttr(values));
}
