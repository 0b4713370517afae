//===- CpuProgram.cpp - Compiles and runs a module on the CPU -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/CPU.h"

#include "Runtime.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace longwing;
using namespace longwing::cpu;

void cpu::setThreads(unsigned count) { runtime::setThreads(count); }

//===----------------------------------------------------------------------===//
// Signatures
//===----------------------------------------------------------------------===//

static std::optional<DType> toDType(Type type) {
  if (type.isF16())
    return DType::F16;
  if (type.isBF16())
    return DType::BF16;
  if (type.isF32())
    return DType::F32;
  if (type.isF64())
    return DType::F64;
  if (type.isInteger(1))
    return DType::I1;
  if (type.isInteger(8))
    return DType::I8;
  if (type.isInteger(32))
    return DType::I32;
  if (type.isInteger(64) || type.isIndex())
    return DType::I64;
  return std::nullopt;
}

namespace {
/// An argument as declared, and whether the callee may write it.
struct Parameter : ArgumentType {
  bool isMemRef = false;
};

struct Function {
  FunctionSignature signature;
  std::vector<Parameter> parameters;
  void (*entry)(void **) = nullptr;
};
} // namespace

static std::optional<Parameter> toParameter(Type type) {
  Parameter parameter;
  parameter.isScalar = !isa<ShapedType>(type);
  parameter.isMemRef = isa<MemRefType>(type);
  std::optional<DType> dtype = toDType(getElementTypeOrSelf(type));
  if (!dtype || (isa<ShapedType>(type) && !isa<RankedTensorType, MemRefType>(type)))
    return std::nullopt;
  if (auto memref = dyn_cast<MemRefType>(type); memref && !memref.getLayout().isIdentity())
    return std::nullopt;
  parameter.dtype = *dtype;
  if (auto shaped = dyn_cast<ShapedType>(type))
    for (int64_t size : shaped.getShape())
      parameter.sizes.push_back(ShapedType::isDynamic(size) ? -1 : size);
  return parameter;
}

/// The public functions with a body whose types can cross the boundary.
static llvm::StringMap<Function> publicFunctions(ModuleOp module) {
  llvm::StringMap<Function> functions;
  for (auto func : module.getOps<func::FuncOp>()) {
    if (func.isExternal() || !func.isPublic())
      continue;
    Function function;
    bool known = true;
    for (Type type : func.getArgumentTypes()) {
      auto parameter = toParameter(type);
      known &= parameter.has_value();
      function.parameters.push_back(parameter.value_or(Parameter()));
      function.signature.arguments.push_back(function.parameters.back());
    }
    for (Type type : func.getResultTypes()) {
      auto result = toParameter(type);
      known &= result.has_value();
      function.signature.results.push_back(result.value_or(Parameter()));
    }
    if (known)
      functions[func.getName()] = std::move(function);
  }
  return functions;
}

//===----------------------------------------------------------------------===//
// The C interface of lowered functions
//===----------------------------------------------------------------------===//

namespace {
/// A memref descriptor: two pointers, an offset, sizes, strides.
class Descriptor {
public:
  explicit Descriptor(size_t rank) : rank(rank), words(3 + 2 * rank) {}

  Descriptor(void *data, ArrayRef<int64_t> sizes) : Descriptor(sizes.size()) {
    words[0] = words[1] = reinterpret_cast<int64_t>(data);
    int64_t stride = 1;
    for (size_t i = rank; i-- > 0;) {
      words[3 + i] = sizes[i];
      words[3 + rank + i] = stride;
      stride *= sizes[i];
    }
  }

  static size_t bytes(size_t rank) { return (3 + 2 * rank) * sizeof(int64_t); }

  int64_t *data() { return words.data(); }
  void *allocated() const { return reinterpret_cast<void *>(words[0]); }
  HostTensor view(DType dtype) const {
    HostTensor tensor;
    tensor.dtype = dtype;
    tensor.data = reinterpret_cast<char *>(words[1]) + words[2] * sizeOf(dtype);
    tensor.sizes.assign(words.begin() + 3, words.begin() + 3 + rank);
    tensor.strides.assign(words.begin() + 3 + rank, words.end());
    return tensor;
  }

private:
  size_t rank;
  std::vector<int64_t> words;
};
} // namespace

/// Copies a strided tensor to row-major memory and returns the end of what it wrote.
static char *pack(const HostTensor &tensor, size_t dim, const char *from, char *to) {
  unsigned bytes = sizeOf(tensor.dtype);
  if (dim == tensor.sizes.size()) {
    std::memcpy(to, from, bytes);
    return to + bytes;
  }
  if (dim + 1 == tensor.sizes.size() && tensor.strides[dim] == 1) {
    std::memcpy(to, from, tensor.sizes[dim] * bytes);
    return to + tensor.sizes[dim] * bytes;
  }
  for (int64_t i = 0; i < tensor.sizes[dim]; ++i)
    to = pack(tensor, dim + 1, from + i * tensor.strides[dim] * bytes, to);
  return to;
}

