"""The fixture that compares an emitted kernel with the interpreter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from symbp.codegen.module import emit
from symbp.ir import Program
from symbp.schedule.kernel import Kernel
from tests.codegen.kernels import compare, load, random_values


@pytest.fixture
def agree(tmp_path) -> Callable:
    """agree(program, results=..., ...): the emitted kernel equals the interpreter; returns its text."""

    def run(
        program: Program,
        results: tuple[str, ...],
        gradient: tuple[str, ...] = (),
        samples: tuple[int, ...] = (1, 3, 300),
        dtype: str = "float64",
        values: dict | None = None,
    ) -> str:
        inputs = tuple(t.name for t in program.by_role("input", "label"))
        parameters = tuple(t.name for t in program.by_role("parameter"))
        kernel = Kernel("run", program, inputs, parameters, results, gradient, dtype)
        text = emit([kernel])
        module = load(text, tmp_path)
        for n in samples:
            compare(module, kernel, random_values(program, n) | (values or {}))
        return text

    return run
