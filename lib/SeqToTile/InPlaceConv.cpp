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
// Where the copy engine can cut boxes of the tensors, they come to SRAM, and leave from there, in place: those of the next work
// tile to the second part of a warp's columns, as soon as phase 3 has read it, and the result from the first part. A warp reads and
// writes there its own columns alone; its warpgroup, which shares boxes, meets before either.
//
// Else samples, and always numbers of a spectrum, are read and written in quads: a column c, or k3, of a tile is not the
// c-th, and the tables know. The twiddles between a and j, and the right-angle weights, are part of the matrices over a. All warps meet
// between the phases, and only there. A warp has 8 matrices in each phase whatever S is: there are 2 S
// warps, and as many CTAs share a multiprocessor as have room; they work while others wait.
//
// Of a long causal sequence a work tile is a block of N samples, and a CTA does those of a sequence in order. It keeps their
// transforms in memory, where they stay in L2, as many as the filter reaches back; each step of phase 2 adds up the products
// of its numbers with those of the spectra of taps between two blocks.
//
// Every stage on the way there shrinks a sum to at most the largest of its terms, so that no input of
// f16 overflows. On the way back nothing grows beyond the result. One of bf16 may lie beyond the range of
// f16: there all is shrunk by resultRoom before the spectrum comes in, and sums of f32 make up for it.
//
//===----------------------------------------------------------------------===//

#include "Fourier.h"
#include "Launch.h"
#include "SeqToTile.h"

#include "longwing/Target/Hopper.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

class InPlaceKernel {
public:
  InPlaceKernel(seq::LongConvOp op, const FourierPlan &plan, RankedTensorType spectrum, bool boxes)
      : op(op), plan(plan), spectrum(spectrum), boxes(boxes), quads(!boxes || op.getPre() || op.getPost()), parts(plan.parts()),
        warps(2 * parts), builder(op.getContext()), t(builder, op.getLoc(), warps) {
    element = op.getU().getType().getElementType();
  }
  /// Whether boxes make up its sequences.
  static bool takesBoxes(seq::LongConvOp op, const FourierPlan &plan) {
    return op.getLength() % plan.length() == 0 && plan.reach <= 2;
  }
  KernelOp create(StringRef name);
  bool hasQuads() { return quads; }
  /// Whether samples only come and go by elements.
  bool byElements() { return !boxes && op.getLength() % 16 != 0; }
  /// Of each CTA, places for the transforms of blocks that are still needed. An odd number of them: where a remainder is a mask,
  /// ptxas holds what it makes of it, and spills.
  int64_t places() { return (plan.reach - 1) | 1; }
  RankedTensorType keptTransforms() {
    SmallVector<int64_t> shape = {ShapedType::kDynamic, places() * kSteps, keptNumbers(warps)};
    return RankedTensorType::get(shape, builder.getF16Type());
  }

private:
  void workTile();
  void there(Value step);
  void across(Value step, const ComplexTile &kernel);
  void keep(const ComplexTile &x, Value step);
  ComplexTable ofQuads(bool back);
  ComplexTile between(double scale, bool back);
  ComplexTile transformOf(Value step);
  void backFrom(ComplexTile y, Value step);
  void back(Value step);
  void phase(Value fast, function_ref<void()> steps);
  void acrossSteps();
  SmallVector<Value> samples(Value step, int64_t part);
  SmallVector<Value> boxAt();
  Value column(Value step, int64_t part);
  /// Between two blocks the result may run from one end of its range to the other.
  double shrink() { return resultRoom(element) * (plan.inBlocks() ? 2 : 1); }
  /// Whether the next samples are asked for as soon as there is room, and not after what would then leave no registers for tables.
  bool asksAtOnce() { return element.isF16() && !plan.inBlocks() && !(post && parts == 8); }
  int64_t blocks() { return llvm::divideCeil(op.getLength(), plan.length()); }
  bool isAnticausal() { return op.getKind() == seq::ConvKind::Anticausal; }
  /// Whether the spectrum lies in the order of the digits, [H, N, 2] or [H, P, N, 2], and not as threads keep that of blocks.
  bool inOrder() { return !plan.inBlocks() || spectrum.getRank() == 4; }
  ComplexTile kernelOf(Value step, int64_t between = 0, Value exists = {});
  Value pull(Value source, Value step, int64_t part);
  /// Whether all samples of a transform are there.
  bool isWhole() { return op.getLength() == blocks() * plan.length(); }
  Value firstSample(Value step, int64_t part) {
    Value first = t.add(t.mul(step, 16 * warps), 256 * part);
    return block ? t.add(first, t.mul(block, plan.length())) : first;
  }
  /// Where the numbers of a step of phase 2 lie, of one of several transforms.
  Value placeOf(Value transform, Value step) { return t.add(t.mul(transform, kSteps), step); }
  SmallVector<Value> placeOfBlock(Value number, Value step) {
    return {cta, placeOf(t.make<arith::RemUIOp>(number, t.index(places())), step)};
  }

