// REQUIRES: ptxas
// RUN: longwing-compile %s --target=sm_90a --ptxas=%ptxas -o %t.lwp --print-config | FileCheck %s

// Short convolutions of [B, L, H] with all that they can have fit into registers.

// CHECK-COUNT-5: spills                 0 bytes stored, 0 loaded

func.func @two(%x: tensor<?x?x600xf32>, %w: tensor<600x2xf32>, %b: tensor<600xf32>, %s: tensor<?x1x600xf32>) -> (tensor<?x?x600xf32>, tensor<?x1x600xf32>) {
  %y:2 = seq.short_conv causal %x, %w taps last bias(%b : tensor<600xf32>) initial(%s : tensor<?x1x600xf32>)
      {axis = 1 : i64, silu} : tensor<?x?x600xf32>, tensor<600x2xf32> -> tensor<?x?x600xf32>, tensor<?x1x600xf32>
  return %y#0, %y#1 : tensor<?x?x600xf32>, tensor<?x1x600xf32>
}

func.func @four(%x: tensor<?x?x600xbf16>, %w: tensor<600x4xf32>, %b: tensor<600xf32>, %s: tensor<?x3x600xbf16>) -> (tensor<?x?x600xbf16>, tensor<?x3x600xbf16>) {
  %y:2 = seq.short_conv causal %x, %w taps last bias(%b : tensor<600xf32>) initial(%s : tensor<?x3x600xbf16>)
      {axis = 1 : i64, silu} : tensor<?x?x600xbf16>, tensor<600x4xf32> -> tensor<?x?x600xbf16>, tensor<?x3x600xbf16>
  return %y#0, %y#1 : tensor<?x?x600xbf16>, tensor<?x3x600xbf16>
}

func.func @eight(%x: tensor<?x?x600xf32>, %w: tensor<600x8xf32>, %b: tensor<600xf32>, %s: tensor<?x7x600xf32>) -> (tensor<?x?x600xf32>, tensor<?x7x600xf32>) {
  %y:2 = seq.short_conv causal %x, %w taps last bias(%b : tensor<600xf32>) initial(%s : tensor<?x7x600xf32>)
      {axis = 1 : i64, silu} : tensor<?x?x600xf32>, tensor<600x8xf32> -> tensor<?x?x600xf32>, tensor<?x7x600xf32>
  return %y#0, %y#1 : tensor<?x?x600xf32>, tensor<?x7x600xf32>
}

func.func @centred(%x: tensor<?x?x600xbf16>, %w: tensor<600x8xf32>, %b: tensor<600xf32>) -> tensor<?x?x600xbf16> {
  %y = seq.short_conv centred %x, %w taps last bias(%b : tensor<600xf32>)
      {axis = 1 : i64, silu} : tensor<?x?x600xbf16>, tensor<600x8xf32> -> tensor<?x?x600xbf16>
  return %y : tensor<?x?x600xbf16>
}

func.func @single(%x: tensor<?x?x264xf32>, %w: tensor<264x4xf32>, %b: tensor<264xf32>, %s: tensor<?x3x264xf32>) -> (tensor<?x?x264xf32>, tensor<?x3x264xf32>) {
  %y:2 = seq.short_conv causal %x, %w taps last bias(%b : tensor<264xf32>) initial(%s : tensor<?x3x264xf32>)
      {axis = 1 : i64, silu} : tensor<?x?x264xf32>, tensor<264x4xf32> -> tensor<?x?x264xf32>, tensor<?x3x264xf32>
  return %y#0, %y#1 : tensor<?x?x264xf32>, tensor<?x3x264xf32>
}
