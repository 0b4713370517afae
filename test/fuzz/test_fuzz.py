# Licensed under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A brief run of the fuzzer. For a long one: longwing-fuzz --seed=N --count=5000 examples/*.mlir"""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
FUZZER = pathlib.Path(os.environ.get("LONGWING_BIN_DIR", ROOT / "build" / "dev" / "bin")) / "longwing-fuzz"


def corpus():
    models = sorted((ROOT / "examples").glob("*.mlir")) + sorted((ROOT / "test" / "fuzz" / "corpus").glob("*.mlir"))
    assert models
    return [str(model) for model in models]


def run(*arguments):
    return subprocess.run([str(FUZZER), *arguments, *corpus()], capture_output=True, text=True, timeout=550)


def test_mutated_models_never_break_the_compiler(tmp_path):
    count = os.environ.get("LONGWING_FUZZ_COUNT", "400")
    result = run("--seed=1", f"--count={count}", f"--save={tmp_path}")
    inputs = "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')}" for path in sorted(tmp_path.glob("*"))[:3])
    assert result.returncode == 0, result.stdout + result.stderr + inputs
    # A fuzzer whose inputs all fail in the parser would find nothing behind it.
    compiled = int(result.stdout.split(" inputs: ")[1].split(" compiled")[0])
    assert compiled >= int(count) // 20, result.stdout


def test_inputs_are_reproducible():
    first, again, other = (run("--print", "--seed=3", f"--first={number}").stdout for number in (5, 5, 6))
    assert first == again != other
