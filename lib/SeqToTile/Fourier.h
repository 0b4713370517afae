//===- Fourier.h - Stages of Fourier transforms as tile programs -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What kernels of long convolutions are written with: complex tiles of a matrix for each warp.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_FOURIER_H
#define LONGWING_LIB_SEQTOTILE_FOURIER_H

#include "FourierTables.h"
#include "TileBuilder.h"

namespace longwing {

/// Gates of unit scale times samples of scale 1e4 reach beyond the range of f16, so gated samples are
/// taken that much smaller. The first stage, whose sums are means, makes up for it.
constexpr double kGateRoom = 4;
inline double gateRoom(seq::LongConvOp op) { return op.getPre() ? kGateRoom : 1; }

/// How much smaller a result is on the way back: of bf16 it may lie beyond the range of f16. Sums of f32
/// make up for it.
inline double resultRoom(mlir::Type element) { return element.isF16() ? 1 : 8; }

/// The shape of u, of any number of batches: what is known of them changes what is held, and more than there is room for.
inline llvm::SmallVector<int64_t> anyBatches(seq::LongConvOp op) {
  llvm::SmallVector<int64_t> shape(op.getU().getType().getShape());
  shape.front() = mlir::ShapedType::kDynamic;
  return shape;
}


/// Warps of a kernel, each with a 16 x 16 matrix.
constexpr int64_t kFourierWarps = 16;

/// Numbers of the two tiles that a `tile.keep` of so many warps leaves.
constexpr int64_t keptNumbers(int64_t warps) { return 2 * tile::kMatrixSize * tile::kMatrixSize * warps; }

/// The buffer of a transform in place.
inline tile::SmemType gridBuffer(mlir::MLIRContext *context, const FourierPlan &plan) {
  return tile::SmemType::get(context, {8 * plan.radix + 16, 64}, mlir::Float16Type::get(context));
}

/// SRAM slots of a tensor's boxes: the next ones arrive while this one is used.
constexpr int64_t kFourierStages = 4;

/// A complex tile, in two parts.
struct ComplexTile {
  mlir::Value re, im;
};

/// A constant complex matrix; `minus` is the negative of its imaginary part. Without that, what is multiplied is negated instead:
/// one table less to read or to hold.
struct ComplexTable {
  mlir::Value re, im, minus;
  bool turned = false; ///< Without `minus`: whether this is the conjugate.
  ComplexTable conj() const { return minus ? ComplexTable{re, minus, im} : ComplexTable{re, im, minus, !turned}; }
  ComplexTable withoutMinus() const { return {re, im, {}, turned}; }
};

/// Complex numbers to twice as many bits as f16 has: what rounding them gives, and what it leaves.
struct SplitTile {
  ComplexTile near, rest;
};

/// Blocks of a one-sided sequence that a CTA does in order, and how many of them one of the result depends on. It keeps the
/// transforms of those before an even one, and behind them what is there of the next one's sum.
struct BlockSum {
  int64_t blocks, reach;
  /// Whether a block's sum is a loop, which phases side by side have no registers for.
  bool loops() const { return reach > 2; }
  /// Whether there are blocks that the last one no longer depends on.
  bool slides() const { return reach < blocks; }
  int64_t places() const { return slides() ? reach - 1 : (reach - 1) / 2 * 2; }
  int64_t memories() const { return places() + 1; }
};

class FourierBuilder : public TileBuilder {
public:
  FourierBuilder(mlir::OpBuilder &b, mlir::Location loc, int64_t warps = kFourierWarps)
      : TileBuilder(b, loc), warps(warps) {}

  int64_t warps; ///< Matrices of a tile.

  mlir::RankedTensorType frag(mlir::Type element) {
    return tile::tileType<tile::FragAttr>(
        {warps, tile::kMatrixSize, tile::kMatrixSize}, element);
  }
  mlir::RankedTensorType half() { return frag(b.getF16Type()); }
  mlir::RankedTensorType single() { return frag(b.getF32Type()); }
  mlir::RankedTensorType indices() { return frag(b.getIndexType()); }

