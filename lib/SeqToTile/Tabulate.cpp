//===- Tabulate.cpp - Tensors as tables of scalars ------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tabulate.h"

#include "dialects/tile/Tile.h"
#include "longwing/Seq/Config.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace longwing;

bool longwing::isTable(Operation *op) {
  auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
  return generic && generic.getNumDpsInputs() == 0 && generic.getNumReductionLoops() == 0 &&
         llvm::all_of(generic.getIndexingMapsArray(), [](AffineMap map) { return map.isIdentity(); }) &&
         llvm::all_of(generic.getDpsInits(), [](Value init) {
           return init.getDefiningOp<tensor::EmptyOp>() != nullptr;
         });
}

//===----------------------------------------------------------------------===//
// Writing tables
//===----------------------------------------------------------------------===//

namespace {

using Values = SmallVector<Value>;

/// Writes the table of one operation before it, and replaces the operation.
class TableBuilder : public ImplicitLocOpBuilder {
public:
  explicit TableBuilder(Operation *op) : ImplicitLocOpBuilder(op->getLoc(), op), op(op) {}

  /// What a table may hold: the body gets the indices and gives a scalar for each result.
  using Body = llvm::function_ref<Values(ValueRange indices)>;
  Values table(ArrayRef<OpFoldResult> sizes, ArrayRef<RankedTensorType> types, StringRef why,
               Body body);
  void replace(ArrayRef<OpFoldResult> sizes, Body body);

  LogicalResult write(linalg::LinalgOp linalg);
  LogicalResult write(scf::ForallOp forall);
  LogicalResult write(tensor::SplatOp splat);
  LogicalResult write(tensor::InsertSliceOp insert);
  LogicalResult write(tensor::CollapseShapeOp collapse);
  LogicalResult write(tensor::ExpandShapeOp expand);
  LogicalResult writeElementwise();
  Value copy(Value tensor);

private:
  Value index(OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(*this, getLoc(), value);
  }
  Value index(int64_t value) { return arith::ConstantIndexOp::create(*this, value); }
  Value at(Value tensor, ValueRange indices) {
    return tensor::ExtractOp::create(*this, tensor, indices);
  }
  Values reduce(linalg::LinalgOp linalg, Values dims, Values sums, ArrayRef<unsigned> loops,
                ArrayRef<Range> ranges);
  Values evaluate(linalg::LinalgOp linalg, ValueRange dims, ValueRange sums);
  std::string why();

  Operation *op;
};

} // namespace

std::string TableBuilder::why() {
  if (auto text = op->getAttrOfType<StringAttr>(kPlainAttr))
    return text.str();
  return "'" + op->getName().getStringRef().str() + "' between kernels";
}

Values TableBuilder::table(ArrayRef<OpFoldResult> sizes, ArrayRef<RankedTensorType> types,
                           StringRef why, Body body) {
  Values inits;
  for (RankedTensorType type : types) {
    Values dynamic;
    for (auto [dim, size] : llvm::enumerate(sizes))
      if (type.isDynamicDim(dim))
        dynamic.push_back(index(size));
    inits.push_back(tensor::EmptyOp::create(*this, type, dynamic));
  }
  SmallVector<AffineMap> maps(types.size(), getMultiDimIdentityMap(sizes.size()));
  SmallVector<utils::IteratorType> iterators(sizes.size(), utils::IteratorType::parallel);
  auto build = [&](OpBuilder &inner, Location, ValueRange) {
    OpBuilder::InsertionGuard guard(*this);
    setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
    Values indices;
    for (unsigned dim = 0; dim < sizes.size(); ++dim)
      indices.push_back(linalg::IndexOp::create(*this, dim));
    linalg::YieldOp::create(*this, body(indices));
  };
  auto generic =
      linalg::GenericOp::create(*this, TypeRange(ValueRange(inits)), ValueRange(), inits, maps, iterators, build);
  generic->setAttr(kPlainAttr, getStringAttr(why));
  return Values(generic.getResults());
}

