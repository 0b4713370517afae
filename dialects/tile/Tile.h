//===- Tile.h - The tile dialect --------------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_DIALECTS_TILE_TILE_H
#define LONGWING_DIALECTS_TILE_TILE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/tile/TileDialect.h.inc"
#include "dialects/tile/TileEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/tile/TileAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/tile/TileTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/tile/TileOps.h.inc"

namespace longwing::tile {

/// Rows of an accumulator that one warpgroup owns.
constexpr int64_t kWarpgroupRows = 64;
constexpr int64_t kWarpgroupThreads = 128;
/// Elements that a thread widens at a time: tiles in SRAM have multiples of them in a row.
constexpr int64_t kWidened = 8;
/// Lanes that share a row of an accumulator.
constexpr int64_t kLanes = 4;
/// Lanes of a warp.
constexpr int64_t kWarpLanes = 32;
/// Columns (k) that one wgmma instruction takes of 16-bit operands.
constexpr int64_t kMmaStep = 16;
/// Rows and columns of a warp's matrix in #tile.frag.
constexpr int64_t kMatrixSize = 16;
/// Bytes of a row of a swizzled panel in SRAM.
constexpr int64_t kPanelBytes = 128;
/// Bytes of the full and the empty mbarrier of one ring slot.
constexpr int64_t kRingBarrierBytes = 16;

/// Bytes of the mbarrier of one step.
constexpr int64_t kStepBarrierBytes = 8;
/// Bytes of the mbarrier of a round of mail.
constexpr int64_t kMailBarrierBytes = 8;

/// Keeps an operation from being merged with its like: what is cheap to make again, and dear to hold.
constexpr llvm::StringLiteral kApartAttr = "tile.apart";

/// On a tile.gather: it is read where it stands, long before it is used. On what reads in a kernel in steps: a step before the
/// phase that takes it.
constexpr llvm::StringLiteral kEarlyAttr = "tile.early";

/// Of a kernel that has no register to spare: what is cheap to make is made again at each use, which costs
/// time. With the value "kept" also where a thread's numbers of transforms in memory lie.
constexpr llvm::StringLiteral kScarceAttr = "tile.scarce";

/// Names of discardable attributes.
constexpr llvm::StringLiteral kOutAttr = "tile.out";
constexpr llvm::StringLiteral kPipelineAttr = "tile.pipeline";
/// On a kernel: a thread computes each point of its work, and that many at once.
constexpr llvm::StringLiteral kPointsAttr = "tile.points";
constexpr llvm::StringLiteral kNonemptyAttr = "tile.nonempty";
constexpr llvm::StringLiteral kSharedBytesAttr = "tile.shared_bytes";
/// On a launch: an array of groups `array<i64: operand, dimension, operand, dimension, ...>` of
/// sizes that the kernel takes to be equal.
constexpr llvm::StringLiteral kSameSizesAttr = "tile.same_sizes";
/// On a launch: it takes the place of the one before it, whose result it writes to, where the tensors of that one do
/// not lie as boxes of the copy engine must.
constexpr llvm::StringLiteral kSubstituteAttr = "tile.substitute";
/// On an argument of a kernel, a !tile.desc: how its dimensions, outermost first, come from those of
/// the tensor, `array<i64: dimension, step, size, ...>`. Dimension d of the tensor, every `step`-th element; the size
/// 0 stands for all whole steps of it. One more number is where they begin in the last dimension.
constexpr llvm::StringLiteral kUnfoldAttr = "tile.unfold";
/// On an argument of a kernel, a !tile.view: the number of the argument whose tensor it is too, which the kernel writes
/// in boxes and, where boxes do not fit, by elements.
constexpr llvm::StringLiteral kAliasAttr = "tile.alias";
/// On an argument of a kernel: the last two dimensions of the tensor are seen as one, in which elements are
/// as far from each other as in the last. Complex numbers are two neighbours so.
constexpr llvm::StringLiteral kFlattenAttr = "tile.flatten";
/// On a loop: it is not to be unrolled, as what several iterations hold would not fit the registers.
constexpr llvm::StringLiteral kRolledAttr = "tile.rolled";
/// On a loop: as many iterations are to be written out.
constexpr llvm::StringLiteral kUnrollAttr = "tile.unroll";
/// On math.exp2 of a tile in f32: of each eight of its elements, how many are computed by a polynomial, so that the
/// special-function unit has the others only. To a rounding of f32 where it is `kAccurateAttr`; so are sines and
/// cosines.
constexpr llvm::StringLiteral kPolynomialAttr = "tile.polynomial", kAccurateAttr = "tile.accurate";
/// On a kernel: the phases of a work tile, between exchanges, run that many steps apart.
constexpr llvm::StringLiteral kStaggerAttr = "tile.stagger";
/// On such a kernel of three phases: what its exchanges bring goes back through the same memory.
constexpr llvm::StringLiteral kInPlaceAttr = "tile.in_place";
/// On such a kernel, or a persistent one: a CTA does all work tiles that differ in the first coordinate alone, in order.
constexpr llvm::StringLiteral kOrderedAttr = "tile.ordered";
/// On a kernel whose warps have a matrix each: many work tiles recall the same parts of tensors. What boxes bring and take leaves
/// L2 before those, and constant tables stay in L1.
constexpr llvm::StringLiteral kStreamsAttr = "tile.streams";
/// On a tile.recall of a tensor: what it reads stays while the coordinates of the work tile do that it depends on, as that of a
/// tile.pull does.
constexpr llvm::StringLiteral kStaysAttr = "tile.stays";
/// On a persistent kernel: how many CTAs run at once, at most.
constexpr llvm::StringLiteral kMostCtasAttr = "tile.most_ctas";
/// On a kernel whose warps have a matrix each: constant tables that are the same for all warps lie in SRAM. `tile-allocate`
/// gives it the bytes where they begin, instead of a unit.
constexpr llvm::StringLiteral kSramTablesAttr = "tile.sram_tables";
/// On a kernel: which of its constant tables are read where they are used ("all", or "right", those
/// that a product takes as right operand), and do not stay in registers. On a constant: it is one. On a tile.pull: it is read for each work tile.
constexpr llvm::StringLiteral kRereadAttr = "tile.reread";
/// On a loop: the tables that it takes are read in front of it, and stay in registers until it ends.
constexpr llvm::StringLiteral kHoldAttr = "tile.hold";
/// On a kernel: that many CTAs, a cluster, do each work tile. On a loop in it: their members take its iterations in turns, which
/// are their consumer warpgroups where the schedule spreads, and the warps of those where not. A tile of channels is a member's.
constexpr llvm::StringLiteral kClusterAttr = "tile.cluster";
constexpr llvm::StringLiteral kDealtAttr = "tile.dealt";
/// On a kernel: how many slices of a call are launched one after the other, for the report.
constexpr llvm::StringLiteral kSlicesAttr = "tile.slices";
constexpr llvm::StringLiteral kBarrierOffsetAttr = "tile.barrier_offset";
/// On a tile.alloc: boxes come to its rows, each of which completes a barrier; that many.
constexpr llvm::StringLiteral kBoxesAttr = "tile.boxes";

/// The column of a row in memory that stands in column c of a tile of `quads`: four neighbours are of one thread.
constexpr int64_t quadColumn(int64_t c) { return 4 * (c % 8 / 2) + 2 * (c / 8) + c % 2; }

/// The tile type of a shape in a layout.
template <typename Layout>
mlir::RankedTensorType tileType(llvm::ArrayRef<int64_t> shape, mlir::Type element) {
  return mlir::RankedTensorType::get(shape, element, Layout::get(element.getContext()));
}

/// Whether a type is a tile in the layout.
template <typename Layout>
bool isIn(mlir::Type type) {
  auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type);
  return tensor && llvm::isa_and_nonnull<Layout>(tensor.getEncoding());
}

