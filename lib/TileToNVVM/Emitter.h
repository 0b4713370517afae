//===- Emitter.h - One thread's part of a tile program ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_LIB_TILETONVVM_EMITTER_H
#define LONGWING_LIB_TILETONVVM_EMITTER_H

#include "dialects/tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"

#include <functional>

namespace longwing {

/// Writes a kernel in specialised form as a function over the values that one thread holds.
///
/// Every value of the tile program becomes a list of scalars: a tile the registers that its layout
/// gives the thread, an `index` one i32, a tile in SRAM its 32-bit address.
class Emitter {
public:
  Emitter(tile::KernelOp kernel, mlir::Block *moduleBody);

  mlir::LogicalResult emit();

private:
  using Values = llvm::SmallVector<mlir::Value>;

  //===--------------------------------------------------------------------===//
  // Frame and control flow (Emitter.cpp)
  //===--------------------------------------------------------------------===//
  mlir::LLVM::LLVMFuncOp createFunction();
  void nameThread();
  void initBarriers();
  mlir::LogicalResult emitBlock(mlir::Block &block);
  mlir::LogicalResult emitOp(mlir::Operation *op);
  mlir::LogicalResult emitRoles(tile::WarpSpecializeOp op);
  mlir::LogicalResult emitFor(mlir::Operation *op);
  mlir::LogicalResult emitIf(mlir::Operation *op);
  Values yielded(mlir::Block &block);
  Values flatten(mlir::ValueRange values);
  void unflatten(mlir::ValueRange values, mlir::ValueRange scalars);

  //===--------------------------------------------------------------------===//
  // Registers (Registers.cpp)
  //===--------------------------------------------------------------------===//
  mlir::LogicalResult emitElementwise(mlir::Operation *op);
  mlir::Value exp2Polynomial(mlir::Value x, bool accurate);
  mlir::Value emitScalar(mlir::Operation *op, mlir::ValueRange operands, mlir::Type result);
  void emitConstant(mlir::Operation *op);
  void emitReduce(tile::ReduceOp op);
  void emitBroadcast(tile::BroadcastOp op);
  void emitIota(tile::IotaOp op);
  void emitConvert(tile::ConvertOp op);
  void emitExtend(mlir::arith::ExtFOp op);
  void emitComplexMul(tile::ComplexMulOp op);
  mlir::Value pack(mlir::Value low, mlir::Value high, mlir::Type element);
  /// Two numbers of 16 bits in a register.
  mlir::Value pairOf(mlir::Value low, mlir::Value high);

  //===--------------------------------------------------------------------===//
  // Memory (Memory.cpp)
  //===--------------------------------------------------------------------===//
  void emitDim(tile::DimOp op);
  void emitGather(tile::GatherOp op);
  void emitStore(tile::StoreOp op);
  void emitStoreRow(tile::StoreRowOp op);
  void emitStoreEnergy(tile::StoreEnergyOp op);
  void emitUnstage(tile::UnstageOp op);
  Values unstageSingle(mlir::Value base, int64_t columns, int64_t tileRows, bool ownRows);
  void emitPublish(tile::PublishOp op);
  void emitProduce(tile::ProduceOp op);
  void emitConsume(tile::ConsumeOp op);
  mlir::LogicalResult emitRelease(tile::ReleaseOp op);
  /// Keeps a word of a load by which an operation reads a tile in SRAM: a slot goes back when all of them have come.
  void came(mlir::Value word);
  mlir::FailureOr<mlir::Value> wordsRead(tile::ReleaseOp op);
  mlir::Value latestOf(mlir::Value value);
  mlir::Value inOne(mlir::ValueRange registers);
  /// Two or four matrices of 8 x 8 in SRAM.
  Values loadMatrices(mlir::Value address, int64_t number, bool transpose);
  /// Waits until this thread's copies to device memory, but for the last few, have read SRAM.
  mlir::Value isFirst();
  void drainStores(int64_t pending = 0);
  /// Copies to device memory that may be under way while a store fills its buffer.
  int64_t storesInFlight(tile::StoreOp op);
  /// Where a lane's row of the matrices of 8 columns of a tile in SRAM begins; ...
  mlir::Value matrixRows(mlir::Value base, bool ownRows);
  /// ... and of two of them, given that.
  mlir::Value matrixPair(mlir::Value rows, int64_t pair, int64_t tileRows);
  mlir::Value zeros();
  /// The first element of a panel of a tile, as the copy engine takes it: fastest dimension first.
  Values boxAt(mlir::ValueRange coordinates, int64_t firstColumn);
  /// Waits until the phase of a barrier in SRAM has completed.
  void await(mlir::Value barrier, mlir::Value parity);
  Values viewFor(mlir::Value view, mlir::Type tile);
  mlir::Value elementAddress(tile::ViewType type, mlir::ValueRange view, mlir::ValueRange indices);

