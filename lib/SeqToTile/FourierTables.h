//===- FourierTables.h - Constants of Fourier transforms --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A transform of length N = 256 R in three stages, of radix R, 16 and 16, on tiles of a 16 x 16
// matrix for each of 16 warps. With n = 256 a + 16 b + c and f = k1 + R k2 + 16 R k3:
//
//   X[b][k1][c]  = sum over a of F1[b][k1][a] x[b][a][c]         warp b
//   Y[k1][k2][c] = T[k1][k2][c] sum over b of F[k2][b] X[b][k1][c]        warp k1
//   Z[k1][k2][k3] = sum over c of Y[k1][k2][c] F[c][k3]
//
// The twiddle of b is part of F1, since a warp's b is fixed there; so are the right-angle weights
// of a and b, and that of c is part of T. Where R is less than 16 a tile holds several sequences:
// row (s, a) is that of the s-th, and F1 is block diagonal.
//
// Where R is 16 S, a sequence is S parts of 4096 samples, n = 4096 j + 256 a + 16 b + c, k1 becomes
// k = k0 + S k1, and F1 is a matrix for each k0 and j, to be added over j. It is the same for all b,
// whose twiddle and weight are a table of their own. Transforms in place have n = 256 (S a + j) + 16 b + c
// instead, and k = k1 + 16 kj: butterflies add up the parts.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_FOURIERTABLES_H
#define LONGWING_LIB_SEQTOTILE_FOURIERTABLES_H

#include "longwing/Seq/FourierPlan.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include <complex>
#include <functional>

namespace longwing {

/// exp(2 pi i numerator / denominator), the angle reduced exactly.
std::complex<double> unitRoot(int64_t numerator, int64_t denominator);

/// exp(-2 pi i n (k - q) / N), q the right angle's quarter.
std::complex<double> rootOf(const FourierPlan &plan, int64_t k, int64_t n);

/// The element [warp][row][column] of a table.
using FourierTable = std::function<std::complex<double>(int64_t, int64_t, int64_t)>;

/// F1[b][(s, k1)][(s, a)], times `scale`; its transpose with [a][k1]. Of parts, F1[k0][j].
FourierTable firstStage(const FourierPlan &plan, double scale, bool transpose, int64_t k0 = 0,
                        int64_t part = 0);
/// The twiddle of b where there are parts: [b][k1][c], the same for all c, or [b][c][k1].
FourierTable partTwiddle(const FourierPlan &plan, bool transpose, int64_t k0);
/// Times this, the 16th roots of 1 lie close to numbers of f16: they lose a sixth of what they do else.
constexpr double kRootScale = 0.930169625;
/// F[r][c], the same for all warps.
FourierTable sixteen(double scale);
/// T[(s, k1)][k2][c]; its conjugate transposed, [(s, k1)][c][k2], for the way back.
FourierTable twiddle(const FourierPlan &plan, double scale, bool back, int64_t k0 = 0);
FourierTable conjugate(const FourierTable &table);
/// A table whose rows or columns stand in the order of `tile::quadColumn`.
FourierTable inQuads(const FourierTable &table, bool rows, bool columns);

/// Of transforms in place, three tables of 16 twiddles for each row, complex numbers in f16: of (k, b), a
/// quarter of them, so that the stage over b grows no sum; of (k, c); and of ([kj][b], k1).
inline int64_t rowTwiddleCount(const FourierPlan &plan) { return 3 * plan.radix * 16; }
mlir::Value rowTwiddles(mlir::OpBuilder &b, mlir::Location loc, const FourierPlan &plan, bool quads = true);

/// What rounding to f16 leaves is held times this.
constexpr double kResidual = 2048;
/// Which number of an element is stored: a part, or what rounding it to f16 leaves.
enum class Part { Real, Imaginary, MinusImaginary };
mlir::DenseElementsAttr tabulate(mlir::RankedTensorType type, const FourierTable &table, Part part,
                                 bool residual = false);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_FOURIERTABLES_H
