//===- TileBuilder.h - Writes tile programs like formulas -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Short names for the operations of a tile program, so that a lowering reads like the
// algorithm it implements.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_TILEBUILDER_H
#define LONGWING_LIB_SEQTOTILE_TILEBUILDER_H

#include "dialects/tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"

namespace longwing {

/// Exponentials are of base 2.
constexpr double kLog2E = 1.4426950408889634;
/// What has decayed by so much, in base 2, is far below the rounding of what a state has taken up since.
constexpr double kForgotten = -40;

class TileBuilder {
public:
  TileBuilder(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::OpBuilder &b;
  mlir::Location loc;

  template <typename Op, typename... Args>
  mlir::Value make(Args &&...args) {
    return Op::create(b, loc, std::forward<Args>(args)...);
  }

  //===--------------------------------------------------------------------===//
  // Index arithmetic
  //===--------------------------------------------------------------------===//

  mlir::Value index(int64_t value) { return make<mlir::arith::ConstantIndexOp>(value); }
  mlir::Value add(mlir::Value x, mlir::Value y) { return make<mlir::arith::AddIOp>(x, y); }
  mlir::Value add(mlir::Value x, int64_t y) { return y ? add(x, index(y)) : x; }
  mlir::Value sub(mlir::Value x, mlir::Value y) { return make<mlir::arith::SubIOp>(x, y); }
  mlir::Value mul(mlir::Value x, int64_t y) { return make<mlir::arith::MulIOp>(x, index(y)); }
  mlir::Value min(mlir::Value x, mlir::Value y) { return make<mlir::arith::MinSIOp>(x, y); }
  mlir::Value max(mlir::Value x, mlir::Value y) { return make<mlir::arith::MaxSIOp>(x, y); }
  /// Quotients of a value that is not negative.
  mlir::Value floorDiv(mlir::Value x, int64_t y) { return make<mlir::arith::DivUIOp>(x, index(y)); }
  mlir::Value ceilDiv(mlir::Value x, int64_t y) { return floorDiv(add(x, y - 1), y); }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value x, mlir::Value y) {
    return make<mlir::arith::CmpIOp>(predicate, x, y);
  }
  mlir::Value both(mlir::Value x, mlir::Value y) {
    return !x ? y : !y ? x : make<mlir::arith::AndIOp>(x, y);
  }

  //===--------------------------------------------------------------------===//
  // Tiles
  //===--------------------------------------------------------------------===//

  mlir::Value constant(mlir::RankedTensorType type, double value) {
    auto element = b.getFloatAttr(type.getElementType(), value);
    return make<mlir::arith::ConstantOp>(mlir::DenseElementsAttr::get(type, element));
  }
  /// A tile of the same layout as `like`, every element `value`.
  mlir::Value constantLike(mlir::Value like, double value) {
    return constant(llvm::cast<mlir::RankedTensorType>(like.getType()), value);
  }
  mlir::Value mulf(mlir::Value x, mlir::Value y) {
    return make<mlir::arith::MulFOp>(x, y, mlir::arith::FastMathFlags::contract);
  }
  mlir::Value mulf(mlir::Value x, double y) { return mulf(x, constantLike(x, y)); }
  mlir::Value addf(mlir::Value x, mlir::Value y) {
    return make<mlir::arith::AddFOp>(x, y, mlir::arith::FastMathFlags::contract);
  }
  mlir::Value fma(mlir::Value x, mlir::Value y, mlir::Value z) {
    return make<mlir::math::FmaOp>(x, y, z);
  }
  mlir::Value fma(mlir::Value x, double y, mlir::Value z) { return fma(x, constantLike(x, y), z); }
  mlir::Value maxf(mlir::Value x, mlir::Value y) { return make<mlir::arith::MaxNumFOp>(x, y); }
  mlir::Value minf(mlir::Value x, mlir::Value y) { return make<mlir::arith::MinNumFOp>(x, y); }
  mlir::Value exp2(mlir::Value x) { return make<mlir::math::Exp2Op>(x); }
  mlir::Value log2(mlir::Value x) { return make<mlir::math::Log2Op>(x); }
  mlir::Value select(mlir::Value c, mlir::Value x, mlir::Value y) {
    return make<mlir::arith::SelectOp>(c, x, y);
  }
  /// x where it differs from `value`, else y.
  mlir::Value unless(mlir::Value x, double value, mlir::Value tested, double y) {
    mlir::Value is = make<mlir::arith::CmpFOp>(mlir::arith::CmpFPredicate::OEQ, tested,
                                               constantLike(tested, value));
    return select(is, constantLike(x, y), x);
  }

