//===- Warps.cpp - A matrix for each warp ---------------------------------===//
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

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// The words of a table in the order in which threads hold them: [warp][lane][register], the warps
/// left out if all are alike. `order` permutes registers.
static SmallVector<int32_t> fragmentWords(DenseElementsAttr table, ArrayRef<int64_t> order) {
  auto type = cast<RankedTensorType>(table.getType());
  auto bits = llvm::map_to_vector(table.getValues<APFloat>(), [](const APFloat &value) {
    return uint32_t(value.bitcastToAPInt().getZExtValue());
  });
  int64_t warps = type.getDimSize(0), size = kMatrixSize * kMatrixSize;
  if (ArrayRef(bits).drop_front(size) == ArrayRef(bits).drop_back(size))
    warps = 1;
  bool packed = type.getElementTypeBitWidth() == 16;
  SmallVector<int32_t> words;
  for (int64_t warp = 0; warp < warps; ++warp)
    for (int64_t lane = 0; lane < 32; ++lane)
      for (int64_t at : order) {
        int64_t k = packed ? 2 * at : at; // 4 j + 2 i + e
        int64_t row = lane / 4 + 8 * ((k >> 1) & 1), column = 8 * (k >> 2) + 2 * (lane % 4) + (k & 1);
        size_t first = (warp * kMatrixSize + row) * kMatrixSize + column;
        words.push_back(packed ? bits[first] | bits[first + 1] << 16 : bits[first]);
      }
  return words;
}

/// Puts a table into the module's constants, in planes of up to four words for each thread. Registers
/// that are the same in all threads, as where rows or columns are all one, are one word.
Emitter::Table Emitter::makeTable(DenseElementsAttr table, ArrayRef<int64_t> order) {
  Table made;
  made.words.resize(order.size());
  SmallVector<int64_t> distinct;
  SmallVector<SmallVector<int32_t>> known;
  for (int64_t at : order) {
    SmallVector<int32_t> words = fragmentWords(table, at);
    auto same = llvm::find(known, words);
    made.words[at] = same - known.begin();
    if (same == known.end()) {
      distinct.push_back(at);
      known.push_back(std::move(words));
    }
  }
  made.count = distinct.size();
  for (int64_t first = 0; first < made.count; first += 4) {
    ArrayRef<int64_t> some = ArrayRef(distinct).drop_front(first).take_front(4);
    SmallVector<int32_t> words = fragmentWords(table, some);
    size_t threads = words.size() / some.size(), place;
    made.perWarp = threads > 32;
    std::vector<int32_t> &all = tableWords[made.perWarp];
    std::optional<int64_t> &half = halfPlane[made.perWarp];
    if (some.size() <= 2 && half) {
      place = *std::exchange(half, std::nullopt);
    } else {
      place = all.size();
      all.resize(place + 4 * threads);
      if (some.size() <= 2)
        half = place + 2;
    }
    made.offsets.push_back(4 * int64_t(place));
    for (size_t thread = 0; thread < threads; ++thread)
      for (size_t i = 0; i < some.size(); ++i)
        all[place + 4 * thread + i] = words[thread * some.size() + i];
  }
  return made;
}

std::string Emitter::tableSymbol(bool perWarp) {
  return ("longwing_tables_" + kernel.getSymName() + (perWarp ? "_warp" : "")).str();
}

/// This thread's part of the tables: all of them lie at constants from two addresses.
Value Emitter::tableBase(bool perWarp) {
  Value &base = tableBases[perWarp];
  if (base)
    return base;
  OpBuilder::InsertionGuard guard(b);
  if (tableLoop)
    b.setInsertionPointToStart(tableLoop);
  else
    b.setInsertionPointAfter(sramBase.getDefiningOp());
  auto pointer =
      LLVM::LLVMPointerType::get(b.getContext(), unsigned(NVVM::NVVMMemorySpace::Global));
  Value place = perWarp ? add(mul(matrixWarp, 32), lane) : lane;
  if (tableLoop)
    place = ptx::pinned(b, loc, place);
  if (!perWarp && sramTables())
    return base = add(add(sramBase, *sramTables()), mul(place, 16));
  Value symbol = LLVM::AddressOfOp::create(b, loc, pointer, tableSymbol(perWarp));
  return base = LLVM::GEPOp::create(b, loc, pointer, b.getI32Type(), symbol,
                                    ValueRange{wide(mul(place, 4))});
}

