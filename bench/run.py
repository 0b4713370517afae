#!/usr/bin/env python3
# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs every benchmark of this folder and writes all tables: attention.py, long_conv.py, scans.py.

    python3 bench/run.py                   # compiles the kernels, then times them
    python3 bench/run.py --make DIR        # only compiles: packages for a machine without the compiler
    python3 bench/run.py --packages DIR    # times the packages of that folder

Options are passed on to each.
"""

import pathlib
import subprocess
import sys

if __name__ == "__main__":
    if set(sys.argv[1:]) & {"-h", "--help"}:
        print(__doc__)
        sys.exit(0)
    here = pathlib.Path(__file__).resolve().parent
    codes = [subprocess.call([sys.executable, str(here / name), *sys.argv[1:]])
             for name in ("attention.py", "long_conv.py", "scans.py")]
    sys.exit(max(codes))
