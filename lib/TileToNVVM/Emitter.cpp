//===- Emitter.cpp - One thread's part of a tile program ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "longwing/Target/Hopper.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// The dynamic SRAM of every kernel.
static constexpr llvm::StringLiteral kSramSymbol = "longwing_sram";

Emitter::Emitter(KernelOp kernel, Block *moduleBody)
    : kernel(kernel), b(kernel.getContext()), loc(kernel.getLoc()), moduleBody(moduleBody),
      warpgroups(kernel.getSchedule().getConsumers()) {}

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

Value Emitter::constant(TypedAttr value) {
  Value &known = constants[value];
  if (!known) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(entry);
    known = LLVM::ConstantOp::create(b, loc, value.getType(), value);
  }
  return known;
}

Value Emitter::i32(int64_t value) { return constant(b.getI32IntegerAttr(value)); }
Value Emitter::i64(int64_t value) { return constant(b.getI64IntegerAttr(value)); }
Value Emitter::f32(double value) { return constant(b.getF32FloatAttr(value)); }
Value Emitter::add(Value x, Value y) { return LLVM::AddOp::create(b, loc, x, y); }
Value Emitter::mul(Value x, Value y) { return LLVM::MulOp::create(b, loc, x, y); }
Value Emitter::both(Value x, Value y) { return LLVM::AndOp::create(b, loc, x, y); }
Value Emitter::isEqual(Value x, int64_t y) {
  return LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, x, i32(y));
}
Value Emitter::wide(Value value) { return LLVM::SExtOp::create(b, loc, b.getI64Type(), value); }
Value Emitter::shared(Value address) {
  auto type = LLVM::LLVMPointerType::get(b.getContext(), unsigned(NVVM::NVVMMemorySpace::Shared));
  return LLVM::IntToPtrOp::create(b, loc, type, address);
}
Value Emitter::intrinsic(StringRef name, Value argument) {
  return LLVM::CallIntrinsicOp::create(b, loc, argument.getType(), b.getStringAttr(name), argument)
      .getResult(0);
}

Type Emitter::scalarType(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (element.isIndex() || isIn<SharedAttr>(type) || isIn<ToeplitzAttr>(type))
    return b.getI32Type();
  // 16-bit elements of register tiles are packed in pairs, but for those of lines.
  if (isa<RankedTensorType>(type) && !isIn<LineAttr>(type) && element.isIntOrFloat() &&
      element.getIntOrFloatBitWidth() == 16)
    return b.getI32Type();
  return element;
}

int64_t Emitter::count(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || isIn<SharedAttr>(type) || isIn<ToeplitzAttr>(type))
    return 1;
  if (isIn<RowAttr>(type) || isIn<LanesAttr>(type))
    return 2;
  if (isIn<FragAttr>(type)) {
    bool packed = tensor.getElementType().isIntOrFloat() && tensor.getElementTypeBitWidth() == 16;
    return packed ? 4 : 8;
  }
  if (isIn<ColAttr>(type))
    return tensor.getDimSize(0) / 4;
  if (isIn<LineAttr>(type))
    return tensor.getDimSize(0) / kWarpLanes;
  if (isIn<StateAttr>(type))
    return rowsPerThread(type);
  if (isIn<ChannelAttr>(type))
    return rowsPerThread(type) * channelsPerThread(type);
  bool packed = tensor.getElementType().isIntOrFloat() && tensor.getElementTypeBitWidth() == 16;
  return tensor.getDimSize(1) / (packed ? 4 : 2);
}

Emitter::Values &Emitter::set(Value value, Values scalars) {
  return values[value] = std::move(scalars);
}

Value Emitter::element(Value value, int64_t k) {
  auto it = values.find(value);
  assert(it != values.end() && "a value is used before it is emitted");
  if (!it->second[k]) {
    Value made = pending.find(value)->second(k);
    return values[value][k] = made;
  }
  return it->second[k];
}

