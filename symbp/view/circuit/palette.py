"""Colours on a light and on a dark page, by the kind of a shape; `<kind>-line` is the outline of a box."""

LIGHT = {
    "background": "#ffffff",
    "wire": "#6b7280",
    "gate": "#f3f4f6",
    "gate-line": "#374151",
    "output": "#e0e7ff",
    "output-line": "#374151",
    "input": "#ecfeff",
    "input-line": "#67a3ad",
    "parameter": "#fffbeb",
    "parameter-line": "#c2a04e",
    "link": "#ffffff",
    "link-line": "#9ca3af",
    "ink": "#111827",
    "muted": "#4b5563",
    "value": "#15803d",
    "gradient": "#b91c1c",
}

DARK = {
    "background": "#111827",
    "wire": "#9ca3af",
    "gate": "#1f2937",
    "gate-line": "#9ca3af",
    "output": "#312e81",
    "output-line": "#9ca3af",
    "input": "#164e63",
    "input-line": "#5b8f9b",
    "parameter": "#453510",
    "parameter-line": "#a3853a",
    "link": "#111827",
    "link-line": "#6b7280",
    "ink": "#f3f4f6",
    "muted": "#c4cad3",
    "value": "#4ade80",
    "gradient": "#f87171",
}

BOXES = ("gate", "output", "input", "parameter", "link")
TEXTS = ("ink", "muted", "value", "gradient")
