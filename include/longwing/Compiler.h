//===- Compiler.h - From the text of a model to an artefact -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The whole compiler as one function. Nothing of LLVM or MLIR shows in this header;
// longwing-compile and the C API are thin shells around it. Calls from several threads do not share
// state.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_COMPILER_H
#define LONGWING_COMPILER_H

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace longwing {

/// What the compiler writes, in the order in which it gets there.
enum class Emit { Seq, Tile, Nvvm, Llvm, Ptx, Cubin, Package, Header };

/// The name of an emit kind on command lines ("ptx").
std::string_view emitName(Emit emit);
std::optional<Emit> parseEmit(std::string_view name);
/// The emit kind that a file's name asks for: "a.ptx", "a.tile.mlir".
std::optional<Emit> emitForFile(std::string_view path);
/// Whether the artefact is bytes rather than text.
bool isBinary(Emit emit);

struct Target {
  std::string_view name;
  std::string_view description;
};
const std::vector<Target> &targets();

struct CompileOptions {
  std::string target = "sm_90a";
  Emit emit = Emit::Package;
  /// Overrides of the schedule, "consumers=2,keys=128": the options of the pass seq-configure,
  /// comma-separated.
  std::string schedule;
  /// The ptxas to run; searched for if empty. See `findPtxas`.
  std::string ptxas;
  /// Never run ptxas: packages and headers hold PTX only.
  bool withoutPtxas = false;
  /// Faults of a kernel that are warnings instead of errors: "spills", "C7510", ... or "all".
  std::vector<std::string> waivers;
  /// The C++ namespace of a header; made of the source's name if empty.
  std::string headerNamespace;
  /// A directory for the IR after every phase; none if empty.
  std::string dumpDirectory;
  /// Write the MLIR levels as bytecode.
  bool bytecode = false;
  /// Check the IR after every pass, not only after every phase.
  bool verifyEach = false;
};

/// Sets an option by the name that longwing-compile gives it, without dashes; switches take "true"
/// or "false". False if there is no such option or value.
bool setOption(CompileOptions &options, std::string_view name, std::string_view value);

/// One diagnostic with its notes.
struct Message {
  enum class Severity { Error, Warning, Remark };
  Severity severity = Severity::Error;
  /// Where it points; line and column count from 1 and are 0 if unknown.
  std::string file;
  unsigned line = 0;
  unsigned column = 0;
  std::string message;
  /// The whole of it as a terminal shows it: location, message, source line, caret, notes.
  std::string text;
};
using MessageHandler = std::function<void(const Message &)>;

/// What is known of a kernel. Numbers that only ptxas can tell are 0 if it did not run.
struct KernelReport {
  std::string name;
  /// The choices, in words, one a line: tiles, stages, warpgroups.
  std::vector<std::pair<std::string, std::string>> config;
  unsigned registers = 0;
  unsigned spillStores = 0;
  unsigned spillLoads = 0;
  unsigned stack = 0;
  unsigned sharedMemory = 0;
};

struct PhaseTime {
  std::string phase;
  double milliseconds = 0;
};

struct CompileReport {
  std::vector<KernelReport> kernels;
  std::vector<PhaseTime> times;
  /// Whether ptxas assembled the kernels.
  bool assembled = false;
};

struct Artefact {
  std::string bytes;
  CompileReport report;
};

/// Compiles `source`, text or bytecode; `name` stands for it in diagnostics. Nothing is written but
/// `dumpDirectory`. On failure returns nothing, after exactly one error has gone to `handler`.
std::optional<Artefact> compile(std::string_view source, std::string_view name,
                                const CompileOptions &options, const MessageHandler &handler);

/// Lists the choices and resources of every kernel, as --print-config does.
std::string formatReport(const CompileReport &report);

} // namespace longwing

#endif // LONGWING_COMPILER_H
