//===- Specialize.cpp - Splits a kernel into producer and consumers -------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Role.h"

#include "longwing/Target/Hopper.h"
#include "longwing/Tile/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/ADT/SetVector.h"

namespace longwing {
#define GEN_PASS_DEF_TILESPECIALIZE
#include "longwing/Tile/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// Whether a value is computed from a block argument, by operations without regions.
static bool dependsOn(Value value, Value argument) {
  if (value == argument)
    return true;
  Operation *op = value.getDefiningOp();
  return op && llvm::any_of(op->getOperands(),
                            [&](Value operand) { return dependsOn(operand, argument); });
}

/// What is shared where a load is: points of the work, or iterations. Null if nothing is.
static Value sharedBy(KernelOp kernel, LoadOp load) {
  if (spreadsWork(kernel)) {
    auto work = load->getParentOfType<ForEachOp>();
    return work ? work.getBody().getArgument(0) : Value();
  }
  auto loop = load->getParentOfType<scf::ForOp>();
  while (loop && !loop->hasAttr(kDealtAttr))
    loop = loop->getParentOfType<scf::ForOp>();
  return loop ? loop.getInductionVar() : Value();
}

/// How many tiles a slot has where each of those who share has one.
static int64_t partsOf(KernelOp kernel) {
  if (deals(kernel))
    return membersHere(kernel);
  return kernel.getSchedule().getSpread() ? kernel.getSchedule().getConsumers() : 1;
}

/// Whether they load tiles of their own.
static bool isSpread(KernelOp kernel, LoadOp load) {
  Value shared = sharedBy(kernel, load);
  return shared && llvm::any_of(load.getCoordinates(),
                                [&](Value coordinate) { return dependsOn(coordinate, shared); });
}

static bool hasTile(TypeRange types) { return llvm::any_of(types, llvm::IsaPred<RankedTensorType>); }

Role::Role(KernelOp kernel, const Memory &memory, bool producer) : kernel(kernel), memory(memory), producer(producer) {
  if (producer)
    others.resize(partsOf(kernel) - 1);
}

SmallVector<RingKey> Role::ringsIn(Operation *op) {
  llvm::SetVector<RingKey> keys;
  op->walk([&](LoadOp load) { keys.insert(keyOf(load)); });
  return keys.takeVector();
}

SmallVector<Value> Role::select(const Positions &positions, ArrayRef<RingKey> keys) {
  return llvm::map_to_vector(keys, [&](RingKey key) { return positions.lookup(key); });
}

void Role::assign(Positions &positions, ArrayRef<RingKey> keys, ValueRange values) {
  for (auto [key, value] : llvm::zip(keys, values))
    positions[key] = value;
}

SmallVector<Value> Role::kept(ValueRange values) {
  SmallVector<Value> result;
  for (Value value : values)
    if (!producer)
      result.push_back(map.lookupOrDefault(value));
  return result;
}

LogicalResult Role::write(OpBuilder &b, Block &source) {
  Positions positions;
  Value zero = arith::ConstantIntOp::create(b, kernel.getLoc(), 0, 32);
  for (auto &[key, ring] : memory.rings)
    positions[key] = zero;
  return copyBlock(b, source, positions);
}

LogicalResult Role::copyBlock(OpBuilder &b, Block &source, Positions &positions) {
  // A slot is given back behind the last operation of the block that uses its tile.
  DenseMap<Operation *, SmallVector<std::pair<RingKey, Value>>> releases;
  for (Operation &op : source.without_terminator()) {
    if (auto load = dyn_cast<LoadOp>(op)) {
      Operation *lastUser = &op;
      SmallVector<Operation *> users(load->getUsers());
      for (size_t i = 0; i < users.size(); ++i) {
        Operation *user = users[i];
        if (isa<PanelOp, TrimOp>(user))
          llvm::append_range(users, user->getUsers());
        Operation *here = source.findAncestorOpInBlock(*user);
        if (!here || here->hasTrait<OpTrait::IsTerminator>())
          return load.emitError() << "expected the tile to be used within its iteration";
        if (lastUser->isBeforeInBlock(here))
          lastUser = here;
      }
      releases[lastUser].push_back({keyOf(load), positions[keyOf(load)]});
    }
    if (failed(copyOp(b, op, positions)))
      return failure();
    if (!producer)
      for (auto &[key, position] : releases.lookup(&op))
        ReleaseOp::create(b, op.getLoc(), memory.rings.lookup(key), position);
  }
  return success();
}

LogicalResult Role::copyOp(OpBuilder &b, Operation &op, Positions &positions) {
  if (auto load = dyn_cast<LoadOp>(op))
    return copyLoad(b, load, positions);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return copyFor(b, loop, positions);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return copyIf(b, branch, positions);
  if (auto work = dyn_cast<ForEachOp>(op))
    return copyForEach(b, work, positions);
  if (auto fetch = dyn_cast<FetchRowsOp>(op))
    return copyFetch(b, fetch), success();
  if (auto vacate = dyn_cast<VacateRowsOp>(op))
    return copyVacate(b, vacate), success();
  if (op.getNumRegions() && !isa<ToeplitzOp, ChainOp>(op))
    return op.emitError() << "expected scf.for, scf.if or tile.foreach around tile operations";
  // The producer keeps what addresses and loop bounds are made of; the rest is dead in it.
  if (auto alloc = dyn_cast<AllocOp>(op)) { // both roles have what the program itself has in SRAM
    if (!map.contains(alloc.getMemory()))
      map.map(alloc.getMemory(), memory.own.lookup(&op));
    return success();
  }
  bool writes = isa<StoreOp, StoreRowOp, StoreEnergyOp, StoreChannelsOp, ScatterOp, MeetOp, PlaceRowsOp>(op);
  if (producer && (writes || hasTile(op.getOperandTypes()) || hasTile(op.getResultTypes()) ||
                   !llvm::all_of(op.getOperands(), [&](Value value) { return isKept(value); })))
    return success();
  Operation *copy = copyScalars(b, op);
  if (auto store = dyn_cast<StoreOp>(copy))
    store.getStagingMutable().assign(memory.buffers.lookup(&op));
  if (auto exchange = dyn_cast<PublishOp>(copy))
    exchange.getBufferMutable().assign(memory.buffers.lookup(&op));
  if (auto widen = dyn_cast<WidenOp>(copy))
    widen.getBufferMutable().assign(memory.buffers.lookup(&op));
  if (auto load = dyn_cast<LoadRunsOp>(copy))
    load.getBufferMutable().assign(memory.exchange);
  if (auto store = dyn_cast<StoreRunsOp>(copy))
    store.getBufferMutable().assign(memory.exchange);
  if (auto toeplitz = dyn_cast<ToeplitzOp>(copy))
    toeplitz.getBufferMutable().assign(memory.buffers.lookup(&op));
  if (auto chain = dyn_cast<ChainOp>(copy); chain && memory.mail.contains(&op)) {
    chain.getMailMutable().assign(memory.mail.lookup(&op));
    chain.getRoundMutable().assign(round);
  }
  if (auto stage = dyn_cast<StageOp>(copy))
    stage.getBufferMutable().assign(memory.buffers.lookup(&op));
  return success();
}

Operation *Role::copyScalars(OpBuilder &b, Operation &op) {
  Operation *copy = b.clone(op, map);
  for (IRMapping &other : others) {
    bool differs = llvm::any_of(op.getOperands(), [&](Value operand) {
      return other.lookupOrDefault(operand) != map.lookupOrDefault(operand);
    });
    if (differs)
      b.clone(op, other);
    else
      other.map(op.getResults(), copy->getResults());
  }
  return copy;
}

void Role::mapForAll(Value from, Value to) {
  map.map(from, to);
  for (IRMapping &other : others)
    other.map(from, to);
}

LogicalResult Role::copyLoad(OpBuilder &b, LoadOp load, Positions &positions) {
  RingKey key = keyOf(load);
  Location loc = load.getLoc();
  Value ring = memory.rings.lookup(key), position = positions[key];
  if (producer) {
    SmallVector<Value> at;
    for (Value coordinate : load.getCoordinates()) {
      if (!isKept(coordinate))
        return load.emitError() << "expected coordinates that are not computed from tiles";
      at.push_back(map.lookupOrDefault(coordinate));
    }
    if (cast<RingType>(ring.getType()).isSpread())
      for (const IRMapping &other : others)
        for (Value coordinate : load.getCoordinates())
          at.push_back(other.lookupOrDefault(coordinate));
    ProduceOp::create(b, loc, ring, position, map.lookupOrDefault(load.getSource()), at,
                      load.getAlongAttr());
  } else {
    map.map(load.getTile(),
            ConsumeOp::create(b, loc, load.getTile().getType(), ring, position).getTile());
  }
  Value one = arith::ConstantIntOp::create(b, loc, 1, 32);
  positions[key] = arith::AddIOp::create(b, loc, position, one);
  return success();
}

LogicalResult Role::copyFor(OpBuilder &b, scf::ForOp loop, Positions &positions) {
  SmallVector<RingKey> keys = ringsIn(loop);
  if (producer && keys.empty())
    return success();
  SmallVector<Value> inits = kept(loop.getInitArgs());
  size_t values = inits.size();
  llvm::append_range(inits, select(positions, keys));
  auto bound = [&](Value value) { return map.lookupOrDefault(value); };
  bool deals = loop->hasAttr(kDealtAttr);
  Value end = bound(loop.getUpperBound());
  int64_t members = membersOf(kernel);
  if (deals) // the number of rounds
    end = arith::CeilDivUIOp::create(b, loop.getLoc(), end,
                                     arith::ConstantIndexOp::create(b, loop.getLoc(), members));
  auto copy = scf::ForOp::create(b, loop.getLoc(), bound(loop.getLowerBound()), end,
                                 bound(loop.getStep()), inits);
  for (StringRef name : {kRolledAttr, kHoldAttr})
    if (Attribute wish = loop->getAttr(name))
      copy->setAttr(name, wish);
  if (!copy.getBody()->empty())
    copy.getBody()->clear();
  OpBuilder inner = OpBuilder::atBlockBegin(copy.getBody());
  if (deals)
    deal(inner, loop, copy.getInductionVar());
  else
    mapForAll(loop.getInductionVar(), copy.getInductionVar());
  if (!producer)
    map.map(loop.getRegionIterArgs(), copy.getRegionIterArgs().take_front(values));
  assign(positions, keys, ValueRange(copy.getRegionIterArgs()).drop_front(values));
  if (failed(copyBlock(inner, *loop.getBody(), positions)))
    return failure();
  SmallVector<Value> yields = kept(loop.getYieldedValues());
  llvm::append_range(yields, select(positions, keys));
  scf::YieldOp::create(inner, loop.getLoc(), yields);
  if (!producer)
    map.map(loop.getResults(), copy.getResults().take_front(values));
  assign(positions, keys, ValueRange(copy.getResults()).drop_front(values));
  return success();
}

/// In round r, member i of N does the iteration r N + i. Members are those of the first CTA, then those of the next.
void Role::deal(OpBuilder &b, scf::ForOp loop, Value number) {
  Location loc = loop.getLoc();
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
  Value block = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x);
  Value member = arith::RemUIOp::create(b, loc, block, constant(clusterOf(kernel)));
  Value first = arith::MulIOp::create(b, loc, number, constant(membersOf(kernel)));
  member = arith::MulIOp::create(b, loc, member, constant(membersHere(kernel)));
  Value iteration = arith::AddIOp::create(b, loc, first, member);
  Value here;
  if (!producer && dealsToWarps(kernel))
    here = WarpOp::create(b, loc, b.getIndexType());
  else if (!producer && membersHere(kernel) > 1)
    here = WarpgroupOp::create(b, loc, b.getIndexType());
  if (here)
    iteration = arith::AddIOp::create(b, loc, iteration, here);
  map.map(loop.getInductionVar(), iteration);
  for (auto [i, other] : llvm::enumerate(others)) // of a producer
    other.map(loop.getInductionVar(), arith::AddIOp::create(b, loc, iteration, constant(i + 1)));
  round = number;
}

