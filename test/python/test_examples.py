# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every model in examples/ parses, verifies and survives a round trip."""

import pytest

from support import EXAMPLES, run_tool


@pytest.mark.parametrize("model", sorted(EXAMPLES.glob("*.mlir")), ids=lambda path: path.name)
def test_round_trip(model):
    once = run_tool("longwing-opt", model).stdout
    assert run_tool("longwing-opt", "-", stdin=once).stdout == once


def test_there_are_examples():
    assert len(list(EXAMPLES.glob("*.mlir"))) >= 5
