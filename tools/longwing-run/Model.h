//===- Model.h - The program that is run ------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TOOLS_RUN_MODEL_H
#define LONGWING_TOOLS_RUN_MODEL_H

#include "lib/Compiler/Diagnostics.h"
#include "longwing/CPU.h"
#include "tools/longwing-run/Array.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/SourceMgr.h"

namespace longwing::run {

/// A model in the seq dialect. What is wrong with it is printed as a diagnostic; the functions here
/// then give null or an empty optional.
class Model {
public:
  static std::unique_ptr<Model> parse(llvm::StringRef source, llvm::StringRef name);

  /// The types of a public function; of the only one, or of "main", if the name is empty.
  llvm::Expected<FunctionInfo> function(llvm::StringRef name) const;

  /// What random numbers the operations that read a function's arguments can take.
  std::vector<Draw> draws(llvm::StringRef function) const;

  /// A program for this CPU: from seq in float64 (the oracle) or float32, or from the tile level.
  std::unique_ptr<cpu::CpuProgram> compileSeq(Precision precision);
  std::unique_ptr<cpu::CpuProgram> compileTile(const std::string &schedule);
  /// A package for the card.
  std::optional<std::string> compilePackage(const std::string &schedule, const std::string &ptxas);

  /// The floating-point operations of one call; nothing if the sizes of an operation cannot be
  /// told.
  std::optional<double> countFlops(llvm::StringRef function, const std::vector<Array> &arguments);

private:
  Model(llvm::StringRef source, llvm::StringRef name);

  std::string source, name;
  MessageHandler print;
  mlir::MLIRContext context;
  std::shared_ptr<llvm::SourceMgr> sources;
  std::unique_ptr<Reporter> reporter;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Runs a function. The results of the oracle are f64.
llvm::Expected<std::vector<Array>> runOnCpu(cpu::CpuProgram &program, llvm::StringRef function,
                                            std::vector<Array> &arguments);

} // namespace longwing::run

#endif // LONGWING_TOOLS_RUN_MODEL_H
