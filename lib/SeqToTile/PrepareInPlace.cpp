//===- PrepareInPlace.cpp - Spectra of filters by transforms in SRAM ------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The work tile of PrepareFilter.cpp that is a channel, or a block of one, of more than two parts of 4096 samples: SRAM holds the
// complex tile, and each stage works on it in place, as those of InPlaceConv.cpp do.
//
//===----------------------------------------------------------------------===//

#include "PrepareFilter.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// Several parts of the taps, [b][a][c] in quads, all on their way at once, to where warps find them again.
void PrepareKernel::keepParts(Value number, Value step) {
  Value start = t.make<arith::AddIOp>(t.mulAll(t.position(0), 16), t.quadPosition());
  start = t.make<arith::AddIOp>(start, t.mulAll(t.position(1), 256 * plan.parts()));
  SmallVector<Value> parts, left, right;
  for (int64_t i = 0; i < partsAtOnce(); ++i) {
    parts.push_back(t.add(t.mul(step, partsAtOnce()), i));
    firstLag = t.mul(parts.back(), 256);
    lag = t.make<arith::AddIOp>(start, t.broadcast(firstLag, t.indices()));
    if (plan.inBlocks()) {
      lag = lagInBlock(lag, number);
      firstLag = t.add(firstLag, t.mul(blockOf(number), plan.length()));
    }
    left.push_back(leftTaps()), right.push_back(reachesRight() ? rightTaps() : Value());
  }
  for (auto [j, re, im] : llvm::zip(parts, left, right)) {
    Value x = t.cast(re, t.half());
    Value y = im ? t.cast(t.make<arith::NegFOp>(im), t.half()) : t.constantLike(x, 0);
    t.writeRows({x, y}, buffer, t.mul(j, 16), t.index(0), /*along=*/1);
  }
}

/// All of them: once for filters whose rows lie in one piece, and once for others.
void PrepareKernel::keepTaps(Value channel, Value number) {
  t.eachWay(fast, [&](bool rows) {
    row = rows ? channel : Value();
    t.eachStep(plan.parts() / partsAtOnce(), /*holds=*/true, [&](Value step) { keepParts(number, step); });
    if (rows && !plan.inBlocks()) // blocks of 32768 gain nothing
      prefetch(channel, number, /*ahead=*/1);
  });
}

/// The first stage, and the butterflies between parts, four of them at a time, for k1 + 16 (half + halves k).
void PrepareKernel::rowsOfParts() {
  int64_t parts = plan.parts(), halves = parts / 4;
  bool complex = reachesRight();
  SmallVector<ComplexTile> z[2];
  for (int64_t j = 0; j < 4; ++j) {
    ComplexTile sums[2]; // [k1][c]
    for (int64_t part = j; part < parts; part += 4) {
      if (part && complex) // reads move across no barrier, so registers hold those of one part
        MeetOp::create(builder, t.loc);
      ComplexTile x = t.readRows(buffer, t.index(16 * part), t.index(0), /*along=*/1); // [c][a]
      for (int64_t half = 0; half < halves; ++half) {
        ComplexTable f = t.complexTable([=, plan = plan](int64_t, int64_t k1, int64_t a) {
          return 0.25 * rootOf(plan, k1, 256 * (parts * a + part)) * unitRoot(-part * half, parts);
        });
        ComplexTile &sum = sums[half];
        sum = complex ? t.fromLeft(f, x, sum)
                      : ComplexTile{t.warpDot(f.re, x.re, sum.re), t.warpDot(f.im, x.re, sum.im)};
      }
    }
    for (int64_t half = 0; half < halves; ++half)
      z[half].push_back(sums[half]);
  }
  for (int64_t half = 0; half < halves; ++half)
    for (auto [k, sum] : llvm::enumerate(t.butterflies(z[half], /*back=*/false)))
      t.writeRows(sum, buffer, t.index(16 * (half + halves * k)), t.index(0), /*along=*/1);
}

/// Over both inner digits, at a k for each warp.
void PrepareKernel::acrossRows(Value channel, Value number, Value step) {
  Value first = t.mul(step, t.warps);
  ComplexTile z = t.readRows(buffer, first, t.index(0), /*along=*/0); // [c][b]
  z = t.times(z, t.rowTwiddle(twiddles, plan, 0, first));
  FourierTable f = sixteen(1);
  Value re, im;
  stage(f, Split{z.re, Value()}, Split{z.im, Value()}, /*fromRight=*/false, re, im);
  z = {t.cast(re, t.half()), t.cast(im, t.half())}; // [k2][c]
  FourierTable between = [](int64_t, int64_t k2, int64_t c) { return unitRoot(-k2 * c, 256); };
  z = t.times(z, t.complexTile(inQuads(between, /*rows=*/false, /*columns=*/true)));
  z = t.times(z, t.rowTwiddle(twiddles, plan, 1, first));
  stage(inQuads(sixteen(16), /*rows=*/true, /*columns=*/true), Split{z.re, Value()}, Split{z.im, Value()}, /*fromRight=*/true, re,
        im);
  if (plan.inBlocks())
    return finishBlock(re, im, channel, number, step);
  auto type = t.frag(spectrum.getElementType());
  PlaceRowsOp::create(builder, t.loc, ValueRange{t.cast(re, type), t.cast(im, type)}, out, ValueRange{channel, t.mul(first, 256)}, /*step=*/256,
                      /*stride=*/16, /*inside=*/true, /*quads=*/true);
}

void PrepareKernel::inPlaceTile(Value channel, Value number) {
  head = t.broadcast(channel, t.indices());
  keepTaps(channel, number);
  MeetOp::create(builder, t.loc);
  rowsOfParts();
  MeetOp::create(builder, t.loc);
  t.eachStep(plan.parts(), /*holds=*/true, [&](Value step) { acrossRows(channel, number, step); });
  MeetOp::create(builder, t.loc);
}
