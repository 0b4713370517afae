//===- ScanConfig.cpp - Tiles and schedules of recurrences ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel that walks along time is chosen by a count of what one step costs a multiprocessor: its
// instructions, its special functions and its words from SRAM, and how many warps there are to
// hide their latencies.
//
//===----------------------------------------------------------------------===//

#include "longwing/Seq/ScanConfig.h"

#include "longwing/Seq/Config.h"
#include "longwing/Target/Hopper.h"

#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace longwing;

static int64_t bytesOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementTypeBitWidth() / 8;
}

/// How many sequences an operation has, if that is known.
template <typename Op>
static int64_t sequences(Op op, Value x) {
  if (!op.isPacked())
    return cast<RankedTensorType>(x.getType()).getDimSize(0);
  int64_t offsets = op.getOffsets().getType().getDimSize(0);
  return ShapedType::isDynamic(offsets) ? offsets : offsets - 1;
}

//===----------------------------------------------------------------------===//
// Selective scans
//===----------------------------------------------------------------------===//

int64_t longwing::statesOf(seq::SelectiveScanOp op) {
  int64_t states = op.getStateSize();
  if (op.getComplex()) // one or two for each lane
    return llvm::PowerOf2Ceil(states);
  if (states <= 32)
    return states;
  return states <= 64 ? 64 : llvm::alignTo(states, 32);
}

/// Wide states fill the card with few sequences too, and leave no registers to walk them in another way.
constexpr int64_t kFewStates = 64;

/// Numbers of memory that an element or a state is.
template <typename Op>
static int64_t partsOf(Op op) {
  return op.getComplex() ? 2 : 1;
}

/// Whether to widen b and c pays. Of fewer states than four the reads would take what the threads are spared, and fewer lanes take
/// fewer steps at once.
static bool mayWiden(seq::SelectiveScanOp op, int64_t lanes) {
  bool isNarrow = bytesOf(op.getB()) == 2 && bytesOf(op.getC()) == 2 && !op.hasConstantB() && !op.hasConstantC() && !op.getComplex();
  return isNarrow && lanes >= 4 && statesOf(op) >= 4 * lanes && statesOf(op) <= kFewStates;
}

/// Bytes of SRAM of the rings, and of what is widened.
static int64_t ringBytes(seq::SelectiveScanOp op, const ScanConfig &config) {
  int64_t row = config.channels() * (bytesOf(op.getU()) + bytesOf(op.getDelta()));
  if (op.getGate())
    row += config.channels() * bytesOf(op.getGate());
  for (Value value : {Value(op.getB()), Value(op.getC())}) {
    int64_t bytes = partsOf(op) * statesOf(op) * bytesOf(value);
    row += llvm::alignTo(bytes, bytes <= 64 ? 32 : 128);
  }
  int64_t wide = config.widen ? 2 * llvm::alignTo(4 * statesOf(op), 128) : 0;
  return config.steps * (config.stages * row + wide);
}

/// Bytes of SRAM beside the rings, at most: barriers, and what each CTA takes.
constexpr int64_t kBesideRings = 1536;

/// CTAs that share a multiprocessor's registers and SRAM.
static int64_t residents(seq::SelectiveScanOp op, const ScanConfig &config) {
  int64_t registers = 128 * (24 + config.consumers * config.registers);
  return std::min<int64_t>(hopper::kRegisters / registers,
                           hopper::kSharedBytes / (ringBytes(op, config) + kBesideRings));
}

/// Whether every block of channels lies within one group.
static bool fitsGroups(seq::SelectiveScanOp op, const ScanConfig &config) {
  int64_t groups = op.getGroups();
  return groups == 1 || op.getChannels() / groups % config.channels() == 0;
}

/// CTAs of a number of sequences.
static int64_t unitsOf(seq::SelectiveScanOp op, const ScanConfig &config, int64_t sequences) {
  return sequences * llvm::divideCeil(op.getChannels(), config.channels());
}