void Emitter::writeTables() {
  for (bool perWarp : {false, true}) {
    const std::vector<int32_t> &words = tableWords[perWarp];
    if (words.empty())
      continue;
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(moduleBody);
    auto type = RankedTensorType::get({int64_t(words.size())}, b.getI32Type());
    LLVM::GlobalOp::create(b, kernel.getLoc(), LLVM::LLVMArrayType::get(b.getI32Type(), words.size()),
                           /*isConstant=*/true, LLVM::Linkage::Internal, tableSymbol(perWarp),
                           DenseIntElementsAttr::get(type, ArrayRef(words)), /*alignment=*/16,
                           unsigned(NVVM::NVVMMemorySpace::Global));
    if (!perWarp && sramTables())
      copyTables(words.size());
  }
}

std::optional<int64_t> Emitter::sramTables() {
  auto offset = kernel->getAttrOfType<IntegerAttr>(kSramTablesAttr);
  return offset ? std::optional(offset.getInt()) : std::nullopt;
}

/// All threads bring the tables to SRAM, before anything else.
void Emitter::copyTables(int64_t words) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfter(sramBase.getDefiningOp());
  auto pointer = LLVM::LLVMPointerType::get(b.getContext(), unsigned(NVVM::NVVMMemorySpace::Global));
  Value from = LLVM::AddressOfOp::create(b, loc, pointer, tableSymbol(/*perWarp=*/false));
  copyToSram(from, add(sramBase, *sramTables()), words / 4);
}

void Emitter::copyToSram(Value from, Value to, int64_t pieces) {
  auto loop = scf::ForOp::create(b, loc, thread, i32(pieces), i32(kernel.getSchedule().getThreads()));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value piece = loop.getInductionVar();
    Value source = LLVM::GEPOp::create(b, loc, from.getType(), VectorType::get(4, b.getI32Type()), from, ValueRange{piece});
    copyPiece(add(to, mul(piece, 16)), source, constant(b.getBoolAttr(true)));
  }
  awaitCopies();
  NVVM::BarrierOp::create(b, loc);
}

Emitter::Values Emitter::readTable(const Table &table) {
  Values words, registers;
  for (auto [i, offset] : llvm::enumerate(table.offsets)) {
    int64_t rest = table.count - 4 * int64_t(i);
    llvm::append_range(words, ptx::loadWords(b, loc, tableBase(table.perWarp), offset, rest < 3 ? rest : 4,
                                                kernel->hasAttr(kStreamsAttr)));
  }
  for (int64_t at : table.words)
    registers.push_back(
        table.isFloat ? Value(LLVM::BitcastOp::create(b, loc, b.getF32Type(), words[at])) : words[at]);
  return registers;
}

/// A constant that is not a splat stays in registers from here on. As the right operand of a product
/// it is held a second time, its pairs side by side as the instruction wants them.
void Emitter::emitTable(Operation *op, DenseElementsAttr table) {
  auto isRight = [](OpOperand &use) {
    return isa<WarpDotOp>(use.getOwner()) && use.getOperandNumber() == 1;
  };
  Value value = op->getResult(0);
  auto reread = kernel->getAttrOfType<StringAttr>(kRereadAttr);
  bool all = op->hasAttr(kRereadAttr) || (reread && reread.getValue() == "all");
  bool right = all || reread;
  if (getElementTypeOrSelf(value.getType()).isF32()) {
    Table words = makeTable(table, {0, 1, 2, 3, 4, 5, 6, 7});
    words.isFloat = true;
    keepTable(leftTables[value] = words, all);
    return;
  }
  if (llvm::any_of(value.getUses(), isRight))
    keepTable(rightTables[value] = makeTable(table, {0, 2, 1, 3}), right);
  if (!llvm::all_of(value.getUses(), isRight))
    keepTable(leftTables[value] = makeTable(table, {0, 1, 2, 3}), all);
}

void Emitter::keepTable(Table &table, bool reread) {
  if (!reread)
    table.registers = readTable(table);
}

SmallVector<Emitter::Table *> Emitter::holdTables(Operation *loop) {
  SmallVector<Table *> held;
  if (!loop->hasAttr(kHoldAttr))
    return held;
  loop->walk([&](Operation *op) {
    for (OpOperand &use : op->getOpOperands()) {
      bool isRight = isa<WarpDotOp>(op) && use.getOperandNumber() == 1;
      auto &tables = isRight ? rightTables : leftTables;
      auto it = tables.find(use.get());
      if (it == tables.end() || !it->second.registers.empty())
        continue;
      it->second.registers = readTable(it->second);
      held.push_back(&it->second);
    }
  });
  return held;
}

