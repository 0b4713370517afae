//===- Points.cpp - Kernels of one thread a point -------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Points.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

namespace {

class PointsEmitter {
public:
  PointsEmitter(KernelOp kernel, Block *moduleBody)
      : kernel(kernel), b(ImplicitLocOpBuilder::atBlockEnd(kernel.getLoc(), moduleBody)),
        converter(kernel.getContext()) {}
  LogicalResult emit();

private:
  LLVM::LLVMFuncOp createFunction();
  void describe(BlockArgument view, ValueRange parameters);
  void emitWork(ForEachOp work);
  void emitPoint(ForEachOp work, Value point, ValueRange sizes, Value fits);
  SmallVector<Value> position(Value point, ValueRange sizes, Value fits);
  Value divide(Value &rest, Value size, Value fits);
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  Value widen(Value value) {
    return arith::IndexCastUIOp::create(b, b.getIndexType(), value);
  }

  KernelOp kernel;
  ImplicitLocOpBuilder b;
  LLVMTypeConverter converter;
  IRMapping mapping;
};

} // namespace

/// Each view becomes a pointer, sizes and strides. What is written is not read through another
/// pointer.
LLVM::LLVMFuncOp PointsEmitter::createFunction() {
  SmallVector<Type> inputs;
  SmallVector<DictionaryAttr> attributes;
  for (auto [i, type] : llvm::enumerate(kernel.getArgumentTypes())) {
    SmallVector<NamedAttribute> attrs = {b.getNamedAttr("llvm.noalias", b.getUnitAttr())};
    if (!kernel.isOutput(i))
      attrs.push_back(b.getNamedAttr("llvm.readonly", b.getUnitAttr()));
    inputs.push_back(LLVM::LLVMPointerType::get(b.getContext(), unsigned(NVVM::NVVMMemorySpace::Global)));
    attributes.push_back(b.getDictionaryAttr(attrs));
    size_t numbers = 2 * cast<ViewType>(type).getShape().size();
    inputs.append(numbers, b.getI64Type());
    attributes.append(numbers, b.getDictionaryAttr({}));
  }
  int32_t threads = kernel.getSchedule().getThreads();
  SmallVector<NamedAttribute> attrs = {
      b.getNamedAttr("nvvm.kernel", b.getUnitAttr()),
      b.getNamedAttr("nvvm.reqntid", b.getDenseI32ArrayAttr({threads, 1, 1})),
  };
  // Left to itself ptxas spills a few bytes rather than take more registers than let twice as many threads run.
  attrs.push_back(b.getNamedAttr("nvvm.maxnreg", b.getI32IntegerAttr(int32_t(kernel.getSchedule().getConsumerRegisters()))));
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), inputs);
  return LLVM::LLVMFuncOp::create(b, kernel.getSymName(), type, LLVM::Linkage::External,
                                  /*dsoLocal=*/false, LLVM::CConv::C, nullptr, attrs, attributes);
}

/// The memory of a view, from the parameters that stand for it.
void PointsEmitter::describe(BlockArgument view, ValueRange parameters) {
  auto type = elementsType(cast<ViewType>(view.getType()));
  unsigned rank = type.getRank();
  Value pointer = LLVM::AddrSpaceCastOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), parameters[0]);
  auto descriptor = MemRefDescriptor::poison(b, b.getLoc(), converter.convertType(type));
  descriptor.setAllocatedPtr(b, b.getLoc(), pointer);
  descriptor.setAlignedPtr(b, b.getLoc(), pointer);
  descriptor.setConstantOffset(b, b.getLoc(), 0);
  for (unsigned dim = 0; dim < rank; ++dim) {
    descriptor.setSize(b, b.getLoc(), dim, parameters[1 + dim]);
    descriptor.setStride(b, b.getLoc(), dim, parameters[1 + rank + dim]);
  }
  Value memory = UnrealizedConversionCastOp::create(b, type, Value(descriptor)).getResult(0);
  for (Operation *user : view.getUsers())
    mapping.map(cast<ElementsOp>(user).getMemory(), memory);
}

