//===- Channels.cpp - Recurrences, channel by channel ---------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// #tile.channel: `lanes` neighbouring threads share w neighbouring channels and split the rows.
// Register w i + e of a thread is its row i and channel e.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "PtxAsm.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

static int64_t bytesOf(Type element) { return element.getIntOrFloatBitWidth() / 8; }

int64_t Emitter::pieceOf(int64_t n, Type element) {
  return std::min(n & -n, 16 / bytesOf(element));
}

int64_t Emitter::lanesOf(Type type) {
  Attribute layout = cast<RankedTensorType>(type).getEncoding();
  if (auto channel = dyn_cast<ChannelAttr>(layout))
    return channel.getLanes();
  return cast<StateAttr>(layout).getLanes();
}

int64_t Emitter::channelsPerThread(Type type) {
  int64_t channels = cast<RankedTensorType>(type).getShape().back();
  return channels * lanesOf(type) / tileThreads();
}

/// The threads that have a tile of channels: all consumers, a warpgroup or a warp.
int64_t Emitter::tileThreads() {
  if (dealsToWarps(kernel))
    return kWarpLanes;
  return (kernel.getSchedule().getSpread() ? 1 : warpgroups) * kWarpgroupThreads;
}

/// The number of a thread among those.
Value Emitter::threadOfTile() {
  if (dealsToWarps(kernel))
    return lane;
  if (kernel.getSchedule().getSpread())
    return both(thread, i32(kWarpgroupThreads - 1));
  return kernel.getSchedule().hasProducer() ? add(thread, -kWarpgroupThreads) : thread;
}

int64_t Emitter::rowsPerThread(Type type) {
  auto tile = cast<RankedTensorType>(type);
  bool single = isIn<ChannelAttr>(tile) && tile.getRank() == 1;
  return single ? 1 : tile.getDimSize(0) / lanesOf(type);
}

