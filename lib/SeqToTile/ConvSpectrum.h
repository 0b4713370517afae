//===- ConvSpectrum.h - Filters as spectra, on the device -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_CONVSPECTRUM_H
#define LONGWING_LIB_SEQTOTILE_CONVSPECTRUM_H

#include "ConvPasses.h"

#include "dialects/seq/Seq.h"

#include "mlir/IR/SymbolTable.h"

namespace longwing {

/// Launches the kernels that transform the filter of a convolution, and gives its spectrum in tiles,
/// `[H, N / 4096, 2, 64, 64]` of f16.
mlir::Value prepareSpectrum(seq::LongConvOp op, const PassPlan &plan, mlir::SymbolTable &symbols,
                            mlir::OpBuilder &b);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_CONVSPECTRUM_H
