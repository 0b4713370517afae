//===- StagedConv.cpp - Transforms in f32, a kernel for each stage --------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What no kernel of tensor cores takes: f32 above all. N numbers of a sequence lie in memory as they are
// written in lib/Seq/DecomposeFft.cpp, and each stage takes them there and back in place. A thread holds the R
// numbers of one butterfly, m apart:
//
//   z[o, k, j] = w^(j k) sum over a of exp(-2 pi i a k / R) z[o, a, j]        w = exp(-2 pi i / (R m)), 0 <= j < m
//
// The weights of the right-angle transform, exp(i pi n / (2 N)), are taken where samples are read and where
// results are written. A transform at the roots of 1 has none, and two batches as the parts of its numbers. The last stage there, the product with the spectrum and the first stage back are one kernel.
//
//===----------------------------------------------------------------------===//

#include "Channels.h"
#include "ConvSlices.h"
#include "FourierTables.h"
#include "Launch.h"
#include "SeqToTile.h"

#include "longwing/Seq/Config.h"
#include "longwing/Seq/ConvConfig.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <complex>

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

using Numbers = SmallVector<Number>;

/// A stage: R numbers that lie m apart, and how many groups of R m there are.
struct Stage {
  int64_t radix, inner, outer;
};

/// What one thread does.
class Point {
public:
  Point(OpBuilder &b, Location loc, ValueRange memory, ValueRange at) : t(b, loc), memory(memory), at(at) {}

  TileBuilder t;
  SmallVector<Value> memory; ///< Of the kernel's tensors.
  SmallVector<Value> at;     ///< Coordinates, of which the last ones are the batch and the channel.

  Value batch() const { return at[at.size() - 2]; }
  Value channel() const { return at.back(); }

  Number times(Number x, Number y, bool conjugate = false);
  Number times(Number x, std::complex<double> y);
  Number plus(Number x, Number y, bool minus);
  Numbers transform(ArrayRef<Number> z, int sign);
  Numbers powers(Number w, int64_t count);

  Value single(double value) { return t.make<arith::ConstantOp>(t.b.getF32FloatAttr(value)); }
  Value load(Value from, ValueRange place);
  void store(Value value, Value to, ValueRange place);
  Value flat(Value tensor);
  Number loadNumber(Value flat, Value place, bool isQuad = false);
  void storeNumber(Number number, Value flat, Value place, bool isQuad = false);
};

/// What was chosen, or what is to take the place of another algorithm that was forced and is not for such elements.
static ConvConfig configOf(seq::LongConvOp op) {
  ConvConfig config = ConvConfig::read(op);
  if (config.algorithm != ConvAlgorithm::Stages) {
    config.radices = stageRadices(op);
    config.reason = "no kernel of tensor cores takes it";
  }
  return config;
}

class StagedConv {
public:
  StagedConv(seq::LongConvOp op, SymbolTable &symbols)
      : op(op), config(configOf(op)), symbols(symbols), b(op), host(b, op.getLoc()), points(config.transformLength()),
        length(op.getLength()), rightAngle(!op.isCircular() || points != length) {}

  void lower();

private:
  /// How a thread does its part. The tensors of a kernel are its operands, the last of which it writes, and z its numbers. All batches of a channel
  /// are taken one after the other, so that its spectrum is read from memory once.
  using Write = llvm::function_ref<void(Point &)>;
  Value run(const Twine &name, ArrayRef<Value> tensors, ArrayRef<int64_t> sizes, Value batches, Write write, size_t z);
  KernelOp createKernel(StringRef name, ArrayRef<Value> tensors, ArrayRef<int64_t> sizes, Write write, size_t z);
  Value table(const Stage &stage, bool first);
  Value convolve(const Slice &slice, Value part, Value spectrum);
  Value transformedTaps(const Slice &slice);
  Value stages(Value z, Value batches, bool forth);
  Value numbers(Value batches);

