//===- Recurrence.h - The loops that recurrences share ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   forall sequences s, forall units u (channels or heads that do not see each other):
//     state = init[s, u], or that of an empty past
//     for t of the sequence, in the order of its time:
//       state, y[t, u] = step(t, state)
//     final[s, u] = state
//
// What a step is, each operation says.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_SEQTOLINALG_RECURRENCE_H
#define LONGWING_LIB_SEQTOLINALG_RECURRENCE_H

#include "LoopBuilder.h"

namespace longwing {

/// A real number, or a complex one.
struct Number {
  mlir::Value re, im;
};

/// Channels of a unit, of so many that are alike: a divisor, so that their number is known.
int64_t channelsOfUnit(int64_t channels);

class Recurrence {
public:
  /// `y` is the first result of `op`, `input` the operand whose first two dimensions are batch and
  /// length. `init` and `offsets` may be null.
  Recurrence(mlir::OpBuilder &builder, seq::RecurrentOpInterface op, mlir::ValueRange operands,
             const Arithmetic &arithmetic, mlir::Value input, mlir::Value init,
             mlir::Value offsets);
  virtual ~Recurrence() = default;

  llvm::SmallVector<mlir::Value> lower();

protected:
  /// A part of a tensor.
  struct Tile {
    llvm::SmallVector<mlir::OpFoldResult> offsets, sizes;
    llvm::SmallVector<unsigned> kept;
  };
  /// Which sequence and which channels or head: all that a step may be about.
  struct Unit {
    mlir::Value sequence, batch, number;
  };

  // What an operation says of itself.

  /// Checks what the shapes do not say.
  virtual void check() {}
  virtual int64_t numUnits() = 0;
  /// A state is held in so many tensors, each a part of the operation's state.
  virtual unsigned numParts() { return 1; }
  virtual Tile partOfState(const Unit &unit, unsigned part) = 0;
  /// What a part is before the first position.
  virtual mlir::Value emptyPast(unsigned part) { return b.real(0); }
  /// The output of a unit, whose dimension `kTime` is `length` positions from `begin`.
  virtual Tile output(const Unit &unit, mlir::OpFoldResult begin, mlir::OpFoldResult length) = 0;
  /// One step at position `time`: replaces the state, and the output's row by a new one.
  virtual void step(const Unit &unit, mlir::Value time, llvm::MutableArrayRef<mlir::Value> state,
                    mlir::Value &row) = 0;

  // Words for it.

  /// One index of each leading dimension, then `sizes`, from `first` in the first of them.
  Tile at(llvm::ArrayRef<mlir::OpFoldResult> leading, mlir::OpFoldResult first,
          llvm::ArrayRef<int64_t> sizes);
  /// The part of a pair, in a trailing dimension that is not kept.
  Tile component(Tile tile, unsigned part);
  mlir::Value slice(mlir::Value source, const Tile &tile) {
    return b.slice(source, tile.offsets, tile.sizes, tile.kept);
  }
  mlir::Value insert(mlir::Value part, mlir::Value into, const Tile &tile) {
    return b.insert(part, into, tile.offsets, tile.sizes);
  }
  /// Requires that a logarithm of a decay is at most 0; of pairs, that their real parts are.
  void checkDecay(mlir::Value decay, llvm::StringRef name, bool pairs = false);
  /// Requires of all elements of a function of `tensors`, given their elements, that it is at least
  /// 0.
  void checkNotNegative(mlir::ValueRange tensors, llvm::ArrayRef<mlir::AffineMap> maps,
                        unsigned rank, const llvm::Twine &expected,
                        llvm::function_ref<mlir::Value(mlir::ValueRange)> value);

  // Arithmetic.
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value subtract(mlir::Value x, mlir::Value y);
  mlir::Value multiply(mlir::Value x, mlir::Value y);
  mlir::Value divide(mlir::Value x, mlir::Value y);
  mlir::Value maximum(mlir::Value x, mlir::Value y);
  mlir::Value exp(mlir::Value x);
  /// log(1 + exp(x)), where exp does not overflow.
  mlir::Value softplus(mlir::Value x);
  /// x / (1 + exp(-x)).
  mlir::Value silu(mlir::Value x);
  Number scaled(Number x, mlir::Value factor);
  Number add(Number x, Number y);
  Number multiply(Number x, Number y);
  Number exp(Number x);

  LoopBuilder b;
  /// The element type of the output.
  mlir::Type element;

  static constexpr unsigned kBatch = 0, kTime = 1;

private:
  void checkOffsets();
  mlir::Value numSequences();
  llvm::SmallVector<mlir::Value> lowerUnit(const Unit &unit, mlir::Value outputs, const Tile &whole,
                                           mlir::Value begin, mlir::Value length);

  seq::RecurrentOpInterface op;
  mlir::ValueRange operands;
  mlir::Value input, init, offsets;
};

} // namespace longwing

#endif // LONGWING_LIB_SEQTOLINALG_RECURRENCE_H
