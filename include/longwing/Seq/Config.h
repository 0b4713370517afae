//===- Config.h - Tiles and schedules of sequence operations ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What seq-configure decides and the lowerings read: the attribute `seq.config`.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_CONFIG_H
#define LONGWING_SEQ_CONFIG_H

#include "dialects/seq/Seq.h"

namespace longwing {

constexpr llvm::StringLiteral kConfigAttr = "seq.config";
/// On an operation that is to have a plain kernel: what it is, and why, for `--print-config`.
constexpr llvm::StringLiteral kPlainAttr = "seq.plain";
/// Marks the operation so; `why` goes on from its name.
void markPlain(mlir::Operation *op, const llvm::Twine &why);

/// How many schedules of an operation had kernels that spilled: the next one takes fewer registers.
constexpr llvm::StringLiteral kSpareAttr = "seq.spare";
/// That number; 0 if there is none.
int64_t spareOf(mlir::Operation *op);

/// How an attention kernel is tiled and scheduled.
struct AttentionConfig {
  /// Consumer warpgroups, 64 query rows each.
  int64_t consumers = 2;
  /// Keys of a tile.
  int64_t keys = 128;
  /// SRAM slots of the key and of the value ring.
  int64_t stages = 2;
  /// SRAM slots of the ring of query tiles; with two the next work tile's are loaded ahead.
  int64_t queryStages = 1;
  /// One CTA per multiprocessor walks over the work, instead of one CTA per work tile.
  bool persistent = true;
  /// Products and softmax of neighbouring key tiles overlap.
  bool overlap = true;

  int64_t rows() const { return 64 * consumers; }
  /// Registers per thread: of 64 K per multiprocessor, in the steps setmaxnreg takes.
  int64_t producerRegisters() const { return consumers == 1 ? 56 : consumers == 2 ? 24 : 32; }
  int64_t consumerRegisters() const { return consumers == 1 ? 256 : consumers == 2 ? 240 : 160; }

  static AttentionConfig read(seq::AttentionOp op);
  void write(seq::AttentionOp op) const;
};

/// How a linear attention's kernel is tiled and scheduled.
struct LinearAttentionConfig {
  /// Consumer warpgroups, each with 64 value columns of one head.
  int64_t consumers = 2;
  /// Steps of a chunk. The layouts of a chunk's products leave no other.
  int64_t chunk = 64;
  /// Key channels whose decays a kernel holds at a time, where they differ between channels.
  static constexpr int64_t kPanel = 64;
  /// SRAM slots of each ring; ...
  int64_t stages = 2;
  /// ... of values, which a chunk needs late, and of decays in 32 bits, which it is done with early.
  int64_t valueStages = 2;
  /// One CTA per multiprocessor walks over the work, instead of one CTA per work tile.
  bool persistent = true;
  /// What steps contribute to the state is not rounded to 16 bits: one more product a chunk.
  bool exact = true;
  /// Sequences are cut into segments where batch and heads leave multiprocessors idle.
  bool split = true;
  /// Consumer warpgroups of the kernels that take segments, and slots of their rings of keys and queries, where they
  /// differ: segments come in as many as fill the card, whole sequences come as they are. 0: one kernel takes both.
  int64_t segmentConsumers = 0, segmentStages = 0;

  int64_t producerRegisters() const { return consumers == 1 ? 56 : consumers == 2 ? 24 : 32; }
  int64_t consumerRegisters() const { return consumers == 1 ? 256 : consumers == 2 ? 240 : 160; }

  /// Of the kernels that take segments.
  LinearAttentionConfig ofSegments() const;

  static LinearAttentionConfig read(seq::LinearAttentionOp op);
  void write(seq::LinearAttentionOp op) const;
};

} // namespace longwing

#endif // LONGWING_SEQ_CONFIG_H
