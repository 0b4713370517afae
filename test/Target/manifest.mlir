// RUN: longwing-opt %s --split-input-file --print-manifest -o /dev/null | FileCheck %s

// Sizes of the arguments are the leaves of every expression; a persistent kernel takes at most as
// many CTAs as the device holds at once: here one for each multiprocessor.

// CHECK-LABEL: function attention
// CHECK-NEXT:  argument q: bf16 [?, 16, ?, 128]
// CHECK-NEXT:  result o: bf16 [q.0, 16, q.2, 128]
// CHECK-NEXT:  result lse: f32 [q.0, 16, q.2]
// CHECK-NEXT:  check q.2 le 4096: too long
// CHECK-NEXT:  launch kernel: grid min(sms, ((ceildiv(q.2, 128) * 16) * q.0)), block 384, shared memory 1024
// CHECK-NEXT:    map q: bf16 [q.0, 16, q.2, 128] strides [q.stride0, q.stride1, q.stride2, q.stride3] box [1, 1, 128, 64]
// CHECK-NEXT:    map o: bf16 [q.0, 16, q.2, 128] strides [o.stride0, o.stride1, o.stride2, o.stride3] box [1, 1, 64, 64]
// CHECK-NEXT:    view lse: f32 [q.0, 16, q.2] strides [lse.stride0, lse.stride1, lse.stride2]

tile.kernel @kernel(%q: !tile.desc<1x1x128x64xbf16>, %o: !tile.desc<1x1x64x64xbf16> {tile.out},
                    %lse: !tile.view<?x16x?xf32> {tile.out})
    schedule <consumers = 2, producer_registers = 24, consumer_registers = 240, persistent = true, overlap = true>
    attributes {tile.shared_bytes = 1024 : i64} {
  tile.return
}

func.func @attention(%q: tensor<?x16x?x128xbf16> {longwing.name = "q"})
    -> (tensor<?x16x?x128xbf16> {longwing.name = "o"}, tensor<?x16x?xf32> {longwing.name = "lse"}) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c16 = arith.constant 16 : index
  %c128 = arith.constant 128 : index
  %c4096 = arith.constant 4096 : index
  %b = tensor.dim %q, %c0 : tensor<?x16x?x128xbf16>
  %s = tensor.dim %q, %c2 : tensor<?x16x?x128xbf16>
  %fits = arith.cmpi sle, %s, %c4096 : index
  cf.assert %fits, "too long"
  %o0 = tensor.empty(%b, %s) : tensor<?x16x?x128xbf16>
  %l0 = tensor.empty(%b, %s) : tensor<?x16x?xf32>
  %x = arith.ceildivsi %s, %c128 : index
  %o, %lse = tile.launch @kernel(%q, %o0, %l0) work(%x, %c16, %b)
      : (tensor<?x16x?x128xbf16>, tensor<?x16x?x128xbf16>, tensor<?x16x?xf32>)
      -> (tensor<?x16x?x128xbf16>, tensor<?x16x?xf32>)
  return %o, %lse : tensor<?x16x?x128xbf16>, tensor<?x16x?xf32>
}

// -----

// What is not returned lies in the workspace, also where two intermediate tensors came to share
// one tensor.empty. Constants become part of the package. Without names, arguments are numbered.

// CHECK: constant 0: f32 [4]
// CHECK-LABEL: function chain
// CHECK-NEXT:  argument arg0: f32 [?, 64]
// CHECK-NEXT:  result result0: f32 [arg0.0, 64]
// CHECK-NEXT:  buffer 0: f32 [arg0.0, 64]
// CHECK-NEXT:  launch step: grid arg0.0, block 256
// CHECK-NEXT:    view arg0
// CHECK-NEXT:    view constant 0: f32 [4] strides [1]
// CHECK-NEXT:    view buffer 0: f32 [arg0.0, 64] strides [64, 1]
// CHECK-NEXT:  launch step: grid arg0.0, block 256
// CHECK-NEXT:    view buffer 0
// CHECK-NEXT:    view constant 0
// CHECK-NEXT:    view result0: f32 [arg0.0, 64] strides [result0.stride0, result0.stride1]

