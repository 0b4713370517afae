//===- InPlaceConv.cpp - Long convolutions by transforms in SRAM ----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A work tile is one sequence, a transform of N = 4096 S points, S = 2, 4 or 8, of which SRAM holds
// the complex tile. (Of S = 2, those that FourierConv.cpp does not take.) With
// n = 256 (S a + j) + 16 b + c and f = k + 16 S (k2 + 16 k3), k = k1 + 16 kj:
//
//   phase 1, a b for each warp   for each j over a, of real numbers: [k1][c]; over j, butterflies
//                                between registers; to row (k, b)
//   phase 2, a k for each warp   times exp(-2 pi i 16 b k / N), over b; times exp(-2 pi i c k2 / 256) and
//                                exp(-2 pi i c k / N), over c; times the spectrum; and back the same
//                                way, to the same place
//   phase 3, a b for each warp   times exp(2 pi i 16 b k / N), and mirrors phase 1; the result is real
//
// Samples, and numbers of a spectrum, are read and written in quads: a column c, or k3, of a tile is not the
// c-th, and the tables know. The twiddles between a and j, and the right-angle weights, are part of the matrices over a. All warps meet
// between the phases, and only there. A warp has 8 matrices in each phase whatever S is: there are 2 S
// warps, and as many CTAs share a multiprocessor as have room; they work while others wait.
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

namespace {

class InPlaceKernel {
public:
  InPlaceKernel(seq::LongConvOp op, const FourierPlan &plan, RankedTensorType spectrum)
      : op(op), plan(plan), spectrum(spectrum), parts(plan.parts()), warps(2 * parts),
        builder(op.getContext()), t(builder, op.getLoc(), warps) {
    element = op.getU().getType().getElementType();
  }
  KernelOp create(StringRef name);
private:
  void workTile();
  void there(Value step);
  void across(Value step, const ComplexTile &kernel);
  void back(Value step);
  void phase(Value fast, function_ref<void()> steps);
  void acrossSteps();
  SmallVector<Value> samples(Value step, int64_t part);
  Value column(Value step, int64_t part);
  double shrink() { return resultRoom(element); }
  ComplexTile kernelOf(Value first);
  Value pull(Value source, Value step, int64_t part);
  /// Whether all samples of a transform are there.
  bool isWhole() { return op.getLength() == plan.length(); }
  Value firstSample(Value step, int64_t part) {
    return t.add(t.mul(step, 16 * warps), 256 * part);
  }

  seq::LongConvOp op;
  FourierPlan plan;
  RankedTensorType spectrum;
  int64_t parts, warps; // S and 2 S
  OpBuilder builder;
  FourierBuilder t;
  Type element;

  Value u, s, twiddle, pre, post, y; // arguments
  Value buffer, batch, channel;
  Value fast, fastSpectrum; // whether rows lie in one piece
  bool inRows = false;      // the phase is written for those
};

} // namespace

