//===- LongConv.cpp - What long convolutions and their filters mean -------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every kind is a sum over lags, c[t] = sum over s of g[t - s] x[s], with lags in (-L, L): kinds
// differ in `tapOfLag` alone. The sum is taken as it stands where the sequence is short, and by
// transforms of a power of two beyond both ends where it is long. That shares nothing with what
// kernels do: no right angle, no radices. What is to be a plain kernel is the sum, however long it is:
// then each output is computed on its own.
//
//===----------------------------------------------------------------------===//

#include "Fourier.h"

#include "longwing/Seq/Config.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using seq::ConvKind;

/// Up to this length the sum is taken as it stands.
static constexpr int64_t kDirectLength = 64;

static Value less(LoopBuilder &b, Value x, Value y) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y);
}

static Value plus(LoopBuilder &b, Value x, Value y) { return arith::AddIOp::create(b, x, y); }
static Value minus(LoopBuilder &b, Value x, Value y) { return arith::SubIOp::create(b, x, y); }

namespace {

/// One of the filters of an operation, `[H, K]`, read by lag.
class Taps {
public:
  Taps(LoopBuilder &b, Value filter, seq::TapOrder order)
      : b(b), filter(filter), order(order), count(tensor::DimOp::create(b, filter, 1)) {}

  /// h[j], or 0 outside of [0, K).
  Value at(Value channel, Value j) const {
    Value inside = arith::AndIOp::create(
        b, arith::CmpIOp::create(b, arith::CmpIPredicate::sge, j, b.index(0)), less(b, j, count));
    return b.either(
        inside,
        [&] {
          Value stored = order == seq::TapOrder::First
                             ? j
                             : minus(b, minus(b, count, b.index(1)), j);
          return LoopBuilder::Values{b.element(filter, {channel, stored})};
        },
        [&] { return LoopBuilder::Values{b.real(0)}; })[0];
  }

  /// The sum of the taps j, j + period, j + 2 period, ...
  Value wrapped(Value channel, Value j, Value period) const {
    auto loop = scf::ForOp::create(b, j, count, period, b.real(0));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value tap = at(channel, loop.getInductionVar());
    Value sum = arith::AddFOp::create(b, loop.getRegionIterArg(0), tap);
    scf::YieldOp::create(b, sum);
    return loop.getResult(0);
  }

  Value size() const { return count; }

  void checkNotEmpty(StringRef name) const {
    b.require(less(b, b.index(0), count), "at least one tap (dimension 1) of " + name);
  }

private:
  LoopBuilder &b;
  Value filter;
  seq::TapOrder order;
  Value count;
};

/// The filters of an operation.
struct Filter {
  LoopBuilder &b;
  ConvKind kind;
  std::optional<Taps> forward, reverse;

  Filter(LoopBuilder &b, ConvKind kind, Value filter, Value reversed, seq::TapOrder order)
      : b(b), kind(kind) {
    forward.emplace(b, filter, order);
    forward->checkNotEmpty("filter");
    if (reversed) {
      reverse.emplace(b, reversed, order);
      reverse->checkNotEmpty("reverse");
    }
  }

  /// g[lag], for -length < lag < length.
  Value tapOfLag(Value channel, Value lag, Value length) const {
    Value zero = b.index(0);
    switch (kind) {
    case ConvKind::Causal:
      return forward->at(channel, lag);
    case ConvKind::Anticausal:
      return forward->at(channel, minus(b, zero, lag));
    case ConvKind::TwoSidedShared:
    case ConvKind::TwoSidedDisjoint: {
      Value first = b.index(kind == ConvKind::TwoSidedShared ? 0 : -1);
      return arith::AddFOp::create(b, forward->at(channel, lag),
                                   reverse->at(channel, minus(b, first, lag)));
    }
    case ConvKind::Circular: {
      Value behind = less(b, lag, zero);
      Value j = arith::SelectOp::create(b, behind, plus(b, lag, length), lag);
      return forward->wrapped(channel, j, length);
    }
    }
    llvm_unreachable("a kind of convolution");
  }
};

class LongConvLowering {
public:
  LongConvLowering(OpBuilder &builder, seq::LongConvOp op, ValueRange operands,
                   const Arithmetic &arithmetic)
      : op(op), in(operands, op), b(builder, op, arithmetic), operands(operands) {}

