// RUN: longwing-opt %s | longwing-opt | FileCheck %s --check-prefix=FORM
// RUN: longwing-opt %s --tile-allocate --tile-to-nvvm | FileCheck %s

// A thread decides for its own channels; together all consumers do, who meet: here the 256 threads of two warpgroups.

// FORM-LABEL: tile.kernel @all
// FORM: tile.all %{{.*}} : tensor<256xi1, #tile.channel<lanes = 1>>
// FORM: tile.all together %{{.*}} : tensor<128xi1, #tile.row>
// CHECK-LABEL: llvm.func @all
// CHECK-NOT: barrier.cta
// CHECK: scf.if
// CHECK: llvm.inline_asm {{.*}}setp.ne.b32 p, $2, 0; barrier.cta.red.and.pred q, $1, 256, p; selp.b32 $0, 1, 0, q;
// CHECK: scf.if
tile.kernel @all(%in: !tile.view<?xf32>, %out: !tile.view<?xi32> {tile.out})
    schedule <consumers = 2, producer_registers = 0, consumer_registers = 128, persistent = false, overlap = false> {
  %zero = arith.constant 0 : index
  %few = arith.constant dense<100.0> : tensor<256xf32, #tile.channel<lanes = 1>>
  %x = tile.load_channels %in[%zero] : !tile.view<?xf32> -> tensor<256xf32, #tile.channel<lanes = 1>>
  %small = arith.cmpf olt, %x, %few : tensor<256xf32, #tile.channel<lanes = 1>>
  %own = tile.all %small : tensor<256xi1, #tile.channel<lanes = 1>>
  scf.if %own {
    tile.store_channels %few, %in[%zero] : tensor<256xf32, #tile.channel<lanes = 1>>, !tile.view<?xf32>
  }
  %place = tile.iota %zero : tensor<128xindex, #tile.row>
  %y = tile.gather %in[%place : tensor<128xindex, #tile.row>] : !tile.view<?xf32> -> tensor<128xf32, #tile.row>
  %limit = arith.constant dense<100.0> : tensor<128xf32, #tile.row>
  %low = arith.cmpf olt, %y, %limit : tensor<128xf32, #tile.row>
  %all = tile.all together %low : tensor<128xi1, #tile.row>
  scf.if %all {
    %line = tile.iota %zero : tensor<32xindex, #tile.line>
    %one = arith.constant dense<1> : tensor<32xi32, #tile.line>
    tile.scatter %one, %out[%line : tensor<32xindex, #tile.line>] : tensor<32xi32, #tile.line>, !tile.view<?xi32>
  }
  tile.return
}
