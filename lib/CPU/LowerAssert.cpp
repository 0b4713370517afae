//===- LowerAssert.cpp - Reports failed assertions to the caller ----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/Support/raw_ostream.h"

namespace longwing {
#define GEN_PASS_DEF_CPULOWERASSERT
#include "longwing/CPU/Passes.h.inc"
} // namespace longwing

using namespace mlir;

/// "file:line:column: error: message", without the place where there is none.
static std::string located(Location loc, StringRef message) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (auto file = loc->findInstanceOf<FileLineColLoc>())
    stream << file.getFilename().getValue() << ":" << file.getLine() << ":" << file.getColumn()
           << ": error: ";
  stream << message;
  return text;
}

namespace {
struct CpuLowerAssertPass : longwing::impl::CpuLowerAssertBase<CpuLowerAssertPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    getOperation().walk([&](cf::AssertOp op) { lower(op, symbols); });
  }

private:
  LLVM::LLVMFuncOp failFunction(SymbolTable &symbols) {
    constexpr StringLiteral name = "longwing_cpu_fail";
    if (auto existing = symbols.lookup<LLVM::LLVMFuncOp>(name))
      return existing;
    auto builder = OpBuilder::atBlockBegin(getOperation().getBody());
    auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()),
                                            LLVM::LLVMPointerType::get(&getContext()));
    auto func = LLVM::LLVMFuncOp::create(builder, getOperation().getLoc(), name, type);
    symbols.insert(func);
    return func;
  }

  LLVM::GlobalOp message(Location loc, StringRef text, SymbolTable &symbols) {
    auto builder = OpBuilder::atBlockBegin(getOperation().getBody());
    std::string terminated(text);
    terminated.push_back('\0');
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), terminated.size());
    auto global =
        LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true, LLVM::Linkage::Internal,
                               "assert_message", builder.getStringAttr(terminated));
    symbols.insert(global);
    return global;
  }

  void lower(cf::AssertOp op, SymbolTable &symbols) {
    Location loc = op.getLoc();
    LLVM::LLVMFuncOp fail = failFunction(symbols);
    LLVM::GlobalOp text = message(loc, located(loc, op.getMsg()), symbols);
    OpBuilder builder(op);
    Value yes = arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
    Value wrong = arith::XOrIOp::create(builder, loc, op.getArg(), yes);
    auto guard = scf::IfOp::create(builder, loc, wrong);
    builder.setInsertionPointToStart(guard.thenBlock());
    Value pointer = LLVM::AddressOfOp::create(builder, loc, text);
    LLVM::CallOp::create(builder, loc, fail, pointer);
    op.erase();
  }
};
} // namespace
