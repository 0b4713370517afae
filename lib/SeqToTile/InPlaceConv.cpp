//===- InPlaceConv.cpp - Long convolutions by transforms in SRAM ----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A work tile is one sequence, a transform of N = 4096 S points, S = 2, 4 or 8, of which SRAM holds
// the complex tile. (Of S = 2, those that FourierConv.cpp does not take. With S = 8 registers spill.) With
// n = 4096 j + 256 a + 16 b + c and f = k + 16 S (k2 + 16 k3), k = k0 + S k1:
//
//   phase 1, a b for each warp   over j and a: X[k0][k1][c], times the twiddle of c; to row
//                                (16 k0 + k1, b)
//   phase 2, a k for each warp   times the twiddle of b, over b; times exp(-2 pi i c k2 / 256), over c;
//                                times the spectrum; and back the same way, to the same place
//   phase 3, a b for each warp   mirrors phase 1; the result is real
//
// Two parts meet in products: the matrix over j and a is one of 32 columns. Four and eight meet in
// butterflies between registers, eight in two halves, those of even and of odd k0.
// The twiddles of a and the right-angle weights are part of the matrices. All warps meet between the
// phases, and only there. A warp has 8 matrices in each phase whatever S is: there are 2 S warps, and
// as many CTAs share a multiprocessor as have room; they work while others wait.
//
// What a matrix costs, S = 2: 33 + 146 + 70 instructions of a warp in the three phases, of which 48 are
// products of about 6 clocks each. A scheduler has N / 1024 matrices of a sequence: 290 N / 1024 clocks
// for products and 250 N / 1024 to issue, where memory takes 220 N / 1024 for the sequence and its result.
//
// Every stage on the way there shrinks a sum to at most the largest of its terms, so that no input of
// f16 overflows. On the way back nothing grows beyond the result. One of bf16 may lie beyond the range of
// f16: there all is shrunk by resultRoom before the spectrum comes in, and sums of f32 make up for it.
//
//===----------------------------------------------------------------------===//

#include "Fourier.h"
#include "Launch.h"
#include "SeqToTile.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// Of the twiddles on the way there, whose products add 16 terms times 1 / 4: nothing grows.
static constexpr double kThere = 0.25;

namespace {

class InPlaceKernel {
public:
  InPlaceKernel(seq::LongConvOp op, const FourierPlan &plan, RankedTensorType spectrum)
      : op(op), plan(plan), spectrum(spectrum), parts(plan.parts()), warps(2 * parts),
        builder(op.getContext()), t(builder, op.getLoc(), warps) {
    element = op.getU().getType().getElementType();
    // Without a warpgroup that copies boxes there are more registers, and no place for the boxes.
    bool gated = op.getPre() || op.getPost();
    boxes = op.getLength() % 256 == 0 && (parts == 2 || (parts == 4 && !gated));
  }
  KernelOp create(StringRef name);
  /// [16 S 16][2]: the twiddle of (row [k0][k1] of the tile, b); transposed, of ([k0][b], k1).
  RankedTensorType twiddleType() {
    return RankedTensorType::get({256 * parts, 2}, builder.getF16Type());
  }
  Value twiddles(OpBuilder &b, bool transpose);

private:
  void workTile();
  void there(Value step);
  void across(Value step);
  void back(Value step);
  void phase(bool branches, int64_t count, bool holds, function_ref<void(Value)> body);
  void eachStep(int64_t count, bool holds, function_ref<void(Value)> body);
  SmallVector<Value> samples(Value step, int64_t part);
  Value column(Value step, int64_t part);
  SmallVector<ComplexTile> splitUp(ArrayRef<ComplexTile> x, double first);
  SmallVector<ComplexTile> joinUp(ArrayRef<ComplexTile> z, double first);
  ComplexTile plusTurned(const ComplexTile &x, const ComplexTile &y, std::complex<double> w);
  SmallVector<ComplexTile> residues(Value step, int64_t half);
  void addResidues(ArrayRef<ComplexTile> z, int64_t half, SmallVector<Value> &y);
  SmallVector<Value> sumUp(ArrayRef<ComplexTile> z);
  std::complex<double> weight(int64_t k, int64_t n, int64_t size);
  ComplexTable sampleWeights(int64_t k0, int64_t part, double scale);
  ComplexTable resultWeights(int64_t k0, int64_t part, double scale);
  double shrink() { return resultRoom(element); }
  /// Whether products take the parts together: as many as butterflies between two of them need.
  bool byProducts() { return parts == 2; }
  /// 8 complex parts are too many for the registers: those of even and of odd k0 one after the other.
  int64_t halves() { return parts == 8 ? 2 : 1; }
  /// Reads move across no barrier: registers hold those of one half only.
  void keepApart(int64_t half) {
    if (half)
      MeetOp::create(builder, t.loc);
  }
  ComplexTile pulledTwiddle(Value source, Value row);
  ComplexTile kernelOf(Value first);
  Value pull(Value source, Value step, int64_t part);
  /// Whether all samples of a transform are there.
  bool isWhole() { return op.getLength() == plan.length(); }
  Value firstSample(Value step, int64_t part) {
    return t.add(t.mul(step, 16 * warps), 4096 * part);
  }
  void write(const ComplexTile &z, Value i, Value j, int64_t along, int64_t step) {
    WriteRowsOp::create(builder, t.loc, z.re, z.im, buffer, i, j, along, step);
  }
  ComplexTile read(Value i, Value j, int64_t along, int64_t step) {
    auto op = ReadRowsOp::create(builder, t.loc, t.half(), t.half(), buffer, i, j, along, step,
                                 /*transpose=*/true);
    return {op.getFirst(), op.getSecond()};
  }