/// The registers of a table, read again if they are not kept.
Emitter::Values Emitter::tableOr(const llvm::DenseMap<Value, Table> &known, Value value) {
  auto it = known.find(value);
  if (it == known.end())
    return get(value);
  return it->second.registers.empty() ? readTable(it->second) : it->second.registers;
}

void Emitter::giveTables(Operation *op) {
  for (OpOperand &use : op->getOpOperands())
    if (leftTables.contains(use.get()) && !(isa<WarpDotOp>(op) && use.getOperandNumber() == 1))
      set(use.get(), tableOr(leftTables, use.get()));
}

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

void Emitter::emitWarps(WarpDotOp op) {
  const Values a = get(op.getA()), factor = tableOr(rightTables, op.getB());
  Values c;
  if (op.getC())
    c = get(op.getC());
  bool wide = op.getResult().getType().getElementType().isF32();
  int64_t part = wide ? 4 : 2;
  StringRef form = wide ? "m16n8k16.row.col.f32.f16.f16.f32" : "m16n8k16.row.col.f16.f16.f16.f16";
  Values result;
  // The rows i of b are the columns of the result.
  for (int64_t i = 0; i < 2; ++i) {
    Values start(part, wide ? f32(0) : i32(0));
    if (!c.empty())
      start.assign(c.begin() + part * i, c.begin() + part * (i + 1));
    llvm::append_range(result, ptx::mma(b, loc, form, a, {factor[i], factor[2 + i]}, start));
  }
  set(op.getResult(), std::move(result));
}

void Emitter::emitWarps(TransposeOp op) {
  const Values source = get(op.getSource());
  Values result;
  for (int64_t word = 0; word < 4; ++word) // 2 j + i
    result.push_back(ptx::moveMatrix(b, loc, source[2 * (word % 2) + word / 2]));
  set(op.getResult(), std::move(result));
}

void Emitter::emitWarps(PositionOp op) {
  int64_t dimension = op.getDimension();
  Value first = dimension == 0   ? matrixWarp
                : dimension == 1 ? Value(LLVM::LShrOp::create(b, loc, lane, i32(2)))
                                 : mul(quadLane, op.getQuads() ? 4 : 2);
  // What is computed from positions must not move out of the loop over work tiles: it would take
  // more registers than there are.
  first = ptx::pinned(b, loc, first);
  if (op->hasAttr(kApartAttr)) // nor be held until it is asked for again
    first = ptx::remade(b, loc, first);
  bool quads = op.getQuads();
  setEach(op, [=](int64_t k) -> Value {
    return add(first, dimension == 0   ? 0
                      : dimension == 1 ? 8 * ((k >> 1) & 1)
                      : quads          ? 2 * (k >> 2) + (k & 1)
                                       : 8 * (k >> 2) + (k & 1));
  });
}

void Emitter::emitWarps(CastOp op) {
  Type from = op.getSource().getType().getElementType(),
       to = op.getResult().getType().getElementType();
  Values numbers = get(op.getSource());
  if (!from.isF32()) {
    Values unpacked;
    for (Value word : numbers) {
      if (from.isBF16()) { // the upper half of an f32
        for (Value bits : {Value(LLVM::ShlOp::create(b, loc, word, i32(16))),
                           both(word, i32(int32_t(0xFFFF0000)))})
          unpacked.push_back(LLVM::BitcastOp::create(b, loc, b.getF32Type(), bits));
        continue;
      }
      Value halves = LLVM::BitcastOp::create(b, loc, VectorType::get(2, from), word);
      for (int64_t e = 0; e < 2; ++e)
        unpacked.push_back(LLVM::FPExtOp::create(
            b, loc, b.getF32Type(), LLVM::ExtractElementOp::create(b, loc, halves, i32(e))));
    }
    numbers = std::move(unpacked);
  }
  if (!to.isF32()) {
    Values packed;
    for (size_t k = 0; k < numbers.size(); k += 2)
      packed.push_back(pack(numbers[k], numbers[k + 1], to));
    numbers = std::move(packed);
  }
  set(op.getResult(), std::move(numbers));
}

