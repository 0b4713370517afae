//===- FourierPlan.h - Convolutions by Fourier transform --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which transform a kernel computes for a long convolution, and which convolutions have one.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_FOURIERPLAN_H
#define LONGWING_SEQ_FOURIERPLAN_H

#include "dialects/seq/Seq.h"

namespace longwing {

/// One transform of length N = 256 R in three stages, of radix R, 16 and 16: at the roots of 1 or, if
/// right-angle, of i. R is at most 16, or 16 S where the sequence is S parts of 4096 samples.
///
/// Or a causal sequence is cut in blocks of N samples, each with a transform of its own. Block p of the result is
/// the sum over j of block p - j of the input with those taps that lead from there to here, of lags j N + d, |d| < N:
/// a two-sided filter, which a right-angle transform of N points serves as well as a causal one.
struct FourierPlan {
  int64_t radix = 16; ///< R
  bool rightAngle = true;
  int64_t reach = 0; ///< Of a sequence in blocks: how many blocks of input one of the result depends on.
  bool precise = false; ///< Sums are of f32, and numbers of two parts of f16.

  int64_t length() const { return 256 * radix; }
  bool inBlocks() const { return reach > 0; }
  /// S, or 1.
  int64_t parts() const { return radix > 16 ? radix / 16 : 1; }
  /// Rows of a tile that a sequence takes: R rounded up to a power of two.
  int64_t rows() const;
  /// Sequences in a tile.
  int64_t sequences() const { return 16 / rows(); }

  /// Whether a skip is not a tap of the filter: the filter is prepared, or the input gated but not what
  /// is skipped.
  static bool addsSkip(seq::LongConvOp op) {
    return op.getSkip() && (op.getSpectrum() || (op.getPre() && op.getSkipUngated()));
  }
  /// The plan of a kernel, or nothing, and then why, as the end of a sentence.
  static std::optional<FourierPlan> of(seq::LongConvOp op, std::string *why = nullptr);
  static std::optional<FourierPlan> of(seq::PrepareFilterOp op, std::string *why = nullptr);
};

} // namespace longwing

#endif // LONGWING_SEQ_FOURIERPLAN_H