void TableBuilder::replace(ArrayRef<OpFoldResult> sizes, Body body) {
  auto types = llvm::map_to_vector(op->getResultTypes(),
                                   [](Type type) { return cast<RankedTensorType>(type); });
  op->replaceAllUsesWith(table(sizes, types, why(), body));
  op->erase();
}

/// The body of a structured operation at one point of its loops, given what the outputs hold.
Values TableBuilder::evaluate(linalg::LinalgOp linalg, ValueRange dims, ValueRange sums) {
  IRMapping mapping;
  for (OpOperand *input : linalg.getDpsInputOperands()) {
    Value value = input->get();
    if (isa<RankedTensorType>(value.getType())) {
      Values indices;
      for (AffineExpr expr : linalg.getMatchingIndexingMap(input).getResults())
        indices.push_back(affine::expandAffineExpr(*this, getLoc(), expr, dims, {}));
      if (linalg.payloadUsesValueFromOperand(input))
        value = at(value, indices);
    }
    mapping.map(linalg.getMatchingBlockArgument(input), value);
  }
  for (auto [init, sum] : llvm::zip(linalg.getDpsInitsMutable(), sums))
    mapping.map(linalg.getMatchingBlockArgument(&init), sum);
  linalg.getBlock()->walk([&](linalg::IndexOp position) {
    mapping.map(position.getResult(), dims[position.getDim()]);
  });
  for (Operation &inner : linalg.getBlock()->without_terminator())
    if (!isa<linalg::IndexOp>(inner))
      clone(inner, mapping);
  return llvm::map_to_vector(linalg.getBlock()->getTerminator()->getOperands(),
                             [&](Value value) { return mapping.lookupOrDefault(value); });
}

/// Sums over the loops that are left.
Values TableBuilder::reduce(linalg::LinalgOp linalg, Values dims, Values sums,
                            ArrayRef<unsigned> loops, ArrayRef<Range> ranges) {
  if (loops.empty())
    return evaluate(linalg, dims, sums);
  auto loop = scf::ForOp::create(*this, index(0), index(ranges[loops.front()].size), index(1), sums);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  dims[loops.front()] = loop.getInductionVar();
  scf::YieldOp::create(*this, reduce(linalg, dims, Values(loop.getRegionIterArgs()),
                                     loops.drop_front(), ranges));
  return Values(loop.getResults());
}

LogicalResult TableBuilder::write(linalg::LinalgOp linalg) {
  SmallVector<AffineMap> maps;
  for (OpOperand &init : linalg.getDpsInitsMutable())
    maps.push_back(linalg.getMatchingIndexingMap(&init));
  unsigned parallels = linalg.getNumParallelLoops();
  if (maps.empty() || !llvm::all_equal(maps) || !maps.front().isProjectedPermutation() ||
      maps.front().getNumResults() != parallels)
    return op->emitOpError() << "cannot run on sm_90a: expected one element for each point of the "
                                "parallel loops";
  SmallVector<Range> ranges = linalg.createLoopRanges(*this, getLoc());
  SmallVector<unsigned> reductions;
  linalg.getReductionDims(reductions);
  SmallVector<OpFoldResult> sizes;
  for (AffineExpr expr : maps.front().getResults())
    sizes.push_back(ranges[cast<AffineDimExpr>(expr).getPosition()].size);
  replace(sizes, [&](ValueRange indices) {
    Values dims(linalg.getNumLoops()), sums;
    for (auto [expr, position] : llvm::zip(maps.front().getResults(), indices))
      dims[cast<AffineDimExpr>(expr).getPosition()] = position;
    for (OpOperand &init : linalg.getDpsInitsMutable())
      sums.push_back(linalg.payloadUsesValueFromOperand(&init) ? at(init.get(), indices) : Value());
    // What is not read may be anything.
    for (auto [sum, init] : llvm::zip(sums, linalg.getDpsInits()))
      if (!sum)
        sum = arith::ConstantOp::create(*this, getZeroAttr(getElementTypeOrSelf(init.getType())));
    return reduce(linalg, dims, sums, reductions, ranges);
  });
  return success();
}

