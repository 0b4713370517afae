//===- Diagnostics.h - MLIR's diagnostics, handed to the caller -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_COMPILER_DIAGNOSTICS_H
#define LONGWING_LIB_COMPILER_DIAGNOSTICS_H

#include "longwing/Compiler.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/raw_ostream.h"

namespace longwing {

/// Renders every diagnostic of a context and hands it to a `MessageHandler`. Only the first error
/// passes: what follows from it would hide it.
class Reporter : public mlir::SourceMgrDiagnosticHandler {
public:
  Reporter(llvm::SourceMgr &sources, mlir::MLIRContext *context, std::string name,
           const MessageHandler &handler);

  bool sawError() const { return errors != 0; }

  /// An error of the source as a whole.
  void error(const llvm::Twine &message);

private:
  void report(mlir::Diagnostic &diagnostic);
  std::string render(mlir::Diagnostic &diagnostic, const Message &message);

  std::string name;
  const MessageHandler &handler;
  std::string buffer;
  llvm::raw_string_ostream stream;
  unsigned errors = 0;
};

} // namespace longwing

#endif // LONGWING_LIB_COMPILER_DIAGNOSTICS_H
