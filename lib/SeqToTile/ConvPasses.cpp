//===- ConvPasses.cpp - Long convolutions in passes over memory -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The outer kernels of ConvPasses.h, in which each warpgroup has 64 columns of another b, and the
// launches of all three.
//
//===----------------------------------------------------------------------===//

#include "ConvGain.h"
#include "ConvInner.h"
#include "ConvKernel.h"
#include "ConvMiddle.h"
#include "ConvSpectrum.h"
#include "ConvSlices.h"
#include "SeqToTile.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

/// A tensor of samples: its whole rows, in boxes, or all of it by elements; and the last row of a ragged one, or, where
/// it is written, as many columns of all rows: the copy engine writes no box that begins before its tensor.
struct Samples {
  Value whole, last;
};

/// The outer kernels. The transform over a = r i + j is one over i for each residue j, and one of r points,
/// whose roots are powers of i: the matrices of 64 rows serve r times as many, and what is read once
/// as well. On the way there the sums of two residues fit the registers, back those of four.
class PassKernel : protected ConvKernel {
public:
  /// Rows k1 and columns (j, i) on the way there, rows i and columns (j, k1) back.
  Value matrices(OpBuilder &b) const;
  /// The operands behind all others, given the intermediate.
  void giveRowZero(SmallVectorImpl<Value> &operands, Value points) {
    if (plan.mirrored)
      operands.push_back(points);
  }
  /// The operands that a tensor of samples is.
  void give(SmallVectorImpl<Value> &operands, Value tensor) { operands.append(rest() ? 2 : 1, tensor); }
  bool skipsGated() { return op.getPre() && !op.getSkipUngated(); }

protected:
  PassKernel(seq::LongConvOp op, const PassPlan &whole, int64_t channels, bool forward)
      : ConvKernel(op.getLoc(), whole.outerPart()), op(op), channels(channels), forward(forward),
        element(op.getU().getType().getElementType()), positions(wide.clone(builder.getIndexType())) {
    auto fits = [&](int64_t r) { return plan.outer % (r * kSide) == 0 && (inBoxes() || r == 1); };
    for (int64_t r = 2; r <= (forward ? 2 : 4) && fits(r); r *= 2)
      residues = r;
    blocks = plan.outer / residues / kSide;
  }

