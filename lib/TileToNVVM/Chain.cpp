//===- Chain.cpp - Loops shared by the CTAs of a cluster ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In each round every CTA sends its part to all CTAs of the cluster, itself among them, each thread
// to the threads of the same number. A place for two rounds is enough: who sends in round r + 2 has
// the mail of round r + 1, which all of the others sent behind their reading of round r.
//
// None leaves before it has the mail of the last round, so that nothing is sent to who has left.
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "PtxAsm.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::tile;

void Emitter::meetCluster() {
  NVVM::ClusterArriveOp::create(b, loc, b.getUnitAttr());
  NVVM::ClusterWaitOp::create(b, loc, b.getUnitAttr());
}

/// Sends this thread's letter to the same place in the SRAM of every member.
void Emitter::sendLetters(MailType mail, Value place, Value barrier, Values letter) {
  int64_t words = mail.getLetterBytes() / 4;
  letter.resize(words, f32(0));
  for (Value &word : letter)
    word = LLVM::BitcastOp::create(b, loc, b.getI32Type(), word);
  int64_t piece = std::min<int64_t>(words, 4);
  for (int64_t member = 0; member < mail.getMembers(); ++member) {
    Value address = ptx::inMember(b, loc, place, i32(member)),
          counter = ptx::inMember(b, loc, barrier, i32(member));
    for (int64_t i = 0; i < words; i += piece)
      ptx::send(b, loc, add(address, 4 * i), counter, ValueRange(letter).slice(i, piece));
  }
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
  Value consumer = add(thread, -kWarpgroupThreads);
  places = add(places, mul(consumer, mail.getLetterBytes()));

  auto branch = scf::IfOp::create(b, loc, isEqual(consumer, 0), /*withElse=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    NVVM::MBarrierArriveExpectTxOp::create(b, loc, Type(), shared(barrier),
                                           i32(mail.getMembers() * mail.getMemberBytes()),
                                           NVVM::MemScopeKind::CTA, false, Value());
  }
  Value number = NVVM::BlockInClusterIdXOp::create(b, loc, b.getI32Type());
  sendLetters(mail, add(places, mul(number, mail.getMemberBytes())), barrier, own);
  ptx::waitForCluster(b, loc, barrier, parity);
  SmallVector<Values> parts;
  for (int64_t member = 0; member < mail.getMembers(); ++member) {
    Values part = loadWide(shared(add(places, member * mail.getMemberBytes())), b.getF32Type(),
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
