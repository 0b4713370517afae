"""Writes inputs in every form that bfloat16 may come in; checks what longwing-run made of them."""

import pathlib
import sys

import numpy


def to_bits(x):
    """bfloat16 of numbers that are exact in it."""
    return (numpy.asarray(x, "f4").view("u4") >> 16).astype("u2")


def from_bits(bits):
    return (bits.astype("u4") << 16).view("f4")


folder = pathlib.Path(sys.argv[2])
random = numpy.random.default_rng(1)
# Multiples of 1/8 below 4: exact in bfloat16.
q, k, v = (random.integers(-31, 32, (1, 2, 16, 16)) / numpy.float32(8) for _ in range(3))

if sys.argv[1] == "write":
    numpy.save(folder / "f4.npy", q.astype("f4"))
    numpy.save(folder / "u2.npy", to_bits(k))
    numpy.save(folder / "v2.npy", to_bits(v).view("V2"))
    numpy.save(folder / "big.npy", q.astype(">f4"))
    numpy.save(folder / "fortran.npy", numpy.asfortranarray(q.astype("f4")))
    numpy.save(folder / "i4.npy", numpy.zeros((1, 2, 16, 16), "i4"))
    numpy.save(folder / "rank.npy", numpy.zeros(16, "f4"))
    (folder / "short.npy").write_bytes((folder / "f4.npy").read_bytes()[:128 + 2000])
else:
    score = q.astype("f8") @ k.astype("f8").swapaxes(-1, -2) / 4
    weight = numpy.exp(score)
    exact = weight @ v / weight.sum(-1, keepdims=True)
    o, lse = from_bits(numpy.load(folder / "out/o.npy")), numpy.load(folder / "out/lse.npy")
    assert lse.dtype == numpy.float32 and lse.shape == (1, 2, 16)
    assert abs(lse - numpy.log(weight.sum(-1))).max() < 1e-5
    assert o.shape == exact.shape and abs(o - exact).max() < 0.02