  /// Whether the copy engine can cut sequences: they begin at multiples of 16 bytes.
  bool inBoxes() { return plan.length % 8 == 0; }
  /// Rows of all residues: whole ones, and the samples behind them.
  int64_t pitch() { return residues * plan.stride(); }
  int64_t wholeRows() { return plan.length / pitch(); }
  int64_t rest() { return inBoxes() ? plan.length % pitch() : 0; }
  /// Begins a kernel; with gathered samples, or gated ones and a last row, it has no register to spare.
  ValueRange begin(StringRef name, ArrayRef<Type> inputs, unsigned output) {
    ValueRange arguments = ConvKernel::begin(name, inputs, output, producerRegisters());
    if (!inBoxes() || (forward && rest() && op.getPre()))
      kernel->setAttr(kScarceAttr, builder.getUnitAttr());
    return arguments;
  }
  /// The producer of many rings, or without boxes of samples, holds more of the loop over work tiles.
  int64_t producerRegisters() { return inBoxes() && !rest() ? 40 : 56; }
  /// u, y or a gate: boxes of 64 rows of a residue, M r apart, by 64 neighbouring samples, if the copy
  /// engine can cut them. The last row, if it is shorter, is a tensor of its own.
  void addSamples(SmallVectorImpl<Type> &inputs) {
    if (!inBoxes())
      return inputs.push_back(ViewType::get(op.getContext(), {ShapedType::kDynamic, channels, plan.length}, element));
    inputs.append(rest() ? 2 : 1, desc({1, 1, kSide, kSide}, element, rest() ? 0 : pitch()));
  }
  /// Takes the next tensor of samples from the arguments.
  Samples take(ValueRange &arguments, bool written = false) {
    Samples result = {arguments[0], rest() ? arguments[1] : Value()};
    arguments = arguments.drop_front(rest() ? 2 : 1);
    if (!rest())
      return result;
    auto unfold = [&](Value argument, ArrayRef<int64_t> rows) {
      SmallVector<int64_t> entries = {0, 1, 0, 1, 1, 0};
      llvm::append_range(entries, rows);
      kernel.setArgAttr(cast<BlockArgument>(argument).getArgNumber(), kUnfoldAttr, builder.getDenseI64ArrayAttr(entries));
    };
    unfold(result.whole, {2, pitch(), 0, 2, 1, pitch()});
    if (written)
      unfold(result.last, {2, pitch(), wholeRows() + 1, 2, 1, rest()});
    else
      unfold(result.last, {2, 1, 1, 2, 1, rest(), pitch() * wholeRows()});
    return result;
  }
  /// The box of a residue, from row i0 of the block on.
  SmallVector<Value> at(int64_t residue, Value i0) {
    if (part)
      i0 = t.add(i0, t.mul(part, plan.outer / residues));
    return {batch, channel, i0, t.add(t.mul(b0, kSide), residue * plan.stride())};
  }
  /// The same box among the samples of the last row.
  SmallVector<Value> atLast(int64_t residue, Value i0) { return at(residue, t.add(i0, -wholeRows())); }
  /// 64 rows of the outer matrices, those of the residues side by side. They stay for all work tiles.
  Complex outerRows(Value matrices, Value row) {
    auto plane = [&](int64_t i) { return table(matrices, i, row, t.index(0), plan.outer, 2); };
    Complex all;
    all.re = plane(0);
    all.im = plane(1);
    return all;
  }
  /// The columns that stand for a residue and a block of 64 i or k1.
  Complex block(const Complex &rows, int64_t residue, int64_t number) {
    auto type = tileType<SharedAttr>({kSide, kSide}, half);
    auto panel = [&](Value plane) {
      return t.make<PanelOp>(type, plane, (residue * blocks + number) * kSide);
    };
    return {panel(rows.re), panel(rows.im)};
  }
  /// Says which sequence, or block of one, and which b the work tile has.
  void at(Value sequence, Value b0, Value like) {
    Value batches = t.dim(like, 0);
    if (plan.inBlocks()) {
      part = t.make<arith::RemUIOp>(sequence, t.index(plan.blocks()));
      sequence = t.floorDiv(sequence, plan.blocks());
    }
    whole = sequence;
    channel = t.make<arith::DivUIOp>(sequence, batches);
    batch = t.make<arith::RemUIOp>(sequence, batches);
    this->b0 = b0;
  }
  /// The positions in time of the tile's samples, 64 rows of a residue from i0 on for each b.
  Value times(int64_t residue, Value i0) {
    Value row = rows();
    Value i = t.add(remainder(row, kSide), fill(row, i0));
    Value a = t.add(t.make<arith::MulIOp>(i, fill(i, residues)), fill(i, residue));
    if (part)
      a = t.add(a, fill(a, t.mul(part, plan.outer)));
    Value b = t.add(quotient(row, kSide), fill(row, b0));
    Value start = t.add(t.make<arith::MulIOp>(a, fill(a, plan.stride())),
                        t.make<arith::MulIOp>(b, fill(b, kSide)));
    Value columns = t.iota<ColAttr>(t.index(0), kSide);
    if (gathersMuch())
      columns.getDefiningOp()->setDiscardableAttr(kApartAttr, builder.getI64IntegerAttr(gathered++));
    return t.add(t.broadcast(start, positions), t.broadcast(columns, positions));
  }
  /// Whether tensors are gathered one after the other: their addresses side by side leave too few registers.
  bool gathersMuch() {
    return !inBoxes() && (forward ? op.getPre() && blocks > 1 : op.getSkip() && (op.getPost() || skipsGated()));
  }
  /// Samples of u or of a gate as f32; 0 behind the end.
  Value sample(const Samples &source, int64_t residue, Value i0) {
    if (inBoxes()) {
      // Beside a skip there are too many tensors for two slots each.
      int64_t slots = op.getSkip() && rest() ? 1 : 2;
      Value value = read(load(source.whole, at(residue, i0), kRows, /*along=*/3, slots));
      if (!source.last)
        return value;
      return t.addf(value, read(load(source.last, atLast(residue, i0), kRows, /*along=*/3, 1)));
    }
    Value n = times(residue, i0);
    Value value = t.make<GatherOp>(acc(element), source.whole, ValueRange{batch, channel, n});
    Value inside = t.compare(arith::CmpIPredicate::slt, n,
                             t.make<BroadcastOp>(positions, t.index(plan.length)));
    return t.select(inside, t.make<arith::ExtFOp>(wide, value), t.constant(wide, 0));
  }
  void storeSamples(Value value, const Samples &destination, int64_t residue, Value i0) {
    Value rounded = convert(value, element);
    if (inBoxes()) {
      SmallVector<Value> place = at(residue, i0);
      if (destination.last) {
        store(rounded, destination.last, place, /*along=*/3);
        // Those columns are written then; the rows behind the last are none.
        Value done = t.compare(arith::CmpIPredicate::sle, place[3], t.index(rest() - kGroups * kSide));
        place[2] = t.select(done, t.index(wholeRows()), place[2]);
      }
      return store(rounded, destination.whole, place, /*along=*/3);
    }
    ScatterOp::create(builder, t.loc, rounded, destination.whole,
                      ValueRange{batch, channel, times(residue, i0)});
  }

