# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A Python without sanitizers cannot load libraries that have them: then only tests of the tools run."""

import os

if os.environ.get("LONGWING_SANITIZED"):
    collect_ignore = ["test_compile.py", "test_conv.py", "test_conv_models.py", "test_cpu.py", "test_cpu_program.py", "test_oracle.py",
                      "test_package.py", "test_read_text.py", "test_scan_models.py", "test_scans.py", "test_tile.py"]
