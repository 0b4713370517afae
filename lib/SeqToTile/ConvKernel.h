//===- ConvKernel.h - What kernels of transforms share ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_CONVKERNEL_H
#define LONGWING_LIB_SEQTOTILE_CONVKERNEL_H

#include "ConvPasses.h"

#include "dialects/seq/Seq.h"

namespace longwing {

/// Words for kernels whose warpgroups each have a tile of 64 x 64 numbers of their own.
class ConvKernel {
protected:
  ConvKernel(mlir::Location loc, const PassPlan &plan)
      : plan(plan), builder(loc.getContext()), t(builder, loc) {
    half = builder.getF16Type();
    single = builder.getF32Type();
    wide = acc(single);
  }

  static constexpr int64_t kRows = kGroups * kSide;

  mlir::RankedTensorType acc(mlir::Type type) {
    return tile::tileType<tile::AccAttr>({kRows, kSide}, type);
  }
  tile::DescType desc(llvm::ArrayRef<int64_t> box, mlir::Type type, int64_t split = 0) {
    return tile::DescType::get(builder.getContext(), box, type, split);
  }

  /// The intermediate, in boxes of 64 points of k1, all of one b. Its tiles hold several k1, or, where
  /// a k1 has more than one tile, 64 b each.
  tile::DescType column(mlir::Type type) {
    int64_t n = plan.neighbours();
    return n ? desc({kSide / n, 1, n, 1, kSide}, type) : desc({kSide, 1, 1, 1, kSide}, type);
  }
  /// Gives the dimensions of those boxes to an argument [tiles, planes, 64, 64].
  void unfoldColumns(unsigned argument, int64_t planes) {
    llvm::SmallVector<int64_t> entries;
    if (int64_t n = plan.neighbours())
      entries = {0, 1, 0, 1, 1, planes, 2, plan.inner, n, 2, 1, plan.inner, 3, 1, kSide};
    else
      entries = {0, plan.inner / kSide, 0, 0, 1, plan.inner / kSide, 1, 1, planes, 2, 1, kSide, 3, 1, kSide};
    kernel.setArgAttr(argument, tile::kUnfoldAttr, builder.getDenseI64ArrayAttr(entries));
  }
  /// The sequences of such an argument.
  mlir::Value sequencesOf(mlir::Value x) {
    return t.floorDiv(t.dim(x, 0), plan.neighbours() ? plan.tiles() : plan.rows());
  }
  /// Where the box of a block of 64 k1 begins.
  llvm::SmallVector<mlir::Value> columnAt(mlir::Value sequence, mlir::Value block, int64_t plane,
                                          mlir::Value b) {
    mlir::Value zero = t.index(0);
    if (plan.neighbours()) {
      mlir::Value first = t.add(t.mul(sequence, plan.tiles()), t.mul(block, plan.inner));
      return {first, t.index(plane), zero, b, zero};
    }
    mlir::Value first = t.add(t.mul(sequence, plan.rows()), t.mul(block, kSide));
    mlir::Value side = t.index(kSide);
    return {first, t.floorDiv(b, kSide), t.index(plane), t.make<mlir::arith::RemUIOp>(b, side), zero};
  }
  /// Row 0 of a mirrored plan, the last one, in boxes of which all other rows lie outside, but for the first `count` of its tile.
  tile::DescType rowZero(mlir::Type type) { return desc({kSide, 1, 1, 1, kSide}, type); }
  void unfoldRowZero(unsigned argument, int64_t planes, int64_t count) {
    llvm::SmallVector<int64_t> entries = {0, 1, 1};
    if (plan.neighbours())
      entries = {2, plan.inner, count};
    entries.append({0, 1, 0, 1, 1, planes, 2, 1, std::min(plan.inner, kSide), 3, 1, kSide});
    kernel.setArgAttr(argument, tile::kUnfoldAttr, builder.getDenseI64ArrayAttr(entries));
  }
  /// Where the box begins that has that row after `skipped` others.
  llvm::SmallVector<mlir::Value> rowZeroAt(mlir::Value sequence, mlir::Value skipped, int64_t plane, mlir::Value b) {
    mlir::Value zero = t.index(0), side = t.index(kSide);
    mlir::Value first = t.add(t.mul(sequence, plan.tiles()), plan.outer / 2 * plan.stride() / kTilePoints);
    return {skipped, t.add(first, t.floorDiv(b, kSide)), t.index(plane), t.make<mlir::arith::RemUIOp>(b, side), zero};
  }
  /// The last argument, that row of the `output`.
  void aliasRowZero(unsigned output, int64_t planes) {
    if (!plan.mirrored)
      return;
    unsigned last = kernel.getNumArguments() - 1;
    unfoldRowZero(last, planes, std::max<int64_t>(plan.neighbours(), 1));
    kernel.setArgAttr(last, tile::kAliasAttr, builder.getI64IntegerAttr(output));
  }
  /// Its dimension of b, along which the boxes of warpgroups follow each other.
  static constexpr int64_t kAlongB = 3;

