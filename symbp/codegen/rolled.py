"""Runs of calls that differ in nothing but offsets, evenly spaced, as loops: the layers of a deep network.

Numba takes a second for forty calls, however alike they are. Written out they run faster, by up to a tenth
where layers are small (60 of 16 units, float32), so that loops are for stages where there are `MANY`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MANY = 80
"""Calls of a stage beyond which they stand in loops."""

LEAST = 4
"""Rounds that are worth a loop."""

LONGEST = 40
"""Calls of a round."""

_OFFSET = re.compile(r"(?<![\w.])at\((\d+)\)")


class Piece(NamedTuple):
    """Some lines, and the number of calls in their text."""

    calls: int
    lines: list[str]


def rolled(calls: list[list[str]], step: str) -> list[Piece]:
    """The calls in their order, with loops over `step` where rounds of them repeat.

    Args:
        calls: lines of each, comments among them.
        step: the name of a variable; without one there are no loops.
    """
    if not step:
        return [Piece(1, lines) for lines in calls]
    texts = [_without_offsets(lines) for lines in calls]
    offsets = [_offsets(lines) for lines in calls]
    pieces = []
    k = 0
    while k < len(calls):
        length, rounds = _longest(texts, offsets, k)
        if rounds < LEAST:
            pieces.append(Piece(1, calls[k]))
            k += 1
            continue
        body = []
        for at in range(k, k + length):
            steps = [b - a for a, b in zip(offsets[at], offsets[at + length], strict=True)]
            body += _stepped(calls[at], steps, step)
        head = [f"# {rounds} times what is alike, the first time:", f"for {step} in range({rounds}):"]
        pieces.append(Piece(length, [*head, *("    " + line for line in body)]))
        k += length * rounds
    return pieces


def groups(pieces: list[Piece], most: int) -> list[list[Piece]]:
    """The pieces in groups of at most so many calls, or of one piece."""
    found: list[list[Piece]] = []
    count = most
    for piece in pieces:
        if count + piece.calls > most:
            found.append([])
            count = 0
        found[-1].append(piece)
        count += piece.calls
    return found


def _longest(texts: list[str], offsets: list[list[int]], k: int) -> tuple[int, int]:
    """Length and number of the rounds from the k-th call on that cover the most calls."""
    best = (1, 1)
    for length in range(1, min(LONGEST, (len(texts) - k) // LEAST) + 1):
        rounds = 1 + _repeats(texts, offsets, k, length) // length
        if length * rounds > best[0] * best[1] and rounds >= LEAST:
            best = length, rounds
    return best


def _repeats(texts: list[str], offsets: list[list[int]], k: int, length: int) -> int:
    """Calls after the first round that are alike those one round before, as far from them as those are."""
    at = k + length
    while at < len(texts) and texts[at] == texts[at - length]:
        if at >= k + 2 * length:
            here, before, first = offsets[at], offsets[at - length], offsets[at - 2 * length]
            if any(c - b != b - a for a, b, c in zip(first, before, here, strict=True)):
                break
        at += 1
    return at - k - length


def _code(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.lstrip().startswith("#")]


def _without_offsets(lines: list[str]) -> str:
    return "\n".join(_OFFSET.sub("at()", line) for line in _code(lines))


def _offsets(lines: list[str]) -> list[int]:
    return [int(n) for line in _code(lines) for n in _OFFSET.findall(line)]


def _stepped(lines: list[str], steps: list[int], name: str) -> list[str]:
    """The lines with offsets that go on by so much every time."""
    left = iter(steps)

    def offset(found: re.Match) -> str:
        step = next(left)
        if not step:
            return found[0]
        if found[1] == "0":
            return f"at({step}*{name})"
        return f"at({found[1]} {'+' if step > 0 else '-'} {abs(step)}*{name})"

    return [line if line.lstrip().startswith("#") else _OFFSET.sub(offset, line) for line in lines]
