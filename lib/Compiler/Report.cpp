//===- Report.cpp - What a compilation chose and cost ---------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Report.h"

#include "dialects/tile/Tile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace longwing;

KernelReport &longwing::kernelReport(CompileReport &report, llvm::StringRef name) {
  for (KernelReport &kernel : report.kernels)
    if (kernel.name == name)
      return kernel;
  KernelReport &kernel = report.kernels.emplace_back();
  kernel.name = name.str();
  return kernel;
}

/// "2 x 128x128xbf16" for a ring, "128x128xbf16" for a buffer.
static std::string describe(Type memory) {
  std::string text;
  llvm::raw_string_ostream os(text);
  ArrayRef<int64_t> shape;
  Type element;
  if (auto ring = dyn_cast<tile::RingType>(memory)) {
    os << ring.getStages() << " stages of ";
    shape = ring.getTileShape();
    element = ring.getElementType();
  } else {
    auto buffer = cast<tile::SmemType>(memory);
    shape = buffer.getShape();
    element = buffer.getElementType();
  }
  for (int64_t size : shape)
    os << size << 'x';
  os << element;
  return text;
}

void longwing::reportTileKernels(ModuleOp module, CompileReport &report) {
  module.walk([&](tile::KernelOp op) {
    KernelReport &kernel = kernelReport(report, op.getSymName());
    tile::ScheduleAttr schedule = op.getSchedule();
    auto add = [&](StringRef name, const llvm::Twine &value) {
      kernel.config.emplace_back(name.str(), value.str());
    };
    auto config = op->getAttrOfType<DictionaryAttr>("seq.config");
    if (!op->hasAttr(tile::kPointsAttr)) {
      add("consumer warpgroups", llvm::Twine(schedule.getConsumers()));
      if (!config) // attention
        add("query rows of a tile", llvm::Twine(64 * schedule.getConsumers()));
      add("registers by role", "producer " + llvm::Twine(schedule.getProducerRegisters()) +
                                   ", consumers " + llvm::Twine(schedule.getConsumerRegisters()));
      add("persistent", schedule.getPersistent() ? "yes" : "no");
      add("overlap", schedule.getOverlap() ? "yes" : "no");
    }
    if (auto slices = op->getAttrOfType<IntegerAttr>(tile::kSlicesAttr))
      add("slices of a call", llvm::Twine(slices.getInt()));
    if (int64_t members = tile::clusterOf(op); members > 1)
      add("CTAs of a cluster", llvm::Twine(members));
    op.walk([&](tile::AllocOp alloc) {
      Type type = alloc.getMemory().getType();
      if (isa<tile::StepsType, tile::MailType>(type))
        return;
      add(isa<tile::RingType>(type) ? "ring" : "buffer", describe(type));
    });
    // How it does its work, and why: of a convolution, what the cost model said.
    if (config) {
      if (auto algorithm = config.getAs<StringAttr>("algorithm"))
        add("algorithm", algorithm.getValue());
      if (config.contains("precise"))
        add("precise", "yes");
      if (auto reason = config.getAs<StringAttr>("reason"))
        add("why", reason.getValue());
    }
    if (auto bytes = op->getAttrOfType<IntegerAttr>("tile.shared_bytes"))
      kernel.sharedMemory = bytes.getInt();
  });
}

std::string longwing::formatReport(const CompileReport &report) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto line = [&](StringRef name, const llvm::Twine &value) {
    os << llvm::formatv("  {0,-22} {1}\n", name, value.str());
  };
  for (const KernelReport &kernel : report.kernels) {
    os << "kernel " << kernel.name << "\n";
    for (const auto &[name, value] : kernel.config)
      line(name, value);
    if (kernel.sharedMemory)
      line("SRAM", llvm::Twine(kernel.sharedMemory) + " bytes");
    if (!report.assembled)
      continue;
    line("registers a thread", llvm::Twine(kernel.registers));
    line("spills", llvm::Twine(kernel.spillStores) + " bytes stored, " +
                       llvm::Twine(kernel.spillLoads) + " loaded, stack " +
                       llvm::Twine(kernel.stack));
  }
  double total = 0;
  os << "time";
  for (const PhaseTime &time : report.times) {
    os << llvm::formatv(" {0} {1:F1} ms,", time.phase, time.milliseconds);
    total += time.milliseconds;
  }
  os << llvm::formatv(" total {0:F1} ms\n", total);
  return text;
}
