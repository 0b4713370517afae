//===- Runs.cpp - Tiles of sequences, Toeplitz products -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "PtxAsm.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// Columns of a run, and of the part of a row that the four lanes hold with one run each.
static constexpr int64_t kRun = 8, kHalf = 32;
static constexpr int64_t kElementBytes = 2;
/// Bytes of a core matrix of 8 x 8 elements.
static constexpr int64_t kCoreBytes = 128;
/// The position of a row that is not in the tensor: far to the left of it, a multiple of a run.
static constexpr int64_t kNowhere = -(int64_t(1) << 30);

//===----------------------------------------------------------------------===//
// Device memory
//===----------------------------------------------------------------------===//

Emitter::RunTensor Emitter::runTensor(Value viewValue, ValueRange indices, bool wrap) {
  RunTensor tensor;
  tensor.type = cast<ViewType>(viewValue.getType());
  tensor.wrap = wrap;
  const Values view = get(viewValue);
  size_t rank = tensor.type.getShape().size();
  tensor.pointer = LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), view[0]);
  tensor.size = LLVM::TruncOp::create(b, loc, b.getI32Type(), view[rank]);
  tensor.lastStride = view[2 * rank];
  for (int64_t i = 0; i < 2; ++i) {
    auto at = [&](size_t d) {
      return element(indices[d], isa<RankedTensorType>(indices[d].getType()) ? i : 0);
    };
    RowPlace &row = tensor.rows[i];
    row.position = at(rank - 1);
    Value offset = i64(0);
    for (size_t d = 0; d + 1 < rank; ++d) {
      Value index = wide(at(d));
      Value inside = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, index, view[1 + d]);
      row.exists = row.exists ? both(row.exists, inside) : inside;
      offset = add(offset, mul(index, view[1 + rank + d]));
    }
    if (!row.exists)
      row.exists = constant(b.getBoolAttr(true));
    row.address = add(tensor.pointer, mul(offset, i64(kElementBytes)));
  }
  return tensor;
}

/// The low bits, in elements, of whatever must be a multiple of a run.
Value Emitter::unalignedBits(ViewType type, ValueRange view) {
  size_t rank = type.getShape().size();
  Value pointer = LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), view[0]);
  Value bits = LLVM::LShrOp::create(b, loc, pointer, i64(1));
  for (size_t d = 0; d + 1 < rank; ++d)
    bits = LLVM::OrOp::create(b, loc, bits, view[1 + rank + d]);
  bits = LLVM::OrOp::create(b, loc, bits, view[rank]);
  return LLVM::TruncOp::create(b, loc, b.getI32Type(), bits);
}

Value Emitter::hasUnitStride(ViewType type, ValueRange view) {
  return LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, view[2 * type.getShape().size()],
                              i64(1));
}

void Emitter::emitWhole(WholeOp op) {
  Value whole = constant(b.getBoolAttr(true));
  for (Value tensor : op.getTensors()) {
    auto type = cast<ViewType>(tensor.getType());
    Values view = get(tensor);
    size_t rank = type.getShape().size();
    if (type.getShape().back() == 2) {
      // A tensor of pairs: as one without that dimension, of elements of twice the size.
      Value stride = view[2 * rank - 1];
      whole = both(whole, LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, stride, i64(2)));
      view[2 * rank - 1] = view[rank] = i64(0);
    }
    whole = both(whole, isEqual(both(unalignedBits(type, view), i32(kRun - 1)), 0));
    whole = both(whole, hasUnitStride(type, view));
  }
  set(op.getResult(), {whole});
}

/// Whether all runs of this warp lie in one piece at addresses that are multiples of 16 bytes, and
/// end where the tensor ends.
Value Emitter::movesWhole(const RunTensor &tensor, ValueRange view) {
  Value low = unalignedBits(tensor.type, view);
  for (const RowPlace &row : tensor.rows)
    low = LLVM::OrOp::create(b, loc, low, row.position);
  Value whole = both(isEqual(both(low, i32(kRun - 1)), 0), hasUnitStride(tensor.type, view));
  if (tensor.wrap)
    for (const RowPlace &row : tensor.rows) {
      // At most one period outside; as unsigned numbers, negative ones are too large.
      Value shifted = add(row.position, tensor.size);
      Value end = add(mul(tensor.size, 3), -kToeplitzSize);
      Value near = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ule, shifted, end);
      whole = both(whole, near);
    }
  return NVVM::VoteSyncOp::create(b, loc, b.getI1Type(), i32(-1), whole, NVVM::VoteSyncKind::all);
}

