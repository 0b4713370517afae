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

/// Names that are not C++ identifiers, or mean something there; tensors without dimensions; an
/// expression of each kind; a kernel without parameters.
inline Package oddPackage() {
  using S = Storage::Kind;
  using K = Expr::Kind;
  Package package;
  package.manifest.compiler = "longwing test";
  package.manifest.target = "sm_90a";
  package.addModule("", "// ptx");
  package.addConstant(DType::I8, {0}, "");
  FunctionInfo function;
  function.name = "main";
  function.arguments = {{"int", DType::I32, {kDynamic, 4}, {}},
                        {"a b", DType::F32, {}, {}},
                        {"a-b", DType::F32, {}, {}},
                        {"stream", DType::F32, {}, {}},
                        {"main_sizes", DType::F32, {1}, {}},
                        {"lw_main_sizes_shape", DType::F32, {1}, {}}};
  function.results = {{"9\"__\n", DType::F32, {}, {}}};
  Expr n = Expr::dim(0, 0), all = n;
  for (K kind : {K::Add, K::Sub, K::Mul, K::Div, K::CeilDiv, K::Mod, K::Min, K::Max, K::Eq, K::Ne,
                 K::Lt, K::Le})
    all = Expr::make(K::Add, {all, Expr::make(kind, {n, 3})});
  all = Expr::make(K::Select, {Expr::make(K::Lt, {n, 100}), all, INT64_MIN});
  Parameter scalar{Parameter::Kind::View, {S::Argument, 1}, DType::F32, 0, {}, {}, {}};
  Parameter second{Parameter::Kind::View, {S::Argument, 0},     DType::I32, Expr::stride(0, 0),
                   {Expr::dim(0, 1)},     {Expr::stride(0, 1)}, {}};
  Parameter result{Parameter::Kind::View, {S::Result, 0}, DType::F32, 0, {}, {}, {}};
  function.launches = {{"first\\", 0, all, 32, 0, {scalar, second, result}, ""},
                       {"second", 0, 1, 32, 0, {}, ""}};
  package.manifest.functions = {function};
  return package;
}

} // namespace longwing::test

#endif // LONGWING_TEST_UNIT_TESTPACKAGE_H