  SmallVector<Value> lower();

private:
  SmallVector<Value> sums(const Filter &filter, Value kept);
  Value sumAt(const Filter &filter, Value batch, Value channel, Value t);
  std::pair<Value, Value> inputsOf(const Filter &filter, Value t);
  Value gatedInput(Value batch, Value channel);
  Value lagTable(const Filter &filter, Value channel, Value padded);
  Value direct(Value table, Value x, Value padded);
  Value fast(Value table, Value x, const PowerOfTwoFourier &fourier);
  Complex transformOf(Value x, Value block, const Fourier &fourier);
  Value bySpectrum(Value x, Value channel, const Fourier &fourier);
  Value blockBySpectra(Value x, Value channel, Value block, const Fourier &fourier);
  Value withPast(Value convolved, Value batch, Value channel);
  Value output(Value convolved, Value x, Value batch, Value channel);

  seq::LongConvOp op;
  seq::LongConvOp::Adaptor in;
  LoopBuilder b;
  ValueRange operands;
  /// L, and that with what the filter reaches beyond it, if there is a final state.
  Value length, reach;
};

} // namespace

/// A vector of the arithmetic's type, one element at a time.
static Value tabulateRow(LoopBuilder &b, OpFoldResult length, Type element,
                         llvm::function_ref<Value(Value)> value) {
  AffineMap line = b.getMultiDimIdentityMap(1);
  return b.generic({}, {}, b.empty({length}, element), {line}, {parallel}, [&](ValueRange) {
    return SmallVector<Value>{value(linalg::IndexOp::create(b, 0))};
  })[0];
}

/// x = pre * u.
Value LongConvLowering::gatedInput(Value batch, Value channel) {
  return tabulateRow(b, length, b.arithmetic.compute, [&](Value t) {
    Value x = b.element(in.getU(), {batch, channel, t});
    if (in.getPre())
      x = arith::MulFOp::create(b, x, b.element(in.getPre(), {batch, channel, t}));
    return x;
  });
}

/// g[lag] at lag modulo `padded`.
Value LongConvLowering::lagTable(const Filter &filter, Value channel, Value padded) {
  return tabulateRow(b, padded, b.arithmetic.compute, [&](Value i) {
    Value back = minus(b, padded, i);
    Value ahead = less(b, i, reach), behind = less(b, back, reach);
    Value lag = arith::SelectOp::create(b, ahead, i, minus(b, i, padded));
    return b.either(
        arith::OrIOp::create(b, ahead, behind),
        [&] { return LoopBuilder::Values{filter.tapOfLag(channel, lag, reach)}; },
        [&] { return LoopBuilder::Values{b.real(0)}; })[0];
  });
}

/// c[t] = sum over s of g[t - s] x[s].
Value LongConvLowering::direct(Value table, Value x, Value padded) {
  AffineExpr t, s;
  bindDims(b.getContext(), t, s);
  auto of = [&](AffineExpr dim) { return AffineMap::get(2, 0, dim); };
  Value mask = minus(b, padded, b.index(1));
  return b.generic(x, of(s), b.filled({reach}, b.real(0)), of(t), {parallel, reduction},
                   [&](ValueRange args) {
                     Value lag = minus(b, linalg::IndexOp::create(b, 0),
                                       linalg::IndexOp::create(b, 1));
                     Value tap = b.element(table, arith::AndIOp::create(b, lag, mask).getResult());
                     Value term = arith::MulFOp::create(b, tap, args[0]);
                     return SmallVector<Value>{arith::AddFOp::create(b, args[1], term)};
                   })[0];
}

/// The same by transforms: the padding keeps the ends apart.
Value LongConvLowering::fast(Value table, Value x, const PowerOfTwoFourier &fourier) {
  Value padded = fourier.getLength(), zero = wide(b, 0);
  auto real = [&](Value vector, Value i) {
    return b.convert(tensor::ExtractOp::create(b, vector, i), b.getF64Type());
  };
  Complex taps = tabulate(b, padded, [&](Value i) { return Complex{real(table, i), zero}; });
  Complex input = tabulate(b, padded, [&](Value i) {
    Value value = b.either(
        less(b, i, length), [&] { return LoopBuilder::Values{real(x, i)}; },
        [&] { return LoopBuilder::Values{zero}; })[0];
    return Complex{value, zero};
  });
  Complex result = fourier.convolve(input, taps);
  return tabulateRow(b, reach, b.arithmetic.compute, [&](Value t) {
    return b.convert(tensor::ExtractOp::create(b, result.re, t), b.arithmetic.compute);
  });
}