std::pair<Value, Value> Emitter::runOf(const RunTensor &tensor, int64_t i, int64_t half) {
  const RowPlace &row = tensor.rows[i];
  Value position = row.position, lane = mul(quadLane, kRun);
  Value first = add(add(position, lane), half * kHalf);
  if (tensor.wrap) {
    auto moved = [&](LLVM::ICmpPredicate predicate, Value bound, Value by) {
      Value outside = LLVM::ICmpOp::create(b, loc, predicate, first, bound);
      first = LLVM::SelectOp::create(b, loc, outside, by, first);
    };
    moved(LLVM::ICmpPredicate::sge, tensor.size, LLVM::SubOp::create(b, loc, first, tensor.size));
    moved(LLVM::ICmpPredicate::slt, i32(0), add(first, tensor.size));
    position = first;
  }
  Value inside = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, first, tensor.size);
  Value address = add(row.address, mul(wide(position), i64(kElementBytes)));
  if (!tensor.wrap) // constants last, so that they become part of the instruction
    address = add(add(address, mul(wide(lane), i64(kElementBytes))), i64(half * kHalf * kElementBytes));
  return {address, both(row.exists, inside)};
}

std::pair<Value, Value> Emitter::elementOf(const RunTensor &tensor, Value address, Value position) {
  Value inside = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, position, tensor.size);
  Value place = mul(wide(position), tensor.lastStride);
  return {add(address, mul(place, i64(kElementBytes))), inside};
}

void Emitter::syncWarp() { NVVM::SyncWarpOp::create(b, loc, i32(-1)); }

/// The place of a thread's run in the buffer, where each warp has 16 rows of 128 bytes.
Value Emitter::runInBuffer(Value buffer, int64_t i, int64_t half) {
  Value inRow = add(mul(quadLane, kRun * kElementBytes), half * kHalf * kElementBytes);
  return add(add(buffer, mul(add(row, 8 * i), kPanelBytes)), inRow);
}

