"""Define: functions of the user's own classes become their formulas, after differentiation.

They stay whole until then, so that the derivative a class gives itself (`fdiff`) is the one used.
"""

from __future__ import annotations

from symbp.ir.definition import defined
from symbp.ir.nodes import Program


def define(program: Program) -> Program:
    """The program in terms of functions that can be evaluated.

    Raises:
        UnsupportedError: a function class does not say what its value is.
    """
    return program.rebuilt(s.with_body(defined(s.body, s.origin)) for s in program.statements)
