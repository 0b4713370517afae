//===- ConvOps.cpp - Convolutions of the seq dialect ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/seq/Seq.h"
#include "dialects/seq/Verify.h"

#include "mlir/IR/TypeUtilities.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::seq;

//===----------------------------------------------------------------------===//
// What several operations check
//===----------------------------------------------------------------------===//

/// A filter has at least one tap.
static LogicalResult verifyTaps(Operation *op, Value filter, StringRef name) {
  if (cast<RankedTensorType>(filter.getType()).getDimSize(1) != 0)
    return success();
  return op->emitOpError() << "(C3) expected at least one tap (dimension 1) of " << name << ", got "
                           << filter.getType();
}

/// Elements are those of `like`.
static LogicalResult verifySameElements(Operation *op, StringRef label, Value value, StringRef name,
                                        RankedTensorType like, StringRef of) {
  Type element = getElementTypeOrSelf(value.getType());
  if (element == like.getElementType())
    return success();
  return op->emitOpError() << "(" << label << ") expected the element type of " << name
                           << " to be that of " << of << ", " << like.getElementType() << ", got "
                           << element;
}

/// Elements are those of `like`, or f32.
static LogicalResult verifyElements(Operation *op, StringRef label, Value value, StringRef name,
                                    RankedTensorType like, StringRef of) {
  Type element = getElementTypeOrSelf(value.getType());
  if (element == like.getElementType() || element.isF32())
    return success();
  return op->emitOpError() << "(" << label << ") expected the element type of " << name
                           << " to be f32 or that of " << of << ", " << like.getElementType()
                           << ", got " << element;
}

/// The radices multiply to N, the last dimension but one of a spectrum.
static LogicalResult verifyRadices(Operation *op, StringRef label, ArrayRef<int64_t> radices,
                                   RankedTensorType spectrum) {
  int64_t length = pointsOf(spectrum), product = 1;
  if (ShapedType::isDynamic(length) || length <= 0)
    return op->emitOpError() << "(" << label << ") expected a static, positive length (dimension "
                             << spectrum.getRank() - 2 << ") of the spectrum, got " << spectrum;
  for (int64_t radix : radices) {
    if (radix < 2 && !(radix == 1 && radices.size() == 1))
      return op->emitOpError() << "(" << label << ") expected radices of at least 2, got " << radix;
    if (llvm::MulOverflow(product, radix, product))
      return op->emitOpError() << "(" << label << ") expected radices whose product fits 64 bits";
  }
  if (radices.empty() || product != length)
    return op->emitOpError() << "(" << label << ") expected the radices to multiply to " << length
                             << ", the length of the spectrum, got " << product;
  return success();
}

/// A spectrum in blocks has some, that a size can count the samples of, and is that of a one-sided filter.
static LogicalResult verifyBlocks(Operation *op, StringRef sizeLabel, StringRef kindLabel, ConvKind kind,
                                  RankedTensorType spectrum) {
  if (!isInBlocks(spectrum))
    return success();
  int64_t length;
  if (blocksOf(spectrum) <= 0 || llvm::MulOverflow(blocksOf(spectrum), pointsOf(spectrum), length))
    return op->emitOpError() << "(" << sizeLabel << ") expected a static, positive number of blocks (dimension 1) of the "
                             << "spectrum, whose samples fit 64 bits, got " << spectrum;
  if (kind != ConvKind::Causal && kind != ConvKind::Anticausal)
    return op->emitOpError() << "(" << kindLabel << ") expected a spectrum in blocks, " << spectrum
                             << ", for the kind causal or anticausal only, got " << stringifyConvKind(kind);
  return success();
}

/// The shape of a spectrum that may be in blocks.
static StringRef spectrumShape(TypedValue<RankedTensorType> spectrum) {
  return spectrum && isInBlocks(spectrum.getType()) ? "[H, P, N, 2]" : "[H, N, 2]";
}

static bool isTwoSidedKind(ConvKind kind) {
  return kind == ConvKind::TwoSidedShared || kind == ConvKind::TwoSidedDisjoint;
}

static LogicalResult verifyReverse(Operation *op, ConvKind kind, Value reverse) {
  if (isTwoSidedKind(kind) == bool(reverse))
    return success();
  return op->emitOpError() << "(C5) expected " << (reverse ? "no" : "a")
                           << " reverse filter, since the kind is "
                           << stringifyConvKind(kind);
}