  seq::LongConvOp op;
  FourierPlan plan;
  RankedTensorType spectrum;
  int64_t parts, warps; // S and 2 S
  OpBuilder builder;
  FourierBuilder t;
  Type element;
  bool boxes;

  Value u, s, twiddleB, twiddleK, pre, post, y; // arguments
  Value buffer, tile, batch, channel;           // tile: the samples in SRAM
  Value fast;                                   // whether rows of tensors lie in one piece
  bool inRows = false;                          // the phase is written for those
};

} // namespace

/// exp(-2 pi i n (k - q) / size), q the right angle's quarter.
std::complex<double> InPlaceKernel::weight(int64_t k, int64_t n, int64_t size) {
  return unitRoot(-n * (4 * k - (plan.rightAngle ? 1 : 0)), 4 * size);
}

Value InPlaceKernel::twiddles(OpBuilder &b, bool transpose) {
  SmallVector<APFloat> values;
  for (int64_t k0 = 0; k0 < parts; ++k0)
    for (int64_t row = 0; row < 16; ++row)
      for (int64_t column = 0; column < 16; ++column) {
        int64_t k1 = transpose ? column : row, at = transpose ? row : column;
        std::complex<double> value = weight(k0 + parts * k1, 16 * at, plan.length());
        if (!transpose)
          value *= kThere;
        for (double part : {value.real(), value.imag()}) {
          APFloat number(part);
          bool lost = false;
          number.convert(APFloat::IEEEhalf(), APFloat::rmNearestTiesToEven, &lost);
          values.push_back(number);
        }
      }
  return arith::ConstantOp::create(b, op.getLoc(), DenseElementsAttr::get(twiddleType(), values));
}

KernelOp InPlaceKernel::create(StringRef name) {
  MLIRContext *context = op.getContext();
  Type view = ViewType::get(context, op.getU().getType().getShape(), element);
  Type table = ViewType::get(context, twiddleType().getShape(), builder.getF16Type());
  SmallVector<Type> inputs = {
      boxes ? Type(DescType::get(context, {1, 4, 1, 16, 64}, element)) : view,
      ViewType::get(context, spectrum.getShape(), spectrum.getElementType()), table, table};
  for (Value gate : {op.getPre(), op.getPost()})
    if (gate)
      inputs.push_back(view);
  inputs.push_back(view);
  // What the registers of all threads at the launch leave the warps that compute.
  auto schedule = ScheduleAttr::get(context, parts / 2, boxes ? 24 : 0, boxes ? 104 : 128,
                                    /*persistent=*/true, /*overlap=*/false, /*spread=*/false);
  auto kernel = KernelOp::create(builder, op.getLoc(), name, inputs, schedule);
  kernel->setAttr(kRereadAttr, builder.getStringAttr("all"));
  kernel.setOutput(inputs.size() - 1);
  if (boxes)
    kernel.setArgAttr(0, kUnfoldAttr,
                      builder.getDenseI64ArrayAttr({1, 1, 0, 2, 64, 4, 0, 1, 0, 2, 256,
                                                    op.getLength() / 256, 2, 1, 64}));
  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  unsigned next = 0;
  u = body.getArgument(next++), s = body.getArgument(next++);
  twiddleB = body.getArgument(next++), twiddleK = body.getArgument(next++);
  if (op.getPre())
    pre = body.getArgument(next++);
  if (op.getPost())
    post = body.getArgument(next++);
  y = body.getArgument(next++);
  auto memory = SmemType::get(context, {16 * parts * 8, 64}, builder.getF16Type());
  buffer = AllocOp::create(builder, t.loc, memory, IntegerAttr()).getMemory();
  SmallVector<Value> moved = {y, s};
  for (Value tensor : {boxes ? Value() : u, pre, post})
    if (tensor)
      moved.push_back(tensor);
  if (op.getLength() % 16 == 0)
    fast = t.make<WholeOp>(builder.getI1Type(), moved);
  auto forEach =
      ForEachOp::create(builder, t.loc, ValueRange{t.dim(y, 0), t.dim(y, 1)});
  ReturnOp::create(builder, t.loc);
  builder.setInsertionPointToStart(&forEach.getBody().front());
  batch = forEach.getBody().getArgument(0), channel = forEach.getBody().getArgument(1);
  workTile();
  return kernel;
}

