//===- DirectConv.cpp - Convolutions by Toeplitz products -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A channel's sequences are cut into chunks X_n of 64 samples. With f(lag) the filter as a function
// of the lag, a chunk of outputs is
//
//   Y_n = sum over d of X_(n - d) T_d        T_d[j, i] = f(i - j + 64 d)
//
// A tile has 64 rows. Each is a segment of a sequence, and the chunks of all rows pass by in step:
// one is read, the ones before it are still in registers, one is written. The matrices T_d stand in
// SRAM, once for each tile. A short sequence is a single segment that stays in registers whole.
//
// Where sequences are whole chunks the rows of a tile are neighbouring chunks, which come as a box of the
// tensor {64, L / 64, H, B}, with those before and behind. Each distance d reads its X_(n - d) from SRAM.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "SeqToTile.h"
#include "TileBuilder.h"

#include "longwing/Seq/Config.h"
#include "longwing/Seq/DirectConv.h"
#include "longwing/Target/Hopper.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

constexpr int64_t kRows = kWarpgroupRows, kChunk = DirectConv::kChunk;
/// What is convolved, by either operation. Optional tensors may be null.
struct Convolution {
  Value x, filter, reverse, pre, post, skip, bias, initial, y, final;
  bool lastTapFirst = false; // the stored order of taps
  bool circular = false, anticausal = false, silu = false;
  bool skipUngated = false;
  int64_t reverseFrom = 0;   // the lag of the reverse filter's first tap
  int64_t shift = 0;         // the tap of lag 0
};

/// The tensors of a convolution by their place among a kernel's arguments.
constexpr Value Convolution::*kTensors[] = {
    &Convolution::x,    &Convolution::filter, &Convolution::reverse, &Convolution::pre,
    &Convolution::post, &Convolution::skip,   &Convolution::bias,    &Convolution::initial,
    &Convolution::y,    &Convolution::final};

/// How many chunks a segment has, and segments a sequence: enough tiles for the card, but segments
/// long enough that the chunks that are read twice, at their joints, do not count. Or how many tiles
/// a CTA has, and CTAs a channel, so that it makes its matrices for several.
struct Segments {
  Value length, count, chunks;
  bool tiled;
  Segments(TileBuilder &t, Value batch, Value channels, Value samples, const DirectConv &plan)
      : tiled(plan.tiled) {
    Value one = t.index(1);
    chunks = t.max(t.ceilDiv(samples, kChunk), one);
    if (plan.whole) {
      length = chunks, count = one;
      return;
    }
    Value all = t.max(t.ceilDiv(t.make<arith::MulIOp>(batch, chunks), kRows), one);
    // About twelve CTAs for each multiprocessor, but not for too little work each.
    constexpr int64_t kCtas = 12 * hopper::kMultiprocessors, kLeast = 4;
    Value fair = t.ceilDiv(t.make<arith::MulIOp>(all, channels), kCtas);
    Value most = t.min(all, t.max(t.min(fair, t.index(plan.chunks)), t.index(kLeast)));
    auto divide = [&](Value x, Value y) -> Value {
      return t.make<arith::DivUIOp>(t.sub(t.add(x, y), one), y);
    };
    Value parts = tiled ? all : chunks;
    count = divide(parts, most);
    length = divide(parts, count);
  }
  /// CTAs of a channel.
  Value tiles(TileBuilder &t, Value batch) {
    if (tiled)
      return count;
    return t.ceilDiv(t.make<arith::MulIOp>(batch, count), kRows);
  }
};

/// How many tiles of boxes a CTA does with its matrices, and how many CTAs do a channel.
struct Units {
  Value tilesOfSequence, tiles, length, count;
  Units(TileBuilder &t, Value batch, Value channels, const DirectConv &plan) {
    tilesOfSequence = t.index(llvm::divideCeil(plan.sequence, plan.rows()));
    tiles = plan.sequences() > 1 ? t.ceilDiv(batch, plan.sequences())
                                 : t.make<arith::MulIOp>(batch, tilesOfSequence);
    // Enough for each multiprocessor, but not for too few tiles each. Where several matrices leave room for three CTAs or fewer at
    // once, these have more tiles for the time that it takes to make them, as long as there is work for all of them twice.
    constexpr int64_t kUnits = 12, kLeast = 4, kMany = 16;
    Value all = t.make<arith::MulIOp>(tiles, channels);
    length = t.max(t.ceilDiv(all, kUnits * hopper::kMultiprocessors), t.index(kLeast));
    if (int64_t residents = plan.residents(); residents < 4)
      length = t.max(length, t.min(t.ceilDiv(all, 2 * residents * hopper::kMultiprocessors), t.index(kMany)));
    count = t.make<arith::DivUIOp>(t.add(t.add(tiles, length), -1), length);
  }
};

