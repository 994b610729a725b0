"""Outputs that are nan, infinite or 0 where their formula is not: written again, over carried values.

    1/((e^y + 1) (e^(x^2) + e^y + 1)),    (e^x - 1)/x - e^x/x^2,    log(1 - exp(-e^x))

An output of few variables is evaluated at arguments far from 0, in both formats, and compared with its
formula in multiprecision arithmetic. Where it fails, its form in `carried` stands for it: there, and nowhere
else. A form that has a wrong value at one of the arguments is not used.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate_body
from symbp.ir.exact import exact
from symbp.ir.functions import finite
from symbp.ir.names import part_of
from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.ir.walk import accesses, is_large, postorder, substitute
from symbp.passes.cost import cost
from symbp.passes.simplify.carried import Carrier
from symbp.passes.simplify.ledger import Step

SIZE = 300
"""Nodes, counted as a tree, of a formula that is looked at."""
VARIABLES, OUTPUTS = 4, 8
"""Inputs and outputs of a program that is looked at."""
MOST = 16
"""Arguments at which an output is compared with its formula, in each format."""
DIGITS = (60, 150, 1000)
AGREED = 1e-20
"""Digits of the formula's values, and how closely two of them must agree."""
CLOSE: dict[type, float] = {np.float64: 1e-9, np.float32: 1e-3}
"""Relative errors that are rounding errors of exponents around 1000."""
NOISE = 1e-4
"""Where terms cancel, errors against them instead of the value, as a share of that."""

RULE = "carried exponents where a value is lost"

_FAR = (-1000.0, -900.0, -400.0, -120.0, -40.0, -3.0, -1.0, 0.5, 2.0, 5.0, 40.0, 120.0, 400.0, 800.0, 1000.0)
_SAMPLES = 250

Values = dict[str, np.ndarray]


def rescued(program: Program, written: Mapping[str, Statement]) -> tuple[Program, list[Step]]:
    """The program with carried forms where its outputs fail, and what was done.

    Args:
        program: as it is evaluated.
        written: the statements as they were before they were rewritten.
    """
    inputs = [t.name for t in program.by_role("input", "parameter", "label")]
    outputs = [s for s in program.statements if s.target in program.outputs]
    scalar = not any(program.tensors[n].row_shape for n in inputs)
    plain = not any(s.reduce != "none" or s.where for s in program.statements)
    if not (scalar and plain and 1 <= len(inputs) <= VARIABLES and len(outputs) <= OUTPUTS):
        return program, []
    formulas = {s.target: f for s in outputs if (f := _formula(s.access, written)) is not None}
    trial = _Trial(program, inputs) if formulas else None
    better: dict[str, list[Statement]] = {}
    steps = []
    for s in outputs:
        found = trial.carried(s, formulas[s.target]) if trial and s.target in formulas else None
        if found is not None:
            form, compared = found
            value = replace(s, target=_free(s.target, program))
            better[s.target] = own = [*form, value, _where_lost(s, value, form[-1], formulas[s.target])]
            saved = cost(s.body) - cost(*(part.body for part in own))
            steps.append(Step(RULE, s.target, s.body, form[-1].body, saved, f"at {compared} arguments"))
    if not better:
        return program, []
    statements = [part for s in program.statements for part in better.get(s.target, [s])]
    known = program.tensors
    shapes = {part.target: known[name].shape for name, own in better.items() for part in own}
    tensors = [Tensor(name, shape) for name, shape in shapes.items() if name not in known]
    return program.rebuilt(statements, tensors), steps


def _formula(body: sp.Expr, written: Mapping[str, Statement]) -> sp.Expr | None:
    """What an output is in the inputs; None where it is large, or nothing in it grows like an exponential."""
    while not is_large(body, SIZE):
        swap = {}
        for access in accesses(body):
            s = written.get(access.name)
            if s is not None:
                swap[access] = substitute(s.body, dict(zip(s.indices, access.indices, strict=True)))
        if not swap:
            grows = any(isinstance(n, sp.exp | sp.sinh | sp.cosh) for n in postorder([body]))
            return body if grows and accesses(body) else None
        body = substitute(body, swap)
    return None


