//===- PtxAsm.h - The one place where inline PTX is built -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the NVVM dialect cannot say: wgmma with its operand A in registers, waits that values
// pass through, and predicated mbarrier arrivals. Operands that are read and written are tied
// explicitly: `nvvm.inline_ptx` orders them wrongly (MLIR 22.1).
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_TILETONVVM_PTXASM_H
#define LONGWING_LIB_TILETONVVM_PTXASM_H

#include "mlir/IR/Builders.h"

namespace longwing::ptx {

/// A matrix product d = a b (+ d) of one warpgroup, 64 rows, as wgmma instructions of 16 columns.
struct Wgmma {
  int64_t n = 0;
  int64_t parts = 1;                  // accumulators of n columns, side by side
  mlir::Type element;                 // f16 or bf16
  llvm::SmallVector<mlir::Value> a;   // one descriptor, or four registers for each step
  mlir::Value b;                      // descriptor
  llvm::SmallVector<mlir::Value> d;   // accumulator to add to; empty for none
  bool transposeB = false;            // b is stored with n contiguous
  bool negate = false;                // d - a b
  llvm::SmallVector<int64_t> aOffset; // bytes from the descriptor's address, for each step
  llvm::SmallVector<int64_t> bOffset; // for each step of each part
};

/// Issues the product between a fence and a commit, and gives the accumulator's registers.
llvm::SmallVector<mlir::Value> wgmma(mlir::OpBuilder &b, mlir::Location loc, const Wgmma &product);

/// Waits until at most `pending` groups are in flight. Every value passes through the instruction,
/// so that neither LLVM nor ptxas moves what is computed from it above the wait.
llvm::SmallVector<mlir::Value> wgmmaWait(mlir::OpBuilder &b, mlir::Location loc, int64_t pending,
                                         mlir::ValueRange values);

/// Whether an operation, or null, is such a product, or such a wait.
bool isProduct(mlir::Operation *op);
bool isWait(mlir::Operation *op);

/// The i32 or i64 itself, by a move that LLVM does not see through; `pinned`, nor takes out of a
/// loop.
mlir::Value opaque(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, bool pinned = false);
/// The i32 itself, in a way that ptxas does not take out of a loop either: for what is cheap to compute and
/// dear to hold. It takes away what is 0 at any time, but depends on the time.
mlir::Value remade(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);

/// What stands there in global memory, as a word or a half of one. It is read where the program says: LLVM would
/// move it to where it is used, behind fences that wait for it.
mlir::Value loadHere(mlir::OpBuilder &b, mlir::Location loc, mlir::Value address, unsigned bits);

/// Reads 1, 2 or 4 words of 32 bits (or one of 16) from global memory where the i1 `predicate` holds; zeros
/// elsewhere. In order with stores and products, so that no register holds them for too long.
llvm::SmallVector<mlir::Value> loadIf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value address,
                                      mlir::Value predicate, int64_t words, bool half = false);

/// Asks for bytes of device memory, a multiple of 16, to come to L2, where the predicate holds.
void prefetchIf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value address, mlir::Value bytes, mlir::Value predicate);
/// Writes 1, 2 or 4 words of 32 bits (or one of 16) to global memory where the i1 `predicate` holds.
void storeIf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value address, mlir::Value predicate,
             mlir::ValueRange words, bool half = false);

/// The same, by an exchange of each lane with itself, which neither LLVM nor ptxas sees through or
/// moves out of a loop; nor what is computed from it. All lanes of the warp must take part.
/// Bytes of two registers.
mlir::Value permute(mlir::OpBuilder &b, mlir::Location loc, mlir::Value low, mlir::Value high,
                    int64_t selector);
mlir::Value permute(mlir::OpBuilder &b, mlir::Location loc, mlir::Value low, mlir::Value high,
                    mlir::Value selector);
mlir::Value pinned(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);

/// The threads of a barrier wait for each other; whether the i1 `predicate` holds for all of them.
mlir::Value meetIf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value number, int64_t threads, mlir::Value predicate);

/// Arrives at an mbarrier, a 32-bit address in SRAM, where the i1 `predicate` holds; if there is a word `read`, not before
/// that is known: times `zero`, which LLVM and ptxas must not know, it is added to the address. They may know some of its bits.
void arrive(mlir::OpBuilder &b, mlir::Location loc, mlir::Value barrier, mlir::Value predicate, mlir::Value read = {},
            mlir::Value zero = {});

/// Where the CTA of the number `member` in the cluster has what is at a 32-bit address in SRAM here.
mlir::Value inMember(mlir::OpBuilder &b, mlir::Location loc, mlir::Value address, mlir::Value member);
/// Copies from SRAM here to such an address, by the copy engine; the mbarrier there counts the bytes.
void copyToMember(mlir::OpBuilder &b, mlir::Location loc, mlir::Value target, mlir::Value source, mlir::Value barrier,
                  int64_t bytes);
/// Waits until the phase of an mbarrier has completed, of which other CTAs' bytes are part.
void waitForCluster(mlir::OpBuilder &b, mlir::Location loc, mlir::Value barrier, mlir::Value parity);

//===----------------------------------------------------------------------===//
// A matrix for each warp
//===----------------------------------------------------------------------===//

/// The negative of two f16, as ptxas folds it into the arithmetic around. LLVM would make a word's
/// exclusive or of it, which ptxas keeps.
mlir::Value negatePair(mlir::OpBuilder &b, mlir::Location loc, mlir::Value pair);

/// d = a b + c by one mma.sync of a form, which names its shape and types; c is of f32, or of pairs of f16.
llvm::SmallVector<mlir::Value> mma(mlir::OpBuilder &b, mlir::Location loc, llvm::StringRef form,
                                   mlir::ValueRange a, mlir::ValueRange factor,
                                   mlir::ValueRange c);
/// Four matrices of 8 x 8 from and to SRAM, at `base` plus a constant.
llvm::SmallVector<mlir::Value> loadMatrix(mlir::OpBuilder &b, mlir::Location loc, mlir::Value base,
                                          int64_t offset, bool transpose);
/// The transpose of one 8 x 8 matrix in registers.
mlir::Value moveMatrix(mlir::OpBuilder &b, mlir::Location loc, mlir::Value word);
void storeMatrix(mlir::OpBuilder &b, mlir::Location loc, mlir::Value base, int64_t offset,
                 mlir::ValueRange words);
/// One, two or four words in device memory. They are read here and nowhere else: ptxas would move the read of
/// what it knows to be constant out of a loop. What `lasts` is to stay in L1.
llvm::SmallVector<mlir::Value> loadWords(mlir::OpBuilder &b, mlir::Location loc, mlir::Value base,
                                         int64_t offset, int64_t count = 4, bool lasts = false);
/// Four words in device memory that are to stay in L2.
llvm::SmallVector<mlir::Value> loadLasting(mlir::OpBuilder &b, mlir::Location loc, mlir::Value address);
/// The cache policy of what L2 need not keep.
mlir::Value streamPolicy(mlir::OpBuilder &b, mlir::Location loc);
/// Waits until the phase of the mbarrier at `base` plus a constant has completed, if the i1
/// `predicate` holds.
void waitIf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value base, int64_t offset,
            mlir::Value parity, mlir::Value predicate);
/// Arrives there, behind all lanes of the warp: those for which the i1 `elected` holds.
void arriveWarp(mlir::OpBuilder &b, mlir::Location loc, mlir::Value base, int64_t offset,
                mlir::Value elected);

} // namespace longwing::ptx

#endif // LONGWING_LIB_TILETONVVM_PTXASM_H
