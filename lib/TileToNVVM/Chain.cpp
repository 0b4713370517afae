//===- Chain.cpp - Loops shared by the CTAs of a cluster ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In each round every member, a warpgroup or a warp of the cluster's consumers, puts its part into the mail
// of its own CTA, and the copy engine takes it from there to all others, the letters of a warp at once: one
// by one each would take the barrier there several clocks. A thread reads those of the same number. A place
// for two rounds is enough: who writes in round r + 2 has the mail of round r + 1, which all of the others
// sent behind their reading of round r.
//
// None leaves before all have the mail of the last round: nothing is sent to who has left, nor from the SRAM of who has.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "PtxAsm.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

void Emitter::meetCluster(bool converged) {
  UnitAttr aligned = converged ? b.getUnitAttr() : UnitAttr();
  NVVM::ClusterArriveOp::create(b, loc, aligned);
  NVVM::ClusterWaitOp::create(b, loc, aligned);
}

/// Puts this thread's letter where its member has a place, and sends the warp's to that place of the other CTAs, a lane
/// to each. Every thread arrives for its own letter: a lane that arrived for its warp, behind a barrier of that warp, would do as
/// well, but ptxas leaves such barriers out where it can, and racecheck cannot know that.
void Emitter::sendLetters(MailType mail, Value place, Value barrier, Value cta, Values letter) {
  int64_t words = mail.getLetterBytes() / 4, ctas = clusterOf(kernel), bytes = 32 * mail.getLetterBytes();
  letter.resize(words, f32(0));
  Value own = add(place, mul(threadOfTile(), mail.getLetterBytes()));
  for (int64_t i = 0, piece = std::min<int64_t>(words, 4); i < words; i += piece)
    storeWide(shared(add(own, 4 * i)), b.getF32Type(), ArrayRef(letter).slice(i, piece));
  publish();
  syncWarp();
  OpBuilder::InsertionGuard guard(b);
  auto announce = scf::IfOp::create(b, loc, isEqual(lane, 0), /*withElse=*/true);
  b.setInsertionPointToStart(announce.thenBlock());
  NVVM::MBarrierArriveExpectTxOp::create(b, loc, Type(), shared(barrier), i32((ctas - 1) * bytes),
                                         NVVM::MemScopeKind::CTA, false, Value());
  b.setInsertionPointToStart(announce.elseBlock());
  NVVM::MBarrierArriveOp::create(b, loc, Type(), shared(barrier), Value(), NVVM::MemScopeKind::CTA, false);
  b.setInsertionPointAfter(announce);
  if (ctas == 1)
    return;
  auto send = scf::IfOp::create(b, loc, LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, lane, i32(ctas - 1)), /*withElse=*/false);
  b.setInsertionPointToStart(send.thenBlock());
  Value first = add(own, mul(lane, -mail.getLetterBytes()));
  Value other = LLVM::URemOp::create(b, loc, add(add(cta, lane), 1), i32(ctas));
  ptx::copyToMember(b, loc, ptx::inMember(b, loc, first, other), first, ptx::inMember(b, loc, barrier, other), bytes);
}

LogicalResult Emitter::emitChain(ChainOp op) {
  Block &combine = op.getCombine().front();
  size_t count = op.getStates().size();
  SmallVector<Values> states, before;
  for (Value state : op.getStates())
    states.push_back(get(state));
  before = states;
  /// Takes the states over a part, whose registers come one value after the other.
  auto advance = [&](const Values &part) -> LogicalResult {
    for (size_t i = 0; i < count; ++i)
      set(combine.getArgument(i), states[i]);
    size_t w = part.size() / op.getParts().size();
    for (size_t i = 0; i < op.getParts().size(); ++i)
      set(combine.getArgument(count + i), Values(ArrayRef(part).slice(i * w, w)));
    if (failed(emitBlock(combine)))
      return failure();
    for (auto [state, next] : llvm::zip(states, op.getYielded()))
      state = get(next);
    return success();
  };
  auto finish = [&] {
    for (size_t i = 0; i < count; ++i)
      set(op.getBefore()[i], before[i]), set(op.getAfter()[i], states[i]);
    return success();
  };
  Values own = flatten(op.getParts());
  if (!op.getMail()) {
    if (failed(advance(own)))
      return failure();
    return finish();
  }

  MailType mail = op.getMail().getType();
  auto alloc = op.getMail().getDefiningOp<AllocOp>();
  int64_t barriers = alloc->getAttrOfType<IntegerAttr>(kBarrierOffsetAttr).getInt();
  Value round = one(op.getRound()), turn = both(round, i32(1));
  Value parity = both(LLVM::LShrOp::create(b, loc, round, i32(1)), i32(1));
  Value barrier = add(add(sramBase, barriers), mul(turn, kMailBarrierBytes));
  Value places = add(add(sramBase, *alloc.getOffset()), mul(turn, mail.getMembers() * mail.getMemberBytes()));
  Value cta = NVVM::BlockInClusterIdXOp::create(b, loc, b.getI32Type()), number = cta;
  number = add(mul(number, membersHere(kernel)), dealsToWarps(kernel) ? matrixWarp : group);
  sendLetters(mail, add(places, mul(number, mail.getMemberBytes())), barrier, cta, own);
  ptx::waitForCluster(b, loc, barrier, parity);
  Value letters = add(places, mul(threadOfTile(), mail.getLetterBytes()));
  SmallVector<Values> parts;
  for (int64_t member = 0; member < mail.getMembers(); ++member) {
    Values part = loadWide(shared(add(letters, member * mail.getMemberBytes())), b.getF32Type(),
                           mail.getLetterBytes() / 4);
    part.resize(own.size());
    parts.push_back(std::move(part));
  }
  for (auto [member, part] : llvm::enumerate(parts)) {
    if (member) {
      Value mine = isEqual(number, member);
      for (auto [kept, now] : llvm::zip(before, states))
        for (auto [x, y] : llvm::zip(kept, now))
          x = LLVM::SelectOp::create(b, loc, mine, y, x);
    }
    if (failed(advance(part)))
      return failure();
  }
  return finish();
}
