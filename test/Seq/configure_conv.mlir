// RUN: longwing-opt %s --seq-configure | FileCheck %s
// RUN: not longwing-opt %s --split-input-file --seq-configure="conv=plain" | FileCheck %s --check-prefix=PLAIN
// RUN: not longwing-opt %s --split-input-file --seq-configure="conv=plain" 2>&1 | FileCheck %s --check-prefix=PREPARED
// RUN: longwing-opt %s --seq-configure="conv=toeplitz" | FileCheck %s --check-prefix=TOEPLITZ
// RUN: not longwing-opt %s --split-input-file --seq-configure="radices=64x64" | FileCheck %s --check-prefix=RADICES
// RUN: not longwing-opt %s --seq-configure="radices=16x16" 2>&1 | FileCheck %s --check-prefix=SHORT
// RUN: not longwing-opt %s --seq-configure="radices=16x1" 2>&1 | FileCheck %s --check-prefix=ONE
// RUN: not longwing-opt %s --split-input-file --seq-configure="precise=true" | FileCheck %s --check-prefix=PRECISE
// RUN: not longwing-opt %s --split-input-file --seq-configure="precise=true" 2>&1 | FileCheck %s --check-prefix=IMPRECISE
// RUN: not longwing-opt %s --seq-configure="precise=very" 2>&1 | FileCheck %s --check-prefix=FLAG
// RUN: not longwing-opt %s --seq-configure="conv=fast" 2>&1 | FileCheck %s --check-prefix=UNKNOWN

!u = tensor<?x768x4096xf16>

// A filter as long as the sequence is transformed: the reason gives each candidate's estimate.
// CHECK-LABEL: @long_filter
// PLAIN-LABEL: @long_filter
// PLAIN: seq.plain = "'seq.long_conv' is to have a plain kernel (conv=plain)"
// PREPARED: error: schedule option 'conv': expected a filter in time for a plain kernel, got a prepared spectrum
// CHECK: seq.config = {algorithm = "transform", radices = array<i64: 16, 16, 16>, reason = "toeplitz 6.{{[0-9]+}} ps an output (products); transform 16x16x16 1.{{[0-9]+}} ps an output (products)"}
// TOEPLITZ: seq.config = {algorithm = "toeplitz", radices = array<i64>, reason = "forced; toeplitz
// RADICES: seq.config = {algorithm = "transform", radices = array<i64: 64, 64>, reason = "forced;
// SHORT: error: schedule option 'radices': expected them to make up length 4096 or more, got 256
// PRECISE: seq.config = {algorithm = "transform", precise, radices = array<i64: 16, 16, 16>
// IMPRECISE: error: schedule option 'precise': precise transforms take up to 4096 samples, or two blocks of as many
// FLAG: error: schedule option 'precise': expected true or false, got 'very'
// ONE: configure_conv.mlir:[[@LINE+3]]:{{[0-9]+}}: error: schedule option 'radices': expected numbers from 2 to 4096 such as 16x16x16, got '16x1'
// UNKNOWN: error: schedule option 'conv': expected toeplitz, transform, blocks, multipass, stages or plain, got 'fast'
func.func @long_filter(%u: !u, %h: tensor<768x4096xf32>) -> !u {
  %y = seq.long_conv causal %u filter(%h : tensor<768x4096xf32>) taps first : !u -> !u
  return %y : !u
}

// A short one is a few Toeplitz blocks, and so is a short sequence.
// CHECK-LABEL: @short_filter
// CHECK: seq.config = {algorithm = "toeplitz"
func.func @short_filter(%u: !u, %h: tensor<768x128xf32>) -> !u {
  %y = seq.long_conv causal %u filter(%h : tensor<768x128xf32>) taps first : !u -> !u
  return %y : !u
}

// Gates are memory, under which products hide.
// CHECK-LABEL: @gated
// CHECK: reason = "toeplitz {{.*}}; transform 16x16x16 1.87 ps an output (memory)"
func.func @gated(%u: !u, %h: tensor<768x4096xf32>) -> !u {
  %y = seq.long_conv causal %u filter(%h : tensor<768x4096xf32>) taps first pre(%u : !u) post(%u : !u) : !u -> !u
  return %y : !u
}

// -----

