//===- ConvSpectrum.cpp - Filters as spectra, on the device ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The forward half of ConvPasses.h, for filters. Taps may be of any magnitude, and a spectrum that users keep
// is to be exact to about 16 bits: so both factors of a product are split in a bf16 and what that loses,
// x = hi + lo, and x y is hi hi + hi lo + lo hi. A convolution that makes its spectrum for itself does
// so with taps only; what comes of them is f16, as in its own passes.
//
// Lags to the right become points of the transform too: in the right-angle transform a sample that
// passes the end comes back times i, so a tap of lag -j is one of -i times its value at point N - j.
// A circular filter of L taps is h to the left and, to the right, its taps h[L - j] of lag -j.
//
//===----------------------------------------------------------------------===//

#include "ConvSpectrum.h"
#include "ConvInner.h"
#include "ConvKernel.h"
#include "SeqToTile.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;
using seq::ConvKind;

namespace {

/// A matrix or a tile as hi + lo, or as one.
struct Split {
  Value hi, lo;
};
struct SplitComplex {
  Split re, im;
};

/// Taps of a filter at the points of a tile: where they are read, and which.
struct Points {
  Value filter;  ///< [H, K]
  Value lag;     ///< Of the tap, an index tile.
  Value inside;  ///< Whether there is one, as far as it is not the filter's length that says so.
};

class SpectrumKernel : protected ConvKernel {
protected:
  SpectrumKernel(Location loc, const PassFilter &source, const PassPlan &plan)
      : ConvKernel(loc, plan), source(source), brain(builder.getBF16Type()),
        stored(source.kept ? brain : half) {}

  /// hi keeps the upper half of the bits, so that lo is exact in f32.
  Split split(Value x) {
    RankedTensorType bits = wide.clone(builder.getI32Type());
    Value mask = t.make<arith::ConstantOp>(
        DenseElementsAttr::get(bits, builder.getI32IntegerAttr(int32_t(0xFFFF0000))));
    Value upper = t.make<arith::AndIOp>(t.make<arith::BitcastOp>(bits, x), mask);
    Value hi = t.make<arith::BitcastOp>(wide, upper);
    return {hi, t.make<arith::SubFOp>(x, hi)};
  }
  Value dotLeft(Split matrix, Split data, Value sum, bool negate) {
    sum = ConvKernel::dotLeft(matrix.hi, data.hi, sum, negate);
    if (!data.lo)
      return sum;
    sum = ConvKernel::dotLeft(matrix.hi, data.lo, sum, negate);
    return ConvKernel::dotLeft(matrix.lo, data.hi, sum, negate);
  }
  Value dotRight(Split data, Split matrix, Value sum, bool negate) {
    sum = ConvKernel::dotRight(data.hi, matrix.hi, sum, negate);
    sum = ConvKernel::dotRight(data.hi, matrix.lo, sum, negate);
    return ConvKernel::dotRight(data.lo, matrix.hi, sum, negate);
  }
  /// The planes of a matrix, from `plane` on: re, im, and if it is split, those of lo.
  SplitComplex matrix(Value source, int64_t plane, Value row, Value columnAt, int64_t stages, bool isSplit) {
    auto part = [&](int64_t i) {
      return table(source, plane + i, row, columnAt, kSide, stages);
    };
    SplitComplex m;
    m.re.hi = part(0), m.im.hi = part(1);
    if (isSplit)
      m.re.lo = part(2), m.im.lo = part(3);
    return m;
  }
  /// X as it is stored: planes re hi, re lo, im hi, im lo, or re and im.
  int64_t planes() { return source.kept ? 4 : 2; }
  SplitComplex loadPlanes(llvm::function_ref<Value(int64_t)> plane) {
    SplitComplex data;
    data.re.hi = plane(0);
    if (source.kept)
      data.re.lo = plane(1);
    data.im.hi = plane(planes() / 2);
    if (source.kept)
      data.im.lo = plane(3);
    return data;
  }

