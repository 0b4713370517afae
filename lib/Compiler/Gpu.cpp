//===- Gpu.cpp - The way to a cubin ---------------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Gpu.h"

#include "dialects/seq/Seq.h"
#include "dialects/tile/Tile.h"
#include "lib/Compiler/Report.h"
#include "lib/Compiler/Schedule.h"
#include "lib/Target/Header.h"
#include "lib/Target/Manifest.h"
#include "lib/Target/Ptx.h"
#include "lib/Target/Ptxas.h"
#include "longwing/Pipelines.h"
#include "longwing/Seq/Passes.h"
#include "longwing/Target/Hopper.h"

#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace longwing;

/// The PTX version whose instructions the kernels use; CUDA 12.8 and its drivers are the first to
/// read it.
static constexpr StringLiteral ptxFeatures = "+ptx87";

//===----------------------------------------------------------------------===//
// seq, tile, nvvm
//===----------------------------------------------------------------------===//

/// Whether the kernels have been given their roles, so that the schedule is spent.
static bool isSpecialized(ModuleOp module) {
  WalkResult walk = module.walk([](Operation *op) {
    bool given = isa<tile::WarpSpecializeOp>(op) || op->hasAttr(tile::kSharedBytesAttr);
    return given ? WalkResult::interrupt() : WalkResult::advance();
  });
  return walk.wasInterrupted();
}

/// What transforms do inside of a kernel, as IR of its own: --dump-phases shows it.
static LogicalResult dumpTransforms(ModuleOp module, const ScheduleOptions &schedule,
                                    Phases &phases) {
  if (!module.walk([](seq::LongConvOp) { return WalkResult::interrupt(); }).wasInterrupted())
    return success();
  OwningOpRef<ModuleOp> copy = module.clone();
  PassManager passes(module.getContext());
  buildSeqPipeline(passes, schedule);
  passes.addPass(createSeqDecomposeFft());
  passes.addPass(createCSEPass());
  if (failed(passes.run(*copy)))
    return failure();
  std::string text;
  llvm::raw_string_ostream os(text);
  copy->print(os, OpPrintingFlags().enableDebugInfo(/*enable=*/false));
  return phases.dump("transforms", ".mlir", text);
}

static LogicalResult lowerSeq(ModuleOp module, const CompileOptions &options, Phases &phases) {
  ScheduleOptions schedule;
  if (failed(parseSchedule(options.schedule, schedule, module.getLoc())))
    return failure();
  if (!options.dumpDirectory.empty() && failed(dumpTransforms(module, schedule, phases)))
    return failure();
  return phases.run("tile",
                    [&](OpPassManager &passes) { buildSeqToTilePipeline(passes, schedule); });
}

/// Kernels that were written by hand may use operations that only become inline assembly here.
static LogicalResult finishNvvm(Phases &phases) {
  return phases.run("nvvm",
                    [](OpPassManager &passes) { passes.addPass(createConvertNVVMToLLVMPass()); });
}

static bool wantsPackage(const CompileOptions &options) {
  return options.emit == Emit::Package || options.emit == Emit::Header;
}

/// What asks for a form that lies above the module's level, or for one that needs more of it.
static LogicalResult checkLevel(ModuleOp module, const CompileOptions &options, Level level) {
  if (level == Level::None)
    return emitError(module.getLoc())
           << "nothing to compile: expected operations of the seq or the tile dialect, or "
              "a gpu.module";
  if (level == Level::Nvvm && (options.emit == Emit::Tile || wantsPackage(options)))
    return emitError(module.getLoc())
           << "expected operations of the seq or the tile dialect to emit "
           << StringRef(emitName(options.emit))
           << ", got a gpu.module, which no longer says how it is launched";
  return success();
}

