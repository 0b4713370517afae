//===- Phases.h - The steps of one compilation ------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_COMPILER_PHASES_H
#define LONGWING_LIB_COMPILER_PHASES_H

#include "longwing/Compiler.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/LLVM.h"

#include <chrono>

namespace longwing {

/// The dialects that a model and its lowered forms use.
void registerCompilerDialects(mlir::DialectRegistry &registry);

/// How far down a module is already: the highest level that it holds operations of.
enum class Level { Seq, Tile, Nvvm, None };
Level levelOf(mlir::ModuleOp module);

/// Runs phases by name, takes their times, and writes the IR behind each of them if the user asked
/// for it.
class Phases {
public:
  Phases(mlir::ModuleOp module, const CompileOptions &options, CompileReport &report);

  using Builder = llvm::function_ref<void(mlir::OpPassManager &)>;
  /// A phase of passes over the module.
  mlir::LogicalResult run(llvm::StringRef phase, Builder build);
  /// Writes the module, or the text of another form of it, to the user's directory if there is one.
  mlir::LogicalResult dumpModule(llvm::StringRef phase);
  mlir::LogicalResult dump(llvm::StringRef phase, llvm::StringRef suffix, llvm::StringRef text);

  /// Starts the clock of a phase; `finish` notes its time.
  void start() { began = Clock::now(); }
  void finish(llvm::StringRef phase);

private:
  using Clock = std::chrono::steady_clock;

  mlir::ModuleOp module;
  const CompileOptions &options;
  CompileReport &report;
  Clock::time_point began;
  unsigned dumped = 0;
};

} // namespace longwing

#endif // LONGWING_LIB_COMPILER_PHASES_H
