"""Operations that are alike: those that do the same with numbers which were made in the same way.

In a sum over components, what is computed for one of them is computed for the next one, too. Where most of
a text is so, one instruction does it for as many components as a register holds. The numbers are the same.

The source of these functions becomes part of generated modules.
"""

from __future__ import annotations

from symbp.codegen.support import line_operands


def levels(lines):
    """The level of each line: even ones are of operations, odd ones of calls. Neither waits for others of its
    level but operations for operations."""
    level: dict = {}
    found = []
    for words in lines:
        called = words[1] == "call"
        before = [level[name] for name in line_operands(words)]
        own = max((r + (r % 2 == 0) + 2 * (r % 2) if called else r + r % 2 for r in before), default=called)
        if words[0] != "-":
            level[words[0]] = own
        found.append(own)
    return found


def alike(lines, width, least=3):
    """The lines, level by level, those that are alike side by side, and by name the group of each of these;
    where most lines are not alike, the lines as they are, and no groups.

    What is loaded is all of one kind, and so are constant numbers.

    Args:
        lines: words of each.
        width: the most lines of a group.
        least: the fewest.
    """
    shapes: dict = {}
    shape: dict = {}
    members: dict = {}
    places, operations = [], 0
    for at, (words, level) in enumerate(zip(lines, levels(lines), strict=True)):
        name, op = words[:2]
        if name == "-":
            places.append((level, 1, 0, at))  # results after all that is computed at their level
            continue
        parts = tuple(shape[n] for n in line_operands(words))
        kind = words[2] if op == "call" or words[2] in ("True", "False") else ""
        own = shapes.setdefault((op, kind, parts), len(shapes))
        shape[name] = own
        places.append((level, 0, 0 if op == "call" else own, at))
        if op not in ("load", "const", "call"):
            operations += 1
            members.setdefault((level, own), []).append(name)
    groups = {
        name: (*key, k // width)
        for key, names in members.items()
        for k, name in enumerate(names)
        if len(names) >= least
    }
    if 2 * len(groups) < operations:
        return lines, {}
    # What a line needs was seen before it, so that its shape has a lower number.
    return [lines[at] for *_, at in sorted(places)], groups
