//===- main.cpp - An application with an embedded kernel ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Computes causal attention on the card and compares it with double precision on the host. An
// application that uses the CUDA runtime would take its memory and streams from there; this one
// has only the generated header, so it takes them from the driver that the header has opened.
//
// Exit code: 0 if the results agree, 1 if they do not, 2 if the kernel could not run.
//
//===----------------------------------------------------------------------===//

#include "attention.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

namespace {

constexpr int64_t kBatch = 2, kHeads = 4, kKeyHeads = 2, kLength = 300, kWidth = 64;

/// Rounds to the nearest bfloat16.
uint16_t toBF16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return uint16_t((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

double fromBF16(uint16_t value) {
  uint32_t bits = uint32_t(value) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof(result));
  return double(result);
}

std::vector<uint16_t> randomTensor(int64_t elements, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<uint16_t> result(static_cast<size_t>(elements));
  std::generate(result.begin(), result.end(), [&] { return toBF16(normal(generator)); });
  return result;
}

/// One row of the result: o = sum_j softmax_j(q . k_j / sqrt(D)) v_j, over the keys up to the row.
std::vector<double> attend(const uint16_t *q, const uint16_t *k, const uint16_t *v, int64_t row) {
  std::vector<double> scores, result(kWidth);
  for (int64_t j = 0; j <= row; ++j) {
    double score = 0;
    for (int64_t d = 0; d < kWidth; ++d)
      score += fromBF16(q[row * kWidth + d]) * fromBF16(k[j * kWidth + d]);
    scores.push_back(score / std::sqrt(double(kWidth)));
  }
  double most = *std::max_element(scores.begin(), scores.end()), sum = 0;
  for (double &score : scores)
    sum += score = std::exp(score - most);
  for (int64_t j = 0; j <= row; ++j)
    for (int64_t d = 0; d < kWidth; ++d)
      result[size_t(d)] += scores[size_t(j)] / sum * fromBF16(v[j * kWidth + d]);
  return result;
}

/// The relative L2 error of the whole result.
double errorOf(const std::vector<uint16_t> &q, const std::vector<uint16_t> &k,
               const std::vector<uint16_t> &v, const std::vector<uint16_t> &o) {
  double difference = 0, norm = 0;
  for (int64_t b = 0; b < kBatch; ++b)
    for (int64_t h = 0; h < kHeads; ++h) {
      int64_t head = (b * kHeads + h) * kLength * kWidth;
      int64_t keys = (b * kKeyHeads + h / (kHeads / kKeyHeads)) * kLength * kWidth;
      for (int64_t i = 0; i < kLength; ++i) {
        std::vector<double> row = attend(&q[size_t(head)], &k[size_t(keys)], &v[size_t(keys)], i);
        for (int64_t d = 0; d < kWidth; ++d) {
          double got = fromBF16(o[size_t(head + i * kWidth + d)]), exact = row[size_t(d)];
          difference += (got - exact) * (got - exact);
          norm += exact * exact;
        }
      }
    }
  return std::sqrt(difference / norm);
}

/// Memory on the card, freed with its owner.
class Buffer {
public:
  Buffer(const attention::lw::Driver &cuda, size_t size) : cuda(cuda) {
    error = cuda.check(cuda.cuMemAlloc_v2(&address, std::max<size_t>(size, 1)), "cuMemAlloc");
  }
  Buffer(const attention::lw::Driver &cuda, const std::vector<uint16_t> &host)
      : Buffer(cuda, host.size() * 2) {
    if (!error)
      error =
          cuda.check(cuda.cuMemcpyHtoD_v2(address, host.data(), host.size() * 2), "cuMemcpyHtoD");
  }
  Buffer(const Buffer &) = delete;
  ~Buffer() {
    if (address)
      cuda.cuMemFree_v2(address);
  }
  void *data() const { return reinterpret_cast<void *>(address); }

  attention::lw::CUdeviceptr address = 0;
  int error = 0;

private:
  const attention::lw::Driver &cuda;
};

/// Fills `o`; returns 0 or an error code.
int runOnCard(const std::vector<uint16_t> &q, const std::vector<uint16_t> &k,
              const std::vector<uint16_t> &v, std::vector<uint16_t> &o) {
  const attention::lw::Driver *cuda = attention::lw::driver();
  if (!cuda)
    return attention::lw::kNoDriver;
  attention::lw::ContextScope scope;
  if (int code = scope.enter(*cuda))
    return code;
  Buffer qMemory(*cuda, q), kMemory(*cuda, k), vMemory(*cuda, v), oMemory(*cuda, o.size() * 2);
  auto queries = attention::lw::contiguous(qMemory.data(), {kBatch, kHeads, kLength, kWidth});
  auto keys = attention::lw::contiguous(kMemory.data(), {kBatch, kKeyHeads, kLength, kWidth});
  auto values = attention::lw::contiguous(vMemory.data(), {kBatch, kKeyHeads, kLength, kWidth});
  auto result = attention::lw::contiguous(oMemory.data(), {kBatch, kHeads, kLength, kWidth});
  for (const Buffer *buffer : {&qMemory, &kMemory, &vMemory, &oMemory})
    if (buffer->error)
      return buffer->error;

  int64_t bytes = 0;
  if (int code = attention::attention_workspace_bytes(queries, keys, values, &bytes))
    return code;
  Buffer workspace(*cuda, size_t(bytes));
  if (workspace.error)
    return workspace.error;
  if (int code = attention::attention_launch(queries, keys, values, result, workspace.data(),
                                             /*stream=*/nullptr))
    return code;
  // The copy waits for the kernel, which runs on the default stream.
  return cuda->check(cuda->cuMemcpyDtoH_v2(o.data(), oMemory.address, o.size() * 2),
                     "cuMemcpyDtoH");
}

} // namespace

int main() {
  std::vector<uint16_t> q = randomTensor(kBatch * kHeads * kLength * kWidth, 1);
  std::vector<uint16_t> k = randomTensor(kBatch * kKeyHeads * kLength * kWidth, 2);
  std::vector<uint16_t> v = randomTensor(kBatch * kKeyHeads * kLength * kWidth, 3);
  std::vector<uint16_t> o(q.size());
  if (int code = runOnCard(q, k, v, o)) {
    std::fprintf(stderr, "attention did not run (code %d): %s\n", code, attention::error_message());
    return 2;
  }
  double error = errorOf(q, k, v, o);
  // bfloat16 rounds the probabilities and the result to 8 bits.
  constexpr double kTolerance = 5e-3;
  std::printf("relative L2 error against double precision: %.2e (at most %.0e)\n", error,
              kTolerance);
  return error <= kTolerance ? 0 : 1;
}
