//===- Memory.cpp - Device memory, SRAM and barriers ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "PtxAsm.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

static constexpr llvm::StringLiteral kZerosSymbol = "longwing_zeros";

void Emitter::emitDim(DimOp op) {
  const Values &source = get(op.getSource());
  Value size = source[1 + op.getDimension()];
  if (size.getType().isInteger(64))
    size = LLVM::TruncOp::create(b, loc, b.getI32Type(), size);
  set(op.getSize(), {size});
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// A word of zeros in device memory.
Value Emitter::zeros() {
  auto type = LLVM::LLVMPointerType::get(b.getContext(), unsigned(NVVM::NVVMMemorySpace::Global));
  Operation *module = moduleBody->getParentOp();
  if (!SymbolTable::lookupSymbolIn(module, kZerosSymbol)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(moduleBody);
    LLVM::GlobalOp::create(b, loc, b.getI64Type(), /*isConstant=*/false, LLVM::Linkage::Internal,
                           kZerosSymbol, b.getI64IntegerAttr(0), /*alignment=*/8,
                           unsigned(NVVM::NVVMMemorySpace::Global));
  }
  return LLVM::AddressOfOp::create(b, loc, type, kZerosSymbol);
}

/// The address of an element, in 64 bits. `view` is pointer, sizes, strides.
Value Emitter::elementAddress(ViewType type, ValueRange view, ValueRange indices) {
  size_t rank = type.getShape().size();
  Value offset = i64(0);
  for (size_t i = 0; i < rank; ++i)
    offset = add(offset, mul(indices[i], view[1 + rank + i]));
  return LLVM::GEPOp::create(b, loc, view[0].getType(), type.getElementType(), view[0],
                             ValueRange{offset});
}

/// Pointer, sizes and strides, for accesses to all elements of a tile. Products of positions with
/// strides would be taken out of every loop, and held: two registers for each element.
Emitter::Values Emitter::viewFor(Value view, Type tile) {
  constexpr int64_t kMany = 16;
  Values scalars = get(view);
  if (count(tile) >= kMany)
    for (Value &scalar : MutableArrayRef(scalars).drop_front())
      scalar = ptx::opaque(b, loc, scalar, /*pinned=*/true);
  return scalars;
}

void Emitter::emitGather(GatherOp op) {
  ViewType type = op.getSource().getType();
  // Rows and columns past the tensors' ends still compute an index; it must stay inside. A tensor
  // without elements has no inside: there every index becomes 0, of a word of zeros.
  Values view = viewFor(op.getSource(), op.getResult().getType());
  Value empty;
  for (auto [i, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size))
      continue;
    Value none = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, view[1 + i], i64(0));
    empty = empty ? Value(LLVM::OrOp::create(b, loc, empty, none)) : none;
  }
  Values last;
  for (size_t i = 0; i < type.getShape().size(); ++i) {
    last.push_back(add(LLVM::TruncOp::create(b, loc, b.getI32Type(), view[1 + i]), -1));
    if (empty)
      last[i] = LLVM::SelectOp::create(b, loc, empty, i32(0), last[i]);
  }
  if (empty)
    view[0] = LLVM::SelectOp::create(b, loc, empty, zeros(), view[0]);
  Values positions(op.getIndices());
  bool early = op->hasAttr(kEarlyAttr);
  auto elementAt = [=](int64_t k) -> Value {
    Values indices;
    for (auto [i, index] : llvm::enumerate(positions)) {
      Value at = element(index, isa<RankedTensorType>(index.getType()) ? k : 0);
      at = LLVM::SMaxOp::create(b, loc, LLVM::SMinOp::create(b, loc, at, last[i]), i32(0));
      indices.push_back(wide(at));
    }
    Value address = elementAddress(type, view, indices);
    if (early)
      return LLVM::BitcastOp::create(b, loc, type.getElementType(),
                                     ptx::loadHere(b, loc, address, type.getElementType().getIntOrFloatBitWidth()));
    return LLVM::LoadOp::create(b, loc, type.getElementType(), address,
                                /*alignment=*/0, /*isVolatile=*/false, /*isNonTemporal=*/false,
                                /*isInvariant=*/true);
  };
  bool packed = isa<RankedTensorType>(op.getResult().getType()) &&
                scalarType(op.getResult().getType()) != type.getElementType();
  if (!packed)
    return setEach(op, elementAt);
  setEach(op, [=](int64_t k) -> Value {
    Value low = elementAt(2 * k), high = elementAt(2 * k + 1);
    return pairOf(low, high);
  });
}

