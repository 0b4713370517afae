//===- Recurrence.cpp - Lines, and tiles between registers and SRAM -------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "PtxAsm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

//===----------------------------------------------------------------------===//
// Lines: lane t has the elements t, t + 32, ...
//===----------------------------------------------------------------------===//

Value Emitter::fromLane(Value value, Value from) {
  return NVVM::ShflOp::create(b, loc, value.getType(), i32(-1), value, from, i32(31),
                              NVVM::ShflKind::idx, UnitAttr());
}

/// Sums over 2, 4, ... 32 lanes, then over what came before the register.
void Emitter::emitScan(ScanOp op) {
  Values sums = get(op.getSource());
  for (Value &sum : sums)
    for (int64_t distance = 1; distance < kWarpLanes; distance *= 2) {
      Value below = NVVM::ShflOp::create(b, loc, sum.getType(), i32(-1), sum, i32(distance), i32(0),
                                         NVVM::ShflKind::up, UnitAttr());
      Value has = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::sge, lane, i32(distance));
      sum = LLVM::SelectOp::create(b, loc, has, LLVM::FAddOp::create(b, loc, sum, below), sum);
    }
  for (size_t k = 1; k < sums.size(); ++k)
    sums[k] = LLVM::FAddOp::create(b, loc, sums[k], fromLane(sums[k - 1], i32(kWarpLanes - 1)));
  set(op.getResult(), sums);
}

void Emitter::emitDistribute(DistributeOp op) {
  const Values line = get(op.getSource());
  Values result;
  if (isIn<RowAttr>(op.getResult().getType())) {
    // A warp's 16 rows lie in one register of the line.
    Value number = LLVM::LShrOp::create(b, loc, row, i32(5)), mine = line[0];
    for (size_t k = 1; k < line.size(); ++k)
      mine = LLVM::SelectOp::create(b, loc, isEqual(number, k), line[k], mine);
    for (int64_t i : {0, 8})
      result.push_back(fromLane(mine, both(add(row, i), i32(kWarpLanes - 1))));
    return (void)set(op.getResult(), result);
  }
  Value first = ptx::opaque(b, loc, mul(quadLane, 2), /*pinned=*/true);
  for (int64_t j = 0, n = op.getResult().getType().getDimSize(0); j < n; j += 8)
    for (int64_t e : {0, 1})
      result.push_back(fromLane(line[j / kWarpLanes], add(first, j % kWarpLanes + e)));
  set(op.getResult(), result);
}

void Emitter::emitPick(PickOp op) {
  int64_t at = op.getPosition();
  set(op.getResult(), {fromLane(get(op.getSource())[at / kWarpLanes], i32(at % kWarpLanes))});
}

void Emitter::emitGreatest(GreatestOp op) {
  const Values line = get(op.getSource());
  Value greatest = line.front();
  for (Value value : ArrayRef(line).drop_front())
    greatest = LLVM::MaxNumOp::create(b, loc, greatest, value);
  for (int64_t distance = 1; distance < kWarpLanes; distance *= 2) {
    Value other = NVVM::ShflOp::create(b, loc, greatest.getType(), i32(-1), greatest, i32(distance), i32(31),
                                       NVVM::ShflKind::bfly, UnitAttr());
    greatest = LLVM::MaxNumOp::create(b, loc, greatest, other);
  }
  set(op.getResult(), {greatest});
}

/// Of each row a thread keeps a bit for each of its pairs of columns, of the left ones in the lower
/// half of a word and of the right ones in the upper half; a register is two of them times 1 or -1.
void Emitter::emitBetween(BetweenOp op) {
  RankedTensorType type = op.getResult().getType();
  // The matrix is cheap to make, and dear to hold.
  bool scarce = kernel->hasAttr(kScarceAttr);
  Value nothing = scarce ? ptx::remade(b, loc, i32(0)) : i32(0);
  Value first = scarce ? Value(add(mul(quadLane, 2), nothing))
                       : ptx::opaque(b, loc, mul(quadLane, 2), /*pinned=*/true);
  auto below = [&](Value bound) { // a bit for each column 8 j + first + e below it
    Value word = i32(0);
    for (int64_t e : {0, 1}) {
      Value ahead = LLVM::SubOp::create(b, loc, add(bound, 7 - e), first);
      Value columns = LLVM::LShrOp::create(b, loc, LLVM::SMaxOp::create(b, loc, ahead, i32(0)), i32(3));
      columns = LLVM::SMinOp::create(b, loc, columns, i32(type.getDimSize(1) / 8));
      Value bits = add(Value(LLVM::ShlOp::create(b, loc, i32(1), columns)), -1);
      word = LLVM::OrOp::create(b, loc, word, LLVM::ShlOp::create(b, loc, bits, i32(16 * e)));
    }
    return word;
  };
  int64_t one = type.getElementType().isBF16() ? 0x3F80 : 0x3C00;
  Value words[2], factors[2];
  for (int64_t i : {0, 1}) {
    Value from = add(element(op.getFrom(), i), nothing), to = element(op.getTo(), i);
    words[i] = LLVM::XOrOp::create(b, loc, below(from), below(to));
    Value ahead = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::sle, from, to);
    factors[i] = LLVM::SelectOp::create(b, loc, ahead, i32(one), i32(one | 0x8000));
  }
  Values result;
  for (int64_t j = 0; j < type.getDimSize(1) / 8; ++j)
    for (int64_t i : {0, 1}) {
      Value pair = both(LLVM::LShrOp::create(b, loc, words[i], i32(j)), i32(0x10001));
      result.push_back(mul(pair, factors[i]));
    }
  set(op.getResult(), result);
}