  /// The product of a complex matrix and complex data.
  Complex dotLeft(const SplitComplex &matrix, const SplitComplex &data) {
    Complex y;
    y.re = dotLeft(matrix.im, data.im, dotLeft(matrix.re, data.re, {}, false), /*negate=*/true);
    y.im = dotLeft(matrix.im, data.re, dotLeft(matrix.re, data.im, {}, false), /*negate=*/false);
    return y;
  }
  /// What of a complex number goes to them.
  SmallVector<Value> planesOf(const Complex &y) {
    SmallVector<Value> values = {y.re, y.im};
    if (source.kept) {
      Split re = split(y.re), im = split(y.im);
      values = {re.hi, re.lo, im.hi, im.lo};
    }
    return llvm::map_to_vector(values, [&](Value value) { return convert(value, stored); });
  }

  PassFilter source;
  Type brain, stored;
};

/// Taps to X.
class SpectrumForward : SpectrumKernel {
public:
  SpectrumForward(Location loc, const PassFilter &source, const PassPlan &plan, bool boxes)
      : SpectrumKernel(loc, source, plan.outerPart()) {
    // Taps that reach to both sides, and numbers in two parts, leave no registers for two residues.
    if (isReal() && !source.kept && plan.outer >= 2 * kSide)
      residues = 2;
    blocks = plan.outer / residues / kSide;
    auto type = cast<RankedTensorType>(source.filter.getType());
    int64_t taps = type.getDimSize(1), pitch = residues * plan.stride();
    inBoxes = boxes && isReal() && source.taps == seq::TapOrder::First && taps > 0 && taps <= plan.length && taps % pitch == 0;
  }
  /// Whether taps come in boxes of the copy engine, and not by elements.
  bool takesBoxes() const { return inBoxes; }
  KernelOp create(StringRef name);
  int64_t rowBlocks() const { return blocks; }
  /// One for each channel, or for each N taps of it.
  int64_t sequences() const { return source.channels() * std::max<int64_t>(plan.reach, 1); }
  /// The matrix of all work tiles: rows k1 below N_1 / r, columns (j, i).
  Value matrices(OpBuilder &b) const;

private:
  /// Whether all taps are of lags to the left, or count as such. Of blocks that users keep those of d < 0 are not.
  bool isReal() const { return source.isOneSided() ? !bothSigns() : source.kind == ConvKind::Circular && !plan.rightAngle; }
  bool bothSigns() const { return source.kept && plan.inBlocks(); }
  /// Whether gathered taps leave no register to spare. From the last one on, or of two types, tiles of them come one after the
  /// other, for addresses of several take many.
  bool gathersMuch() const { return !inBoxes && (residues > 1 || twoTypes()); }
  bool gathersApart() const { return gathersMuch() && (source.taps == seq::TapOrder::Last || twoTypes()); }
  bool twoTypes() const {
    return source.reverse && getElementTypeOrSelf(source.filter.getType()) != getElementTypeOrSelf(source.reverse.getType());
  }
  Complex transformed(function_ref<SplitComplex(Value i0)> matrix, Value channel, Value b0, int64_t residue);
  Value points(Value i0, Value b0, int64_t residue);
  Value boxOfTaps(Value channel, Value i0, Value b0, int64_t residue);
  Value tap(Value channel, const Points &points);
  Value realTaps(Value channel, Value n);
  Value imaginaryTaps(Value channel, Value n);

  int64_t residues = 1; ///< r: the transform over a = r i + j is one over i for each j, as in ConvPasses.cpp.
  int64_t blocks;   ///< Of 64 rows of that.
  bool inBoxes;
  Value filter, reverse;
  Value part; ///< Which N of the taps.
  int64_t gathered = 0; ///< Tiles of taps so far.
};

/// The middle digit of X, in place.
class SpectrumMiddle : SpectrumKernel {
public:
  SpectrumMiddle(Location loc, const PassFilter &source, const PassPlan &plan)
      : SpectrumKernel(loc, source, plan.middlePart()) {}
  KernelOp create(StringRef name);
};

/// X to the spectrum that users keep.
class SpectrumInner : SpectrumKernel {
public:
  SpectrumInner(Location loc, const PassFilter &source, const PassPlan &plan)
      : SpectrumKernel(loc, source, plan) {}
  KernelOp create(StringRef name);
};

} // namespace