void Emitter::forEachRow(const RunTensor &tensor, Value buffer,
                         function_ref<void(RowPlace, Value)> body) {
  Value firstRow = add(mul(group, kWarpgroupRows), mul(warpInGroup, 16));
  // LLVM would unroll a loop whose length it knows.
  Value rows = ptx::opaque(b, loc, i32(16));
  auto loop = scf::ForOp::create(b, loc, i32(0), rows, i32(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value r = loop.getInductionVar();
  Value upper = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::sge, r, i32(8));
  Value holder = mul(both(r, i32(7)), kLanes);
  auto fetch = [&](Value first, Value second) -> Value {
    Value value = LLVM::SelectOp::create(b, loc, upper, second, first);
    return NVVM::ShflOp::create(b, loc, value.getType(), i32(-1), value, holder, i32(31),
                                NVVM::ShflKind::idx, UnitAttr());
  };
  auto part = [&](Value address, int64_t shift) -> Value {
    return LLVM::TruncOp::create(b, loc, b.getI32Type(),
                                 LLVM::LShrOp::create(b, loc, address, i64(shift)));
  };
  Value words[2];
  for (int64_t w = 0; w < 2; ++w)
    words[w] = LLVM::ZExtOp::create(b, loc, b.getI64Type(),
                                    fetch(part(tensor.rows[0].address, 32 * w),
                                          part(tensor.rows[1].address, 32 * w)));
  RowPlace place;
  place.address = LLVM::OrOp::create(b, loc, words[0], LLVM::ShlOp::create(b, loc, words[1], i64(32)));
  auto position = [&](const RowPlace &row) -> Value {
    return LLVM::SelectOp::create(b, loc, row.exists, row.position, i32(kNowhere));
  };
  place.position = fetch(position(tensor.rows[0]), position(tensor.rows[1]));
  body(place, add(buffer, mul(add(firstRow, r), kPanelBytes)));
}

void Emitter::emitLoadRuns(LoadRunsOp op) {
  RunTensor tensor = runTensor(op.getSource(), op.getIndices(), op.getWrap());
  Value buffer = add(sramBase, *op.getBuffer().getDefiningOp<AllocOp>().getOffset());
  SmallVector<Type> types(count(op.getTile().getType()), b.getI32Type());
  auto gather = [&](function_ref<Values(int64_t, int64_t)> run) {
    Values tile(types.size());
    for (int64_t half = 0; half < 2; ++half)
      for (int64_t i = 0; i < 2; ++i)
        for (auto [p, word] : llvm::enumerate(run(i, half)))
          tile[8 * half + 2 * p + i] = word;
    return tile;
  };
  auto loadRun = [&](int64_t i, int64_t half) {
    auto [address, inside] = runOf(tensor, i, half);
    return ptx::loadIf(b, loc, address, inside, 4);
  };
  if (op.getWhole()) {
    set(op.getTile(), gather(loadRun));
    return;
  }
  auto whole = scf::IfOp::create(b, loc, types, movesWhole(tensor, get(op.getSource())), true);
  OpBuilder::InsertionGuard guard(b);
  whole.thenBlock()->clear();
  b.setInsertionPointToStart(whole.thenBlock());
  scf::YieldOp::create(b, loc, gather(loadRun));

  // Else lanes read neighbouring elements of one row after the other.
  whole.elseBlock()->clear();
  b.setInsertionPointToStart(whole.elseBlock());
  syncWarp();
  forEachRow(tensor, buffer, [&](RowPlace row, Value target) {
    for (int64_t half = 0; half < 2; ++half) {
      Value column = add(lane, half * kHalf), position = add(row.position, column);
      if (tensor.wrap) {
        Value rest = LLVM::SRemOp::create(b, loc, position, tensor.size);
        Value negative = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, rest, i32(0));
        position = LLVM::SelectOp::create(b, loc, negative, add(rest, tensor.size), rest);
        Value nowhere = isEqual(row.position, kNowhere);
        position = LLVM::SelectOp::create(b, loc, nowhere, row.position, position);
      }
      auto [address, inside] = elementOf(tensor, row.address, position);
      Value value = ptx::loadIf(b, loc, address, inside, 1, /*half=*/true)[0];
      LLVM::StoreOp::create(b, loc, value, shared(add(target, mul(column, kElementBytes))));
    }
  });
  syncWarp();
  auto vector = VectorType::get(4, b.getI32Type());
  Values tile = gather([&](int64_t i, int64_t half) {
    Value words = LLVM::LoadOp::create(b, loc, vector, shared(runInBuffer(buffer, i, half)), 16);
    Values run;
    for (int64_t p = 0; p < kRun / 2; ++p)
      run.push_back(LLVM::ExtractElementOp::create(b, loc, words, i32(p)));
    return run;
  });
  scf::YieldOp::create(b, loc, tile);
  set(op.getTile(), llvm::to_vector(ValueRange(whole.getResults())));
}