/// Cycles that a tile takes to begin: with other warps on a scheduler, and alone.
constexpr double kTile = 50, kTileAlone = 400;

/// Cycles of a step of all sequences.
static double cost(seq::SelectiveScanOp op, const ScanConfig &config, int64_t batch) {
  double rows = double(statesOf(op)) / config.lanes, width = config.width,
         lanes = config.lanes;
  // For each warp and step: five instructions a state (one of them exp2), the widening of b and c,
  // reads, exchanges, and what is computed once for each channel.
  double special = width * (rows + 3 / lanes);
  auto reads = [&](Value value) { // by powers of two, of up to 16 bytes
    int64_t n = statesOf(op) / config.lanes;
    return rows / double(std::min(n & -n, 16 / (config.widen ? 4 : bytesOf(value))));
  };
  int64_t bytes = config.widen ? 8 : bytesOf(op.getB()) + bytesOf(op.getC());
  double exchanges = lanes > 1 ? 2 * width : 0, sums = width * (lanes - 1) / lanes;
  double instructions = width * (5 * rows + 36 / lanes) + 15 / lanes + (bytes < 8 ? 2 * rows : 0) + reads(op.getB()) +
                        reads(op.getC()) + exchanges + 4 * sums;
  // What SRAM and exchanges give each thread, a word a cycle for one warp of the multiprocessor.
  double words = rows * bytes / 4 + exchanges + sums + 1;

  // Measured: warps of a scheduler hide each other's latencies, and one alone has half of its instructions for it.
  auto cycles = [&](int64_t ctas) {
    double warps = double(config.consumers * ctas); // on each of the four schedulers
    double busy = std::max({(0.5 + 1.06 * warps) * instructions, 8 * warps * special, 4 * warps * words});
    return ctas ? busy + (warps > 1 ? kTile : kTileAlone) / config.steps : 0;
  };
  int64_t resident = residents(op, config), units = unitsOf(op, config, batch);
  if (resident < 1)
    return std::numeric_limits<double>::infinity();
  int64_t round = hopper::kMultiprocessors * resident;
  return units / round * cycles(resident) + cycles(llvm::divideCeil(units % round, hopper::kMultiprocessors));
}

/// What is tried: who shares a channel, how many CTAs are to share a multiprocessor, and how often that has spilled: then
/// threads have half of the states, or a warpgroup is alone and has more registers.
struct ScanShape {
  int64_t lanes, consumers, width, ctas, spare;
  bool widen;
};

