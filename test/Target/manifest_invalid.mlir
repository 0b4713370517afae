// RUN: longwing-opt %s --split-input-file --print-manifest --verify-diagnostics -o /dev/null

// expected-error@+1 {{expected a public function, got none}}
module {
  func.func private @hidden(%x: tensor<4xf32>)
}

// -----

// expected-error@+1 {{expected 'arg0' to be a ranked tensor of at most 8 dimensions and of an element type that a package can hold, got 'i32'}}
func.func @scalar(%x: i32) {
  return
}

// -----

func.func @same(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{expected 'result0' to be written by a kernel, got a value that would have to be copied}}
  return %x : tensor<4xf32>
}

// -----

// expected-error@+1 {{expected the attribute 'tile.shared_bytes': SRAM has not been allocated}}
tile.kernel @fill(%out: !tile.view<4xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false> {
  tile.return
}
func.func @unallocated() -> tensor<4xf32> {
  %c1 = arith.constant 1 : index
  %e = tensor.empty() : tensor<4xf32>
  %y = tile.launch @fill(%e) work(%c1) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

tile.kernel @fill(%out: !tile.view<4xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 0 : i64} {
  tile.return
}
func.func @overwrites(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c1 = arith.constant 1 : index
  // expected-error@+1 {{expected operand 0, which the kernel writes, to be a new tensor or one that a kernel has written}}
  %y = tile.launch @fill(%x) work(%c1) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

tile.kernel @fill(%out: !tile.view<4xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 0 : i64} {
  tile.return
}
func.func @clobbers() -> (tensor<4xf32>, tensor<4xf32>) {
  %c1 = arith.constant 1 : index
  %e = tensor.empty() : tensor<4xf32>
  %y = tile.launch @fill(%e) work(%c1) : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error@+1 {{expected operand 0, which the kernel overwrites, to have no other use}}
  %z = tile.launch @fill(%y) work(%c1) : (tensor<4xf32>) -> tensor<4xf32>
  return %y, %z : tensor<4xf32>, tensor<4xf32>
}

// -----

tile.kernel @fill(%out: !tile.view<4xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 0 : i64} {
  tile.return
}
func.func @data_dependent(%n: tensor<i64>) -> tensor<4xf32> {
  // expected-error@+1 {{expected arithmetic on sizes in host code, got 'tensor.extract'}}
  %value = tensor.extract %n[] : tensor<i64>
  %work = arith.index_cast %value : i64 to index
  %e = tensor.empty() : tensor<4xf32>
  %y = tile.launch @fill(%e) work(%work) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @branches(%x: tensor<4xf32>) {
  // expected-error@-1 {{expected host code without branches, got 2 blocks}}
  cf.br ^next
^next:
  return
}

// -----

tile.kernel @fill(%out: !tile.view<4xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 0 : i64} {
  tile.return
}
func.func @no_such_dimension() -> tensor<4xf32> {
  %c1 = arith.constant 1 : index
  %e = tensor.empty() : tensor<4xf32>
  // expected-error@+1 {{expected 'tile.same_sizes' to name dimensions of operands, got array<i64: 0, 1, 0, 0>}}
  %y = tile.launch @fill(%e) work(%c1) {tile.same_sizes = [array<i64: 0, 1, 0, 0>]}
      : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// A slice that a kernel writes is put back where it was.

tile.kernel @fill(%out: !tile.view<4xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 0 : i64} {
  tile.return
}
func.func @elsewhere() -> tensor<8xf32> {
  %c1 = arith.constant 1 : index
  %e = tensor.empty() : tensor<8xf32>
  // expected-error@+1 {{expected a slice that a kernel writes to be put back into its tensor}}
  %s = tensor.extract_slice %e[0] [4] [1] : tensor<8xf32> to tensor<4xf32>
  %y = tile.launch @fill(%s) work(%c1) : (tensor<4xf32>) -> tensor<4xf32>
  %z = tensor.insert_slice %y into %e[4] [4] [1] : tensor<4xf32> into tensor<8xf32>
  return %z : tensor<8xf32>
}

// -----

tile.kernel @fill(%out: !tile.view<1x2147483648xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 0 : i64} {
  tile.return
}
func.func @counted_in_32_bits() -> tensor<1x2147483648xf32> {
  %c1 = arith.constant 1 : index
  %e = tensor.empty() : tensor<1x2147483648xf32>
  // expected-error@+1 {{expected sizes below 2^31, as kernels count in 32 bits, got 2147483648 in dimension 1 of operand 0 of kernel 'fill'}}
  %y = tile.launch @fill(%e) work(%c1) : (tensor<1x2147483648xf32>) -> tensor<1x2147483648xf32>
  return %y : tensor<1x2147483648xf32>
}

// -----

tile.kernel @scale(%x: !tile.view<1073741824x4xf32>, %out: !tile.view<1073741824x4xf32> {tile.out})
    schedule <consumers = 1, producer_registers = 24, consumer_registers = 240, persistent = false, overlap = false>
    attributes {tile.shared_bytes = 0 : i64} {
  tile.return
}
func.func @one_number_for_many() -> tensor<1073741824x4xf32> {
  %c1 = arith.constant 1 : index
  // expected-error@+1 {{expected a constant of at most 2147483648 bytes, got 'tensor<1073741824x4xf32>'}}
  %x = arith.constant dense<1.0> : tensor<1073741824x4xf32>
  %e = tensor.empty() : tensor<1073741824x4xf32>
  %y = tile.launch @scale(%x, %e) work(%c1) : (tensor<1073741824x4xf32>, tensor<1073741824x4xf32>) -> tensor<1073741824x4xf32>
  return %y : tensor<1073741824x4xf32>
}
