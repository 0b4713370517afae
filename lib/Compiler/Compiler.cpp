//===- Compiler.cpp - From the text of a model to an artefact -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Compiler.h"

#include "dialects/seq/Seq.h"
#include "lib/Compiler/Cpu.h"
#include "lib/Compiler/Diagnostics.h"
#include "lib/Compiler/Gpu.h"
#include "lib/Compiler/Parse.h"
#include "lib/Compiler/Phases.h"
#include "lib/Compiler/Report.h"
#include "longwing/Seq/Config.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/MLIRContext.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace longwing;

static std::string targetNames() {
  std::string names;
  for (const Target &target : targets())
    names += (names.empty() ? "" : " or ") + std::string(target.name);
  return names;
}

/// The errors of the request itself, before there is a source to point at.
static std::optional<std::string> checkOptions(const CompileOptions &options) {
  if (llvm::none_of(targets(), [&](const Target &target) { return target.name == options.target; }))
    return "unknown target '" + options.target + "', expected " + targetNames();
  bool cpu = options.target == "x86-64";
  if (cpu && options.emit != Emit::Seq && options.emit != Emit::Llvm)
    return "target 'x86-64' has no " + std::string(emitName(options.emit)) +
           ", expected seq or llvm";
  return std::nullopt;
}

static LogicalResult writeModule(ModuleOp module, const CompileOptions &options,
                                 std::string &bytes) {
  llvm::raw_string_ostream os(bytes);
  if (options.bytecode)
    return writeBytecodeToFile(module, os, BytecodeWriterConfig("longwing " LONGWING_VERSION));
  module.print(os);
  return success();
}

static LogicalResult compileModule(ModuleOp module, const CompileOptions &options, Phases &phases,
                                   Artefact &artefact, SmallVectorImpl<Location> *spilled) {
  if (options.emit == Emit::Seq)
    return writeModule(module, options, artefact.bytes);
  if (options.target == "x86-64")
    return emitForCpu(module, phases, artefact);
  Package package;
  if (failed(lowerForGpu(module, options, phases, artefact.report, package)))
    return failure();
  if (options.emit == Emit::Tile || options.emit == Emit::Nvvm)
    return writeModule(module, options, artefact.bytes);
  return assembleForGpu(module, options, phases, package, artefact, spilled);
}

/// Marks the operations whose kernels spilled. Whether there are any of the seq dialect.
static bool askForRegisters(ModuleOp module, ArrayRef<Location> spilled) {
  bool found = false;
  module.walk([&](Operation *op) {
    if (!isa_and_nonnull<seq::SeqDialect>(op->getDialect()) || !llvm::is_contained(spilled, op->getLoc()))
      return;
    op->setAttr(kSpareAttr, Builder(op).getI64IntegerAttr(spareOf(op) + 1));
    found = true;
  });
  return found;
}

/// Compiles a model. Where kernels spill, so that ptxas had to be asked first, it begins again with schedules that take fewer
/// registers, unless the user has chosen them.
static LogicalResult compileModel(ModuleOp module, const CompileOptions &options, Artefact &artefact) {
  const CompileReport parsed = artefact.report;
  auto attempt = [&](ModuleOp module, SmallVectorImpl<Location> *spilled) -> LogicalResult {
    artefact.report = parsed;
    Phases phases(module, options, artefact.report);
    if (failed(phases.dumpModule("input")))
      return failure();
    return compileModule(module, options, phases, artefact, spilled);
  };
  constexpr int kAgain = 2;
  bool hasChoice = options.schedule.empty() && levelOf(module) == Level::Seq;
  for (int i = 0; hasChoice && i < kAgain; ++i) {
    OwningOpRef<ModuleOp> copy = module.clone();
    SmallVector<Location> spilled;
    if (failed(attempt(*copy, &spilled)))
      return failure();
    if (spilled.empty())
      return success();
    hasChoice = askForRegisters(module, spilled);
  }
  return attempt(module, nullptr);
}

std::optional<Artefact> longwing::compile(std::string_view source, std::string_view name,
                                          const CompileOptions &options,
                                          const MessageHandler &handler) {
  DialectRegistry registry;
  registerCompilerDialects(registry);
  if (options.target == "x86-64")
    registerCpuInterfaces(registry);
  // One model is too small for threads to pay; their pool costs more than they bring.
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  // Users read their own source line, not the generic form of an operation.
  context.printOpOnDiagnostic(false);
  auto sources = std::make_shared<llvm::SourceMgr>();
  Reporter reporter(*sources, &context, std::string(name), handler);
  if (std::optional<std::string> fault = checkOptions(options)) {
    reporter.error(*fault);
    return std::nullopt;
  }

  sources->AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(source, name), SMLoc());
  Artefact artefact;
  auto began = std::chrono::steady_clock::now();
  OwningOpRef<ModuleOp> module = parseModel(sources, &context);
  std::chrono::duration<double, std::milli> parsing = std::chrono::steady_clock::now() - began;
  artefact.report.times.push_back({"parse", parsing.count()});
  if (module && succeeded(compileModel(*module, options, artefact)) && !reporter.sawError())
    return artefact;
  // Passes and parsers should say why they fail; the user must not be left with nothing if one does
  // not.
  if (!reporter.sawError())
    reporter.error("the compilation failed without a diagnostic; this is a bug of the compiler");
  return std::nullopt;
}
