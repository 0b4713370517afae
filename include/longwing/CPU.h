//===- CPU.h - Runs a module on the CPU -------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles a module for the machine it runs on and calls its functions with
// strided tensors. Two kinds of module are taken: seq programs (in float64, the
// oracle, or in float32, the CPU target), and programs that are already func,
// linalg, tensor, memref, scf and arith, as the tile level's sequential form is.
//
//   auto program = cpu::CpuProgram::compile(module, {cpu::Precision::F64});
//   if (failed(program))
//     return failure();                       // a diagnostic has been emitted
//   auto results = (*program)->run("main", {q, k, v});
//   if (!results)
//     return reportError(results.takeError());
//   use((*results)[0].tensor());
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_CPU_H
#define LONGWING_CPU_H

#include "longwing/SeqToLinalg/Passes.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace longwing::cpu {

/// The element types that cross the boundary. `index` crosses as I64; I1 takes a byte.
enum class DType : uint8_t { F16, BF16, F32, F64, I1, I8, I32, I64 };

/// Bytes that one element takes.
unsigned sizeOf(DType dtype);
/// As MLIR spells it: "f16", "bf16", ...
llvm::StringRef toString(DType dtype);

/// A strided tensor in the caller's memory. Strides count elements; none means row-major. A
/// scalar is a tensor of rank 0.
struct HostTensor {
  void *data = nullptr;
  DType dtype = DType::F32;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;

  int64_t numElements() const;
  /// Whether the elements lie row-major without gaps.
  bool isContiguous() const;
};

/// A result: a row-major tensor and the memory it lies in.
class HostArray {
public:
  HostArray() = default;
  /// An array of zeros.
  HostArray(DType dtype, std::vector<int64_t> sizes);

  const HostTensor &tensor() const { return view; }
  template <typename T>
  T *data() const {
    return static_cast<T *>(view.data);
  }

private:
  std::unique_ptr<char[]> memory;
  HostTensor view;
};

/// An argument or result as a function declares it; -1 is a dynamic size.
struct ArgumentType {
  DType dtype = DType::F32;
  std::vector<int64_t> sizes;
  bool isScalar = false;
};

struct FunctionSignature {
  std::vector<ArgumentType> arguments;
  std::vector<ArgumentType> results;
};

struct CpuOptions {
  Precision precision = Precision::F64;
  /// LLVM's optimisation level, 0 to 3.
  unsigned optLevel = 3;
  /// The processor to compile for, as LLVM names it; the one at hand if empty.
  std::string processor;
};

/// A program compiled for this machine. It may be run from several threads.
class CpuProgram {
public:
  virtual ~CpuProgram() = default;

  /// Compiles a copy of `module`, a seq program; `module` itself is not changed. In float64 the
  /// functions return every floating-point result unrounded, as f64. Emits a diagnostic on
  /// failure.
  static mlir::FailureOr<std::unique_ptr<CpuProgram>> compile(mlir::ModuleOp module,
                                                              const CpuOptions &options = {});

  /// As above, for a module of func, linalg, tensor, memref, scf, arith and math.
  static mlir::FailureOr<std::unique_ptr<CpuProgram>>
  compileLowered(mlir::ModuleOp module, const CpuOptions &options = {});

  /// The signature of a public function with a body, or null.
  virtual const FunctionSignature *lookup(llvm::StringRef function) const = 0;

  /// Calls a function. Arguments that do not match its signature are an error, as is a check of
  /// the program that fails at run time (sizes that must agree). A memref argument is written in
  /// place if it is contiguous, and must be; a tensor argument may have any strides.
  virtual llvm::Expected<std::vector<HostArray>> run(llvm::StringRef function,
                                                     llvm::ArrayRef<HostTensor> arguments) = 0;
};

/// Threads that parallel loops run on; 0, the default, means one for each CPU of the machine.
void setThreads(unsigned count);

/// Adds the passes from func, linalg, tensor, memref, scf, arith and math to the LLVM dialect.
/// Public functions get a C interface.
void buildCpuPipeline(mlir::OpPassManager &pm);

/// Adds the passes from seq to the LLVM dialect: seq-to-linalg, then the above.
void buildSeqToLlvmCpuPipeline(mlir::OpPassManager &pm, Precision precision);

/// Adds the interfaces by which dialects are bufferized and translated; CpuProgram does so itself.
void registerInterfaces(mlir::DialectRegistry &registry);

/// Registers `seq-to-llvm-cpu` and `lower-to-llvm-cpu`.
void registerPipelines();

} // namespace longwing::cpu

#endif // LONGWING_CPU_H
