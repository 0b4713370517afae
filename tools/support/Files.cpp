//===- Files.cpp - Files of the command-line tools ------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/support/Files.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

using namespace llvm;
using namespace longwing;

static Error fileError(const Twine &what, StringRef path, std::error_code error) {
  return createStringError(error, what + " '" + path + "': " + error.message());
}

Expected<std::unique_ptr<MemoryBuffer>> tool::readInput(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer)
    return fileError("cannot read", path, buffer.getError());
  return std::move(*buffer);
}

/// Writes and flushes; a stream that is destroyed with an error in it would end the process.
static std::error_code write(raw_fd_ostream &os, StringRef bytes) {
  os << bytes;
  os.flush();
  std::error_code error = os.error();
  os.clear_error();
  return error;
}

Error tool::writeOutput(StringRef path, StringRef bytes) {
  sys::fs::file_status status;
  bool exists = !sys::fs::status(path, status);
  // A terminal, a pipe or /dev/null cannot be replaced by a file.
  if (path == "-" || (exists && !sys::fs::is_regular_file(status))) {
    std::error_code error;
    if (path == "-")
      (void)sys::ChangeStdoutToBinary();
    raw_fd_ostream os(path, error);
    if (!error)
      error = write(os, bytes);
    return error ? fileError("cannot write", path, error) : Error::success();
  }
  Expected<sys::fs::TempFile> file =
      sys::fs::TempFile::create(path + ".%%%%%%.tmp", sys::fs::all_read | sys::fs::all_write);
  if (!file)
    return fileError("cannot write", path, errorToErrorCode(file.takeError()));
  std::error_code error;
  {
    raw_fd_ostream os(file->FD, /*shouldClose=*/false);
    error = write(os, bytes);
  }
  if (error) {
    consumeError(file->discard());
    return fileError("cannot write", path, error);
  }
  if (Error rename = file->keep(path))
    return fileError("cannot write", path, errorToErrorCode(std::move(rename)));
  return Error::success();
}

int tool::fail(StringRef tool, const Twine &message) {
  errs() << tool << ": ";
  WithColor::error() << message << "\n";
  return 1;
}

int tool::fail(StringRef tool, Error error) {
  return fail(tool, Twine(toString(std::move(error))));
}

void tool::exitOnFatalErrors(const char *tool) {
  install_fatal_error_handler(
      [](void *tool, const char *reason, bool) {
        fail(static_cast<const char *>(tool), Twine("LLVM cannot compile this: ") + reason);
        sys::RunInterruptHandlers();
        _exit(1);
      },
      const_cast<char *>(tool));
}