/// The remainder by a size; `rest` becomes the quotient. Division takes 32 bits where all points do.
Value PointsEmitter::divide(Value &rest, Value size, Value fits) {
  if (getConstantIntValue(size)) {
    Value remainder = arith::RemUIOp::create(b, rest, size);
    rest = arith::DivUIOp::create(b, rest, size);
    return remainder;
  }
  auto narrow = [&](Value value) -> Value {
    return arith::IndexCastUIOp::create(b, b.getI32Type(), value);
  };
  auto branch = scf::IfOp::create(b, TypeRange{b.getIndexType(), b.getIndexType()}, fits, /*withElse=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value x = narrow(rest), y = narrow(size);
    Value quotient = arith::DivUIOp::create(b, x, y), remainder = arith::RemUIOp::create(b, x, y);
    scf::YieldOp::create(b, ValueRange{widen(quotient), widen(remainder)});
    b.setInsertionPointToStart(branch.elseBlock());
    Value quotient64 = arith::DivUIOp::create(b, rest, size);
    Value remainder64 = arith::RemUIOp::create(b, rest, size);
    scf::YieldOp::create(b, ValueRange{quotient64, remainder64});
  }
  rest = branch.getResult(0);
  return branch.getResult(1);
}

/// The coordinates of a point, the first varying fastest.
SmallVector<Value> PointsEmitter::position(Value point, ValueRange sizes, Value fits) {
  SmallVector<Value> coordinates;
  for (Value size : sizes.drop_back())
    coordinates.push_back(divide(point, size, fits));
  coordinates.push_back(point);
  return coordinates;
}

void PointsEmitter::emitWork(ForEachOp work) {
  auto sizes = llvm::map_to_vector(work.getSizes(), [&](Value size) { return mapping.lookup(size); });
  Value total = index(1);
  for (Value size : sizes)
    total = arith::MulIOp::create(b, total, size);
  Value fits = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, total, index(int64_t(1) << 32));
  Type i32 = b.getI32Type();
  Value threads = index(kernel.getSchedule().getThreads());
  Value block = widen(NVVM::BlockIdXOp::create(b, i32)), blocks = widen(NVVM::GridDimXOp::create(b, i32));
  Value first = arith::AddIOp::create(b, arith::MulIOp::create(b, block, threads),
                                      widen(NVVM::ThreadIdXOp::create(b, i32)));
  Value step = arith::MulIOp::create(b, blocks, threads);
  // A thread's points are a grid apart, so that neighbours read neighbouring elements.
  int64_t several = kernel->getAttrOfType<IntegerAttr>(kPointsAttr).getInt();
  SmallVector<Value> offsets;
  for (int64_t i = 0; i < several; ++i)
    offsets.push_back(arith::MulIOp::create(b, step, index(i)));
  Value stride = arith::MulIOp::create(b, step, index(several));
  auto loop = scf::ForOp::create(b, first, total, stride);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> points;
  for (Value offset : offsets)
    points.push_back(arith::AddIOp::create(b, loop.getInductionVar(), offset));
  if (several == 1)
    return emitPoint(work, points[0], sizes, fits);
  Value all = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, points.back(), total);
  auto whole = scf::IfOp::create(b, all, /*withElse=*/true);
  b.setInsertionPointToStart(whole.thenBlock());
  for (Value point : points)
    emitPoint(work, point, sizes, fits);
  b.setInsertionPointToStart(whole.elseBlock());
  auto rest = scf::ForOp::create(b, loop.getInductionVar(), total, step);
  b.setInsertionPointToStart(rest.getBody());
  emitPoint(work, rest.getInductionVar(), sizes, fits);
}

void PointsEmitter::emitPoint(ForEachOp work, Value point, ValueRange sizes, Value fits) {
  SmallVector<Value> coordinates;
  if (!sizes.empty())
    coordinates = position(point, sizes, fits);
  IRMapping inner = mapping;
  inner.map(work.getBody().getArguments(), coordinates);
  for (Operation &op : work.getBody().front().without_terminator())
    b.clone(op, inner);
}

LogicalResult PointsEmitter::emit() {
  LLVM::LLVMFuncOp function = createFunction();
  Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  ValueRange parameters = entry->getArguments();
  for (BlockArgument view : kernel.getBody().getArguments()) {
    size_t count = 1 + 2 * cast<ViewType>(view.getType()).getShape().size();
    describe(view, parameters.take_front(count));
    parameters = parameters.drop_front(count);
  }
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (auto work = dyn_cast<ForEachOp>(op))
      emitWork(work);
    else if (!isa<ElementsOp>(op))
      b.clone(op, mapping);
  }
  LLVM::ReturnOp::create(b, ValueRange());
  return success();
}

LogicalResult longwing::emitPoints(KernelOp kernel, Block *moduleBody) {
  return PointsEmitter(kernel, moduleBody).emit();
}