/// The table that a loop inserts at its indices, or null. It then fills the dimensions that follow.
static linalg::GenericOp insertedTable(scf::ForallOp forall, tensor::ParallelInsertSliceOp insert) {
  Value source = insert.getSource();
  if (auto cast = source.getDefiningOp<tensor::CastOp>())
    source = cast.getSource();
  auto table = source.getDefiningOp<linalg::GenericOp>();
  if (!isTable(table) || table->getNumResults() != 1)
    return nullptr;
  auto indices = forall.getInductionVars();
  auto offsets = insert.getMixedOffsets();
  bool fits = offsets.size() == indices.size() + table.getNumLoops();
  for (unsigned dim = 0; fits && dim < offsets.size(); ++dim)
    fits = dim < indices.size() ? offsets[dim] == OpFoldResult(indices[dim]) : isConstantIntValue(offsets[dim], 0);
  return fits ? table : nullptr;
}

/// A loop whose iterations are tables of one tensor each is a table of more dimensions.
LogicalResult TableBuilder::write(scf::ForallOp forall) {
  SmallVector<linalg::GenericOp> tables;
  for (Operation &yielded : forall.getTerminator().getYieldingOps())
    tables.push_back(insertedTable(forall, cast<tensor::ParallelInsertSliceOp>(yielded)));
  bool isTable = tables.size() == 1 && tables.front() && forall.isNormalized();
  for (Operation &inner : *forall.getBody())
    isTable = isTable && (isa<scf::InParallelOp, tensor::EmptyOp, tensor::CastOp>(inner) ||
                          tables.front() == &inner || isMemoryEffectFree(&inner));
  if (!isTable)
    return op->emitOpError() << "cannot run on sm_90a: expected scalars that are computed one by one";
  linalg::GenericOp table = tables.front();
  replace(tensor::getMixedSizes(*this, getLoc(), forall.getOutputs().front()), [&](ValueRange indices) {
    IRMapping mapping;
    unsigned outer = forall.getRank();
    mapping.map(forall.getInductionVars(), indices.take_front(outer));
    mapping.map(forall.getRegionIterArgs(), forall.getOutputs()); // for their sizes
    table.getBody()->walk([&](linalg::IndexOp position) {
      mapping.map(position.getResult(), indices[outer + position.getDim()]);
    });
    auto copy = [&](Block &block) {
      for (Operation &inner : block.without_terminator())
        if (!isa<tensor::EmptyOp, tensor::CastOp, linalg::IndexOp, linalg::GenericOp>(inner))
          clone(inner, mapping);
    };
    copy(*forall.getBody());
    copy(*table.getBody());
    return Values{mapping.lookupOrDefault(table.getBody()->getTerminator()->getOperand(0))};
  });
  return success();
}

LogicalResult TableBuilder::write(tensor::SplatOp splat) {
  auto type = splat.getType();
  replace(getMixedValues(type.getShape(), splat.getDynamicSizes(), *this),
          [&](ValueRange) { return Values{splat.getInput()}; });
  return success();
}

/// Whether a kernel has written this slice where it stands, so that nothing is left to copy.
static bool isWrittenInPlace(tensor::InsertSliceOp insert) {
  auto launch = insert.getSource().getDefiningOp<tile::LaunchOp>();
  if (!launch)
    return false;
  auto kernel = SymbolTable::lookupNearestSymbolFrom<tile::KernelOp>(launch, launch.getKernelAttr());
  for (auto [i, operand] : llvm::enumerate(launch.getOperands_())) {
    auto slice = operand.getDefiningOp<tensor::ExtractSliceOp>();
    if (slice && kernel.isOutput(i) && slice.getSource() == insert.getDest() &&
        slice.getMixedOffsets() == insert.getMixedOffsets() && slice.getMixedSizes() == insert.getMixedSizes() &&
        slice.getMixedStrides() == insert.getMixedStrides())
      return true;
  }
  return false;
}

