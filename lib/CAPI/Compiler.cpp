//===- Compiler.cpp - C API of the compiler -------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "longwing-c/Compiler.h"

#include "lib/CAPI/Diagnostic.h"

#include <memory>
#include <new>

using namespace longwing;

struct lw_compile_options {
  CompileOptions options;
};

struct lw_artefact {
  Artefact artefact;
  std::string report;
};

const char *lw_compiler_version(void) { return LONGWING_VERSION; }

const char *lw_compiler_target(size_t number) {
  return number < targets().size() ? targets()[number].name.data() : nullptr;
}

lw_compile_options *lw_compile_options_create(void) {
  return new (std::nothrow) lw_compile_options;
}

void lw_compile_options_free(lw_compile_options *options) { delete options; }

int lw_compile_options_set(lw_compile_options *options, const char *name, const char *value) {
  if (!options || !name || !value)
    return 1;
  return setOption(options->options, name, value) ? 0 : 1;
}

lw_artefact *lw_compile(const void *source, size_t size, const char *name,
                        const lw_compile_options *options, lw_diagnostic_handler handler,
                        void *user) {
  MessageHandler forward = [&](const Message &message) {
    if (!handler)
      return;
    lw_diagnostic diagnostic = capi::toC(message);
    handler(&diagnostic, user);
  };
  std::string_view text(static_cast<const char *>(source), source ? size : 0);
  std::optional<Artefact> artefact = compile(
      text, name ? name : "<source>", options ? options->options : CompileOptions(), forward);
  if (!artefact)
    return nullptr;
  std::string report = formatReport(artefact->report);
  return new (std::nothrow) lw_artefact{std::move(*artefact), std::move(report)};
}

const void *lw_artefact_data(const lw_artefact *artefact, size_t *size) {
  if (size)
    *size = artefact->artefact.bytes.size();
  return artefact->artefact.bytes.c_str();
}

const char *lw_artefact_report(const lw_artefact *artefact) { return artefact->report.c_str(); }

void lw_artefact_free(lw_artefact *artefact) { delete artefact; }
