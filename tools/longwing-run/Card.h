//===- Card.h - Runs a package on the card ----------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TOOLS_RUN_CARD_H
#define LONGWING_TOOLS_RUN_CARD_H

#include "longwing/Runtime.h"
#include "tools/longwing-run/Array.h"

namespace longwing::run {

struct CardRun {
  std::vector<Array> results;
  /// Of each timed call; empty if none was asked for.
  std::vector<double> milliseconds;
  /// The name of the card.
  std::string device;
};

/// Copies the arguments to device 0, calls the function once, and `repeats` times more to time it.
Expected<CardRun> runOnCard(const Module &module, const std::string &function,
                            std::vector<Array> &arguments, unsigned repeats);

} // namespace longwing::run

#endif // LONGWING_TOOLS_RUN_CARD_H