LogicalResult longwing::lowerForGpu(ModuleOp module, const CompileOptions &options, Phases &phases,
                                    CompileReport &report, Package &package) {
  Level level = levelOf(module);
  if (failed(checkLevel(module, options, level)))
    return failure();
  if (level == Level::Seq && failed(lowerSeq(module, options, phases)))
    return failure();
  if (options.emit == Emit::Tile)
    return success();
  if (level == Level::Nvvm)
    return options.emit == Emit::Nvvm ? success() : finishNvvm(phases);
  if (!isSpecialized(module) && failed(phases.run("schedule", buildTilePipeline)))
    return failure();
  reportTileKernels(module, report);
  if (wantsPackage(options) && failed(buildManifest(module, options.target, package)))
    return failure();
  return phases.run("nvvm", buildTileToNVVMPipeline);
}

//===----------------------------------------------------------------------===//
// LLVM, PTX, cubin
//===----------------------------------------------------------------------===//

static FailureOr<gpu::GPUModuleOp> findKernels(ModuleOp module) {
  auto kernels = llvm::to_vector(module.getOps<gpu::GPUModuleOp>());
  if (kernels.size() != 1)
    return emitError(module.getLoc()) << "expected one gpu.module, got " << kernels.size();
  return kernels.front();
}

static bool isWaived(const CompileOptions &options, StringRef fault) {
  return llvm::any_of(options.waivers, [&](const std::string &waiver) {
    return waiver == "all" || fault == waiver;
  });
}

/// Where the user should look for a kernel that ptxas complains about.
static Location locationOf(gpu::GPUModuleOp kernels, StringRef name) {
  Operation *kernel = SymbolTable::lookupSymbolIn(kernels, name);
  return kernel ? kernel->getLoc() : kernels.getLoc();
}

/// An error, or a warning if the user waived the fault.
static InFlightDiagnostic complain(const CompileOptions &options, StringRef fault, Location loc) {
  return isWaived(options, fault) ? emitWarning(loc) : emitError(loc);
}

static LogicalResult checkSpills(const CompileOptions &options, gpu::GPUModuleOp kernels,
                                 const PtxasKernel &kernel) {
  if (!kernel.spillStores && !kernel.spillLoads)
    return success();
  InFlightDiagnostic message = complain(options, "spills", locationOf(kernels, kernel.name));
  message << "kernel '" << kernel.name << "' spills registers: " << kernel.spillStores
          << " bytes stored and " << kernel.spillLoads << " loaded, " << kernel.registers
          << " registers a thread";
  message.attachNote() << "choose smaller tiles with --schedule, or waive it with --waive=spills";
  return success(isWaived(options, "spills"));
}

static LogicalResult checkMessage(const CompileOptions &options, gpu::GPUModuleOp kernels,
                                  const PtxasMessage &message) {
  Location loc = locationOf(kernels, message.kernel);
  if (isScheduleLoss(message.code)) {
    InFlightDiagnostic diagnostic = complain(options, message.code, loc);
    diagnostic << "ptxas undoes the schedule (" << message.code << "): " << message.text;
    diagnostic.attachNote() << "the kernel is right, but slow; waive it with --waive="
                            << message.code;
    return success(isWaived(options, message.code));
  }
  switch (message.severity) {
  case PtxasMessage::Severity::Error:
    return emitError(loc) << "ptxas: " << message.text;
  case PtxasMessage::Severity::Warning:
    emitWarning(loc) << "ptxas: " << message.text;
    break;
  case PtxasMessage::Severity::Info:
    break;
  }
  return success();
}

static LogicalResult checkLog(const CompileOptions &options, gpu::GPUModuleOp kernels,
                              const PtxasLog &log, CompileReport &report) {
  for (const PtxasKernel &kernel : log.kernels) {
    KernelReport &entry = kernelReport(report, kernel.name);
    entry.registers = kernel.registers;
    entry.spillStores = kernel.spillStores;
    entry.spillLoads = kernel.spillLoads;
    entry.stack = kernel.stack;
    // Kernels that take their SRAM at launch have none that ptxas could see.
    entry.sharedMemory = std::max(entry.sharedMemory, kernel.sharedMemory);
  }
  // Spills follow from lost schedules, not the other way round: say the cause first.
  for (const PtxasMessage &message : log.messages)
    if (failed(checkMessage(options, kernels, message)))
      return failure();
  for (const PtxasKernel &kernel : log.kernels)
    if (failed(checkSpills(options, kernels, kernel)))
      return failure();
  return success();
}

