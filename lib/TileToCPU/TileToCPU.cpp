//===- TileToCPU.cpp - Tile programs on the CPU ---------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/TileToCPU/Passes.h"

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace longwing {
#define GEN_PASS_DEF_TILETOCPU
#include "longwing/TileToCPU/Passes.h.inc"
} // namespace longwing

using namespace mlir;
using namespace longwing::tile;

/// A tensor that is copied in boxes: its rows are contiguous.
static MemRefType boxedMemory(ArrayRef<int64_t> shape, Type element) {
  SmallVector<int64_t> strides(shape.size(), ShapedType::kDynamic);
  strides.back() = 1;
  return MemRefType::get(
      shape, element, StridedLayoutAttr::get(element.getContext(), ShapedType::kDynamic, strides));
}

CPUTypeConverter::CPUTypeConverter() {
  addConversion([](Type type) { return type; });
  addConversion([](RankedTensorType type) {
    bool tile = type.getEncoding() && isa<TileDialect>(type.getEncoding().getDialect());
    return tile ? RankedTensorType::get(type.getShape(), type.getElementType()) : type;
  });
  addConversion([](DescType type) {
    SmallVector<int64_t> shape(type.getTensorRank(), ShapedType::kDynamic);
    return boxedMemory(shape, type.getElementType());
  });
  addConversion([](SmemType type) {
    return MemRefType::get(type.getShape(), type.getElementType());
  });
  addConversion([](ViewType type) { return elementsType(type); });
}

namespace {

struct TileToCPU : longwing::impl::TileToCPUBase<TileToCPU> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<Operation *> kernels;
    module.walk([&](KernelOp kernel) { kernels.push_back(kernel); });
    if (failed(checkSequential(kernels)))
      return signalPassFailure();
    SmallVector<std::pair<Operation *, StringAttr>> names;
    for (Operation *kernel : kernels)
      names.emplace_back(kernel->getParentOp(), cast<KernelOp>(kernel).getSymNameAttr());
    if (failed(convert()))
      return signalPassFailure();
    for (auto [table, name] : names)
      if (failed(finish(SymbolTable::lookupSymbolIn(table, name))))
        return signalPassFailure();
  }

  static LogicalResult checkSequential(ArrayRef<Operation *> kernels) {
    for (Operation *kernel : kernels) {
      WalkResult result = kernel->walk([](Operation *op) {
        auto alloc = dyn_cast<AllocOp>(op);
        if (alloc && isa<SmemType>(alloc.getMemory().getType()))
          return WalkResult::advance();
        if (!isa<WarpSpecializeOp, LeadOp, AllocOp, ProduceOp, ConsumeOp, ReleaseOp, WarpgroupOp>(op))
          return WalkResult::advance();
        op->emitOpError()
            << "belongs to the specialised form; expected a kernel in sequential form";
        return WalkResult::interrupt();
      });
      if (result.wasInterrupted())
        return failure();
    }
    return success();
  }

  Callees findCallees(const CPUTypeConverter &converter) {
    Callees callees;
    SymbolTableCollection symbols;
    getOperation().walk([&](LaunchOp launch) {
      auto kernel = symbols.lookupNearestSymbolFrom<KernelOp>(launch, launch.getKernelAttr());
      Callee &callee = callees[launch];
      callee.outputs.resize(kernel.getNumArguments());
      for (auto [i, type] : llvm::enumerate(kernel.getArgumentTypes())) {
        callee.arguments.push_back(cast<MemRefType>(converter.convertType(type)));
        callee.outputs[i] = kernel.isOutput(i);
        callee.unfolds.push_back(kernel.getArgAttrOfType<DenseI64ArrayAttr>(i, kUnfoldAttr));
        callee.aliases.push_back(kernel.getArgAttrOfType<IntegerAttr>(i, kAliasAttr));
        callee.flattens.push_back(static_cast<bool>(kernel.getArgAttr(i, kFlattenAttr)));
      }
    });
    return callees;
  }

  LogicalResult convert() {
    CPUTypeConverter converter;
    Callees callees = findCallees(converter);
    RewritePatternSet patterns(&getContext());
    populateStructurePatterns(converter, callees, patterns);
    populateMemoryPatterns(converter, patterns);
    populateComputePatterns(converter, patterns);
    populateRunPatterns(converter, patterns);
    populateRecurrencePatterns(converter, patterns);
    populateChannelPatterns(converter, patterns);
    populateWarpPatterns(converter, patterns);
    populateInPlacePatterns(converter, patterns);
    ConversionTarget target(getContext());
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns, target);
    target.addIllegalDialect<TileDialect>();
    target.markUnknownOpDynamicallyLegal([&](Operation *op) { return converter.isLegal(op); });
    return applyPartialConversion(getOperation(), target, std::move(patterns));
  }

  /// Arithmetic on whole tensors becomes linalg; what is left of the schedule goes.
  LogicalResult finish(Operation *function) {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseToLinalgConversionPatterns(patterns);
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *op) {
      return !OpTrait::hasElementwiseMappableTraits(op) ||
             llvm::none_of(op->getOperandTypes(), llvm::IsaPred<RankedTensorType>);
    });
    function->walk([](Operation *op) {
      for (NamedAttribute attr : llvm::to_vector(op->getDiscardableAttrs()))
        if (isa_and_nonnull<TileDialect>(attr.getNameDialect()))
          op->removeDiscardableAttr(attr.getName());
    });
    return applyPartialConversion(function, target, std::move(patterns));
  }
};

} // namespace
