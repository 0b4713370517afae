//===- InPlaceConv.cpp - Long convolutions by transforms in SRAM ----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A work tile is one sequence, a transform of N = 4096 S points, S = 2, 4 or 8, of which SRAM holds
// the complex tile. With n = 4096 j + 256 a + 16 b + c and f = k + 16 S (k2 + 16 k3), k = k0 + S k1:
//
//   phase 1, a b for each warp   over j by butterflies between registers, over a by products:
//                                X[k0][k1][c], times the twiddle of c; to row (16 k0 + k1, b)
//   phase 2, a k for each warp   times the twiddle of b, over b; times exp(-2 pi i c k2 / 256), over c;
//                                times the spectrum; and back the same way, to the same place
//   phase 3, a b for each warp   mirrors phase 1; the result is real
//
// The twiddles of a and the right-angle weights are part of the matrices. All warps meet between the
// phases, and only there. A warp has 8 matrices in each phase whatever S is: there are 2 S warps, and
// as many CTAs share a multiprocessor as have room; they work while others wait.
//
// Scales are those of FourierConv.cpp, but for a factor 1 / S on the way there.
//
//===----------------------------------------------------------------------===//

#include "Fourier.h"
#include "Launch.h"
#include "SeqToTile.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

class InPlaceKernel {
public:
  InPlaceKernel(seq::LongConvOp op, const FourierPlan &plan, RankedTensorType spectrum)
      : op(op), plan(plan), spectrum(spectrum), parts(plan.parts()), warps(2 * parts),
        builder(op.getContext()), t(builder, op.getLoc(), warps) {
    element = op.getU().getType().getElementType();
    boxes = op.getLength() % 256 == 0;
  }
  KernelOp create(StringRef name);
  /// [2][16 S 16]: the twiddle of (row k of the tile, b) in two parts; transposed, of ([k0][b], k1).
  RankedTensorType twiddleType() {
    return RankedTensorType::get({2, 256 * parts}, builder.getF16Type());
  }
  Value twiddles(OpBuilder &b, bool transpose);

private:
  void workTile();
  void there(Value step);
  void across(Value step);
  void back(Value step);
  void eachStep(int64_t count, function_ref<void(Value)> body);
  SmallVector<Value> samples(Value step, int64_t part, bool transpose);
  Value column(Value step, int64_t part, Value source);
  SmallVector<ComplexTile> splitUp(ArrayRef<ComplexTile> x);
  SmallVector<Value> joinUp(ArrayRef<ComplexTile> z);
  std::complex<double> weight(int64_t k, int64_t n, int64_t size);
  ComplexTile pulledTwiddle(Value source, Value warp);
  SmallVector<Value> either(TypeRange types, function_ref<SmallVector<Value>(bool)> body);
  ComplexTile kernelOf(Value k);
  Value pull(Value source, Value step, int64_t part, bool transpose);
  Value firstSample(Value step, int64_t part) {
    return t.add(t.mul(step, 16 * warps), 4096 * part);
  }
  ComplexTile conj(const ComplexTile &x) { return {x.re, t.make<arith::NegFOp>(x.im)}; }
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
};

} // namespace

/// exp(-2 pi i n (k - q) / size), q the right angle's quarter.
std::complex<double> InPlaceKernel::weight(int64_t k, int64_t n, int64_t size) {
  return unitRoot(-n * (4 * k - (plan.rightAngle ? 1 : 0)), 4 * size);
}