class _Trial:
    """A program at arguments far from 0, in both formats."""

    def __init__(self, program: Program, inputs: list[str]):
        self.program = program
        self.points = _points(len(inputs))
        self.values: dict[type, Values] = {}
        for dtype in CLOSE:
            given: Values = {n: self.points[:, k].astype(dtype) for k, n in enumerate(inputs)}
            self.values[dtype] = _evaluated(program.statements, given, dtype)
        self.inputs = inputs

    def carried(self, s: Statement, formula: sp.Expr) -> tuple[list[Statement], int] | None:
        """Statements that end with the carried form of an output that fails, and at how many arguments it
        was compared; None where the output does not fail, or the form does."""
        form: list[Statement] = []
        truths = _Truths(formula, [dict(zip(self.inputs, p, strict=True)) for p in self.points.tolist()])
        mended, compared = False, 0
        for dtype, values in self.values.items():
            got = values[s.target]
            doubtful: list[int] = np.flatnonzero(~np.isfinite(got) | (got == 0)).tolist()
            doubtful = doubtful[:: max(1, len(doubtful) // MOST)]
            lost = [k for k in doubtful if truths.is_lost(k, got[k], dtype)]
            if not form and not lost:
                continue
            form = form or _written(self.program, s, formula)
            there: Values = {n: values[n][doubtful] for n in self.inputs}
            new = _evaluated(form, there, dtype)[form[-1].target]
            for k, value in zip(doubtful, new, strict=True):
                truth = truths.known[k]
                if truth is None:
                    continue
                compared += 1
                if truth.is_met_by(value, dtype):
                    mended = mended or k in lost
                elif not np.isnan(value):
                    return None
        return (form, compared) if mended else None


@dataclass(frozen=True)
class _Truth:
    """The value of a formula, and the sizes of its terms, added up: what cancels leaves rounding errors of
    theirs."""

    value: float
    terms: float = 0.0

    def is_met_by(self, got: float, dtype: type) -> bool:
        with np.errstate(all="ignore"):
            value = float(dtype(self.value))
        if not (np.isfinite(value) and np.isfinite(got)):
            return bool(got == value)
        close, least = CLOSE[dtype], float(np.finfo(dtype).tiny)  # type: ignore[type-var]
        allowed = max(close * abs(value), NOISE * close * self.terms, least)
        return bool(abs(float(got) - value) <= allowed)


class _Truths:
    """Values of a formula at arguments, as they are asked for.

    Attributes:
        known: by number of the argument; None where the formula has no value, or one that comes out as 0.
    """

    def __init__(self, formula: sp.Expr, points: list[dict[str, float]]):
        self.formula = formula
        self.points = [{a: at[a.name] for a in accesses(formula)} for at in points]
        self.known: dict[int, _Truth | None] = {}
        self.certain: set[int] = set()

    def is_lost(self, k: int, got: float, dtype: type) -> bool:
        if k not in self.known:
            value = self.exact(k, DIGITS[0])
            self.known[k] = _Truth(float(value)) if value else None
        truth = self.known[k]
        if truth is None or truth.is_met_by(got, dtype):
            return False
        if k not in self.certain:
            self.certain.add(k)
            self.known[k] = truth = self.agreed(k)
        return truth is not None and not truth.is_met_by(got, dtype)

    def exact(self, k: int, digits: int) -> Any:
        try:
            return exact(self.formula, self.points[k], digits)
        except NotImplementedError:  # a function that multiprecision arithmetic does not know
            return None

    def agreed(self, k: int) -> _Truth | None:
        """The value in which two precisions agree; None where no two do."""
        values = [self.exact(k, DIGITS[0])]
        for digits in DIGITS[1:]:
            values.append(self.exact(k, digits))
            before, value = values[-2:]
            if not before or not value:
                return None  # of 1 - exp(-exp(-3000)) no digit is there
            if abs(value - before) <= AGREED * abs(value):
                sizes = [exact(t, self.points[k], digits) for t in sp.Add.make_args(self.formula)]
                return _Truth(float(value), float(sum(abs(v) for v in sizes if v is not None)))
        return None


def _points(count: int) -> np.ndarray:
    if count <= 2:
        return np.array(list(itertools.product(_FAR, repeat=count)))
    return np.random.default_rng(0).choice(_FAR, (_SAMPLES, count))


def _evaluated(statements: Iterable[Statement], given: Values, dtype: type) -> Values:
    """Every tensor at the arguments, one after the other; samples have no axis of their own here."""
    known = dict(given)
    shape = next(iter(given.values())).shape
    with np.errstate(all="ignore"):
        for s in statements:
            body = substitute(s.body, {a: Access(a.name) for a in accesses(s.body)})
            known[s.target] = np.broadcast_to(evaluate_body(body, known, dtype), shape).astype(dtype)
    return known


def _written(program: Program, s: Statement, formula: sp.Expr) -> list[Statement]:
    """The carried form of a formula; the choices in it have names of their own."""
    taken = set(program.tensors)

    def name(what: str = "carried") -> Access:
        names = (part_of(s.target, f"{what}{k or ''}") for k in itertools.count(what == "carried"))
        found = next(n for n in names if n not in taken)
        taken.add(found)
        return Access(found, *s.indices)

    carrier = Carrier(name)
    form = carrier.number(formula)
    named = [*carrier.choices.items(), (name("whole"), form)]
    return [Statement(access.name, s.indices, body, origin=s.origin) for access, body in named]


def _free(target: str, program: Program) -> str:
    """A name for the value as it is evaluated otherwise."""
    name = part_of(target, "plain")
    while name in program.tensors:
        name += "_"
    return name


def _where_lost(s: Statement, plain: Statement, form: Statement, formula: sp.Expr) -> Statement:
    """The form where the plain value is 0 or not finite, all that it reads is finite, and it is not nan."""
    value = plain.access
    lost = sp.Or(sp.Ne(value, finite(value), evaluate=False), sp.Eq(value, 0, evaluate=False))
    given = (sp.Eq(a, finite(a), evaluate=False) for a in accesses(formula))
    found = sp.Ge(sp.Abs(form.access, evaluate=False), 0, evaluate=False)
    return s.with_body(
        sp.Piecewise((form.access, sp.And(lost, found, *given)), (value, True), evaluate=False)
    )