LogicalResult TableBuilder::write(tensor::InsertSliceOp insert) {
  if (isWrittenInPlace(insert))
    return success();
  auto offsets = insert.getMixedOffsets(), sizes = insert.getMixedSizes();
  if (!insert.hasUnitStride())
    return op->emitOpError() << "cannot run on sm_90a: expected unit strides";
  llvm::SmallBitVector dropped = insert.getDroppedDims();
  replace(tensor::getMixedSizes(*this, getLoc(), insert.getDest()), [&](ValueRange indices) {
    Value inside = arith::ConstantOp::create(*this, getBoolAttr(true));
    Values from;
    for (unsigned dim = 0; dim < indices.size(); ++dim) {
      // As unsigned numbers, positions before the slice are too large.
      Value position = arith::SubIOp::create(*this, indices[dim], index(offsets[dim]));
      Value within = arith::CmpIOp::create(*this, arith::CmpIPredicate::ult, position, index(sizes[dim]));
      inside = arith::AndIOp::create(*this, inside, within);
      if (!dropped.test(dim))
        from.push_back(position);
    }
    auto branch = scf::IfOp::create(
        *this, inside,
        [&](OpBuilder &b, Location loc) {
          scf::YieldOp::create(b, loc, ValueRange{tensor::ExtractOp::create(b, loc, insert.getSource(), from)});
        },
        [&](OpBuilder &b, Location loc) {
          scf::YieldOp::create(b, loc, ValueRange{tensor::ExtractOp::create(b, loc, insert.getDest(), indices)});
        });
    return Values(branch.getResults());
  });
  return success();
}

LogicalResult TableBuilder::write(tensor::CollapseShapeOp collapse) {
  auto from = tensor::getMixedSizes(*this, getLoc(), collapse.getSrc());
  auto groups = collapse.getReassociationIndices();
  SmallVector<OpFoldResult> sizes;
  for (auto [dim, group] : llvm::enumerate(groups)) {
    Value size = index(1);
    for (int64_t part : group)
      size = createOrFold<arith::MulIOp>(size, index(from[part]));
    sizes.push_back(getAsOpFoldResult(size));
  }
  replace(sizes, [&](ValueRange indices) {
    Values source(from.size());
    for (auto [position, group] : llvm::zip(indices, groups)) {
      Value rest = position;
      for (int64_t part : llvm::reverse(group)) {
        bool first = part == group.front();
        source[part] = first ? rest : arith::RemUIOp::create(*this, rest, index(from[part]));
        if (!first)
          rest = arith::DivUIOp::create(*this, rest, index(from[part]));
      }
    }
    return Values{at(collapse.getSrc(), source)};
  });
  return success();
}

LogicalResult TableBuilder::write(tensor::ExpandShapeOp expand) {
  auto groups = expand.getReassociationIndices();
  auto sizes = expand.getMixedOutputShape();
  replace(sizes, [&](ValueRange indices) {
    Values source;
    for (ArrayRef<int64_t> group : groups) {
      Value position = index(0);
      for (int64_t part : group)
        position = arith::AddIOp::create(
            *this, arith::MulIOp::create(*this, position, index(sizes[part])), indices[part]);
      source.push_back(position);
    }
    return Values{at(expand.getSrc(), source)};
  });
  return success();
}

