//===- Function.cpp - Checking arguments and launching --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Runtime/Module.h"

using namespace longwing;
using Tensors = std::vector<TensorRef>;

TensorRef TensorRef::contiguous(void *data, DType dtype, const std::vector<int64_t> &sizes) {
  TensorRef tensor;
  tensor.data = data;
  tensor.dtype = dtype;
  tensor.rank = std::min<size_t>(sizes.size(), kMaxRank);
  uint64_t stride = 1; // Unsigned: sizes that are too large are refused later.
  for (unsigned i = tensor.rank; i-- > 0;) {
    tensor.sizes[i] = sizes[i];
    tensor.strides[i] = int64_t(stride);
    stride *= uint64_t(std::max<int64_t>(sizes[i], 1));
  }
  return tensor;
}

int64_t TensorRef::elements() const {
  uint64_t count = 1;
  for (unsigned i = 0; i < rank; ++i)
    count *= uint64_t(sizes[i]);
  return int64_t(count);
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

static Status invalid(std::string message) {
  return Status(StatusCode::InvalidArgument, std::move(message));
}

static std::string shapeText(const int64_t *sizes, size_t rank) {
  std::string text = "[";
  for (size_t i = 0; i < rank; ++i)
    text += (i ? ", " : "") + (sizes[i] == kDynamic ? "?" : std::to_string(sizes[i]));
  return text + "]";
}

/// Whether a tensor has the element type and shape that is asked for; `kDynamic` fits all.
static Status checkTensor(const TensorRef &tensor, const TensorInfo &info,
                          const std::vector<int64_t> &shape) {
  auto expected = [&](const std::string &what, const std::string &got) {
    return invalid("'" + info.name + "': expected " + what + ", got " + got);
  };
  if (tensor.dtype != info.dtype)
    return expected(std::string("elements of ") + dtypeName(info.dtype), dtypeName(tensor.dtype));
  std::string wanted = "shape " + shapeText(shape.data(), shape.size());
  if (tensor.rank != shape.size())
    return expected(std::to_string(shape.size()) + " dimensions, " + wanted,
                    std::to_string(tensor.rank));
  longwing_v1::Arithmetic math;
  int64_t elements = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (tensor.sizes[i] < 0 || (shape[i] != kDynamic && shape[i] != tensor.sizes[i]))
      return expected(wanted, shapeText(tensor.sizes.data(), tensor.rank));
    elements = math.mul(elements, tensor.sizes[i]);
  }
  math.mul(elements, dtypeBytes(info.dtype));
  if (!math.ok)
    return expected("less than 2^63 bytes", shapeText(tensor.sizes.data(), tensor.rank));
  if (elements != 0 && !tensor.data)
    return expected("data", "a null pointer");
  return Status();
}

static Bindings bind(const Tensors &arguments, const Tensors &results, int multiprocessors) {
  Bindings bindings;
  auto tensor = [&](unsigned i) -> const TensorRef & {
    return i < arguments.size() ? arguments[i] : results[i - arguments.size()];
  };
  bindings.size = [tensor](unsigned i, unsigned d) { return tensor(i).sizes[d]; };
  bindings.stride = [tensor](unsigned i, unsigned d) { return tensor(i).strides[d]; };
  bindings.multiprocessors = multiprocessors;
  return bindings;
}

static Expected<std::vector<int64_t>> evaluateAll(const std::vector<Expr> &exprs,
                                                  const Bindings &bindings) {
  std::vector<int64_t> values;
  for (const Expr &expr : exprs) {
    auto value = expr.evaluate(bindings);
    if (!value)
      return value.status();
    values.push_back(*value);
  }
  return values;
}

/// Sizes must not be negative, whatever a manifest computes.
static Expected<std::vector<int64_t>> evaluateSizes(const std::vector<Expr> &exprs,
                                                    const Bindings &bindings) {
  auto sizes = evaluateAll(exprs, bindings);
  if (sizes)
    for (int64_t size : *sizes)
      if (size < 0)
        return invalid("expected sizes of at least 0, got " +
                       shapeText(sizes->data(), sizes->size()));
  return sizes;
}

/// Whether a check can be made before there are results.
static bool isOfArguments(const Check &check, const FunctionInfo &function) {
  unsigned arguments = unsigned(function.arguments.size());
  return check.lhs.isOf(arguments) && check.rhs.isOf(arguments);
}

static Status runCheck(const Check &check, const Bindings &bindings) {
  auto lhs = check.lhs.evaluate(bindings), rhs = check.rhs.evaluate(bindings);
  if (!lhs || !rhs)
    return lhs ? rhs.status() : lhs.status();
  bool holds = check.relation == Expr::Kind::Eq   ? *lhs == *rhs
               : check.relation == Expr::Kind::Ne ? *lhs != *rhs
               : check.relation == Expr::Kind::Lt ? *lhs < *rhs
                                                  : *lhs <= *rhs;
  if (holds)
    return Status();
  const char *relation = check.relation == Expr::Kind::Eq   ? " != "
                         : check.relation == Expr::Kind::Ne ? " == "
                         : check.relation == Expr::Kind::Lt ? " >= "
                                                            : " > ";
  return invalid(check.message + ", got " + std::to_string(*lhs) + relation + std::to_string(*rhs));
}

