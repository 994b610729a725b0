"""TOML with places: the data of a file, and where in its text each key and each string stands.

The standard library's reader keeps no positions. They are only needed to point at errors, so a second, light
scan of the text finds them; where it cannot tell (inline tables, escapes in a string) the place is coarser.
"""

from __future__ import annotations

import itertools
import re
import sys
from dataclasses import dataclass

from symbp.errors import SpecError
from symbp.spec.place import Place
from symbp.spec.toml_limits import MAX_FILE, bare, check_toml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_HEADER = re.compile(r'\s*\[\[?(?P<path>[\w". \t-]+)\]\]?\s*$')
_KEY = re.compile(r'\s*(?P<path>[\w".-](?:[\w". \t-]*[\w".-])?)\s*=\s*')
_QUOTES = ('"""', "'''", '"', "'")


@dataclass(frozen=True)
class Entry:
    """Where a key stands: its line and column, and the column of its value (1-based)."""

    line: int
    column: int
    value: int


# By (table, key): "" is the table of top-level keys, and the key None stands for the table itself.
Places = dict[tuple[str, str | None], Entry]


@dataclass(frozen=True)
class TomlText:
    """A TOML file as data, with the places of its entries.

    Attributes:
        data: what the file says.
        places: the place of each key and of each table.
        lines: the text, line by line.
    """

    data: dict[str, object]
    places: Places
    lines: list[str]

    def entry(self, table: str, key: str | None = None) -> Entry | None:
        """The place of a key, or else of its table, or None."""
        whole = f"{table}.{key}" if table and key else key or table
        outer, _, last = table.rpartition(".")
        wanted = ((table, key), (whole, None), (table, None), (outer, last))
        return next((self.places[place] for place in wanted if place in self.places), None)

    def error(self, problem: str, table: str, key: str | None = None, hint: str | None = None) -> SpecError:
        """The SpecError for a problem with an entry."""
        entry = self.entry(table, key)
        if entry is None:
            return SpecError(problem, hint=hint)
        return SpecError(problem, line=entry.line, column=entry.column, hint=hint)

    def place(self, table: str, key: str, text: str) -> Place:
        """The place of the string `text` that is the value of `key`."""
        entry = self.places.get((table, key))
        if entry is None:
            near = self.entry(table, key)
            return Place(text, near.line if near else None, None)
        rest = self.lines[entry.line - 1][entry.value - 1 :]
        quote = next((quote for quote in _QUOTES if rest.startswith(quote)), "")
        line, column = entry.line, entry.value + len(quote)
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
    text = text.removeprefix("\ufeff").replace(
        "\r\n", "\n"
    )  # what some editors begin files and end lines with
    stripped = bare(text)
    check_toml(stripped)
    lines = text.split("\n")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), lines) from None
    except (ValueError, RecursionError) as error:
        # Not for files within the limits; but a caller may be deep already, or have set limits of its own.
        raise SpecError(f"the TOML of this file cannot be read: {error}") from None
    return TomlText(data, _scan(lines, stripped.split("\n")), lines)


def _syntax_error(message: str, lines: list[str]) -> SpecError:
    """The SpecError for what the reader of TOML says, which ends with the place."""
    problem, _, place = message.partition(" (at ")
    numbers = [int(number) for number in re.findall(r"\d+", place)]
    line, column = numbers if len(numbers) == 2 else (len(lines), len(lines[-1]) + 1)  # "at end of document"
    return SpecError(
        f"this is not TOML: {problem}", line=line, column=column, hint=_hint(problem, lines[line - 1])
    )


def _hint(problem: str, line: str) -> str:
    if re.search("twice|overwrite|duplicate|redefine", problem, re.IGNORECASE):
        return "each name is written once"
    key, _, value = line.partition("=")
    if "[" in key.strip()[1:] and key.strip()[0] not in "[\"'":
        return 'a left-hand side with indices stands in quotes: "z[i]" = "x[i]**2"'
    if key.strip() and value.strip() and value.strip()[0] not in "\"'[{":
        return 'formulas stand in quotes: a1 = "sigmoid(W1*x + b1)"'
    return 'write a table as [equations], an entry as name = value, a formula as a1 = "W1*x + b1"'


def _scan(lines: list[str], stripped: list[str]) -> Places:
    """The place of every table and of every key that starts a line; `stripped` has no strings."""
    places: Places = {}
    table: list[str] = []
    depth = 0  # of brackets that are open where a line begins
    for number, (line, plain) in enumerate(zip(lines, stripped, strict=True), 1):
        header, found = _HEADER.match(plain), _KEY.match(plain)
        if depth == 0 and header:
            table = _parts(line, plain, *header.span("path"))
            _enter(places, table, Entry(number, header.start("path") + 1, header.start("path") + 1))
        elif depth == 0 and found:
            path = [*table, *_parts(line, plain, *found.span("path"))]
            entry = Entry(number, found.start("path") + 1, found.end() + 1)
            places.setdefault((".".join(path[:-1]), path[-1]), entry)
            _enter(places, path[:-1], entry)
        depth += sum(plain.count(c) for c in "[{") - sum(plain.count(c) for c in "]}")
    return places


def _enter(places: Places, path: list[str], entry: Entry) -> None:
    """Note where each of the tables on the way to `path` is met first."""
    for prefix in itertools.accumulate(path, "{}.{}".format):
        places.setdefault((prefix, None), entry)


def _parts(line: str, plain: str, start: int, end: int) -> list[str]:
    """The parts of a dotted key; dots in its strings separate nothing."""
    parts = []
    for part in plain[start:end].split("."):
        parts.append(_unquote(line[start : start + len(part)]))
        start += len(part) + 1
    return parts


def _unquote(key: str) -> str:
    key = key.strip()
    return key[1:-1] if len(key) > 1 and key[0] in "\"'" and key[-1] == key[0] else key
