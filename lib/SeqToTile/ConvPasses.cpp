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

#include "ConvInner.h"
#include "ConvKernel.h"
#include "ConvSpectrum.h"
#include "SeqToTile.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

/// The dimension of b in the intermediate, along which the tiles of warpgroups follow each other.
constexpr int64_t kAlongB = 3;

/// The kernels of the passes.
class PassKernel : protected ConvKernel {
protected:
  PassKernel(seq::LongConvOp op, const PassPlan &plan)
      : ConvKernel(op.getLoc(), plan), op(op), element(op.getU().getType().getElementType()),
        positions(wide.clone(builder.getIndexType())) {}

  /// The intermediate, in boxes of `rows` points of k1, all of one b.
  DescType column(int64_t rows) {
    return desc({rows / plan.neighbours(), 1, plan.neighbours(), 1, kSide}, half);
  }
  /// Without boxes of samples the producer holds more of the loop over work tiles.
  int64_t producerRegisters() { return plan.isAligned() ? 24 : 56; }
  /// Gives the rows of the intermediate as k1 and b.
  void unfoldColumns(unsigned argument) {
    kernel.setArgAttr(argument, kUnfoldAttr,
                      builder.getDenseI64ArrayAttr({0, 1, 0, 1, 1, 2, 2, plan.inner, plan.neighbours(),
                                                    2, 1, plan.inner, 3, 1, kSide}));
  }
  /// u, y or a gate: boxes of `rows` samples M apart by 64 neighbouring ones, if the copy engine can
  /// cut them.
  Type samples(int64_t rows) {
    if (plan.isAligned())
      return desc({1, 1, rows, kSide}, element, plan.stride());
    return ViewType::get(op.getContext(), op.getU().getType().getShape(), element);
  }
  /// 64 rows of the outer matrix, in blocks of `depth` columns. They stay for all work tiles.
  SmallVector<Complex> outerRows(Value matrices, Value row, int64_t depth) {
    int64_t blocks = plan.outer / depth;
    auto block = [&](int64_t plane, int64_t j) {
      return table(matrices, plane, row, t.index(j * depth), depth, 2 * blocks);
    };
    SmallVector<Complex> rows(blocks);
    for (auto [j, part] : llvm::enumerate(rows)) {
      part.re = block(0, j);
      part.im = block(1, j);
    }
    return rows;
  }
  /// Says which sequence and which b the work tile has.
  void at(Value sequence, Value b0, Value like) {
    Value batches = t.dim(like, 0);
    channel = t.make<arith::DivUIOp>(sequence, batches);
    batch = t.make<arith::RemUIOp>(sequence, batches);
    this->b0 = b0;
  }
  /// The positions in time of the tile's samples, 64 rows of a from a0 on for each b.
  Value times(Value a0) {
    Value row = rows();
    Value a = t.add(remainder(row, kSide), fill(row, a0));
    Value b = t.add(quotient(row, kSide), fill(row, b0));
    Value start = t.add(t.make<arith::MulIOp>(a, fill(a, plan.stride())),
                        t.make<arith::MulIOp>(b, fill(b, kSide)));
    return t.add(t.broadcast(start, positions),
                 t.broadcast(t.iota<ColAttr>(t.index(0), kSide), positions));
  }
  /// Samples of u or of a gate as f32; 0 behind the end.
  Value sample(Value source, Value a0) {
    if (plan.isAligned())
      return read(load(source, {batch, channel, a0, t.mul(b0, kSide)}, kRows, /*along=*/3,
                       plan.outer <= 128 ? 2 : 1));
    Value n = times(a0);
    Value value = t.make<GatherOp>(acc(element), source, ValueRange{batch, channel, n});
    Value inside = t.compare(arith::CmpIPredicate::slt, n,
                             t.make<BroadcastOp>(positions, t.index(plan.length)));
    return t.select(inside, t.make<arith::ExtFOp>(wide, value), t.constant(wide, 0));
  }
  void storeSamples(Value value, Value destination, Value a0) {
    Value rounded = convert(value, element);
    if (plan.isAligned())
      return store(rounded, destination, {batch, channel, a0, t.mul(b0, kSide)}, /*along=*/3);
    ScatterOp::create(builder, t.loc, rounded, destination, ValueRange{batch, channel, times(a0)});
  }

  seq::LongConvOp op;
  Type element;
  RankedTensorType positions;
  Value batch, channel, b0;
};

