//===- Pipelines.h - The way from seq to PTX --------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The passes of each phase, in order. The compiler driver runs these; longwing-opt knows them by
// the same names (`--seq-to-tile-pipeline`, ...).
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_PIPELINES_H
#define LONGWING_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include <string>

namespace longwing {

/// Schedule overrides; 0 or an empty string leaves the choice to the compiler.
struct ScheduleOptions : public mlir::PassPipelineOptions<ScheduleOptions> {
  Option<int64_t> consumers{*this, "consumers",
                            llvm::cl::desc("Consumer warpgroups, 64 query rows each"),
                            llvm::cl::init(0)};
  Option<int64_t> keys{*this, "keys", llvm::cl::desc("Keys of a tile, a multiple of 16"),
                       llvm::cl::init(0)};
  Option<int64_t> stages{*this, "stages",
                         llvm::cl::desc("SRAM slots of the key and of the value ring"),
                         llvm::cl::init(0)};
  Option<int64_t> queryStages{*this, "query-stages",
                              llvm::cl::desc("SRAM slots of the ring of query tiles"),
                              llvm::cl::init(0)};
  Option<int64_t> lanes{*this, "lanes",
                        llvm::cl::desc("Threads that share a channel of a recurrence"),
                        llvm::cl::init(0)};
  Option<int64_t> width{*this, "width",
                        llvm::cl::desc("Neighbouring channels of a thread of a recurrence"),
                        llvm::cl::init(0)};
  Option<int64_t> steps{*this, "steps",
                        llvm::cl::desc("Steps in time of a tile of a recurrence"),
                        llvm::cl::init(0)};
  Option<int64_t> cluster{*this, "cluster", llvm::cl::desc("CTAs that take the tiles of a scan in turns"),
                          llvm::cl::init(0)};
  Option<int64_t> unroll{*this, "unroll",
                         llvm::cl::desc("Steps in time that a recurrence takes at once"),
                         llvm::cl::init(0)};
  Option<int64_t> registers{*this, "registers",
                            llvm::cl::desc("Registers of a consumer thread of a recurrence"),
                            llvm::cl::init(0)};
  Option<std::string> polynomials{
      *this, "polynomials", llvm::cl::desc("Exponentials of a selective scan that are polynomials, of each eight")};
  Option<std::string> persistent{
      *this, "persistent",
      llvm::cl::desc("One CTA per multiprocessor walks over the work: true or false")};
  Option<std::string> overlap{
      *this, "overlap",
      llvm::cl::desc("Overlap products and softmax of neighbouring key tiles: true or false")};
  Option<std::string> conv{
      *this, "conv",
      llvm::cl::desc("The algorithm of long convolutions: toeplitz, transform, blocks or multipass; stages in f32; plain sums in float64, slowly")};
  Option<std::string> radices{*this, "radices",
                              llvm::cl::desc("The radices of their transforms, such as 16x16x16")};
  Option<std::string> precise{*this, "precise",
                              llvm::cl::desc("Transforms sum in f32 and hold numbers in two parts, slowly: true or false")};
};

/// seq -> seq: fuses, checks the target, chooses algorithms, tiles and schedules.
void buildSeqPipeline(mlir::OpPassManager &pm, const ScheduleOptions &options);

/// seq -> tile: checks the target, chooses tiles and schedules, writes kernels in sequential form.
void buildSeqToTilePipeline(mlir::OpPassManager &pm, const ScheduleOptions &options);

/// tile -> tile: pipelines, specialises, makes asynchronous, allocates and checks every kernel.
void buildTilePipeline(mlir::OpPassManager &pm);

/// tile -> llvm and nvvm: a gpu.module ready to be translated to LLVM IR.
void buildTileToNVVMPipeline(mlir::OpPassManager &pm);

/// Registers the pipelines by name.
void registerPipelines();

} // namespace longwing

#endif // LONGWING_PIPELINES_H
