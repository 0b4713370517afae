//===- longwing-run.cpp - Runs a model or a package -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/longwing-run/Card.h"
#include "tools/longwing-run/Check.h"
#include "tools/longwing-run/Inputs.h"
#include "tools/longwing-run/Model.h"
#include "tools/longwing-run/Npy.h"
#include "tools/longwing-run/Progress.h"
#include "tools/support/Files.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

using namespace longwing;
using namespace longwing::run;
namespace cl = llvm::cl;

static constexpr llvm::StringLiteral toolName = "longwing-run";

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

static cl::OptionCategory what("What is run");
static cl::OptionCategory data("Inputs and results");
static cl::OptionCategory looking("Errors and times");

static cl::opt<std::string> program(cl::Positional, cl::Required, cl::desc("MODEL.mlir|PACKAGE"),
                                    cl::cat(what));
static cl::opt<std::string> functionName("function",
                                         cl::desc("The function; the only one, or main"),
                                         cl::value_desc("NAME"), cl::cat(what));
static cl::opt<std::string>
    deviceName("device",
               cl::desc("cpu, cuda, or auto (default): the card if there is "
                        "one"),
               cl::value_desc("NAME"), cl::init("auto"), cl::cat(what));
static cl::opt<std::string> level("level",
                                  cl::desc("Of a model on the CPU: seq (default), or tile, the "
                                           "kernel's\nown program with its tiles and roundings"),
                                  cl::value_desc("LEVEL"), cl::init("seq"), cl::cat(what));
static cl::opt<std::string> schedule("schedule", cl::desc("As for longwing-compile"),
                                     cl::value_desc("NAME=VALUE,..."), cl::cat(what));
static cl::opt<std::string> ptxas("ptxas", cl::desc("As for longwing-compile"),
                                  cl::value_desc("PATH"), cl::cat(what));

static cl::list<std::string> inputs(
    "input",
    cl::desc("An .npy file, or "
             "random[:SIZES][:seed=N][:normal|negative|\npositive|fraction|filter|offsets]. What is not "
             "given is random, with the\nnext two options' sizes"),
    cl::value_desc("NAME=FILE.npy|random..."), cl::cat(data));
static cl::opt<int64_t> batch("batch", cl::desc("A leading '?' of inputs not given (default 1)"),
                              cl::init(1), cl::cat(data));
static cl::opt<int64_t> length("length",
                               cl::desc("Any other '?' of inputs not given (default 256)"),
                               cl::init(256), cl::cat(data));
static cl::opt<std::string> output("output", cl::desc("Where each result goes, as NAME.npy"),
                                   cl::value_desc("DIR"), cl::cat(data));

static cl::opt<bool> check("check", cl::desc("Compare with the model in float64; fail if too far"),
                           cl::cat(looking));
static cl::opt<std::string> modelPath("model", cl::desc("The model of a package, to check it by"),
                                      cl::value_desc("MODEL.mlir"), cl::cat(looking));
static cl::opt<double>
    tolerance("tolerance",
              cl::desc("The relative L2 error that passes --check (a row may have "
                       "four\ntimes it); bf16 1e-2, f16 2e-3, f32 1e-4"),
              cl::value_desc("X"), cl::init(-1), cl::cat(looking));
static cl::opt<bool> bench("bench", cl::desc("Print the median time, TFLOP/s and GB/s"),
                           cl::cat(looking));
static cl::opt<unsigned> repeats("repeats",
                                 cl::desc("Timed calls (default: 30 on the card, 5 on the "
                                          "CPU)"),
                                 cl::init(0), cl::cat(looking));

static cl::extrahelp examples(R"(
BFLOAT16:

  NumPy has no bfloat16. Results of that type are written as uint16, the 16 bits of each number; inputs of
  that type are read from uint16 or two-byte void (what ml_dtypes saves), or rounded from any float type.
  In Python: (numpy.load("o.npy").astype("u4") << 16).view("f4").

EXAMPLES:

  longwing-run model.mlir --device=cpu --check
      Random inputs, on the CPU, against float64.
  longwing-run model.mlir --device=cpu --level=tile --check --length=200
      The program of the kernel, run in order, with its tiles and roundings.
  longwing-run model.lwp --input=q=q.npy --input=k=k.npy --input=v=v.npy --output=results
      A package on the card; the results go to results/NAME.npy.
  longwing-run model.mlir --device=cuda --bench --input=q=random:1x16x16384x128 \
      --input=k=random:1x16x16384x128:seed=7 --input=v=random:1x16x16384x128
      Time, TFLOP/s (what the definition of the model asks for) and GB/s (inputs and results, once).
)");

