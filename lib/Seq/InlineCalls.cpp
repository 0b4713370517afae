//===- InlineCalls.cpp - Host code without calls --------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Seq/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

namespace longwing {
#define GEN_PASS_DEF_SEQINLINECALLS
#include "longwing/Seq/Passes.h.inc"
} // namespace longwing

using namespace mlir;

namespace {
struct SeqInlineCalls : longwing::impl::SeqInlineCallsBase<SeqInlineCalls> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    llvm::SmallPtrSet<Operation *, 4> inlined;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (func.isPublic() && !func.isExternal() && failed(inlineInto(func, symbols, inlined)))
        return signalPassFailure();
    for (Operation *callee : inlined)
      if (SymbolTable::symbolKnownUseEmpty(callee, getOperation()) && cast<func::FuncOp>(callee).isPrivate())
        callee->erase();
  }

private:
  /// How deep calls may go: a function that calls itself has no end.
  static constexpr unsigned kMaxCalls = 10000;

  LogicalResult inlineInto(func::FuncOp func, SymbolTable &symbols,
                           llvm::SmallPtrSet<Operation *, 4> &inlined) {
    SmallVector<func::CallOp> calls;
    func.walk([&](func::CallOp call) { calls.push_back(call); });
    for (unsigned i = 0; i < calls.size(); ++i) {
      func::CallOp call = calls[i];
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (!callee || callee.isExternal() || !callee.getBody().hasOneBlock() || i > kMaxCalls)
        return call.emitOpError() << "cannot run on sm_90a: expected to call a function of one block "
                                     "that does not call itself";
      IRMapping mapping;
      mapping.map(callee.getArguments(), call.getOperands());
      OpBuilder b(call);
      for (Operation &op : callee.getBody().front().without_terminator())
        b.clone(op, mapping)->walk([&](func::CallOp inner) { calls.push_back(inner); });
      auto returned = callee.getBody().front().getTerminator();
      for (auto [result, value] : llvm::zip(call.getResults(), returned->getOperands()))
        result.replaceAllUsesWith(mapping.lookupOrDefault(value));
      call.erase();
      inlined.insert(callee);
    }
    return success();
  }
};
} // namespace
