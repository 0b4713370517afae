//===- HostExpr.cpp - Host arithmetic as expressions ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Target/HostExpr.h"

#include "dialects/tile/Tile.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace longwing;
using Kind = Expr::Kind;

std::optional<DType> longwing::dtypeOf(Type type) {
  return llvm::TypeSwitch<Type, std::optional<DType>>(type)
      .Case([](Float16Type) { return DType::F16; })
      .Case([](BFloat16Type) { return DType::BF16; })
      .Case([](Float32Type) { return DType::F32; })
      .Case([](Float64Type) { return DType::F64; })
      .Case([](Float8E4M3FNType) { return DType::F8E4M3; })
      .Case([](Float8E5M2Type) { return DType::F8E5M2; })
      .Case([](IntegerType integer) -> std::optional<DType> {
        switch (integer.getWidth()) {
        case 1:
          return DType::I1;
        case 8:
          return DType::I8;
        case 16:
          return DType::I16;
        case 32:
          return DType::I32;
        case 64:
          return DType::I64;
        }
        return std::nullopt;
      })
      .Default([](Type) { return std::nullopt; });
}

Value longwing::throughCasts(Value tensor) {
  while (auto cast = tensor.getDefiningOp<tensor::CastOp>())
    tensor = cast.getSource();
  return tensor;
}

/// The operand that a result of a launch replaces.
static Value replacedBy(OpResult result, tile::LaunchOp launch) {
  auto kernel =
      SymbolTable::lookupNearestSymbolFrom<tile::KernelOp>(launch, launch.getKernelAttr());
  unsigned number = 0;
  for (auto [i, operand] : llvm::enumerate(launch.getOperands_()))
    if (kernel.isOutput(i) && number++ == result.getResultNumber())
      return operand;
  return nullptr;
}

FailureOr<std::vector<Expr>> HostExprs::sizesOf(Value tensor) {
  auto found = known.find(tensor);
  if (found != known.end())
    return found->second;
  auto type = cast<RankedTensorType>(tensor.getType());
  std::vector<Expr> sizes;
  SmallVector<OpFoldResult> mixed;
  if (type.hasStaticShape()) {
    sizes.assign(type.getShape().begin(), type.getShape().end());
  } else if (auto cast = tensor.getDefiningOp<tensor::CastOp>()) {
    FailureOr<std::vector<Expr>> source = sizesOf(cast.getSource());
    if (failed(source))
      return failure();
    sizes = std::move(*source);
  } else if (auto launch = tensor.getDefiningOp<tile::LaunchOp>()) {
    FailureOr<std::vector<Expr>> source = sizesOf(replacedBy(llvm::cast<OpResult>(tensor), launch));
    if (failed(source))
      return failure();
    sizes = std::move(*source);
  } else if (auto insert = tensor.getDefiningOp<tensor::InsertSliceOp>()) {
    FailureOr<std::vector<Expr>> source = sizesOf(insert.getDest());
    if (failed(source))
      return failure();
    sizes = std::move(*source);
  } else if (auto empty = tensor.getDefiningOp<tensor::EmptyOp>()) {
    mixed = empty.getMixedSizes();
  } else if (auto slice = tensor.getDefiningOp<tensor::ExtractSliceOp>()) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (auto [d, size] : llvm::enumerate(slice.getMixedSizes()))
      if (!dropped.test(d))
        mixed.push_back(size);
  } else {
    return emitError(tensor.getLoc()) << "expected a tensor whose sizes follow from those of the "
                                         "arguments, got "
                                      << tensor;
  }
  for (OpFoldResult size : mixed) {
    FailureOr<Expr> expr = of(size);
    if (failed(expr))
      return failure();
    sizes.push_back(std::move(*expr));
  }
  return known[tensor] = std::move(sizes);
}

FailureOr<Expr> HostExprs::of(OpFoldResult value) {
  if (auto attribute = dyn_cast<Attribute>(value))
    return Expr(cast<IntegerAttr>(attribute).getInt());
  return of(cast<Value>(value));
}

