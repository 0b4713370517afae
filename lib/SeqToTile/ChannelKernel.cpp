//===- ChannelKernel.cpp - Kernels on tiles of channels -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChannelKernel.h"

#include "longwing/Target/Hopper.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

Value Share::of(TileBuilder &t, Value count) const {
  if (when == Always)
    return count;
  Value many = t.min(t.floorDiv(count, least), t.index(1));
  Value taken = t.make<arith::MulIOp>(count, many);
  if (when == IfMany)
    return taken;
  Value rest = t.sub(count, taken);
  return from ? t.make<arith::MulIOp>(rest, t.min(t.floorDiv(count, from), t.index(1))) : rest;
}

KernelOp ChannelKernel::begin(SymbolTable &symbols, StringRef suffix, int64_t registers) {
  StringRef function = operation->getParentOfType<FunctionOpInterface>().getName();
  auto schedule = ScheduleAttr::get(builder.getContext(), config.consumers, registers,
                                    config.registers, /*persistent=*/false, /*overlap=*/false,
                                    /*spread=*/config.cluster && config.member > 32);
  KernelOp kernel = launch.createKernel(builder, (function + suffix).str(), schedule);
  if (config.cluster)
    kernel->setAttr(kClusterAttr, builder.getI64IntegerAttr(config.cluster));
  symbols.insert(kernel);
  builder.setInsertionPointToStart(&kernel.getBody().front());
  return kernel;
}

ValueRange ChannelKernel::forEach(ValueRange sizes) {
  auto loop = ForEachOp::create(builder, t.loc, sizes);
  ReturnOp::create(builder, t.loc);
  builder.setInsertionPointToStart(&loop.getBody().front());
  return loop.getBody().getArguments();
}

LaunchBuilder::Run
ChannelKernel::overSequences(KernelOp kernel, int64_t channels, Value x, Value offsets, Share share,
                             function_ref<void(Value block, Value entry)> work) {
  int64_t blocks = llvm::divideCeil(channels, t.channels);
  Value entries = offsets ? t.sub(t.dim(tensor(offsets), 0), t.index(1)) : t.dim(tensor(x), 0);
  ValueRange at = forEach({t.index(blocks), share.of(t, entries)});
  Value zero = t.index(0);
  batch = at[1], start = zero, length = t.dim(tensor(x), 1);
  if (offsets) {
    auto offset = [&](Value entry) {
      Value value = t.make<GatherOp>(getElementTypeOrSelf(offsets.getType()), tensor(offsets), entry);
      return t.make<arith::IndexCastOp>(builder.getIndexType(), value);
    };
    batch = zero, start = offset(at[1]);
    length = t.sub(offset(t.add(at[1], 1)), start);
  }
  work(at[0], at[1]);

  // One step has no tiles.
  auto x0 = cast<RankedTensorType>(x.getType());
  std::string tiles = "one step";
  if (offsets || x0.getDimSize(1) != 1)
    tiles = llvm::formatv("tiles of {0} steps, {1}", config.steps,
                          config.cluster ? llvm::formatv("dealt to the {0} {1} of a {2}", config.members(),
                                                         config.member > 32 ? "warpgroups" : "warps",
                                                         config.cluster > 1 ? "cluster" : "CTA")
                                               .str()
                                         : std::string("one after the other"));
  std::string ctas = llvm::formatv("{0} x {1} channels of a sequence fill {2} of {3} multiprocessors", blocks,
                                   t.channels, std::min<int64_t>(blocks, hopper::kMultiprocessors),
                                   hopper::kMultiprocessors);
  if (share.when != Share::Always)
    ctas = llvm::formatv("{0}{1} {2} sequences: {3}", share.from ? llvm::formatv("from {0} and ", share.from).str() : "",
                         share.when == Share::IfFew ? "below" : "from", share.least, ctas);
  explain(kernel, tiles, ctas);

  OpBuilder b(operation);
  TileBuilder host(b, operation->getLoc());
  Value count = host.make<tensor::DimOp>(offsets ? offsets : x, int64_t(0));
  if (offsets)
    count = host.sub(count, host.index(1));
  return {kernel, {host.index(blocks), share.of(host, count)}};
}

SmallVector<Value> ChannelKernel::forEachTile(bool reverse, ValueRange state,
                                              function_ref<void()> load,
                                              function_ref<void(States &)> body) {
  Value zero = t.index(0), one = t.index(1);
  Value tiles = t.ceilDiv(length, config.steps);
  if (isWalked)
    tiles = t.select(isWalked, tiles, zero);
  auto loop = scf::ForOp::create(builder, t.loc, zero, tiles, one, state);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value number = loop.getInductionVar();
  if (reverse)
    number = t.sub(t.sub(tiles, one), number);
  if (config.cluster) {
    loop->setAttr(kDealtAttr, builder.getUnitAttr());
    // There may be iterations behind the last one: their tiles stand behind the end either way.
    if (reverse)
      number = t.select(t.compare(arith::CmpIPredicate::slt, loop.getInductionVar(), tiles), number,
                        loop.getInductionVar());
  }
  tile0 = t.mul(number, config.steps);
  load();
  SmallVector<Value> next(loop.getRegionIterArgs());
  body(next);
  scf::YieldOp::create(builder, t.loc, next);
  return SmallVector<Value>(loop.getResults());
}

SmallVector<Value>
ChannelKernel::forEachRow(bool reverse, ValueRange state,
                          function_ref<void(Value row0, States &state)> steps) {
  Value zero = t.index(0), one = t.index(1);
  Value rest = t.sub(length, tile0);
  Value left = t.ceilDiv(config.cluster ? t.max(rest, zero) : rest, config.unroll);
  Value count = t.min(left, t.index(config.steps / config.unroll));
  auto loop = scf::ForOp::create(builder, t.loc, zero, count, one, state);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value number = loop.getInductionVar();
  if (reverse)
    number = t.sub(t.sub(count, one), number);
  SmallVector<Value> next(loop.getRegionIterArgs());
  steps(t.mul(number, config.unroll), next);
  scf::YieldOp::create(builder, t.loc, next);
  return SmallVector<Value>(loop.getResults());
}

SmallVector<Value> ChannelKernel::walk(bool reverse, ValueRange state, function_ref<void()> load,
                                       function_ref<void(Value row0, States &state)> steps) {
  return forEachTile(reverse, state, load, [&](States &next) {
    SmallVector<Value> last = forEachRow(reverse, next, steps);
    next.assign(last.begin(), last.end());
  });
}
