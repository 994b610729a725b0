"""Identifiers and comments made from text that users chose."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata

LONGEST = 40
_OWN = """np math njit intrinsic types ir llvm zlib signature populate_array f32 theta gradient
work start rows samples at view room keep impl_ret_new_ref PARAMETERS"""
RESERVED = frozenset([*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *_OWN.split()])
"""Names that the generated module uses itself."""


def identifier(text: str) -> str:
    """A readable ASCII identifier for any text; not unique, and never with an underscore in front.

    Names with one are the module's own.
    """
    letters = []
    for char in text[: 4 * LONGEST]:
        if char.isascii():
            letters.append(char if char.isalnum() else "_")
            continue
        plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
        known = unicodedata.name(char, "")
        if " LETTER " in known and "WITH" not in known and not plain:
            plain = known.rsplit(" ", 1)[1]
            plain = plain.lower() if "SMALL" in known else plain.capitalize()
        letters.append(plain if plain.isalnum() else "_")
    name = re.sub("_+", "_", "".join(letters)).strip("_")[:LONGEST].rstrip("_")
    if not name:
        return "v"
    return "v" + name if name[0].isdigit() else name


class Namer:
    """Hands out identifiers, each only once."""

    def __init__(self, taken: frozenset[str] | set[str] = RESERVED):
        self.taken = set(taken)
        self.last: dict[str, int] = {}

    def __call__(self, text: str) -> str:
        """An identifier like `text` that was not handed out before."""
        base = identifier(text)
        name = base
        number = self.last.get(base, 1)
        while name in self.taken:
            number += 1
            name = f"{base}_{number}"
        self.last[base] = number
        self.taken.add(name)
        return name

    def with_ends(self, text: str, ends: tuple[str, ...]) -> str:
        """An identifier that is still free with every one of the endings, which it takes too."""
        name = self(text)
        while any(name + end in self.taken for end in ends):
            name = self(text)
        self.taken.update(name + end for end in ends)
        return name


def comment(text: str, longest: int = 96) -> str:
    """Text that is safe in a comment or a docstring: one line of printable ASCII, no quotes' ends."""
    text = text[: 4 * longest]
    plain = "".join(c if c.isascii() and c.isprintable() else _spelled(c) for c in text)
    plain = plain.replace("\\", "/").replace('"', "'")
    return plain if len(plain) <= longest else plain[: longest - 3] + "..."


def _spelled(char: str) -> str:
    return identifier(char) if unicodedata.category(char).startswith("L") else " "
