//===- ScanOps.cpp - Recurrences of the seq dialect -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/seq/Seq.h"

#include "mlir/IR/TypeUtilities.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace longwing::seq;

//===----------------------------------------------------------------------===//
// What the recurrences share
//===----------------------------------------------------------------------===//

/// A state has one entry for each batch, or for each packed sequence.
static StringRef perSequence(bool packed, StringRef batched, StringRef perOffset) {
  return packed ? perOffset : batched;
}

/// The sizes of a state: those of the op's own, or a batch's with the sizes of one entry.
template <typename Op>
static RankedTensorType stateType(Op op, Value input, ArrayRef<int64_t> entry) {
  for (Value state : {Value(op.getInit()), Value(op.getState())})
    if (state)
      return cast<RankedTensorType>(state.getType());
  int64_t count = cast<RankedTensorType>(input.getType()).getDimSize(0);
  if (op.isPacked()) {
    count = op.getOffsets().getType().getDimSize(0);
    count = ShapedType::isDynamic(count) ? count : count - 1;
  }
  SmallVector<int64_t> sizes = {count};
  sizes.append(entry.begin(), entry.end());
  return RankedTensorType::get(sizes, Float32Type::get(op.getContext()));
}

/// An operand's element type is that of the main one, or f32 where it may be.
static LogicalResult verifyElement(Operation *op, Value value, StringRef name, Type main,
                                   StringRef mainName, bool mayBeFloat) {
  if (!value)
    return success();
  Type element = getElementTypeOrSelf(value.getType());
  if (element == main || (mayBeFloat && element.isF32()))
    return success();
  return op->emitOpError() << "(C2) expected the element type of " << name << " to be that of "
                           << mainName << ", " << main << (mayBeFloat ? ", or f32" : "") << ", got "
                           << element;
}

/// A constant that is a logarithm of a decay, or a rate, is nowhere positive. Of pairs, the real
/// parts count.
static LogicalResult verifyDecay(Operation *op, Value value, StringRef name, bool pairs) {
  DenseFPElementsAttr constant;
  if (!value || !matchPattern(value, m_Constant(&constant)))
    return success();
  bool splat = constant.isSplat(); // One value may stand for any number of elements.
  int64_t count = splat ? 1 : constant.getNumElements();
  auto values = constant.getValues<APFloat>();
  for (int64_t index = 0; index < count; index += pairs ? 2 : 1) {
    APFloat element = values[index];
    if (element.convertToDouble() > 0)
      return op->emitOpError() << "(C6) expected " << name << " to be at most 0, got "
                               << element.convertToDouble() << " in element " << index;
  }
  return success();
}

/// Packed sequences are one batch; constant offsets begin at 0 and do not fall.
template <typename Op>
static LogicalResult verifyOffsets(Op op, Value input) {
  if (!op.isPacked())
    return success();
  auto type = cast<RankedTensorType>(input.getType());
  if (!type.isDynamicDim(0) && type.getDimSize(0) != 1)
    return op.emitOpError() << "(C4) expected a batch of 1 with offsets, got "
                            << type.getDimSize(0);
  if (op.getOffsets().getType().getDimSize(0) == 0)
    return op.emitOpError("(C4) expected at least one offset");
  DenseIntElementsAttr constant;
  if (!matchPattern(op.getOffsets(), m_Constant(&constant)))
    return success();
  int64_t previous = 0, count = constant.isSplat() ? 1 : constant.getNumElements();
  auto values = constant.getValues<APInt>();
  for (int64_t index = 0; index < count; ++index) {
    int64_t value = values[index].getSExtValue();
    if (index == 0 ? value != 0 : value < previous)
      return op.emitOpError() << "(C4) expected offsets that begin at 0 and do not fall, got "
                              << value << " in element " << index;
    previous = value;
  }
  if (!type.isDynamicDim(1) && previous != type.getDimSize(1))
    return op.emitOpError() << "(C4) expected the last offset to be the length, "
                            << type.getDimSize(1) << ", got " << previous;
  return success();
}