/// y has the shape of its operand.
static LogicalResult reifyLike(OpBuilder &builder, Location loc, Value operand,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(builder, loc, operand));
  return success();
}

//===----------------------------------------------------------------------===//
// LongConvOp
//===----------------------------------------------------------------------===//

int64_t LongConvOp::getFilterLength() {
  return getFilter() ? getFilter().getType().getDimSize(1) : ShapedType::kDynamic;
}

SmallVector<NamedShape> LongConvOp::getNamedShapes() {
  return {{getU(), "u", "C1", "[B, H, L]"},
          {getFilter(), "filter", "C1", "[H, S+1]"},
          {getReverse(), "reverse", "C1", "[H, R]"},
          {getSpectrum(), "spectrum", "C1", spectrumShape(getSpectrum())},
          {getPre(), "pre", "C1", "[B, H, L]"},
          {getPost(), "post", "C1", "[B, H, L]"},
          {getSkip(), "skip", "C1", "[H]"},
          {getInitial(), "initial", "C10", "[B, H, S]"},
          {getY(), "y", "C1", "[B, H, L]"},
          {getFinal(), "final", "C10", "[B, H, S]"}};
}

RankedTensorType LongConvOp::getStateType() {
  for (Value state : {Value(getInitial()), Value(getFinal())})
    if (state)
      return cast<RankedTensorType>(state.getType());
  int64_t batch = getU().getType().getDimSize(0), taps = getFilterLength();
  return RankedTensorType::get(
      {batch, getChannels(), ShapedType::isDynamic(taps) ? taps : taps - 1},
      Float32Type::get(getContext()));
}

LogicalResult LongConvOp::verify() {
  RankedTensorType u = getU().getType();
  if (failed(verifyShapes(*this, getNamedShapes(), {"H"})))
    return failure();
  for (auto [value, name] :
       {std::pair<Value, StringRef>{getPre(), "pre"}, {getPost(), "post"}, {getY(), "y"}})
    if (value && failed(verifySameElements(*this, "C2", value, name, u, "u")))
      return failure();
  for (auto [value, name] :
       {std::pair<Value, StringRef>{getFilter(), "filter"}, {getReverse(), "reverse"}})
    if (value && (failed(verifyElements(*this, "C2", value, name, u, "u")) ||
                  failed(verifyTaps(*this, value, name))))
      return failure();

  if (bool(getFilter()) == bool(getSpectrum()))
    return emitOpError() << "(C4) expected either a filter or a spectrum, got "
                         << (getFilter() ? "both" : "none");
  if (getTaps().has_value() != bool(getFilter()))
    return emitOpError() << "(C4) expected taps if and only if there is a filter";
  if (getReverse() && !getFilter())
    return emitOpError() << "(C4) expected no reverse filter beside a spectrum";
  if (getFilter() && failed(verifyReverse(*this, getKind(), getReverse())))
    return failure();

  if (getRadices().has_value() != bool(getSpectrum()))
    return emitOpError() << "(C6) expected radices if and only if there is a spectrum";
  if (getSpectrum()) {
    RankedTensorType spectrum = getSpectrum().getType();
    if (failed(verifyRadices(*this, "C6", *getRadices(), spectrum)) ||
        failed(verifyBlocks(*this, "C7", "C8", getKind(), spectrum)))
      return failure();
    int64_t prepared = lengthOf(spectrum), length = getLength();
    if (!ShapedType::isDynamic(length) && (isCircular() ? prepared != length : prepared < length))
      return emitOpError() << "(C7) expected a spectrum for length " << length
                           << (isCircular() ? "" : " or more") << ", got one for " << prepared;
    auto suits = [&](auto made) -> LogicalResult {
      if (made.getKind() != getKind())
        return emitOpError() << "(C8) expected a spectrum prepared for the kind "
                             << stringifyConvKind(getKind()) << ", got one for "
                             << stringifyConvKind(made.getKind());
      if (made.getRadices() != *getRadices())
        return emitOpError() << "(C8) expected a spectrum prepared for the radices ["
                             << *getRadices() << "], got one for [" << made.getRadices() << "]";
      return success();
    };
    if (auto prepare = getSpectrum().getDefiningOp<PrepareFilterOp>(); prepare && failed(suits(prepare)))
      return failure();
    if (auto given = getSpectrum().getDefiningOp<ImplicitSpectrumOp>(); given && failed(suits(given)))
      return failure();
  }
  if (getSkipUngated() && !(getSkip() && getPre()))
    return emitOpError() << "(C9) expected skip and pre beside skip_ungated";
  if ((getInitial() || getFinal()) && (getKind() != ConvKind::Causal || !getFilter()))
    return emitOpError() << "(C10) expected no state but of a causal convolution with a filter";
  return verifyAttributes(*this, "C11", "the attributes radices or skip_ungated");
}