/// Taps at points, 0 where there is none.
Value SpectrumForward::tap(Value channel, const Points &points) {
  auto view = cast<ViewType>(points.filter.getType());
  Value index = points.lag;
  Value count = t.dim(points.filter, 1);
  if (source.taps == seq::TapOrder::Last)
    index = t.sub(fill(index, t.sub(count, t.index(1))), index);
  Value value = t.make<GatherOp>(acc(view.getElementType()), points.filter,
                                 ValueRange{channel, index});
  if (!view.getElementType().isF32())
    value = t.make<arith::ExtFOp>(wide, value);
  Value shortest = fill(index, t.min(count, t.index(plan.length)));
  Value inside = t.both(points.inside,
                        t.compare(arith::CmpIPredicate::slt, points.lag, shortest));
  return t.select(inside, value, t.constantLike(value, 0));
}

/// Lags to the left, and 0. A one-sided filter has only them: of lags to the right it has the conjugate spectrum.
Value SpectrumForward::realTaps(Value channel, Value n) {
  Value taps = tap(channel, {filter, n, Value()});
  if (source.kind != ConvKind::TwoSidedShared)
    return taps;
  Value here = t.compare(arith::CmpIPredicate::eq, n, fill(n, 0));
  return t.addf(taps, tap(channel, {reverse, n, here}));
}

/// Lags to the right; null where the kind has none. Between two blocks they are those that are a block less to the left.
Value SpectrumForward::imaginaryTaps(Value channel, Value n) {
  if (bothSigns()) {
    Value first = fill(n, t.mul(part, plan.points())), before = t.sub(n, fill(n, plan.points()));
    Value inside = t.both(t.compare(arith::CmpIPredicate::sge, before, fill(n, 0)), t.compare(arith::CmpIPredicate::ne, n, first));
    return t.make<arith::NegFOp>(tap(channel, {filter, before, inside}));
  }
  // From point N - j on, but for n = 0; a lag of 0 stands among the real taps.
  Value zero = fill(n, 0), taps = reverse, lag, inside = t.compare(arith::CmpIPredicate::sgt, n, zero);
  switch (source.kind) {
  case ConvKind::Causal:
  case ConvKind::Anticausal:
    return {};
  case ConvKind::TwoSidedShared:
    lag = t.sub(fill(n, plan.points()), n);
    break;
  case ConvKind::TwoSidedDisjoint:
    lag = t.sub(fill(n, plan.points() - 1), n);
    break;
  case ConvKind::Circular:
    if (!plan.rightAngle)
      return {};
    taps = filter, lag = t.sub(n, fill(n, plan.points() - plan.length));
    inside = t.compare(arith::CmpIPredicate::sgt, lag, zero);
    break;
  }
  return t.make<arith::NegFOp>(tap(channel, {taps, lag, inside}));
}

KernelOp SpectrumForward::create(StringRef name) {
  SmallVector<Type> inputs = {column(stored), desc({1, kSide, kSide}, brain)};
  for (Value taps : {source.filter, source.reverse})
    if (taps) {
      auto type = cast<RankedTensorType>(taps.getType());
      Type element = type.getElementType();
      if (inBoxes)
        inputs.push_back(desc({1, kSide, kPanelBytes * 8 / element.getIntOrFloatBitWidth()}, element, /*split=*/residues * plan.stride()));
      else
        inputs.push_back(ViewType::get(builder.getContext(), type.getShape(), element));
    }
  if (plan.mirrored)
    inputs.push_back(rowZero(stored));
  // The producer of taps and of matrices for several blocks of rows holds more of the loop over work tiles.
  ValueRange arguments = begin(name, inputs, /*output=*/0, /*producer=*/inBoxes && blocks > 1 ? 40 : 24);
  if (gathersMuch())
    kernel->setAttr(kScarceAttr, builder.getUnitAttr());
  unfoldColumns(0, planes());
  aliasRowZero(0, planes());
  Value x = arguments[0], matrices = arguments[1], rowZero = arguments.back();
  filter = arguments[2];
  reverse = source.reverse ? arguments[3] : Value();
  // A matrix of 64 rows of each residue stays for all work tiles.
  SmallVector<SplitComplex> resident;
  if (blocks == 1)
    for (int64_t residue = 0; residue < residues; ++residue)
      resident.push_back(matrix(matrices, 0, t.index(0), t.index(residue * kSide), 4 * residues, /*isSplit=*/true));

  ValueRange at = forEach({t.index(plan.inner / kGroups), t.index(blocks), t.index(sequences())});
  Value b0 = t.mul(at[0], kGroups), block = at[1], sequence = at[2], channel = sequence;
  if (plan.inBlocks()) {
    part = t.make<arith::RemUIOp>(sequence, t.index(plan.reach));
    channel = t.floorDiv(sequence, plan.reach);
  }
  SmallVector<Complex> parts;
  for (int64_t residue = 0; residue < residues; ++residue) {
    auto rowsOf = [&](Value i0) {
      if (blocks == 1)
        return resident[residue];
      return matrix(matrices, 0, t.mul(block, kSide), t.add(i0, residue * blocks * kSide), 8, /*isSplit=*/true);
    };
    Complex sum = transformed(rowsOf, channel, b0, residue);
    if (residues > 1)
      sum = {convert(sum.re, half), convert(sum.im, half)};
    parts.push_back(sum);
  }
  storeBlocks(parts, x, rowZero, sequence, block, blocks, b0, [&](const Complex &y) { return planesOf(y); });
  return end();
}

