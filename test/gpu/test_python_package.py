# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the Python package promises on the card: streams, graphs, frameworks, errors."""

import threading

import numpy
import pytest

torch = pytest.importorskip("torch")

import longwing  # noqa: E402
from kernels import HEADS, kernel, plain  # noqa: E402


def inputs(length=256, head_dim=64, dtype=torch.bfloat16, seed=0):
    generator = torch.Generator("cuda").manual_seed(seed)
    return [torch.randn(2, HEADS, length, head_dim, device="cuda", generator=generator).to(dtype) for _ in range(3)]


@pytest.fixture
def function():
    return kernel(plain("bf16", 64, "mha", True))


def test_graph_capture(function):
    q, k, v = inputs()
    function(q, k, v)  # loads the kernel
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        o, lse = function(q, k, v)
    for seed in (1, 2):
        for tensor, fresh in zip((q, k, v), inputs(seed=seed)):
            tensor.copy_(fresh)
        graph.replay()
        expected, expected_lse = function(q, k, v)
        assert torch.equal(o, expected) and torch.equal(lse, expected_lse)


def test_current_stream(function):
    """A launch waits for what is before it on torch's current stream."""
    q, k, v = inputs(length=1024)
    expected = function(q, k, v)[0]
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        late = torch.zeros_like(q)
        torch.cuda._sleep(20_000_000)
        late.copy_(q)
        o = function(late, k, v)[0]
    stream.synchronize()
    assert torch.equal(o, expected)


def test_threads(function):
    """A thread that has not touched the device yet may call; several call at once."""
    q, k, v = inputs()
    expected = function(q, k, v)[0]
    results = [None] * 4

    def work(number):
        results[number] = function(q, k, v)[0]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    torch.cuda.synchronize()
    assert all(torch.equal(result, expected) for result in results)


def test_by_name_and_results(function):
    q, k, v = inputs()
    o, lse = function(k=k, q=q, v=v)
    assert (o.dtype, o.shape, lse.dtype, lse.shape) == (torch.bfloat16, q.shape, torch.float32, q.shape[:3])
    assert o.device == q.device


def test_numpy_travels(function):
    q, k, v = inputs()
    o, lse = function(*(x.view(torch.int16).cpu().numpy().view(numpy.uint16) for x in (q, k, v)))
    expected, expected_lse = function(q, k, v)
    assert isinstance(o, numpy.ndarray)
    assert numpy.array_equal(o.view(numpy.uint16).view(numpy.int16), expected.view(torch.int16).cpu().numpy())
    assert numpy.array_equal(lse, expected_lse.cpu().numpy())


def test_cupy():
    cupy = pytest.importorskip("cupy")
    function = kernel(plain("f16", 64, "mha", True))
    q, k, v = inputs(dtype=torch.float16)
    torch.cuda.synchronize()
    o, lse = function(*(cupy.from_dlpack(x) for x in (q, k, v)))
    assert isinstance(o, cupy.ndarray)
    cupy.cuda.Device().synchronize()
    assert torch.equal(torch.from_dlpack(o), function(q, k, v)[0])


def test_tensors_that_do_not_fit_are_refused(function):
    q, k, v = inputs()
    for arguments, message in [((q.float(), k, v), "bf16"), ((q[0], k, v), "rank|dimension"), ((q[:, :3], k, v), "6"),
                               ((q, k, v[:, :, :100]), "size|dim")]:
        with pytest.raises(longwing.LaunchError, match=message):
            function(*arguments)
    with pytest.raises(longwing.LaunchError, match="one device"):
        function(q, k.cpu(), v)
    with pytest.raises(TypeError, match="expected 3 arguments"):
        function(q, k)
    with pytest.raises(TypeError, match="missing"):
        function(q, k=k)
    torch.cuda.synchronize()


def test_transposed_rows_are_refused(function):
    """The last dimension must be contiguous."""
    q, k, v = inputs()
    with pytest.raises(longwing.LaunchError):
        function(q.transpose(2, 3).contiguous().transpose(2, 3), k, v)


def test_misaligned_tensors_are_refused_or_right(function):
    q, k, v = inputs()
    storage = torch.empty(q.numel() + 1, device="cuda", dtype=q.dtype)
    shifted = storage[1:].view(q.shape)
    shifted.copy_(q)
    try:
        o = function(shifted, k, v)[0]
    except longwing.LaunchError as error:
        assert "align" in str(error)
    else:
        assert torch.equal(o, function(q, k, v)[0])
