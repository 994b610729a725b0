"""Numbers in front of a body that no other number in it can join: 0.3 e^x/(1 + e^x) is as hard as 0.7 of it.

Sums over data have one such body for each sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from symbp.ir.walk import is_leaf, postorder


def without_number(body: Any, held: Iterable[Any] = ()) -> tuple[Any, Any]:
    """A number and what it multiplies; 1 and the body where there is none, or it may join another number.

    Args:
        held: what other forms of the body may be written through. With 3 e^x - 3 held, 3 e^x is that and 3.
    """
    number, rest = body.as_coeff_Mul()
    if number.is_finite and not _is_unit(number) and all(map(_is_plain, (rest, *held))):
        return number, rest
    return sp.S.One, body


def with_number(number: Any, form: Any) -> Any:
    """The form times the number; None where that joins a number in it."""
    return number * form if _is_plain(form) and not isinstance(form, sp.Add) else None


def _is_unit(number: Any) -> bool:
    return number is sp.S.One or number is sp.S.NegativeOne


def _is_plain(body: Any) -> bool:
    """Whether no number multiplies something or is added, outside of functions."""
    nodes = postorder([body], leaf=lambda n: is_leaf(n) or isinstance(n, sp.Function))
    return not body.is_Number and not any(
        a.is_Number and not _is_unit(a) for n in nodes if isinstance(n, sp.Add | sp.Mul) for a in n.args
    )