LogicalResult Role::copyIf(OpBuilder &b, scf::IfOp branch, Positions &positions) {
  SmallVector<RingKey> keys = ringsIn(branch);
  if (producer && keys.empty())
    return success();
  if (producer && !isKept(branch.getCondition()))
    return branch.emitError() << "expected a branch with loads to have a condition that is not computed from "
                                 "tiles";
  SmallVector<Type> types;
  if (!producer)
    llvm::append_range(types, branch.getResultTypes());
  size_t values = types.size();
  types.append(keys.size(), b.getI32Type());
  auto copy = scf::IfOp::create(b, branch.getLoc(), types,
                                map.lookupOrDefault(branch.getCondition()), /*withElse=*/true);
  for (auto [from, to] : {std::pair{&branch.getThenRegion(), &copy.getThenRegion()},
                          std::pair{&branch.getElseRegion(), &copy.getElseRegion()}}) {
    Positions inside = positions;
    to->front().clear();
    OpBuilder inner = OpBuilder::atBlockBegin(&to->front());
    SmallVector<Value> yields;
    if (!from->empty()) {
      if (failed(copyBlock(inner, from->front(), inside)))
        return failure();
      yields = kept(from->front().getTerminator()->getOperands());
    }
    llvm::append_range(yields, select(inside, keys));
    scf::YieldOp::create(inner, branch.getLoc(), yields);
  }
  if (!producer)
    map.map(branch.getResults(), copy.getResults().take_front(values));
  assign(positions, keys, ValueRange(copy.getResults()).drop_front(values));
  return success();
}