  mlir::Value table(mlir::RankedTensorType type, const FourierTable &table, Part part,
                    bool residual = false) {
    return make<mlir::arith::ConstantOp>(tabulate(type, table, part, residual));
  }
  ComplexTable complexTable(const FourierTable &values) {
    return {table(half(), values, Part::Real), table(half(), values, Part::Imaginary),
            table(half(), values, Part::MinusImaginary)};
  }

  ComplexTile complexTile(const FourierTable &values) {
    return {table(half(), values, Part::Real), table(half(), values, Part::Imaginary)};
  }

  /// a b^T + c.
  mlir::Value warpDot(mlir::Value x, mlir::Value y, mlir::Value c, mlir::RankedTensorType type) {
    return make<tile::WarpDotOp>(type, x, y, c);
  }
  mlir::Value warpDot(mlir::Value x, mlir::Value y, mlir::Value c = {}) {
    return warpDot(x, y, c, half());
  }
  /// i x, or -i x.
  ComplexTile quarterTurn(const ComplexTile &x, bool back) {
    mlir::Value minus = make<mlir::arith::NegFOp>(back ? x.re : x.im);
    return back ? ComplexTile{x.im, minus} : ComplexTile{minus, x.re};
  }
  /// f x^T + sum: x is transposed on the way.
  ComplexTile fromLeft(const ComplexTable &f, const ComplexTile &x, const ComplexTile &sum = {},
                       mlir::RankedTensorType type = {}) {
    type = type ? type : half();
    mlir::Value re = warpDot(f.re, x.re, sum.re, type);
    if (f.minus) {
      mlir::Value im = warpDot(f.im, x.re, sum.im, type);
      return {warpDot(f.minus, x.im, re, type), warpDot(f.re, x.im, im, type)};
    }
    mlir::Value im = warpDot(f.re, x.im, sum.im, type);
    ComplexTile turned = quarterTurn(x, f.turned);
    return {warpDot(f.im, turned.re, re, type), warpDot(f.im, turned.im, im, type)};
  }
  /// x f^T + sum.
  ComplexTile fromRight(const ComplexTile &x, const ComplexTable &f, mlir::RankedTensorType type = {},
                        const ComplexTile &sum = {}) {
    type = type ? type : half();
    mlir::Value re = warpDot(x.re, f.re, sum.re, type);
    if (f.minus) {
      mlir::Value im = warpDot(x.re, f.im, sum.im, type);
      return {warpDot(x.im, f.minus, re, type), warpDot(x.im, f.re, im, type)};
    }
    mlir::Value im = warpDot(x.im, f.re, sum.im, type);
    ComplexTile turned = quarterTurn(x, f.turned);
    return {warpDot(turned.re, f.im, re, type), warpDot(turned.im, f.im, im, type)};
  }
  /// Element by element.
  ComplexTile times(const ComplexTile &x, const ComplexTile &y) {
    mlir::Value minus = make<mlir::arith::NegFOp>(make<mlir::arith::MulFOp>(x.im, y.im));
    mlir::Value cross = make<mlir::arith::MulFOp>(x.im, y.re);
    return {fma(x.re, y.re, minus), fma(x.re, y.im, cross)};
  }
  /// sum + x y, element by element.
  ComplexTile plusTimes(const ComplexTile &sum, const ComplexTile &x, const ComplexTile &y) {
    mlir::Value minus = make<mlir::arith::NegFOp>(x.im);
    return {fma(minus, y.im, fma(x.re, y.re, sum.re)), fma(x.im, y.re, fma(x.re, y.im, sum.im))};
  }
  /// x times the conjugate of y, element by element.
  ComplexTile timesConj(const ComplexTile &x, const ComplexTile &y) {
    mlir::Value cross = make<mlir::arith::MulFOp>(x.im, y.im);
    mlir::Value minus = make<mlir::arith::NegFOp>(make<mlir::arith::MulFOp>(x.re, y.im));
    return {fma(x.re, y.re, cross), fma(x.im, y.re, minus)};
  }
  /// Along both inner digits, times the spectrum, and back: [c][b] by way of [k2][c], [k2][k3] and
  /// [c][k2] to [b][c].
  ComplexTile convolve(ComplexTile z, const ComplexTable &f, const ComplexTile &there,
                       llvm::function_ref<ComplexTile(const ComplexTile &)> timesSpectrum, const ComplexTile &back) {
    return convolve(z, f, {f, f}, there, timesSpectrum, back);
  }
  /// The same with a k3 in an order of its own: that of the rows of one matrix, and of the columns of the other.
  ComplexTile convolve(ComplexTile z, const ComplexTable &f, const std::pair<ComplexTable, ComplexTable> &last,
                       const ComplexTile &there, llvm::function_ref<ComplexTile(const ComplexTile &)> timesSpectrum,
                       const ComplexTile &back) {
    z = times(fromLeft(f, z), there);
    z = timesSpectrum(fromRight(z, last.first));
    z = times(fromLeft(last.second.conj(), z), back);
    return fromLeft(f.conj(), z);
  }
  /// x + i^turns y.
  ComplexTile plus(const ComplexTile &x, const ComplexTile &y, int64_t turns);
  /// X[k] = sum over n of exp(-2 pi i n k / size) x[n], or back exp(2 pi i n k / size), of 1, 2, 4 or 8.
  llvm::SmallVector<ComplexTile> butterflies(llvm::ArrayRef<ComplexTile> x, bool back);
  /// 16 of `rowTwiddles` for each warp from the row on, the same in all rows of its matrix.
  /// They themselves, brought to SRAM.
  mlir::Value bring(mlir::Value twiddles, const FourierPlan &plan);
  ComplexTile rowTwiddle(mlir::Value twiddles, const FourierPlan &plan, int64_t table, mlir::Value row);

