"""How parameters are used in the equations, as far as their first values depend on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.indexed import Idx, Indexed, IndexedBase

from symbp.ir.walk import postorder
from symbp.network import Network, symbol_name

_TRANSPARENT = (
    sp.Add, sp.Mul, sp.MatAdd, sp.MatMul, sp.HadamardProduct, sp.Sum, sp.Transpose, sp.Trace,
    Indexed, MatrixElement, sp.MatrixBase, sp.Tuple,
)  # fmt: skip


@dataclass(frozen=True)
class Usage:
    """`relu`: the nearest function around it is relu-like. `place`: "added", "scales" or "multiplied"."""

    relu: bool = False
    place: str = "added"


def usage(network: Network) -> dict[str, Usage]:
    """By name, how each symbol is used where it occurs first; linear in the size of the equations."""
    found: dict[str, Usage] = {}
    # Backwards: what becomes of a name that is defined is known before its own equation is read.
    for equation in reversed(network.equations):
        after = found.get(symbol_name(equation.lhs), Usage())
        for name, use in _uses(equation.rhs, after.relu).items():
            found[name] = use
    return found


def _uses(root: Any, relu: bool) -> dict[str, Usage]:
    found: dict[str, Usage] = {}
    numbers = _numbers(root)
    stack: list[tuple[Any, bool, str]] = [(root, relu, "added")]
    done = set()
    while stack:
        node, relu, place = state = stack.pop()
        if state in done or isinstance(node, Idx):
            continue
        done.add(state)
        if isinstance(node, sp.Symbol | sp.MatrixSymbol | IndexedBase):
            found.setdefault(symbol_name(node), Usage(relu, place))
            continue
        if isinstance(node, Indexed):
            found.setdefault(symbol_name(node.base), Usage(relu, place))
            continue
        if isinstance(node, sp.Sum):
            stack.append((node.function, relu, "added"))
            continue
        place = _place(node, place, numbers)
        if isinstance(node, ElementwiseApplyFunction):
            stack.append((node.expr, _relu_like(node.function.expr), "added"))
            continue
        if not isinstance(node, _TRANSPARENT):
            relu = _relu_like(node)
        children = node.flat() if isinstance(node, sp.MatrixBase) else node.args
        stack.extend((a, relu, place) for a in reversed(children) if hasattr(a, "args"))
    return found


def _numbers(root: Any) -> set[Any]:
    """The nodes that hold no symbol; `is_number` would walk the tree below each product again."""
    found: set[Any] = set()
    for node in postorder([root], leaf=lambda n: not n.args or isinstance(n, sp.MatrixBase)):
        if isinstance(node, sp.MatrixExpr):
            continue
        if node.is_number if not node.args else all(a in found for a in node.args):
            found.add(node)
    return found


def _place(node: Any, place: str, numbers: set[Any]) -> str:
    if isinstance(node, sp.HadamardProduct):
        return "scales"
    if isinstance(node, sp.Mul | sp.MatMul):
        # A number in front (x - b is x + (-1)*b) leaves an addition what it is.
        factors = [a for a in node.args if a not in numbers]
        return place if len(factors) < 2 else "multiplied"
    if isinstance(node, Indexed | MatrixElement | sp.Transpose):
        return place
    return "added"


def _relu_like(node: Any) -> bool:
    """max(0, z), or cases on z such as the leaky and exponential linear units; |z| is not one."""
    if isinstance(node, sp.Max):
        return any(a.is_Number and a == 0 for a in node.args)
    return isinstance(node, sp.Piecewise)
