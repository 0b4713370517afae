//===- Names.h - Attributes that every room knows ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_NAMES_H
#define LONGWING_NAMES_H

#include "llvm/ADT/StringRef.h"

namespace longwing {

/// Attribute (string) of an argument or result of a function: its name for those who call it.
constexpr llvm::StringLiteral kNameAttr = "longwing.name";

} // namespace longwing

#endif // LONGWING_NAMES_H