KernelOp InPlaceKernel::create(StringRef name) {
  MLIRContext *context = op.getContext();
  Type view = ViewType::get(context, op.getU().getType().getShape(), element);
  Type table = ViewType::get(context, {rowTwiddleCount(plan), 2}, builder.getF16Type());
  SmallVector<Type> inputs = {
      view, ViewType::get(context, spectrum.getShape(), spectrum.getElementType()), table};
  for (Value gate : {op.getPre(), op.getPost()})
    if (gate)
      inputs.push_back(view);
  inputs.push_back(view);
  auto schedule = ScheduleAttr::get(context, parts / 2, /*producerRegisters=*/0, /*consumerRegisters=*/128,
                                    /*persistent=*/true, /*overlap=*/false, /*spread=*/false);
  auto kernel = KernelOp::create(builder, op.getLoc(), name, inputs, schedule);
  kernel->setAttr(kRereadAttr, builder.getStringAttr("all"));
  if (parts == 8) // of what is read by elements
    kernel->setAttr(kScarceAttr, builder.getUnitAttr());
  kernel.setOutput(inputs.size() - 1);
  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  unsigned next = 0;
  u = body.getArgument(next++), s = body.getArgument(next++);
  twiddle = body.getArgument(next++);
  if (op.getPre())
    pre = body.getArgument(next++);
  if (op.getPost())
    post = body.getArgument(next++);
  y = body.getArgument(next++);
  auto memory = SmemType::get(context, {16 * parts * 8, 64}, builder.getF16Type());
  buffer = AllocOp::create(builder, t.loc, memory, IntegerAttr()).getMemory();
  fastSpectrum = t.make<WholeOp>(builder.getI1Type(), ValueRange{s});
  SmallVector<Value> moved = {u, y};
  for (Value tensor : {pre, post})
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

void InPlaceKernel::workTile() {
  int64_t steps = 8 / parts;
  bool holdsThere = steps > 1 && !(pre && (steps == 2 || !element.isF16())), holdsBack = steps > 1 && !post;
  phase(fast, [&] { t.eachStep(steps, holdsThere, [&](Value step) { there(step); }); });
  MeetOp::create(builder, t.loc);
  phase(fastSpectrum, [&] { acrossSteps(); });
  MeetOp::create(builder, t.loc);
  phase(fast, [&] { t.eachStep(steps, holdsBack, [&](Value step) { back(step); }); });
}

/// Once for tensors whose rows lie in one piece, and once for others.
void InPlaceKernel::phase(Value fast, function_ref<void()> steps) {
  inRows = false;
  if (!fast)
    return steps();
  auto branch = scf::IfOp::create(builder, t.loc, fast, /*withElseRegion=*/true);
  for (bool rows : {true, false}) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(rows ? branch.thenBlock() : branch.elseBlock());
    inRows = rows;
    steps();
  }
}

/// The steps of phase 2, each of which reads the spectrum of the next one.
void InPlaceKernel::acrossSteps() {
  constexpr int64_t kSteps = 8;
  ComplexTile kernel = kernelOf(t.index(0));
  auto loop = scf::ForOp::create(builder, t.loc, t.index(0), t.index(kSteps), t.index(1),
                                 ValueRange{kernel.re, kernel.im});
  loop->setAttr(kRolledAttr, builder.getUnitAttr());
  loop->setAttr(kHoldAttr, builder.getUnitAttr());
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value step = loop.getInductionVar();
  // The last one reads the first again.
  Value next = t.make<arith::RemUIOp>(t.add(step, 1), t.index(kSteps));
  ComplexTile ahead = kernelOf(t.mul(next, warps));
  across(step, {loop.getRegionIterArg(0), loop.getRegionIterArg(1)});
  scf::YieldOp::create(builder, t.loc, ValueRange{ahead.re, ahead.im});
}

/// Batch, channel and time of each element: warp b, row a, column c.
SmallVector<Value> InPlaceKernel::samples(Value step, int64_t part) {
  Value first = firstSample(step, part);
  Value time = t.add(t.mulAll(t.position(1), 256 * parts), t.quadPosition());
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
  return PullRowsOp::create(builder, t.loc, type, source, at, /*step=*/16, /*stride=*/256 * parts,
                            isWhole(), /*quads=*/true)
      .getResult(0);
}

/// The spectrum at the k of each warp, of w = 0 first: [k2][k3].
ComplexTile InPlaceKernel::kernelOf(Value first) {
  RankedTensorType type = t.frag(spectrum.getElementType());
  first = t.mul(first, 256);
  SmallVector<Value, 2> both;
  if (inRows && spectrum.getElementTypeBitWidth() == 16) {
    auto read = PullRowsOp::create(builder, t.loc, TypeRange{type, type}, s, ValueRange{channel, first},
                                   /*step=*/256, /*stride=*/16, /*inside=*/true, /*quads=*/true);
    both.assign(read.getResults().begin(), read.getResults().end());
  } else {
    Value f = t.add(t.mulAll(t.position(0), 256), t.broadcast(first, t.indices()));
    f = t.add(t.add(f, t.mulAll(t.position(1), 16)), t.quadPosition());
    for (int64_t part : {0, 1})
      both.push_back(t.make<PullOp>(type, s, ValueRange{channel, f, t.index(part)}));
  }
  return {t.cast(both[0], t.half()), t.cast(both[1], t.half())};
}