  mlir::Value load(mlir::Value source, mlir::ValueRange at, mlir::RankedTensorType type,
                   int64_t stages) {
    return make<tile::LoadOp>(type, source, at, stages);
  }
  mlir::Value dot(mlir::Value x, mlir::Value y, mlir::Value acc, mlir::RankedTensorType type,
                  bool transposeB) {
    return make<tile::DotOp>(type, x, y, acc, transposeB);
  }
  template <typename Layout>
  mlir::Value reduce(tile::ReduceKind kind, mlir::Value x) {
    auto type = llvm::cast<mlir::RankedTensorType>(x.getType());
    llvm::SmallVector<int64_t> shape = {type.getDimSize(0)};
    if (std::is_same_v<Layout, tile::LanesAttr>)
      shape.push_back(4);
    return make<tile::ReduceOp>(tile::tileType<Layout>(shape, type.getElementType()), kind, x);
  }
  mlir::Value broadcast(mlir::Value x, mlir::Type type) {
    return x.getType() == type ? x : make<tile::BroadcastOp>(type, x);
  }
  mlir::Value broadcastLike(mlir::Value x, mlir::Value like) {
    return broadcast(x, like.getType());
  }
  template <typename Layout>
  mlir::Value iota(mlir::Value base, int64_t size) {
    return make<tile::IotaOp>(tile::tileType<Layout>({size}, b.getIndexType()), base);
  }
  /// Positions as f32, below 2^24.
  template <typename Layout>
  mlir::Value iotaf(mlir::Value base, int64_t size) {
    return make<tile::IotaOp>(tile::tileType<Layout>({size}, b.getF32Type()), base);
  }
  /// Writes an i32 to a tensor, at one place.
  void storeScalar(mlir::Value x, mlir::Value view, llvm::SmallVector<mlir::Value> at) {
    auto indices = tile::tileType<tile::LineAttr>({tile::kWarpLanes}, b.getIndexType());
    mlir::Value first = compare(mlir::arith::CmpIPredicate::eq, make<tile::IotaOp>(indices, index(0)),
                                make<tile::BroadcastOp>(indices, index(0)));
    for (mlir::Value &coordinate : at)
      coordinate = make<tile::BroadcastOp>(indices, coordinate);
    at.back() = select(first, at.back(), make<tile::BroadcastOp>(indices, index(-1))); // of the others none that there is
    mlir::Value line = make<tile::BroadcastOp>(indices.clone(b.getI32Type()), x);
    tile::ScatterOp::create(b, loc, line, view, at);
  }
  mlir::Value dim(mlir::Value source, int64_t dimension) {
    return make<tile::DimOp>(b.getIndexType(), source, dimension);
  }

  /// A loop from 0 that does nothing any more once `goesOn` says no of its values: there is no other way out of one.
  mlir::ValueRange forWhile(mlir::Value end, int64_t step, mlir::ValueRange values,
                            llvm::function_ref<mlir::Value(mlir::Value number, mlir::ValueRange values)> goesOn,
                            llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value number, mlir::ValueRange values)> body) {
    auto loop = mlir::scf::ForOp::create(
        b, loc, index(0), end, index(step), values, [&](mlir::OpBuilder &, mlir::Location, mlir::Value number, mlir::ValueRange args) {
          auto branch = mlir::scf::IfOp::create(
              b, loc, goesOn(number, args),
              [&](mlir::OpBuilder &, mlir::Location) { mlir::scf::YieldOp::create(b, loc, body(number, args)); },
              [&](mlir::OpBuilder &, mlir::Location) { mlir::scf::YieldOp::create(b, loc, args); });
          mlir::scf::YieldOp::create(b, loc, branch.getResults());
        });
    return loop.getResults();
  }

  /// Says at which stage of a pipelined loop an operation runs, and in which order.
  void pipeline(mlir::Value result, int64_t stage, int64_t order) {
    result.getDefiningOp()->setDiscardableAttr(
        tile::kPipelineAttr, mlir::DenseI64ArrayAttr::get(b.getContext(), {stage, order}));
  }
};

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_TILEBUILDER_H