/// The coordinates of a work tile from its number, the first size varying fastest.
SmallVector<Value> Role::coordinatesOf(OpBuilder &b, ForEachOp work, Value tile) {
  Location loc = work.getLoc();
  SmallVector<Value> coordinates;
  ValueRange sizes = sharedSizes(work);
  for (Value size : sizes.drop_back()) {
    Value count = map.lookupOrDefault(size);
    coordinates.push_back(arith::RemUIOp::create(b, loc, tile, count));
    tile = arith::DivUIOp::create(b, loc, tile, count);
  }
  coordinates.push_back(tile);
  return coordinates;
}

LogicalResult Role::copyWorkTile(OpBuilder &b, ForEachOp work, Value tile, Positions &positions) {
  Block &body = work.getBody().front();
  ValueRange sizes = sharedSizes(work);
  size_t first = work.getSizes().size() - sizes.size();
  if (first)
    spreadWork(b, body.getArgument(0));
  for (auto [i, coordinate] : llvm::enumerate(coordinatesOf(b, work, tile)))
    mapForAll(body.getArgument(first + i), coordinate);
  return copyBlock(b, body, positions);
}

/// The sizes of the space that CTAs share: all but the first, where warpgroups share that.
ValueRange Role::sharedSizes(ForEachOp work) {
  return ValueRange(work.getSizes()).drop_front(spreadsWork(kernel) ? 1 : 0);
}