  seq::LongConvOp op;
  int64_t channels; ///< Of a slice.
  bool forward;
  int64_t residues = 1; ///< r
  int64_t blocks;       ///< Of 64 rows of the transform over i.
  Type element;
  RankedTensorType positions;
  Value batch, channel, b0, whole; ///< Of the work tile, `whole` the number of its sequence.
  Value part; ///< Of a sequence in blocks: which one.
  int64_t gathered = 0; ///< Tiles so far.
};

/// u to X. Its left operand, 64 rows of the outer matrix, stays for all work tiles.
class ForwardPass : public PassKernel {
public:
  ForwardPass(seq::LongConvOp op, const PassPlan &plan, int64_t channels)
      : PassKernel(op, plan, channels, /*forward=*/true), writesEnergies(plan.middle == 1) {}
  KernelOp create(StringRef name);

private:
  bool writesEnergies; ///< Where the inner pass comes next.
  /// Whether the input is multiplied as it comes, without a way through registers.
  bool isPlain() { return inBoxes() && element == half && !op.getPre(); }
};

/// Z to y.
class InversePass : public PassKernel {
public:
  InversePass(seq::LongConvOp op, const PassPlan &plan, int64_t channels)
      : PassKernel(op, plan, channels, /*forward=*/false) {}
  KernelOp create(StringRef name);

private:
  Value finish(Value sum, int64_t residue, Value i0);

  Samples post, u, pre;
  Value skip;
  Value loss; ///< What takes the gain back.
};

} // namespace

