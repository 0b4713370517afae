//===- Npy.h - NumPy's file format ------------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NumPy has no bfloat16: it travels as its 16 bits, as uint16 ('<u2') or as the two opaque bytes
// ('<V2') that ml_dtypes writes.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TOOLS_RUN_NPY_H
#define LONGWING_TOOLS_RUN_NPY_H

#include "tools/longwing-run/Array.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace longwing::run {

/// Reads the bytes of an .npy file as an array of `dtype`. Floats are rounded and integers checked
/// against their range where the file has another type.
llvm::Expected<Array> readNpy(llvm::StringRef bytes, DType dtype);

/// The bytes of an .npy file.
std::string writeNpy(const Array &array);

} // namespace longwing::run

#endif // LONGWING_TOOLS_RUN_NPY_H
