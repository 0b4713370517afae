//===- ScanConfig.h - Tiles and schedules of recurrences --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_SCANCONFIG_H
#define LONGWING_SEQ_SCANCONFIG_H

#include "dialects/seq/Seq.h"

#include <optional>
#include <string>

namespace longwing {

/// How a kernel that walks along time, channel by channel, is tiled and scheduled.
struct ScanConfig {
  /// Consumer warpgroups, 128 threads each.
  int64_t consumers = 1;
  /// Neighbouring threads that share a channel: they split its states, or its steps.
  int64_t lanes = 1;
  /// Neighbouring channels of a thread: 1, 2, 4 or 8.
  int64_t width = 2;
  /// Steps of a tile in SRAM (or of a segment, without one), and of a tile in registers.
  int64_t steps = 32, unroll = 8;
  /// SRAM slots of each ring.
  int64_t stages = 3;
  /// CTAs whose members share a sequence, tile by tile. 0: all consumers of one walk it together.
  int64_t cluster = 0;
  /// Threads of such a member: a warp or a warpgroup.
  int64_t member = 32;
  /// Registers of a consumer thread.
  int64_t registers = 232;
  /// Of each eight exponentials, how many are polynomials.
  int64_t polynomials = 0;
  /// Whether b and c are widened to f32 once for all channels of a CTA.
  bool widen = false;

  /// Channels of a CTA.
  int64_t channels() const { return (cluster ? member : 128 * consumers) * width / lanes; }
  /// Tiles that a CTA takes at once, and the members that share a sequence.
  int64_t tiles() const { return cluster ? 128 / member * consumers : 1; }
  int64_t members() const { return std::max<int64_t>(cluster, 1) * tiles(); }

  static ScanConfig read(mlir::Operation *op);
  void write(mlir::Operation *op) const;
};

/// The kernels of a scan. Where the number of sequences is met at run time there may be two: few
/// sequences fill the card only where more threads share a channel, or more CTAs a sequence.
struct ScanPair {
  ScanConfig many;
  std::optional<ScanConfig> few;
  /// Sequences from which on they are many.
  int64_t sequences = 0;
  /// Where even fewer fill the card in another way: their kernel, and how many sequences are more than that.
  std::optional<ScanConfig> fewest;
  int64_t several = 0;
  /// Where few sequences are long, and their channels forget, `many` takes segments of them: as many as find places on the
  /// card, of each at least `segments`. 0: it never does.
  int64_t places = 0, segments = 0;

  static ScanPair read(mlir::Operation *op);
  void write(mlir::Operation *op) const;
};

/// Channels of a selective scan whose decays are looked at together.
constexpr int64_t kReachChannels = 16;

/// What the user overrides; 0 keeps the choice.
struct ScanOverrides {
  int64_t consumers = 0, lanes = 0, width = 0, steps = 0, stages = 0, registers = 0, unroll = 0, cluster = 0;
  std::string polynomials = "";

  bool any() const {
    return consumers || lanes || width || steps || stages || registers || unroll || cluster || !polynomials.empty();
  }
};

/// States of a channel in the kernel of a selective scan. Those that fill up lanes are zero, and stay so.
int64_t statesOf(seq::SelectiveScanOp op);

/// Chooses and writes the configuration of a recurrence over channels.
mlir::LogicalResult configureScan(seq::SelectiveScanOp op, const ScanOverrides &overrides);
mlir::LogicalResult configureScan(seq::ScanOp op, const ScanOverrides &overrides);
/// That of a short convolution that walks the same way.
mlir::LogicalResult configureScan(seq::ShortConvOp op, const ScanOverrides &overrides);

/// Reports, at the operation, what a Hopper kernel of the recurrences cannot do.
mlir::LogicalResult verifyScanTarget(seq::SelectiveScanOp op);
mlir::LogicalResult verifyScanTarget(seq::ScanOp op);

} // namespace longwing

#endif // LONGWING_SEQ_SCANCONFIG_H
