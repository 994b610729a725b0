"""The compiled gradient against numerical differentiation that shares no code with it.

Three comparisons. Complex step (Squire & Trapp, 1998): Im L(v + ih)/h by the interpreter on the
forward statements, exact to rounding. Central differences of the compiled value, which also sees
errors of code generation. And a second run, which must give the same bits.

An error is |analytic - numeric| / max(|analytic|, |numeric|, floor), where the floor
is 1e-3 of the largest entry and a share of |L|: rounding errors of an entry
are of the size of the terms that cancelled in it, not of the entry.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symbp.errors import DataError, GradientError, shorten
from symbp.ir.evaluate import evaluate
from symbp.ir.nodes import Program
from symbp.ir.walk import accesses

ENTRIES = 2000
"""Up to so many variables each entry is checked, unless told otherwise; beyond, `DIRECTIONS` directions."""
DIRECTIONS = 16
SECONDS = 20.0
"""Time for the complex step over all entries; where it would take longer, directions are checked."""

# Relative: float64 complex step is good to rounding; central differences to eps**(2/3), with a margin.
TOLERANCE = {
    ("complex step", "float64"): 1e-10,
    ("central differences", "float64"): 1e-6,
    ("complex step", "float32"): 2e-4,
    ("central differences", "float32"): 5e-2,
}
_FLOOR = {"float64": 1e-3, "float32": 1e-1}  # share of the largest entry of the gradient
_SHARE = {  # share of |L|, by method
    ("complex step", "float64"): 1e-4,
    ("central differences", "float64"): 1e-3,
    ("complex step", "float32"): 1e-2,
    ("central differences", "float32"): 1e-1,
}


@dataclass(frozen=True)
class Comparison:
    """One method's result; `worst` names an entry or a direction."""

    method: str
    checked: int
    skipped: int
    worst: str
    analytic: float
    numeric: float
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return self.error <= self.tolerance


@dataclass(frozen=True)
class GradientReport:
    """Prints as a table.

    Attributes:
        name: of the network.
        rows: one comparison per method.
        repeatable: whether a second run gave the same bits.
        entries: the number of variables, P and the differentiated inputs.
    """

    name: str
    rows: tuple[Comparison, ...]
    repeatable: bool
    entries: int
    dtype: str = "float64"
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return self.repeatable and self.compared and all(r.passed for r in self.rows)

    @property
    def compared(self) -> bool:
        """Whether there was anything to compare: not all entries at kinks or infinite."""
        return not self.rows or any(r.checked for r in self.rows)

    @property
    def worst(self) -> Comparison | None:
        """The comparison that is furthest from its tolerance upwards."""
        return max(self.rows, key=lambda r: r.error / r.tolerance, default=None)

    def __str__(self) -> str:
        lines = [f"gradient of {self.name}: {self.entries} entries, {self.dtype}"]
        head = f"  {'method':<20} {'checked':>8} {'skipped':>8} {'worst error':>12} {'allowed':>8}  at"
        lines.append(head)
        for r in self.rows:
            at = shorten(r.worst, 70)
            values = f" (analytic {r.analytic:.6g}, numeric {r.numeric:.6g})" if r.worst else ""
            mark = "" if r.passed else "  FAILED"
            lines.append(
                f"  {r.method:<20} {r.checked:>8} {r.skipped:>8} {r.error:>12.1e} {r.tolerance:>8.0e}  "
                f"{at}{values}{mark}"
            )
        lines.append(f"  second run: {'bitwise equal' if self.repeatable else 'DIFFERENT BITS  FAILED'}")
        lines += [f"  {note}" for note in self.notes]
        lines.append("passed" if self.passed else "FAILED")
        return "\n".join(lines)


@dataclass(frozen=True)
class Problem:
    """What is compared, and how closely.

    Attributes:
        at: the variables as one float64 vector.
        gradient: the analytic gradient there.
        loss: the value there.
        entry: the name of an entry.
        dtype: of the model.
        directions: random directions to look along in place of every entry; None decides by the size.
        seed: of the directions.
        tolerance: relative error that passes; None takes `TOLERANCE`.
    """

    at: np.ndarray
    gradient: np.ndarray
    loss: float
    entry: Callable[[int], str]
    dtype: str
    directions: int | None = None
    seed: int = 0
    tolerance: float | None = None

    def allowed(self, method: str) -> float:
        """The relative error that passes; central differences resolve no less than `TOLERANCE`."""
        own = TOLERANCE[method, self.dtype]
        if self.tolerance is None:
            return own
        return max(self.tolerance, own) if method == "central differences" else self.tolerance


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
    point, arrays = _rounded(model, point, arrays)
    first = model.value_and_grad(point, data=arrays)
    again = model.value_and_grad(point, data=arrays)
    repeatable = _bits(first) == _bits(again)
    problem, split = _problem(model, point, arrays, first)
    problem = replace(problem, directions=directions, seed=seed, tolerance=tolerance)
    if problem.at.size and not np.isfinite(problem.loss):
        raise _no_value(model, problem)
    program, loss = loss_program(model)
    notes = [] if problem.at.size else ["nothing to differentiate for"]
    rows = []
    if problem.at.size:

        def value(v: np.ndarray) -> float:
            t, inputs = split(v.astype(model.dtype))
            return float(model.value(t, data=inputs))

        def interpreted(v: np.ndarray) -> complex:
            t, inputs = split(v)
            memory = {**model.params(t), **inputs}
            return complex(evaluate(program, memory, v.dtype)[loss].reshape(-1)[0])

        try:
            rows.append(complex_step(problem, interpreted))
        except NotImplementedError as error:
            notes.append(f"no complex step: {error}")
        rows.append(central_differences(problem, value))
    report = GradientReport(
        model.network.name, tuple(rows), repeatable, problem.at.size, model.dtype, tuple(notes)
    )
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


