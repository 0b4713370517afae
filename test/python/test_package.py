# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Packages from Python, without a card; where a driver is needed, the unit tests' stand-in takes its place."""

import os
import subprocess
import sys
import textwrap

import numpy
import pytest

import longwing
from support import BIN, EXAMPLES, ROOT

FAKE_DRIVER = BIN.parent / "test" / "unit" / "fake"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Grouped-query attention, with PTX only."""
    path = tmp_path_factory.mktemp("package") / "grouped.lwp"
    data, _ = longwing.emit(longwing.models.attention(6, 64, key_heads=2, causal=True, lse=True), "package", no_ptxas=True)
    path.write_bytes(data)
    return path


def with_fake_driver(package, script):
    """Runs a script that sees `module`, in a process of its own."""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(FAKE_DRIVER), "PYTHONPATH": str(ROOT / "python")}
    text = "import numpy, longwing\nmodule = longwing.load(" + repr(str(package)) + ")\n" + textwrap.dedent(script)
    result = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, env=environment, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_package_knows_its_functions(package):
    module = longwing.load(package)
    assert module.target == "sm_90a" and list(module.functions) == ["main"]
    assert repr(module.main) == ("main(q: ?x6x?x64xbf16, k: ?x2x?x64xbf16, v: ?x2x?x64xbf16) -> "
                                 "(o: ?x6x?x64xbf16, lse: ?x6x?xf32)")
    assert module.main.arguments[1].name == "k" and module.main.results[1].shape == (None, 6, None)


def test_save_and_load(package, tmp_path):
    longwing.load(package.read_bytes()).save(tmp_path / "copy.lwp")
    assert (tmp_path / "copy.lwp").read_bytes() == package.read_bytes()
    assert longwing.load(tmp_path / "copy.lwp").manifest == longwing.load(package).manifest


def test_broken_packages_are_refused(package):
    data = package.read_bytes()
    for broken in (data[:100], data[:-1], b"", data[:200] + bytes([data[200] ^ 1]) + data[201:]):
        with pytest.raises(longwing.LaunchError) as caught:
            longwing.load(broken)
        assert caught.value.status == "BAD_PACKAGE"


def test_equal_models_give_equal_packages():
    first, again = (longwing.emit(EXAMPLES / "attention.mlir", "package", no_ptxas=True)[0] for _ in range(2))
    assert first == again


def test_without_a_driver_the_error_says_so(package):
    if longwing.device_count():
        pytest.skip("this machine has a card")
    q = numpy.zeros((1, 6, 8, 64), numpy.uint16)
    k = numpy.zeros((1, 2, 8, 64), numpy.uint16)
    with pytest.raises(longwing.LaunchError) as caught:
        longwing.load(package).main(q, k, k)
    assert caught.value.status == "NO_DRIVER"


def test_arrays_travel_to_the_device_and_back(package):
    out = with_fake_driver(package, """
        assert longwing.device_count() == 2
        for array in (numpy.arange(24.0).reshape(2, 3, 4), numpy.arange(10, dtype=numpy.int32)[::2], numpy.zeros((0, 3))):
            there = longwing.to_device(array)
            assert there.shape == array.shape and there.nbytes == array.nbytes
            assert numpy.array_equal(there.numpy(), array)
        bits = longwing.to_device(numpy.array([0x3F80], numpy.uint16))
        print(bits, longwing.from_bfloat16(bits.numpy()))
    """)
    assert out == "DeviceArray(1 of bf16 on cuda:0) [1.]\n"


@pytest.mark.parametrize("q,k,v,message", [
    ((1, 6, 8, 64), (1, 2, 8, 64), (1, 2, 9, 64), "expected"),
    ((1, 6, 8, 64), (2, 2, 8, 64), (2, 2, 8, 64), "expected"),
    ((1, 5, 8, 64), (1, 2, 8, 64), (1, 2, 8, 64), "6"),
    ((6, 8, 64), (1, 2, 8, 64), (1, 2, 8, 64), "4"),
    ((1, 6, 8, 32), (1, 2, 8, 32), (1, 2, 8, 32), "64"),
])
def test_tensors_that_do_not_fit_are_refused(package, q, k, v, message):
    out = with_fake_driver(package, f"""
        try:
            module.main(*(longwing.to_device(numpy.zeros(shape, numpy.uint16)) for shape in ({q}, {k}, {v})))
        except longwing.LaunchError as error:
            print(error.status, error)
    """)
    assert out.startswith("INVALID_ARGUMENT") and message in out


def test_one_device_for_all(package):
    out = with_fake_driver(package, """
        q, k = numpy.zeros((1, 6, 8, 64), numpy.uint16), numpy.zeros((1, 2, 8, 64), numpy.uint16)
        try:
            module.main(longwing.to_device(q), k, longwing.to_device(k, device=1))
        except longwing.LaunchError as error:
            print(error)
    """)
    assert out == "main: expected all arguments on one device, got cpu, cuda:0, cuda:1\n"