LogicalResult TableBuilder::writeElementwise() {
  Value shaped = *llvm::find_if(op->getOperands(), [](Value operand) {
    return isa<RankedTensorType>(operand.getType());
  });
  replace(tensor::getMixedSizes(*this, getLoc(), shaped), [&](ValueRange indices) {
    Values operands;
    for (Value operand : op->getOperands())
      operands.push_back(isa<RankedTensorType>(operand.getType()) ? at(operand, indices) : operand);
    auto types = llvm::map_to_vector(op->getResultTypes(), [](Type t) { return getElementTypeOrSelf(t); });
    OperationState state(getLoc(), op->getName(), operands, types, op->getAttrs());
    return Values(create(state)->getResults());
  });
  return success();
}

Value TableBuilder::copy(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return table(tensor::getMixedSizes(*this, getLoc(), tensor), type, "a result that no kernel writes",
               [&](ValueRange indices) { return Values{at(tensor, indices)}; })[0];
}

static bool isElementwise(Operation *op) {
  return OpTrait::hasElementwiseMappableTraits(op) &&
         llvm::any_of(op->getOperandTypes(), llvm::IsaPred<RankedTensorType>);
}

/// Kernels write each result, another tensor for each.
static void copyResults(func::FuncOp func) {
  auto returned = cast<func::ReturnOp>(func.getBody().front().getTerminator());
  llvm::SmallDenseSet<Value> seen;
  for (OpOperand &operand : returned->getOpOperands()) {
    Value value = operand.get(), source = value;
    if (!isa<RankedTensorType>(value.getType()))
      continue;
    while (auto cast = source.getDefiningOp<tensor::CastOp>())
      source = cast.getSource();
    auto insert = source.getDefiningOp<tensor::InsertSliceOp>();
    bool written = isTable(source.getDefiningOp()) || source.getDefiningOp<tile::LaunchOp>() ||
                   (insert && isWrittenInPlace(insert));
    if (!written || !seen.insert(source).second)
      operand.set(TableBuilder(returned).copy(value));
  }
}

LogicalResult longwing::tabulate(func::FuncOp func) {
  for (Operation &op : llvm::make_early_inc_range(func.getBody().front())) {
    if (isTable(&op))
      continue;
    TableBuilder b(&op);
    LogicalResult written =
        llvm::TypeSwitch<Operation *, LogicalResult>(&op)
            .Case<linalg::LinalgOp, scf::ForallOp, tensor::SplatOp, tensor::InsertSliceOp, tensor::CollapseShapeOp,
                  tensor::ExpandShapeOp>([&](auto op) { return b.write(op); })
            .Default([&](Operation *op) { return isElementwise(op) ? b.writeElementwise() : success(); });
    if (failed(written))
      return failure();
  }
  copyResults(func);
  return success();
}

//===----------------------------------------------------------------------===//
// Fusing tables
//===----------------------------------------------------------------------===//

/// Whether a table's elements cost no more than their way through memory.
static bool isCheap(linalg::GenericOp table) {
  int64_t operations = 0;
  WalkResult walk = table.getBody()->walk([&](Operation *op) {
    ++operations;
    bool costly = isa_and_nonnull<math::MathDialect>(op->getDialect()) || isa<scf::ForOp, arith::DivFOp>(op);
    return costly ? WalkResult::interrupt() : WalkResult::advance();
  });
  return !walk.wasInterrupted() && operations < 64;
}

/// Whether a read can compute the element instead.
static bool canFuse(linalg::GenericOp table, tensor::ExtractOp read) {
  auto reader = read->getParentOfType<linalg::GenericOp>();
  if (!reader || !isTable(reader) || reader == table)
    return false;
  if (isCheap(table))
    return true;
  // Once for each element, and not again in a loop.
  bool once = llvm::all_of(table->getResults(), [&](Value result) {
    return result.use_empty() || (result == read.getTensor() && result.hasOneUse());
  });
  return once && reader.getNumLoops() <= table.getNumLoops() && !read->getParentOfType<scf::ForOp>();
}