  seq::LongConvOp op;
  FourierPlan plan;
  RankedTensorType spectrum;
  bool boxes;           // whether samples come and go so
  bool quads;           // whether columns c are in quads, as gates are read
  int64_t parts, warps; // S and 2 S
  static constexpr int64_t kSteps = 8; // of phase 2
  OpBuilder builder;
  FourierBuilder t;
  Type element;

  Value u, s, twiddle, pre, post, past, y; // arguments
  Value buffer, batch, channel;
  Value cta, order, block; // of a work tile that is a block: which one it is, and from the left
  Value fast, fastSpectrum; // whether rows lie in one piece
  bool inRows = false;      // the phase is written for those
  int64_t sampled = 0;      // tiles of samples that are read or written so far
};

} // namespace

KernelOp InPlaceKernel::create(StringRef name) {
  MLIRContext *context = op.getContext();
  // [batch][channel][j][a][256]
  Type view = ViewType::get(context, anyBatches(op), element);
  Type samples = boxes ? Type(DescType::get(context, {1, 1, parts, 16, 64}, element)) : view;
  Type table = ViewType::get(context, {rowTwiddleCount(plan), 2}, builder.getF16Type());
  SmallVector<Type> inputs = {
      samples, ViewType::get(context, spectrum.getShape(), spectrum.getElementType()), table};
  for (Value gate : {op.getPre(), op.getPost()})
    if (gate)
      inputs.push_back(view);
  if (plan.inBlocks())
    inputs.push_back(ViewType::get(context, keptTransforms().getShape(), builder.getF16Type()));
  inputs.push_back(samples);
  auto schedule = ScheduleAttr::get(context, parts / 2, /*producerRegisters=*/0, /*consumerRegisters=*/128,
                                    /*persistent=*/true, /*overlap=*/false, /*spread=*/false);
  auto kernel = KernelOp::create(builder, op.getLoc(), name, inputs, schedule);
  kernel->setAttr(kRereadAttr, builder.getStringAttr("all"));
  kernel->setAttr(kSramTablesAttr, builder.getUnitAttr());
  if (parts == 8) // of what is read by elements
    kernel->setAttr(kScarceAttr, byElements() ? Attribute(builder.getStringAttr("kept")) : builder.getUnitAttr());
  if (plan.inBlocks()) {
    kernel.setOutput(inputs.size() - 2);
    kernel->setAttr(kOrderedAttr, builder.getUnitAttr());
    kernel->setAttr(kMostCtasAttr, builder.getI64IntegerAttr(hopper::kMultiprocessors));
  }
  kernel.setOutput(inputs.size() - 1);
  for (auto [i, type] : llvm::enumerate(inputs))
    if (isa<DescType>(type))
      kernel.setArgAttr(i, kUnfoldAttr,
                        builder.getDenseI64ArrayAttr({0, 1, 0, 1, 1, 0, 2, 256, parts, 2, 256 * parts, 0, 2, 1, 256}));
  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  unsigned next = 0;
  u = body.getArgument(next++), s = body.getArgument(next++);
  twiddle = body.getArgument(next++);
  if (op.getPre())
    pre = body.getArgument(next++);
  if (op.getPost())
    post = body.getArgument(next++);
  if (plan.inBlocks())
    past = body.getArgument(next++);
  y = body.getArgument(next++);
  buffer = AllocOp::create(builder, t.loc, gridBuffer(context, plan), IntegerAttr()).getMemory();
  twiddle = t.bring(twiddle, plan);
  if (plan.inBlocks())
    cta = t.make<CtaOp>(builder.getIndexType());
  if (inOrder())
    fastSpectrum = t.make<WholeOp>(builder.getI1Type(), ValueRange{s});
  SmallVector<Value> moved;
  if (!boxes)
    moved = {u, y};
  for (Value tensor : {pre, post})
    if (tensor)
      moved.push_back(tensor);
  if (op.getLength() % 16 == 0 && !moved.empty())
    fast = t.make<WholeOp>(builder.getI1Type(), moved);
  SmallVector<Value> sizes = {t.dim(y, 0), t.dim(y, 1)};
  if (plan.inBlocks())
    sizes.insert(sizes.begin(), t.index(blocks()));
  ValueRange work = t.eachWorkTile(sizes);
  if (plan.inBlocks()) {
    order = block = work.front();
    if (isAnticausal())
      block = t.sub(t.index(blocks() - 1), order);
  }
  batch = work.drop_back().back(), channel = work.back();
  workTile();
  return kernel;
}