  /// The warpgroups that compute one tile wait for each other.
  void meet();
  /// The same; whether the predicate holds for all threads.
  mlir::Value meetIf(mlir::Value predicate);
  /// The threads of a warpgroup wait for each other.
  void meetWarpgroup();
  /// Puts 8x8 matrices, two registers of neighbouring columns each, into a tile in SRAM.
  void writeMatrices(mlir::ValueRange registers, mlir::Value address, int64_t tileRows);
  /// What is written to SRAM is seen by the copy engine and by products, which read through another
  /// proxy.
  void publish();

  //===--------------------------------------------------------------------===//
  // Lines, and tiles between registers and SRAM (Recurrence.cpp)
  //===--------------------------------------------------------------------===//
  void emitScan(tile::ScanOp op);
  void emitDistribute(tile::DistributeOp op);
  void emitPick(tile::PickOp op);
  void emitGreatest(tile::GreatestOp op);
  void emitBetween(tile::BetweenOp op);
  void emitCommon(tile::CommonOp op);
  void emitParts(tile::PartsOp op);
  void emitPanel(tile::PanelOp op);
  void emitTrim(tile::TrimOp op);
  void emitFragment(tile::FragmentOp op);
  void emitWideFragment(tile::FragmentOp op);
  void emitStage(tile::StageOp op);
  void emitScatter(tile::ScatterOp op);
  /// The value that another lane of the warp has.
  mlir::Value fromLane(mlir::Value value, mlir::Value lane);
  /// Two 16-bit floats of a register, as f32.
  Values unpack(mlir::Value pair, mlir::Type element);

  //===--------------------------------------------------------------------===//
  // Tiles of sequences (Runs.cpp)
  //===--------------------------------------------------------------------===//
  /// Where a row of a tile stands.
  struct RowPlace {
    mlir::Value address;  // of the element 0 of its last dimension, in bytes
    mlir::Value position; // of its column 0 in the last dimension
    mlir::Value exists;   // whether the other indices lie inside of the tensor
  };
  /// A tensor whose rows are moved.
  struct RunTensor {
    tile::ViewType type;
    mlir::Value pointer, size, lastStride; // the size of the last dimension, in 32 bits
    RowPlace rows[2];                              // of this thread
    bool wrap;
  };
  RunTensor runTensor(mlir::Value view, mlir::ValueRange indices, bool wrap);
  mlir::Value unalignedBits(tile::ViewType type, mlir::ValueRange view);
  mlir::Value hasUnitStride(tile::ViewType type, mlir::ValueRange view);
  mlir::Value movesWhole(const RunTensor &tensor, mlir::ValueRange view);
  void emitWhole(tile::WholeOp op);
  /// The address of a run of a row of this thread that moves whole, and whether it exists.
  std::pair<mlir::Value, mlir::Value> runOf(const RunTensor &tensor, int64_t i, int64_t half);
  /// The address of an element of a row, and whether it exists.
  std::pair<mlir::Value, mlir::Value> elementOf(const RunTensor &tensor, mlir::Value address,
                                                mlir::Value position);
  /// For each row of the warp, with the row's number, its place, and where it stands in SRAM.
  void forEachRow(const RunTensor &tensor, mlir::Value buffer,
                  llvm::function_ref<void(RowPlace, mlir::Value)> body);
  mlir::Value runInBuffer(mlir::Value buffer, int64_t i, int64_t half);
  void syncWarp();
  void emitLoadRuns(tile::LoadRunsOp op);
  void emitReadRuns(tile::ReadRunsOp op);
  /// Puts woven runs into a tile in SRAM that begins at the address.
  void writeRuns(mlir::ValueRange registers, mlir::Value address);
  /// The place of the first half of a thread's columns in a row of a woven tile in SRAM.
  mlir::Value runInTile(mlir::Value tile, mlir::Value row);
  /// The row of a woven tile that a thread holds in its registers i = 0.
  mlir::Value wovenRow();
  void emitStoreRuns(tile::StoreRunsOp op);
  mlir::LogicalResult emitToeplitz(tile::ToeplitzOp op);
  mlir::LogicalResult emitLags(tile::ToeplitzOp op, mlir::Value first, mlir::Value second);
  void emitCores(tile::ToeplitzOp op, mlir::Value cores, mlir::Value first, mlir::Value second);
  void emitLag(tile::LagOp op);
  void emitRunProduct(tile::MmaAsyncOp op);
  mlir::Value emitPacked(mlir::Operation *op, mlir::ValueRange operands, mlir::Type element);
  void emitWiden(mlir::Operation *op);
  /// All consumers meet.
  void meetConsumers();
  /// A loop in which the consumers' threads take turns: thread t does t, t + threads, ...
  void forEachThread(int64_t count, llvm::function_ref<void(mlir::Value)> body);