// A causal convolution is cut in blocks; another one takes the next length that a kernel has, a circular one only its own.
// CHECK-LABEL: @odd_lengths
// CHECK: seq.long_conv causal {{.*}}algorithm = "blocks", radices = array<i64: 16, 16, 16>, reason = "{{.*}}; blocks of 4096, 4 deep, {{.*}}; transform 64x16x16
// CHECK: seq.long_conv circular {{.*}}radices = array<i64: 73, 6, 5, 4>
// It can be two-sided instead. Where its filter wraps more than once only a kernel's own transform does for that.
// CHECK: seq.long_conv circular {{.*}}radices = array<i64: 64, 16, 16>
// CHECK: seq.long_conv circular {{.*}}algorithm = "transform", radices = array<i64>, {{.*}}no radices make up this length
func.func @odd_lengths(%u: tensor<1x4x14113xf16>, %h: tensor<4x14113xf32>, %v: tensor<1x4x8760xf16>, %k: tensor<4x14114xf32>) {
  %a = seq.long_conv causal %u filter(%h : tensor<4x14113xf32>) taps first : tensor<1x4x14113xf16> -> tensor<1x4x14113xf16>
  %b = seq.long_conv circular %v filter(%h : tensor<4x14113xf32>) taps first : tensor<1x4x8760xf16> -> tensor<1x4x8760xf16>
  %c = seq.long_conv circular %u filter(%h : tensor<4x14113xf32>) taps first : tensor<1x4x14113xf16> -> tensor<1x4x14113xf16>
  %d = seq.long_conv circular %u filter(%k : tensor<4x14114xf32>) taps first : tensor<1x4x14113xf16> -> tensor<1x4x14113xf16>
  return
}

// Beyond what one CTA holds, the first stage is a pass of its own. Of blocks it has fewer rows. A circular convolution at the roots
// of 1 has half of them, and is in no blocks.
// CHECK-LABEL: @longest
// CHECK: algorithm = "multipass", radices = array<i64: 32, 32, 32, 32>
// CHECK: algorithm = "multipass", radices = array<i64: 2, 32, 32, 32>, reason = "toeplitz {{[0-9.]*}} ps an output (products); transform
// CHECK: algorithm = "blocks", radices = array<i64: 128, 16, 16, 16>, reason = "{{.*}}; blocks of 524288, 2 deep, {{.*}} (passes); transform 32x32x32x32 {{.*}} (passes)"
// CHECK: algorithm = "blocks", radices = array<i64: 128, 16, 16, 16>, reason = "{{.*}}; blocks of 524288, 6 deep,
// Beside a skip an outer pass has fewer rows, and a filter that ends early reaches over fewer blocks.
// CHECK: algorithm = "blocks", radices = array<i64: 256, 16, 16, 16>, reason = "{{.*}}; blocks of 1048576, 8 deep,
// CHECK: algorithm = "toeplitz", {{.*}}; no radices make up this length
// CHECK: algorithm = "blocks", radices = array<i64: 128, 16, 16, 16>, reason = "{{.*}}; blocks of 524288, 3 deep,
func.func @longest(%u: tensor<1x4x1048576xf16>, %h: tensor<4x1048576xf32>, %v: tensor<1x4x3000000xf16>, %w: tensor<1x4x8000000xf16>,
                   %k: tensor<4x8000000xf32>, %d: tensor<4xf32>, %t: tensor<1x4x65536xf16>, %l: tensor<4x65536xf32>) {
  %a = seq.long_conv circular %u filter(%h : tensor<4x1048576xf32>) taps first : tensor<1x4x1048576xf16> -> tensor<1x4x1048576xf16>
  %n = seq.long_conv circular %t filter(%l : tensor<4x65536xf32>) taps first : tensor<1x4x65536xf16> -> tensor<1x4x65536xf16>
  %b = seq.long_conv causal %u filter(%h : tensor<4x1048576xf32>) taps first : tensor<1x4x1048576xf16> -> tensor<1x4x1048576xf16>
  %c = seq.long_conv anticausal %v filter(%k : tensor<4x8000000xf32>) taps first : tensor<1x4x3000000xf16> -> tensor<1x4x3000000xf16>
  %g = seq.long_conv causal %w filter(%k : tensor<4x8000000xf32>) taps first : tensor<1x4x8000000xf16> -> tensor<1x4x8000000xf16>
  %e = seq.long_conv causal %w filter(%k : tensor<4x8000000xf32>) taps first skip(%d : tensor<4xf32>) : tensor<1x4x8000000xf16> -> tensor<1x4x8000000xf16>
  %f = seq.long_conv causal %w filter(%h : tensor<4x1048576xf32>) taps first skip(%d : tensor<4xf32>) : tensor<1x4x8000000xf16> -> tensor<1x4x8000000xf16>
  return
}


// CHECK-LABEL: @open_length
// CHECK: algorithm = "toeplitz", {{.*}}a transform needs a static length
// A prepared spectrum has decided.
// CHECK: algorithm = "transform", radices = array<i64: 8, 8>, reason = "the spectrum is prepared for it"
func.func @open_length(%u: tensor<1x4x?xf16>, %h: tensor<4x64xf32>) {
  %a = seq.long_conv causal %u filter(%h : tensor<4x64xf32>) taps first : tensor<1x4x?xf16> -> tensor<1x4x?xf16>
  %s = seq.prepare_filter causal %h taps first {radices = array<i64: 8, 8>} : tensor<4x64xf32> -> tensor<4x64x2xf32>
  %b = seq.long_conv causal %u spectrum(%s : tensor<4x64x2xf32>) {radices = array<i64: 8, 8>} : tensor<1x4x?xf16> -> tensor<1x4x?xf16>
  return
}
