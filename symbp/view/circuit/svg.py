"""A scene as one <svg> element: no scripts, no outside resources, no ids; classes start with sbc-."""

from __future__ import annotations

from xml.sax.saxutils import escape

from symbp.view.circuit.palette import BOXES, DARK, LIGHT, TEXTS
from symbp.view.circuit.shapes import Box, Scene, Text, Wire

FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def svg(scene: Scene) -> str:
    """The text of the element. Colours follow the reader's choice of light or dark."""
    size = f'width="{scene.width:.0f}" height="{scene.height:.0f}"'
    wire = f'fill="none" stroke="{LIGHT["wire"]}" stroke-width="1.5" stroke-linecap="round"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sbc" role="img" {size} '
        f'viewBox="0 0 {scene.width:.0f} {scene.height:.0f}" font-family="{FONT}">',
        f"<title>{escape(scene.title)}</title>",
        f"<style>{_dark()}</style>",
        f'<rect class="sbc-background" {size} rx="6" fill="{LIGHT["background"]}"/>',
        f'<g class="sbc-wire" {wire}>',
        *(f'<path d="{_path(w)}"/>' for w in scene.wires),
        "</g>",
        f'<g class="sbc-end" fill="{LIGHT["wire"]}">',
        *(f'<path d="M{a.x:.1f} {a.y:.1f}l-8 -4.5v9z"/>' for a in scene.arrows),
        *(f'<circle cx="{d.x:.1f}" cy="{d.y:.1f}" r="2.6"/>' for d in scene.dots),
        "</g>",
    ]
    for group in scene.groups:
        out.append(f"<g><title>{escape(group.title)}</title>")
        out += [_box(s) if isinstance(s, Box) else _text(s) for s in group.shapes]
        out.append("</g>")
    out += [_text(label) for label in scene.labels]
    out.append("</svg>")
    return "\n".join(out)


def _path(wire: Wire) -> str:
    (x, y), *rest = wire.points
    text = f"M{x:.1f} {y:.1f}"
    for to_x, to_y in rest:
        if abs(to_y - y) < 0.05:
            text += f"H{to_x:.1f}"
        else:
            middle = (x + to_x) / 2
            text += f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        x, y = to_x, to_y
    return text


def _box(b: Box) -> str:
    place = f'x="{b.x:.1f}" y="{b.y:.1f}" width="{b.width:.1f}" height="{b.height:.1f}" rx="{b.radius:.1f}"'
    colours = f'fill="{LIGHT[b.kind]}" stroke="{LIGHT[f"{b.kind}-line"]}" stroke-width="1.3"'
    return f'<rect class="sbc-{b.kind}" {place} {colours}/>'


def _text(t: Text) -> str:
    # The middle of the letters at y: baselines other than the default are not drawn alike everywhere.
    place = f'x="{t.x:.1f}" y="{t.y + 0.35 * t.size:.1f}" font-size="{t.size:g}" text-anchor="{t.anchor}"'
    weight = ' font-weight="bold"' if t.bold else ""
    return f'<text class="sbc-{t.kind}" {place}{weight} fill="{LIGHT[t.kind]}">{escape(t.text)}</text>'


def _dark() -> str:
    """Rules that replace the colours on a dark page."""
    rules = [f".sbc-background{{fill:{DARK['background']}}}"]
    rules += [f".sbc-wire{{stroke:{DARK['wire']}}}", f".sbc-end{{fill:{DARK['wire']}}}"]
    rules += [f".sbc-{kind}{{fill:{DARK[kind]}}}" for kind in TEXTS]
    rules += [f".sbc-{kind}{{fill:{DARK[kind]};stroke:{DARK[f'{kind}-line']}}}" for kind in BOXES]
    return "@media (prefers-color-scheme: dark){" + "".join(rules) + "}"