/// The schedule of such a kernel, or nothing where it would not compile or not pay.
static std::optional<ScanConfig> scheduleOf(seq::SelectiveScanOp op, ScanShape shape) {
  auto [lanes, consumers, width, ctas, spare, widen] = shape;
  bool isWide = bytesOf(op.getU()) == 4, isComplex = op.getComplex();
  ScanConfig config;
  config.lanes = lanes, config.consumers = consumers, config.width = width, config.widen = widen;
  // Long runs of steps without a branch hide the latency of what begins and ends them.
  config.unroll = lanes < 4 ? 8 : lanes < 8 || (lanes < 16 && width == 2) ? 16 : 32;
  config.steps = lanes < 4 ? 32 : 64;
  // Two large tiles instead of three small ones: fewer begin.
  if (lanes >= 4 && !isComplex)
    config.stages = 2, config.steps = width == 1 && lanes >= 8 ? 256 : 128;
  // All exponentials as polynomials leave fewer registers, and so do sines, in f64.
  if (isWide || isComplex)
    config.unroll = std::min(config.unroll, std::max<int64_t>(lanes, isComplex ? 8 : 16));
  while (ringBytes(op, config) + kBesideRings > hopper::kSharedBytes / ctas && config.steps > config.unroll)
    config.steps /= 2;
  if (bytesOf(op.getB()) * statesOf(op) > 900) // ptxas spills a few bytes else
    config.stages = 2;

  int64_t held = partsOf(op) * width * statesOf(op) / lanes;
  // States in registers; all exponentials as polynomials leave fewer.
  int64_t most = (isWide || isComplex ? 12 : consumers == 1 ? 32 : 16) >> (spare == 1 ? 1 : 0);
  // Two neighbouring channels are read, rounded and stored at once; threads of one are what is left where two have too many states,
  // and may keep more multiprocessors busy.
  bool isCrowded = isWide && 2 * statesOf(op) / 32 > most;
  if (width == 1 && !isCrowded && !isComplex && (lanes < 4 || (statesOf(op) > kFewStates && !spare)))
    return std::nullopt;
  // More complex states spill: their sines take registers of f64.
  if (isComplex && (width == 2 || statesOf(op) > 2 * lanes))
    return std::nullopt;
  if (spare > 1 && consumers > 1)
    return std::nullopt;
  if (widen && !mayWiden(op, lanes))
    return std::nullopt;
  if (held > most || config.channels() * bytesOf(op.getU()) < 32 || !fitsGroups(op, config))
    return std::nullopt;
  // Three CTAs have registers for few states only; rows that are read in several pieces take more of them.
  bool isInPieces = !llvm::isPowerOf2_64(held);
  if (ctas > 2 && (isWide || isComplex || isInPieces || held > 8))
    return std::nullopt;
  bool isMany = held > 16 || isInPieces || (isWide && held >= 8);
  config.registers = consumers == 2 ? (isComplex ? 224 : isWide ? 216 : 152)
                                    : isComplex ? 216 : isMany ? 232 : ctas > 2 ? 136 : 168;
  if (isWide)
    config.polynomials = 8;
  return config;
}

/// The best schedule for numbers of sequences.
static ScanConfig choose(seq::SelectiveScanOp op, ArrayRef<int64_t> batches, int64_t spare) {
  ScanConfig best;
  double least = std::numeric_limits<double>::infinity();
  auto consider = [&](ScanShape shape) {
    std::optional<ScanConfig> config = scheduleOf(op, shape);
    // CTAs of one warpgroup, three of them, and pairs of channels serve other numbers of sequences and their segments as well.
    double other = (shape.consumers == 1 ? 1 : 1.03) * (shape.ctas > 2 ? 1 : 1.01) * (shape.width == 1 ? 1.04 : 1), cycles = 0;
    for (int64_t batch : batches)
      cycles += config ? cost(op, *config, batch) / batch * other : least;
    if (cycles < least)
      least = cycles, best = *config;
  };
  for (bool widen : {false, true})
    for (int64_t lanes = 1; lanes <= 32 && statesOf(op) % lanes == 0; lanes *= 2)
      for (int64_t width : {2, 1}) {
        for (int64_t ctas : {2, 3})
          consider({lanes, /*consumers=*/1, width, ctas, spare, widen});
        consider({lanes, /*consumers=*/2, width, /*ctas=*/1, spare, widen});
      }
  if (spare && least == std::numeric_limits<double>::infinity())
    return choose(op, batches, spare - 1);
  return best;
}

/// Where segments of sequences are faster than these as they are, though they walk some more steps, for the state alone, and decays
/// are looked at first.
static void chooseSegments(seq::SelectiveScanOp op, ScanPair &pair) {
  // More segments would walk more steps in front of them than a third CTA hides.
  int64_t places = std::min<int64_t>(residents(op, pair.many), 2) * hopper::kMultiprocessors, most = places / unitsOf(op, pair.many, 1);
  for (int64_t sequences = 1; sequences < pair.sequences; ++sequences)
    for (int64_t segments = 2; segments * sequences <= most; ++segments)
      if (1.25 * cost(op, pair.many, segments * sequences) < segments * cost(op, *pair.few, sequences)) {
        pair.places = places, pair.segments = std::max(pair.segments, segments);
        break;
      }
}

