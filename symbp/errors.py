"""The errors symbp raises: few kinds, each naming the equation and what to write instead."""

from __future__ import annotations


class SymbpError(Exception):
    """Base of every error that symbp raises on purpose.

    Attributes:
        problem: what is wrong, in one sentence.
        equation: the equation it was found in, as text, or None.
        hint: what to write instead, or None.
    """

    def __init__(self, problem: str, *, equation: object = None, hint: str | None = None):
        self.problem = problem
        self.equation = None if equation is None else shorten(str(equation))
        self.hint = hint
        lines = [problem]
        if self.equation is not None:
            lines.append(f"  in: {self.equation}")
        if hint is not None:
            lines.append(f"  hint: {hint}")
        super().__init__("\n".join(lines))


class NetworkError(SymbpError):
    """The system of equations is not well formed: undefined, doubly defined or cyclic names."""


class ShapeError(SymbpError):
    """Shapes inside an equation do not fit together."""


class UnsupportedError(SymbpError):
    """The mathematics is outside of what symbp compiles (complex values, determinants, ...)."""


class DataError(SymbpError):
    """Arrays given to a compiled model have the wrong name, shape, dtype or content."""


class SpecError(SymbpError):
    """A model file cannot be read; carries the place as `line` and `column` (1-based)."""

    def __init__(
        self,
        problem: str,
        *,
        line: int | None = None,
        column: int | None = None,
        equation: object = None,
        hint: str | None = None,
    ):
        self.line, self.column = line, column
        place = "" if line is None else f"line {line}" + ("" if column is None else f", column {column}")
        super().__init__(f"{place}: {problem}" if place else problem, equation=equation, hint=hint)


class GradientError(SymbpError):
    """A generated gradient disagrees with numerical differentiation; `report` has the numbers."""

    def __init__(self, problem: str, *, report: object = None, **details):
        self.report = report
        super().__init__(problem, **details)


class CacheWarning(UserWarning):
    """A damaged cache entry was found and is being rebuilt."""


def shorten(text: str, limit: int = 300) -> str:
    """`text` on one line, cut in the middle where it is longer than `limit` characters."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    end = min(50, limit // 3)
    return f"{text[: limit - end - 5]} ... {text[-end:]}"
