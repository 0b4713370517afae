//===- KeptSpectrum.cpp - Spectra of long blocks, as threads take them ----===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Users keep the spectra of the taps between blocks in the order of the digits, [H, P, N, 2]. Every block of a sequence reads
// several of them, so those of long blocks are first laid as tile.keep leaves them: a thread's numbers of 4096 points are then two
// pieces of 16 bytes.
//
//===----------------------------------------------------------------------===//

#include "Fourier.h"
#include "SeqToTile.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

static constexpr int64_t kTile = kMatrixSize * kMatrixSize * kFourierWarps;

/// A warp's numbers [k2][k3] of a tile of points that begins there, of which they are 256 neighbours.
static ComplexTile numbersAt(FourierBuilder &t, Value spectrum, Value channel, Value block, Value first, bool quads, bool rows) {
  if (rows) {
    auto read = PullRowsOp::create(t.b, t.loc, TypeRange{t.half(), t.half()}, spectrum, ValueRange{channel, block, first}, /*step=*/256,
                                   /*stride=*/16, /*inside=*/true, quads);
    return {read.getResult(0), read.getResult(1)};
  }
  Value at = t.add(t.mulAll(t.position(0), 256), t.broadcast(first, t.indices()));
  at = t.add(t.add(at, t.mulAll(t.position(1), 16)), quads ? t.quadPosition() : t.position(2));
  auto part = [&](int64_t i) { return t.make<PullOp>(t.half(), spectrum, ValueRange{channel, block, at, t.index(i)}); };
  return {part(0), part(1)};
}

static KernelOp createKernel(Location loc, StringRef name, RankedTensorType spectrum, const KeptSpectrum &kept) {
  MLIRContext *context = loc.getContext();
  OpBuilder builder(context);
  FourierBuilder t(builder, loc);
  auto view = [&](RankedTensorType type) { return ViewType::get(context, type.getShape(), type.getElementType()); };
  auto schedule = ScheduleAttr::get(context, 4, 0, 128, /*persistent=*/true, /*overlap=*/false, /*spread=*/false);
  auto kernel = KernelOp::create(builder, loc, name, {view(spectrum), view(kept.type)}, schedule);
  kernel->setAttr(kStaggerAttr, builder.getI64IntegerAttr(1));
  kernel.setOutput(1);
  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  Value source = body.getArgument(0), destination = body.getArgument(1);
  Value whole = t.make<WholeOp>(builder.getI1Type(), ValueRange{source});
  int64_t tiles = spectrum.getDimSize(2) / kTile;
  ValueRange at = t.eachWorkTile({t.index(tiles), t.index(kept.blocks), t.dim(destination, 0)});
  Value tile = at[0], block = at[1], channel = at[2];
  SmallVector<Value> place = {channel, tile, block};
  if (kept.type.getRank() == 3)
    place = {channel, t.add(t.mul(block, tiles), tile)};
  t.eachWay(whole, [&](bool rows) {
    t.keep(numbersAt(t, source, channel, block, t.mul(tile, kTile), kept.quads, rows), destination, place);
  });
  return kernel;
}

Value longwing::keepSpectrum(seq::LongConvOp op, const KeptSpectrum &kept, SymbolTable &symbols) {
  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  RankedTensorType spectrum = op.getSpectrum().getType();
  StringRef function = op->getParentOfType<FunctionOpInterface>().getName();
  KernelOp kernel = createKernel(op.getLoc(), (function + "_keep_spectrum").str(), spectrum, kept);
  symbols.insert(kernel);
  Value empty = host.make<tensor::EmptyOp>(kept.type, ValueRange());
  SmallVector<Value> work = {host.index(spectrum.getDimSize(2) / kTile), host.index(kept.blocks), host.index(spectrum.getDimSize(0))};
  return LaunchOp::create(b, op.getLoc(), TypeRange{kept.type}, kernel.getSymName(), ValueRange{op.getSpectrum(), empty}, work).getResult(0);
}
