//===- Register.cpp - All dialects and passes of Longwing -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Register.h"

#include "dialects/seq/Seq.h"
#include "dialects/tile/Tile.h"
#include "lib/Target/Manifest.h"
#include "longwing/CPU.h"
#include "longwing/CPU/Passes.h"
#include "longwing/Pipelines.h"
#include "longwing/Seq/Passes.h"
#include "longwing/SeqToLinalg/Passes.h"
#include "longwing/SeqToTile/Passes.h"
#include "longwing/Tile/Passes.h"
#include "longwing/TileToCPU/Passes.h"
#include "longwing/TileToNVVM/Passes.h"

#include "mlir/IR/DialectRegistry.h"

void longwing::registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<seq::SeqDialect, tile::TileDialect>();
}

void longwing::registerPasses() {
  registerCPUPasses();
  cpu::registerPipelines();
  registerSeqPasses();
  registerSeqToLinalgPasses();
  registerSeqToTilePasses();
  registerTilePasses();
  registerTileToCPUPasses();
  registerTileToNVVMPasses();
  registerPipelines();
  registerPrintManifestPass();
}