Status Function::check(const Tensors &arguments) const {
  if (arguments.size() != function->arguments.size())
    return invalid("'" + function->name + "': expected " +
                   std::to_string(function->arguments.size()) + " arguments, got " +
                   std::to_string(arguments.size()));
  for (size_t i = 0; i < arguments.size(); ++i)
    if (Status status =
            checkTensor(arguments[i], function->arguments[i], function->arguments[i].shape);
        !status)
      return status;
  Bindings bindings = bind(arguments, {}, 1);
  for (const Check &item : function->checks)
    if (isOfArguments(item, *function))
      if (Status status = runCheck(item, bindings); !status)
        return status;
  return Status();
}

Expected<std::vector<std::vector<int64_t>>> Function::resultSizes(const Tensors &arguments) const {
  if (Status status = check(arguments); !status)
    return status;
  Bindings bindings = bind(arguments, {}, 1);
  std::vector<std::vector<int64_t>> all;
  for (const TensorInfo &result : function->results) {
    auto sizes = evaluateSizes(result.sizes, bindings);
    if (!sizes)
      return sizes.status();
    for (size_t d = 0; d < sizes->size(); ++d)
      if (result.shape[d] != kDynamic && result.shape[d] != (*sizes)[d])
        return invalid("'" + result.name + "': expected shape " +
                       shapeText(result.shape.data(), result.shape.size()) + ", got " +
                       shapeText(sizes->data(), sizes->size()));
    all.push_back(std::move(*sizes));
  }
  return all;
}

//===----------------------------------------------------------------------===//
// Workspace
//===----------------------------------------------------------------------===//

namespace {
/// Where each buffer lies in the workspace.
struct WorkspacePlan {
  std::vector<int64_t> offsets;
  int64_t bytes = 0;
};
} // namespace

/// One buffer after the other.
static Expected<WorkspacePlan> planWorkspace(const FunctionInfo &function,
                                             const Bindings &bindings) {
  WorkspacePlan plan;
  longwing_v1::Arithmetic math;
  for (const BufferInfo &buffer : function.buffers) {
    auto sizes = evaluateSizes(buffer.sizes, bindings);
    if (!sizes)
      return sizes.status();
    int64_t bytes = dtypeBytes(buffer.dtype);
    for (int64_t size : *sizes)
      bytes = math.mul(bytes, size);
    plan.offsets.push_back(plan.bytes);
    bytes = math.mul(math.ceildiv(bytes, kWorkspaceAlignment), kWorkspaceAlignment);
    plan.bytes = math.add(plan.bytes, bytes);
  }
  if (!math.ok)
    return invalid("'" + function.name + "': the workspace exceeds 2^63 bytes");
  return plan;
}

Expected<int64_t> Function::workspaceBytes(const Tensors &arguments) const {
  if (Status status = check(arguments); !status)
    return status;
  auto plan = planWorkspace(*function, bind(arguments, {}, 1));
  if (!plan)
    return plan.status();
  return plan->bytes;
}

//===----------------------------------------------------------------------===//
// Launching
//===----------------------------------------------------------------------===//

namespace {
/// One call of a function.
struct Call {
  const FunctionInfo &function;
  const Tensors &arguments, &results;
  char *workspace;
  const WorkspacePlan &plan;
  const Loaded &loaded;
  Bindings bindings;

  char *base(Storage storage) const {
    switch (storage.kind) {
    case Storage::Kind::Argument:
      return static_cast<char *>(arguments[storage.index].data);
    case Storage::Kind::Result:
      return static_cast<char *>(results[storage.index].data);
    case Storage::Kind::Buffer:
      return workspace + plan.offsets[storage.index];
    case Storage::Kind::Constant:
      return reinterpret_cast<char *>(loaded.constants[storage.index]);
    }
    return nullptr;
  }
  const char *name(Storage storage) const {
    switch (storage.kind) {
    case Storage::Kind::Argument:
      return function.arguments[storage.index].name.c_str();
    case Storage::Kind::Result:
      return function.results[storage.index].name.c_str();
    case Storage::Kind::Buffer:
      return "an intermediate tensor";
    case Storage::Kind::Constant:
      return "a constant";
    }
    return "";
  }
  Expected<cuda::Operand> operand(const Parameter &parameter) const;
  Expected<std::vector<cuda::Operand>> operands(const Launch &launch) const;
  /// Runs a launch, or the one that may take its place.
  Status run(const cuda::Driver &driver, size_t i, const std::vector<cuda::CUfunction> &kernels, Stream stream) const;
};
} // namespace

