//===- Configure.cpp - Chooses tiles and schedules ------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Seq/Config.h"
#include "longwing/Seq/ConvConfig.h"
#include "longwing/Seq/DirectConv.h"
#include "longwing/Seq/FourierPlan.h"
#include "longwing/Seq/Passes.h"
#include "longwing/Seq/StepConfig.h"
#include "longwing/Target/Hopper.h"

namespace longwing {
#define GEN_PASS_DEF_SEQCONFIGURE
#include "longwing/Seq/Passes.h.inc"
} // namespace longwing

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longwing;

/// Bytes of SRAM of an attention kernel: Q, the rings of K and V, and one panel of O.
static int64_t sharedBytes(seq::AttentionOp op, const AttentionConfig &config) {
  auto panels = [](int64_t columns) { return llvm::divideCeil(columns, 64) * 128; };
  int64_t dk = panels(op.getHeadDim()), dv = panels(op.getValueDim());
  return config.rows() * (config.queryStages * dk + 128) + config.stages * config.keys * (dk + dv) +
         1024;
}

/// Registers of a consumer thread: scores, probabilities and O, and what the rest takes.
static int64_t registers(seq::AttentionOp op, const AttentionConfig &config) {
  bool bounded = op.hasScore() || op.hasMask() || op.getLeftWindow() >= 0;
  return config.keys / 2 + config.keys / 4 + llvm::alignTo(op.getValueDim(), 8) / 2 + 32 +
         (bounded ? 56 : 0);
}

/// The measured best of the family (bench/NOTES.md), shrunk until it fits.
static AttentionConfig choose(seq::AttentionOp op) {
  AttentionConfig config;
  int64_t widest = std::max(op.getHeadDim(), op.getValueDim());
  // Three consumer warpgroups leave 160 registers a thread, which regions and windows overrun.
  bool plain = !op.hasScore() && !op.hasMask() && op.getLeftWindow() < 0;
  config.consumers = widest <= 64 && plain ? 3 : 2;
  // A window's three loops over keys hold more across each other than the count below knows.
  config.keys = op.getLeftWindow() >= 0 ? 112 : 128;
  config.stages = 2;
  // Small heads leave SRAM to load ahead, which pays where a work tile has few keys.
  if (widest <= 64) {
    config.queryStages = 2;
    config.stages = op.getRightWindow() >= 0 ? 3 : 2;
  }
  while (config.keys > 16 && (registers(op, config) > config.consumerRegisters() ||
                              sharedBytes(op, config) > hopper::kSharedBytes)) {
    if (config.keys <= 64 && config.stages > 1)
      config.stages = 1;
    else
      config.keys -= 16;
  }
  return config;
}

/// Bytes of SRAM of a linear attention's kernel: the rings of Q, K, V, the gate and the decays, and for
/// each consumer what it stages, and the results.
static int64_t sharedBytes(seq::LinearAttentionOp op, const LinearAttentionConfig &config) {
  int64_t keys = llvm::alignTo(op.getKeyDim(), 64) * 2, values = 64 * 2; // bytes of a row
  int64_t blocks = llvm::divideCeil(op.getValueDim(), 64);
  bool shared = op.getKeyHeads() == 1 || op.getValueHeads() / op.getKeyHeads() * blocks % config.consumers == 0;
  int64_t readers = shared ? 1 : config.consumers;
  int64_t rings = config.stages * 2 * keys * readers +
                  config.consumers * values * (config.valueStages + (op.getGate() ? config.stages : 0));
  int64_t staged = keys; // the state
  if (op.hasChannelDecay() || op.getBonus()) {
    staged = 3 * 128; // of a panel the state, the keys, and what their rounding leaves
    if (op.hasChannelDecay() && !op.hasConstantDecay()) {
      bool f32 = op.getDecay().getType().getElementType().isF32();
      rings += (f32 ? 2 * config.valueStages : config.stages) * keys * readers;
      staged += f32 ? 2 * keys : 0; // in parts
    }
  }
  return config.chunk * (rings + config.consumers * (staged + values)) + 1024;
}