  //===--------------------------------------------------------------------===//
  // Channels (Channels.cpp)
  //===--------------------------------------------------------------------===//
  mlir::LogicalResult checkChannels();
  void emitRead(tile::ReadOp op);
  void emitWidenTile(tile::WidenOp op);
  Values readKnownRows(tile::ReadOp op);
  mlir::Value byteInTile(mlir::RankedTensorType tile, mlir::Value row, mlir::Value column);
  void emitRow(tile::RowOp op);
  void emitDeinterleave(tile::DeinterleaveOp op);
  void emitInterleave(tile::InterleaveOp op);
  void emitAll(tile::AllOp op);
  void emitSums(tile::SumsOp op);
  void emitLoadChannels(tile::LoadChannelsOp op);
  void emitStoreChannels(tile::StoreChannelsOp op);
  void reduceChannels(tile::ReduceOp op);
  Values sumRows(mlir::Value tile);
  int64_t lanesOf(mlir::Type type);
  int64_t tileThreads();
  mlir::Value threadOfTile();
  int64_t channelsPerThread(mlir::Type type);
  int64_t rowsPerThread(mlir::Type type);
  mlir::Value laneInGroup(int64_t lanes);
  mlir::Value firstChannel(mlir::Type type);
  mlir::Value firstRow(mlir::Type type);
  mlir::Value swizzled(mlir::Value offset, int64_t panel);
  Values fromWords(mlir::ValueRange words, mlir::Type element);
  Values toWords(llvm::ArrayRef<mlir::Value> values, mlir::Type element);
  Values loadWide(mlir::Value pointer, mlir::Type element, int64_t n);
  /// One access of that many bytes, as words of 32 bits, or one of 16.
  Values loadWords(mlir::Value pointer, int64_t bytes);
  void storeWords(mlir::Value pointer, mlir::ValueRange words, int64_t bytes);
  /// Of `n` neighbouring elements, which begin at a multiple of n: how many one access takes. A power of two, so
  /// that they are aligned.
  static int64_t pieceOf(int64_t n, mlir::Type element);
  void storeWide(mlir::Value pointer, mlir::Type element, llvm::ArrayRef<mlir::Value> values);
  /// Neighbouring elements of a tensor that a thread holds.
  struct Run {
    llvm::SmallVector<int64_t> registers;
    Values inside; // whether each element lies in the tensor
    mlir::Value pointer;
  };
  struct Runs {
    llvm::SmallVector<Run> list;
    mlir::Value whole;  // whether one access may take each of them
    mlir::Value stride; // from element to element
  };
  Runs runsOf(mlir::RankedTensorType tile, mlir::Value tensor, mlir::ValueRange coordinates,
              bool transposed, mlir::Value limit, bool whole);
  Values loadEachIf(const Runs &runs, mlir::Type element, int64_t count);
  void storeEachIf(const Runs &runs, mlir::Type element, llvm::ArrayRef<mlir::Value> tile);
  void forEachApart(const Runs &runs, mlir::Type element,
                    llvm::function_ref<void(int64_t, mlir::Value, mlir::Value)> visit);

