//===- Describe.cpp - A manifest as text for people -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Package.h"

using namespace longwing;

namespace {
using Names = std::vector<std::string>;

std::string list(const std::vector<Expr> &exprs, const Names &names) {
  std::string text;
  for (const Expr &expr : exprs)
    text += (text.empty() ? "" : ", ") + expr.str(names);
  return "[" + text + "]";
}

std::string list(const std::vector<int64_t> &values) {
  std::string text;
  for (int64_t value : values)
    text += (text.empty() ? "" : ", ") + (value == kDynamic ? "?" : std::to_string(value));
  return "[" + text + "]";
}

std::string describeParameter(const FunctionInfo &function, const Parameter &parameter,
                              const Names &names) {
  unsigned index = parameter.storage.index;
  std::string text = parameter.kind == Parameter::Kind::Map ? "    map " : "    view ";
  switch (parameter.storage.kind) {
  case Storage::Kind::Argument:
    text += function.arguments[index].name;
    break;
  case Storage::Kind::Result:
    text += function.results[index].name;
    break;
  case Storage::Kind::Buffer:
    text += "buffer " + std::to_string(index);
    break;
  case Storage::Kind::Constant:
    text += "constant " + std::to_string(index);
    break;
  }
  if (!parameter.offset.isConst(0))
    text += " at " + parameter.offset.str(names);
  text += ": " + std::string(dtypeName(parameter.dtype)) + " " + list(parameter.sizes, names) +
          " strides " + list(parameter.strides, names);
  if (parameter.kind == Parameter::Kind::Map)
    text += " box " + list(parameter.box);
  return text + "\n";
}

std::string describeFunction(const FunctionInfo &function) {
  std::string text = "function " + function.name + "\n";
  Names names;
  for (const TensorInfo &argument : function.arguments) {
    names.push_back(argument.name);
    text += "  argument " + argument.name + ": " + dtypeName(argument.dtype) + " " +
            list(argument.shape) + "\n";
  }
  for (const TensorInfo &result : function.results) {
    text += "  result " + result.name + ": " + dtypeName(result.dtype) + " " +
            list(result.sizes, names) + "\n";
    names.push_back(result.name);
  }
  for (size_t i = 0; i < function.buffers.size(); ++i)
    text += "  buffer " + std::to_string(i) + ": " + dtypeName(function.buffers[i].dtype) + " " +
            list(function.buffers[i].sizes, names) + "\n";
  for (const Check &check : function.checks)
    text += "  check " + check.lhs.str(names) + " " + exprName(check.relation) + " " +
            check.rhs.str(names) + ": " + check.message + "\n";
  for (const Launch &launch : function.launches) {
    text += std::string(launch.substitute ? "  or else " : "  ") + "launch " + launch.kernel + ": grid " + launch.grid.str(names) + ", block " +
            std::to_string(launch.block) + ", shared memory " + std::to_string(launch.sharedBytes) +
            "\n";
    for (const Parameter &parameter : launch.parameters)
      text += describeParameter(function, parameter, names);
  }
  return text;
}
} // namespace

std::string Manifest::describe() const {
  std::string text = "package for " + target + ", by " + compiler + "\n";
  for (size_t i = 0; i < constants.size(); ++i)
    text += "constant " + std::to_string(i) + ": " + dtypeName(constants[i].dtype) + " " +
            list(constants[i].shape) + "\n";
  for (const FunctionInfo &function : functions)
    text += describeFunction(function);
  return text;
}