/// What consumers may take where so many CTAs share a multiprocessor: what its launch gives, and the producers leave of it.
/// 0 where there are no roles.
static int32_t registersOfConsumers(Operation *function, int32_t ctas) {
  constexpr int32_t kGrain = 8, kMost = 240; // what setmaxnreg takes
  int32_t threads = function->getAttrOfType<DenseI32ArrayAttr>("nvvm.reqntid")[0], producers = 0;
  function->walk([&](NVVM::SetMaxRegisterOp op) {
    if (op.getAction() == NVVM::SetMaxRegisterAction::decrease)
      producers = op.getRegCount();
  });
  if (!producers)
    return 0;
  int32_t launched = hopper::launchedRegisters(threads, ctas);
  int32_t left = (launched - producers * tile::kWarpgroupThreads) / (threads - tile::kWarpgroupThreads);
  return std::min(left, kMost) / kGrain * kGrain;
}

/// Gives consumers more registers. Whether they had fewer.
static bool giveConsumers(Operation *function, int32_t registers) {
  bool given = false;
  function->walk([&](NVVM::SetMaxRegisterOp op) {
    if (op.getAction() == NVVM::SetMaxRegisterAction::increase && int32_t(op.getRegCount()) < registers)
      op.setRegCount(registers), given = true;
  });
  return given;
}

/// Gives each kernel that spills what its launch leaves, the registers of one CTA that would share its multiprocessor, or more
/// where that is left to ptxas. Whether there was one.
static bool makeRoom(gpu::GPUModuleOp kernels, const PtxasLog &log) {
  constexpr StringLiteral residents = "nvvm.minctasm", most = "nvvm.maxnreg";
  constexpr int32_t kFewest = 64, kMost = 255;
  bool made = false;
  for (const PtxasKernel &kernel : log.kernels) {
    Operation *function = SymbolTable::lookupSymbolIn(kernels, kernel.name);
    if (!function || (!kernel.spillStores && !kernel.spillLoads))
      continue;
    auto set = [&](StringRef name, int32_t value) {
      function->setAttr(name, IntegerAttr::get(IntegerType::get(function->getContext(), 32), value));
      made = true;
    };
    if (auto ctas = function->getAttrOfType<IntegerAttr>(residents)) {
      if (giveConsumers(function, registersOfConsumers(function, ctas.getInt()))) {
        made = true;
      } else if (ctas.getInt() > 1) {
        set(residents, ctas.getInt() - 1);
        giveConsumers(function, registersOfConsumers(function, ctas.getInt() - 1));
      }
      continue;
    }
    auto registers = function->getAttrOfType<IntegerAttr>(most);
    if (!registers)
      set(most, kFewest);
    else if (registers.getInt() < kMost)
      set(most, std::min<int32_t>(2 * registers.getInt(), kMost));
  }
  return made;
}

/// Where the kernels that spill come from.
static SmallVector<Location> spillsOf(gpu::GPUModuleOp kernels, const PtxasLog &log) {
  SmallVector<Location> locations;
  for (const PtxasKernel &kernel : log.kernels)
    if (kernel.spillStores || kernel.spillLoads)
      locations.push_back(locationOf(kernels, kernel.name));
  return locations;
}

/// The cubin of `ptx`, empty if there is no ptxas or if `spilled` tells why, none if kernels that spilled have more room now.
static FailureOr<std::optional<std::string>> assemble(const CompileOptions &options, gpu::GPUModuleOp kernels,
                                                      StringRef ptx, CompileReport &report,
                                                      SmallVectorImpl<Location> *spilled) {
  std::string ptxas = options.withoutPtxas ? std::string() : findPtxas(options.ptxas);
  if (ptxas.empty()) {
    if (options.emit == Emit::Cubin)
      return emitError(kernels.getLoc())
             << "expected ptxas on PATH, in $CUDA_HOME/bin or in /usr/local/cuda/bin to "
                "make a cubin, got none; --emit=ptx needs none";
    return std::optional(std::string());
  }
  PtxasResult result = runPtxas(ptxas, ptx, options.target);
  if (!isWaived(options, "spills") && makeRoom(kernels, result.log))
    return std::optional<std::string>();
  if (spilled && !isWaived(options, "spills"))
    if (spilled->append(spillsOf(kernels, result.log)); !spilled->empty())
      return std::optional(std::string());
  if (failed(checkLog(options, kernels, result.log, report)))
    return failure();
  if (!result.error.empty() || result.cubin.empty())
    return emitError(kernels.getLoc())
           << (result.error.empty() ? "ptxas made no cubin" : result.error);
  report.assembled = true;
  return std::optional(std::move(result.cubin));
}