/// The points of a tile, 64 rows of a residue from i0 on for each b.
Value SpectrumForward::points(Value i0, Value b0, int64_t residue) {
  RankedTensorType positions = wide.clone(builder.getIndexType());
  auto everywhere = [&](Value x) { return t.broadcast(x, positions); };
  Value row = rows(), b = t.add(quotient(row, kSide), fill(row, b0));
  Value a = t.add(remainder(row, kSide), fill(row, i0));
  if (residues > 1)
    a = t.add(t.make<arith::MulIOp>(a, fill(a, residues)), fill(a, residue));
  Value start = t.add(t.make<arith::MulIOp>(a, fill(a, plan.stride())), t.make<arith::MulIOp>(b, fill(b, kSide)));
  if (part)
    start = t.add(start, fill(start, t.mul(part, plan.points())));
  Value columns = t.iota<ColAttr>(t.index(0), kSide);
  if (gathersApart())
    columns.getDefiningOp()->setDiscardableAttr(kApartAttr, builder.getI64IntegerAttr(gathered++));
  return t.add(everywhere(start), everywhere(columns));
}

/// The taps at those points.
Value SpectrumForward::boxOfTaps(Value channel, Value i0, Value b0, int64_t residue) {
  if (part)
    i0 = t.add(i0, t.mul(part, plan.outer / residues));
  Value tile = load(filter, {channel, i0, t.add(t.mul(b0, kSide), residue * plan.stride())}, kRows, /*along=*/2, 2);
  return read(tile);
}

/// The sums over the i of a residue, 64 at a time.
Complex SpectrumForward::transformed(function_ref<SplitComplex(Value i0)> matrix, Value channel, Value b0, int64_t residue) {
  Value zero = t.index(0), none = t.constant(wide, 0);
  auto chunks = scf::ForOp::create(
      builder, t.loc, zero, t.index(blocks), t.index(1), ValueRange{none, none},
      [&](OpBuilder &, Location, Value chunk, ValueRange state) {
        Complex sum = {state[0], state[1]};
        Value i0 = t.mul(chunk, kSide);
        SplitComplex f = matrix(i0);
        auto multiply = [&](Value taps, bool imaginary) {
          Split parts = split(taps);
          Split data = {exchange(parts.hi, brain), exchange(parts.lo, brain)};
          sum.re = dotLeft(imaginary ? f.im : f.re, data, sum.re, imaginary);
          sum.im = dotLeft(imaginary ? f.re : f.im, data, sum.im, false);
        };
        if (inBoxes) {
          multiply(boxOfTaps(channel, i0, b0, residue), /*imaginary=*/false);
        } else {
          Value n;
          // ptxas spills where the larger of both comes last.
          bool realFirst = source.kind == ConvKind::TwoSidedShared;
          for (bool imaginary : {!realFirst, realFirst}) {
            if (!n || gathersApart())
              n = points(i0, b0, residue);
            if (Value taps = imaginary ? imaginaryTaps(channel, n) : realTaps(channel, n))
              multiply(taps, imaginary);
          }
        }
        scf::YieldOp::create(builder, t.loc, ValueRange{sum.re, sum.im});
      });
  return {chunks.getResult(0), chunks.getResult(1)};
}

