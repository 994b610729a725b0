"""Values of expressions at a few points: what is positive at one of them is not always negative.

SymPy searches long for signs that are not there. One value tells so, at the price of an operation for each
node, which is remembered.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import sympy as sp

from symbp.ir.nodes import Access

POINTS = 6
"""Points at which an expression is evaluated."""
CLEAR = 1e-6
"""Values that are farther from 0 than this are not rounding of 0."""
LARGE = 1e6
"""Of larger values on the way nothing is said: after them rounding may be larger than that."""
REMEMBERED = 1 << 16

Values = tuple[float, ...]

_VALUES: dict[Any, Values | None] = {}

_FUNCTIONS: dict[Any, Callable[[float], float]] = {
    sp.exp: math.exp,
    sp.log: math.log,
    sp.sin: math.sin,
    sp.cos: math.cos,
    sp.tanh: math.tanh,
    sp.Abs: abs,
}


def values(root: Any) -> Values | None:
    """What an expression in entries is at the points; None where that is not found out easily."""
    stack: list[Any] = [root]
    while stack:
        node = stack[-1]
        if node in _VALUES:
            stack.pop()
            continue
        args = () if isinstance(node, Access) else node.args
        left = [a for a in args if a not in _VALUES]
        if left:
            stack += left
            continue
        stack.pop()
        if len(_VALUES) >= REMEMBERED:
            _VALUES.clear()
            if stack:  # what is looked at is forgotten, too
                return None
        _VALUES[node] = _value(node, [_VALUES.get(a) for a in args])  # another thread may have cleared them
    return _VALUES.get(root)


def is_somewhere_positive(root: Any) -> bool:
    """Whether an expression is seen to be positive; False says nothing."""
    return any(v > CLEAR for v in values(root) or ())


def is_somewhere_not_zero(root: Any) -> bool:
    """Whether an expression is seen not to be 0; False says nothing."""
    return any(abs(v) > CLEAR for v in values(root) or ())


def are_in_no_order(operands: Sequence[Any]) -> bool:
    """Whether of any two of them each is seen to be larger than the other; False says nothing."""
    rows = [values(o) for o in operands]
    known = [r for r in rows if r is not None]
    if len(known) < len(rows):
        return False
    return all(
        any(a - b > CLEAR for a, b in zip(one, other, strict=True))
        for one in known
        for other in known
        if one is not other
    )


def _value(node: Any, operands: list[Values | None]) -> Values | None:
    kind = type(node)
    if kind is Access:
        # Anything but a function that is the same in each process: decisions must be, too.
        seed = crc32(str(node).encode())
        return tuple(_SIZES[seed >> 5 * k & 127] for k in range(POINTS))
    if isinstance(node, sp.Rational | sp.Float | sp.NumberSymbol):
        return _clear([float(node)] * POINTS)
    known = [o for o in operands if o is not None]
    if not known or len(known) < len(operands):
        return None
    rule = _RULES.get(kind)
    try:
        if rule is not None:
            return _clear([rule(column) for column in zip(*known, strict=True)])
        function = _FUNCTIONS.get(kind)
        return None if function is None else _clear([function(v) for v in known[0]])
    except (ArithmeticError, ValueError):
        return None


def _clear(found: list[Any]) -> Values | None:
    """The values, where all are numbers of a usual size."""
    return tuple(found) if all(type(v) is float and abs(v) < LARGE for v in found) else None


_RULES: dict[Any, Callable[[Sequence[float]], Any]] = {
    sp.Add: sum,
    sp.Mul: math.prod,
    sp.Pow: lambda pair: operator.pow(*pair),
}

_SIZES = [(k - 64 + 0.37) / 40 for k in range(128)]
"""Values of entries: of both signs, none of them 0."""
