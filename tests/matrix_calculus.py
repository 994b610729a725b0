"""Identities of matrix calculus: each as a SymPy expression, and as NumPy code written independently.

The cases are those that SymPy's own tests of matrix derivatives differentiate (numbers in names are those
of the Matrix Cookbook, Petersen and Pedersen 2012, which most are taken from), written down by their
formulas, and more around traces. Matrices are 3 x 3 and vectors have 3 entries unless a case says else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import sympy as sp
from sympy import HadamardPower, MatMul, Trace
from sympy import HadamardProduct as had

K = 3
MATRICES, VECTORS, SCALARS = "ABCDX", "abcdxy", "t"
Formula = Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """An expression and its value: `written` takes the symbols by name, `computed` the arrays."""

    name: str
    written: Formula
    computed: Formula
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def expression(self) -> Any:
        found: dict[str, Any] = {n: sp.Symbol(n) for n in SCALARS}
        found |= {n: sp.MatrixSymbol(n, *self.shapes.get(n, (K, K))) for n in MATRICES}
        found |= {n: sp.MatrixSymbol(n, *self.shapes.get(n, (K,)), 1) for n in VECTORS}
        return sp.sympify(self.written(SimpleNamespace(**found)))

    def arrays(self, seed: int = 0) -> dict[str, np.ndarray]:
        """Entries in (0.2, 0.8), where every function of the table has a value."""
        random = np.random.default_rng(seed)
        shapes = dict.fromkeys(SCALARS, ()) | dict.fromkeys(MATRICES, (K, K)) | dict.fromkeys(VECTORS, (K,))
        return {n: random.uniform(0.2, 0.8, shape) for n, shape in (shapes | dict(self.shapes)).items()}

    def value(self, arrays: Mapping[str, Any]) -> np.ndarray:
        return np.asarray(self.computed(SimpleNamespace(**arrays)))


tr, outer, sin, cos, log, exp = np.trace, np.outer, np.sin, np.cos, np.log, np.exp
half, third = sp.Rational(1, 2), sp.Rational(1, 3)
WIDE = {"X": (2, 4)}

BY_SCALARS = {
    "A": (lambda s: s.A, lambda v: v.A),
    "A (X + B) c": (lambda s: s.A * (s.X + s.B) * s.c, lambda v: v.A @ (v.X + v.B) @ v.c),
    "x": (lambda s: s.x, lambda v: v.x),
    "x y'": (lambda s: s.x * s.y.T, lambda v: outer(v.x, v.y), {"y": (5,)}),
    "x x'": (lambda s: s.x * s.x.T, lambda v: outer(v.x, v.x)),
    "x + y": (lambda s: s.x + s.y, lambda v: v.x + v.y),
    "x^t entrywise": (lambda s: HadamardPower(s.x, s.t), lambda v: v.x**v.t),
    "t 1 o x o y": (lambda s: had(s.t * sp.OneMatrix(K, 1), s.x, s.y), lambda v: v.t * v.x * v.y),
    "t x": (lambda s: s.t * s.x, lambda v: v.t * v.x),
    "2 t x": (lambda s: 2 * s.t * s.x, lambda v: 2 * v.t * v.x),
    "sin(t) A B x": (lambda s: sp.sin(s.t) * s.A * s.B * s.x, lambda v: sin(v.t) * (v.A @ (v.B @ v.x))),
    "tr(t^2 X)": (lambda s: Trace(s.t**2 * s.X), lambda v: v.t**2 * tr(v.X)),
    "x' 1": (lambda s: MatMul(s.x.T, sp.OneMatrix(K, 1)), lambda v: v.x.sum()),
}

LINEAR = {
    "A'": (lambda s: s.A.T, lambda v: v.A.T, {"A": (2, 4)}),
    "2 A": (lambda s: 2 * s.A, lambda v: 2 * v.A, {"A": (2, 4)}),
    "A + A": (lambda s: sp.MatAdd(s.A, s.A), lambda v: v.A + v.A),
    "A + B": (lambda s: s.A + s.B, lambda v: v.A + v.B),
    "x'": (lambda s: s.x.T, lambda v: v.x),
    "69 x'a": (lambda s: s.x.T * s.a, lambda v: v.x @ v.a),
    "69 a'x": (lambda s: s.a.T * s.x, lambda v: v.a @ v.x),
    "70 a'Xb": (lambda s: s.a.T * s.X * s.b, lambda v: v.a @ v.X @ v.b, {**WIDE, "a": (2,), "b": (4,)}),
    "71 b'X'a": (lambda s: s.b.T * s.X.T * s.a, lambda v: v.a @ v.X @ v.b, {**WIDE, "a": (2,), "b": (4,)}),
    "72 a'Xa": (lambda s: s.a.T * s.X * s.a, lambda v: v.a @ v.X @ v.a),
    "72 a'X'a": (lambda s: s.a.T * s.X.T * s.a, lambda v: v.a @ v.X @ v.a),
    "99 tr(X)": (lambda s: Trace(s.X), lambda v: tr(v.X)),
    "100 tr(XA)": (lambda s: Trace(s.X * s.A), lambda v: tr(v.X @ v.A), {**WIDE, "A": (4, 2)}),
    "101 tr(AXB)": (
        lambda s: Trace(s.A * s.X * s.B),
        lambda v: tr(v.A @ v.X @ v.B),
        {**WIDE, "A": (5, 2), "B": (4, 5)},
    ),
    "102 tr(AX'B)": (
        lambda s: Trace(s.A * s.X.T * s.B),
        lambda v: tr(v.A @ v.X.T @ v.B),
        {**WIDE, "A": (5, 4), "B": (2, 5)},
    ),
    "103 tr(X'A)": (lambda s: Trace(s.X.T * s.A), lambda v: np.sum(v.X * v.A), {**WIDE, "A": (2, 4)}),
    "104 tr(AX')": (lambda s: Trace(s.A * s.X.T), lambda v: np.sum(v.X * v.A), {**WIDE, "A": (2, 4)}),
}

QUADRATIC = {
    "77 b'X'Xc": (
        lambda s: s.b.T * s.X.T * s.X * s.c,
        lambda v: (v.X @ v.b) @ (v.X @ v.c),
        {**WIDE, "b": (4,), "c": (4,)},
    ),
    "78 (Bx + b)'C(Dx + d)": (
        lambda s: (s.B * s.x + s.b).T * s.C * (s.D * s.x + s.d),
        lambda v: (v.B @ v.x + v.b) @ v.C @ (v.D @ v.x + v.d),
        {"B": (2, 3), "b": (2,), "C": (2, 4), "D": (4, 3), "d": (4,)},
    ),
    "81 x'Bx": (lambda s: s.x.T * s.B * s.x, lambda v: v.x @ v.B @ v.x),
    "81 x'Bx, entry by entry": (lambda s: (s.x.T * s.B * s.x)[0, 0], lambda v: v.x @ v.B @ v.x),
    "82 b'X'DXc": (
        lambda s: s.b.T * s.X.T * s.D * s.X * s.c,
        lambda v: (v.X @ v.b) @ v.D @ (v.X @ v.c),
        {**WIDE, "D": (2, 2), "b": (4,), "c": (4,)},
    ),
    "83 (Xb + c)'D(Xb + c)": (
        lambda s: (s.X * s.b + s.c).T * s.D * (s.X * s.b + s.c),
        lambda v: (v.X @ v.b + v.c) @ v.D @ (v.X @ v.b + v.c),
        {**WIDE, "D": (2, 2), "b": (4,), "c": (2,)},
    ),
    "x x'x": (lambda s: s.x * s.x.T * s.x, lambda v: v.x * (v.x @ v.x)),
    "106 tr(X^2)": (lambda s: Trace(s.X**2), lambda v: np.sum(v.X * v.X.T)),
    "107 tr(X^2 B)": (lambda s: Trace(s.X**2 * s.B), lambda v: tr(v.X @ v.X @ v.B)),
    "107 tr(XXB)": (lambda s: Trace(MatMul(s.X, s.X, s.B)), lambda v: tr(v.X @ v.X @ v.B)),
    "108 tr(X'BX)": (
        lambda s: Trace(s.X.T * s.B * s.X),
        lambda v: tr(v.X.T @ v.B @ v.X),
        {**WIDE, "B": (2, 2)},
    ),
    "109 tr(BXX')": (
        lambda s: Trace(s.B * s.X * s.X.T),
        lambda v: tr(v.X.T @ v.B @ v.X),
        {**WIDE, "B": (2, 2)},
    ),
    "110 tr(XX'B)": (
        lambda s: Trace(s.X * s.X.T * s.B),
        lambda v: tr(v.X.T @ v.B @ v.X),
        {**WIDE, "B": (2, 2)},
    ),
    "111 tr(XBX')": (
        lambda s: Trace(s.X * s.B * s.X.T),
        lambda v: tr(v.X @ v.B @ v.X.T),
        {**WIDE, "B": (4, 4)},
    ),
    "112 tr(BX'X)": (
        lambda s: Trace(s.B * s.X.T * s.X),
        lambda v: tr(v.X @ v.B @ v.X.T),
        {**WIDE, "B": (4, 4)},
    ),
    "113 tr(X'XB)": (
        lambda s: Trace(s.X.T * s.X * s.B),
        lambda v: tr(v.X @ v.B @ v.X.T),
        {**WIDE, "B": (4, 4)},
    ),
    "114 tr(AXBX)": (
        lambda s: Trace(s.A * s.X * s.B * s.X),
        lambda v: tr(v.A @ v.X @ v.B @ v.X),
        {**WIDE, "A": (4, 2), "B": (4, 2)},
    ),
    "115 tr(X'X)": (lambda s: Trace(s.X.T * s.X), lambda v: np.sum(v.X**2), WIDE),
    "115 tr(XX')": (lambda s: Trace(s.X * s.X.T), lambda v: np.sum(v.X**2), WIDE),
    "116 tr(B'X'CXB)": (
        lambda s: Trace(s.B.T * s.X.T * s.C * s.X * s.B),
        lambda v: tr((v.X @ v.B).T @ v.C @ (v.X @ v.B)),
        {**WIDE, "B": (4, 3), "C": (2, 2)},
    ),
    "117 tr(X'BXC)": (
        lambda s: Trace(s.X.T * s.B * s.X * s.C),
        lambda v: tr(v.X.T @ v.B @ v.X @ v.C),
        {**WIDE, "B": (2, 2), "C": (4, 4)},
    ),
    "118 tr(AXBX'C)": (
        lambda s: Trace(s.A * s.X * s.B * s.X.T * s.C),
        lambda v: tr(v.A @ v.X @ v.B @ v.X.T @ v.C),
        {**WIDE, "A": (3, 2), "B": (4, 4), "C": (2, 3)},
    ),
    "119 |AXB + C|^2": (
        lambda s: Trace((s.A * s.X * s.B + s.C) * (s.A * s.X * s.B + s.C).T),
        lambda v: np.sum((v.A @ v.X @ v.B + v.C) ** 2),
        {**WIDE, "A": (3, 2), "B": (4, 5), "C": (3, 5)},
    ),
    "121 tr(X^3)": (lambda s: Trace(s.X**3), lambda v: tr(v.X @ v.X @ v.X)),
    "122 tr(AX^3)": (lambda s: Trace(s.A * s.X**3), lambda v: tr(v.A @ v.X @ v.X @ v.X)),
    "123 tr(B'X'CXX'CXB)": (
        lambda s: Trace(s.B.T * s.X.T * s.C * s.X * s.X.T * s.C * s.X * s.B),
        lambda v: tr(v.B.T @ v.X.T @ v.C @ v.X @ v.X.T @ v.C @ v.X @ v.B),
        {**WIDE, "B": (4, 3), "C": (2, 2)},
    ),
    "a long polynomial": (
        lambda s: (
            s.a.T
            * (
                s.A * s.X * (s.X.T * s.B + s.X * s.A)
                + s.B.T
                * s.X.T
                * (
                    s.a
                    * s.b.T
                    * (s.X * s.D * s.X.T + s.X * (s.X.T * s.B + s.A * s.X) * s.D * s.B - s.X.T * s.C.T * s.A)
                    * s.B
                    + s.B * (s.X * s.D.T + s.B * s.A * s.X * s.A.T - 3 * s.X * s.D)
                )
                * s.B
                + 42 * s.X * s.B * s.X.T * s.A.T * (s.X + s.X.T)
            )
            * s.b
        ),
        lambda v: (
            v.a
            @ (
                v.A @ v.X @ (v.X.T @ v.B + v.X @ v.A)
                + v.B.T
                @ v.X.T
                @ (
                    outer(v.a, v.b)
                    @ (v.X @ v.D @ v.X.T + v.X @ (v.X.T @ v.B + v.A @ v.X) @ v.D @ v.B - v.X.T @ v.C.T @ v.A)
                    @ v.B
                    + v.B @ (v.X @ v.D.T + v.B @ v.A @ v.X @ v.A.T - 3 * v.X @ v.D)
                )
                @ v.B
                + 42 * v.X @ v.B @ v.X.T @ v.A.T @ (v.X + v.X.T)
            )
            @ v.b
        ),
    ),
}

TRACES = {
    "tr(A) A": (lambda s: Trace(s.A) * s.A, lambda v: tr(v.A) * v.A),
    "tr(A) A[0, 1]": (lambda s: (Trace(s.A) * s.A)[0, 1], lambda v: tr(v.A) * v.A[0, 1]),
    "3 tr(A)": (lambda s: 3 * Trace(s.A), lambda v: 3 * tr(v.A)),
    "120 tr(A)^2": (lambda s: Trace(s.A) ** 2, lambda v: tr(v.A) ** 2),
    "105 tr(A) tr(X)": (lambda s: Trace(s.A) * Trace(s.X), lambda v: tr(v.A) * tr(v.X)),
    "tr(tr(A) A)": (lambda s: Trace(Trace(s.A) * s.A), lambda v: tr(v.A) ** 2),
    "tr(tr(tr(A) A) A)": (lambda s: Trace(Trace(Trace(s.A) * s.A) * s.A), lambda v: tr(v.A) ** 3),
    # SymPy differentiates these to 0, or not at all.
    "tr(A'A) + tr(B'B)": (
        lambda s: Trace(s.A.T * s.A) + Trace(s.B.T * s.B),
        lambda v: np.sum(v.A**2) + np.sum(v.B**2),
        {"A": (2, 4), "B": (3, 5)},
    ),
    "log tr(A)": (lambda s: sp.log(Trace(s.A)), lambda v: log(tr(v.A))),
    "sin tr(A)": (lambda s: sp.sin(Trace(s.A)), lambda v: sin(tr(v.A))),
    "exp tr(AX)": (lambda s: sp.exp(Trace(s.A * s.X)), lambda v: exp(tr(v.A @ v.X)), {**WIDE, "A": (4, 2)}),
    "tr(A) / tr(B)": (lambda s: Trace(s.A) / Trace(s.B), lambda v: tr(v.A) / tr(v.B)),
    "tr(AB) / tr(A'A)^(1/2)": (
        lambda s: Trace(s.A * s.B) / sp.sqrt(Trace(s.A.T * s.A)),
        lambda v: tr(v.A @ v.B) / np.sqrt(np.sum(v.A**2)),
        {"A": (2, 4), "B": (4, 2)},
    ),
    "log(tr(A)) sin(tr(AB)) - tr(B)^3": (
        lambda s: sp.log(Trace(s.A)) * sp.sin(Trace(s.A * s.B)) - Trace(s.B) ** 3,
        lambda v: log(tr(v.A)) * sin(tr(v.A @ v.B)) - tr(v.B) ** 3,
    ),
    "tr sin.(X)": (lambda s: Trace(s.X.applyfunc(sp.sin)), lambda v: sin(np.diag(v.X)).sum()),
    "tr(A sin.(XB))": (
        lambda s: Trace(s.A * (s.X * s.B).applyfunc(sp.sin)),
        lambda v: tr(v.A @ sin(v.X @ v.B)),
        {**WIDE, "B": (4, 5), "A": (5, 2)},
    ),
    "exp of tr(sin.(X) o A)": (
        lambda s: sp.exp(Trace(had(s.X.applyfunc(sp.sin), s.A))),
        lambda v: exp(np.sum(np.diag(sin(v.X) * v.A))),
    ),
    "tr(A + xy') tr(X)": (
        lambda s: Trace(s.A + s.x * s.y.T) * Trace(s.X),
        lambda v: (tr(v.A) + v.x @ v.y) * tr(v.X),
    ),
    "tr(xy'AB)": (lambda s: Trace(s.x * s.y.T * s.A * s.B), lambda v: v.y @ v.A @ v.B @ v.x),
}

NORMS = {
    "(x'y)^(1/2)": (lambda s: (s.x.T * s.y) ** half, lambda v: np.sqrt(v.x @ v.y)),
    "(x'x)^(1/2)": (lambda s: (s.x.T * s.x) ** half, lambda v: np.sqrt(v.x @ v.x)),
    "(x'x)^-1": (lambda s: sp.MatPow(s.x.T * s.x, -1), lambda v: 1 / (v.x @ v.x)),
    "(c'a x'b)^(1/2)": (
        lambda s: (s.c.T * s.a * s.x.T * s.b) ** half,
        lambda v: np.sqrt((v.c @ v.a) * (v.x @ v.b)),
    ),
    "(c'a x'b)^(1/3)": (
        lambda s: (s.c.T * s.a * s.x.T * s.b) ** third,
        lambda v: np.cbrt((v.c @ v.a) * (v.x @ v.b)),
    ),
    "(a'Xb)^(1/2)": (
        lambda s: (s.a.T * s.X * s.b) ** half,
        lambda v: np.sqrt(v.a @ v.X @ v.b),
        {**WIDE, "a": (2,), "b": (4,)},
    ),
    "d'x (a'Xb)^(1/2) y'c": (
        lambda s: s.d.T * s.x * (s.a.T * s.X * s.b) ** half * s.y.T * s.c,
        lambda v: (v.d @ v.x) * np.sqrt(v.a @ v.X @ v.b) * (v.y @ v.c),
        {**WIDE, "a": (2,), "b": (4,)},
    ),
}

_AXB = {**WIDE, "A": (3, 2), "B": (4, 5), "a": (3,), "b": (5,)}

ENTRYWISE = {
    "tan.(x)": (lambda s: s.x.applyfunc(sp.tan), lambda v: np.tan(v.x)),
    "sin.(t^2 x)": (lambda s: (s.t**2 * s.x).applyfunc(sp.sin), lambda v: sin(v.t**2 * v.x)),
    "sin.(log(t) AB)": (
        lambda s: (sp.log(s.t) * s.A * s.B).applyfunc(sp.sin),
        lambda v: sin(log(v.t) * v.A @ v.B),
        {"A": (2, 3), "B": (3, 4)},
    ),
    "A exp.(x)": (lambda s: s.A * s.x.applyfunc(sp.exp), lambda v: v.A @ exp(v.x), {"A": (2, 3)}),
    "x'Ax + 3 sin.(y)'x": (
        lambda s: s.x.T * s.A * s.x + K * s.y.applyfunc(sp.sin).T * s.x,
        lambda v: v.x @ v.A @ v.x + 3 * sin(v.y) @ v.x,
    ),
    "sin.(x)'y": (lambda s: s.x.applyfunc(sp.sin).T * s.y, lambda v: sin(v.x) @ v.y),
    "sin.(a'Xb)": (
        lambda s: (s.a.T * s.X * s.b).applyfunc(sp.sin),
        lambda v: sin(v.a @ v.X @ v.b),
        {**WIDE, "a": (2,), "b": (4,)},
    ),
    "a' sin.(X) b": (
        lambda s: s.a.T * s.X.applyfunc(sp.sin) * s.b,
        lambda v: v.a @ sin(v.X) @ v.b,
        {**WIDE, "a": (2,), "b": (4,)},
    ),
    "a' sin.(AXB) b": (
        lambda s: s.a.T * (s.A * s.X * s.B).applyfunc(sp.sin) * s.b,
        lambda v: v.a @ sin(v.A @ v.X @ v.B) @ v.b,
        _AXB,
    ),
    "a' sin.(AXb) b'": (
        lambda s: s.a.T * (s.A * s.X * s.b).applyfunc(sp.sin) * s.b.T,
        lambda v: (v.a @ sin(v.A @ v.X @ v.b)) * v.b,
        {**WIDE, "A": (3, 2), "b": (4,)},
    ),
    "a'A sin.(X) B b": (
        lambda s: s.a.T * s.A * s.X.applyfunc(sp.sin) * s.B * s.b,
        lambda v: v.a @ v.A @ sin(v.X) @ v.B @ v.b,
        _AXB,
    ),
    "a' log.(A sin.(X) B) b": (
        lambda s: s.a.T * (s.A * s.X.applyfunc(sp.sin) * s.B).applyfunc(sp.log) * s.b,
        lambda v: v.a @ log(v.A @ sin(v.X) @ v.B) @ v.b,
        _AXB,
    ),
    "a' log.(sin.(X)) b": (
        lambda s: s.a.T * s.X.applyfunc(sp.sin).applyfunc(sp.log) * s.b,
        lambda v: v.a @ log(sin(v.X)) @ v.b,
        {**WIDE, "a": (2,), "b": (4,)},
    ),
    "a o x o b": (lambda s: had(s.a, s.x, s.b), lambda v: v.a * v.x * v.b),
    "a'(A o X o B)b": (
        lambda s: s.a.T * had(s.A, s.X, s.B) * s.b,
        lambda v: v.a @ (v.A * v.X * v.B) @ v.b,
        {**WIDE, "A": (2, 4), "B": (2, 4), "a": (2,), "b": (4,)},
    ),
    "x^2 entrywise": (lambda s: HadamardPower(s.x, 2), lambda v: v.x**2),
    "x'^2 entrywise": (lambda s: HadamardPower(s.x.T, 2), lambda v: v.x**2),
    "x^(1/2) entrywise": (lambda s: HadamardPower(s.x, half), lambda v: np.sqrt(v.x)),
    "(a'Xb)^2 entrywise": (
        lambda s: HadamardPower(s.a.T * s.X * s.b, 2),
        lambda v: (v.a @ v.X @ v.b) ** 2,
        {**WIDE, "a": (2,), "b": (4,)},
    ),
    "(a'Xb)^(1/2) entrywise": (
        lambda s: HadamardPower(s.a.T * s.X * s.b, half),
        lambda v: np.sqrt(v.a @ v.X @ v.b),
        {**WIDE, "a": (2,), "b": (4,)},
    ),
}

GROUPS = {
    "by scalars": BY_SCALARS,
    "linear": LINEAR,
    "quadratic": QUADRATIC,
    "traces": TRACES,
    "norms": NORMS,
    "entrywise": ENTRYWISE,
}
SQUARE = {name: Case(name, *row[:2]) for rows in GROUPS.values() for name, row in rows.items()}
"""All cases with 3 x 3 matrices."""
CASES = SQUARE | {
    f"{name}, not square": Case(name, *row)
    for rows in GROUPS.values()
    for name, row in rows.items()
    if row[2:]
}

REFUSED: dict[str, Formula] = {
    "61 a'X^-1 b": lambda s: s.a.T * sp.Inverse(s.X) * s.b,
    "62 det(X^-1)": lambda s: sp.Determinant(sp.Inverse(s.X)),
    "63 tr(AX^-1 B)": lambda s: Trace(s.A * sp.Inverse(s.X) * s.B),
    "64 tr((X + A)^-1)": lambda s: Trace(sp.Inverse(s.X + s.A)),
    "124 tr(AX^-1 B) as a power": lambda s: Trace(s.A * s.X ** (-1) * s.B),
    "125 tr((X'CX)^-1 A)": lambda s: Trace(sp.Inverse(s.X.T * s.C * s.X) * s.A),
    "126 tr((X'CX)^-1 (X'BX))": lambda s: Trace((s.X.T * s.C * s.X).inv() * (s.X.T * s.B * s.X)),
    "127 tr((A + X'CX)^-1 (X'BX))": lambda s: Trace((s.A + s.X.T * s.C * s.X).inv() * (s.X.T * s.B * s.X)),
    "105 tr of a Kronecker product": lambda s: Trace(sp.KroneckerProduct(s.A, s.X)),
    "a Kronecker product": lambda s: sp.KroneckerProduct(s.A, s.X),
    "log det(A)": lambda s: sp.log(sp.Determinant(s.A)),
    "A^t": lambda s: s.A**s.t,
    "tr(X^-2)": lambda s: Trace(s.X**-2),
    "exp(A)": lambda s: sp.exp(s.A),
}