  //===--------------------------------------------------------------------===//
  // Between the CTAs of a cluster (Chain.cpp)
  //===--------------------------------------------------------------------===//
  mlir::LogicalResult emitChain(tile::ChainOp op);
  void sendLetters(tile::MailType mail, mlir::Value place, mlir::Value barrier, mlir::Value cta, Values letter);
  /// All threads of the cluster that have not ended; those of a warp together, if they are converged.
  void meetCluster(bool converged = true);

  //===--------------------------------------------------------------------===//
  // Products (Products.cpp)
  //===--------------------------------------------------------------------===//
  void emitMma(tile::MmaAsyncOp op);
  void emitWait(tile::MmaWaitOp op);
  mlir::Value descriptor(mlir::Value address, int64_t leadingBytes, int64_t strideBytes,
                         bool swizzled = true);

  //===--------------------------------------------------------------------===//
  // A matrix for each warp (Warps.cpp), and steps (Steps.cpp)
  //===--------------------------------------------------------------------===//
  void emitWarps(tile::WarpDotOp op);
  void emitWarps(tile::TransposeOp op);
  void emitWarps(tile::ZipOp op);
  mlir::Value zip(mlir::Value x, mlir::Value y, bool upper);
  void emitWarps(tile::PositionOp op);
  void emitWarps(tile::CastOp op);
  void emitWarps(tile::PullOp op);
  void emitWarps(tile::PlaceOp op);
  void emitWarps(tile::SplitOp op);
  void emitWarps(tile::PutOp op);
  void emitWarps(tile::GetOp op);
  void emitWarps(tile::LayOp op);
  void emitWarps(tile::WriteRowsOp op);
  void emitWarps(tile::ReadRowsOp op);
  void emitWarps(tile::TakeRowsOp op);
  void emitWarps(tile::LayRowsOp op);
  void emitWarps(tile::AskRowsOp op);
  void emitWarps(tile::AwaitRowsOp op);
  void emitWarps(tile::VacateRowsOp op);
  void emitWarps(tile::FlushRowsOp op);
  void emitWarps(tile::FlushedRowsOp op);
  std::pair<mlir::Value, int64_t> quadAddress(mlir::Value buffer, mlir::Value i, mlir::Value j);
  mlir::Value planeOf(mlir::Value j);
  std::pair<mlir::Value, mlir::Value> planeAt(mlir::Value buffer, mlir::Value plane);
  Values boxOfPlane(mlir::ValueRange coordinates, mlir::Value plane);
  void emitWarps(tile::MeetOp op);
  void emitWarps(tile::PullRowsOp op);
  void emitWarps(tile::FetchStripsOp op);
  void emitWarps(tile::StripsFetchedOp op);
  void emitWarps(tile::SlotOp op);
  void emitWarps(tile::FlushStripsOp op);
  /// Where a row of a tile of strips stands: the address of its column 0, its position in the last dimension, and
  /// whether the other indices lie inside of the tensor.
  RowPlace stripOf(tile::ViewType type, mlir::ValueRange view, mlir::ValueRange coordinates,
                   llvm::ArrayRef<int64_t> digits, mlir::Value row);
  /// This thread's pieces of 16 bytes of a tile of strips, or elements of its warp's rows: where each stands in SRAM
  /// and in the tensor, and whether it is there.
  void forEachPiece(mlir::Value tile, int64_t rows, tile::ViewType type, mlir::ValueRange view,
                    mlir::ValueRange coordinates, llvm::ArrayRef<int64_t> digits, mlir::Value whole,
                    llvm::function_ref<void(mlir::Value, mlir::Value, mlir::Value)> piece,
                    llvm::function_ref<void(mlir::ValueRange, mlir::ValueRange, mlir::ValueRange)> elements);
  void emitWarps(tile::PlaceRowsOp op);
  void emitWarps(tile::KeepOp op);
  void emitWarps(tile::RecallOp op);
  void emitWarps(tile::BringOp op);
  void emitWarps(tile::PrefetchOp op);
  void copyPiece(mlir::Value to, mlir::Value from, mlir::Value exists);
  void awaitCopies();
  mlir::Value keptAddress(mlir::Value memory, mlir::ValueRange place);
  mlir::Value secondKept(mlir::Value first);
  /// Rows in device memory: the address of this thread's element of its first row, and whether its two
  /// rows exist.
  struct Pieces {
    mlir::Value address, exists[2];
  };
  Pieces piecesOf(tile::ViewType type, mlir::ValueRange view, mlir::ValueRange coordinates,
                  bool allInside, int64_t step, mlir::Value row, mlir::Value column, int64_t stride,
                  int64_t scale);
  Pieces piecesOf(mlir::Value buffer, mlir::Value first, int64_t step, mlir::Value row, mlir::Value column, int64_t stride,
                  int64_t scale);
  mlir::Value pairAddress(mlir::Value i, mlir::Value j);
  /// This thread's row of a matrix in a buffer of rows, and a constant to add to it.
  std::pair<mlir::Value, int64_t> rowAddress(mlir::Value buffer, mlir::Value i, mlir::Value j,
                                             int64_t along, int64_t step);
  void emitWarps(tile::StepWaitOp op);
  void emitWarps(tile::StepArriveOp op);
  void emitWarps(tile::FetchOp op);
  void emitWarps(tile::FetchedOp op);
  void emitWarps(tile::FlushOp op);
  void emitWarps(tile::FlushedOp op);
  mlir::LogicalResult emitLead(tile::LeadOp op);
  void emitTable(mlir::Operation *op, mlir::DenseElementsAttr table);
  /// A constant that is not a splat: whether its warps differ, where its planes are, the order of its
  /// registers there, and the registers if they are kept.
  struct Table {
    bool perWarp = false;
    llvm::SmallVector<int64_t> offsets; ///< Of planes of up to four words a thread.
    llvm::SmallVector<int64_t> words;   ///< Which of them each register is.
    int64_t count = 0;                  ///< Of different words.
    bool isFloat = false;
    Values registers;
  };
  Table makeTable(mlir::DenseElementsAttr table, llvm::ArrayRef<int64_t> order);
  Values readTable(const Table &table);
  std::string tableSymbol(bool perWarp);
  mlir::Value tableBase(bool perWarp);
  void writeTables();
  /// Where in SRAM the tables of all warps begin, if they lie there.
  std::optional<int64_t> sramTables();
  void copyTables(int64_t words);
  void copyToSram(mlir::Value from, mlir::Value to, int64_t pieces);
  void keepTable(Table &table, bool reread);
  /// Reads the tables that a loop holds.
  llvm::SmallVector<Table *> holdTables(mlir::Operation *loop);
  Values tableOr(const llvm::DenseMap<mlir::Value, Table> &known, mlir::Value value);
  /// Gives an operation the registers of the tables that it uses.
  void giveTables(mlir::Operation *op);
  std::pair<mlir::Value, mlir::Value> place(tile::ViewType type, mlir::ValueRange view,
                                            mlir::ValueRange indices, int64_t k, mlir::Value nothing = {});
  void nameMatrixRows();
  Values readMatrix(mlir::Value base, int64_t offset, bool transpose);
  int64_t slotOffset(mlir::Value memory, int64_t slot);
  mlir::Value opaqueSram();
  /// Starts the copies that fill a slot, whose barrier they complete.
  void fillSlot(mlir::Value ring, mlir::Value address, mlir::Value full, mlir::Value source,
                mlir::ValueRange coordinates,
                std::optional<int64_t> along = {});

