//===- ConvMiddle.h - Middle passes of long convolutions --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_CONVMIDDLE_H
#define LONGWING_LIB_SEQTOTILE_CONVMIDDLE_H

#include "ConvPasses.h"

namespace longwing {

/// The transform over the middle digit of each k1, in place, with the twiddles behind it: those of the
/// inner transform on the way there, those of the outer one on the way back. The kernel takes X and
/// the matrices; its work tiles are counted by pair of columns, and by sequence and k1.
tile::KernelOp middlePass(mlir::Location loc, llvm::StringRef name, const PassPlan &plan, bool forward);
mlir::Value middleMatrices(mlir::OpBuilder &b, mlir::Location loc, const PassPlan &plan, bool forward);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_CONVMIDDLE_H
