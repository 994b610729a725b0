"""Kernels built by hand, emitted, imported, and compared with the interpreter."""

from __future__ import annotations

import importlib.util
import itertools
from typing import Any

import numpy as np

from symbp.ir import BATCH, Program, Tensor, check, evaluate
from symbp.schedule.kernel import Kernel

_NUMBER = itertools.count()


def load(text: str, folder: Any) -> Any:
    path = folder / f"generated_{next(_NUMBER)}.py"
    path.write_text(text, encoding="ascii")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random_values(program: Program, samples: int, seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    values = {}
    for t in program.by_role("input", "label", "parameter"):
        shape = tuple(samples if n == BATCH else n for n in t.shape)
        if t.role == "label":
            values[t.name] = generator.integers(0, t.bound, size=shape)
        else:
            values[t.name] = generator.normal(size=shape) * 0.7
    return values


def arguments(kernel: Kernel, values: dict[str, np.ndarray]) -> list[np.ndarray]:
    """What the generated function takes."""
    given = []
    if kernel.parameters:
        given.append(np.concatenate([np.ravel(values[n]) for n in kernel.parameters]).astype(kernel.dtype))
    for name in kernel.inputs:
        label = kernel.program.tensors[name].role == "label"
        given.append(np.atleast_1d(np.asarray(values[name], np.int64 if label else kernel.dtype)))
    return given


def expected(kernel: Kernel, values: dict[str, np.ndarray]) -> list[np.ndarray]:
    reference = evaluate(kernel.program, values)
    results = [reference[n] for n in kernel.results]
    if kernel.gradient:
        results.append(np.concatenate([np.ravel(reference[n]) for n in kernel.gradient]))
    return results


def compare(module: Any, kernel: Kernel, values: dict[str, np.ndarray], name: str | None = None) -> None:
    got = getattr(module, name or kernel.name)(*arguments(kernel, values))
    close = 1e-5 if kernel.dtype == "float32" else 1e-12
    for value, right in zip(got, expected(kernel, values), strict=True):
        assert np.shape(value) == np.shape(right)
        assert isinstance(value, float) or value.dtype == kernel.dtype
        scale = max(1.0, float(np.nanmax(np.abs(right[np.isfinite(right)]), initial=1.0)))
        np.testing.assert_allclose(value, right, rtol=close, atol=close * scale)


def program_of(tensors: list[Tensor], statements: list, outputs: tuple[str, ...]) -> Program:
    return check(Program({t.name: t for t in tensors}, tuple(statements), outputs))