void InPlaceKernel::workTile() {
  int64_t steps = 8 / parts;
  bool holdsThere = steps > 1 && !(pre && (steps == 2 || !element.isF16())), holdsBack = steps > 1 && !post;
  phase(fast, [&] { t.eachStep(steps, holdsThere, [&](Value step) { there(step); }); });
  MeetOp::create(builder, t.loc);
  phase(fastSpectrum, [&] { acrossSteps(); }); // as threads keep them they are as they are to be
  MeetOp::create(builder, t.loc);
  phase(fast, [&] { t.eachStep(steps, holdsBack, [&](Value step) { back(step); }); });
}

/// Once for tensors whose rows lie in one piece, and once for others.
void InPlaceKernel::phase(Value fast, function_ref<void()> steps) {
  t.eachWay(fast, [&](bool rows) {
    inRows = rows;
    steps();
  });
}

/// The steps of phase 2, each of which reads the spectrum of the next one.
void InPlaceKernel::acrossSteps() {
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
  ComplexTile ahead = kernelOf(next);
  across(step, {loop.getRegionIterArg(0), loop.getRegionIterArg(1)});
  scf::YieldOp::create(builder, t.loc, ValueRange{ahead.re, ahead.im});
}

/// Batch, channel and time of each element: warp b, row a, column c.
SmallVector<Value> InPlaceKernel::samples(Value step, int64_t part) {
  // Of what is read by elements alone, how far a part is behind the first would be a number more for each, ...
  Value first = firstSample(step, byElements() ? 0 : part);
  Value row = t.position(1), column = t.quadPosition();
  Value time = t.add(t.mulAll(row, 256 * parts), column), warp = t.position(0);
  time = t.add(time, t.mulAll(warp, 16));
  Value start = t.broadcast(first, t.indices());
  time = t.add(time, start);
  if (!byElements())
    return {batch, channel, time};
  // ... and phase 3 would hold from phase 1 on where all of them are.
  for (Value number : {warp, row, column, start})
    number.getDefiningOp()->setAttr(kApartAttr, builder.getI64IntegerAttr(sampled));
  ++sampled;
  return {batch, channel, t.addAll(time, 256 * part)};
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

/// The spectrum at the k of each warp in a step, or that of the taps between a block, if it exists, and one so many later: [k2][k3].
ComplexTile InPlaceKernel::kernelOf(Value step, int64_t between, Value exists) {
  if (plan.inBlocks() && !inOrder())
    return t.recall(s, {channel, placeOf(t.index(between), step)}, exists);
  RankedTensorType type = t.frag(spectrum.getElementType());
  Value first = t.mul(step, 256 * warps);
  auto at = [&](Value point, Value part = {}) {
    SmallVector<Value> place = {channel, point};
    if (plan.inBlocks())
      place.insert(place.begin() + 1, t.index(between));
    if (part)
      place.push_back(part);
    return place;
  };
  SmallVector<Value, 2> both;
  if (inRows && spectrum.getElementTypeBitWidth() == 16) {
    auto read = PullRowsOp::create(builder, t.loc, TypeRange{type, type}, s, at(first),
                                   /*step=*/256, /*stride=*/16, /*inside=*/true, /*quads=*/true);
    both.assign(read.getResults().begin(), read.getResults().end());
  } else {
    Value f = t.add(t.mulAll(t.position(0), 256), t.broadcast(first, t.indices()));
    f = t.add(t.add(f, t.mulAll(t.position(1), 16)), t.quadPosition());
    for (int64_t part : {0, 1})
      both.push_back(t.make<PullOp>(type, s, at(f, t.index(part))));
  }
  return {t.cast(both[0], t.half()), t.cast(both[1], t.half())};
}

/// Where the boxes of a work tile begin.
SmallVector<Value> InPlaceKernel::boxAt() {
  Value zero = t.index(0);
  return {batch, channel, zero, block ? t.mul(block, 16) : zero, zero};
}

/// A part of the samples, gated: [b][c][a], in f16.
Value InPlaceKernel::column(Value step, int64_t part) {
  auto take = [&] { return t.make<TakeRowsOp>(t.frag(element), buffer, t.index(16 * part), t.mul(step, warps), quads); };
  Value x = t.cast(boxes ? take() : pull(u, step, part), t.half());
  if (pre)
    x = t.make<arith::MulFOp>(withRoom(t, x), t.cast(pull(pre, step, part), t.half()));
  return quads ? t.make<TransposeOp>(x) : x;
}

void InPlaceKernel::there(Value step) {
  if (boxes)
    FetchRowsOp::create(builder, t.loc, u, boxAt(), buffer, t.mul(step, warps), warps);
  SmallVector<ComplexTile> z; // [k1][c]
  for (int64_t j = 0; j < parts; ++j) {
    ComplexTable f = t.complexTable([=](int64_t, int64_t k1, int64_t a) {
      return gateRoom(op) / double(16 * parts) * rootOf(plan, k1, 256 * (parts * a + j));
    });
    Value part = column(step, j);
    z.push_back({t.warpDot(f.re, part), t.warpDot(f.im, part)});
  }
  z = t.butterflies(z, /*back=*/false);
  if (boxes)
    FlushedRowsOp::create(builder, t.loc);
  for (auto [kj, sum] : llvm::enumerate(z))
    t.writeRows(sum, buffer, t.index(16 * kj), t.mul(step, warps), /*along=*/1);
}

/// The table between k3, in quads, and c: [k3][c] there and [c][k3] back.
ComplexTable InPlaceKernel::ofQuads(bool back) {
  ComplexTable table = t.complexTable(inQuads(sixteen(0.25), /*rows=*/!back || quads, /*columns=*/back || quads));
  // The products of three blocks leave registers for fewer tables.
  return plan.reach == 3 ? table.withoutMinus() : table;
}

/// The twiddle between c and k2, [k2][c] there and [c][k2] back.
ComplexTile InPlaceKernel::between(double scale, bool back) {
  FourierTable values = [=](int64_t, int64_t row, int64_t column) {
    return scale * unitRoot((back ? 1 : -1) * row * column, 256);
  };
  return t.complexTile(inQuads(values, /*rows=*/back && quads, /*columns=*/!back && quads));
}

/// Phase 2 as far as the transform, [k2][k3] at a k for each warp.
ComplexTile InPlaceKernel::transformOf(Value step) {
  Value first = t.mul(step, warps); // warp w has the k that many further
  ComplexTable f = t.complexTable(sixteen(0.25));
  ComplexTile z = t.readRows(buffer, first, t.index(0), /*along=*/0);   // [c][b]
  z = t.fromLeft(f, t.times(z, t.rowTwiddle(twiddle, plan, 0, first))); // [k2][c]
  z = t.times(t.times(z, between(0.25 / shrink(), false)), t.rowTwiddle(twiddle, plan, 1, first));
  return t.fromRight(z, ofQuads(false));
}

/// And the way back, to the same place.
void InPlaceKernel::backFrom(ComplexTile z, Value step) {
  Value first = t.mul(step, warps);
  z = t.times(t.fromLeft(ofQuads(true).conj(), z), between(4, true));                                           // [c][k2]
  z = t.timesConj(t.fromLeft(t.complexTable(sixteen(0.25)).conj(), z),
                  t.rowTwiddle(twiddle, plan, 1, first)); // [b][c]
  t.writeRows(z, buffer, first, t.index(0), /*along=*/0);
}

void InPlaceKernel::across(Value step, const ComplexTile &kernel) {
  // Numbers of the j-th block before this one, and of the spectrum that leads from there to here.
  auto before = [&](int64_t j) -> std::pair<ComplexTile, ComplexTile> {
    Value exists = t.compare(arith::CmpIPredicate::uge, order, t.index(j));
    SmallVector<Value> place = placeOfBlock(t.sub(order, t.index(j)), step);
    return {t.recall(past, place, exists), kernelOf(step, j, exists)};
  };
  std::pair<ComplexTile, ComplexTile> last; // where there is one, registers can hold it from the beginning on
  bool early = plan.reach == 2 && !inOrder();
  if (early)
    last = before(1);
  ComplexTile x = transformOf(step), y = t.times(x, kernel);
  for (int64_t j = 1; j < plan.reach; ++j) {
    auto [there, kernel] = early ? last : before(j);
    y = t.plusTimes(y, there, kernel);
  }
  if (plan.inBlocks())
    keep(x, step);
  backFrom(y, step);
}

/// The transform of a block, where one of those before it was that no block needs any more.
void InPlaceKernel::keep(const ComplexTile &x, Value step) {
  Value needed = t.compare(arith::CmpIPredicate::ult, order, t.index(blocks() - 1));
  auto branch = scf::IfOp::create(builder, t.loc, needed, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  t.keep(x, past, placeOfBlock(order, step));
}

void InPlaceKernel::back(Value step) {
  Value first = t.mul(step, warps);
  SmallVector<ComplexTile> z;
  for (int64_t kj = 0; kj < parts; ++kj) {
    ComplexTile x = t.readRows(buffer, t.index(16 * kj), first, /*along=*/1); // [c][k1]
    z.push_back(t.timesConj(x, t.rowTwiddle(twiddle, plan, 2, t.add(first, 16 * kj))));
  }
  auto vacate = [&](bool now) {
    if (boxes && now)
      VacateRowsOp::create(builder, t.loc, buffer, first);
  };
  vacate(asksAtOnce());
  z = t.butterflies(z, /*back=*/true);
  vacate(!asksAtOnce());
  RankedTensorType type = element.isF16() ? t.half() : t.single();
  for (auto [j, x] : llvm::enumerate(z)) {
    int64_t part = j;
    ComplexTable f = t.complexTable([=](int64_t, int64_t a, int64_t k1) {
      return 4 * shrink() * std::conj(rootOf(plan, k1, 256 * (parts * a + part)));
    });
    Value sum = t.warpDot(f.minus, x.im, t.warpDot(f.re, x.re, Value(), type), type); // [a][c]
    // Of f16, the product is rounded once either way.
    if (post)
      sum = t.make<arith::MulFOp>(sum, t.cast(pull(post, step, j), type));
    Value result = t.cast(sum, t.frag(element));
    if (boxes)
      LayRowsOp::create(builder, t.loc, result, buffer, t.index(16 * j), first, quads);
    else if (inRows)
      PlaceRowsOp::create(builder, t.loc, ValueRange{result}, y, ValueRange{batch, channel, firstSample(step, j)},
                          /*step=*/16, /*stride=*/256 * parts, isWhole(), /*quads=*/true);
    else
      PlaceOp::create(builder, t.loc, result, y, samples(step, j));
  }
  if (boxes)
    FlushRowsOp::create(builder, t.loc, buffer, first, y, boxAt(), warps);
}

//===----------------------------------------------------------------------===//
// The host's side
//===----------------------------------------------------------------------===//

LogicalResult longwing::lowerInPlaceConv(seq::LongConvOp op, const FourierPlan &plan, Value spectrum,
                                         SymbolTable &symbols) {
  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  StringRef function = op->getParentOfType<FunctionOpInterface>().getName();
  FailureOr<SmallVector<Value>> results = emptyResults(b, op);
  if (failed(results))
    return failure();
  auto size = [&](int64_t i) { return host.make<tensor::DimOp>(op.getU(), i); };
  SmallVector<Value> outputs;
  auto launch = [&](bool boxes, StringRef name) {
    InPlaceKernel writer(op, plan, cast<RankedTensorType>(spectrum.getType()), boxes);
    KernelOp kernel = writer.create((function + name).str());
    symbols.insert(kernel);
    if (outputs.empty()) {
      if (plan.inBlocks()) {
        Value ctas = host.min(host.make<arith::MulIOp>(size(0), size(1)), host.index(hopper::kMultiprocessors));
        outputs.push_back(tensor::EmptyOp::create(b, op.getLoc(), writer.keptTransforms(), ctas));
      }
      outputs.push_back(results->front());
    }
    SmallVector<Value> operands = {op.getU(), spectrum, rowTwiddles(b, op.getLoc(), plan, writer.hasQuads())};
    SmallVector<int64_t> batch = {0, 0};
    for (Value gate : {op.getPre(), op.getPost()})
      if (gate) {
        batch.append({int64_t(operands.size()), 0});
        operands.push_back(gate);
      }
    llvm::append_range(operands, outputs);
    batch.append({int64_t(operands.size()) - 1, 0});
    auto launch = LaunchOp::create(b, op.getLoc(), ValueRange(outputs).getTypes(), kernel.getSymName(), operands,
                                   ValueRange{size(0), size(1)});
    launch->setAttr(kSameSizesAttr, b.getArrayAttr({b.getDenseI64ArrayAttr(batch)}));
    outputs.assign(launch.getResults().begin(), launch.getResults().end());
    return launch;
  };
  bool boxes = InPlaceKernel::takesBoxes(op, plan);
  LaunchOp last = launch(boxes, "_long_conv");
  if (boxes) {
    last = launch(/*boxes=*/false, "_long_conv_unaligned");
    last->setAttr(kSubstituteAttr, b.getUnitAttr());
  }
  op->replaceAllUsesWith(last.getResults().take_back());
  op->erase();
  return success();
}
