"""Names that the compiler makes from others."""

from __future__ import annotations

from collections.abc import Container


def pre_activation_name(activation: str) -> str:
    """z1 for a1 or h1, z_p for p, z_hid for hid: a word that begins with an h is no h with a number."""
    letter, rest = activation[:1], activation[1:]
    return f"z{rest}" if letter in "ah" and not rest[:1].isalpha() else f"z_{activation}"


def part_of(name: str, what: str) -> str:
    """The name of a part of a tensor: (dE/dA)_part2, delta2_part1.

    The parentheses keep the part from being one of A's.
    """
    return f"({name})_{what}" if "/" in name else f"{name}_{what}"


def free_name(name: str, taken: Container[str]) -> str:
    """The name, longer where it is taken."""
    while name in taken:
        name += "_"
    return name


def unshifted(total: str) -> str:
    """What a sum is called whose name another has taken, that with the greatest exponent subtracted."""
    return f"{total}, nothing subtracted"


def peak_of(total: str) -> str:
    """The name of the greatest exponent of a sum: m_E of s_E."""
    return f"m_{total.removeprefix('s_')}"