Expected<cuda::Operand> Call::operand(const Parameter &parameter) const {
  auto offset = parameter.offset.evaluate(bindings);
  auto sizes = evaluateSizes(parameter.sizes, bindings);
  auto strides = evaluateAll(parameter.strides, bindings);
  if (!offset || !sizes || !strides)
    return !offset ? offset.status() : !sizes ? sizes.status() : strides.status();
  cuda::Operand operand{};
  operand.name = name(parameter.storage);
  operand.elementBytes = int(dtypeBytes(parameter.dtype));
  longwing_v1::Arithmetic math;
  operand.data = base(parameter.storage) + math.mul(*offset, operand.elementBytes);
  if (!math.ok)
    return invalid("'" + function.name + "': a slice begins past 2^63 bytes");
  operand.mapType = tensorMapType(parameter.dtype);
  operand.rank = int(sizes->size());
  std::copy(sizes->begin(), sizes->end(), operand.sizes);
  std::copy(strides->begin(), strides->end(), operand.strides);
  operand.box = parameter.kind == Parameter::Kind::Map ? parameter.box.data() : nullptr;
  return operand;
}

Expected<std::vector<cuda::Operand>> Call::operands(const Launch &launch) const {
  std::vector<cuda::Operand> operands;
  for (const Parameter &parameter : launch.parameters) {
    auto value = operand(parameter);
    if (!value)
      return value.status();
    operands.push_back(*value);
  }
  return operands;
}

Status Call::run(const cuda::Driver &driver, size_t i, const std::vector<cuda::CUfunction> &kernels,
                 Stream stream) const {
  const std::vector<Launch> &launches = function.launches;
  if (launches[i].substitute)
    return Status();
  auto grid = launches[i].grid.evaluate(bindings);
  if (!grid || *grid == 0)
    return grid ? Status() : grid.status();
  auto values = operands(launches[i]);
  if (!values)
    return values.status();
  bool replaceable = i + 1 < launches.size() && launches[i + 1].substitute;
  if (replaceable && !cuda::fitsMaps(values->data(), int(values->size()))) {
    grid = launches[++i].grid.evaluate(bindings);
    if (!grid)
      return grid.status();
    if (values = operands(launches[i]); !values)
      return values.status();
  }
  const Launch &launch = launches[i];
  return statusOf(cuda::launchKernel(driver, kernels[i], launch.kernel.c_str(), *grid, launch.block, launch.sharedBytes,
                                     values->data(), int(values->size()), stream));
}

Status Function::launch(const Tensors &arguments, const Tensors &results, void *workspace,
                        int64_t workspaceBytes, Stream stream) const {
  auto sizes = resultSizes(arguments);
  if (!sizes)
    return sizes.status();
  if (results.size() != sizes->size())
    return invalid("'" + function->name + "': expected " + std::to_string(sizes->size()) +
                   " results, got " + std::to_string(results.size()));
  for (size_t i = 0; i < results.size(); ++i)
    if (Status status = checkTensor(results[i], function->results[i], (*sizes)[i]); !status)
      return status;
  for (const Check &item : function->checks)
    if (!isOfArguments(item, *function))
      if (Status status = runCheck(item, bind(arguments, results, 1)); !status)
        return status;
  auto plan = planWorkspace(*function, bind(arguments, {}, 1));
  if (!plan)
    return plan.status();
  if (plan->bytes > workspaceBytes || (plan->bytes > 0 && !workspace))
    return invalid("'" + function->name + "': expected a workspace of " +
                   std::to_string(plan->bytes) + " bytes, got " +
                   std::to_string(workspace ? workspaceBytes : 0));
  if (plan->bytes > 0 && reinterpret_cast<uintptr_t>(workspace) % kWorkspaceAlignment)
    return invalid("'" + function->name + "': expected a workspace aligned to " +
                   std::to_string(kWorkspaceAlignment) + " bytes");

  const cuda::Driver *driver = cuda::driver();
  if (!driver)
    return statusOf(cuda::kNoDriver);
  cuda::ContextScope scope;
  const Loaded *loaded = nullptr;
  if (int code = scope.enter(*driver))
    return statusOf(code);
  if (int code = module->impl->loaded(*driver, scope, stream, loaded))
    return statusOf(code);
  Call call{*function,
            arguments,
            results,
            static_cast<char *>(workspace),
            *plan,
            *loaded,
            bind(arguments, results, loaded->multiprocessors)};
  const auto &kernels = loaded->kernels[function - module->manifest().functions.data()];
  for (size_t i = 0; i < function->launches.size(); ++i)
    if (Status status = call.run(*driver, i, kernels, stream); !status)
      return status;
  return Status();
}
