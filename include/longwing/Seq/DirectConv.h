//===- DirectConv.h - Convolutions by Toeplitz products ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a convolution is cut for the kernels that multiply by blocks of its Toeplitz matrix, and
// which convolutions they can do.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_DIRECTCONV_H
#define LONGWING_SEQ_DIRECTCONV_H

#include "dialects/seq/Seq.h"

namespace longwing {

/// The sequence is cut into chunks of 64 samples. A chunk of outputs is a sum over the chunks of
/// inputs that lie `first` to `first + matrices - 1` before it, each times a matrix.
struct DirectConv {
  static constexpr int64_t kChunk = 64;
  static constexpr int64_t kProducerRegisters = 24;
  /// Whether a row of the tile is a whole sequence, all of its chunks in registers; else it is a
  /// segment of one, whose chunks pass by in a loop.
  bool whole = false;
  /// Whether the rows of a tile are neighbouring chunks instead, and tiles pass by: a chunk's
  /// predecessors are read again, from the cache.
  bool tiled = false;
  int64_t first = 0;
  int64_t matrices = 1;
  /// Chunks of a whole sequence; chunks of a segment, or tiles of a CTA, at most.
  int64_t chunks = 32;
  /// Whether a second matrix holds what rounding the taps to bf16 has lost.
  bool split = false;
  /// Tensors that are read beside the input.
  int64_t gates = 0;
  bool pre = false, post = false;
  /// Whether the rows of a tile are neighbouring chunks of sequences that come and go as boxes, through
  /// SRAM. Chunks before those of a tile lie in front of them in the box, and behind: none where the
  /// sequence is periodic and a tile holds all of it.
  bool boxes = false;
  bool wraps = false;
  /// Of boxes: chunks of a sequence, and warpgroups of a CTA.
  int64_t sequence = 0, consumers = 1;

  /// For sequences at other than multiples of 16 bytes, which no box can cut: the plan by runs, if there is one.
  std::optional<DirectConv> unaligned() const;

  /// Rows of a tile of boxes, those of one sequence, and how many sequences it holds.
  int64_t rows() const { return 64 * consumers; }
  int64_t sequenceRows() const { return std::min(sequence, rows()); }
  int64_t sequences() const { return rows() / sequenceRows(); }
  /// Rows of a sequence that are read for a tile beside its own.
  int64_t halo() const { return wraps ? 0 : matrices - 1; }
  /// CTAs of boxes that are to share a multiprocessor, and slots of a ring.
  int64_t residents() const;
  int64_t stages() const;

  /// Registers of a thread: the chunks in flight, the accumulator, and what the rest takes.
  int64_t registers() const;

  /// The plan for a convolution, or nothing, and then why, as the end of a sentence.
  static std::optional<DirectConv> plan(seq::LongConvOp op, std::string *why = nullptr);
  static std::optional<DirectConv> plan(seq::ShortConvOp op, std::string *why = nullptr);

private:
  /// Whether it stands in for another one: seldom run, it must compile before it is fast.
  bool roomy = false;
  /// Matrices of a plan by runs, and the first of them.
  int64_t runMatrices = 0, runFirst = 0;
  /// Whether it holds the chunks that meet the filter.
  bool fitsRuns() const;
  /// Whether sequences of that length can come as boxes, and should.
  void chooseBoxes(int64_t length, bool circular);
};

} // namespace longwing

#endif // LONGWING_SEQ_DIRECTCONV_H
