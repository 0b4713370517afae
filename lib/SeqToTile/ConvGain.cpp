//===- ConvGain.cpp - A power of two for each sequence --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConvGain.h"
#include "LineKernel.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// A gain that f16 holds, and the exponent of 1 in f32 less 1.
static constexpr int64_t kMaxGain = 14, kExponentBelowOne = 126;

static Value integer(TileBuilder &t, int64_t value) { return t.make<arith::ConstantOp>(t.b.getI32IntegerAttr(value)); }

KernelOp longwing::gainKernel(Location loc, StringRef name) {
  MLIRContext *context = loc.getContext();
  auto energies = ViewType::get(context, {ShapedType::kDynamic}, Float32Type::get(context));
  auto sizes = [](TileBuilder &t, Value energies, Value gains) -> LineWork::Sizes {
    Value sequences = t.dim(gains, 0);
    return {sequences, t.make<arith::DivUIOp>(t.dim(energies, 0), t.max(sequences, t.index(1)))};
  };
  auto read = [](TileBuilder &t, Value energies, Value places) {
    auto indices = cast<RankedTensorType>(places.getType());
    return t.make<GatherOp>(indices.clone(t.b.getF32Type()), energies, ValueRange{places});
  };
  // 2^gain times the root of the sum is at most 1, and more than 1/4 where it can be; numbers are sums of two of them at most.
  auto gain = [](TileBuilder &t, Value greatest) {
    Value bits = t.make<arith::BitcastOp>(t.b.getI32Type(), greatest);
    Value exponent = t.make<arith::ShRUIOp>(bits, integer(t, 23));
    Value gain = t.make<arith::ShRSIOp>(t.sub(integer(t, kExponentBelowOne), exponent), integer(t, 1));
    return t.min(t.max(gain, integer(t, 0)), integer(t, kMaxGain));
  };
  return lineKernel(loc, name, energies, cast<ViewType>(gainsType(context)), {sizes, read, gain});
}

/// A power of two of a type with that many bits behind the exponent, whose exponent is 0 at 1.
static Value powerOfTwo(TileBuilder &t, Value exponent, int64_t zero, int64_t digits) {
  return t.make<arith::ShLIOp>(t.add(exponent, integer(t, zero)), integer(t, digits));
}

Value longwing::gainOf(TileBuilder &t, Value gains, Value sequence) {
  Value gain = t.make<GatherOp>(t.b.getI32Type(), gains, ValueRange{sequence});
  Value bits = t.make<arith::TruncIOp>(t.b.getI16Type(), powerOfTwo(t, gain, 15, 10));
  return t.make<arith::BitcastOp>(t.b.getF16Type(), bits);
}

Value longwing::lossOf(TileBuilder &t, Value gains, Value sequence) {
  Value gain = t.make<GatherOp>(t.b.getI32Type(), gains, ValueRange{sequence});
  Value minus = t.sub(integer(t, 0), gain);
  return t.make<arith::BitcastOp>(t.b.getF32Type(), powerOfTwo(t, minus, 127, 23));
}
