//===- PackageTest.cpp - Expressions, manifests, package files ------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPackage.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <random>

using namespace longwing;
using Kind = Expr::Kind;
using testing::HasSubstr;

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

static Expected<int64_t> evaluate(Kind kind, std::vector<int64_t> operands) {
  Expr expr;
  expr.kind = kind;
  expr.operands.assign(operands.begin(), operands.end());
  return expr.evaluate({});
}

TEST(Expr, EveryOperation) {
  EXPECT_EQ(*evaluate(Kind::Add, {2, 3}), 5);
  EXPECT_EQ(*evaluate(Kind::Sub, {2, 3}), -1);
  EXPECT_EQ(*evaluate(Kind::Mul, {-2, 3}), -6);
  EXPECT_EQ(*evaluate(Kind::Div, {-7, 2}), -4);
  EXPECT_EQ(*evaluate(Kind::Div, {7, 2}), 3);
  EXPECT_EQ(*evaluate(Kind::CeilDiv, {7, 2}), 4);
  EXPECT_EQ(*evaluate(Kind::CeilDiv, {-7, 2}), -3);
  EXPECT_EQ(*evaluate(Kind::Mod, {-7, 4}), 1);
  EXPECT_EQ(*evaluate(Kind::Min, {1, 2}), 1);
  EXPECT_EQ(*evaluate(Kind::Max, {1, 2}), 2);
  EXPECT_EQ(*evaluate(Kind::Eq, {1, 2}), 0);
  EXPECT_EQ(*evaluate(Kind::Ne, {1, 2}), 1);
  EXPECT_EQ(*evaluate(Kind::Lt, {1, 2}), 1);
  EXPECT_EQ(*evaluate(Kind::Le, {2, 2}), 1);
  EXPECT_EQ(*evaluate(Kind::Select, {0, 1, 2}), 2);
}

TEST(Expr, RefusesWhatHasNoValue) {
  EXPECT_FALSE(evaluate(Kind::Mul, {INT64_MAX, 2}).ok());
  EXPECT_FALSE(evaluate(Kind::Add, {INT64_MAX, 1}).ok());
  EXPECT_FALSE(evaluate(Kind::Sub, {INT64_MIN, 1}).ok());
  EXPECT_FALSE(evaluate(Kind::Div, {1, 0}).ok());
  EXPECT_FALSE(evaluate(Kind::CeilDiv, {1, -1}).ok());
  EXPECT_FALSE(evaluate(Kind::Mod, {1, 0}).ok());
  EXPECT_EQ(*evaluate(Kind::Div, {INT64_MIN, 1}), INT64_MIN);
}

TEST(Expr, SelectEvaluatesOneSide) {
  Expr division;
  division.kind = Kind::Div;
  division.operands = {1, 0};
  Expr select;
  select.kind = Kind::Select;
  select.operands = {1, 7, division};
  EXPECT_EQ(*select.evaluate({}), 7);
}

TEST(Expr, Folds) {
  EXPECT_TRUE(Expr::make(Kind::Mul, {6, 7}).isConst(42));
  EXPECT_EQ(Expr::make(Kind::Mul, {1, Expr::dim(0, 1)}), Expr::dim(0, 1));
  EXPECT_EQ(Expr::make(Kind::Add, {Expr::dim(0, 1), 0}), Expr::dim(0, 1));
  // What has no value stays, and is refused when it is evaluated.
  EXPECT_FALSE(Expr::make(Kind::Div, {1, 0}).isConst());
}

TEST(Expr, Prints) {
  Expr expr = Expr::make(Kind::CeilDiv, {Expr::make(Kind::Add, {Expr::dim(0, 2), 1}), 128});
  EXPECT_EQ(expr.str({"q"}), "ceildiv((q.2 + 1), 128)");
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

TEST(Package, RoundTrip) {
  Package package = test::scalePackage();
  std::string bytes = package.serialize();
  EXPECT_TRUE(isPackage(bytes));
  auto read = Package::parse(bytes);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->manifest.json(), package.manifest.json());
  EXPECT_EQ(read->sections, package.sections);
  EXPECT_EQ(read->serialize(), bytes);
}

TEST(Package, WritesAtOnce) {
  auto folder = std::filesystem::path(testing::TempDir()) / "longwing_package_test";
  std::filesystem::create_directories(folder);
  std::string path = folder / "scale.lwp";
  Status written = test::scalePackage().write(path);
  ASSERT_TRUE(written.ok()) << written.message();
  auto read = Package::read(path);
  ASSERT_TRUE(read.ok()) << read.status().message();
  // No temporary file is left, neither by a success nor by a failure.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  Status refused = test::scalePackage().write(folder / "missing" / "scale.lwp");
  EXPECT_EQ(refused.code(), StatusCode::IO);
  EXPECT_THAT(refused.message(), HasSubstr("No such file"));
  std::filesystem::create_directories(folder / "taken");
  EXPECT_EQ(test::scalePackage().write(folder / "taken").code(), StatusCode::IO);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 2);
  std::filesystem::remove_all(folder);
}

static std::string messageOf(std::string_view bytes) {
  auto package = Package::parse(bytes);
  EXPECT_FALSE(package.ok());
  EXPECT_EQ(package.status().code(), StatusCode::BadPackage);
  return package.status().message();
}