void InPlaceKernel::eachStep(int64_t count, bool holds, function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(builder, t.loc, t.index(0), t.index(count), t.index(1));
  loop->setAttr(kRolledAttr, builder.getUnitAttr());
  if (holds)
    loop->setAttr(kHoldAttr, builder.getUnitAttr());
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void InPlaceKernel::workTile() {
  if (boxes) {
    Value zero = t.index(0);
    auto type = tileType<SharedAttr>({64 * parts, 64}, element);
    tile = t.make<LoadOp>(type, u, ValueRange{channel, zero, batch, zero, zero},
                          builder.getI64IntegerAttr(1), builder.getI64IntegerAttr(3));
  }
  phase(/*branches=*/pre || !boxes, 8 / parts, byProducts() && !(pre && !element.isF16()), [&](Value step) { there(step); });
  MeetOp::create(builder, t.loc);
  phase(/*branches=*/true, 8, /*holds=*/true, [&](Value step) { across(step); });
  MeetOp::create(builder, t.loc);
  phase(/*branches=*/true, 8 / parts, byProducts() && !post, [&](Value step) { back(step); });
}

/// The steps; they hold their tables where registers are left. Once for tensors whose rows lie in one piece, and once for others.
void InPlaceKernel::phase(bool branches, int64_t count, bool holds, function_ref<void(Value)> body) {
  inRows = false;
  if (!fast || !branches)
    return eachStep(count, holds, body);
  auto branch = scf::IfOp::create(builder, t.loc, fast, /*withElseRegion=*/true);
  for (bool rows : {true, false}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(rows ? branch.thenBlock() : branch.elseBlock());
    inRows = rows;
    eachStep(count, holds, body);
  }
}

/// Batch, channel and time of each element: warp b, row a, column c.
SmallVector<Value> InPlaceKernel::samples(Value step, int64_t part) {
  Value first = firstSample(step, part);
  Value time = t.add(t.mulAll(t.position(1), 256), t.position(2));
  time = t.add(time, t.mulAll(t.position(0), 16));
  time = t.add(time, t.broadcast(first, t.indices()));
  return {batch, channel, time};
}

/// A part of a tensor: [b][a][c].
Value InPlaceKernel::pull(Value source, Value step, int64_t part) {
  RankedTensorType type = t.frag(element);
  if (!inRows)
    return t.make<PullOp>(type, source, samples(step, part));
  SmallVector<Value> at = {batch, channel, firstSample(step, part)};
  return PullRowsOp::create(builder, t.loc, type, source, at, /*step=*/16, /*stride=*/256, isWhole())
      .getResult(0);
}

/// The spectrum at the k of each warp, of w = 0 first and S from one to the next: [k2][k3].
ComplexTile InPlaceKernel::kernelOf(Value first) {
  RankedTensorType type = t.frag(spectrum.getElementType());
  first = t.mul(first, 256);
  SmallVector<Value, 2> both;
  if (inRows && spectrum.getElementTypeBitWidth() == 16) {
    auto read = PullRowsOp::create(builder, t.loc, TypeRange{type, type}, s, ValueRange{channel, first},
                                   /*step=*/256 * parts, /*stride=*/16, /*inside=*/true);
    both.assign(read.getResults().begin(), read.getResults().end());
  } else {
    Value f = t.add(t.mulAll(t.position(0), 256 * parts), t.broadcast(first, t.indices()));
    f = t.add(t.add(f, t.mulAll(t.position(1), 16)), t.position(2));
    for (int64_t part : {0, 1})
      both.push_back(t.make<PullOp>(type, s, ValueRange{channel, f, t.index(part)}));
  }
  return {t.cast(both[0], t.half()), t.cast(both[1], t.half())};
}

/// A part of the samples, gated: [b][c][a], in f16.
Value InPlaceKernel::column(Value step, int64_t part) {
  RankedTensorType type = t.frag(element);
  auto inBox = [&](bool transpose) -> Value {
    Value row = t.add(t.mul(step, 16 * (warps / 4)), 64 * part);
    return t.make<SplitOp>(type, tile, row, transpose);
  };
  if (boxes && !pre)
    return t.cast(inBox(/*transpose=*/true), t.half());
  // Memory is read along its rows.
  Value x = t.cast(boxes ? inBox(/*transpose=*/false) : pull(u, step, part), t.half());
  if (pre)
    x = t.make<arith::MulFOp>(withRoom(t, x), t.cast(pull(pre, step, part), t.half()));
  return t.make<TransposeOp>(x);
}

/// X[k] = sum over n of exp(-2 pi i n (k + first) / size) x[n]: those of even n, plus or minus the rest
/// turned. x may be real.
SmallVector<ComplexTile> InPlaceKernel::splitUp(ArrayRef<ComplexTile> x, double first) {
  int64_t size = x.size();
  if (size == 1)
    return {x.front()};
  SmallVector<ComplexTile> halves[2], result(size);
  for (auto [n, value] : llvm::enumerate(x))
    halves[n % 2].push_back(value);
  SmallVector<ComplexTile> even = splitUp(halves[0], first), odd = splitUp(halves[1], first);
  for (int64_t k = 0; k < size / 2; ++k)
    for (double sign : {1.0, -1.0})
      result[k + (sign < 0 ? size / 2 : 0)] =
          plusTurned(even[k], odd[k], std::polar(sign, -2 * M_PI * (double(k) + first) / double(size)));
  return result;
}

/// x + w y, of tiles that may be real.
ComplexTile InPlaceKernel::plusTurned(const ComplexTile &x, const ComplexTile &y,
                                      std::complex<double> w) {
  auto turned = [&](double re, double im, Value sum) -> Value {
    if (y.im)
      sum = sum ? t.fma(y.im, im, sum) : t.make<arith::MulFOp>(y.im, t.constantLike(y.im, im));
    return sum ? t.fma(y.re, re, sum) : t.make<arith::MulFOp>(y.re, t.constantLike(y.re, re));
  };
  return {turned(w.real(), -w.imag(), x.re), turned(w.imag(), w.real(), x.im)};
}

/// x[n] = sum over k of exp(2 pi i n (k + first) / size) X[k], backwards.
SmallVector<ComplexTile> InPlaceKernel::joinUp(ArrayRef<ComplexTile> z, double first) {
  int64_t size = z.size();
  if (size == 1)
    return {z.front()};
  SmallVector<ComplexTile> even, odd;
  for (int64_t k = 0; k < size / 2; ++k) {
    const ComplexTile &x = z[k], &far = z[k + size / 2];
    std::complex<double> w = std::polar(1.0, 2 * M_PI * (double(k) + first) / double(size));
    even.push_back({t.make<arith::AddFOp>(x.re, far.re), t.make<arith::AddFOp>(x.im, far.im)});
    ComplexTile apart = {t.make<arith::SubFOp>(x.re, far.re), t.make<arith::SubFOp>(x.im, far.im)};
    odd.push_back(plusTurned({}, apart, w));
  }
  SmallVector<ComplexTile> evens = joinUp(even, first), odds = joinUp(odd, first), result;
  for (auto [x, y] : llvm::zip(evens, odds))
    result.append({x, y});
  return result;
}

/// F[k0][k1][j][a] of the samples' weights, for a residue k0 and a part j.
ComplexTable InPlaceKernel::sampleWeights(int64_t k0, int64_t part, double scale) {
  return t.complexTable([=](int64_t, int64_t k1, int64_t a) {
    return scale * weight(k0 + parts * k1, 4096 * part + 256 * a, plan.length());
  });
}

/// Butterflies between the parts, for k0 = half + halves k.
SmallVector<ComplexTile> InPlaceKernel::residues(Value step, int64_t half) {
  SmallVector<ComplexTile> x;
  int64_t size = parts / halves();
  auto real = [&](int64_t j) {
    Value part = column(step, j);
    return t.make<arith::MulFOp>(part, t.constantLike(part, 1.0 / double(parts)));
  };
  double first = (double(half) - (plan.rightAngle ? 0.25 : 0.0)) / double(halves());
  for (int64_t n = 0; n < size; ++n) {
    x.push_back({real(n), Value()});
    if (halves() == 2)
      x.back() = plusTurned(x.back(), {real(n + size), Value()}, std::polar(1.0, -2 * M_PI * first));
  }
  return splitUp(x, first);
}

void InPlaceKernel::there(Value step) {
  SmallVector<Value> real;
  for (int64_t j = 0; byProducts() && j < parts; ++j)
    real.push_back(column(step, j));
  for (int64_t half = 0; half < halves(); ++half) {
    keepApart(half);
    SmallVector<ComplexTile> x;
    if (!byProducts())
      x = residues(step, half);
    for (int64_t k0 = half; k0 < parts; k0 += halves()) {
      ComplexTile twiddle = t.complexTile([=](int64_t, int64_t k1, int64_t c) {
        return weight(k0 + parts * k1, c, plan.length());
      });
      ComplexTile z; // [k1][c]
      for (auto [j, part] : llvm::enumerate(real)) {
        ComplexTable f = sampleWeights(k0, j, gateRoom(op) / (16.0 * double(parts)));
        z = {t.warpDot(f.re, part, z.re), t.warpDot(f.im, part, z.im)};
      }
      if (!byProducts())
        z = t.fromLeft(sampleWeights(k0, 0, gateRoom(op) / 16.0), x[k0 / halves()]);
      write(t.times(z, twiddle), t.index(16 * k0), t.mul(step, warps), /*along=*/1, /*step=*/1);
    }
  }
}

/// A row of 16 twiddles for each warp, the same in all rows of its matrix.
ComplexTile InPlaceKernel::pulledTwiddle(Value source, Value row) {
  auto op = PullRowsOp::create(builder, t.loc, TypeRange{t.half(), t.half()}, source,
                               ValueRange{t.mul(row, 16)}, /*step=*/16, /*stride=*/0, /*inside=*/true);
  return {op.getResult(0), op.getResult(1)};
}

void InPlaceKernel::across(Value step) {
  // Warp w has the row first + w, k = k0 + S k1.
  Value first = t.mul(step, warps);
  int64_t share = 16 / warps; // steps of each k0
  Value k = t.add(t.make<arith::DivUIOp>(step, t.index(share)), t.mul(t.make<arith::RemUIOp>(step, t.index(share)), parts * warps));
  ComplexTile kernel = kernelOf(k);
  ComplexTable fourier = t.complexTable(sixteen(0.25));
  auto between = [](double scale, bool back) -> FourierTable {
    return [=](int64_t, int64_t row, int64_t column) {
      return scale * unitRoot((back ? 1 : -1) * row * column, 256);
    };
  };
  ComplexTile z = read(first, t.index(0), /*along=*/0, /*step=*/1); // [c][b]
  z = t.times(z, pulledTwiddle(twiddleB, first));
  ComplexTile twiddleThere = t.complexTile(between(kThere / shrink(), false));
  ComplexTile twiddleBack = t.complexTile(between(4, true));
  z = t.convolve(z, fourier, twiddleThere, [&](const ComplexTile &x) { return t.times(x, kernel); }, twiddleBack); // [b][c]
  write(z, first, t.index(0), /*along=*/0, /*step=*/1);
}

/// F[k0][a][k1]^H of the samples' weights.
ComplexTable InPlaceKernel::resultWeights(int64_t k0, int64_t part, double scale) {
  return t.complexTable([=](int64_t, int64_t a, int64_t k1) {
    return scale * std::conj(weight(k0 + parts * k1, 4096 * part + 256 * a, plan.length()));
  });
}

/// y[j] = Re sum over k0 of F[k0][j]^H z[k0], by products alone.
SmallVector<Value> InPlaceKernel::sumUp(ArrayRef<ComplexTile> z) {
  SmallVector<Value> result;
  RankedTensorType type = element.isF16() ? t.half() : t.single();
  for (int64_t j = 0; j < parts; ++j) {
    Value sum;
    for (int64_t k0 = 0; k0 < parts; ++k0) {
      ComplexTable f = resultWeights(k0, j, 4 * shrink());
      sum = t.warpDot(f.minus, z[k0].im, t.warpDot(f.re, z[k0].re, sum, type), type);
    }
    result.push_back(sum);
  }
  return result;
}

/// Adds what the residues k0 = half + halves k, [a][c], give to the samples.
void InPlaceKernel::addResidues(ArrayRef<ComplexTile> z, int64_t half, SmallVector<Value> &y) {
  double first = (double(half) - (plan.rightAngle ? 0.25 : 0.0)) / double(halves());
  int64_t size = z.size();
  for (auto [n, x] : llvm::enumerate(joinUp(z, first)))
    for (int64_t far = 0; far < halves(); ++far) {
      std::complex<double> w = std::polar(1.0, 2 * M_PI * first * double(far));
      Value &sum = y[n + far * size];
      if (far)
        sum = plusTurned({sum, Value()}, x, w).re;
      else
        sum = sum ? t.make<arith::AddFOp>(sum, x.re) : x.re;
    }
}

void InPlaceKernel::back(Value step) {
  SmallVector<Value> results(parts);
  Value first = t.mul(step, warps);
  for (int64_t half = 0; half < halves(); ++half) {
    keepApart(half);
    SmallVector<ComplexTile> z;
    for (int64_t k0 = half; k0 < parts; k0 += halves()) {
      ComplexTile x = read(t.index(16 * k0), first, /*along=*/1, /*step=*/1); // [c][k1]
      x = t.timesConj(x, pulledTwiddle(twiddleK, t.add(first, 16 * k0)));
      x = t.timesConj(x, t.complexTile([=](int64_t, int64_t c, int64_t k1) {
                        return weight(k0 + parts * k1, c, plan.length());
                      }));
      z.push_back(byProducts() ? x : t.fromLeft(resultWeights(k0, 0, 4), x)); // [c][k1], or [a][c]
    }
    if (byProducts())
      results = sumUp(z);
    else
      addResidues(z, half, results);
  }
  RankedTensorType type = element.isF16() ? t.half() : t.single();
  for (auto [j, part] : llvm::enumerate(results)) {
    Value sum = t.cast(part, type);
    if (!byProducts() && shrink() != 1)
      sum = t.make<arith::MulFOp>(sum, t.constantLike(sum, shrink()));
    // Of f16, the product is rounded once either way.
    if (post)
      sum = t.make<arith::MulFOp>(sum, t.cast(pull(post, step, j), type));
    Value result = t.cast(sum, t.frag(element));
    if (inRows)
      PlaceRowsOp::create(builder, t.loc, ValueRange{result}, y, ValueRange{batch, channel, firstSample(step, j)},
                          /*step=*/16, /*stride=*/256, isWhole());
    else
      PlaceOp::create(builder, t.loc, result, y, samples(step, j));
  }
}

//===----------------------------------------------------------------------===//
// The host's side
//===----------------------------------------------------------------------===//

LogicalResult longwing::lowerInPlaceConv(seq::LongConvOp op, const FourierPlan &plan, Value spectrum,
                                         SymbolTable &symbols) {
  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  StringRef function = op->getParentOfType<FunctionOpInterface>().getName();
  InPlaceKernel writer(op, plan, cast<RankedTensorType>(spectrum.getType()));
  KernelOp kernel = writer.create((function + "_long_conv").str());
  symbols.insert(kernel);
  FailureOr<SmallVector<Value>> results = emptyResults(b, op);
  if (failed(results))
    return failure();
  SmallVector<Value> operands = {op.getU(), spectrum, writer.twiddles(b, /*transpose=*/false),
                                 writer.twiddles(b, /*transpose=*/true)};
  SmallVector<int64_t> batch = {0, kernel.getArgAttr(0, kUnfoldAttr) ? 2 : 0};
  for (Value gate : {op.getPre(), op.getPost()})
    if (gate) {
      batch.append({int64_t(operands.size()), 0});
      operands.push_back(gate);
    }
  batch.append({int64_t(operands.size()), 0});
  operands.push_back(results->front());
  auto size = [&](int64_t i) { return host.make<tensor::DimOp>(op.getU(), i); };
  auto launch = LaunchOp::create(b, op.getLoc(), op->getResultTypes(), kernel.getSymName(), operands,
                                 ValueRange{size(0), size(1)});
  launch->setAttr(kSameSizesAttr, b.getArrayAttr({b.getDenseI64ArrayAttr(batch)}));
  op->replaceAllUsesWith(launch.getResults());
  op->erase();
  return success();
}
