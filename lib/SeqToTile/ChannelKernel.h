//===- ChannelKernel.h - Kernels on tiles of channels -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_CHANNELKERNEL_H
#define LONGWING_LIB_SEQTOTILE_CHANNELKERNEL_H

#include "Channels.h"
#include "Launch.h"

#include "longwing/Seq/ScanConfig.h"

namespace longwing {

/// Which sequences a kernel takes, of `least` or more or fewer of them: all, or none.
struct Share {
  enum When { Always, IfMany, IfFew } when = Always;
  int64_t least = 1;
  /// Of few: how many there are at least.
  int64_t from = 0;

  mlir::Value of(TileBuilder &t, mlir::Value count) const;
};

/// What the kernels of scans, of single steps and of short convolutions along time have in common:
/// one stands for an operation, and its threads own channels.
class ChannelKernel {
protected:
  ChannelKernel(mlir::Operation *op, const ScanConfig &config, int64_t lanes)
      : config(config), builder(op->getContext()),
        t(builder, op->getLoc(), lanes, config.channels()), launch(op), operation(op) {}

  using States = llvm::SmallVectorImpl<mlir::Value>;

  /// The kernel's argument that a tensor of the operation is.
  mlir::Value tensor(mlir::Value value) { return launch.argument(value); }

  /// Begins the kernel, on the tensors that `launch` has. Registers are the producer's; 0 is none.
  tile::KernelOp begin(mlir::SymbolTable &symbols, llvm::StringRef suffix, int64_t registers);
  /// Goes on inside the work tiles, and gives their coordinates.
  mlir::ValueRange forEach(mlir::ValueRange sizes);

  /// The kernel, begun, over the blocks of channels of the sequences that are its share, and what it
  /// is launched with. `x` is [B, L, ...]; null `offsets` are those of no packed sequences.
  LaunchBuilder::Run overSequences(tile::KernelOp kernel, int64_t channels, mlir::Value x,
                                   mlir::Value offsets, Share share,
                                   llvm::function_ref<void(mlir::Value block, mlir::Value entry)> work);

  /// Visits the steps of a sequence in tiles, backwards if so asked. `load` begins the tile from step
  /// `tile0` on. The CTAs of a cluster take tiles in turns.
  llvm::SmallVector<mlir::Value> forEachTile(bool reverse, mlir::ValueRange state,
                                             llvm::function_ref<void()> load,
                                             llvm::function_ref<void(States &)> body);
  /// Visits the steps of the tile by `unroll`; `steps` takes the state over those from a row on.
  llvm::SmallVector<mlir::Value>
  forEachRow(bool reverse, mlir::ValueRange state,
             llvm::function_ref<void(mlir::Value row0, States &state)> steps);
  /// Both.
  llvm::SmallVector<mlir::Value>
  walk(bool reverse, mlir::ValueRange state, llvm::function_ref<void()> load,
       llvm::function_ref<void(mlir::Value row0, States &state)> steps);

  ScanConfig config;
  mlir::OpBuilder builder;
  ChannelBuilder t;
  LaunchBuilder launch;
  /// Of the sequence that is being walked: its place in [B, L], and its length; the first step of the tile there; and
  /// whether it is walked at all, if that is a question.
  mlir::Value batch, start, length, tile0, isWalked;

private:
  mlir::Operation *operation;
};

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_CHANNELKERNEL_H
