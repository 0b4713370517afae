# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiler from Python: forms, diagnostics, packages."""

import pytest

import longwing
from support import EXAMPLES, run_tool

BAD_HEADS = """func.func @main(%q: tensor<1x6x8x64xf16>, %k: tensor<1x4x8x64xf16>) -> tensor<1x6x8x64xf16> {
  %o = seq.attention %q, %k, %k : tensor<1x6x8x64xf16>, tensor<1x4x8x64xf16>, tensor<1x4x8x64xf16> -> tensor<1x6x8x64xf16>
  return %o : tensor<1x6x8x64xf16>
}
"""


@pytest.mark.parametrize("target", ["x86-64", "sm_90a"])
def test_diagnostic_becomes_an_exception(target):
    with pytest.raises(longwing.CompileError) as caught:
        longwing.compile(BAD_HEADS, target=target, name="bad_heads.mlir")
    error = caught.value
    assert tuple(error.location) == ("bad_heads.mlir", 2, 8)
    assert "C3" in error.message
    assert str(error).startswith("bad_heads.mlir:2:8: error: ") and "seq.attention" in str(error)


def test_syntax_error_has_its_place():
    with pytest.raises(longwing.CompileError) as caught:
        longwing.compile("func.func @main() {\n  return %x : f32\n}\n", target="sm_90a")
    assert tuple(caught.value.location) == ("<model>", 2, 10)


def test_unknown_target():
    with pytest.raises(longwing.CompileError, match="unknown target 'sm_00', expected"):
        longwing.compile(EXAMPLES / "attention.mlir", target="sm_00")


def test_unknown_option():
    with pytest.raises(longwing.CompileError, match="does not take the option no-such-option"):
        longwing.emit(EXAMPLES / "attention.mlir", "tile", no_such_option=1)


def test_missing_file():
    with pytest.raises(FileNotFoundError):
        longwing.compile("no/such/model.mlir", target="sm_90a")


def test_forms_are_those_of_the_command_line():
    model = EXAMPLES / "attention.mlir"
    text, _ = longwing.emit(model, "tile")
    assert text.decode() == run_tool("longwing-compile", model, "--emit=tile").stdout
    assert b"tile.kernel" in text


def test_schedule_is_overridden():
    text, _ = longwing.emit(EXAMPLES / "attention.mlir", "tile", schedule=dict(consumers=2, keys=64))
    assert b"consumers = 2" in text and b"tensor<64x128xbf16, #tile.shared>" in text


def test_bytecode_is_taken():
    code, _ = longwing.emit(EXAMPLES / "attention.mlir", "seq", bytecode=True)
    assert code.startswith(b"ML\xefR")
    assert longwing.emit(code, "tile")[0] == longwing.emit(EXAMPLES / "attention.mlir", "tile")[0]


def test_a_file_that_is_no_package(tmp_path):
    path = tmp_path / "no.lwp"
    path.write_bytes(b"not a package")
    with pytest.raises(longwing.LaunchError) as caught:
        longwing.load(path)
    assert caught.value.status == "BAD_PACKAGE"
    with pytest.raises(longwing.LaunchError) as caught:
        longwing.load(tmp_path / "missing.lwp")
    assert caught.value.status == "IO" and "missing.lwp" in str(caught.value)
