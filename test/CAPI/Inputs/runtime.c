/* Loads a package, asks what it holds, and tries to launch. */

#include "longwing-c/Runtime.h"

#include <stdio.h>
#include <string.h>

static void show(const char *what, lw_status status) {
  printf("%s: %d %s\n", what, (int)status, status == LW_OK ? "" : lw_last_error());
}

static lw_tensor tensor(void *data, int64_t heads, int64_t length) {
  lw_tensor result;
  memset(&result, 0, sizeof(result));
  result.data = data;
  result.dtype = LW_BF16;
  result.rank = 4;
  result.sizes[0] = 1;
  result.sizes[1] = heads;
  result.sizes[2] = length;
  result.sizes[3] = 64;
  result.strides[3] = 1;
  result.strides[2] = 64;
  result.strides[1] = 64 * length;
  result.strides[0] = 64 * length * heads;
  return result;
}

int main(int argc, char **argv) {
  char data[16];
  lw_module *module = NULL;
  lw_tensor arguments[3], result;
  lw_tensor_info info;
  int64_t bytes = -1;
  if (argc != 2)
    return 2;
  show("missing", lw_module_load("missing.lwp", &module));
  show("load", lw_module_load(argv[1], &module));
  if (!module)
    return 1;
  show("argument", lw_function_argument(module, 0, 1, &info));
  printf("%s %s: %s, %d dimensions, %d heads\n", lw_function_name(module, 0), info.name,
         info.shape[2] == LW_DYNAMIC ? "any length" : "one length", (int)info.rank,
         (int)info.shape[1]);
  arguments[0] = tensor(data, 4, 100);
  arguments[1] = tensor(data, 2, 50);
  arguments[2] = tensor(data, 2, 50);
  result = tensor(data, 4, 0);
  show("infer", lw_function_infer(module, 0, arguments, 3, &result, 1));
  printf("result length %d\n", (int)result.sizes[2]);
  show("workspace", lw_function_workspace_bytes(module, 0, arguments, 3, &bytes));
  arguments[2] = tensor(data, 2, 40);
  show("wrong", lw_function_workspace_bytes(module, 0, arguments, 3, &bytes));
  show("prepare", lw_module_prepare(module));
  lw_module_free(module);
  return 0;
}
