//===- Passes.h - Passes on the tile dialect --------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TILE_PASSES_H
#define LONGWING_TILE_PASSES_H

#include "dialects/tile/Tile.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace longwing {
#define GEN_PASS_DECL
#include "longwing/Tile/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "longwing/Tile/Passes.h.inc"
} // namespace longwing

#endif // LONGWING_TILE_PASSES_H
