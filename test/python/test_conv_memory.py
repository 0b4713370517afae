# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What long convolutions take of memory beside their arguments and results: the buffers of their launch plans.

None is larger than the input, but where a sequence's own numbers are, which no slice of a call can be smaller than."""

import re

import pytest

import longwing
import support

pytestmark = pytest.mark.skipif(not support.has_tool("longwing-opt"), reason="longwing-opt is not built")

PASSES = ("seq-fuse-gates,seq-configure,seq-to-tile,canonicalize,cse,tile.kernel(tile-pipeline,canonicalize,cse,tile-specialize,"
          "canonicalize,cse,tile-stagger,tile-allocate),print-manifest")
WIDTHS = {"i32": 4, "f16": 2, "f32": 4}
FUNCTIONS = {"min": min, "max": max, "ceildiv": lambda x, y: -(-x // y), "div": lambda x, y: x // y}

IN_CTA = 32768  # the longest transform of one CTA
CTAS = 132  # that keep blocks' transforms of their own
BATCHES = (1, 2, 3, 8, 64, 400)


def buffers(text):
    """For each buffer of a call its bytes, given B."""
    plan = support.run_tool("longwing-opt", "-", f"--pass-pipeline=builtin.module({PASSES})", "-o", "/dev/null", stdin=text).stdout

    def bytes_of(element, sizes):
        expression = re.sub(r"\bu\.0\b", "B", sizes).replace("/", "//")

        def count(batch):
            total = WIDTHS[element]
            for size in eval(f"[{expression}]", {**FUNCTIONS, "B": batch}):
                total *= size
            return total
        return count
    return [bytes_of(*found) for found in re.findall(r"^  buffer \d+: (\w+) \[(.*)\]$", plan, re.MULTILINE)]


def is_one_sided(kind):
    return kind in ("causal", "anticausal")


def points(kind, length):
    """At most of a transform: a power of two, of blocks whole ones."""
    return -(-length // IN_CTA) * IN_CTA if is_one_sided(kind) and length <= 4 * IN_CTA else 1 << (length - 1).bit_length()


def most(kind, batch, channels, length):
    if length <= IN_CTA:
        return 0
    if is_one_sided(kind) and length <= 4 * IN_CTA:
        # In blocks of one CTA, which keeps the transforms that are still needed, an odd number of them: they stay in L2.
        return min(batch * channels, CTAS) * 4 * IN_CTA * (1 if length <= 2 * IN_CTA else 3)
    samples = 2 * batch * channels * length
    # Of fewer channels than four a slice may have to be a sequence, with at most four times the bytes of its samples.
    return samples if channels >= 4 else samples + 4 * points(kind, length)


@pytest.mark.parametrize("kind", ["causal", "anticausal", "circular", "two_sided_shared"])
@pytest.mark.parametrize("length", [1000, 4096, 14113, 32768, 32769, 50000, 65536, 98304, 2**17, 200001, 2**18, 2**20, 2**20 + 1, 2**22])
@pytest.mark.parametrize("channels, options", [(1, {}), (3, dict(gated=True)), (4, dict(element="bf16")), (7, {}), (768, dict(skip=True))])
def test_no_buffer_is_larger_than_the_input(kind, length, channels, options):
    sizes = buffers(longwing.models.long_conv(channels, length, kind=kind, **options))
    # The numbers, how large they are, and the gains: slices of a call take the same ones.
    assert sum(size(1) != size(1000) for size in sizes) <= 3
    for size in sizes:
        if size(1) == size(1000):  # a spectrum, or what becomes one: as large as a filter of as many taps in f32
            assert size(1) <= 4 * channels * points(kind, max(length, 256))
        else:
            for batch in BATCHES:
                assert size(batch) <= most(kind, batch, channels, length)


@pytest.mark.parametrize("length", [50000, 65536])
@pytest.mark.parametrize("channels", [1, 4, 7])
def test_blocks_of_short_sequences_take_no_more_than_whole_blocks_of_samples(length, channels):
    for size in buffers(longwing.models.long_conv(channels, length)):
        for batch in BATCHES:
            assert size(1) == size(1000) or size(batch) <= 2 * batch * channels * 2 * IN_CTA


def test_short_filters_take_no_memory():
    for taps in (7, 128):
        for length in (1024, 65536, 2**20):
            assert not buffers(longwing.models.long_conv(768, length, taps=taps))
