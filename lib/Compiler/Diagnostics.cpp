//===- Diagnostics.cpp - MLIR's diagnostics, handed to the caller ---------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Diagnostics.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace longwing;

Reporter::Reporter(llvm::SourceMgr &sources, MLIRContext *context, std::string name,
                   const MessageHandler &handler)
    : SourceMgrDiagnosticHandler(sources, context, stream), name(std::move(name)), handler(handler),
      stream(buffer) {
  setHandler([this](Diagnostic &diagnostic) { report(diagnostic); });
}

/// The first place in a file that a location names: fused and call-site locations name several.
static FileLineColLoc findFile(Location location) {
  FileLineColLoc found;
  location->walk([&](Location inner) {
    found = dyn_cast<FileLineColLoc>(inner);
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found;
}

static Message::Severity severityOf(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Error:
    return Message::Severity::Error;
  case DiagnosticSeverity::Warning:
    return Message::Severity::Warning;
  case DiagnosticSeverity::Note:
  case DiagnosticSeverity::Remark:
    break;
  }
  return Message::Severity::Remark;
}

static StringRef nameOf(Message::Severity severity) {
  switch (severity) {
  case Message::Severity::Error:
    return "error";
  case Message::Severity::Warning:
    return "warning";
  case Message::Severity::Remark:
    break;
  }
  return "remark";
}

std::string Reporter::render(Diagnostic &diagnostic, const Message &message) {
  if (!message.line) {
    std::string text =
        message.file + ": " + nameOf(message.severity).str() + ": " + message.message + "\n";
    for (Diagnostic &note : diagnostic.getNotes())
      text += "  note: " + note.str() + "\n";
    return text;
  }
  buffer.clear();
  emitDiagnostic(diagnostic);
  stream.flush();
  return std::move(buffer);
}

void Reporter::report(Diagnostic &diagnostic) {
  Message message;
  message.severity = severityOf(diagnostic.getSeverity());
  if (message.severity == Message::Severity::Error && errors++)
    return;
  message.file = name;
  if (FileLineColLoc location = findFile(diagnostic.getLocation())) {
    message.file = location.getFilename().str();
    message.line = location.getLine();
    message.column = location.getColumn();
  }
  message.message = diagnostic.str();
  message.text = render(diagnostic, message);
  if (handler)
    handler(message);
}

void Reporter::error(const Twine &text) {
  if (errors++)
    return;
  Message message;
  message.file = name;
  message.message = text.str();
  message.text = name + ": error: " + message.message + "\n";
  if (handler)
    handler(message);
}
