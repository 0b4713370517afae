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

/// What the kernels of scans, of single steps and of short convolutions along time have in common:
/// one stands for an operation, and its threads own channels.
class ChannelKernel {
protected:
  ChannelKernel(mlir::Operation *op, const ScanConfig &config, int64_t lanes)
      : config(config), builder(op->getContext()),
        t(builder, op->getLoc(), lanes, config.channels()), launch(op), operation(op) {}

  /// The kernel's argument that a tensor of the operation is.
  mlir::Value tensor(mlir::Value value) { return launch.argument(value); }

  /// Begins the kernel, on the tensors that `launch` has. Registers are the producer's; 0 is none.
  tile::KernelOp begin(mlir::SymbolTable &symbols, llvm::StringRef suffix, int64_t registers);
  /// Goes on inside the work tiles, and gives their coordinates.
  mlir::ValueRange forEach(mlir::ValueRange sizes);
  /// Visits `length` steps in tiles, and the steps of each by `unroll`; backwards if so asked.
  /// `load` begins the tile from step `tile0` on; `steps` takes the state over those from a row on.
  llvm::SmallVector<mlir::Value>
  walk(mlir::Value length, bool reverse, mlir::ValueRange state, llvm::function_ref<void()> load,
       llvm::function_ref<void(mlir::Value row0, llvm::SmallVectorImpl<mlir::Value> &state)> steps);

  ScanConfig config;
  mlir::OpBuilder builder;
  ChannelBuilder t;
  LaunchBuilder launch;
  mlir::Value tile0;

private:
  mlir::Operation *operation;
};

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_CHANNELKERNEL_H