  Value place(Point &p, const Stage &stage, bool ofFilter = false);
  Numbers loadAll(Point &p, const Stage &stage, Value flat, Value first);
  void storeAll(Point &p, const Stage &stage, ArrayRef<Number> z, Value flat, Value first);
  std::pair<Numbers, Numbers> weights(Point &p, const Stage &stage, Value table);
  void beginStage(Point &p, const Stage &stage, Value table, llvm::function_ref<Number(Value n)> sample);
  /// Whether numbers are of two batches: they are those of a filter times real numbers of both.
  bool isPaired() const { return !rightAngle; }
  Number tapsAt(Point &p, Value n, ValueRange filters);
  std::pair<SmallVector<Value>, Value> elementAt(Point &p, Value tensor, Value n, bool second);
  Value read(Point &p, Value tensor, Value n, bool second);

  seq::LongConvOp op;
  ConvConfig config;
  SymbolTable &symbols;
  OpBuilder b;
  TileBuilder host;
  int64_t points, length; ///< N and L.
  bool rightAngle;
  int64_t channels = 0; ///< Of a slice.
  SmallVector<Stage> all;
  SmallVector<Value> tables;
  llvm::StringMap<KernelOp> kernels; ///< Written for the first slice, and launched for each.
  size_t slices = 1;
};

} // namespace

//===----------------------------------------------------------------------===//
// What a thread does
//===----------------------------------------------------------------------===//

Number Point::times(Number x, Number y, bool conjugate) {
  Value im = conjugate ? t.make<arith::NegFOp>(y.im) : y.im;
  Value minus = conjugate ? y.im : t.make<arith::NegFOp>(y.im);
  return {t.fma(x.re, y.re, t.mulf(x.im, minus)), t.fma(x.re, im, t.mulf(x.im, y.re))};
}

Number Point::times(Number x, std::complex<double> y) {
  auto negated = [&](Value value) { return t.make<arith::NegFOp>(value); };
  if (y == 1.0)
    return x;
  if (y == std::complex<double>(0, 1))
    return {negated(x.im), x.re};
  if (y == std::complex<double>(0, -1))
    return {x.im, negated(x.re)};
  return times(x, {single(y.real()), single(y.imag())});
}

Number Point::plus(Number x, Number y, bool minus) {
  if (minus)
    return {t.make<arith::SubFOp>(x.re, y.re), t.make<arith::SubFOp>(x.im, y.im)};
  return {t.addf(x.re, y.re), t.addf(x.im, y.im)};
}

/// A root of unity, which a quarter of a turn is exactly.
static std::complex<double> turn(int64_t k, int64_t n) {
  if (4 * std::abs(k) == n)
    return {0, k > 0 ? 1.0 : -1.0};
  return unitRoot(k, n);
}

/// The transform of a power of two, by halves: of even and odd positions.
Numbers Point::transform(ArrayRef<Number> z, int sign) {
  size_t n = z.size();
  if (n == 1)
    return Numbers(z);
  Numbers halves[2];
  for (size_t i = 0; i < n; ++i)
    halves[i % 2].push_back(z[i]);
  Numbers even = transform(halves[0], sign), odd = transform(halves[1], sign), result(n);
  for (size_t k = 0; k < n / 2; ++k) {
    Number turned = times(odd[k], turn(sign * int64_t(k), int64_t(n)));
    result[k] = plus(even[k], turned, /*minus=*/false), result[k + n / 2] = plus(even[k], turned, /*minus=*/true);
  }
  return result;
}

/// w^0, w^1, ..., each a product of as few as can be.
Numbers Point::powers(Number w, int64_t count) {
  Numbers result = {{single(1), single(0)}, w};
  for (int64_t k = 2; k < count; ++k)
    result.push_back(times(result[k / 2], result[k - k / 2]));
  return result;
}

Value Point::load(Value from, ValueRange place) {
  Value value = t.make<memref::LoadOp>(from, place);
  return value.getType().isF32() ? value : t.make<arith::ExtFOp>(t.b.getF32Type(), value);
}