/// The source of a read through a view.
static bool readThrough(tensor::ExtractOp read) {
  ImplicitLocOpBuilder b(read.getLoc(), read);
  if (auto cast = read.getTensor().getDefiningOp<tensor::CastOp>()) {
    read.getTensorMutable().assign(cast.getSource());
    return true;
  }
  auto slice = read.getTensor().getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice)
    return false;
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  Values indices;
  auto position = read.getIndices().begin();
  for (unsigned dim = 0; dim < dropped.size(); ++dim) {
    auto value = [&](OpFoldResult size) { return getValueOrCreateConstantIndexOp(b, b.getLoc(), size); };
    Value offset = value(slice.getMixedOffsets()[dim]);
    if (!dropped.test(dim)) {
      Value step = arith::MulIOp::create(b, *position++, value(slice.getMixedStrides()[dim]));
      offset = arith::AddIOp::create(b, offset, step);
    }
    indices.push_back(offset);
  }
  read.replaceAllUsesWith(tensor::ExtractOp::create(b, slice.getSource(), indices).getResult());
  read.erase();
  return true;
}

static bool fuse(tensor::ExtractOp read) {
  if (!read->getParentOfType<linalg::GenericOp>())
    return false;
  if (readThrough(read))
    return true;
  auto table = read.getTensor().getDefiningOp<linalg::GenericOp>();
  if (!isTable(table) || !canFuse(table, read))
    return false;
  OpBuilder b(read);
  IRMapping mapping;
  auto reader = read->getParentOfType<linalg::GenericOp>();
  for (Operation &op : table.getBody()->without_terminator()) {
    if (auto position = dyn_cast<linalg::IndexOp>(op))
      mapping.map(position.getResult(), read.getIndices()[position.getDim()]);
    else
      b.clone(op, mapping);
  }
  unsigned number = cast<OpResult>(read.getTensor()).getResultNumber();
  Value yielded = table.getBody()->getTerminator()->getOperand(number);
  read.replaceAllUsesWith(mapping.lookupOrDefault(yielded));
  read.erase();
  // What is fused is still told of.
  llvm::SetVector<StringRef> reasons;
  for (linalg::GenericOp told : {table, reader})
    for (StringRef reason : llvm::split(told->getAttrOfType<StringAttr>(kPlainAttr).getValue(), "; "))
      reasons.insert(reason);
  reader->setAttr(kPlainAttr, b.getStringAttr(llvm::join(reasons, "; ")));
  return true;
}

/// Erases what nobody reads.
static void eraseDead(func::FuncOp func) {
  SmallVector<Operation *> dead;
  do {
    dead.clear();
    func.walk([&](Operation *op) {
      if (isOpTriviallyDead(op))
        dead.push_back(op);
      return WalkResult::advance();
    });
    for (Operation *op : dead)
      op->erase();
  } while (!dead.empty());
}

/// Sizes of tables are those that they were given, so that none is kept for them.
static void foldSizes(func::FuncOp func) {
  func.walk([](tensor::DimOp dim) {
    OpBuilder b(dim);
    Value source = dim.getSource();
    while (auto cast = source.getDefiningOp<tensor::CastOp>())
      source = cast.getSource();
    std::optional<int64_t> number = dim.getConstantIndex();
    if (!isTable(source.getDefiningOp()) || !number)
      return;
    auto table = source.getDefiningOp<linalg::GenericOp>();
    auto empty = table.getDpsInits()[cast<OpResult>(source).getResultNumber()].getDefiningOp<tensor::EmptyOp>();
    OpFoldResult size = empty.getMixedSizes()[*number];
    dim.replaceAllUsesWith(getValueOrCreateConstantIndexOp(b, dim.getLoc(), size));
  });
}

void longwing::fuseTables(func::FuncOp func) {
  bool changed = true;
  foldSizes(func);
  eraseDead(func);
  while (changed) {
    changed = false;
    SmallVector<tensor::ExtractOp> reads;
    func.walk([&](tensor::ExtractOp read) { reads.push_back(read); });
    for (tensor::ExtractOp read : reads)
      changed |= fuse(read);
    eraseDead(func);
  }
}