  //===--------------------------------------------------------------------===//
  // Helpers
  //===--------------------------------------------------------------------===//
  mlir::Value i32(int64_t value);
  mlir::Value i64(int64_t value);
  mlir::Value f32(double value);
  mlir::Value constant(mlir::TypedAttr value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value add(mlir::Value x, int64_t y) { return y ? add(x, i32(y)) : x; }
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, int64_t y) { return mul(x, i32(y)); }
  mlir::Value both(mlir::Value x, mlir::Value y);
  mlir::Value isEqual(mlir::Value x, int64_t y);
  mlir::Value shared(mlir::Value address);
  mlir::Value intrinsic(llvm::StringRef name, mlir::Value argument);
  mlir::Value wide(mlir::Value value);
  /// The type of the scalars that stand for a value.
  mlir::Type scalarType(mlir::Type type);
  /// How many of them there are.
  int64_t count(mlir::Type type);
  Values &set(mlir::Value value, Values scalars);
  const Values &get(mlir::Value value);
  mlir::Value one(mlir::Value value) { return get(value).front(); }
  mlir::Value element(mlir::Value value, int64_t k);
  /// Gives the result of an operation register by register. Positions and predicates are made only
  /// where they are used: all of a tile's at once would take more registers than there are.
  void setEach(mlir::Operation *op, std::function<mlir::Value(int64_t)> make);
  /// Makes what `op` needs of what is still to be made, before control flow enters it.
  void settle(mlir::Operation *op);
  /// Address of a slot of a ring, and of its full and empty barriers.
  struct Slot {
    mlir::Value address, full, empty, parity;
  };
  Slot slot(mlir::Value ring, mlir::Value position, bool anew = false);
  /// Address of a buffer, or of this warpgroup's part of it.
  mlir::Value buffer(mlir::Value smem);

