//===- ChannelKernel.cpp - Kernels on tiles of channels -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChannelKernel.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

KernelOp ChannelKernel::begin(SymbolTable &symbols, StringRef suffix, int64_t registers) {
  StringRef function = operation->getParentOfType<FunctionOpInterface>().getName();
  auto schedule = ScheduleAttr::get(builder.getContext(), config.consumers, registers,
                                    config.registers, /*persistent=*/false, /*overlap=*/false,
                                    /*spread=*/false);
  KernelOp kernel = launch.createKernel(builder, (function + suffix).str(), schedule);
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

SmallVector<Value>
ChannelKernel::walk(Value length, bool reverse, ValueRange state, function_ref<void()> load,
                    function_ref<void(Value row0, SmallVectorImpl<Value> &state)> steps) {
  Value zero = t.index(0), one = t.index(1);
  auto nth = [&](Value i, Value count) { return reverse ? t.sub(t.sub(count, one), i) : i; };
  Value tiles = t.ceilDiv(length, config.steps);
  auto outer = scf::ForOp::create(builder, t.loc, zero, tiles, one, state);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(outer.getBody());
  tile0 = t.mul(nth(outer.getInductionVar(), tiles), config.steps);
  load();

  Value left = t.ceilDiv(t.sub(length, tile0), config.unroll);
  Value count = t.min(left, t.index(config.steps / config.unroll));
  auto inner = scf::ForOp::create(builder, t.loc, zero, count, one, outer.getRegionIterArgs());
  builder.setInsertionPointToStart(inner.getBody());
  SmallVector<Value> next(inner.getRegionIterArgs());
  steps(t.mul(nth(inner.getInductionVar(), count), config.unroll), next);
  scf::YieldOp::create(builder, t.loc, next);
  builder.setInsertionPointToEnd(outer.getBody());
  scf::YieldOp::create(builder, t.loc, inner.getResults());
  return SmallVector<Value>(outer.getResults());
}
