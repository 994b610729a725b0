"""The syntax tree of a formula, made by Python's own parser once the text is known to be within limits."""

from __future__ import annotations

import ast
import re

from symbp.spec.limits import MAX_NODES, LimitError, check_text
from symbp.spec.place import Place


def parse_syntax(place: Place) -> ast.expr:
    """The syntax tree of the text, within limits.

    Raises:
        SpecError: with line and column, where the text breaks a limit or is no expression.
    """
    try:
        check_text(place.text)
    except LimitError as error:
        raise place.error(error.problem, error.offset, error.hint) from None
    # Every kind of white space becomes a blank: formulas may span lines, and offsets stay what they are.
    text = re.sub(r"\s", " ", place.text)
    margin = len(text) - len(text.lstrip())
    try:
        tree = ast.parse(text.lstrip(), mode="eval").body
    except SyntaxError as error:
        offset = margin + (error.offset or 0) - 1
        if not margin <= offset < len(text.rstrip()):  # versions of Python mark the end differently
            raise place.error(
                "the formula ends too early", len(text.rstrip()), "write what follows"
            ) from None
        raise place.error("this is not a formula", offset, _syntax_hint(error)) from None
    except (ValueError, RecursionError, MemoryError, OverflowError):
        raise place.error(
            "the formula is too deep or too long to be read", 0, "name its parts in equations before"
        ) from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise place.error(f"the formula has more than {MAX_NODES:,} parts", 0, "split it")
    return tree


def _syntax_hint(error: SyntaxError) -> str:
    """Python's own words, where they are about formulas rather than about programs."""
    if error.msg and "keyword argument" in error.msg:
        return error.msg
    return "between two names or numbers stands an operator: 2*x, x + y"


# Most nodes of Python need a character or a word that `limits` refuses; these get through.
_NAMES: dict[type, str] = {
    ast.Starred: "a starred value",
    ast.FloorDiv: "the division //",
}


def describe(node: ast.AST) -> str:
    """What `node` is, for a message."""
    if isinstance(node, ast.Constant):
        return f"a value of type {type(node.value).__name__}"
    return _NAMES.get(type(node), type(node).__name__)
