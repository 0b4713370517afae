//===- ChainOps.cpp - Loops shared by several CTAs ------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/Tile.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace longwing::tile;

int64_t longwing::tile::clusterOf(KernelOp kernel) {
  auto members = kernel->getAttrOfType<IntegerAttr>(kClusterAttr);
  return members ? members.getInt() : 1;
}

bool longwing::tile::deals(KernelOp kernel) { return kernel->hasAttr(kClusterAttr); }

bool longwing::tile::dealsToWarps(KernelOp kernel) { return deals(kernel) && !kernel.getSchedule().getSpread(); }

bool longwing::tile::spreadsWork(KernelOp kernel) { return kernel.getSchedule().getSpread() && !deals(kernel); }

int64_t longwing::tile::memberThreads(KernelOp kernel) { return dealsToWarps(kernel) ? kWarpLanes : kWarpgroupThreads; }

int64_t longwing::tile::membersHere(KernelOp kernel) {
  return kernel.getSchedule().getConsumers() * (kWarpgroupThreads / memberThreads(kernel));
}

int64_t longwing::tile::membersOf(KernelOp kernel) { return clusterOf(kernel) * membersHere(kernel); }

void ChainOp::build(OpBuilder &b, OperationState &state, ValueRange states, ValueRange parts) {
  state.addOperands(states);
  state.addOperands(parts);
  state.getOrAddProperties<Properties>().operandSegmentSizes = {int32_t(states.size()),
                                                                int32_t(parts.size()), 0, 0};
  state.addTypes(states.getTypes());
  state.addTypes(states.getTypes());
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> types(states.getTypes());
  llvm::append_range(types, parts.getTypes());
  b.createBlock(state.addRegion(), {}, types, SmallVector<Location>(types.size(), state.location));
}

ParseResult ChainOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::UnresolvedOperand> states, parts, mail, round;
  MailType mailType;
  Type type;
  auto list = [&](SmallVector<OpAsmParser::UnresolvedOperand> &operands) {
    return parser.parseOperandList(operands, OpAsmParser::Delimiter::Paren);
  };
  if (list(states) || parser.parseKeyword("over") || list(parts))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("through"))) {
    if (parser.parseOperand(mail.emplace_back()) || parser.parseLSquare() ||
        parser.parseOperand(round.emplace_back()) || parser.parseRSquare() || parser.parseColon() ||
        parser.parseType(mailType))
      return failure();
  }
  if (parser.parseOptionalAttrDict(result.attributes) || parser.parseColon() ||
      parser.parseType(type) || parser.resolveOperands(states, type, result.operands) ||
      parser.resolveOperands(parts, type, result.operands) ||
      (!mail.empty() && (parser.resolveOperands(mail, mailType, result.operands) ||
                         parser.resolveOperands(round, parser.getBuilder().getIndexType(), result.operands))))
    return failure();
  result.getOrAddProperties<Properties>().operandSegmentSizes = {
      int32_t(states.size()), int32_t(parts.size()), int32_t(mail.size()), int32_t(round.size())};
  result.addTypes(SmallVector<Type>(2 * states.size(), type));
  return parser.parseRegion(*result.addRegion());
}

void ChainOp::print(OpAsmPrinter &printer) {
  printer << '(' << getStates() << ") over(" << getParts() << ')';
  if (getMail())
    printer << " through " << getMail() << '[' << getRound() << "] : " << getMail().getType();
  printer.printOptionalAttrDict((*this)->getAttrs(), {getOperandSegmentSizesAttrName()});
  printer << " : " << getStates().getTypes().front() << ' ';
  printer.printRegion(getCombine());
}

LogicalResult ChainOp::verify() {
  if (getStates().empty() || getParts().empty())
    return emitOpError() << "(C1) expected at least one state and one part";
  auto type = cast<RankedTensorType>(getStates().front().getType());
  if (type.getRank() != 1 || !type.getElementType().isF32())
    return emitOpError() << "(C1) expected a [C] tile of f32, got " << type;
  SmallVector<Type> inputs(getStates().getTypes());
  llvm::append_range(inputs, getParts().getTypes());
  for (Type other : inputs)
    if (other != type)
      return emitOpError() << "(C1) expected states and parts of one type, got " << Type(type) << " and "
                           << other;
  if (getResults_().size() != 2 * getStates().size() ||
      llvm::any_of(getResultTypes(), [&](Type other) { return other != type; }))
    return emitOpError() << "(C2) expected two results of " << Type(type) << " for each state";
  Block &block = getCombine().front();
  auto yield = block.empty() ? YieldOp() : dyn_cast<YieldOp>(block.back());
  if (block.getArgumentTypes() != TypeRange(inputs) || !yield ||
      yield.getOperandTypes() != getStates().getTypes())
    return emitOpError() << "(C3) expected a region that takes " << inputs.size() << " tiles of "
                         << Type(type) << " and yields " << getStates().size();
  if (!getMail() != !getRound())
    return emitOpError() << "(C4) expected a round with the mail";
  if (getMail() && getMail().getType().getValues() % int64_t(getParts().size()))
    return emitOpError() << "(C4) expected mail of values for each of " << getParts().size()
                         << " parts, got " << getMail().getType();
  return success();
}