void Emitter::emitStoreRow(StoreRowOp op) {
  ViewType type = op.getDestination().getType();
  const Values view = get(op.getDestination());
  size_t rank = type.getShape().size();
  const Values tile = get(op.getTile());
  // All four lanes of a row hold its value; the first one writes it.
  for (int64_t i = 0; i < 2; ++i) {
    Values indices;
    for (Value coordinate : op.getCoordinates())
      indices.push_back(wide(one(coordinate)));
    indices.back() = add(indices.back(), wide(add(row, 8 * i)));
    Value inside =
        LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, indices.back(), view[rank]);
    auto branch = scf::IfOp::create(b, loc, both(inside, isEqual(quadLane, 0)), /*withElse=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    LLVM::StoreOp::create(b, loc, tile[i], elementAddress(type, view, indices));
  }
}

void Emitter::emitStoreEnergy(StoreEnergyOp op) {
  Value sums[2] = {f32(0), f32(0)};
  for (Value tile : op.getTiles())
    for (auto [k, value] : llvm::enumerate(get(tile)))
      sums[k % 2] = LLVM::FMAOp::create(b, loc, value, value, sums[k % 2]);
  Value own = LLVM::FAddOp::create(b, loc, sums[0], sums[1]);
  // Numbers that are not negative are ordered as their bits are.
  Value bits = LLVM::BitcastOp::create(b, loc, b.getI32Type(), own);
  Value greatest = NVVM::ReduxOp::create(b, loc, b.getI32Type(), bits, NVVM::ReduxKind::UMAX, i32(-1));
  Value group = LLVM::LShrOp::create(b, loc, row, i32(4)); // of 16 rows, those of this warp
  ViewType type = op.getDestination().getType();
  const Values view = get(op.getDestination());
  Value place = wide(add(one(op.getPlace()), group));
  Value inside = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, place, view[1]);
  ptx::storeIf(b, loc, elementAddress(type, view, {place}), both(inside, isEqual(lane, 0)), greatest);
}

//===----------------------------------------------------------------------===//
// Tiles that leave through SRAM
//===----------------------------------------------------------------------===//

Emitter::Values Emitter::boxAt(ValueRange coordinates, int64_t firstColumn) {
  Values reversed;
  for (Value coordinate : llvm::reverse(coordinates))
    reversed.push_back(one(coordinate));
  reversed[0] = add(reversed[0], firstColumn);
  return reversed;
}

/// Whether this is the first thread of its warpgroup.
Value Emitter::isFirst() {
  // Cheap to make, and dear to hold where three warpgroups share the registers.
  ScheduleAttr schedule = kernel.getSchedule();
  Value own = schedule.getSpread() && schedule.getConsumers() > 2 ? ptx::remade(b, loc, thread) : thread;
  return isEqual(both(own, i32(kWarpgroupThreads - 1)), 0);
}

void Emitter::drainStores(int64_t pending) {
  auto branch = scf::IfOp::create(b, loc, isFirst(), /*withElse=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  NVVM::CpAsyncBulkWaitGroupOp::create(b, loc, pending, b.getUnitAttr());
}

/// Where the stores of a kernel follow each other in one block and each has a buffer for its whole
/// tile, the others' copies may go on.
int64_t Emitter::storesInFlight(StoreOp op) {
  int64_t others = 0;
  bool apart = true;
  kernel.walk([&](StoreOp other) {
    apart &= other->getBlock() == op->getBlock() &&
             other.getStaging().getType().getTileShape() == other.getTile().getType().getShape() &&
             (other == op || other.getStaging() != op.getStaging());
    others += other != op;
  });
  return apart ? others : 0;
}

void Emitter::meetWarpgroup() {
  NVVM::BarrierOp::create(b, loc, TypeRange(), add(group, 1), i32(kWarpgroupThreads), {}, Value());
}

/// Lane t gives stmatrix and ldmatrix the address of row t % 8 of matrix t / 8: rows 0-7, rows 8-15,
/// then the same of the next eight columns.
Value Emitter::matrixRows(Value base, bool ownRows) {
  // Addresses are cheap to make, and dear to hold through a loop, where LLVM would.
  base = ptx::opaque(b, loc, base);
  Value line = both(lane, i32(7)), matrix = LLVM::LShrOp::create(b, loc, lane, i32(3));
  Value below = mul(both(matrix, i32(1)), 8), first = mul(warpInGroup, 16);
  if (ownRows)
    first = add(first, mul(tileGroup, kWarpgroupRows));
  return add(base, mul(add(add(first, below), line), kPanelBytes));
}

Value Emitter::matrixPair(Value rows, int64_t pair, int64_t tileRows) {
  constexpr int64_t kPairs = kPanelBytes / 32; // of a panel
  Value line = both(lane, i32(7)), right = LLVM::LShrOp::create(b, loc, lane, i32(4));
  Value chunk = LLVM::XOrOp::create(b, loc, add(right, pair % kPairs * 2), line);
  return add(add(rows, mul(chunk, 16)), pair / kPairs * tileRows * kPanelBytes);
}

void Emitter::meet() {
  // Barrier 0 is the whole CTA's.
  if (kernel.getSchedule().getSpread() || warpgroups == 1)
    meetWarpgroup();
  else
    NVVM::BarrierOp::create(b, loc, TypeRange(), i32(1 + warpgroups),
                            i32(warpgroups * kWarpgroupThreads), {}, Value());
}

Value Emitter::meetIf(Value predicate) {
  bool own = kernel.getSchedule().getSpread();
  return ptx::meetIf(b, loc, own ? add(group, 1) : i32(1 + warpgroups), (own ? 1 : warpgroups) * kWarpgroupThreads, predicate);
}

void Emitter::publish() {
  NVVM::FenceProxyOp::create(
      b, loc, NVVM::ProxyKind::async_shared,
      NVVM::SharedSpaceAttr::get(b.getContext(), NVVM::SharedSpace::shared_cta));
}

void Emitter::writeMatrices(ValueRange registers, Value address, int64_t tileRows) {
  int64_t matrices = registers.size() / 2, panelMatrices = kPanelBytes / 16;
  // Lane t gives stmatrix the address of row t % 8 of matrix t / 8: rows 0-7, rows 8-15, then the
  // same of the next eight columns.
  bool scarce = kernel->hasAttr(kScarceAttr);
  Value own = scarce ? ptx::remade(b, loc, lane) : lane;
  Value line = both(own, i32(7)), matrix = LLVM::LShrOp::create(b, loc, own, i32(3));
  Value below = mul(both(matrix, i32(1)), 8), right = LLVM::LShrOp::create(b, loc, matrix, i32(1));
  Value firstRow = add(mul(tileGroup, kWarpgroupRows), mul(warpInGroup, 16));
  Value lineAddress = add(address, mul(add(add(firstRow, below), line), kPanelBytes));
  // The addresses of the matrices are cheap to make, and dear to hold through a loop.
  if (kernel.getSchedule().getSpread() && !scarce)
    lineAddress = ptx::opaque(b, loc, lineAddress, /*pinned=*/true);
  auto shape = NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8);
  for (int64_t j = 0; j < matrices; j += 2) {
    Value chunk = LLVM::XOrOp::create(b, loc, add(right, j % panelMatrices), line);
    Value target = add(add(lineAddress, mul(chunk, 16)), j / panelMatrices * tileRows * kPanelBytes);
    NVVM::StMatrixOp::create(b, loc, shared(target),
                             registers.slice(2 * j, std::min<int64_t>(4, 2 * (matrices - j))),
                             NVVM::MMALayout::row, shape, NVVM::LdStMatrixEltType::B16);
  }
}