  mlir::Type energiesType() { return tile::ViewType::get(builder.getContext(), {mlir::ShapedType::kDynamic}, single); }

  /// Begins the kernel and gives its arguments. The registers that the producer has are the consumers'
  /// loss.
  mlir::ValueRange begin(llvm::StringRef name, llvm::ArrayRef<mlir::Type> inputs, unsigned output,
                         int64_t producer = 24) {
    auto schedule = tile::ScheduleAttr::get(builder.getContext(), kGroups, producer,
                                            (504 - producer) / kGroups, /*persistent=*/true,
                                            /*overlap=*/false, /*spread=*/false);
    kernel = tile::KernelOp::create(builder, t.loc, name, inputs, schedule);
    kernel.setOutput(output);
    mlir::Block &body = kernel.getBody().front();
    builder.setInsertionPointToStart(&body);
    return body.getArguments();
  }
  /// Goes on inside a loop from 0 to `count`, and gives its counter.
  mlir::Value forRange(int64_t count) {
    auto loop =
        mlir::scf::ForOp::create(builder, t.loc, t.index(0), t.index(count), t.index(1));
    builder.setInsertionPointToStart(loop.getBody());
    return loop.getInductionVar();
  }
  /// Goes on inside the work tiles, and gives their coordinates.
  mlir::ValueRange forEach(mlir::ValueRange sizes) {
    auto loop = tile::ForEachOp::create(builder, t.loc, sizes);
    builder.setInsertionPointToStart(&loop.getBody().front());
    return loop.getBody().getArguments();
  }
  tile::KernelOp end() {
    builder.setInsertionPointToEnd(&kernel.getBody().front());
    tile::ReturnOp::create(builder, t.loc);
    return kernel;
  }

  /// Boxes that follow each other along a dimension, one below the other.
  mlir::Value load(mlir::Value source, mlir::ValueRange at, int64_t rows, int64_t along,
                   int64_t stages) {
    mlir::Type type = llvm::cast<tile::DescType>(source.getType()).getElementType();
    return t.make<tile::LoadOp>(tile::tileType<tile::SharedAttr>({rows, kSide}, type), source, at,
                                builder.getI64IntegerAttr(stages),
                                builder.getI64IntegerAttr(along));
  }
  void store(mlir::Value tile, mlir::Value destination, mlir::ValueRange at, int64_t along) {
    tile::StoreOp::create(builder, t.loc, tile, destination, at, mlir::Value(),
                          builder.getI64IntegerAttr(along));
  }
  /// 64 rows of a plane of constants.
  mlir::Value table(mlir::Value source, int64_t plane, mlir::Value row, mlir::Value column,
                    int64_t columns, int64_t stages) {
    mlir::Type type = llvm::cast<tile::DescType>(source.getType()).getElementType();
    return t.load(source, {t.index(plane), row, column},
                  tile::tileType<tile::SharedAttr>({kSide, columns}, type), stages);
  }
  /// The product with a matrix that all warpgroups share on the left, ...
  mlir::Value dotLeft(mlir::Value matrix, mlir::Value data, mlir::Value sum, bool negate = false) {
    return t.make<tile::DotOp>(wide, matrix, data, sum, false, negate, /*blocked=*/true);
  }
  /// ... and on the right.
  mlir::Value dotRight(mlir::Value data, mlir::Value matrix, mlir::Value sum, bool negate = false) {
    return t.make<tile::DotOp>(wide, data, matrix, sum, false, negate, /*blocked=*/false);
  }
  mlir::Value convert(mlir::Value x, mlir::Type type) {
    return t.make<tile::ConvertOp>(acc(type), x);
  }
  mlir::Value fragment(mlir::Value x, mlir::Type type) {
    return t.make<tile::ConvertOp>(tile::tileType<tile::AFragAttr>({kRows, kSide}, type), x);
  }
  /// Into SRAM, for a product of the same warpgroup.
  mlir::Value exchange(mlir::Value x, mlir::Type type) {
    return t.make<tile::PublishOp>(tile::tileType<tile::SharedAttr>({kRows, kSide}, type),
                                    convert(x, type), mlir::Value(), /*blocked=*/true);
  }
  /// A tile in SRAM as f32 in registers.
  mlir::Value read(mlir::Value source) {
    mlir::Type type = llvm::cast<mlir::RankedTensorType>(source.getType()).getElementType();
    mlir::Value tile = t.make<tile::UnstageOp>(acc(type), source);
    return type.isF32() ? tile : t.make<mlir::arith::ExtFOp>(wide, tile);
  }

