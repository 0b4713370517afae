//===- SelectiveReach.cpp - How far selective scans look back -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SelectiveReach.h"

#include "LineKernel.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// Steps of a segment, at least.
static constexpr int64_t kLeastSteps = 4096;
/// Steps that are looked at together, and lanes they are spread over.
static constexpr int64_t kReachSteps = 128, kReachLanes = 16;

static int64_t blocksOf(seq::SelectiveScanOp op, int64_t channels) { return llvm::divideCeil(op.getChannels(), channels); }

EarlySegments::EarlySegments(seq::SelectiveScanOp op, const ScanPair &pair)
    : op(op), config(pair.many), places(pair.places), least(pair.segments) {}

Value EarlySegments::count(TileBuilder &t, Value sequences, Value length) const {
  Value one = t.index(1), ofSegment = t.mul(sequences, blocksOf(op, config.channels()));
  Value fill = t.make<arith::DivUIOp>(t.index(places), t.max(ofSegment, one));
  Value count = t.min(fill, t.floorDiv(length, kLeastSteps));
  Value pays = t.compare(arith::CmpIPredicate::sge, count, t.index(least));
  return t.select(pays, t.max(count, one), one);
}

Value EarlySegments::steps(TileBuilder &t, Value length, Value segments) const {
  Value tiles = t.ceilDiv(length, config.steps), padded = t.sub(t.add(tiles, segments), t.index(1));
  return t.mul(t.make<arith::DivUIOp>(padded, segments), config.steps);
}

/// The place of a block of channels, at the end of a segment.
static Value placeOf(TileBuilder &t, seq::SelectiveScanOp op, Value entry, Value segment, Value before, Value block) {
  Value end = t.add(t.make<arith::MulIOp>(entry, before), segment);
  return t.add(t.mul(end, blocksOf(op, kReachChannels)), block);
}

Value EarlySegments::early(TileBuilder &t, Value reach, Value entry, Value segment, Value segments, Value block) const {
  Value before = t.sub(segments, t.index(1)), most = t.index(0);
  int64_t blocks = config.channels() / kReachChannels;
  for (int64_t i = 0; i < blocks; ++i) {
    Value at = placeOf(t, op, entry, t.sub(segment, t.index(1)), before, t.add(t.mul(block, blocks), i));
    Value steps = t.make<GatherOp>(t.b.getI32Type(), reach, ValueRange{at});
    most = t.max(most, t.make<arith::IndexCastOp>(t.b.getIndexType(), steps));
  }
  Value whole = t.mul(t.ceilDiv(t.mul(most, kReachSteps), config.steps), config.steps);
  return t.select(t.compare(arith::CmpIPredicate::eq, segment, t.index(0)), segment, whole);
}

