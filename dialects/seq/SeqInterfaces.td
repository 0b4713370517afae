//===- SeqInterfaces.td - Interfaces of seq operations -----*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_SEQ_INTERFACES_TD
#define LONGWING_SEQ_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Seq_RecurrentOpInterface : OpInterface<"RecurrentOpInterface"> {
  let cppNamespace = "::longwing::seq";
  let description = [{
    An operation that walks along time and carries a state: it may start from an initial
    state and may give the final one. Over one step, with both, it is the step of generation.
  }];
  let methods = [
    InterfaceMethod<"The initial state, or null where it is that of an empty past.",
                    "::mlir::Value", "getInit">,
    InterfaceMethod<"The operand of the initial state, to set or clear.",
                    "::mlir::MutableOperandRange", "getInitMutable">,
    InterfaceMethod<"The final state, or null where it is not asked for.", "::mlir::Value", "getState">,
    InterfaceMethod<"Where each packed sequence begins, or null.", "::mlir::Value", "getOffsets">,
    InterfaceMethod<"Whether time runs from the last position to the first.", "bool",
                    "isReversed", (ins), "", "return $_op.getReverse();">,
    InterfaceMethod<"Whether an output depends on positions that are not yet there in generation.",
                    "bool", "seesFuture", (ins), "", "return $_op.isReversed();">,
    InterfaceMethod<"The type of the initial and the final state.",
                    "::mlir::RankedTensorType", "getStateType">,
    InterfaceMethod<"The shapes that the constraints ask for, operands before results.",
                    "::llvm::SmallVector<::longwing::seq::NamedShape>", "getNamedShapes">
  ];
}

#endif // LONGWING_SEQ_INTERFACES_TD