  mlir::Value rows() { return t.iota<tile::RowAttr>(t.index(0), kRows); }
  mlir::Value fill(mlir::Value like, mlir::Value scalar) {
    return t.make<tile::BroadcastOp>(like.getType(), scalar);
  }
  mlir::Value fill(mlir::Value like, int64_t value) { return fill(like, t.index(value)); }
  mlir::Value quotient(mlir::Value x, int64_t y) {
    return t.make<mlir::arith::DivUIOp>(x, fill(x, y));
  }
  mlir::Value remainder(mlir::Value x, int64_t y) {
    return t.make<mlir::arith::RemUIOp>(x, fill(x, y));
  }

  /// Stores the rows k1 of the outer transform that the sums of its residues make, for block `number` of those of a residue,
  /// times their twiddles. The sums of two residues, of f16, make rows of the first and of the second half; of the first,
  /// mirrored ones only row 0, whose twiddles are 1. `planesOf` gives what is stored of complex numbers.
  void storeBlocks(llvm::ArrayRef<Complex> parts, mlir::Value x, mlir::Value rowZero, mlir::Value sequence, mlir::Value number,
                   int64_t blocks, mlir::Value b0, llvm::function_ref<llvm::SmallVector<mlir::Value>(const Complex &)> planesOf) {
    llvm::SmallVector<Complex> sums(parts);
    if (parts.size() == 2) {
      const Complex &x = parts[0], &y = parts[1];
      sums = {{t.make<mlir::arith::AddFOp>(x.re, y.re), t.make<mlir::arith::AddFOp>(x.im, y.im)},
              {t.make<mlir::arith::SubFOp>(x.re, y.re), t.make<mlir::arith::SubFOp>(x.im, y.im)}};
    }
    mlir::Value row = rows(), b = t.add(quotient(row, kSide), fill(row, b0));
    for (auto [q, sum] : llvm::enumerate(sums)) {
      if (parts.size() > 1)
        sum = {t.make<mlir::arith::ExtFOp>(wide, sum.re), t.make<mlir::arith::ExtFOp>(wide, sum.im)};
      if (plan.mirrored && q == 0) {
        for (auto [plane, value] : llvm::enumerate(planesOf(sum)))
          store(value, rowZero, rowZeroAt(sequence, t.mul(number, kSide), plane, b0), kAlongB);
        continue;
      }
      mlir::Value block = t.add(number, q * blocks), place = plan.mirrored ? number : block;
      mlir::Value k1 = t.add(remainder(row, kSide), fill(row, t.mul(block, kSide)));
      Complex turned = multiply(t, sum, passTwiddle(t, plan, k1, b, -1, wide), /*conjugate=*/false);
      for (auto [plane, value] : llvm::enumerate(planesOf(turned)))
        store(value, x, columnAt(sequence, place, plane, b0), kAlongB);
    }
  }

  /// Notes how large a block of 64 rows of some b is, if a later kernel asks.
  void storeEnergy(const Complex &sum, mlir::Value sequence, mlir::Value block, mlir::Value b0) {
    if (!energies)
      return;
    int64_t perTile = kSide / tile::StoreEnergyOp::kRows;
    mlir::Value place = t.add(t.mul(sequence, plan.energies()), t.mul(t.add(t.mul(block, plan.inner), b0), perTile));
    tile::StoreEnergyOp::create(builder, t.loc, mlir::ValueRange{sum.re, sum.im}, energies, place);
  }

  PassPlan plan;
  mlir::OpBuilder builder;
  TileBuilder t;
  mlir::Type half, single;
  mlir::RankedTensorType wide;
  tile::KernelOp kernel;
  mlir::Value energies; ///< [sequences PassPlan::energies()], what the pass in front of the inner one writes.
};

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_CONVKERNEL_H
