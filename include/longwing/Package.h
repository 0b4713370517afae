//===- Package.h - The compiled artefact ------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A package holds compiled kernels, constants, and the manifest: for each function its
// types and the plan by which a runtime without LLVM launches it. docs in
// lib/Package/README.md.
//
//===----------------------------------------------------------------------===//

#ifndef LONGWING_PACKAGE_H
#define LONGWING_PACKAGE_H

#include "longwing/Status.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace longwing {

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

/// Element types; the values are those of `lw_dtype` in the C API.
enum class DType : int { F16, BF16, F32, F64, F8E4M3, F8E5M2, I1, I8, I16, I32, I64 };

/// The name that manifests and messages use: "bf16", "f32", "f8E4M3FN", "i64", ...
const char *dtypeName(DType type);
/// Bytes of an element in memory; an i1 takes one.
int64_t dtypeBytes(DType type);
/// The CUtensorMapDataType by which the TMA unit copies such elements.
int tensorMapType(DType type);
Expected<DType> parseDType(std::string_view name);

//===----------------------------------------------------------------------===//
// Integer expressions over the run-time sizes
//===----------------------------------------------------------------------===//

/// What the leaves of an expression mean at run time. Tensors are numbered through the
/// function's arguments and then its results.
struct Bindings {
  std::function<int64_t(unsigned tensor, unsigned dimension)> size, stride;
  /// Multiprocessors of the device.
  int64_t multiprocessors = 1;
};

/// An int64 expression, as JSON an integer or a prefix array such as
/// `["ceildiv", ["dim", 0, 2], 128]`. Division rounds down (`div`, with `mod`) or up
/// (`ceildiv`) and takes a positive divisor; comparisons give 0 or 1.
struct Expr {
  enum class Kind {
    Const,
    Dim,
    Stride,
    Sms,
    Add,
    Sub,
    Mul,
    Div,
    CeilDiv,
    Mod,
    Min,
    Max,
    Eq,
    Ne,
    Lt,
    Le,
    Select
  };

  Kind kind = Kind::Const;
  int64_t value = 0;                  ///< Const.
  unsigned tensor = 0, dimension = 0; ///< Dim and Stride (in elements).
  std::vector<Expr> operands;

  Expr() = default;
  Expr(int64_t constant) : value(constant) {}
  static Expr dim(unsigned tensor, unsigned dimension);
  static Expr stride(unsigned tensor, unsigned dimension);
  static Expr sms();
  /// Folds constants and neutral elements.
  static Expr make(Kind kind, std::vector<Expr> operands);

  /// How deep the tree is; manifests hold trees up to kMaxExprDepth.
  unsigned depth() const;
  /// Whether it reads a size or stride of one of the first `tensors` tensors only, or of none.
  bool isOf(unsigned tensors) const;
  bool isConst() const { return kind == Kind::Const; }
  bool isConst(int64_t expected) const { return isConst() && value == expected; }
  bool operator==(const Expr &other) const;
  bool operator!=(const Expr &other) const { return !(*this == other); }

  /// The value, or an error on overflow and on division by zero or less.
  Expected<int64_t> evaluate(const Bindings &bindings) const;
  /// Readable text, such as `ceildiv(q.2, 128)`, given a name for each tensor.
  std::string str(const std::vector<std::string> &names) const;
};

/// The JSON name of an operation ("ceildiv") and its number of operands (leaves: 0).
const char *exprName(Expr::Kind kind);
unsigned exprArity(Expr::Kind kind);

//===----------------------------------------------------------------------===//
// The manifest
//===----------------------------------------------------------------------===//

constexpr int64_t kDynamic = INT64_MIN;
constexpr unsigned kMaxRank = 8;
/// Deeper expressions are refused, so that no file can exhaust the stack.
constexpr unsigned kMaxExprDepth = 64;
/// Alignment of the workspace and of each buffer in it.
constexpr int64_t kWorkspaceAlignment = 256;

