//===- StepConfig.h - Kernels of one step of a recurrence -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_STEPCONFIG_H
#define LONGWING_SEQ_STEPCONFIG_H

#include "longwing/Seq/ScanConfig.h"

namespace longwing {

/// Whether a recurrence has one position, known when it is compiled, and a kernel for that: it reads
/// the state once and writes it once. `seq-make-step` writes such operations.
bool isStep(seq::LinearAttentionOp op);
bool isStep(seq::SelectiveScanOp op);
bool isStep(seq::ScanOp op);

/// The places of a state of [rows, columns] in a warpgroup: `lanes` threads share `width` columns. A
/// kernel takes `steps` rows at a time.
ScanConfig chooseStep(seq::LinearAttentionOp op);
ScanConfig chooseStep(seq::SelectiveScanOp op);
ScanConfig chooseStep(seq::ScanOp op);

} // namespace longwing

#endif // LONGWING_SEQ_STEPCONFIG_H