/// A misspelt attribute would otherwise be carried along in silence.
static LogicalResult verifyAttributes(Operation *op, StringRef constraint, StringRef known) {
  for (NamedAttribute attribute : op->getDiscardableAttrs())
    if (!attribute.getName().getValue().contains('.'))
      return op->emitOpError() << "(" << constraint << ") expected the attributes " << known
                               << ", got " << attribute.getName();
  return success();
}

template <typename Op>
static LogicalResult reify(Op op, OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  reifyShapes(builder, op, op.getNamedShapes(), shapes);
  return success();
}

/// Whether every element of a constant is zero.
static bool isZero(Value value) { return value && matchPattern(value, m_AnyZeroFloat()); }

/// The same operation without its final state, which nothing reads.
static void dropState(Operation *op, PatternRewriter &rewriter) {
  OperationState slim(op->getLoc(), op->getName(), op->getOperands(), op->getResultTypes().front(),
                      op->getAttrs());
  rewriter.replaceAllUsesWith(op->getResult(0), rewriter.create(slim)->getResult(0));
  rewriter.eraseOp(op);
}

/// Drops an unread final state, and the operands in `zeros` that are zero.
template <typename Op>
static LogicalResult canonicalizeRecurrent(Op op, PatternRewriter &rewriter,
                                           ArrayRef<MutableOperandRange (Op::*)()> zeros) {
  if (op.getState() && op.getState().use_empty()) {
    dropState(op, rewriter);
    return success();
  }
  bool changed = false;
  for (auto get : zeros) {
    MutableOperandRange operand = (op.*get)(); // Its place changes as others go.
    if (operand.empty() || !isZero(operand[0].get()))
      continue;
    rewriter.modifyOpInPlace(op, [&] { operand.clear(); });
    changed = true;
  }
  return success(changed);
}

//===----------------------------------------------------------------------===//
// ScanOp
//===----------------------------------------------------------------------===//

SmallVector<NamedShape> ScanOp::getNamedShapes() {
  bool wkv = getForm() == ScanForm::Wkv;
  StringRef full = getComplex() ? "[B, L, D, 2]" : "[B, L, D]";
  StringRef decay = wkv ? "[D]" : getComplex() ? "[B, L, D, 2] or [D, 2]" : "[B, L, D] or [D]";
  StringRef state = wkv            ? perSequence(isPacked(), "[B, 3, D]", "[S, 3, D]")
                    : getComplex() ? perSequence(isPacked(), "[B, D, 2]", "[S, D, 2]")
                                   : perSequence(isPacked(), "[B, D]", "[S, D]");
  return {{getB(), "b", "C1", full},
          {getA(), "a", wkv ? "C5" : "C1", decay},
          {getKey(), "key", "C5", full},
          {getBonus(), "bonus", "C5", "[D]"},
          {getOffsets(), "offsets", "C4", "[S+1]"},
          {getInit(), "init", "C3", state},
          {getY(), "y", "C1", full},
          {getState(), "the final state", "C3", state}};
}

RankedTensorType ScanOp::getStateType() {
  SmallVector<int64_t> entry = {getChannels()};
  if (getForm() == ScanForm::Wkv)
    entry.insert(entry.begin(), 3);
  if (getComplex())
    entry.push_back(2);
  return stateType(*this, getB(), entry);
}

LogicalResult ScanOp::verify() {
  bool wkv = getForm() == ScanForm::Wkv;
  if (wkv && (!getKey() || !getBonus() || getComplex()))
    return emitOpError("(C5) expected key and bonus, and no complex, in the form wkv");
  if (!wkv && (getKey() || getBonus()))
    return emitOpError("(C5) expected neither key nor bonus in a form other than wkv");
  if (failed(verifyShapes(*this, getNamedShapes(), {"D"})))
    return failure();
  Type element = getB().getType().getElementType();
  if (getComplex() && !element.isF32())
    return emitOpError() << "(C2) expected f32 elements of a complex scan, got " << element;
  if (failed(verifyElement(*this, getY(), "y", element, "b", false)) ||
      failed(verifyElement(*this, getA(), "a", element, "b", true)) ||
      failed(verifyElement(*this, getKey(), "key", element, "b", false)) ||
      failed(verifyOffsets(*this, getB())))
    return failure();
  if (getForm() != ScanForm::Linear && failed(verifyDecay(*this, getA(), "a", getComplex())))
    return failure();
  return verifyAttributes(*this, "C7", "complex or reverse");
}

