//===- Manifest.cpp - Host code to a package's manifest -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Host code is straight-line: launches, and arithmetic on sizes. Arithmetic becomes
// expressions over the sizes of the arguments. Tensors become storage: those that are
// returned are the caller's results, the others lie in the workspace.
//
//===----------------------------------------------------------------------===//

#include "lib/Target/Manifest.h"

#include "dialects/tile/Tile.h"
#include "lib/Target/HostExpr.h"
#include "longwing/Target/Hopper.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace longwing;

/// Whether operand `i` of a launch is one that the kernel writes; if so, the result that
/// holds it then.
static Value outputOf(tile::LaunchOp launch, tile::KernelOp kernel, unsigned operand) {
  if (!kernel.isOutput(operand))
    return nullptr;
  unsigned result = 0;
  for (unsigned i = 0; i < operand; ++i)
    result += kernel.isOutput(i);
  return launch.getResult(result);
}

static tile::KernelOp kernelOf(tile::LaunchOp launch) {
  return SymbolTable::lookupNearestSymbolFrom<tile::KernelOp>(launch, launch.getKernelAttr());
}

static std::string configurationOf(tile::KernelOp kernel, int64_t sharedBytes) {
  tile::ScheduleAttr schedule = kernel.getSchedule();
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "threads " << schedule.getThreads() << ", consumer warpgroups " << schedule.getConsumers()
     << ", registers " << schedule.getProducerRegisters() << "/" << schedule.getConsumerRegisters()
     << ", shared memory " << sharedBytes << (schedule.getPersistent() ? ", persistent" : "")
     << (schedule.getOverlap() ? ", overlap" : "");
  if (int64_t members = tile::clusterOf(kernel); members > 1)
    os << ", cluster " << members;
  return text;
}

//===----------------------------------------------------------------------===//
// One function
//===----------------------------------------------------------------------===//

/// Of one constant of a package.
static constexpr int64_t kMostConstantBytes = int64_t(1) << 31;

namespace {
/// A tensor of the host code: where it is, and how it is laid out.
struct Layout {
  Storage storage;
  Expr offset;
  std::vector<Expr> sizes, strides;
};

class FunctionBuilder {
public:
  FunctionBuilder(func::FuncOp op, Package &package) : op(op), package(package) {}

  FailureOr<FunctionInfo> build();

private:
  LogicalResult addArguments();
  LogicalResult addResults();
  LogicalResult addOperation(Operation &operation);
  LogicalResult addLaunch(tile::LaunchOp launch);
  LogicalResult addAssert(cf::AssertOp assertion);

  FailureOr<TensorInfo> typeOf(Location loc, Type type, StringRef name);
  FailureOr<Parameter> parameter(tile::LaunchOp launch, tile::KernelOp kernel, unsigned operand);
  void splitRows(tile::LaunchOp launch, unsigned operand, int64_t row, Parameter &parameter);
  void flatten(Parameter &parameter);
  LogicalResult checkStaticSizes(tile::LaunchOp launch, unsigned operand, ArrayRef<int64_t> shape,
                                 ArrayRef<Expr> sizes);
  LogicalResult checkSameSizes(tile::LaunchOp launch, ArrayRef<Parameter> parameters);
  FailureOr<Layout> layout(Value tensor);
  FailureOr<Layout> layoutOfSlice(tensor::ExtractSliceOp slice, const Layout &source);
  FailureOr<Layout> layoutOfWrittenSlice(tensor::ExtractSliceOp slice, Value written);
  bool isDead(Storage buffer, Operation *now);
  /// A new tensor for what a launch writes: a result of the function, or a buffer.
  FailureOr<Layout> allocate(Value written);
  std::optional<unsigned> returnedAs(Value written);
  FailureOr<Layout> constant(arith::ConstantOp op);

  func::FuncOp op;
  Package &package;
  FunctionInfo info;
  HostExprs exprs;
  llvm::DenseMap<Value, Layout> layouts;
};
} // namespace

static std::vector<Expr> contiguousStrides(const std::vector<Expr> &sizes) {
  std::vector<Expr> strides(sizes.size(), Expr(1));
  for (size_t i = sizes.size(); i-- > 1;)
    strides[i - 1] = Expr::make(Expr::Kind::Mul, {strides[i], sizes[i]});
  return strides;
}