//===----------------------------------------------------------------------===//
// Elements in device memory
//===----------------------------------------------------------------------===//

/// The address of element k, and whether it is inside of the tensor.
std::pair<Value, Value> Emitter::place(ViewType type, ValueRange view, ValueRange indices,
                                       int64_t k, Value nothing) {
  Values at;
  Value inside;
  for (auto [i, index] : llvm::enumerate(indices)) {
    Value number = element(index, isa<RankedTensorType>(index.getType()) ? k : 0);
    at.push_back(wide(nothing ? add(number, nothing) : number));
    // As unsigned numbers, negative ones are too large.
    Value fits = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, at.back(), view[1 + i]);
    inside = inside ? both(inside, fits) : fits;
  }
  return {elementAddress(type, view, at), inside};
}

/// Whether the elements of a row may differ.
static bool variesInRow(Value index) {
  Operation *op = index.getDefiningOp();
  if (!isa<RankedTensorType>(index.getType()) || isa_and_nonnull<arith::ConstantOp, BroadcastOp>(op))
    return false;
  if (auto position = dyn_cast_or_null<PositionOp>(op))
    return position.getDimension() == 2;
  return !op || llvm::any_of(op->getOperands(), variesInRow);
}

void Emitter::emitWarps(PullOp op) {
  ViewType type = op.getSource().getType();
  const Values view = get(op.getSource());
  bool packed = type.getElementType().getIntOrFloatBitWidth() == 16;
  // A thread has elements of two rows.
  bool oneOfRow = llvm::none_of(op.getIndices(), variesInRow);
  Value ofRow[2];
  // Addresses are no reason to hold what they are made of until the next pull.
  Value nothing = kernel->hasAttr(kScarceAttr) ? ptx::remade(b, loc, i32(0)) : Value();
  auto read = [&](int64_t k) -> Value {
    Value &word = ofRow[(k >> 1) & 1];
    if (word && oneOfRow)
      return word;
    auto [address, inside] = place(type, view, op.getIndices(), k, nothing);
    word = ptx::loadIf(b, loc, address, inside, 1, packed).front();
    return word = packed ? Value(LLVM::ZExtOp::create(b, loc, b.getI32Type(), word))
                         : Value(LLVM::BitcastOp::create(b, loc, type.getElementType(), word));
  };
  Values result;
  for (int64_t k = 0, n = count(op.getResult().getType()); k < n; ++k) {
    if (!packed) {
      result.push_back(read(k));
      continue;
    }
    Value low = read(2 * k), high = LLVM::ShlOp::create(b, loc, read(2 * k + 1), i32(16));
    result.push_back(LLVM::OrOp::create(b, loc, low, high));
  }
  set(op.getResult(), std::move(result));
}

void Emitter::emitWarps(PlaceOp op) {
  ViewType type = op.getDestination().getType();
  const Values view = get(op.getDestination());
  const Values tile = get(op.getTile());
  bool packed = type.getElementType().getIntOrFloatBitWidth() == 16;
  Value nothing = kernel->hasAttr(kScarceAttr) ? ptx::remade(b, loc, i32(0)) : Value();
  for (int64_t k = 0, n = tile.size() * (packed ? 2 : 1); k < n; ++k) {
    auto [address, inside] = place(type, view, op.getIndices(), k, nothing);
    Value word = tile[packed ? k / 2 : k];
    if (packed) {
      word = k % 2 ? Value(LLVM::LShrOp::create(b, loc, word, i32(16))) : word;
      word = LLVM::TruncOp::create(b, loc, b.getI16Type(), word);
    } else {
      word = LLVM::BitcastOp::create(b, loc, b.getI32Type(), word);
    }
    ptx::storeIf(b, loc, address, inside, word, packed);
  }
}

//===----------------------------------------------------------------------===//
// SRAM
//===----------------------------------------------------------------------===//