void Emitter::emitCommon(CommonOp op) {
  const Values source = get(op.getSource());
  Values result;
  for (int64_t k = 0, n = count(op.getResult().getType()); k < n; ++k)
    result.push_back(source[k / 2 * 4 + k % 2]);
  set(op.getResult(), result);
}

//===----------------------------------------------------------------------===//
// Between registers and SRAM
//===----------------------------------------------------------------------===//

Emitter::Values Emitter::unpack(Value pair, Type element) {
  if (element.isBF16()) { // the upper half of an f32
    Value low = LLVM::ShlOp::create(b, loc, pair, i32(16)),
          high = both(pair, i32(int32_t(0xFFFF0000)));
    return {LLVM::BitcastOp::create(b, loc, b.getF32Type(), low),
            LLVM::BitcastOp::create(b, loc, b.getF32Type(), high)};
  }
  Value halves = LLVM::BitcastOp::create(b, loc, VectorType::get(2, element), pair);
  Value wide = LLVM::FPExtOp::create(b, loc, VectorType::get(2, b.getF32Type()), halves);
  return {LLVM::ExtractElementOp::create(b, loc, wide, i32(0)),
          LLVM::ExtractElementOp::create(b, loc, wide, i32(1))};
}

void Emitter::emitParts(PartsOp op) {
  Type type = getElementTypeOrSelf(op.getWhole().getType());
  Values whole, rest;
  for (int64_t k = 0, n = count(op.getSource().getType()); k < n; k += 2) {
    Value x = element(op.getSource(), k), y = element(op.getSource(), k + 1);
    whole.push_back(pack(x, y, type));
    Values rounded = unpack(whole.back(), type);
    rest.push_back(pack(LLVM::FSubOp::create(b, loc, x, rounded[0]),
                        LLVM::FSubOp::create(b, loc, y, rounded[1]), type));
  }
  set(op.getWhole(), std::move(whole));
  set(op.getRest(), std::move(rest));
}

void Emitter::emitPanel(PanelOp op) {
  RankedTensorType source = op.getSource().getType();
  int64_t bytes = op.getFirst() * source.getElementTypeBitWidth() / 8;
  set(op.getTile(), {add(one(op.getSource()), source.getDimSize(0) * bytes)});
}

/// Each warpgroup writes the zeros, and waits for its own only: those of the others are the same.
void Emitter::emitTrim(TrimOp op) {
  RankedTensorType type = op.getTile().getType();
  int64_t rows = type.getDimSize(0), pieces = kPanelBytes / 16, step = kWarpgroupThreads / pieces;
  int64_t panels = llvm::divideCeil(type.getDimSize(1) * type.getElementTypeBitWidth() / 8, kPanelBytes);
  const Value base = one(op.getSource()), count = one(op.getRows());
  set(op.getTile(), {base});
  Value ragged = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, count, i32(rows));
  auto branch = scf::IfOp::create(b, loc, ragged, /*withElse=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Value own = ptx::remade(b, loc, thread);
  Value line = LLVM::LShrOp::create(b, loc, both(own, i32(kWarpgroupThreads - 1)), i32(3));
  Value address = add(add(base, mul(line, kPanelBytes)), mul(both(own, i32(pieces - 1)), 16));
  auto words = VectorType::get(4, b.getI32Type());
  Value zero = LLVM::ConstantOp::create(b, loc, words, b.getZeroAttr(words));
  for (int64_t first = 0; first < rows; first += step) {
    Value behind = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::sge, add(line, first), count);
    auto write = scf::IfOp::create(b, loc, behind, /*withElse=*/false);
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(write.thenBlock());
    for (int64_t panel = 0; panel < panels; ++panel)
      LLVM::StoreOp::create(b, loc, zero,
                            shared(add(address, (panel * rows + first) * kPanelBytes)), /*alignment=*/16);
  }
  publish();
  meetWarpgroup();
}