FailureOr<TensorInfo> FunctionBuilder::typeOf(Location loc, Type type, StringRef name) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  std::optional<DType> dtype = tensor ? dtypeOf(tensor.getElementType()) : std::nullopt;
  if (!dtype || tensor.getEncoding() || tensor.getRank() > int64_t(kMaxRank))
    return emitError(loc) << "expected '" << name << "' to be a ranked tensor of at most "
                          << kMaxRank << " dimensions and of an element type that a package "
                          << "can hold, got " << type;
  return TensorInfo{name.str(), *dtype, tensor.getShape().vec(), {}};
}

LogicalResult FunctionBuilder::addArguments() {
  for (BlockArgument argument : op.getArguments()) {
    unsigned i = argument.getArgNumber();
    auto attribute = op.getArgAttrOfType<StringAttr>(i, kNameAttr);
    std::string name = attribute ? attribute.str() : "arg" + std::to_string(i);
    FailureOr<TensorInfo> tensor = typeOf(argument.getLoc(), argument.getType(), name);
    if (failed(tensor))
      return failure();
    Layout layout{{Storage::Kind::Argument, i}, 0, {}, {}};
    for (auto [d, size] : llvm::enumerate(tensor->shape)) {
      layout.sizes.push_back(size == kDynamic ? Expr::dim(i, d) : Expr(size));
      layout.strides.push_back(Expr::stride(i, d));
    }
    exprs.setSizes(argument, layout.sizes);
    layouts[argument] = std::move(layout);
    info.arguments.push_back(std::move(*tensor));
  }
  return success();
}

/// Results get their sizes when the launch that writes them is met.
LogicalResult FunctionBuilder::addResults() {
  for (auto [i, type] : llvm::enumerate(op.getResultTypes())) {
    auto attribute = op.getResultAttrOfType<StringAttr>(i, kNameAttr);
    std::string name = attribute ? attribute.str() : "result" + std::to_string(i);
    FailureOr<TensorInfo> tensor = typeOf(op.getLoc(), type, name);
    if (failed(tensor))
      return failure();
    info.results.push_back(std::move(*tensor));
  }
  auto returned = cast<func::ReturnOp>(op.getBody().front().getTerminator());
  llvm::SmallDenseSet<Value> seen;
  for (auto [i, operand] : llvm::enumerate(returned.getOperands())) {
    Value value = throughCasts(operand);
    if (!isa_and_nonnull<tile::LaunchOp, tensor::InsertSliceOp>(value.getDefiningOp()))
      return returned.emitError() << "expected '" << info.results[i].name
                                  << "' to be written by a kernel, got a value that would have "
                                     "to be copied";
    if (!seen.insert(value).second)
      return returned.emitError() << "expected each result to be another tensor, got one twice";
  }
  return success();
}

FailureOr<FunctionInfo> FunctionBuilder::build() {
  info.name = op.getName().str();
  if (!op.getBody().hasOneBlock())
    return op.emitError() << "expected host code without branches, got "
                          << op.getBody().getBlocks().size() << " blocks";
  if (failed(addArguments()) || failed(addResults()))
    return failure();
  for (Operation &operation : op.getBody().front())
    if (failed(addOperation(operation)))
      return failure();
  return std::move(info);
}

