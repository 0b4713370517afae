//===- PassConv.cpp - Convolutions by transforms through memory -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Seq/PassConv.h"
#include "longwing/Target/Hopper.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace longwing;

bool longwing::canConvInPasses(seq::LongConvOp op, std::string *why) {
  std::string ignored;
  llvm::raw_string_ostream text(why ? *why : ignored);
  Type element = op.getU().getType().getElementType();
  int64_t length = op.getLength(), taps = op.getFilterLength();
  if (!element.isF16() && !element.isBF16())
    text << "a transform takes elements of type f16 or bf16, got " << element;
  else if (op.getInitial() || op.getFinal())
    text << "a transform in passes takes a whole sequence, got one with a state";
  else if (!op.getFilter())
    text << "a transform in passes takes a filter in time, got a spectrum";
  else if (ShapedType::isDynamic(length) || length < 1 || length > hopper::kLongestConv)
    text << "a transform takes a static length of 1 to " << hopper::kLongestConv << ", got "
         << op.getU().getType();
  else if (op.isCircular() && (ShapedType::isDynamic(taps) || taps > length))
    text << "a circular transform takes no more taps than samples, got "
         << op.getFilter().getType();
  else
    return true;
  return false;
}