void Emitter::emitStoreRuns(StoreRunsOp op) {
  RunTensor tensor = runTensor(op.getDestination(), op.getIndices(), /*wrap=*/false);
  Value buffer = add(sramBase, *op.getBuffer().getDefiningOp<AllocOp>().getOffset());
  const Values tile = get(op.getTile());
  auto runs = [&](function_ref<void(int64_t, int64_t, Values)> store) {
    for (int64_t half = 0; half < 2; ++half)
      for (int64_t i = 0; i < 2; ++i) {
        Values words;
        for (int64_t p = 0; p < kRun / 2; ++p)
          words.push_back(tile[8 * half + 2 * p + i]);
        store(i, half, words);
      }
  };
  auto storeRun = [&](int64_t i, int64_t half, Values words) {
    auto [address, inside] = runOf(tensor, i, half);
    ptx::storeIf(b, loc, address, inside, words);
  };
  if (op.getWhole())
    return runs(storeRun);
  auto whole = scf::IfOp::create(b, loc, movesWhole(tensor, get(op.getDestination())), true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(whole.thenBlock());
  runs(storeRun);

  b.setInsertionPointToStart(whole.elseBlock());
  syncWarp();
  auto vector = VectorType::get(4, b.getI32Type());
  runs([&](int64_t i, int64_t half, Values words) {
    Value packed = LLVM::UndefOp::create(b, loc, vector);
    for (auto [p, word] : llvm::enumerate(words))
      packed = LLVM::InsertElementOp::create(b, loc, packed, word, i32(p));
    LLVM::StoreOp::create(b, loc, packed, shared(runInBuffer(buffer, i, half)), 16);
  });
  syncWarp();
  forEachRow(tensor, buffer, [&](RowPlace row, Value source) {
    for (int64_t half = 0; half < 2; ++half) {
      Value column = add(lane, half * kHalf);
      Value value = LLVM::LoadOp::create(b, loc, b.getI16Type(),
                                         shared(add(source, mul(column, kElementBytes))));
      auto [address, inside] = elementOf(tensor, row.address, add(row.position, column));
      ptx::storeIf(b, loc, address, inside, value, /*half=*/true);
    }
  });
}

//===----------------------------------------------------------------------===//
// SRAM
//===----------------------------------------------------------------------===//

Value Emitter::wovenRow() {
  Value inEight = LLVM::LShrOp::create(b, loc, lane, i32(2));
  return add(add(mul(tileGroup, kWarpgroupRows), mul(warpInGroup, 16)), inEight);
}

/// The second half of it differs in the bit of 16 bytes. Eight lanes, of two rows, take theirs from all banks.
Value Emitter::runInTile(Value tile, Value row) {
  Value chunk = LLVM::XOrOp::create(b, loc, mul(quadLane, 2), both(row, i32(7)));
  return add(add(tile, mul(row, kPanelBytes)), mul(chunk, kRun * kElementBytes));
}

void Emitter::emitReadRuns(ReadRunsOp op) {
  int64_t rows = op.getRows(), pitch = op.getPitch(), from = op.getFrom();
  // Addresses are cheap to make, and dear to hold through a loop, where LLVM would.
  Value base = one(op.getSource()), first = ptx::opaque(b, loc, wovenRow(), /*pinned=*/true);
  Values tile(count(op.getTile().getType()));
  for (int64_t i = 0; i < 2; ++i) {
    Value row = add(first, 8 * i);
    if (pitch != rows || op.getWrap()) {
      Value group = LLVM::UDivOp::create(b, loc, row, i32(rows));
      Value inGroup = add(LLVM::URemOp::create(b, loc, row, i32(rows)), from);
      if (op.getWrap()) {
        Value behind = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::sge, inGroup, i32(rows));
        inGroup = LLVM::SelectOp::create(b, loc, behind, add(inGroup, -rows), inGroup);
      }
      row = add(mul(group, pitch), inGroup);
    } else {
      row = add(row, from);
    }
    Value left = runInTile(base, row);
    for (int64_t half = 0; half < 2; ++half) {
      Value place = half ? Value(LLVM::XOrOp::create(b, loc, left, i32(kRun * kElementBytes))) : left;
      for (auto [p, word] : llvm::enumerate(loadWords(shared(place), 4 * (kRun / 2))))
        tile[8 * half + 2 * p + i] = word;
    }
  }
  set(op.getTile(), std::move(tile));
}

void Emitter::writeRuns(ValueRange registers, Value address) {
  auto vector = VectorType::get(4, b.getI32Type());
  Value first = ptx::opaque(b, loc, wovenRow(), /*pinned=*/true);
  for (int64_t i = 0; i < 2; ++i) {
    Value left = runInTile(address, add(first, 8 * i));
    for (int64_t half = 0; half < 2; ++half) {
      Value words = LLVM::UndefOp::create(b, loc, vector);
      for (int64_t p = 0; p < kRun / 2; ++p)
        words = LLVM::InsertElementOp::create(b, loc, words, registers[8 * half + 2 * p + i], i32(p));
      Value place = half ? Value(LLVM::XOrOp::create(b, loc, left, i32(kRun * kElementBytes))) : left;
      LLVM::StoreOp::create(b, loc, words, shared(place), 16);
    }
  }
}

//===----------------------------------------------------------------------===//
// Toeplitz matrices
//===----------------------------------------------------------------------===//

void Emitter::meetConsumers() {
  constexpr int64_t kBarrier = 8; // 0 is the whole CTA's, then one for each warpgroup
  NVVM::BarrierOp::create(b, loc, TypeRange(), i32(kBarrier), i32(warpgroups * kWarpgroupThreads),
                          {}, Value());
}

