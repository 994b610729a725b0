"""Checked reading of the small tables of a model file: [options], [check], [train].

One table of a file is one frozen dataclass. Its fields are the keys that are allowed; what each may be is
said by a small function per key. Unknown keys are errors that suggest the key which was meant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from symbp.errors import SpecError
from symbp.spec.place import suggestion
from symbp.spec.toml_text import TomlText

Reader = Callable[[object], object]  # returns the value to keep, or raises ValueError saying what it must be


def raw_table(source: TomlText, table: str) -> dict[str, object]:
    """`table` as it stands in the file; {} where the file has no such table.

    Raises:
        SpecError: it is no table.
    """
    data = source.data.get(table, {})
    if not isinstance(data, dict):
        raise source.error(f"{table} is a table", "", table, f"write [{table}] on a line of its own")
    return data


def read_table(source: TomlText, table: str, readers: Mapping[str, Reader]) -> dict[str, object]:
    """The values of `table`, each passed through the reader of its key; {} where the file has no such table.

    Raises:
        SpecError: for a key without a reader, or a value that its reader refuses.
    """
    values = {}
    for key, value in raw_table(source, table).items():
        if key not in readers:
            raise unknown_key(source, table, key, list(readers))
        try:
            values[key] = readers[key](value)
        except ValueError as error:
            raise source.error(f"{table}.{key} must be {error}, not {shown(value)}", table, key) from None
    return values


def unknown_key(source: TomlText, table: str, key: str, known: list[str]) -> SpecError:
    """The error for a key that means nothing."""
    where = f"in [{table}]" if table else "at the top of the file"
    hints = [suggestion(key, known), f"known are {', '.join(known)}"]
    hint = "; ".join(filter(None, hints))
    return source.error(f"unknown key {key[:100]!r} {where}", table, key, hint)


def shown(value: object) -> str:
    """`value` for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def choice(*options: str) -> Reader:
    """One of a few words."""

    def read(value: object) -> object:
        if value not in options:
            raise ValueError("one of " + ", ".join(repr(option) for option in options))
        return value

    return read


def whole(least: int, most: int = 10**9) -> Reader:
    """A whole number within bounds, both included."""

    def read(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"a whole number from {least:,} to {most:,}")
        return value

    return read


def number(above: float, most: float = math.inf) -> Reader:
    """A number above one bound, and at most the other."""

    def read(value: object) -> object:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            try:
                decimal = float(value)
            except OverflowError:
                decimal = math.inf
            if math.isfinite(decimal) and above < decimal <= most:
                return decimal
        raise ValueError(f"a number above {above:g}" + ("" if math.isinf(most) else f" and up to {most:g}"))

    return read


def fraction(value: object) -> object:
    """A number between 0 and 1, both excluded."""
    if isinstance(value, float) and 0 < value < 1:
        return value
    raise ValueError("a number between 0 and 1")


def flag(value: object) -> object:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def word(value: object) -> object:
    """A text."""
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return value