static ScanPair choosePair(seq::SelectiveScanOp op) {
  ScanPair pair;
  int64_t count = sequences(op, op.getU()), spare = spareOf(op);
  // Channels of all sequences that fill the card, whatever the kernel.
  constexpr int64_t kFull = 16384;
  int64_t full = llvm::divideCeil(kFull, op.getChannels());
  if (!ShapedType::isDynamic(count)) {
    pair.many = choose(op, count, spare);
    return pair;
  }
  if (statesOf(op) > kFewStates) {
    pair.many = choose(op, 2, spare);
    return pair;
  }
  pair.many = choose(op, {full, 4 * full}, spare);
  ScanConfig few = choose(op, 1, spare);
  pair.sequences = 1;
  while (pair.sequences < full && cost(op, few, pair.sequences) < cost(op, pair.many, pair.sequences))
    ++pair.sequences;
  if (pair.sequences <= 1)
    return pair;
  pair.few = few;
  // Steps are at least 0, and no state is forgotten twice.
  if (op.getSoftplus() && !op.getReverse() && !op.getComplex() && !op.isPacked() && op.getChannels() % kReachChannels == 0)
    chooseSegments(op, pair);
  return pair;
}

static LogicalResult check(seq::SelectiveScanOp op, const ScanConfig &config) {
  auto bad = [&](StringRef name, StringRef expected, int64_t got) {
    return op.emitError() << "schedule option '" << name << "': expected " << expected << ", got "
                          << got;
  };
  if (config.consumers < 1 || config.consumers > 3)
    return bad("consumers", "1 to 3", config.consumers);
  if (config.lanes < 1 || config.lanes > 32 || (config.lanes & (config.lanes - 1)) ||
      statesOf(op) % config.lanes)
    return bad("lanes", "a power of two up to 32 that divides the state's size", config.lanes);
  if (config.width != 1 && config.width != 2 && config.width != 4)
    return bad("width", "1, 2 or 4", config.width);
  if (config.stages < 1 || config.stages > 8)
    return bad("stages", "1 to 8", config.stages);
  if (config.unroll % 8 || config.unroll % config.lanes)
    return bad("unroll", "a multiple of 8 and of the lanes", config.unroll);
  if (config.steps < config.unroll || config.steps > 256 || config.steps % config.unroll)
    return bad("steps", "a multiple of " + std::to_string(config.unroll) + " up to 256",
               config.steps);
  if (config.channels() * bytesOf(op.getU()) < 32)
    return bad("lanes", "at least 32 bytes of channels in a CTA, that is fewer lanes",
               config.lanes);
  if (!fitsGroups(op, config))
    return op.emitOpError() << "cannot run on sm_90a: expected groups of a multiple of "
                            << config.channels() << " channels, got "
                            << op.getChannels() / op.getGroups();
  if (int64_t bytes = ringBytes(op, config) + kBesideRings; bytes > hopper::kSharedBytes)
    return op.emitError() << "the schedule needs " << bytes << " bytes of SRAM, more than the "
                          << hopper::kSharedBytes << " of a multiprocessor";
  return success();
}

LogicalResult longwing::configureScan(seq::SelectiveScanOp op, const ScanOverrides &overrides) {
  ScanPair pair = choosePair(op);
  if (overrides.any())
    pair.few.reset();
  ScanConfig &config = pair.many;
  auto set = [](int64_t &value, int64_t override) {
    if (override)
      value = override;
  };
  set(config.consumers, overrides.consumers);
  set(config.lanes, overrides.lanes);
  set(config.width, overrides.width);
  set(config.steps, overrides.steps);
  set(config.stages, overrides.stages);
  set(config.registers, overrides.registers);
  config.widen &= mayWiden(op, config.lanes);
  config.unroll = std::max(config.unroll, config.lanes);
  set(config.unroll, overrides.unroll);
  if (!overrides.polynomials.empty() &&
      (StringRef(overrides.polynomials).getAsInteger(10, config.polynomials) || config.polynomials < 0 ||
       config.polynomials > 8))
    return op.emitError() << "schedule option 'polynomials': expected 0 to 8, got '" << overrides.polynomials << "'";
  if (failed(check(op, config)) || (pair.few && failed(check(op, *pair.few))))
    return failure();
  pair.write(op);
  return success();
}

