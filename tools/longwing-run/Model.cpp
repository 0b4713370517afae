//===- Model.cpp - The program that is run --------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/longwing-run/Model.h"

#include "lib/Compiler/Parse.h"
#include "lib/Compiler/Phases.h"
#include "lib/Target/Manifest.h"
#include "longwing/TileToCPU/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::run;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerCompilerDialects(registry);
  cpu::registerInterfaces(registry);
  return registry;
}

Model::Model(StringRef source, StringRef name)
    : source(source), name(name),
      print([](const Message &message) { llvm::errs() << message.text; }),
      context(makeRegistry(), MLIRContext::Threading::DISABLED),
      sources(std::make_shared<llvm::SourceMgr>()) {
  context.printOpOnDiagnostic(false);
  reporter = std::make_unique<Reporter>(*sources, &context, name.str(), print);
  sources->AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(source, name), SMLoc());
}

std::unique_ptr<Model> Model::parse(StringRef source, StringRef name) {
  std::unique_ptr<Model> model(new Model(source, name));
  model->module = parseModel(model->sources, &model->context);
  return model->module ? std::move(model) : nullptr;
}

static std::optional<TensorInfo> typeOf(Type type, Attribute name, const std::string &otherwise) {
  TensorInfo info;
  info.name = isa_and_nonnull<StringAttr>(name) ? cast<StringAttr>(name).str() : otherwise;
  auto shaped = dyn_cast<RankedTensorType>(type);
  std::string element;
  llvm::raw_string_ostream(element) << (shaped ? shaped.getElementType() : type);
  longwing::Expected<DType> dtype = parseDType(element);
  if (!dtype)
    return std::nullopt;
  info.dtype = *dtype;
  if (shaped)
    for (int64_t size : shaped.getShape())
      info.shape.push_back(ShapedType::isDynamic(size) ? kDynamic : size);
  return info;
}

static llvm::Expected<FunctionInfo> infoOf(func::FuncOp op) {
  FunctionInfo info;
  info.name = op.getName().str();
  auto add = [&](std::vector<TensorInfo> &list, Type type, Attribute name, const char *kind) {
    std::optional<TensorInfo> tensor = typeOf(type, name, kind + std::to_string(list.size()));
    if (tensor)
      list.push_back(std::move(*tensor));
    return tensor.has_value();
  };
  for (auto [i, type] : llvm::enumerate(op.getArgumentTypes()))
    if (!add(info.arguments, type, op.getArgAttr(i, kNameAttr), "arg"))
      return llvm::createStringError("argument " + Twine(i) + " of '" + info.name +
                                     "' is neither a ranked tensor nor a number");
  for (auto [i, type] : llvm::enumerate(op.getResultTypes()))
    if (!add(info.results, type, op.getResultAttr(i, kNameAttr), "result"))
      return llvm::createStringError("result " + Twine(i) + " of '" + info.name +
                                     "' is neither a ranked tensor nor a number");
  return info;
}

llvm::Expected<FunctionInfo> Model::function(StringRef wanted) const {
  SmallVector<func::FuncOp> candidates;
  std::string names;
  for (auto op : ModuleOp(module.get()).getOps<func::FuncOp>()) {
    if (op.isPrivate() || op.isDeclaration())
      continue;
    candidates.push_back(op);
    names += (names.empty() ? "" : ", ") + op.getName().str();
  }
  StringRef name = wanted.empty() && candidates.size() != 1 ? "main" : wanted;
  for (func::FuncOp op : candidates)
    if (name.empty() || op.getName() == name)
      return infoOf(op);
  return llvm::createStringError("'" + this->name + "' has no function '" + name + "', it has " +
                                 (names.empty() ? "none" : names));
}

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

std::unique_ptr<cpu::CpuProgram> Model::compileSeq(Precision precision) {
  cpu::CpuOptions options;
  options.precision = precision;
  auto program = cpu::CpuProgram::compile(*module, options);
  return failed(program) ? nullptr : std::move(*program);
}

std::unique_ptr<cpu::CpuProgram> Model::compileTile(const std::string &schedule) {
  CompileOptions options;
  options.emit = Emit::Tile;
  options.schedule = schedule;
  std::optional<Artefact> artefact = compile(source, name, options, print);
  if (!artefact)
    return nullptr;
  OwningOpRef<ModuleOp> tile = parseSourceString<ModuleOp>(artefact->bytes, &context);
  PassManager passes(&context);
  passes.addPass(createTileToCPU());
  if (!tile || failed(passes.run(*tile)))
    return nullptr;
  auto program = cpu::CpuProgram::compileLowered(*tile);
  return failed(program) ? nullptr : std::move(*program);
}

std::optional<std::string> Model::compilePackage(const std::string &schedule,
                                                 const std::string &ptxas) {
  CompileOptions options;
  options.emit = Emit::Package;
  options.schedule = schedule;
  options.ptxas = ptxas;
  std::optional<Artefact> artefact = compile(source, name, options, print);
  if (!artefact)
    return std::nullopt;
  return std::move(artefact->bytes);
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

static std::optional<cpu::DType> toCpu(DType dtype) {
  for (cpu::DType each : {cpu::DType::F16, cpu::DType::BF16, cpu::DType::F32, cpu::DType::F64,
                          cpu::DType::I1, cpu::DType::I8, cpu::DType::I32, cpu::DType::I64})
    if (cpu::toString(each) == dtypeName(dtype))
      return each;
  return std::nullopt;
}

llvm::Expected<std::vector<Array>> run::runOnCpu(cpu::CpuProgram &program, StringRef function,
                                                 std::vector<Array> &arguments) {
  std::vector<cpu::HostTensor> tensors;
  for (Array &array : arguments) {
    std::optional<cpu::DType> dtype = toCpu(array.dtype);
    if (!dtype)
      return llvm::createStringError("the CPU target cannot take " + Twine(dtypeName(array.dtype)));
    tensors.push_back({array.bytes.data(), *dtype, array.sizes, {}});
  }
  auto results = program.run(function, tensors);
  if (!results)
    return results.takeError();
  std::vector<Array> arrays;
  for (const cpu::HostArray &result : *results) {
    const cpu::HostTensor &tensor = result.tensor();
    Array array(*parseDType(cpu::toString(tensor.dtype).str()), tensor.sizes);
    if (!array.bytes.empty())
      std::memcpy(array.bytes.data(), tensor.data, array.bytes.size());
    arrays.push_back(std::move(array));
  }
  return arrays;
}
