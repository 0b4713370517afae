// REQUIRES: ptxas
// RUN: longwing-compile %s --target=sm_90a --ptxas=%ptxas -o %t.lwp --print-config | FileCheck %s

// Selective scans whose states no power of two counts, or that are many, in both kernels of a batch met at run time.
// 136 states are padded to 160. With 24 states a thread of eight reads three neighbouring ones of b and c, in single pieces.

// CHECK-COUNT-5: spills                 0 bytes stored, 0 loaded

func.func @odd(%u: tensor<?x?x1536xbf16>, %a: tensor<1536x24xf32>, %b: tensor<?x?x1x24xbf16>, %d: tensor<1536xf32>,
               %init: tensor<?x1536x24xf32>) -> (tensor<?x?x1536xbf16>, tensor<?x1536x24xf32>) {
  %y, %last = seq.selective_scan %u, %u, %a, %b, %b skip(%d : tensor<1536xf32>) gate(%u : tensor<?x?x1536xbf16>)
      bias(%d : tensor<1536xf32>) init(%init : tensor<?x1536x24xf32>) {softplus}
      : tensor<?x?x1536xbf16>, tensor<?x?x1536xbf16>, tensor<1536x24xf32>, tensor<?x?x1x24xbf16>, tensor<?x?x1x24xbf16>
      -> tensor<?x?x1536xbf16>, tensor<?x1536x24xf32>
  return %y, %last : tensor<?x?x1536xbf16>, tensor<?x1536x24xf32>
}

func.func @many(%u: tensor<?x?x1536xbf16>, %v: tensor<?x?x1536xbf16>, %w: tensor<?x?x1536xbf16>, %a: tensor<1536x64xf32>,
                %b: tensor<?x?x1x64xbf16>, %c: tensor<?x?x1x64xbf16>, %d: tensor<1536xf32>,
                %init: tensor<?x1536x64xf32>) -> (tensor<?x?x1536xbf16>, tensor<?x1536x64xf32>) {
  %y, %last = seq.selective_scan %u, %v, %a, %b, %c skip(%d : tensor<1536xf32>) gate(%w : tensor<?x?x1536xbf16>)
      bias(%d : tensor<1536xf32>) init(%init : tensor<?x1536x64xf32>) {softplus}
      : tensor<?x?x1536xbf16>, tensor<?x?x1536xbf16>, tensor<1536x64xf32>, tensor<?x?x1x64xbf16>, tensor<?x?x1x64xbf16>
      -> tensor<?x?x1536xbf16>, tensor<?x1536x64xf32>
  return %y, %last : tensor<?x?x1536xbf16>, tensor<?x1536x64xf32>
}

func.func @padded(%u: tensor<?x?x1536xbf16>, %v: tensor<?x?x1536xbf16>, %w: tensor<?x?x1536xbf16>, %a: tensor<1536x136xf32>,
                %b: tensor<?x?x1x136xbf16>, %c: tensor<?x?x1x136xbf16>, %d: tensor<1536xf32>,
                %init: tensor<?x1536x136xf32>) -> (tensor<?x?x1536xbf16>, tensor<?x1536x136xf32>) {
  %y, %last = seq.selective_scan %u, %v, %a, %b, %c skip(%d : tensor<1536xf32>) gate(%w : tensor<?x?x1536xbf16>)
      bias(%d : tensor<1536xf32>) init(%init : tensor<?x1536x136xf32>) {softplus}
      : tensor<?x?x1536xbf16>, tensor<?x?x1536xbf16>, tensor<1536x136xf32>, tensor<?x?x1x136xbf16>, tensor<?x?x1x136xbf16>
      -> tensor<?x?x1536xbf16>, tensor<?x1536x136xf32>
  return %y, %last : tensor<?x?x1536xbf16>, tensor<?x1536x136xf32>
}
