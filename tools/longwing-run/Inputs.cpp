//===- Inputs.cpp - The arguments of a call -------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/longwing-run/Inputs.h"

#include "tools/longwing-run/Npy.h"
#include "tools/support/Files.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace longwing;
using namespace longwing::run;
using llvm::StringRef;
using llvm::Twine;

/// More elements than memory could hold: a slip of the finger, not a request.
static constexpr int64_t kMaxElements = int64_t(1) << 40;

static llvm::Error errorAt(const TensorInfo &type, const Twine &message) {
  return llvm::createStringError("input '" + type.name + "': " + message);
}

static llvm::Error checkSizes(const TensorInfo &type, const std::vector<int64_t> &sizes) {
  bool same = sizes.size() == type.shape.size();
  for (auto [expected, size] : llvm::zip(type.shape, sizes))
    same &= expected == kDynamic || expected == size;
  if (!same)
    return errorAt(type, "expected " + describe(type.dtype, type.shape) + ", got " +
                             describe(type.dtype, sizes));
  int64_t elements = 1;
  for (int64_t size : sizes) {
    std::optional<int64_t> product = llvm::checkedMul(elements, size);
    if (!product || *product > kMaxElements)
      return errorAt(type, describe(type.dtype, sizes) + " is too large");
    elements = *product;
  }
  return llvm::Error::success();
}

/// Reads "2x8x1024x128".
static llvm::Expected<std::vector<int64_t>> parseSizes(const TensorInfo &type, StringRef text) {
  std::vector<int64_t> sizes;
  for (StringRef size : llvm::split(text, 'x')) {
    int64_t number = 0;
    if (size.getAsInteger(10, number) || number < 0)
      return errorAt(type, "expected sizes such as 2x8x1024x128, got '" + text + "'");
    sizes.push_back(number);
  }
  return sizes;
}

static std::vector<int64_t> defaultSizes(const TensorInfo &type, const DefaultSizes &defaults,
                                         Draw draw) {
  std::vector<int64_t> sizes = type.shape;
  for (auto [i, size] : llvm::enumerate(sizes))
    if (size == kDynamic && draw == Draw::Offsets)
      size = defaults.batch + 1;
    else if (size == kDynamic)
      size = i == 0 && sizes.size() > 1 ? defaults.batch : defaults.length;
  return sizes;
}

/// An input of "random", or of what follows it: ":SIZES", ":seed=N", ":DRAW".
static llvm::Expected<Array> makeRandom(const TensorInfo &type, StringRef text, uint64_t seed,
                                        const DefaultSizes &defaults, Draw draw) {
  std::vector<int64_t> sizes = defaultSizes(type, defaults, draw);
  for (StringRef part : llvm::split(text, ':')) {
    if (part.empty())
      continue;
    if (part.consume_front("seed=")) {
      if (part.getAsInteger(10, seed))
        return errorAt(type, "expected a number behind seed=, got '" + part + "'");
      continue;
    }
    if (std::optional<Draw> asked = parseDraw(part)) {
      draw = *asked;
      continue;
    }
    llvm::Expected<std::vector<int64_t>> parsed = parseSizes(type, part);
    if (!parsed)
      return parsed.takeError();
    sizes = std::move(*parsed);
  }
  if (llvm::Error error = checkSizes(type, sizes))
    return error;
  Array array(type.dtype, sizes);
  fillRandom(array, seed, draw, defaults.length);
  return array;
}

static llvm::Expected<Array> readInput(const TensorInfo &type, StringRef path) {
  auto file = tool::readInput(path);
  if (!file)
    return errorAt(type, toString(file.takeError()));
  llvm::Expected<Array> array = readNpy((*file)->getBuffer(), type.dtype);
  if (!array)
    return errorAt(type, "'" + path + "': " + toString(array.takeError()));
  if (llvm::Error error = checkSizes(type, array->sizes))
    return error;
  return array;
}

llvm::Expected<std::vector<Array>> run::makeInputs(const FunctionInfo &function,
                                                   const std::vector<std::string> &specifications,
                                                   const DefaultSizes &sizes,
                                                   llvm::ArrayRef<Draw> draws) {
  std::vector<StringRef> texts(function.arguments.size(), "random");
  for (StringRef specification : specifications) {
    StringRef name = specification.split('=').first, text = specification.split('=').second;
    auto found = llvm::find_if(function.arguments,
                               [&](const TensorInfo &type) { return type.name == name; });
    if (text.empty())
      return llvm::createStringError(
          "expected --input=NAME=FILE.npy or --input=NAME=random, got '" + specification + "'");
    if (found == function.arguments.end())
      return llvm::createStringError(
          "'" + function.name + "' has no input '" + name + "', it has " +
          llvm::join(
              llvm::map_range(function.arguments, [](const TensorInfo &type) { return type.name; }),
              ", "));
    texts[found - function.arguments.begin()] = text;
  }
  std::vector<Array> arrays;
  for (auto [i, type] : llvm::enumerate(function.arguments)) {
    StringRef text = texts[i];
    bool random = text == "random" || text.starts_with("random:");
    text.consume_front("random");
    llvm::Expected<Array> array =
        random ? makeRandom(type, text, i, sizes, draws.empty() ? Draw::Normal : draws[i])
               : readInput(type, texts[i]);
    if (!array)
      return array.takeError();
    arrays.push_back(std::move(*array));
  }
  return arrays;
}
