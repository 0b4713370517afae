//===- LinearAttention.cpp - Matrix-state recurrences as a tile program ---===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The chunked form of S[t] = exp(g[t]) S[t-1] + k[t] v[t]^T, o[t] = q[t]^T S[t] (Yang et al. 2023;
// Dao and Gu 2024). With c the prefix sums of log2(e) g in a chunk of C steps, Q, K and V the chunk's
// rows, and S the state that enters it:
//
//   O  = tril(Q K^T * 2^(c_i - c_j)) V + 2^(c_i) Q S
//   S' = 2^(c_C) S + K^T (2^(c_C - c_j) V)
//
// A consumer warpgroup owns 64 value columns of one head for the whole sequence. It holds S^T, so
// that its product with the keys takes V^T from registers and K as it stands; for the product with
// the queries S^T goes through SRAM. Exponents are differences that are at most 0, decays meet
// accumulators in 32 bits, and what enters a product is rounded once.
//
// Backwards in time all is the same but for who sees whom, and that sums of decays within a chunk are
// of the steps from each on. Of packed sequences a tile that reaches into the next one is trimmed: its rows
// there are zero, as those behind the end of a tensor are.
//
// SSD's step size d[t] multiplies k[t]: it enters as log2(d_j), subtracted from c_j. The scale of the
// outputs enters in the same way, added to c_i.
//
//===----------------------------------------------------------------------===//

#include "LinearAttention.h"

#include "Launch.h"
#include "SeqToTile.h"

#include "longwing/Target/Hopper.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

SmallVector<Value> LinearAttentionKernel::operands() const {
  seq::LinearAttentionOp source = op;
  bool outputs = part != Part::States;
  SmallVector<Value> values = {source.getK(), source.getV()};
  for (Value value : {Value(source.getDecay()), Value(source.getDt()), Value(source.getA()),
                      Value(source.getBias()), Value(source.getOffsets())})
    if (value)
      values.push_back(value);
  for (Value value : {Value(source.getQ()), Value(source.getGate()), Value(source.getBonus()),
                      Value(source.getSkip()), Value(source.getInit())})
    if (value && outputs)
      values.push_back(value);
  return values;
}

int64_t LinearAttentionKernel::unitsOfBatch(seq::LinearAttentionOp op,
                                            const LinearAttentionConfig &config) {
  int64_t jobs = op.getValueHeads() * llvm::divideCeil(op.getValueDim(), kValues);
  return llvm::divideCeil(jobs, config.consumers);
}