/// Each warpgroup puts its 64 rows into the staging buffer with stmatrix and lets one thread start
/// the copy. Where the buffer holds fewer panels than the tile, the panels leave in turns.
void Emitter::emitStore(StoreOp op) {
  RankedTensorType type = op.getTile().getType();
  SmemType staging = op.getStaging().getType();
  int64_t rows = type.getDimSize(0), matrices = type.getDimSize(1) / 8;
  int64_t panelMatrices = kPanelBytes / 16;
  int64_t panels = llvm::divideCeil(matrices, panelMatrices);
  int64_t slots = llvm::divideCeil(staging.getTileShape()[1], int64_t(8) * panelMatrices);
  const Values tile = get(op.getTile());
  const Values desc = get(op.getDestination());
  Value base = buffer(op.getStaging());
  if (op.getAlong())
    base = ptx::opaque(b, loc, base);
  DescType box = op.getDestination().getType();
  int64_t rowCoordinate = box.getShape().size() - 1 - op.getBoxDimension(); // fastest first
  int64_t step = op.getAlong() ? boxStep(box, *op.getAlong(), type.getDimSize(1)) : kWarpgroupRows;

  for (int64_t first = 0; first < panels; first += slots) {
    int64_t last = std::min(panels, first + slots);
    drainStores(storesInFlight(op));
    meetWarpgroup();
    int64_t from = first * panelMatrices, to = std::min(matrices, last * panelMatrices);
    if (isIn<RunsAttr>(type))
      writeRuns(tile, base);
    else
      writeMatrices(ValueRange(tile).slice(2 * from, 2 * (to - from)), base, rows);
    publish();
    meetWarpgroup();
    auto branch = scf::IfOp::create(b, loc, isFirst(), false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value groupRow = mul(tileGroup, kWarpgroupRows);
    Value moved = step == kWarpgroupRows ? groupRow : mul(tileGroup, step);
    for (int64_t panel = first; panel < last; ++panel) {
      Values coordinates = boxAt(op.getCoordinates(), panel * panelMatrices * 8);
      coordinates[rowCoordinate] = add(coordinates[rowCoordinate], moved);
      Value source =
          add(add(base, (panel - first) * rows * kPanelBytes), mul(groupRow, kPanelBytes));
      NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(
          b, loc, desc[0], shared(source), coordinates, Value(), NVVM::TMAStoreMode::TILE, Value());
    }
    NVVM::CpAsyncBulkCommitGroupOp::create(b, loc);
  }
}

//===----------------------------------------------------------------------===//
// Between registers and SRAM
//===----------------------------------------------------------------------===//

/// A thread's pairs of neighbours in its two rows.
Emitter::Values Emitter::unstageSingle(Value base, int64_t columns, int64_t tileRows, bool ownRows) {
  constexpr int64_t kColumns = 8, kMatrices = kPanelBytes / 4 / kColumns; // of a panel
  // Addresses are cheap to make, and dear to hold through a loop, where LLVM would.
  base = ptx::opaque(b, loc, base);
  Value line = LLVM::LShrOp::create(b, loc, lane, i32(2)), first = add(mul(warpInGroup, 16), line);
  if (ownRows)
    first = add(first, mul(tileGroup, kWarpgroupRows));
  Value place = add(add(base, mul(first, kPanelBytes)), mul(both(lane, i32(1)), 8));
  Value chunk = both(LLVM::LShrOp::create(b, loc, lane, i32(1)), i32(1));
  Values registers;
  for (int64_t j = 0; j < columns / kColumns; ++j) {
    Value turned = LLVM::XOrOp::create(b, loc, add(chunk, j % kMatrices * 2), line);
    Value pair = add(add(place, mul(turned, 16)), j / kMatrices * tileRows * kPanelBytes);
    for (int64_t below : {0, 8})
      llvm::append_range(registers, loadWide(shared(add(pair, below * kPanelBytes)), b.getF32Type(), 2));
  }
  return registers;
}

Emitter::Values Emitter::loadMatrices(Value address, int64_t number, bool transpose) {
  Type type = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(number, b.getI32Type()));
  Value read = NVVM::LdMatrixOp::create(b, loc, type, shared(address), number,
                                        transpose ? NVVM::MMALayout::col : NVVM::MMALayout::row,
                                        NVVM::LdStMatrixShapeAttr::get(b.getContext(), 8, 8), NVVM::LdStMatrixEltType::B16);
  Values registers;
  for (int64_t i = 0; i < number; ++i)
    registers.push_back(LLVM::ExtractValueOp::create(b, loc, read, i));
  came(registers.front());
  return registers;
}

