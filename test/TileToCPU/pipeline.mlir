// A tile program goes all the way to the LLVM dialect, loops with tiles and conditions included.
// RUN: longwing-opt %examples/grouped_query.mlir --seq-configure --seq-to-tile --tile-to-cpu \
// RUN:    --lower-to-llvm-cpu | FileCheck %s
// RUN: longwing-opt %examples/alibi.mlir --seq-configure --seq-to-tile --tile-to-cpu \
// RUN:    --lower-to-llvm-cpu | FileCheck %s
// RUN: longwing-opt %examples/document_mask.mlir --seq-configure --seq-to-tile --tile-to-cpu \
// RUN:    --lower-to-llvm-cpu | FileCheck %s

// CHECK-DAG: llvm.func @main(
// CHECK-DAG: llvm.func @main_attention(
// CHECK-NOT: tile.
