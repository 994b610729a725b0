"""TOML with places: the data of a file, and where in its text each key and each string stands.

The standard library's reader keeps no positions. They are only needed to point at errors, so a second, light
scan of the text finds them; where it cannot tell (inline tables, escapes in a string) the place is coarser.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from symbp.errors import SpecError
from symbp.spec.place import Place

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_FILE = 500_000  # characters of a model file
MAX_DOTS = 20  # of a dotted key; readers need quadratic time for long ones

_HEADER = re.compile(r"\s*\[\s*(?P<table>[^\[\]]+?)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*(?P<key>(?:"[^"\n]*"|'[^'\n]*'|[\w.\- ]+?))\s*=\s*(?P<value>.*)$""")
_QUOTES = ('"""', "'''", '"', "'")


@dataclass(frozen=True)
class Entry:
    """Where the value of a key stands: line and column (1-based) of its first character."""

    line: int
    column: int


# By (table, key): "" is the table of top-level keys, and the key None stands for the table itself.
Places = dict[tuple[str, str | None], Entry]


@dataclass(frozen=True)
class TomlText:
    """A TOML file as data, with the places of its entries.

    Attributes:
        data: what the file says.
        places: the place of each value and of each table.
        lines: the text, line by line.
    """

    data: dict[str, object]
    places: Places
    lines: list[str]

    def line(self, table: str, key: str | None = None) -> int | None:
        """The line of a key, or else of its table, or None."""
        whole = f"{table}.{key}" if table and key else key or table
        outer, _, last = table.rpartition(".")
        for wanted in ((table, key), (whole, None), (table, None), (outer, last)):
            if entry := self.places.get(wanted):
                return entry.line
        return None

    def error(self, problem: str, table: str, key: str | None = None, hint: str | None = None) -> SpecError:
        """The SpecError for a problem with an entry."""
        return SpecError(problem, line=self.line(table, key), hint=hint)

    def place(self, table: str, key: str, text: str) -> Place:
        """The place of the string `text` that is the value of `key`."""
        entry = self.places.get((table, key))
        if entry is None:
            return Place(text, self.line(table, key), None)
        rest = self.lines[entry.line - 1][entry.column - 1 :]
        quote = next((quote for quote in _QUOTES if rest.startswith(quote)), "")
        line, column = entry.line, entry.column + len(quote)
        if len(quote) == 3 and rest == quote:
            line, column = line + 1, 1  # TOML drops a line break right after the opening quotes
        # Offsets in the string are offsets in the file only where the file spells it without escapes.
        found = "\n".join(self.lines[line - 1 : line + text.count("\n")])[column - 1 :]
        return Place(text, line, column if quote and found.startswith(text) else None)


def read_toml(text: str) -> TomlText:
    """Read the text of a TOML file.

    Raises:
        SpecError: with line and column, where the text is not TOML.
    """
    if len(text) > MAX_FILE:
        raise SpecError(f"the model file is longer than {MAX_FILE:,} characters")
    text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if line.partition("=")[0].count(".") > MAX_DOTS and not line.lstrip().startswith("#"):
            raise SpecError(f"a key with more than {MAX_DOTS} dots", line=number)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error)) from None
    except (ValueError, RecursionError, MemoryError, OverflowError):
        raise SpecError("the file holds a number or a nesting that no reader of TOML accepts") from None
    return TomlText(data, _scan(lines), lines)


def _syntax_error(message: str) -> SpecError:
    found = re.search(r"\s*\(at line (\d+), column (\d+)\)", message)
    hint = 'formulas stand in quotes: a1 = "sigmoid(W1*x + b1)"'
    if found is None:
        return SpecError(f"this is not TOML: {message}", hint=hint)
    line, column = int(found[1]), int(found[2])
    return SpecError(f"this is not TOML: {message[: found.start()]}", line=line, column=column, hint=hint)


def _scan(lines: list[str]) -> Places:
    """The place of every key that starts a line."""
    places: Places = {}
    table, inside = "", ""  # inside: the quotes that end the multi-line string we are in
    for number, line in enumerate(lines, 1):
        if inside:
            if inside not in line:
                continue
            line = " " * (line.index(inside) + 3) + line[line.index(inside) + 3 :]
            inside = ""
        if header := _HEADER.match(line):
            table = ".".join(_unquote(part) for part in header["table"].split("."))
            places.setdefault((table, None), Entry(number, 1))
            continue
        if found := _KEY.match(line):
            *outer, key = _split(found["key"])
            path = ".".join([table, *outer] if table else outer)
            places.setdefault((path, key), Entry(number, found.start("value") + 1))
            value = found["value"]
            for quote in _QUOTES[:2]:
                if value.startswith(quote) and quote not in value[3:]:
                    inside = quote
    return places


def _split(key: str) -> list[str]:
    return [_unquote(key)] if key[0] in "\"'" else [part.strip() for part in key.split(".")]


def _unquote(key: str) -> str:
    key = key.strip()
    return key[1:-1] if len(key) > 1 and key[0] in "\"'" and key[-1] == key[0] else key
