//===- Plain.cpp - Plain kernels for what has no kernel of its own --------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What no family writes a kernel for is computed as lib/SeqToLinalg defines it, in f32: each table of
// scalars (Tabulate.h) becomes a kernel in which a thread computes one point.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"
#include "Tabulate.h"

#include "dialects/seq/Seq.h"
#include "dialects/tile/Tile.h"
#include "longwing/Seq/Config.h"
#include "longwing/SeqToLinalg/Passes.h"
#include "longwing/SeqToTile/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"

namespace longwing {
#define GEN_PASS_DEF_SEQPLAINKERNELS
#include "longwing/SeqToTile/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

/// Writes the kernel of one table, and launches it in the table's place.
class PlainKernel {
public:
  PlainKernel(linalg::GenericOp table, SymbolTable &symbols) : table(table), symbols(symbols) {}
  LogicalResult lower();

private:
  LogicalResult findTensors();
  LogicalResult find(Value value);
  void write(KernelOp kernel);
  Value here(Value value);
  Value memoryOf(Value tensor) { return memory[llvm::find(tensors, tensor) - tensors.begin()]; }
  LaunchOp launch(KernelOp kernel);

  linalg::GenericOp table;
  SymbolTable &symbols;
  llvm::SetVector<Value> tensors; // that the kernel reads
  SmallVector<Value> memory;      // of them, then of the results, in the kernel
  std::optional<ImplicitLocOpBuilder> b;
  IRMapping mapping;
};

} // namespace

/// What a value from outside of the table needs of tensors.
LogicalResult PlainKernel::find(Value value) {
  if (isa<RankedTensorType>(value.getType()))
    return tensors.insert(value), success();
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() || !isMemoryEffectFree(op))
    return emitError(value.getLoc())
           << "cannot run on sm_90a: expected a scalar that follows from tensors and their sizes";
  for (Value operand : op->getOperands())
    if (failed(find(operand)))
      return failure();
  return success();
}

LogicalResult PlainKernel::findTensors() {
  WalkResult walk = table.getBody()->walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (!table.getRegion().isAncestor(operand.getParentRegion()) && failed(find(operand)))
        return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

/// A scalar from outside of the table, computed anew.
Value PlainKernel::here(Value value) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  Value made;
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    made = memref::DimOp::create(*b, memoryOf(dim.getSource()), here(dim.getIndex()));
  } else if (auto element = dyn_cast<tensor::ExtractOp>(op)) {
    auto indices = llvm::map_to_vector(element.getIndices(), [&](Value i) { return here(i); });
    made = memref::LoadOp::create(*b, memoryOf(element.getTensor()), indices);
  } else {
    for (Value operand : op->getOperands())
      here(operand);
    made = b->clone(*op, mapping)->getResult(cast<OpResult>(value).getResultNumber());
  }
  mapping.map(value, made);
  return made;
}

void PlainKernel::write(KernelOp kernel) {
  Block &body = kernel.getBody().front();
  b.emplace(ImplicitLocOpBuilder::atBlockEnd(table.getLoc(), &body));
  for (BlockArgument argument : body.getArguments())
    memory.push_back(ElementsOp::create(*b, elementsType(cast<ViewType>(argument.getType())), argument));
  ArrayRef<Value> results = ArrayRef(memory).drop_front(tensors.size());
  // The last dimension varies fastest.
  unsigned rank = table.getNumLoops();
  SmallVector<Value> sizes;
  for (unsigned dim = rank; dim-- > 0;)
    sizes.push_back(memref::DimOp::create(*b, results.front(), int64_t(dim)));
  table.getBody()->walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (!table.getRegion().isAncestor(operand.getParentRegion()) &&
          !isa<RankedTensorType>(operand.getType()))
        here(operand);
  });
  auto points = ForEachOp::create(*b, sizes);
  ReturnOp::create(*b);
  b->setInsertionPointToStart(&points.getBody().front());
  SmallVector<Value> position;
  for (unsigned dim = 0; dim < rank; ++dim)
    position.push_back(points.getBody().getArgument(rank - 1 - dim));
  SmallVector<Operation *> clones;
  for (Operation &op : table.getBody()->without_terminator())
    clones.push_back(b->clone(op, mapping));
  for (auto [value, result] : llvm::zip(table.getBody()->getTerminator()->getOperands(), results))
    memref::StoreOp::create(*b, mapping.lookupOrDefault(value), result, position);
  // Tensors become memory.
  SmallVector<Operation *> inner;
  points.walk([&](Operation *op) {
    if (isa<tensor::ExtractOp, tensor::DimOp, linalg::IndexOp>(op))
      inner.push_back(op);
  });
  for (Operation *op : inner) {
    b->setInsertionPoint(op);
    Value made;
    if (auto read = dyn_cast<tensor::ExtractOp>(op))
      made = memref::LoadOp::create(*b, memoryOf(read.getTensor()), read.getIndices());
    else if (auto dim = dyn_cast<tensor::DimOp>(op))
      made = memref::DimOp::create(*b, memoryOf(dim.getSource()), dim.getIndex());
    else
      made = position[cast<linalg::IndexOp>(op).getDim()];
    op->getResult(0).replaceAllUsesWith(made);
    op->erase();
  }
}

