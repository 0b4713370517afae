//===- DirectConv.cpp - Convolutions by Toeplitz products -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Seq/DirectConv.h"

#include "longwing/Target/Hopper.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longwing;

/// Chunks of inputs that a thread can hold beside an accumulator; a gate takes one's place.
static constexpr int64_t kMostChunks = 8;
/// Whole sequences, whose loop is unrolled.
static constexpr int64_t kMostWhole = 8;
/// Chunks that a loop carries without losing occupancy.
static constexpr int64_t kFewChunks = 4;
/// Predecessors that cost less to read again than rows that are far apart in memory.
static constexpr int64_t kFewTiled = 3;
/// Matrices of sequences that come as boxes: each costs a chain of a read and a product, so that with
/// more a transform takes less time.
static constexpr int64_t kMostBoxed = 6;
/// Matrices whose number may double without the products showing.
static constexpr int64_t kFewSplit = 3;

/// The matrices for lags from `low` to `high`: chunk distances d with 64 d - 63 <= high and
/// 64 d + 63 >= low.
static void cover(DirectConv &plan, int64_t low, int64_t high) {
  plan.first = -llvm::divideFloorSigned(DirectConv::kChunk - 1 - low, DirectConv::kChunk);
  int64_t last = llvm::divideFloorSigned(high + DirectConv::kChunk - 1, DirectConv::kChunk);
  plan.matrices = last - plan.first + 1;
}

static bool is16Bit(Type type) { return type.isF16() || type.isBF16(); }

std::optional<DirectConv> DirectConv::plan(seq::LongConvOp op, std::string *why) {
  auto refuse = [&](const Twine &reason) -> std::optional<DirectConv> {
    if (why)
      *why = reason.str();
    return std::nullopt;
  };
  Type element = op.getU().getType().getElementType();
  if (!is16Bit(element))
    return refuse("expected elements of type f16 or bf16 for Toeplitz products");
  if (op.getSpectrum())
    return refuse("Toeplitz products take a filter, not a spectrum");
  int64_t taps = op.getFilterLength(), length = op.getLength();
  int64_t reverse = op.getReverse() ? op.getReverse().getType().getDimSize(1) : 0;
  bool known = !ShapedType::isDynamic(length);
  if (known && !op.isCircular()) { // taps beyond the sequence meet nothing
    taps = ShapedType::isDynamic(taps) ? length : std::min(taps, length);
    reverse = ShapedType::isDynamic(reverse) ? length : std::min(reverse, length);
    taps = std::max<int64_t>(taps, 1);
  }
  if (ShapedType::isDynamic(taps) || ShapedType::isDynamic(reverse))
    return refuse("Toeplitz products need a filter of static length");
  DirectConv plan;
  plan.pre = bool(op.getPre()), plan.post = bool(op.getPost());
  plan.gates = (op.getPre() ? 1 : 0) + (op.getPost() ? 1 : 0) + (op.getSkipUngated() ? 1 : 0);
  int64_t low = 0, high = taps - 1;
  if (op.getKind() == seq::ConvKind::Anticausal)
    low = -(taps - 1), high = 0;
  else if (op.isTwoSided())
    low = -(reverse - (op.getKind() == seq::ConvKind::TwoSidedShared ? 1 : 0));
  cover(plan, low, high);
  // bf16 leaves room for two roundings: the result's, and the gated input's or the taps'.
  bool roundsTaps = op.getFilter().getType().getElementType() != element || op.getSkip();
  plan.split = element.isBF16() && roundsTaps && (op.getPre() || plan.matrices <= kFewSplit);
  // A gate on the input takes the registers of two chunks.
  plan.whole = known && length > 0 &&
               length <= (kMostWhole - (op.getPre() ? 2 : 0)) * kChunk &&
               plan.matrices > kFewChunks &&
               (!op.isCircular() || (length % kChunk == 0 && taps <= length));
  if (plan.whole) {
    plan.chunks = llvm::divideCeil(length, kChunk);
    // Distances between chunks of the sequence; a circular one counts them modulo its length.
    int64_t last = std::min(plan.first + plan.matrices, plan.chunks);
    plan.first = op.isCircular() ? 0 : std::max(plan.first, 1 - plan.chunks);
    plan.matrices = op.isCircular() ? plan.chunks : last - plan.first;
    return plan;
  }
  plan.tiled = plan.matrices <= kFewTiled;
  plan.chooseBoxes(length, op.isCircular());
  if (!plan.boxes && !plan.fitsRuns())
    return refuse("Toeplitz products reach over at most " + Twine(kMostChunks - plan.gates) + " blocks of " +
                  Twine(kChunk) + " samples here, and the filter needs " + Twine(plan.matrices));
  return plan;
}

