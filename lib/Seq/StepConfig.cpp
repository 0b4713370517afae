//===- StepConfig.cpp - Kernels of one step of a recurrence ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A step costs the bytes of its state. Threads move 16 of them at once, those of a warp whole lines
// of 128, and a thread has up to 8 such accesses under way.
//
//===----------------------------------------------------------------------===//

#include "longwing/Seq/StepConfig.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longwing;

/// Elements of 16 bytes of a state, which is f32, and accesses of a thread.
static constexpr int64_t kRun = 4, kRuns = 8;

bool longwing::isStep(seq::LinearAttentionOp op) {
  return op.getV().getType().getDimSize(1) == 1 && !op.isPacked();
}

/// Rows of the state are contiguous along its columns, the values.
ScanConfig longwing::chooseStep(seq::LinearAttentionOp op) {
  ScanConfig config;
  config.width = kRun;
  // A row takes as many groups of lanes as it has runs; eight of them make up a line.
  int64_t runs = llvm::divideCeil(op.getValueDim(), kRun);
  config.lanes = std::clamp<int64_t>(128 / llvm::PowerOf2Ceil(runs), 4, 32);
  int64_t rows = llvm::divideCeil(op.getKeyDim(), config.lanes);
  config.steps = config.lanes * std::min<int64_t>(llvm::PowerOf2Ceil(rows), kRuns);
  // Sizes that are met at run time take some.
  config.registers = op.getV().getType().isDynamicDim(1) ? 160 : 112;
  return config;
}

/// The lanes that share a channel, and their states: those of a channel are contiguous.
static int64_t lanesOfStates(int64_t states) {
  return std::clamp<int64_t>(llvm::bit_floor(uint64_t(std::max<int64_t>(states / kRun, 1))), 1, 32);
}

ScanConfig longwing::chooseStep(seq::SelectiveScanOp op) {
  ScanConfig config;
  int64_t states = op.getStateSize();
  config.lanes = lanesOfStates(states);
  config.steps = llvm::alignTo(states, config.lanes);
  // Up to four channels for each thread, where they are of one group: finding the tensors' elements takes more
  // instructions than a step of a channel.
  int64_t held = config.steps / config.lanes;
  config.width = held <= 4 ? 4 : 2;
  while (config.width > 1 && op.getGroups() > 1 && op.getChannels() / op.getGroups() % config.channels())
    config.width /= 2;
  config.registers = config.width * held <= 16 ? 80 : 128;
  return config;
}

bool longwing::isStep(seq::SelectiveScanOp op) {
  if (op.getU().getType().getDimSize(1) != 1 || op.isPacked() || op.getComplex())
    return false;
  ScanConfig config = chooseStep(op);
  return op.getStateSize() <= 512 &&
         (op.getGroups() == 1 || op.getChannels() / op.getGroups() % config.channels() == 0);
}

bool longwing::isStep(seq::ScanOp op) {
  return op.getB().getType().getDimSize(1) == 1 && !op.isPacked();
}

/// A thread reads 16 bytes of a state.
ScanConfig longwing::chooseStep(seq::ScanOp op) {
  ScanConfig config;
  config.width = op.getComplex() ? kRun / 2 : kRun;
  config.registers = 128;
  return config;
}