KernelOp LinearAttentionKernel::create(StringRef name, Type statesType, Type factorsType) {
  SmallVector<Type> inputs;
  SmallVector<Value *> arguments;
  auto descOf = [&](Type element, Value &argument) {
    int64_t columns = kPanelBytes * 8 / element.getIntOrFloatBitWidth();
    inputs.push_back(DescType::get(op.getContext(), {1, chunk, 1, columns}, element));
    arguments.push_back(&argument);
  };
  auto desc = [&](Value &argument) { descOf(element, argument); };
  auto viewOf = [&](Type tensor, Value &argument) {
    auto type = cast<RankedTensorType>(tensor);
    inputs.push_back(ViewType::get(op.getContext(), type.getShape(), type.getElementType()));
    arguments.push_back(&argument);
  };
  auto view = [&](Value tensor, Value &argument) {
    if (tensor)
      viewOf(tensor.getType(), argument);
  };
  desc(k), desc(v);
  if (byChannel && !op.hasConstantDecay())
    descOf(op.getDecay().getType().getElementType(), decay);
  else
    view(op.getDecay(), decay);
  view(op.getDt(), dt), view(op.getA(), a), view(op.getBias(), bias), view(op.getOffsets(), offsets);
  unsigned outputs = 2; // behind all that is read
  if (part != Part::States) {
    desc(q);
    if (op.getGate())
      desc(gate);
    view(op.getBonus(), bonus), view(op.getSkip(), skip), view(op.getInit(), init);
    outputs = op->getNumResults();
  }
  if (part != Part::Whole)
    viewOf(statesType, states), viewOf(factorsType, factors);
  if (part != Part::States) {
    desc(o);
    view(op.getState(), last);
    if (op.isPacked())
      view(op.getO(), elements);
  }

  // The coordinates of one more tensor than usual take registers of the producer.
  int64_t moved = byChannel && config.consumers == 2 ? 8 : 0;
  auto schedule = ScheduleAttr::get(op.getContext(), config.consumers,
                                    config.producerRegisters() + 2 * moved,
                                    config.consumerRegisters() - moved, config.persistent,
                                    /*overlap=*/false, /*spread=*/true);
  auto kernel = KernelOp::create(builder, op.getLoc(), name, inputs, schedule);
  if (byChannel && panels > 1)
    kernel->setAttr(kScarceAttr, builder.getUnitAttr());
  Block &body = kernel.getBody().front();
  for (auto [i, argument] : llvm::enumerate(arguments))
    *argument = body.getArgument(i);
  bool aliased = part != Part::States && op.isPacked();
  unsigned first = arguments.size() - outputs - aliased;
  for (unsigned i = first; i < first + outputs; ++i)
    kernel.setOutput(i);
  if (aliased)
    kernel.setArgAttr(first + outputs, kAliasAttr, builder.getI64IntegerAttr(first));

  builder.setInsertionPointToStart(&body);
  Value sequences = offsets ? t.sub(t.dim(offsets, 0), t.index(1)) : t.dim(k, 0);
  SmallVector<Value> sizes = {t.index(config.consumers), t.index(unitsOfBatch(op, config)), sequences};
  if (part != Part::Whole) { // the last segment's state is not asked for here
    Value before = t.dim(states, 1);
    segments = t.add(before, 1);
    sizes.push_back(part == Part::States ? before : segments);
  }
  auto forEach = ForEachOp::create(builder, op.getLoc(), sizes);
  ReturnOp::create(builder, op.getLoc());
  builder.setInsertionPointToStart(&forEach.getBody().front());
  auto at = forEach.getBody().getArguments();
  sequence = at[2];
  work(at[0], at[1], part == Part::Whole ? Value() : at[3]);
  return kernel;
}

