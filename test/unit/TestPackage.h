//===- TestPackage.h - Packages that the tests share ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_TEST_UNIT_TESTPACKAGE_H
#define LONGWING_TEST_UNIT_TESTPACKAGE_H

#include "longwing/Package.h"

namespace longwing::test {

inline std::vector<Expr> dims(unsigned tensor, unsigned rank) {
  std::vector<Expr> result;
  for (unsigned i = 0; i < rank; ++i)
    result.push_back(Expr::dim(tensor, i));
  return result;
}

inline std::vector<Expr> strides(unsigned tensor, unsigned rank) {
  std::vector<Expr> result;
  for (unsigned i = 0; i < rank; ++i)
    result.push_back(Expr::stride(tensor, i));
  return result;
}

/// scale(x: [?, ?, 64] bf16) -> y: [as x] bf16. The first kernel reads x by TMA and writes row
/// sums [?, ?] of f32, the second reads x, the sums and a constant and writes y.
inline Package scalePackage() {
  using S = Storage::Kind;
  Package package;
  package.manifest.compiler = "longwing test";
  package.manifest.target = "sm_90a";
  package.addModule("cubin bytes", "// ptx text");
  package.addConstant(DType::F32, {2}, std::string("\0\0\x80\x3f\0\0\0\x40", 8));
  FunctionInfo function;
  function.name = "scale";
  function.arguments = {{"x", DType::BF16, {kDynamic, kDynamic, 64}, {}}};
  function.results = {{"y", DType::BF16, {kDynamic, kDynamic, 64}, dims(0, 3)}};
  function.buffers = {{DType::F32, {Expr::dim(0, 0), Expr::dim(0, 1)}}};
  function.checks = {{Expr::make(Expr::Kind::Mod, {Expr::dim(0, 1), 2}), 0, Expr::Kind::Eq,
                      "expected an even number of rows"}};

  Parameter x{Parameter::Kind::Map, {S::Argument, 0}, DType::BF16, 0,
              dims(0, 3),           strides(0, 3),    {1, 32, 64}};
  Parameter sums{Parameter::Kind::View,
                 {S::Buffer, 0},
                 DType::F32,
                 0,
                 {Expr::dim(0, 0), Expr::dim(0, 1)},
                 {Expr::dim(0, 1), 1},
                 {}};
  Parameter constant{Parameter::Kind::View, {S::Constant, 0}, DType::F32, 0, {2}, {1}, {}};
  Parameter y{Parameter::Kind::View, {S::Result, 0}, DType::BF16, 0, dims(0, 3), strides(1, 3), {}};

  Expr work = Expr::make(Expr::Kind::Mul,
                         {Expr::dim(0, 0), Expr::make(Expr::Kind::CeilDiv, {Expr::dim(0, 1), 32})});
  Launch sum{"sum", 0, Expr::make(Expr::Kind::Min, {Expr::sms(), work}), 256, 65536, {x, sums}, ""};
  Launch scale{"scale", 0, work, 384, 0, {x, sums, constant, y}, "threads 384"};
  function.launches = {sum, scale};
  package.manifest.functions = {function};
  return package;
}

} // namespace longwing::test

#endif // LONGWING_TEST_UNIT_TESTPACKAGE_H
