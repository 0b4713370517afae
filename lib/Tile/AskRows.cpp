//===- AskRows.cpp - Rows of work tiles to come ---------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows that tile.fetch_rows brings are asked for a work tile ahead: where the one before has left room (tile.vacate_rows), or,
// those of the first, in front of the loop over a CTA's work tiles.
//
//===----------------------------------------------------------------------===//

#include "Role.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

/// The number of a CTA's work tile of this round, and whether there is one.
/// Round r gives CTA c the tile r G + (c + r) mod G: neighbours of a round stay neighbours in L2, and a CTA does not meet the
/// same place of every row of tiles where their number divides G.
std::pair<Value, Value> Role::pointOf(OpBuilder &b, Value round) {
  Location loc = round.getLoc();
  bool ordered = kernel->hasAttr(kOrderedAttr);
  Value place;
  if (ordered) {
    place = arith::RemUIOp::create(b, loc, round, row);
    round = arith::DivUIOp::create(b, loc, round, row);
  }
  Value turned = arith::RemUIOp::create(b, loc, arith::AddIOp::create(b, loc, cta, round), ctas);
  Value tile = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, round, ctas), turned);
  Value exists = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, tile, total);
  if (ordered)
    tile = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, tile, row), place);
  return {tile, exists};
}

/// A value of the sequential program at other coordinates: what it is made of there is made again.
Value Role::materialize(OpBuilder &b, Value value, IRMapping &at) {
  if (Value known = at.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (!op || !persistent->isAncestor(op))
    return map.lookupOrDefault(value);
  for (Value operand : op->getOperands())
    at.map(operand, materialize(b, operand, at));
  b.clone(*op, at);
  return at.lookup(value);
}

/// Rows that were asked for where the work tile before this one had left room, or in front of the loop.
void Role::copyFetch(OpBuilder &b, FetchRowsOp fetch) {
  fetches[fetch.getBuffer()] = fetch;
  Value buffer = map.lookup(fetch.getBuffer());
  buffer.getDefiningOp()->setAttr(kBoxesAttr, b.getI64IntegerAttr(kMatrixSize / 4));
  AwaitRowsOp::create(b, fetch.getLoc(), buffer, map.lookupOrDefault(fetch.getJ()), turn);
}

/// Asks for the rows of a round's work tile if there is one, in a thread of each warpgroup: from the columns j on.
void Role::ask(OpBuilder &b, FetchRowsOp fetch, function_ref<Value(OpBuilder &)> roundOf, ArrayRef<Value> columns) {
  Location loc = fetch.getLoc();
  auto lead = LeadOp::create(b, loc, /*each=*/true);
  lead.getBody().emplaceBlock();
  OpBuilder inner = OpBuilder::atBlockBegin(&lead.getBody().front());
  auto [tile, exists] = pointOf(inner, roundOf(inner));
  auto branch = scf::IfOp::create(inner, loc, exists, /*withElse=*/false);
  ReturnOp::create(inner, loc);
  OpBuilder there = OpBuilder::atBlockBegin(branch.thenBlock());
  IRMapping at;
  for (auto [argument, value] : llvm::zip(persistent.getBody().getArguments(), coordinatesOf(there, persistent, tile)))
    at.map(argument, value);
  SmallVector<Value> coordinates =
      llvm::map_to_vector(fetch.getCoordinates(), [&](Value value) { return materialize(there, value, at); });
  for (Value j : columns)
    AskRowsOp::create(there, loc, map.lookupOrDefault(fetch.getSource()), coordinates, map.lookup(fetch.getBuffer()), j);
}

void Role::copyVacate(OpBuilder &b, VacateRowsOp vacate) {
  Location loc = vacate.getLoc();
  b.clone(*vacate, map);
  auto next = [&](OpBuilder &b) -> Value {
    return arith::AddIOp::create(b, loc, turn, arith::ConstantIndexOp::create(b, loc, 1));
  };
  ask(b, fetches.lookup(vacate.getBuffer()), next, map.lookupOrDefault(vacate.getJ()));
}

/// In front of the loop over a CTA's work tiles: the rows of the first one.
void Role::askFirst(OpBuilder &b) {
  for (auto &[buffer, fetch] : fetches) {
    Location loc = fetch.getLoc();
    SmallVector<Value> columns;
    for (int64_t j = 0; j < kMatrixSize; j += fetch.getColumns())
      columns.push_back(arith::ConstantIndexOp::create(b, loc, j));
    ask(b, fetch, [&](OpBuilder &) { return columns.front(); }, columns); // round 0
  }
}