void Point::store(Value value, Value to, ValueRange place) {
  Type element = cast<MemRefType>(to.getType()).getElementType();
  if (!element.isF32())
    value = t.make<arith::TruncFOp>(element, value);
  memref::StoreOp::create(t.b, t.loc, value, to, place);
}

/// The numbers of f32 of a tensor of our own, one behind the other.
Value Point::flat(Value tensor) {
  auto type = cast<MemRefType>(tensor.getType());
  Value size = t.index(1);
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    size = t.make<arith::MulIOp>(size, t.make<memref::DimOp>(tensor, dim));
  OpFoldResult zero = t.b.getIndexAttr(0), one = t.b.getIndexAttr(1);
  return t.make<memref::ReinterpretCastOp>(MemRefType::get({ShapedType::kDynamic}, type.getElementType()), tensor, zero,
                                           ArrayRef<OpFoldResult>{size}, ArrayRef<OpFoldResult>{one});
}

/// Numbers lie at multiples of their 8 bytes, or of 16 where two neighbours are read: so wide are accesses then.
Number Point::loadNumber(Value flat, Value place, bool isQuad) {
  auto part = [&](Value at, uint64_t bytes) { return t.make<memref::LoadOp>(flat, ValueRange{at}, /*nontemporal=*/false, llvm::MaybeAlign(bytes)); };
  return {part(place, isQuad ? 16 : 8), part(t.add(place, 1), 4)};
}

