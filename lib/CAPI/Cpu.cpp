//===- Cpu.cpp - C API to run a model on the CPU --------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing-c/Cpu.h"

#include "lib/CAPI/Diagnostic.h"
#include "lib/Compiler/Diagnostics.h"
#include "lib/Compiler/Parse.h"
#include "lib/Compiler/Phases.h"
#include "longwing/CPU.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

#include <mutex>

using namespace mlir;
using namespace longwing;

namespace {
struct Function {
  std::string name;
  std::vector<std::string> arguments, results;
  const cpu::FunctionSignature *signature;
};
} // namespace

struct lw_cpu_program {
  std::unique_ptr<cpu::CpuProgram> program;
  std::vector<Function> functions;
  std::mutex running;
};

struct lw_cpu_results {
  std::vector<cpu::HostArray> arrays;
};

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

static const std::pair<cpu::DType, lw_dtype> dtypes[] = {
    {cpu::DType::F16, LW_F16}, {cpu::DType::BF16, LW_BF16}, {cpu::DType::F32, LW_F32},
    {cpu::DType::F64, LW_F64}, {cpu::DType::I1, LW_I1},     {cpu::DType::I8, LW_I8},
    {cpu::DType::I32, LW_I32}, {cpu::DType::I64, LW_I64}};

static lw_dtype toC(cpu::DType dtype) {
  for (auto [ours, c] : dtypes)
    if (ours == dtype)
      return c;
  llvm_unreachable("every element type has a C value");
}

static std::optional<cpu::DType> fromC(int32_t dtype) {
  for (auto [ours, c] : dtypes)
    if (c == dtype)
      return ours;
  return std::nullopt;
}

static int describe(const cpu::ArgumentType &type, const std::string &name, lw_tensor_info *info) {
  if (type.sizes.size() > LW_MAX_RANK)
    return 1;
  info->name = name.c_str();
  info->dtype = toC(type.dtype);
  info->rank = static_cast<int32_t>(type.sizes.size());
  for (auto [i, size] : llvm::enumerate(type.sizes))
    info->shape[i] = size < 0 ? LW_DYNAMIC : size;
  return 0;
}

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

/// `longwing.name`, or "arg0", "result0", ...
static std::string nameOf(Attribute attribute, const char *kind, unsigned number) {
  if (auto name = dyn_cast_or_null<StringAttr>(attribute))
    return name.str();
  return kind + std::to_string(number);
}

static std::vector<Function> functionsOf(ModuleOp module, const cpu::CpuProgram &program) {
  constexpr StringLiteral name = "longwing.name";
  std::vector<Function> functions;
  for (auto func : module.getOps<func::FuncOp>()) {
    const cpu::FunctionSignature *signature = program.lookup(func.getName());
    if (!signature)
      continue;
    Function function{func.getName().str(), {}, {}, signature};
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      function.arguments.push_back(nameOf(func.getArgAttr(i, name), "arg", i));
    for (unsigned i = 0; i < func.getNumResults(); ++i)
      function.results.push_back(nameOf(func.getResultAttr(i, name), "result", i));
    functions.push_back(std::move(function));
  }
  return functions;
}

lw_cpu_program *lw_cpu_compile(const void *source, size_t size, const char *name,
                               lw_precision precision, lw_diagnostic_handler handler, void *user) {
  if (!source && size)
    return nullptr;
  if (!name)
    name = "model";
  MessageHandler forward = [&](const Message &message) {
    if (!handler)
      return;
    lw_diagnostic diagnostic = capi::toC(message);
    handler(&diagnostic, user);
  };
  DialectRegistry registry;
  registerCompilerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  auto sources = std::make_shared<llvm::SourceMgr>();
  Reporter reporter(*sources, &context, name, forward);
  StringRef text(static_cast<const char *>(source), size);
  sources->AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, name), SMLoc());
  OwningOpRef<ModuleOp> module = parseModel(sources, &context);
  if (module) {
    cpu::CpuOptions options;
    options.precision = precision == LW_CPU_F64 ? Precision::F64 : Precision::F32;
    auto program = cpu::CpuProgram::compile(*module, options);
    if (succeeded(program) && !reporter.sawError()) {
      auto result = std::make_unique<lw_cpu_program>();
      result->functions = functionsOf(*module, **program);
      result->program = std::move(*program);
      return result.release();
    }
  }
  if (!reporter.sawError())
    reporter.error("the compilation failed without a diagnostic; this is a bug of the compiler");
  return nullptr;
}

