//===- Package.cpp - The file around a manifest and kernels ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layout, little-endian (README.md has the table):
//
//   header   magic[8], u32 version, u32 sections, u64 file size, u32 checksum of the
//            header and table with this field zero, u32 zero
//   table    a row for each section: u64 offset, u64 size, u32 checksum, u32 zero, name[40]
//   sections each at a multiple of 64, zeros between
//
// Every byte is covered by a checksum or must be zero, so no corruption goes unseen.
//
//===----------------------------------------------------------------------===//

#include "longwing/Package.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

using namespace longwing;

namespace {
// As in PNG: a first byte above 127, and line ends that a text-mode copy would change.
constexpr char kMagic[8] = {'\x89', 'L', 'W', 'P', '\r', '\n', '\x1a', '\n'};
constexpr size_t kHeaderBytes = 32, kRowBytes = 64, kNameBytes = 40, kSectionAlignment = 64;
constexpr size_t kChecksumOffset = 24;
constexpr uint32_t kMaxSections = 4096;
constexpr char kManifestSection[] = "manifest";

struct Row {
  uint64_t offset = 0, size = 0;
  uint32_t checksum = 0;
  std::string name;
};
} // namespace

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

/// CRC-32 of IEEE 802.3, as zlib computes it.
static uint32_t crc32(std::string_view bytes, uint32_t crc = 0) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> result;
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = (value >> 1) ^ (value & 1 ? 0xEDB88320u : 0);
      result[i] = value;
    }
    return result;
  }();
  crc = ~crc;
  for (unsigned char byte : bytes)
    crc = table[(crc ^ byte) & 255] ^ (crc >> 8);
  return ~crc;
}

template <typename T>
static void put(std::string &out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    out.push_back(char(value >> (8 * i)));
}

template <typename T>
static T get(std::string_view bytes, size_t offset) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value |= T(static_cast<unsigned char>(bytes[offset + i])) << (8 * i);
  return value;
}

