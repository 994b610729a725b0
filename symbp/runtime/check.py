"""The compiled gradient against numerical differentiation that shares no code with it.

Three comparisons. Complex step (Squire & Trapp, 1998): Im L(v + ih)/h by the interpreter on the
forward statements, exact to rounding. Central differences of the compiled value, which also sees
errors of code generation. And a second run, which must give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symbp.errors import DataError, GradientError, shorten
from symbp.ir.evaluate import evaluate
from symbp.ir.nodes import Program
from symbp.ir.walk import accesses
from symbp.runtime.gradient_report import Comparison, GradientReport, failure
from symbp.runtime.numerical import Problem, central_differences, complex_step


def check_gradient(
    model: Any,
    theta: Any = None,
    data: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    directions: int | None = None,
    tolerance: float | None = None,
) -> GradientReport:
    """Check `model.value_and_grad` at theta for the data.

    Where the loss has a kink within a step (relu at 0), the two one-sided slopes disagree; such
    entries are skipped and counted.

    Args:
        model: what is checked.
        theta: the parameters; `model.init(seed)` unless given.
        data: the inputs; random ones unless given.
        seed: of what is random here, the directions included.
        directions: compare slopes along so many random directions in place of every entry; None does
            so, 16 of them, where there are more than 2,000 entries.
        tolerance: the relative error that passes, in place of `TOLERANCE`. Central differences, which
            resolve no less, keep theirs where it is larger.

    Raises:
        GradientError: a comparison fails, or the loss is not finite at theta, or all
            entries were skipped; the message names the worst entry,
            `.report` has all numbers.
        DataError: theta or the data are not what the model takes.
    """
    arrays = random_data(model, seed=seed) if data is None else dict(data)
    point = model.init(seed) if theta is None else theta
    point, arrays = rounded(model, point, arrays)
    first = model.value_and_grad(point, data=arrays)
    again = model.value_and_grad(point, data=arrays)
    repeatable = _bits(first) == _bits(again)
    problem, split = problem_of(model, point, arrays, first, model._input_wrt)
    problem = replace(problem, directions=directions, seed=seed, tolerance=tolerance)
    if problem.at.size and not np.isfinite(problem.loss):
        raise _no_value(model, problem)
    program, loss = loss_program(model)

    def value(v: np.ndarray) -> float:
        t, inputs = split(v.astype(model.dtype))
        return float(model.value(t, data=inputs))

    def interpreted(v: np.ndarray) -> complex:
        t, inputs = split(v)
        memory = {**model.params(t), **inputs}
        return complex(evaluate(program, memory, v.dtype)[loss].reshape(-1)[0])

    return passed(problem, value, interpreted, repeatable, model.network.name)


def passed(
    problem: Problem,
    value: Callable[[np.ndarray], float],
    interpreted: Callable[[np.ndarray], complex],
    repeatable: bool,
    name: str,
    what: str = "gradient",
    notes: Sequence[str] = (),
) -> GradientReport:
    """The report of both comparisons.

    Args:
        value, interpreted: the function by the compiled kernels, and by the interpreter.
        repeatable: whether a second run gave the same bits.
        name, what, notes: of the report.

    Raises:
        GradientError: one fails.
    """
    notes = [*notes, *["nothing to differentiate for"] * (not problem.at.size)]
    rows = []
    if problem.at.size:
        try:
            rows.append(complex_step(problem, interpreted))
        except NotImplementedError as error:
            notes.append(f"no complex step: {error}")
        rows.append(central_differences(problem, value))
    report = GradientReport(name, tuple(rows), repeatable, problem.at.size, problem.dtype, tuple(notes), what)
    if not report.passed:
        raise failure(report)
    return report


def random_data(model: Any, samples: int = 7, seed: int = 0) -> dict[str, np.ndarray]:
    """Numbers in (0.1, 0.9), where every usual loss is defined, and labels below their bounds."""
    random = np.random.Generator(np.random.PCG64(seed))
    data = {}
    taken = {s.name: s for s in model._gradient_kernel().inputs}
    for name, slot in model._slots.items():
        slot = taken.get(name, slot)
        shape = (samples, *slot.shape) if slot.batched else slot.shape
        if model._slots[name].total is not None:
            classes = random.integers(0, slot.shape[0], shape[:-1])
            data[name] = np.eye(slot.shape[0], dtype=model.dtype)[classes]
        elif slot.role == "label":
            data[name] = random.integers(0, slot.bound or 2, shape)
        else:
            data[name] = np.asarray(random.uniform(0.1, 0.9, shape), dtype=model.dtype)
    return data


def loss_program(model: Any) -> tuple[Program, str]:
    """The statements of the batched program that the loss needs, the forward pass alone, and its name."""
    from symbp import pipeline

    kernel = pipeline.gradient_kernel(model.derivation)
    whole, loss = kernel.program, kernel.results[0]
    needed, kept = {loss}, []
    for statement in reversed(whole.statements):
        if statement.target in needed:
            kept.append(statement)
            for part in (statement.body, *statement.where):
                needed.update(a.name for a in accesses(part))
    return whole.rebuilt(reversed(kept)), loss


def rounded(model: Any, theta: Any, arrays: dict) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """theta and data as the kernel sees them, so that every method differentiates at the same point."""
    # The door first: it has the better messages, sees labels before they are cut to integers, and lets
    # nothing in that cannot be made an array.
    model.value_and_grad(theta, data=arrays)
    labels = {s.name for s in model._gradient_kernel().inputs if s.role == "label"}
    try:
        point = np.array([] if theta is None else theta, dtype=model.dtype)
        data = {n: np.array(a, dtype=np.int64 if n in labels else model.dtype) for n, a in arrays.items()}
    except (TypeError, ValueError) as error:
        raise DataError(shorten(f"theta or data are not arrays of numbers: {error}")) from error
    return point, data


def problem_of(
    model: Any, theta: np.ndarray, arrays: dict, result: tuple, inputs: Sequence[str]
) -> tuple[Problem, Callable]:
    """The problem of checking a result of `value_and_grad`, and what makes theta and data of its variables.

    Args:
        inputs: those that are differentiated for.
    """
    kernel = model._gradient_kernel()
    layout = kernel.gradient
    # Parts of the gradient vector by the parameter they belong to.
    chosen = [kernel.wrt.get(n, n) for n in layout.names]
    wrt_inputs = list(inputs)
    views = model.params(theta)
    parts = [*(views[n] for n in chosen), *(arrays[n] for n in wrt_inputs)]
    grads = [*layout.views(result[1]).values(), *((result[2][n]) for n in wrt_inputs)]
    names = [*chosen, *wrt_inputs]
    ends = np.cumsum([np.size(p) for p in parts]) if parts else np.zeros(0, int)

    def split(v: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        new_theta = theta.astype(v.dtype)
        target = model.params(new_theta)
        inputs = dict(arrays)
        pieces = np.split(v, ends[:-1]) if parts else []
        for k, (name, piece) in enumerate(zip(names, pieces, strict=True)):
            if k < len(chosen):
                target[name][...] = piece.reshape(np.shape(parts[k]))
            else:
                inputs[name] = piece.reshape(np.shape(parts[k]))
        return new_theta, inputs

    def entry(position: int) -> str:
        k = int(np.searchsorted(ends, position, side="right"))
        inside = position - (int(ends[k - 1]) if k else 0)
        at = np.unravel_index(inside, np.shape(parts[k])) if np.ndim(parts[k]) else ()
        return f"{names[k]}[{', '.join(str(int(i)) for i in at)}]" if len(at) else names[k]

    def flat(items: list) -> np.ndarray:
        return np.concatenate([np.zeros(0), *(np.ravel(i).astype(np.float64) for i in items)])

    return Problem(flat(parts), flat(grads), float(result[0]), entry, model.dtype), split


def _bits(result: tuple) -> bytes:
    arrays = [np.float64(result[0]), result[1], *(result[2].values() if len(result) > 2 else ())]
    return b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)


def _no_value(model: Any, problem: Problem) -> GradientError:
    size, method = problem.at.size, "complex step"
    row = Comparison(method, 0, size, "", 0.0, 0.0, 0.0, problem.allowed(method))
    note = f"the loss is {problem.loss} at this point"
    report = GradientReport(model.network.name, (row,), True, size, model.dtype, (note,))
    return GradientError(
        f"nothing could be compared: {note}", report=report, hint="choose theta and data where it is finite"
    )