/// The copy engine takes rows of whole 16 bytes.
static LogicalResult verifyRows(Operation *op, Value value, StringRef name, int64_t size,
                                StringRef what, int64_t parts = 1) {
  int64_t multiple = hopper::kTmaAlignment / (parts * bytesOf(value));
  if (size % multiple == 0)
    return success();
  return op->emitOpError() << "cannot run on sm_90a: expected the " << what << " of " << name
                           << " to be a multiple of " << multiple << ", got " << size;
}

LogicalResult longwing::verifyScanTarget(seq::ScanOp op) {
  if (!op.hasConstantDecay() &&
      failed(verifyRows(op, op.getA(), "a", op.getChannels(), "channels", partsOf(op))))
    return failure();
  return verifyRows(op, op.getB(), "b", op.getChannels(), "channels", partsOf(op));
}

//===----------------------------------------------------------------------===//
// First-order recurrences
//===----------------------------------------------------------------------===//

/// Bytes of SRAM of the rings, and of what CTAs of a cluster send to each other.
static int64_t sharedBytes(seq::ScanOp op, const ScanConfig &config) {
  int64_t row = bytesOf(op.getB());
  for (Value value : {Value(op.getKey()), op.hasConstantDecay() ? Value() : Value(op.getA())})
    row += value ? bytesOf(value) : 0;
  row *= partsOf(op);
  int64_t letter = op.getForm() == seq::ScanForm::Wkv || op.getComplex() ? 16 : 8;
  int64_t mail = config.cluster ? 2 * config.members() * config.channels() * letter : 0;
  return config.stages * config.tiles() * config.steps * config.channels() * row + mail + 1024;
}

/// Bytes are what such a scan costs: enough of them are under way in 64 steps of four stages, and the
/// channels are spread over as many multiprocessors as there are.
static ScanConfig chooseMany(seq::ScanOp op, int64_t batch) {
  ScanConfig config;
  config.steps = 128 / (partsOf(op) * bytesOf(op.getB())), config.stages = 4, config.registers = 104;
  // A warpgroup has one channel or two for each thread; one keeps more multiprocessors busy.
  bool many = batch * op.getChannels() >= 256 * hopper::kMultiprocessors / 2;
  config.width = many && !op.getComplex() ? 2 : 1;
  if (op.getForm() == seq::ScanForm::Wkv) // the keys of a tile are in registers
    config.registers = config.width == 2 ? 216 : 168;
  return config;
}

/// How many clusters of 1, 2, ... CTAs, each on a multiprocessor of its own, the card holds at once: one lies within a group of
/// multiprocessors, and the more CTAs it has the more of them stay without.
constexpr int64_t kPlaces[] = {hopper::kMultiprocessors, 66, 39, 30, 22, 17, 15, 15};