const Emitter::Values &Emitter::get(Value value) {
  for (int64_t k = 0, n = count(value.getType()); k < n && pending.contains(value); ++k)
    element(value, k);
  return values.find(value)->second;
}

/// Whether every use of a tile takes it element by element: then its elements are made there.
static bool isTakenByElement(Operation *op) {
  return !op->use_empty() && llvm::all_of(op->getUsers(), [&](Operation *user) {
    if (user->getBlock() != op->getBlock())
      return false;
    bool elementwise = isa<BroadcastOp>(user) || OpTrait::hasElementwiseMappableTraits(user);
    return isa<ComplexMulOp, PartsOp>(user) || (elementwise && isTakenByElement(user));
  });
}

void Emitter::setEach(Operation *op, std::function<Value(int64_t)> make) {
  Value result = op->getResult(0);
  set(result, Values(count(result.getType())));
  pending[result] = std::move(make);
  bool late = isa<RankedTensorType>(result.getType()) &&
              (getElementTypeOrSelf(result.getType()).isIntOrIndex() || isTakenByElement(op));
  if (!late) {
    get(result);
    pending.erase(result);
  }
}

void Emitter::settle(Operation *op) {
  for (auto &[value, make] : llvm::to_vector(pending))
    if (llvm::any_of(value.getUsers(), [&](Operation *user) { return op->isAncestor(user); }))
      get(value);
}

Emitter::Values Emitter::flatten(ValueRange range) {
  Values scalars;
  for (Value value : range)
    llvm::append_range(scalars, get(value));
  return scalars;
}

void Emitter::unflatten(ValueRange range, ValueRange scalars) {
  for (Value value : range) {
    size_t n = count(value.getType());
    set(value, llvm::to_vector(scalars.take_front(n)));
    scalars = scalars.drop_front(n);
  }
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

static int32_t residents(KernelOp kernel) {
  return hopper::residents(kernel.getSchedule().getRegisters(),
                           kernel->getAttrOfType<IntegerAttr>(kSharedBytesAttr).getInt());
}

/// Roles share what the launch gave to all threads alike: they would wait for more without end.
static LogicalResult checkRegisters(KernelOp kernel) {
  ScheduleAttr schedule = kernel.getSchedule();
  int64_t ctas = residents(kernel), launched = hopper::launchedRegisters(schedule.getThreads(), ctas);
  if (!schedule.hasProducer() || schedule.getRegisters() <= launched)
    return success();
  return kernel.emitError() << "expected roles that share the " << launched
                            << " registers of a launch, " << ctas
                            << " to a multiprocessor, got a schedule of "
                            << schedule.getRegisters();
}

/// Each !tile.desc becomes a tensor map and its sizes, each !tile.view a pointer, sizes and
/// strides.
LLVM::LLVMFuncOp Emitter::createFunction() {
  MLIRContext *ctx = b.getContext();
  SmallVector<Type> inputs;
  SmallVector<DictionaryAttr> attributes;
  auto push = [&](Type type, int64_t times, DictionaryAttr attrs = {}) {
    inputs.append(times, type);
    attributes.append(times, attrs ? attrs : b.getDictionaryAttr({}));
  };
  auto mapAttrs = b.getDictionaryAttr({
      b.getNamedAttr("llvm.align", b.getI64IntegerAttr(64)),
      b.getNamedAttr("llvm.byval", TypeAttr::get(LLVM::LLVMArrayType::get(b.getI8Type(), 128))),
      b.getNamedAttr("nvvm.grid_constant", b.getUnitAttr()),
  });
  for (Type type : kernel.getArgumentTypes()) {
    if (auto desc = dyn_cast<DescType>(type)) {
      push(LLVM::LLVMPointerType::get(ctx), 1, mapAttrs);
      push(b.getI32Type(), desc.getShape().size());
    } else {
      push(LLVM::LLVMPointerType::get(ctx, unsigned(NVVM::NVVMMemorySpace::Global)), 1);
      push(b.getI64Type(), 2 * cast<ViewType>(type).getShape().size());
    }
  }
  int32_t threads = kernel.getSchedule().getThreads();
  SmallVector<NamedAttribute> attrs = {
      b.getNamedAttr("nvvm.kernel", b.getUnitAttr()),
      b.getNamedAttr("nvvm.reqntid", b.getDenseI32ArrayAttr({threads, 1, 1})),
      b.getNamedAttr("nvvm.minctasm", b.getI32IntegerAttr(residents(kernel))),
  };
  if (int32_t members = clusterOf(kernel); members > 1)
    attrs.push_back(b.getNamedAttr("nvvm.cluster_dim", b.getDenseI32ArrayAttr({members, 1, 1})));
  b.setInsertionPointToEnd(moduleBody);
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(ctx), inputs);
  return LLVM::LLVMFuncOp::create(b, loc, kernel.getSymName(), type, LLVM::Linkage::External,
                                  /*dsoLocal=*/false, LLVM::CConv::C, {}, attrs, attributes);
}

