"""Names as a textbook sets them: z1 is z with the layer as superscript, dE/dW1 a partial derivative.

Names are text of the user's. What has no mathematical reading is set as text, and every printer escapes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from symbp.errors import shorten

LONGEST = 90
"""Characters of a name that are shown; longer ones are cut in the middle."""

_GREEK = """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon
phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"""
GREEK = frozenset(_GREEK.split())

_PARTIAL = re.compile(r"d(\w+)/d(.+)", re.DOTALL)
_PART = re.compile(r"\((d\w+/d.+)\)_([a-z]+[0-9]*(?:_[0-9]+)?)", re.DOTALL)
_SYMBOL = re.compile(r"([A-Za-z]+)([0-9]*)((?:_[A-Za-z0-9]+)*)")
_LAYERED = ("z", "a", "delta")


@dataclass(frozen=True)
class Letter:
    """A letter or word, with subscripts and the number of the layer as superscript."""

    base: str
    subscripts: tuple[str, ...] = ()
    layer: str = ""


@dataclass(frozen=True)
class Partial:
    """The derivative of one name with respect to another, or a part of it that has a name."""

    of: Name
    by: Name
    part: str = ""


@dataclass(frozen=True)
class Verbatim:
    """Text that is no mathematical name; printable, on one line."""

    text: str


Name = Letter | Partial | Verbatim


def printable(name: str) -> str:
    r"""The name on one line of at most `LONGEST` characters, control characters as \x0a."""
    return shorten("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name), LONGEST)


def reading(name: str, array: bool = False) -> Name:
    """How a name is read.

    A number behind it is that of a layer where the name is an array's or a pre-activation's (z),
    an activation's (a) or a delta's; behind any other scalar it is a subscript.
    """
    if len(name) > LONGEST:
        return Verbatim(printable(name))
    if (found := _PART.fullmatch(name)) and isinstance(whole := reading(found[1], array), Partial):
        return replace(whole, part=found[2])
    if found := _PARTIAL.fullmatch(name):
        return Partial(reading(found[1]), reading(found[2], array))
    if found := _SYMBOL.fullmatch(name):
        base, number, rest = found.groups()
        subscripts = tuple(rest.split("_")[1:])
        if number and (array or base in _LAYERED):
            return Letter(base, subscripts, number)
        return Letter(base, (number, *subscripts) if number else subscripts)
    return Verbatim(printable(name))
