//===- ConvGain.cpp - A power of two for each sequence --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConvGain.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// A gain that f16 holds, and the exponent of 1 in f32 less 1.
static constexpr int64_t kMaxGain = 14, kExponentBelowOne = 126;
/// Numbers that are looked at together.
static constexpr int64_t kLine = 512;

static Value integer(TileBuilder &t, int64_t value) { return t.make<arith::ConstantOp>(t.b.getI32IntegerAttr(value)); }

KernelOp longwing::gainKernel(Location loc, StringRef name) {
  OpBuilder builder(loc.getContext());
  TileBuilder t(builder, loc);
  Type single = builder.getF32Type();
  auto schedule = ScheduleAttr::get(builder.getContext(), /*consumers=*/1, /*producer=*/0, /*consumer=*/128,
                                    /*persistent=*/false, /*overlap=*/false, /*spread=*/false);
  auto view = ViewType::get(builder.getContext(), {ShapedType::kDynamic}, single);
  auto kernel = KernelOp::create(builder, loc, name, {view, gainsType(builder.getContext())}, schedule);
  kernel.setOutput(1);
  builder.setInsertionPointToStart(&kernel.getBody().front());
  Value energies = kernel.getBody().getArgument(0), gains = kernel.getBody().getArgument(1);
  Value sequences = t.dim(gains, 0), count = t.make<arith::DivUIOp>(t.dim(energies, 0), t.max(sequences, t.index(1)));
  auto forEach = ForEachOp::create(builder, loc, ValueRange{sequences});
  ReturnOp::create(builder, loc);
  builder.setInsertionPointToStart(&forEach.getBody().front());
  Value sequence = forEach.getBody().getArgument(0), first = t.make<arith::MulIOp>(sequence, count);
  auto line = tileType<LineAttr>({kLine}, single);
  auto loop = scf::ForOp::create(
      builder, loc, t.index(0), count, t.index(kLine), ValueRange{t.constant(line, 0)},
      [&](OpBuilder &, Location, Value at, ValueRange args) {
        // Behind the last one of the sequence, that one again.
        auto indices = line.clone(builder.getIndexType());
        Value last = t.make<BroadcastOp>(indices, t.sub(count, t.index(1)));
        Value place = t.add(t.min(t.make<IotaOp>(indices, at), last), t.make<BroadcastOp>(indices, first));
        scf::YieldOp::create(builder, loc, t.maxf(args[0], t.make<GatherOp>(line, energies, ValueRange{place})));
      });
  // 2^gain times the root of the sum is at most 1, and more than 1/4 where it can be; numbers are sums of two of them at most.
  Value bits = t.make<arith::BitcastOp>(builder.getI32Type(), t.make<GreatestOp>(loop.getResult(0)));
  Value exponent = t.make<arith::ShRUIOp>(bits, integer(t, 23));
  Value gain = t.make<arith::ShRSIOp>(t.sub(integer(t, kExponentBelowOne), exponent), integer(t, 1));
  gain = t.min(t.max(gain, integer(t, 0)), integer(t, kMaxGain));
  t.storeScalar(gain, gains, {sequence});
  return kernel;
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
