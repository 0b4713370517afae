// What ptxas says decides: a script with a log of our choice stands for it here.

// RUN: longwing-compile %s -o %t.cubin --ptxas=%S/Inputs/clean.sh --print-config | FileCheck %s --check-prefix=CLEAN
// CLEAN:      kernel attention
// CLEAN-NEXT:   SRAM               1024 bytes
// CLEAN-NEXT:   registers a thread 168

// Lost schedules are errors at the kernel, and nothing is written.
// RUN: rm -f %t.cubin
// RUN: not longwing-compile %s -o %t.cubin --ptxas=%S/Inputs/serialized.sh 2>&1 | FileCheck %s --check-prefix=LOST
// RUN: not ls %t.cubin
// LOST-NOT:   error:
// LOST:       ptxas_log.mlir:[[#@LINE+22]]:3: error: ptxas undoes the schedule (C7510): Potential Performance Loss
// LOST:       note: the kernel is right, but slow; waive it with --waive=C7510
// LOST-NOT:   error:

// Waived, they are warnings; the spills that follow are then the error.
// RUN: not longwing-compile %s -o %t.cubin --ptxas=%S/Inputs/serialized.sh --waive=C7510 2>&1 | FileCheck %s --check-prefix=SPILLS
// SPILLS:     warning: ptxas undoes the schedule (C7510)
// SPILLS:     error: kernel 'attention' spills registers: 240 bytes stored and 248 loaded, 168 registers a thread
// SPILLS:     note: choose smaller tiles with --schedule, or waive it with --waive=spills
// RUN: longwing-compile %s -o %t.cubin --ptxas=%S/Inputs/serialized.sh --waive=C7510,spills
// RUN: longwing-compile %s -o %t.cubin --ptxas=%S/Inputs/serialized.sh --waive=all

// RUN: not longwing-compile %s -o %t.o --emit=cubin --ptxas=%S/Inputs/failing.sh 2>&1 | FileCheck %s --check-prefix=FAIL
// FAIL: ptxas_log.mlir:[[#@LINE+8]]:1: error: ptxas: PTX line 12: Unknown modifier '.frobnicate'
// RUN: not longwing-compile %s -o %t.o --emit=cubin --ptxas=%t.absent 2>&1 | FileCheck %s --check-prefix=ABSENT
// ABSENT: error: cannot run '{{.*}}.absent'

// Without ptxas there is still PTX.
// RUN: longwing-compile %s -o %t.ptx --ptxas=%t.absent
// RUN: not longwing-compile %s -o %t.cubin --no-ptxas 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: expected ptxas {{.*}} to make a cubin, got none
gpu.module @kernels {
  llvm.func @attention() attributes {nvvm.kernel} {
    llvm.return
  }
}