/// The members of a cluster take tiles in turns where few sequences leave multiprocessors idle. Several share a multiprocessor,
/// so that some have something to do while others wait for their mail.
///
/// The tiles of wkv take so many instructions that all multiprocessors are needed: its members are warps, so that blocks of
/// channels are small, and a cluster has as few CTAs as fill the card. Else bytes are what counts, which come and go best in
/// the wide rows of warpgroups. Where tiles take many registers, CTAs of one warpgroup fill nine of ten places.
static ScanConfig chooseFew(seq::ScanOp op, int64_t batch) {
  ScanConfig config = chooseMany(op, batch);
  config.width = 1, config.consumers = 2, config.cluster = 1;
  if (op.getForm() == seq::ScanForm::Wkv) {
    config.stages = 3, config.registers = 232;
    int64_t units = batch * llvm::divideCeil(op.getChannels(), config.channels());
    auto rounds = [&](int64_t cluster) { return llvm::divideCeil(units, kPlaces[cluster - 1]); };
    // Every warp takes the state over the tiles of all: those of a CTA cost a tenth of the steps of its own.
    auto cost = [&](int64_t cluster) { return double(rounds(cluster) * (10 + cluster)) / double(cluster); };
    for (int64_t cluster = 2; cluster <= int64_t(std::size(kPlaces)); ++cluster)
      if (cost(cluster) < cost(config.cluster))
        config.cluster = cluster;
    // Unless the last ones would have most of the card to themselves.
    if (rounds(config.cluster) <= 1 || 10 * units >= 9 * rounds(config.cluster) * kPlaces[config.cluster - 1])
      return config;
  }
  config.member = 128;
  int64_t units = batch * llvm::divideCeil(op.getChannels(), config.channels());
  if (!op.getComplex() && op.getForm() != seq::ScanForm::Wkv) {
    config.stages = 2, config.registers = 224;
    config.cluster = units <= 8 ? 8 : 6;
    return config;
  }
  int64_t places = 2 * hopper::kMultiprocessors * 9 / 10;
  config.consumers = 1, config.stages = 3, config.registers = 200;
  config.cluster = std::clamp<int64_t>(places / std::max<int64_t>(units, 1), 1, units <= 8 ? 8 : 7); // units may be 0
  return config;
}

/// Tiles of a sequence, if its length is known; many if not.
static int64_t tilesOf(seq::ScanOp op, const ScanConfig &config) {
  int64_t length = op.getB().getType().getDimSize(1);
  return ShapedType::isDynamic(length) ? ShapedType::kDynamic : llvm::divideCeil(length, config.steps);
}

static ScanPair choosePair(seq::ScanOp op) {
  ScanPair pair;
  int64_t count = sequences(op, op.getB());
  bool known = !ShapedType::isDynamic(count);
  pair.many = chooseMany(op, known ? count : 2);
  ScanConfig few = chooseFew(op, known ? count : 1);
  int64_t tiles = tilesOf(op, few);
  // Sequences whose channels, one for each thread, give nearly every multiprocessor a CTA.
  int64_t blocks = llvm::divideCeil(op.getChannels(), 128);
  int64_t enough = llvm::divideCeil(hopper::kMultiprocessors * 4 / 5, blocks);
  if (few.members() == 1 || (!ShapedType::isDynamic(tiles) && tiles < 2) || enough <= 1 || (known && count >= enough))
    return pair;
  if (known) {
    pair.many = few;
    return pair;
  }
  pair.few = few, pair.sequences = enough;
  ScanConfig several = chooseFew(op, 2);
  if (enough > 2 && (several.cluster != few.cluster || several.member != few.member))
    pair.fewest = few, pair.several = 2, pair.few = several;
  return pair;
}