static uint64_t alignUp(uint64_t value) {
  return (value + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

static Status bad(std::string message) {
  return Status(StatusCode::BadPackage, "package " + std::move(message));
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

unsigned Package::addModule(std::string cubin, std::string ptx) {
  unsigned number = manifest.modules.size();
  CodeInfo info;
  if (!cubin.empty()) {
    info.cubin = "cubin." + std::to_string(number);
    sections[info.cubin] = std::move(cubin);
  }
  if (!ptx.empty()) {
    info.ptx = "ptx." + std::to_string(number);
    sections[info.ptx] = std::move(ptx);
  }
  manifest.modules.push_back(info);
  return number;
}

unsigned Package::addConstant(DType dtype, std::vector<int64_t> shape, std::string bytes) {
  unsigned number = manifest.constants.size();
  std::string section = "constant." + std::to_string(number);
  manifest.constants.push_back({section, dtype, std::move(shape)});
  sections[section] = std::move(bytes);
  return number;
}

std::string Package::serialize() const {
  std::map<std::string, std::string_view> all(sections.begin(), sections.end());
  std::string text = manifest.json();
  all[kManifestSection] = text;

  uint64_t offset = alignUp(kHeaderBytes + kRowBytes * all.size());
  std::string table, body;
  for (const auto &[name, bytes] : all) {
    put<uint64_t>(table, offset + body.size());
    put<uint64_t>(table, bytes.size());
    put<uint32_t>(table, crc32(bytes));
    put<uint32_t>(table, 0);
    std::string padded = name.substr(0, kNameBytes - 1);
    padded.resize(kNameBytes);
    table += padded;
    body += bytes;
    body.resize(alignUp(body.size()));
  }
  std::string header(kMagic, sizeof(kMagic));
  put<uint32_t>(header, kPackageVersion);
  put<uint32_t>(header, all.size());
  put<uint64_t>(header, offset + body.size());
  put<uint64_t>(header, 0);
  header += table;
  std::string checksum;
  put<uint32_t>(checksum, crc32(header));
  header.replace(kChecksumOffset, checksum.size(), checksum);
  header.resize(offset);
  return header + body;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

bool longwing::isPackage(std::string_view bytes) {
  return bytes.substr(0, sizeof(kMagic)) == std::string_view(kMagic, sizeof(kMagic));
}

static Status truncated(uint64_t expected, uint64_t got) {
  return bad("is truncated: expected " + std::to_string(expected) + " bytes, got " +
             std::to_string(got));
}

/// Checks the header and gives the number of sections.
static Expected<uint32_t> readHeader(std::string_view bytes) {
  if (!isPackage(bytes)) {
    if (bytes.size() < sizeof(kMagic) &&
        bytes == std::string_view(kMagic, sizeof(kMagic)).substr(0, bytes.size()))
      return truncated(kHeaderBytes, bytes.size());
    return Status(StatusCode::BadPackage,
                  "not a package: it does not begin with Longwing's magic number");
  }
  if (bytes.size() < kHeaderBytes)
    return truncated(kHeaderBytes, bytes.size());
  auto version = get<uint32_t>(bytes, 8), sections = get<uint32_t>(bytes, 12);
  if (version > kPackageVersion)
    return bad("has the newer format version " + std::to_string(version) +
               "; this library reads versions up to " + std::to_string(kPackageVersion));
  if (version == 0 || sections > kMaxSections)
    return bad("is corrupted: its header is malformed");
  auto size = get<uint64_t>(bytes, 16);
  size_t tableEnd = kHeaderBytes + kRowBytes * sections;
  if (bytes.size() < tableEnd)
    return truncated(std::max<uint64_t>(size, tableEnd), bytes.size());
  std::string header(bytes.substr(0, tableEnd));
  header.replace(kChecksumOffset, 4, 4, '\0');
  if (crc32(header) != get<uint32_t>(bytes, kChecksumOffset))
    return bad("is corrupted: the checksum of its header does not match");
  if (bytes.size() < size)
    return truncated(size, bytes.size());
  if (bytes.size() > size)
    return bad("is corrupted: expected " + std::to_string(size) + " bytes, got " +
               std::to_string(bytes.size()));
  return sections;
}

static Expected<Row> readRow(std::string_view bytes, size_t at) {
  Row row;
  row.offset = get<uint64_t>(bytes, at);
  row.size = get<uint64_t>(bytes, at + 8);
  row.checksum = get<uint32_t>(bytes, at + 16);
  std::string_view name = bytes.substr(at + 24, kNameBytes);
  row.name = std::string(name.substr(0, name.find('\0')));
  if (row.offset > bytes.size() || row.size > bytes.size() - row.offset)
    return bad("is malformed: section '" + row.name + "' lies outside the file");
  return row;
}

Expected<Package> Package::parse(std::string_view bytes) {
  auto count = readHeader(bytes);
  if (!count)
    return count.status();
  Package package;
  uint64_t end = kHeaderBytes + kRowBytes * *count;
  for (uint32_t i = 0; i < *count; ++i) {
    auto row = readRow(bytes, kHeaderBytes + kRowBytes * i);
    if (!row)
      return row.status();
    if (row->offset < end || row->offset != alignUp(end))
      return bad("is malformed: section '" + row->name + "' is not where it belongs");
    std::string_view gap = bytes.substr(end, row->offset - end);
    std::string_view content = bytes.substr(row->offset, row->size);
    if (crc32(content) != row->checksum || gap.find_first_not_of('\0') != gap.npos)
      return bad("is corrupted: the checksum of section '" + row->name + "' does not match");
    if (!package.sections.emplace(row->name, content).second)
      return bad("is malformed: it has two sections '" + row->name + "'");
    end = row->offset + row->size;
  }
  if (bytes.substr(end).find_first_not_of('\0') != bytes.npos || bytes.size() != alignUp(end))
    return bad("is corrupted: bytes follow its last section");
  auto text = package.sections.extract(kManifestSection);
  if (!text)
    return bad("is malformed: it has no manifest");
  auto manifest = Manifest::parse(text.mapped());
  if (!manifest)
    return manifest.status();
  package.manifest = std::move(*manifest);
  if (Status status = package.checkSections(); !status)
    return status;
  return package;
}

Status Package::checkSections() const {
  auto missing = [&](const std::string &name) { return !name.empty() && !sections.count(name); };
  for (const CodeInfo &code : manifest.modules)
    for (const std::string &name : {code.cubin, code.ptx})
      if (missing(name))
        return bad("is malformed: its manifest names a missing section '" + name + "'");
  for (const ConstantInfo &constant : manifest.constants) {
    if (missing(constant.section))
      return bad("is malformed: its manifest names a missing section '" + constant.section + "'");
    uint64_t bytes = dtypeBytes(constant.dtype);
    for (int64_t size : constant.shape)
      if (__builtin_mul_overflow(bytes, uint64_t(size), &bytes))
        return bad("is malformed: '" + constant.section + "' is too large");
    if (sections.at(constant.section).size() != bytes)
      return bad("is malformed: expected " + std::to_string(bytes) + " bytes in section '" +
                 constant.section + "', got " +
                 std::to_string(sections.at(constant.section).size()));
  }
  return Status();
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

static Status ioError(const std::string &what, const std::string &path) {
  return Status(StatusCode::IO, what + " '" + path + "': " + std::strerror(errno));
}

Expected<std::string> longwing::readFile(const std::string &path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0)
    return ioError("cannot open", path);
  if (S_ISDIR(info.st_mode)) {
    errno = EISDIR;
    return ioError("cannot read", path);
  }
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return ioError("cannot open", path);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad())
    return ioError("cannot read", path);
  return bytes;
}

Status longwing::writeFileAtomically(const std::string &path, std::string_view bytes) {
  std::string temporary = path + ".XXXXXX";
  int file = ::mkstemp(temporary.data());
  if (file < 0)
    return ioError("cannot write", path);
  // mkstemp makes the file private; give it the permissions that any new file would have.
  mode_t mask = ::umask(0);
  ::umask(mask);
  bool written = ::fchmod(file, 0666 & ~mask) == 0;
  for (size_t done = 0; written && done < bytes.size();) {
    ssize_t count = ::write(file, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    written = count > 0;
    done += written ? size_t(count) : 0;
  }
  written = (::close(file) == 0) && written;
  if (written && ::rename(temporary.c_str(), path.c_str()) == 0)
    return Status();
  Status status = ioError("cannot write", path);
  ::unlink(temporary.c_str());
  return status;
}

Status Package::write(const std::string &path) const {
  return writeFileAtomically(path, serialize());
}

Expected<Package> Package::read(const std::string &path) {
  auto bytes = readFile(path);
  if (!bytes)
    return bytes.status();
  auto package = parse(*bytes);
  if (!package)
    return Status(package.status().code(), "'" + path + "': " + package.status().message());
  return package;
}