/// exp(i pi n / (2 N)): the weight of position n of a right-angle transform.
static Complex rightAngle(LoopBuilder &b, Value n, Value length) {
  return root(b, n, arith::MulIOp::create(b, length, b.index(4)));
}

/// DFT(w^n x) of the N samples of a block.
Complex LongConvLowering::transformOf(Value x, Value block, const Fourier &fourier) {
  Value n = fourier.getLength(), zero = wide(b, 0), first = arith::MulIOp::create(b, block, n);
  Complex wave = tabulate(b, n, [&](Value i) {
    Value t = plus(b, first, i);
    Value value = b.either(
        less(b, t, length),
        [&] { return LoopBuilder::Values{b.convert(tensor::ExtractOp::create(b, x, t), b.getF64Type())}; },
        [&] { return LoopBuilder::Values{zero}; })[0];
    return op.isCircular() ? Complex{value, zero}
                           : multiply(b, {value, zero}, rightAngle(b, i, n));
  });
  return fourier.transform(wave, /*inverse=*/false);
}

/// The convolution with a prepared filter, block by block: one is the whole, if the spectrum is not in blocks.
Value LongConvLowering::bySpectrum(Value x, Value channel, const Fourier &fourier) {
  Value n = fourier.getLength(), blocks = arith::CeilDivUIOp::create(b, length, n);
  auto loop = scf::ForOp::create(b, b.index(0), blocks, b.index(1), b.filled({length}, b.real(0)));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value block = loop.getInductionVar();
  Value own = blockBySpectra(x, channel, block, fourier);
  Value joined = tabulateRow(b, length, b.arithmetic.compute, [&](Value t) {
    Value here = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, arith::DivUIOp::create(b, t, n), block);
    Value inBlock = b.element(own, arith::RemUIOp::create(b, t, n).getResult());
    return arith::SelectOp::create(b, here, inBlock, b.element(loop.getRegionIterArg(0), t)).getResult();
  });
  scf::YieldOp::create(b, joined);
  return loop.getResult(0);
}

/// The real part of w^-n IDFT(sum over j of S_j DFT(w^n x_(p - j))), or of x_(p + j).
Value LongConvLowering::blockBySpectra(Value x, Value channel, Value block, const Fourier &fourier) {
  Value n = fourier.getLength(), one = b.index(1);
  RankedTensorType type = op.getSpectrum().getType();
  // Those from which the spectrum leads here.
  bool back = op.getKind() != ConvKind::Anticausal;
  Value reached = back ? plus(b, block, one) : minus(b, arith::CeilDivUIOp::create(b, length, n), block);
  Complex zero = tabulate(b, n, [&](Value) { return Complex{wide(b, 0), wide(b, 0)}; });
  auto loop = scf::ForOp::create(b, b.index(0), reached, one, ValueRange{zero.re, zero.im});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value j = loop.getInductionVar();
    Complex sum = {loop.getRegionIterArg(0), loop.getRegionIterArg(1)};
    Complex transformed = transformOf(x, back ? minus(b, block, j) : plus(b, block, j), fourier);
    Complex next = tabulate(b, n, [&](Value f) {
      SmallVector<Value> place = {channel, positionOf(b, f, *op.getRadices())};
      if (seq::isInBlocks(type))
        place.insert(place.begin() + 1, j);
      auto part = [&](int64_t i) {
        SmallVector<Value> at(place);
        at.push_back(b.index(i));
        return b.convert(tensor::ExtractOp::create(b, in.getSpectrum(), at), b.getF64Type());
      };
      return add(b, at(b, sum, f), multiply(b, at(b, transformed, f), {part(0), part(1)}));
    });
    scf::YieldOp::create(b, ValueRange{next.re, next.im});
  }
  Complex result = fourier.transform({loop.getResult(0), loop.getResult(1)}, /*inverse=*/true);
  return tabulateRow(b, n, b.arithmetic.compute, [&](Value i) {
    Complex value = at(b, result, i);
    if (!op.isCircular())
      value = multiply(b, value, conjugate(b, rightAngle(b, i, n)));
    return b.convert(value.re, b.arithmetic.compute);
  });
}

/// c and what the past adds to it.
Value LongConvLowering::withPast(Value convolved, Value batch, Value channel) {
  if (!in.getInitial())
    return convolved;
  Value known = tensor::DimOp::create(b, in.getInitial(), 2);
  return tabulateRow(b, reach, b.arithmetic.compute, [&](Value t) {
    Value past = b.either(
        less(b, t, known),
        [&] { return LoopBuilder::Values{b.element(in.getInitial(), {batch, channel, t})}; },
        [&] { return LoopBuilder::Values{b.real(0)}; })[0];
    return arith::AddFOp::create(b, b.element(convolved, t), past);
  });
}