  tile::KernelOp kernel;
  mlir::OpBuilder b;
  mlir::Location loc;
  mlir::Block *moduleBody;
  mlir::Block *entry = nullptr;
  llvm::DenseMap<mlir::Value, Values> values;
  llvm::MapVector<mlir::Value, std::function<mlir::Value(int64_t)>> pending;
  /// What has come when the reads of an operation have: a word of each load; of a loop or a branch around reads, what it gives.
  llvm::DenseMap<mlir::Operation *, Values> words;
  Values *coming = nullptr; ///< Of the operation that is being emitted.
  llvm::DenseSet<mlir::Operation *> leaves; ///< Loops and branches whose reads may still be under way at their end.
  llvm::DenseMap<mlir::Attribute, mlir::Value> constants;
  int64_t warpgroups;
  /// Whether each lane arrives at the barriers of steps for itself, and not one for its warp, as is enough. What lanes
  /// wrote to SRAM by plain stores and copies of their own, racecheck takes as ordered by their own arrivals only.
  bool lanesArrive = false;

  // The thread's place: in the CTA, its warp, among the consumer warpgroups, among those that
  // compute one tile, ...
  // (`matrixWarp` counts from the first warp that computes)
  mlir::Value thread, lane, warp, matrixWarp, group, tileGroup, warpInGroup;
  // ... the first of its two rows of a tile (the other is 8 below), and its lane in the row.
  mlir::Value row, quadLane;
  mlir::Value sramBase;

  // What kernels with a matrix for each warp hold: addresses of their rows in SRAM, and tables.
  mlir::Value sramRegister, gridAddress, putAddress, putSecond, getAddress, getSecond;
  llvm::DenseMap<mlir::Value, int64_t> fetchedOffsets;
  llvm::DenseMap<mlir::Value, Table> leftTables, rightTables;
  std::vector<int32_t> tableWords[2]; // those of all warps, and those in which warps differ
  std::optional<int64_t> halfPlane[2]; ///< The free half of a plane of them.
  mlir::Value tableBases[2];
  mlir::Block *tableLoop = nullptr; // a loop's body whose bases are its own, so that reads stay in it
};

} // namespace longwing

#endif // LONGWING_LIB_TILETONVVM_EMITTER_H