/// Three consumers for segments, whose latencies hide under each other, where their tiles find places.
static void chooseSegments(seq::LinearAttentionOp op, LinearAttentionConfig &config) {
  config.segmentConsumers = 3;
  config.segmentStages = 2; // positions in rings of three take registers
  if (sharedBytes(op, config.ofSegments()) > hopper::kSharedBytes)
    config.segmentConsumers = config.segmentStages = 0;
}

/// Two consumers have 240 registers a thread, which the state, the scores and the outputs need.
static LinearAttentionConfig choose(seq::LinearAttentionOp op) {
  LinearAttentionConfig config;
  int64_t jobs = op.getValueHeads() * llvm::divideCeil(op.getValueDim(), 64);
  // A gate or a skip next to constant decays, or both of them, take what wide keys leave free.
  bool gate = static_cast<bool>(op.getGate()), skip = static_cast<bool>(op.getSkip());
  bool constant = op.getDecay() && op.hasConstantDecay();
  bool byChannel = op.hasChannelDecay() || op.getBonus();
  bool wide = op.getKeyDim() > LinearAttentionConfig::kPanel;
  bool crowded = wide && ((gate && skip) || (constant && (gate || skip)));
  bool f32 = op.getDecay() && op.getDecay().getType().getElementType().isF32();
  // So do they next to an initial state and the two ways through a chunk of bf16, or to wide keys that decay by channel
  // and a bonus, or the places of packed sequences.
  bool bonus = static_cast<bool>(op.getBonus()), init = static_cast<bool>(op.getInit());
  bool branches = byChannel && !constant && op.getV().getType().getElementType().isBF16();
  bool inOrder = !op.isPacked() && !op.getReverse();
  bool tight = branches && init && ((gate && skip) || ((gate || skip) && (f32 || !inOrder)) || (f32 && op.isPacked()));
  tight |= wide && byChannel && (op.isPacked() || constant || (f32 && (init || bonus)) || (bonus && (init || (skip && !branches))));
  // Packed sequences of wide keys next to decays of a head: their places, and constant decays or an initial state and a gate.
  bool f16 = op.getV().getType().getElementType().isF16();
  tight |= wide && !byChannel && op.isPacked() && ((init && gate) || (constant && (init || f16)));
  config.consumers = jobs == 1 || crowded || tight ? 1 : 2;
  // Nor is there room to take an initial state of wide keys through segments.
  config.split = !crowded && !(init && wide);
  // What goes from one work tile to the next takes registers too. Sequences of all lengths the card deals out best.
  if (op.isPacked())
    config.persistent = false;
  else if (byChannel)
    config.persistent = !(init || gate || skip || (wide && (f32 || bonus || constant)));
  else
    config.persistent = !(wide && init && gate);
  auto fits = [&] { return sharedBytes(op, config) <= hopper::kSharedBytes; };
  // Positions in rings of three take registers.
  bool roomy = !op.getDt() || skip || !wide; // ptxas spills a few bytes else
  if (!byChannel && !constant && config.consumers == 2 && !gate && !init && inOrder && roomy)
    config.stages = config.valueStages = 3;
  if (byChannel && wide && !fits())
    config.valueStages = 1;
  while (config.stages > 1 && !fits())
    config.valueStages = --config.stages;
  while (config.consumers > 1 && !fits())
    --config.consumers;
  // Others that spill, in this order.
  int64_t spare = spareOf(op);
  if (spare >= 1) {
    config.persistent = false;
    for (int64_t *stages : {&config.stages, &config.valueStages})
      *stages = std::min<int64_t>(*stages, 2);
  }
  if (spare >= 2)
    config.consumers = 1;
  // Three consumers have 160 registers a thread: enough for SSD as Mamba-2 has it, without what presses on them beside it.
  bool narrow = op.getDt() && skip && op.getValueDim() <= 64 && !byChannel && !gate && !init && inOrder;
  if (config.split && config.consumers == 2 && narrow && jobs > 2 && !spare)
    chooseSegments(op, config);
  return config;
}

namespace {
struct SeqConfigure : longwing::impl::SeqConfigureBase<SeqConfigure> {
  using SeqConfigureBase::SeqConfigureBase;