/// Every tile of channels gives each thread 1, 2, 4 or 8 channels.
LogicalResult Emitter::checkChannels() {
  auto check = [&](Operation *op, Type type) -> LogicalResult {
    if (!isIn<ChannelAttr>(type))
      return success();
    int64_t total = cast<RankedTensorType>(type).getShape().back() * lanesOf(type),
            threads = tileThreads(), w = total / threads;
    if (total % threads == 0 && (w == 1 || w == 2 || w == 4 || w == 8))
      return success();
    return op->emitError() << "expected a tile of 1, 2, 4 or 8 channels for each of the "
                           << threads / lanesOf(type) << " groups of " << lanesOf(type)
                           << " threads, got " << type;
  };
  WalkResult walk = kernel.walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      if (failed(check(op, type)))
        return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

Value Emitter::laneInGroup(int64_t lanes) { return both(thread, i32(lanes - 1)); }

Value Emitter::firstChannel(Type type) {
  int64_t lanes = lanesOf(type);
  Value place = LLVM::UDivOp::create(b, loc, threadOfTile(), i32(lanes));
  return mul(place, channelsPerThread(type));
}

Value Emitter::firstRow(Type type) {
  return mul(laneInGroup(lanesOf(type)), rowsPerThread(type));
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// `n` neighbouring elements as f32, by loads of at most 16 bytes.
Emitter::Values Emitter::loadWide(Value pointer, Type element, int64_t n) {
  int64_t bytes = n * bytesOf(element);
  if (bytes > 16) {
    Values result = loadWide(pointer, element, n / 2);
    Value rest = LLVM::GEPOp::create(b, loc, pointer.getType(), element, pointer, i32(n / 2));
    llvm::append_range(result, loadWide(rest, element, n / 2));
    return result;
  }
  return fromWords(loadWords(pointer, bytes), element);
}

/// Words of 32 bits, or one of 16, by one load.
Emitter::Values Emitter::loadWords(Value pointer, int64_t bytes) {
  Type word = b.getIntegerType(std::min<int64_t>(32, 8 * bytes));
  Type type = bytes > 4 ? Type(VectorType::get(bytes / 4, word)) : word;
  Value loaded = LLVM::LoadOp::create(b, loc, type, pointer, /*alignment=*/bytes,
                                      /*isVolatile=*/false);
  Values words;
  if (bytes <= 4)
    words.push_back(loaded);
  for (int64_t i = 0; bytes > 4 && i < bytes / 4; ++i)
    words.push_back(LLVM::ExtractElementOp::create(b, loc, loaded, i32(i)));
  came(words.front());
  return words;
}

/// Words of 32 bits, or one of 16, as f32 values of their elements; ...
Emitter::Values Emitter::fromWords(ValueRange words, Type element) {
  Values result;
  for (Value value : words) {
    int64_t bytes = value.getType().getIntOrFloatBitWidth() / 8;
    auto push = [&](Value bits) {
      result.push_back(LLVM::BitcastOp::create(b, loc, b.getF32Type(), bits));
    };
    if (element.isF32()) {
      push(value);
    } else if (element.isBF16()) {
      // A bf16 is the upper half of its f32.
      if (bytes == 2)
        value = LLVM::ZExtOp::create(b, loc, b.getI32Type(), value);
      push(LLVM::ShlOp::create(b, loc, value, i32(16)));
      if (bytes > 2)
        push(both(value, i32(0xffff0000 - (int64_t(1) << 32))));
    } else if (bytes == 2) {
      value = LLVM::BitcastOp::create(b, loc, element, value);
      result.push_back(LLVM::FPExtOp::create(b, loc, b.getF32Type(), value));
    } else {
      value = LLVM::BitcastOp::create(b, loc, VectorType::get(2, element), value);
      for (int64_t half = 0; half < 2; ++half)
        result.push_back(
            LLVM::FPExtOp::create(b, loc, b.getF32Type(),
                                  LLVM::ExtractElementOp::create(b, loc, value, i32(half))));
    }
  }
  return result;
}

/// ... and the other way round, rounded.
Emitter::Values Emitter::toWords(ArrayRef<Value> values, Type element) {
  if (bytesOf(element) == 4)
    return Values(values);
  if (values.size() == 1)
    return {LLVM::FPTruncOp::create(b, loc, element, values.front())};
  Values words;
  for (size_t i = 0; i < values.size(); i += 2)
    words.push_back(pack(values[i], values[i + 1], element));
  return words;
}

void Emitter::storeWords(Value pointer, ValueRange words, int64_t bytes) {
  Value stored = words.front();
  if (words.size() > 1) {
    stored = LLVM::UndefOp::create(b, loc, VectorType::get(words.size(), stored.getType()));
    for (auto [i, word] : llvm::enumerate(words))
      stored = LLVM::InsertElementOp::create(b, loc, stored, word, i32(i));
  }
  LLVM::StoreOp::create(b, loc, stored, pointer, /*alignment=*/bytes);
}

/// Stores neighbouring f32 values, rounded, by one store.
void Emitter::storeWide(Value pointer, Type element, ArrayRef<Value> values) {
  storeWords(pointer, toWords(values, element), values.size() * bytesOf(element));
}

//===----------------------------------------------------------------------===//
// SRAM
//===----------------------------------------------------------------------===//

/// Where a byte of a panel is stored.
Value Emitter::swizzled(Value offset, int64_t panel) {
  Value bits = LLVM::LShrOp::create(b, loc, offset, i32(3));
  return LLVM::XOrOp::create(b, loc, offset, both(bits, i32((panel - 1) & 0x70)));
}

/// Where an element of a tile in SRAM is stored, from the tile's beginning.
Value Emitter::byteInTile(RankedTensorType tile, Value row, Value column) {
  int64_t panel = panelBytes(tile), size = bytesOf(tile.getElementType());
  Value byte = mul(column, size);
  Value place = swizzled(add(mul(row, panel), both(byte, i32(panel - 1))), panel);
  if (tile.getDimSize(1) * size > panel)
    place = add(place, mul(LLVM::UDivOp::create(b, loc, byte, i32(panel)),
                           tile.getDimSize(0) * panel));
  return place;
}

/// Rows whose distances are known, of one panel. The swizzle turns a thread's column in a few ways, one for each row of its
/// period; LLVM would turn every row for itself, and hold as many addresses.
Emitter::Values Emitter::readKnownRows(ReadOp op) {
  RankedTensorType source = op.getSource().getType(), type = cast<RankedTensorType>(op.getResult().getType());
  Type element = source.getElementType();
  int64_t panel = panelBytes(source), at = op.getOffset() * panel;
  Value column = mul(firstChannel(type), bytesOf(element)), base = one(op.getSource());
  APInt row0;
  if (matchPattern(op.getRow(), m_ConstantInt(&row0)))
    at += row0.getSExtValue() * panel;
  else
    base = add(base, mul(one(op.getRow()), panel));
  llvm::SmallDenseMap<int64_t, Value> turned;
  Values result;
  for (int64_t i = 0; i < rowsPerThread(type); ++i, at += panel) {
    int64_t turn = at >> 3 & (panel - 1) & 0x70;
    Value &place = turned[turn];
    if (!place)
      place = ptx::opaque(b, loc, add(base, Value(LLVM::XOrOp::create(b, loc, column, i32(turn)))));
    llvm::append_range(result, loadWide(shared(add(place, at)), element, channelsPerThread(type)));
  }
  return result;
}

void Emitter::emitRead(ReadOp op) {
  RankedTensorType source = op.getSource().getType(),
                   type = cast<RankedTensorType>(op.getResult().getType());
  Type element = source.getElementType();
  int64_t panel = panelBytes(source);
  // The row is a multiple of the swizzle's period, so that it does not take part in it.
  Value base = add(one(op.getSource()), mul(one(op.getRow()), panel));
  auto load = [&](Value row, Value column, int64_t n) {
    return loadWide(shared(add(base, byteInTile(source, row, column))), element, n);
  };
  Values result;
  if (isIn<StateAttr>(type)) {
    int64_t n = rowsPerThread(type), step = pieceOf(n, element);
    Value first = firstRow(type);
    for (int64_t i = 0; i < n; i += step)
      llvm::append_range(result, load(i32(op.getOffset()), add(first, i), step));
  } else if (lanesOf(type) == 1 && source.getDimSize(1) * bytesOf(element) <= panel) {
    result = readKnownRows(op);
  } else {
    int64_t n = rowsPerThread(type);
    Value first = type.getRank() == 1 ? i32(0) : firstRow(type);
    for (int64_t i = 0; i < n; ++i)
      llvm::append_range(result, load(add(first, op.getOffset() + i), firstChannel(type),
                                      channelsPerThread(type)));
  }
  set(op.getResult(), std::move(result));
}

/// Whether a block widens another tile before this one, or behind it.
static bool widensAnother(WidenOp op, bool before) {
  for (Operation *at = op; (at = before ? at->getPrevNode() : at->getNextNode());)
    if (isa<WidenOp>(at))
      return true;
  return false;
}

/// A thread takes 16 bytes at a time. What it reads is on its way before all meet.
void Emitter::emitWidenTile(WidenOp op) {
  RankedTensorType source = op.getSource().getType(), type = op.getResult().getType();
  Type element = source.getElementType();
  int64_t pieces = source.getDimSize(1) / kWidened, count = source.getDimSize(0) * pieces;
  int64_t threads = (kernel.getSchedule().getSpread() ? 1 : warpgroups) * kWarpgroupThreads;
  Value from = one(op.getSource()), to = buffer(op.getBuffer());
  struct Piece {
    Value number, row, column;
    Values numbers;
  };
  SmallVector<Piece> mine;
  for (int64_t at = 0; at < count; at += threads) {
    Piece piece;
    piece.number = add(threadOfTile(), at);
    // Threads behind the last piece read it, too, and write nothing.
    Value number = at + threads > count ? Value(LLVM::UMinOp::create(b, loc, piece.number, i32(count - 1))) : piece.number;
    piece.row = LLVM::UDivOp::create(b, loc, number, i32(pieces));
    piece.column = mul(LLVM::URemOp::create(b, loc, number, i32(pieces)), kWidened);
    piece.numbers = loadWide(shared(add(from, byteInTile(source, piece.row, piece.column))), element, kWidened);
    mine.push_back(piece);
  }
  if (!widensAnother(op, /*before=*/true))
    meet();
  for (auto [i, piece] : llvm::enumerate(mine)) {
    OpBuilder::InsertionGuard guard(b);
    if (int64_t(i + 1) * threads > count) {
      Value inside = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, piece.number, i32(count));
      b.setInsertionPointToStart(scf::IfOp::create(b, loc, inside, /*withElse=*/false).thenBlock());
    }
    constexpr int64_t kWord = 4; // numbers of f32 in 16 bytes
    for (int64_t half = 0; half < kWidened; half += kWord) {
      Value place = add(to, byteInTile(type, piece.row, add(piece.column, half)));
      storeWide(shared(place), type.getElementType(), ArrayRef(piece.numbers).slice(half, kWord));
    }
  }
  if (!widensAnother(op, /*before=*/false))
    meet();
  set(op.getResult(), {to});
}

//===----------------------------------------------------------------------===//
// Device memory
//===----------------------------------------------------------------------===//

/// The runs of neighbouring elements that this thread holds of a tile in a tensor: along the
/// channels, or along the rows of a transposed tile, or of one with a value for each row.
Emitter::Runs Emitter::runsOf(RankedTensorType tile, Value tensor, ValueRange coordinates,
                              bool transposed, Value limit, bool whole) {
  auto type = cast<ViewType>(tensor.getType());
  const Values view = whole ? get(tensor) : viewFor(tensor, tile);
  size_t rank = type.getShape().size();
  bool single = tile.getRank() == 1, states = isIn<StateAttr>(tile);
  int64_t w = states ? rowsPerThread(tile) : channelsPerThread(tile);
  int64_t rows = states ? 1 : rowsPerThread(tile);
  Type i64Type = b.getI64Type();
  int64_t size = bytesOf(type.getElementType());
  auto stride = [&](size_t i) { return view[1 + rank + i]; };
  // As unsigned numbers, negative positions are too large.
  auto less = [&](Value x, Value y) -> Value {
    return LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, x, y);
  };

  Value channel = states ? firstRow(tile) : firstChannel(tile);
  Value row = single ? i32(0) : firstRow(tile);
  int64_t along = transposed ? rows : w, count = transposed ? w : rows;
  int64_t length = pieceOf(along, type.getElementType()), pieces = along / length;
  Value end = single ? Value() : view[1 + rank - 2]; // of the outer dimension
  Value inner = wide(add(one(coordinates.back()), transposed ? row : channel));
  Value outer = single ? Value() : wide(add(one(coordinates[rank - 2]), transposed ? channel : row));

  Value offset = mul(inner, stride(rank - 1)), touched = offset;
  for (size_t i = 0; i + 1 < rank; ++i) {
    Value at = !single && i == rank - 2 ? outer : wide(one(coordinates[i]));
    offset = add(offset, mul(at, stride(i)));
    touched = LLVM::OrOp::create(b, loc, touched, stride(i));
  }
  // Runs are accessed as a whole where elements are neighbours and all addresses aligned.
  Value address = LLVM::PtrToIntOp::create(b, loc, i64Type, view[0]);
  touched = LLVM::OrOp::create(b, loc, mul(touched, i64(size)), address);
  touched = both(touched, i64(length * size - 1));
  Value aligned =
      both(LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, touched, i64(0)),
           LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, stride(rank - 1), i64(1)));

  Value pointer =
      LLVM::GEPOp::create(b, loc, view[0].getType(), type.getElementType(), view[0], offset);
  Runs runs;
  runs.stride = stride(rank - 1);
  for (int64_t k = 0; k < count; ++k) {
    Value inside;
    if (outer) {
      Value at = k ? add(outer, i64(k)) : outer;
      inside = less(at, end);
      if (limit)
        inside = both(inside, LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, add(row, k),
                                                   one(limit)));
      if (k)
        pointer = LLVM::GEPOp::create(b, loc, pointer.getType(), type.getElementType(), pointer,
                                      stride(rank - 2));
    }
    for (int64_t piece = 0; piece < pieces; ++piece) {
      Run run;
      for (int64_t i = 0; i < length; ++i) {
        int64_t at = piece * length + i;
        run.registers.push_back(transposed ? w * at + k : w * k + at);
        Value here = less(add(inner, i64(at)), view[rank]);
        run.inside.push_back(inside ? both(inside, here) : here);
      }
      run.pointer = pointer;
      if (piece)
        run.pointer = LLVM::GEPOp::create(b, loc, pointer.getType(), type.getElementType(), pointer,
                                          mul(stride(rank - 1), i64(piece * length)));
      runs.list.push_back(run);
    }
  }
  // All lie inside if the first and the last do.
  runs.whole = both(aligned, both(runs.list.front().inside.front(), runs.list.back().inside.back()));
  return runs;
}