/// The CTAs that do a work tile together.
int64_t clusterOf(KernelOp kernel);
/// Whether members take the iterations of a loop in turns, and whether those are warps.
bool deals(KernelOp kernel);
bool dealsToWarps(KernelOp kernel);
/// Of a kernel that deals: the threads of a member, the members of a CTA, and those of the whole cluster.
int64_t memberThreads(KernelOp kernel);
int64_t membersHere(KernelOp kernel);
int64_t membersOf(KernelOp kernel);
/// Whether warpgroups share the first coordinate of the work.
bool spreadsWork(KernelOp kernel);

/// The memory of a view: its sizes, and any strides.
mlir::MemRefType elementsType(ViewType type);

/// The tile in SRAM that some panels are of, or the tile itself.
mlir::Value wholeOf(mlir::Value tile);

/// The buffer into which a tile in SRAM was put from registers; null for others.
mlir::Value bufferOf(mlir::Value tile);

/// Bytes that an [R, C] tile takes in SRAM: whole panels.
int64_t sharedBytes(llvm::ArrayRef<int64_t> tileShape, mlir::Type element,
                    int64_t panel = kPanelBytes);
/// Bytes from one slot of a ring to the next, and from one tile of a slot to the next: the period of
/// the swizzle divides them.
int64_t slotBytes(RingType ring);
int64_t ringTileBytes(RingType ring);
/// How far the boxes of a tile of so many columns are from each other along a dimension: if it is the innermost, behind all of the
/// tile's panels.
int64_t boxStep(DescType desc, int64_t along, int64_t columns);
/// Bytes of a row of a panel of a tile in SRAM.
int64_t panelBytes(mlir::RankedTensorType sharedTile);

/// The period of Toeplitz matrices and of tiles of runs, in samples.
constexpr int64_t kToeplitzSize = 64;
/// How Toeplitz matrices stand in SRAM: core matrices (8 rows of 16 bytes) of the first one, those from one to the next, the one
/// that begins with lag 0, and the lags between the lanes of a row.
struct ToeplitzCores {
  int64_t first, step, middle, lanes;
};
constexpr ToeplitzCores kRunCores = {39, 32, 19, 8}, kWovenCores = {15, 15, 7, 16};
constexpr const ToeplitzCores &toeplitzCores(bool woven) { return woven ? kWovenCores : kRunCores; }
constexpr int64_t toeplitzCores(int64_t matrices, bool woven) {
  const ToeplitzCores &cores = toeplitzCores(woven);
  return cores.first + cores.step * (matrices - 1);
}
/// Whether they, or tiles of runs, are woven.
bool isWoven(mlir::RankedTensorType type);
/// Elements of the list of lags that they are made of.
constexpr int64_t toeplitzLags(int64_t matrices) { return kToeplitzSize * (matrices + 1); }
/// Rows of 128 bytes that the cores take, and two copies of the list behind them.
constexpr int64_t toeplitzRows(int64_t matrices, bool woven) {
  return toeplitzCores(matrices, woven) + 2 * toeplitzLags(matrices) / 64;
}

} // namespace longwing::tile

#endif // LONGWING_DIALECTS_TILE_TILE_H
