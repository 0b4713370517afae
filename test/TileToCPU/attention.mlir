// Attention forward for one head, by hand: a flash-attention loop in sequential tile form.
// RUN: longwing-opt %s --tile-to-cpu | FileCheck %s

!q = !tile.desc<1x1x128x64xbf16>
!o = !tile.desc<1x1x64x64xbf16>
!scores = tensor<128x128xf32, #tile.acc>
!out = tensor<128x64xf32, #tile.acc>
!row = tensor<128xf32, #tile.row>
!lanes = tensor<128x4xf32, #tile.lanes>

// CHECK-LABEL: func.func private @attention
// CHECK-SAME:    memref<?x?x?x?xbf16, strided<[?, ?, ?, 1], offset: ?>>
// CHECK-SAME:    memref<?x?x?xf32, strided<[?, ?, ?], offset: ?>>
// CHECK-NOT:   tile.
tile.kernel @attention(%q: !q, %k: !q, %v: !q, %o: !o {tile.out},
                       %lse: !tile.view<?x?x?xf32> {tile.out})
    schedule <consumers = 2, producer_registers = 24, consumer_registers = 240,
              persistent = true, overlap = true> {
  %c0 = arith.constant 0 : index
  %c127 = arith.constant 127 : index
  %c128 = arith.constant 128 : index
  %batches = tile.dim %q, 0 : !q
  %heads = tile.dim %q, 1 : !q
  %queries = tile.dim %q, 2 : !q
  %keys = tile.dim %k, 2 : !q
  %rounded = arith.addi %queries, %c127 : index
  %blocks = arith.divui %rounded, %c128 : index
  tile.foreach in(%blocks, %heads, %batches) {
  ^bb0(%x: index, %h: index, %b: index):
    %first = arith.muli %x, %c128 : index
    %qt = tile.load %q[%b, %h, %first, %c0] stages 1 : !q -> tensor<128x64xbf16, #tile.shared>
    // log2(e) / sqrt(64): softmax in base 2.
    %scale = arith.constant dense<0.18033688> : !scores
    %minus = arith.constant dense<0xFF800000> : !scores
    %o0 = arith.constant dense<0.0> : !out
    %m0 = arith.constant dense<0xFF800000> : !row
    %l0 = arith.constant dense<0.0> : !lanes
    // CHECK: scf.for {{.*}} -> (tensor<128x64xf32>, tensor<128xf32>, tensor<128x4xf32>)
    %acc, %m, %l = scf.for %t = %c0 to %keys step %c128
        iter_args(%oi = %o0, %mi = %m0, %li = %l0) -> (!out, !row, !lanes) {
      %kt = tile.load %k[%b, %h, %t, %c0] stages 2 : !q -> tensor<128x64xbf16, #tile.shared>
      %vt = tile.load %v[%b, %h, %t, %c0] stages 2 : !q -> tensor<128x64xbf16, #tile.shared>
      %qk = tile.dot %qt, %kt transpose_b
          : tensor<128x64xbf16, #tile.shared>, tensor<128x64xbf16, #tile.shared> -> !scores
      %scaled = arith.mulf %qk, %scale {tile.pipeline = array<i64: 1, 0>} : !scores
      // Keys beyond the last take no part; causal: key <= query.
      %j = tile.iota %t : tensor<128xindex, #tile.col>
      %i = tile.iota %first : tensor<128xindex, #tile.row>
      %jj = tile.broadcast %j : tensor<128xindex, #tile.col> -> tensor<128x128xindex, #tile.acc>
      %ii = tile.broadcast %i : tensor<128xindex, #tile.row> -> tensor<128x128xindex, #tile.acc>
      %end = tile.broadcast %keys : index -> tensor<128x128xindex, #tile.acc>
      %inside = arith.cmpi slt, %jj, %end : tensor<128x128xindex, #tile.acc>
      %causal = arith.cmpi sle, %jj, %ii : tensor<128x128xindex, #tile.acc>
      %seen = arith.andi %inside, %causal : tensor<128x128xi1, #tile.acc>
      %s = arith.select %seen, %scaled, %minus : tensor<128x128xi1, #tile.acc>, !scores
      %most = tile.reduce <max> %s : !scores -> !row
      %mj = arith.maxnumf %mi, %most : !row
      %mb = tile.broadcast %mj : !row -> !scores
      %shifted = arith.subf %s, %mb : !scores
      %p = math.exp2 %shifted : !scores
      %fall = arith.subf %mi, %mj : !row
      %alpha = math.exp2 %fall : !row
      %alphal = tile.broadcast %alpha : !row -> !lanes
      %lk = arith.mulf %li, %alphal : !lanes
      %sum = tile.reduce <add> %p : !scores -> !lanes
      %lj = arith.addf %lk, %sum : !lanes
      %p16 = tile.convert %p : !scores -> tensor<128x128xbf16, #tile.a_frag>
      %alphao = tile.broadcast %alpha : !row -> !out
      %ok = arith.mulf %oi, %alphao : !out
      %oj = tile.dot %p16, %vt acc(%ok : !out)
          : tensor<128x128xbf16, #tile.a_frag>, tensor<128x64xbf16, #tile.shared> -> !out
      scf.yield %oj, %mj, %lj : !out, !row, !lanes
    }
    %total = tile.reduce <add> %l : !lanes -> !row
    %totals = tile.broadcast %total : !row -> !out
    %result = arith.divf %acc, %totals : !out
    %o16 = tile.convert %result : !out -> tensor<128x64xbf16, #tile.acc>
    tile.store %o16, %o[%b, %h, %first, %c0] : tensor<128x64xbf16, #tile.acc>, !o
    // lse = ln(2) (m + log2(l))
    %ln2 = arith.constant dense<0.69314718> : !row
    %log = math.log2 %total : !row
    %lse2 = arith.addf %m, %log : !row
    %lsee = arith.mulf %lse2, %ln2 : !row
    tile.store_row %lsee, %lse[%b, %h, %first] : !row, !tile.view<?x?x?xf32>
    tile.return
  }
  tile.return
}

// CHECK-LABEL: func.func @main
func.func @main(%q: tensor<?x?x?x64xbf16>, %k: tensor<?x?x?x64xbf16>, %v: tensor<?x?x?x64xbf16>)
    -> (tensor<?x?x?x64xbf16>, tensor<?x?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %q, %c0 : tensor<?x?x?x64xbf16>
  %h = tensor.dim %q, %c1 : tensor<?x?x?x64xbf16>
  %s = tensor.dim %q, %c2 : tensor<?x?x?x64xbf16>
  %o0 = tensor.empty(%b, %h, %s) : tensor<?x?x?x64xbf16>
  %lse0 = tensor.empty(%b, %h, %s) : tensor<?x?x?xf32>
  // CHECK: memref.alloc({{.*}}) : memref<?x?x?x64xbf16>
  // CHECK: call @attention
  // CHECK: bufferization.to_tensor
  %o, %lse = tile.launch @attention(%q, %k, %v, %o0, %lse0) work(%s, %h, %b)
      : (tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16>, tensor<?x?x?x64xbf16>,
         tensor<?x?x?x64xbf16>, tensor<?x?x?xf32>)
      -> (tensor<?x?x?x64xbf16>, tensor<?x?x?xf32>)
  return %o, %lse : tensor<?x?x?x64xbf16>, tensor<?x?x?xf32>
}