class DirectConvKernel {
public:
  DirectConvKernel(const Convolution &conv, const DirectConv &plan, Location loc)
      : tensors(conv), conv(conv), plan(plan), builder(loc.getContext()), t(builder, loc) {
    element = cast<RankedTensorType>(conv.x.getType()).getElementType();
    auto layout = RunsAttr::get(loc.getContext(), /*woven=*/plan.boxes);
    int64_t rows = plan.boxes ? plan.rows() : kRows;
    tile = RankedTensorType::get({rows, kChunk}, element, layout);
    sums = RankedTensorType::get({rows, kChunk}, builder.getF32Type(), layout);
    perRow = tileType<RowAttr>({kRows}, builder.getIndexType());
  }

  KernelOp create(StringRef name);
  /// The tensors that are the kernel's arguments, in order.
  SmallVector<Value> operands();

private:
  /// A chunk before its gate.
  struct Chunk {
    Value x, gate;
  };
  Value tap(Value view, Value index, Value valid);
  Value filterAt(Value lag);
  Value toeplitz(bool remainder);
  Value rowsOf(Value scalar) { return t.broadcast(scalar, perRow); }
  Value read(Value view, Value time);
  Chunk readChunk(Value time);
  Value history(Value time);
  Value gated(const Chunk &chunk);
  Value multiply(Value chunk, int64_t matrix, Value acc);
  /// The sum of products as it is to be stored, given what it is multiplied by and what is added to it.
  Value rounded(Value sum, Value post, Value ungated);
  /// One chunk of outputs: the inputs that it meets, each with its matrix.
  void output(ArrayRef<std::pair<Value, int64_t>> inputs, Value time);
  /// What is read first, and the rest. The first may be on its way while the matrices are made.
  SmallVector<Value> begin();
  void finish(ValueRange begun);
  Chunk chunkOf(ValueRange values) { return {values[0], conv.pre ? values[1] : Value()}; }
  /// The values of a chunk.
  int64_t parts() { return conv.pre ? 2 : 1; }
  SmallVector<Value> valuesOf(const Chunk &chunk);
  /// Twice: where rows move in runs nothing but loads and stores is left of moving them.
  SmallVector<Value> eitherWay(Value fast, bool yields, function_ref<SmallVector<Value>()> body);
  void loop(ValueRange begun);
  void tileLoop(ValueRange begun);
  /// The rows of a tile: each its sequence and the time of its first sample.
  void placeRows(Value tileNumber, Value perSequence, Value chunksOfRow);
  void unrolled(ValueRange begun);
  Type argumentType(Value Convolution::*tensor);
  void writeRuns();
  void writeBoxes();
  void boxOutput(Value tileNumber, const Units &units);
  void finalState(Value cta, Value ctas);

  const Convolution &tensors;
  Convolution conv; // the kernel's arguments
  DirectConv plan;
  OpBuilder builder;
  TileBuilder t;
  Type element;
  RankedTensorType tile, sums, perRow;

  // Of the tile that is being written.
  Value channel, batch, time0, steps, length, firstTile, chunks;
  Value bank, remainders;
  bool whole = false; // whether runs move in one piece, where code is being written
};

} // namespace

//===----------------------------------------------------------------------===//
// The matrices
//===----------------------------------------------------------------------===//