/// y = post * (c + skip * x).
Value LongConvLowering::output(Value convolved, Value x, Value batch, Value channel) {
  Type element = b.arithmetic.resultOf(op.getY().getType().getElementType());
  return tabulateRow(b, length, element, [&](Value t) {
    Value y = b.element(convolved, t);
    if (in.getSkip()) {
      Value skipped = op.getSkipUngated() ? b.element(in.getU(), {batch, channel, t})
                                          : b.element(x, t);
      Value term = arith::MulFOp::create(b, b.element(in.getSkip(), channel), skipped);
      y = arith::AddFOp::create(b, y, term);
    }
    if (in.getPost())
      y = arith::MulFOp::create(b, y, b.element(in.getPost(), {batch, channel, t}));
    return b.convert(y, element);
  });
}

/// The first sample that c[t] takes, and the one behind the last.
std::pair<Value, Value> LongConvLowering::inputsOf(const Filter &filter, Value t) {
  if (op.isCircular())
    return {b.index(0), length};
  Value first = b.index(0), end = length;
  auto from = [&](Value x) { first = arith::MaxSIOp::create(b, first, x); };
  auto until = [&](Value x) { end = arith::MinSIOp::create(b, end, x); };
  if (op.getKind() == ConvKind::Anticausal) {
    from(t);
    until(plus(b, t, filter.forward->size()));
    return {first, end};
  }
  from(minus(b, plus(b, t, b.index(1)), filter.forward->size()));
  int64_t shared = op.getKind() == ConvKind::TwoSidedDisjoint ? 1 : 0;
  until(filter.reverse ? plus(b, t, plus(b, filter.reverse->size(), b.index(shared)))
                       : plus(b, t, b.index(1)));
  return {first, end};
}

/// c[t] and what the past adds to it, as a sum in float64.
Value LongConvLowering::sumAt(const Filter &filter, Value batch, Value channel, Value t) {
  Value past = wide(b, 0);
  auto toWide = [&](Value value) { return b.convert(value, b.getF64Type()); };
  if (in.getInitial()) {
    Value known = tensor::DimOp::create(b, in.getInitial(), 2);
    past = b.either(
        less(b, t, known),
        [&] { return LoopBuilder::Values{toWide(b.element(in.getInitial(), {batch, channel, t}))}; },
        [&] { return LoopBuilder::Values{wide(b, 0)}; })[0];
  }
  auto [first, end] = inputsOf(filter, t);
  auto loop = scf::ForOp::create(b, first, end, b.index(1), past);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value at = loop.getInductionVar();
  Value x = toWide(b.element(in.getU(), {batch, channel, at}));
  if (in.getPre())
    x = arith::MulFOp::create(b, x, toWide(b.element(in.getPre(), {batch, channel, at})));
  Value tap = toWide(filter.tapOfLag(channel, minus(b, t, at), reach));
  Value sum = arith::AddFOp::create(b, loop.getRegionIterArg(0), arith::MulFOp::create(b, tap, x));
  scf::YieldOp::create(b, sum);
  return loop.getResult(0);
}

/// Each output on its own.
SmallVector<Value> LongConvLowering::sums(const Filter &filter, Value kept) {
  auto table = [&](Value last, Type element, llvm::function_ref<Value(Value, Value, Value)> value) {
    auto sizes = tensor::getMixedSizes(b, b.getLoc(), in.getU());
    sizes.back() = last;
    AffineMap identity = b.getMultiDimIdentityMap(3);
    return b.generic({}, {}, b.empty(sizes, element), {identity}, {parallel, parallel, parallel},
                     [&](ValueRange) {
                       Value batch = linalg::IndexOp::create(b, 0);
                       Value channel = linalg::IndexOp::create(b, 1);
                       Value t = linalg::IndexOp::create(b, 2);
                       return SmallVector<Value>{value(batch, channel, t)};
                     })[0];
  };
  Type element = b.arithmetic.resultOf(op.getY().getType().getElementType());
  SmallVector<Value> results = {table(length, element, [&](Value batch, Value channel, Value t) {
    Value y = b.convert(sumAt(filter, batch, channel, t), b.arithmetic.compute);
    if (in.getSkip()) {
      Value x = b.element(in.getU(), {batch, channel, t});
      if (in.getPre() && !op.getSkipUngated())
        x = arith::MulFOp::create(b, x, b.element(in.getPre(), {batch, channel, t}));
      Value term = arith::MulFOp::create(b, b.element(in.getSkip(), channel), x);
      y = arith::AddFOp::create(b, y, term);
    }
    if (in.getPost())
      y = arith::MulFOp::create(b, y, b.element(in.getPost(), {batch, channel, t}));
    return b.convert(y, element);
  })};
  Type stateElement = b.arithmetic.resultOf(b.getF32Type());
  if (kept)
    results.push_back(table(kept, stateElement, [&](Value batch, Value channel, Value i) {
      return b.convert(sumAt(filter, batch, channel, plus(b, length, i)), stateElement);
    }));
  return results;
}

