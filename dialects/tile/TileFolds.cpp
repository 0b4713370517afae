//===- TileFolds.cpp - Folds of the tile dialect --------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Folds never change a rounding: a sum is folded only where it is exact.
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace longwing::tile;

Operation *TileDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type,
                                            Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

/// The one value of a scalar or of a splat; null if there is none.
static Attribute uniformValue(Attribute attr) {
  if (auto splat = dyn_cast_or_null<SplatElementsAttr>(attr))
    return splat.getSplatValue<Attribute>();
  return isa_and_nonnull<FloatAttr, IntegerAttr>(attr) ? attr : Attribute();
}

OpFoldResult DimOp::fold(FoldAdaptor) {
  auto view = dyn_cast<ViewType>(getSource().getType());
  if (!view || ShapedType::isDynamic(view.getShape()[getDimension()]))
    return {};
  return IntegerAttr::get(IndexType::get(getContext()), view.getShape()[getDimension()]);
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  Attribute value = uniformValue(adaptor.getSource());
  return value ? DenseElementsAttr::get(getResult().getType(), value) : OpFoldResult();
}

OpFoldResult ReduceOp::fold(FoldAdaptor adaptor) {
  Attribute value = uniformValue(adaptor.getSource());
  if (!value)
    return {};
  auto real = dyn_cast<FloatAttr>(value);
  bool zero = real && real.getValue().isPosZero();
  if (getKind() == ReduceKind::Add && !zero)
    return {};
  return DenseElementsAttr::get(cast<ShapedType>(getResult().getType()), value);
}

OpFoldResult ConvertOp::fold(FoldAdaptor adaptor) {
  auto value = dyn_cast_or_null<FloatAttr>(uniformValue(adaptor.getSource()));
  if (!value)
    return {};
  auto type = cast<ShapedType>(getResult().getType());
  auto element = cast<FloatType>(type.getElementType());
  APFloat rounded = value.getValue();
  bool losesInfo;
  rounded.convert(element.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
  return DenseElementsAttr::get(type, FloatAttr::get(element, rounded));
}
