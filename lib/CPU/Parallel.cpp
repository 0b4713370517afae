//===- Parallel.cpp - Runs parallel loops on threads ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"

namespace longwing {
#define GEN_PASS_DEF_CPUOUTLINEPARALLEL
#define GEN_PASS_DEF_CPULAUNCHPARALLEL
#include "longwing/CPU/Passes.h.inc"
} // namespace longwing

using namespace mlir;

/// Marks a function of a range: its last two arguments are begin and end.
static constexpr StringLiteral kRangeAttr = "longwing.parallel_range";

//===----------------------------------------------------------------------===//
// cpu-outline-parallel
//===----------------------------------------------------------------------===//

/// The number of iterations of one dimension of a loop.
static Value tripCount(ImplicitLocOpBuilder &b, Value lower, Value upper, Value step) {
  Value span = arith::SubIOp::create(b, upper, lower);
  return arith::CeilDivSIOp::create(b, span, step);
}

namespace {
struct CpuOutlineParallelPass : longwing::impl::CpuOutlineParallelBase<CpuOutlineParallelPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<scf::ParallelOp> loops;
    getOperation().walk<WalkOrder::PreOrder>([&](scf::ParallelOp loop) {
      if (loop.getNumReductions() == 0)
        loops.push_back(loop);
      return WalkResult::skip();
    });
    for (scf::ParallelOp loop : loops)
      outline(loop, symbols);
    numOutlined += loops.size();
  }

private:
  /// Values from above the loop; constants are cloned into the body instead.
  static SmallVector<Value> captures(scf::ParallelOp loop,
                                     SmallVectorImpl<Operation *> &constants) {
    llvm::SetVector<Value> above;
    getUsedValuesDefinedAbove(loop.getRegion(), above);
    for (ValueRange bounds : {ValueRange(loop.getLowerBound()), ValueRange(loop.getUpperBound()),
                              ValueRange(loop.getStep())})
      above.insert(bounds.begin(), bounds.end());
    SmallVector<Value> values;
    for (Value value : above) {
      if (matchPattern(value, m_Constant()))
        constants.push_back(value.getDefiningOp());
      else
        values.push_back(value);
    }
    return values;
  }

  void outline(scf::ParallelOp loop, SymbolTable &symbols) {
    SmallVector<Operation *> constants;
    SmallVector<Value> captured = captures(loop, constants);
    Type index = IndexType::get(&getContext());
    SmallVector<Type> types = llvm::to_vector(ValueRange(captured).getTypes());
    types.append({index, index});
    auto func = func::FuncOp::create(loop.getLoc(), "parallel_body",
                                     FunctionType::get(&getContext(), types, {}));
    func.setPrivate();
    func->setAttr(kRangeAttr, UnitAttr::get(&getContext()));
    symbols.insert(func);

    Block *entry = func.addEntryBlock();
    auto b = ImplicitLocOpBuilder::atBlockBegin(loop.getLoc(), entry);
    IRMapping mapping;
    mapping.map(captured, entry->getArguments().drop_back(2));
    for (Operation *constant : constants)
      b.clone(*constant, mapping);
    fillBody(b, loop, mapping, entry->getArguments().take_back(2));
    func::ReturnOp::create(b);

    ImplicitLocOpBuilder caller(loop.getLoc(), loop);
    Value count = arith::ConstantIndexOp::create(caller, 1);
    for (auto [lower, upper, step] :
         llvm::zip(loop.getLowerBound(), loop.getUpperBound(), loop.getStep()))
      count = arith::MulIOp::create(caller, count, tripCount(caller, lower, upper, step));
    captured.push_back(arith::ConstantIndexOp::create(caller, 0));
    captured.push_back(count);
    func::CallOp::create(caller, func, captured);
    loop.erase();
  }

  /// for n in [begin, end): the induction variables are the digits of n.
  static void fillBody(ImplicitLocOpBuilder &b, scf::ParallelOp loop, IRMapping &mapping,
                       ArrayRef<BlockArgument> range) {
    auto lookup = [&](Value value) { return mapping.lookupOrDefault(value); };
    SmallVector<Value> counts;
    for (auto [lower, upper, step] :
         llvm::zip(loop.getLowerBound(), loop.getUpperBound(), loop.getStep()))
      counts.push_back(tripCount(b, lookup(lower), lookup(upper), lookup(step)));
    auto serial = scf::ForOp::create(b, range[0], range[1], arith::ConstantIndexOp::create(b, 1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(serial.getBody());
    Value rest = serial.getInductionVar();
    for (size_t dim = counts.size(); dim-- > 0;) {
      Value digit = rest;
      if (dim > 0) {
        digit = arith::RemUIOp::create(b, rest, counts[dim]);
        rest = arith::DivUIOp::create(b, rest, counts[dim]);
      }
      Value scaled = arith::MulIOp::create(b, digit, lookup(loop.getStep()[dim]));
      Value variable = arith::AddIOp::create(b, scaled, lookup(loop.getLowerBound()[dim]));
      mapping.map(loop.getInductionVars()[dim], variable);
    }
    for (Operation &inner : loop.getBody()->without_terminator())
      b.clone(inner, mapping);
  }
};

//===----------------------------------------------------------------------===//
// cpu-launch-parallel
//===----------------------------------------------------------------------===//

struct CpuLaunchParallelPass : longwing::impl::CpuLaunchParallelBase<CpuLaunchParallelPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<std::pair<LLVM::CallOp, LLVM::LLVMFuncOp>> calls;
    getOperation().walk([&](LLVM::CallOp call) {
      if (!call.getCallee())
        return;
      auto callee = symbols.lookup<LLVM::LLVMFuncOp>(*call.getCallee());
      if (callee && callee->hasAttr(kRangeAttr))
        calls.push_back({call, callee});
    });
    for (auto [call, callee] : calls)
      launch(call, callee, symbols);
  }

