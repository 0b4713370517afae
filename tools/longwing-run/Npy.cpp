//===- Npy.cpp - NumPy's file format --------------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format (numpy.lib.format): "\x93NUMPY", two bytes of version, the length of the header in 16
// (version 1) or 32 bits, the header as a Python dictionary, the elements.
//
//===----------------------------------------------------------------------===//

#include "tools/longwing-run/Npy.h"

#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/Endian.h"

#include <cmath>
#include <cstring>

using namespace longwing;
using namespace longwing::run;
using llvm::StringRef;

static constexpr llvm::StringLiteral magic("\x93NUMPY");

static llvm::Error error(const llvm::Twine &message) { return llvm::createStringError(message); }

//===----------------------------------------------------------------------===//
// The header
//===----------------------------------------------------------------------===//

namespace {
struct Header {
  StringRef descr;
  std::vector<int64_t> sizes;
  bool fortran = false;
};
} // namespace

/// What follows a key of the header's dictionary.
static StringRef valueOf(StringRef header, StringRef key) {
  size_t at = header.find(("'" + key + "':").str());
  return at == StringRef::npos ? StringRef() : header.drop_front(at + key.size() + 3).ltrim();
}

static llvm::Expected<Header> parseHeader(StringRef text) {
  Header header;
  StringRef descr = valueOf(text, "descr"), shape = valueOf(text, "shape");
  if (!descr.consume_front("'") || !shape.consume_front("("))
    return error("the header is malformed");
  header.descr = descr.take_until([](char c) { return c == '\''; });
  header.fortran = valueOf(text, "fortran_order").starts_with("True");
  for (StringRef size : llvm::split(shape.take_until([](char c) { return c == ')'; }), ',')) {
    int64_t number = 0;
    size = size.trim();
    if (size.empty())
      continue;
    if (size.getAsInteger(10, number) || number < 0 || header.sizes.size() == kMaxRank)
      return error("the header is malformed");
    header.sizes.push_back(number);
  }
  return header;
}

