//===- Header.h - A package as a C++ header ---------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_TARGET_HEADER_H
#define LONGWING_LIB_TARGET_HEADER_H

#include "longwing/Package.h"

namespace longwing {

/// One self-contained C++17 header: the package's code as bytes, and for each function F,
/// in `namespace prefix`, the inline functions F_launch, F_prepare, F_workspace_bytes and
/// F_sizes. They return 0 or an error code and need neither Longwing nor CUDA's headers.
Expected<std::string> emitHeader(const Package &package, const std::string &prefix);

} // namespace longwing

#endif // LONGWING_LIB_TARGET_HEADER_H
