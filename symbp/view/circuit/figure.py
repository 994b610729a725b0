"""A scene as a matplotlib figure, for PNG and PDF."""

from __future__ import annotations

import warnings
from pathlib import Path as FilePath
from typing import Any

from symbp.errors import SymbpError
from symbp.view.circuit.palette import LIGHT
from symbp.view.circuit.shapes import Box, Scene, Text, Wire

DPI = 192
LONGEST = 20_000
"""Pixels along one side of a PNG: tall pictures get fewer to the inch."""

POINTS = 72 / 96
"""A pixel in points, at the 96 pixels to an inch of SVG."""


def figure(scene: Scene) -> Any:
    """The figure, of the size of the SVG. Made without pyplot: no global state, no window.

    Raises:
        SymbpError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import Circle, PathPatch, Polygon
    except ImportError:
        raise SymbpError("pictures as PNG need matplotlib", hint="pip install 'symbp[plot]'") from None
    made = Figure(figsize=(scene.width / 96, scene.height / 96), facecolor=LIGHT["background"])
    FigureCanvasAgg(made)
    axes = made.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, scene.width), ylim=(scene.height, 0))
    axes.set_axis_off()
    for wire in scene.wires:
        axes.add_patch(PathPatch(_path(wire), fill=False, edgecolor=LIGHT["wire"], linewidth=1.5 * POINTS))
    for a in scene.arrows:
        tip = [(a.x, a.y), (a.x - 8, a.y - 4.5), (a.x - 8, a.y + 4.5)]
        axes.add_patch(Polygon(tip, facecolor=LIGHT["wire"], linewidth=0))
    for d in scene.dots:
        axes.add_patch(Circle((d.x, d.y), 2.6, facecolor=LIGHT["wire"], linewidth=0))
    for group in scene.groups:
        for s in group.shapes:
            if isinstance(s, Text):
                _text(axes, s)
                continue
            line = LIGHT[f"{s.kind}-line"]
            options = {"facecolor": LIGHT[s.kind], "edgecolor": line, "linewidth": 1.3 * POINTS}
            axes.add_patch(PathPatch(_outline(s), **options))
    for label in scene.labels:
        _text(axes, label)
    return made


def write(made: Any, path: FilePath, kind: str) -> None:
    """The figure as a file; signs that the font lacks become boxes, without a warning for each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        made.savefig(path, dpi=min(DPI, LONGEST / max(made.get_size_inches())), format=kind)


def _path(wire: Wire) -> Any:
    from matplotlib.path import Path

    (x, y), *rest = wire.points
    points, codes = [(x, y)], [Path.MOVETO]
    for to_x, to_y in rest:
        middle = (x + to_x) / 2
        points += [(middle, y), (middle, to_y), (to_x, to_y)]
        codes += [Path.CURVE4] * 3
        x, y = to_x, to_y
    return Path(points, codes)


def _outline(b: Box) -> Any:
    """A rectangle with corners that are quarters of a circle; matplotlib's own round boxes are not."""
    from matplotlib.path import Path

    r = min(b.radius, b.width / 2, b.height / 2)
    k = r * (1 - 0.5523)  # control points of a quarter of a circle
    x, y, right, bottom = b.x, b.y, b.x + b.width, b.y + b.height
    corners = [
        ((right - r, y), (right - k, y), (right, y + k), (right, y + r)),
        ((right, bottom - r), (right, bottom - k), (right - k, bottom), (right - r, bottom)),
        ((x + r, bottom), (x + k, bottom), (x, bottom - k), (x, bottom - r)),
        ((x, y + r), (x, y + k), (x + k, y), (x + r, y)),
    ]
    points, codes = [(x + r, y)], [Path.MOVETO]
    for first, *curve in corners:
        points += [first, *curve]
        codes += [Path.LINETO, *[Path.CURVE4] * 3]
    return Path([*points, (x + r, y)], [*codes, Path.CLOSEPOLY])


def _text(axes: Any, t: Text) -> None:
    place = {"middle": "center", "start": "left", "end": "right"}[t.anchor]
    axes.text(
        t.x,
        t.y,
        t.text,
        fontsize=t.size * POINTS,
        family="DejaVu Sans Mono",
        weight="bold" if t.bold else "normal",
        color=LIGHT[t.kind],
        ha=place,
        va="center_baseline",
        parse_math=False,
    )
