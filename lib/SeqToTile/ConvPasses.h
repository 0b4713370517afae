//===- ConvPasses.h - Long convolutions in passes over memory ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The right-angle transform in three passes, for sequences that no multiprocessor can hold. With
// N >= L points, N = R M, M = 64 P, time n = M a + m, m = 64 b + c, and frequency
// f = k1 + R (k2 + P k3):
//
//   forward   X[k1][m]   = t(k1, m) sum over a of e(-(k1 - s) a / R) u[a][m]
//   inner     Z[k1][m]   = conj t(k1, m) IDFT_M(S[k1] DFT_M(X[k1]))[m]
//   inverse   y[a][m]    = Re sum over k1 of e((k1 - s) a / R) Z[k1][m]
//
// where e(x) = exp(2 pi i x), t(k1, m) = e(-(k1 - s) m / N), and s = 1/4 turns the circular
// convolution of the transform into a linear one (docs: seq.prepare_filter); with s = 0 it stays circular. The transform of M
// points is one of P (over b) and one of 64 (over c), with a twiddle e(-k2 c / M) between. Every
// stage is a product with a constant matrix, scaled by the root of its size, so that magnitudes stay.
//
// With s = 0 and samples that are real, rows k1 and R - k1 of X are conjugate, and so are those of Z: a mirrored plan has only rows
// R / 2 to R - 1 and, last, row 0, and y is the sum of twice their real parts, but for rows 0 and R / 2, which count once.
//
// The intermediate lies in memory as tiles of 4096 points, [rows N / 4096][re, im][64][64]: rows are
// 64 / P neighbouring k1 and their b, columns c. So the inner pass is the same for every length.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_CONVPASSES_H
#define LONGWING_LIB_SEQTOTILE_CONVPASSES_H

#include "TileBuilder.h"

#include "longwing/Seq/PassConv.h"

#include <complex>

namespace longwing {

/// Warpgroups of the kernels, each with a tile of its own.
constexpr int64_t kGroups = 2;

/// How much larger the first pass of a filter leaves it where it is f16, so that it keeps its digits.
constexpr double kStoredFilter = 32;

/// (k - s) n / size turns.
std::complex<double> outerRoot(const PassPlan &plan, int64_t k, int64_t n, int64_t size, int sign);
std::complex<double> root(int64_t k, int64_t n, int64_t size, int sign);

/// The nearest number of the type.
llvm::APFloat nearest(double value, mlir::Type element);

/// Complex matrices as constants of the host code: planes [re, im] of each.
class ConvTables {
public:
  using Entry = llvm::function_ref<std::complex<double>(int64_t row, int64_t column)>;

  ConvTables(int64_t rows, int64_t columns) : rows(rows), columns(columns) {}
  /// Adds the planes of a matrix; gives the number of the first.
  int64_t add(Entry entry);
  /// Adds four planes, of the matrix rounded to the type and of what that loses.
  int64_t addSplit(Entry entry, mlir::Type element);
  /// [planes, rows, columns] of f16 or bf16.
  mlir::Value constant(mlir::OpBuilder &b, mlir::Location loc, mlir::Type element) const;

private:
  int64_t rows, columns;
  std::vector<double> values;
};

/// A complex tile in registers or SRAM.
struct Complex {
  mlir::Value re, im;
};

/// x y, or x conj(y).
Complex multiply(TileBuilder &t, Complex x, Complex y, bool conjugate);

/// Factors exp(2 pi i sign (k1 - s) (64 b + c) / N) of an f32 tile whose rows have the given k1 and b,
/// tiles of index.
Complex passTwiddle(TileBuilder &t, const PassPlan &plan, mlir::Value k1, mlir::Value b, int sign,
                    mlir::RankedTensorType type);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_CONVPASSES_H
