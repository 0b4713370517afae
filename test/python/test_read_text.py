# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The example of the README, on a short prefix."""

import os
import subprocess
import sys

from support import BIN, ROOT


def read_a_prefix(**environment):
    result = subprocess.run([sys.executable, str(ROOT / "examples" / "read_text" / "read_text.py"), "--device=cpu",
                             "--length=300", f"--text={ROOT / 'LICENSE'}"], capture_output=True, text=True, timeout=300,
                            env={**os.environ, **environment})
    assert result.returncode == 0, result.stdout + result.stderr
    assert "reading the first 300 on the CPU" in result.stdout
    assert "Right: 300 tokens" in result.stdout
    return result.stdout


def test_reads_and_checks_a_prefix():
    read_a_prefix()


def test_does_without_ptxas(tmp_path):
    """A fresh Debian has none: the PTX is shown all the same."""
    compiler = tmp_path / "longwing-compile"
    compiler.write_text(f'#!/bin/sh\nexec "{BIN / "longwing-compile"}" "$@" --no-ptxas\n')
    compiler.chmod(0o755)
    printed = read_a_prefix(LONGWING_BIN_DIR=str(tmp_path))
    assert "read_text.ptx" in printed and "no cubin: ptxas was not found" in printed
