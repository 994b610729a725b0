"""Terms: what an equation looks like on paper, before it is text, LaTeX, MathML or SymPy.

A small tree of its own, because SymPy has no node for an elementwise product of sums, a transposed name or a
sum over a vector that it would not rewrite while it is being built.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import sympy as sp


@dataclass(frozen=True)
class Term:
    """One node: `kind` says which, `args` are its operands, `data` what else it holds.

    | kind | operands | data |
    |---|---|---|
    | number | | a SymPy number |
    | name | | the name of a tensor: all of it where `array`, else its one entry |
    | index | | a loop index, as its `Index` |
    | access | one term per axis | the name of the tensor this is an entry of |
    | transpose, minus | one | |
    | plus, times, matmul, hadamard | two or more | |
    | fraction, power | two | |
    | partial | what a derivative is taken by | the name of what is derived |
    | unit | its position | the length of the vector that is 1 there and 0 elsewhere |
    | call | the arguments | a function's name; "sum" and "max" of one array are over its entries |
    | sum | the body | "sum" or "max", and the index terms that it runs over |
    | relation | two | one of < <= > >= == != |
    | logic | one or more | "and", "or", "not" |
    | if | value, condition, value, condition, ... | |
    | true | | |
    | matrix | the entries, row by row | the number of columns; 1 for a vector |
    | words | | text that stands for something too large to write out |
    | brief | | number of operations and names of the operands of a body too large to read |

    Attributes:
        array: whether it stands for a vector or matrix; False for a single number.
        size: number of nodes of the tree.
        depth: its height.
        leads: whether it comes first in a product, as the error from the layer above does.
    """

    kind: str
    args: tuple[Term, ...] = ()
    data: Any = None
    array: bool = False
    size: int = 1
    depth: int = 1
    leads: bool = False


def term(kind: str, *args: Term, data: Any = None, array: bool | None = None) -> Term:
    """A node over `args`; an array where one of its operands is, unless said otherwise."""
    return Term(
        kind,
        args,
        data,
        any(a.array for a in args) if array is None else array,
        1 + sum(a.size for a in args),
        1 + max((a.depth for a in args), default=0),
    )


def number(value: sp.Basic | int) -> Term:
    return term("number", data=sp.sympify(value))


ONE = number(1)


def product(factors: list[Term], divisors: list[Term], sign: int = 1) -> Term:
    """The product of numbers and arrays: numbers in front, arrays joined elementwise, one fraction bar."""
    if len(factors) > 1 or divisors or sign < 0:
        sign = -sign if sum(f.kind == "minus" for f in factors) % 2 else sign
        factors = [f.args[0] if f.kind == "minus" else f for f in factors]
    divisors = [*divisors, *(f.args[1] for f in factors if _is_quotient(f))]
    factors = [f.args[0] if _is_quotient(f) else f for f in factors]
    factors, divisors = _folded(factors, divisors)
    if sign < 0:
        factors, sign = _turned(factors)
    top = _joined(factors)
    if divisors:
        top = term("fraction", top, _joined(divisors))
    return term("minus", top) if sign < 0 else top


def _turned(factors: list[Term]) -> tuple[list[Term], int]:
    """-(a - 1)*a as (1 - a)*a."""
    for k, f in enumerate(factors):
        if f.kind == "plus" and any(t.kind == "minus" and t.args[0].kind == "number" for t in f.args):
            negative = (t.args[0] if t.kind == "minus" else term("minus", t) for t in f.args)
            return [*factors[:k], total(list(negative)), *factors[k + 1 :]], 1
    return factors, -1


def _is_quotient(t: Term) -> bool:
    """Whether it is over a number, so that the line may reach below a whole product."""
    return t.kind == "fraction" and not t.args[1].array


def _folded(factors: list[Term], divisors: list[Term]) -> tuple[list[Term], list[Term]]:
    """The factors and divisors with one number at most: 2*A/2 is A."""
    above, below = ([part for t in ts for part in _parts(t)] for ts in (factors, divisors))
    numbers = [t.data for t in (*above, *below) if t.kind == "number"]
    if len(numbers) < 2 or not all(n.is_Rational for n in numbers):
        return factors, divisors
    value = sp.S.One
    for t in above:
        value *= t.data if t.kind == "number" else 1
    for t in below:
        value /= t.data if t.kind == "number" else 1
    above, below = ([t for t in ts if t.kind != "number"] for ts in (above, below))
    top, bottom = number(value.p), number(value.q)
    return [*([top] if top != ONE or not above else []), *above], [
        *([bottom] if bottom != ONE else []),
        *below,
    ]


def matrix_product(factors: list[Term], array: bool | None = None) -> Term:
    """The product of matrices, with the numbers in its factors in front of it."""
    numbers: list[Term] = []
    divisors: list[Term] = []
    sign = 1
    arrays = []
    for f in factors:
        if f.kind == "minus":
            sign, f = -sign, f.args[0]
        if _is_quotient(f):
            divisors.append(f.args[1])
            f = f.args[0]
        if f.kind == "times" and sum(a.array for a in f.args) == 1:
            numbers += [a for a in f.args if not a.array]
            (f,) = (a for a in f.args if a.array)
        arrays.append(f)
    return product([*numbers, term("matmul", *arrays, array=array)], divisors, sign)


def _joined(factors: list[Term]) -> Term:
    factors = [part for f in factors for part in _parts(f) if part != ONE]
    if not factors:
        return ONE
    factors = [f if n == 1 else term("power", f, number(n)) for f, n in Counter(factors).items()]
    scalars = sorted((f for f in factors if not f.array), key=_rank)
    arrays = sorted((f for f in factors if f.array), key=_rank)
    parts = scalars
    if arrays:
        parts = [*scalars, arrays[0] if len(arrays) == 1 else term("hadamard", *arrays)]
    return parts[0] if len(parts) == 1 else term("times", *parts)


def _parts(t: Term) -> list[Term]:
    """The factors of a product: a product of products is one product."""
    return [part for a in t.args for part in _parts(a)] if t.kind in ("times", "hadamard") else [t]


def total(terms: list[Term]) -> Term:
    """The sum, written so that it does not start with a minus where that can be avoided."""
    if len(terms) == 1:
        return terms[0]
    terms = [part for t in terms for part in _summands(t)]
    below = {part.args[1] if part.kind == "fraction" else None for t in terms for part in (_positive(t),)}
    if len(below) == 1 and None not in below:
        return _over(terms, *below)  # type: ignore[arg-type]
    positive = sorted((t for t in terms if t.kind != "minus"), key=_rank_in_sum)
    negative = sorted((t for t in terms if t.kind == "minus"), key=lambda t: _rank_in_sum(t.args[0]))
    return term("plus", *positive, *negative)


def _positive(t: Term) -> Term:
    return t.args[0] if t.kind == "minus" else t


def _over(terms: list[Term], divisor: Term) -> Term:
    """Fractions with one divisor as one fraction."""
    tops = [term("minus", t.args[0].args[0]) if t.kind == "minus" else t.args[0] for t in terms]
    return term("fraction", total(tops), divisor)


def _summands(t: Term) -> list[Term]:
    """The terms of a sum: a sum in a sum is one sum."""
    if t.kind == "plus":
        return list(t.args)
    if t.kind == "minus" and t.args[0].kind == "plus":
        return [part.args[0] if part.kind == "minus" else term("minus", part) for part in t.args[0].args]
    return [t]


_ORDER: dict[str, float] = {
    "number": 0,
    "matmul": 1,
    "transpose": 1,
    "times": 1,
    "name": 2,
    "index": 2,
    "access": 2.5,
    "fraction": 2.8,
}


def _rank(t: Term) -> float:
    return 0.5 if t.leads else _ORDER.get(t.kind, 3)


def _rank_in_sum(t: Term) -> float:
    return _ORDER.get(t.kind, 1)