//===----------------------------------------------------------------------===//
// The steps
//===----------------------------------------------------------------------===//

namespace {
struct Run {
  std::unique_ptr<Model> model;
  std::unique_ptr<Module> module;
  FunctionInfo function;
  std::vector<Array> arguments, results;
  std::vector<double> milliseconds;
};
} // namespace

static llvm::Error toError(const Status &status) {
  return llvm::createStringError(status.message());
}

/// A diagnostic has told the user already.
static llvm::Error told() { return llvm::createStringError(""); }

static llvm::Expected<std::unique_ptr<Model>> readModel(llvm::StringRef path,
                                                        llvm::StringRef bytes) {
  std::unique_ptr<Model> model = Model::parse(bytes, path == "-" ? "<stdin>" : path);
  if (!model)
    return told();
  return model;
}

/// Reads the model or the package, and the types of its function.
static llvm::Error open(Run &run) {
  auto file = tool::readInput(program);
  if (!file)
    return file.takeError();
  llvm::StringRef bytes = (*file)->getBuffer();
  if (isPackage(std::string_view(bytes))) {
    auto module = Module::loadBytes(std::string_view(bytes));
    if (!module)
      return llvm::createStringError("'" + program + "': " + module.status().message());
    run.module = std::move(*module);
    auto function = run.module->function(functionName.getValue());
    if (!function)
      return toError(function.status());
    run.function = function->info();
    if (modelPath.empty())
      return llvm::Error::success();
    file = tool::readInput(modelPath);
    if (!file)
      return file.takeError();
    bytes = (*file)->getBuffer();
  }
  auto model = readModel(run.module ? modelPath : program, bytes);
  if (!model)
    return model.takeError();
  run.model = std::move(*model);
  auto function = run.model->function(run.module ? run.function.name : functionName.getValue());
  if (!function)
    return function.takeError();
  if (!run.module)
    run.function = std::move(*function);
  return llvm::Error::success();
}

static llvm::Expected<bool> chooseCard(const Run &run) {
  if (deviceName != "cpu" && deviceName != "cuda" && deviceName != "auto")
    return llvm::createStringError("unknown device '" + deviceName +
                                   "', expected cpu, cuda or auto");
  if (level != "seq" && level != "tile")
    return llvm::createStringError("unknown level '" + level + "', expected seq or tile");
  if (run.module && deviceName == "cpu")
    return llvm::createStringError(
        "a package runs on the card only: give the model for --device=cpu");
  if (check && !run.model)
    return llvm::createStringError(
        "--check needs the model that the package comes from: --model=FILE");
  if (run.module || deviceName == "cuda")
    return true;
  if (deviceName == "cpu" || level == "tile")
    return false;
  auto count = Device::count();
  return count.ok() && *count > 0;
}

static llvm::Error runCard(Run &run) {
  if (!run.module) {
    std::optional<std::string> package = run.model->compilePackage(schedule, ptxas);
    if (!package)
      return told();
    auto module = Module::loadBytes(*package);
    if (!module)
      return toError(module.status());
    run.module = std::move(*module);
  }
  unsigned timed = bench ? (repeats ? unsigned(repeats) : 30) : 0;
  auto done = runOnCard(*run.module, run.function.name, run.arguments, timed);
  if (!done)
    return toError(done.status());
  llvm::outs() << "device: " << done->device << "\n";
  run.results = std::move(done->results);
  run.milliseconds = std::move(done->milliseconds);
  return llvm::Error::success();
}