Value SpectrumForward::matrices(OpBuilder &b) const {
  ConvTables outer(blocks * kSide, plan.outer);
  double scale = source.kept ? 1 : kStoredFilter;
  outer.addSplit(
      [&](int64_t r, int64_t c) {
        int64_t residue = c / (blocks * kSide), i = c % (blocks * kSide);
        return scale * outerRoot(plan, r, residues * i + residue, plan.outer, -1);
      },
      b.getBF16Type());
  return outer.constant(b, t.loc, b.getBF16Type());
}

KernelOp SpectrumMiddle::create(StringRef name) {
  ValueRange arguments = begin(name, {column(stored), desc({1, kSide, kSide}, stored)}, /*output=*/0);
  unfoldColumns(0, planes());
  Value x = arguments[0], zero = t.index(0);
  SplitComplex f = matrix(arguments[1], 0, zero, zero, 4, source.kept);
  Value sequences = sequencesOf(x);

  ValueRange at = forEach({t.index(plan.inner / kGroups), sequences});
  Value b0 = t.mul(at[0], kGroups), sequence = at[1];
  SplitComplex data =
      loadPlanes([&](int64_t i) { return load(x, columnAt(sequence, zero, i, b0), kRows, kAlongB, 4); });
  Complex y = dotLeft(f, data);
  Value row = rows(), k = remainder(row, kSide);
  Value b = t.add(quotient(row, kSide), fill(row, b0));
  y = multiply(t, y, passTwiddle(t, plan, k, b, -1, wide), /*conjugate=*/false);
  for (auto [plane, value] : llvm::enumerate(planesOf(y)))
    store(value, x, columnAt(sequence, zero, plane, b0), kAlongB);
  return end();
}

KernelOp SpectrumInner::create(StringRef name) {
  SmallVector<Type> inputs = {desc({1, 1, kSide, kSide}, brain), desc({1, kSide, kSide}, brain),
                              desc({1, 1, 1, kSide, kSide}, half)};
  ValueRange arguments = begin(name, inputs, /*output=*/2);
  Value x = arguments[0], tables = arguments[1], spectrum = arguments[2], zero = t.index(0);
  SplitComplex overB = matrix(tables, 0, zero, zero, 8, /*isSplit=*/true),
               overC = matrix(tables, planes(), zero, zero, 8, /*isSplit=*/true);

  ValueRange at = forEach({t.index(plan.tiles() / kGroups), t.dim(spectrum, 0)});
  Value tile0 = t.mul(at[0], kGroups), channel = at[1]; // or a block of one
  Value first = t.add(t.mul(channel, plan.tiles()), tile0);
  SplitComplex data = loadPlanes([&](int64_t i) {
    return load(x, {first, t.index(i), zero, zero}, kRows, /*along=*/0, 4);
  });
  Complex y = dotLeft(overB, data);
  // exp(-2 pi i k2 c / M)
  auto toFloat = [&](Value index) {
    auto type = cast<RankedTensorType>(index.getType());
    Value integer = t.make<arith::IndexCastOp>(type.clone(builder.getI32Type()), index);
    return t.make<arith::SIToFPOp>(type.clone(single), integer);
  };
  Value k2 = t.mulf(toFloat(remainder(rows(), plan.inner)), -2 * M_PI / double(plan.stride()));
  Value angle = t.mulf(t.broadcast(k2, wide),
                       t.broadcast(t.iotaf<ColAttr>(zero, kSide), wide));
  y = multiply(t, y, {t.make<math::CosOp>(angle), t.make<math::SinOp>(angle)}, false);
  auto fragments = [&](Value value) -> Split {
    Split parts = split(value);
    return {fragment(parts.hi, brain), fragment(parts.lo, brain)};
  };
  Split re = fragments(y.re), im = fragments(y.im);
  Complex z;
  z.re = dotRight(im, overC.im, dotRight(re, overC.re, {}, false), /*negate=*/true);
  z.im = dotRight(im, overC.re, dotRight(re, overC.im, {}, false), /*negate=*/false);
  if (source.kind == ConvKind::Anticausal)
    z.im = t.make<arith::NegFOp>(z.im);
  for (auto [part, value] : llvm::enumerate(SmallVector<Value>{z.re, z.im}))
    store(convert(value, half), spectrum, {channel, tile0, t.index(part), zero, zero},
          /*along=*/1);
  return end();
}