/// u to X. Its left operand, 64 rows of the outer matrix, stays for all work tiles.
class ForwardPass : PassKernel {
public:
  ForwardPass(seq::LongConvOp op, const PassPlan &plan) : PassKernel(op, plan) {}
  KernelOp create(StringRef name);

private:
  /// Whether the input is multiplied as it comes, without a way through registers.
  bool isPlain() { return plan.isAligned() && element == half && !op.getPre(); }
};

/// Z to y.
class InversePass : PassKernel {
public:
  InversePass(seq::LongConvOp op, const PassPlan &plan) : PassKernel(op, plan) {}
  KernelOp create(StringRef name);

private:
  Value finish(Value sum, Value a0, ValueRange extra);
};

} // namespace

/// Slots of a ring for tiles of this size: what SRAM has beside the rest.
static int64_t stagesFor(const PassPlan &plan, bool extras) {
  return plan.outer <= 64 || (plan.outer <= 128 && !extras) ? 4 : 2;
}

KernelOp ForwardPass::create(StringRef name) {
  int64_t depth = isPlain() ? plan.depth() : kSide;
  SmallVector<Type> inputs = {desc({1, kSide, kSide}, half), column(kSide), samples(depth)};
  if (op.getPre())
    inputs.push_back(samples(depth));
  ValueRange arguments = begin(name, inputs, /*output=*/1);
  unfoldColumns(1);
  Value matrices = arguments[0], x = arguments[1], u = arguments[2], zero = t.index(0);
  Value sequences = t.floorDiv(t.dim(x, 0), plan.tiles());
  Value block = forRange(plan.outer / kSide), k0 = t.mul(block, kSide);
  SmallVector<Complex> f = outerRows(matrices, k0, depth);

  ValueRange work = forEach({t.index(plan.inner / kGroups), sequences});
  Value sequence = work[1];
  at(sequence, t.mul(work[0], kGroups), u);
  Complex sum;
  for (auto [j, rows] : llvm::enumerate(f)) {
    Value a0 = t.index(int64_t(j) * depth), tile;
    if (isPlain()) {
      tile = load(u, {batch, channel, a0, t.mul(b0, kSide)}, kGroups * depth, /*along=*/3,
                  stagesFor(plan, false));
    } else {
      Value value = sample(u, a0);
      if (op.getPre())
        value = t.mulf(value, sample(arguments[3], a0));
      tile = exchange(value, half);
    }
    sum.re = dotLeft(rows.re, tile, sum.re);
    sum.im = dotLeft(rows.im, tile, sum.im);
  }
  Value row = rows();
  Value k1 = t.add(remainder(row, kSide), fill(row, k0));
  Value b = t.add(quotient(row, kSide), fill(row, b0));
  Complex y = multiply(t, sum, passTwiddle(t, plan, k1, b, -1, wide), /*conjugate=*/false);
  Value first = t.add(t.mul(sequence, plan.tiles()), t.mul(block, plan.inner));
  store(convert(y.re, half), x, {first, t.index(0), zero, b0, zero}, kAlongB);
  store(convert(y.im, half), x, {first, t.index(1), zero, b0, zero}, kAlongB);
  return end();
}

KernelOp InversePass::create(StringRef name) {
  int64_t depth = plan.depth();
  SmallVector<Type> inputs = {column(depth), desc({1, kSide, kSide}, half), samples(kSide)};
  if (op.getPost())
    inputs.push_back(samples(kSide));
  if (op.getSkip()) {
    inputs.push_back(ViewType::get(op.getContext(), {op.getChannels()}, single));
    inputs.push_back(samples(kSide));
    if (op.getPre() && !op.getSkipUngated())
      inputs.push_back(samples(kSide));
  }
  ValueRange arguments = begin(name, inputs, /*output=*/2, producerRegisters());
  unfoldColumns(0);
  Value z = arguments[0], matrices = arguments[1], y = arguments[2], zero = t.index(0);
  Value sequences = t.floorDiv(t.dim(z, 0), plan.tiles());
  Value a0 = t.mul(forRange(plan.outer / kSide), kSide);
  SmallVector<Complex> f = outerRows(matrices, a0, depth);

  ValueRange work = forEach({t.index(plan.inner / kGroups), sequences});
  Value sequence = work[1];
  at(sequence, t.mul(work[0], kGroups), y);
  Value sum;
  for (auto [j, rows] : llvm::enumerate(f)) {
    Value first = t.add(t.mul(sequence, plan.tiles()), int64_t(j) * depth / plan.neighbours());
    auto part = [&](int64_t number) {
      return load(z, {first, t.index(number), zero, b0, zero}, kGroups * depth, kAlongB,
                  stagesFor(plan, op.getPost() || op.getSkip()));
    };
    sum = dotLeft(rows.re, part(0), sum);
    sum = dotLeft(rows.im, part(1), sum, /*negate=*/true);
  }
  storeSamples(finish(sum, a0, arguments.drop_front(3)), y, a0);
  return end();
}

