//===- Header.cpp - A package as a C++ header -----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The header is the text of Arithmetic.h, Launch.h and Embed.h, then the code as bytes, then
// for each function its checks, sizes and launches as C++: the manifest's expressions, printed.
//
//===----------------------------------------------------------------------===//

#include "lib/Target/Header.h"

#include "lib/Target/EmbedText.h"

#include <algorithm>
#include <cctype>
#include <set>

using namespace longwing;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// Names that mean something else where a header uses an identifier.
static const std::set<std::string> &reservedNames() {
  static const std::set<std::string> names = {
      "alignas", "alignof", "and", "asm", "auto", "bool", "break", "case", "catch", "char", "class",
      "const", "constexpr", "continue", "default", "delete", "do", "double", "else", "enum",
      "explicit", "export", "extern", "false", "final", "float", "for", "friend", "goto", "if",
      "inline", "int", "long", "main", "mutable", "namespace", "new", "noexcept", "not", "nullptr",
      "operator", "or", "override", "private", "protected", "public", "register", "return", "short",
      "signed", "sizeof", "static", "std", "struct", "switch", "template", "this", "throw", "true",
      "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual", "void",
      "volatile", "while", "xor",
      // Those of the header itself.
      "Tensor", "CUstream", "code", "cuda", "int64_t", "kernels", "library", "loaded",
      "longwing_v1", "lw", "math", "operands", "prepare", "scope", "sms", "stream", "workspace",
      "bytes", "error_message"};
  return names;
}

/// A C++ identifier that is like the name and unlike all `taken` ones, which it joins; or, for a
/// prefix of identifiers, the beginning of one.
static std::string identifier(const std::string &name, std::set<std::string> &taken,
                              bool prefix = false) {
  std::string result;
  for (char c : name)
    result += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  // Names that begin with lw_ are those of the header's own variables.
  if (result.empty() || std::isdigit(static_cast<unsigned char>(result[0])) || result[0] == '_' ||
      result.rfind("lw_", 0) == 0)
    result = "x" + result;
  // Two underscores in a row are the implementation's.
  for (size_t at; (at = result.find("__")) != result.npos;)
    result.erase(at, 1);
  while ((!prefix && reservedNames().count(result)) || taken.count(result))
    result += result.back() == '_' ? "x" : "_";
  taken.insert(result);
  return result;
}

/// A C++ string literal.
static std::string quoted(const std::string &text) {
  std::string result = "\"";
  for (char c : text) {
    char octal[8];
    if (c == '"' || c == '\\')
      result += std::string("\\") + c;
    else if (std::isprint(static_cast<unsigned char>(c)) && c != '?')
      result += c;
    else {
      std::snprintf(octal, sizeof(octal), "\\%03o", static_cast<unsigned char>(c));
      result += octal;
    }
  }
  return result + "\"";
}

