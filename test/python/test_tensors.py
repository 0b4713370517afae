# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How the package sees other frameworks' tensors."""

import numpy
import pytest

from longwing import _tensors, from_bfloat16, to_bfloat16


def test_numpy_view_has_strides_in_elements():
    array = numpy.zeros((2, 8, 3, 4), numpy.float16).transpose(0, 2, 1, 3)
    view = _tensors.view(array)
    assert (view.shape, view.strides, view.dtype, view.device) == ((2, 3, 8, 4), (96, 4, 12, 1), "f16", "cpu")
    assert view.pointer == array.ctypes.data


def test_uint16_stands_for_bfloat16_only():
    bits = numpy.zeros(3, numpy.uint16)
    assert _tensors.view(bits, "bf16").dtype == "bf16"
    with pytest.raises(TypeError, match="stands for bf16 only"):
        _tensors.view(bits, "f16")


class OnlyDLPack:
    """A framework that is not known by name."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **arguments):
        return self.array.__dlpack__(**arguments)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_dlpack_view_agrees_with_numpy():
    array = numpy.arange(24, dtype=numpy.float32).reshape(2, 3, 4)[:, 1:, :]
    direct, exchanged = _tensors.view(array), _tensors.view(OnlyDLPack(array))
    for field in ("pointer", "shape", "strides", "dtype", "device"):
        assert getattr(direct, field) == getattr(exchanged, field)
    assert exchanged.framework.name == "DLPack"


@pytest.mark.parametrize("other", [[1.0, 2.0], None, "text"])
def test_what_is_no_tensor_is_refused(other):
    with pytest.raises(TypeError, match="expected a tensor"):
        _tensors.view(other)


def test_bfloat16_rounds_to_nearest_even():
    # Around 1 the step is 2^-7: halfway between two neighbours goes to the even one.
    step = 2.0**-7
    values = numpy.array([1 + step / 2, 1 + 3 * step / 2, 1 + 0.51 * step, -1 - 0.49 * step], numpy.float32)
    assert from_bfloat16(to_bfloat16(values)).tolist() == [1.0, 1 + 2 * step, 1 + step, -1.0]


def test_bfloat16_keeps_what_is_not_a_number():
    values = numpy.array([numpy.inf, -numpy.inf, numpy.nan, 0.0, -0.0], numpy.float32)
    there_and_back = from_bfloat16(to_bfloat16(values))
    numpy.testing.assert_array_equal(there_and_back, values)
    assert numpy.signbit(there_and_back[4])


def test_bfloat16_overflow_is_infinite():
    assert from_bfloat16(to_bfloat16(numpy.array([3.4e38], numpy.float32)))[0] == numpy.inf


@pytest.mark.parametrize("shape,strides,expected", [
    ((2, 3), (3, 1), True), ((2, 3), (4, 1), False), ((1, 3), (99, 1), True), ((3, 1), (1, 7), True), ((0, 3), (5, 9), True),
    ((), (), True), ((3, 2), (1, 3), False)])
def test_contiguous(shape, strides, expected):
    assert _tensors.is_contiguous(_tensors.View(0, shape, strides, "f32", "cpu", 0, None, None)) == expected
