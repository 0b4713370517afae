//===- Draws.cpp - What a model's random inputs may be --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A decay that grows, or offsets that fall, would only show that they are refused.
//
//===----------------------------------------------------------------------===//

#include "tools/longwing-run/Model.h"

#include "dialects/seq/Seq.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::run;

/// What an operation takes in one of its operands.
static Draw drawOf(Operation *op, Value value) {
  if (auto recurrent = dyn_cast<seq::RecurrentOpInterface>(op))
    if (recurrent.getOffsets() == value)
      return Draw::Offsets;
  return TypeSwitch<Operation *, Draw>(op)
      .Case([&](seq::ScanOp scan) {
        bool wkv = scan.getForm() == seq::ScanForm::Wkv;
        if (wkv && scan.getInit() == value)
          return Draw::Positive; // One of its rows is a sum of weights.
        if (scan.getA() != value)
          return Draw::Normal;
        return scan.getForm() == seq::ScanForm::Linear ? Draw::Fraction : Draw::Negative;
      })
      .Case([&](seq::SelectiveScanOp scan) {
        if (scan.getA() == value)
          return Draw::Negative;
        return scan.getDelta() == value && !scan.getSoftplus() ? Draw::Positive : Draw::Normal;
      })
      .Case([&](seq::LinearAttentionOp linear) {
        if (linear.getDecay() == value || linear.getA() == value)
          return Draw::Negative;
        bool stepSize = linear.getDt() == value || linear.getBias() == value;
        return stepSize && !linear.getSoftplus() ? Draw::Positive : Draw::Normal;
      })
      .Case([&](seq::LongConvOp conv) {
        bool filter = conv.getFilter() == value || conv.getReverse() == value;
        return filter ? Draw::Filter : Draw::Normal;
      })
      .Case([&](seq::PrepareFilterOp) { return Draw::Filter; })
      .Case([&](seq::ShortConvOp conv) {
        return conv.getWeights() == value ? Draw::Filter : Draw::Normal;
      })
      .Case([&](seq::ButterflyOp butterfly) {
        return butterfly.getX() == value ? Draw::Normal : Draw::Filter;
      })
      .Default(Draw::Normal);
}

/// What all who read a value, as it is or reshaped, take.
static Draw drawOf(Value value) {
  for (Operation *user : value.getUsers()) {
    bool moves = isa<tensor::TensorDialect>(user->getDialect()) && user->getNumResults() == 1;
    Draw draw = moves ? drawOf(user->getResult(0)) : drawOf(user, value);
    if (draw != Draw::Normal)
      return draw;
  }
  return Draw::Normal;
}

std::vector<Draw> Model::draws(StringRef function) const {
  std::vector<Draw> draws;
  if (auto op = ModuleOp(module.get()).lookupSymbol<func::FuncOp>(function))
    for (BlockArgument argument : op.getArguments())
      draws.push_back(drawOf(argument));
  return draws;
}