LogicalResult FunctionBuilder::addOperation(Operation &operation) {
  if (auto launch = dyn_cast<tile::LaunchOp>(operation))
    return addLaunch(launch);
  if (auto assertion = dyn_cast<cf::AssertOp>(operation))
    return addAssert(assertion);
  // Sizes are read when they are used.
  if (isa<func::ReturnOp>(operation) || isMemoryEffectFree(&operation))
    return success();
  return operation.emitError() << "expected only launches and arithmetic on sizes in host code, "
                                  "got '"
                               << operation.getName() << "'";
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

LogicalResult FunctionBuilder::addAssert(cf::AssertOp assertion) {
  SmallVector<Value> conditions = {assertion.getArg()};
  while (!conditions.empty()) {
    Value condition = conditions.pop_back_val();
    if (auto both = condition.getDefiningOp<arith::AndIOp>()) {
      conditions.append({both.getRhs(), both.getLhs()});
      continue;
    }
    FailureOr<Check> check = exprs.check(condition, assertion.getMsg());
    if (failed(check))
      return failure();
    info.checks.push_back(std::move(*check));
  }
  return success();
}

/// A kernel relies on the static sizes of its views.
LogicalResult FunctionBuilder::checkStaticSizes(tile::LaunchOp launch, unsigned operand,
                                                ArrayRef<int64_t> shape, ArrayRef<Expr> sizes) {
  for (auto [d, wanted] : llvm::enumerate(shape)) {
    if (wanted == kDynamic || sizes[d].isConst(wanted))
      continue;
    if (sizes[d].isConst())
      return launch.emitError() << "expected size " << wanted << " in dimension " << d
                                << " of operand " << operand << ", got " << sizes[d].value;
    info.checks.push_back({sizes[d], wanted, Expr::Kind::Eq,
                           "expected size " + std::to_string(wanted) + " in dimension " +
                               std::to_string(d) + " of operand " + std::to_string(operand) +
                               " of kernel '" + launch.getKernel().str() + "'"});
  }
  return success();
}

/// How messages call an operand of a launch.
static std::string operandName(const FunctionInfo &info, Storage storage) {
  switch (storage.kind) {
  case Storage::Kind::Argument:
    return "'" + info.arguments[storage.index].name + "'";
  case Storage::Kind::Result:
    return "'" + info.results[storage.index].name + "'";
  case Storage::Kind::Buffer:
  case Storage::Kind::Constant:
    break;
  }
  return "an intermediate tensor";
}

/// A kernel relies on equal sizes of its operands; `-1 - d` stands for size d less one, as of offsets.
LogicalResult FunctionBuilder::checkSameSizes(tile::LaunchOp launch,
                                              ArrayRef<Parameter> parameters) {
  auto groups = launch->getAttrOfType<ArrayAttr>(tile::kSameSizesAttr);
  for (Attribute attribute : groups ? groups.getValue() : ArrayRef<Attribute>()) {
    auto group = dyn_cast<DenseI64ArrayAttr>(attribute);
    SmallVector<std::tuple<const Parameter *, int64_t, Expr>> sizes;
    for (int64_t i = 0; group && i + 1 < group.size(); i += 2) {
      int64_t operand = group[i], d = group[i + 1];
      bool oneLess = d < 0;
      if (oneLess)
        d = -1 - d;
      if (operand < 0 || operand >= int64_t(parameters.size()) ||
          d >= int64_t(parameters[operand].sizes.size()) || (oneLess && sizes.empty()))
        continue;
      Expr size = parameters[operand].sizes[d];
      if (oneLess)
        size = Expr::make(Expr::Kind::Sub, {size, 1});
      sizes.emplace_back(&parameters[operand], oneLess ? -1 - d : d, size);
    }
    if (!group || group.empty() || int64_t(2 * sizes.size()) != group.size())
      return launch.emitError() << "expected '" << tile::kSameSizesAttr
                                << "' to name dimensions of operands, got " << attribute;
    const auto &[first, d0, size0] = sizes.front();
    const Expr &rhs = size0;
    for (const auto &[other, d, size] : llvm::drop_begin(sizes)) {
      const Expr &lhs = size;
      bool known = lhs == rhs || llvm::any_of(info.checks, [&](const Check &check) {
                     return check.lhs == lhs && check.rhs == rhs;
                   });
      if (!known)
        info.checks.push_back({lhs, rhs, Expr::Kind::Eq,
                               operandName(info, other->storage) + ": expected size " +
                                   std::to_string(d < 0 ? -1 - d : d) + " to " +
                                   (d < 0 ? "be one more than" : "equal") + " size " + std::to_string(d0) +
                                   " of " + operandName(info, first->storage)});
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

FailureOr<Layout> FunctionBuilder::layout(Value tensor) {
  auto known = layouts.find(tensor);
  if (known != layouts.end())
    return known->second;
  FailureOr<Layout> result = failure();
  Operation *source = tensor.getDefiningOp();
  if (auto cast = dyn_cast<tensor::CastOp>(source)) {
    result = layout(cast.getSource());
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(source)) {
    FailureOr<Layout> whole = layout(slice.getSource());
    if (succeeded(whole))
      result = layoutOfSlice(slice, *whole);
  } else if (auto value = dyn_cast<arith::ConstantOp>(source)) {
    result = constant(value);
  } else if (isa<tensor::EmptyOp>(source)) {
    result = allocate(tensor);
  } else {
    return source->emitError() << "expected a tensor that a kernel or the caller gives, got the "
                                  "result of '"
                               << source->getName() << "'";
  }
  if (succeeded(result))
    layouts[tensor] = *result;
  return result;
}

FailureOr<Layout> FunctionBuilder::layoutOfSlice(tensor::ExtractSliceOp slice, const Layout &source) {
  Layout result{source.storage, source.offset, {}, {}};
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  for (unsigned d = 0; d < source.sizes.size(); ++d) {
    FailureOr<Expr> offset = exprs.of(slice.getMixedOffsets()[d]),
                    size = exprs.of(slice.getMixedSizes()[d]),
                    step = exprs.of(slice.getMixedStrides()[d]);
    if (failed(offset) || failed(size) || failed(step))
      return failure();
    // The last element of the slice lies within its source.
    Expr last = Expr::make(
        Expr::Kind::Add,
        {*offset, Expr::make(Expr::Kind::Mul, {Expr::make(Expr::Kind::Sub, {*size, 1}), *step})});
    if (!last.isConst() || !source.sizes[d].isConst())
      info.checks.push_back({last, source.sizes[d], Expr::Kind::Lt,
                             "expected a slice within dimension " + std::to_string(d)});
    Expr shift = Expr::make(Expr::Kind::Mul, {*offset, source.strides[d]});
    result.offset = Expr::make(Expr::Kind::Add, {result.offset, shift});
    if (dropped.test(d))
      continue;
    result.sizes.push_back(*size);
    result.strides.push_back(Expr::make(Expr::Kind::Mul, {*step, source.strides[d]}));
  }
  return result;
}

/// A kernel writes a slice of a new tensor, or of one that has such slices already, and the result is put
/// back in its place.
FailureOr<Layout> FunctionBuilder::layoutOfWrittenSlice(tensor::ExtractSliceOp slice, Value written) {
  auto insert = written.hasOneUse() ? dyn_cast<tensor::InsertSliceOp>(*written.user_begin()) : nullptr;
  Value whole = slice.getSource();
  bool fresh = whole.getDefiningOp<tensor::EmptyOp>();
  bool inPlace = insert && insert.getSource() == written && insert.getDest() == whole &&
                 insert.getMixedOffsets() == slice.getMixedOffsets() &&
                 insert.getMixedSizes() == slice.getMixedSizes() &&
                 insert.getMixedStrides() == slice.getMixedStrides() &&
                 (fresh || whole.getDefiningOp<tensor::InsertSliceOp>());
  // The one before is gone: nothing else may read it.
  if (!inPlace || !(fresh || llvm::hasNItems(whole.getUses(), 2)))
    return slice.emitError() << "expected a slice that a kernel writes to be put back into its tensor";
  FailureOr<Layout> place = fresh ? allocate(insert.getResult()) : layout(whole);
  if (failed(place))
    return failure();
  layouts[insert.getResult()] = *place;
  return layoutOfSlice(slice, *place);
}

FailureOr<Layout> FunctionBuilder::constant(arith::ConstantOp value) {
  auto elements = dyn_cast<DenseElementsAttr>(value.getValue());
  FailureOr<TensorInfo> type = typeOf(value.getLoc(), value.getType(), "constant");
  if (failed(type))
    return failure();
  if (!elements || type->dtype == DType::I1)
    return value.emitError() << "expected dense elements of at least 8 bits, got "
                             << value.getType();
  // One number may stand for more of them than a package should hold, or a machine can.
  int64_t size = elements.getElementType().getIntOrFloatBitWidth() / 8;
  for (int64_t extent : type->shape)
    if (llvm::MulOverflow(size, extent, size) || size > kMostConstantBytes)
      return value.emitError() << "expected a constant of at most " << kMostConstantBytes << " bytes, got " << value.getType();
  StringRef raw(elements.getRawData().data(), elements.getRawData().size());
  std::string bytes;
  for (int64_t i = 0, n = elements.isSplat() ? elements.getNumElements() : 1; i < n; ++i)
    bytes += raw;
  Layout result;
  result.sizes.assign(type->shape.begin(), type->shape.end());
  result.strides = contiguousStrides(result.sizes);
  result.storage = {Storage::Kind::Constant,
                    package.addConstant(type->dtype, type->shape, std::move(bytes))};
  return result;
}

/// The result of the function that a written tensor ends up as, following the launches that
/// update it in place.
std::optional<unsigned> FunctionBuilder::returnedAs(Value written) {
  for (OpOperand &use : written.getUses()) {
    Operation *user = use.getOwner();
    unsigned operand = use.getOperandNumber();
    Value next;
    if (isa<func::ReturnOp>(user))
      return operand;
    if (isa<tensor::CastOp>(user))
      next = user->getResult(0);
    else if (auto insert = dyn_cast<tensor::InsertSliceOp>(user); insert && insert.getDest() == written)
      next = insert.getResult();
    else if (auto launch = dyn_cast<tile::LaunchOp>(user))
      next = outputOf(launch, kernelOf(launch), operand);
    if (next)
      if (std::optional<unsigned> result = returnedAs(next))
        return result;
  }
  return std::nullopt;
}

/// Whether the first size is at most the second one, whatever the sizes of the arguments are.
static bool isAtMost(const Expr &x, const Expr &y) {
  using Kind = Expr::Kind;
  if (x == y || (x.isConst() && y.isConst() && x.value <= y.value))
    return true;
  if (y.kind == Kind::Add && y.operands[1].isConst() && y.operands[1].value >= 0 && isAtMost(x, y.operands[0]))
    return true;
  if (x.kind != y.kind || (x.kind != Kind::Add && x.kind != Kind::Mul && x.kind != Kind::Div))
    return false;
  const Expr &left = x.operands[1], &right = y.operands[1];
  return isAtMost(x.operands[0], y.operands[0]) && (x.kind == Kind::Div ? left == right : isAtMost(left, right));
}

/// Whether nothing reads a tensor from this operation on.
static bool isReadBefore(Value tensor, Operation *now) {
  return llvm::all_of(tensor.getUsers(), [&](Operation *user) {
    if (isa<tensor::CastOp, tensor::ExtractSliceOp>(user))
      return isReadBefore(user->getResult(0), now);
    return user->getBlock() == now->getBlock() && user->isBeforeInBlock(now);
  });
}

/// Whether what a buffer holds is not read any more.
bool FunctionBuilder::isDead(Storage buffer, Operation *now) {
  return llvm::all_of(layouts, [&](const auto &entry) {
    const auto &[tensor, place] = entry;
    return place.storage.kind != buffer.kind || place.storage.index != buffer.index || isReadBefore(tensor, now);
  });
}

FailureOr<Layout> FunctionBuilder::allocate(Value written) {
  auto type = cast<RankedTensorType>(written.getType());
  FailureOr<std::vector<Expr>> sizes = exprs.sizesOf(written);
  FailureOr<TensorInfo> tensor = typeOf(written.getLoc(), type, "intermediate tensor");
  if (failed(sizes) || failed(tensor))
    return failure();
  std::optional<unsigned> returned = returnedAs(written);
  Layout result;
  result.sizes = *sizes;
  if (!returned) {
    result.strides = contiguousStrides(*sizes);
    // Launches run one after the other, so what was read for the last time makes room.
    for (auto [i, buffer] : llvm::enumerate(info.buffers)) {
      bool fits = buffer.dtype == tensor->dtype && buffer.sizes.size() == sizes->size();
      for (size_t d = 0; fits && d < sizes->size(); ++d)
        fits = isAtMost((*sizes)[d], buffer.sizes[d]);
      result.storage = {Storage::Kind::Buffer, unsigned(i)};
      if (fits && isDead(result.storage, written.getDefiningOp()))
        return result;
    }
    result.storage = {Storage::Kind::Buffer, unsigned(info.buffers.size())};
    info.buffers.push_back({tensor->dtype, *sizes});
    return result;
  }
  result.storage = {Storage::Kind::Result, *returned};
  for (unsigned d = 0; d < sizes->size(); ++d)
    result.strides.push_back(Expr::stride(op.getNumArguments() + *returned, d));
  info.results[*returned].sizes = *sizes;
  return result;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

/// Gives the parameter the dimensions that `tile.unfold` makes of its tensor's.
static void unfold(ArrayRef<int64_t> entries, Parameter &parameter) {
  std::vector<Expr> sizes, strides;
  if (entries.size() % 3) {
    Expr shift = Expr::make(Expr::Kind::Mul, {parameter.strides.back(), entries.back()});
    parameter.offset = Expr::make(Expr::Kind::Add, {parameter.offset, shift});
  }
  for (size_t i = 0; i + 2 < entries.size(); i += 3) {
    int64_t dimension = entries[i], step = entries[i + 1], size = entries[i + 2];
    sizes.push_back(size ? Expr(size) : Expr::make(Expr::Kind::Div, {parameter.sizes[dimension], step}));
    strides.push_back(Expr::make(Expr::Kind::Mul, {parameter.strides[dimension], step}));
  }
  parameter.sizes = std::move(sizes);
  parameter.strides = std::move(strides);
}

/// Whether a tensor that is an operand of a launch has other uses, besides operands that are the same tensor by `kAliasAttr`.
static bool isUsedElsewhere(Value tensor, tile::LaunchOp launch, tile::KernelOp kernel, unsigned operand) {
  return !llvm::all_of(tensor.getUses(), [&](OpOperand &use) {
    if (use.getOwner() != launch)
      return false;
    unsigned number = use.getOperandNumber();
    auto alias = kernel.getArgAttrOfType<IntegerAttr>(number, tile::kAliasAttr);
    return number == operand || (alias && alias.getInt() == operand);
  });
}

FailureOr<Parameter> FunctionBuilder::parameter(tile::LaunchOp launch, tile::KernelOp kernel,
                                                unsigned operand) {
  Value tensor = launch.getOperands_()[operand], source = throughCasts(tensor);
  if (auto view = dyn_cast<tile::ViewType>(kernel.getArgumentTypes()[operand]))
    for (auto [d, size] : llvm::enumerate(view.getShape()))
      if (!ShapedType::isDynamic(size) && size > std::numeric_limits<int32_t>::max())
        return launch.emitError() << "expected sizes below 2^31, as kernels count in 32 bits, got " << size
                                  << " in dimension " << d << " of operand " << operand << " of kernel '"
                                  << launch.getKernel() << "'";
  Value written = outputOf(launch, kernel, operand);
  Value same; // the tensor is another operand's, and has its place already
  if (auto alias = kernel.getArgAttrOfType<IntegerAttr>(operand, tile::kAliasAttr))
    same = outputOf(launch, kernel, alias.getInt());
  auto slice = written ? source.getDefiningOp<tensor::ExtractSliceOp>() : nullptr;
  if (written && !slice && !isa_and_nonnull<tensor::EmptyOp, tile::LaunchOp>(source.getDefiningOp()))
    return launch.emitError() << "expected operand " << operand
                              << ", which the kernel writes, to be a new tensor or one that a "
                                 "kernel has written";
  bool fresh = written && source.getDefiningOp<tensor::EmptyOp>();
  if (written && !fresh && !slice && ((source != tensor && !source.hasOneUse()) || isUsedElsewhere(tensor, launch, kernel, operand)))
    return launch.emitError() << "expected operand " << operand
                              << ", which the kernel overwrites, to have no other use";
  // Not the storage of the tensor.empty itself: equal ones may have become one operation.
  FailureOr<Layout> place = same    ? layout(same)
                            : slice ? layoutOfWrittenSlice(slice, written)
                            : fresh ? allocate(written)
                                    : layout(tensor);
  if (failed(place))
    return failure();
  if (written)
    layouts[written] = *place;

  auto type = cast<RankedTensorType>(tensor.getType());
  Parameter result;
  result.storage = place->storage;
  result.dtype = *dtypeOf(type.getElementType());
  result.offset = place->offset;
  result.sizes = place->sizes;
  result.strides = place->strides;
  if (auto entries = kernel.getArgAttrOfType<DenseI64ArrayAttr>(operand, tile::kUnfoldAttr))
    unfold(entries, result);
  if (kernel.getArgAttr(operand, tile::kFlattenAttr))
    flatten(result);
  if (auto desc = dyn_cast<tile::DescType>(kernel.getArgumentTypes()[operand])) {
    result.kind = Parameter::Kind::Map;
    result.box = desc.getShape().vec();
    if (desc.getSplit())
      splitRows(launch, operand, desc.getSplit(), result);
    return result;
  }
  auto view = cast<tile::ViewType>(kernel.getArgumentTypes()[operand]);
  if (failed(checkStaticSizes(launch, operand, view.getShape(), result.sizes)))
    return failure();
  return result;
}

/// The last dimension as two, rows of `row` elements and the elements of a row.
void FunctionBuilder::splitRows(tile::LaunchOp launch, unsigned operand, int64_t row,
                                Parameter &parameter) {
  Expr size = parameter.sizes.back(), stride = parameter.strides.back();
  Expr rest = Expr::make(Expr::Kind::Mod, {size, row});
  if (!rest.isConst(0))
    info.checks.push_back({rest, 0, Expr::Kind::Eq,
                           "expected a multiple of " + std::to_string(row) +
                               " in the last dimension of operand " + std::to_string(operand) +
                               " of kernel '" + launch.getKernel().str() + "'"});
  parameter.sizes.back() = Expr::make(Expr::Kind::Div, {size, row});
  parameter.sizes.push_back(row);
  parameter.strides.back() = Expr::make(Expr::Kind::Mul, {stride, row});
  parameter.strides.push_back(stride);
}

/// The last two dimensions as one.
void FunctionBuilder::flatten(Parameter &parameter) {
  Expr inner = parameter.sizes.back(), stride = parameter.strides.back();
  parameter.sizes.pop_back(), parameter.strides.pop_back();
  Expr between = parameter.strides.back(), wanted = Expr::make(Expr::Kind::Mul, {inner, stride});
  if (!(between == wanted))
    info.checks.push_back({between, wanted, Expr::Kind::Eq,
                           operandName(info, parameter.storage) +
                               ": expected no gaps between the parts of its last two dimensions"});
  parameter.sizes.back() = Expr::make(Expr::Kind::Mul, {parameter.sizes.back(), inner});
  parameter.strides.back() = stride;
}

LogicalResult FunctionBuilder::addLaunch(tile::LaunchOp launch) {
  tile::KernelOp kernel = kernelOf(launch);
  auto shared = kernel->getAttrOfType<IntegerAttr>(tile::kSharedBytesAttr);
  if (!shared)
    return kernel.emitError() << "expected the attribute '" << tile::kSharedBytesAttr
                              << "': SRAM has not been allocated";
  Launch result;
  result.kernel = kernel.getSymName().str();
  result.block = kernel.getSchedule().getThreads();
  result.sharedBytes = shared.getInt();
  result.configuration = configurationOf(kernel, result.sharedBytes);
  result.substitute = launch->hasAttr(tile::kSubstituteAttr);
  // Work that warpgroups share takes no CTAs.
  Expr total = 1;
  for (Value size : launch.getWork().drop_front(tile::spreadsWork(kernel) ? 1 : 0)) {
    FailureOr<Expr> expr = exprs.of(size);
    if (failed(expr))
      return failure();
    total = Expr::make(Expr::Kind::Mul, {total, *expr});
  }
  if (int64_t members = tile::clusterOf(kernel); members > 1)
    total = Expr::make(Expr::Kind::Mul, {total, members});
  // A thread for each point, and at most as many as the device holds a few times.
  if (auto points = kernel->getAttrOfType<IntegerAttr>(tile::kPointsAttr)) {
    Expr blocks = Expr::make(Expr::Kind::CeilDiv, {total, result.block * points.getInt()});
    total = Expr::make(Expr::Kind::Min, {blocks, Expr::make(Expr::Kind::Mul, {Expr::sms(), 64})});
  }
  result.grid = total;
  // As many CTAs as the device holds at once.
  if (tile::ScheduleAttr schedule = kernel.getSchedule(); schedule.getPersistent()) {
    int64_t residents = hopper::residents(schedule.getRegisters(), result.sharedBytes);
    Expr ctas = Expr::sms();
    if (residents > 1)
      ctas = Expr::make(Expr::Kind::Mul, {ctas, residents});
    if (auto most = kernel->getAttrOfType<IntegerAttr>(tile::kMostCtasAttr))
      ctas = Expr::make(Expr::Kind::Min, {ctas, most.getInt()});
    result.grid = Expr::make(Expr::Kind::Min, {ctas, total});
  }
  for (unsigned i = 0; i < launch.getOperands_().size(); ++i) {
    FailureOr<Parameter> parameter = this->parameter(launch, kernel, i);
    if (failed(parameter))
      return failure();
    result.parameters.push_back(std::move(*parameter));
  }
  if (failed(checkSameSizes(launch, result.parameters)))
    return failure();
  info.launches.push_back(std::move(result));
  return success();
}

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

LogicalResult longwing::buildManifest(ModuleOp module, StringRef target, Package &package) {
  package.manifest.compiler = "longwing " LONGWING_VERSION;
  package.manifest.target = target.str();
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function.isPublic() || function.isExternal())
      continue;
    FailureOr<FunctionInfo> info = FunctionBuilder(function, package).build();
    if (failed(info))
      return failure();
    package.manifest.functions.push_back(std::move(*info));
  }
  if (package.manifest.functions.empty())
    return module.emitError() << "expected a public function, got none";
  return success();
}