void Point::storeNumber(Number number, Value flat, Value place, bool isQuad) {
  auto part = [&](Value value, Value at, uint64_t bytes) {
    memref::StoreOp::create(t.b, t.loc, value, flat, ValueRange{at}, /*nontemporal=*/false, llvm::MaybeAlign(bytes));
  };
  part(number.re, place, isQuad ? 16 : 8);
  part(number.im, t.add(place, 1), 4);
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

/// Where the first of a butterfly's numbers lies among those of all sequences; a filter has one batch.
Value StagedConv::place(Point &p, const Stage &stage, bool ofFilter) {
  TileBuilder &t = p.t;
  Value row = ofFilter ? p.channel() : t.make<arith::AddIOp>(t.mul(p.batch(), channels), p.channel());
  Value position = p.at[0];
  if (stage.inner == 1) // groups alone
    position = t.mul(position, stage.radix);
  else if (stage.outer > 1)
    position = t.make<arith::AddIOp>(t.mul(p.at[1], stage.radix * stage.inner), position);
  return t.mul(t.make<arith::AddIOp>(t.mul(row, points), position), 2);
}

Numbers StagedConv::loadAll(Point &p, const Stage &stage, Value flat, Value first) {
  Numbers z;
  for (int64_t a = 0; a < stage.radix; ++a)
    z.push_back(p.loadNumber(flat, p.t.add(first, 2 * a * stage.inner), /*isQuad=*/stage.inner == 1 && a % 2 == 0));
  return z;
}

void StagedConv::storeAll(Point &p, const Stage &stage, ArrayRef<Number> z, Value flat, Value first) {
  for (int64_t k = 0; k < stage.radix; ++k)
    p.storeNumber(z[k], flat, p.t.add(first, 2 * k * stage.inner), /*isQuad=*/stage.inner == 1 && k % 2 == 0);
}

/// A row of ones or, in the first stage of a right-angle transform, exp(i pi j / (2 N)); and one of w^j times that.
Value StagedConv::table(const Stage &stage, bool first) {
  auto type = RankedTensorType::get({2, stage.inner, 2}, b.getF32Type());
  IntegerAttr quarter = first && rightAngle ? b.getI64IntegerAttr(0) : IntegerAttr();
  auto roots = seq::RootsOp::create(b, op.getLoc(), type, b.getI64IntegerAttr(stage.radix * stage.inner), FloatAttr(), quarter,
                                    /*inverse=*/UnitAttr());
  markPlain(roots, "is a table of a transform in f32");
  return roots;
}

/// Of a right-angle transform's first stage the weights of its samples; and w^(j k).
std::pair<Numbers, Numbers> StagedConv::weights(Point &p, const Stage &stage, Value table) {
  TileBuilder &t = p.t;
  Value values = p.flat(table), j = t.mul(p.at[0], 2);
  Number w = p.loadNumber(values, t.add(j, 2 * stage.inner));
  Numbers ofSamples;
  if (stage.outer == 1 && rightAngle) {
    Number turned = p.loadNumber(values, j);
    for (int64_t a = 0; a < stage.radix; ++a)
      ofSamples.push_back(p.times(turned, turn(a, 4 * stage.radix)));
    w = p.times(w, turned, /*conjugate=*/true);
  }
  return {ofSamples, p.powers(w, stage.radix)};
}

Value StagedConv::run(const Twine &name, ArrayRef<Value> tensors, ArrayRef<int64_t> sizes, Value batches, Write write, size_t z) {
  KernelOp &kernel = kernels[name.str()];
  if (!kernel) {
    kernel = createKernel(name.str(), tensors, sizes, write, z);
    symbols.insert(kernel);
  }
  SmallVector<Value> work = llvm::map_to_vector(sizes, [&](int64_t size) { return host.index(size); });
  work.append({batches, host.index(channels)});
  return LaunchOp::create(b, op.getLoc(), tensors.back().getType(), kernel.getSymName(), tensors, work).getResult(0);
}

KernelOp StagedConv::createKernel(StringRef name, ArrayRef<Value> tensors, ArrayRef<int64_t> sizes, Write write, size_t z) {
  MLIRContext *context = op.getContext();
  OpBuilder builder(context);
  SmallVector<Type> types;
  for (Value tensor : tensors) {
    auto type = cast<RankedTensorType>(tensor.getType());
    SmallVector<int64_t> shape(type.getShape());
    if (slices > 1 && !op.getU().getType().isDynamicDim(0)) // which have not all as many sequences
      shape.front() = ShapedType::kDynamic;
    types.push_back(ViewType::get(context, shape, type.getElementType()));
  }
  auto schedule = ScheduleAttr::get(context, /*consumers=*/1, /*producer=*/0, /*consumer=*/232, /*persistent=*/false,
                                    /*overlap=*/false, /*spread=*/false);
  StringRef function = op->getParentOfType<FunctionOpInterface>().getName();
  auto kernel = KernelOp::create(builder, op.getLoc(), (function + "_conv_" + name).str(), types, schedule);
  kernel.setOutput(types.size() - 1);
  kernel->setAttr(kPointsAttr, builder.getI64IntegerAttr(1));
  kernel->setAttr(kSlicesAttr, builder.getI64IntegerAttr(slices));
  explain(kernel, "stages in f32: a thread for each butterfly", config.reason);
  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  TileBuilder t(builder, op.getLoc());
  SmallVector<Value> memory, counts;
  for (BlockArgument argument : body.getArguments())
    memory.push_back(t.make<ElementsOp>(elementsType(cast<ViewType>(argument.getType())), argument));
  for (int64_t size : sizes)
    counts.push_back(t.index(size));
  counts.append({t.make<memref::DimOp>(memory[z], 0), t.index(channels)});
  auto work = ForEachOp::create(builder, op.getLoc(), counts);
  ReturnOp::create(builder, op.getLoc());
  builder.setInsertionPointToStart(&work.getBody().front());
  Point point(builder, op.getLoc(), memory, work.getBody().getArguments());
  write(point);
  return kernel;
}

/// The first stage there: of samples or of taps.
void StagedConv::beginStage(Point &p, const Stage &stage, Value table, llvm::function_ref<Number(Value n)> sample) {
  auto [ofSamples, twiddles] = weights(p, stage, table);
  Numbers z;
  for (int64_t a = 0; a < stage.radix; ++a) {
    Number x = sample(p.t.add(p.at[0], a * stage.inner));
    if (!ofSamples.empty())
      x = x.im ? p.times(x, ofSamples[a]) : Number{p.t.mulf(x.re, ofSamples[a].re), p.t.mulf(x.re, ofSamples[a].im)};
    z.push_back({x.re, x.im ? x.im : p.single(0)});
  }
  z = p.transform(z, -1);
  for (int64_t k = 1; k < stage.radix; ++k)
    z[k] = p.times(z[k], twiddles[k]);
  storeAll(p, stage, z, p.flat(p.memory.back()), place(p, stage));
}

/// The stages between the first and the last, there or back.
Value StagedConv::stages(Value z, Value batches, bool forth) {
  for (size_t i = 1; i + 1 < all.size(); ++i) {
    size_t number = forth ? i : all.size() - 1 - i;
    const Stage &stage = all[number];
    z = run((forth ? "stage_" : "stage_back_") + Twine(number), {tables[number], z}, {stage.inner, stage.outer}, batches, [&](Point &p) {
      Value flat = p.flat(p.memory[1]), first = place(p, stage);
      Numbers x = loadAll(p, stage, flat, first), twiddles = weights(p, stage, p.memory[0]).second;
      if (forth)
        x = p.transform(x, -1);
      for (int64_t k = 1; k < stage.radix; ++k)
        x[k] = p.times(x[k], twiddles[k], /*conjugate=*/!forth);
      if (!forth)
        x = p.transform(x, 1);
      storeAll(p, stage, x, flat, first);
    }, 1);
  }
  return z;
}

/// Room for the numbers of so many batches of a slice.
Value StagedConv::numbers(Value batches) {
  return host.make<tensor::EmptyOp>(RankedTensorType::get({ShapedType::kDynamic, channels, points, 2}, b.getF32Type()), batches);
}

//===----------------------------------------------------------------------===//
// The filter
//===----------------------------------------------------------------------===//

/// What stands at n: the tap of lag n, and as the imaginary part, negated, that of lag n - N, whose weight is the one of n
/// turned back by a quarter.
Number StagedConv::tapsAt(Point &p, Value n, ValueRange filters) {
  TileBuilder &t = p.t;
  Value channel = p.channel();
  auto tap = [&](Value filter, Value j, int64_t limit) -> Value {
    Value count = t.make<memref::DimOp>(filter, 1);
    // As an unsigned number, a negative one is too large.
    auto isBelow = [&](Value bound) { return t.compare(arith::CmpIPredicate::ult, j, bound); };
    Value known = t.both(isBelow(count), isBelow(t.index(limit)));
    if (*op.getTaps() == seq::TapOrder::Last)
      j = t.sub(t.sub(count, t.index(1)), j);
    Value value = p.load(filter, {channel, t.select(known, j, t.index(0))});
    return t.select(known, value, p.single(0));
  };
  auto back = [&](int64_t from) { return t.sub(t.index(from), n); };
  auto negated = [&](Value value) { return t.make<arith::NegFOp>(value); };
  Value filter = filters.front(), reverse = filters.back();
  switch (op.getKind()) {
  case seq::ConvKind::Causal:
    return {tap(filter, n, length), Value()};
  case seq::ConvKind::Anticausal:
    return {tap(filter, n, 1), negated(tap(filter, back(points), length))};
  case seq::ConvKind::TwoSidedShared:
    return {t.addf(tap(filter, n, length), tap(reverse, n, 1)), negated(tap(reverse, back(points), length))};
  case seq::ConvKind::TwoSidedDisjoint:
    return {tap(filter, n, length), negated(tap(reverse, back(points - 1), length - 1))};
  case seq::ConvKind::Circular:
    if (!rightAngle)
      return {tap(filter, n, length), Value()};
    return {tap(filter, n, length), negated(tap(filter, t.sub(n, t.index(points - length)), length))};
  }
  llvm_unreachable("a kind of convolution");
}

Value StagedConv::transformedTaps(const Slice &slice) {
  SmallVector<Value> tensors = {tables.front(), slice.ofChannels(host, op.getFilter())};
  if (op.getReverse())
    tensors.push_back(slice.ofChannels(host, op.getReverse()));
  Value one = host.index(1), z = numbers(one);
  tensors.push_back(z);
  z = run("filter", tensors, all.front().inner, one, [&](Point &p) {
    auto filters = ArrayRef(p.memory).drop_front().drop_back();
    beginStage(p, all.front(), p.memory.front(), [&](Value n) { return tapsAt(p, n, filters); });
  }, tensors.size() - 1);
  z = stages(z, one, /*forth=*/true);
  const Stage &last = all.back();
  return run("filter_end", {z}, last.outer, one, [&](Point &p) {
    Value flat = p.flat(p.memory[0]), first = place(p, last);
    storeAll(p, last, p.transform(loadAll(p, last, flat, first), -1), flat, first);
  }, 0);
}

//===----------------------------------------------------------------------===//
// The convolution
//===----------------------------------------------------------------------===//

/// Where position n of a batch lies in [B, H, L], of the pair's first or second one, and whether there is such an element (null if
/// there always is); else another.
std::pair<SmallVector<Value>, Value> StagedConv::elementAt(Point &p, Value tensor, Value n, bool second) {
  TileBuilder &t = p.t;
  Value batch = p.batch(), exists;
  if (points != length) {
    exists = t.compare(arith::CmpIPredicate::ult, n, t.index(length));
    n = t.select(exists, n, t.index(0));
  }
  if (isPaired())
    batch = t.mul(batch, 2);
  if (second) {
    Value next = t.add(batch, 1);
    exists = t.compare(arith::CmpIPredicate::ult, next, t.make<memref::DimOp>(tensor, 0));
    batch = t.select(exists, next, batch);
  }
  return {{batch, p.channel(), n}, exists};
}

/// Of [B, H, L], or 0 where there is nothing.
Value StagedConv::read(Point &p, Value tensor, Value n, bool second) {
  auto [at, exists] = elementAt(p, tensor, n, second);
  Value value = p.load(tensor, at);
  return exists ? p.t.select(exists, value, p.single(0)) : value;
}

Value StagedConv::convolve(const Slice &slice, Value part, Value spectrum) {
  Value batches = getValueOrCreateConstantIndexOp(b, op.getLoc(), slice.batches);
  if (isPaired())
    batches = host.ceilDiv(batches, 2);
  auto cut = [&](Value tensor) { return slice.of(host, tensor); };
  SmallVector<Value> tensors = {tables.front(), cut(op.getU())};
  if (op.getPre())
    tensors.push_back(cut(op.getPre()));
  tensors.push_back(numbers(batches));
  Value z = run("begin", tensors, all.front().inner, batches, [&](Point &p) {
    auto sample = [&](Value n, bool second) {
      Value x = read(p, p.memory[1], n, second);
      return op.getPre() ? p.t.mulf(x, read(p, p.memory[2], n, second)) : x;
    };
    beginStage(p, all.front(), p.memory.front(), [&](Value n) -> Number {
      return {sample(n, false), isPaired() ? sample(n, true) : Value()};
    });
  }, tensors.size() - 1);
  z = stages(z, batches, /*forth=*/true);
  const Stage &last = all.back();
  z = run("middle", {spectrum, z}, last.outer, batches, [&](Point &p) {
    Value flat = p.flat(p.memory[1]), first = place(p, last);
    Numbers x = p.transform(loadAll(p, last, flat, first), -1);
    Numbers k = loadAll(p, last, p.flat(p.memory[0]), place(p, last, /*ofFilter=*/true));
    for (int64_t i = 0; i < last.radix; ++i)
      x[i] = p.times(x[i], k[i]);
    storeAll(p, last, p.transform(x, 1), flat, first);
  }, 1);
  z = stages(z, batches, /*forth=*/false);

  tensors = {tables.front(), z};
  auto give = [&](Value tensor) -> size_t {
    tensors.push_back(tensor);
    return tensors.size() - 1;
  };
  bool gated = op.getPre() && !op.getSkipUngated();
  size_t u = 0, pre = 0, post = 0, skip = 0;
  if (op.getSkip()) {
    skip = give(slice.ofChannels(host, op.getSkip())), u = give(cut(op.getU()));
    if (gated)
      pre = give(cut(op.getPre()));
  }
  if (op.getPost())
    post = give(cut(op.getPost()));
  give(part);
  return run("end", tensors, all.front().inner, batches, [&](Point &p) {
    const Stage &stage = all.front();
    TileBuilder &t = p.t;
    auto [ofSamples, twiddles] = weights(p, stage, p.memory.front());
    Numbers x = loadAll(p, stage, p.flat(p.memory[1]), place(p, stage));
    for (int64_t k = 1; k < stage.radix; ++k)
      x[k] = p.times(x[k], twiddles[k], /*conjugate=*/true);
    x = p.transform(x, 1);
    Value channel = p.channel(), scale = p.single(1 / double(points));
    Value factor = op.getSkip() ? p.load(p.memory[skip], channel) : Value();
    auto write = [&](Value n, Value y, bool second) {
      auto [at, exists] = elementAt(p, p.memory.back(), n, second);
      auto finish = [&, place = at](Point &q) {
        y = q.t.mulf(y, scale);
        if (op.getSkip()) {
          Value sample = read(q, p.memory[u], n, second);
          if (gated)
            sample = q.t.mulf(sample, read(q, p.memory[pre], n, second));
          y = q.t.fma(factor, sample, y);
        }
        if (op.getPost())
          y = q.t.mulf(y, read(q, p.memory[post], n, second));
        q.store(y, p.memory.back(), place);
      };
      if (!exists)
        return finish(p);
      scf::IfOp::create(t.b, t.loc, exists, [&](OpBuilder &inner, Location loc) {
        Point point(inner, loc, p.memory, p.at);
        finish(point);
        scf::YieldOp::create(inner, loc);
      });
    };
    for (int64_t a = 0; a < stage.radix; ++a) {
      Value n = t.add(p.at[0], a * stage.inner), y = x[a].re;
      if (!ofSamples.empty())
        y = t.fma(x[a].re, ofSamples[a].re, t.mulf(x[a].im, ofSamples[a].im));
      write(n, y, false);
      if (isPaired())
        write(n, x[a].im, true);
    }
  }, 1);
}

void StagedConv::lower() {
  int64_t behind = points, ahead = 1;
  for (int64_t radix : config.radices) {
    all.push_back({radix, behind /= radix, ahead});
    ahead *= radix;
  }
  for (const Stage &stage : ArrayRef(all).drop_back())
    tables.push_back(table(stage, stage.outer == 1));
  SmallVector<Slice> parts = slicesOf(host, op, points * (isPaired() ? 4 : 8));
  slices = parts.size(), channels = *getConstantIntValue(parts.front().channels);
  SmallVector<Value> sizes;
  if (op.getU().getType().isDynamicDim(0))
    sizes.push_back(host.make<tensor::DimOp>(op.getU(), 0));
  Value y = host.make<tensor::EmptyOp>(op.getY().getType(), sizes);
  Value spectrum; // which batches that are taken apart share
  for (auto [i, slice] : llvm::enumerate(parts)) {
    if (!i || slice.firstChannel != parts[i - 1].firstChannel)
      spectrum = transformedTaps(slice);
    y = slice.into(host, convolve(slice, slice.of(host, y), spectrum), y);
  }
  op.getY().replaceAllUsesWith(y);
  op.erase();
}

LogicalResult longwing::lowerStagedConv(seq::LongConvOp op, SymbolTable &symbols) {
  StagedConv(op, symbols).lower();
  return success();
}
