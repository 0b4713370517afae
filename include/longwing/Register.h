//===- Register.h - All dialects and passes of Longwing ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_REGISTER_H
#define LONGWING_REGISTER_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace longwing {

/// Adds Longwing's dialects.
void registerDialects(mlir::DialectRegistry &registry);

/// Registers Longwing's passes and pipelines by name.
void registerPasses();

} // namespace longwing

#endif // LONGWING_REGISTER_H
