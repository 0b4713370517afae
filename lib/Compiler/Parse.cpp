//===- Parse.cpp - Reads a model ------------------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Compiler/Parse.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

/// Where an `array<index: ...>` stands, outside of comments and strings: MLIR 22's parser asks its
/// element type for a width, which an index does not have, and crashes.
static const char *findIndexArray(StringRef text) {
  StringRef rest = text;
  while (!rest.empty()) {
    if (rest.starts_with("//")) {
      rest = rest.drop_until([](char c) { return c == '\n'; });
    } else if (rest.front() == '"') {
      rest = rest.drop_front();
      while (!rest.empty() && rest.front() != '"')
        rest = rest.drop_front(rest.front() == '\\' && rest.size() > 1 ? 2 : 1);
      rest = rest.drop_front(rest.empty() ? 0 : 1);
    } else if (rest.starts_with("array")) {
      StringRef after = rest.drop_front(5).ltrim();
      if (after.consume_front("<") && after.ltrim().starts_with("index"))
        return rest.data();
      rest = rest.drop_front(5);
    } else {
      rest = rest.drop_front();
    }
  }
  return nullptr;
}

OwningOpRef<ModuleOp> longwing::parseModel(const std::shared_ptr<llvm::SourceMgr> &sources,
                                           MLIRContext *context) {
  const llvm::MemoryBuffer *buffer = sources->getMemoryBuffer(sources->getMainFileID());
  // Bytecode names no types: it begins with "ML\xEFR".
  if (!buffer->getBuffer().starts_with("ML\xEFR"))
    if (const char *place = findIndexArray(buffer->getBuffer())) {
      auto [line, column] = sources->getLineAndColumn(SMLoc::getFromPointer(place));
      emitError(FileLineColLoc::get(context, buffer->getBufferIdentifier(), line, column))
          << "expected an array of integers or floats, got one of index";
      return nullptr;
    }
  return parseSourceFile<ModuleOp>(sources, ParserConfig(context));
}