static llvm::Error runCpu(Run &run) {
  Progress progress("the CPU");
  auto compiled =
      level == "tile" ? run.model->compileTile(schedule) : run.model->compileSeq(Precision::F32);
  if (!compiled)
    return told();
  unsigned timed = bench ? (repeats ? unsigned(repeats) : 5) : 0;
  for (unsigned i = 0; i <= timed; ++i) {
    auto began = std::chrono::steady_clock::now();
    auto results = runOnCpu(*compiled, run.function.name, run.arguments);
    if (!results)
      return results.takeError();
    std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - began;
    if (i)
      run.milliseconds.push_back(time.count());
    run.results = std::move(*results);
  }
  llvm::outs() << "device: CPU, level " << level << "\n";
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// What is told of a run
//===----------------------------------------------------------------------===//

static llvm::Error writeResults(const Run &run) {
  if (output.empty())
    return llvm::Error::success();
  if (std::error_code error = llvm::sys::fs::create_directories(output))
    return llvm::createStringError("cannot make '" + output + "': " + error.message());
  for (auto [type, result] : llvm::zip(run.function.results, run.results)) {
    llvm::SmallString<128> path(output);
    llvm::sys::path::append(path, type.name + ".npy");
    if (llvm::Error error = tool::writeOutput(path, writeNpy(result)))
      return error;
  }
  return llvm::Error::success();
}

/// Compares each result with the oracle's; whether all pass.
static llvm::Expected<bool> checkResults(Run &run) {
  Progress progress("the oracle, in float64");
  auto oracle = run.model->compileSeq(Precision::F64);
  if (!oracle)
    return told();
  auto exact = runOnCpu(*oracle, run.function.name, run.arguments);
  if (!exact)
    return exact.takeError();
  bool good = true;
  for (auto [type, result, expected] : llvm::zip(run.function.results, run.results, *exact)) {
    double limit = tolerance >= 0 ? double(tolerance) : defaultTolerance(type.dtype);
    if (result.sizes != expected.sizes)
      return llvm::createStringError("result '" + type.name + "': expected " +
                                     describe(type.dtype, expected.sizes) + ", got " +
                                     describe(type.dtype, result.sizes));
    Difference difference = compare(result, expected);
    bool passed = passes(difference, limit);
    good &= passed;
    llvm::outs() << llvm::formatv("check {0}: relative L2 error {1:E2}, worst row {2:E2}, maximum "
                                  "error {3:E2}, tolerance {4:E2}: {5}\n",
                                  type.name, difference.relative, difference.worstRow,
                                  difference.maximum, limit, passed ? "passed" : "FAILED");
    if (difference.broken)
      llvm::outs() << llvm::formatv("check {0}: {1} elements are NaN, or infinite on one side\n",
                                    type.name, difference.broken);
  }
  return good;
}

static void printTimes(Run &run) {
  std::vector<double> &times = run.milliseconds;
  llvm::sort(times);
  double median = times[times.size() / 2];
  double bytes = 0;
  for (const std::vector<Array> *arrays : {&run.arguments, &run.results})
    for (const Array &array : *arrays)
      bytes += array.bytes.size();
  llvm::outs() << llvm::formatv("time: median {0:F4} ms of {1} calls, {2:F4} to {3:F4}", median,
                                times.size(), times.front(), times.back());
  auto flops = run.model ? run.model->countFlops(run.function.name, run.arguments) : std::nullopt;
  if (flops && *flops > 0)
    llvm::outs() << llvm::formatv(", {0:F3} TFLOP/s", *flops / median * 1e-9);
  llvm::outs() << llvm::formatv(", {0:F1} GB/s\n", bytes / median * 1e-6);
}

static llvm::Expected<bool> execute() {
  Run run;
  if (llvm::Error error = open(run))
    return error;
  llvm::Expected<bool> card = chooseCard(run);
  if (!card)
    return card.takeError();
  std::vector<Draw> draws = run.model ? run.model->draws(run.function.name) : std::vector<Draw>();
  auto arguments = makeInputs(run.function, {inputs.begin(), inputs.end()}, {batch, length}, draws);
  if (!arguments)
    return arguments.takeError();
  run.arguments = std::move(*arguments);
  if (llvm::Error error = *card ? runCard(run) : runCpu(run))
    return error;
  for (auto [type, array] : llvm::zip(run.function.arguments, run.arguments))
    llvm::outs() << "input " << type.name << ": " << describe(type.dtype, array.sizes) << "\n";
  for (auto [type, array] : llvm::zip(run.function.results, run.results))
    llvm::outs() << "result " << type.name << ": " << describe(array.dtype, array.sizes) << "\n";
  if (llvm::Error error = writeResults(run))
    return error;
  if (!run.milliseconds.empty())
    printTimes(run);
  llvm::outs().flush();
  return check ? checkResults(run) : llvm::Expected<bool>(true);
}

static void printVersion(llvm::raw_ostream &os) {
  os << "longwing " LONGWING_VERSION ", LLVM " LLVM_VERSION_STRING "\n";
}

int main(int argc, char **argv) {
  llvm::sys::PrintStackTraceOnErrorSignal(argv[0]);
  tool::exitOnFatalErrors(toolName.data());
  cl::HideUnrelatedOptions({&what, &data, &looking});
  cl::SetVersionPrinter(printVersion);
  cl::ParseCommandLineOptions(argc, argv, "Runs a model or a package, on the CPU or on the card\n");
  llvm::Expected<bool> good = execute();
  if (good)
    return *good ? 0 : 1;
  std::string message = llvm::toString(good.takeError());
  return message.empty() ? 1 : tool::fail(toolName, message);
}