LogicalResult ScanOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  return reify(*this, builder, shapes);
}

LogicalResult ScanOp::canonicalize(ScanOp op, PatternRewriter &rewriter) {
  // A state of zeros is not that of an empty past where the third row is an exponent.
  if (op.getForm() == ScanForm::Wkv)
    return canonicalizeRecurrent<ScanOp>(op, rewriter, {});
  return canonicalizeRecurrent<ScanOp>(op, rewriter, {&ScanOp::getInitMutable});
}

//===----------------------------------------------------------------------===//
// SelectiveScanOp
//===----------------------------------------------------------------------===//

SmallVector<NamedShape> SelectiveScanOp::getNamedShapes() {
  bool pairs = getComplex();
  StringRef varying = pairs ? "[B, L, G, N, 2] or [D, N, 2]" : "[B, L, G, N] or [D, N]";
  StringRef state = pairs ? perSequence(isPacked(), "[B, D, N, 2]", "[S, D, N, 2]")
                          : perSequence(isPacked(), "[B, D, N]", "[S, D, N]");
  return {{getU(), "u", "C1", "[B, L, D]"},
          {getDelta(), "delta", "C1", "[B, L, D]"},
          {getA(), "a", "C1", pairs ? "[D, N, 2]" : "[D, N]"},
          {getB(), "b", "C1", varying},
          {getC(), "c", "C1", varying},
          {getSkip(), "skip", "C1", "[D]"},
          {getGate(), "gate", "C1", "[B, L, D]"},
          {getBias(), "bias", "C1", "[D]"},
          {getOffsets(), "offsets", "C4", "[S+1]"},
          {getInit(), "init", "C3", state},
          {getY(), "y", "C1", "[B, L, D]"},
          {getState(), "the final state", "C3", state}};
}

RankedTensorType SelectiveScanOp::getStateType() {
  SmallVector<int64_t> entry = {getChannels(), getStateSize()};
  if (getComplex())
    entry.push_back(2);
  return stateType(*this, getU(), entry);
}

int64_t SelectiveScanOp::getGroups() {
  if (!hasConstantB())
    return getB().getType().getDimSize(2);
  return hasConstantC() ? 1 : getC().getType().getDimSize(2);
}

LogicalResult SelectiveScanOp::verify() {
  if (failed(verifyShapes(*this, getNamedShapes(), {"D", "N", "G"})))
    return failure();
  if (getChannels() % getGroups())
    return emitOpError() << "(C1) expected the channels to be a multiple of the groups, got "
                         << getChannels() << " and " << getGroups();
  Type element = getU().getType().getElementType();
  if (failed(verifyElement(*this, getY(), "y", element, "u", false)) ||
      failed(verifyElement(*this, getGate(), "gate", element, "u", false)) ||
      failed(verifyElement(*this, getDelta(), "delta", element, "u", true)) ||
      failed(verifyElement(*this, getB(), "b", element, "u", true)) ||
      failed(verifyElement(*this, getC(), "c", element, "u", true)) ||
      failed(verifyOffsets(*this, getU())))
    return failure();
  return verifyAttributes(*this, "C5", "softplus, complex or reverse");
}

LogicalResult SelectiveScanOp::reifyResultShapes(OpBuilder &builder,
                                                 ReifiedRankedShapedTypeDims &shapes) {
  return reify(*this, builder, shapes);
}

LogicalResult SelectiveScanOp::canonicalize(SelectiveScanOp op, PatternRewriter &rewriter) {
  using S6 = SelectiveScanOp;
  return canonicalizeRecurrent<S6>(op, rewriter,
                                   {&S6::getInitMutable, &S6::getSkipMutable, &S6::getBiasMutable});
}

