//===- Manifest.cpp - The manifest to and from JSON -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing/Package.h"

#include <nlohmann/json.hpp>

#include <limits>

using namespace longwing;
using Json = nlohmann::ordered_json;

namespace {
constexpr const char *kStorageNames[] = {"argument", "result", "buffer", "constant"};
constexpr const char *kParameterNames[] = {"map", "view"};
} // namespace

const FunctionInfo *Manifest::find(std::string_view name) const {
  for (const FunctionInfo &function : functions)
    if (function.name == name)
      return &function;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static Json toJson(const Expr &expr) {
  if (expr.isConst())
    return expr.value;
  Json array = Json::array({exprName(expr.kind)});
  if (expr.kind == Expr::Kind::Dim || expr.kind == Expr::Kind::Stride) {
    array.push_back(expr.tensor);
    array.push_back(expr.dimension);
  }
  for (const Expr &operand : expr.operands)
    array.push_back(toJson(operand));
  return array;
}

static Json toJson(const std::vector<Expr> &exprs) {
  Json array = Json::array();
  for (const Expr &expr : exprs)
    array.push_back(toJson(expr));
  return array;
}

static Json shapeJson(const std::vector<int64_t> &shape) {
  Json array = Json::array();
  for (int64_t size : shape)
    array.push_back(size == kDynamic ? Json() : Json(size));
  return array;
}

static Json toJson(const TensorInfo &tensor, bool result) {
  Json json = {{"name", tensor.name},
               {"dtype", dtypeName(tensor.dtype)},
               {"shape", shapeJson(tensor.shape)}};
  if (result)
    json["sizes"] = toJson(tensor.sizes);
  return json;
}

static Json toJson(const Parameter &parameter) {
  Json json = {{"kind", kParameterNames[int(parameter.kind)]},
               {"storage", {kStorageNames[int(parameter.storage.kind)], parameter.storage.index}},
               {"dtype", dtypeName(parameter.dtype)},
               {"offset", toJson(parameter.offset)},
               {"sizes", toJson(parameter.sizes)},
               {"strides", toJson(parameter.strides)}};
  if (parameter.kind == Parameter::Kind::Map)
    json["box"] = parameter.box;
  return json;
}

static Json toJson(const Launch &launch) {
  Json parameters = Json::array();
  for (const Parameter &parameter : launch.parameters)
    parameters.push_back(toJson(parameter));
  Json json = {{"kernel", launch.kernel},
               {"module", launch.module},
               {"grid", toJson(launch.grid)},
               {"block", launch.block},
               {"shared_bytes", launch.sharedBytes},
               {"configuration", launch.configuration},
               {"parameters", std::move(parameters)}};
  if (launch.substitute)
    json["substitute"] = true;
  return json;
}

static Json toJson(const FunctionInfo &function) {
  Json json = {{"name", function.name}};
  for (const char *key : {"arguments", "results", "buffers", "checks", "launches"})
    json[key] = Json::array();
  for (const TensorInfo &tensor : function.arguments)
    json["arguments"].push_back(toJson(tensor, /*result=*/false));
  for (const TensorInfo &tensor : function.results)
    json["results"].push_back(toJson(tensor, /*result=*/true));
  for (const BufferInfo &buffer : function.buffers)
    json["buffers"].push_back(
        {{"dtype", dtypeName(buffer.dtype)}, {"sizes", toJson(buffer.sizes)}});
  for (const Check &check : function.checks)
    json["checks"].push_back({{"lhs", toJson(check.lhs)},
                              {"relation", exprName(check.relation)},
                              {"rhs", toJson(check.rhs)},
                              {"message", check.message}});
  for (const Launch &launch : function.launches)
    json["launches"].push_back(toJson(launch));
  return json;
}

std::string Manifest::json() const {
  Json json = {{"compiler", compiler}, {"target", target}};
  for (const char *key : {"modules", "constants", "functions"})
    json[key] = Json::array();
  for (const CodeInfo &code : modules)
    json["modules"].push_back({{"cubin", code.cubin}, {"ptx", code.ptx}});
  for (const ConstantInfo &constant : constants)
    json["constants"].push_back({{"section", constant.section},
                                 {"dtype", dtypeName(constant.dtype)},
                                 {"shape", constant.shape}});
  for (const FunctionInfo &function : functions)
    json["functions"].push_back(toJson(function));
  return json.dump(1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

//===----------------------------------------------------------------------===//
// Reading: the first error is kept, and values after it are placeholders
//===----------------------------------------------------------------------===//

namespace {
/// A value of the file with the way that leads to it, for messages.
struct Node {
  const Json *json;
  std::string path;
};

class Reader {
public:
  std::string error;

  void fail(const Node &node, const std::string &expected) {
    if (error.empty())
      error = "expected " + expected + " at '" + node.path + "'";
  }
  Node field(const Node &node, const char *key) {
    static const Json null;
    Node result{&null, node.path.empty() ? key : node.path + "." + key};
    if (node.json->is_object()) {
      auto found = node.json->find(key);
      if (found != node.json->end())
        result.json = &*found;
    }
    return result;
  }
  /// The elements of an array.
  std::vector<Node> list(const Node &node) {
    std::vector<Node> result;
    if (!node.json->is_array())
      return fail(node, "an array"), result;
    for (size_t i = 0; i < node.json->size(); ++i)
      result.push_back({&(*node.json)[i], node.path + "[" + std::to_string(i) + "]"});
    return result;
  }
  std::string text(const Node &node) {
    if (auto *value = node.json->get_ptr<const Json::string_t *>())
      return *value;
    return fail(node, "a string"), "";
  }
  std::string name(const Node &node) {
    std::string value = text(node);
    if (value.empty() || value.find('\0') != value.npos)
      fail(node, "a name");
    return value;
  }
  int64_t integer(const Node &node, int64_t low, int64_t high) {
    if (auto *value = node.json->get_ptr<const Json::number_unsigned_t *>()) {
      if (*value <= uint64_t(std::numeric_limits<int64_t>::max()) && int64_t(*value) >= low &&
          int64_t(*value) <= high)
        return int64_t(*value);
    } else if (auto *value = node.json->get_ptr<const Json::number_integer_t *>()) {
      if (*value >= low && *value <= high)
        return *value;
    }
    fail(node, "an integer from " + std::to_string(low) + " to " + std::to_string(high));
    return low;
  }
  DType dtype(const Node &node) {
    auto type = parseDType(text(node));
    if (!type)
      return fail(node, "an element type"), DType::F32;
    return *type;
  }
  template <size_t N>
  unsigned oneOf(const Node &node, const char *const (&names)[N], const char *what) {
    std::string value = text(node);
    for (unsigned i = 0; i < N; ++i)
      if (value == names[i])
        return i;
    return fail(node, what), 0;
  }
  std::vector<int64_t> integers(const Node &node, int64_t low, int64_t high) {
    std::vector<int64_t> result;
    for (const Node &element : list(node))
      result.push_back(integer(element, low, high));
    if (result.size() > kMaxRank)
      fail(node, "at most " + std::to_string(kMaxRank) + " dimensions");
    return result;
  }
  std::vector<int64_t> shape(const Node &node);
  Expr expr(const Node &node, const std::vector<unsigned> &ranks, unsigned depth = 0);
  std::vector<Expr> exprs(const Node &node, const std::vector<unsigned> &ranks);
};
} // namespace

constexpr int64_t kMaxInt = std::numeric_limits<int64_t>::max();
constexpr int64_t kMinInt = std::numeric_limits<int64_t>::min();

std::vector<int64_t> Reader::shape(const Node &node) {
  std::vector<int64_t> result;
  for (const Node &element : list(node))
    result.push_back(element.json->is_null() ? kDynamic : integer(element, 0, kMaxInt));
  if (result.size() > kMaxRank)
    fail(node, "at most " + std::to_string(kMaxRank) + " dimensions");
  return result;
}

/// Reads an expression over tensors of the given ranks.
Expr Reader::expr(const Node &node, const std::vector<unsigned> &ranks, unsigned depth) {
  if (node.json->is_number())
    return integer(node, kMinInt, kMaxInt);
  std::vector<Node> parts = list(node);
  if (parts.empty() || depth > kMaxExprDepth)
    return fail(node, "an expression"), Expr();
  std::string name = text(parts[0]);
  if (name == "sms" && parts.size() == 1)
    return Expr::sms();
  if ((name == "dim" || name == "stride") && parts.size() == 3) {
    unsigned tensor = integer(parts[1], 0, int64_t(ranks.size()) - 1);
    unsigned rank = tensor < ranks.size() ? ranks[tensor] : 0;
    unsigned dimension = integer(parts[2], 0, int64_t(rank) - 1);
    return name == "dim" ? Expr::dim(tensor, dimension) : Expr::stride(tensor, dimension);
  }
  for (int kind = int(Expr::Kind::Add); kind <= int(Expr::Kind::Select); ++kind) {
    if (name != exprName(Expr::Kind(kind)) || parts.size() != exprArity(Expr::Kind(kind)) + 1)
      continue;
    Expr result;
    result.kind = Expr::Kind(kind);
    for (size_t i = 1; i < parts.size() && error.empty(); ++i)
      result.operands.push_back(expr(parts[i], ranks, depth + 1));
    // An expression that failed half-way must not be left with too few operands.
    return error.empty() ? result : Expr();
  }
  return fail(node, "an expression"), Expr();
}

std::vector<Expr> Reader::exprs(const Node &node, const std::vector<unsigned> &ranks) {
  std::vector<Expr> result;
  for (const Node &element : list(node))
    result.push_back(expr(element, ranks));
  if (result.size() > kMaxRank)
    fail(node, "at most " + std::to_string(kMaxRank) + " dimensions");
  return result;
}

static TensorInfo readTensor(Reader &reader, const Node &node) {
  TensorInfo tensor;
  tensor.name = reader.name(reader.field(node, "name"));
  tensor.dtype = reader.dtype(reader.field(node, "dtype"));
  tensor.shape = reader.shape(reader.field(node, "shape"));
  return tensor;
}

static Check readCheck(Reader &reader, const Node &node, const std::vector<unsigned> &ranks) {
  static constexpr const char *kRelations[] = {"eq", "ne", "lt", "le"};
  Check check;
  check.lhs = reader.expr(reader.field(node, "lhs"), ranks);
  check.rhs = reader.expr(reader.field(node, "rhs"), ranks);
  unsigned relation =
      reader.oneOf(reader.field(node, "relation"), kRelations, "one of eq, ne, lt and le");
  check.relation = Expr::Kind(int(Expr::Kind::Eq) + relation);
  check.message = reader.text(reader.field(node, "message"));
  return check;
}

/// The element type and rank of what a storage refers to.
static std::pair<DType, unsigned> typeOf(const Manifest &manifest, const FunctionInfo &function,
                                         Storage storage) {
  switch (storage.kind) {
  case Storage::Kind::Argument:
    return {function.arguments[storage.index].dtype,
            function.arguments[storage.index].shape.size()};
  case Storage::Kind::Result:
    return {function.results[storage.index].dtype, function.results[storage.index].shape.size()};
  case Storage::Kind::Buffer:
    return {function.buffers[storage.index].dtype, function.buffers[storage.index].sizes.size()};
  case Storage::Kind::Constant:
    return {manifest.constants[storage.index].dtype,
            manifest.constants[storage.index].shape.size()};
  }
  return {};
}

static Parameter readParameter(Reader &reader, const Node &node, const Manifest &manifest,
                               const FunctionInfo &function, const std::vector<unsigned> &ranks) {
  Parameter parameter;
  parameter.kind = Parameter::Kind(
      reader.oneOf(reader.field(node, "kind"), kParameterNames, "one of map and view"));
  Node storage = reader.field(node, "storage");
  std::vector<Node> parts = reader.list(storage);
  if (parts.size() != 2)
    return reader.fail(storage, "a kind of storage and a number"), parameter;
  parameter.storage.kind = Storage::Kind(
      reader.oneOf(parts[0], kStorageNames, "one of argument, result, buffer and constant"));
  const size_t counts[] = {function.arguments.size(), function.results.size(),
                           function.buffers.size(), manifest.constants.size()};
  parameter.storage.index =
      reader.integer(parts[1], 0, int64_t(counts[int(parameter.storage.kind)]) - 1);
  parameter.dtype = reader.dtype(reader.field(node, "dtype"));
  parameter.offset = reader.expr(reader.field(node, "offset"), ranks);
  parameter.sizes = reader.exprs(reader.field(node, "sizes"), ranks);
  parameter.strides = reader.exprs(reader.field(node, "strides"), ranks);
  if (parameter.kind == Parameter::Kind::Map)
    parameter.box = reader.integers(reader.field(node, "box"), 1, 256);
  if (!reader.error.empty())
    return parameter;
  if (typeOf(manifest, function, parameter.storage).first != parameter.dtype)
    reader.fail(node, "the element type of its storage");
  if (parameter.sizes.size() != parameter.strides.size())
    reader.fail(node, "as many strides as sizes");
  if (parameter.kind == Parameter::Kind::Map &&
      (parameter.box.empty() || parameter.box.size() > 5 ||
       parameter.box.size() != parameter.sizes.size()))
    reader.fail(node, "a box of as many sizes as its tensor, from one to five");
  return parameter;
}

static Launch readLaunch(Reader &reader, const Node &node, const Manifest &manifest,
                         const FunctionInfo &function, const std::vector<unsigned> &ranks) {
  Launch launch;
  launch.kernel = reader.name(reader.field(node, "kernel"));
  launch.module =
      reader.integer(reader.field(node, "module"), 0, int64_t(manifest.modules.size()) - 1);
  launch.grid = reader.expr(reader.field(node, "grid"), ranks);
  launch.block = reader.integer(reader.field(node, "block"), 1, 1024);
  launch.sharedBytes = reader.integer(reader.field(node, "shared_bytes"), 0, 1 << 20);
  launch.configuration = reader.text(reader.field(node, "configuration"));
  if (auto found = node.json->find("substitute"); found != node.json->end()) {
    const std::vector<Launch> &before = function.launches;
    launch.substitute = found->is_boolean() && found->get<bool>();
    if (!launch.substitute || before.empty() || before.back().substitute)
      reader.fail(node, "a substitute to follow the launch that it stands for");
  }
  for (const Node &parameter : reader.list(reader.field(node, "parameters")))
    launch.parameters.push_back(readParameter(reader, parameter, manifest, function, ranks));
  return launch;
}

static FunctionInfo readFunction(Reader &reader, const Node &node, const Manifest &manifest) {
  FunctionInfo function;
  function.name = reader.name(reader.field(node, "name"));
  if (manifest.find(function.name))
    reader.fail(node, "a name that no other function has");
  std::vector<unsigned> ranks;
  for (const Node &argument : reader.list(reader.field(node, "arguments"))) {
    function.arguments.push_back(readTensor(reader, argument));
    ranks.push_back(function.arguments.back().shape.size());
  }
  // The sizes of results and buffers follow from the arguments alone.
  for (const Node &result : reader.list(reader.field(node, "results"))) {
    TensorInfo tensor = readTensor(reader, result);
    tensor.sizes = reader.exprs(reader.field(result, "sizes"), ranks);
    if (tensor.sizes.size() != tensor.shape.size())
      reader.fail(result, "as many sizes as the shape has");
    function.results.push_back(std::move(tensor));
  }
  for (const Node &item : reader.list(reader.field(node, "buffers"))) {
    BufferInfo buffer;
    buffer.dtype = reader.dtype(reader.field(item, "dtype"));
    buffer.sizes = reader.exprs(reader.field(item, "sizes"), ranks);
    function.buffers.push_back(std::move(buffer));
  }
  for (const TensorInfo &result : function.results)
    ranks.push_back(result.shape.size());
  for (const Node &check : reader.list(reader.field(node, "checks")))
    function.checks.push_back(readCheck(reader, check, ranks));
  for (const Node &launch : reader.list(reader.field(node, "launches"))) {
    if (!reader.error.empty())
      break; // A launch refers to what stands above.
    function.launches.push_back(readLaunch(reader, launch, manifest, function, ranks));
  }
  return function;
}

Expected<Manifest> Manifest::parse(std::string_view text) {
  auto malformed = [](const std::string &message) {
    return Status(StatusCode::BadPackage, "package's manifest is malformed: " + message);
  };
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded())
    return malformed("it is not JSON");
  Reader reader;
  Node root{&json, ""};
  Manifest manifest;
  manifest.compiler = reader.text(reader.field(root, "compiler"));
  manifest.target = reader.text(reader.field(root, "target"));
  for (const Node &node : reader.list(reader.field(root, "modules"))) {
    CodeInfo code{reader.text(reader.field(node, "cubin")), reader.text(reader.field(node, "ptx"))};
    if (code.cubin.empty() && code.ptx.empty())
      reader.fail(node, "a cubin or PTX");
    manifest.modules.push_back(std::move(code));
  }
  for (const Node &node : reader.list(reader.field(root, "constants"))) {
    ConstantInfo constant;
    constant.section = reader.name(reader.field(node, "section"));
    constant.dtype = reader.dtype(reader.field(node, "dtype"));
    constant.shape = reader.integers(reader.field(node, "shape"), 0, kMaxInt);
    manifest.constants.push_back(std::move(constant));
  }
  for (const Node &node : reader.list(reader.field(root, "functions")))
    manifest.functions.push_back(readFunction(reader, node, manifest));
  if (!reader.error.empty())
    return malformed(reader.error);
  return manifest;
}
