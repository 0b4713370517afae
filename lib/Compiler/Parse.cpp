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

/// MLIR 22's verifier counts the dimensions that a reshape names in 32 bits, its users in 64.
static LogicalResult verifyReshapes(ModuleOp module) {
  WalkResult walk = module.walk([](Operation *op) {
    auto groups = op->getAttrOfType<ArrayAttr>("reassociation");
    if (!groups || op->getNumOperands() == 0 || op->getNumResults() != 1)
      return WalkResult::advance();
    auto rank = [](Type type) {
      auto shaped = dyn_cast<ShapedType>(type);
      return shaped && shaped.hasRank() ? shaped.getRank() : 0;
    };
    int64_t dimensions =
        std::max(rank(op->getOperand(0).getType()), rank(op->getResult(0).getType()));
    for (auto group : groups.getAsRange<ArrayAttr>())
      for (auto dimension : group.getAsRange<IntegerAttr>())
        if (dimension.getInt() < 0 || dimension.getInt() >= dimensions) {
          op->emitOpError() << "expected dimensions from 0 to " << dimensions - 1 << ", got "
                            << dimension.getInt();
          return WalkResult::interrupt();
        }
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
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
  auto module = parseSourceFile<ModuleOp>(sources, ParserConfig(context));
  if (module && failed(verifyReshapes(*module)))
    return nullptr;
  return module;
}