/// A consumer is one of the points of the first coordinate; the producer loads for all of them.
void Role::spreadWork(OpBuilder &b, Value coordinate) {
  Location loc = coordinate.getLoc();
  if (!producer) {
    map.map(coordinate, WarpgroupOp::create(b, loc, b.getIndexType()));
    return;
  }
  map.map(coordinate, arith::ConstantIndexOp::create(b, loc, 0));
  for (auto [i, other] : llvm::enumerate(others))
    other.map(coordinate, arith::ConstantIndexOp::create(b, loc, i + 1));
}

LogicalResult Role::copyForEach(OpBuilder &b, ForEachOp work, Positions &positions) {
  Location loc = work.getLoc();
  Value first = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x);
  if (int64_t members = clusterOf(kernel); members > 1)
    first = arith::DivUIOp::create(b, loc, first, arith::ConstantIndexOp::create(b, loc, members));
  if (!kernel.getSchedule().getPersistent())
    return copyWorkTile(b, work, first, positions);
  // Of ordered work a tile is a row of tiles, one a round.
  bool ordered = kernel->hasAttr(kOrderedAttr);
  total = arith::ConstantIndexOp::create(b, loc, 1);
  for (Value size : sharedSizes(work).drop_front(ordered))
    total = arith::MulIOp::create(b, loc, total, map.lookupOrDefault(size));
  cta = first, ctas = gpu::GridDimOp::create(b, loc, gpu::Dimension::x);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value padded = arith::SubIOp::create(b, loc, arith::AddIOp::create(b, loc, total, ctas), one);
  Value rounds = arith::DivUIOp::create(b, loc, padded, ctas);
  row = one;
  if (ordered) {
    row = map.lookupOrDefault(sharedSizes(work).front());
    rounds = arith::MulIOp::create(b, loc, rounds, row);
  }
  SmallVector<RingKey> keys = ringsIn(work);
  auto loop = scf::ForOp::create(b, loc, zero, rounds, one, select(positions, keys));
  if (!loop.getBody()->empty())
    loop.getBody()->clear();
  OpBuilder inner = OpBuilder::atBlockBegin(loop.getBody());
  persistent = work, turn = loop.getInductionVar();
  auto [tile, exists] = pointOf(inner, turn);
  assign(positions, keys, loop.getRegionIterArgs());
  SmallVector<Value> before = select(positions, keys);
  auto branch = scf::IfOp::create(inner, loc, ValueRange(before).getTypes(), exists, true);
  branch.thenBlock()->clear(); // without results they have a terminator already
  branch.elseBlock()->clear();
  OpBuilder yes = OpBuilder::atBlockBegin(branch.thenBlock());
  if (failed(copyWorkTile(yes, work, tile, positions)))
    return failure();
  scf::YieldOp::create(yes, loc, select(positions, keys));
  OpBuilder no = OpBuilder::atBlockBegin(branch.elseBlock());
  scf::YieldOp::create(no, loc, before);
  assign(positions, keys, branch.getResults());
  scf::YieldOp::create(inner, loc, select(positions, keys));
  assign(positions, keys, loop.getResults());
  OpBuilder front(loop);
  askFirst(front);
  return success();
}