def _rounded(model: Any, theta: Any, arrays: dict) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """theta and data as the kernel sees them, so that every method differentiates at the same point."""
    labels = {s.name for s in model._gradient_kernel().inputs if s.role == "label"}
    try:
        point = np.array([] if theta is None else theta, dtype=model.dtype)
        data = {n: np.array(a, dtype=np.int64 if n in labels else model.dtype) for n, a in arrays.items()}
    except (TypeError, ValueError) as error:
        raise DataError(shorten(f"theta or data are not arrays of numbers: {error}")) from error
    # The door has the better messages; and it sees labels before they are cut to integers.
    model.value_and_grad(theta, data=arrays)
    return point, data


def _problem(model: Any, theta: np.ndarray, arrays: dict, result: tuple) -> tuple[Problem, Callable]:
    kernel = model._gradient_kernel()
    layout = kernel.gradient
    # Parts of the gradient vector by the parameter they belong to.
    chosen = [kernel.wrt.get(n, n) for n in layout.names]
    wrt_inputs = list(model._input_wrt)
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


def complex_step(problem: Problem, value: Callable) -> Comparison:
    h = 1e-30
    started = time.perf_counter()
    value(problem.at.astype(complex))
    slow = (time.perf_counter() - started) * problem.at.size > SECONDS

    def slope(direction: np.ndarray) -> float:
        return value(problem.at + 1j * h * direction).imag / h

    def sides(direction: np.ndarray) -> tuple[float, float]:
        return _one_sided(lambda v: value(v).real, problem.at, direction, 1e-7)

    return _compare("complex step", problem, slope, sides, entries=not slow)


def central_differences(problem: Problem, value: Callable) -> Comparison:
    step = float(np.finfo(problem.dtype).eps) ** (1 / 3)

    def scaled(direction: np.ndarray) -> float:
        return step * max(
            1.0, float(np.max(np.abs(problem.at * (direction != 0)))) / max(np.max(np.abs(direction)), 1)
        )

    def slope(direction: np.ndarray) -> float:
        up, down = (_moved(problem, direction, sign * scaled(direction)) for sign in (1, -1))
        # The step that was taken, after rounding to the model's dtype.
        k = int(np.argmax(np.abs(direction)))
        return (value(up) - value(down)) / ((up[k] - down[k]) / direction[k])

    def sides(direction: np.ndarray) -> tuple[float, float]:
        return _one_sided(value, problem.at, direction, scaled(direction))

    return _compare("central differences", problem, slope, sides)


def _moved(problem: Problem, direction: np.ndarray, by: float) -> np.ndarray:
    return (problem.at + by * direction).astype(problem.dtype).astype(np.float64)


def _one_sided(value: Callable, at: np.ndarray, direction: np.ndarray, h: float) -> tuple[float, float]:
    middle = value(at)
    return (value(at + h * direction) - middle) / h, (middle - value(at - h * direction)) / h


def _compare(
    method: str, problem: Problem, slope: Callable, sides: Callable, *, entries: bool = True
) -> Comparison:
    """The analytic gradient against `slope`, entry by entry or along random directions."""
    size = problem.at.size
    tolerance = problem.allowed(method)
    finite = np.abs(problem.gradient[np.isfinite(problem.gradient)])
    largest = float(finite.max()) if finite.size else 0.0
    loss = abs(problem.loss) if np.isfinite(problem.loss) else 0.0
    floor = max(_FLOOR[problem.dtype] * largest, _SHARE[method, problem.dtype] * loss, 1e-300)
    by_entry = entries and size <= ENTRIES and problem.directions is None
    random = np.random.Generator(np.random.PCG64([1, problem.seed]))
    checked = skipped = 0
    worst = ("", 0.0, 0.0, 0.0)
    for k in range(size if by_entry else problem.directions or DIRECTIONS):
        if by_entry:
            direction = np.zeros(size)
            direction[k] = 1.0
            analytic = float(problem.gradient[k])
        else:
            direction = random.standard_normal(size) / np.sqrt(size)
            analytic = float(problem.gradient @ direction)
        numeric = float(slope(direction))
        if not np.isfinite(analytic) and not np.isfinite(numeric):
            skipped += 1
            continue
        error = abs(analytic - numeric) / max(abs(analytic), abs(numeric), floor)
        error = error if np.isfinite(error) else np.inf
        if error > tolerance and np.isfinite(analytic) and _kink(sides(direction), floor, tolerance):
            skipped += 1
            continue
        checked += 1
        if error >= worst[3]:
            worst = (problem.entry(k) if by_entry else f"direction {k}", analytic, numeric, error)
    return Comparison(method, checked, skipped, *worst, tolerance)


def _kink(slopes: tuple[float, float], floor: float, tolerance: float) -> bool:
    """Whether the slopes on the two sides differ by more than curvature explains."""
    right, left = slopes
    return bool(abs(right - left) > max(1e-3, 10 * tolerance) * max(abs(right), abs(left), floor))


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


def failure(report: GradientReport) -> GradientError:
    worst = report.worst
    if worst is None or worst.passed:
        if report.repeatable:
            return GradientError(
                f"nothing could be compared: each of {report.entries} entries is at a kink or not finite",
                report=report,
                hint="choose data and parameters at which the loss is finite and smooth",
            )
        return GradientError("a second run of the same kernel gave different bits", report=report)
    return GradientError(
        f"the gradient is wrong at {shorten(worst.worst, 100)}: analytic {worst.analytic:.8g}, "
        f"{worst.method} {worst.numeric:.8g}, relative error {worst.error:.1e}",
        report=report,
        hint="print the report in .report; where the loss is not smooth, choose another point",
    )
