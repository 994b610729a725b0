"""The shapes a picture consists of, whatever it is drawn with. Units are pixels, y points down."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.cells import cell_len

ADVANCE = 0.61
"""Width of a character of a monospaced font, by its size; the widest of the usual ones."""


@dataclass(frozen=True)
class Text:
    x: float
    y: float
    text: str
    kind: str
    size: float = 12
    anchor: str = "middle"
    bold: bool = False


@dataclass(frozen=True)
class Box:
    """A rectangle with round corners; a circle where the radius is half of both sides."""

    x: float
    y: float
    width: float
    height: float
    radius: float
    kind: str


@dataclass(frozen=True)
class Wire:
    """A smooth path: straight to the right, then a curve, and so on; flat at both ends of each curve."""

    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Arrow:
    """An arrowhead that points to the right, its tip at (x, y)."""

    x: float
    y: float


@dataclass(frozen=True)
class Dot:
    """Where a wire branches."""

    x: float
    y: float


@dataclass(frozen=True)
class Group:
    """The shapes of one gate, and what it is in words."""

    title: str
    shapes: tuple[Text | Box, ...]


@dataclass
class Scene:
    """Everything in a picture; drawn in the order of the fields."""

    width: float
    height: float
    title: str
    wires: list[Wire] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    labels: list[Text] = field(default_factory=list)


def text_width(text: str, size: float) -> float:
    return cell_len(text) * ADVANCE * size