SmallVector<Value> LongConvLowering::lower() {
  checkShapes(b, op, operands, op.getNamedShapes());
  length = reach = tensor::DimOp::create(b, in.getU(), 2);
  Value kept;
  if (op.getFinal()) {
    kept = minus(b, tensor::DimOp::create(b, in.getFilter(), 1), b.index(1));
    reach = plus(b, length, kept);
  }
  std::optional<Filter> filter;
  std::optional<PowerOfTwoFourier> padded;
  std::optional<Fourier> fourier;
  if (in.getFilter()) {
    filter.emplace(b, op.getKind(), in.getFilter(), in.getReverse(), *op.getTaps());
    if (op->hasAttr(kPlainAttr)) {
      SmallVector<Value> results = sums(*filter, kept);
      for (auto [value, result] : llvm::zip(results, op.getResults()))
        value = b.declared(value, result);
      return results;
    }
    padded.emplace(b, powerOfTwoFrom(b, arith::MulIOp::create(b, reach, b.index(2))));
  } else {
    RankedTensorType spectrum = op.getSpectrum().getType();
    auto fits = op.isCircular() ? arith::CmpIPredicate::eq : arith::CmpIPredicate::sle;
    b.require(arith::CmpIOp::create(b, fits, length, b.index(seq::lengthOf(spectrum))),
              "a spectrum for the length (dimension 2) of u");
    fourier.emplace(b, b.index(seq::pointsOf(spectrum)));
  }
  auto sizes = tensor::getMixedSizes(b, b.getLoc(), in.getU());
  Type element = b.arithmetic.resultOf(op.getY().getType().getElementType());
  Type stateElement = b.arithmetic.resultOf(b.getF32Type());
  SmallVector<Value> outputs = {b.empty(sizes, element)};
  if (op.getFinal())
    outputs.push_back(b.empty({sizes[0], sizes[1], kept}, stateElement));
  SmallVector<Value> results = b.forAll({sizes[0], sizes[1]}, outputs, [&](ValueRange row) {
    Value batch = row[0], channel = row[1];
    Value x = gatedInput(batch, channel), c;
    if (fourier) {
      c = bySpectrum(x, channel, *fourier);
    } else {
      Value table = lagTable(*filter, channel, padded->getLength());
      c = b.either(
          less(b, b.index(kDirectLength), length),
          [&] { return LoopBuilder::Values{fast(table, x, *padded)}; },
          [&] { return LoopBuilder::Values{direct(table, x, padded->getLength())}; })[0];
    }
    c = withPast(c, batch, channel);
    LoopBuilder::Values tiles = {output(c, x, batch, channel)};
    if (op.getFinal())
      tiles.push_back(tabulateRow(b, kept, stateElement, [&](Value i) {
        return b.convert(b.element(c, plus(b, length, i)), stateElement);
      }));
    return tiles;
  });
  for (auto [value, result] : llvm::zip(results, op.getResults()))
    value = b.declared(value, result);
  return results;
}

SmallVector<Value> longwing::lowerLongConv(OpBuilder &builder, seq::LongConvOp op,
                                           ValueRange operands, const Arithmetic &arithmetic) {
  return LongConvLowering(builder, op, operands, arithmetic).lower();
}

//===----------------------------------------------------------------------===//
// Filters
//===----------------------------------------------------------------------===//