LaunchOp PlainKernel::launch(KernelOp kernel) {
  ImplicitLocOpBuilder host(table.getLoc(), table);
  SmallVector<Value> operands(tensors.getArrayRef()), work;
  llvm::append_range(operands, table.getDpsInits());
  Value result = table.getDpsInits().front();
  for (unsigned dim = table.getNumLoops(); dim-- > 0;)
    work.push_back(host.createOrFold<tensor::DimOp>(result, dim));
  return LaunchOp::create(host, table.getResultTypes(), kernel.getSymName(), operands, work);
}

LogicalResult PlainKernel::lower() {
  if (failed(findTensors()))
    return failure();
  MLIRContext *context = table.getContext();
  SmallVector<Type> types;
  auto add = [&](Value tensor) {
    auto type = cast<RankedTensorType>(tensor.getType());
    types.push_back(ViewType::get(context, type.getShape(), type.getElementType()));
  };
  llvm::for_each(tensors, add);
  llvm::for_each(table.getDpsInits(), add);
  auto schedule = ScheduleAttr::get(context, /*consumers=*/2, /*producerRegisters=*/0,
                                    /*consumerRegisters=*/232, /*persistent=*/false,
                                    /*overlap=*/false, /*spread=*/false);
  auto function = table->getParentOfType<func::FuncOp>();
  OpBuilder builder(context);
  auto kernel = KernelOp::create(builder, table.getLoc(), (function.getName() + "_plain").str(), types, schedule);
  for (unsigned i = tensors.size(); i < types.size(); ++i)
    kernel.setOutput(i);
  // Short programs wait for memory: several points at once have more loads in flight.
  bool loops = table.getBody()->walk([](scf::ForOp) { return WalkResult::interrupt(); }).wasInterrupted();
  kernel->setAttr(kPointsAttr, builder.getI64IntegerAttr(loops ? 1 : 4));
  explain(kernel, "plain: a thread for each element", cast<StringAttr>(table->getAttr(kPlainAttr)).getValue());
  symbols.insert(kernel);
  write(kernel);
  table->replaceAllUsesWith(launch(kernel).getResults());
  table.erase();
  return success();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// A scalar argument is met in a tensor of rank 0: a package knows tensors only.
static void wrapScalars(func::FuncOp func) {
  Block &body = func.getBody().front();
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  SmallVector<Type> types;
  for (BlockArgument argument : body.getArguments()) {
    Type type = argument.getType();
    if (type.isIntOrFloat()) {
      argument.setType(RankedTensorType::get({}, type));
      auto read = tensor::ExtractOp::create(b, argument.getLoc(), argument, ValueRange());
      argument.replaceAllUsesExcept(read, read);
    }
    types.push_back(argument.getType());
  }
  func.setFunctionType(FunctionType::get(func.getContext(), types, func.getResultTypes()));
}

/// Replaces the operations that are to have plain kernels by their loops, which keep saying why.
static void lowerMarked(func::FuncOp func) {
  SmallVector<Operation *> marked;
  func.walk([&](Operation *op) {
    if (isa_and_nonnull<seq::SeqDialect>(op->getDialect()) && op->hasAttr(kPlainAttr))
      marked.push_back(op);
  });
  for (Operation *op : marked) {
    Attribute why = op->getAttr(kPlainAttr);
    Operation *before = op->getPrevNode(), *behind = op->getNextNode();
    Block *block = op->getBlock();
    lowerToLoops(op);
    for (Operation *made = before ? before->getNextNode() : &block->front(); made != behind;
         made = made->getNextNode())
      if (isa<linalg::LinalgOp, scf::ForallOp>(made))
        made->setAttr(kPlainAttr, why);
  }
}

namespace {
struct SeqPlainKernels : longwing::impl::SeqPlainKernelsBase<SeqPlainKernels> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto func : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (func.isExternal() || !func.getBody().hasOneBlock())
        continue;
      wrapScalars(func);
      lowerMarked(func);
      if (failed(tabulate(func)))
        return signalPassFailure();
      fuseTables(func);
      SmallVector<linalg::GenericOp> tables(func.getBody().front().getOps<linalg::GenericOp>());
      for (linalg::GenericOp table : tables)
        if (failed(PlainKernel(table, symbols).lower()))
          return signalPassFailure();
    }
  }
};
} // namespace