Value InPlaceKernel::twiddles(OpBuilder &b, bool transpose) {
  SmallVector<APFloat> values;
  for (int64_t part = 0; part < 2; ++part)
    for (int64_t k0 = 0; k0 < parts; ++k0)
      for (int64_t row = 0; row < 16; ++row)
        for (int64_t column = 0; column < 16; ++column) {
          int64_t k1 = transpose ? column : row, at = transpose ? row : column;
          std::complex<double> value = weight(k0 + parts * k1, 16 * at, plan.length());
          APFloat number(part ? value.imag() : value.real());
          bool lost = false;
          number.convert(APFloat::IEEEhalf(), APFloat::rmNearestTiesToEven, &lost);
          values.push_back(number);
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
  int64_t registers = parts == 8 ? 112 : 104;
  auto schedule = ScheduleAttr::get(context, parts / 2, boxes ? 24 : 0, registers,
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
  for (Value gate : {pre, post})
    if (gate)
      moved.push_back(gate);
  if (boxes)
    fast = t.make<WholeOp>(builder.getI1Type(), moved);
  auto forEach =
      ForEachOp::create(builder, t.loc, ValueRange{t.dim(y, 0), t.dim(y, 1)});
  ReturnOp::create(builder, t.loc);
  builder.setInsertionPointToStart(&forEach.getBody().front());
  batch = forEach.getBody().getArgument(0), channel = forEach.getBody().getArgument(1);
  workTile();
  return kernel;
}

void InPlaceKernel::eachStep(int64_t count, function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(builder, t.loc, t.index(0), t.index(count), t.index(1));
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
  eachStep(8 / parts, [&](Value step) { there(step); });
  MeetOp::create(builder, t.loc);
  eachStep(8, [&](Value step) { across(step); });
  MeetOp::create(builder, t.loc);
  eachStep(8 / parts, [&](Value step) { back(step); });
}

/// Batch, channel and time of each element: warp b, row a, column c, or transposed.
SmallVector<Value> InPlaceKernel::samples(Value step, int64_t part, bool transpose) {
  Value first = firstSample(step, part);
  Value time = t.add(t.mulAll(t.position(transpose ? 2 : 1), 256), t.position(transpose ? 1 : 2));
  time = t.add(time, t.mulAll(t.position(0), 16));
  time = t.add(time, t.broadcast(first, t.indices()));
  return {batch, channel, time};
}

/// The body once for tensors whose rows lie in one piece, and once for others.
SmallVector<Value> InPlaceKernel::either(TypeRange types,
                                         function_ref<SmallVector<Value>(bool)> body) {
  if (!fast)
    return body(false);
  auto branch = scf::IfOp::create(builder, t.loc, types, fast, /*withElse=*/true);
  for (bool rows : {true, false}) {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = rows ? branch.thenBlock() : branch.elseBlock();
    block->clear();
    builder.setInsertionPointToStart(block);
    scf::YieldOp::create(builder, t.loc, body(rows));
  }
  return SmallVector<Value>(branch.getResults());
}

/// A part of a gate: [b][a][c], or [b][c][a].
Value InPlaceKernel::pull(Value source, Value step, int64_t part, bool transpose) {
  RankedTensorType type = t.frag(element);
  return either(type, [&](bool rows) -> SmallVector<Value> {
           if (!rows)
             return {t.make<PullOp>(type, source, samples(step, part, transpose))};
           SmallVector<Value> at = {batch, channel, firstSample(step, part)};
           return {PullRowsOp::create(builder, t.loc, type, source, at, /*step=*/16, /*stride=*/256,
                                      transpose)
                       .getResult(0)};
         })
      .front();
}

/// The spectrum at the k of each warp: [k2][k3].
ComplexTile InPlaceKernel::kernelOf(Value k) {
  RankedTensorType type = t.frag(spectrum.getElementType());
  Value first = t.mulAll(k, 256);
  auto parts = either({type, type}, [&](bool rows) -> SmallVector<Value> {
    if (rows && spectrum.getElementTypeBitWidth() == 16)
      return PullRowsOp::create(builder, t.loc, TypeRange{type, type}, s, ValueRange{channel, first},
                                /*step=*/0, /*stride=*/16)
          .getResults();
    Value f = t.add(t.add(first, t.mulAll(t.position(1), 16)), t.position(2));
    return {t.make<PullOp>(type, s, ValueRange{channel, f, t.index(0)}),
            t.make<PullOp>(type, s, ValueRange{channel, f, t.index(1)})};
  });
  return {t.cast(parts[0], t.half()), t.cast(parts[1], t.half())};
}

/// A part of the samples: [b][c][a], in f16.
Value InPlaceKernel::column(Value step, int64_t part, Value source) {
  Value x;
  if (source == u && boxes) {
    Value row = t.add(t.mul(step, 16 * (warps / 4)), 64 * part);
    x = t.make<SplitOp>(t.frag(element), tile, row, /*transpose=*/true);
  } else {
    x = pull(source, step, part, /*transpose=*/true);
  }
  return t.cast(x, t.half());
}

/// X[k] = sum over n of weight(k, n, S) x[n]: those of even n, plus or minus the rest turned. x may
/// be real.
SmallVector<ComplexTile> InPlaceKernel::splitUp(ArrayRef<ComplexTile> x) {
  int64_t size = x.size();
  if (size == 1)
    return {x.front()};
  SmallVector<ComplexTile> halves[2], result(size);
  for (auto [n, value] : llvm::enumerate(x))
    halves[n % 2].push_back(value);
  SmallVector<ComplexTile> even = splitUp(halves[0]), odd = splitUp(halves[1]);
  for (int64_t k = 0; k < size / 2; ++k)
    for (double sign : {1.0, -1.0}) {
      std::complex<double> w = sign * weight(k, 1, size);
      ComplexTile e = even[k], o = odd[k];
      auto turned = [&](double re, double im, Value sum) -> Value {
        if (o.im)
          sum = sum ? t.fma(o.im, im, sum) : t.make<arith::MulFOp>(o.im, t.constantLike(o.im, im));
        return sum ? t.fma(o.re, re, sum) : t.make<arith::MulFOp>(o.re, t.constantLike(o.re, re));
      };
      result[k + (sign < 0 ? size / 2 : 0)] = {turned(w.real(), -w.imag(), e.re),
                                               turned(w.imag(), w.real(), e.im)};
    }
  return result;
}

/// y[n] = Re sum over k of conj(weight(k, n, S)) z[k], backwards.
SmallVector<Value> InPlaceKernel::joinUp(ArrayRef<ComplexTile> z) {
  int64_t size = z.size();
  if (size == 1)
    return {z.front().re};
  SmallVector<ComplexTile> even, odd;
  for (int64_t k = 0; k < size / 2; ++k) {
    const ComplexTile &x = z[k], &far = z[k + size / 2];
    std::complex<double> w = std::conj(weight(k, 1, size));
    even.push_back({t.make<arith::AddFOp>(x.re, far.re), t.make<arith::AddFOp>(x.im, far.im)});
    Value re = t.make<arith::SubFOp>(x.re, far.re), im = t.make<arith::SubFOp>(x.im, far.im);
    auto scaled = [&](Value value, double by) {
      return t.make<arith::MulFOp>(value, t.constantLike(value, by));
    };
    odd.push_back({t.fma(re, w.real(), scaled(im, -w.imag())),
                   t.fma(re, w.imag(), scaled(im, w.real()))});
  }
  SmallVector<Value> evens = joinUp(even), odds = joinUp(odd), result;
  for (auto [x, y] : llvm::zip(evens, odds))
    result.append({x, y});
  return result;
}

void InPlaceKernel::there(Value step) {
  SmallVector<ComplexTile> x;
  for (int64_t j = 0; j < parts; ++j) {
    Value real = column(step, j, u);
    if (pre)
      real = t.make<arith::MulFOp>(real, column(step, j, pre));
    real = t.make<arith::MulFOp>(real, t.constantLike(real, 1.0 / double(parts)));
    x.push_back({real, Value()});
  }
  x = splitUp(x);
  for (int64_t k0 = 0; k0 < parts; ++k0) {
    ComplexTable f = t.complexTable([=](int64_t, int64_t k1, int64_t a) {
      return weight(k0 + parts * k1, 256 * a, plan.length()) / 16.0;
    });
    ComplexTile twiddle = t.complexTile([=](int64_t, int64_t k1, int64_t c) {
      return weight(k0 + parts * k1, c, plan.length());
    });
    ComplexTile z = t.times(t.fromLeft(f, x[k0]), twiddle); // [k1][c]
    write(z, t.index(16 * k0), t.mul(step, warps), /*along=*/1, /*step=*/1);
  }
}

/// Two parts of a row of 16 twiddles for each warp, the same in all rows of its matrix.
ComplexTile InPlaceKernel::pulledTwiddle(Value source, Value warp) {
  auto part = [&](int64_t i) {
    auto op = PullRowsOp::create(builder, t.loc, t.half(), source,
                                 ValueRange{t.index(i), t.mulAll(warp, 16)}, /*step=*/0, /*stride=*/0);
    return op.getResult(0);
  };
  return {part(0), part(1)};
}

void InPlaceKernel::across(Value step) {
  // Warp w has the rows 8 w + step, k = k0 + S k1.
  Value i = t.add(t.mulAll(t.position(0), 8), t.broadcast(step, t.indices()));
  Value k = t.add(t.divAll(i, 16), t.mulAll(t.remAll(i, 16), parts));
  ComplexTile kernel = kernelOf(k);
  ComplexTable fourier = t.complexTable(sixteen(0.25));
  auto between = [](double scale, bool back) -> FourierTable {
    return [=](int64_t, int64_t row, int64_t column) {
      return scale * unitRoot((back ? 1 : -1) * row * column, 256);
    };
  };
  ComplexTile z = read(step, t.index(0), /*along=*/0, /*step=*/8); // [c][b]
  z = t.times(z, pulledTwiddle(twiddleB, i));
  ComplexTile twiddleThere = t.complexTile(between(1.0 / 16, false));
  ComplexTile twiddleBack = t.complexTile(between(4, true));
  z = t.convolve(z, fourier, twiddleThere, [&] { return kernel; }, twiddleBack); // [b][c]
  write(z, step, t.index(0), /*along=*/0, /*step=*/8);
}

void InPlaceKernel::back(Value step) {
  SmallVector<ComplexTile> z;
  Value first = t.mul(step, warps);
  for (int64_t k0 = 0; k0 < parts; ++k0) {
    ComplexTile x = read(t.index(16 * k0), first, /*along=*/1, /*step=*/1); // [c][k1]
    Value row = t.add(t.position(0), t.broadcast(t.add(first, 16 * k0), t.indices()));
    x = t.times(x, conj(pulledTwiddle(twiddleK, row)));
    x = t.times(x, t.complexTile([=](int64_t, int64_t c, int64_t k1) {
                  return std::conj(weight(k0 + parts * k1, c, plan.length()));
                }));
    ComplexTable f = t.complexTable([=](int64_t, int64_t a, int64_t k1) {
      return 4.0 * std::conj(weight(k0 + parts * k1, 256 * a, plan.length()));
    });
    z.push_back(t.fromLeft(f, x)); // [a][c]
  }
  for (auto [j, sum] : llvm::enumerate(joinUp(z))) {
    if (post) {
      Value gate = pull(post, step, j, /*transpose=*/false);
      sum = t.make<arith::MulFOp>(t.cast(sum, t.single()), t.cast(gate, t.single()));
    }
    Value result = t.cast(sum, t.frag(element));
    either({}, [&, j = int64_t(j)](bool rows) -> SmallVector<Value> {
      if (rows)
        PlaceRowsOp::create(builder, t.loc, result, y,
                            ValueRange{batch, channel, firstSample(step, j)}, 16, 256);
      else
        PlaceOp::create(builder, t.loc, result, y, samples(step, j, /*transpose=*/false));
      return {};
    });
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