//===----------------------------------------------------------------------===//
// The host
//===----------------------------------------------------------------------===//

/// Matrices as a kernel of this filter takes them.
static Value filterTables(OpBuilder &b, Location loc, const PassFilter &filter, ArrayRef<ConvTables::Entry> entries) {
  ConvTables tables(kSide, kSide);
  Type element = filter.kept ? Type(b.getBF16Type()) : b.getF16Type();
  for (ConvTables::Entry entry : entries)
    filter.kept ? tables.addSplit(entry, element) : tables.add(entry);
  return tables.constant(b, loc, element);
}

static Value innerTables(OpBuilder &b, Location loc, const PassFilter &filter, const PassPlan &plan) {
  int64_t p = plan.inner;
  auto overB = [&](int64_t r, int64_t c) { return r / p == c / p ? root(r % p, c % p, p, -1) : 0.0; };
  auto overC = [&](int64_t r, int64_t c) { return root(r, c, kSide, -1); };
  return filterTables(b, loc, filter, {overB, overC});
}

/// The spectrum that users keep in tiles, [H, N / 4096, 2, 64, 64] of f16: rows (k1, f' mod P) and columns f' / P, or such a one of
/// each block of a channel; the compiler's own as tile.keep leaves it.
static Value launchSpectrum(Operation *op, const PassFilter &filter, const PassPlan &plan,
                            SymbolTable &symbols) {
  OpBuilder b(op);
  Location loc = op->getLoc();
  TileBuilder host(b, loc);
  StringRef function = op->getParentOfType<FunctionOpInterface>().getName();
  auto launch = [&](KernelOp kernel, ArrayRef<Value> operands, unsigned output, ValueRange work, bool substitute = false) {
    symbols.insert(kernel);
    auto launch = LaunchOp::create(b, loc, operands[output].getType(), kernel.getSymName(), operands, work);
    if (substitute)
      launch->setAttr(kSubstituteAttr, b.getUnitAttr());
    return launch.getResult(0);
  };
  int64_t channels = filter.channels();
  SpectrumForward forward(loc, filter, plan, /*boxes=*/true);

  auto empty = [&](ArrayRef<int64_t> shape, Type element) {
    return host.make<tensor::EmptyOp>(RankedTensorType::get(shape, element), ValueRange());
  };
  Type stored = filter.kept ? Type(b.getBF16Type()) : b.getF16Type();
  Value points = empty({forward.sequences() * plan.tiles(), filter.kept ? 4 : 2, kSide, kSide}, stored);
  SmallVector<Value> work = {host.index(plan.outerPart().inner / kGroups), host.index(forward.rowBlocks()),
                             host.index(forward.sequences())};
  Value matrices = forward.matrices(b);
  auto operands = [&](Value points) {
    SmallVector<Value> values = {points, matrices, filter.filter};
    if (filter.reverse)
      values.push_back(filter.reverse);
    if (plan.mirrored)
      values.push_back(points);
    return values;
  };
  Value x = launch(forward.create((function + "_filter_forward").str()), operands(points), 0, work);
  if (forward.takesBoxes()) {
    KernelOp kernel = SpectrumForward(loc, filter, plan, /*boxes=*/false).create((function + "_filter_forward_unaligned").str());
    x = launch(kernel, operands(x), 0, work, /*substitute=*/true);
  }
  if (plan.middle > 1) {
    auto overMiddle = [&](int64_t r, int64_t c) { return root(r, c, kSide, -1); };
    x = launch(SpectrumMiddle(loc, filter, plan).create((function + "_filter_middle").str()),
               {x, filterTables(b, loc, filter, {overMiddle})}, 0,
               {host.index(plan.inner / kGroups), host.index(channels * plan.rows())});
  }
  if (!filter.kept) {
    Value spectra = host.make<tensor::EmptyOp>(plan.keptType(b.getContext(), channels), ValueRange());
    KernelOp inner = InnerPass(loc, plan, filter.kind).createOfFilter((function + "_filter_inner").str(), {x, spectra});
    return launch(inner, {x, spectra}, 1, {host.index(plan.tiles()), host.index(channels)});
  }
  Value spectrum = empty({forward.sequences(), plan.tiles(), 2, kSide, kSide}, b.getF16Type());
  return launch(SpectrumInner(loc, filter, plan).create((function + "_filter_inner").str()),
                {x, innerTables(b, loc, filter, plan), spectrum}, 2,
                {host.index(plan.tiles() / kGroups), host.index(forward.sequences())});
}

