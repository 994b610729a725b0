"""Outputs that are nan, infinite or 0 where their formula is not: written again, over carried values.

    1/((e^y + 1) (e^(x^2) + e^y + 1)),    (e^x - 1)/x - e^x/x^2,    log(1 - exp(-e^x))

An output of few variables is evaluated at arguments far from 0, in both formats, and compared with its
formula in multiprecision arithmetic. Where it fails, a product stands for a sum whose terms have a common
factor, infinity less infinity else, or its form in `carried` stands for it: there, and nowhere else. A form
that has a wrong value at one of the arguments, and another one than the output, is not used; one that has so
only where the output is 0 or infinite stands where that is nan.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
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
from symbp.passes.simplify.carried import Carried, Carrier
from symbp.passes.simplify.common_factors import common_factor_out
from symbp.passes.simplify.ledger import Step

SIZE = 300
"""Nodes, counted as a tree, of a formula that is looked at."""
VARIABLES, OUTPUTS = 4, 8
"""Inputs and outputs of a program that is looked at."""
MOST = 16
"""Arguments at which an output is compared with its formula, in each format: of those where it is nan,
of those where it is infinite, and of those where it is 0."""
DIGITS, MORE_DIGITS = (60, 150, 1000), (1000, 1500)
AGREED = 1e-20
"""Digits of the formula's values (more where fewer give none), and how closely two of them must agree."""
FEW = 4
"""Arguments at which more digits are tried: they may take a tenth of a second each."""
CLOSE: dict[type, float] = {np.float64: 1e-9, np.float32: 1e-3}
"""Relative errors that are rounding errors of exponents around 1000."""
NOISE = 1e-4
"""Where terms cancel, errors against them instead of the value, as a share of that."""

DEAR = 2
"""How many times as much as an output its new form may cost where that is nan or infinite. That can be seen,
and is looked at again in functions of numbers (`symbp.runtime.second_look`); a wrong 0 cannot."""

SLOW = (sp.gamma, sp.loggamma, sp.polygamma)
"""Functions of which a thousand digits take seconds."""

RULE, FACTORED = "carried exponents where a value is lost", "common factor where terms overflow"

_FAR = (-1000.0, -900.0, -400.0, -120.0, -40.0, -3.0, -1.0, 0.5, 2.0, 5.0, 40.0, 120.0, 400.0, 800.0, 1000.0)
_BETWEEN = (-6.2, 6.2)
"""Arguments of functions of one variable, besides: exp(exp(6.2)) is finite, its square is not."""
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
        found = trial.mended(s, formulas[s.target]) if trial and s.target in formulas else None
        if found is not None:
            better[s.target] = own = found.statements
            saved = cost(s.body) - cost(*(part.body for part in own))
            steps.append(Step(found.rule, s.target, s.body, found.form, saved, found.verified))
    if not better:
        return program, []
    statements = [part for s in program.statements for part in better.get(s.target, [s])]
    known = program.tensors
    shapes = {part.target: known[name].shape for name, own in better.items() for part in own}
    tensors = [Tensor(name, shape) for name, shape in shapes.items() if name not in known]
    return program.rebuilt(statements, tensors), steps


