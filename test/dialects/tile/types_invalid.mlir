// RUN: longwing-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{expected at least 1 sizes, got 0}}
func.func private @f(!tile.desc<f16>)

// -----

// expected-error @below {{expected at least 3 sizes, got 2}}
func.func private @f(!tile.ring<64x64xf16>)

// -----

// expected-error @below {{expected at least 2 sizes, got 1}}
func.func private @f(!tile.smem<64xf16>)

// -----

// expected-error @below {{expected static sizes}}
func.func private @f(!tile.desc<?x64xf16>)

// -----

// expected-error @below {{expected an integer or float element type, got 'index'}}
func.func private @f(!tile.view<64xindex>)

// -----

// expected-error @below {{expected a #tile.acc tile of 64*n x 8*n elements, got a shape of [64, 12]}}
func.func private @f(tensor<64x12xf32, #tile.acc>)

// -----

// expected-error @below {{expected a #tile.acc tile of 64*n x 8*n elements, got a shape of [?, 8]}}
func.func private @f(tensor<?x8xf32, #tile.acc>)

// -----

// expected-error @below {{expected a #tile.a_frag tile of 64*n x 16*n elements, got a shape of [64, 8]}}
func.func private @f(tensor<64x8xf16, #tile.a_frag>)

// -----

// expected-error @below {{expected a #tile.a_frag tile of f16 or bf16, got 'f32'}}
func.func private @f(tensor<64x16xf32, #tile.a_frag>)

// -----

// expected-error @below {{expected a #tile.row tile of 64*n elements, got a shape of [64, 8]}}
func.func private @f(tensor<64x8xf32, #tile.row>)

// -----

// expected-error @below {{expected a #tile.col tile of 8*n elements, got a shape of [12]}}
func.func private @f(tensor<12xf32, #tile.col>)

// -----

// expected-error @below {{expected a #tile.lanes tile of 4 columns, got 8}}
func.func private @f(tensor<64x8xf32, #tile.lanes>)

// -----

// expected-error @below {{expected a #tile.lanes tile of 64*n x 4*n elements, got a shape of [32, 4]}}
func.func private @f(tensor<32x4xf32, #tile.lanes>)

// -----

// expected-error @below {{expected a #tile.shared tile of 1*n x 8*n elements, got a shape of [64]}}
func.func private @f(tensor<64xf16, #tile.shared>)

// -----

// expected-error @below {{expected a #tile.shared tile of whole bytes, got 'index'}}
func.func private @f(tensor<64x64xindex, #tile.shared>)

// -----

// expected-error @below {{expected 1 to 3 consumer warpgroups, got 4}}
func.func private @f() attributes {x = #tile.schedule<consumers = 4, producer_registers = 24, consumer_registers = 240, persistent = true, overlap = true>}

// -----

// expected-error @below {{expected registers between 24 and 256, a multiple of 8, got 100}}
func.func private @f() attributes {x = #tile.schedule<consumers = 2, producer_registers = 24, consumer_registers = 100, persistent = true, overlap = true>}