private:
  LLVM::LLVMFuncOp runtimeFunction(SymbolTable &symbols) {
    constexpr StringLiteral name = "longwing_parallel_for";
    if (auto existing = symbols.lookup<LLVM::LLVMFuncOp>(name))
      return existing;
    MLIRContext *context = &getContext();
    Type pointer = LLVM::LLVMPointerType::get(context), i64 = IntegerType::get(context, 64);
    auto builder = OpBuilder::atBlockBegin(getOperation().getBody());
    auto func =
        LLVM::LLVMFuncOp::create(builder, getOperation().getLoc(), name,
                                 LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context),
                                                             {pointer, pointer, i64, i64}));
    symbols.insert(func);
    return func;
  }

  /// task(record, begin, end) unpacks the record and calls the function.
  LLVM::LLVMFuncOp makeTask(LLVM::LLVMFuncOp callee, LLVM::LLVMStructType record,
                            SymbolTable &symbols) {
    MLIRContext *context = &getContext();
    Type pointer = LLVM::LLVMPointerType::get(context), i64 = IntegerType::get(context, 64);
    auto b = ImplicitLocOpBuilder::atBlockEnd(callee.getLoc(), getOperation().getBody());
    auto task = LLVM::LLVMFuncOp::create(
        b, (callee.getName() + "_task").str(),
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {pointer, i64, i64}),
        LLVM::Linkage::Internal);
    symbols.insert(task);
    Block *entry = task.addEntryBlock(b);
    b.setInsertionPointToStart(entry);
    SmallVector<Value> arguments;
    for (auto [i, type] : llvm::enumerate(record.getBody())) {
      Value field = LLVM::GEPOp::create(b, pointer, record, entry->getArgument(0),
                                        ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      arguments.push_back(LLVM::LoadOp::create(b, type, field));
    }
    arguments.append({entry->getArgument(1), entry->getArgument(2)});
    LLVM::CallOp::create(b, callee, arguments);
    LLVM::ReturnOp::create(b, ValueRange{});
    return task;
  }

  void launch(LLVM::CallOp call, LLVM::LLVMFuncOp callee, SymbolTable &symbols) {
    OperandRange captured = call.getCalleeOperands().drop_back(2);
    ValueRange range = call.getCalleeOperands().take_back(2);
    auto record =
        LLVM::LLVMStructType::getLiteral(&getContext(), llvm::to_vector(captured.getTypes()));
    LLVM::LLVMFuncOp task = makeTask(callee, record, symbols);
    Type pointer = LLVM::LLVMPointerType::get(&getContext());

    // The record lives in the entry block, so that a loop around the call takes no more stack.
    auto caller = call->getParentOfType<LLVM::LLVMFuncOp>();
    auto b = ImplicitLocOpBuilder::atBlockBegin(call.getLoc(), &caller.getBody().front());
    Value one = LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(1));
    Value memory = LLVM::AllocaOp::create(b, pointer, record, one);
    b.setInsertionPoint(call);
    for (auto [i, value] : llvm::enumerate(captured)) {
      Value field =
          LLVM::GEPOp::create(b, pointer, record, memory, ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
      LLVM::StoreOp::create(b, value, field);
    }
    Value address = LLVM::AddressOfOp::create(b, task);
    LLVM::CallOp::create(b, runtimeFunction(symbols),
                         ValueRange{address, memory, range[0], range[1]});
    call.erase();
  }
};
} // namespace