def _formula(body: sp.Expr, written: Mapping[str, Statement]) -> sp.Expr | None:
    """What an output is in the inputs; None where it is large, its digits take long, or nothing in it grows
    like an exponential."""
    while not is_large(body, SIZE):
        swap = {}
        for access in accesses(body):
            s = written.get(access.name)
            if s is not None:
                swap[access] = substitute(s.body, dict(zip(s.indices, access.indices, strict=True)))
        if not swap:
            nodes = postorder([body])
            grows = any(isinstance(n, sp.exp | sp.sinh | sp.cosh) for n in nodes)
            slow = any(isinstance(n, SLOW) for n in nodes)
            return body if grows and not slow and accesses(body) else None
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

    def mended(self, s: Statement, formula: sp.Expr) -> _Mended | None:
        """An output that fails in a form that does not; None where it does not fail, or no form is right."""
        truths = _Truths(formula, [dict(zip(self.inputs, p, strict=True)) for p in self.points.tolist()])
        for is_doubtful in (_is_lost, np.isnan):
            doubtful = {dtype: self.doubtful(s, dtype, is_doubtful) for dtype in CLOSE}
            lost = {
                dtype: {k for k in at if truths.is_lost(k, self.values[dtype][s.target][k], dtype)}
                for dtype, at in doubtful.items()
            }
            if not any(lost.values()):
                return None
            forms = [self.factored(s)] if is_doubtful is _is_lost else []
            silent = any(self.values[dtype][s.target][k] == 0 for dtype, at in lost.items() for k in at)
            for mended in (*filter(None, forms), self.carried(s, formula, is_doubtful is np.isnan)):
                if not silent and mended.cost > DEAR * cost(s.body):
                    continue
                compared = self.compared(mended, s, doubtful, lost, truths)
                if compared:
                    return replace(mended, verified=f"at {compared} arguments")
        return None

    def doubtful(
        self, s: Statement, dtype: type, is_doubtful: Callable[[np.ndarray], np.ndarray]
    ) -> list[int]:
        values = self.values[dtype][s.target]
        found: list[int] = []
        for kind in (np.isnan, np.isinf, np.logical_not):
            own = np.flatnonzero(is_doubtful(values) & kind(values)).tolist()
            found += own[:: max(1, len(own) // MOST)]
        return found

    def factored(self, s: Statement) -> _Mended | None:
        """The output as a product, where it is a sum whose terms have a factor in common."""
        body = common_factor_out(s.body)
        return None if body is s.body else _Mended(FACTORED, [s.with_body(body)], body)

    def carried(self, s: Statement, formula: sp.Expr, only_nan: bool) -> _Mended:
        """The output with its carried form where that is needed."""
        form, given = _written(self.program, s, formula)
        value = replace(s, target=_free(s.target, self.program))
        given += [sp.Eq(a, finite(a), evaluate=False) for a in accesses(formula)]
        chosen = _where_lost(s, value, form[-1], given, only_nan)
        return _Mended(RULE, [*form, value, chosen], form[-1].body)

    def compared(
        self,
        mended: _Mended,
        s: Statement,
        doubtful: Mapping[type, list[int]],
        lost: Mapping[type, set[int]],
        truths: _Truths,
    ) -> int:
        """At how many arguments a form was compared with the truth; 0 where it is wrong at one of them, or no
        better than what is there."""
        better, compared = False, 0
        whole = mended.rule == FACTORED  # it stands for the output everywhere
        for dtype, at in doubtful.items():
            known = self.values[dtype]
            there: Values = {n: known[n][at] for n in known}
            new = _evaluated(mended.statements, there, dtype)[s.target]
            for k, value in zip(at, new, strict=True):
                truth = truths.at(k)
                if truth is None:
                    continue
                compared += 1
                if truth.is_met_by(value, dtype):
                    better = better or k in lost[dtype]
                elif whole or not (np.isnan(value) or value == known[s.target][k]):
                    return 0
            if whole and not self.is_as_before(mended, s, dtype):
                return 0
        return compared if better else 0

    def is_as_before(self, mended: _Mended, s: Statement, dtype: type) -> bool:
        """Whether a form has the values of an output wherever that has some."""
        before = self.values[dtype][s.target]
        now = _evaluated(mended.statements, self.values[dtype], dtype)[s.target]
        with np.errstate(all="ignore"):
            close = np.abs(now - before) <= CLOSE[dtype] * np.abs(before)
        return bool(np.all(close | (now == before) | ~np.isfinite(before)))


def _is_lost(values: np.ndarray) -> np.ndarray:
    return ~np.isfinite(values) | (values == 0)


@dataclass(frozen=True)
class _Mended:
    """Statements that end with an output, and the form in them that is new."""

    rule: str
    statements: list[Statement]
    form: sp.Expr
    verified: str = ""

    @property
    def cost(self) -> int:
        return cost(*(part.body for part in self.statements))


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
        self.tries = FEW

    def is_lost(self, k: int, got: float, dtype: type) -> bool:
        if k not in self.known:
            value = self.exact(k, DIGITS[0])
            self.known[k] = _Truth(float(value)) if value else None
            if not value and np.isnan(got) and self.tries:
                self.tries -= 1
                self.certain.add(k)
                self.known[k] = self.agreed(k, MORE_DIGITS)
        truth = self.known[k]
        if truth is None or truth.is_met_by(got, dtype):
            return False
        if k not in self.certain:
            self.certain.add(k)
            self.known[k] = truth = self.agreed(k, DIGITS)
        return truth is not None and not truth.is_met_by(got, dtype)

    def at(self, k: int) -> _Truth | None:
        """What is known of a value; nothing where nobody asked for it."""
        return self.known.get(k)

    def exact(self, k: int, digits: int) -> Any:
        try:
            return exact(self.formula, self.points[k], digits)
        except NotImplementedError:  # a function that multiprecision arithmetic does not know
            return None

    def agreed(self, k: int, precisions: tuple[int, ...]) -> _Truth | None:
        """The value in which two precisions agree; None where no two do."""
        values = [self.exact(k, precisions[0])]
        for digits in precisions[1:]:
            values.append(self.exact(k, digits))
            before, value = values[-2:]
            if not before or not value:
                return None  # of 1 - exp(-exp(-3000)) no digit is there
            if abs(value - before) <= AGREED * abs(value):
                sizes = [exact(t, self.points[k], digits) for t in sp.Add.make_args(self.formula)]
                return _Truth(float(value), float(sum(abs(v) for v in sizes if v is not None)))
        return None


def _points(count: int) -> np.ndarray:
    if count == 1:
        return np.array([*_FAR, *_BETWEEN])[:, None]
    if count == 2:
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


def _written(program: Program, s: Statement, formula: sp.Expr) -> tuple[list[Statement], list[sp.Basic]]:
    """The carried form of a formula, and what must hold; the choices in it have names of their own."""
    taken = set(program.tensors)

    def name(what: str = "carried") -> Access:
        names = (part_of(s.target, f"{what}{k or ''}") for k in itertools.count(what == "carried"))
        found = next(n for n in names if n not in taken)
        taken.add(found)
        return Access(found, *s.indices)

    carrier = Carrier(name)
    form = carrier.number(formula)
    named = [*carrier.choices.items(), (name("whole"), form)]
    found = [Statement(access.name, s.indices, body, origin=s.origin) for access, body in named]
    whole = carrier.done.get(formula, Carried(form))
    if not any(isinstance(n, sp.exp) or n in carrier.choices for n in postorder([whole.exponent])):
        return found, []
    # Where an exponent overflows, 1 by an infinite body is not 0.
    finite_exponent = sp.Lt(whole.exponent, finite(sp.oo), evaluate=False)
    return found, [sp.Or(finite_exponent, sp.Ne(whole.body, 0, evaluate=False), evaluate=False)]


def _free(target: str, program: Program) -> str:
    """A name for the value as it is evaluated otherwise."""
    name = part_of(target, "plain")
    while name in program.tensors:
        name += "_"
    return name


def _where_lost(
    s: Statement, plain: Statement, form: Statement, given: Iterable[sp.Basic], only_nan: bool
) -> Statement:
    """The form where the plain value is nan, and, if wanted, where it is 0 or infinite; but only where what
    is given holds, and where it is not nan."""
    value = plain.access
    lost = sp.Or(sp.Ne(value, finite(value), evaluate=False), sp.Eq(value, 0, evaluate=False))
    chosen = form.access, sp.And(*([] if only_nan else [lost]), _is_number(form.access), *given)
    first = [(value, _is_number(value))] if only_nan else []
    return s.with_body(sp.Piecewise(*first, chosen, (value, True), evaluate=False))


def _is_number(value: Access) -> sp.Basic:
    """Whether a value is not nan. Of |v| >= 0 SymPy knows that it holds, whenever it is asked again."""
    return sp.Ge(finite(value), finite(-sp.oo), evaluate=False)
