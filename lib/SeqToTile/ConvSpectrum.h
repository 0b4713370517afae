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

/// The filter of a convolution.
struct PassFilter {
  seq::ConvKind kind;
  mlir::Value filter, reverse;
  seq::TapOrder taps;
  bool kept; ///< The spectrum is the user's.

  explicit PassFilter(seq::LongConvOp op)
      : kind(op.getKind()), filter(op.getFilter()), reverse(op.getReverse()), taps(*op.getTaps()),
        kept(false) {}
  explicit PassFilter(seq::PrepareFilterOp op)
      : kind(op.getKind()), filter(op.getFilter()), reverse(op.getReverse()), taps(op.getTaps()),
        kept(true) {}
  bool isOneSided() const { return kind == seq::ConvKind::Causal || kind == seq::ConvKind::Anticausal; }
  int64_t channels() const {
    return llvm::cast<mlir::RankedTensorType>(filter.getType()).getDimSize(0);
  }
};

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_CONVSPECTRUM_H
