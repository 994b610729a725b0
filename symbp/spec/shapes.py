"""The tables [inputs] and [parameters]: names, their shapes, and what they are in SymPy."""

from __future__ import annotations

import keyword
import math
import unicodedata

import sympy as sp

from symbp import nn
from symbp.spec.scope import Scope
from symbp.spec.tables import raw_table, shown
from symbp.spec.toml_text import TomlText

LABEL = "label"  # the shape of an input that holds one integer class label per sample
ONE_HOT = "one_hot"  # {one_hot = 10}: a vector of 10 entries that add up to 1
SCALAR = "scalar"  # another way to write the shape []
MAX_ENTRIES = 10**9  # of one tensor
MAX_AXES = 8
MAX_NAME = 100  # characters
_HINT = (
    'write 64 for a vector, [32, 64] for a matrix, [] for a scalar, "label" for a class label,'
    " {one_hot = 10} for a one-hot class"
)


class OneHot(tuple):
    """The shape of an input whose entries add up to 1."""


Shape = tuple[int, ...] | str  # extents, or LABEL


def read_shapes(source: TomlText, table: str, scope: Scope) -> dict[str, Shape]:
    """The shapes that [inputs] or [parameters] declare, by name; the names are added to `scope`.

    Raises:
        SpecError: with the line.
    """
    shapes: dict[str, Shape] = {}
    for key, value in raw_table(source, table).items():
        try:
            name = check_name(key)
        except ValueError as error:
            raise source.error(f"{key[:100]!r} {error}", table, key) from None
        try:
            shape = read_shape(value)
        except ValueError as error:
            raise source.error(f"the shape of {name!r} {error}", table, key, _HINT) from None
        if table == "parameters" and (shape == LABEL or isinstance(shape, OneHot)):
            problem = f"the parameter {name!r} cannot be a class label or a one-hot class"
            raise source.error(problem, table, key, "move it to [inputs]")
        try:
            scope.define(name, declare(name, shape))
        except ValueError as error:
            raise source.error(str(error), table, key, "choose another name") from None
        shapes[name] = shape
    return shapes


def check_name(name: str) -> str:
    """`name` as it is used in formulas: Python's parser brings identifiers to Unicode form NFKC.

    Raises:
        ValueError: where it is no identifier, or a word with a meaning of its own.
    """
    name = unicodedata.normalize("NFKC", name)
    if not name.isidentifier():
        raise ValueError("is not a name: names are letters, digits and _, and start with no digit")
    if len(name) > MAX_NAME:
        raise ValueError(f"is longer than {MAX_NAME} characters")
    if keyword.iskeyword(name):
        raise ValueError("is a word with a meaning of its own")
    return name


def read_shape(value: object) -> Shape:
    """The shape that a model file declares: 64 is (64,), [32, 64] is (32, 64), [] and "scalar" are ().

    Raises:
        ValueError: for anything else.
    """
    if value == LABEL:
        return LABEL
    if isinstance(value, dict) and list(value) == [ONE_HOT] and isinstance(value[ONE_HOT], int):
        return OneHot(read_shape(value[ONE_HOT]))
    extents = [] if value == SCALAR else value if isinstance(value, list) else [value]
    if len(extents) > MAX_AXES:
        raise ValueError(f"has more than {MAX_AXES} axes")
    for extent in extents:
        if isinstance(extent, bool) or not isinstance(extent, int) or not 1 <= extent <= MAX_ENTRIES:
            raise ValueError(f"is {shown(value)}: extents are whole numbers from 1 to {MAX_ENTRIES:,}")
    if math.prod(extents) > MAX_ENTRIES:
        raise ValueError(f"is {shown(value)}: more than {MAX_ENTRIES:,} entries")
    return tuple(extents)


def declare(name: str, shape: Shape) -> sp.Basic:
    """The SymPy object for a name: a Symbol, a MatrixSymbol (vectors are columns), or an IndexedBase."""
    if shape == LABEL:
        return nn.label(name)
    if isinstance(shape, OneHot):
        return nn.one_hot(name, *shape)
    if shape == ():
        return nn.scalar(name)
    if len(shape) == 1:
        return nn.vector(name, *shape)
    return nn.matrix(name, *shape) if len(shape) == 2 else nn.indexed(name, *shape)
