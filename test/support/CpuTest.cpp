//===- CpuTest.cpp - CpuProgram for the Python tests ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A C interface over longwing/CPU.h, for test/python/cpu.py. Failures come back as
// text: diagnostics of the compilation or the error of a run.
//
//===----------------------------------------------------------------------===//

#include "longwing/CPU.h"
#include "longwing/Register.h"

#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace longwing::cpu;

namespace {
struct TestTensor {
  void *data;
  int32_t dtype, rank;
  int64_t sizes[8], strides[8];
};

struct TestProgram {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  std::unique_ptr<CpuProgram> program;
  std::vector<HostArray> results;
  std::string message;
};
} // namespace

static void compile(TestProgram &test, StringRef text, bool oracle, bool lowered,
                    StringRef processor) {
  DialectRegistry registry;
  registerAllDialects(registry);
  longwing::registerDialects(registry);
  test.context.appendDialectRegistry(registry);
  ScopedDiagnosticHandler handler(&test.context, [&](Diagnostic &diagnostic) {
    llvm::raw_string_ostream(test.message)
        << diagnostic.getLocation() << ": " << diagnostic << "\n";
  });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &test.context, "test.mlir");
  if (!module)
    return;
  CpuOptions options;
  options.precision = oracle ? longwing::Precision::F64 : longwing::Precision::F32;
  options.processor = processor.str();
  auto program = lowered ? CpuProgram::compileLowered(*module, options)
                         : CpuProgram::compile(*module, options);
  if (succeeded(program))
    test.program = std::move(*program);
}

extern "C" {

TestProgram *longwing_test_compile(const char *text, int oracle, int lowered,
                                   const char *processor) {
  auto *test = new TestProgram;
  compile(*test, text, oracle, lowered, processor);
  return test;
}

/// The diagnostics, or the error of the last run.
const char *longwing_test_message(TestProgram *test) { return test->message.c_str(); }

int longwing_test_compiled(TestProgram *test) { return test->program != nullptr; }

/// The number of results, or -1. Their memory lives until the next run.
int longwing_test_run(TestProgram *test, const char *function, int count,
                      const TestTensor *arguments, TestTensor *results) {
  std::vector<HostTensor> tensors;
  for (const TestTensor &from : llvm::ArrayRef(arguments, count))
    tensors.push_back({from.data,
                       DType(from.dtype),
                       {from.sizes, from.sizes + from.rank},
                       {from.strides, from.strides + from.rank}});
  auto produced = test->program->run(function, tensors);
  if (!produced) {
    test->message = llvm::toString(produced.takeError());
    return -1;
  }
  test->results = std::move(*produced);
  for (auto [i, result] : llvm::enumerate(test->results)) {
    const HostTensor &view = result.tensor();
    results[i] = {view.data, int32_t(view.dtype), int32_t(view.sizes.size()), {}, {}};
    llvm::copy(view.sizes, results[i].sizes);
  }
  return int(test->results.size());
}

void longwing_test_free(TestProgram *test) { delete test; }

void longwing_test_threads(unsigned count) { setThreads(count); }

} // extern "C"