namespace {
struct TileSpecialize : longwing::impl::TileSpecializeBase<TileSpecialize> {
  /// Allocates a ring for each kind of load, and the buffer through which results leave.
  LogicalResult allocate(OpBuilder &b, Memory &memory) {
    KernelOp kernel = getOperation();
    int64_t bytes = hopper::kSwizzleAlignment; // barriers
    for (auto alloc : llvm::to_vector(kernel.getBody().front().getOps<AllocOp>())) {
      auto type = cast<SmemType>(alloc.getMemory().getType());
      memory.own[alloc] = AllocOp::create(b, alloc.getLoc(), type, IntegerAttr());
      bytes += bytesOf(type);
    }
    kernel.walk([&](ChainOp chain) {
      if (!deals(kernel))
        return;
      auto tile = cast<RankedTensorType>(chain.getParts().front().getType());
      int64_t lanes = cast<ChannelAttr>(tile.getEncoding()).getLanes();
      int64_t threads = memberThreads(kernel), values = chain.getParts().size() * tile.getDimSize(0) * lanes / threads;
      auto type = MailType::get(b.getContext(), membersOf(kernel), threads, values);
      memory.mail[chain] = AllocOp::create(b, chain.getLoc(), type, IntegerAttr());
      bytes += type.getBytes();
    });
    kernel.walk([&](ToeplitzOp toeplitz) {
      RankedTensorType matrices = toeplitz.getResult().getType();
      Type element = matrices.getElementType();
      SmallVector<int64_t> shape = {toeplitzRows(matrices.getDimSize(0), isWoven(matrices)), kToeplitzSize};
      memory.buffers[toeplitz] =
          AllocOp::create(b, toeplitz.getLoc(), SmemType::get(b.getContext(), shape, element), IntegerAttr());
      bytes += sharedBytes(shape, element);
    });
    kernel.walk([&](Operation *op) {
      if (memory.exchange || !isa<LoadRunsOp, StoreRunsOp>(op))
        return;
      auto tile = cast<RankedTensorType>(isa<LoadRunsOp>(op) ? op->getResult(0).getType()
                                                             : op->getOperand(0).getType());
      auto type = SmemType::get(b.getContext(), tile.getShape(), tile.getElementType());
      memory.exchange = AllocOp::create(b, op->getLoc(), type, IntegerAttr());
      bytes += sharedBytes(type.getShape(), type.getElementType());
    });
    WalkResult loads = kernel.walk([&](LoadOp load) {
      if (kernel.getSchedule().hasProducer())
        return WalkResult::advance();
      load.emitError() << "expected a schedule with registers for a producer";
      return WalkResult::interrupt();
    });
    if (loads.wasInterrupted())
      return failure();
    kernel.walk([&](LoadOp load) {
      auto tile = load.getTile().getType();
      Value &ring = memory.rings[keyOf(load)];
      if (ring)
        return;
      SmallVector<int64_t> shape = {int64_t(load.getStages())};
      if (isSpread(kernel, load))
        shape.push_back(partsOf(kernel));
      llvm::append_range(shape, tile.getShape());
      auto type = RingType::get(b.getContext(), shape, tile.getElementType(), panelBytes(tile));
      ring = AllocOp::create(b, load.getLoc(), type, IntegerAttr());
      bytes += load.getStages() * slotBytes(type);
    });
    auto buffer = [&](Operation *op, SmemType type) {
      bytes += bytesOf(type);
      return Value(AllocOp::create(b, op->getLoc(), type, IntegerAttr()));
    };
    DenseMap<std::pair<Type, Attribute>, Value> staged; // by place
    kernel.walk([&](StageOp stage) {
      auto tile = stage.getTile().getType();
      Value own;
      Value &known = stage.getPlaceAttr() ? staged[{tile, stage.getPlaceAttr()}] : own;
      if (!known)
        known = buffer(stage, bufferFor(tile, tile.getShape()));
      memory.buffers[stage] = known;
    });
    kernel.walk([&](WidenOp op) {
      auto tile = op.getResult().getType();
      memory.buffers[op] = buffer(op, bufferFor(tile, tile.getShape()));
    });
    // Two places for the exchanges of a type, in turns: one is filled while a product reads the other.
    DenseMap<Type, SmallVector<Value>> places;
    DenseMap<Type, int64_t> turns;
    kernel.walk([&](PublishOp op) {
      auto tile = op.getSource().getType();
      SmallVector<Value> &known = places[tile];
      if (known.size() < 2)
        known.push_back(buffer(op, bufferFor(tile, tile.getShape())));
      memory.buffers[op] = known[turns[tile]++ % 2];
    });
    SmallVector<StoreOp> stores;
    kernel.walk([&](StoreOp op) { stores.push_back(op); });
    if (stores.empty())
      return success();
    RankedTensorType tile = stores.front().getTile().getType();
    for (StoreOp op : stores)
      if (op.getTile().getType() != tile)
        return op.emitError() << "expected all tiles that a kernel stores to have one type";
    // A place for each store where they fit; else one for all, as large as the tile or as a panel.
    int64_t whole = bytesOf(bufferFor(tile, tile.getShape()));
    SmallVector<int64_t> shape(tile.getShape());
    bool apart = bytes + int64_t(stores.size()) * whole <= hopper::kSharedBytes;
    if (!apart && bytes + whole > hopper::kSharedBytes)
      shape[1] = std::min(shape[1], kPanelBytes * 8 / int64_t(tile.getElementTypeBitWidth()));
    Value shared;
    for (StoreOp op : stores) {
      if (apart || !shared)
        shared = buffer(op, bufferFor(tile, shape));
      memory.buffers[op] = shared;
    }
    return success();
  }

