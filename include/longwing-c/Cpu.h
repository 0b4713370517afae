/*===- Cpu.h - C API to run a model on the CPU --------------------*- C -*-===*\
|*                                                                            *|
|* Licensed under the Apache License v2.0 with LLVM Exceptions.               *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Compiles a model for the machine that it runs on, and runs it: in the      *|
|* shared library longwing, with the tensors of Runtime.h.                    *|
|*                                                                            *|
|* All calls are thread-safe; the runs of one program follow each other.      *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef LONGWING_C_CPU_H
#define LONGWING_C_CPU_H

#include "longwing-c/Compiler.h"
#include "longwing-c/Runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lw_precision {
  LW_CPU_F32 = 0, /* the CPU target: computes in 32-bit float, stores as the model says */
  LW_CPU_F64 = 1  /* the oracle: computes in float64 and returns floats as f64, unrounded */
} lw_precision;

typedef struct lw_cpu_program lw_cpu_program;
typedef struct lw_cpu_results lw_cpu_results;

/* Compiles `size` bytes of text or bytecode; `name` stands for them in diagnostics. Handler and
   user may be null. Returns null on failure, after an error has gone to the handler. */
LW_API lw_cpu_program *lw_cpu_compile(const void *source, size_t size, const char *name,
                                      lw_precision precision, lw_diagnostic_handler handler,
                                      void *user);
LW_API void lw_cpu_free(lw_cpu_program *program);

/*===-- Functions, numbered from 0 ------------------------------------------===*/

LW_API size_t lw_cpu_num_functions(const lw_cpu_program *program);
/* Null if there is no such function. Lives as long as the program. */
LW_API const char *lw_cpu_function_name(const lw_cpu_program *program, size_t function);
/* 0 if there is no such function. */
LW_API size_t lw_cpu_num_arguments(const lw_cpu_program *program, size_t function);
LW_API size_t lw_cpu_num_results(const lw_cpu_program *program, size_t function);
/* Returns 0, or 1 if there is no such argument or result. */
LW_API int lw_cpu_argument(const lw_cpu_program *program, size_t function, size_t argument,
                           lw_tensor_info *info);
LW_API int lw_cpu_result(const lw_cpu_program *program, size_t function, size_t result,
                         lw_tensor_info *info);

/* Runs a function. Returns null on failure; lw_cpu_error() then says why. */
LW_API lw_cpu_results *lw_cpu_run(lw_cpu_program *program, size_t function,
                                  const lw_tensor *arguments, size_t num_arguments);
/* The message of the last run that failed on this thread. Never null. */
LW_API const char *lw_cpu_error(void);
/* A result, contiguous. Its memory lives as long as the results. Returns 0, or 1 if there is no
   such result. */
LW_API int lw_cpu_results_get(const lw_cpu_results *results, size_t result, lw_tensor *tensor);
LW_API void lw_cpu_results_free(lw_cpu_results *results);

#ifdef __cplusplus
}
#endif

#endif /* LONGWING_C_CPU_H */