LogicalResult longwing::configureScan(seq::ScanOp op, const ScanOverrides &overrides) {
  ScanPair pair = choosePair(op);
  if (overrides.any()) {
    pair.few.reset(), pair.fewest.reset();
    pair.many = overrides.cluster ? chooseFew(op, 1) : chooseMany(op, 2);
  }
  ScanConfig &config = pair.many;
  if (overrides.width)
    config.width = overrides.width;
  if (overrides.steps)
    config.steps = overrides.steps;
  if (overrides.stages)
    config.stages = overrides.stages;
  if (overrides.registers)
    config.registers = overrides.registers;
  auto bad = [&](StringRef name, StringRef expected, int64_t got) {
    return op.emitError() << "schedule option '" << name << "': expected " << expected << ", got "
                          << got;
  };
  if (overrides.cluster)
    config.cluster = overrides.cluster;
  if (overrides.consumers)
    config.consumers = overrides.consumers;
  if (overrides.lanes > 1)
    return bad("lanes", "1", overrides.lanes);
  if (config.cluster > 8)
    return bad("cluster", "1 to 8", config.cluster);
  if (config.width != 1 && config.width != 2)
    return bad("width", "1 or 2", config.width);
  if (config.steps < config.unroll || config.steps > 256 || config.steps % config.unroll)
    return bad("steps", "a multiple of 8 up to 256", config.steps);
  if (config.stages < 1 || config.stages > 8)
    return bad("stages", "1 to 8", config.stages);
  auto fit = [&](ScanConfig &config) {
    int64_t most = hopper::kSharedBytes / (config.consumers > 1 ? 1 : 2);
    while (!overrides.stages && config.stages > 1 && sharedBytes(op, config) > most)
      --config.stages;
  };
  fit(config);
  if (pair.few)
    fit(*pair.few);
  if (pair.fewest)
    fit(*pair.fewest);
  if (int64_t bytes = sharedBytes(op, config); bytes > hopper::kSharedBytes)
    return op.emitError() << "the schedule needs " << bytes << " bytes of SRAM, more than the "
                          << hopper::kSharedBytes << " of a multiprocessor";
  pair.write(op);
  return success();
}

//===----------------------------------------------------------------------===//
// Short convolutions of [B, L, H]
//===----------------------------------------------------------------------===//

/// The kernel has no ring: enough warps with a few rows each under way are what hides latency.
LogicalResult longwing::configureScan(seq::ShortConvOp op, const ScanOverrides &overrides) {
  if (op.getAxis() != 1)
    return success();
  ScanConfig config;
  config.steps = overrides.steps ? overrides.steps : 64;
  config.unroll = overrides.unroll ? overrides.unroll : op.getWidth() <= 4 ? 8 : 4;
  config.width = overrides.width ? overrides.width : 4;
  // A row of f32 takes twice the registers of one of 16 bits; wide filters and states take more, too.
  bool many = getElementTypeOrSelf(op.getX().getType()).isF32() || op.getWidth() > 4 || op.getInitial();
  config.registers = overrides.registers ? overrides.registers : many ? 144 : 128;
  auto bad = [&](StringRef name, StringRef expected, int64_t got) {
    return op.emitError() << "schedule option '" << name << "': expected " << expected << ", got "
                          << got;
  };
  if (!llvm::isPowerOf2_64(config.width) || config.width > 8)
    return bad("width", "1, 2, 4 or 8", config.width);
  if (config.unroll < 1 || config.unroll > 64)
    return bad("unroll", "1 to 64", config.unroll);
  if (config.steps < config.unroll || config.steps > 65536 || config.steps % config.unroll)
    return bad("steps", "a multiple of " + std::to_string(config.unroll) + " up to 65536",
               config.steps);
  config.write(op);
  return success();
}

//===----------------------------------------------------------------------===//
// What selective scans ask for
//===----------------------------------------------------------------------===//

LogicalResult longwing::verifyScanTarget(seq::SelectiveScanOp op) {
  int64_t channels = op.getChannels(), states = op.getStateSize(), most = op.getComplex() ? 32 : 256;
  if (failed(verifyRows(op, op.getU(), "u", channels, "channels")) ||
      failed(verifyRows(op, op.getDelta(), "delta", channels, "channels")) ||
      (!op.hasConstantB() && failed(verifyRows(op, op.getB(), "b", states, "states", partsOf(op)))) ||
      (!op.hasConstantC() && failed(verifyRows(op, op.getC(), "c", states, "states", partsOf(op)))))
    return failure();
  if (states > most)
    return op.emitOpError() << "cannot run on sm_90a: expected at most " << most << (op.getComplex() ? " complex" : "")
                            << " states, got " << states;
  return success();
}
