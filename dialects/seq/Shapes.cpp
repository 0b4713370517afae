//===- Shapes.cpp - Shapes as constraints write them ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/seq/Shapes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace longwing;
using namespace longwing::seq;

/// "[B, L, D]" as its letters.
static SmallVector<StringRef> letters(StringRef shape) {
  SmallVector<StringRef> parts;
  shape.trim().drop_front().drop_back().split(parts, ", ");
  return parts;
}

/// A letter without what is added to it.
static std::pair<StringRef, int64_t> withoutSum(StringRef letter) {
  return letter.consume_back("+1") ? std::pair(letter, int64_t(1)) : std::pair(letter, int64_t(0));
}

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

int64_t LetterUse::getStaticSize() const {
  int64_t size = typeOf(value).getDimSize(dim);
  return ShapedType::isDynamic(size) ? size : size - plus;
}

/// The first use of a letter whose size is known, or its first use, or null.
static const LetterUse *binding(const LetterUses &uses, StringRef letter) {
  auto it = uses.find(letter);
  if (it == uses.end())
    return nullptr;
  for (const LetterUse &use : it->second)
    if (!ShapedType::isDynamic(use.getStaticSize()))
      return &use;
  return &it->second.front();
}

/// Whether a dimension can have the size that a letter or number has elsewhere.
static bool fits(const LetterUses &uses, StringRef letter, int64_t size) {
  int64_t number;
  if (!letter.getAsInteger(10, number))
    return size == number;
  auto [name, plus] = withoutSum(letter);
  const LetterUse *bound = binding(uses, name);
  if (!bound || ShapedType::isDynamic(size) || ShapedType::isDynamic(bound->getStaticSize()))
    return true;
  return size == bound->getStaticSize() + plus;
}

std::optional<SmallVector<StringRef>> seq::fittingShape(const NamedShape &shape,
                                                        const LetterUses &uses) {
  SmallVector<StringRef> alternatives;
  shape.shape.split(alternatives, " or ");
  std::optional<SmallVector<StringRef>> best;
  for (StringRef alternative : alternatives) {
    SmallVector<StringRef> dims = letters(alternative);
    ArrayRef<int64_t> sizes = typeOf(shape.value).getShape();
    if (dims.size() != sizes.size())
      continue;
    if (llvm::all_of(llvm::zip(dims, sizes),
                     [&](auto pair) { return fits(uses, std::get<0>(pair), std::get<1>(pair)); }))
      return dims;
    if (!best) // Of the right rank: its sizes make the better message.
      best = dims;
  }
  return best;
}

/// Adds a value's dimensions.
static void use(LetterUses &uses, const NamedShape &shape, ArrayRef<StringRef> dims) {
  for (auto [dim, letter] : llvm::enumerate(dims)) {
    int64_t number;
    if (!letter.getAsInteger(10, number))
      continue;
    auto [name, plus] = withoutSum(letter);
    uses[name].push_back({shape.value, shape.name, shape.constraint, unsigned(dim), plus});
  }
}

LetterUses seq::letterUses(ArrayRef<NamedShape> shapes) {
  LetterUses uses;
  for (const NamedShape &shape : shapes)
    if (shape.value)
      use(uses, shape, *fittingShape(shape, uses));
  return uses;
}

std::string seq::relation(const LetterUse &other, int64_t plus) {
  int64_t more = plus - other.plus;
  std::string place = ("dimension " + Twine(other.dim) + " of " + other.name).str();
  if (more == 0)
    return " to equal " + place;
  return " to be " + std::to_string(std::abs(more)) + (more > 0 ? " more than " : " less than ") +
         place;
}

/// Reports a dimension that has another size than the letter elsewhere.
static LogicalResult verifyDimension(Operation *op, const NamedShape &shape, unsigned dim,
                                     StringRef letter, const LetterUses &uses) {
  int64_t size = typeOf(shape.value).getDimSize(dim);
  if (fits(uses, letter, size))
    return success();
  auto error = op->emitOpError() << "(" << shape.constraint << ") expected dimension " << dim
                                 << " of " << shape.name;
  const LetterUse *bound = binding(uses, withoutSum(letter).first);
  if (!bound)
    return error << " to be " << letter << ", got " << typeOf(shape.value);
  return error << relation(*bound, withoutSum(letter).second) << ", got " << size << " and "
               << bound->getStaticSize() + bound->plus;
}

LogicalResult seq::verifyShapes(Operation *op, ArrayRef<NamedShape> shapes,
                                ArrayRef<StringRef> fixed, StringRef constraint) {
  LetterUses uses;
  for (const NamedShape &shape : shapes) {
    if (!shape.value)
      continue;
    std::optional<SmallVector<StringRef>> dims = fittingShape(shape, uses);
    if (!dims)
      return op->emitOpError() << "(" << shape.constraint << ") expected " << shape.name
                               << " to be " << shape.shape << ", got " << typeOf(shape.value);
    for (auto [dim, letter] : llvm::enumerate(*dims))
      if (failed(verifyDimension(op, shape, dim, letter, uses)))
        return failure();
    use(uses, shape, *dims);
  }
  for (StringRef letter : fixed)
    for (const LetterUse &use : uses.lookup(letter))
      if (use.getStaticSize() <= 0) // kDynamic is negative.
        return op->emitOpError() << "(" << constraint << ") expected a static, positive " << letter
                                 << " (dimension " << use.dim << " of " << use.name << "), got "
                                 << typeOf(use.value);
  return success();
}

/// The size of a letter, read from an operand.
static OpFoldResult sizeOf(OpBuilder &builder, Location loc, ArrayRef<LetterUse> uses, Value result,
                           unsigned dim) {
  for (const LetterUse &use : uses) {
    if (isa<OpResult>(use.value) && use.value.getDefiningOp() == result.getDefiningOp())
      continue;
    OpFoldResult size = tensor::getMixedSize(builder, loc, use.value, use.dim);
    if (use.plus == 0)
      return size;
    if (std::optional<int64_t> known = getConstantIntValue(size))
      return builder.getIndexAttr(*known - use.plus);
    Value more = arith::ConstantIndexOp::create(builder, loc, use.plus);
    return arith::SubIOp::create(builder, loc, cast<Value>(size), more).getResult();
  }
  // A letter of the results alone is static.
  return builder.getIndexAttr(typeOf(result).getDimSize(dim));
}

void seq::reifyShapes(OpBuilder &builder, Operation *op, ArrayRef<NamedShape> shapes,
                      ReifiedRankedShapedTypeDims &reified) {
  LetterUses uses = letterUses(shapes);
  for (OpResult result : op->getResults()) {
    const NamedShape *shape =
        llvm::find_if(shapes, [&](const NamedShape &shape) { return shape.value == result; });
    SmallVector<OpFoldResult> sizes;
    for (auto [dim, letter] : llvm::enumerate(*fittingShape(*shape, uses))) {
      auto it = uses.find(letter);
      ArrayRef<LetterUse> places;
      if (it != uses.end())
        places = it->second;
      sizes.push_back(sizeOf(builder, op->getLoc(), places, result, dim));
    }
    reified.push_back(std::move(sizes));
  }
}
