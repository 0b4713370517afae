//===- ExchangeOps.cpp - Between registers and SRAM -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/Tile.h"

using namespace mlir;
using namespace longwing::tile;

Value longwing::tile::wholeOf(Value tile) {
  while (isa_and_nonnull<PanelOp, TrimOp>(tile.getDefiningOp()))
    tile = tile.getDefiningOp()->getOperand(0);
  return tile;
}

Value longwing::tile::bufferOf(Value tile) {
  tile = wholeOf(tile);
  if (auto stage = tile.getDefiningOp<StageOp>())
    return stage.getBuffer();
  if (auto exchange = tile.getDefiningOp<PublishOp>())
    return exchange.getBuffer();
  if (auto widen = tile.getDefiningOp<WidenOp>())
    return widen.getBuffer();
  return {};
}

static LogicalResult verifySixteenBits(Operation *op, RankedTensorType source,
                                       RankedTensorType result) {
  if (source.getElementType() == result.getElementType() &&
      (source.getElementType().isF16() || source.getElementType().isBF16()))
    return success();
  return op->emitOpError() << "expected tiles of f16 or of bf16, got " << source << " and "
                           << result;
}

LogicalResult UnstageOp::verify() {
  RankedTensorType source = getSource().getType(), result = getResult().getType();
  bool isF32 = source.getElementType().isF32() && result.getElementType().isF32();
  if (!isF32 && failed(verifySixteenBits(*this, source, result)))
    return failure();
  bool copies = source.getDimSize(0) == kWarpgroupRows;
  if ((source.getDimSize(0) != result.getDimSize(0) && !copies) ||
      source.getDimSize(1) != result.getDimSize(1))
    return emitOpError() << "expected a result of the shape of its source, or copies of "
                         << kWarpgroupRows << " rows, got " << source << " to " << result;
  return success();
}

LogicalResult PublishOp::verify() {
  RankedTensorType source = getSource().getType(), result = getResult().getType();
  if (failed(verifySixteenBits(*this, source, result)))
    return failure();
  if (source.getShape() != result.getShape())
    return emitOpError() << "expected a result of the shape of its source, got " << source << " to "
                         << result;
  return success();
}

LogicalResult WidenOp::verify() {
  RankedTensorType source = getSource().getType(), result = getResult().getType();
  bool isNarrow = source.getElementType().isF16() || source.getElementType().isBF16();
  if (!isNarrow || !result.getElementType().isF32() || source.getShape() != result.getShape())
    return emitOpError() << "expected a tile of f16 or bf16 and one of f32 of its shape, got " << source << " to " << result;
  return success();
}

LogicalResult ComplexMulOp::verify() {
  if (getRe().getType().getElementType().isF32())
    return success();
  return emitOpError() << "expected tiles of f32, got " << getRe().getType();
}