/// A tap as f32, 0 where it is not valid.
Value DirectConvKernel::tap(Value view, Value index, Value valid) {
  auto type = cast<ViewType>(view.getType());
  if (conv.lastTapFirst)
    index = t.sub(t.sub(t.dim(view, 1), t.index(1)), index);
  Value value = t.make<GatherOp>(type.getElementType(), view, ValueRange{channel, index});
  if (!type.getElementType().isF32())
    value = t.make<arith::ExtFOp>(builder.getF32Type(), value);
  Value zero = t.make<arith::ConstantOp>(builder.getF32FloatAttr(0));
  return t.select(valid, value, zero);
}

/// f(lag): what an input contributes to the output `lag` samples later.
Value DirectConvKernel::filterAt(Value lag) {
  using Predicate = arith::CmpIPredicate;
  Value zero = t.index(0);
  Value index = conv.anticausal ? t.sub(zero, lag) : t.add(lag, conv.shift);
  if (conv.circular && plan.whole) { // lags from -63 to L + 63, modulo L
    Value before = t.compare(Predicate::slt, index, zero);
    index = t.select(before, t.add(index, length), index);
    Value behind = t.compare(Predicate::sge, index, length);
    index = t.select(behind, t.sub(index, length), index);
  }
  Value taps = t.dim(conv.filter, 1);
  // As unsigned numbers, negative ones are too large.
  Value sum = tap(conv.filter, index, t.compare(Predicate::ult, index, taps));
  if (conv.reverse) {
    Value back = t.sub(t.index(conv.reverseFrom), lag);
    Value valid = t.compare(Predicate::ult, back, t.dim(conv.reverse, 1));
    sum = t.addf(sum, tap(conv.reverse, back, valid));
  }
  if (conv.skip && !conv.skipUngated) {
    Value skip = t.make<GatherOp>(builder.getF32Type(), conv.skip, ValueRange{channel});
    Value none = t.make<arith::ConstantOp>(builder.getF32FloatAttr(0));
    Value here = t.compare(Predicate::eq, lag, zero);
    sum = t.addf(sum, t.select(here, skip, none));
  }
  return sum;
}

/// The matrices of the filter, or of what rounding it to 16 bits leaves over.
Value DirectConvKernel::toeplitz(bool remainder) {
  auto type = RankedTensorType::get({plan.matrices, kChunk, kChunk}, element, ToeplitzAttr::get(t.loc.getContext(), /*woven=*/plan.boxes));
  auto op = ToeplitzOp::create(builder, t.loc, type, plan.first, Value());
  OpBuilder::InsertionGuard guard(builder);
  Block *body = builder.createBlock(&op.getBody());
  Value lag = body->addArgument(builder.getIndexType(), t.loc);
  Value value = filterAt(lag);
  Value rounded = t.make<arith::TruncFOp>(element, value);
  if (remainder) {
    Value rest =
        t.make<arith::SubFOp>(value, t.make<arith::ExtFOp>(builder.getF32Type(), rounded));
    rounded = t.make<arith::TruncFOp>(element, rest);
  }
  YieldOp::create(builder, t.loc, rounded);
  return op.getResult();
}