  /// Reads "true" or "false"; an empty option keeps the table's choice.
  LogicalResult flag(Operation *op, StringRef name, StringRef text, bool &value) {
    if (text.empty())
      return success();
    if (text != "true" && text != "false")
      return op->emitError() << "schedule option '" << name << "': expected true or false, got '"
                             << text << "'";
    value = text == "true";
    return success();
  }

  LogicalResult configure(seq::AttentionOp op) {
    AttentionConfig config = choose(op);
    if (consumers)
      config.consumers = consumers;
    if (keys)
      config.keys = keys;
    if (stages)
      config.stages = stages;
    if (queryStages)
      config.queryStages = queryStages;
    if (failed(flag(op, "persistent", persistent, config.persistent)) ||
        failed(flag(op, "overlap", overlap, config.overlap)))
      return failure();
    if (failed(checkConsumers(op, config.consumers)))
      return failure();
    if (config.keys < 16 || config.keys > 256 || config.keys % 16)
      return op.emitError() << "schedule option 'keys': expected a multiple of 16 from 16 to 256, "
                               "got "
                            << config.keys;
    if (failed(checkStages(op, "stages", config.stages)) ||
        failed(checkStages(op, "query-stages", config.queryStages)) ||
        failed(checkShared(op, sharedBytes(op, config))))
      return failure();
    config.write(op);
    return success();
  }

  /// Reads "16x16x16" and checks that the radices make up a transform of this convolution.
  LogicalResult parseRadices(seq::LongConvOp op, ConvConfig &config) {
    bool whole = config.algorithm != ConvAlgorithm::Blocks;
    auto wrong = [&] {
      return op.emitError() << "schedule option 'radices': expected numbers from 2 to 4096 such as "
                               "16x16x16, got '"
                            << radices << "'";
    };
    config.radices.clear();
    for (StringRef part : llvm::split(radices, 'x')) {
      int64_t radix;
      if (part.getAsInteger(10, radix) || radix < 2 || radix > 4096 || config.radices.size() == 4)
        return wrong();
      config.radices.push_back(radix);
    }
    int64_t length = op.getLength(), transformed = config.transformLength();
    if (whole && !ShapedType::isDynamic(length) &&
        (transformed < length ||
         (op.isCircular() && transformed != length && !ConvProblem::of(op).unwraps())))
      return op.emitError() << "schedule option 'radices': expected them to make up length "
                            << length << (op.isCircular() ? "" : " or more") << ", got "
                            << transformed;
    return success();
  }

  /// What the cost model picks, or what `conv` and `radices` force.
  LogicalResult configure(seq::LongConvOp op) {
    if (conv == "plain") {
      if (op.getSpectrum())
        return op.emitError() << "schedule option 'conv': expected a filter in time for a plain kernel, got a "
                                 "prepared spectrum";
      markPlain(op, "is to have a plain kernel (conv=plain)");
      return success();
    }
    ConvConfig config = chooseConv(op);
    bool isChosen = conv.empty() && radices.empty() && takesStages(op);
    if (isChosen || conv == stringifyConvAlgorithm(ConvAlgorithm::Stages)) {
      config.algorithm = ConvAlgorithm::Stages, config.radices = stageRadices(op);
      if (config.radices.empty())
        return op.emitError() << "schedule option 'conv': expected a filter in time, a static length, no parts, and no taps that "
                                 "come round for a transform in f32";
      config.reason = isChosen ? "no kernel of tensor cores takes it" : "forced; " + config.reason;
      config.write(op);
      return success();
    }
    if (failed(flag(op, "precise", precise, config.precise)) || failed(pick(op, config)))
      return failure();
    // Direct products sum in f32 anyway.
    if (std::string why; config.precise && ConvConfig::read(op).algorithm != ConvAlgorithm::Toeplitz && !FourierPlan::of(op, &why))
      return op.emitError() << "schedule option 'precise': " << why;
    return success();
  }