Value EarlySegments::forgets(TileBuilder &t, Value tooLong, Value segments) const {
  Value flag = t.make<arith::IndexCastOp>(t.b.getIndexType(), t.make<GatherOp>(t.b.getI32Type(), tooLong, ValueRange{t.index(0)}));
  return t.both(t.compare(arith::CmpIPredicate::sgt, segments, t.index(1)),
                t.compare(arith::CmpIPredicate::eq, flag, t.index(0)));
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

namespace {

/// Goes back from the ends of segments.
class ReachKernel : ChannelKernel {
public:
  ReachKernel(seq::SelectiveScanOp op, const EarlySegments &early, Share share)
      : ChannelKernel(op, configOf(), kReachLanes), op(op), early(early), share(share) {}

  Value launchInto(SymbolTable &symbols, Value reach, ValueRange work);

private:
  static ScanConfig configOf() {
    ScanConfig config;
    config.lanes = kReachLanes, config.registers = 128;
    config.width = kReachChannels * kReachLanes / 128;
    return config;
  }
  Value slowestRates(Value channel0);
  Value decayOf(Value entry, Value step0, Value channel0, Value bias);
  Value countBack(Value entry, Value end, Value most, Value channel0);

  seq::SelectiveScanOp op;
  const EarlySegments &early;
  Share share;
};

} // namespace

/// Of each lane's states of a channel the rate that forgets last.
Value ReachKernel::slowestRates(Value channel0) {
  int64_t states = op.getStateSize(), padded = llvm::alignTo(states, kReachLanes);
  Value rates = t.loadChannels(tensor(op.getA()), {channel0, t.index(0)}, t.rows(padded), /*transposed=*/true);
  if (states != padded) {
    Value row = t.make<IotaOp>(t.states(padded, builder.getIndexType()), t.index(0));
    Value exists = t.compare(arith::CmpIPredicate::slt, row, t.make<BroadcastOp>(row.getType(), t.index(states)));
    rates = t.select(t.broadcast(exists, t.rows(padded, builder.getI1Type())), rates, t.constantLike(rates, -1e30));
  }
  return t.make<ReduceOp>(t.rows(kReachLanes), ReduceKind::Max, rates);
}

/// The sum of steps' sizes, each at most what softplus gives, times log2(e): what a rate of -1 decays by, in base 2.
Value ReachKernel::decayOf(Value entry, Value step0, Value channel0, Value bias) {
  Value x = t.loadChannels(tensor(op.getDelta()), {entry, step0, channel0}, t.rows(kReachSteps));
  if (bias)
    x = t.addf(x, t.broadcast(bias, x.getType()));
  Value power = t.exp2(t.minf(t.mulf(x, kLog2E), t.constantLike(x, 100)));
  Value sizes = t.log2(t.addf(power, t.constantLike(x, 1)));
  return t.make<SumsOp>(t.row(), ValueRange{sizes});
}

/// How many times kReachSteps before `end` it takes until all states of the channels have forgotten; 0 where that is more than
/// `most`, or at the pace so far would be more than three quarters of that: to look on may cost more than it brings.
Value ReachKernel::countBack(Value entry, Value end, Value most, Value channel0) {
  Value slowest = slowestRates(channel0), bias = op.getBias() ? t.loadChannels(tensor(op.getBias()), channel0, t.row()) : Value();
  Value open = t.index(-1);
  auto real = [&](Value x) {
    x = t.make<arith::SIToFPOp>(builder.getF32Type(), t.make<arith::IndexCastOp>(builder.getI32Type(), x));
    return t.make<BroadcastOp>(t.rows(kReachLanes), x);
  };
  auto all = [&](arith::CmpFPredicate predicate, Value x, Value y) {
    return t.make<AllOp>(builder.getI1Type(), t.make<arith::CmpFOp>(predicate, x, y), /*together=*/true);
  };
  auto lookOn = [&](Value number, ValueRange args) -> SmallVector<Value> {
    Value counted = t.add(number, 1), step0 = t.sub(end, t.mul(counted, kReachSteps));
    Value sum = t.addf(args[0], decayOf(entry, step0, channel0, bias));
    Value decay = t.mulf(slowest, t.broadcast(sum, slowest.getType())), limit = t.constantLike(decay, kForgotten);
    Value forgotten = all(arith::CmpFPredicate::OLT, decay, limit);
    Value inTime = all(arith::CmpFPredicate::OLE, t.mulf(decay, real(most)), t.mulf(t.mulf(limit, 4.0 / 3), real(counted)));
    return {sum, t.select(forgotten, counted, t.select(inTime, open, t.index(0)))};
  };
  auto goesOn = [&](Value, ValueRange args) { return t.compare(arith::CmpIPredicate::eq, args[1], open); };
  return t.max(t.forWhile(most, 1, {t.constant(t.row(), 0), open}, goesOn, lookOn)[1], t.index(0));
}

Value ReachKernel::launchInto(SymbolTable &symbols, Value reach, ValueRange work) {
  SmallVector<Value> operands;
  for (Value value : {Value(op.getDelta()), Value(op.getA()), Value(op.getBias()), reach})
    if (value) {
      launch.view(value);
      operands.push_back(value);
    }
  KernelOp kernel = begin(symbols, "_selective_scan_reach", /*registers=*/0);
  kernel.setOutput(operands.size() - 1);
  Value delta = tensor(op.getDelta()), entries = t.dim(delta, 0), length = t.dim(delta, 1);
  Value segments = early.count(t, entries, length), before = t.sub(segments, t.index(1));
  ValueRange at = forEach({t.index(blocksOf(op, kReachChannels)), share.of(t, entries), before});
  Value steps = early.steps(t, length, segments), end = t.make<arith::MulIOp>(t.add(at[2], 1), steps);
  Value counted = countBack(at[1], end, t.floorDiv(steps, 2 * kReachSteps), t.mul(at[0], kReachChannels));
  t.storeScalar(t.make<arith::IndexCastOp>(builder.getI32Type(), counted), tensor(reach),
                {placeOf(t, op, at[1], at[2], before, at[0])});
  explain(kernel, "how many steps back a state still knows, to 2^-40", "a CTA for 16 channels of a segment");
  OpBuilder b(op);
  return LaunchOp::create(b, op.getLoc(), TypeRange(reach.getType()), kernel.getSymName(), operands, work).getResult(0);
}

/// Whether there is a 0.
static Value launchChoice(seq::SelectiveScanOp op, SymbolTable &symbols, Value reach, Value result, Value some) {
  Type i32 = IntegerType::get(op.getContext(), 32);
  auto view = [&](Value x) { return ViewType::get(op.getContext(), cast<RankedTensorType>(x.getType()).getShape(), i32); };
  auto sizes = [](TileBuilder &t, Value counts, Value) -> LineWork::Sizes {
    Value size = t.dim(counts, 0);
    return {t.min(size, t.index(1)), size};
  };
  auto read = [&](TileBuilder &t, Value counts, Value places) {
    auto indices = cast<RankedTensorType>(places.getType()), numbers = indices.clone(t.b.getF32Type());
    Value count = t.make<GatherOp>(indices.clone(i32), counts, ValueRange{places});
    Value none = t.make<BroadcastOp>(count.getType(), t.make<arith::ConstantOp>(t.b.getI32IntegerAttr(0)));
    return t.select(t.compare(arith::CmpIPredicate::eq, count, none), t.constant(numbers, 1), t.constant(numbers, 0));
  };
  auto isThere = [&](TileBuilder &t, Value greatest) {
    Value none = t.make<arith::ConstantOp>(t.b.getF32FloatAttr(0));
    return t.make<arith::ExtUIOp>(i32, t.make<arith::CmpFOp>(arith::CmpFPredicate::OGT, greatest, none));
  };
  StringRef function = op->getParentOfType<FunctionOpInterface>().getName();
  KernelOp kernel = lineKernel(op.getLoc(), (function + "_selective_scan_choice").str(), view(reach), view(result), {sizes, read, isThere});
  symbols.insert(kernel);
  explain(kernel, "whether a state knows too much for segments", "one CTA");
  OpBuilder b(op);
  return LaunchOp::create(b, op.getLoc(), TypeRange(result.getType()), kernel.getSymName(), ValueRange{reach, result}, some)
      .getResult(0);
}

void EarlySegments::launch(SymbolTable &symbols, Share share) {
  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  Value entries = host.make<tensor::DimOp>(op.getU(), int64_t(0)), length = host.make<tensor::DimOp>(op.getU(), int64_t(1));
  Value before = host.sub(count(host, entries, length), host.index(1)), some = share.of(host, entries);
  int64_t blocks = blocksOf(op, kReachChannels);
  Value size = host.mul(host.make<arith::MulIOp>(some, before), blocks);
  auto type = RankedTensorType::get({ShapedType::kDynamic}, b.getI32Type());
  reach = ReachKernel(op, *this, share)
              .launchInto(symbols, host.make<tensor::EmptyOp>(type, ValueRange{size}), {host.index(blocks), some, before});
  auto one = RankedTensorType::get({1}, b.getI32Type());
  tooLong = launchChoice(op, symbols, reach, host.make<tensor::EmptyOp>(one, ValueRange()), host.min(size, host.index(1)));
}
