//===- EmitTestHeader.cpp - Writes the headers that HeaderTest.cpp uses ---===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestPackage.h"
#include "lib/Target/Header.h"

#include <cstdio>

using namespace longwing;

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  const std::pair<Package, std::string> headers[] = {{test::scalePackage(), "scaling"},
                                                     {test::oddPackage(), "odd names"}};
  for (int i = 0; i < 2; ++i) {
    auto text = emitHeader(headers[i].first, headers[i].second);
    Status status = text ? writeFileAtomically(argv[i + 1], *text) : text.status();
    if (!status) {
      std::fprintf(stderr, "%s\n", status.message().c_str());
      return 1;
    }
  }
  return 0;
}