  LogicalResult pick(seq::LongConvOp op, ConvConfig &config) {
    if (op.getSpectrum() || (conv.empty() && radices.empty())) {
      // What the cost model prefers may have no kernel yet; the other algorithm then has one.
      bool direct = config.algorithm == ConvAlgorithm::Toeplitz;
      config.write(op); // which the plan of a transform asks for
      if (direct && !DirectConv::plan(op) && FourierPlan::of(op))
        config.algorithm = ConvAlgorithm::Transform;
      else if (!direct && DirectConv::plan(op) && !FourierPlan::of(op))
        config.algorithm = ConvAlgorithm::Toeplitz;
      config.write(op);
      return success();
    }
    std::optional<ConvAlgorithm> forced =
        conv.empty() ? ConvAlgorithm::Transform : symbolizeConvAlgorithm(conv);
    if (!forced)
      return op.emitError()
             << "schedule option 'conv': expected toeplitz, transform, blocks, multipass, stages or plain, got '" << conv
             << "'";
    ConvAlgorithm chosen = std::exchange(config.algorithm, *forced);
    config.reason = "forced; " + config.reason;
    if (*forced == ConvAlgorithm::Toeplitz) {
      config.radices.clear();
    } else if (*forced == ConvAlgorithm::Blocks) {
      if (!radices.empty()) {
        if (failed(parseRadices(op, config)))
          return failure();
      } else if (chosen != ConvAlgorithm::Blocks) {
        config.radices = longBlockRadices();
        if (!config.reach(op) || ConvProblem::of(op).reach(kShortBlock))
          config.radices = blockRadices();
      }
      int64_t block = config.transformLength();
      if (!config.reach(op))
        return op.emitError() << "schedule option 'conv': expected a causal or anticausal convolution of a static length beyond "
                              << block << ", whose filter reaches over at most 8 blocks of " << block
                              << " samples: " << config.reason;
    } else if (!radices.empty()) {
      if (failed(parseRadices(op, config)))
        return failure();
    } else if (config.radices = chooseRadices(ConvProblem::of(op));
               config.radices.empty() && !FourierPlan::of(op)) {
      return op.emitError() << "schedule option 'conv': no transform of this length: " << config.reason;
    }
    config.write(op);
    return success();
  }

  LogicalResult configure(seq::LinearAttentionOp op) {
    if (isStep(op))
      return chooseStep(op).write(op), success();
    LinearAttentionConfig config = choose(op);
    if (consumers || stages)
      config.segmentConsumers = config.segmentStages = 0;
    if (consumers)
      config.consumers = consumers;
    if (stages)
      config.stages = config.valueStages = stages;
    if (failed(flag(op, "persistent", persistent, config.persistent)) ||
        failed(checkConsumers(op, config.consumers)) ||
        failed(checkStages(op, "stages", config.stages)) ||
        failed(checkShared(op, sharedBytes(op, config))))
      return failure();
    config.write(op);
    return success();
  }

  LogicalResult checkConsumers(Operation *op, int64_t value) {
    if (value >= 1 && value <= 3)
      return success();
    return op->emitError() << "schedule option 'consumers': expected 1 to 3, got " << value;
  }

  LogicalResult checkStages(Operation *op, StringRef name, int64_t value) {
    if (value >= 1 && value <= 8)
      return success();
    return op->emitError() << "schedule option '" << name << "': expected 1 to 8, got " << value;
  }

  LogicalResult checkShared(Operation *op, int64_t bytes) {
    if (bytes <= hopper::kSharedBytes)
      return success();
    return op->emitError() << "the schedule needs " << bytes << " bytes of SRAM, more than the "
                           << hopper::kSharedBytes << " of a multiprocessor";
  }

  void runOnOperation() override {
    ScanOverrides scan{consumers, lanes, width, steps, stages, registers, unroll, cluster, polynomials};
    WalkResult walk = getOperation().walk([&](Operation *op) {
      LogicalResult result =
          TypeSwitch<Operation *, LogicalResult>(op)
              .Case<seq::AttentionOp, seq::LongConvOp, seq::LinearAttentionOp>(
                  [&](auto op) { return configure(op); })
              .Case<seq::ScanOp, seq::SelectiveScanOp>([&](auto op) {
                if (isStep(op))
                  return chooseStep(op).write(op), success();
                return configureScan(op, scan);
              })
              .Case([&](seq::ShortConvOp op) { return configureScan(op, scan); })
              .Default(success());
      return failed(result) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (walk.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