/// Where this thread's row of a matrix stands, for ldmatrix and stmatrix: lane l has row l % 16 and
/// the 16-byte chunk l / 16. All addresses are bases that ptxas holds in a register, to which slots
/// add constants.
///
/// In an exchange, row i of the first and j of the second dimension: see pairAddress.
void Emitter::nameMatrixRows() {
  if (gridAddress)
    return;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfter(sramBase.getDefiningOp());
  Value row = both(lane, i32(15)), chunk = LLVM::LShrOp::create(b, loc, lane, i32(4));
  Value block = LLVM::LShrOp::create(b, loc, matrixWarp, i32(2));
  Value grid = add(mul(block, kMatrixSize * kPanelBytes), mul(row, kPanelBytes));
  Value column = add(mul(both(matrixWarp, i32(3)), 2), chunk);
  Value turned = LLVM::XOrOp::create(b, loc, column, both(row, i32(7)));
  gridAddress = ptx::opaque(b, loc, add(sramBase, Value(add(grid, mul(turned, 16)))));
  putAddress = ptx::opaque(b, loc, add(sramBase, pairAddress(row, matrixWarp)));
  getAddress = ptx::opaque(b, loc, add(sramBase, pairAddress(matrixWarp, row)));
  Value second = i32(32);
  putSecond = ptx::opaque(b, loc, LLVM::XOrOp::create(b, loc, putAddress, second));
  getSecond = ptx::opaque(b, loc, LLVM::XOrOp::create(b, loc, getAddress, second));
}

/// Two tiles take 4 chunks of 16 bytes of each pair (i, j), and 1024 bytes hold all 16 j of an i. The
/// order of the chunks is such that neither the rows of one i nor those of one j meet in a bank.
Value Emitter::pairAddress(Value i, Value j) {
  Value chunk = LLVM::LShrOp::create(b, loc, lane, i32(4));
  Value half = LLVM::LShrOp::create(b, loc, j, i32(1));
  Value at = add(mul(both(j, i32(1)), 4), chunk);
  at = LLVM::XOrOp::create(b, loc, at, both(half, i32(3)));
  at = LLVM::XOrOp::create(b, loc, at, both(i, i32(7)));
  return add(add(mul(i, 1024), mul(half, kPanelBytes)), mul(at, 16));
}

int64_t Emitter::slotOffset(Value memory, int64_t slot) {
  auto alloc = memory.getDefiningOp<AllocOp>();
  int64_t bytes = 0;
  if (auto ring = dyn_cast<RingType>(memory.getType()))
    bytes = sharedBytes(ring.getTileShape(), ring.getElementType());
  else if (auto buffer = cast<SmemType>(memory.getType()); true)
    bytes = sharedBytes(buffer.getShape().take_back(2), buffer.getElementType());
  return *alloc.getOffset() + slot * bytes;
}

/// The matrix of each warp, as it is or transposed.
Emitter::Values Emitter::readMatrix(Value base, int64_t offset, bool transpose) {
  Values m = ptx::loadMatrix(b, loc, base, offset, transpose);
  came(m.front());
  // Matrices come as (rows, chunk): (0, 0), (8, 0), (0, 1), (8, 1).
  if (transpose)
    return {m[0], m[2], m[1], m[3]};
  return m;
}

void Emitter::emitWarps(SplitOp op) {
  nameMatrixRows();
  auto fetched = fetchedOffsets.find(op.getSource());
  if (fetched != fetchedOffsets.end() && !op.getRow())
    return void(set(op.getResult(), readMatrix(gridAddress, fetched->second, op.getTranspose())));
  // A slot of a ring, which is not known before.
  Value base = add(gridAddress, Value(LLVM::SubOp::create(b, loc, one(op.getSource()), sramBase)));
  if (op.getRow())
    base = add(base, mul(one(op.getRow()), kPanelBytes));
  set(op.getResult(), readMatrix(base, 0, op.getTranspose()));
}

void Emitter::emitWarps(PutOp op) {
  nameMatrixRows();
  int64_t offset = slotOffset(op.getBuffer(), op.getSlot());
  bool back = op.getBack();
  ptx::storeMatrix(b, loc, back ? getAddress : putAddress, offset, get(op.getFirst()));
  ptx::storeMatrix(b, loc, back ? getSecond : putSecond, offset, get(op.getSecond()));
}

void Emitter::emitWarps(GetOp op) {
  nameMatrixRows();
  int64_t offset = slotOffset(op.getBuffer(), op.getSlot());
  bool back = op.getBack();
  set(op.getFirst(), readMatrix(back ? putAddress : getAddress, offset, op.getTranspose()));
  set(op.getSecond(), readMatrix(back ? putSecond : getSecond, offset, op.getTranspose()));
}

void Emitter::emitWarps(LayOp op) {
  nameMatrixRows();
  ptx::storeMatrix(b, loc, gridAddress, slotOffset(op.getBuffer(), op.getSlot()),
                   get(op.getTile()));
}
