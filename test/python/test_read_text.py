# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The example of the README, on a short prefix."""

import subprocess
import sys

from support import ROOT


def test_reads_and_checks_a_prefix():
    result = subprocess.run([sys.executable, str(ROOT / "examples" / "read_text" / "read_text.py"), "--device=cpu",
                             "--length=300", f"--text={ROOT / 'LICENSE'}"], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "reading the first 300 on the CPU" in result.stdout
    assert "Right: 300 tokens" in result.stdout
