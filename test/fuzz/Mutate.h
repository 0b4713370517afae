//===- Mutate.h - Mutations of MLIR text ------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TEST_FUZZ_MUTATE_H
#define LONGWING_TEST_FUZZ_MUTATE_H

#include <cstdint>
#include <string>
#include <vector>

namespace longwing {

/// Input `index` of a seed: a text of the corpus, changed in one to four places. Most changes
/// keep the tokens whole, so that many inputs get past the parser.
std::string mutate(const std::vector<std::string> &corpus, uint64_t seed, uint64_t index);

} // namespace longwing

#endif // LONGWING_TEST_FUZZ_MUTATE_H
