//===- Diagnostic.h - Diagnostics for the C API -----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_CAPI_DIAGNOSTIC_H
#define LONGWING_LIB_CAPI_DIAGNOSTIC_H

#include "longwing-c/Compiler.h"
#include "longwing/Compiler.h"

namespace longwing::capi {

/// A message as C sees it; it lives no longer than the message.
inline lw_diagnostic toC(const Message &message) {
  lw_severity severity = LW_REMARK;
  if (message.severity == Message::Severity::Error)
    severity = LW_ERROR;
  else if (message.severity == Message::Severity::Warning)
    severity = LW_WARNING;
  return {severity,
          message.line,
          message.column,
          message.file.c_str(),
          message.message.c_str(),
          message.text.c_str()};
}

} // namespace longwing::capi

#endif // LONGWING_LIB_CAPI_DIAGNOSTIC_H
