//===- Inputs.h - The arguments of a call -----------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TOOLS_RUN_INPUTS_H
#define LONGWING_TOOLS_RUN_INPUTS_H

#include "tools/longwing-run/Array.h"

#include "llvm/Support/Error.h"

namespace longwing::run {

/// The sizes of inputs that are not given: of a leading '?', and of every other.
struct DefaultSizes {
  int64_t batch = 1;
  int64_t length = 256;
};

/// Makes the arguments of a function from `NAME=FILE.npy` and
/// `NAME=random[:SIZES][:seed=N][:DRAW]`. An input that is not given is random, with its number for
/// a seed. `draws` says what numbers each is to hold; where it is empty, all are normal.
llvm::Expected<std::vector<Array>> makeInputs(const FunctionInfo &function,
                                              const std::vector<std::string> &specifications,
                                              const DefaultSizes &sizes,
                                              llvm::ArrayRef<Draw> draws = {});

} // namespace longwing::run

#endif // LONGWING_TOOLS_RUN_INPUTS_H