void Emitter::nameThread() {
  Type type = b.getI32Type();
  thread = NVVM::ThreadIdXOp::create(b, loc, type);
  lane = both(thread, i32(31));
  // The warp's number, in a form that ptxas knows to be the same for all lanes.
  Value number = LLVM::LShrOp::create(b, loc, thread, i32(5));
  warp = NVVM::ShflOp::create(b, loc, type, i32(-1), number, i32(0), i32(31), NVVM::ShflKind::idx,
                              UnitAttr());
  group = add(LLVM::LShrOp::create(b, loc, warp, i32(2)),
              kernel.getSchedule().hasProducer() ? -1 : 0);
  matrixWarp = kernel.getSchedule().hasProducer() ? add(warp, -4) : warp;
  warpInGroup = both(warp, i32(3));
  quadLane = both(lane, i32(3));
  tileGroup = kernel.getSchedule().getSpread() ? i32(0) : group;
  row = add(add(mul(tileGroup, kWarpgroupRows), mul(warpInGroup, 16)),
            Value(LLVM::LShrOp::create(b, loc, lane, i32(2))));
  auto pointer =
      LLVM::LLVMPointerType::get(b.getContext(), unsigned(NVVM::NVVMMemorySpace::Shared));
  Value sram = LLVM::AddressOfOp::create(b, loc, pointer, kSramSymbol);
  sramBase = LLVM::PtrToIntOp::create(b, loc, type, sram);
}