Value longwing::prepareSpectrum(seq::LongConvOp op, const PassPlan &plan, SymbolTable &symbols) {
  return launchSpectrum(op, PassFilter(op), plan, symbols);
}

/// A spectrum in tiles to one in the order of its radices.
static KernelOp orderSpectrum(Location loc, StringRef name, const PassPlan &plan, Type tiles,
                              RankedTensorType ordered) {
  OpBuilder builder(loc.getContext());
  FourierBuilder t(builder, loc);
  MLIRContext *context = loc.getContext();
  auto view = [&](Type type) -> Type {
    auto tensor = cast<RankedTensorType>(type);
    return ViewType::get(context, tensor.getShape(), tensor.getElementType());
  };
  auto schedule = ScheduleAttr::get(context, 4, 0, 128, /*persistent=*/true, /*overlap=*/false,
                                    /*spread=*/false);
  auto kernel = KernelOp::create(builder, loc, name, {view(tiles), view(ordered)}, schedule);
  kernel->setAttr(kStaggerAttr, builder.getI64IntegerAttr(1));
  kernel.setOutput(1);
  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  Value source = body.getArgument(0), destination = body.getArgument(1);
  auto work = ForEachOp::create(builder, loc, ValueRange{t.index(plan.tiles()), t.dim(source, 0)});
  ReturnOp::create(builder, loc);
  builder.setInsertionPointToStart(&work.getBody().front());
  Value tile = work.getBody().getArgument(0), sequence = work.getBody().getArgument(1); // a channel, or a block of one
  SmallVector<Value> from = spectrumInTiles(t, plan, sequence, tile);
  Value to = spectrumInOrder(t, tile);
  for (int64_t part = 0; part < 2; ++part) {
    from[2] = t.index(part);
    Value read = t.make<PullOp>(t.half(), source, from);
    SmallVector<Value> place = {sequence, to, from[2]};
    if (plan.inBlocks())
      place = {t.floorDiv(sequence, plan.reach), t.make<arith::RemUIOp>(sequence, t.index(plan.reach)), to, from[2]};
    PlaceOp::create(builder, loc, t.cast(read, t.frag(ordered.getElementType())), destination, place);
  }
  return kernel;
}

LogicalResult longwing::lowerPrepareInPasses(seq::PrepareFilterOp op, SymbolTable &symbols) {
  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  PassPlan plan = *PassPlan::of(op);
  PassFilter filter(op);
  Value tiles = launchSpectrum(op, filter, plan, symbols);
  RankedTensorType type = op.getSpectrum().getType();
  StringRef function = op->getParentOfType<FunctionOpInterface>().getName();
  KernelOp kernel = orderSpectrum(op.getLoc(), (function + "_filter_order").str(), plan, tiles.getType(), type);
  symbols.insert(kernel);
  Value empty = host.make<tensor::EmptyOp>(type, ValueRange());
  auto launch = LaunchOp::create(b, op.getLoc(), TypeRange{type}, kernel.getSymName(), ValueRange{tiles, empty},
                                 ValueRange{host.index(plan.tiles()), host.index(filter.channels() * std::max<int64_t>(plan.reach, 1))});
  op.getSpectrum().replaceAllUsesWith(launch.getResult(0));
  op.erase();
  return success();
}