void Emitter::emitUnstage(UnstageOp op) {
  RankedTensorType source = op.getSource().getType(), type = op.getResult().getType();
  bool ownRows = source.getDimSize(0) == type.getDimSize(0);
  if (type.getElementType().isF32()) {
    Values registers = unstageSingle(one(op.getSource()), type.getDimSize(1), source.getDimSize(0), ownRows);
    return (void)set(op.getResult(), std::move(registers));
  }
  Value lines = matrixRows(one(op.getSource()), ownRows);
  Values registers;
  for (int64_t matrices = type.getDimSize(1) / 8, j = 0; j < matrices; j += 2)
    llvm::append_range(registers, loadMatrices(matrixPair(lines, j / 2, source.getDimSize(0)), j + 1 < matrices ? 4 : 2,
                                               /*transpose=*/false));
  set(op.getResult(), std::move(registers));
}

/// Threads meet before they write, since a product may still read what was there.
void Emitter::emitPublish(PublishOp op) {
  auto meetReaders = [&] { op.getBlocked() ? meetWarpgroup() : meet(); };
  Value base = buffer(op.getBuffer());
  meetReaders();
  // Addresses are cheap to make, and dear to hold through a loop, where LLVM would.
  writeMatrices(get(op.getSource()), ptx::opaque(b, loc, base), op.getSource().getType().getDimSize(0));
  publish();
  meetReaders();
  set(op.getResult(), {base});
}