/// The type of an argument or a result.
struct TensorInfo {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape; ///< kDynamic where the size is met at run time.
  std::vector<Expr> sizes;    ///< Of a result: its sizes over those of the arguments.
};

/// An intermediate tensor, contiguous, in the workspace.
struct BufferInfo {
  DType dtype = DType::F32;
  std::vector<Expr> sizes;
};

/// A tensor that is part of the package.
struct ConstantInfo {
  std::string section;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
};

/// Where the elements of a kernel argument are.
struct Storage {
  enum class Kind { Argument, Result, Buffer, Constant };
  Kind kind = Kind::Argument;
  unsigned index = 0;
};

/// A kernel argument: a tensor, passed as a TMA map with its sizes (32-bit), or as a
/// pointer with sizes and strides (64-bit, in elements).
struct Parameter {
  enum class Kind { Map, View };
  Kind kind = Kind::View;
  Storage storage;
  DType dtype = DType::F32;
  Expr offset;                      ///< In elements.
  std::vector<Expr> sizes, strides; ///< Outermost first, in elements.
  std::vector<int64_t> box;         ///< Of a map: the shape of one box.
};

struct Launch {
  std::string kernel;
  unsigned module = 0;
  /// The grid, along x; nothing is launched where it is zero.
  Expr grid;
  int64_t block = 0;
  int64_t sharedBytes = 0;
  std::vector<Parameter> parameters;
  std::string configuration; ///< Text for `--print-config`.
  /// It takes the place of the launch before it where the maps of that one cannot be made, as its tensors lie at other
  /// than multiples of 16 bytes; and is left out elsewhere.
  bool substitute = false;
};

/// Something the run-time sizes must satisfy.
struct Check {
  Expr lhs, rhs;
  Expr::Kind relation = Expr::Kind::Eq; ///< Eq, Ne, Lt or Le.
  std::string message;
};

struct FunctionInfo {
  std::string name;
  std::vector<TensorInfo> arguments, results;
  std::vector<BufferInfo> buffers;
  std::vector<Check> checks;
  std::vector<Launch> launches;
};

/// A module of kernels: names of sections, empty where there is none. A package without a
/// cubin is compiled from PTX by the driver.
struct CodeInfo {
  std::string cubin, ptx;
};

struct Manifest {
  std::string compiler; ///< Name and version of what wrote the package.
  std::string target;   ///< "sm_90a".
  std::vector<CodeInfo> modules;
  std::vector<ConstantInfo> constants;
  std::vector<FunctionInfo> functions;

  const FunctionInfo *find(std::string_view name) const;
  /// Indented text; stable, so that equal manifests give equal text.
  std::string json() const;
  /// Text for people: types, and each launch with its expressions.
  std::string describe() const;
  /// Reads and checks a manifest: every index, size and name that a runtime relies on.
  static Expected<Manifest> parse(std::string_view json);
};

//===----------------------------------------------------------------------===//
// The package
//===----------------------------------------------------------------------===//

/// The version of the file format that this library writes, and the newest that it reads.
constexpr uint32_t kPackageVersion = 1;

struct Package {
  Manifest manifest;
  std::map<std::string, std::string> sections; ///< Bytes by name; not the manifest.

  /// Adds a module of kernels; either text may be empty. Returns its number.
  unsigned addModule(std::string cubin, std::string ptx);
  unsigned addConstant(DType dtype, std::vector<int64_t> shape, std::string bytes);

  std::string serialize() const;
  static Expected<Package> parse(std::string_view bytes);
  /// Whether every section that the manifest names is there, with the right size.
  Status checkSections() const;
  /// Writes a temporary file beside `path`, then renames it.
  Status write(const std::string &path) const;
  static Expected<Package> read(const std::string &path);
};

/// Replaces a file in one step, so that nobody sees half of it.
Status writeFileAtomically(const std::string &path, std::string_view bytes);
Expected<std::string> readFile(const std::string &path);
/// Whether the bytes begin as a package does (to tell it from MLIR text or bytecode).
bool isPackage(std::string_view bytes);

} // namespace longwing

#endif // LONGWING_PACKAGE_H
