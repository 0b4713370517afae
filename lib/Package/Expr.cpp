//===- Expr.cpp - Element types and integer expressions -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Package.h"

#include "lib/Package/Arithmetic.h"

#include <algorithm>

using namespace longwing;
using longwing_v1::Arithmetic;
using Kind = Expr::Kind;

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

namespace {
struct DTypeRow {
  const char *name;
  int64_t bytes;
  int map; ///< CUtensorMapDataType; what it has no name for is copied as unsigned integers.
};
constexpr DTypeRow kDTypes[] = {{"f16", 2, 6},      {"bf16", 2, 9},   {"f32", 4, 7}, {"f64", 8, 8},
                                {"f8E4M3FN", 1, 0}, {"f8E5M2", 1, 0}, {"i1", 1, 0},  {"i8", 1, 0},
                                {"i16", 2, 1},      {"i32", 4, 3},    {"i64", 8, 5}};
} // namespace

const char *longwing::dtypeName(DType type) { return kDTypes[int(type)].name; }
int64_t longwing::dtypeBytes(DType type) { return kDTypes[int(type)].bytes; }
int longwing::tensorMapType(DType type) { return kDTypes[int(type)].map; }

Expected<DType> longwing::parseDType(std::string_view name) {
  for (int i = 0; i < int(std::size(kDTypes)); ++i)
    if (name == kDTypes[i].name)
      return DType(i);
  return Status(StatusCode::InvalidArgument,
                "expected an element type such as bf16, got '" + std::string(name) + "'");
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

namespace {
struct KindRow {
  const char *name;
  unsigned arity;
};
constexpr KindRow kKinds[] = {{"const", 0}, {"dim", 0},   {"stride", 0}, {"sms", 0},     {"add", 2},
                              {"sub", 2},   {"mul", 2},   {"div", 2},    {"ceildiv", 2}, {"mod", 2},
                              {"min", 2},   {"max", 2},   {"eq", 2},     {"ne", 2},      {"lt", 2},
                              {"le", 2},    {"select", 3}};
} // namespace

const char *longwing::exprName(Kind kind) { return kKinds[int(kind)].name; }
unsigned longwing::exprArity(Kind kind) { return kKinds[int(kind)].arity; }

Expr Expr::dim(unsigned tensor, unsigned dimension) {
  Expr expr;
  expr.kind = Kind::Dim;
  expr.tensor = tensor;
  expr.dimension = dimension;
  return expr;
}

Expr Expr::stride(unsigned tensor, unsigned dimension) {
  Expr expr = dim(tensor, dimension);
  expr.kind = Kind::Stride;
  return expr;
}

Expr Expr::sms() {
  Expr expr;
  expr.kind = Kind::Sms;
  return expr;
}

/// x + 0, x * 1 and the like are x, and x * 0 is 0; nothing if there is no such operand.
static const Expr *neutral(Kind kind, const std::vector<Expr> &operands) {
  if (operands.size() != 2)
    return nullptr;
  const Expr &a = operands[0], &b = operands[1];
  bool add = kind == Kind::Add, mul = kind == Kind::Mul;
  if ((add && a.isConst(0)) || (mul && a.isConst(1)))
    return &b;
  if (((add || kind == Kind::Sub) && b.isConst(0)) ||
      ((mul || kind == Kind::Div || kind == Kind::CeilDiv) && b.isConst(1)))
    return &a;
  if (mul && (a.isConst(0) || b.isConst(0)))
    return a.isConst(0) ? &a : &b;
  if ((kind == Kind::Min || kind == Kind::Max) && a == b)
    return &a;
  return nullptr;
}

Expr Expr::make(Kind kind, std::vector<Expr> operands) {
  if (const Expr *same = neutral(kind, operands))
    return Expr(*same);
  Expr expr;
  expr.kind = kind;
  expr.operands = std::move(operands);
  bool constant = !expr.operands.empty() && std::all_of(expr.operands.begin(), expr.operands.end(),
                                                        [](const Expr &e) { return e.isConst(); });
  if (constant)
    if (auto value = expr.evaluate({}))
      return Expr(*value);
  return expr;
}

unsigned Expr::depth() const {
  unsigned deepest = 0;
  for (const Expr &operand : operands)
    deepest = std::max(deepest, operand.depth());
  return deepest + 1;
}

bool Expr::isOf(unsigned tensors) const {
  if (kind == Kind::Dim || kind == Kind::Stride)
    return tensor < tensors;
  return std::all_of(operands.begin(), operands.end(), [&](const Expr &operand) { return operand.isOf(tensors); });
}

bool Expr::operator==(const Expr &other) const {
  return kind == other.kind && value == other.value && tensor == other.tensor &&
         dimension == other.dimension && operands == other.operands;
}

//===----------------------------------------------------------------------===//
// Evaluating and printing
//===----------------------------------------------------------------------===//

static int64_t evaluateIn(const Expr &expr, const Bindings &bindings, Arithmetic &math) {
  auto operand = [&](unsigned i) { return evaluateIn(expr.operands[i], bindings, math); };
  switch (expr.kind) {
  case Kind::Const:
    return expr.value;
  case Kind::Dim:
    return bindings.size(expr.tensor, expr.dimension);
  case Kind::Stride:
    return bindings.stride(expr.tensor, expr.dimension);
  case Kind::Sms:
    return bindings.multiprocessors;
  case Kind::Add:
    return math.add(operand(0), operand(1));
  case Kind::Sub:
    return math.sub(operand(0), operand(1));
  case Kind::Mul:
    return math.mul(operand(0), operand(1));
  case Kind::Div:
    return math.div(operand(0), operand(1));
  case Kind::CeilDiv:
    return math.ceildiv(operand(0), operand(1));
  case Kind::Mod:
    return math.mod(operand(0), operand(1));
  case Kind::Min:
    return std::min(operand(0), operand(1));
  case Kind::Max:
    return std::max(operand(0), operand(1));
  case Kind::Eq:
    return operand(0) == operand(1);
  case Kind::Ne:
    return operand(0) != operand(1);
  case Kind::Lt:
    return operand(0) < operand(1);
  case Kind::Le:
    return operand(0) <= operand(1);
  case Kind::Select:
    // Only the chosen side: the other may not be defined (a division by zero, say).
    return operand(0) ? operand(1) : operand(2);
  }
  return 0;
}

Expected<int64_t> Expr::evaluate(const Bindings &bindings) const {
  Arithmetic math;
  int64_t result = evaluateIn(*this, bindings, math);
  if (!math.ok)
    return Status(StatusCode::InvalidArgument,
                  "sizes are too large: an expression overflows 64 bits or divides by zero");
  return result;
}

std::string Expr::str(const std::vector<std::string> &names) const {
  auto name = [&] {
    return tensor < names.size() ? names[tensor] : "tensor" + std::to_string(tensor);
  };
  switch (kind) {
  case Kind::Const:
    return std::to_string(value);
  case Kind::Dim:
    return name() + "." + std::to_string(dimension);
  case Kind::Stride:
    return name() + ".stride" + std::to_string(dimension);
  case Kind::Sms:
    return "sms";
  default:
    break;
  }
  const char *infix = kind == Kind::Add   ? " + "
                      : kind == Kind::Sub ? " - "
                      : kind == Kind::Mul ? " * "
                                          : nullptr;
  std::string text = infix ? "(" : std::string(exprName(kind)) + "(";
  for (size_t i = 0; i < operands.size(); ++i)
    text += (i ? (infix ? infix : ", ") : "") + operands[i].str(names);
  return text + ")";
}