/// Runs of which each is wholly inside or outside, under predicates.
Emitter::Values Emitter::loadEachIf(const Runs &runs, Type element, int64_t count) {
  Values result(count);
  for (const Run &run : runs.list) {
    int64_t bytes = run.registers.size() * bytesOf(element);
    Value address = LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), run.pointer);
    Values words = ptx::loadIf(b, loc, address, run.inside.back(), std::max<int64_t>(bytes / 4, 1),
                               /*half=*/bytes == 2);
    for (auto [k, value] : llvm::zip(run.registers, fromWords(words, element)))
      result[k] = value;
  }
  return result;
}

void Emitter::storeEachIf(const Runs &runs, Type element, ArrayRef<Value> tile) {
  for (const Run &run : runs.list) {
    Value address = LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), run.pointer);
    Values words =
        toWords(llvm::map_to_vector(run.registers, [&](int64_t k) { return tile[k]; }), element);
    bool half = words.front().getType().getIntOrFloatBitWidth() == 16;
    Type word = half ? b.getI16Type() : b.getI32Type();
    for (Value &value : words)
      if (value.getType() != word)
        value = LLVM::BitcastOp::create(b, loc, word, value);
    ptx::storeIf(b, loc, address, run.inside.back(), words, half);
  }
}

/// One branch for all runs: with one for each, their latencies would add up. What is read stays as it was until
/// behind the branch, where nothing waits for it. A state may be updated in place, so that no load is invariant.
void Emitter::emitLoadChannels(LoadChannelsOp op) {
  RankedTensorType type = op.getTile().getType();
  Type element = op.getSource().getType().getElementType();
  Runs runs = runsOf(type, op.getSource(), op.getCoordinates(), op.getTransposed(), Value(), op.getWhole());
  if (op.getWhole())
    return (void)set(op.getTile(), loadEachIf(runs, element, count(type)));
  SmallVector<Type> types;
  int64_t size = bytesOf(element), bytes = runs.list.front().registers.size() * size;
  Type word = b.getIntegerType(std::min<int64_t>(32, 8 * bytes));
  types.assign(runs.list.size() * std::max<int64_t>(bytes / 4, 1), word);
  auto branch = scf::IfOp::create(b, loc, types, runs.whole, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Values whole, apart, elements(count(type));
  for (const Run &run : runs.list)
    llvm::append_range(whole, loadWords(run.pointer, bytes));
  scf::YieldOp::create(b, loc, whole);
  b.setInsertionPointToStart(branch.elseBlock());
  Type bits = b.getIntegerType(8 * size);
  forEachApart(runs, element, [&](int64_t k, Value pointer, Value inside) {
    auto here = scf::IfOp::create(b, loc, word, inside, /*withElse=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(here.thenBlock());
    Value loaded = LLVM::LoadOp::create(b, loc, bits, pointer, /*alignment=*/size);
    if (bits != word)
      loaded = LLVM::ZExtOp::create(b, loc, word, loaded);
    scf::YieldOp::create(b, loc, loaded);
    b.setInsertionPointToStart(here.elseBlock());
    scf::YieldOp::create(b, loc, constant(b.getIntegerAttr(word, 0)));
    elements[k] = here.getResult(0);
  });
  for (const Run &run : runs.list)
    for (size_t i = 0; i < run.registers.size(); ++i) {
      if (bits == word || i % 2 == 0)
        apart.push_back(elements[run.registers[i]]);
      else
        apart.back() = LLVM::OrOp::create(
            b, loc, apart.back(), LLVM::ShlOp::create(b, loc, elements[run.registers[i]], i32(16)));
    }
  scf::YieldOp::create(b, loc, apart);
  b.setInsertionPointAfter(branch);
  Values result(count(type));
  ValueRange words = branch.getResults();
  for (const Run &run : runs.list) {
    size_t n = types.size() / runs.list.size();
    for (auto [k, value] : llvm::zip(run.registers, fromWords(words.take_front(n), element)))
      result[k] = value;
    words = words.drop_front(n);
  }
  set(op.getTile(), std::move(result));
}

/// Visits the elements of runs one by one: the register, where it stands, and whether it exists.
void Emitter::forEachApart(const Runs &runs, Type element,
                           llvm::function_ref<void(int64_t, Value, Value)> visit) {
  for (const Run &run : runs.list)
    for (auto [i, k] : llvm::enumerate(run.registers))
      visit(k,
            LLVM::GEPOp::create(b, loc, run.pointer.getType(), element, run.pointer,
                                mul(runs.stride, i64(i))),
            run.inside[i]);
}

void Emitter::emitStoreChannels(StoreChannelsOp op) {
  RankedTensorType type = op.getTile().getType();
  Type element = op.getDestination().getType().getElementType();
  const Values tile = get(op.getTile());
  // All lanes of a group hold a [C] tile; the first one writes it.
  bool single = type.getRank() == 1 && lanesOf(type) > 1;
  OpBuilder::InsertionGuard guard(b);
  if (single) {
    Value first = isEqual(laneInGroup(lanesOf(type)), 0);
    auto branch = scf::IfOp::create(b, loc, first, /*withElse=*/false);
    b.setInsertionPointToStart(branch.thenBlock());
  }
  Runs runs = runsOf(type, op.getDestination(), op.getCoordinates(), op.getTransposed(), op.getRows(),
                     op.getWhole());
  if (op.getWhole())
    return storeEachIf(runs, element, tile);
  auto branch = scf::IfOp::create(b, loc, runs.whole, /*withElse=*/true);
  b.setInsertionPointToStart(branch.thenBlock());
  for (const Run &run : runs.list)
    storeWide(run.pointer, element,
              llvm::map_to_vector(run.registers, [&](int64_t k) { return tile[k]; }));
  b.setInsertionPointToStart(branch.elseBlock());
  forEachApart(runs, element, [&](int64_t k, Value pointer, Value inside) {
    auto here = scf::IfOp::create(b, loc, inside, /*withElse=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(here.thenBlock());
    storeWide(pointer, element, {tile[k]});
  });
}

//===----------------------------------------------------------------------===//
// Rows and lanes
//===----------------------------------------------------------------------===//

void Emitter::emitRow(RowOp op) {
  Type type = op.getSource().getType();
  int64_t lanes = lanesOf(type), rows = rowsPerThread(type), w = channelsPerThread(type);
  int64_t owner = op.getIndex() / rows, row = op.getIndex() % rows;
  Values result;
  for (int64_t e = 0; e < w; ++e) {
    Value value = element(op.getSource(), w * row + e);
    // Segments of `lanes` threads: the upper bits of the mask keep their number.
    if (lanes > 1)
      value = NVVM::ShflOp::create(b, loc, value.getType(), i32(-1), value, i32(owner),
                                   i32((32 - lanes) << 8 | 31), NVVM::ShflKind::idx, UnitAttr());
    result.push_back(value);
  }
  set(op.getResult(), std::move(result));
}

/// Register w i + e of a thread is row i and channel e: pairs of them, or w of each pair of rows.
void Emitter::emitDeinterleave(DeinterleaveOp op) {
  const Values source = get(op.getSource());
  bool channels = isIn<ChannelAttr>(op.getSource().getType());
  size_t run = op.getRows() && channels ? channelsPerThread(op.getSource().getType()) : 1;
  Values halves[2];
  for (auto [k, value] : llvm::enumerate(source))
    halves[k / run % 2].push_back(value);
  set(op.getEven(), std::move(halves[0]));
  set(op.getOdd(), std::move(halves[1]));
}

void Emitter::emitInterleave(InterleaveOp op) {
  const Values even = get(op.getEven()), odd = get(op.getOdd());
  bool channels = isIn<ChannelAttr>(op.getEven().getType());
  size_t run = op.getRows() && channels ? channelsPerThread(op.getEven().getType()) : 1;
  Values result;
  for (size_t k = 0; k < even.size(); k += run)
    for (const Values *half : {&even, &odd})
      llvm::append_range(result, ArrayRef(*half).slice(k, run));
  set(op.getResult(), std::move(result));
}

void Emitter::emitAll(AllOp op) {
  const Values source = get(op.getSource());
  Value result = source.front();
  for (Value value : ArrayRef(source).drop_front())
    result = both(result, value);
  if (op.getTogether())
    result = meetIf(result);
  set(op.getResult(), {result});
}

/// The sum over a thread's own rows, for each of its channels. A product in front of the sum becomes part of it.
Emitter::Values Emitter::sumRows(Value tile) {
  auto contract = LLVM::FastmathFlagsAttr::get(b.getContext(), LLVM::FastmathFlags::contract);
  int64_t rows = rowsPerThread(tile.getType()), w = channelsPerThread(tile.getType());
  int64_t chains = rows >= 8 ? 2 : 1;
  auto plus = [&](Value x, Value y) -> Value {
    auto sum = LLVM::FAddOp::create(b, loc, x, y);
    sum.setFastmathFlagsAttr(contract);
    return sum;
  };
  Values result;
  for (int64_t e = 0; e < w; ++e) {
    Values sums;
    for (int64_t i = 0; i < rows; ++i) {
      Value value = element(tile, w * i + e);
      if (i < chains)
        sums.push_back(value);
      else
        sums[i % chains] = plus(value, sums[i % chains]);
    }
    result.push_back(chains == 2 ? plus(sums[0], sums[1]) : sums[0]);
  }
  return result;
}

void Emitter::reduceChannels(ReduceOp op) {
  if (op.getKind() == ReduceKind::Add) {
    set(op.getResult(), sumRows(op.getSource()));
    return;
  }
  Type type = op.getSource().getType();
  int64_t w = channelsPerThread(type);
  Values result;
  for (int64_t k = 0; k < count(type); ++k) {
    Value value = element(op.getSource(), k);
    if (k < w)
      result.push_back(value);
    else
      result[k % w] = LLVM::MaxNumOp::create(b, loc, result[k % w], value);
  }
  set(op.getResult(), std::move(result));
}

/// Sums meet over the lanes by halves: with each exchange a lane gives away the half of the values
/// that its partner will hold, and adds what it gets to the other half.
void Emitter::emitSums(SumsOp op) {
  RankedTensorType type = op.getResult().getType();
  int64_t lanes = lanesOf(type), w = channelsPerThread(type);
  Values values;
  for (Value source : op.getSources())
    llvm::append_range(values, sumRows(source));
  auto exchange = [&](Value value, int64_t distance) -> Value {
    return NVVM::ShflOp::create(b, loc, value.getType(), i32(-1), value, i32(distance), i32(31),
                                NVVM::ShflKind::bfly, UnitAttr());
  };
  bool scatter = type.getRank() == 2;
  for (int64_t distance = lanes / 2; distance >= 1; distance /= 2) {
    Values next;
    size_t half = values.size() / 2;
    if (!scatter) {
      for (Value value : values)
        next.push_back(LLVM::FAddOp::create(b, loc, value, exchange(value, distance)));
    } else {
      Value low = isEqual(both(thread, i32(distance)), 0);
      for (size_t k = 0; k < half; ++k) {
        Value kept = LLVM::SelectOp::create(b, loc, low, values[k], values[k + half]);
        Value given = LLVM::SelectOp::create(b, loc, low, values[k + half], values[k]);
        next.push_back(LLVM::FAddOp::create(b, loc, kept, exchange(given, distance)));
      }
    }
    values = std::move(next);
  }
  assert(int64_t(values.size()) == rowsPerThread(type) * w);
  set(op.getResult(), std::move(values));
}
