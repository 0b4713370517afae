//===- PassConv.h - Convolutions by transforms through memory ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_PASSCONV_H
#define LONGWING_SEQ_PASSCONV_H

#include "dialects/seq/Seq.h"

namespace longwing {

/// Whether a convolution can be transformed in passes through device memory; else why not, as the end
/// of a sentence.
bool canConvInPasses(seq::LongConvOp op, std::string *why = nullptr);

} // namespace longwing

#endif // LONGWING_SEQ_PASSCONV_H