/// Each thread reads the pairs of neighbours that it holds.
void Emitter::emitWideFragment(FragmentOp op) {
  RankedTensorType source = op.getSource().getType();
  int64_t rows = source.getDimSize(0), panelColumns = kPanelBytes / 4;
  Value own = ptx::opaque(b, loc, row, /*pinned=*/true);
  Value line = both(own, i32(7)), half = mul(both(quadLane, i32(1)), 8);
  Value base = add(add(one(op.getSource()), mul(own, kPanelBytes)), half);
  Value right = LLVM::LShrOp::create(b, loc, quadLane, i32(1));
  Values result;
  for (int64_t j = 0; j < source.getDimSize(1); j += 8) {
    Value chunk = LLVM::XOrOp::create(b, loc, add(right, j % panelColumns / 4), line);
    Value address = add(add(base, mul(chunk, 16)), j / panelColumns * rows * kPanelBytes);
    for (int64_t i : {0, 8})
      llvm::append_range(result, loadWide(shared(add(address, i * kPanelBytes)), b.getF32Type(), 2));
  }
  set(op.getResult(), result);
}

/// Lane t gives ldmatrix the address of row t % 8 of matrix t / 8; the four matrices are rows 0-7 and
/// 8-15 of 16 columns of the result.
void Emitter::emitFragment(FragmentOp op) {
  RankedTensorType source = op.getSource().getType(), type = op.getResult().getType();
  if (source.getElementType().isF32())
    return emitWideFragment(op);
  int64_t rows = source.getDimSize(0), panelMatrices = kPanelBytes / 16;
  // What follows from the lane is cheap to make, and dear to hold through a loop.
  Value own = kernel->hasAttr(kScarceAttr) ? ptx::remade(b, loc, lane)
                                           : ptx::opaque(b, loc, lane, /*pinned=*/true);
  Value line = both(own, i32(7)), matrix = LLVM::LShrOp::create(b, loc, own, i32(3));
  Value below = both(matrix, i32(1)), right = LLVM::LShrOp::create(b, loc, matrix, i32(1));
  bool transpose = op.getTranspose();

  // Transposed, a warpgroup's 64 rows are the columns of one panel.
  Value base = one(op.getSource()), chunk;
  if (transpose) {
    base = add(base, mul(tileGroup, rows * kPanelBytes));
    chunk = LLVM::XOrOp::create(b, loc, add(mul(warpInGroup, 2), below), line);
    base = add(add(base, mul(chunk, 16)), mul(add(mul(right, 8), line), kPanelBytes));
  } else {
    Value firstRow = add(mul(tileGroup, kWarpgroupRows), mul(warpInGroup, 16));
    base = add(base, mul(add(add(firstRow, mul(below, 8)), line), kPanelBytes));
  }
  Values result;
  for (int64_t j = 0; j < type.getDimSize(1) / 8; j += 2) {
    Value address;
    if (transpose) {
      address = add(base, j * 8 * kPanelBytes);
    } else {
      chunk = LLVM::XOrOp::create(b, loc, add(right, j % panelMatrices), line);
      address = add(add(base, mul(chunk, 16)), j / panelMatrices * rows * kPanelBytes);
    }
    for (Value pair : loadMatrices(address, 4, transpose)) {
      if (isIn<AFragAttr>(type))
        result.push_back(pair);
      else
        llvm::append_range(result, unpack(pair, source.getElementType()));
    }
  }
  set(op.getResult(), result);
}

/// All warps of the tile have left its buffer before it is written, and see it whole behind.
void Emitter::emitStage(StageOp op) {
  Value address = buffer(op.getBuffer());
  meet();
  writeMatrices(get(op.getSource()), address, op.getTile().getType().getDimSize(0));
  publish();
  meet();
  set(op.getTile(), {address});
}

void Emitter::emitScatter(ScatterOp op) {
  ViewType type = op.getDestination().getType();
  const Values view = viewFor(op.getDestination(), op.getTile().getType());
  const Values tile = get(op.getTile());
  // A register holds one element, or two neighbouring ones of 16 bits.
  bool packed = scalarType(op.getTile().getType()) != type.getElementType();
  for (size_t k = 0, n = tile.size() * (packed ? 2 : 1); k < n; ++k) {
    Values indices;
    Value inside;
    for (auto [i, index] : llvm::enumerate(op.getIndices())) {
      Value at = wide(element(index, isa<RankedTensorType>(index.getType()) ? k : 0));
      Value fits = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, at, view[1 + i]);
      inside = inside ? both(inside, fits) : fits;
      indices.push_back(at);
    }
    Value value = tile[packed ? k / 2 : k];
    if (packed) {
      value = LLVM::BitcastOp::create(b, loc, VectorType::get(2, type.getElementType()), value);
      value = LLVM::ExtractElementOp::create(b, loc, value, i32(k % 2));
    }
    auto branch = scf::IfOp::create(b, loc, inside, /*withElse=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    LLVM::StoreOp::create(b, loc, value, elementAddress(type, view, indices));
  }
}