KernelOp ForwardPass::create(StringRef name) {
  SmallVector<Type> inputs = {desc({1, kSide, kSide}, half), column(half)};
  if (writesEnergies)
    inputs.push_back(energiesType());
  addSamples(inputs);
  if (op.getPre())
    addSamples(inputs);
  if (plan.mirrored)
    inputs.push_back(rowZero(half));
  ValueRange arguments = begin(name, inputs, /*output=*/1);
  unfoldColumns(1, 2);
  aliasRowZero(1, 2);
  Value rowZero = arguments.back();
  Value matrices = arguments[0], x = arguments[1];
  arguments = arguments.drop_front(2);
  if (writesEnergies) {
    kernel.setOutput(2);
    energies = arguments.front();
    arguments = arguments.drop_front();
  }
  Samples u = take(arguments), pre;
  if (op.getPre())
    pre = take(arguments);
  Value sequences = sequencesOf(x);
  Value number = forRange(blocks), k0 = t.mul(number, kSide);
  Complex f = outerRows(matrices, k0);

  ValueRange work = forEach({t.index(plan.inner / kGroups), sequences});
  Value sequence = work[1];
  at(sequence, t.mul(work[0], kGroups), u.whole);
  // What each residue gives, as f16 where others follow.
  SmallVector<Complex> parts;
  for (int64_t residue = 0; residue < residues; ++residue) {
    Complex sum;
    for (int64_t i = 0; i < blocks; ++i) {
      Value i0 = t.index(i * kSide);
      SmallVector<Value> tiles;
      if (isPlain()) {
        tiles = {load(u.whole, at(residue, i0), kRows, /*along=*/3, 4)};
        if (u.last && wholeRows() % (plan.outer / residues) / kSide == i)
          tiles.push_back(load(u.last, atLast(residue, i0), kRows, /*along=*/3, 2));
      } else {
        Value value = sample(u, residue, i0);
        if (op.getPre())
          value = t.mulf(t.mulf(value, sample(pre, residue, i0)), t.constant(wide, 1 / kGateRoom));
        tiles = {exchange(value, half)};
      }
      Complex rows = block(f, residue, i);
      for (Value tile : tiles) {
        sum.re = dotLeft(rows.re, tile, sum.re);
        sum.im = dotLeft(rows.im, tile, sum.im);
      }
    }
    // A number of the transform is at most the sum of what residues give.
    storeEnergy(sum, sequence, t.add(number, residue * blocks), b0);
    if (residues > 1)
      sum = {convert(sum.re, half), convert(sum.im, half)};
    parts.push_back(sum);
  }
  storeBlocks(parts, x, rowZero, sequence, number, blocks, b0, [&](const Complex &y) -> SmallVector<Value> {
    return {convert(y.re, half), convert(y.im, half)};
  });
  return end();
}

KernelOp InversePass::create(StringRef name) {
  SmallVector<Type> inputs = {column(half), desc({1, kSide, kSide}, half), gainsType(op.getContext())};
  addSamples(inputs);
  if (op.getPost())
    addSamples(inputs);
  if (op.getSkip()) {
    inputs.push_back(ViewType::get(op.getContext(), {channels}, single));
    addSamples(inputs);
    if (skipsGated())
      addSamples(inputs);
  }
  if (plan.mirrored)
    inputs.push_back(rowZero(half));
  ValueRange arguments = begin(name, inputs, /*output=*/3);
  unfoldColumns(0, 2);
  if (plan.mirrored)
    unfoldRowZero(arguments.size() - 1, 2, /*count=*/1);
  Value rowZero = arguments.back();
  Value z = arguments[0], matrices = arguments[1], gains = arguments[2];
  arguments = arguments.drop_front(3);
  Samples y = take(arguments, /*written=*/true);
  if (y.last)
    kernel.setArgAttr(4, kAliasAttr, builder.getI64IntegerAttr(3));
  if (op.getPost())
    post = take(arguments);
  if (op.getSkip()) {
    skip = arguments.front();
    arguments = arguments.drop_front();
    u = take(arguments);
    if (skipsGated())
      pre = take(arguments);
  }
  Value sequences = sequencesOf(z);
  Value i0 = t.mul(forRange(blocks), kSide);
  Complex f = outerRows(matrices, i0);

  ValueRange work = forEach({t.index(plan.inner / kGroups), sequences});
  Value sequence = work[1];
  at(sequence, t.mul(work[0], kGroups), y.whole);
  loss = lossOf(t, gains, whole);
  // Each part of Z meets the matrices of all residues j, times i^(j q 4 / r) for the q-th rows.
  SmallVector<Value> sums(residues);
  int64_t first = plan.firstRow() / kSide;
  for (int64_t number = plan.mirrored ? -1 : 0; number < plan.outer / kSide - first; ++number) {
    int64_t k = number < 0 ? 0 : first + number, q = k / blocks;
    Complex data;
    if (number < 0)
      data.re = load(rowZero, rowZeroAt(sequence, t.index(0), 0, b0), kRows, kAlongB, /*stages=*/1);
    else
      for (Value *part : {&data.re, &data.im})
        *part = load(z, columnAt(sequence, t.index(number), part == &data.im, b0), kRows, kAlongB, /*stages=*/4);
    for (auto [residue, sum] : llvm::enumerate(sums)) {
      Complex rows = block(f, residue, k % blocks);
      // Re(m (re + i im)) = m.re re - m.im im
      int64_t turns = q * int64_t(residue) * (4 / residues) & 3;
      bool swapped = turns & 1;
      sum = dotLeft(swapped ? rows.im : rows.re, data.re, sum, /*negate=*/turns == 1 || turns == 2);
      if (data.im) // of row 0 it has no part in a real sum
        sum = dotLeft(swapped ? rows.re : rows.im, data.im, sum, /*negate=*/turns < 2);
    }
  }
  for (auto [residue, sum] : llvm::enumerate(sums))
    storeSamples(finish(sum, residue, i0), y, residue, i0);
  return end();
}

