//===- Phases.cpp - The steps of one compilation --------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Phases.h"

#include "dialects/seq/Seq.h"
#include "dialects/tile/Tile.h"
#include "lib/Target/Ptx.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace longwing;

void longwing::registerCompilerDialects(DialectRegistry &registry) {
  registry.insert<seq::SeqDialect, tile::TileDialect, arith::ArithDialect, cf::ControlFlowDialect,
                  func::FuncDialect, gpu::GPUDialect, linalg::LinalgDialect, LLVM::LLVMDialect,
                  math::MathDialect, memref::MemRefDialect, NVVM::NVVMDialect, scf::SCFDialect,
                  tensor::TensorDialect>();
  registerLLVMTranslations(registry);
}

Level longwing::levelOf(ModuleOp module) {
  Level level = Level::None;
  module.walk([&](Operation *op) {
    Dialect *dialect = op->getDialect();
    if (isa_and_nonnull<seq::SeqDialect>(dialect)) {
      level = Level::Seq;
      return WalkResult::interrupt();
    }
    if (isa_and_nonnull<tile::TileDialect>(dialect))
      level = Level::Tile;
    else if (isa<gpu::GPUModuleOp>(op) && level == Level::None)
      level = Level::Nvvm;
    return WalkResult::advance();
  });
  return level;
}

Phases::Phases(ModuleOp module, const CompileOptions &options, CompileReport &report)
    : module(module), options(options), report(report), began(Clock::now()) {}

void Phases::finish(StringRef phase) {
  std::chrono::duration<double, std::milli> time = Clock::now() - began;
  report.times.push_back({phase.str(), time.count()});
}

LogicalResult Phases::run(StringRef phase, Builder build) {
  start();
  PassManager passes(module.getContext());
  passes.enableVerifier(options.verifyEach);
  build(passes);
  if (failed(passes.run(module)))
    return failure();
  if (!options.verifyEach && failed(verify(module)))
    return failure();
  finish(phase);
  return dumpModule(phase);
}

LogicalResult Phases::dumpModule(StringRef phase) {
  if (options.dumpDirectory.empty())
    return success();
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, OpPrintingFlags().enableDebugInfo(/*enable=*/false));
  return dump(phase, ".mlir", text);
}

LogicalResult Phases::dump(StringRef phase, StringRef suffix, StringRef text) {
  if (options.dumpDirectory.empty())
    return success();
  auto fail = [&](StringRef path, std::error_code error) {
    return emitError(module.getLoc()) << "cannot write '" << path << "': " << error.message();
  };
  if (std::error_code error = llvm::sys::fs::create_directories(options.dumpDirectory))
    return fail(options.dumpDirectory, error);
  SmallString<128> path(options.dumpDirectory);
  llvm::sys::path::append(path, llvm::formatv("{0,0+2}-{1}{2}", dumped++, phase, suffix).str());
  std::error_code error;
  llvm::raw_fd_ostream os(path, error);
  if (error)
    return fail(path, error);
  os << text;
  os.close();
  if (os.has_error()) {
    error = os.error();
    os.clear_error();
    return fail(path, error);
  }
  return success();
}