/// One thread sets up the barriers of all rings before any role starts.
void Emitter::initBarriers() {
  auto branch = scf::IfOp::create(b, loc, isEqual(thread, 0), /*withElse=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    // A slot is filled by one arrival of the producer and emptied by one of each consumer warp.
    Value fills = i32(1), empties = i32(4 * warpgroups);
    kernel.walk([&](AllocOp alloc) {
      auto ring = dyn_cast<RingType>(alloc.getMemory().getType());
      if (auto steps = dyn_cast<StepsType>(alloc.getMemory().getType())) {
        int64_t offset = alloc->getAttrOfType<IntegerAttr>(kBarrierOffsetAttr).getInt();
        Value arrivals = i32(kernel.getSchedule().getThreads() / (lanesArrive ? 1 : 32));
        for (int64_t step = 0; step < steps.getCount(); ++step, offset += kStepBarrierBytes)
          NVVM::MBarrierInitOp::create(b, loc, shared(add(sramBase, offset)), arrivals, Value());
      }
      if (auto mail = dyn_cast<MailType>(alloc.getMemory().getType())) {
        int64_t offset = alloc->getAttrOfType<IntegerAttr>(kBarrierOffsetAttr).getInt();
        Value senders = i32(mail.getMembers() / clusterOf(kernel) * mail.getThreads()); // of this CTA
        for (int64_t turn = 0; turn < 2; ++turn, offset += kMailBarrierBytes)
          NVVM::MBarrierInitOp::create(b, loc, shared(add(sramBase, offset)), senders, Value());
      }
      if (auto boxes = alloc->getAttrOfType<IntegerAttr>(kBoxesAttr)) {
        int64_t offset = alloc->getAttrOfType<IntegerAttr>(kBarrierOffsetAttr).getInt();
        for (int64_t box = 0; box < boxes.getInt(); ++box)
          NVVM::MBarrierInitOp::create(b, loc, shared(add(sramBase, offset + 8 * box)), fills, Value());
      }
      if (!ring)
        return;
      int64_t offset = alloc->getAttrOfType<IntegerAttr>(kBarrierOffsetAttr).getInt();
      for (int64_t stage = 0; stage < ring.getStages(); ++stage, offset += kRingBarrierBytes) {
        NVVM::MBarrierInitOp::create(b, loc, shared(add(sramBase, offset)), fills, Value());
        NVVM::MBarrierInitOp::create(b, loc, shared(add(sramBase, offset + 8)), empties, Value());
      }
    });
    NVVM::FenceMbarrierInitOp::create(b, loc);
    for (BlockArgument argument : kernel.getBody().getArguments())
      if (isa<DescType>(argument.getType()))
        NVVM::PrefetchOp::create(b, loc, {}, {}, one(argument), Value(), b.getUnitAttr());
  }
  if (clusterOf(kernel) > 1)
    return meetCluster();
  NVVM::BarrierOp::create(b, loc);
}

LogicalResult Emitter::emit() {
  if (failed(checkChannels()) || failed(checkRegisters(kernel)))
    return failure();
  LLVM::LLVMFuncOp function = createFunction();
  if (!SymbolTable::lookupSymbolIn(function->getParentOp(), kSramSymbol)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(function);
    LLVM::GlobalOp::create(b, loc, LLVM::LLVMArrayType::get(b.getI8Type(), 0), /*isConstant=*/false,
                           LLVM::Linkage::External, kSramSymbol, Attribute(),
                           /*alignment=*/1024, unsigned(NVVM::NVVMMemorySpace::Shared));
  }
  entry = function.addEntryBlock(b);
  // Constants gather at the top of the entry block, the code in front of its return.
  b.setInsertionPointToEnd(entry);
  auto end = LLVM::ReturnOp::create(b, loc, ValueRange());
  b.setInsertionPoint(end);

  ValueRange parameters = entry->getArguments();
  for (BlockArgument argument : kernel.getBody().getArguments()) {
    auto desc = dyn_cast<DescType>(argument.getType());
    size_t n = desc ? 1 + desc.getShape().size()
                    : 1 + 2 * cast<ViewType>(argument.getType()).getShape().size();
    set(argument, llvm::to_vector(parameters.take_front(n)));
    parameters = parameters.drop_front(n);
  }
  kernel.walk([&](FetchStripsOp) { lanesArrive = true; });
  nameThread();
  initBarriers();
  if (failed(emitBlock(kernel.getBody().front())))
    return failure();
  writeTables();
  // SRAM must stay until the others have the last letters, ...
  if (clusterOf(kernel) > 1)
    meetCluster(/*converged=*/false);
  // ... and until the last tile has left it.
  if (kernel.walk([](Operation *op) {
              return isa<StoreOp, FlushOp, FlushRowsOp>(op) ? WalkResult::interrupt() : WalkResult::advance();
            }).wasInterrupted() &&
      !kernel.getSchedule().hasProducer())
    drainStores();
  return success();
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

/// Whether an operation, or one within, reads a slot of a ring that is awaited outside of this block.
static bool readsOuterSlot(Operation *op) {
  auto reads = [&](Operation *inner) {
    bool outer = llvm::any_of(inner->getOperands(), [&](Value operand) {
      auto consume = wholeOf(operand).getDefiningOp<ConsumeOp>();
      return consume && !op->getParentOp()->isAncestor(consume);
    });
    return outer ? WalkResult::interrupt() : WalkResult::advance();
  };
  return op->walk(reads).wasInterrupted();
}