void lw_cpu_free(lw_cpu_program *program) { delete program; }

//===----------------------------------------------------------------------===//
// Looking
//===----------------------------------------------------------------------===//

static const Function *find(const lw_cpu_program *program, size_t function) {
  return program && function < program->functions.size() ? &program->functions[function] : nullptr;
}

size_t lw_cpu_num_functions(const lw_cpu_program *program) {
  return program ? program->functions.size() : 0;
}

const char *lw_cpu_function_name(const lw_cpu_program *program, size_t function) {
  const Function *found = find(program, function);
  return found ? found->name.c_str() : nullptr;
}

size_t lw_cpu_num_arguments(const lw_cpu_program *program, size_t function) {
  const Function *found = find(program, function);
  return found ? found->arguments.size() : 0;
}

size_t lw_cpu_num_results(const lw_cpu_program *program, size_t function) {
  const Function *found = find(program, function);
  return found ? found->results.size() : 0;
}

int lw_cpu_argument(const lw_cpu_program *program, size_t function, size_t argument,
                    lw_tensor_info *info) {
  const Function *found = find(program, function);
  if (!found || !info || argument >= found->arguments.size())
    return 1;
  return describe(found->signature->arguments[argument], found->arguments[argument], info);
}

int lw_cpu_result(const lw_cpu_program *program, size_t function, size_t result,
                  lw_tensor_info *info) {
  const Function *found = find(program, function);
  if (!found || !info || result >= found->results.size())
    return 1;
  return describe(found->signature->results[result], found->results[result], info);
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

static thread_local std::string lastError;

static lw_cpu_results *fail(std::string message) {
  lastError = std::move(message);
  return nullptr;
}

lw_cpu_results *lw_cpu_run(lw_cpu_program *program, size_t function, const lw_tensor *arguments,
                           size_t numArguments) {
  const Function *found = find(program, function);
  if (!found || (!arguments && numArguments))
    return fail("expected a function of the program and its arguments");
  std::vector<cpu::HostTensor> tensors;
  for (const lw_tensor &argument : llvm::ArrayRef(arguments, numArguments)) {
    std::optional<cpu::DType> dtype = fromC(argument.dtype);
    if (!dtype || argument.rank < 0 || argument.rank > LW_MAX_RANK)
      return fail("argument " + std::to_string(tensors.size()) +
                  " has an element type or rank that the CPU does not take");
    tensors.push_back({argument.data,
                       *dtype,
                       {argument.sizes, argument.sizes + argument.rank},
                       {argument.strides, argument.strides + argument.rank}});
  }
  std::lock_guard<std::mutex> lock(program->running);
  auto arrays = program->program->run(found->name, tensors);
  if (!arrays)
    return fail(llvm::toString(arrays.takeError()));
  return new lw_cpu_results{std::move(*arrays)};
}

const char *lw_cpu_error(void) { return lastError.c_str(); }

int lw_cpu_results_get(const lw_cpu_results *results, size_t result, lw_tensor *tensor) {
  if (!results || !tensor || result >= results->arrays.size())
    return 1;
  const cpu::HostTensor &array = results->arrays[result].tensor();
  if (array.sizes.size() > LW_MAX_RANK)
    return 1;
  tensor->data = array.data;
  tensor->dtype = toC(array.dtype);
  tensor->rank = static_cast<int32_t>(array.sizes.size());
  int64_t stride = 1;
  for (size_t i = array.sizes.size(); i-- > 0;) {
    tensor->sizes[i] = array.sizes[i];
    tensor->strides[i] = stride;
    stride *= array.sizes[i];
  }
  return 0;
}

void lw_cpu_results_free(lw_cpu_results *results) { delete results; }