void Emitter::forEachThread(int64_t count, function_ref<void(Value)> body) {
  Value first =
      add(thread, kernel.getSchedule().hasProducer() ? -kWarpgroupThreads : 0);
  auto loop = scf::ForOp::create(b, loc, first, i32(count), i32(warpgroups * kWarpgroupThreads));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

/// The list of the function's values, from the largest lag down, and a copy of it from the second
/// element on: so that any two neighbours stand in one word of one of them. All of a thread's values
/// are asked for before the first is needed.
LogicalResult Emitter::emitLags(ToeplitzOp op, Value first, Value second) {
  int64_t matrices = op.getResult().getType().getDimSize(0), lags = toeplitzLags(matrices);
  int64_t largest = kToeplitzSize * (int64_t(op.getFirst()) + matrices) - 1;
  int64_t threads = warpgroups * kWarpgroupThreads;
  Value own = add(thread, kernel.getSchedule().hasProducer() ? -kWarpgroupThreads : 0);
  Values values;
  for (int64_t begin = 0; begin < lags; begin += threads) {
    Block &body = op.getBody().front();
    set(body.getArgument(0), {LLVM::SubOp::create(b, loc, i32(largest), add(own, begin))});
    if (failed(emitBlock(body)))
      return failure();
    values.push_back(one(body.getTerminator()->getOperand(0)));
  }
  auto when = [&](LLVM::ICmpPredicate predicate, Value n, int64_t bound, Value value, Value at) {
    auto branch = scf::IfOp::create(
        b, loc, LLVM::ICmpOp::create(b, loc, predicate, n, i32(bound)), /*withElse=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    LLVM::StoreOp::create(b, loc, value, shared(at));
  };
  for (auto [i, value] : llvm::enumerate(values)) {
    Value n = add(own, int64_t(i) * threads), place = mul(n, kElementBytes);
    when(LLVM::ICmpPredicate::slt, n, lags, value, add(first, place));
    // The first one has no place in the copy.
    Value inCopy = LLVM::SelectOp::create(b, loc, isEqual(n, 0), i32(lags), n);
    when(LLVM::ICmpPredicate::slt, inCopy, lags, value, add(second, add(place, -kElementBytes)));
  }
  return success();
}

/// Row 2 p + e of core c holds, in its words q, the elements of lag l - w q and l - w q - 1, with
/// l = 64 first + 2 (c - 19) + w p + e and w = 8, or of woven ones as #tile.toeplitz says. In the list they stand at
/// `largest - l + w q`, which is even where e is 1; the copy serves the others.
void Emitter::emitCores(ToeplitzOp op, Value cores, Value first, Value second) {
  RankedTensorType type = op.getResult().getType();
  int64_t matrices = type.getDimSize(0);
  const ToeplitzCores &layout = toeplitzCores(isWoven(type));
  int64_t begin = kToeplitzSize * matrices - 1 + 2 * layout.middle; // of core 0, row 0
  forEachThread(toeplitzCores(matrices, isWoven(type)) * kRun, [&](Value n) {
    Value core = LLVM::LShrOp::create(b, loc, n, i32(3)), row = both(n, i32(7));
    Value odd = both(row, i32(1)), pair = LLVM::LShrOp::create(b, loc, row, i32(1));
    Value lag = add(add(mul(core, 2), mul(pair, layout.lanes)), odd);
    if (int64_t gap = kToeplitzSize - 2 * layout.step) // from the last core of a matrix to the first of the next
      lag = add(lag, mul(LLVM::UDivOp::create(b, loc, core, i32(layout.step)), gap));
    Value place = mul(LLVM::SubOp::create(b, loc, i32(begin), lag), kElementBytes);
    Value source = LLVM::SelectOp::create(b, loc, isEqual(odd, 1), add(first, place),
                                          add(second, add(place, -kElementBytes)));
    auto vector = VectorType::get(4, b.getI32Type());
    Value words = LLVM::UndefOp::create(b, loc, vector);
    for (int64_t q = 0; q < 4; ++q) {
      Value word =
          LLVM::LoadOp::create(b, loc, b.getI32Type(), shared(add(source, layout.lanes * q * kElementBytes)));
      words = LLVM::InsertElementOp::create(b, loc, words, word, i32(q));
    }
    LLVM::StoreOp::create(b, loc, words, shared(add(cores, mul(n, kCoreBytes / kRun))), 16);
  });
}

LogicalResult Emitter::emitToeplitz(ToeplitzOp op) {
  RankedTensorType type = op.getResult().getType();
  int64_t matrices = type.getDimSize(0);
  int64_t offset = *op.getBuffer().getDefiningOp<AllocOp>().getOffset();
  Value cores = add(sramBase, offset);
  Value first = add(cores, toeplitzCores(matrices, isWoven(type)) * kCoreBytes);
  Value second = add(first, toeplitzLags(matrices) * kElementBytes);
  meetConsumers(); // the last products that read the buffer are done
  if (failed(emitLags(op, first, second)))
    return failure();
  meetConsumers();
  emitCores(op, cores, first, second);
  // Products read through another proxy.
  NVVM::FenceProxyOp::create(b, loc, NVVM::ProxyKind::async_shared,
                             NVVM::SharedSpaceAttr::get(b.getContext(), NVVM::SharedSpace::shared_cta));
  meetConsumers();
  set(op.getResult(), {cores});
  return success();
}

void Emitter::emitLag(LagOp op) {
  set(op.getResult(), {add(one(op.getSource()), int64_t(op.getIndex()) * toeplitzCores(isWoven(op.getResult().getType())).step * kCoreBytes)});
}

/// Columns i = 32 n + 8 q + 2 x + e of the result by columns j = 32 k + 8 q + 4 s + 2 (1 - y) + e of
/// a: core x + y + 18 - 2 s + 16 (n - k). So neighbours in either direction are one core apart, and
/// the registers of a come in the other order within a step. Of woven tiles, all columns i = 16 q + 2 x + e by j = 16 q + 4 s + 2 (1 - y)
/// + e: core x + y + 6 - 2 s.
void Emitter::emitRunProduct(MmaAsyncOp op) {
  const Values a = get(op.getA());
  ptx::Wgmma product;
  bool woven = isWoven(cast<RankedTensorType>(op.getA().getType()));
  product.n = woven ? kToeplitzSize : kHalf;
  product.parts = woven ? 1 : 2;
  product.element = cast<RankedTensorType>(op.getA().getType()).getElementType();
  for (size_t step = 0; step < a.size() / 4; ++step)
    for (size_t r : {2, 3, 0, 1})
      product.a.push_back(a[4 * step + r]);
  // One descriptor for all matrices of a list: the lag becomes part of the constant offsets.
  auto lag = op.getB().getDefiningOp<LagOp>();
  int64_t base = lag ? int64_t(lag.getIndex()) * toeplitzCores(woven).step : 0;
  product.b = descriptor(one(lag ? lag.getSource() : op.getB()), kCoreBytes, kCoreBytes,
                         /*swizzled=*/false);
  for (int64_t s = 0; woven && s < 4; ++s)
    product.bOffset.push_back(kCoreBytes * (base + 6 - 2 * s));
  for (int64_t n = 0; !woven && n < 2; ++n)
    for (int64_t k = 0; k < 2; ++k)
      for (int64_t s = 0; s < 2; ++s)
        product.bOffset.push_back(kCoreBytes * (base + 18 - 2 * s + 16 * (n - k)));
  if (op.getC())
    product.d = get(op.getC());
  set(op.getResult(), ptx::wgmma(b, loc, product));
}

//===----------------------------------------------------------------------===//
// 16-bit elements in pairs
//===----------------------------------------------------------------------===//

/// An operation on two packed elements.
Value Emitter::emitPacked(Operation *op, ValueRange operands, Type element) {
  if (isa<arith::NegFOp>(op) && element.isF16())
    return ptx::negatePair(b, loc, operands.front());
  auto pair = VectorType::get(2, element);
  Values unpacked;
  for (Value operand : operands)
    unpacked.push_back(operand.getType().isInteger(32)
                           ? Value(LLVM::BitcastOp::create(b, loc, pair, operand))
                           : operand);
  OperationState state(loc, op->getName().getStringRef(), unpacked, pair, op->getAttrs());
  Value result = b.create(state)->getResult(0);
  return LLVM::BitcastOp::create(b, loc, b.getI32Type(), result);
}

void Emitter::emitWiden(Operation *op) {
  Value source = op->getOperand(0);
  auto pair = VectorType::get(2, getElementTypeOrSelf(source.getType()));
  Values result;
  for (Value word : get(source)) {
    Value elements = LLVM::BitcastOp::create(b, loc, pair, word);
    for (int64_t e = 0; e < 2; ++e)
      result.push_back(LLVM::FPExtOp::create(
          b, loc, b.getF32Type(), LLVM::ExtractElementOp::create(b, loc, elements, i32(e))));
  }
  set(op->getResult(0), std::move(result));
}