Value DirectConvKernel::multiply(Value chunk, int64_t matrix, Value acc) {
  auto type = RankedTensorType::get({kChunk, kChunk}, element, ToeplitzAttr::get(t.loc.getContext(), /*woven=*/plan.boxes));
  for (Value matrices : {bank, remainders})
    if (matrices)
      acc = t.dot(chunk, t.make<LagOp>(type, matrices, matrix), acc, sums, /*transposeB=*/false);
  return acc;
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

Value DirectConvKernel::read(Value view, Value time) {
  return t.make<LoadRunsOp>(tile, view, ValueRange{batch, channel, time}, conv.circular,
                            whole && view != conv.initial);
}

DirectConvKernel::Chunk DirectConvKernel::readChunk(Value time) {
  return {read(conv.x, time), conv.pre ? read(conv.pre, time) : Value()};
}

/// A chunk that may lie before the first sample, where the initial state stands.
Value DirectConvKernel::history(Value time) {
  Value chunk = gated(readChunk(time));
  if (!conv.initial)
    return chunk;
  // Sample -i of the sequence is the state's i-th from its end.
  Value samples = rowsOf(t.dim(conv.initial, 2));
  Value first = t.compare(arith::CmpIPredicate::slt, time, rowsOf(t.index(0)));
  Value state = read(conv.initial, t.select(first, t.add(time, samples), samples));
  return t.addf(chunk, state);
}

Value DirectConvKernel::gated(const Chunk &chunk) {
  return chunk.gate ? t.mulf(chunk.x, chunk.gate) : chunk.x;
}

/// post * (sum + skip u), or silu(sum + bias).
Value DirectConvKernel::rounded(Value acc, Value post, Value ungated) {
  auto perChannel = [&](Value view) {
    return t.broadcast(
        t.make<GatherOp>(builder.getF32Type(), view, ValueRange{channel}), sums);
  };
  auto widened = [&](Value chunk) { return t.make<arith::ExtFOp>(sums, chunk); };
  if (ungated)
    acc = t.fma(perChannel(conv.skip), widened(ungated), acc);
  if (conv.bias)
    acc = t.addf(acc, perChannel(conv.bias));
  if (conv.silu) {
    Value one = t.constantLike(acc, 1);
    Value below = t.addf(one, t.exp2(t.mulf(acc, -kLog2E)));
    acc = t.make<arith::DivFOp>(acc, below, arith::FastMathFlags::afn);
  }
  if (post)
    acc = t.mulf(acc, widened(post));
  return t.make<ConvertOp>(tile, acc);
}

/// Gates are read before the products are waited for.
void DirectConvKernel::output(ArrayRef<std::pair<Value, int64_t>> inputs, Value time) {
  Value post = conv.post ? read(conv.post, time) : Value();
  Value ungated = conv.skip && conv.skipUngated ? read(conv.x, time) : Value();
  Value acc;
  for (auto [chunk, matrix] : inputs)
    acc = multiply(chunk, matrix, acc);
  StoreRunsOp::create(builder, t.loc, rounded(acc, post, ungated), conv.y,
                      ValueRange{batch, channel, time}, whole && !plan.whole);
}

SmallVector<Value> DirectConvKernel::valuesOf(const Chunk &chunk) {
  return chunk.gate ? SmallVector<Value>{chunk.x, chunk.gate} : SmallVector<Value>{chunk.x};
}

/// A whole sequence, or the newest chunk of the first step.
SmallVector<Value> DirectConvKernel::begin() {
  SmallVector<Value> begun;
  for (int64_t n = 0; n < (plan.whole ? plan.chunks : 1); ++n) {
    int64_t chunk = plan.whole ? n : -plan.first;
    llvm::append_range(begun, valuesOf(readChunk(t.add(time0, rowsOf(t.index(chunk * kChunk))))));
  }
  return begun;
}

void DirectConvKernel::finish(ValueRange begun) {
  plan.whole ? unrolled(begun) : plan.tiled ? tileLoop(begun) : loop(begun);
}

/// Segments pass by, a chunk a step. The newest chunk is read a step ahead.
void DirectConvKernel::loop(ValueRange begun) {
  int64_t ahead = -plan.first;
  auto at = [&](Value step) { return t.add(time0, rowsOf(t.mul(step, kChunk))); };
  auto shifted = [&](Value time, int64_t chunks) {
    return chunks ? t.add(time, rowsOf(t.index(chunks * kChunk))) : time;
  };
  SmallVector<Value> state(begun);
  for (int64_t k = 1; k < plan.matrices; ++k)
    state.push_back(history(shifted(time0, ahead - k)));
  scf::ForOp::create(
      builder, t.loc, t.index(0), steps, t.index(1), state,
      [&](OpBuilder &, Location, Value step, ValueRange args) {
        // Behind the last step there is nothing to read.
        Value following = t.add(step, 1);
        Value time = shifted(at(following), ahead);
        if (!conv.circular) {
          Value more = t.compare(arith::CmpIPredicate::slt, following, steps);
          time = t.select(more, time, rowsOf(length));
        }
        SmallVector<Value> yields = valuesOf(readChunk(time));
        SmallVector<Value> chunks = {gated(chunkOf(args))};
        llvm::append_range(chunks, args.drop_front(parts()));
        SmallVector<std::pair<Value, int64_t>> inputs;
        for (auto [k, chunk] : llvm::enumerate(chunks))
          inputs.push_back({chunk, k});
        output(inputs, at(step));
        yields.append(chunks.begin(), chunks.end() - 1);
        scf::YieldOp::create(builder, t.loc, yields);
      });
}

/// Tiles of neighbouring chunks pass by, each read a step ahead.
void DirectConvKernel::tileLoop(ValueRange begun) {
  int64_t ahead = -plan.first;
  auto shifted = [&](int64_t count) {
    return count ? t.add(time0, rowsOf(t.index(count * kChunk))) : time0;
  };
  scf::ForOp::create(
      builder, t.loc, t.index(0), steps, t.index(1), begun,
      [&](OpBuilder &, Location, Value step, ValueRange args) {
        Value tileNumber = t.add(firstTile, step), following = t.add(step, 1);
        placeRows(tileNumber, chunks, t.index(1));
        Value time = time0, row = batch;
        SmallVector<std::pair<Value, int64_t>> inputs(1);
        for (int64_t k = 1; k < plan.matrices; ++k)
          inputs.push_back({history(shifted(ahead - k)), k});
        // Behind the last tile there is nothing to read.
        placeRows(t.add(tileNumber, 1), chunks, t.index(1));
        Value more = t.compare(arith::CmpIPredicate::slt, following, steps);
        batch = t.select(more, batch, rowsOf(t.dim(conv.x, 0)));
        SmallVector<Value> yields = valuesOf(readChunk(shifted(ahead)));
        batch = row;
        inputs.front() = {gated(chunkOf(args)), 0};
        output(inputs, time);
        scf::YieldOp::create(builder, t.loc, yields);
      });
}

/// Sequences that stay in registers: chunk n of the output meets the chunks m of the input at the
/// distance n - m.
void DirectConvKernel::unrolled(ValueRange begun) {
  SmallVector<Value> times, chunks;
  for (int64_t n = 0; n < plan.chunks; ++n) {
    times.push_back(rowsOf(t.index(n * kChunk)));
    chunks.push_back(gated(chunkOf(begun.drop_front(n * parts()))));
  }
  for (int64_t n = 0; n < plan.chunks; ++n) {
    SmallVector<std::pair<Value, int64_t>> inputs;
    for (int64_t m = 0; m < plan.chunks; ++m) {
      int64_t distance = n - m - plan.first;
      if (conv.circular)
        distance = (n - m + plan.chunks) % plan.chunks;
      if (distance >= 0 && distance < plan.matrices)
        inputs.push_back({chunks[m], distance});
    }
    output(inputs, times[n]);
  }
}

/// The last samples, from the initial state where the sequence is shorter than it. The CTAs of a
/// channel share the sequences, 64 at a time.
void DirectConvKernel::finalState(Value cta, Value ctas) {
  Value samples = t.dim(conv.final, 2), end = t.ceilDiv(t.dim(conv.final, 0), kRows);
  scf::ForOp::create(builder, t.loc, cta, end, ctas, ValueRange(),
                     [&](OpBuilder &, Location, Value part, ValueRange) {
                       batch = t.iota<RowAttr>(t.mul(part, kRows), kRows);
                       Value last = read(conv.x, rowsOf(t.sub(length, samples)));
                       if (conv.initial)
                         last = t.addf(last, read(conv.initial, rowsOf(length)));
                       StoreRunsOp::create(builder, t.loc, last, conv.final,
                                           ValueRange{batch, channel, rowsOf(t.index(0))},
                                           /*whole=*/false);
                       scf::YieldOp::create(builder, t.loc);
                     });
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

SmallVector<Value> DirectConvKernel::operands() {
  SmallVector<Value> values;
  for (auto tensor : kTensors)
    if (tensors.*tensor)
      values.push_back(tensors.*tensor);
  return values;
}

KernelOp DirectConvKernel::create(StringRef name) {
  SmallVector<Type> inputs;
  for (auto tensor : kTensors)
    if (tensors.*tensor)
      inputs.push_back(argumentType(tensor));
  auto schedule = ScheduleAttr::get(t.loc.getContext(), plan.consumers,
                                    plan.boxes ? DirectConv::kProducerRegisters : 0, plan.registers(),
                                    /*persistent=*/false, /*overlap=*/false, /*spread=*/false);
  auto kernel = KernelOp::create(builder, t.loc, name, inputs, schedule);
  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  unsigned number = 0;
  for (auto tensor : kTensors) {
    if (!(tensors.*tensor))
      continue;
    if (tensor == &Convolution::y || tensor == &Convolution::final)
      kernel.setOutput(number);
    conv.*tensor = body.getArgument(number++);
  }
  plan.boxes ? writeBoxes() : writeRuns();
  return kernel;
}

/// Sequences that come and go as boxes, with what a tile needs beside its own rows; elements of the rest.
Type DirectConvKernel::argumentType(Value Convolution::*tensor) {
  auto type = cast<RankedTensorType>((tensors.*tensor).getType());
  bool read = tensor == &Convolution::x || tensor == &Convolution::pre;
  bool box = plan.boxes && (read || tensor == &Convolution::post || tensor == &Convolution::y);
  if (!box) {
    SmallVector<int64_t> shape(type.getShape());
    if (type.getRank() == 3) // of any number of batches
      shape.front() = ShapedType::kDynamic;
    return ViewType::get(t.loc.getContext(), shape, type.getElementType());
  }
  // Warpgroups store rows of their own.
  int64_t rows = tensor == &Convolution::y ? kRows : plan.rows();
  int64_t own = std::min(plan.sequence, rows), halo = read ? plan.halo() : 0;
  return DescType::get(t.loc.getContext(), {rows / own, 1, own + halo, kChunk}, type.getElementType(),
                       /*split=*/kChunk);
}

/// A tile of boxes: its rows for each distance, each times a matrix.
void DirectConvKernel::boxOutput(Value tileNumber, const Units &units) {
  Value zero = t.index(0), first = t.mul(tileNumber, plan.sequences()), row = zero;
  if (plan.sequences() == 1) {
    first = t.make<arith::DivUIOp>(tileNumber, units.tilesOfSequence);
    row = t.mul(t.make<arith::RemUIOp>(tileNumber, units.tilesOfSequence), plan.rows());
  }
  int64_t rows = plan.sequenceRows(), halo = plan.halo();
  auto load = [&](Value tensor, int64_t beside) -> Value {
    if (!tensor)
      return Value();
    auto type = tileType<SharedAttr>({(rows + beside) * plan.sequences(), kChunk}, element);
    // The newest rows meet matrix 0.
    Value begin = beside ? t.sub(row, t.index(plan.first + halo)) : row;
    return t.load(tensor, {first, channel, begin, zero}, type, plan.stages());
  };
  Value x = load(conv.x, halo), pre = load(conv.pre, halo), post = load(conv.post, 0);
  auto read = [&](Value source, int64_t distance) -> Value {
    int64_t from = plan.wraps ? (rows - (distance % rows + rows) % rows) % rows : plan.first + halo - distance;
    return t.make<ReadRunsOp>(tile, source, rows, from, plan.wraps);
  };
  Value acc, ungated;
  for (int64_t k = 0; k < plan.matrices; ++k) {
    int64_t distance = plan.first + k;
    Value chunk = read(x, distance);
    if (distance == 0 && conv.skip && conv.skipUngated)
      ungated = chunk;
    acc = multiply(pre ? t.mulf(chunk, read(pre, distance)) : chunk, k, acc);
  }
  if (post)
    post = t.make<ReadRunsOp>(tile, post, rows, 0, false);
  IntegerAttr along = plan.consumers > 1 && plan.sequences() > 1 ? builder.getI64IntegerAttr(0) : IntegerAttr();
  StoreOp::create(builder, t.loc, rounded(acc, post, ungated), conv.y, ValueRange{first, channel, row, zero},
                  Value(), along);
}

/// Tiles pass by as boxes, a few of a channel for each time that its matrices are made.
void DirectConvKernel::writeBoxes() {
  Value channels = t.dim(conv.x, 1);
  length = t.index(plan.sequence * kChunk);
  Units units(t, t.dim(conv.x, 0), channels, plan);
  auto forEach = ForEachOp::create(builder, t.loc, ValueRange{channels, units.count});
  ReturnOp::create(builder, t.loc);
  builder.setInsertionPointToStart(&forEach.getBody().front());
  channel = forEach.getBody().getArgument(0);
  bank = toeplitz(/*remainder=*/false);
  if (plan.split)
    remainders = toeplitz(/*remainder=*/true);
  Value begin = t.make<arith::MulIOp>(forEach.getBody().getArgument(1), units.length);
  Value end = t.min(t.add(begin, units.length), units.tiles);
  scf::ForOp::create(builder, t.loc, begin, end, t.index(1), ValueRange(),
                     [&](OpBuilder &, Location, Value tileNumber, ValueRange) {
                       boxOutput(tileNumber, units);
                       scf::YieldOp::create(builder, t.loc);
                     });
}

/// Tiles of runs.
void DirectConvKernel::writeRuns() {
  Value batches = t.dim(conv.x, 0);
  length = t.dim(conv.x, 2);
  Segments segments(t, batches, t.dim(conv.x, 1), length, plan);
  steps = segments.length;
  auto forEach = ForEachOp::create(builder, t.loc,
                                   ValueRange{segments.tiles(t, batches), t.dim(conv.x, 1)});
  ReturnOp::create(builder, t.loc);
  builder.setInsertionPointToStart(&forEach.getBody().front());
  channel = forEach.getBody().getArgument(1);
  if (plan.tiled) {
    firstTile = t.make<arith::MulIOp>(forEach.getBody().getArgument(0), steps);
    chunks = segments.chunks;
    placeRows(firstTile, chunks, t.index(1));
  } else {
    placeRows(forEach.getBody().getArgument(0), segments.count, steps);
  }
  SmallVector<Value> moved;
  for (Value tensor : {conv.x, conv.pre, conv.post, conv.y})
    if (tensor)
      moved.push_back(tensor);
  Value fast = t.make<WholeOp>(builder.getI1Type(), moved);
  if (conv.circular && !plan.whole) { // at most one period off
    Value reach = t.index((plan.matrices + 1) * kChunk);
    fast = t.both(fast, t.compare(arith::CmpIPredicate::sge, length, reach));
  }
  // Gated samples take long enough to come that it pays, though they pass through the branch's end.
  bool early = plan.whole && conv.pre;
  SmallVector<Value> begun;
  if (early)
    begun = eitherWay(fast, /*yields=*/true, [&] { return begin(); });
  bank = toeplitz(/*remainder=*/false);
  if (plan.split)
    remainders = toeplitz(/*remainder=*/true);
  Value rowBatch = batch, rowTime = time0;
  if (conv.final)
    finalState(forEach.getBody().getArgument(0), segments.tiles(t, batches));
  eitherWay(fast, /*yields=*/false, [&]() -> SmallVector<Value> {
    batch = rowBatch, time0 = rowTime;
    finish(early ? begun : begin());
    return {};
  });
}

SmallVector<Value> DirectConvKernel::eitherWay(Value fast, bool yields,
                                               function_ref<SmallVector<Value>()> body) {
  SmallVector<Type> types;
  if (yields)
    types.assign(plan.whole ? plan.chunks * parts() : parts(), tile);
  auto branch = scf::IfOp::create(builder, t.loc, types, fast, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(builder);
  for (Block *block : {branch.thenBlock(), branch.elseBlock()}) {
    builder.setInsertionPointToStart(block);
    whole = block == branch.thenBlock();
    SmallVector<Value> results = body();
    if (!block->mightHaveTerminator())
      scf::YieldOp::create(builder, t.loc, results);
  }
  return SmallVector<Value>(branch.getResults());
}

void DirectConvKernel::placeRows(Value tileNumber, Value perSequence, Value chunksOfRow) {
  Value row = t.iota<RowAttr>(t.mul(tileNumber, kRows), kRows);
  // Rows beyond the last sequence have a batch that lies outside of every tensor.
  batch = t.make<arith::DivUIOp>(row, rowsOf(perSequence));
  Value segment = t.make<arith::RemUIOp>(row, rowsOf(perSequence));
  time0 = t.make<arith::MulIOp>(segment, rowsOf(t.mul(chunksOfRow, kChunk)));
}

//===----------------------------------------------------------------------===//
// The operations
//===----------------------------------------------------------------------===//

/// Writes the kernel, and its launch in place of the operation.
static LogicalResult lower(Operation *op, Convolution conv, const DirectConv &plan,
                           ReifyRankedShapedTypeOpInterface shaped, StringRef suffix,
                           SymbolTable &symbols) {
  OpBuilder b(op);
  TileBuilder host(b, op->getLoc());
  FailureOr<SmallVector<Value>> results = emptyResults(b, op);
  if (failed(results))
    return failure();
  conv.y = results->front();
  if (results->size() > 1)
    conv.final = results->back();
  StringRef function = op->getParentOfType<FunctionOpInterface>().getName();
  Value batch = host.make<tensor::DimOp>(conv.x, int64_t(0)),
        channels = host.make<tensor::DimOp>(conv.x, int64_t(1)),
        length = host.make<tensor::DimOp>(conv.x, int64_t(2));
  auto launch = [&](const DirectConv &plan, const Twine &name) {
    DirectConvKernel writer(conv, plan, op->getLoc());
    KernelOp kernel = writer.create((function + suffix + name).str());
    symbols.insert(kernel);
    // --print-config says what the cost model did.
    if (Attribute config = op->getAttr(kConfigAttr))
      kernel->setAttr(kConfigAttr, config);
    SmallVector<Value> operands = writer.operands(), work;
    if (plan.boxes)
      work = {channels, Units(host, batch, channels, plan).count};
    else
      work = {Segments(host, batch, channels, length, plan).tiles(host, batch), channels};
    auto launch = LaunchOp::create(b, op->getLoc(), op->getResultTypes(), kernel.getSymName(),
                                   operands, work);
    // B and L of all tensors that have them, where the types leave them open.
    SmallVector<int64_t> batches, lengths;
    for (auto [i, tensor] : llvm::enumerate(operands)) {
      bool state = tensor == conv.initial || tensor == conv.final;
      if (cast<RankedTensorType>(tensor.getType()).getRank() != 3)
        continue;
      batches.append({int64_t(i), 0});
      if (!state)
        lengths.append({int64_t(i), 2});
    }
    launch->setAttr(kSameSizesAttr, b.getArrayAttr({b.getDenseI64ArrayAttr(batches),
                                                    b.getDenseI64ArrayAttr(lengths)}));
    return launch;
  };
  LaunchOp last = launch(plan, "");
  if (std::optional<DirectConv> runs = plan.unaligned()) {
    conv.y = last.getResult(0);
    last = launch(*runs, "_unaligned");
    last->setAttr(kSubstituteAttr, b.getUnitAttr());
  }
  op->replaceAllUsesWith(last.getResults());
  op->erase();
  return success();
}

LogicalResult longwing::lowerDirectConv(seq::LongConvOp op, SymbolTable &symbols) {
  std::string why;
  std::optional<DirectConv> plan = DirectConv::plan(op, &why);
  if (!plan)
    return op.emitOpError() << "cannot run on sm_90a: " << why;
  Convolution conv;
  conv.x = op.getU();
  conv.filter = op.getFilter();
  conv.reverse = op.getReverse();
  conv.pre = op.getPre();
  conv.post = op.getPost();
  conv.skip = op.getSkip();
  conv.lastTapFirst = op.getTaps() == seq::TapOrder::Last;
  conv.circular = op.isCircular();
  conv.anticausal = op.getKind() == seq::ConvKind::Anticausal;
  conv.skipUngated = op.getSkipUngated();
  conv.reverseFrom = op.getKind() == seq::ConvKind::TwoSidedDisjoint ? -1 : 0;
  return lower(op, conv, *plan, op, "_long_conv", symbols);
}

LogicalResult longwing::lowerShortConv(seq::ShortConvOp op, SymbolTable &symbols) {
  std::string why;
  std::optional<DirectConv> plan = DirectConv::plan(op, &why);
  if (!plan)
    return op.emitOpError() << "cannot run on sm_90a: " << why;
  Convolution conv;
  conv.x = op.getX();
  conv.filter = op.getWeights();
  conv.bias = op.getBias();
  conv.initial = op.getInitial();
  conv.lastTapFirst = op.getTaps() == seq::TapOrder::Last;
  conv.silu = op.getSilu();
  conv.shift = op.getLookahead();
  return lower(op, conv, *plan, op, "_short_conv", symbols);
}