/// LLVM IR, optimised, in text if that is what is asked for; else PTX.
static FailureOr<std::string> emitPtx(gpu::GPUModuleOp kernels, const CompileOptions &options,
                                      Phases &phases) {
  phases.start();
  FailureOr<PtxBackend> backend = PtxBackend::create(options.target, ptxFeatures, kernels.getLoc());
  if (failed(backend))
    return failure();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = translateToLLVM(kernels, context);
  if (!module)
    return failure();
  backend->optimize(*module);
  phases.finish("llvm");
  if (options.emit == Emit::Llvm || !options.dumpDirectory.empty()) {
    std::string text;
    llvm::raw_string_ostream os(text);
    module->print(os, nullptr);
    if (failed(phases.dump("llvm", ".ll", text)))
      return failure();
    if (options.emit == Emit::Llvm)
      return text;
  }
  phases.start();
  FailureOr<std::string> ptx = backend->emit(*module, kernels.getLoc());
  phases.finish("ptx");
  if (succeeded(ptx) && failed(phases.dump("ptx", ".ptx", *ptx)))
    return failure();
  return ptx;
}

/// A C++ name for what the header declares: the file's, as far as it is one.
static std::string namespaceFor(const CompileOptions &options, StringRef source) {
  if (!options.headerNamespace.empty())
    return options.headerNamespace;
  std::string name = llvm::sys::path::stem(source).str();
  for (char &c : name)
    if (!llvm::isAlnum(c))
      c = '_';
  return name.empty() || llvm::isDigit(name.front()) ? "model_" + name : name;
}

static LogicalResult writePackage(ModuleOp module, const CompileOptions &options,
                                  const Package &package, Artefact &artefact) {
  if (options.emit == Emit::Package) {
    artefact.bytes = package.serialize();
    return success();
  }
  auto location = dyn_cast<FileLineColLoc>(module.getLoc());
  StringRef source = location ? location.getFilename().getValue() : StringRef("model");
  longwing::Expected<std::string> header = emitHeader(package, namespaceFor(options, source));
  if (!header)
    return emitError(module.getLoc()) << header.status().message();
  artefact.bytes = std::move(*header);
  return success();
}

LogicalResult longwing::assembleForGpu(ModuleOp module, const CompileOptions &options,
                                       Phases &phases, Package &package, Artefact &artefact,
                                       SmallVectorImpl<Location> *spilled) {
  FailureOr<gpu::GPUModuleOp> kernels = findKernels(module);
  if (failed(kernels))
    return failure();
  FailureOr<std::string> ptx = emitPtx(*kernels, options, phases);
  if (failed(ptx))
    return failure();
  if (options.emit == Emit::Llvm || options.emit == Emit::Ptx) {
    artefact.bytes = std::move(*ptx);
    return success();
  }
  std::optional<std::string> cubin;
  while (!cubin) {
    phases.start();
    FailureOr<std::optional<std::string>> assembled = assemble(options, *kernels, *ptx, artefact.report, spilled);
    if (failed(assembled))
      return failure();
    phases.finish("ptxas");
    if (spilled && !spilled->empty())
      return success();
    cubin = std::move(*assembled);
    if (!cubin && failed(ptx = emitPtx(*kernels, options, phases)))
      return failure();
  }
  if (options.emit == Emit::Cubin) {
    artefact.bytes = std::move(*cubin);
    return success();
  }
  package.addModule(std::move(*cubin), std::move(*ptx));
  return writePackage(module, options, package, artefact);
}