tile.kernel @step(%in: !tile.view<?x64xf32>, %c: !tile.view<4xf32>, %out: !tile.view<?x64xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 0 : i64} {
  tile.return
}

func.func @chain(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>
  %c = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %e = tensor.empty(%n) : tensor<?x64xf32>
  %y = tile.launch @step(%x, %c, %e) work(%n)
      : (tensor<?x64xf32>, tensor<4xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %z = tile.launch @step(%y, %c, %e) work(%n)
      : (tensor<?x64xf32>, tensor<4xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}

// -----

// A slice is an offset and strides; a kernel that updates a tensor in place shares its storage; the
// sizes that a kernel relies on are checked.

// CHECK-LABEL: function update
// CHECK:       check arg1.0 lt arg0.0: expected a slice within dimension 0
// CHECK-NEXT:  check arg1.0 eq 32: expected size 32 in dimension 0 of operand 1 of kernel 'add'
// CHECK-NEXT:  launch fill: grid 1
// CHECK-NEXT:    view result0
// CHECK-NEXT:  launch add: grid 1
// CHECK-NEXT:    view arg0 at (arg1.0 * arg0.stride0): f32 [32] strides [arg0.stride1]
// CHECK-NEXT:    view arg1: f32 [arg1.0]
// CHECK-NEXT:    view result0

tile.kernel @fill(%out: !tile.view<32xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 0 : i64} {
  tile.return
}
tile.kernel @add(%a: !tile.view<32xf32>, %b: !tile.view<32xf32>, %out: !tile.view<32xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 0 : i64} {
  tile.return
}

func.func @update(%x: tensor<?x64xf32>, %b: tensor<?xf32>) -> tensor<32xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %b, %c0 : tensor<?xf32>
  %row = tensor.extract_slice %x[%n, 0] [1, 32] [1, 1] : tensor<?x64xf32> to tensor<32xf32>
  %e = tensor.empty() : tensor<32xf32>
  %f = tile.launch @fill(%e) work(%c1) : (tensor<32xf32>) -> tensor<32xf32>
  %y = tile.launch @add(%row, %b, %f) work(%c1)
      : (tensor<32xf32>, tensor<?xf32>, tensor<32xf32>) -> tensor<32xf32>
  return %y : tensor<32xf32>
}

// -----

// Slices that kernels write stand in the tensor that they are put back into; and what the first slice has read for the
// last time makes room for the second one, which is not larger.

// CHECK-LABEL: function slices
// CHECK:         buffer 0: f32 [div((arg0.0 + 1), 2)]
// CHECK-NOT:     buffer 1:
// CHECK:         launch fill
// CHECK-NEXT:      view buffer 0: f32 [div((arg0.0 + 1), 2)]
// CHECK-NEXT:    launch copy
// CHECK-NEXT:      view buffer 0: f32 [div((arg0.0 + 1), 2)]
// CHECK-NEXT:      view result0: f32 [div((arg0.0 + 1), 2)]
// CHECK-NEXT:    launch fill
// CHECK-NEXT:      view buffer 0: f32 [div(arg0.0, 2)]
// CHECK-NEXT:    launch copy
// CHECK-NEXT:      view buffer 0: f32 [div(arg0.0, 2)]
// CHECK-NEXT:      view result0 at (div((arg0.0 + 1), 2) * result0.stride0): f32 [div(arg0.0, 2)]

tile.kernel @fill(%out: !tile.view<?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 0 : i64} {
  tile.return
}
tile.kernel @copy(%a: !tile.view<?xf32>, %out: !tile.view<?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 0 : i64} {
  tile.return
}

func.func @slices(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %more = arith.addi %n, %c1 : index
  %left = arith.divui %more, %c2 : index
  %right = arith.divui %n, %c2 : index
  %y = tensor.empty(%n) : tensor<?xf32>
  %e = tensor.empty(%left) : tensor<?xf32>
  %a = tile.launch @fill(%e) work(%c1) : (tensor<?xf32>) -> tensor<?xf32>
  %y0 = tensor.extract_slice %y[0] [%left] [1] : tensor<?xf32> to tensor<?xf32>
  %b = tile.launch @copy(%a, %y0) work(%c1) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %first = tensor.insert_slice %b into %y[0] [%left] [1] : tensor<?xf32> into tensor<?xf32>
  %f = tensor.empty(%right) : tensor<?xf32>
  %c = tile.launch @fill(%f) work(%c1) : (tensor<?xf32>) -> tensor<?xf32>
  %y1 = tensor.extract_slice %first[%left] [%right] [1] : tensor<?xf32> to tensor<?xf32>
  %d = tile.launch @copy(%c, %y1) work(%c1) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %both = tensor.insert_slice %d into %first[%left] [%right] [1] : tensor<?xf32> into tensor<?xf32>
  return %both : tensor<?xf32>
}

// -----

// Sizes that a kernel takes to be equal are checked, each once, unless they are known to be.

// CHECK-LABEL: function pair
// CHECK:       result result0
// CHECK-NEXT:  check k.0 eq q.0: 'k': expected size 0 to equal size 0 of 'q'
// CHECK-NEXT:  check 8 eq q.1: 'k': expected size 1 to equal size 1 of 'q'
// CHECK-NEXT:  launch both

tile.kernel @both(%q: !tile.view<?x?xf32>, %k: !tile.view<?x?xf32>, %out: !tile.view<?x?xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 0 : i64} {
  tile.return
}

func.func @pair(%q: tensor<?x?xf32> {longwing.name = "q"}, %k: tensor<?x8xf32> {longwing.name = "k"})
    -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.dim %q, %c0 : tensor<?x?xf32>
  %n = tensor.dim %q, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%m, %n) : tensor<?x?xf32>
  %kk = tensor.cast %k : tensor<?x8xf32> to tensor<?x?xf32>
  %y = tile.launch @both(%q, %kk, %e) work(%c1)
      {tile.same_sizes = [array<i64: 0, 0, 1, 0, 2, 0>, array<i64: 0, 1, 1, 1>, array<i64: 2, 0, 1, 0>]}
      : (tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

// Three of these share a multiprocessor: SRAM has room for four of 50 KB, registers for three of 20 K.

// CHECK-LABEL: function several
// CHECK: launch kernel: grid min((sms * 3), arg0.0), block 256, shared memory 51200

tile.kernel @kernel(%x: !tile.view<?x64xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 136, persistent = true, overlap = false>
    attributes {tile.shared_bytes = 51200 : i64} {
  tile.return
}

func.func @several(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>
  %e = tensor.empty(%n) : tensor<?x64xf32>
  %y = tile.launch @kernel(%e) work(%n) : (tensor<?x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

// A kernel that sees the last two dimensions as one relies on there being no gaps between them, in what is read and
// in what is written. The caller's results are met when the function is launched.

// CHECK-LABEL: function pairs
// CHECK-NEXT:  argument z: f32 [?, 64, 2]
// CHECK-NEXT:  result y: f32 [z.0, 64, 2]
// CHECK-NEXT:  check z.stride1 eq (2 * z.stride2): 'z': expected no gaps between the parts of its last two dimensions
// CHECK-NEXT:  check y.stride1 eq (2 * y.stride2): 'y': expected no gaps between the parts of its last two dimensions
// CHECK-NEXT:  launch kernel
// CHECK-NEXT:    map z: f32 [z.0, 128] strides [z.stride0, z.stride2] box [8, 32]
// CHECK-NEXT:    view y: f32 [z.0, 128] strides [y.stride0, y.stride2]
tile.kernel @kernel(%z: !tile.desc<8x32xf32> {tile.flatten}, %y: !tile.view<?x128xf32> {tile.flatten, tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 104, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 1024 : i64} {
  tile.return
}

func.func @pairs(%z: tensor<?x64x2xf32> {longwing.name = "z"}) -> (tensor<?x64x2xf32> {longwing.name = "y"}) {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %z, %c0 : tensor<?x64x2xf32>
  %y0 = tensor.empty(%b) : tensor<?x64x2xf32>
  %y = tile.launch @kernel(%z, %y0) work(%b) : (tensor<?x64x2xf32>, tensor<?x64x2xf32>) -> (tensor<?x64x2xf32>)
  return %y : tensor<?x64x2xf32>
}