/// z, whose transform is the spectrum: of the taps around a lag, 0 or that between two blocks. A lag of -j from
/// there stands at N - j, and there a right-angle weight of -j is that of N - j turned back by a quarter.
static Complex filterWave(LoopBuilder &b, const Filter &filter, Value channel, Value between, Value n) {
  Value zero = wide(b, 0);
  auto toWide = [&](Value tap) { return b.convert(tap, b.getF64Type()); };
  return tabulate(b, n, [&](Value i) -> Complex {
    if (filter.kind == ConvKind::Circular)
      return {toWide(filter.tapOfLag(channel, i, n)), zero};
    // Lag 0 of a reverse filter is taken with the lags ahead.
    Value back = plus(b, between, minus(b, i, n));
    Value ahead = toWide(filter.tapOfLag(channel, plus(b, between, i), n));
    Value isZero = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, i, b.index(0));
    Value behind = b.either(
        isZero, [&] { return LoopBuilder::Values{zero}; },
        [&] { return LoopBuilder::Values{toWide(filter.tapOfLag(channel, back, n))}; })[0];
    Complex forward = multiply(b, {ahead, zero}, rightAngle(b, i, n));
    Complex turned = conjugate(b, rightAngle(b, minus(b, n, i), n));
    return add(b, forward, multiply(b, {behind, zero}, turned));
  });
}

SmallVector<Value> longwing::lowerPrepareFilter(OpBuilder &builder, seq::PrepareFilterOp op,
                                                ValueRange operands,
                                                const Arithmetic &arithmetic) {
  LoopBuilder b(builder, op, arithmetic);
  seq::PrepareFilterOp::Adaptor in(operands, op);
  checkShapes(b, op, operands, op.getNamedShapes());
  RankedTensorType type = op.getSpectrum().getType();
  Type element = arithmetic.resultOf(type.getElementType());
  Filter filter(b, op.getKind(), in.getFilter(), in.getReverse(), op.getTaps());
  Fourier fourier(b, b.index(seq::pointsOf(type)));
  SmallVector<OpFoldResult> shape = getAsIndexOpFoldResult(b.getContext(), type.getShape());
  shape[0] = tensor::getMixedSizes(b, b.getLoc(), in.getFilter())[0];
  // A spectrum for each channel, and block.
  SmallVector<OpFoldResult> rows(ArrayRef(shape).drop_back(2));
  Value spectrum = b.forAll(rows, b.empty(shape, element), [&](ValueRange row) {
    Value n = fourier.getLength(), between = b.index(0);
    if (seq::isInBlocks(type))
      between = arith::MulIOp::create(b, row[1], op.getKind() == ConvKind::Causal ? n : minus(b, between, n));
    Complex wave = filterWave(b, filter, row[0], between, n);
    Complex transformed = fourier.transform(wave, /*inverse=*/false);
    // Position p holds the frequency whose digits these are, from the right.
    SmallVector<int64_t> mirrored(llvm::reverse(op.getRadices()));
    Value line = b.empty(ArrayRef(shape).take_back(2), element);
    line = b.generic({}, {}, line, b.getMultiDimIdentityMap(2), {parallel, parallel},
                     [&](ValueRange) {
                       Value f = positionOf(b, linalg::IndexOp::create(b, 0), mirrored);
                       Complex value = at(b, transformed, f);
                       Value isReal = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                                            linalg::IndexOp::create(b, 1),
                                                            b.index(0));
                       Value part = arith::SelectOp::create(b, isReal, value.re, value.im);
                       return SmallVector<Value>{b.convert(part, element)};
                     })[0];
    return LoopBuilder::Values{line};
  })[0];
  return {b.declared(spectrum, op.getSpectrum())};
}

SmallVector<Value> longwing::lowerImplicitFilter(OpBuilder &builder, seq::ImplicitFilterOp op,
                                                 ValueRange operands, const Arithmetic &arithmetic,
                                                 InlineRegion inlined) {
  LoopBuilder b(builder, op, arithmetic);
  RankedTensorType type = op.getFilter().getType();
  OpFoldResult taps = b.getIndexAttr(type.getDimSize(1));
  if (op.getLength()) {
    taps = operands[0];
    b.require(less(b, b.index(0), operands[0]), "at least one tap (dimension 1)");
  }
  OpFoldResult channels = b.getIndexAttr(type.getDimSize(0));
  Value h = b.forAll({channels}, b.empty({channels, taps}, b.arithmetic.compute), [&](ValueRange row) {
    return LoopBuilder::Values{tabulateRow(b, taps, b.arithmetic.compute, [&](Value t) {
      return inlined(b, op.getBody(), {row[0], t})[0];
    })};
  })[0];
  return {b.declared(h, op.getFilter())};
}
