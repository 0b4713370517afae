//===- ExpandSine.h - Sines and cosines -------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_TILETONVVM_EXPANDSINE_H
#define LONGWING_LIB_TILETONVVM_EXPANDSINE_H

#include "mlir/IR/PatternMatch.h"

namespace longwing {

/// math.sin and math.cos of f32 and f64, to the last digits of the type for angles below 2^50.
void populateSinePatterns(mlir::RewritePatternSet &patterns);

} // namespace longwing

#endif // LONGWING_LIB_TILETONVVM_EXPANDSINE_H