FailureOr<Expr> HostExprs::of(Value value) {
  auto found = values.find(value);
  if (found != values.end())
    return found->second;
  APInt constant;
  FailureOr<Expr> result = failure();
  if (matchPattern(value, m_ConstantInt(&constant)))
    // An i1 is 0 or 1 here, not -1.
    result = Expr(value.getType().isInteger(1) ? int64_t(constant.getZExtValue())
                                               : constant.getSExtValue());
  else if (Operation *op = value.getDefiningOp())
    result = compute(op);
  else
    return emitError(value.getLoc()) << "expected an integer that follows from the sizes of the "
                                        "arguments, got an argument of type "
                                     << value.getType();
  if (succeeded(result) && result->depth() > kMaxExprDepth / 2)
    return emitError(value.getLoc())
           << "expected an expression of at most " << kMaxExprDepth / 2 << " levels in host code";
  if (succeeded(result))
    values[value] = *result;
  return result;
}

/// The operation of an expression for one of `arith`. Sizes are not negative, so that signed,
/// unsigned and floor division are one.
static std::optional<Kind> kindOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<Kind>>(op)
      .Case<arith::AddIOp>([](auto) { return Kind::Add; })
      .Case<arith::SubIOp>([](auto) { return Kind::Sub; })
      .Case<arith::MulIOp, arith::AndIOp>([&](Operation *o) -> std::optional<Kind> {
        // On truth values, and is a product.
        if (isa<arith::AndIOp>(o) && !o->getResult(0).getType().isInteger(1))
          return std::nullopt;
        return Kind::Mul;
      })
      .Case<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>([](auto) { return Kind::Div; })
      .Case<arith::CeilDivSIOp, arith::CeilDivUIOp>([](auto) { return Kind::CeilDiv; })
      .Case<arith::RemSIOp, arith::RemUIOp>([](auto) { return Kind::Mod; })
      .Case<arith::MinSIOp, arith::MinUIOp>([](auto) { return Kind::Min; })
      .Case<arith::MaxSIOp, arith::MaxUIOp>([](auto) { return Kind::Max; })
      .Case<arith::SelectOp>([](auto) { return Kind::Select; })
      .Default([](auto) { return std::nullopt; });
}

FailureOr<Expr> HostExprs::compute(Operation *op) {
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    FailureOr<std::vector<Expr>> sizes = sizesOf(dim.getSource());
    std::optional<int64_t> index = dim.getConstantIndex();
    if (failed(sizes))
      return failure();
    if (!index || *index < 0 || *index >= int64_t(sizes->size()))
      return op->emitError() << "expected a constant dimension of " << dim.getSource().getType();
    return (*sizes)[*index];
  }
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp, arith::ExtUIOp>(op))
    return of(op->getOperand(0));
  if (auto comparison = dyn_cast<arith::CmpIOp>(op))
    return compare(comparison);
  std::optional<Kind> kind = kindOf(op);
  if (!kind)
    return op->emitError() << "expected arithmetic on sizes in host code, got '" << op->getName()
                           << "'";
  std::vector<Expr> operands;
  for (Value operand : op->getOperands()) {
    FailureOr<Expr> expr = of(operand);
    if (failed(expr))
      return failure();
    operands.push_back(std::move(*expr));
  }
  return Expr::make(*kind, std::move(operands));
}

FailureOr<Expr> HostExprs::compare(arith::CmpIOp op) {
  FailureOr<Expr> lhs = of(op.getLhs()), rhs = of(op.getRhs());
  if (failed(lhs) || failed(rhs))
    return failure();
  switch (op.getPredicate()) {
  case arith::CmpIPredicate::eq:
    return Expr::make(Kind::Eq, {*lhs, *rhs});
  case arith::CmpIPredicate::ne:
    return Expr::make(Kind::Ne, {*lhs, *rhs});
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::ult:
    return Expr::make(Kind::Lt, {*lhs, *rhs});
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::ule:
    return Expr::make(Kind::Le, {*lhs, *rhs});
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::ugt:
    return Expr::make(Kind::Lt, {*rhs, *lhs});
  case arith::CmpIPredicate::sge:
  case arith::CmpIPredicate::uge:
    return Expr::make(Kind::Le, {*rhs, *lhs});
  }
  return failure();
}

FailureOr<Check> HostExprs::check(Value condition, StringRef message) {
  FailureOr<Expr> expr = of(condition);
  if (failed(expr))
    return failure();
  switch (expr->kind) {
  case Kind::Eq:
  case Kind::Ne:
  case Kind::Lt:
  case Kind::Le:
    return Check{expr->operands[0], expr->operands[1], expr->kind, message.str()};
  default:
    return Check{*expr, 0, Kind::Ne, message.str()};
  }
}