LogicalResult Emitter::emitBlock(Block &block) {
  Values outer; // words read of slots that are given back outside
  for (Operation &op : block) {
    loc = op.getLoc();
    if (op.getNumRegions() || op.hasTrait<OpTrait::IsTerminator>())
      settle(&op);
    Values read;
    llvm::SaveAndRestore own(coming, &read);
    if (failed(emitOp(&op)))
      return failure();
    // What is read in a loop or a branch is used there, or by way of what it gives.
    if (op.getNumRegions())
      read = leaves.contains(&op) && op.getNumResults() ? Values{inOne(flatten(op.getResults()))} : Values();
    if (read.empty())
      continue;
    if (readsOuterSlot(&op))
      llvm::append_range(outer, read);
    words[&op] = std::move(read);
  }
  if (llvm::any_of(outer, [&](Value word) { return latestOf(word) != nullptr; }))
    leaves.insert(block.getParentOp());
  pending.remove_if([&](auto &entry) { return entry.first.getParentBlock() == &block; });
  return success();
}

LogicalResult Emitter::emitOp(Operation *op) {
  giveTables(op);
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](WarpSpecializeOp op) { return emitRoles(op); })
      .Case([&](scf::ForOp op) { return emitFor(op); })
      .Case([&](scf::IfOp op) { return emitIf(op); })
      .Case<ReturnOp, scf::YieldOp, AllocOp>([&](auto) { return success(); })
      .Case([&](LeadOp op) { return emitLead(op); })
      .Case<WarpDotOp, TransposeOp, ZipOp, PositionOp, CastOp, PullOp, PlaceOp, SplitOp, PutOp, GetOp, LayOp,
            WriteRowsOp, ReadRowsOp, MeetOp, PullRowsOp, PlaceRowsOp, KeepOp, RecallOp, BringOp, StepWaitOp, StepArriveOp, FetchOp, FetchedOp, FlushOp, FlushedOp,
            FetchStripsOp, StripsFetchedOp, SlotOp, FlushStripsOp, PrefetchOp, TakeRowsOp, LayRowsOp, AskRowsOp, AwaitRowsOp, VacateRowsOp,
            FlushRowsOp, FlushedRowsOp>(
          [&](auto op) { return emitWarps(op), success(); })
      .Case([&](DimOp op) { return emitDim(op), success(); })
      .Case([&](GatherOp op) { return emitGather(op), success(); })
      .Case([&](StoreOp op) { return emitStore(op), success(); })
      .Case([&](StoreEnergyOp op) { return emitStoreEnergy(op), success(); })
      .Case([&](StoreRowOp op) { return emitStoreRow(op), success(); })
      .Case([&](ScatterOp op) { return emitScatter(op), success(); })
      .Case([&](ScanOp op) { return emitScan(op), success(); })
      .Case([&](DistributeOp op) { return emitDistribute(op), success(); })
      .Case([&](BetweenOp op) { return emitBetween(op), success(); })
      .Case([&](PartsOp op) { return emitParts(op), success(); })
      .Case([&](CommonOp op) { return emitCommon(op), success(); })
      .Case([&](GreatestOp op) { return emitGreatest(op), success(); })
      .Case([&](PickOp op) { return emitPick(op), success(); })
      .Case([&](PanelOp op) { return emitPanel(op), success(); })
      .Case([&](TrimOp op) { return emitTrim(op), success(); })
      .Case([&](FragmentOp op) { return emitFragment(op), success(); })
      .Case([&](StageOp op) { return emitStage(op), success(); })
      .Case([&](WarpgroupOp op) { return set(op, {group}), success(); })
      .Case([&](WarpOp op) { return set(op, {matrixWarp}), success(); })
      .Case([&](CtaOp op) { return set(op, {NVVM::BlockIdXOp::create(b, loc, b.getI32Type())}), success(); })
      .Case([&](ReadOp op) { return emitRead(op), success(); })
      .Case([&](RowOp op) { return emitRow(op), success(); })
      .Case([&](DeinterleaveOp op) { return emitDeinterleave(op), success(); })
      .Case([&](InterleaveOp op) { return emitInterleave(op), success(); })
      .Case([&](AllOp op) { return emitAll(op), success(); })
      .Case([&](SumsOp op) { return emitSums(op), success(); })
      .Case([&](ChainOp op) { return emitChain(op); })
      .Case([&](LoadChannelsOp op) { return emitLoadChannels(op), success(); })
      .Case([&](StoreChannelsOp op) { return emitStoreChannels(op), success(); })
      .Case([&](ProduceOp op) { return emitProduce(op), success(); })
      .Case([&](ConsumeOp op) { return emitConsume(op), success(); })
      .Case([&](ReleaseOp op) { return emitRelease(op); })
      .Case([&](MmaAsyncOp op) { return emitMma(op), success(); })
      .Case([&](MmaWaitOp op) { return emitWait(op), success(); })
      .Case([&](ReduceOp op) { return emitReduce(op), success(); })
      .Case([&](BroadcastOp op) { return emitBroadcast(op), success(); })
      .Case([&](IotaOp op) { return emitIota(op), success(); })
      .Case([&](ConvertOp op) { return emitConvert(op), success(); })
      .Case([&](LoadRunsOp op) { return emitLoadRuns(op), success(); })
      .Case([&](ReadRunsOp op) { return emitReadRuns(op), success(); })
      .Case([&](StoreRunsOp op) { return emitStoreRuns(op), success(); })
      .Case([&](ToeplitzOp op) { return emitToeplitz(op); })
      .Case([&](WholeOp op) { return emitWhole(op), success(); })
      .Case([&](LagOp op) { return emitLag(op), success(); })
      .Case<YieldOp>([&](auto) { return success(); })
      .Case([&](ComplexMulOp op) { return emitComplexMul(op), success(); })
      .Case([&](UnstageOp op) { return emitUnstage(op), success(); })
      .Case([&](PublishOp op) { return emitPublish(op), success(); })
      .Case([&](WidenOp op) { return emitWidenTile(op), success(); })
      .Case([&](arith::ExtFOp op) {
        bool packed = count(op.getType()) != count(op.getIn().getType());
        return packed ? (emitExtend(op), success()) : emitElementwise(op);
      })
      .Case([&](arith::ConstantOp op) { return emitConstant(op), success(); })
      .Case([&](gpu::BlockIdOp op) {
        set(op, {NVVM::BlockIdXOp::create(b, loc, b.getI32Type())});
        return success();
      })
      .Case([&](gpu::GridDimOp op) {
        set(op, {NVVM::GridDimXOp::create(b, loc, b.getI32Type())});
        return success();
      })
      .Default([&](Operation *op) { return emitElementwise(op); });
}

