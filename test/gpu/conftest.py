# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""These tests need PyTorch and a Hopper card; they skip themselves where one is missing."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "test" / "python")]


def _missing():
    try:
        import torch
    except ImportError:
        return "PyTorch is not installed"
    if not torch.cuda.is_available():
        return "there is no CUDA device"
    if torch.cuda.get_device_capability() != (9, 0):
        return f"the device is of compute capability {torch.cuda.get_device_capability()}, not 9.0"
    return None


_reason = _missing()


def pytest_configure(config):
    config.addinivalue_line("markers", "xdist_group(name): tests that one worker of pytest-xdist takes")


def pytest_collection_modifyitems(items):
    """Workers of pytest-xdist share a card, so one of them takes all of these tests."""
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in pathlib.Path(str(item.fspath)).parents:
            item.add_marker(pytest.mark.skip(reason=_reason) if _reason else pytest.mark.xdist_group("card"))