TEST(Package, SaysWhatIsWrong) {
  std::string good = test::scalePackage().serialize();
  EXPECT_THAT(messageOf("module {}"), HasSubstr("not a package"));
  EXPECT_THAT(messageOf(""), HasSubstr("truncated"));
  EXPECT_THAT(messageOf(good.substr(0, 20)), HasSubstr("truncated"));
  EXPECT_THAT(messageOf(good.substr(0, good.size() - 1)), HasSubstr("truncated: expected"));
  EXPECT_THAT(messageOf(good + "x"), HasSubstr("corrupted"));
  std::string newer = good;
  newer[8] = 2;
  EXPECT_THAT(messageOf(newer), HasSubstr("newer format version 2"));
  std::string header = good;
  header[40] ^= 1;
  EXPECT_THAT(messageOf(header), HasSubstr("checksum of its header"));
  std::string body = good;
  body[good.find("cubin bytes")] ^= 1;
  EXPECT_THAT(messageOf(body), HasSubstr("checksum of section 'cubin.0'"));
}

TEST(Package, ChecksItsSections) {
  Package package = test::scalePackage();
  package.sections.erase("cubin.0");
  EXPECT_THAT(messageOf(package.serialize()), HasSubstr("missing section 'cubin.0'"));
  package = test::scalePackage();
  package.sections["constant.0"].pop_back();
  EXPECT_THAT(messageOf(package.serialize()), HasSubstr("expected 8 bytes in section"));
}

/// Every change of a byte and every truncation is seen.
TEST(Package, RefusesEveryMutation) {
  std::string good = test::scalePackage().serialize();
  std::mt19937 random(1);
  for (int i = 0; i < 4000; ++i) {
    std::string bad = good;
    size_t at = random() % bad.size();
    bad[at] = char(bad[at] ^ (1 + random() % 255));
    EXPECT_FALSE(Package::parse(bad).ok()) << "byte " << at;
  }
  for (size_t length = 0; length < good.size(); length += 1 + random() % 4)
    EXPECT_FALSE(Package::parse(std::string_view(good).substr(0, length)).ok()) << length;
  for (int i = 0; i < 1000; ++i) {
    std::string noise(random() % 512, '\0');
    for (char &byte : noise)
      byte = char(random());
    EXPECT_FALSE(Package::parse(noise).ok());
    // Behind a good start, too.
    (void)Package::parse(good.substr(0, 8 + random() % 200) + noise);
  }
}

//===----------------------------------------------------------------------===//
// Manifests
//===----------------------------------------------------------------------===//

/// The message about a manifest in which `from` is replaced.
static std::string manifestError(std::string_view from, const std::string &to) {
  std::string text = test::scalePackage().manifest.json();
  size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  text.replace(at, from.size(), to);
  auto manifest = Manifest::parse(text);
  EXPECT_FALSE(manifest.ok()) << from;
  EXPECT_THAT(manifest.status().message(), HasSubstr("manifest is malformed"));
  return manifest.status().message();
}

TEST(Manifest, SaysWhatIsWrong) {
  EXPECT_THAT(manifestError("{", ""), HasSubstr("not JSON"));
  EXPECT_THAT(manifestError("\"sm_90a\"", "90"), HasSubstr("expected a string at 'target'"));
  EXPECT_THAT(manifestError("\"bf16\"", "\"bf15\""),
              HasSubstr("expected an element type at 'functions[0].arguments[0].dtype'"));
  EXPECT_THAT(manifestError("\"ceildiv\"", "\"ceil\""), HasSubstr("expected an expression"));
  EXPECT_THAT(manifestError("\"block\": 256", "\"block\": 2048"),
              HasSubstr("expected an integer from 1 to 1024"));
  EXPECT_THAT(manifestError("\"buffer\",\n        0", "\"buffer\",\n        3"),
              HasSubstr("at 'functions[0].launches[0].parameters[1].storage[1]'"));
  EXPECT_THAT(manifestError("\"eq\"", "\"add\""), HasSubstr("one of eq, ne, lt and le"));
}

TEST(Manifest, BoundsDepth) {
  std::string deep;
  for (int i = 0; i < 100000; ++i)
    deep += "[\"add\",1,";
  deep += "1" + std::string(100000, ']');
  EXPECT_THAT(manifestError("[\n      \"min\"", deep + ",[\n \"min\""), HasSubstr("malformed"));
}

/// Mutations that are still JSON reach the reader: it must refuse or read, never crash.
TEST(Manifest, SurvivesMutations) {
  std::string good = test::scalePackage().manifest.json();
  const std::string tokens[] = {"0",
                                "-1",
                                "null",
                                "[]",
                                "{}",
                                "\"dim\"",
                                "9223372036854775807",
                                "18446744073709551615",
                                "1e99",
                                "\"\"",
                                "[\"dim\",0,9]"};
  std::mt19937 random(2);
  int read = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string text = good;
    for (unsigned changes = 1 + random() % 3; changes-- > 0;) {
      size_t at = random() % text.size();
      if (random() % 2)
        text.replace(at, random() % 12, tokens[random() % std::size(tokens)]);
      else
        text[at] = char(random());
    }
    auto manifest = Manifest::parse(text);
    if (!manifest)
      continue;
    ++read;
    auto again = Manifest::parse(manifest->json());
    EXPECT_TRUE(again.ok()) << again.status().message();
  }
  EXPECT_GT(read, 0);
}
