// RUN: longwing-opt %s --seq-configure | FileCheck %s
// RUN: longwing-opt %s --seq-configure="consumers=1 keys=32 stages=3 persistent=false overlap=false" | FileCheck %s --check-prefix=FORCED
// RUN: not longwing-opt %s --seq-configure="keys=100" 2>&1 | FileCheck %s --check-prefix=KEYS
// RUN: not longwing-opt %s --seq-configure="keys=256 stages=8" 2>&1 | FileCheck %s --check-prefix=SRAM
// RUN: not longwing-opt %s --seq-configure="persistent=maybe" 2>&1 | FileCheck %s --check-prefix=FLAG

// The table gives each operation its tiles; an option overrides the table.

// CHECK-LABEL: @head_128
// CHECK: seq.config = {consumers = 2 : i64, keys = 128 : i64, overlap = true, persistent = true, query_stages = 1 : i64, stages = 2 : i64}
// FORCED: seq.config = {consumers = 1 : i64, keys = 32 : i64, overlap = false, persistent = false, query_stages = 1 : i64, stages = 3 : i64}
// KEYS: configure.mlir:[[@LINE+4]]:{{[0-9]+}}: error: schedule option 'keys': expected a multiple of 16 from 16 to 256, got 100
// SRAM: error: the schedule needs {{[0-9]+}} bytes of SRAM, more than the 232448 of a multiprocessor
// FLAG: error: schedule option 'persistent': expected true or false, got 'maybe'
func.func @head_128(%q: tensor<1x2x?x128xbf16>, %k: tensor<1x2x?x128xbf16>) -> tensor<1x2x?x128xbf16> {
  %o = seq.attention %q, %k, %k : tensor<1x2x?x128xbf16>, tensor<1x2x?x128xbf16>, tensor<1x2x?x128xbf16> -> tensor<1x2x?x128xbf16>
  return %o : tensor<1x2x?x128xbf16>
}

// Small heads leave registers for a third consumer warpgroup and SRAM to load ahead, ...
// CHECK-LABEL: @head_64
// CHECK: seq.config = {consumers = 3 : i64, keys = 128 : i64, overlap = true, persistent = true, query_stages = 2 : i64, stages = 2 : i64}
func.func @head_64(%q: tensor<1x2x?x64xbf16>, %k: tensor<1x2x?x64xbf16>) -> tensor<1x2x?x64xbf16> {
  %o = seq.attention %q, %k, %k : tensor<1x2x?x64xbf16>, tensor<1x2x?x64xbf16>, tensor<1x2x?x64xbf16> -> tensor<1x2x?x64xbf16>
  return %o : tensor<1x2x?x64xbf16>
}

// ... large ones for fewer keys and slots.
// CHECK-LABEL: @head_256
// CHECK: seq.config = {consumers = 2 : i64, keys = {{64|80}} : i64
func.func @head_256(%q: tensor<1x2x?x256xbf16>, %k: tensor<1x2x?x256xbf16>) -> tensor<1x2x?x256xbf16> {
  %o = seq.attention %q, %k, %k : tensor<1x2x?x256xbf16>, tensor<1x2x?x256xbf16>, tensor<1x2x?x256xbf16> -> tensor<1x2x?x256xbf16>
  return %o : tensor<1x2x?x256xbf16>
}

// A window's kernel has three loops over keys; smaller tiles keep it from spilling.
// CHECK-LABEL: @window
// CHECK: seq.config = {consumers = 2 : i64, keys = 112 : i64
func.func @window(%q: tensor<1x2x?x128xbf16>, %k: tensor<1x2x?x128xbf16>) -> tensor<1x2x?x128xbf16> {
  %o = seq.attention %q, %k, %k {window = array<i64: 63, 0>} : tensor<1x2x?x128xbf16>, tensor<1x2x?x128xbf16>, tensor<1x2x?x128xbf16> -> tensor<1x2x?x128xbf16>
  return %o : tensor<1x2x?x128xbf16>
}