/// A part of the samples, gated: [b][c][a], in f16.
Value InPlaceKernel::column(Value step, int64_t part) {
  Value x = t.cast(pull(u, step, part), t.half());
  if (pre)
    x = t.make<arith::MulFOp>(withRoom(t, x), t.cast(pull(pre, step, part), t.half()));
  return t.make<TransposeOp>(x);
}

void InPlaceKernel::there(Value step) {
  SmallVector<ComplexTile> z; // [k1][c]
  for (int64_t j = 0; j < parts; ++j) {
    ComplexTable f = t.complexTable([=](int64_t, int64_t k1, int64_t a) {
      return gateRoom(op) / double(16 * parts) * rootOf(plan, k1, 256 * (parts * a + j));
    });
    Value part = column(step, j);
    z.push_back({t.warpDot(f.re, part), t.warpDot(f.im, part)});
  }
  for (auto [kj, sum] : llvm::enumerate(t.butterflies(z, /*back=*/false)))
    t.writeRows(sum, buffer, t.index(16 * kj), t.mul(step, warps), /*along=*/1);
}

void InPlaceKernel::across(Value step, const ComplexTile &kernel) {
  Value first = t.mul(step, warps); // warp w has the k that many further
  ComplexTable f = t.complexTable(sixteen(0.25));
  ComplexTable ofQuads = t.complexTable(inQuads(sixteen(0.25), /*rows=*/true, /*columns=*/true)); // [k3][c]
  auto between = [&](double scale, bool back) {
    FourierTable values = [=](int64_t, int64_t row, int64_t column) {
      return scale * unitRoot((back ? 1 : -1) * row * column, 256);
    };
    return t.complexTile(inQuads(values, /*rows=*/back, /*columns=*/!back));
  };
  ComplexTile z = t.readRows(buffer, first, t.index(0), /*along=*/0);     // [c][b]
  z = t.fromLeft(f, t.times(z, t.rowTwiddle(twiddle, plan, 0, first)));   // [k2][c]
  ComplexTile ofC = t.rowTwiddle(twiddle, plan, 1, first);
  z = t.times(t.times(z, between(0.25 / shrink(), false)), ofC);
  z = t.times(t.fromRight(z, ofQuads), kernel);                 // [k2][k3]
  z = t.times(t.fromLeft(ofQuads.conj(), z), between(4, true)); // [c][k2]
  z = t.timesConj(t.fromLeft(f.conj(), z), ofC);                // [b][c]
  t.writeRows(z, buffer, first, t.index(0), /*along=*/0);
}

void InPlaceKernel::back(Value step) {
  Value first = t.mul(step, warps);
  SmallVector<ComplexTile> z;
  for (int64_t kj = 0; kj < parts; ++kj) {
    ComplexTile x = t.readRows(buffer, t.index(16 * kj), first, /*along=*/1); // [c][k1]
    z.push_back(t.timesConj(x, t.rowTwiddle(twiddle, plan, 2, t.add(first, 16 * kj))));
  }
  RankedTensorType type = element.isF16() ? t.half() : t.single();
  for (auto [j, x] : llvm::enumerate(t.butterflies(z, /*back=*/true))) {
    int64_t part = j;
    ComplexTable f = t.complexTable([=](int64_t, int64_t a, int64_t k1) {
      return 4 * shrink() * std::conj(rootOf(plan, k1, 256 * (parts * a + part)));
    });
    Value sum = t.warpDot(f.minus, x.im, t.warpDot(f.re, x.re, Value(), type), type); // [a][c]
    // Of f16, the product is rounded once either way.
    if (post)
      sum = t.make<arith::MulFOp>(sum, t.cast(pull(post, step, j), type));
    Value result = t.cast(sum, t.frag(element));
    if (inRows)
      PlaceRowsOp::create(builder, t.loc, ValueRange{result}, y, ValueRange{batch, channel, firstSample(step, j)},
                          /*step=*/16, /*stride=*/256 * parts, isWhole(), /*quads=*/true);
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
  SmallVector<Value> operands = {op.getU(), spectrum, rowTwiddles(b, op.getLoc(), plan)};
  SmallVector<int64_t> batch = {0, 0};
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