//===----------------------------------------------------------------------===//
// Rings
//===----------------------------------------------------------------------===//

Emitter::Slot Emitter::slot(Value ring, Value position, bool anew) {
  auto alloc = ring.getDefiningOp<AllocOp>();
  auto type = cast<RingType>(ring.getType());
  int64_t stages = type.getStages(),
          bytes = slotBytes(type);
  Value turn = one(position), stage = i32(0);
  if (anew)
    turn = ptx::remade(b, loc, turn);
  if (stages > 1) {
    stage = LLVM::URemOp::create(b, loc, turn, i32(stages));
    turn = LLVM::UDivOp::create(b, loc, turn, i32(stages));
  }
  int64_t barriers = alloc->getAttrOfType<IntegerAttr>(kBarrierOffsetAttr).getInt();
  Value full = add(add(sramBase, barriers), mul(stage, kRingBarrierBytes));
  return {add(add(sramBase, *alloc.getOffset()), mul(stage, bytes)), full, add(full, 8),
          both(turn, i32(1))};
}

Value Emitter::buffer(Value smem) {
  auto type = cast<SmemType>(smem.getType());
  Value address = add(sramBase, *smem.getDefiningOp<AllocOp>().getOffset());
  if (type.getParts() > 1) {
    // One address more for each buffer would be held through a loop.
    Value own = kernel->hasAttr(kScarceAttr) ? ptx::remade(b, loc, group) : group;
    address = add(address, mul(own, sharedBytes(type.getTileShape(), type.getElementType())));
  }
  return address;
}

/// Polls sleep for up to this many nanoseconds before they look again.
static constexpr int64_t kPollTicks = 10000000;

void Emitter::await(Value barrier, Value parity) {
  NVVM::MBarrierTryWaitParityOp::create(b, loc, shared(barrier), parity, i32(kPollTicks));
}

void Emitter::emitProduce(ProduceOp op) {
  Slot at = slot(op.getRing(), op.getPosition());
  // A fresh barrier counts as having completed the phase before its first: the first turn of
  // every slot passes at once.
  Value before = LLVM::XOrOp::create(b, loc, at.parity, i32(1));
  await(at.empty, before);
  fillSlot(op.getRing(), at.address, at.full, op.getSource(), op.getCoordinates(),
           op.getAlong());
}

void Emitter::fillSlot(Value memory, Value address, Value full, Value source,
                       ValueRange firstElements, std::optional<int64_t> along) {
  auto ring = cast<RingType>(memory.getType());
  const Values desc = get(source);
  int64_t rows = ring.getTileShape()[0];
  int64_t bytes = sharedBytes(ring.getTileShape(), ring.getElementType(), ring.getPanel());
  int64_t panelColumns = ring.getPanel() * 8 / ring.getElementType().getIntOrFloatBitWidth();
  int64_t panels = llvm::divideCeil(ring.getTileShape()[1], panelColumns);
  NVVM::MBarrierArriveExpectTxOp::create(b, loc, Type(), shared(full),
                                         i32(ring.getParts() * bytes),
                                         NVVM::MemScopeKind::CTA, false, Value());
  auto cluster =
      LLVM::LLVMPointerType::get(b.getContext(), unsigned(NVVM::NVVMMemorySpace::SharedCluster));
  size_t rank = firstElements.size() / ring.getParts();
  DescType box = cast<DescType>(source.getType());
  int64_t boxes = along ? rows / box.getBoxRows() : 1;
  Value policy = kernel->hasAttr(kStreamsAttr) ? ptx::streamPolicy(b, loc) : Value();
  for (int64_t i = 0; i < ring.getParts() * panels * boxes; ++i) {
    int64_t part = i / (panels * boxes), panel = i / boxes % panels, number = i % boxes;
    Values coordinates = boxAt(firstElements.slice(part * rank, rank), panel * panelColumns);
    if (number) {
      Value &moved = coordinates[rank - 1 - *along];
      moved = add(moved, number * boxStep(box, *along, ring.getTileShape()[1]));
    }
    int64_t row = panel * rows + number * box.getBoxRows();
    Value place = add(address, part * ringTileBytes(ring) + row * ring.getPanel());
    Value target = LLVM::AddrSpaceCastOp::create(b, loc, cluster, shared(place));
    NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
        b, loc, target, desc[0], coordinates, shared(full), ValueRange(), Value(), policy,
        NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false, NVVM::CTAGroupKindAttr(), Value());
  }
}

