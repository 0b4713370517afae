#include "longwing-c/Compiler.h"

#include <stdio.h>
#include <string.h>

static void print(const lw_diagnostic *diagnostic, void *user) {
  ++*(int *)user;
  printf("%s:%u:%u: error %d: %.27s\n", diagnostic->file, diagnostic->line, diagnostic->column, diagnostic->severity,
         diagnostic->message);
}

int main(void) {
  static const char good[] = "gpu.module @k { llvm.func @nothing() attributes {nvvm.kernel} { llvm.return } }";
  static const char bad[] = "func.func @f() {\n  foo.bar\n}";
  printf("version %s\ntargets", lw_compiler_version());
  for (size_t i = 0; lw_compiler_target(i); ++i)
    printf(" %s", lw_compiler_target(i));

  lw_compile_options *options = lw_compile_options_create();
  printf("\nno such option: %d,", lw_compile_options_set(options, "frobnicate", "true"));
  printf(" no such value: %d\n", lw_compile_options_set(options, "emit", "elf"));
  if (lw_compile_options_set(options, "emit", "ptx") || lw_compile_options_set(options, "target", "sm_90a"))
    return 1;

  int errors = 0;
  lw_artefact *artefact = lw_compile(good, strlen(good), "good.mlir", options, print, &errors);
  if (!artefact || errors)
    return 1;
  size_t size = 0;
  const char *ptx = lw_artefact_data(artefact, &size);
  if (size != strlen(ptx))
    return 1;
  printf("%.24s\nreport: %.10s\n", strstr(ptx, ".visible"), lw_artefact_report(artefact));
  lw_artefact_free(artefact);

  artefact = lw_compile(bad, strlen(bad), "bad.mlir", options, print, &errors);
  printf("%s, %d error\n", artefact ? "an artefact" : "no artefact", errors);
  lw_compile_options_free(options);
  return 0;
}