  /// A buffer in SRAM; one for each warpgroup where they compute different tiles.
  SmemType bufferFor(RankedTensorType tile, ArrayRef<int64_t> shape) {
    ScheduleAttr schedule = getOperation().getSchedule();
    SmallVector<int64_t> sizes;
    if (schedule.getSpread())
      sizes.push_back(schedule.getConsumers());
    llvm::append_range(sizes, shape);
    return SmemType::get(tile.getContext(), sizes, tile.getElementType());
  }

  static int64_t bytesOf(SmemType type) {
    return type.getParts() * sharedBytes(type.getTileShape(), type.getElementType());
  }

  /// Work that is spread has a point for each warpgroup in its first coordinate.
  LogicalResult checkSpread() {
    ScheduleAttr schedule = getOperation().getSchedule();
    WalkResult walk = getOperation().walk([&](ForEachOp work) {
      ValueRange sizes = work.getSizes();
      if (!spreadsWork(getOperation()) ||
          (!sizes.empty() && getConstantIntValue(sizes.front()) == schedule.getConsumers()))
        return WalkResult::advance();
      work.emitError() << "expected the first size of work that is spread over warpgroups to be "
                       << schedule.getConsumers() << ", their number";
      return WalkResult::interrupt();
    });
    return failure(walk.wasInterrupted());
  }

