//===- LineKernel.cpp - A number of each line of numbers ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LineKernel.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// Numbers that are looked at together.
static constexpr int64_t kLine = 512;

KernelOp longwing::lineKernel(Location loc, StringRef name, ViewType numbers, ViewType results, const LineWork &work) {
  OpBuilder builder(loc.getContext());
  TileBuilder t(builder, loc);
  auto schedule = ScheduleAttr::get(builder.getContext(), /*consumers=*/1, /*producer=*/0, /*consumer=*/128,
                                    /*persistent=*/false, /*overlap=*/false, /*spread=*/false);
  auto kernel = KernelOp::create(builder, loc, name, {numbers, results}, schedule);
  kernel.setOutput(1);
  builder.setInsertionPointToStart(&kernel.getBody().front());
  Value source = kernel.getBody().getArgument(0), destination = kernel.getBody().getArgument(1);
  auto [lines, count] = work.sizes(t, source, destination);
  auto forEach = ForEachOp::create(builder, loc, ValueRange{lines});
  ReturnOp::create(builder, loc);
  builder.setInsertionPointToStart(&forEach.getBody().front());
  Value number = forEach.getBody().getArgument(0), first = t.make<arith::MulIOp>(number, count), size = count;
  auto line = tileType<LineAttr>({kLine}, builder.getF32Type());
  auto loop = scf::ForOp::create(
      builder, loc, t.index(0), size, t.index(kLine), ValueRange{t.constant(line, 0)},
      [&](OpBuilder &, Location, Value at, ValueRange args) {
        // Behind the last one of the line, that one again.
        auto indices = line.clone(builder.getIndexType());
        Value last = t.make<BroadcastOp>(indices, t.sub(size, t.index(1)));
        Value places = t.add(t.min(t.make<IotaOp>(indices, at), last), t.make<BroadcastOp>(indices, first));
        scf::YieldOp::create(builder, loc, t.maxf(args[0], work.read(t, source, places)));
      });
  Value greatest = t.make<GreatestOp>(loop.getResult(0));
  t.storeScalar(work.result(t, greatest), destination, {number});
  return kernel;
}