static HostArray packed(const HostTensor &tensor) {
  HostArray array(tensor.dtype, tensor.sizes);
  if (tensor.numElements() > 0) {
    if (tensor.strides.empty())
      std::memcpy(array.data<char>(), tensor.data, tensor.numElements() * sizeOf(tensor.dtype));
    else
      pack(tensor, 0, static_cast<const char *>(tensor.data), array.data<char>());
  }
  return array;
}

//===----------------------------------------------------------------------===//
// The program
//===----------------------------------------------------------------------===//

static llvm::Error makeError(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static std::string describe(DType dtype, ArrayRef<int64_t> sizes) {
  std::string text;
  for (int64_t size : sizes)
    text += (size < 0 ? "?" : std::to_string(size)) + "x";
  return text + toString(dtype).str();
}

static llvm::Error checkArguments(StringRef name, const Function &function,
                                  ArrayRef<HostTensor> arguments) {
  if (arguments.size() != function.parameters.size())
    return makeError("function '" + name + "' expected " + Twine(function.parameters.size()) +
                     " arguments, got " + Twine(arguments.size()));
  for (auto [i, pair] : llvm::enumerate(llvm::zip(function.parameters, arguments))) {
    const auto &[parameter, argument] = pair;
    bool matches = argument.dtype == parameter.dtype &&
                   argument.sizes.size() == parameter.sizes.size() &&
                   (argument.strides.empty() || argument.strides.size() == argument.sizes.size());
    if (matches)
      for (auto [declared, size] : llvm::zip(parameter.sizes, argument.sizes))
        matches &= size >= 0 && (declared < 0 || declared == size);
    if (!matches)
      return makeError("function '" + name + "' expected argument " + Twine(i) + " to be " +
                       describe(parameter.dtype, parameter.sizes) + ", got " +
                       describe(argument.dtype, argument.sizes));
    if (parameter.isMemRef && !argument.isContiguous())
      return makeError("function '" + name + "' expected argument " + Twine(i) +
                       " to be row-major, since it may be written");
  }
  return llvm::Error::success();
}

namespace {
class Program : public CpuProgram {
public:
  static FailureOr<std::unique_ptr<CpuProgram>>
  create(ModuleOp lowered, llvm::StringMap<Function> functions, const CpuOptions &options);

  const FunctionSignature *lookup(StringRef name) const override {
    auto it = functions.find(name);
    return it == functions.end() ? nullptr : &it->second.signature;
  }

  llvm::Expected<std::vector<HostArray>> run(StringRef name,
                                             ArrayRef<HostTensor> arguments) override;

private:
  /// Where each result lies in what the function returns, and how large that is.
  static std::vector<size_t> layOut(const FunctionSignature &signature, size_t &bytes);
  static HostArray take(const ArgumentType &type, const char *from,
                        llvm::SmallPtrSetImpl<void *> &memory);

  std::unique_ptr<ExecutionEngine> engine;
  llvm::StringMap<Function> functions;
};
} // namespace

std::vector<size_t> Program::layOut(const FunctionSignature &signature, size_t &bytes) {
  std::vector<size_t> offsets;
  bytes = 0;
  for (const ArgumentType &result : signature.results) {
    size_t size = result.isScalar ? sizeOf(result.dtype) : Descriptor::bytes(result.sizes.size());
    size_t alignment = result.isScalar ? size : sizeof(int64_t);
    bytes = (bytes + alignment - 1) / alignment * alignment;
    offsets.push_back(bytes);
    bytes += size;
  }
  return offsets;
}

/// Copies a result out and notes its memory, which is ours to free; results may share it.
HostArray Program::take(const ArgumentType &type, const char *from,
                        llvm::SmallPtrSetImpl<void *> &memory) {
  if (type.isScalar) {
    HostArray scalar(type.dtype, {});
    std::memcpy(scalar.data<char>(), from, sizeOf(type.dtype));
    return scalar;
  }
  Descriptor descriptor(type.sizes.size());
  std::memcpy(descriptor.data(), from, Descriptor::bytes(type.sizes.size()));
  memory.insert(descriptor.allocated());
  return packed(descriptor.view(type.dtype));
}

llvm::Expected<std::vector<HostArray>> Program::run(StringRef name,
                                                    ArrayRef<HostTensor> arguments) {
  auto it = functions.find(name);
  if (it == functions.end())
    return makeError("expected a public function '" + name +
                     "' of tensors and scalars, found none");
  const Function &function = it->second;
  if (llvm::Error error = checkArguments(name, function, arguments))
    return std::move(error);

  // The interface takes the address of the results, of each descriptor's address and of scalars.
  std::vector<HostArray> copies;
  std::vector<Descriptor> descriptors;
  std::vector<void *> values, addresses;
  descriptors.reserve(arguments.size());
  values.reserve(arguments.size() + 1);
  size_t bytes = 0;
  std::vector<size_t> offsets = layOut(function.signature, bytes);
  std::vector<char> returned(bytes + 1);
  bool scalarReturn = offsets.size() == 1 && function.signature.results[0].isScalar;
  if (!offsets.empty() && !scalarReturn) {
    values.push_back(returned.data());
    addresses.push_back(&values.back());
  }
  for (auto [parameter, argument] : llvm::zip(function.parameters, arguments)) {
    if (parameter.isScalar) {
      addresses.push_back(argument.data);
      continue;
    }
    void *data = argument.data;
    if (!argument.isContiguous()) {
      copies.push_back(packed(argument));
      data = copies.back().data<void>();
    }
    descriptors.emplace_back(data, argument.sizes);
    values.push_back(descriptors.back().data());
    addresses.push_back(&values.back());
  }
  if (scalarReturn)
    addresses.push_back(returned.data());

  std::string message;
  if (!runtime::call(function.entry, addresses.data(), message))
    return makeError(message);
  std::vector<HostArray> results;
  llvm::SmallPtrSet<void *, 4> memory;
  for (auto [type, offset] : llvm::zip(function.signature.results, offsets))
    results.push_back(take(type, returned.data() + offset, memory));
  for (void *allocation : memory)
    std::free(allocation);
  return std::move(results);
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

static llvm::CodeGenOptLevel codeGenLevel(const CpuOptions &options) {
  return static_cast<llvm::CodeGenOptLevel>(std::min(options.optLevel, 3u));
}

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
targetMachine(const CpuOptions &options) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  builder->setCodeGenOptLevel(codeGenLevel(options));
  if (!options.processor.empty()) {
    builder->setCPU(options.processor);
    builder->getFeatures() = llvm::SubtargetFeatures();
  }
  return builder->createTargetMachine();
}

FailureOr<std::unique_ptr<CpuProgram>>
Program::create(ModuleOp lowered, llvm::StringMap<Function> functions, const CpuOptions &options) {
  auto report = [&](llvm::Error error) {
    return lowered.emitError("could not be compiled for the CPU: ")
           << llvm::toString(std::move(error));
  };
  auto machine = targetMachine(options);
  if (!machine)
    return report(machine.takeError());
  llvm::TargetMachine *target = machine->get();

  // Optimised where it is built, so that the vectoriser knows the machine.
  auto build = [&](Operation *op, llvm::LLVMContext &context) -> std::unique_ptr<llvm::Module> {
    std::unique_ptr<llvm::Module> module = translateModuleToLLVMIR(op, context);
    if (!module)
      return nullptr;
    ExecutionEngine::setupTargetTripleAndDataLayout(module.get(), target);
    auto optimize = makeOptimizingTransformer(options.optLevel, /*sizeLevel=*/0, target);
    if (llvm::Error error = optimize(module.get())) {
      report(std::move(error));
      return nullptr;
    }
    return module;
  };
  ExecutionEngineOptions engineOptions;
  engineOptions.llvmModuleBuilder = build;
  engineOptions.jitCodeGenOptLevel = codeGenLevel(options);
  engineOptions.enableGDBNotificationListener = false;
  engineOptions.enablePerfNotificationListener = false;
  auto engine = ExecutionEngine::create(lowered, engineOptions, std::move(*machine));
  if (!engine)
    return report(engine.takeError());

  (*engine)->registerSymbols([&](llvm::orc::MangleAndInterner mangle) {
    llvm::orc::SymbolMap symbols;
    for (const runtime::Symbol &symbol : runtime::symbols())
      symbols[mangle(symbol.name)] = {llvm::orc::ExecutorAddr::fromPtr(symbol.address),
                                      llvm::JITSymbolFlags::Exported};
    return symbols;
  });
  for (auto &entry : functions) {
    auto address = (*engine)->lookupPacked(("_mlir_ciface_" + entry.getKey()).str());
    if (!address)
      return report(address.takeError());
    entry.second.entry = *address;
  }
  auto program = std::make_unique<Program>();
  program->engine = std::move(*engine);
  program->functions = std::move(functions);
  return std::unique_ptr<CpuProgram>(std::move(program));
}

FailureOr<std::unique_ptr<CpuProgram>> CpuProgram::compile(ModuleOp module,
                                                           const CpuOptions &options) {
  OwningOpRef<ModuleOp> copy = module.clone();
  PassManager pm(module.getContext());
  SeqToLinalgOptions passOptions;
  passOptions.precision = options.precision;
  pm.addPass(createSeqToLinalg(passOptions));
  if (failed(pm.run(*copy)))
    return failure();
  return compileLowered(*copy, options);
}

FailureOr<std::unique_ptr<CpuProgram>> CpuProgram::compileLowered(ModuleOp module,
                                                                  const CpuOptions &options) {
  OwningOpRef<ModuleOp> copy = module.clone();
  llvm::StringMap<Function> functions = publicFunctions(*copy);
  DialectRegistry registry;
  registerInterfaces(registry);
  module.getContext()->appendDialectRegistry(registry);
  PassManager pm(module.getContext());
  buildCpuPipeline(pm);
  if (failed(pm.run(*copy)))
    return failure();
  return Program::create(*copy, std::move(functions), options);
}
