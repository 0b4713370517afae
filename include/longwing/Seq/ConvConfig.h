//===- ConvConfig.h - Algorithms of long convolutions -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The cost model that picks the algorithm of a convolution, and what it decides: the attribute
// `seq.config` of `seq.long_conv`.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_CONVCONFIG_H
#define LONGWING_SEQ_CONVCONFIG_H

#include "dialects/seq/Seq.h"

namespace longwing {

enum class ConvAlgorithm {
  /// Products with blocks of the Toeplitz matrix of the filter.
  Toeplitz,
  /// A Fourier transform that stays in one CTA's SRAM and registers: one stage for each radix.
  Transform,
  /// One for each block of a causal or anticausal sequence, in one CTA or in passes.
  Blocks,
  /// A transform whose first radix is a pass of its own, through memory.
  MultiPass,
  /// A transform in f32, each of whose stages goes through memory.
  Stages
};
llvm::StringRef stringifyConvAlgorithm(ConvAlgorithm algorithm);
std::optional<ConvAlgorithm> symbolizeConvAlgorithm(llvm::StringRef name);

/// What the cost of a convolution depends on.
struct ConvProblem {
  seq::ConvKind kind = seq::ConvKind::Causal;
  /// L and K; dynamic ones are negative.
  int64_t length = -1;
  int64_t taps = -1;
  /// How many tensors of the size of u are read and written: 2, and one more for each gate.
  int64_t streams = 2;
  int64_t elementBytes = 2;

  static ConvProblem of(seq::LongConvOp op);
  bool isCircular() const { return kind == seq::ConvKind::Circular; }
  /// Of a one-sided convolution cut in blocks of that many samples: how many blocks of input one of the result depends on. 0 if it is not to be cut: there is one block, or too many of them are needed at once.
  int64_t reach(int64_t block) const;
  /// Whether a circular convolution can be written as a two-sided one, whose reverse filter holds
  /// what wraps around. That has a transform of any length from L on.
  bool unwraps() const { return isCircular() && taps >= 0 && taps <= length; }
};

/// The algorithm of one convolution.
struct ConvConfig {
  ConvAlgorithm algorithm = ConvAlgorithm::Toeplitz;
  /// The radices of a transform, from the left; their product is its length N.
  llvm::SmallVector<int64_t> radices;
  /// Whether a transform sums in f32 and holds numbers in two parts of f16, slowly.
  bool precise = false;
  /// Estimated time of one output on a whole card, in picoseconds.
  double picoseconds = 0;
  /// The estimates of all candidates, in words.
  std::string reason;

  int64_t transformLength() const;
  /// How many blocks of input a block of the result depends on; 0 where there are none.
  int64_t reach(seq::LongConvOp op) const;
  static ConvConfig read(seq::LongConvOp op);
  void write(seq::LongConvOp op) const;
};

/// Radices for a transform of this problem: the shortest length that a kernel has, or nothing where
/// L is unknown. That of a circular convolution is L, unless L has a prime factor that no radix
/// holds: then it is longer, for the convolution `unwraps`.
llvm::SmallVector<int64_t> chooseRadices(const ConvProblem &problem);

/// Those of a transform in f32, powers of two whose numbers a thread holds; nothing if there is none.
llvm::SmallVector<int64_t> stageRadices(seq::LongConvOp op);
/// Whether stages take a convolution that no kernel of tensor cores takes, as fast or faster than sums.
bool takesStages(seq::LongConvOp op);

/// Those of a block in one CTA, and how many blocks of input one of the result may depend on, as SRAM holds their transforms.
llvm::SmallVector<int64_t> blockRadices();
constexpr int64_t kShortBlock = 4096, kMostReach = 8;
/// The same of the longest block that one CTA transforms, in place.
llvm::SmallVector<int64_t> longBlockRadices();
constexpr int64_t kMostLongReach = 4;

/// Products of transforms with spectra that a block of the result is the sum of, on an average: the first blocks depend on
/// fewer.
inline double productsOfBlock(int64_t blocks, int64_t reach) {
  return double(reach) - double(reach * (reach - 1)) / 2 / double(blocks);
}

/// The time of one output, in picoseconds, and what limits it.
struct ConvCost {
  double picoseconds;
  llvm::StringRef limit;
};
ConvCost toeplitzCost(const ConvProblem &problem);
ConvCost transformCost(const ConvProblem &problem, llvm::ArrayRef<int64_t> radices);

/// The cheapest algorithm. A spectrum that is prepared already leaves no choice.
ConvConfig chooseConv(seq::LongConvOp op);

} // namespace longwing

#endif // LONGWING_SEQ_CONVCONFIG_H