/// One head's 64 columns of values, from the first chunk to the last, of the sequence or a segment.
void LinearAttentionKernel::work(Value warpgroup, Value unit, Value segment) {
  int64_t blocks = llvm::divideCeil(op.getValueDim(), kValues);
  int64_t jobs = op.getValueHeads() / op.getKeyHeads() * blocks; // of one key head
  Value job = t.add(t.mul(unit, config.consumers), warpgroup);
  head = t.floorDiv(job, blocks);
  column = t.mul(t.sub(job, t.mul(head, blocks)), kValues);
  // Where all warpgroups of a CTA have one key head, they share the tiles of Q and K.
  keyHead = jobs % config.consumers == 0 ? t.floorDiv(unit, jobs / config.consumers)
                                         : t.floorDiv(job, jobs);
  if (skip)
    skipFactor = perHead(skip);
  if (dt)
    rate = t.make<arith::MulFOp>(perHead(a), number(kLog2E));
  if (bias)
    dtBias = perHead(bias);
  if (!byChannel && !variesInTime())
    prepareDecays();

  Value start = t.index(0), total = t.dim(k, 1), length = total;
  batch = sequence;
  if (offsets) {
    auto offset = [&](Value at) {
      Type stored = cast<ViewType>(offsets.getType()).getElementType();
      Value value = t.make<GatherOp>(stored, offsets, at);
      return t.make<arith::IndexCastOp>(builder.getIndexType(), value);
    };
    batch = start;
    start = t.max(offset(sequence), batch);
    length = t.max(t.sub(t.min(offset(t.add(sequence, 1)), total), start), batch);
  }
  end = t.add(start, length);
  // In time, from the first step of the sequence on.
  Value from = t.index(0), to = length, chunks = t.ceilDiv(length, chunk);
  if (segment) {
    Value padded = t.sub(t.add(chunks, segments), t.index(1));
    Value span = t.mul(t.make<arith::DivUIOp>(padded, segments), chunk);
    from = t.make<arith::MulIOp>(segment, span);
    to = t.min(t.add(from, span), length);
  }
  // The first step of a chunk, wherever it stands in time.
  auto chunkAt = [&](Value time) {
    return t.add(start, reverse ? t.sub(t.mul(t.sub(chunks, t.index(1)), chunk), time) : time);
  };
  SmallVector<Value> carried;
  for (int64_t panel = 0; panel < panels; ++panel)
    carried.push_back(part == Part::States ? t.constant(state, 0)
                                           : enteringState(segment, job, panel));
  if (variesInTime())
    carried.push_back(rates(chunkAt(from)));
  if (part == Part::States)
    carried.append(panels, byChannel ? t.constant(channels, 0) : number(1));
  auto loop = scf::ForOp::create(
      builder, t.loc, from, to, t.index(chunk), carried,
      [&](OpBuilder &, Location, Value time, ValueRange args) {
        Value t0 = chunkAt(time);
        scf::YieldOp::create(builder, t.loc,
                             part == Part::States ? advance(t0, args) : step(t0, args));
      });
  if (part == Part::States)
    return storeSegment(loop.getResults(), segment, job);
  if (!last)
    return;
  if (!segment)
    return storeState(loop.getResults());
  Value isLast = t.compare(arith::CmpIPredicate::eq, t.add(segment, 1), segments);
  scf::IfOp::create(builder, t.loc, isLast, [&](OpBuilder &, Location) {
    storeState(loop.getResults());
    scf::YieldOp::create(builder, t.loc);
  });
}

void LinearAttentionKernel::storeState(ValueRange panelsOfState) {
  for (int64_t panel = 0; panel < panels; ++panel)
    ScatterOp::create(builder, t.loc, panelsOfState[panel], last, stateIndices(panel, /*leaving=*/panels > 1));
}

//===----------------------------------------------------------------------===//
// Segments
//===----------------------------------------------------------------------===//

/// [B, segment, Hv, K, V], of the transposed state; [B, segment, head and block, channel], or where
/// the factor is one for all channels [B, segment, head and block, row].
static SmallVector<Value> inSegment(TileBuilder &t, SmallVector<Value> indices, Value segment) {
  auto type = indices[0].getType();
  indices.insert(indices.begin() + 1,
                 isa<RankedTensorType>(type) ? t.make<BroadcastOp>(type, segment) : segment);
  return indices;
}

/// The initial state, taken through the segments before this one.
Value LinearAttentionKernel::enteringState(Value segment, Value job, int64_t panel) {
  Value s = init ? t.make<GatherOp>(state, init, stateIndices(panel)) : t.constant(state, 0);
  if (!segment)
    return s;
  auto loop = scf::ForOp::create(
      builder, t.loc, t.index(0), segment, t.index(1), s,
      [&](OpBuilder &, Location, Value before, ValueRange args) {
        Value factor = byChannel ? t.make<GatherOp>(
                                       channels, factors,
                                       inSegment(t, factorIndices(channels, job, panel), before))
                                 : t.make<GatherOp>(builder.getF32Type(), factors,
                                                    ValueRange{sequence, before, job, t.index(0)});
        Value added = t.make<GatherOp>(state, states, inSegment(t, stateIndices(panel), before));
        Value next = t.fma(args[0], t.make<BroadcastOp>(state, factor), added);
        scf::YieldOp::create(builder, t.loc, next);
      });
  return loop.getResult(0);
}