/// Splits a file into its header and its elements.
static llvm::Expected<std::pair<Header, StringRef>> split(StringRef bytes) {
  if (!bytes.consume_front(magic) || bytes.size() < 4)
    return error("expected an .npy file");
  bool wide = bytes[0] > 1;
  bytes = bytes.drop_front(2);
  if (wide && bytes.size() < 4)
    return error("the file is truncated");
  uint64_t length = wide ? llvm::support::endian::read32le(bytes.data())
                         : llvm::support::endian::read16le(bytes.data());
  bytes = bytes.drop_front(wide ? 4 : 2);
  if (length > bytes.size())
    return error("the file is truncated");
  llvm::Expected<Header> header = parseHeader(bytes.take_front(length));
  if (!header)
    return header.takeError();
  return std::make_pair(std::move(*header), bytes.drop_front(length));
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

namespace {
/// An element type of a file: how it is read as a double.
struct FileType {
  StringRef name;
  DType dtype;
  bool isSigned = true;
};
} // namespace

static const FileType fileTypes[] = {
    {"f2", DType::F16},        {"f4", DType::F32},        {"f8", DType::F64},
    {"b1", DType::I1},         {"i1", DType::I8},         {"i2", DType::I16},
    {"i4", DType::I32},        {"i8", DType::I64},        {"u1", DType::I8, false},
    {"u2", DType::I16, false}, {"u4", DType::I32, false},
};

/// Whether the elements of a file are those of `dtype`, bit for bit.
static bool sameBits(StringRef name, DType dtype) {
  if (dtype == DType::BF16)
    return name == "u2" || name == "V2";
  if (dtype == DType::F8E4M3 || dtype == DType::F8E5M2)
    return name == "u1" || name == "V1";
  for (const FileType &type : fileTypes)
    if (type.name == name)
      return type.dtype == dtype && type.isSigned;
  return false;
}

static double readUnsigned(const Array &array, int64_t index) {
  double value = array.get(index);
  return value < 0 ? value + std::ldexp(1.0, 8 * dtypeBytes(array.dtype)) : value;
}

static bool fits(double value, DType dtype) {
  if (dtype == DType::I1)
    return value == 0 || value == 1;
  double bound = std::ldexp(1.0, 8 * dtypeBytes(dtype) - 1);
  return value >= -bound && value < bound;
}

/// Elements of another type, one by one.
static llvm::Expected<Array> convert(const Header &header, StringRef elements, StringRef name,
                                     DType dtype) {
  for (const FileType &type : fileTypes) {
    if (type.name != name || isFloat(type.dtype) != isFloat(dtype))
      continue;
    Array from(type.dtype, {}), to(dtype, header.sizes);
    from.bytes.assign(elements.begin(), elements.end());
    for (int64_t i : llvm::seq(to.elements())) {
      double value = type.isSigned ? from.get(i) : readUnsigned(from, i);
      if (!isFloat(dtype) && !fits(value, dtype))
        return error("element " + llvm::Twine(i) + " does not fit " + dtypeName(dtype));
      to.set(i, value);
    }
    return to;
  }
  return error("expected elements of " + llvm::Twine(dtypeName(dtype)) + ", got '" + header.descr +
               "'");
}

llvm::Expected<Array> run::readNpy(StringRef bytes, DType dtype) {
  auto parts = split(bytes);
  if (!parts)
    return parts.takeError();
  auto &[header, elements] = *parts;
  if (header.fortran && header.sizes.size() > 1)
    return error("expected rows first, got Fortran order: save numpy.ascontiguousarray(x)");
  StringRef name = header.descr;
  if (!name.consume_front("<") && !name.consume_front("|"))
    return error("expected little-endian elements, got '" + header.descr + "'");
  uint64_t width = 0;
  if (name.drop_front(name.empty() ? 0 : 1).getAsInteger(10, width) || width == 0 || width > 16)
    return error("cannot read elements of '" + header.descr + "'");
  uint64_t expected = width;
  for (int64_t size : header.sizes) {
    std::optional<uint64_t> product = llvm::checkedMulUnsigned<uint64_t>(expected, size);
    if (!product)
      return error("the header is malformed");
    expected = *product;
  }
  if (elements.size() != expected)
    return error("expected " + llvm::Twine(expected) + " bytes of elements, got " +
                 llvm::Twine(elements.size()));
  if (!sameBits(name, dtype))
    return convert(header, elements, name, dtype);
  Array array(dtype, header.sizes);
  std::memcpy(array.bytes.data(), elements.data(), elements.size());
  return array;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static StringRef descrOf(DType dtype) {
  switch (dtype) {
  case DType::F16:
    return "<f2";
  case DType::BF16:
    return "<u2";
  case DType::F32:
    return "<f4";
  case DType::F64:
    return "<f8";
  case DType::F8E4M3:
  case DType::F8E5M2:
    return "|u1";
  case DType::I1:
    return "|b1";
  case DType::I8:
    return "|i1";
  case DType::I16:
    return "<i2";
  case DType::I32:
    return "<i4";
  case DType::I64:
    return "<i8";
  }
  return "";
}

std::string run::writeNpy(const Array &array) {
  std::string header =
      ("{'descr': '" + descrOf(array.dtype) + "', 'fortran_order': False, 'shape': (").str();
  for (int64_t size : array.sizes)
    header += std::to_string(size) + ", ";
  header += "), }";
  // The elements start at a multiple of 64 bytes; a line feed ends the header.
  size_t prefix = magic.size() + 4;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes = magic.str() + std::string("\x01\x00", 2);
  char length[2];
  llvm::support::endian::write16le(length, header.size());
  bytes.append(length, 2);
  bytes += header;
  bytes.append(array.bytes.begin(), array.bytes.end());
  return bytes;
}