/// post (c + skip x)
Value InversePass::finish(Value sum, Value a0, ValueRange extra) {
  auto next = [&] {
    Value argument = extra.front();
    extra = extra.drop_front();
    return argument;
  };
  Value post = op.getPost() ? next() : Value();
  if (op.getSkip()) {
    Value skip = t.make<GatherOp>(single, next(), ValueRange{channel});
    Value x = sample(next(), a0);
    if (!extra.empty())
      x = t.mulf(x, sample(next(), a0));
    sum = t.fma(x, t.make<BroadcastOp>(wide, skip), sum);
  }
  return post ? t.mulf(sum, sample(post, a0)) : sum;
}

//===----------------------------------------------------------------------===//
// The host
//===----------------------------------------------------------------------===//

static Value outerMatrices(OpBuilder &b, Location loc, const PassPlan &plan, int sign) {
  ConvTables tables(plan.outer, plan.outer);
  // Magnitudes never grow on the way there, so that no input overflows.
  double scale = sign < 0 ? 1 / double(plan.outer) : 1;
  // Rows are the result's: k1 on the way there, a on the way back.
  tables.add([&](int64_t r, int64_t c) {
    return scale * (sign < 0 ? outerRoot(plan, r, c, plan.outer, sign)
                             : outerRoot(plan, c, r, plan.outer, sign));
  });
  return tables.constant(b, loc, b.getF16Type());
}

LogicalResult longwing::lowerConvInPasses(seq::LongConvOp op, SymbolTable &symbols) {
  std::string why;
  std::optional<PassPlan> possible = PassPlan::of(op, &why);
  if (!possible)
    return op.emitOpError() << "cannot run on sm_90a: " << why;
  PassPlan plan = *possible;
  StringRef function = op->getParentOfType<FunctionOpInterface>().getName();
  auto insert = [&](KernelOp kernel) {
    symbols.insert(kernel);
    return kernel.getSymName();
  };
  auto name = [&](StringRef pass) { return (function + "_conv_" + pass).str(); };
  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  Location loc = op.getLoc();
  auto launch = [&](StringRef kernel, ArrayRef<Value> operands, Type result, ValueRange work) {
    return LaunchOp::create(b, loc, result, kernel, operands, work).getResult(0);
  };
  Value spectrum = op.getSpectrum();
  if (!spectrum)
    spectrum = prepareSpectrum(op, plan, symbols);

  auto u = op.getU().getType();
  Value batches = host.make<tensor::DimOp>(op.getU(), 0), channels = host.index(u.getDimSize(1));
  Value sequences = host.make<arith::MulIOp>(batches, channels);
  Value pairs = host.index(plan.inner / kGroups);
  auto complexType = RankedTensorType::get(
      {ShapedType::kDynamic, 2, kSide, kSide}, b.getF16Type());
  Value points = host.make<tensor::EmptyOp>(complexType, host.mul(sequences, plan.tiles()));
  SmallVector<Value> operands = {outerMatrices(b, loc, plan, -1), points, op.getU()};
  if (op.getPre())
    operands.push_back(op.getPre());
  Value x = launch(insert(ForwardPass(op, plan).create(name("forward"))), operands, complexType,
                   {pairs, sequences});
  InnerPass inner(loc, plan);
  operands = {x, spectrum};
  llvm::append_range(operands, inner.twiddles(b));
  KernelOp kernel = inner.create(name("inner"), operands);
  Value z = launch(insert(kernel), operands, complexType,
                   {batches, host.index(plan.tiles()), channels});
  SmallVector<Value> sizes;
  if (u.isDynamicDim(0))
    sizes.push_back(batches);
  Value empty = host.make<tensor::EmptyOp>(op.getY().getType(), sizes);
  operands = {z, outerMatrices(b, loc, plan, 1), empty};
  if (op.getPost())
    operands.push_back(op.getPost());
  if (op.getSkip()) {
    operands.append({op.getSkip(), op.getU()});
    if (op.getPre() && !op.getSkipUngated())
      operands.push_back(op.getPre());
  }
  Value y = launch(insert(InversePass(op, plan).create(name("inverse"))), operands,
                   op.getY().getType(), {pairs, sequences});
  op.getY().replaceAllUsesWith(y);
  op.erase();
  return success();
}