void LinearAttentionKernel::storeSegment(ValueRange results, Value segment, Value job) {
  RankedTensorType type = byChannel ? channels : perRow;
  for (int64_t panel = 0; panel < panels; ++panel) {
    ScatterOp::create(builder, t.loc, results[panel], states,
                      inSegment(t, stateIndices(panel), segment));
    Value all = results.take_back(panels)[panel];
    Value factor = byChannel ? t.exp2(all) : t.make<BroadcastOp>(perRow, all);
    ScatterOp::create(builder, t.loc, factor, factors,
                      inSegment(t, factorIndices(type, job, panel), segment));
  }
}

SmallVector<Value> LinearAttentionKernel::factorIndices(RankedTensorType type, Value job,
                                                        int64_t panel) {
  auto indices = type.clone(builder.getIndexType());
  return {t.make<BroadcastOp>(indices, sequence), t.make<BroadcastOp>(indices, job),
          t.make<IotaOp>(indices, t.index(panel * keyDim))};
}

/// One chunk of a segment whose outputs another kernel computes.
SmallVector<Value> LinearAttentionKernel::advance(Value t0, ValueRange carried) {
  if (byChannel)
    return advanceByChannel(t0, carried);
  SmallVector<Value> next;
  Decays d;
  if (variesInTime()) {
    d = decays(exponents(t0, carried[1]));
    next.push_back(rates(following(t0)));
  } else {
    d = constantDecays(t0);
  }
  Value keyTile = loadKeys(t0), valueTile = loadValues(t0);
  Value s = accumulate(carried[0], d.carried, contributions(valueTile, d.weight), keyTile);
  next.insert(next.begin(), s);
  Value factor = carried.back();
  next.push_back(d.carried ? t.make<arith::MulFOp>(factor, d.carried) : factor);
  return next;
}

//===----------------------------------------------------------------------===//
// The host
//===----------------------------------------------------------------------===//

/// B, L and the number of sequences, of all that has them: the sizes that types may leave open. `outputs` are those
/// of op that are written.
static ArrayAttr sameSizes(OpBuilder &b, seq::LinearAttentionOp op, ArrayRef<Value> operands,
                           ArrayRef<Value> outputs) {
  SmallVector<int64_t> batch, length, packed;
  SmallVector<int64_t> &sequences = op.isPacked() ? packed : batch;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    if (cast<RankedTensorType>(operand.getType()).getRank() < 3)
      continue;
    bool made = operand.getDefiningOp<tensor::EmptyOp>() || operand.getDefiningOp<LaunchOp>();
    bool inTime = made ? !outputs.empty() && operand == outputs.front() : operand != op.getInit();
    (inTime ? batch : sequences).append({int64_t(i), 0});
    if (inTime)
      length.append({int64_t(i), 1});
  }
  if (op.isPacked()) { // one more than there are sequences
    auto at = llvm::find(operands, Value(op.getOffsets()));
    packed.append({at - operands.begin(), -1});
  }
  SmallVector<Attribute> same;
  for (ArrayRef<int64_t> group : {ArrayRef(batch), ArrayRef(length), ArrayRef(packed)})
    if (group.size() > 2)
      same.push_back(b.getDenseI64ArrayAttr(group));
  return b.getArrayAttr(same);
}

/// How many segments a sequence is cut into so that its CTAs, `units`, fill the card: none shorter than
/// some chunks, as each reads the states of those before.
static Value segmentCount(TileBuilder &host, Value units, Value length, int64_t chunk) {
  constexpr int64_t kChunksOfSegment = 16;
  Value fill = host.make<arith::DivUIOp>(host.index(hopper::kMultiprocessors),
                                         host.max(units, host.index(1)));
  Value most = host.floorDiv(length, kChunksOfSegment * chunk);
  return host.max(host.min(fill, most), host.index(1));
}