/// Text that may stand in a comment of one line.
static std::string comment(std::string text) {
  for (char &c : text)
    if (!std::isprint(static_cast<unsigned char>(c)) || c == '\\')
      c = ' ';
  return text;
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

/// An expression as C++ over `math`, `sms` and the tensors of the given names.
static std::string print(const Expr &expr, const std::vector<std::string> &tensors) {
  auto operand = [&](unsigned i) { return print(expr.operands[i], tensors); };
  std::string name = expr.tensor < tensors.size() ? tensors[expr.tensor] : "";
  std::string axis = "[" + std::to_string(expr.dimension) + "]";
  switch (expr.kind) {
  case Expr::Kind::Const:
    // The least integer has no literal.
    return expr.value == INT64_MIN ? "INT64_MIN" : "INT64_C(" + std::to_string(expr.value) + ")";
  case Expr::Kind::Dim:
    return name + ".sizes" + axis;
  case Expr::Kind::Stride:
    return name + ".strides" + axis;
  case Expr::Kind::Sms:
    return "sms";
  case Expr::Kind::Min:
    return "lw::least(" + operand(0) + ", " + operand(1) + ")";
  case Expr::Kind::Max:
    return "lw::most(" + operand(0) + ", " + operand(1) + ")";
  case Expr::Kind::Eq:
    return "int64_t(" + operand(0) + " == " + operand(1) + ")";
  case Expr::Kind::Ne:
    return "int64_t(" + operand(0) + " != " + operand(1) + ")";
  case Expr::Kind::Lt:
    return "int64_t(" + operand(0) + " < " + operand(1) + ")";
  case Expr::Kind::Le:
    return "int64_t(" + operand(0) + " <= " + operand(1) + ")";
  case Expr::Kind::Select:
    return "(" + operand(0) + " ? " + operand(1) + " : " + operand(2) + ")";
  default:
    return std::string("math.") + exprName(expr.kind) + "(" + operand(0) + ", " + operand(1) + ")";
  }
}

static std::string printList(const std::vector<Expr> &exprs,
                             const std::vector<std::string> &tensors) {
  std::string text;
  for (const Expr &expr : exprs)
    text += (text.empty() ? "" : ", ") + print(expr, tensors);
  return "{" + text + "}";
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

namespace {
class FunctionPrinter {
public:
  FunctionPrinter(const FunctionInfo &function, std::string name, unsigned firstKernel)
      : function(function), name(std::move(name)), firstKernel(firstKernel) {
    std::set<std::string> taken = {this->name + "_sizes"};
    for (const TensorInfo &argument : function.arguments)
      tensors.push_back(identifier(argument.name, taken));
    for (const TensorInfo &result : function.results)
      tensors.push_back(identifier(result.name, taken));
  }
  std::string print() { return printSizes() + printWorkspace() + printLaunch(); }

private:
  std::string arguments(bool results) const;
  std::string describe() const;
  std::string printChecks(bool ofArguments) const;
  std::string printSizes() const;
  std::string printWorkspace() const;
  std::string printLaunch() const;
  std::string printOperand(const Parameter &parameter) const;
  std::string checkTensor(unsigned tensor, const TensorInfo &info, const std::string &shape) const;

  const FunctionInfo &function;
  std::string name;
  unsigned firstKernel; ///< The number of its first launch among those of the header.
  std::vector<std::string> tensors;
};
} // namespace

static std::string returnCode(const std::string &call) {
  return "  if (int code = " + call + ")\n    return code;\n";
}

std::string FunctionPrinter::arguments(bool results) const {
  std::string text;
  for (size_t i = 0; i < (results ? tensors.size() : function.arguments.size()); ++i)
    text += (text.empty() ? "" : ", ") + ("const Tensor &" + tensors[i]);
  return text;
}

std::string FunctionPrinter::describe() const {
  std::string text;
  auto line = [&](const char *what, unsigned i, const TensorInfo &info) {
    text += std::string("///   ") + what + " " + tensors[i] + ": " + dtypeName(info.dtype) + " [";
    for (size_t d = 0; d < info.shape.size(); ++d)
      text += (d ? ", " : "") +
              (info.shape[d] == kDynamic ? std::string("?") : std::to_string(info.shape[d]));
    text += "]\n";
  };
  for (unsigned i = 0; i < function.arguments.size(); ++i)
    line("in ", i, function.arguments[i]);
  for (unsigned i = 0; i < function.results.size(); ++i)
    line("out", unsigned(function.arguments.size()) + i, function.results[i]);
  return text;
}

std::string FunctionPrinter::checkTensor(unsigned tensor, const TensorInfo &info,
                                         const std::string &shape) const {
  std::string rank = std::to_string(info.shape.size());
  // A scalar has no shape, and C++ no empty array.
  std::string sizes = info.shape.empty() ? "nullptr" : "lw_" + tensors[tensor] + "_shape";
  std::string text;
  if (!info.shape.empty())
    text += "  const int64_t " + sizes + "[] = " + shape + ";\n";
  return text +
         returnCode("lw::checkTensor(" + quoted(info.name) + ", " + tensors[tensor] + ", " + sizes +
                    ", " + rank + ", " + std::to_string(dtypeBytes(info.dtype)) + ")");
}

/// Those on arguments alone, or the others.
std::string FunctionPrinter::printChecks(bool ofArguments) const {
  std::string text;
  for (const Check &check : function.checks) {
    unsigned count = unsigned(function.arguments.size());
    if ((check.lhs.isOf(count) && check.rhs.isOf(count)) != ofArguments)
      continue;
    const char *relation = check.relation == Expr::Kind::Eq   ? "=="
                           : check.relation == Expr::Kind::Ne ? "!="
                           : check.relation == Expr::Kind::Lt ? "<"
                                                              : "<=";
    text += "  if (!(" + ::print(check.lhs, tensors) + " " + relation + " " +
            ::print(check.rhs, tensors) + "))\n    return lw::fail(lw::kInvalidArgument, \"%s\", " +
            quoted(check.message) + ");\n";
  }
  return text;
}

/// F_sizes: checks the arguments, and fills the sizes of the results.
std::string FunctionPrinter::printSizes() const {
  std::string text = "/// Checks the arguments of `" + comment(function.name) +
                     "` and fills the sizes and contiguous strides of its results.\n"
                     "inline int " +
                     name + "_sizes(" + arguments(/*results=*/false);
  for (size_t i = function.arguments.size(); i < tensors.size(); ++i)
    text += (i ? ", Tensor *" : "Tensor *") + tensors[i];
  text += ") {\n";
  for (unsigned i = 0; i < function.arguments.size(); ++i) {
    std::string shape;
    for (int64_t size : function.arguments[i].shape)
      shape += (shape.empty() ? "" : ", ") + std::to_string(size == kDynamic ? -1 : size);
    text += checkTensor(i, function.arguments[i], "{" + shape + "}");
  }
  text += "  lw::Arithmetic math;\n  const int64_t sms = 1;\n  (void)sms;\n";
  text += printChecks(/*ofArguments=*/true);
  for (unsigned i = 0; i < function.results.size(); ++i) {
    const TensorInfo &info = function.results[i];
    const std::string &result = tensors[function.arguments.size() + i];
    if (info.shape.empty()) {
      text += "  *" + result + " = Tensor{" + result + "->data, {}, {}};\n";
      continue;
    }
    std::string sizes = "lw_" + result + "_sizes";
    text += "  const int64_t " + sizes + "[] = " + printList(info.sizes, tensors) + ";\n";
    for (size_t d = 0; d < info.shape.size(); ++d) {
      std::string size = sizes + "[" + std::to_string(d) + "]";
      std::string fails =
          info.shape[d] == kDynamic ? size + " < 0" : size + " != " + std::to_string(info.shape[d]);
      text += "  if (" + fails +
              ")\n    return lw::fail(lw::kInvalidArgument, \"'%s': unexpected "
              "size %lld in dimension " +
              std::to_string(d) + "\", " + quoted(info.name) + ", (long long)" + size + ");\n";
    }
    text += "  *" + result + " = lw::contiguous(" + result + "->data, " + sizes + ");\n";
  }
  return text + "  return lw::checkArithmetic(math);\n}\n\n";
}

/// The offsets of the buffers in the workspace, and its size, as C++.
static std::string printPlan(const FunctionInfo &function,
                             const std::vector<std::string> &tensors) {
  std::string text = "  int64_t bytes = 0;\n";
  for (size_t i = 0; i < function.buffers.size(); ++i) {
    const BufferInfo &buffer = function.buffers[i];
    std::string size = "INT64_C(" + std::to_string(dtypeBytes(buffer.dtype)) + ")";
    for (const Expr &expr : buffer.sizes)
      size = "math.mul(" + size + ", " + print(expr, tensors) + ")";
    std::string alignment = std::to_string(kWorkspaceAlignment);
    text += "  const int64_t lw_buffer" + std::to_string(i) + " = bytes;\n  (void)lw_buffer" +
            std::to_string(i) + ";\n  bytes = math.add(bytes, math.mul(math.ceildiv(" + size +
            ", " + alignment + "), " + alignment + "));\n";
  }
  return text;
}

std::string FunctionPrinter::printWorkspace() const {
  std::string text = "/// The device memory, aligned to 256 bytes, that `" +
                     comment(function.name) + "` needs for intermediate tensors.\n" +
                     "inline int " + name + "_workspace_bytes(" + arguments(false) +
                     (function.arguments.empty() ? "" : ", ") + "int64_t *result) {\n";
  for (size_t i = 0; i < function.arguments.size(); ++i)
    text += "  (void)" + tensors[i] + ";\n";
  text += "  lw::Arithmetic math;\n" + printPlan(function, tensors);
  return text + "  *result = bytes;\n  return lw::checkArithmetic(math);\n}\n\n";
}

std::string FunctionPrinter::printOperand(const Parameter &parameter) const {
  unsigned index = parameter.storage.index;
  std::string base, label;
  switch (parameter.storage.kind) {
  case Storage::Kind::Argument:
    base = tensors[index] + ".data";
    label = function.arguments[index].name;
    break;
  case Storage::Kind::Result:
    base = tensors[function.arguments.size() + index] + ".data";
    label = function.results[index].name;
    break;
  case Storage::Kind::Buffer:
    base = "static_cast<char *>(workspace) + lw_buffer" + std::to_string(index);
    label = "an intermediate tensor";
    break;
  case Storage::Kind::Constant:
    base = "loaded->constants[" + std::to_string(index) + "]";
    label = "a constant";
    break;
  }
  std::string bytes = std::to_string(dtypeBytes(parameter.dtype));
  if (!parameter.offset.isConst(0))
    base = "static_cast<char *>(" + base + ") + math.mul(" + ::print(parameter.offset, tensors) +
           ", " + bytes + ")";
  std::string box = "nullptr";
  if (parameter.kind == Parameter::Kind::Map) {
    box = "lw_box";
    for (int64_t size : parameter.box)
      box += "_" + std::to_string(size);
  }
  return "        {" + quoted(label) + ", " + base + ", " + bytes + ", " +
         std::to_string(tensorMapType(parameter.dtype)) + ", " +
         std::to_string(parameter.sizes.size()) + ",\n         " +
         printList(parameter.sizes, tensors) + ",\n         " +
         printList(parameter.strides, tensors) + ",\n         " + box + "},\n";
}

/// The boxes that a launch uses, by names that tell their sizes.
static std::string printBoxes(const Launch &launch) {
  std::set<std::vector<int64_t>> boxes;
  for (const Parameter &parameter : launch.parameters)
    if (parameter.kind == Parameter::Kind::Map)
      boxes.insert(parameter.box);
  std::string text;
  for (const std::vector<int64_t> &box : boxes) {
    std::string name = "lw_box", sizes;
    for (int64_t size : box) {
      name += "_" + std::to_string(size);
      sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
    }
    text += "    static const int64_t " + name + "[] = {" + sizes + "};\n";
  }
  return text;
}

std::string FunctionPrinter::printLaunch() const {
  std::string all = arguments(/*results=*/true);
  std::string text = "/// Enqueues `" + comment(function.name) +
                     "` on a stream. Allocates nothing and waits for nothing.\n" + describe() +
                     "inline int " + name + "_launch(" + all + (all.empty() ? "" : ", ") +
                     "void *workspace, CUstream stream) {\n";
  std::string call = arguments(/*results=*/false), sizes;
  for (size_t i = 0; i < tensors.size(); ++i) {
    bool result = i >= function.arguments.size();
    if (result)
      text += "  Tensor lw_" + tensors[i] + ";\n";
    sizes += (sizes.empty() ? "" : ", ") + (result ? "&lw_" + tensors[i] : tensors[i]);
  }
  text += returnCode(name + "_sizes(" + sizes + ")");
  for (unsigned i = 0; i < function.results.size(); ++i) {
    unsigned tensor = unsigned(function.arguments.size()) + i;
    std::string rank = std::to_string(function.results[i].shape.size());
    text += returnCode("lw::checkTensor(" + quoted(function.results[i].name) + ", " +
                       tensors[tensor] + ", lw_" + tensors[tensor] + ".sizes, " + rank + ", " +
                       std::to_string(dtypeBytes(function.results[i].dtype)) + ")");
  }
  text += "  lw::Arithmetic math;\n" + printChecks(/*ofArguments=*/false) + printPlan(function, tensors) +
          returnCode("lw::checkWorkspace(workspace, bytes)") +
          "  const lw::Driver *cuda = lw::driver();\n  if (!cuda)\n    return lw::kNoDriver;\n"
          "  lw::ContextScope scope;\n" +
          returnCode("scope.enter(*cuda)") + "  const lw::Loaded *loaded = nullptr;\n" +
          returnCode("library().loaded(*cuda, scope, stream, loaded)") +
          "  const int64_t sms = loaded->multiprocessors;\n  (void)sms;\n";
  if (std::any_of(function.launches.begin(), function.launches.end(), [](const Launch &launch) { return launch.substitute; }))
    text += "  bool lw_fits = true; // whether tensors lie as boxes of the copy engine must\n";
  for (size_t i = 0; i < function.launches.size(); ++i) {
    const Launch &launch = function.launches[i];
    std::string count = std::to_string(launch.parameters.size()), operands;
    for (const Parameter &parameter : launch.parameters)
      operands += printOperand(parameter);
    text += "  {\n    // " + comment(launch.kernel) + "\n" + printBoxes(launch);
    if (!operands.empty())
      text += "    const lw::Operand operands[] = {\n" + operands + "    };\n";
    bool replaced = i + 1 < function.launches.size() && function.launches[i + 1].substitute;
    if (replaced)
      text += "    lw_fits = lw::fitsMaps(operands, " + count + ");\n";
    text += "    const int64_t grid = " +
            (replaced            ? "!lw_fits ? 0 : "
             : launch.substitute ? "lw_fits ? 0 : "
                                 : std::string()) +
            ::print(launch.grid, tensors) +
            ";\n    if (int code = lw::checkArithmetic(math))\n      return code;\n"
            "    if (int code = lw::launchKernel(*cuda, loaded->kernels[" +
            std::to_string(firstKernel + i) + "], " + quoted(launch.kernel) + ", grid, " +
            std::to_string(launch.block) + ", " + std::to_string(launch.sharedBytes) + ", " +
            (operands.empty() ? "nullptr" : "operands") + ", " + count +
            ", stream))\n      return code;\n  }\n";
  }
  return text + "  return lw::kOk;\n}\n\n";
}

//===----------------------------------------------------------------------===//
// The header
//===----------------------------------------------------------------------===//

static std::string printBytes(const std::string &name, const std::string &bytes) {
  std::string text = "alignas(64) inline constexpr unsigned char " + name + "[] = {";
  size_t column = 100;
  for (unsigned char byte : bytes) {
    std::string number = std::to_string(byte) + ",";
    if (column + number.size() > 98) {
      text += "\n  ";
      column = 2;
    }
    text += number;
    column += number.size();
  }
  return text + "};\n\n";
}

/// The kernels, images and constants of the package, as one object.
static std::string printLibrary(const Package &package) {
  const Manifest &manifest = package.manifest;
  std::string text, images, kernels, constants;
  for (size_t i = 0; i < manifest.modules.size(); ++i) {
    const CodeInfo &code = manifest.modules[i];
    std::string name = "lw_image" + std::to_string(i);
    // The zero ends PTX; a cubin does not mind.
    text += printBytes(name, package.sections.at(code.cubin.empty() ? code.ptx : code.cubin) +
                                 std::string(1, '\0'));
    images += (images.empty() ? "" : ", ") + name;
  }
  for (size_t i = 0; i < manifest.constants.size(); ++i) {
    std::string name = "lw_constant" + std::to_string(i);
    const std::string &bytes = package.sections.at(manifest.constants[i].section);
    text += printBytes(name, bytes.empty() ? std::string(1, '\0') : bytes);
    constants += "{" + name + ", " + std::to_string(bytes.size()) + "}, ";
  }
  for (const FunctionInfo &function : manifest.functions)
    for (const Launch &launch : function.launches)
      kernels += "{" + quoted(launch.kernel) + ", " + std::to_string(launch.module) + ", " +
                 std::to_string(launch.sharedBytes) + "}, ";
  return text + "inline lw::Library &library() {\n  static lw::Library instance(" +
         quoted(manifest.target) + ", {" + images + "}, {" + kernels + "}, {" + constants +
         "});\n  return instance;\n}\n\n";
}

static void replaceAll(std::string &text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
    text.replace(at, from.size(), to);
}

/// The copied files, without the includes by which they name each other.
static std::string copiedFiles() {
  std::string text = std::string(kArithmeticText) + "\n" + kLaunchText + "\n" + kEmbedText;
  for (size_t at; (at = text.find("#include \"")) != text.npos;)
    text.erase(at, text.find('\n', at) + 1 - at);
  return text;
}

/// Gives the copied files a namespace and include guards that are theirs alone: a program may
/// use headers that different versions of Longwing wrote.
static void nameCopies(std::string &text, const std::string &copies) {
  uint32_t hash = 2166136261u; // FNV-1a
  for (unsigned char byte : copies)
    hash = (hash ^ byte) * 16777619u;
  char suffix[16];
  std::snprintf(suffix, sizeof(suffix), "%08X", hash);
  replaceAll(text, "longwing_v1", std::string("longwing_") + suffix);
  for (const char *file : {"ARITHMETIC", "LAUNCH", "EMBED"})
    replaceAll(text, std::string("LONGWING_") + file + "_V1",
               std::string("LONGWING_") + file + "_" + suffix);
}

static const char kCommonFunctions[] =
    R"(/// The text of the last error on this thread.
inline const char *error_message() { return lw::errorText(); }

/// Loads the kernels into the current CUDA context, or into that of device 0. A launch does so when
/// needed, but not while its stream is being captured into a graph.
inline int prepare() { return library().prepare(); }

)";

Expected<std::string> longwing::emitHeader(const Package &package, const std::string &prefix) {
  if (Status status = package.checkSections(); !status)
    return status;
  const Manifest &manifest = package.manifest;
  std::set<std::string> taken;
  std::string name = identifier(prefix, taken), guard = "LONGWING_GENERATED_" + name + "_H";
  for (char &c : guard)
    c = char(std::toupper(static_cast<unsigned char>(c)));
  std::string copies = copiedFiles();
  std::string text = "// Made by " + comment(manifest.compiler) + " for " +
                     comment(manifest.target) +
                     ". To build, it needs C++17 and a C library with dlopen;\n"
                     "// to run, an NVIDIA driver. Functions return 0, a negative number of " +
                     name + "::lw::Code, or a\n// CUresult of the driver; " + name +
                     "::error_message() tells more.\n\n";
  text += "#ifndef " + guard + "\n#define " + guard + "\n\n" + copies + "\nnamespace " + name +
          " {\n\nnamespace lw = ::longwing_v1;\nusing lw::CUstream;\nusing lw::Tensor;\n\n" +
          printLibrary(package) + kCommonFunctions;
  unsigned firstKernel = 0;
  std::set<std::string> functions;
  for (const FunctionInfo &function : manifest.functions) {
    std::string own = identifier(function.name, functions, /*prefix=*/true);
    text += FunctionPrinter(function, own, firstKernel).print();
    firstKernel += unsigned(function.launches.size());
  }
  text += "} // namespace " + name + "\n\n#endif // " + guard + "\n";
  nameCopies(text, copies);
  return text;
}