/// One thread of the first warpgroup produces, all of the others consume.
LogicalResult Emitter::emitRoles(WarpSpecializeOp op) {
  ScheduleAttr schedule = kernel.getSchedule();
  Value elected = NVVM::ElectSyncOp::create(b, loc, b.getI1Type(), Value());
  Value produces = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, warp, i32(4));
  auto roles = scf::IfOp::create(b, loc, produces, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(b);

  b.setInsertionPointToStart(roles.thenBlock());
  NVVM::SetMaxRegisterOp::create(b, loc, schedule.getProducerRegisters(),
                                 NVVM::SetMaxRegisterAction::decrease);
  Value chosen = both(isEqual(warp, 0), elected);
  auto producer = scf::IfOp::create(b, loc, chosen, /*withElse=*/false);
  b.setInsertionPointToStart(producer.thenBlock());
  if (failed(emitBlock(op.getProducer().front())))
    return failure();

  b.setInsertionPointToStart(roles.elseBlock());
  NVVM::SetMaxRegisterOp::create(b, loc, schedule.getConsumerRegisters(),
                                 NVVM::SetMaxRegisterAction::increase);
  if (failed(emitBlock(op.getConsumer().front())))
    return failure();
  // SRAM must stay until the last tile has left it.
  bool stores =
      op.getConsumer().walk([](StoreOp) { return WalkResult::interrupt(); }).wasInterrupted();
  if (stores)
    drainStores();
  return success();
}

