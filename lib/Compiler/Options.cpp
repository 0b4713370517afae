//===- Options.cpp - Names of targets and artefacts -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Compiler.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"

using namespace longwing;

namespace {
struct EmitKind {
  Emit emit;
  llvm::StringLiteral name;
  /// What the names of its files end in.
  std::initializer_list<llvm::StringLiteral> suffixes;
};
} // namespace

static const EmitKind emitKinds[] = {
    {Emit::Seq, "seq", {".seq.mlir", ".seq.mlirbc"}},
    {Emit::Tile, "tile", {".tile.mlir", ".tile.mlirbc"}},
    {Emit::Nvvm, "nvvm", {".nvvm.mlir", ".nvvm.mlirbc"}},
    {Emit::Llvm, "llvm", {".ll"}},
    {Emit::Ptx, "ptx", {".ptx"}},
    {Emit::Cubin, "cubin", {".cubin"}},
    {Emit::Package, "package", {".lwp", ".package"}},
    {Emit::Header, "header", {".h", ".hpp", ".hh"}},
};

std::string_view longwing::emitName(Emit emit) {
  for (const EmitKind &kind : emitKinds)
    if (kind.emit == emit)
      return kind.name;
  return {};
}

std::optional<Emit> longwing::parseEmit(std::string_view name) {
  for (const EmitKind &kind : emitKinds)
    if (kind.name == llvm::StringRef(name))
      return kind.emit;
  return std::nullopt;
}

std::optional<Emit> longwing::emitForFile(std::string_view path) {
  for (const EmitKind &kind : emitKinds)
    for (llvm::StringRef suffix : kind.suffixes)
      if (llvm::StringRef(path).ends_with(suffix))
        return kind.emit;
  return std::nullopt;
}

bool longwing::isBinary(Emit emit) { return emit == Emit::Cubin || emit == Emit::Package; }

const std::vector<Target> &longwing::targets() {
  static const std::vector<Target> all = {
      {"sm_90a", "NVIDIA Hopper: H100, H200, GH200"},
      {"x86-64", "the CPU: 32-bit arithmetic, 16-bit storage where the model says so"},
  };
  return all;
}

static bool setSwitch(bool &option, llvm::StringRef value) {
  option = value == "true";
  return option || value == "false";
}

static bool setEmit(CompileOptions &options, std::string_view value) {
  std::optional<Emit> emit = parseEmit(value);
  if (emit)
    options.emit = *emit;
  return emit.has_value();
}

bool longwing::setOption(CompileOptions &options, std::string_view name, std::string_view value) {
  llvm::StringRef option(name);
  if (option == "emit")
    return setEmit(options, value);
  if (option == "no-ptxas")
    return setSwitch(options.withoutPtxas, value);
  if (option == "bytecode")
    return setSwitch(options.bytecode, value);
  if (option == "verify-each-pass")
    return setSwitch(options.verifyEach, value);
  if (option == "waive") {
    options.waivers.clear();
    for (llvm::StringRef waiver : llvm::split(value, ','))
      options.waivers.push_back(waiver.str());
    return true;
  }
  std::string *text = option == "target"        ? &options.target
                      : option == "schedule"    ? &options.schedule
                      : option == "ptxas"       ? &options.ptxas
                      : option == "namespace"   ? &options.headerNamespace
                      : option == "dump-phases" ? &options.dumpDirectory
                                                : nullptr;
  if (text)
    *text = value;
  return text != nullptr;
}
