//===- Ptxas.h - The assembler as a subprocess, and its log -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_TARGET_PTXAS_H
#define LONGWING_LIB_TARGET_PTXAS_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace longwing {

/// What ptxas says of one kernel. Sizes are in bytes; the spills count what the code moves, not the
/// room it takes.
struct PtxasKernel {
  std::string name;
  unsigned registers = 0;
  unsigned stack = 0;
  unsigned spillStores = 0;
  unsigned spillLoads = 0;
  unsigned sharedMemory = 0;
  unsigned barriers = 0;
};

/// An error, a warning or a remark that bears a code. `code` ("C7513") and `kernel` are empty where
/// ptxas gives none.
struct PtxasMessage {
  enum class Severity { Info, Warning, Error } severity = Severity::Info;
  std::string code;
  std::string kernel;
  std::string text;
};

struct PtxasLog {
  std::vector<PtxasKernel> kernels;
  std::vector<PtxasMessage> messages;
};

/// Reads what `ptxas -v` prints.
PtxasLog parsePtxasLog(llvm::StringRef text);

/// Whether a code says that the kernel will not run as it was scheduled: C7508, setmaxnreg ignored;
/// C7510 to C7519, wgmma serialised or waits put in.
bool isScheduleLoss(llvm::StringRef code);

/// The ptxas to use: `given` if not empty, else the one on PATH, under CUDA_HOME, or in
/// /usr/local/cuda. Empty if there is none.
std::string findPtxas(llvm::StringRef given);

struct PtxasResult {
  /// Empty on failure.
  std::string cubin;
  /// Why there is no cubin, if ptxas's log does not say it.
  std::string error;
  PtxasLog log;
};

/// Assembles `ptx` for `chip`. Leaves no file behind.
PtxasResult runPtxas(llvm::StringRef ptxas, llvm::StringRef ptx, llvm::StringRef chip);

} // namespace longwing

#endif // LONGWING_LIB_TARGET_PTXAS_H