/// post (c + skip x)
Value InversePass::finish(Value sum, int64_t residue, Value i0) {
  sum = t.mulf(sum, t.make<BroadcastOp>(wide, loss));
  if (skip) {
    Value x = sample(u, residue, i0);
    if (skipsGated())
      x = t.mulf(x, sample(pre, residue, i0));
    Value factor = t.make<GatherOp>(single, skip, ValueRange{channel});
    sum = t.fma(x, t.make<BroadcastOp>(wide, factor), sum);
  }
  return op.getPost() ? t.mulf(sum, sample(post, residue, i0)) : sum;
}

//===----------------------------------------------------------------------===//
// The host
//===----------------------------------------------------------------------===//

Value PassKernel::matrices(OpBuilder &b) const {
  int64_t side = blocks * kSide;
  ConvTables tables(side, plan.outer);
  // Magnitudes never grow on the way there. Mirrored rows count twice back, and rows 0 and R / 2, which stand for no other one, are
  // half as large.
  double scale = forward ? gateRoom(op) / double(plan.outer) : plan.rangeOfBlocks() * (plan.mirrored ? 2 : 1);
  tables.add([&](int64_t r, int64_t c) {
    int64_t residue = c / side, k1 = forward ? r : c % side, i = forward ? c % side : r;
    double part = forward && plan.mirrored && k1 == 0 ? 0.5 : 1;
    return part * scale * outerRoot(plan, k1, residues * i + residue, plan.outer, forward ? -1 : 1);
  });
  return tables.constant(b, t.loc, b.getF16Type());
}