  /// The members of a cluster share loops from 0 on, whose values pass through a chain.
  LogicalResult checkDealt() {
    KernelOp kernel = getOperation();
    ScheduleAttr schedule = kernel.getSchedule();
    int64_t ctas = clusterOf(kernel);
    if (ctas < 1 || ctas > 8)
      return kernel.emitError() << "expected '" << kClusterAttr << "' to be 1 to 8, got " << ctas;
    if (deals(kernel) && (schedule.getPersistent() || !schedule.hasProducer()))
      return kernel.emitError() << "expected a cluster's kernel to have a producer, and not to be persistent";
    WalkResult loops = kernel.walk([&](scf::ForOp loop) {
      if (!loop->hasAttr(kDealtAttr))
        return WalkResult::advance();
      bool plain = isConstantIntValue(loop.getLowerBound(), 0) && isConstantIntValue(loop.getStep(), 1);
      for (auto [argument, next] : llvm::zip(loop.getRegionIterArgs(), loop.getYieldedValues())) {
        auto chain = next.getDefiningOp<ChainOp>();
        plain &= chain && chain->getBlock() == loop.getBody() &&
                 llvm::is_contained(llvm::zip(chain.getStates(), chain.getAfter()),
                                    std::tuple<Value, Value>(argument, next)) &&
                 llvm::all_of(argument.getUsers(), [&](Operation *user) { return user == chain; });
      }
      if (plain)
        return WalkResult::advance();
      loop.emitError() << "expected a loop that is dealt to go from 0 in steps of 1, and its values to "
                          "pass through a tile.chain of its own";
      return WalkResult::interrupt();
    });
    WalkResult chains = kernel.walk([&](ChainOp chain) {
      if (!deals(kernel) || chain->getParentOp()->hasAttr(kDealtAttr))
        return WalkResult::advance();
      chain.emitError() << "expected a chain between CTAs to stand in a loop that is dealt";
      return WalkResult::interrupt();
    });
    return failure(loops.wasInterrupted() || chains.wasInterrupted());
  }

  void runOnOperation() override {
    KernelOp kernel = getOperation();
    if (kernel->hasAttr(kStaggerAttr) || kernel->hasAttr(kPointsAttr)) // all warps do the same
      return;
    if (failed(checkSpread()) || failed(checkDealt()))
      return signalPassFailure();
    Block &body = kernel.getBody().front();
    OpBuilder b = OpBuilder::atBlockBegin(&body);
    Memory memory;
    if (failed(allocate(b, memory)))
      return signalPassFailure();
    auto end = ReturnOp::create(b, kernel.getLoc());
    // What follows is the sequential program.
    SmallVector<Operation *> program;
    for (auto it = std::next(Block::iterator(end)); it != body.end(); ++it)
      program.push_back(&*it);
    Block sequential;
    for (Operation *op : program) {
      op->remove();
      sequential.push_back(op);
    }
    b.setInsertionPoint(end);
    if (!kernel.getSchedule().hasProducer()) {
      if (failed(Role(kernel, memory, /*producer=*/false).write(b, sequential)))
        signalPassFailure();
    } else {
      splitRoles(b, memory, sequential);
    }
    sequential.dropAllReferences();
    sequential.clear();
  }

  void splitRoles(OpBuilder &b, const Memory &memory, Block &sequential) {
    KernelOp kernel = getOperation();
    auto roles = WarpSpecializeOp::create(b, kernel.getLoc());
    for (bool producer : {true, false}) {
      Block *block = b.createBlock(producer ? &roles.getProducer() : &roles.getConsumer());
      OpBuilder inner = OpBuilder::atBlockBegin(block);
      Role role(kernel, memory, producer);
      if (failed(role.write(inner, sequential)))
        signalPassFailure();
      ReturnOp::create(inner, kernel.getLoc());
    }
  }
};
} // namespace
