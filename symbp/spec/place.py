"""Where a formula stands in its file, and the errors that point there."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from symbp.errors import SpecError, shorten

_LONGEST, _MOST = (
    40,
    2_000,
)  # of the names that are compared: it takes time cubic in the one, linear in the other


@dataclass(frozen=True)
class Place:
    """Where a formula stands in its file, so that errors can point into it.

    Attributes:
        text: the formula.
        line: the line that its first character stands on (1-based), or None where unknown.
        column: the column of its first character (1-based), or None where offsets cannot be told.
    """

    text: str
    line: int | None = None
    column: int | None = 1

    def error(self, problem: str, offset: int, hint: str | None = None) -> SpecError:
        """The SpecError for a problem found `offset` characters into the text."""
        line, column = self.line or 1, None
        if self.column is not None:
            before = self.text[:offset]
            newlines = before.count("\n")
            column = offset - (before.rfind("\n") + 1) + (1 if newlines else self.column)
            line += newlines
        return SpecError(shorten(problem), line=line, column=column, equation=self.text, hint=hint)


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """ "did you mean 'sigmoid'?", or None where nothing known is close to `name`."""
    close = difflib.get_close_matches(name[:_LONGEST], list(itertools.islice(known, _MOST)), n=1)
    return f"did you mean {close[0]!r}?" if close else None
