"""What the names of a generated module mean, each found out when it is first asked for.

Half of such a text are micro-kernels, which are compiled apart: to read and run all of it would take longer
than to lower what is called. So a function is read when it is called, and what is no function, or is more
than that, when what mentions it is needed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from types import CodeType
from typing import Any

from symbp.machine.host import Llvm
from symbp.machine.values import NotCovered
from symbp.machine.vocabulary import WORDS

_FUNCTION = re.compile(r"(?:@(?:njit\b|contextmanager\b).*\n)*def (\w+)")
_DEFINED = re.compile(r"(?:@.*\n)*(?:def|class) (\w+)")
_ASSIGNED = re.compile(r"(\w+(?:, ?\w+)*)(?::[^=\n]*)? = ")
_LONG_TEXT = re.compile(r'""".*?"""', re.DOTALL)
_ANY = "globals()"
"""Who calls this may look for any name."""


class Names:
    """The names of a text.

    Raises:
        NotCovered: it imports more from Numba than `WORDS`, or has statements that make no names.
    """

    def __init__(self, text: str):
        self._made: dict[str, Any] = {"__name__": "generated"}
        self._pieces: dict[str, Piece] = {}
        for lines in pieces(text):
            if lines.startswith(("import ", "from ")):
                self._import(ast.parse(lines).body)
            elif not lines.startswith(('"', "'")):
                piece = Piece(lines)
                self._pieces |= dict.fromkeys(piece.names, piece)

    def __contains__(self, name: str) -> bool:
        return name in self._made or name in self._pieces

    def __getitem__(self, name: str) -> Any:
        if name in self._pieces:
            self._make(self._pieces[name])
        return self._made[name]

    def definition(self, name: str) -> ast.FunctionDef | None:
        """The function of a name; None where the text has none."""
        piece = self._pieces.get(name)
        (node,) = piece.tree.body if piece and len(piece.tree.body) == 1 else (None,)
        return node if isinstance(node, ast.FunctionDef) else None

    def decorators(self, name: str) -> str:
        """The text before the word def of a function; empty for what is none."""
        piece = self._pieces.get(name)
        return piece.text.partition("def ")[0] if piece and piece.is_function else ""

    def _import(self, nodes: list[ast.stmt]) -> None:
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "numba":
                for alias in node.names:
                    if alias.name not in WORDS:
                        raise NotCovered(f"{alias.name} of Numba")
                    self._made[alias.asname or alias.name] = WORDS[alias.name]
            elif isinstance(node, ast.Import) and node.names[0].name == "llvmlite.binding":
                self._made[node.names[0].asname or "llvmlite"] = Llvm()
            else:
                exec(compile(ast.Module([node], []), "<generated>", "exec"), self._made)

    def _make(self, piece: Piece) -> None:
        """Run a piece, between what it needs at once and what its functions need when they are called."""
        if piece.made:
            return
        piece.made = True
        self._need(piece.at_once)
        self._run(piece)
        if _ANY in piece.text:
            for other in self._pieces.values():
                self._make(other)
        self._need(piece.mentioned)

    def _need(self, names: Iterable[str]) -> None:
        for name in names:
            other = self._pieces.get(name)
            if other is not None and other.is_function:
                self._made.setdefault(name, self._called_later(name, other))
            elif other is not None:
                self._make(other)

    def _run(self, piece: Piece) -> None:
        if not piece.run:
            piece.run = True
            exec(piece.code, self._made)

    def _called_later(self, name: str, piece: Piece) -> Callable[..., Any]:
        """A function that is read when it is called."""

        def call(*arguments: Any, **others: Any) -> Any:
            self._make(piece)
            self._run(piece)  # where it is just being made
            return self._made[name](*arguments, **others)

        call.__name__ = name
        return call


class Piece:
    """A function, a class or a statement at the margin of a text, with the names that it makes."""

    def __init__(self, text: str):
        self.text, self.made, self.run = text, False, False
        self.is_function = bool(_FUNCTION.match(text))
        self.names = defined(text)
        if not self.names:
            raise NotCovered(f"the statement {text.splitlines()[0]}")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def code(self) -> CodeType:
        """What runs it: most generated modules have many pieces in common."""
        return _code(self.text) if len(self.text) < LONG else _code.__wrapped__(self.text)

    @property
    def at_once(self) -> list[str]:
        """Names of what it needs when it is run: in the lines of functions and classes that are run then."""
        lines = self.text.splitlines()
        if self.is_function:
            end = next(k for k, line in enumerate(lines, 1) if line.endswith(":"))
            return _words("\n".join(lines[:end]))
        if _DEFINED.match(self.text):
            return _words("\n".join(line for line in lines if not line.startswith(5 * " ")))
        return self.mentioned

    @cached_property
    def mentioned(self) -> list[str]:
        """All names in it."""
        return _words(self.text)


def _words(text: str) -> list[str]:
    """Words, each once; those of comments too, which does no harm."""
    return [*dict.fromkeys(re.findall(r"[A-Za-z_]\w*", _LONG_TEXT.sub("", text)))]


LONG = 10_000
"""Characters of a piece that is hardly the same in another module."""


@lru_cache(maxsize=256)
def _code(text: str) -> CodeType:
    return compile(text, "<generated>", "exec", dont_inherit=True)


def pieces(text: str) -> Iterator[str]:
    """What begins at the margin, formatted as generated modules are, with the lines that go on from there."""
    found: list[str] = []
    within = False  # a text in triple quotes
    for line in text.splitlines(keepends=True):
        begins = not within and line[0] not in " \n)]}#"
        if begins and found and not found[-1].startswith("@"):
            yield "".join(found)
            found = []
        if begins or found:
            found.append(line)
        within ^= line.count('"""') % 2 == 1
    if found:
        yield "".join(found)


def defined(piece: str) -> list[str]:
    """The names that a piece of a text makes, if it is a function, a class or an assignment."""
    found = _DEFINED.match(piece) or _ASSIGNED.match(piece)
    return re.findall(r"\w+", found[1]) if found else []
