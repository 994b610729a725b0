"""The names that formulas in these tests are written in, and ways to read them."""

from __future__ import annotations

import pytest
import sympy as sp

from symbp import nn
from symbp.errors import SpecError
from symbp.spec import FUNCTIONS, loads, parse_expression

s, t, σ = (nn.scalar(name) for name in "stσ")
x, y = nn.vector("x", 4), nn.vector("y", 4)
W, V, M = nn.matrix("W", 3, 4), nn.matrix("V", 4, 3), nn.matrix("M", 4, 4)
A = nn.indexed("A", 2, 3, 4)
c = nn.label("c")
i, j, k = (sp.Symbol(name, integer=True) for name in "ijk")
NAMES = {str(name): name for name in (s, t, x, y, W, V, M, A, c, i, σ)}

HEAD = "[inputs]\nx = 4\n[parameters]\nW = [3, 4]\n[equations]\n"  # equations begin on line 6


def read(text: str, **more: sp.Basic) -> sp.Basic:
    """The formula, over NAMES and `more`."""
    return parse_expression(text, {**NAMES, **more}, FUNCTIONS)


def refusal(text: str, **more: sp.Basic) -> SpecError:
    """Why there is no such formula."""
    with pytest.raises(SpecError) as caught:
        read(text, **more)
    return caught.value


def file_refusal(text: str, **options: object) -> SpecError:
    """Why there is no such model file."""
    with pytest.raises(SpecError) as caught:
        loads(text, **options)  # type: ignore[arg-type]
    return caught.value


def assert_refused(text: str, column: int | None, problem: str, hint: str | None = None) -> None:
    """A formula is refused at a column, with a problem and a hint that contain these words."""
    error = refusal(text)
    assert problem in error.problem
    assert error.column == column, str(error)
    assert hint is None or hint in (error.hint or "")
