/*===- Runtime.h - C API of the runtime ---------------------------*- C -*-===*\
|*                                                                            *|
|* Licensed under the Apache License v2.0 with LLVM Exceptions.               *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Loads packages and launches their functions. In the shared library         *|
|* longwing-runtime, which needs neither LLVM nor the CUDA toolkit:           *|
|* libcuda.so.1 is opened when first needed.                                  *|
|*                                                                            *|
|* Every call that can fail returns an lw_status; lw_last_error() then gives  *|
|* the message. All calls are thread-safe. No call keeps a pointer that it    *|
|* was given, unless it says so.                                              *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef LONGWING_C_RUNTIME_H
#define LONGWING_C_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LW_API __attribute__((visibility("default")))

typedef enum lw_status {
  LW_OK = 0,
  LW_INVALID_ARGUMENT = 1, /* tensors or names that do not fit */
  LW_BAD_PACKAGE = 2,      /* truncated, corrupted, newer or malformed */
  LW_IO = 3,               /* a file could not be read or written */
  LW_NO_DRIVER = 4,        /* no usable libcuda.so.1, or no device */
  LW_UNSUPPORTED = 5,      /* the device cannot run the package's code */
  LW_DRIVER = 6,           /* a call of the CUDA driver failed */
  LW_INTERNAL = 7          /* out of memory, or a defect of Longwing */
} lw_status;

typedef enum lw_dtype {
  LW_F16 = 0,
  LW_BF16 = 1,
  LW_F32 = 2,
  LW_F64 = 3,
  LW_F8E4M3 = 4,
  LW_F8E5M2 = 5,
  LW_I1 = 6, /* one byte an element */
  LW_I8 = 7,
  LW_I16 = 8,
  LW_I32 = 9,
  LW_I64 = 10
} lw_dtype;

enum { LW_MAX_RANK = 8 };
/* A size that is met at run time. */
#define LW_DYNAMIC INT64_MIN

/* A strided tensor that the caller owns. Strides are in elements. */
typedef struct lw_tensor {
  void *data;
  int32_t dtype; /* lw_dtype */
  int32_t rank;
  int64_t sizes[LW_MAX_RANK];
  int64_t strides[LW_MAX_RANK];
} lw_tensor;

/* The type of an argument or a result. `name` lives as long as the module. */
typedef struct lw_tensor_info {
  const char *name;
  int32_t dtype;
  int32_t rank;
  int64_t shape[LW_MAX_RANK]; /* LW_DYNAMIC where met at run time */
} lw_tensor_info;

typedef struct lw_module lw_module;

/* The version of Longwing, such as "0.1.0". */
LW_API const char *lw_runtime_version(void);
/* The message of the last call that failed on this thread, valid until the next one fails.
   Never null. */
LW_API const char *lw_last_error(void);

/*===-- Modules -------------------------------------------------------------===*/

/* Loads a package from a file, or from bytes, which are copied. */
LW_API lw_status lw_module_load(const char *path, lw_module **module);
LW_API lw_status lw_module_load_bytes(const void *bytes, size_t size, lw_module **module);
/* Unloads its kernels. No launch of the module may be running. Null is allowed. */
LW_API void lw_module_free(lw_module *module);

/* The manifest as JSON. Lives as long as the module. */
LW_API const char *lw_module_manifest(const lw_module *module);
/* Loads kernels and constants into the current CUDA context. lw_function_launch does so
   when needed, but not while its stream is captured into a CUDA graph. */
LW_API lw_status lw_module_prepare(const lw_module *module);

/*===-- Functions, numbered from 0 ------------------------------------------===*/

LW_API size_t lw_module_num_functions(const lw_module *module);
/* Null if there is no such function. Lives as long as the module. */
LW_API const char *lw_function_name(const lw_module *module, size_t function);
/* The number of the function of a name. */
LW_API lw_status lw_module_find_function(const lw_module *module, const char *name,
                                         size_t *function);
/* 0 if there is no such function. */
LW_API size_t lw_function_num_arguments(const lw_module *module, size_t function);
LW_API size_t lw_function_num_results(const lw_module *module, size_t function);
LW_API lw_status lw_function_argument(const lw_module *module, size_t function, size_t argument,
                                      lw_tensor_info *info);
LW_API lw_status lw_function_result(const lw_module *module, size_t function, size_t result,
                                    lw_tensor_info *info);

/* Checks the arguments and fills dtype, rank, sizes and contiguous strides of each result;
   its data is left as it is. */
LW_API lw_status lw_function_infer(const lw_module *module, size_t function,
                                   const lw_tensor *arguments, size_t num_arguments,
                                   lw_tensor *results, size_t num_results);
/* Bytes of device memory for intermediate tensors, aligned to 256; may be 0. */
LW_API lw_status lw_function_workspace_bytes(const lw_module *module, size_t function,
                                             const lw_tensor *arguments, size_t num_arguments,
                                             int64_t *bytes);
/* Enqueues the function's kernels on a stream (CUstream or cudaStream_t; null is the default
   one) of the current CUDA context, or of device 0's primary context where there is none.
   Allocates nothing and waits for nothing, so it may be captured into a CUDA graph after
   lw_module_prepare. `workspace` may be null if no byte is needed. */
LW_API lw_status lw_function_launch(const lw_module *module, size_t function,
                                    const lw_tensor *arguments, size_t num_arguments,
                                    const lw_tensor *results, size_t num_results,
                                    void *workspace, int64_t workspace_bytes, void *stream);

/*===-- Devices, for programs that have no CUDA library of their own ----------===*/

LW_API lw_status lw_device_count(int *count);
/* Makes the device's primary context current on this thread. */
LW_API lw_status lw_device_set(int device);
/* Copies the name of a device, at most `size` bytes with the final zero. */
LW_API lw_status lw_device_name(int device, char *name, size_t size);
/* Device memory of the current context. */
LW_API lw_status lw_device_allocate(int64_t bytes, void **memory);
LW_API lw_status lw_device_free(void *memory);
LW_API lw_status lw_device_copy_in(void *device, const void *host, int64_t bytes);
LW_API lw_status lw_device_copy_out(void *host, const void *device, int64_t bytes);
/* Waits for all work of the current context. */
LW_API lw_status lw_device_synchronize(void);

#ifdef __cplusplus
}
#endif

#endif /* LONGWING_C_RUNTIME_H */