//===----------------------------------------------------------------------===//
// LinearAttentionOp
//===----------------------------------------------------------------------===//

double LinearAttentionOp::getEffectiveScale() {
  return getScale() ? getScale()->convertToDouble() : 1.0;
}

SmallVector<NamedShape> LinearAttentionOp::getNamedShapes() {
  StringRef state = perSequence(isPacked(), "[B, Hv, K, V]", "[S, Hv, K, V]");
  return {{getQ(), "q", "C1", "[B, L, Hk, K]"},
          {getK(), "k", "C1", "[B, L, Hk, K]"},
          {getV(), "v", "C1", "[B, L, Hv, V]"},
          {getDecay(), "decay", "C1",
           "[Hv] or [Hv, K] or [Hk, K] or [B, L, Hv] or [B, L, Hv, K] or [B, L, Hk, K]"},
          {getDt(), "dt", "C1", "[B, L, Hv]"},
          {getA(), "a", "C1", "[Hv]"},
          {getBias(), "bias", "C1", "[Hv]"},
          {getBonus(), "bonus", "C1", "[Hv, K]"},
          {getSkip(), "skip", "C1", "[Hv]"},
          {getGate(), "gate", "C1", "[B, L, Hv, V]"},
          {getOffsets(), "offsets", "C4", "[S+1]"},
          {getInit(), "init", "C3", state},
          {getO(), "o", "C1", "[B, L, Hv, V]"},
          {getState(), "the final state", "C3", state}};
}

RankedTensorType LinearAttentionOp::getStateType() {
  return stateType(*this, getV(), {getValueHeads(), getKeyDim(), getValueDim()});
}

LogicalResult LinearAttentionOp::verify() {
  if (getDecay() && getDt())
    return emitOpError("(C5) expected a decay or dt, got both");
  if (static_cast<bool>(getDt()) != static_cast<bool>(getA()))
    return emitOpError("(C5) expected dt and a together");
  if (!getDt() && (getBias() || getSoftplus()))
    return emitOpError("(C5) expected bias and softplus only with dt");
  if (failed(verifyShapes(*this, getNamedShapes(), {"Hk", "Hv", "K", "V"})))
    return failure();
  if (getValueHeads() % getKeyHeads())
    return emitOpError() << "(C1) expected the heads of v to be a multiple of the heads of k, got "
                         << getValueHeads() << " and " << getKeyHeads();
  Type element = getQ().getType().getElementType();
  for (auto [value, name] : {std::pair<Value, StringRef>{getK(), "k"},
                             {getV(), "v"},
                             {getGate(), "gate"},
                             {getO(), "o"}})
    if (failed(verifyElement(*this, value, name, element, "q", false)))
      return failure();
  if (failed(verifyElement(*this, getDecay(), "decay", element, "q", true)) ||
      failed(verifyElement(*this, getDt(), "dt", element, "q", true)) ||
      failed(verifyOffsets(*this, getV())) ||
      failed(verifyDecay(*this, getDecay(), "decay", false)) ||
      failed(verifyDecay(*this, getA(), "a", false)))
    return failure();
  if (getScale() && !getScale()->isFinite())
    return emitOpError() << "(C7) expected a finite scale, got " << getScaleAttr();
  return verifyAttributes(*this, "C8", "scale, softplus or reverse");
}

LogicalResult LinearAttentionOp::reifyResultShapes(OpBuilder &builder,
                                                   ReifiedRankedShapedTypeDims &shapes) {
  return reify(*this, builder, shapes);
}

LogicalResult LinearAttentionOp::canonicalize(LinearAttentionOp op, PatternRewriter &rewriter) {
  // Not the bonus: without one, the output sees the state after its decay.
  using Linear = LinearAttentionOp;
  return canonicalizeRecurrent<Linear>(op, rewriter,
                                       {&Linear::getInitMutable, &Linear::getSkipMutable,
                                        &Linear::getBiasMutable, &Linear::getDecayMutable});
}