  /// Ends the kernel with its work tiles, goes on inside of them, and gives their coordinates.
  mlir::ValueRange eachWorkTile(mlir::ValueRange sizes) {
    auto work = tile::ForEachOp::create(b, loc, sizes);
    tile::ReturnOp::create(b, loc);
    b.setInsertionPointToStart(&work.getBody().front());
    return work.getBody().getArguments();
  }
  /// A loop over steps that is not unrolled; it may hold its tables in registers.
  void eachStep(int64_t count, bool holds, llvm::function_ref<void(mlir::Value)> body);
  /// Writes `body` for tensors whose rows lie in one piece, where `fast` says so, and for others; once if nothing says.
  void eachWay(mlir::Value fast, llvm::function_ref<void(bool rows)> body);

  /// Rows of a complex tile in SRAM, as tile.write_rows has them; a matrix is transposed as it is read.
  void writeRows(const ComplexTile &z, mlir::Value buffer, mlir::Value i, mlir::Value j, int64_t along) {
    tile::WriteRowsOp::create(b, loc, z.re, z.im, buffer, i, j, along, /*step=*/1);
  }
  ComplexTile readRows(mlir::Value buffer, mlir::Value i, mlir::Value j, int64_t along) {
    auto op = tile::ReadRowsOp::create(b, loc, half(), half(), buffer, i, j, along, /*step=*/1, /*transpose=*/true);
    return {op.getFirst(), op.getSecond()};
  }
  void keep(const ComplexTile &z, mlir::Value memory, mlir::ValueRange place) {
    tile::KeepOp::create(b, loc, z.re, z.im, memory, place);
  }
  ComplexTile recall(mlir::Value memory, mlir::ValueRange place, mlir::Value exists = {}) {
    auto op = tile::RecallOp::create(b, loc, half(), half(), memory, place, exists);
    return {op.getFirst(), op.getSecond()};
  }
  /// SRAM for as many complex tiles.
  mlir::Value memoryOf(int64_t places);
  /// The sum that the block of this number is, given its transform and the spectrum of the taps between it and itself, and, if
  /// they are read already, of an even one what those between it and the next block are made from; `spectrum` gives those of the
  /// taps between it and the j-th block before, or what `numbersOf` makes them from.
  ComplexTile sumOfBlocks(const BlockSum &blocks, const ComplexTile &x, const std::pair<ComplexTile, ComplexTile> &known,
                          mlir::Value order, mlir::Value past, llvm::function_ref<ComplexTile(mlir::Value)> spectrum,
                          llvm::function_ref<ComplexTile(const ComplexTile &)> numbersOf = [](const ComplexTile &read) { return read; },
                          bool rolled = false);
  ComplexTile rounded(const ComplexTile &x) { return {cast(x.re, half()), cast(x.im, half())}; }
  ComplexTile widened(const ComplexTile &x) { return {cast(x.re, single()), cast(x.im, single())}; }
  /// Tiles of f32 in two parts of f16, and what they are together.
  mlir::Value restOf(mlir::Value x, mlir::Value near) { return make<mlir::arith::SubFOp>(x, cast(near, single())); }
  SplitTile split(const ComplexTile &x) {
    ComplexTile near = rounded(x);
    return {near, rounded({restOf(x.re, near.re), restOf(x.im, near.im)})};
  }
  ComplexTile joined(const SplitTile &x) {
    auto sum = [&](mlir::Value near, mlir::Value rest) {
      return make<mlir::arith::AddFOp>(cast(near, single()), cast(rest, single()));
    };
    return {sum(x.near.re, x.rest.re), sum(x.near.im, x.rest.im)};
  }
  /// f x^T and x f^T, in f32.
  ComplexTile splitLeft(const ComplexTable &f, const SplitTile &x) {
    return fromLeft(f, x.near, fromLeft(f, x.rest, {}, single()), single());
  }
  ComplexTile splitRight(const SplitTile &x, const ComplexTable &f) {
    return fromRight(x.near, f, single(), fromRight(x.rest, f, single()));
  }
  SplitTile exchangeSplit(const SplitTile &x) { return {exchange(x.near), exchange(x.rest)}; }
  ComplexTile exchange(const ComplexTile &x) {
    auto op = tile::ExchangeOp::create(b, loc, x.re, x.im, {1, 2, 0});
    return {op.getFirstResult(), op.getSecondResult()};
  }
  mlir::Value cast(mlir::Value x, mlir::RankedTensorType type) {
    return x.getType() == type ? x : make<tile::CastOp>(type, x);
  }