LogicalResult longwing::lowerConvInPasses(seq::LongConvOp op, SymbolTable &symbols) {
  std::string why;
  std::optional<PassPlan> possible = PassPlan::of(op, &why);
  if (!possible)
    return op.emitOpError() << "cannot run on sm_90a: " << why;
  PassPlan plan = *possible;
  StringRef function = op->getParentOfType<FunctionOpInterface>().getName();
  auto name = [&](StringRef pass) { return (function + "_conv_" + pass).str(); };
  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  Location loc = op.getLoc();
  auto launchAll = [&](StringRef kernel, ArrayRef<Value> operands, TypeRange results, ValueRange work) {
    return LaunchOp::create(b, loc, results, kernel, operands, work).getResults();
  };
  auto launch = [&](StringRef kernel, ArrayRef<Value> operands, Type result, ValueRange work) -> Value {
    return launchAll(kernel, operands, result, work).front();
  };
  Value spectrum = op.getSpectrum();
  if (!spectrum)
    spectrum = prepareSpectrum(op, plan, symbols);
  else if (plan.reach == 1)
    spectrum = spectrumOfOneBlock(op), plan.reach = 0;
  else if (plan.inBlocks())
    spectrum = keepSpectrum(op, {plan.keptType(op.getContext(), op.getChannels()), plan.reach, /*quads=*/false}, symbols);

  PassPlan outer = plan.outerPart();
  SmallVector<Slice> slices = slicesOf(host, op, plan.blocks() * plan.tiles() * kTilePoints * 4);
  int64_t channels = *getConstantIntValue(slices.front().channels);
  ForwardPass forward(op, plan, channels);
  InversePass inverse(op, plan, channels);
  InnerPass inner(loc, plan, op.getKind());
  Value there = forward.matrices(b), back = inverse.matrices(b);
  SmallVector<Value> middle;
  if (plan.middle > 1)
    for (bool isForward : {true, false})
      middle.push_back(middleMatrices(b, loc, plan, isForward));
  SmallVector<Value> twiddles = inner.twiddles(b);

  // Kernels are written for the first slice; others have as many channels.
  SmallVector<KernelOp> kernels;
  auto kernel = [&](size_t i, function_ref<KernelOp()> create) {
    if (i == kernels.size()) {
      kernels.push_back(create());
      kernels.back()->setAttr(kSlicesAttr, b.getI64IntegerAttr(slices.size()));
      symbols.insert(kernels.back());
    }
    return kernels[i].getSymName();
  };
  SmallVector<Value> sizes;
  if (op.getU().getType().isDynamicDim(0))
    sizes.push_back(host.make<tensor::DimOp>(op.getU(), 0));
  Value y = host.make<tensor::EmptyOp>(op.getY().getType(), sizes);
  for (const Slice &slice : slices) {
    size_t next = 0;
    auto cut = [&](Value tensor) { return slice.of(host, tensor); };
    Value batches = getValueOrCreateConstantIndexOp(b, loc, slice.batches);
    Value sequences = host.mul(batches, channels * plan.blocks());
    auto complexType = RankedTensorType::get({ShapedType::kDynamic, 2, kSide, kSide}, b.getF16Type());
    Value points = host.make<tensor::EmptyOp>(complexType, host.mul(sequences, plan.tiles()));
    Value pairs = host.index(outer.inner / kGroups);
    Value groups = host.mul(sequences, plan.rows()), columns = host.index(plan.inner / kGroups);
    auto energiesTensor = RankedTensorType::get({ShapedType::kDynamic}, b.getF32Type());
    Value energies = plan.middle > 1 ? host.mul(groups, plan.middlePart().energies()) : host.mul(sequences, outer.energies());
    energies = host.make<tensor::EmptyOp>(energiesTensor, energies);
    SmallVector<Value> operands = {there, points};
    SmallVector<Type> results = {complexType};
    if (plan.middle == 1) {
      operands.push_back(energies);
      results.push_back(energiesTensor);
    }
    forward.give(operands, cut(op.getU()));
    if (op.getPre())
      forward.give(operands, cut(op.getPre()));
    forward.giveRowZero(operands, points);
    ValueRange made = launchAll(kernel(next++, [&] { return forward.create(name("forward")); }), operands, results, {pairs, sequences});
    if (plan.middle > 1)
      made = launchAll(kernel(next++, [&] { return middlePass(loc, name("middle_forward"), plan, /*forward=*/true); }),
                       {made[0], middle[0], energies}, {complexType, energiesTensor}, {columns, groups});
    Value x = made[0], whole = host.mul(batches, channels);
    auto gainsTensor = RankedTensorType::get({ShapedType::kDynamic}, b.getI32Type());
    Value gains = launch(kernel(next++, [&] { return gainKernel(loc, name("gain")); }),
                         {made[1], host.make<tensor::EmptyOp>(gainsTensor, whole)}, gainsTensor, whole);
    operands = {x, slice.ofChannels(host, spectrum)};
    llvm::append_range(operands, twiddles);
    operands.push_back(gains);
    Value z = launch(kernel(next++, [&] { return inner.create(name("inner"), operands); }),
                     operands, complexType, {batches, host.index(plan.tiles()), host.index(channels)});
    if (plan.middle > 1)
      z = launch(kernel(next++, [&] { return middlePass(loc, name("middle_inverse"), plan, /*forward=*/false); }),
                 {z, middle[1]}, complexType, {columns, groups});
    Value part = cut(y);
    operands = {z, back, gains};
    inverse.give(operands, part);
    if (op.getPost())
      inverse.give(operands, cut(op.getPost()));
    if (op.getSkip()) {
      operands.push_back(slice.ofChannels(host, op.getSkip()));
      inverse.give(operands, cut(op.getU()));
      if (inverse.skipsGated())
        inverse.give(operands, cut(op.getPre()));
    }
    inverse.giveRowZero(operands, z);
    part = launch(kernel(next++, [&] { return inverse.create(name("inverse")); }), operands, part.getType(),
                  {pairs, sequences});
    y = slice.into(host, part, y);
  }
  op.getY().replaceAllUsesWith(y);
  op.erase();
  return success();
}
