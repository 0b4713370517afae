# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the Python tests share: where things are, and how to run a tool."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
BIN = pathlib.Path(os.environ.get("LONGWING_BIN_DIR", ROOT / "build" / "dev" / "bin"))


def has_tool(name):
    return (BIN / name).exists()


def run_tool(name, *arguments, stdin=None, check=True, timeout=120):
    """Runs a tool, as text; with `check`, its exit code must be 0."""
    result = subprocess.run([str(BIN / name), *map(str, arguments)], input=stdin, capture_output=True, text=True,
                            timeout=timeout)
    if check and result.returncode != 0:
        raise AssertionError(f"{name} failed ({result.returncode}):\n{result.stderr}")
    return result
