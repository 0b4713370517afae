/*===- Compiler.h - C API of the compiler -------------------------*- C -*-===*\
|*                                                                            *|
|* Licensed under the Apache License v2.0 with LLVM Exceptions.               *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Compiles a model to any form, from the text of its IR to a package. In the *|
|* shared library longwing. To run a package, see Runtime.h.                  *|
|*                                                                            *|
|* All calls are thread-safe; one lw_compile_options belongs to one thread at *|
|* a time. No call keeps a pointer that it was given.                         *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef LONGWING_C_COMPILER_H
#define LONGWING_C_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef LW_API
#define LW_API __attribute__((visibility("default")))
#endif

typedef enum lw_severity { LW_ERROR = 0, LW_WARNING = 1, LW_REMARK = 2 } lw_severity;

/* One diagnostic with its notes. The strings live until the handler returns. */
typedef struct lw_diagnostic {
  int32_t severity; /* lw_severity */
  uint32_t line;    /* from 1; 0 if unknown */
  uint32_t column;
  const char *file;
  const char *message;
  const char *text; /* as a terminal shows it: location, message, source line, notes */
} lw_diagnostic;

typedef void (*lw_diagnostic_handler)(const lw_diagnostic *diagnostic, void *user);

typedef struct lw_compile_options lw_compile_options;
typedef struct lw_artefact lw_artefact;

/* The version of Longwing, such as "0.1.0". */
LW_API const char *lw_compiler_version(void);
/* The name of the target of that number, or null past the last. */
LW_API const char *lw_compiler_target(size_t number);

LW_API lw_compile_options *lw_compile_options_create(void);
LW_API void lw_compile_options_free(lw_compile_options *options);
/* Sets an option of longwing-compile by its name without dashes: target, emit, schedule, ptxas,
   no-ptxas, waive, namespace, dump-phases, bytecode, verify-each-pass. Switches take "true" or
   "false". Returns 0, or 1 if there is no such option or value. */
LW_API int lw_compile_options_set(lw_compile_options *options, const char *name, const char *value);

/* Compiles `size` bytes of text or bytecode; `name` stands for them in diagnostics. Options,
   handler and user may be null. Returns null on failure, after exactly one error has gone to the
   handler. */
LW_API lw_artefact *lw_compile(const void *source, size_t size, const char *name,
                               const lw_compile_options *options, lw_diagnostic_handler handler,
                               void *user);

/* What was made. Text ends in a zero byte that is not counted in the size. */
LW_API const void *lw_artefact_data(const lw_artefact *artefact, size_t *size);
/* What --print-config prints. Lives as long as the artefact. */
LW_API const char *lw_artefact_report(const lw_artefact *artefact);
LW_API void lw_artefact_free(lw_artefact *artefact);

#ifdef __cplusplus
}
#endif

#endif /* LONGWING_C_COMPILER_H */