LogicalResult LongConvOp::reifyResultShapes(OpBuilder &builder,
                                            ReifiedRankedShapedTypeDims &shapes) {
  reifyShapes(builder, *this, getNamedShapes(), shapes);
  return success();
}

/// Whether all elements are this number.
static bool isSplatOf(Value value, double number) {
  DenseFPElementsAttr elements;
  return value && matchPattern(value, m_Constant(&elements)) && elements.isSplat() &&
         elements.getSplatValue<APFloat>().convertToDouble() == number;
}

LogicalResult LongConvOp::canonicalize(LongConvOp op, PatternRewriter &rewriter) {
  if (op.getFinal() && op.getFinal().use_empty()) {
    auto slim = LongConvOp::create(rewriter, op.getLoc(), TypeRange(op.getY().getType()),
                                   op->getOperands(), op->getAttrs());
    rewriter.replaceAllUsesWith(op.getY(), slim.getY());
    rewriter.eraseOp(op);
    return success();
  }
  bool changed = false;
  auto change = [&](auto &&edit) {
    rewriter.modifyOpInPlace(op, edit);
    changed = true;
  };
  if (isSplatOf(op.getInitial(), 0.0))
    change([&] { op.getInitialMutable().clear(); });
  // A gate of ones and a skip of zeros do nothing.
  if (isSplatOf(op.getSkip(), 0.0))
    change([&] {
      op.getSkipMutable().clear();
      op.setSkipUngated(false);
    });
  if (isSplatOf(op.getPre(), 1.0))
    change([&] {
      op.getPreMutable().clear();
      op.setSkipUngated(false);
    });
  if (isSplatOf(op.getPost(), 1.0))
    change([&] { op.getPostMutable().clear(); });
  return success(changed);
}

//===----------------------------------------------------------------------===//
// PrepareFilterOp
//===----------------------------------------------------------------------===//

SmallVector<NamedShape> PrepareFilterOp::getNamedShapes() {
  return {{getFilter(), "filter", "C1", "[H, K]"},
          {getReverse(), "reverse", "C1", "[H, R]"},
          {getSpectrum(), "spectrum", "C1", spectrumShape(getSpectrum())}};
}

LogicalResult PrepareFilterOp::verify() {
  if (failed(verifyShapes(*this, getNamedShapes(), {"H"})) ||
      failed(verifyTaps(*this, getFilter(), "filter")))
    return failure();
  if (getReverse() && failed(verifyTaps(*this, getReverse(), "reverse")))
    return failure();
  if (failed(verifyRadices(*this, "C4", getRadices(), getSpectrum().getType())) ||
      failed(verifyReverse(*this, getKind(), getReverse())))
    return failure();
  if (failed(verifyBlocks(*this, "C1", "C7", getKind(), getSpectrum().getType())))
    return failure();
  return verifyAttributes(*this, "C6", "the attribute radices");
}

LogicalResult PrepareFilterOp::reifyResultShapes(OpBuilder &builder,
                                                 ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getAsIndexOpFoldResult(getContext(), getSpectrum().getType().getShape()));
  return success();
}

//===----------------------------------------------------------------------===//
// ImplicitFilterOp, ImplicitSpectrumOp
//===----------------------------------------------------------------------===//

