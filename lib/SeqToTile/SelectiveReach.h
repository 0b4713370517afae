//===- SelectiveReach.h - How far selective scans look back -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where channels forget, a sequence can be cut into segments side by side: each begins early, from no state, by as many
// steps as states know. How many these are depends on the data, so a kernel in front counts them. Where
// one state of one channel remembers for too long, segments have no work, and the kernel of whole sequences has all.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_SELECTIVEREACH_H
#define LONGWING_LIB_SEQTOTILE_SELECTIVEREACH_H

#include "ChannelKernel.h"

#include "dialects/seq/Seq.h"

namespace longwing {

/// How the sequences of a selective scan are cut.
class EarlySegments {
public:
  EarlySegments(seq::SelectiveScanOp op, const ScanPair &pair);

  /// How many segments a sequence has: one where it is not cut.
  mlir::Value count(TileBuilder &t, mlir::Value sequences, mlir::Value length) const;
  /// Steps of a segment.
  mlir::Value steps(TileBuilder &t, mlir::Value length, mlir::Value segments) const;
  /// Launches the kernels that look at the decays.
  void launch(mlir::SymbolTable &symbols, Share share);

  /// Of a segment behind the first one how early it begins, in whole tiles.
  mlir::Value early(TileBuilder &t, mlir::Value reach, mlir::Value entry, mlir::Value segment, mlir::Value segments,
                    mlir::Value block) const;
  /// Whether segments are what has work, where there are several.
  mlir::Value forgets(TileBuilder &t, mlir::Value tooLong, mlir::Value segments) const;

  /// [entry, segment, block of channels], how many steps count by kReachSteps, 0 where too many do; and [1], whether there
  /// is a 0.
  mlir::Value reach, tooLong;

private:
  seq::SelectiveScanOp op;
  ScanConfig config;
  int64_t places, least;
};

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_SELECTIVEREACH_H
