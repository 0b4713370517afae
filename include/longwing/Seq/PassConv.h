//===- PassConv.h - Convolutions by transforms through memory ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_PASSCONV_H
#define LONGWING_SEQ_PASSCONV_H

#include "longwing/Seq/ConvConfig.h"

#include "llvm/Support/MathExtras.h"

namespace longwing {

/// Rows and columns of a tile of points.
constexpr int64_t kSide = 64;
constexpr int64_t kTilePoints = kSide * kSide;

/// How a convolution is transformed in passes through device memory (lib/SeqToTile/ConvPasses.h).
struct PassPlan {
  int64_t length = 0; ///< L.
  int64_t outer = 0;  ///< R, a multiple of 64.
  int64_t inner = 0;  ///< P, a power of two from 4 to 64.
  bool rightAngle = true; ///< At the roots of i, or of 1.
  int64_t middle = 1;     ///< Q, 64 where two more passes stand around the inner one.
  /// Of a one-sided sequence in blocks of N samples (FourierPlan.h): how many blocks of input one of the result depends on.
  int64_t reach = 0;
  /// At the roots of 1: rows k_1 and R - k_1 of real samples are conjugate, so those from R / 2 on and, last, row 0 stand for all.
  bool mirrored = false;

  int64_t stride() const { return kSide * inner; }       ///< M
  int64_t points() const { return outer * middle * stride(); } ///< N
  /// The k_1 that are transformed, in whole tiles of them.
  int64_t rows() const { return mirrored ? outer / 2 + std::max<int64_t>(kSide / (middle * inner), 1) : outer; }
  /// The k_1 of the first one; behind R - 1 comes 0.
  int64_t firstRow() const { return mirrored ? outer / 2 : 0; }
  int64_t tiles() const { return rows() * middle * stride() / kTilePoints; } ///< of one block
  /// Spectra as threads keep them, [H, tiles, P, 8192], P at least 1.
  mlir::RankedTensorType keptType(mlir::MLIRContext *context, int64_t channels) const {
    return mlir::RankedTensorType::get({channels, tiles(), std::max<int64_t>(reach, 1), 2 * kTilePoints}, mlir::Float16Type::get(context));
  }
  bool inBlocks() const { return reach > 0; }
  int64_t blocks() const { return inBlocks() ? llvm::divideCeil(length, points()) : 1; }
  /// Between two blocks the result may run from one end of its range to the other: how much smaller it is until the end.
  double rangeOfBlocks() const { return inBlocks() ? 2 : 1; }
  /// Neighbouring k1 of a tile.
  int64_t neighbours() const { return kSide / inner; }
  /// Numbers that say how large the transform over the outer digit is, one for 16 rows of a residue and 64 columns.
  int64_t energies() const { return outer * inner / 16; }
  /// The first of the stages M / 256, 16 and 16 of the inner transform.
  int64_t radix() const { return stride() / 256; }
  /// The outer transform, whose rows are those of the middle one in a sequence.
  PassPlan outerPart() const { return {length, outer, middle * inner, rightAngle, /*middle=*/1, reach, mirrored}; }
  /// The middle transform, of R sequences as many.
  PassPlan middlePart() const { return {middle * stride(), middle, inner, /*rightAngle=*/false}; }
  /// The largest outer radix.
  static int64_t maxOuter(seq::LongConvOp op);
  /// The cheapest plan of at least `length` points, its outer radix at most `maxOuter`; none if there is none. Where they are
  /// as many, a circular one is at the roots of 1.
  static std::optional<PassPlan> choose(int64_t length, int64_t maxOuter, bool isCircular);
  /// The cheapest plan in blocks, if there is one.
  static std::optional<PassPlan> chooseBlocks(const ConvProblem &problem, int64_t maxOuter);
  /// [R, Q, M / 256, 16, 16], without Q and M / 256 where they are 1.
  llvm::SmallVector<int64_t> radices() const;
  /// The picoseconds that an output takes.
  double cost() const;
  /// The plan of the kernels, or nothing, and then why, as the end of a sentence.
  static std::optional<PassPlan> of(seq::LongConvOp op, std::string *why = nullptr);
  static std::optional<PassPlan> of(seq::PrepareFilterOp op, std::string *why = nullptr);
};

} // namespace longwing

#endif // LONGWING_SEQ_PASSCONV_H
