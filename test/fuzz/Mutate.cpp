//===- Mutate.cpp - Mutations of MLIR text --------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mutate.h"

#include <cctype>
#include <random>

namespace longwing {
namespace {

using Random = std::mt19937_64;
using Tokens = std::vector<std::string>;

size_t below(Random &random, size_t bound) { return bound ? random() % bound : 0; }

template <typename T>
const T &pick(Random &random, const std::vector<T> &choices) {
  return choices[below(random, choices.size())];
}

const Tokens numbers = {"0",
                        "1",
                        "2",
                        "3",
                        "7",
                        "8",
                        "16",
                        "24",
                        "64",
                        "72",
                        "80",
                        "96",
                        "127",
                        "128",
                        "192",
                        "256",
                        "264",
                        "512",
                        "4096",
                        "65536",
                        "2147483647",
                        "2147483648",
                        "4294967296",
                        "9223372036854775807",
                        "99999999999999999999",
                        "-1",
                        "-2",
                        "1.0",
                        "1.0e400",
                        "0x7FF0000000000000",
                        "?",
                        "nan"};
const Tokens types = {"f16",
                      "bf16",
                      "f32",
                      "f64",
                      "i1",
                      "i8",
                      "i32",
                      "i64",
                      "index",
                      "f8E4M3FN",
                      "tf32",
                      "none",
                      "complex<f32>",
                      "tensor<f32>",
                      "tensor<*xbf16>",
                      "tensor<0xf32>",
                      "memref<4xf32>",
                      "vector<4xf32>"};
const Tokens words = {"causal",
                      "scale = 0.0 : f64",
                      "scale = 1.0e300 : f64",
                      "scale = 0x7FF0000000000000 : f64",
                      "window = array<i64: 0, 0>",
                      "window = array<i64: -1, 5>",
                      "window = array<i64: -2, 0>",
                      "window = array<i64>",
                      "window = array<i64: 1, 2, 3>",
                      "score",
                      "mask",
                      "seq.yield",
                      "seq.attention",
                      "seq.config = {keys = 7}",
                      "return",
                      "func.func private",
                      "module",
                      "{",
                      "}",
                      "(",
                      ")",
                      "<",
                      ">",
                      ",",
                      ":",
                      "->",
                      "^bb0",
                      "^bb1",
                      "%q",
                      "%k",
                      "%v",
                      "%o",
                      "%score",
                      "%i",
                      "%j",
                      "%head",
                      "@main",
                      "@other",
                      "loc(unknown)",
                      "#tile.acc",
                      "arith.divf",
                      "arith.remsi",
                      "arith.constant",
                      "math.exp",
                      "math.tanh",
                      "tensor.extract",
                      "tensor.dim",
                      "arith.select",
                      "cf.br",
                      "scf.if",
                      "func.call @main",
                      "unknown.op",
                      "longwing.name",
                      "\"\"",
                      "\"\\00\""};

bool isWordCharacter(char c) {
  return isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
}

/// Words (numbers apart from the x between sizes), runs of space, and single signs.
Tokens split(const std::string &text) {
  Tokens tokens;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    if (isdigit(static_cast<unsigned char>(text[i])))
      while (end < text.size() && isdigit(static_cast<unsigned char>(text[end])))
        ++end;
    else if (isspace(static_cast<unsigned char>(text[i])))
      while (end < text.size() && isspace(static_cast<unsigned char>(text[end])))
        ++end;
    else if (isWordCharacter(text[i]) && text[i] != 'x')
      while (end < text.size() && isWordCharacter(text[end]))
        ++end;
    tokens.push_back(text.substr(i, end - i));
    i = end;
  }
  return tokens;
}

bool isNumber(const std::string &token) {
  return isdigit(static_cast<unsigned char>(token[0])) || token == "?";
}

bool isType(const std::string &token) {
  for (const std::string &type : types)
    if (token == type)
      return true;
  return false;
}

/// Position of a token that satisfies a condition, searched from a random place.
template <typename Condition>
size_t find(Random &random, const Tokens &tokens, Condition condition) {
  size_t start = below(random, tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i)
    if (condition(tokens[(start + i) % tokens.size()]))
      return (start + i) % tokens.size();
  return start;
}

/// Replaces a token; half of the time everywhere, so that types still agree.
void replace(Random &random, Tokens &tokens, size_t position, const std::string &with) {
  std::string old = tokens[position];
  if (below(random, 4) != 0)
    for (std::string &token : tokens)
      if (token == old)
        token = with;
  tokens[position] = with;
}

void changeTokens(Random &random, Tokens &tokens, const Tokens &other) {
  if (tokens.empty())
    return;
  size_t at = below(random, tokens.size());
  switch (below(random, 13)) {
  case 0:
  case 1:
  case 9:
  case 10:
  case 11:
    return replace(random, tokens, find(random, tokens, isNumber), pick(random, numbers));
  case 2:
    return replace(random, tokens, find(random, tokens, isType), pick(random, types));
  case 3:
    tokens.insert(tokens.begin() + at, " " + pick(random, words) + " ");
    return;
  case 4:
    tokens.erase(tokens.begin() + at);
    return;
  case 5:
    std::swap(tokens[at], tokens[below(random, tokens.size())]);
    return;
  case 6: { // attributes where they are allowed
    size_t brace = find(random, tokens, [](const std::string &token) { return token == "{"; });
    tokens.insert(tokens.begin() + brace + 1, pick(random, words) + ", ");
    return;
  }
  case 7: { // a piece said twice
    size_t length = 1 + below(random, 40);
    Tokens piece(tokens.begin() + at, tokens.begin() + std::min(tokens.size(), at + length));
    tokens.insert(tokens.begin() + at, piece.begin(), piece.end());
    return;
  }
  default: { // a piece of another text
    if (other.empty())
      return;
    size_t from = below(random, other.size()), length = 1 + below(random, 60);
    tokens.insert(tokens.begin() + at, other.begin() + from,
                  other.begin() + std::min(other.size(), from + length));
    return;
  }
  }
}

void changeBytes(Random &random, std::string &text) {
  if (text.empty())
    return;
  size_t at = below(random, text.size());
  switch (below(random, 3)) {
  case 0:
    text[at] = static_cast<char>(random());
    return;
  case 1:
    text.resize(at);
    return;
  default:
    text.insert(at, 1, static_cast<char>(random()));
    return;
  }
}

} // namespace

std::string mutate(const std::vector<std::string> &corpus, uint64_t seed, uint64_t index) {
  Random random(seed * 0x9E3779B97F4A7C15ull + index);
  Tokens tokens = split(pick(random, corpus)), other = split(pick(random, corpus));
  // Mostly one change: two wrongs are found in the parser more often than behind it.
  for (size_t changes = 1 + below(random, 2) * below(random, 4); changes > 0; --changes)
    changeTokens(random, tokens, other);
  std::string text;
  for (const std::string &token : tokens)
    text += token;
  if (below(random, 16) == 0)
    changeBytes(random, text);
  return text;
}

} // namespace longwing
