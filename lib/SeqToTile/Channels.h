//===- Channels.h - Formulas on tiles of channels ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOTILE_CHANNELS_H
#define LONGWING_LIB_SEQTOTILE_CHANNELS_H

#include "TileBuilder.h"

namespace longwing {

/// A real number, or with an imaginary part a complex one.
struct Number {
  mlir::Value re, im = {};
};

/// Writes programs on tiles of `channels` channels, over `lanes` lanes.
class ChannelBuilder : public TileBuilder {
public:
  ChannelBuilder(mlir::OpBuilder &b, mlir::Location loc, int64_t lanes, int64_t channels)
      : TileBuilder(b, loc), lanes(lanes), channels(channels) {}

  int64_t lanes, channels;

  /// [rows, C], [C] and [rows] over the lanes.
  mlir::RankedTensorType rows(int64_t rows, mlir::Type element = {});
  mlir::RankedTensorType row(mlir::Type element = {});
  mlir::RankedTensorType states(int64_t rows, mlir::Type element = {});

  /// Rows of a tile in SRAM; one row of it, as states; one row of a tile in registers.
  mlir::Value readRows(mlir::Value tile, mlir::Value row, int64_t count);
  mlir::Value readStates(mlir::Value tile, mlir::Value row, int64_t offset);
  mlir::Value rowOf(mlir::Value tile, int64_t index);
  mlir::Value partialSum(mlir::Value tile);
  mlir::Value sums(mlir::ValueRange tiles);
  mlir::Value loadChannels(mlir::Value view, mlir::ValueRange at, mlir::RankedTensorType type,
                           bool transposed = false, bool whole = false);
  /// A value for each of `count` rows, the same for all channels.
  mlir::Value loadRows(mlir::Value view, mlir::ValueRange at, int64_t count);
  void storeChannels(mlir::Value tile, mlir::Value view, mlir::ValueRange at,
                     bool transposed = false, mlir::Value rows = {}, bool whole = false);
  /// An i1 scalar, repeated over a tile that is shaped as `like`.
  mlir::Value spread(mlir::Value predicate, mlir::Value like);

  /// Complex numbers whose parts are neighbours in a tile: channels, or with `rows` rows.
  Number parts(mlir::Value tile, bool rows = false);
  mlir::Value interleaved(Number x, bool rows = false);
  Number product(Number a, Number b);
  Number fma(Number a, Number b, Number c);
  using TileBuilder::fma;
  /// e^x; of complex numbers a size and a direction. To a rounding of f32 where it is `accurate`, as decays are
  /// to be that act a thousand times.
  Number exp(Number x, bool accurate);
  /// The number of size 1 at an angle.
  Number direction(mlir::Value angle);

  /// log(1 + exp(x)), to the precision of f32 at both ends.
  mlir::Value softplus(mlir::Value x);
  /// x / (1 + exp(-x)), as exact as numbers of `result` that it goes into.
  mlir::Value silu(mlir::Value x, mlir::Type result);
};

/// Bytes of a panel of a tile in SRAM with rows of `columns` elements.
int64_t panelFor(int64_t columns, mlir::Type element);
/// A tile in SRAM of [rows, columns].
mlir::RankedTensorType sharedTile(int64_t rows, int64_t columns, mlir::Type element);
/// Elements of the innermost size of a box that fills it.
int64_t boxColumns(int64_t columns, mlir::Type element);

} // namespace longwing

#endif // LONGWING_LIB_SEQTOTILE_CHANNELS_H
