# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Puts the shared libraries into the wheel; everything else is in pyproject.toml.

They come from LONGWING_LIBRARY_DIR, or from a build beside this folder (portable before release: its libraries
need no LLVM on the other machine). Without any, the package looks for them when it is imported.
"""

import os
import pathlib
import shutil

from setuptools import setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools before 70.1
    from wheel.bdist_wheel import bdist_wheel

LIBRARIES = ("liblongwing.so", "liblongwing-runtime.so")
BUILDS = pathlib.Path(__file__).resolve().parent.parent / "build"


def found():
    named = os.environ.get("LONGWING_LIBRARY_DIR")
    folders = [pathlib.Path(named)] if named else [BUILDS / preset / "lib" for preset in ("portable", "release", "dev")]
    for folder in folders:
        libraries = [folder / name for name in LIBRARIES if (folder / name).exists()]
        if libraries:
            return libraries
    return []


class BuildWithLibraries(build_py):
    def run(self):
        super().run()
        folder = pathlib.Path(self.build_lib) / "longwing" / "lib"
        for library in found():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(library.resolve(), folder / library.name)


class PlatformWheel(bdist_wheel):
    """One wheel for every Python 3, but for this platform only."""

    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = not found()

    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


setup(cmdclass={"build_py": BuildWithLibraries, "bdist_wheel": PlatformWheel})