/// A region that computes scalars: its signature, its purity, what it reads; each with its label.
static LogicalResult verifyFormula(Operation *op, Region &body, std::array<StringRef, 3> labels,
                                   TypeRange arguments, TypeRange results) {
  if (failed(verifySignature(op, body, "body", labels[0], arguments, results)) ||
      failed(verifyNoEffects(op, body, "body", labels[1])))
    return failure();
  WalkResult walk = body.walk([&](Operation *inner) {
    for (Value read : inner->getOperands()) {
      if (body.isAncestor(read.getParentRegion()) || read.getType().isIntOrIndexOrFloat())
        continue;
      if (isa<RankedTensorType>(read.getType()) && isa<tensor::ExtractOp, tensor::DimOp>(inner))
        continue;
      inner->emitOpError() << "(" << labels[2] << ") reads a value of type " << read.getType()
                           << " from above, which region 'body' of " << op->getName()
                           << " may not: expected scalars, and tensors only through tensor.extract";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

LogicalResult ImplicitFilterOp::verify() {
  RankedTensorType type = getFilter().getType();
  if (failed(verifyShapes(*this, {{getFilter(), "the filter", "C1", "[H, K]"}}, {"H"})))
    return failure();
  if (type.getDimSize(1) == 0)
    return emitOpError() << "(C1) expected at least one tap (dimension 1), got " << type;
  if (bool(getLength()) != type.isDynamicDim(1))
    return emitOpError() << "(C2) expected " << (getLength() ? "no" : "a")
                         << " length for a filter of type " << type;
  return verifyAttributes(*this, "C6", "no attribute");
}

LogicalResult ImplicitFilterOp::verifyRegions() {
  Type index = IndexType::get(getContext());
  return verifyFormula(*this, getBody(), {"C3", "C4", "C5"}, {index, index},
                       Float32Type::get(getContext()));
}

LogicalResult ImplicitFilterOp::reifyResultShapes(OpBuilder &builder,
                                                  ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getAsIndexOpFoldResult(getContext(), getFilter().getType().getShape()));
  if (getLength())
    shapes.back()[1] = getLength();
  return success();
}

LogicalResult ImplicitSpectrumOp::verify() {
  if (failed(verifyShapes(*this, {{getSpectrum(), "the spectrum", "C1", "[H, N, 2]"}}, {"H"})) ||
      failed(verifyRadices(*this, "C2", getRadices(), getSpectrum().getType())))
    return failure();
  return verifyAttributes(*this, "C6", "the attribute radices");
}

LogicalResult ImplicitSpectrumOp::verifyRegions() {
  Type index = IndexType::get(getContext()), f32 = Float32Type::get(getContext());
  return verifyFormula(*this, getBody(), {"C3", "C4", "C5"}, {index, f32, f32}, {f32, f32});
}

LogicalResult ImplicitSpectrumOp::reifyResultShapes(OpBuilder &builder,
                                                    ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(getAsIndexOpFoldResult(getContext(), getSpectrum().getType().getShape()));
  return success();
}

//===----------------------------------------------------------------------===//
// ShortConvOp
//===----------------------------------------------------------------------===//

SmallVector<NamedShape> ShortConvOp::getNamedShapes() {
  bool last = getAxis() == 2;
  StringRef input = last ? "[B, H, L]" : "[B, L, H]", state = last ? "[B, H, S]" : "[B, S, H]";
  return {{getX(), "x", "C1", input},          {getWeights(), "weights", "C1", "[H, S+1]"},
          {getBias(), "bias", "C1", "[H]"},    {getInitial(), "initial", "C5", state},
          {getY(), "y", "C1", input},          {getFinal(), "final", "C5", state}};
}

RankedTensorType ShortConvOp::getStateType() {
  RankedTensorType x = getX().getType();
  SmallVector<int64_t> sizes(x.getShape());
  sizes[getAxis()] = getWidth() - 1;
  return x.clone(sizes);
}

LogicalResult ShortConvOp::verify() {
  // The axis says where the channels are.
  if (getAxis() != 1 && getAxis() != 2)
    return emitOpError() << "(C4) expected axis to be 1 or 2, got " << getAxis();
  RankedTensorType x = getX().getType(), weights = getWeights().getType();
  if (failed(verifyShapes(*this, getNamedShapes(), {"H"})))
    return failure();
  if (failed(verifySameElements(*this, "C2", getY(), "y", x, "x")) ||
      failed(verifyElements(*this, "C2", getWeights(), "weights", x, "x")))
    return failure();
  if (weights.isDynamicDim(1) || getWidth() < 2 || getWidth() > 8)
    return emitOpError() << "(C3) expected a static width (dimension 1 of weights) from 2 to 8, "
                            "got "
                         << weights;
  for (auto [state, name] :
       {std::pair<Value, StringRef>{getInitial(), "initial"}, {getFinal(), "final"}}) {
    if (!state)
      continue;
    if (failed(verifySameElements(*this, "C2", state, name, x, "x")))
      return failure();
    if (getKind() != ShortConvKind::Causal)
      return emitOpError() << "(C6) expected no state '" << name << "' of a centred convolution";
  }
  return verifyAttributes(*this, "C7", "the attributes axis or silu");
}

LogicalResult ShortConvOp::reifyResultShapes(OpBuilder &builder,
                                             ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(builder, getLoc(), getX()));
  if (getFinal()) {
    shapes.push_back(shapes.front());
    shapes.back()[getAxis()] = builder.getIndexAttr(getWidth() - 1);
  }
  return success();
}

LogicalResult ShortConvOp::canonicalize(ShortConvOp op, PatternRewriter &rewriter) {
  bool changed = false;
  auto change = [&](auto &&edit) {
    rewriter.modifyOpInPlace(op, edit);
    changed = true;
  };
  if (isSplatOf(op.getBias(), 0.0))
    change([&] { op.getBiasMutable().clear(); });
  if (isSplatOf(op.getInitial(), 0.0))
    change([&] { op.getInitialMutable().clear(); });
  if (op.getFinal() && op.getFinal().use_empty()) {
    auto slim = ShortConvOp::create(rewriter, op.getLoc(), TypeRange(op.getY().getType()),
                                    op->getOperands(), op->getAttrs());
    rewriter.replaceAllUsesWith(op.getY(), slim.getY());
    rewriter.eraseOp(op);
    return success();
  }
  return success(changed);
}

//===----------------------------------------------------------------------===//
// FftOp
//===----------------------------------------------------------------------===//

LogicalResult FftOp::verify() {
  RankedTensorType x = getX().getType();
  if (x.getRank() < 2 || x.getDimSize(x.getRank() - 1) != 2)
    return emitOpError() << "(C1) expected a rank from 2 to 6 and a last dimension of 2, got " << x;
  if (x.getDimSize(x.getRank() - 2) == 0)
    return emitOpError() << "(C3) expected a positive length (dimension " << x.getRank() - 2
                         << "), got " << x;
  return verifyAttributes(*this, "C4", "the attributes inverse or right_angle");
}

/// A transform of length 1 copies; there even the weights are 1.
OpFoldResult FftOp::fold(FoldAdaptor) {
  RankedTensorType x = getX().getType();
  return x.getDimSize(x.getRank() - 2) == 1 ? getX() : Value();
}

LogicalResult FftOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(builder, getLoc(), getX(), shapes);
}

//===----------------------------------------------------------------------===//
// ButterflyOp
//===----------------------------------------------------------------------===//

LogicalResult ButterflyOp::verify() {
  RankedTensorType x = getX().getType(), y = getY().getType();
  unsigned parts = getComplex() ? 1 : 0;
  if (x.getRank() <= parts || y.getRank() != x.getRank())
    return emitOpError() << "(C1) expected x and y of one rank, at least " << parts + 1 << ", got "
                         << x << " and " << y;
  unsigned dim = getDimension();
  for (auto [type, name] : {std::pair<RankedTensorType, StringRef>{x, "x"}, {y, "y"}}) {
    if (type.isDynamicDim(dim) || type.getDimSize(dim) <= 0)
      return emitOpError() << "(C1) expected a static, positive size (dimension " << dim << ") of "
                           << name << ", got " << type;
    if (parts && type.getDimSize(dim + 1) != 2)
      return emitOpError() << "(C1) expected the last dimension of " << name
                           << " to be 2, since it is complex, got " << type;
  }
  for (unsigned i = 0; i < dim; ++i)
    if (failed(verifyAgree(*this, "C1", y, i, "y", x, i, "x")))
      return failure();
  if (failed(verifySameElements(*this, "C2", getY(), "y", x, "x")))
    return failure();
  if (getFactors().empty() || getStrides().size() != getFactors().size())
    return emitOpError() << "(C3) expected at least one factor and one stride for each, got "
                         << getFactors().size() << " factors and " << getStrides().size()
                         << " strides";

  int64_t size = x.getDimSize(dim);
  for (auto [i, factor, stride] : llvm::enumerate(getFactors(), getStrides())) {
    auto w = cast<RankedTensorType>(factor.getType());
    std::string name = "factor " + std::to_string(i);
    if (failed(verifyElements(*this, "C2", factor, name, x, "x")))
      return failure();
    if (w.getRank() != 3 + parts || !w.hasStaticShape() || llvm::is_contained(w.getShape(), 0) ||
        (parts && w.getDimSize(3) != 2))
      return emitOpError() << "(C4) expected " << name << " to be a static, non-empty tensor of "
                           << (parts ? "shape [G, S, R, 2]" : "shape [G, S, R]") << ", got " << w;
    int64_t matrices = w.getDimSize(0), rows = w.getDimSize(1), columns = w.getDimSize(2);
    if (size % columns || (matrices != 1 && matrices != size / columns))
      return emitOpError() << "(C5) expected " << name << " to have one block, or blocks that cover "
                           << size << " inputs, got " << w;
    int64_t blocks = size / columns;
    if (stride < 1 || blocks % stride)
      return emitOpError() << "(C6) expected stride " << i << " to divide the " << blocks
                           << " blocks of its stage, got " << stride;
    if (llvm::MulOverflow(blocks, rows, size))
      return emitOpError() << "(C7) expected sizes that fit 64 bits";
  }
  if (size != y.getDimSize(dim))
    return emitOpError() << "(C7) expected dimension " << dim << " of y to be " << size
                         << ", the size after the last stage, got " << y.getDimSize(dim);
  return verifyAttributes(*this, "C8", "the attributes strides or complex");
}

LogicalResult ButterflyOp::reifyResultShapes(OpBuilder &builder,
                                             ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(builder, getLoc(), getX()));
  shapes.back()[getDimension()] = builder.getIndexAttr(getY().getType().getDimSize(getDimension()));
  return success();
}

