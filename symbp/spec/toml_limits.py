"""What a model file may look like before a reader of TOML is allowed to see it.

Such readers recurse into nested values, and need quadratic time for long numbers and for long dotted keys.
So strings and comments are blanked out first, and what is left is measured, in time linear in the text.
"""

from __future__ import annotations

import re

from symbp.errors import SpecError

MAX_FILE = 500_000  # characters of a model file
MAX_DOTS = 20  # of a dotted key
MAX_WORD = 1_000  # characters of a number or of a key without quotes
MAX_NESTED = 20  # brackets in brackets; model files need three

# Strings that are never closed count up to the end of their line or of the file, so that no part of the text
# is looked at twice.
_OPAQUE = re.compile(
    r"""\"{3}(?:\\.|[^\\])*?(?:\"{3}|\Z) | '{3}.*?(?:'{3}|\Z)
       | "(?:\\.|[^"\\\n])*"? | '[^'\n]*'? | \#[^\n]*""",
    re.VERBOSE | re.DOTALL,
)
_NO_BREAK = re.compile(r"[^\n]")
_WORD = re.compile(rf"(?<![\w-])[\w-]{{{MAX_WORD + 1}}}")
_DOTTED = re.compile(rf'(?<![\w"-])(?:[\w"-]+[ \t]*\.[ \t]*){{{MAX_DOTS + 1}}}')
_BRACKET = re.compile(r"[\[\]{}]")


def bare(text: str) -> str:
    """`text` with every character of a string replaced by a quote, and of a comment by a blank.

    Line breaks stay, so that lines and columns are those of the text.
    """
    return _OPAQUE.sub(lambda m: _NO_BREAK.sub(" " if m[0][0] == "#" else '"', m[0]), text)


def check_toml(bare_text: str) -> None:
    """Check the lengths and the nesting of a file, given without its strings.

    Raises:
        SpecError: with line and column.
    """
    if found := _WORD.search(bare_text):
        raise _error(bare_text, found, f"a number or a name of more than {MAX_WORD:,} characters")
    if found := _DOTTED.search(bare_text):
        raise _error(bare_text, found, f"a key with more than {MAX_DOTS} dots")
    depth = 0
    for bracket in _BRACKET.finditer(bare_text):
        depth = depth + 1 if bracket[0] in "[{" else max(depth - 1, 0)
        if depth > MAX_NESTED:
            raise _error(bare_text, bracket, f"brackets are nested more than {MAX_NESTED} deep")


def _error(text: str, found: re.Match[str], problem: str) -> SpecError:
    before = text[: found.start()]
    return SpecError(problem, line=before.count("\n") + 1, column=len(before) - before.rfind("\n"))