std::optional<DirectConv> DirectConv::plan(seq::ShortConvOp op, std::string *why) {
  auto refuse = [&](const Twine &reason) -> std::optional<DirectConv> {
    if (why)
      *why = reason.str();
    return std::nullopt;
  };
  if (!is16Bit(op.getX().getType().getElementType()))
    return refuse("expected elements of type f16 or bf16 for Toeplitz products");
  if (op.getAxis() != 2)
    return refuse("Toeplitz products need time as the last dimension");
  DirectConv plan;
  int64_t ahead = op.getLookahead();
  cover(plan, -ahead, op.getWidth() - 1 - ahead);
  // Rounding the taps to bf16 would cost as much as rounding the result does.
  Type element = op.getX().getType().getElementType();
  plan.split = element.isBF16() && op.getWeights().getType().getElementType() != element;
  plan.tiled = true;
  if (!op.getInitial() && op->getNumResults() == 1)
    plan.chooseBoxes(op.getX().getType().getDimSize(2), /*circular=*/false);
  return plan;
}

bool DirectConv::fitsRuns() const { return matrices <= kMostChunks - gates; }

std::optional<DirectConv> DirectConv::unaligned() const {
  DirectConv runs = *this;
  runs.boxes = runs.wraps = false, runs.roomy = true;
  runs.first = runFirst, runs.matrices = runMatrices;
  if (!boxes || !runs.fitsRuns())
    return std::nullopt;
  return runs;
}

/// Rows of 128 bytes take whole periods of the swizzle.
static int64_t boxBytes(int64_t rows) { return llvm::alignTo(rows * 128, hopper::kSwizzleAlignment); }

void DirectConv::chooseBoxes(int64_t length, bool circular) {
  if (ShapedType::isDynamic(length) || length == 0 || length % kChunk)
    return;
  sequence = length / kChunk;
  wraps = circular;
  runFirst = first, runMatrices = matrices;
  // Distances between chunks of one sequence.
  int64_t low = std::max(first, 1 - sequence), high = std::min(first + matrices, sequence) - 1;
  int64_t reach = circular ? std::min(matrices, sequence) : high - low + 1;
  bool divides = sequence >= rows() || rows() % sequence == 0;
  boxes = divides && !(circular && sequence > rows()) && reach <= kMostBoxed;
  if (boxes && !circular)
    first = low, matrices = reach;
}

/// Registers of a thread that computes, where so many CTAs share a multiprocessor: of what the launch gives
/// to all threads alike, the producer leaves the rest.
static int64_t consumerRegisters(int64_t ctas, int64_t consumers) {
  int64_t warpgroups = consumers + 1, launched = hopper::kRegisters / (ctas * warpgroups * 128) / 8 * 8;
  return std::min<int64_t>(256, (launched * warpgroups - DirectConv::kProducerRegisters) / consumers / 8 * 8);
}

/// Slots of each ring that fit, where so many CTAs share a multiprocessor.
static int64_t slotsOf(const DirectConv &plan, int64_t ctas) {
  int64_t bank = boxBytes(17 * plan.matrices + 2) * (plan.split ? 2 : 1), staged = boxBytes(plan.rows());
  int64_t inputs = plan.pre ? 2 : 1, rows = (plan.sequenceRows() + plan.halo()) * plan.sequences();
  int64_t slots = inputs * boxBytes(rows) + (plan.post ? boxBytes(plan.rows()) : 0);
  int64_t each = (hopper::kSharedBytes + hopper::kReservedBytes) / ctas - 2 * hopper::kReservedBytes; // and barriers
  return (each - bank - staged) / slots;
}

int64_t DirectConv::residents() const {
  // The chunks that meet a matrix each, the sums, gates, and what the rest takes.
  int64_t held = 16 * (matrices + gates) + 32 + (matrices > kFewTiled ? 48 : 40);
  for (int64_t ctas : {4, 3, 2})
    if (held <= consumerRegisters(ctas, consumers) && slotsOf(*this, ctas) >= 2)
      return ctas;
  return 1;
}

int64_t DirectConv::stages() const { return std::clamp<int64_t>(slotsOf(*this, residents()), 1, 4); }

int64_t DirectConv::registers() const {
  if (boxes)
    return consumerRegisters(residents(), consumers);
  constexpr int64_t kChunkRegisters = 16, kAccumulator = 32, kRest = 40, kTensor = 12;
  int64_t held = (whole ? chunks : tiled ? matrices : matrices + 1) + gates; // and the next one
  int64_t count = held * kChunkRegisters + kAccumulator + kRest + gates * kTensor;
  // What lets the same number of warpgroups stay on a multiprocessor.
  for (int64_t groups : {5, 4, 3})
    if (int64_t most = 512 / groups / 8 * 8; count <= most && !roomy)
      return most;
  return 256;
}
