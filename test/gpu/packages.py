# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles the kernels that a module of this folder lists, for a machine with a card and no compiler."""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))


def main(description, names, compiled, prefix=""):
    """Writes what `compiled` makes of each name into the folder that the command line names. Gives the exit code."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=pathlib.Path, help="where the packages go; it is made")
    folder = parser.parse_args().folder
    import longwing

    folder.mkdir(parents=True, exist_ok=True)
    failures = 0
    for name in names:
        try:
            compiled(name).save(folder / f"{prefix}{name}.lwp")
            print(f"wrote {prefix}{name}", flush=True)
        except longwing.CompileError as error:
            failures += 1
            print(f"{name}: {error}", file=sys.stderr)
    return 1 if failures else 0