LogicalResult longwing::lowerLinearAttention(seq::LinearAttentionOp op, SymbolTable &symbols) {
  std::string name = (op->getParentOfType<FunctionOpInterface>().getName() + "_linear_attention").str();
  LinearAttentionConfig config = LinearAttentionConfig::read(op);
  OpBuilder b(op);
  TileBuilder host(b, op.getLoc());
  FailureOr<SmallVector<Value>> empty = emptyResults(b, op);
  if (failed(empty))
    return failure();

  Value sequences = host.make<tensor::DimOp>(op.isPacked() ? op.getOffsets() : op.getK(), int64_t(0));
  if (op.isPacked())
    sequences = host.sub(sequences, host.index(1));
  int64_t units = LinearAttentionKernel::unitsOfBatch(op, config);
  SmallVector<Value> work = {host.index(config.consumers), host.index(units), sequences};
  auto launch = [&](Part part, StringRef suffix, ValueRange extra, ValueRange outputs) {
    LinearAttentionKernel program(op, part);
    SmallVector<Value> operands = program.operands();
    Type states = extra.empty() ? Type() : extra[0].getType(),
         factors = extra.empty() ? Type() : extra[1].getType();
    if (part == Part::States)
      states = outputs[0].getType(), factors = outputs[1].getType();
    KernelOp kernel = program.create((name + suffix).str(), states, factors);
    std::string chunks = llvm::formatv("chunks of {0} steps, {1}", config.chunk,
                                       config.exact ? "what enters the state in two 16-bit parts"
                                                    : "what enters the state rounded to 16 bits");
    std::string ctas = llvm::formatv("{0} CTAs for each sequence of a batch", units);
    if (part == Part::Whole)
      explain(kernel, chunks, ctas);
    else if (part == Part::States)
      explain(kernel, "the states of all segments but the last: " + chunks,
              ctas + "; a sequence is cut where those of a batch leave multiprocessors idle, into segments of at "
                     "least 16 chunks");
    else
      explain(kernel, "segments side by side: " + chunks, ctas + "; each takes the states of those before it");
    symbols.insert(kernel);
    llvm::append_range(operands, extra);
    llvm::append_range(operands, outputs);
    if (op.isPacked() && part != Part::States)
      operands.push_back(outputs.front());
    auto launch = LaunchOp::create(b, op.getLoc(), outputs.getTypes(), kernel.getSymName(),
                                   operands, work);
    launch->setAttr(kSameSizesAttr, sameSizes(b, op, operands, part == Part::States ? ArrayRef<Value>() : *empty));
    return launch;
  };

  SmallVector<Value> results = *empty, segments;
  if (config.split) {
    Value length = host.make<tensor::DimOp>(op.getK(), int64_t(1));
    if (op.isPacked()) // as if all were as long
      length = host.make<arith::DivUIOp>(length, host.max(sequences, host.index(1)));
    Value count = segmentCount(host, host.mul(sequences, units), length, config.chunk);
    Value before = host.sub(count, host.index(1));
    int64_t any = ShapedType::kDynamic, heads = op.getValueHeads();
    int64_t blocks = llvm::divideCeil(op.getValueDim(), LinearAttentionKernel::kValues);
    int64_t factors = op.hasChannelDecay() || op.getBonus()
                          ? llvm::alignTo(op.getKeyDim(), kMmaStep)
                          : kWarpgroupRows;
    auto tensor = [&](ArrayRef<int64_t> shape) {
      auto type = RankedTensorType::get(shape, b.getF32Type());
      return host.make<tensor::EmptyOp>(type, ValueRange{sequences, before});
    };
    SmallVector<Value> buffers = {tensor({any, any, heads, op.getKeyDim(), op.getValueDim()}),
                                  tensor({any, any, heads * blocks, factors})};
    work.push_back(before);
    segments = launch(Part::States, "_states", {}, buffers).getResults();
    work.back() = count;
  }
  auto outputs = launch(config.split ? Part::Outputs : Part::Whole, "", segments, results);
  op->replaceAllUsesWith(outputs.getResults());
  op->erase();
  return success();
}
