"""What a formula may look like before Python's own parser is allowed to see it.

`ast.parse` is safe to call on any text in so far as it executes nothing, but it spends time and stack on
huge numbers and deep nesting. So the text is first split into tokens by one regular expression, and sizes,
characters and nesting are checked on the tokens. Time and memory are linear in the length of the text.
"""

from __future__ import annotations

import keyword
import re

MAX_LENGTH = 20_000  # characters of one formula
MAX_DIGITS = 40  # of one number; also ends the quadratic cost of reading long integers
MAX_BRACKETS = 60  # nested; CPython itself stops at 200
MAX_DEPTH = 2_000  # of the syntax tree; CPython's tree builder stops near 3,000
MAX_SIGNS = 20  # signs or `not` in a row
MAX_TOWER = 10  # powers in a row, a**b**c
MAX_NODES = 20_000  # of the syntax tree
MAX_SIZE = 20_000  # of the resulting expression, shared parts counted each time they occur
MAX_EXPONENT = 1_000  # absolute value of a constant exponent

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[^\W\d]\w*)
      | (?P<operator>\*\*|//|==|!=|<=|>=|[-+*/@()\[\].,<>=])""",
    re.VERBOSE,
)
_WORDS = {"and", "or", "not", "True", "False"}  # the keywords of Python that mean something in a formula
_WRITTEN = "a formula is written with names, numbers, operators and calls, such as sigmoid(W*x + b)"
_HINTS = {
    "^": "powers are written with **, as in x**2",
    "'": "a formula holds no text",
    '"': "a formula holds no text",
    "&": "conditions are joined by `and`",
    "|": "conditions are joined by `or`; the absolute value is abs(x)",
    "~": "a condition is negated by `not`",
    ":": "slices, lambdas and assignments have no place in a formula",
    "{": "brackets are ( ) for grouping and [ ] for indices",
    "}": "brackets are ( ) for grouping and [ ] for indices",
    ";": "one formula per equation",
    "#": "comments belong outside of the formula, after its closing quote",
    "%": "the remainder is not differentiable; write x - n*floor(x/n) if you mean it",
    "⊙": "the elementwise product is hadamard(a, b)",
    "·": "multiplication is written with *",
    "×": "multiplication is written with *",
    "−": "minus is written with the ASCII character -",
    "!": "a factorial is gamma(n + 1)",
    "\\": "a formula is one expression, without escapes",
}


class LimitError(ValueError):
    """A formula breaks a limit at character `offset`; `hint` says what to write instead."""

    def __init__(self, problem: str, offset: int, hint: str | None = None):
        self.problem, self.offset, self.hint = problem, offset, hint
        super().__init__(problem)


def check_text(text: str) -> None:
    """Check characters, lengths and nesting of a formula, without parsing it.

    Raises:
        LimitError: with the offset of the first character that is at fault.
    """
    if len(text) > MAX_LENGTH:
        hint = "split it into several equations with names of their own"
        raise LimitError(f"the formula is longer than {MAX_LENGTH:,} characters", MAX_LENGTH, hint)
    if not text.strip():
        raise LimitError("the formula is empty", 0, "write a formula, such as W*x + b")
    _check_nesting(_tokens(text))


def _tokens(text: str) -> list[tuple[str, int]]:
    """The (token, offset) pairs of `text`, without white space; numbers are returned as "0"."""
    tokens: list[tuple[str, int]] = []
    position, previous = 0, ""
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            character = text[position]
            shown = repr(character) if character.isprintable() else f"U+{ord(character):04X}"
            raise LimitError(
                f"the character {shown} has no meaning in a formula",
                position,
                _HINTS.get(character, _WRITTEN),
            )
        kind, token = str(match.lastgroup), match.group()
        if kind == "number" and sum(c.isdigit() for c in token) > MAX_DIGITS:
            raise LimitError(f"a number has more than {MAX_DIGITS} digits", position, "float64 holds 17")
        if kind == "name":
            _check_name(token, position, after_number=previous == "number")
        if kind == "number" and previous == "number":
            raise LimitError(
                f"the number before {token!r} is malformed", position, "numbers are written 1, 0.5 or 1e-3"
            )
        if kind != "space":
            tokens.append(("0" if kind == "number" else token, position))
        position, previous = match.end(), kind
    return tokens


def _check_name(token: str, position: int, *, after_number: bool) -> None:
    if after_number:
        raise LimitError(f"a number runs into {token!r}", position, f"products are written out: 2*{token}")
    if not token.isidentifier():
        hint = (
            "powers are written with **, as in x**2"
            if token[-1] in "²³"
            else "names are letters, digits and _"
        )
        raise LimitError(f"{token!r} is not a name", position, hint)
    if keyword.iskeyword(token) and token not in _WORDS:
        hint = "write where(condition, a, b)" if token in ("if", "else") else _WRITTEN
        raise LimitError(f"the word {token!r} has no meaning in a formula", position, hint)


def _check_nesting(tokens: list[tuple[str, int]]) -> None:
    """Bound what the parser will need: brackets, runs of signs, towers of powers, depth of the tree."""
    open_brackets: list[tuple[str, int]] = []
    operators = [0]  # per open bracket: operators since it was opened or since its last comma
    towers = [0]  # per open bracket: `**` since the last other binary operator
    signs, depth = 0, 0
    expects_operand = True  # a sign here is unary
    for token, offset in tokens:
        if token == "." or (token in "([" and not expects_operand):
            depth += 1  # x.T, x[i] and f(x) make the tree deeper, as operators do
            operators[-1] += 1
            _check_runs(signs, towers[-1], depth, offset)
        if token in "([":
            open_brackets.append((token, offset))
            operators.append(0)
            towers.append(0)
            if len(open_brackets) > MAX_BRACKETS:
                hint = "give the inner parts names of their own, as equations before this one"
                raise LimitError(f"brackets are nested more than {MAX_BRACKETS} deep", offset, hint)
            expects_operand, signs = True, 0
        elif token in ")]":
            if not open_brackets or open_brackets[-1][0] + token not in ("()", "[]"):
                raise LimitError(f"{token!r} closes no bracket", offset, "leave it out, or open one before")
            open_brackets.pop()
            depth -= operators.pop()
            towers.pop()
            expects_operand, signs = False, 0
        elif token == ",":
            depth -= operators[-1]
            operators[-1] = towers[-1] = signs = 0
            expects_operand = True
        elif (token[0].isidentifier() and token not in ("and", "or", "not")) or token in ("0", "."):
            expects_operand, signs = False, 0
        else:
            depth += 1
            operators[-1] += 1
            unary = expects_operand and token in ("+", "-", "not")
            signs = signs + 1 if unary else 0
            # A sign does not end a tower: a**-b**-c.
            towers[-1] = towers[-1] + 1 if token == "**" else towers[-1] if unary else 0
            expects_operand = True
            _check_runs(signs, towers[-1], depth, offset)
    if open_brackets:
        bracket, offset = open_brackets[-1]
        raise LimitError(f"{bracket!r} is never closed", offset, "close it where its part ends")


def _check_runs(signs: int, tower: int, depth: int, offset: int) -> None:
    if signs > MAX_SIGNS:
        raise LimitError(f"more than {MAX_SIGNS} signs in a row", offset, "leave them out")
    if tower > MAX_TOWER:
        raise LimitError(f"more than {MAX_TOWER} powers in a row", offset, "set brackets, or name the parts")
    if depth > MAX_DEPTH:
        hint = "split the formula into several equations with names of their own"
        raise LimitError(f"more than {MAX_DEPTH:,} operations in a row", offset, hint)