void Emitter::emitConsume(ConsumeOp op) {
  Slot at = slot(op.getRing(), op.getPosition());
  await(at.full, at.parity);
  RingType ring = op.getRing().getType();
  if (ring.isSpread())
    at.address = add(at.address, mul(dealsToWarps(kernel) ? matrixWarp : group, ringTileBytes(ring)));
  set(op.getTile(), {at.address});
}

void Emitter::came(Value word) { coming->push_back(word); }

/// The bits of a register of numbers, by themselves or two of 16 bits; 0 for others.
static int64_t bitsOf(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  Type element = vector ? vector.getElementType() : type;
  int64_t bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() * (vector ? vector.getNumElements() : 1) : 0;
  return bits == 16 || bits == 32 ? bits : 0;
}

/// What was made of a value last in this block: whoever has that had the value. Null if it was written to memory, which no
/// arrival overtakes, or taken by a product that was waited for.
Value Emitter::latestOf(Value value) {
  for (Value next = value; next;) {
    Operation *last = nullptr;
    for (Operation *user : next.getUsers()) {
      if (user->getBlock() != b.getInsertionBlock())
        continue;
      if (isa<LLVM::StoreOp, NVVM::StMatrixOp>(user) || ptx::isWait(user))
        return {};
      if (user->getNumResults() == 1 && (!last || last->isBeforeInBlock(user)))
        last = user;
    }
    next = last ? last->getResult(0) : Value();
    // The sums of a product are not to be touched while it runs.
    if (next && bitsOf(next.getType()) && !ptx::isProduct(last->getOperand(0).getDefiningOp()))
      value = next;
  }
  return value;
}

/// A word that depends on each of some registers.
Value Emitter::inOne(ValueRange registers) {
  Value all;
  for (Value word : registers) {
    if (int64_t bits = bitsOf(word.getType()); bits && !word.getType().isInteger())
      word = LLVM::BitcastOp::create(b, loc, b.getIntegerType(bits), word);
    if (unsigned bits = word.getType().getIntOrFloatBitWidth(); bits < 32)
      word = LLVM::ZExtOp::create(b, loc, b.getI32Type(), word);
    all = all ? Value(LLVM::XOrOp::create(b, loc, all, word)) : word;
  }
  return all;
}

/// A word that is known once all that was read of a slot has come; null if only products read it, which are waited for.
FailureOr<Value> Emitter::wordsRead(ReleaseOp op) {
  SmallVector<Operation *> readers;
  for (Operation *user : op.getPosition().getUsers())
    if (auto consume = dyn_cast<ConsumeOp>(user); consume && consume.getRing() == op.getRing())
      llvm::append_range(readers, consume->getUsers());
  llvm::SetVector<Value> latest;
  for (size_t i = 0; i < readers.size(); ++i) {
    Operation *reader = readers[i];
    if (isa<PanelOp, TrimOp>(reader)) {
      llvm::append_range(readers, reader->getUsers());
      continue;
    }
    if (isa<MmaAsyncOp>(reader))
      continue;
    if (words.lookup(reader).empty())
      return reader->emitOpError() << "reads a slot of a ring, but not by loads that its release can wait for";
    for (Value word : words.lookup(op->getBlock()->findAncestorOpInBlock(*reader)))
      if (Value last = latestOf(word))
        latest.insert(last);
  }
  return inOne(latest.getArrayRef());
}

/// An arrival does not wait for reads of the warp that are under way, so where it arrives depends on what they bring, times a 0
/// that neither LLVM nor ptxas knows: the number of the CTA along a dimension that no grid has, or what takes no register before.
LogicalResult Emitter::emitRelease(ReleaseOp op) {
  // Where its barrier is would be known since the slot was awaited, and take a register until now.
  bool scarce = kernel->hasAttr(kScarceAttr);
  Slot at = slot(op.getRing(), op.getPosition(), /*anew=*/scarce);
  FailureOr<Value> read = wordsRead(op);
  if (failed(read))
    return failure();
  Value zero;
  if (*read)
    zero = scarce ? ptx::remade(b, loc, i32(0)) : Value(NVVM::BlockIdZOp::create(b, loc, b.getI32Type()));
  ptx::arrive(b, loc, at.empty, isEqual(lane, 0), *read, zero);
  return success();
}
