//===- Seq.h - The seq dialect ----------------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_DIALECTS_SEQ_SEQ_H
#define LONGWING_DIALECTS_SEQ_SEQ_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/seq/Shapes.h"

#include "dialects/seq/SeqDialect.h.inc"
#include "dialects/seq/SeqEnums.h.inc"
#include "dialects/seq/SeqInterfaces.h.inc"

#define GET_OP_CLASSES
#include "dialects/seq/SeqOps.h.inc"

namespace longwing::seq {
/// Of a spectrum, [H, N, 2] or [H, P, N, 2] in blocks: N, ...
inline int64_t pointsOf(mlir::RankedTensorType spectrum) { return spectrum.getDimSize(spectrum.getRank() - 2); }
/// ... P, if it is in blocks, and the longest sequence that it serves.
inline bool isInBlocks(mlir::RankedTensorType spectrum) { return spectrum.getRank() == 4; }
inline int64_t blocksOf(mlir::RankedTensorType spectrum) { return isInBlocks(spectrum) ? spectrum.getDimSize(1) : 1; }
inline int64_t lengthOf(mlir::RankedTensorType spectrum) { return blocksOf(spectrum) * pointsOf(spectrum); }
} // namespace longwing::seq

#endif // LONGWING_DIALECTS_SEQ_SEQ_H
