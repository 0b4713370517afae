//===- Ptxas.cpp - The assembler as a subprocess, and its log -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Target/Ptxas.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>

using namespace llvm;
using namespace longwing;

//===----------------------------------------------------------------------===//
// The log
//===----------------------------------------------------------------------===//

bool longwing::isScheduleLoss(StringRef code) {
  unsigned number = 0;
  if (!code.consume_front("C") || code.getAsInteger(10, number))
    return false;
  return number == 7508 || (number >= 7510 && number <= 7519);
}

/// The number that stands before `unit` in `line`: 168 in "Used 168 registers" for " registers".
static unsigned numberBefore(StringRef line, StringRef unit) {
  size_t end = line.find(unit);
  if (end == StringRef::npos)
    return 0;
  StringRef head = line.take_front(end);
  unsigned number = 0;
  head.drop_front(head.find_last_not_of("0123456789") + 1).getAsInteger(10, number);
  return number;
}

static StringRef between(StringRef line, StringRef open, StringRef close) {
  size_t start = line.find(open);
  if (start == StringRef::npos)
    return {};
  StringRef rest = line.drop_front(start + open.size());
  return rest.take_front(rest.find(close));
}

static std::optional<PtxasMessage> parseMessage(StringRef line) {
  if (!line.starts_with("ptxas"))
    return std::nullopt;
  PtxasMessage message;
  auto [head, text] = line.split(": ");
  if (head.contains("error") || head.contains("fatal"))
    message.severity = PtxasMessage::Severity::Error;
  else if (head.contains("warning"))
    message.severity = PtxasMessage::Severity::Warning;
  StringRef code = between(text, "(C", ")");
  if (text.starts_with("(C") && all_of(code, isDigit)) {
    message.code = ("C" + code).str();
    text = text.drop_front(text.find(')') + 1).ltrim();
  }
  if (message.severity == PtxasMessage::Severity::Info && message.code.empty())
    return std::nullopt;
  message.kernel = between(text, "function '", "'").str();
  // The name of a temporary file tells the user nothing, its line does.
  StringRef where = between(head, ", ", ";");
  message.text = ((where.empty() ? "" : "PTX " + where + ": ") + text.trim()).str();
  return message;
}

PtxasLog longwing::parsePtxasLog(StringRef text) {
  PtxasLog log;
  for (StringRef line : split(text, '\n')) {
    line = line.trim();
    if (line.contains("Compiling entry function")) {
      log.kernels.emplace_back().name = between(line, "function '", "'").str();
      continue;
    }
    if (std::optional<PtxasMessage> message = parseMessage(line)) {
      log.messages.push_back(std::move(*message));
      continue;
    }
    if (log.kernels.empty())
      continue;
    PtxasKernel &kernel = log.kernels.back();
    if (line.contains("bytes spill stores")) {
      kernel.stack = std::max(kernel.stack, numberBefore(line, " bytes stack frame"));
      kernel.spillStores += numberBefore(line, " bytes spill stores");
      kernel.spillLoads += numberBefore(line, " bytes spill loads");
    } else if (line.contains(" registers")) {
      kernel.registers = numberBefore(line, " registers");
      kernel.barriers = numberBefore(line, " barriers");
      kernel.sharedMemory = numberBefore(line, " bytes smem");
    }
  }
  return log;
}

//===----------------------------------------------------------------------===//
// The program
//===----------------------------------------------------------------------===//

std::string longwing::findPtxas(StringRef given) {
  if (!given.empty())
    return given.str();
  if (ErrorOr<std::string> found = sys::findProgramByName("ptxas"))
    return *found;
  SmallVector<std::string> roots;
  if (std::optional<std::string> home = sys::Process::GetEnv("CUDA_HOME"))
    roots.push_back(*home);
  roots.push_back("/usr/local/cuda");
  for (const std::string &root : roots) {
    SmallString<128> path(root);
    sys::path::append(path, "bin", "ptxas");
    if (sys::fs::can_execute(path))
      return std::string(path);
  }
  return {};
}

namespace {
/// Three files that are gone when this is.
struct TemporaryFiles {
  ~TemporaryFiles() {
    for (StringRef file : {StringRef(ptx), StringRef(cubin), StringRef(log)})
      if (!file.empty())
        sys::fs::remove(file);
  }
  std::error_code create(StringRef text) {
    int fd = -1;
    if (std::error_code error = sys::fs::createTemporaryFile("longwing", "ptx", fd, ptx))
      return error;
    raw_fd_ostream os(fd, /*shouldClose=*/true);
    os << text;
    os.close();
    if (os.has_error()) {
      std::error_code error = os.error();
      os.clear_error();
      return error;
    }
    if (std::error_code error = sys::fs::createTemporaryFile("longwing", "cubin", cubin))
      return error;
    return sys::fs::createTemporaryFile("longwing", "log", log);
  }
  SmallString<128> ptx, cubin, log;
};
} // namespace

static std::string readFile(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

PtxasResult longwing::runPtxas(StringRef ptxas, StringRef ptx, StringRef chip) {
  PtxasResult result;
  TemporaryFiles files;
  if (std::error_code error = files.create(ptx)) {
    result.error = "cannot write a temporary file: " + error.message();
    return result;
  }
  // A bare name is looked up as a shell would.
  std::string program = ptxas.str();
  if (!ptxas.contains('/'))
    if (ErrorOr<std::string> found = sys::findProgramByName(ptxas))
      program = *found;
  std::string arch = ("-arch=" + chip).str();
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(files.log),
                                          StringRef(files.log)};
  std::string why;
  int status =
      sys::ExecuteAndWait(program, {program, arch, "-v", files.ptx.str(), "-o", files.cubin.str()},
                          std::nullopt, redirects, /*SecondsToWait=*/0, /*MemoryLimit=*/0, &why);
  std::string text = readFile(files.log);
  result.log = parsePtxasLog(text);
  if (status == 0) {
    result.cubin = readFile(files.cubin);
    if (result.cubin.empty())
      result.error = "'" + program + "' wrote no cubin";
    return result;
  }
  if (!why.empty())
    result.error = "cannot run '" + program + "': " + why;
  else if (none_of(result.log.messages, [](const PtxasMessage &message) {
             return message.severity == PtxasMessage::Severity::Error;
           }))
    result.error = "'" + program + "' failed with status " + std::to_string(status) +
                   (text.empty() ? "" : ": " + StringRef(text).trim().str());
  return result;
}