//===----------------------------------------------------------------------===//
// RootsOp and ComplexMulOp
//===----------------------------------------------------------------------===//

LogicalResult RootsOp::verify() {
  RankedTensorType y = getY().getType();
  if (!y.hasStaticShape() || y.getDimSize(y.getRank() - 1) != 2)
    return emitOpError() << "(C1) expected a static shape with a last dimension of 2, got " << y;
  if (getOrder() < 1)
    return emitOpError() << "(C2) expected a positive order, got " << getOrder();
  if (getScale() && !getScale()->isFinite())
    return emitOpError() << "(C3) expected a finite scale, got " << getScaleAttr();
  if (getQuarter() && (y.getRank() != 3 || *getQuarter() > 1))
    return emitOpError() << "(C4) expected quarter to be 0 or 1, with a result of rank 3, got "
                         << *getQuarter() << " and " << y;
  return verifyAttributes(*this, "C5", "the attributes order, scale, quarter or inverse");
}

LogicalResult ComplexMulOp::verify() {
  RankedTensorType a = getA().getType(), b = getB().getType();
  for (auto [type, name] : {std::pair<RankedTensorType, StringRef>{a, "a"}, {b, "b"}})
    if (type.getDimSize(type.getRank() - 1) != 2)
      return emitOpError() << "(C1) expected the last dimension of " << name << " to be 2, got "
                           << type;
  if (failed(verifySameShape(*this, "C1", getY().getType(), "y", a, "a")) ||
      failed(verifySameElements(*this, "C1", getY(), "y", a, "a")))
    return failure();
  int64_t leading = a.getRank() - b.getRank();
  if (leading < 0)
    return emitOpError() << "(C2) expected b to have at most the rank of a, got " << b.getRank()
                         << " and " << a.getRank();
  for (unsigned i = 0; i < b.getRank(); ++i)
    if (failed(verifyAgree(*this, "C2", b, i, "b", a, leading + i, "a")))
      return failure();
  if (failed(verifyElements(*this, "C3", getB(), "b", a, "a")))
    return failure();
  return verifyAttributes(*this, "C4", "the attribute conjugate");
}

LogicalResult ComplexMulOp::reifyResultShapes(OpBuilder &builder,
                                              ReifiedRankedShapedTypeDims &shapes) {
  return reifyLike(builder, getLoc(), getA(), shapes);
}
