//===- Files.h - Files of the command-line tools ----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TOOLS_SUPPORT_FILES_H
#define LONGWING_TOOLS_SUPPORT_FILES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

namespace longwing::tool {

/// Reads a file, or standard input for "-". The error names the file.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> readInput(llvm::StringRef path);

/// Writes a file as a whole, or nothing: under another name first, renamed when complete. "-" is
/// standard output. The error names the file.
llvm::Error writeOutput(llvm::StringRef path, llvm::StringRef bytes);

/// Prints "TOOL: error: MESSAGE" and gives the exit code for it.
int fail(llvm::StringRef tool, const llvm::Twine &message);
int fail(llvm::StringRef tool, llvm::Error error);

/// What LLVM cannot survive (an instruction that its backend cannot select) ends the process with a
/// message and exit code 1, not with an abort; half-written files go.
void exitOnFatalErrors(const char *tool);

} // namespace longwing::tool

#endif // LONGWING_TOOLS_SUPPORT_FILES_H