  /// Positions: of the warp, the row or the column; and arithmetic on them.
  mlir::Value position(int64_t dimension) {
    return make<tile::PositionOp>(indices(), dimension);
  }
  /// The column in memory of each element of a tile of quads.
  mlir::Value quadPosition() { return make<tile::PositionOp>(indices(), 2, /*quads=*/true); }
  mlir::Value splat(int64_t value) {
    auto attr = mlir::DenseElementsAttr::get(indices(), b.getIndexAttr(value));
    return make<mlir::arith::ConstantOp>(attr);
  }
  mlir::Value addAll(mlir::Value x, int64_t y) {
    return y ? make<mlir::arith::AddIOp>(x, splat(y)) : x;
  }
  mlir::Value mulAll(mlir::Value x, int64_t y) {
    return y == 1 ? x : make<mlir::arith::MulIOp>(x, splat(y));
  }
  mlir::Value divAll(mlir::Value x, int64_t y) {
    return y == 1 ? x : make<mlir::arith::DivUIOp>(x, splat(y));
  }
  mlir::Value remAll(mlir::Value x, int64_t y) { return make<mlir::arith::RemUIOp>(x, splat(y)); }
};

/// Samples whose products with a gate have that room.
inline mlir::Value withRoom(FourierBuilder &t, mlir::Value samples) {
  return t.make<mlir::arith::MulFOp>(samples, t.constantLike(samples, 1 / kGateRoom));
}

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_FOURIER_H
