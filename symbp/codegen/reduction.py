"""How reductions begin, take a term and end."""

from __future__ import annotations

from symbp.ir.functions import finite
from symbp.ir.nodes import Statement


def neutral(s: Statement, single: bool) -> str:
    """Text of what a reduction is before its first term."""
    text = "-np.inf" if s.reduce == "max" else "0.0"
    return f"f32({text})" if single else text


def with_term(target: str, value: str, s: Statement) -> str:
    """The line that takes a term."""
    # nan stays. What is compared with itself is the term: the next step waits for the other.
    return f"{target} = maximum({value}, {target})" if s.reduce == "max" else f"{target} += {value}"


def clamped_once(s: Statement) -> Statement | None:
    """The maximum whose result remains to be clamped, in place of one of clamped terms; None of others.

    The clamp `finite` never decreases, so that it may come after the maximum. There are terms: nothing is
    left out.
    """
    once = s.reduce == "max" and isinstance(s.body, finite) and not s.where
    return s.with_body(s.body.args[0]) if once else None