Emitter::Values Emitter::yielded(Block &block) {
  return flatten(block.getTerminator()->getOperands());
}

LogicalResult Emitter::emitFor(Operation *op) {
  auto loop = cast<scf::ForOp>(op);
  SmallVector<Table *> held = holdTables(loop);
  auto copy = scf::ForOp::create(b, loc, one(loop.getLowerBound()), one(loop.getUpperBound()),
                                 one(loop.getStep()), flatten(loop.getInitArgs()));
  auto count = loop->getAttrOfType<IntegerAttr>(kUnrollAttr);
  if (loop->hasAttr(kRolledAttr) || count) {
    BoolAttr never = count ? BoolAttr() : b.getBoolAttr(true);
    auto unroll = LLVM::LoopUnrollAttr::get(b.getContext(), never, count, {}, {}, {}, {}, {});
    copy->setAttr("loop_annotation",
                  LLVM::LoopAnnotationAttr::get(b.getContext(), {}, {}, {}, unroll, {}, {}, {}, {}, {},
                                                {}, {}, {}, {}, {}, {}));
  }
  OpBuilder::InsertionGuard guard(b);
  if (!copy.getBody()->empty())
    copy.getBody()->clear();
  b.setInsertionPointToStart(copy.getBody());
  set(loop.getInductionVar(), {copy.getInductionVar()});
  unflatten(loop.getRegionIterArgs(), copy.getRegionIterArgs());
  // What a loop of phases or of steps does not hold, ptxas must not hold either.
  bool phases = loop->walk([](MeetOp) { return WalkResult::interrupt(); }).wasInterrupted();
  bool rereads = kernel->hasAttr(kRereadAttr) && held.empty() && (phases || loop->hasAttr(kRolledAttr));
  llvm::SaveAndRestore home(tableLoop, rereads ? copy.getBody() : tableLoop);
  llvm::SaveAndRestore all(tableBases[0], rereads ? Value() : tableBases[0]);
  llvm::SaveAndRestore warps(tableBases[1], rereads ? Value() : tableBases[1]);
  if (failed(emitBlock(*loop.getBody())))
    return failure();
  scf::YieldOp::create(b, loc, yielded(*loop.getBody()));
  for (Table *table : held)
    table->registers.clear();
  unflatten(loop.getResults(), copy.getResults());
  return success();
}

LogicalResult Emitter::emitIf(Operation *op) {
  auto branch = cast<scf::IfOp>(op);
  SmallVector<Type> types;
  for (Type type : branch.getResultTypes())
    types.append(count(type), scalarType(type));
  bool hasElse = !branch.getElseRegion().empty();
  auto copy = scf::IfOp::create(b, loc, types, one(branch.getCondition()), hasElse);
  OpBuilder::InsertionGuard guard(b);
  for (auto [from, to] : {std::pair{&branch.getThenRegion(), &copy.getThenRegion()},
                          std::pair{&branch.getElseRegion(), &copy.getElseRegion()}}) {
    if (from->empty())
      continue;
    to->front().clear();
    b.setInsertionPointToStart(&to->front());
    if (failed(emitBlock(from->front())))
      return failure();
    scf::YieldOp::create(b, loc, yielded(from->front()));
  }
  unflatten(branch.getResults(), copy.getResults());
  return success();
}
